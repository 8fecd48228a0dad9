"""An expression with something in it changed, wherever it stands."""

from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

T = TypeVar("T")


def rewritten(value: T, change: Callable[[object], object]) -> T:
    """The same, but for the parts of which `change` makes others. What it gives back unchanged is looked into."""
    changed = change(value)
    if changed is value:
        if isinstance(value, tuple):
            changed = tuple(rewritten(each, change) for each in value)
        elif isinstance(value, Struct):
            changed = type(value)(*(rewritten(getattr(value, name), change) for name in value.__struct_fields__))
    return changed  # type: ignore[return-value]  # what stands in a place is replaced by what may stand there
