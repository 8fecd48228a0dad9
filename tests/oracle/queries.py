"""Random queries of every type, which mostly have an answer over the data set: a seed makes the same ones again.

A vector carries the labels that tell its series apart, so that joins find partners and mostly one of them. Some do
not on purpose: what one Prometheus refuses, a fleet must refuse as well.
"""

import re
from collections.abc import Sequence
from typing import Final

from tests.oracle.answers import Case
from tests.oracle.chance import Chance
from tests.oracle.data import LABEL, LENGTH_MS, START_MS
from tests.oracle.joins import Joins
from tests.oracle.made import Made
from tests.oracle.selecting import Selecting, quoted
from tests.oracle.vocabulary import (
    AGGREGATIONS,
    DATES,
    METRICS,
    NEW_AGGREGATIONS,
    NEW_RANGE_FUNCTIONS,
    NEW_SCALARS,
    NEW_SORTS,
    NEW_SPECIAL,
    RANGE_FUNCTIONS,
    RANGES,
    SORTS,
    SPECIAL,
    SUBQUERIES,
    VECTOR_FUNCTIONS,
    since,
)
from tests.servers.generations import Generation

KINDS: Final = ("function", "range function", "aggregation", "grouping", "join", "scalar maths", "special", "wrapped")
NUMBERS: Final = ("0", "1", "-1", "2.5", "1e3", "NaN", "Inf", "-Inf", "100")
CHOOSING: Final = ("topk", "bottomk", "count_values")
UNORDERED: Final = re.compile(r"\b(topk|bottomk|limitk|limit_ratio)\b")
INEXACT_RANGES: Final = ("avg_over_time", "deriv", "stddev_over_time", "stdvar_over_time", "mad_over_time")
EXACT_FUNCTIONS: Final = ("abs", "sgn")
PARAMETERS: Final = {
    "topk": ("1", "2", "3", "0", "10"),
    "bottomk": ("1", "2", "3", "-1"),
    "limitk": ("1", "2", "3"),
    "limit_ratio": ("0.5", "-0.3", "1"),
    "quantile": ("0.5", "0.9", "1", "0", "-1", "2"),
}


class Queries:
    """Makes queries of one generation. `chance.counts` says what they were made of."""

    def __init__(self, seed: int, generation: Generation, clusters: Sequence[str]) -> None:
        self.chance = Chance(seed)
        self._generation = generation
        self._selecting = Selecting(self.chance, clusters)
        self._joins = Joins(self.chance, self, generation)

    def case(self) -> Case:
        """A query with its moment or range, mostly within the data, now and then at round times."""
        query = self.query()
        start = START_MS + self.chance.whole(LENGTH_MS // 8, LENGTH_MS * 3 // 4)
        if self.chance.happens(0.5):
            start = start // 60_000 * 60_000
        if self.chance.happens(0.4):
            return Case(query, start, start)
        step = self.chance.one((15_000, 30_000, 60_000, 60_000, 77_000, 300_000, 61_001))
        end = start + step * self.chance.whole(3, 30) + self.chance.one((0, 0, 7_000))
        return Case(query, start, end, step)

    def query(self) -> str:
        """A whole query."""
        if self.chance.happens(0.105):
            return self.scalar(3)
        made = self.vector(self.chance.one((1, 2, 2, 3, 3)))
        if self.chance.happens(0.06):
            name = self.chance.seldom("function", since(self._generation, SORTS, NEW_SORTS))
            by = "".join(f", {quoted(label)}" for label in self.chance.some(sorted(made.labels | {LABEL}), 0, 2))
            return f"{name}({made.text}{by if name.startswith('sort_by') else ''})"
        return made.text

    def vector(self, depth: int) -> Made:  # noqa: PLR0911 - one for each kind
        """An instant vector that is nested so deeply at most."""
        if depth <= 0:
            return self.selected()
        match self.chance.seldom("kind", KINDS):
            case "function":
                return self._function(depth)
            case "range function":
                return self._range_function(depth)
            case "aggregation":
                return self._aggregation(depth)
            case "grouping":
                return self._grouping(depth)
            case "join":
                return self._joins.joined(depth)
            case "scalar maths":
                return self._joins.with_scalar(depth)
            case "special":
                return self._special(depth)
            case _:
                return self._wrapped(depth)

    def selected(self, metric: str = "") -> Made:
        """A selector."""
        metric = metric or self.chance.seldom("metric", sorted(METRICS))
        if self.chance.happens(0.01):
            return Made(self._selecting.everything(), frozenset({"job", "instance"}))
        text = self._selecting.timed(self._selecting.selector(metric))
        return Made(text, METRICS[metric] | {LABEL}, metric)

    def scalar(self, depth: int) -> str:
        """A number."""
        chance = self.chance
        if depth <= 0 or chance.happens(0.4):
            return chance.one(NUMBERS)
        if self._generation is Generation.THREE and chance.happens(0.2):
            name = chance.seldom("function", NEW_SCALARS)
            return f"{name}({'' if name not in ('max_of', 'min_of') else f'{self.scalar(0)}, {self.scalar(0)}'})"
        match chance.one(("time", "pi", "maths", "maths", "maths", "maths", "scalar", "scalar")):
            case "scalar":
                self.chance.count("function", "scalar")
                inner = self.vector(depth - 1).text
                op = chance.one(("sum", "max", "count"))
                return f"scalar({op}({inner}))" if chance.happens(0.7) else f"scalar({inner})"
            case "maths":
                return self._joins.scalars(depth)
            case name:
                self.chance.count("function", name)
                return f"{name}()"

    def _function(self, depth: int) -> Made:
        inner = self.vector(depth - 1)
        name = self.chance.seldom("function", VECTOR_FUNCTIONS)
        if name in EXACT_FUNCTIONS:
            return inner.then(f"{name}({inner.text})")
        # An error of the argument's last digit may become any error of an angle's function.
        inner = inner.sharp()
        return inner.then(f"{name}({inner.text})", exact=name in DATES or name == "timestamp")

    def _range_function(self, depth: int) -> Made:
        name = self.chance.seldom("function", since(self._generation, RANGE_FUNCTIONS, NEW_RANGE_FUNCTIONS))
        text, inner = self.matrix(depth, sharp=name in ("changes", "resets") or name.startswith("ts_of"))
        return inner.then(f"{name}({text})", exact=name not in INEXACT_RANGES)

    def matrix(self, depth: int, *, sharp: bool = False, at: bool = True) -> tuple[str, Made]:
        """A range vector, and what it is of: of a metric, or of a subquery."""
        chance = self.chance
        if depth > 1 and chance.happens(0.35):
            inner = self.vector(depth - 2)
            inner = inner.sharp() if sharp else inner
            chance.count("node", "subquery")
            times = f" {self._selecting.times()}" if at and chance.happens(0.25) else ""
            return f"({inner.text}){chance.one(SUBQUERIES)}{times}", inner
        metric = chance.one(("requests_total", "latency_bucket", *sorted(METRICS)))
        text = f"{self._selecting.selector(metric)}[{chance.one(RANGES)}]"
        return self._selecting.timed(text) if at else text, Made(text, METRICS[metric] | {LABEL})

    def _aggregation(self, depth: int) -> Made:
        # The ways to group are many, and each has to come often enough.
        if self.chance.happens(0.8):
            return self._grouping(depth)
        inner = self.vector(depth - 1)
        op = self.chance.seldom("aggregation", since(self._generation, AGGREGATIONS, NEW_AGGREGATIONS))
        return self.aggregated(op, inner)

    def _grouping(self, depth: int) -> Made:
        """Every aggregation with either way to group, with the cluster's label and without it."""
        ops = since(self._generation, AGGREGATIONS, NEW_AGGREGATIONS)
        wanted = [f"{op} {how} {has}" for op in ops for how in ("by", "without") for has in ("with", "less")]
        op, how, has = self.chance.seldom("grouped", wanted).split()
        self.chance.count("aggregation", op)
        inner = self.vector(depth - 1)
        labels = self.chance.some(sorted(inner.labels - {LABEL}), 0, 2) + ([LABEL] if has == "with" else [])
        return self.aggregated(op, inner, labels, how=how)

    def aggregated(self, op: str, inner: Made, labels: Sequence[str] | None = None, *, how: str = "by") -> Made:
        """An aggregation over all, or grouped by some labels, or without them, the cluster's often among them."""
        chance = self.chance
        if op == "limitk" and UNORDERED.search(inner.text):
            inner = self.selected()  # it takes the first ones, and theirs come in any order
        inner = inner.sharp() if op in CHOOSING else inner
        pool = sorted(inner.labels | {LABEL})
        grouping = chance.some(pool, 0, 3) if labels is None else list(labels)
        if labels is None:
            how = chance.seldom("grouping", ("all", "by", "without"))
        if chance.happens(0.04):
            grouping.append(chance.one(("missing", f"exported_{LABEL}")))
        kept = {"all": frozenset[str](), "by": frozenset(grouping), "without": inner.labels - set(grouping)}[how]
        if op in ("topk", "bottomk", "limitk", "limit_ratio"):
            kept = inner.labels
        extra = ""
        if op == "count_values":
            # Prometheus 2 loses labels of `by` that sort after the counted values' own.
            old = self._generation is Generation.TWO and how == "by"
            label = "zz" if old else chance.one(("value", "value", LABEL, f"exported_{LABEL}", "job"))
            extra, kept = f"{quoted(label)}, ", kept | {label}
        elif op in PARAMETERS:
            # Prometheus 2 forgets a parameter with a fixed time after some steps.
            free = self._generation is Generation.THREE and chance.happens(0.05)
            extra = f"{self.scalar(1) if free else chance.one(PARAMETERS[op])}, "
        clause = "" if how == "all" else f" {how} ({', '.join(grouping)})"
        exact = inner.exact and op not in ("avg", "stddev", "stdvar", "quantile")
        if clause and chance.happens(0.3):
            return Made(f"{op}({extra}{inner.text}){clause}", kept, exact=exact)
        return Made(f"{op}{clause} ({extra}{inner.text})", kept, exact=exact)

    def _wrapped(self, depth: int) -> Made:
        inner = self.vector(depth - 1)
        how = self.chance.seldom("node", ("minus", "parentheses", "minus"))
        return inner.then(f"-({inner.text})" if how == "minus" else f"({inner.text})")

    def _special(self, depth: int) -> Made:  # noqa: PLR0911 - one branch for each function
        chance = self.chance
        name = chance.seldom("function", since(self._generation, SPECIAL, NEW_SPECIAL))
        match name:
            case "absent_over_time":
                return Made(f"absent_over_time({self.matrix(depth)[0]})", frozenset())
            case "vector":
                return Made(f"vector({self.scalar(depth - 1)})", frozenset())
            case "scalar":
                return Made(f"vector(scalar({self.vector(depth - 1).text}))", frozenset())
            case "predict_linear" | "quantile_over_time" | "smoothing":
                return self._with_parameter(name, depth)
            case "histogram_quantile" | "histogram_fraction" | "histogram_quantiles":
                return self._histogram(name)
        inner = self.vector(depth - 1)
        match name:
            case "absent":
                return Made(f"absent({inner.text})", frozenset())
            case "clamp":
                return inner.then(f"clamp({inner.text}, {self.scalar(0)}, {self.scalar(1)})")
            case "clamp_min" | "clamp_max":
                return inner.then(f"{name}({inner.text}, {self.scalar(1)})")
            case "round":
                nearest = f", {self._parameter(('5', '0.1', '1e-3', '0'))}" if chance.happens(0.6) else ""
                inner = inner.sharp()
                return inner.then(f"round({inner.text}{nearest})")
            case _:
                return self._relabelled(name, inner)

    def _with_parameter(self, name: str, depth: int) -> Made:
        # Prometheus 2 answers only the first steps of a prediction from a fixed time.
        text, inner = self.matrix(depth, at=name != "predict_linear" or self._generation is Generation.THREE)
        match name:
            case "predict_linear":
                return inner.then(f"predict_linear({text}, {self._parameter(('60', '600', '-30'))})", exact=False)
            case "quantile_over_time":
                quantile = self._parameter(PARAMETERS["quantile"])
                return inner.then(f"quantile_over_time({quantile}, {text})", exact=False)
            case _:
                new = self._generation is Generation.THREE
                own = "double_exponential_smoothing" if new else "holt_winters"
                return inner.then(f"{own}({text}, {self._factor('0.3')}, {self._factor('0.6')})", exact=False)

    def _factor(self, number: str) -> str:
        """A parameter between 0 and 1: others are refused."""
        made = self._parameter((number,))
        return made if made == number else f"scalar(clamp(vector({made}), 0.1, 0.9))"

    def _parameter(self, numbers: Sequence[str]) -> str:
        """Mostly a number; else one that may depend on all clusters.

        Prometheus 2 answers only the first steps where such a function's range has a fixed time.
        """
        free = self._generation is Generation.THREE and self.chance.happens(0.1)
        return self.scalar(1) if free else self.chance.one(numbers)

    def _histogram(self, name: str) -> Made:
        chance = self.chance
        by = chance.some(("job", "instance", LABEL), 0, 3)
        rate = f"rate({self._selecting.selector('latency_bucket')}[5m])"
        raw = chance.happens(0.3)
        buckets = rate if raw else f"sum by ({', '.join(['le', *by])}) ({rate})"
        labels = frozenset({"job", "instance", LABEL} if raw else by)
        quantile = self._parameter(PARAMETERS["quantile"])
        match name:
            case "histogram_quantile":
                return Made(f"histogram_quantile({quantile}, {buckets})", labels, exact=False)
            case "histogram_fraction":
                upper = chance.one(("0.4", "1", "2.5"))
                return Made(f"histogram_fraction(0, {upper}, {buckets})", labels, exact=False)
            case _:
                return Made(f'histogram_quantiles({buckets}, "q", 0.5, {quantile})', labels | {"q"}, exact=False)

    def _relabelled(self, name: str, inner: Made) -> Made:
        chance = self.chance
        source = chance.one(sorted(inner.labels | {LABEL}))
        target = chance.one(("fresh", "fresh", "job", LABEL, f"exported_{LABEL}"))
        chance.count("function", f"{name} {'with' if LABEL in (source, target) else 'without'} the cluster")
        if name == "label_join":
            others = chance.some(sorted(inner.labels), 0, 2)
            listed = "".join(f", {quoted(one)}" for one in [source, *others])
            return Made(
                f'label_join({inner.text}, {quoted(target)}, "-"{listed})', inner.labels | {target}, exact=inner.exact
            )
        pattern, to = chance.one(((".*", "x"), ("(.).*", "$1"), ("(a)(.*)", "$2$1"), ("no", "yes"), (".*", "")))
        text = f"label_replace({inner.text}, {quoted(target)}, {quoted(to)}, {quoted(source)}, {quoted(pattern)})"
        return Made(text, inner.labels | {target}, exact=inner.exact)
