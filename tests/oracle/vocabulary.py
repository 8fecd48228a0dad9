"""What random queries are made of: functions and operators of each generation, and the labels of the data set."""

from typing import Final

from tests.oracle.data import INSTANCES, JOBS, LABEL, ODD_VALUES
from tests.servers.generations import Generation

# Which labels tell a metric's series apart within one cluster.
METRICS: Final[dict[str, frozenset[str]]] = {
    "requests_total": frozenset({"job", "instance", "code"}),
    "memory_bytes": frozenset({"job", "instance"}),
    "memory_limit_bytes": frozenset({"job", "instance"}),
    "strange": frozenset({"job", "instance"}),
    "odd": frozenset({"job", "zone"}),
    "intermittent": frozenset({"job", "instance"}),
    "latency_bucket": frozenset({"job", "instance", "le"}),
    "latency_sum": frozenset({"job", "instance"}),
    "quota": frozenset({"job"}),
    "build_info": frozenset({"job", "instance", "version"}),
    "tenant_load": frozenset({"job", "instance", f"exported_{LABEL}"}),
    "nothing": frozenset({"job"}),
}
PEERS: Final[dict[str, tuple[str, ...]]] = {
    "memory_bytes": ("memory_limit_bytes", "strange", "intermittent", "latency_sum"),
    "memory_limit_bytes": ("memory_bytes", "intermittent"),
    "strange": ("memory_bytes", "strange"),
    "intermittent": ("memory_bytes", "intermittent"),
    "latency_sum": ("memory_bytes", "memory_limit_bytes"),
}
VALUES: Final[dict[str, tuple[str, ...]]] = {
    "job": (*JOBS, ""),
    "instance": (*INSTANCES, "odd"),
    "code": ("200", "404", "500"),
    "zone": (*ODD_VALUES, ""),
    "le": ("0.5", "1", "+Inf"),
    "version": ("1.0", "1.1"),
    f"exported_{LABEL}": ("east", "inner", "größe", ""),
}
REGEXES: Final[dict[str, tuple[str, ...]]] = {
    "job": ("a.*", "api|db", ".*", ".+", "[^d].*", ""),
    "instance": ("n[12]:90", "n1.*", "n(1|3):\\d+", ".+"),
    "code": ("2..", "[45].*", "200|404"),
    "zone": ("gr.*", "two\nlines|.*quot.*", '.*"no".*', "back\\\\slash", "\\|\\.\\*", "a\\{.*", ".*"),
    "le": ("0\\..*", ".*Inf", "1|2\\.5"),
    "version": ("1\\.[01]", ".*"),
    f"exported_{LABEL}": ("e.*", "inner|größe", ".*", ".+", ""),
}

RANGE_FUNCTIONS: Final = [
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "deriv",
    "changes",
    "resets",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "count_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "last_over_time",
    "present_over_time",
]
NEW_RANGE_FUNCTIONS: Final = [
    "mad_over_time",
    "first_over_time",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
]
VECTOR_FUNCTIONS: Final = [
    "abs",
    "ceil",
    "floor",
    "exp",
    "sqrt",
    "ln",
    "log2",
    "log10",
    "sgn",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "deg",
    "rad",
    "timestamp",
    "minute",
    "hour",
    "day_of_week",
    "day_of_month",
    "day_of_year",
    "days_in_month",
    "month",
    "year",
]
DATES: Final = ["minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year"]
SPECIAL: Final = [
    "absent",
    "absent_over_time",
    "clamp",
    "clamp_min",
    "clamp_max",
    "round",
    "label_replace",
    "label_join",
    "histogram_quantile",
    "predict_linear",
    "quantile_over_time",
    "smoothing",
    "vector",
    "scalar",
]
NEW_SPECIAL: Final = ["histogram_fraction", "histogram_quantiles"]
NEW_SCALARS: Final = ["start", "end", "step", "range", "max_of", "min_of"]
SORTS: Final = ("sort", "sort_desc")
NEW_SORTS: Final = ("sort_by_label", "sort_by_label_desc")
AGGREGATIONS: Final = [
    "sum",
    "avg",
    "min",
    "max",
    "count",
    "group",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "quantile",
    "count_values",
]
NEW_AGGREGATIONS: Final = ("limitk", "limit_ratio")
ARITHMETIC: Final = ("+", "-", "*", "/", "%", "^", "atan2")
COMPARISONS: Final = ("==", "!=", "<", ">", "<=", ">=")
SETS: Final = ("and", "or", "unless")
RANGES: Final = ("1m", "5m", "47s", "10m", "90s", "30s")
# None as long as an offset forward: Prometheus 2 then takes fixed times within for moved.
SUBQUERIES: Final = ("[5m:1m]", "[10m:]", "[7m:47s]", "[3m:30s]", "[4m:15s]")


def since(generation: Generation, old: tuple[str, ...] | list[str], new: tuple[str, ...] | list[str]) -> list[str]:
    """The words of a generation: what both know, and what only the newer one does."""
    return [*old, *new] if generation is Generation.THREE else [*old]
