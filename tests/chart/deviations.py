"""Where the chart differs from the specification on purpose: `deviations.toml`, one entry a cell, with its reason."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

FILE: Final = Path(__file__).with_name("deviations.toml")


class Deviation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One cell: the specification's value, ours, and why ours is better or the only possible one."""

    id: str
    seed: str
    ours: str
    reason: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    deviation: list[Deviation]


@cache
def listed() -> Mapping[str, Deviation]:
    """The entries by cell. Raises `ValueError` when a cell is listed twice or an entry has no reason."""
    entries = msgspec.convert(tomllib.loads(FILE.read_text()), _File).deviation
    found = {entry.id: entry for entry in entries}
    if len(found) != len(entries):
        raise ValueError(f"{FILE.name} lists a cell twice")
    if silent := [entry.id for entry in entries if len(entry.reason) < len("a reason")]:
        raise ValueError(f"{FILE.name} gives no reason for {', '.join(silent)}")
    return found
