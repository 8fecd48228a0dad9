"""Label sets as sorted pairs. An empty value is a missing label, so it is never stored.

Sorted pairs compare as Prometheus compares label sets: name by name, then value, then the shorter set first.
"""

import json
from collections.abc import Iterable
from typing import Final

Labels = tuple[tuple[str, str], ...]
NO_LABELS: Final[Labels] = ()


def label_set(pairs: Iterable[tuple[str, str]]) -> Labels:
    """The sorted set of pairs that have a value."""
    return tuple(sorted([pair for pair in pairs if pair[1]]))


def value_of(labels: Labels, name: str) -> str:
    """A label's value; empty when it is missing."""
    return next((value for known, value in labels if known == name), "")


def without(labels: Labels, names: frozenset[str]) -> Labels:
    """The labels but those."""
    return tuple([pair for pair in labels if pair[0] not in names])


def only(labels: Labels, names: frozenset[str]) -> Labels:
    """Those labels alone."""
    return tuple([pair for pair in labels if pair[0] in names])


def with_label(labels: Labels, name: str, value: str) -> Labels:
    """The labels with one set, or dropped by an empty value."""
    return label_set([*(pair for pair in labels if pair[0] != name), (name, value)])


def label_text(labels: Labels) -> str:
    """Labels as Prometheus prints them in its errors."""
    return "{" + ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels) + "}"


def is_label_name(name: str, *, legacy: bool) -> bool:
    """Whether a label may be called so: any text since 3.0, letters, digits and underscores before."""
    if not legacy:
        return bool(name)
    return name.isascii() and name.isidentifier()
