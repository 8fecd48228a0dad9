"""What a server was started with is left alone; what it drops later is still found."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from aiops.core.garbage import settle


class Node:
    """Refers to itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_what_lives_at_the_start_is_not_looked_at_again() -> None:
    settle()
    assert gc.get_freeze_count() > len(gc.get_objects())


def test_later_cycles_are_still_collected() -> None:
    settle()
    seen = weakref.ref(Node())
    gc.collect()
    assert seen() is None


def test_many_later_cycles_are_collected_without_being_asked_for() -> None:
    settle()
    seen = [weakref.ref(Node()) for _ in range(100_000)]
    assert sum(one() is not None for one in seen) < len(seen) / 2
