"""Which function of a range vector is computed where."""

from collections.abc import Callable
from typing import Final

from aiops.promql.engine import over_time, rates, trends
from aiops.promql.engine.values import Floats, Mask

FUNCTIONS: Final[dict[str, Callable[..., tuple[Floats, Mask]]]] = {
    "avg_over_time": over_time.avg_over_time,
    "changes": over_time.changes,
    "count_over_time": over_time.count_over_time,
    "delta": rates.delta,
    "deriv": trends.deriv,
    "double_exponential_smoothing": trends.smoothed,
    "first_over_time": over_time.first_over_time,
    "holt_winters": trends.smoothed,
    "idelta": rates.idelta,
    "increase": rates.increase,
    "integral": over_time.integral,
    "irate": rates.irate,
    "last_over_time": over_time.last_over_time,
    "mad_over_time": over_time.mad_over_time,
    "max_over_time": over_time.max_over_time,
    "min_over_time": over_time.min_over_time,
    "predict_linear": trends.predict_linear,
    "present_over_time": over_time.present_over_time,
    "quantile_over_time": over_time.quantile_over_time,
    "rate": rates.rate,
    "resets": over_time.resets,
    "stddev_over_time": over_time.stddev_over_time,
    "stdvar_over_time": over_time.stdvar_over_time,
    "sum_over_time": over_time.sum_over_time,
    "ts_of_first_over_time": over_time.ts_of_first_over_time,
    "ts_of_last_over_time": over_time.ts_of_last_over_time,
    "ts_of_max_over_time": over_time.ts_of_max_over_time,
    "ts_of_min_over_time": over_time.ts_of_min_over_time,
}
"""From windows, rules and the scalar arguments, a number for each step, to values and where there are any."""

NAME_KEPT: Final = frozenset({"first_over_time", "last_over_time"})
"""The functions whose value is still the metric's own."""
