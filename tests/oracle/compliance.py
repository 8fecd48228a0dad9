"""The query suite of prometheus/compliance as a table of ours: 539 range queries, and the data that they ask for.

A template stands for each combination of the words in its angle brackets; names of metrics are written short. Its
tester's comparison is the one of `answers`: 1e-5 of a value, NaN equal to NaN, labels and steps exactly.

Source: https://github.com/prometheus/compliance, promql/promql-test-queries.yml and promql/testcases/expand.go.
"""

import itertools
import random
import re
from typing import Final

from tests.oracle.answers import Case
from tests.oracle.data import START_MS, Series

HOST: Final = "demo.promlabs.com"
INSTANCES: Final = tuple(f"{HOST}:{port}" for port in (10000, 10001, 10002))
EVERY_MS: Final = 5_000
LENGTH_MS: Final = 95 * 60_000
END_MS: Final = START_MS + 90 * 60_000
LE: Final = ("0.0001", "0.001", "0.01", "0.1", "1", "+Inf")

COMPARED: Final = ("==", "!=", "<", ">", "<=", ">=")
ARITHMETIC: Final = ("+", "-", "*", "/", "%", "^")
WORDS: Final[dict[str, tuple[str, ...]]] = {
    "range": ("1s", "15s", "1m", "5m", "15m", "1h"),
    "back": ("1m", "5m", "10m"),
    "agg": ("sum", "avg", "max", "min", "count", "stddev", "stdvar"),
    "over": ("sum", "avg", "max", "min", "count", "stddev", "stdvar", "absent", "last"),
    "k": ("topk", "bottomk"),
    "q": ("-0.5", "0.1", "0.5", "0.75", "0.95", "0.90", "0.99", "1", "1.5"),
    "calc": ARITHMETIC,
    "cmp": COMPARED,
    "op": (*ARITHMETIC, *COMPARED),
    "math": ("abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "round"),
    "rate": ("delta", "rate", "increase"),
    "clamp": ("clamp_min", "clamp_max"),
    "irate": ("idelta", "irate"),
    "date": ("day_of_month", "day_of_week", "days_in_month", "hour", "minute", "month", "year"),
}
SHORT: Final = {
    "MEM": "demo_memory_usage_bytes",
    "CPUS": "demo_num_cpus",
    "CPU": "demo_cpu_usage_seconds_total",
    "DISK": "demo_disk_usage_bytes",
    "BATCH": "demo_batch_last_success_timestamp_seconds",
    "API": "demo_api_request_duration_seconds",
    "GONE": "nonexistent_metric_name",
    "HOST": HOST,
    "ON": "on(instance, job, type)",
}
TEMPLATES: Final = r"""
42
1.234
.123
1.23e-3
0x3d
Inf
+Inf
-Inf
NaN
MEM
{__name__="MEM"}
MEM{type="free"}
MEM{type!="free"}
MEM{instance=~"HOST:.*"}
MEM{instance=~"host"}
MEM{instance!~".*:10000"}
MEM{type="free", instance!="HOST:10000"}
{type="free", instance!="HOST:10000"}
GONE
MEM offset <back>
MEM offset -<back>
demo_intermittent_metric
<agg>(MEM)
<agg>(GONE)
<agg> by() (MEM)
<agg> by(instance) (MEM)
<agg> by(instance, type) (MEM)
<agg> by(nonexistent) (MEM)
<agg> without() (MEM)
<agg> without(instance) (MEM)
<agg> without(instance, type) (MEM)
<agg> without(nonexistent) (MEM)
<k> (3, MEM)
<k> by(instance) (2, MEM)
<k> without(instance) (2, MEM)
<k> without() (2, MEM)
quantile(<q>, MEM)
avg(max by(type) (MEM))
1 * 2 + 4 / 6 - 10 % 2 ^ 2
CPUS + (1 <cmp> bool 2)
MEM <op> 1.2345
MEM <cmp> bool 1.2345
1.2345 <cmp> bool MEM
0.12345 <op> MEM
(1 * 2 + 4 / 6 - (10%7)^2) <op> MEM
MEM <op> (1 * 2 + 4 / 6 - 10)
timestamp(MEM * 1)
timestamp(-MEM)
MEM <op> ON MEM
sum by(instance, type) (MEM) <op> on(instance, type) group_left(job) MEM
MEM <cmp> bool ON MEM
MEM / on(instance, job, type, __name__) MEM
sum without(job) (MEM) / on(instance, type) MEM
sum without(job) (MEM) / on(instance, type) group_left MEM
sum without(job) (MEM) / on(instance, type) group_left(job) MEM
MEM / on(instance, job) group_left CPUS
MEM / on(instance, type, job, non_existent) MEM
CPUS * Inf
CPUS * -Inf
CPUS * NaN
MEM + -(1)
-MEM
-1 ^ 2
1 <calc> time()
time() <calc> 1
time() <cmp> bool 1
1 <cmp> bool time()
time() <calc> time()
time() <cmp> bool time()
time() <op> MEM
MEM <op> time()
<over>_over_time(MEM[<range>])
quantile_over_time(<q>, MEM[<range>])
timestamp(CPUS)
timestamp(timestamp(CPUS))
<math>(MEM)
<math>(-MEM)
<rate>(nonexistent_metric[5m])
<rate>(CPU[<range>])
deriv(DISK[<range>])
predict_linear(DISK[<range>], 600)
time()
label_replace(CPUS, "job", "destination-value-$1", "instance", "HOST:(.*)")
label_replace(CPUS, "job", "destination-value-$1", "instance", "host:(.*)")
label_replace(CPUS, "job", "$1-$2", "instance", "local(.*):(.*)")
label_replace(CPUS, "job", "value-$1", "nonexistent-src", "source-value-(.*)")
label_replace(CPUS, "job", "value-$1", "nonexistent-src", "(.*)")
label_replace(CPUS, "job", "value-$1", "instance", "non-matching-regex")
label_replace(CPUS, "job", "", "dst", ".*")
label_join(CPUS, "new_label", "-", "instance", "job")
label_join(CPUS, "job", "-", "instance", "job")
label_join(CPUS, "job", "-", "instance")
<date>()
<date>(BATCH offset <back>)
<irate>(CPU[<range>])
<clamp>(MEM, 2)
clamp(MEM, 0, 1)
clamp(MEM, 0, 1000000000000)
clamp(MEM, 1000000000000, 0)
clamp(MEM, 1000000000000, 1000000000000)
resets(CPU[<range>])
changes(BATCH[<range>])
vector(1.23)
vector(time())
histogram_quantile(<q>, rate(API_bucket[1m]))
histogram_quantile(0.9, nonexistent_metric)
histogram_quantile(0.9, MEM)
histogram_quantile(0.9, {__name__=~"API_.+"})
count_values("value", API_bucket)
absent(MEM)
absent(GONE)
max_over_time((time() - max(BATCH) < 1000)[5m:10s] offset 5m)
avg_over_time(rate(CPU[1m])[2m:10s])
"""
REFUSED: Final = r"""
{__name__=~".*"}
label_replace(CPUS, "job", "value-$1", "src", "(.*")
label_replace(CPUS, "~invalid", "", "src", "(.*)")
label_replace(CPUS, "instance", "", "", "")
label_join(CPUS, "~invalid", "-", "instance")
"""


def suite() -> list[Case]:
    """All queries over ten minutes by ten seconds, those included that must fail."""
    queries = [query for template in lines(TEMPLATES) for query in expanded(template)]
    return [Case(query, END_MS - 600_000, END_MS, 10_000) for query in [*queries, *lines(REFUSED)]]


def lines(table: str) -> list[str]:
    """The rows of a table with the names in full."""
    names = re.compile("|".join(rf"\b{name}(?![a-zA-Z])" for name in SHORT))
    return [names.sub(lambda found: SHORT[found[0]], line) for line in table.strip().splitlines()]


def expanded(template: str) -> list[str]:
    """A template with every combination of its words."""
    found = [template]
    while place := re.search(r"<([a-z]+)>", found[0]):
        found = [one.replace(place[0], word, 1) for one in found for word in WORDS[place[1]]]
    return found


def demo() -> dict[str, list[Series]]:
    """What the demo service exports in three instances, two of them in one cluster and one in another."""
    chance = random.Random(539)  # noqa: S311 - a seed that repeats, no secret
    parts: dict[str, list[Series]] = {"first": [], "second": []}
    for instance in INSTANCES:
        home = "second" if instance == INSTANCES[-1] else "first"
        parts[home] += _instance(chance, instance)
    return {name: sorted(part, key=lambda one: one.key) for name, part in parts.items()}


def _instance(chance: random.Random, instance: str) -> list[Series]:
    own = {"job": "demo", "instance": instance}
    times = range(START_MS + chance.randrange(EVERY_MS), START_MS + LENGTH_MS, EVERY_MS)

    def series(name: str, values: list[float], **labels: str) -> Series:
        return Series({"__name__": f"demo_{name}", **own, **labels}, list(zip(times, values, strict=True)))

    def walk(start: float, step: float) -> list[float]:
        return list(itertools.accumulate((chance.uniform(-step, step) for _ in times[1:]), initial=start))

    def growth(most: float) -> list[float]:
        return list(itertools.accumulate((chance.uniform(0, most) for _ in times[1:]), initial=0.0))

    found = [series("memory_usage_bytes", walk(2e9, 1e7), type=kind) for kind in ("free", "used", "buffers", "cached")]
    found += [series("cpu_usage_seconds_total", growth(9), mode=mode) for mode in ("idle", "user", "system")]
    found += [
        series("num_cpus", [4.0] * len(times)),
        series("disk_usage_bytes", walk(5e10, 1e8)),
        series("batch_last_success_timestamp_seconds", [at // 240_000 * 240 for at in times]),
    ]
    pausing = series("intermittent_metric", walk(1, 0.1))
    found.append(Series(pausing.labels, [one for one in pausing.samples if one[0] // 420_000 % 2]))
    for method, status in (("GET", "200"), ("GET", "500"), ("POST", "200")):
        total = [0.0] * len(times)
        for le in LE:
            total = [float(base + int(more)) for base, more in zip(total, growth(5), strict=True)]
            labels = {"method": method, "status": status, "path": "/api"}
            found.append(series("api_request_duration_seconds_bucket", total, le=le, **labels))
        found.append(series("api_request_duration_seconds_count", total, **labels))
        found.append(series("api_request_duration_seconds_sum", growth(20), **labels))
    return found
