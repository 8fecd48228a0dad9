"""Cells: single values of the specification, each with a name, and what the chart has in that place.

A list of named things is addressed by name, a list of plain values by value, since their order means nothing. Where a
list holds things without a name, the specification's is compared with the most similar of ours.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

ABSENT: Final = "(absent)"
# What distinguishes the members of a list.
NAMING: Final = ("name", "alert", "record")


def cells(wanted: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each value of the specification's tree with its path. An empty mapping or list says nothing."""
    for name, value, _ in compared(wanted, None, path):
        yield name, value


def compared(wanted: Any, ours: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Each value of the specification's tree: its path, the value there and the chart's."""
    if isinstance(wanted, Mapping):
        mine = ours if isinstance(ours, Mapping) else {}
        for key, value in wanted.items():
            yield from compared(value, mine.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(wanted, list):
        yield from _compared_lists(wanted, ours if isinstance(ours, list) else [], path)
    elif wanted is not None:
        yield path, said(wanted), ABSENT if ours is None else said(ours)


def _compared_lists(wanted: list[Any], ours: list[Any], path: str) -> Iterator[tuple[str, str, str]]:
    for index, value in enumerate(wanted):
        if not isinstance(value, Mapping):
            known = {said(item) for item in ours if not isinstance(item, Mapping)}
            yield f"{path}[{said(value)}]", said(value), said(value) if said(value) in known else ABSENT
            continue
        naming = next((key for key in NAMING if key in value), None)
        if naming is None:
            rows = [list(compared(value, item, f"{path}[{index}]")) for item in ours]
            yield from min(rows, key=_differences, default=list(compared(value, None, f"{path}[{index}]")))
        else:
            same = next((item for item in ours if item.get(naming) == value[naming]), None)
            yield from compared(value, same, f"{path}[{value[naming]}]")


def _differences(rows: list[tuple[str, str, str]]) -> int:
    return sum(wanted != ours for _, wanted, ours in rows)


def said(value: Any) -> str:
    """A plain value as YAML writes it; an expression over several lines in one."""
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(str(value).split())
