"""Go's heap of samples, move by move: which of several equal samples topk keeps depends on it.

Source: Go, `container/heap` and `sort` (insertion sort of up to twelve items); Prometheus, `promql/functions.go`.
"""

import math
from collections.abc import Sequence
from typing import Final

INSERTION_SORTED: Final = 12


class Heap:
    """Items with a value; the first one goes first. NaN goes before any number."""

    def __init__(self, *, greatest_first: bool) -> None:
        self._greatest_first = greatest_first
        self._items: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self._items)

    @property
    def first(self) -> float:
        """The value that goes first."""
        return self._items[0][0]

    def items(self) -> list[int]:
        """The items in the heap's own order."""
        return [item for _, item in self._items]

    def push(self, value: float, item: int) -> None:
        """Add an item."""
        self._items.append((value, item))
        self._up(len(self._items) - 1)

    def pop(self) -> None:
        """Drop the first item."""
        items = self._items
        items[0], items[-1] = items[-1], items[0]
        items.pop()
        self._down()

    def replace(self, value: float, item: int) -> None:
        """Put an item in the first one's place."""
        self._items[0] = (value, item)
        self._down()

    def last_first(self) -> list[int]:
        """All items, the one that goes first at the end."""
        items = list(self._items)
        if len(items) > INSERTION_SORTED:
            sign = -1 if self._greatest_first else 1
            items.sort(key=lambda item: (math.isnan(item[0]), -sign * item[0] if not math.isnan(item[0]) else 0))
            return [item for _, item in items]
        for end in range(1, len(items)):
            at = end
            while at > 0 and self._before(items[at - 1][0], items[at][0]):
                items[at - 1], items[at] = items[at], items[at - 1]
                at -= 1
        return [item for _, item in items]

    def _before(self, left: float, right: float) -> bool:
        return math.isnan(left) or (left > right if self._greatest_first else left < right)

    def _up(self, at: int) -> None:
        items = self._items
        while at > 0:
            parent = (at - 1) // 2
            if not self._before(items[at][0], items[parent][0]):
                return
            items[at], items[parent] = items[parent], items[at]
            at = parent

    def _down(self) -> None:
        items, at = self._items, 0
        while (child := 2 * at + 1) < len(items):
            if child + 1 < len(items) and self._before(items[child + 1][0], items[child][0]):
                child += 1
            if not self._before(items[child][0], items[at][0]):
                return
            items[at], items[child] = items[child], items[at]
            at = child


def extremes(values: Sequence[float], count: int, *, largest: bool, nan_displaces: bool) -> Heap:
    """The `count` largest or smallest values. With `nan_displaces` a kept NaN gives way to a NaN, too."""
    heap = Heap(greatest_first=not largest)
    for item, value in enumerate(values):
        if len(heap) < count:
            heap.push(value, item)
            continue
        first = heap.first
        better = first < value if largest else first > value
        if better or (math.isnan(first) and (nan_displaces or not math.isnan(value))):
            if nan_displaces and count > 1:
                heap.pop()
                heap.push(value, item)
            else:
                heap.replace(value, item)
    return heap
