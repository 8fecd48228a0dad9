"""How the generations of Prometheus differ in what a query means. The engine asks these rules and never a version."""

from typing import Final

from msgspec import Struct

from aiops.promql.syntax import METRIC_NAME


class Rules(Struct, frozen=True, kw_only=True):
    """The meaning of a query in one generation; the defaults of both are Prometheus' own.

    - `closed_windows`: a range or lookback also holds a sample exactly at its start; since 3.0 it does not.
    - `dropped_labels`: what goes when a value is no longer the metric's.
    - `limit_to_zero_first`: `rate` limits its extrapolation by the counter's zero before it looks at the gap.
    - `compensated_sums`: `sum` and `avg` carry a compensation, and averages are sums divided by counts.
    - `keeps_infinite_error`: a compensation may become infinite together with its sum.
    - `filters_before_matching`: a comparison drops samples before it looks for several matches.
    - `separate_series`: functions refuse two series that differ in their dropped name alone, even at different steps.
    - `tolerant_buckets`: differences of 1e-12 between the counts of buckets are noise.
    - `exact_quantiles`: a quantile that falls on a sample does not look at the next one.
    - `single_nan_deviates`: the deviation of one sample is 0 even if that is NaN or infinite.
    - `classic_fractions`: `histogram_fraction` reads classic buckets.
    - `name_keepers`: arithmetic operators whose result keeps the metric's name.
    - `nan_displaces`: topk and bottomk replace a kept NaN by any later sample, NaN too.
    """

    lookback_ms: int = 300_000
    subquery_step_ms: int = 60_000
    closed_windows: bool = False
    dropped_labels: frozenset[str] = frozenset({METRIC_NAME, "__type__", "__unit__"})
    limit_to_zero_first: bool = False
    compensated_sums: bool = True
    keeps_infinite_error: bool = False
    filters_before_matching: bool = False
    separate_series: bool = False
    tolerant_buckets: bool = True
    exact_quantiles: bool = True
    single_nan_deviates: bool = False
    classic_fractions: bool = True
    name_keepers: frozenset[str] = frozenset()
    nan_displaces: bool = False


PROMETHEUS_3: Final = Rules()
PROMETHEUS_2: Final = Rules(
    closed_windows=True,
    dropped_labels=frozenset({METRIC_NAME}),
    limit_to_zero_first=True,
    compensated_sums=False,
    keeps_infinite_error=True,
    filters_before_matching=True,
    separate_series=True,
    tolerant_buckets=False,
    exact_quantiles=False,
    single_nan_deviates=True,
    classic_fractions=False,
    name_keepers=frozenset({"atan2"}),
    nan_displaces=True,
)
