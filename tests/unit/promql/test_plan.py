"""Each row of the rules: what is pushed to whom, and what is finished here. Clusters are a, b and c."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiops.promql.engine.grid import Grid
from aiops.promql.engine.rules import PROMETHEUS_2
from aiops.promql.explain import explain, one_line
from aiops.promql.parse import parse
from aiops.promql.plan import BadRegex, NoRange, NotFederable, Plan, Shape, plan
from aiops.promql.serialize import duration
from aiops.promql.signatures import AGGREGATIONS, FUNCTIONS, ValueType
from aiops.promql.syntax import METRIC_NAME, Aggregation, Matcher, MatchOp, Selector
from aiops.promql.walk import nodes
from tests.unit.promql.trees import TEXTS

CLUSTERS = ("a", "b", "c")
RANGE = Grid(1_000_000, 1_600_000, 60_000)
INSTANT = Grid.instant(1_600_000)
ABOVE = "$2 - ignoring (cluster) group_left () min by (x) ($2)"
GAP = f"{ABOVE} - ignoring (cluster) group_left () sum by (x) (({ABOVE}) * $1) / sum by (x) ($1)"
VARIANCE = f"sum by (x) (($3 + ({GAP}) ^ 2) * $1) / sum by (x) ($1)"


def planned(query: str, grid: Grid = RANGE, clusters: tuple[str, ...] = CLUSTERS) -> Plan:
    return plan(parse(query), clusters, "cluster", grid)


def pushed(query: str, grid: Grid = RANGE) -> list[tuple[str, str]]:
    return [(part.query, "".join(part.clusters)) for part in explain(planned(query, grid)).pushed]


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        # Selectors: matchers on the label choose the clusters and are gone.
        ("foo", [("foo", "abc")]),
        ('foo{cluster=~"a|b", x="y"}', [('foo{x="y"}', "ab")]),
        ('foo{cluster!="a"}', [("foo", "bc")]),
        ('foo{cluster!~"a|b", cluster=~".+"}', [("foo", "c")]),
        ('foo{cluster="aa"}', []),
        ('foo{cluster=~"[ab]."}', []),
        ('foo{cluster=""}', []),
        ('{cluster="a"}', [('{__name__=~".+"}', "a")]),
        ('{cluster="a", job!="x"}', [('{__name__=~".+", job!="x"}', "a")]),
        ('foo{exported_cluster="x"}', [('foo{cluster="x"}', "abc")]),
        ("foo @ start() offset 5m", [("foo @ 1000.000 offset 5m", "abc")]),
        ("rate(foo[5m] @ end())", [("rate(foo[5m] @ 1600.000)", "abc")]),
        # Closed nodes.
        ("-(foo * 2) > bool 1", [("-(foo * 2) > bool 1", "abc")]),
        ("clamp(foo, 0, 1)", [("clamp(foo, 0, 1)", "abc")]),
        ("histogram_quantile(0.9, rate(h[5m]))", [("histogram_quantile(0.9, rate(h[5m]))", "abc")]),
        ("max_over_time(rate(foo[5m])[10m:])", [("max_over_time(rate(foo[5m])[10m:1m])", "abc")]),
        ("max_over_time(foo[10m:] @ start())", [("max_over_time(foo[10m:1m] @ 1000.000)", "abc")]),
        ("foo + start() + step()", [("foo + 1000 + 60", "abc")]),
        ("sum by (cluster, x) (foo)", [("sum by (x) (foo)", "abc")]),
        ("quantile without (x) (0.5, foo)", [("quantile without (x) (0.5, foo)", "abc")]),
        ("sum by (cluster, exported_cluster) (foo)", [("sum by (cluster) (foo)", "abc")]),
        ("topk by (cluster) (1, foo)", [("topk(1, foo)", "abc")]),
        ('count_values by (cluster) ("v", foo)', [('count_values("v", foo)', "abc")]),
        ("foo + bar", [("foo + bar", "abc")]),
        ("foo + on (cluster, x) bar", [("foo + on (x) bar", "abc")]),
        ("foo and on (cluster) bar", [("foo and on () bar", "abc")]),
        (
            "foo * ignoring (x) group_left (exported_cluster) bar",
            [("foo * ignoring (x) group_left (cluster) bar", "abc")],
        ),
        ('label_replace(foo, "exported_cluster", "$1", "x", "(.*)")',
         [('label_replace(foo, "cluster", "$1", "x", "(.*)")', "abc")]),
        ('label_join(foo, "x", "-", "exported_cluster", "z")', [('label_join(foo, "x", "-", "cluster", "z")', "abc")]),
        ("sort(foo)", [("foo", "abc")]),
        # Selectors of different clusters in one closed node.
        ('foo{cluster="a"} or bar', [("foo or bar", "a"), ("bar", "bc")]),
        ('foo and bar{cluster=~"a|b"}', [("foo and bar", "ab")]),
        ('foo unless bar{cluster="a"}', [("foo unless bar", "a"), ("foo", "bc")]),
        ('foo - bar{cluster="b"}', [("foo - bar", "b")]),
        ('absent(foo{cluster="a"}) or bar', [("absent(foo) or bar", "a"), ("bar", "bc")]),
        # One cluster has it all.
        ('sum(foo{cluster="a"})', [("sum(foo)", "a")]),
        ('sum without (cluster) (foo{cluster="a"})', [("sum without () (foo)", "a")]),
        ('scalar(foo{cluster="a"}) + 1', [("scalar(foo) + 1", "a")]),
        ('sum(foo{cluster="a"}) or vector(0)', [("sum(foo) or vector(0)", "a")]),
        ('foo{cluster="a"} * on (x) group_left (y) bar{cluster="a"}', [("foo * on (x) group_left (y) bar", "a")]),
        ('quantile(0.5, foo{cluster="a"} * ignoring (cluster) bar{cluster="a"})',
         [("quantile(0.5, foo * ignoring () bar)", "a")]),
        ('absent(foo{cluster="a", x="y"})', [('absent(foo{x="y"})', "a")]),
        ('limitk(2, foo{cluster="a"})', [("limitk(2, foo)", "a")]),
        ('topk(scalar(foo{cluster="a"}), bar{cluster="a"})', [("topk(scalar(foo), bar)", "a")]),
    ],
)  # fmt: skip
def test_pushed_whole(query: str, texts: list[tuple[str, str]]) -> None:
    assert planned(query).finish is None
    assert pushed(query) == texts


@pytest.mark.parametrize(
    ("query", "texts", "finish"),
    [
        ("sum(foo)", ["sum(foo)"], "sum($1)"),
        ("min by (x) (foo)", ["min by (x) (foo)"], "min by (x) ($1)"),
        ("max without (cluster, x) (foo)", ["max without (x) (foo)"], "max without (cluster, x) ($1)"),
        ("group(foo)", ["group(foo)"], "group($1)"),
        ("count by (x) (foo)", ["count by (x) (foo)"], "sum by (x) ($1)"),
        ("sum by (exported_cluster) (foo)", ["sum by (cluster) (foo)"], "sum by (exported_cluster) ($1)"),
        ("topk(2, foo)", ["topk(2, foo)"], "topk(2, $1)"),
        ("bottomk by (x) (2, foo)", ["bottomk by (x) (2, foo)"], "bottomk by (x) (2, $1)"),
        ("avg by (x) (foo)", ["count by (x) (foo)", "sum by (x) (foo)"], "sum by (x) ($2) / sum by (x) ($1)"),
        ("avg by (__name__) (foo)", ["foo"], "avg by (__name__) ($1)"),
        ("stdvar by (x) (foo)", ["count by (x) (foo)", "avg by (x) (foo)", "stdvar by (x) (foo)"], VARIANCE),
        ("stddev by (x) (foo)", ["count by (x) (foo)", "avg by (x) (foo)", "stdvar by (x) (foo)"], f"sqrt({VARIANCE})"),
        ('count_values("v", foo)', ['count_values("v", foo)'], "sum by (v) ($1)"),
        (
            'count_values by (x) ("cluster", foo)',
            ['count_values by (x) ("__value_of_cluster", foo)'],
            (
                'sum by (x, cluster) (label_replace(sum by (x, __value_of_cluster) ($1), "cluster", "$1", '
                '"__value_of_cluster", "(.*)"))'
            ),
        ),
        ('count_values without (cluster) ("cluster", foo)', ["foo"], 'count_values without (cluster) ("cluster", $1)'),
        ('count_values by (cluster) ("cluster", foo)', ["foo"], 'count_values by (cluster) ("cluster", $1)'),
        ('count_values("exported_cluster", foo)', ["foo"], 'count_values("exported_cluster", $1)'),
        ("quantile(0.9, rate(foo[5m]))", ["rate(foo[5m])"], "quantile(0.9, $1)"),
        ("limitk(1, foo)", ["foo"], "limitk(1, $1)"),
        ("topk(scalar(foo), bar)", ["foo", "bar"], "topk(scalar($1), $2)"),
        ("foo > scalar(sum(foo))", ["foo", "sum(foo)"], "$1 > scalar(sum($2))"),
        ("foo + on (x) bar", ["foo", "bar"], "$1 + on (x) $2"),
        ("foo + ignoring (cluster) bar", ["foo", "bar"], "$1 + ignoring (cluster) $2"),
        ("foo + fill(0) bar", ["foo", "bar"], "$1 + fill_left (0) fill_right (0) $2"),
        ("foo * on (x) group_left (cluster) bar", ["foo", "bar"], "$1 * on (x) group_left (cluster) $2"),
        ("foo or vector(0)", ["foo"], "$1 or vector(0)"),
        ('foo{cluster="a"} or vector(0)', ["foo"], "$1 or vector(0)"),
        ('sum(foo{cluster="none"}) or vector(0)', [], "sum($1) or vector(0)"),
        ('sum(foo{cluster="a"}) + foo{cluster="a"}', ["sum(foo)", "foo"], "$1 + $2"),
        ("foo and on () vector(1)", ["foo"], "$1 and on () vector(1)"),
        ('label_replace(foo, "cluster", "z", "x", "")', ["foo"], 'label_replace($1, "cluster", "z", "x", "")'),
        ('label_join(foo, "x", "", "cluster")', ["foo"], 'label_join($1, "x", "", "cluster")'),
        ("sum(foo) / sum(foo)", ["sum(foo)"], "sum($1) / sum($1)"),
        (
            "histogram_quantile(0.9, sum by (le) (rate(h[5m])))",
            ["sum by (le) (rate(h[5m]))"],
            "histogram_quantile(0.9, sum by (le) ($1))",
        ),
        ("absent(foo)", ["group(foo)"], "absent($1)"),
        ("absent(sum(foo) > 3)", ["sum(foo)"], "absent(sum($1) > 3)"),
        ("absent_over_time(foo[5m])", ["group(present_over_time(foo[5m]))"], "absent($1)"),
        ("absent_over_time(foo[5m:])", ["group(present_over_time(foo[5m:1m]))"], "absent($1)"),
        ("absent_over_time(sum(foo)[5m:1m])", ["sum(foo)"], "absent_over_time(sum($1)[5m:1m])"),
        ("max_over_time(sum(foo)[10m:1m])", ["sum(foo)"], "max_over_time(sum($1)[10m:1m])"),
        ("quantile_over_time(scalar(foo), foo[5m:1m])", ["foo", "foo"], "quantile_over_time(scalar($1), $2[5m:1m])"),
        ("sum(max_over_time(avg by (x) (foo)[5m:]))", ["count by (x) (foo)", "sum by (x) (foo)"],
         "sum(max_over_time((sum by (x) ($2) / sum by (x) ($1))[5m:]))"),
        ("vector(1) + 1", [], "vector(1) + 1"),
        ("time()", [], "time()"),
    ],
)  # fmt: skip
def test_finished_here(query: str, texts: list[str], finish: str) -> None:
    explained = explain(planned(query))
    assert explained.finish == finish
    assert [part.query for part in explained.pushed] == texts


def test_a_sort_decides_the_order_of_an_instant_answer_alone() -> None:
    assert explain(planned("sort_desc(foo) > 1", INSTANT)).finish == "sort_desc($1) > 1"
    assert pushed('sort(foo{cluster="a"})', INSTANT) == [("sort(foo)", "a")]
    assert pushed("sort_desc(foo) > 1", RANGE) == [("foo > 1", "abc")]
    assert pushed("sum(sort(foo))", INSTANT) == [("sum(foo)", "abc")]
    assert explain(planned('sort_by_label(foo, "cluster")', INSTANT)).finish == 'sort_by_label($1, "cluster")'


def test_a_sort_by_labels_is_by_the_fleets_names_of_them() -> None:
    """A member's own label of the fleet's name is shown under another, which sorts elsewhere."""
    for query in (
        'sort_by_label_desc(foo{cluster="a"}, "job")',
        'sort_by_label(sum by (job) (foo{cluster="a"}), "job")',
    ):
        assert planned(query, INSTANT).shape is Shape.COMBINED
        assert planned(query, RANGE).shape is Shape.SINGLE


def test_shapes() -> None:
    shapes = {query: planned(query).shape for query in ("1", "foo", 'sum(foo{cluster="a"})', "sum(foo)")}
    assert list(shapes.values()) == [Shape.CONSTANT, Shape.UNION, Shape.SINGLE, Shape.COMBINED]
    assert planned("sum(foo)", clusters=("a",)).shape is Shape.SINGLE
    assert planned("sum(foo)", clusters=()).shape is Shape.COMBINED
    assert [leaf.labelled for leaf in planned('sum(foo{cluster="a"})').leaves] == [False]
    assert [leaf.labelled for leaf in planned('topk(1, foo{cluster="a"})').leaves] == [True]


def test_absence_keeps_the_labels_that_were_asked_for() -> None:
    made = planned('absent(foo{x="y", cluster="none"})')
    stand_in = made.leaves[0].stand_in
    assert [matcher for matcher in stand_in.matchers if matcher.op is MatchOp.EQUAL] == [
        Matcher(METRIC_NAME, MatchOp.EQUAL, "foo"),
        Matcher("x", MatchOp.EQUAL, "y"),
        Matcher("cluster", MatchOp.EQUAL, "none"),
    ]
    assert made.absence
    assert [leaf.labelled for leaf in planned('absent(foo{cluster="a"})').leaves] == [True]
    assert [leaf.labelled for leaf in planned('absent(foo{cluster=~"a"})').leaves] == [False]


def test_a_subquery_is_asked_at_multiples_of_its_step() -> None:
    grids = [leaf.grid for leaf in planned("max_over_time(sum(foo)[10m:7m] offset 1m)").leaves]
    assert grids == [Grid(420_000, 1_540_000, 420_000)]
    older = plan(parse("sum_over_time(sum(foo)[4m:2m])"), CLUSTERS, "cluster", Grid.instant(1_200_000), PROMETHEUS_2)
    assert older.leaves[0].grid == Grid(960_000, 1_200_000, 120_000), "Prometheus 2 takes the window's start, too"
    nothing = planned("max_over_time(sum(foo)[1s:1h])", Grid.instant(1_000_000)).leaves[0]
    assert (nothing.grid.steps, nothing.queries) == (0, ())


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("info(foo)", "info(foo)"),
        ("histogram_sum(sum(foo))", "by (cluster)"),
    ],
)
def test_what_has_no_exact_answer_is_refused_with_a_rewrite(query: str, words: str) -> None:
    with pytest.raises(NotFederable, match=r".+") as refused:
        planned(query)
    assert words in str(refused.value)


def test_nothing_else_is_refused_whatever_mixes_clusters() -> None:
    """Every function and aggregation, with scalars, vectors and subqueries that mix clusters, and plain ranges."""
    mixed = {
        ValueType.SCALAR: ("1", "scalar(sum(foo))"),
        ValueType.VECTOR: ("foo", "sum(foo)"),
        ValueType.MATRIX: ("foo[5m]", "sum(foo)[5m:1m]"),
        ValueType.STRING: ('"x"', '"cluster"'),
    }
    calls = [
        f"{name}({', '.join(arguments)})"
        for name, signature in FUNCTIONS.items()
        for arguments in product(*(mixed[kind] for kind in signature.arguments))
        if name != "info"
    ]
    calls += [
        f"{op} {grouping} ({', '.join((*parameter, vector))})"
        for op, kind in AGGREGATIONS.items()
        for grouping in ("", "by (cluster)", "without (job)")
        for parameter in product(*([mixed[kind]] if kind else []))
        for vector in mixed[ValueType.VECTOR]
    ]
    refused = set()
    for query in calls:
        for grid in (INSTANT, RANGE):
            try:
                planned(query, grid)
            except NotFederable:
                refused.add(query)
    of_native = ("avg", "count", "stddev", "stdvar", "sum")
    assert refused == {f"histogram_{name}(sum(foo))" for name in of_native}
    assert len(calls) > 250


def test_samples_are_gathered_once_for_all_windows_where_a_parameter_mixes_clusters() -> None:
    made = planned("quantile_over_time(scalar(sum(foo)), bar[5m] offset 1m)", RANGE)
    _, samples = made.leaves
    assert samples.raw
    assert samples.grid == Grid.instant(RANGE.last_ms - 60_000)
    whole_ms = RANGE.last_ms - RANGE.start_ms + 300_000
    assert samples.queries[0] == ("a", f"bar[{duration(whole_ms)}]")
    assert explain(made).finish == "quantile_over_time(scalar(sum($1)), $2[5m])"
    anchored = planned("quantile_over_time(scalar(sum(foo)), bar[5m] @ end())", RANGE).leaves[1]
    assert (anchored.grid, anchored.queries[0][1]) == (Grid.instant(RANGE.end_ms), "bar[5m]")


def test_info_is_one_clusters_matter() -> None:
    made = plan(parse('info(foo, {x="y"})'), ("a",), "cluster", RANGE)
    assert made.leaves[0].queries == (("a", 'info(foo, {x="y"})'),)
    assert made.leaves[0].labelled


def test_strings_and_ranges_have_no_answer_over_a_range() -> None:
    for query in ('"a"', "foo[5m]"):
        with pytest.raises(NoRange):
            planned(query, RANGE)
        assert planned(query, INSTANT).shape in (Shape.CONSTANT, Shape.UNION)


def test_an_unreadable_expression_on_the_label_is_no_selection() -> None:
    with pytest.raises(BadRegex):
        planned('foo{cluster=~"a("}')


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.sampled_from(MatchOp), st.sampled_from(["ns", "exported_cluster", "cluster"]))
def test_no_value_reaches_a_cluster_beyond_the_scope_or_another_selector(value: str, op: MatchOp, name: str) -> None:
    """Whatever is written into a matcher, only given clusters are asked, and for that one selector."""
    tree = Aggregation("sum", Selector((Matcher(METRIC_NAME, MatchOp.EQUAL, "x"), Matcher(name, op, value))))
    try:
        made = plan(tree, ("a", "b"), "cluster", RANGE)
    except BadRegex:
        return
    for leaf in made.leaves:
        for cluster, query in leaf.queries:
            assert cluster in ("a", "b")
            selectors = [node for node in nodes(parse(query)) if isinstance(node, Selector)]
            assert len(selectors) == 1
            assert selectors[0].matchers[0] == Matcher(METRIC_NAME, MatchOp.EQUAL, "x")
            assert all(matcher.name != "exported_cluster" for matcher in selectors[0].matchers)


def test_explanations() -> None:
    made = planned("limitk(1, foo) + on (x) group_left () max_over_time(sum by (x) (foo)[5m:1m])")
    text = explain(made).text()
    assert "$2  sum by (x) (foo)" in text
    assert "every 1m" in text
    assert "asked: a, b, c" in text
    assert "limitk takes any series" in text
    assert one_line(planned("sum(foo)")) == "combined: sum($1)"
    assert one_line(planned("foo")) == "union"
