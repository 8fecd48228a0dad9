"""The plan's promise: members' answers, put together, are what one Prometheus says over all their series.

Members and reference are evaluated by the engine, over data with gaps, ends, NaN, infinities, series that only some
clusters have, and a member's own label of the fleet's name.
"""

import math
import random
from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from aiops.promql.engine import (
    PROMETHEUS_2,
    PROMETHEUS_3,
    STALE_BITS,
    EvaluationError,
    Grid,
    Ranges,
    Rules,
    Scalar,
    SeriesData,
    Value,
    Vector,
    evaluate,
    label_set,
)
from aiops.promql.engine.labels import Labels
from aiops.promql.matching_values import satisfied
from aiops.promql.parse import parse
from aiops.promql.plan import Leaf, Plan, plan
from aiops.promql.syntax import Matcher

CLUSTERS = ("a", "b", "c", "d")
STALE = float(np.array([STALE_BITS], dtype=np.uint64).view(np.float64)[0])
START, END = 3_600_000, 5_400_000
RANGE = Grid(START, END, 60_000)
UNALIGNED = Grid(START + 7_777, END, 97_000)
INSTANT = Grid.instant(4_500_123)


class Held:
    """Gathered samples, by the selector that stands for them."""

    def __init__(self, samples: dict[tuple[Matcher, ...], list[SeriesData]]) -> None:
        self._samples = samples

    def select(self, matchers: tuple[Matcher, ...], _from_ms: int, _to_ms: int) -> Sequence[SeriesData]:
        return self._samples[matchers]


class Store:
    """A source of series in memory."""

    def __init__(self, series: Iterable[SeriesData]) -> None:
        self.series = list(series)

    def select(self, matchers: tuple[Matcher, ...], _from_ms: int, _to_ms: int) -> Sequence[SeriesData]:
        def fits(one: SeriesData) -> bool:
            labels = dict(one.labels)
            return all(satisfied(matcher, labels.get(matcher.name, "")) for matcher in matchers)

        return [one for one in self.series if fits(one)]


def shown(labels: Labels, cluster: str | None) -> Labels:
    """A member's labels as the fleet shows them."""
    pairs = [("exported_cluster" if name == "cluster" else name, value) for name, value in labels]
    return label_set([*pairs, *([] if cluster is None else [("cluster", cluster)])])


def series(rng: random.Random, *, counter: bool, **labels: str) -> SeriesData:
    times = [at for at in range(0, END + 1, 15_000) if rng.random() > 0.1]
    lost = rng.random() < 0.3
    values: list[float] = []
    total = 0.0
    for at in times:
        if lost and 4_000_000 < at < 4_700_000:
            values.append(STALE)
        elif counter:
            total = 0.0 if rng.random() < 0.01 else total + rng.randint(0, 5)
            values.append(total)
        else:
            values.append(float(rng.choice([1, 2, 2, 3, 5, 8, -1, 0.5])))
    if labels.get("odd"):
        values = [rng.choice([math.nan, math.inf, -math.inf, 1.0]) for _ in values]
    return SeriesData(label_set(labels.items()), np.array(times, dtype=np.int64), np.array(values))


def member(rng: random.Random, cluster: str) -> Store:
    found: list[SeriesData] = []
    for index, job in enumerate(("x", "y", "z")):
        if rng.random() < 0.8:
            found.append(series(rng, counter=False, __name__="foo", job=job, n=str(index % 2)))
        if rng.random() < 0.8:
            found.append(series(rng, counter=False, __name__="bar", job=job, n=str(index % 2)))
        found.append(series(rng, counter=True, __name__="total", job=job))
        found += [series(rng, counter=True, __name__="h_bucket", job=job, le=le) for le in ("1", "2", "+Inf")]
    found.append(series(rng, counter=False, __name__="one", version=f"v{rng.randint(1, 2)}"))
    found.append(series(rng, counter=False, __name__="own", cluster="inner", job="x"))
    if rng.random() < 0.5:
        found.append(series(rng, counter=False, __name__="own", cluster=cluster, job="y"))
    found.append(series(rng, counter=False, __name__="odd", odd="1", job="x"))
    if cluster in ("a", "b"):
        found.append(series(rng, counter=False, __name__="some", job="x"))
    return Store(found)


@pytest.fixture(scope="module")
def fleet() -> dict[str, Store]:
    rng = random.Random(20)  # noqa: S311 - no secret
    return {cluster: member(rng, cluster) for cluster in CLUSTERS}


@pytest.fixture(scope="module")
def union(fleet: dict[str, Store]) -> Store:
    return Store(
        SeriesData(shown(one.labels, cluster), one.times, one.values)
        for cluster, store in fleet.items()
        for one in store.series
    )


def answer(leaf: Leaf, fleet: dict[str, Store], rules: Rules) -> Value:
    """What the members say to one leaf, put side by side."""
    values = [
        (cluster if leaf.labelled else None, evaluate(parse(query), leaf.grid, fleet[cluster], rules))
        for cluster, query in leaf.queries
    ]
    if len(values) == 1 and isinstance(values[0][1], Scalar):
        return values[0][1]
    labels: list[Labels] = []
    arrays, masks = [np.empty((0, leaf.grid.steps))], [np.empty((0, leaf.grid.steps), dtype=np.bool_)]
    for cluster, value in values:
        assert isinstance(value, Vector)
        labels += [shown(one, cluster) for one in value.labels]
        arrays.append(value.values)
        masks.append(value.present)
    return Vector(tuple(labels), np.concatenate(arrays), np.concatenate(masks))


def federated(made: Plan, fleet: dict[str, Store], rules: Rules) -> Value:
    if made.finish is None:
        return answer(made.leaves[0], fleet, rules)
    given = {(leaf.stand_in, leaf.grid): answer(leaf, fleet, rules) for leaf in made.leaves if not leaf.raw}
    raw = {leaf.stand_in.matchers: samples_of(leaf, fleet, rules) for leaf in made.leaves if leaf.raw}
    return evaluate(made.finish, made.grid, Held(raw), rules, given)  # type: ignore[arg-type]


def samples_of(leaf: Leaf, fleet: dict[str, Store], rules: Rules) -> list[SeriesData]:
    found: list[SeriesData] = []
    for cluster, query in leaf.queries:
        value = evaluate(parse(query), leaf.grid, fleet[cluster], rules)
        assert isinstance(value, Ranges)
        found += [SeriesData(shown(one.labels, cluster), one.times, one.values) for one in value.series]
    return found


def samples(value: Value) -> dict[tuple[Labels, int], float]:
    if isinstance(value, Scalar):
        return {((), step): number for step, number in enumerate(value.values.tolist())}
    assert isinstance(value, Vector)
    return {
        (labels, step): float(value.values[row, step])
        for row, labels in enumerate(value.labels)
        for step in np.flatnonzero(value.present[row]).tolist()
    }


def check(query: str, grid: Grid, fleet: dict[str, Store], union: Store, rules: Rules = PROMETHEUS_3) -> None:
    tree = parse(query)
    try:
        expected = samples(evaluate(tree, grid, union, rules))
    except EvaluationError:
        with pytest.raises(EvaluationError):
            federated(plan(tree, CLUSTERS, "cluster", grid, rules), fleet, rules)
        return
    found = samples(federated(plan(tree, CLUSTERS, "cluster", grid, rules), fleet, rules))
    assert found.keys() == expected.keys()
    for key, number in expected.items():
        assert found[key] == pytest.approx(number, rel=1e-9, abs=1e-9, nan_ok=True), key


GROUPINGS = ("", "by (job)", "by (cluster)", "by (cluster, job)", "without (cluster)", "without (job)",
             "without (cluster, job)", "by (exported_cluster)", "by (__name__)", "without ()")  # fmt: skip
MATCHINGS = ("", "on (job)", "on (cluster, job)", "on (cluster)", "ignoring (job)", "ignoring (cluster)",
             "ignoring (n)", "ignoring (cluster, n)")  # fmt: skip
WHOLE = {
    f"{op} {grouping} ({operand})": None
    for op in ("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar")
    for grouping in GROUPINGS
    for operand in ("foo", "odd", "own", "rate(total[2m])", 'some{cluster!="c"}')
}
PARAMETERS = {
    f"{op} {grouping} ({parameter}, {operand})": None
    for op, parameter in (("topk", "100"), ("bottomk", "100"), ("quantile", "0.7"), ("count_values", '"v"'),
                          ("count_values", '"cluster"'), ("count_values", '"job"'), ("limitk", "100"))
    for grouping in GROUPINGS
    for operand in ("foo", "own")
}  # fmt: skip
JOINS = {
    f"{left} {op} {matching} {right}": None
    for op in ("+", ">", "== bool", "and", "or", "unless")
    for matching in MATCHINGS
    for left, right in (
        ("foo", "bar"),
        ('foo{cluster="a"}', "bar"),
        ('foo{cluster="a"}', 'bar{cluster="a"}'),
        ("foo", "some"),
        ("foo", 'bar{cluster=~"b|c"}'),
        ("sum by (job) (foo)", "max by (job) (bar)"),
        ("foo", "vector(2)"),
        ("vector(2)", "foo"),
        ('sum by (job) (foo{cluster="a"})', 'bar{cluster="a"}'),
        ('sum by (job) (foo{cluster="b"})', 'sum by (job) (bar{cluster="b"})'),
    )
}  # fmt: skip
OTHERS = """
foo
foo{cluster="none"}
{__name__="foo", cluster=~"a|c"}
own{exported_cluster="inner"}
own{exported_cluster!=""}
-foo * 2
rate(total[2m])
increase(total{cluster!="d"}[5m])
max_over_time(foo[10m:])
max_over_time(sum(foo)[10m:])
avg_over_time(sum by (job) (rate(total[2m]))[7m:90s] offset 1m)
stddev_over_time((avg by (job) (foo) > 1)[10m:1m])
last_over_time(topk(100, foo)[5m:1m])
rate(sum by (job) (total)[5m:30s])
quantile_over_time(0.5, sum(foo)[5m:1m])
quantile_over_time(scalar(vector(0.5)), foo[5m])
quantile_over_time(scalar(sum(some) > bool 0), foo[5m:1m])
quantile_over_time(scalar(avg(foo)) / 10, foo[5m])
quantile_over_time(scalar(sum(some) > bool 0), foo{cluster="b"}[5m] offset 90s)
quantile_over_time(scalar(avg(foo)) / 10, own[3m] @ end())
quantile_over_time(scalar(avg(foo)) / 10, (own[3m] @ 4000 offset 1m))
sum by (job) (predict_linear(foo[10m], scalar(count(foo)) * 60))
predict_linear(total[3m], scalar(count(foo))) + predict_linear(total[5m], scalar(count(bar)))
max_over_time(predict_linear(foo[4m], scalar(count(foo)))[10m:90s])
predict_linear(none[4m], scalar(count(foo)))
absent_over_time(sum(some > 100)[5m:1m])
max_over_time(max_over_time(sum(foo)[4m:1m])[6m:2m])
sum(foo @ start())
sum(foo @ end() offset 5m)
sum(foo @ 4000)
max_over_time(sum(foo)[10m:1m] @ end())
foo offset -1m
absent(foo)
absent(none)
absent(none{cluster="a", job="x"})
absent(none{cluster=~"a", job="x"})
absent(none{cluster="a", cluster="b", job="x"})
absent(foo{cluster="a", job="x"})
absent(sum(none))
absent(foo > 1000)
absent((none{job="q"}))
absent_over_time(none{job="x"}[5m])
absent_over_time(foo{job="x"}[15s])
absent_over_time((foo > 100)[5m:1m])
absent(some{job="x"}) or foo
absent(none{cluster="a"}) or foo
scalar(foo)
scalar(sum(foo))
scalar(some{cluster="a"})
scalar(none{cluster="a"})
scalar(none)
vector(scalar(some{cluster="a"}))
foo > scalar(avg(foo))
foo{cluster="a"} * scalar(some{cluster="a"})
foo * scalar(some{cluster="a"})
clamp_max(foo, scalar(max(bar)) - 5)
clamp(foo, 1, 3)
round(foo, scalar(some{cluster="b"}))
foo or vector(0)
sum(foo) or vector(0)
sum(none) or vector(0)
sum(none{cluster="a"}) or vector(0)
sum(none{cluster="nobody"}) or vector(0)
none{cluster="a"} or vector(7)
vector(7) or none{cluster="a"}
vector(1) unless foo
vector(1) unless on () foo{cluster="a"}
time() + foo
foo + time()
timestamp(foo)
timestamp(sum(foo))
timestamp((foo{cluster="a"}))
hour(foo * 1e6)
hour()
minute(sum(foo))
1 + 2
pi()
start() + foo
sum(foo * step())
histogram_quantile(0.5, rate(h_bucket[5m]))
histogram_quantile(0.5, sum by (le) (rate(h_bucket[5m])))
histogram_quantile(0.9, sum by (le, cluster) (rate(h_bucket[5m])))
histogram_quantile(0.9, sum without (cluster, job) (rate(h_bucket[5m])))
histogram_quantile(scalar(some{cluster="a"}), h_bucket)
histogram_fraction(0, 1, sum by (le) (h_bucket))
label_replace(foo, "new", "$1-x", "job", "(.*)")
label_replace(foo, "cluster", "$1", "job", "(.*)")
label_replace(foo, "new", "$1", "cluster", "(.*)")
label_replace(own, "new", "$1", "exported_cluster", "(.*)")
label_replace(foo, "exported_cluster", "$1", "job", "(.*)")
label_replace(own, "exported_cluster", "", "job", "(.*)")
label_join(foo, "new", "-", "cluster", "job")
label_join(own, "new", "-", "exported_cluster", "job")
sum by (new) (label_replace(foo, "new", "$1", "cluster", "(.).*"))
sum by (cluster) (label_replace(foo, "cluster", "all", "", ""))
topk(100, sum by (cluster) (foo))
sum(topk by (cluster) (1, rate(total[2m])))
sum(sum by (cluster, job) (foo))
max(sum by (job) (foo))
count(count by (cluster) (foo))
avg(avg by (cluster) (foo))
sum(foo) / count(foo)
sum(foo) / on () group_right () foo
foo / on () group_left () sum(foo)
foo / on (job) group_left () sum by (job) (foo)
foo * on (cluster) group_left (version) one
foo * on () group_left (version) one{cluster="a"}
foo{cluster="a"} * on () group_left (version) one{cluster="a"}
foo * on (job) group_left (cluster) some{cluster="a"}
foo{cluster="a"} * on (job) group_left (cluster) some{cluster="a"}
own * on (cluster, job) group_left (exported_cluster) own{exported_cluster="inner"}
one * on (cluster) group_right (version) foo
sum by (version) (foo * on (cluster) group_left (version) one)
foo and on (cluster) one
foo unless on (cluster) (one{cluster="a"} > -100)
foo and on () vector(1)
(foo > 1) or (bar < 0)
((sum(foo)))
-sum(foo) ^ 2
sum(-foo)
sum(foo + on (cluster, job) bar)
sum(foo > bool 1)
sort(sum by (job) (foo))
sum(sort(foo))
limitk(100, foo)
quantile(0.5, foo{cluster="a"})
stddev(foo * 1e8)
sum(foo) by (job) > 3 and sum(bar) by (job)
avg by (job) (foo) == avg by (job) (foo)
""".strip().splitlines()


@pytest.mark.parametrize("query", [*WHOLE, *PARAMETERS, *JOINS, *OTHERS])
def test_over_a_range(query: str, fleet: dict[str, Store], union: Store) -> None:
    check(query, RANGE, fleet, union)


@pytest.mark.parametrize("query", OTHERS)
@pytest.mark.parametrize("rules", [PROMETHEUS_2, PROMETHEUS_3], ids=["2", "3"])
@pytest.mark.parametrize("grid", [INSTANT, UNALIGNED], ids=["instant", "unaligned"])
def test_at_other_steps_and_in_either_generation(
    query: str, grid: Grid, rules: Rules, fleet: dict[str, Store], union: Store
) -> None:
    check(query, grid, fleet, union, rules)


@pytest.mark.parametrize(
    "query", ["sort(foo)", "sort_desc(sum by (job, cluster) (foo)) > 1", "topk(3, rate(total[5m]))"]
)
def test_the_order_of_an_instant_answer(query: str, fleet: dict[str, Store], union: Store) -> None:
    expected = evaluate(parse(query), INSTANT, union, PROMETHEUS_3)
    found = federated(plan(parse(query), CLUSTERS, "cluster", INSTANT), fleet, PROMETHEUS_3)
    assert isinstance(expected, Vector)
    assert isinstance(found, Vector)
    assert found.values.ravel().tolist() == expected.values.ravel().tolist()
