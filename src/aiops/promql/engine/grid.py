"""The steps at which an expression is evaluated. Whole milliseconds; no clock is read here."""

from typing import Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from aiops.promql.engine.rules import Rules
from aiops.promql.syntax import Anchor, Subquery


class Grid(Struct, frozen=True):
    """Steps from `start_ms` to at most `end_ms`, both included. A step of 0 makes an instant, which has one step.

    An end before the start makes a grid without steps, as a subquery has whose range is shorter than its step.
    """

    start_ms: int
    end_ms: int
    step_ms: int = 0

    def __post_init__(self) -> None:
        if self.step_ms < 0 or (self.step_ms == 0 and self.start_ms != self.end_ms):
            raise ValueError(f"a grid from {self.start_ms} to {self.end_ms} cannot have a step of {self.step_ms} ms")

    @classmethod
    def instant(cls, at_ms: int) -> Self:
        """The grid of an instant query."""
        return cls(at_ms, at_ms)

    @property
    def is_instant(self) -> bool:
        """Whether the answer is one vector, whose order the query decides."""
        return self.step_ms == 0

    @property
    def steps(self) -> int:
        """How many steps there are."""
        if self.end_ms < self.start_ms:
            return 0
        return 1 if self.step_ms == 0 else (self.end_ms - self.start_ms) // self.step_ms + 1

    @property
    def last_ms(self) -> int:
        """The last step, which may lie before the end."""
        return self.start_ms + max(self.steps - 1, 0) * self.step_ms

    def times(self) -> NDArray[np.int64]:
        """Each step's time."""
        return self.start_ms + np.arange(self.steps, dtype=np.int64) * self.step_ms


def anchored(at: int | Anchor | None, query: Grid) -> int | None:
    """What `@` names, in milliseconds: `start()` and `end()` are those of the whole query, in subqueries too."""
    if at is Anchor.START:
        return query.start_ms
    if at is Anchor.END:
        return query.end_ms
    return at


def subquery_grid(subquery: Subquery, outer: Grid, query: Grid, rules: Rules) -> Grid:
    """The steps at which a subquery's inner expression is evaluated when the subquery is evaluated at `outer`.

    They are multiples of the subquery's step, whatever the query's start is, so that neighbouring queries see the
    same samples. Source: Prometheus, `promql/engine.go`.
    """
    step_ms = subquery.step_ms or rules.subquery_step_ms
    at = anchored(subquery.at, query)
    first = (outer.start_ms if at is None else at) - subquery.offset_ms
    last = (outer.last_ms if at is None else at) - subquery.offset_ms
    begin = first - subquery.range_ms
    aligned = int(begin / step_ms) * step_ms if abs(begin) < 2**52 else begin // step_ms * step_ms
    if aligned < begin or (aligned == begin and not rules.closed_windows):
        aligned += step_ms
    return Grid(aligned, last, step_ms)
