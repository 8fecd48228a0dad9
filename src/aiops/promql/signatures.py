"""Functions and aggregations of PromQL: what they take and give. One table for parser, planner and engine.

It holds what Prometheus 2.42 to 3.16 know; a function that is not here is refused, since nothing can be planned for it.

Source: Prometheus documentation, "Functions" and "Aggregation operators"; `promql/parser/functions.go`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct


class ValueType(StrEnum):
    """Types of expressions, named as Prometheus names them in messages."""

    SCALAR = "scalar"
    VECTOR = "instant vector"
    MATRIX = "range vector"
    STRING = "string"


class Signature(Struct, frozen=True):
    """A function's arguments and result.

    `optional` counts those at the end that may lack. Where `repeats`, the last may come any number of times, also none,
    up to `most` arguments in all (0: no limit).
    """

    arguments: tuple[ValueType, ...]
    result: ValueType = ValueType.VECTOR
    optional: int = 0
    repeats: bool = False
    most: int = 0


_S, _V, _M, _T = ValueType.SCALAR, ValueType.VECTOR, ValueType.MATRIX, ValueType.STRING

_OF_VECTOR: Final = (
    "abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_avg histogram_count "
    "histogram_stddev histogram_stdvar histogram_sum ln log10 log2 rad sgn sin sinh sort sort_desc sqrt "
    "start_timestamp tan tanh timestamp"
)
_OF_TIME: Final = "day_of_month day_of_week day_of_year days_in_month hour minute month year"
_OF_RANGE: Final = (
    "absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta increase irate "
    "last_over_time mad_over_time max_over_time min_over_time present_over_time rate resets stddev_over_time "
    "stdvar_over_time sum_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time "
    "ts_of_min_over_time"
)
FUNCTIONS: Final[Mapping[str, Signature]] = {
    **dict.fromkeys(_OF_VECTOR.split(), Signature((_V,))),
    **dict.fromkeys(_OF_TIME.split(), Signature((_V,), optional=1)),
    **dict.fromkeys(_OF_RANGE.split(), Signature((_M,))),
    **dict.fromkeys(("end", "pi", "range", "start", "step", "time"), Signature((), _S)),
    **dict.fromkeys(("max_of", "min_of"), Signature((_S, _S), _S)),
    **dict.fromkeys(("clamp_max", "clamp_min"), Signature((_V, _S))),
    **dict.fromkeys(("double_exponential_smoothing", "holt_winters"), Signature((_M, _S, _S))),
    **dict.fromkeys(("sort_by_label", "sort_by_label_desc"), Signature((_V, _T), repeats=True)),
    "clamp": Signature((_V, _S, _S)),
    "histogram_fraction": Signature((_S, _S, _V)),
    "histogram_quantile": Signature((_S, _V)),
    "histogram_quantiles": Signature((_V, _T, _S, _S), repeats=True, most=12),
    "info": Signature((_V, _V), optional=1),
    "integral": Signature((_M, _S), optional=1),
    "label_join": Signature((_V, _T, _T, _T), repeats=True),
    "label_replace": Signature((_V, _T, _T, _T, _T)),
    "predict_linear": Signature((_M, _S)),
    "quantile_over_time": Signature((_S, _M)),
    "round": Signature((_V, _S), optional=1),
    "scalar": Signature((_V,), _S),
    "vector": Signature((_S,)),
}

# Aggregations with what their parameter is.
AGGREGATIONS: Final[Mapping[str, ValueType | None]] = {
    **dict.fromkeys(["avg", "count", "group", "max", "min", "stddev", "stdvar", "sum"]),
    **dict.fromkeys(["bottomk", "limit_ratio", "limitk", "quantile", "topk"], _S),
    "count_values": _T,
}
COMPARISONS: Final = frozenset(("==", "!=", "<", ">", "<=", ">="))
SET_OPERATORS: Final = frozenset(("and", "or", "unless"))
# How tightly operators bind; all but `^` group from the left. Unary minus stands between `*` and `^`.
BINDING: Final[Mapping[str, int]] = {
    "or": 1,
    "and": 2,
    "unless": 2,
    **dict.fromkeys(COMPARISONS, 3),
    "+": 4,
    "-": 4,
    "*": 5,
    "/": 5,
    "%": 5,
    "atan2": 5,
    "^": 6,
}
POWER: Final = "^"
# Words that the grammar takes for itself somewhere; as metric names they are written as a matcher.
KEYWORDS: Final = frozenset(
    (
        *AGGREGATIONS,
        *("and", "or", "unless", "atan2", "offset", "smoothed", "anchored", "by", "without", "on", "ignoring"),
        *("group_left", "group_right", "fill", "fill_left", "fill_right", "bool", "inf", "nan"),
        *("start", "end", "step", "range", "max_of", "min_of"),
    )
)
