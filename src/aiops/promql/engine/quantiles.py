"""Quantiles of sets of values, many at a time. NaN counts as smaller than any number.

Source: Prometheus, `promql/quantile.go`.
"""

import numpy as np

from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Floats, Ints


def quantiles(q: Floats, ordered: Floats, counts: Ints, nans: Ints, rules: Rules) -> Floats:
    """The q-quantile of each row's first `counts` values, `nans` of them NaN.

    `ordered` holds the numbers of a row first, ascending, and no matter what after them, as `np.sort` leaves NaN last.
    """
    rank = q * (counts - 1)
    lower = np.maximum(np.floor(rank), 0)
    upper = np.minimum(lower + 1, counts - 1)
    weight = rank - np.floor(rank)
    low, high = (_at(ordered, position, nans) for position in (lower, upper))
    result = low * (1 - weight) + high * weight
    if rules.exact_quantiles:
        result = np.where(weight == 0, low, result)
    result = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, result))
    return np.where(np.isnan(q) | (counts == 0), np.nan, result)


def _at(ordered: Floats, position: Floats, nans: Ints) -> Floats:
    """Each row's value at a position that counts NaN first."""
    index = np.nan_to_num(position - nans, nan=0.0).clip(0, ordered.shape[1] - 1).astype(np.int64)
    found = np.take_along_axis(ordered, index[:, None], axis=1)[:, 0]
    return np.where(position < nans, np.nan, found)
