"""What the engine and a real Prometheus are both asked: every function, aggregation, operator and kind of matching.

Left out is what Prometheus itself leaves open (the order of equal values among more than twelve), native histograms,
and three mistakes of generation 2 that generation 3 mended: `predict_linear(x[5m] @ t, ...)` moved its window along the
range, `rad` overflowed above 5.7e307, and `count_values by (a, b, c)` lost a label after the first step.
"""

from collections.abc import Iterator
from itertools import product
from typing import Final

DATA: Final = ("req_total", "temp", "gappy", "ints", "swing")
TWINS: Final = '{__name__=~"twin_a|twin_b"}'
APART: Final = '{__name__=~"early|late"}'
RANGES: Final = [
    "absent_over_time",
    "avg_over_time",
    "changes",
    "count_over_time",
    "delta",
    "deriv",
    "idelta",
    "increase",
    "irate",
    "last_over_time",
    "max_over_time",
    "min_over_time",
    "present_over_time",
    "rate",
    "resets",
    "stddev_over_time",
    "stdvar_over_time",
    "sum_over_time",
]
NEW_RANGES: Final = [
    "first_over_time",
    "integral",
    "mad_over_time",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
]
ELEMENTWISE: Final = [
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "ceil",
    "cos",
    "cosh",
    "deg",
    "exp",
    "floor",
    "ln",
    "log10",
    "log2",
    "round",
    "sgn",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
]
DATES: Final = ["year", "month", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute"]
AGGREGATIONS: Final = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"]
ARITHMETIC: Final = ("+", "-", "*", "/", "%", "^", "atan2")
COMPARISONS: Final = ("==", "!=", ">", "<", ">=", "<=")
MANY: Final = (
    "on(instance) group_left",
    "on(instance) group_left(version)",
    "on(instance) group_left(version, pod)",
    "ignoring(version) group_left(version)",
    "on(instance)",
    "on()",
)


def both() -> list[str]:
    """What both generations know."""
    return [
        *_ranges(),
        *_numbers(),
        *_times(),
        *_aggregations(),
        *_operators(),
        *_labels_and_histograms(),
    ]


def new() -> list[str]:
    """What generation 3 knows alone."""
    found = [f"{function}({name}[{span}])" for function, name, span in product(NEW_RANGES, DATA, ("5m", "47s"))]
    found += [f"integral({name}[5m], {rule})" for name, rule in product(DATA, ("0", "1", "2", "1.5", "NaN"))]
    found += [f"double_exponential_smoothing({name}[5m], 0.3, {trend})" for name, trend in product(DATA, ("0.7", "1"))]
    found += [
        f"limitk({count}, {name})" for count, name in product(("1", "3", "0", "NaN"), ("temp", "ties", "req_total"))
    ]
    found += [f"limitk by (grp) ({count}, ties)" for count in ("2", "20")]
    ratios = ("0.1", "0.5", "-0.5", "1", "-1", "0", "2", "NaN")
    found += [f"limit_ratio({ratio}, {name})" for ratio, name in product(ratios, ("ties", "req_total", "nat"))]
    sorts = ("sort_by_label", "sort_by_label_desc")
    found += [
        f"{sort}({what})"
        for sort, what in product(sorts, ('nat, "ver"', 'req_total, "path", "instance"', 'ties, "no"'))
    ]
    spans = ("0, 0.5", "0.1, 1", "-1, 3", "-Inf, Inf", "1, 0", "NaN, 1", "0.07, 0.071", "2.5, Inf")
    buckets = ("lat_bucket", "odd_bucket", "rate(lat_bucket[5m])")
    found += [f"histogram_fraction({span}, {name})" for span, name in product(spans, buckets)]
    found += [
        'histogram_quantiles(lat_bucket, "q", 0.5, 0.9, 1, 0, 0.123)',
        'histogram_quantiles(odd_bucket, "q", NaN, 2)',
    ]
    found += ["max_of(1, NaN)", "max_of(Inf, NaN)", "min_of(-Inf, NaN)", "start()", "end()", "step()", "range()"]
    return [*found, "max_over_time(vector(step())[5m:1m])", "predict_linear(ints[5m] @ start(), 60)"]


def _ranges() -> Iterator[str]:
    yield from (f"{function}({name}[{span}])" for function, name, span in product(RANGES, DATA, ("5m", "47s")))
    for function in RANGES:
        yield f"{function}(ints[1m] offset 30s)"
        yield f"{function}(ints[1m] offset -30s)"
        yield f"{function}(ints[1m] @ end())"
        yield f"{function}(ints[5m:30s])"
        yield f"{function}(temp[10m:7s])"
        yield f"{function}(req_total[3m:] offset 1m)"
        yield f"{function}({TWINS}[5m])"
        yield f"{function}({APART}[5m])"
        yield f"{function}(nothing[5m])"
    for name, q in product(DATA, ("0.5", "0", "1", "0.93", "-1", "2", "NaN", 'scalar(ints{instance="i0"}) / 3')):
        yield f"quantile_over_time({q}, {name}[5m])"
    yield from (f"predict_linear({name}[5m], {ahead})" for name, ahead in product(DATA, ("600", "scalar(sum(ints))")))
    yield "avg_over_time(max_over_time(ints[1m])[5m:30s])"
    yield "avg_over_time(max_over_time(ints[1m])[5m:30s] @ end() offset 1m)"
    yield "count_over_time(vector(time())[5m:7s])"
    yield "max_over_time((ints @ start())[5m:1m])"
    yield "sum_over_time(ints[5s:1m])"
    yield "max_over_time(timestamp(ints)[5m:13s])"
    yield "rate(sum by (region) (req_total)[5m:15s])"


def _numbers() -> Iterator[str]:
    names = ("temp", "huge", "gappy", TWINS, APART, "(temp)", "temp / 20", 'nothing{a="b"}')
    yield from (f"{function}({name})" for function, name in product([*ELEMENTWISE, "-", "+"], names))
    for name in ("temp", "ints"):
        yield from (f"round({name}, {nearest})" for nearest in ("5", "0.1", "0", "NaN"))
        yield from (f"clamp({name}, {bounds})" for bounds in ("1, 20", "20, 1", "NaN, 3", "scalar(sum(ints)), 9"))
        yield from (f"clamp_min({name}, {bound})" for bound in ("3", "Inf", "NaN"))
        yield from (f"clamp_max({name}, {bound})" for bound in ("3", "-Inf", "NaN"))
    yield from (f"{function}({argument})" for function, argument in product(DATES, ("", "clock", "vector(time())")))
    yield from ("rad(temp)", "time()", "pi()", "vector(time())", "scalar(sum(ints))", "scalar(ints)", "scalar(nothing)")
    yield from ("1", "2^3^2", "-2^2", "-5%3", "5.5%0", "1/0", "0/0", "1 atan2 2", "1 < bool NaN", '"text"', "(1)")
    yield from ("sort(temp)", "sort_desc(temp)", "sort(huge)", "sort_desc(gappy)", "sort(temp > 10) * 2")


def _times() -> Iterator[str]:
    yield from (f"timestamp(ints @ end() offset {offset})" for offset in ("2m", "5m", "7m", "-2m", "-7m"))
    for argument in (
        "ints",
        "(ints)",
        "ints offset 20s",
        "ints @ end()",
        "-ints",
        "timestamp(ints)",
        "gappy",
        "vector(1)",
    ):
        yield f"timestamp({argument})"
    yield from (
        "ints @ start()",
        "ints @ end()",
        "ints offset 1m",
        "ints offset -1m",
        "ints @ start() offset 1m",
        "temp @ 9",
    )
    yield from (
        "sum(ints @ end()) + sum(ints)",
        "rate(req_total[5m] @ end() offset 2m)",
        "gappy",
        "sparse",
        "build_info",
    )
    matchers = (
        "",
        '{a="b",c=~"d"}',
        '{a="b",a="c"}',
        '{a=~"x",a="c"}',
        '{__type__="y",a="b"}',
        "[5m]",
        '{a="b"}[5m:1m]',
    )
    for matcher in matchers:
        yield f"{'absent_over_time' if matcher.endswith(']') else 'absent'}(nothing{matcher})"
    yield from ("absent(ints)", 'absent(gappy{instance="i0"})', "absent(sum(nothing))", 'absent((nothing{a="1"}))')
    yield from ('absent_over_time(gappy{instance="i0"}[2m])', "absent_over_time(sparse[1m])")


def _aggregations() -> Iterator[str]:
    names = ("req_total", "temp", "gappy", "huge", "ties", "nothing", TWINS, "swing", "typed")
    clauses = ("", " by (instance, grp)", " without (instance)", " by (__name__)", " without ()")
    yield from (f"{op}{clause} ({name})" for op, clause, name in product(AGGREGATIONS, clauses, names))
    for q, name in product(
        ("0.5", "0", "1", "0.77", "-1", "2", "NaN", "scalar(sum(ints)) / 9"), ("temp", "ties", "gappy")
    ):
        yield f"quantile by (grp) ({q}, {name})"
    counts = ("1", "2", "3", "5", "0", "-1", "12", "2.9", "NaN", "scalar(sum(ints))", "Inf")
    for op, count, name in product(("topk", "bottomk"), counts, ("temp", "ties", "req_total", "gappy")):
        yield f"{op} by (grp, region) ({count}, {name})"
    yield from (f"{op}({count}, ties)" for op, count in product(("topk", "bottomk"), counts))
    for clause, name in product(
        ("", " by (grp)", " without (instance, n)", " by (v)"), ("temp", "ties", "huge", "gappy")
    ):
        yield f'count_values{clause} ("v", {name})'
    yield from ('count_values by (instance) ("instance", ints)', 'count_values("a-b", ints)')


def _operators() -> Iterator[str]:
    pairs = [("ints", "2"), ("20", "temp"), ("temp", "scalar(sum(ints))"), (TWINS, "1"), ("1", APART), ("ints", "ints")]
    pairs += [("twin_a", "twin_b"), ("temp", "gappy"), ("early", "late"), ("ties", "ties offset 1m"), ("huge", "huge")]
    for op, (left, right) in product((*ARITHMETIC, *COMPARISONS), pairs):
        yield f"{left} {op} {right}"
        if op in COMPARISONS:
            yield f"{left} {op} bool {right}"
    for op, how, left in product(("+", "/", "==", ">", "<= bool"), MANY, ("temp", "req_total", "gappy")):
        yield f"{left} {op} {how} build_info"
    for op, how in product(("-", ">", "< bool"), ("on(instance) group_right", "on(instance) group_right(version)")):
        yield f"build_info {op} {how} temp"
        yield f"req_total {op} {how} ints"
    sets = [("ints", "twin_a"), ("temp", "gappy"), ("twin_a", "twin_b"), ("early", "late"), ("ints > 1", "ints < 3")]
    sets += [("nothing", "ints"), ("ints", "nothing"), ("gappy", "vector(1)"), ("vector(1)", "gappy")]
    sets += [("build_info", "build_info offset 1h")]
    for op, how, (left, right) in product(("and", "or", "unless"), ("", "on(instance)", "on()", "ignoring(pod)"), sets):
        yield f"{left} {op} {how} {right}"
    yield from ("abs(twin_a) or abs(twin_b)", f"-{TWINS}", f"-{APART}", f"{APART} or ints")


def _labels_and_histograms() -> Iterator[str]:
    for arguments in (
        '"x", "$1", "instance", "i(.*)"',
        '"x", "${1}y$$z$0", "instance", "i(.*)"',
        '"x", "$1y", "instance", "i(.*)"',
        '"instance", "same", "instance", ".*"',
        '"x", "$nm-${nm}", "instance", "(?P<nm>.*)"',
        '"__name__", "", "__name__", "ints"',
        '"x", "y", "missing", ""',
        '"x", "y", "instance", "("',
        '"x", "$", "instance", ".*"',
        '"x", "$9", "instance", ".*"',
        '"a-b", "y", "instance", "(.*)"',
    ):
        yield f"label_replace(ints, {arguments})"
    yield f'label_replace({APART}, "__name__", "one", "", "")'
    yield f'label_replace({TWINS}, "__name__", "one", "", "")'
    for arguments in ('"x", "-", "instance", "pod"', '"x", "-"', '"instance", "-", "no"', '"x", "-", "a-b"'):
        yield f"label_join(ints, {arguments})"
    names = ["lat_bucket", "odd_bucket", "rate(lat_bucket[5m])", "sum by (le) (rate(lat_bucket[2m]))", "ints"]
    names += ['lat_bucket{le!="+Inf"}', 'lat_bucket{le!="0.5"}', "-odd_bucket", "lat_bucket * 0"]
    names += ['label_replace(lat_bucket, "le", "0.5", "le", "0.1")', '{__name__=~"lat_bucket|odd_bucket"}']
    for q, name in product(("0.5", "0.9", "0", "1", "-1", "1.5", "NaN", "scalar(sum(ints)) / 9", "0.001"), names):
        yield f"histogram_quantile({q}, {name})"
