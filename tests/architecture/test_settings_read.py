"""Every setting has a reader: what is set and read by nobody would be a promise that nothing keeps.

A field counts as read where the source names it behind its area: `settings.area.field`, through a name for the area
(`mine = settings.area`), or through an argument of the area's type. `test_unused` knows names alone, and `url` or
`timeout_s` are names of many things.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_type_hints

from aiops.settings import Settings

SOURCE: Final = Path("src/aiops")
AREAS: Final = get_type_hints(Settings)
FIELDS: Final = {(area, field) for area, struct in AREAS.items() for field in struct.__struct_fields__}
# Where a field is read by a name that is put together.
BY_NAME: Final = {
    ("peers", "registry_url"): "compose, by the role's name",
    ("peers", "collector_url"): "compose, by the role's name",
    ("peers", "intelligence_url"): "compose, by the role's name",
    ("peers", "streaming_url"): "compose, by the role's name",
}


def last_name(node: ast.AST) -> str:
    """The name that an expression ends with; empty where it has none."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def area_of(node: ast.AST, known: dict[str, str]) -> str | None:
    """The area that an expression stands for."""
    if isinstance(node, ast.Call) and last_name(node.func) == "replace" and node.args:
        return area_of(node.args[0], known)
    if isinstance(node, ast.Attribute) and node.attr in AREAS and "settings" in last_name(node.value):
        return node.attr
    return known.get(last_name(node))


def names_of_areas(tree: ast.AST) -> dict[str, str]:
    """Name -> the area that it stands for in this file."""
    types = {struct.__name__: area for area, struct in AREAS.items()}
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation is not None and last_name(node.annotation) in types:
            known[node.arg] = types[last_name(node.annotation)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and (area := area_of(node.value, known)) is not None:
            known |= {last_name(target): area for target in node.targets if last_name(target) not in ("", "settings")}
    return known


def reads(source: str) -> Iterator[tuple[str, str]]:
    """Every (area, field) that a file reads."""
    tree = ast.parse(source)
    known = names_of_areas(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
            continue
        area = area_of(node.value, known)
        if area is not None and (area, node.attr) in FIELDS:
            yield area, node.attr


def read_anywhere() -> set[tuple[str, str]]:
    files = [file for file in SOURCE.rglob("*.py") if file != SOURCE / "settings.py"]
    return {found for file in files for found in reads(file.read_text())}


def test_every_setting_has_a_reader() -> None:
    assert sorted(FIELDS - read_anywhere() - BY_NAME.keys()) == []


def test_no_exception_outlives_its_reason() -> None:
    assert BY_NAME.keys() <= FIELDS
    assert sorted(BY_NAME.keys() & read_anywhere()) == []
    assert 'f"{role}_url"' in (SOURCE / "compose.py").read_text()


def test_the_same_name_elsewhere_is_no_reader() -> None:
    assert set(reads("request.url; settings.database.url; infra.redis.url")) == {("database", "url")}
    assert set(reads("def build(settings):\n    mine = settings.registry\n    f(mine.history_days)")) == {
        ("registry", "history_days")
    }
    assert set(reads("def __init__(self, own: CollectorSettings) -> None:\n    self._label = own.cluster_label")) == {
        ("collector", "cluster_label")
    }
    assert set(reads("settings = replace(self._settings.http, port=1)")) == set()
