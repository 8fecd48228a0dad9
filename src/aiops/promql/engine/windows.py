"""Range windows: for each series and step, which run of the series' samples a range selector or subquery sees.

All samples lie in one flat array and a window is a pair of indices into it, so that functions work on all windows of
all series at once. Staleness markers are gone; a window may be empty.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from aiops.promql.engine.labels import Labels
from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Floats, Ints, Mask, SeriesData, Vector, stale

CHUNK = 1 << 20
"""How many samples are copied out of windows at one time: 8 MB."""


class Windows:
    """The windows of `labels` (rows) at `at_ms` (columns). `low` and `high` are flat indices, `high` excluded."""

    def __init__(  # noqa: PLR0913 -- the parts of one thing; the two builders below are the only callers
        self,
        labels: Sequence[Labels],
        times: Ints,
        values: Floats,
        offsets: Ints,
        *,
        at_ms: Ints,
        ends_ms: Ints,
        range_ms: int,
        rules: Rules,
    ) -> None:
        self.labels = tuple(labels)
        self.times = times
        self.values = values
        self.at_ms = at_ms
        self.ends_ms = ends_ms
        self.starts_ms = ends_ms - range_ms
        self.range_s = range_ms / 1000
        self.low = np.zeros((len(self.labels), len(at_ms)), dtype=np.int64)
        self.high = np.zeros_like(self.low)
        for row in range(len(self.labels)):
            own = times[offsets[row] : offsets[row + 1]]
            self.low[row] = offsets[row] + np.searchsorted(
                own, self.starts_ms, side="left" if rules.closed_windows else "right"
            )
            self.high[row] = offsets[row] + np.searchsorted(own, ends_ms, side="right")
        np.maximum(self.high, self.low, out=self.high)

    @cached_property
    def counts(self) -> Ints:
        """How many samples each window has."""
        return self.high - self.low

    @cached_property
    def first(self) -> Ints:
        """The index of each window's first sample; of any sample where there is none."""
        return self.low.clip(max=max(len(self.values) - 1, 0))

    @cached_property
    def last(self) -> Ints:
        """The index of each window's last sample; of any sample where there is none."""
        return (self.high - 1).clip(min=0)

    def occupied(self, least: int = 1) -> Mask:
        """Which windows have at least so many samples."""
        return self.counts >= least

    def walk(self) -> "Walk":
        """A walk along all windows at once."""
        return Walk(self.low.ravel(), self.counts.ravel())

    def by_length(self) -> Iterator[tuple[Ints, Floats]]:
        """Windows of equal length together: their positions among all, and their samples, a row for each window."""
        flat_low, counts = self.low.ravel(), self.counts.ravel()
        for length in np.unique(counts[counts > 0]):
            positions = np.flatnonzero(counts == length)
            size = max(CHUNK // int(length), 1)
            for start in range(0, len(positions), size):
                chosen = positions[start : start + size]
                yield chosen, self.values[flat_low[chosen, None] + np.arange(length)]

    def reduced(self, ufunc: np.ufunc, values: Floats, skip: int = 0) -> Floats:
        """A ufunc over each window's part of `values`, its first `skip` left out; 0 where nothing is left."""
        low, high = (self.low + skip).ravel(), self.high.ravel()
        chosen = np.flatnonzero(high > low)
        result = np.zeros(low.shape)
        if len(chosen):
            pairs = np.stack([low[chosen], high[chosen]], axis=1).ravel()
            result[chosen] = ufunc.reduceat(np.append(values, 0.0), pairs)[::2]
        return result.reshape(self.low.shape)

    def counted(self, flags: Mask) -> Ints:
        """How many samples of each window, its first left out, have the flag."""
        before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(flags, dtype=np.int64)])
        counts: Ints = before[self.high] - before[np.minimum(self.low + 1, self.high)]
        return counts


class Walk:
    """All windows together, sample by sample, the longest first, so that those still going are always the first ones.

    State for it is kept in arrays of `size`; `spread` puts such an array back in the windows' order.
    """

    def __init__(self, low: Ints, counts: Ints) -> None:
        order = np.argsort(-counts, kind="stable")
        self.size = int((counts > 0).sum())
        self.order = order[: self.size]
        self._low = low[self.order]
        self._counts = counts[self.order]
        self._all = len(counts)

    def steps(self) -> Iterator[tuple[int, Ints]]:
        """How many windows have a next sample, and its index for each of them."""
        longest = int(self._counts[0]) if self.size else 0
        for position in range(longest):
            going = int(np.searchsorted(-self._counts, -position, side="left"))
            yield going, self._low[:going] + position

    def spread(self, state: Floats) -> Floats:
        """State in the order of all windows, 0 where a window is empty."""
        result = np.zeros(self._all)
        result[self.order] = state
        return result


def raw_windows(series: Sequence[SeriesData], at_ms: Ints, ends_ms: Ints, range_ms: int, rules: Rules) -> Windows:
    """Windows over raw samples."""
    counts = np.array([len(one.times) for one in series], dtype=np.int64)
    times = np.concatenate([one.times for one in series]) if series else np.empty(0, dtype=np.int64)
    values = np.concatenate([one.values for one in series]) if series else np.empty(0)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    kept = ~stale(values)
    if not kept.all():
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(kept)])[offsets]
        times, values = times[kept], values[kept]
    labels = [one.labels for one in series]
    return Windows(labels, times, values, offsets, at_ms=at_ms, ends_ms=ends_ms, range_ms=range_ms, rules=rules)


def step_windows(vector: Vector, step_times: Ints, at_ms: Ints, ends_ms: Ints, range_ms: int, rules: Rules) -> Windows:
    """Windows over the steps of a subquery's inner expression."""
    rows, columns = np.nonzero(vector.present)
    offsets = np.searchsorted(rows, np.arange(len(vector.labels) + 1))
    return Windows(
        vector.labels,
        step_times[columns],
        vector.values[rows, columns],
        offsets.astype(np.int64),
        at_ms=at_ms,
        ends_ms=ends_ms,
        range_ms=range_ms,
        rules=rules,
    )
