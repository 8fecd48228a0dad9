"""All cells of the specification with a counterpart in the chart, by area: what is written there, and what we have.

The specification's side needs no helm, so that each cell is a test of its own before anything is rendered.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from tests.chart import resources, seed
from tests.chart.cases import AS_SPECIFIED, SPOKE
from tests.chart.cells import ABSENT, cells, compared
from tests.chart.helm import CHART, Case, default_values, find
from tests.chart.hook import filled, oauth_client

Cells = Mapping[str, str]


@dataclass(frozen=True)
class Area:
    """A part of the specification: its cells as written and, under the same names, ours."""

    wanted: Callable[[], Cells]
    ours: Callable[[], Cells]


def values_wanted() -> Cells:
    return {f"5.1 {path}": value for path, value in cells(seed.values())}


@cache
def values_ours() -> Cells:
    return {f"5.1 {path}": mine for path, _, mine in compared(seed.values(), default_values())}


def manifests_area(number: str, case: Case) -> Area:
    """The objects of one section, compared with the rendered ones of the same kind and name."""

    def each() -> Iterator[tuple[str, Mapping[str, Any]]]:
        for item in seed.manifests(number):
            yield f"{number} {item['kind']} {item['metadata']['name']}", item

    def wanted() -> Cells:
        return {f"{name} {path}": value for name, item in each() for path, value in cells(item)}

    @cache
    def ours() -> Cells:
        return {
            f"{name} {path}": mine
            for name, item in each()
            for path, _, mine in compared(item, _effective(_found(case, item["kind"], item["metadata"]["name"]), case))
        }

    return Area(wanted, ours)


def _found(case: Case, kind: str, name: str) -> Mapping[str, Any] | None:
    """The rendered object; for a Secret or an OAuthClient that the installation's Job makes, what it will be."""
    if kind == "OAuthClient":
        made = oauth_client(case)
        return made if made and made["metadata"]["name"] == name else None
    if kind == "Secret" and (keys := filled(case).get(name)) is not None:
        content = {key: _content(recipe, keys) for key, recipe in keys.items()}
        return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "type": "Opaque", "stringData": content}
    return find(case, kind, name)


def _content(recipe: Mapping[str, str], keys: Mapping[str, Mapping[str, str]]) -> str:
    """A key's value: written, made at random, or put together from other keys."""
    if "derive" not in recipe:
        return recipe.get("value", "<random>")
    return re.sub(r"\$\((\w+)\)", lambda match: _content(keys[match[1]], keys), recipe["derive"])


def _effective(item: Mapping[str, Any] | None, case: Case) -> Mapping[str, Any] | None:
    """The object with what helm adds when it installs it: the release's namespace."""
    if item is None:
        return None
    metadata = {"namespace": case.namespace, **item["metadata"]}
    return {**item, "metadata": metadata}


def files_wanted() -> Cells:
    """The files of the specification's tree, one per chart, each with its folder."""
    found: dict[str, str] = {}
    folders: list[str] = []
    for line in seed.blocks("5")[0].splitlines()[1:]:
        name = line.split("# ")[0].strip("│├└─ ")
        if not name:
            continue
        depth = (len(line) - len(line.lstrip("│├└─ "))) // 4 - 1
        folders[depth:] = [name.rstrip("/")]
        found["5 " + "/".join(folders)] = "a folder" if name.endswith("/") else "a file"
    return found


def files_ours() -> Cells:
    kinds: dict[str, str] = {}
    for name in files_wanted():
        path = (
            CHART.joinpath(*name.removeprefix("5 ").split("/")[1:])
            if name.startswith("5 aiops-nextgen")
            else CHART / name
        )
        kinds[name] = "a folder" if path.is_dir() else "a file" if path.is_file() else ABSENT
    return kinds


def names_wanted() -> Cells:
    """The objects that the drawing of the namespaces lists: `• api-gateway` below `Deployments:`."""
    found: dict[str, str] = {}
    kind = namespace = ""
    for line in seed.blocks("3")[0].splitlines():
        inside = line.strip("│┌┐└┘─ ")
        if inside.startswith("aiops-nextgen"):
            namespace = inside
        elif inside.endswith("s:"):
            kind = inside.removesuffix("s:")
        elif inside.startswith("•"):
            found[f"3 {kind} {inside.strip('• ').split()[0]}"] = namespace
    return found


def names_ours() -> Cells:
    found: dict[str, str] = {}
    for cell in names_wanted():
        _, kind, name = cell.split()
        item = find(AS_SPECIFIED, kind, name)
        found[cell] = ABSENT if item is None else item["metadata"].get("namespace", AS_SPECIFIED.namespace)
    return found


AREAS: Final[Mapping[str, Area]] = {
    "3": Area(names_wanted, names_ours),
    "4": Area(resources.wanted, resources.ours),
    "5": Area(files_wanted, files_ours),
    "5.1": Area(values_wanted, values_ours),
    **{number: manifests_area(number, AS_SPECIFIED) for number in ("6.1", "6.2", "6.3", "7.1", "7.2", "7.4")},
    "7.3": manifests_area("7.3", SPOKE),
    **{number: manifests_area(number, AS_SPECIFIED) for number in ("8.1", "8.2", "9.1", "9.2", "10.1", "10.2")},
    "12.2": manifests_area("12.2", AS_SPECIFIED),
}
