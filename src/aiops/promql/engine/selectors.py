"""Instant vector selectors: each series' newest sample at each step, unless it is too old or marks the series' end."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from aiops.promql.engine.labels import Labels
from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Floats, Ints, Mask, SeriesData, stale


class Looked(Struct, frozen=True, eq=False):
    """What a selector sees: the samples' values, and their own times in milliseconds."""

    labels: tuple[Labels, ...]
    values: Floats
    times: Ints
    present: Mask


def look_back(series: Sequence[SeriesData], at_ms: Ints, rules: Rules) -> Looked:
    """The newest sample of each series at each of those times."""
    shape = (len(series), len(at_ms))
    values = np.zeros(shape)
    times = np.zeros(shape, dtype=np.int64)
    present = np.zeros(shape, dtype=np.bool_)
    oldest = at_ms - rules.lookback_ms - (1 if rules.closed_windows else 0)
    for row, one in enumerate(series):
        if not len(one.times):
            continue
        newest = np.searchsorted(one.times, at_ms, side="right") - 1
        found = newest.clip(min=0)
        values[row] = one.values[found]
        times[row] = one.times[found]
        present[row] = (newest >= 0) & (times[row] > oldest)
    present &= ~stale(values)
    return Looked(tuple(one.labels for one in series), values, times, present)
