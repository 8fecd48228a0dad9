"""Which series an aggregation puts together."""

from collections.abc import Callable, Iterator
from functools import cached_property, partial

import numpy as np

from aiops.promql.engine.labels import Labels, only, without
from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Ints, Vector
from aiops.promql.syntax import Aggregation


def group_labels(node: Aggregation, rules: Rules) -> Callable[[Labels], Labels]:
    """What is left of a series' labels in its group."""
    names = frozenset(node.grouping)
    if node.without:
        return partial(without, names=names | rules.dropped_labels)
    return partial(only, names=names)


class Groups:
    """The group of each series of a vector, in the order in which groups appear."""

    def __init__(self, vector: Vector, node: Aggregation, rules: Rules) -> None:
        numbers: dict[Labels, int] = {}
        own = [numbers.setdefault(group, len(numbers)) for group in map(group_labels(node, rules), vector.labels)]
        self.labels = tuple(numbers)
        self.of_row: Ints = np.array(own, dtype=np.int64)

    @cached_property
    def order(self) -> Ints:
        """The series, group by group."""
        return np.argsort(self.of_row, kind="stable")

    @cached_property
    def starts(self) -> Ints:
        """Where each group begins in `order`."""
        return np.searchsorted(self.of_row[self.order], np.arange(len(self.labels))).astype(np.int64)

    def members(self) -> Iterator[Ints]:
        """Each group's series."""
        yield from np.split(self.order, self.starts[1:])

    def rounds(self) -> Iterator[tuple[Ints, Ints]]:
        """Each group's first series with its group, then each group's second, and so on."""
        sorted_groups = self.of_row[self.order]
        place = np.arange(len(self.order)) - self.starts[sorted_groups]
        by_place = np.argsort(place, kind="stable")
        cuts = np.searchsorted(place[by_place], np.arange(1, int(place.max(initial=-1)) + 1))
        for chosen in np.split(by_place, cuts):
            yield self.order[chosen], sorted_groups[chosen]
