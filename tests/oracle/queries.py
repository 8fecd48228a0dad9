"""Random queries of every type, which mostly have an answer over the data set: a seed makes the same ones again.

A vector carries the labels that tell its series apart, so that joins find partners and mostly one of them. Some do
not on purpose: what one Prometheus refuses, a fleet must refuse as well.
"""

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

KINDS: Final = ("function", "range function", "aggregation", "join", "scalar maths", "special", "wrapped")
NUMBERS: Final = ("0", "1", "-1", "2.5", "1e3", "NaN", "Inf", "-Inf", "100")
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
        if self.chance.happens(0.04):
            return self.scalar(2)
        made = self.vector(self.chance.one((1, 2, 2, 3)))
        if self.chance.happens(0.06):
            name = self.chance.seldom("function", since(self._generation, SORTS, NEW_SORTS))
            by = "".join(f", {quoted(label)}" for label in self.chance.some(sorted(made.labels | {LABEL}), 0, 2))
            return f"{name}({made.text}{by if name.startswith('sort_by') else ''})"
        return made.text

    def vector(self, depth: int) -> Made:
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
        if self._generation is Generation.THREE and chance.happens(0.15):
            name = chance.seldom("function", NEW_SCALARS)
            return f"{name}({'' if name not in ('max_of', 'min_of') else f'{self.scalar(0)}, {self.scalar(0)}'})"
        match chance.one(("time", "pi", "maths", "scalar", "scalar")):
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
        return Made(f"{name}({inner.text})", inner.labels)

    def _range_function(self, depth: int) -> Made:
        name = self.chance.seldom("function", since(self._generation, RANGE_FUNCTIONS, NEW_RANGE_FUNCTIONS))
        text, labels = self.matrix(depth)
        return Made(f"{name}({text})", labels)

    def matrix(self, depth: int) -> tuple[str, frozenset[str]]:
        """A range vector: of a metric, or of a subquery."""
        chance = self.chance
        if depth > 1 and chance.happens(0.35):
            inner = self.vector(depth - 2)
            chance.count("node", "subquery")
            times = f" {self._selecting.times()}" if chance.happens(0.25) else ""
            return f"({inner.text}){chance.one(SUBQUERIES)}{times}", inner.labels
        metric = chance.one(("requests_total", "latency_bucket", *sorted(METRICS)))
        selector, span = self._selecting.selector(metric), chance.one(RANGES)
        return self._selecting.timed(f"{selector}[{span}]"), METRICS[metric] | {LABEL}

    def _aggregation(self, depth: int) -> Made:
        inner = self.vector(depth - 1)
        op = self.chance.seldom("aggregation", since(self._generation, AGGREGATIONS, NEW_AGGREGATIONS))
        return self.aggregated(op, inner)

    def aggregated(self, op: str, inner: Made, by: Sequence[str] | None = None) -> Made:
        """An aggregation: over all, or grouped `by` or `without` some labels, the cluster's often among them."""
        chance = self.chance
        pool = sorted(inner.labels | {LABEL})
        how = "by" if by is not None else chance.seldom("grouping", ("all", "by", "without"))
        grouping = list(by) if by is not None else chance.some(pool, 0, 3)
        if by is None and chance.happens(0.08):
            grouping.append(chance.one(("missing", f"exported_{LABEL}")))
        kept = {"all": frozenset[str](), "by": frozenset(grouping), "without": inner.labels - set(grouping)}[how]
        if op in ("topk", "bottomk", "limitk", "limit_ratio"):
            kept = inner.labels
        extra = ""
        if op == "count_values":
            label = chance.one(("value", "value", LABEL, f"exported_{LABEL}", "job"))
            extra, kept = f"{quoted(label)}, ", kept | {label}
        elif op in PARAMETERS:
            extra = f"{chance.one(PARAMETERS[op]) if chance.happens(0.95) else self.scalar(1)}, "
        if how != "all":
            chance.count("aggregation", f"{op} {how} {'with' if LABEL in grouping else 'without'} the cluster")
        clause = "" if how == "all" else f" {how} ({', '.join(grouping)})"
        if clause and chance.happens(0.3):
            return Made(f"{op}({extra}{inner.text}){clause}", kept)
        return Made(f"{op}{clause} ({extra}{inner.text})", kept)

    def _wrapped(self, depth: int) -> Made:
        inner = self.vector(depth - 1)
        how = self.chance.seldom("node", ("minus", "parentheses", "minus"))
        return Made(f"-({inner.text})" if how == "minus" else f"({inner.text})", inner.labels)

    def _special(self, depth: int) -> Made:  # noqa: C901, PLR0911 - one branch for each function
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
                return Made(f"clamp({inner.text}, {self.scalar(0)}, {self.scalar(1)})", inner.labels)
            case "clamp_min" | "clamp_max":
                return Made(f"{name}({inner.text}, {self.scalar(1)})", inner.labels)
            case "round":
                nearest = f", {chance.one(('5', '0.1', '1e-3', '0'))}" if chance.happens(0.6) else ""
                return Made(f"round({inner.text}{nearest})", inner.labels)
            case _:
                return self._relabelled(name, inner)

    def _with_parameter(self, name: str, depth: int) -> Made:
        text, labels = self.matrix(depth)
        match name:
            case "predict_linear":
                return Made(f"predict_linear({text}, {self.chance.one(('60', '600', '-30'))})", labels)
            case "quantile_over_time":
                return Made(f"quantile_over_time({self.chance.one(PARAMETERS['quantile'])}, {text})", labels)
            case _:
                new = self._generation is Generation.THREE
                own = "double_exponential_smoothing" if new else "holt_winters"
                return Made(f"{own}({text}, 0.3, 0.6)", labels)

    def _histogram(self, name: str) -> Made:
        chance = self.chance
        by = chance.some(("job", "instance", LABEL), 0, 3)
        rate = f"rate({self._selecting.selector('latency_bucket')}[5m])"
        raw = chance.happens(0.3)
        buckets = rate if raw else f"sum by ({', '.join(['le', *by])}) ({rate})"
        labels = frozenset({"job", "instance", LABEL} if raw else by)
        quantile = chance.one(PARAMETERS["quantile"])
        match name:
            case "histogram_quantile":
                return Made(f"histogram_quantile({quantile}, {buckets})", labels)
            case "histogram_fraction":
                return Made(f"histogram_fraction(0, {chance.one(('0.4', '1', '2.5'))}, {buckets})", labels)
            case _:
                return Made(f'histogram_quantiles({buckets}, "q", 0.5, {quantile})', labels | {"q"})

    def _relabelled(self, name: str, inner: Made) -> Made:
        chance = self.chance
        source = chance.one(sorted(inner.labels | {LABEL}))
        target = chance.one(("fresh", "fresh", "job", LABEL, f"exported_{LABEL}"))
        chance.count("function", f"{name} {'with' if LABEL in (source, target) else 'without'} the cluster")
        if name == "label_join":
            others = chance.some(sorted(inner.labels), 0, 2)
            listed = "".join(f", {quoted(one)}" for one in [source, *others])
            return Made(f'label_join({inner.text}, {quoted(target)}, "-"{listed})', inner.labels | {target})
        pattern, to = chance.one(((".*", "x"), ("(.).*", "$1"), ("(a)(.*)", "$2$1"), ("no", "yes"), (".*", "")))
        text = f"label_replace({inner.text}, {quoted(target)}, {quoted(to)}, {quoted(source)}, {quoted(pattern)})"
        return Made(text, inner.labels | {target})
