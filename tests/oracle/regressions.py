"""Queries that were answered wrongly once, with what was forgotten; each is asked again of the whole fleet.

A row has a query and why it is here. All are asked over the whole data, of both generations, through the collector.
"""

from typing import Final

from tests.oracle.answers import Case
from tests.oracle.data import LENGTH_MS, START_MS

TABLE: Final[tuple[tuple[str, str], ...]] = (
    ("stddev by (job, instance) (strange)", "one sample deviates by 0 in Prometheus 2 even if it is NaN or infinite"),
    (
        "stddev by (job) (requests_total * 0 + 0.8083333333333333) == 0",
        "equal values of several clusters deviate by nothing, not by what rounding leaves of their mean",
    ),
    ("stdvar by (zone) (1 / (odd - odd))", "the same where every value is NaN"),
    ("sinh(requests_total / 4) * 0", "Go's hyperbolic functions are infinite a little earlier than the processor's"),
    ("cosh(-requests_total / 4) * 0", "the same"),
    (
        "(max by (job, instance) (-(requests_total))) atan2 (sum by (job, instance) (-(requests_total)))",
        "a member writes a negative zero as -0, which is an integer without a sign to a reader of JSON",
    ),
    (
        "quantile_over_time(time(), tenant_load[1m])",
        "Prometheus 3 cuts its annotations and says how many it left out: no sign that data is missing",
    ),
    ('count_values("cluster", sgn(tenant_load))', "the counted values' label is the fleet's own"),
    ("sum without (exported_cluster) (tenant_load)", "a member's own cluster label has another name in the fleet"),
    ("histogram_quantile(0.9, sum by (le) (rate(latency_bucket[5m])))", "buckets that are torn in one member"),
    ("odd or vector(0)", "each member would add a zero of its own"),
    ('absent(tenant_load{cluster="nowhere", job="api"})', "the label is part of the answer though no member has it"),
    ("quantile_over_time(scalar(avg(odd) / 100), memory_bytes[3m])", "a parameter of all clusters for samples of each"),
    ("predict_linear(requests_total[5m] offset 1m, scalar(count(odd)))", "the same"),
    (
        "(max by (instance, job) (strange)) atan2 (min by (instance, job) (strange))",
        "of zeros with both signs the first",
    ),
    ("histogram_count(vector(1))", "floats are no native histograms: empty, and no reason to refuse"),
    ("max_over_time(sum(memory_bytes)[10m:])", "a subquery without a step has the fleet's, not each member's"),
)
NEW_TABLE: Final[tuple[tuple[str, str], ...]] = (
    ("limit_ratio by (cluster) (0.5, memory_bytes)", "it draws by a hash of all labels, also of the fleet's own"),
    ('histogram_quantiles(rate(latency_bucket[5m]), "q", 0.5, 0.5)', "two quantiles that no label tells apart"),
    (
        "start_timestamp(sum(requests_total))",
        "only samples have one, and a sum is none: empty, and no reason to refuse",
    ),
    (
        "double_exponential_smoothing(memory_bytes[5m], scalar(count(memory_bytes)) / 99, 0.5)",
        "a factor that depends on all clusters",
    ),
    ("histogram_quantile(scalar(max(odd)) / 10, rate(latency_bucket[5m]))", "a quantile that does"),
    (
        'histogram_quantiles(sum by (le) (rate(latency_bucket[5m])), "q", 0.5, start())',
        "a quantile of seven digits and more",
    ),
    (
        'count_values by (job) ("v", (-memory_bytes) * fill_right(0) intermittent)',
        "a negative zero that comes from two ways of one series stays one",
    ),
    ('limitk without (zone) ((1000 ^ 100), odd{cluster="nowhere"})', "a wrong parameter over what no cluster is asked"),
    ('sum(topk(NaN, odd{cluster="nowhere"})) or vector(1)', "the same within what is finished here"),
    ('histogram_quantiles(sum by (le) (rate(latency_bucket[5m])), "q", 0.5, (-1 % 1))', "a label of negative zero"),
    ('sort_by_label_desc(count without (job) ({cluster="east"}))', "sorted by the fleet's names of labels"),
    ('sort_by_label_desc(odd, "zone")', "an order though not all have the label"),
    ('quantile without (cluster) (scalar(memory_bytes{job!="api"} @ end()), strange)', "a fixed time in a parameter"),
    ("limitk(scalar(sum(strange)), nothing @ 1767229501.583)", "a parameter of each step for what does not change"),
    ("info(requests_total)", "its join would mix clusters"),
)
# Answered by the fleet, cluster by cluster, and refused by the union: see `apart`.
APART: Final = (
    'memory_bytes{cluster="north"} > bool {cluster="west"}',
    '(sgn({cluster="west"})) and on (instance, job) ({cluster="", __name__=~"strang."})',
    'count by (job) (memory_bytes{cluster="east"} and on (cluster) {cluster="west"} * {cluster="north"})',
)


def cases(query: str) -> tuple[Case, ...]:
    """The query over all of the data by a minute, on round times and beside them, and at one moment."""
    last = START_MS + LENGTH_MS
    return (
        Case(query, START_MS, last, 60_000),
        Case(query, START_MS + 15_001, last, 60_000),
        Case(query, START_MS + LENGTH_MS // 2, START_MS + LENGTH_MS // 2),
    )
