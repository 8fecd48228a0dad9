"""What members are asked, and what stands for their answers in the expression that is finished here."""

from msgspec import Struct

from aiops.promql.closure import Closure, Reach
from aiops.promql.engine.grid import Grid, anchored
from aiops.promql.fleet import Fleet
from aiops.promql.serialize import serialize
from aiops.promql.syntax import METRIC_NAME, Expr, Matcher, MatchOp, RangeSelector, Selector
from aiops.promql.translate import Translation


class Leaf(Struct, frozen=True):
    """One part of a query that clusters answer.

    `expr` is that part of the query, and `stand_in` takes its place in the finishing expression. `queries` are pairs of
    a cluster and the text for it, and clusters that surely have nothing are not among them. The fleet's label is put on
    the answers where `labelled`.
    A `raw` one is a range selector that is asked once for all samples that any step looks at: what stands for it is a
    selector of them.
    """

    expr: Expr
    stand_in: Selector
    grid: Grid
    queries: tuple[tuple[str, str], ...]
    labelled: bool
    why: str
    raw: bool = False


class Leaves:
    """Collects the leaves of one plan; what is asked twice is one leaf."""

    def __init__(self, fleet: Fleet, closure: Closure) -> None:
        self._fleet = fleet
        self._closure = closure
        self._translations = [Translation(fleet, closure, cluster) for cluster in fleet.clusters]
        self._found: dict[tuple[Expr, Grid, Selector | None], Leaf] = {}

    def all(self) -> tuple[Leaf, ...]:
        """In the order in which they were added."""
        return tuple(self._found.values())

    def add(self, expr: Expr, grid: Grid, why: str, like: Selector | None = None) -> Selector:
        """Ask for a closed or local expression, or for a sum of a closed one; what stands for it.

        What stands in is empty of labels, or `like` a selector, whose labels then still can be read from it.
        """
        leaf = self._found.get((expr, grid, like))
        if leaf is None:
            leaf = self._found[expr, grid, like] = Leaf(
                expr=expr,
                stand_in=_stand_in(len(self._found) + 1, like),
                grid=grid,
                queries=self._queries(expr) if grid.steps else (),
                labelled=self._closure.of(expr).reach is not Reach.LOCAL,
                why=why,
            )
        return leaf.stand_in

    def samples(self, expr: RangeSelector, grid: Grid, why: str) -> RangeSelector:
        """Ask for the samples of a range selector; a range selector of what stands for them, at the same times."""
        selector = expr.selector
        at = anchored(selector.at, self._fleet.grid)
        first, last = ((edge if at is None else at) - selector.offset_ms for edge in (grid.start_ms, grid.last_ms))
        whole = RangeSelector(Selector(selector.matchers), last - first + expr.range_ms)
        asked = Grid.instant(last)
        found = self._found.get((whole, asked, selector))
        if found is None:
            found = self._found[whole, asked, selector] = Leaf(
                expr=whole,
                stand_in=Selector(_stand_in(len(self._found) + 1, None).matchers, selector.offset_ms, selector.at),
                grid=asked,
                queries=self._queries(whole) if grid.steps else (),
                labelled=True,
                why=why,
                raw=True,
            )
        return RangeSelector(found.stand_in, expr.range_ms)

    def _queries(self, expr: Expr) -> tuple[tuple[str, str], ...]:
        wanted = self._closure.of(expr).clusters
        texts: dict[Expr, str] = {}
        queries: list[tuple[str, str]] = []
        for cluster, translation in zip(self._fleet.clusters, self._translations, strict=True):
            query = translation.of(expr) if cluster in wanted else None
            if query is not None:
                if query not in texts:
                    texts[query] = serialize(query)
                queries.append((cluster, texts[query]))
        return tuple(queries)


def _stand_in(number: int, like: Selector | None) -> Selector:
    """A selector that no query can contain by chance: metrics with a space in a pattern of theirs are nobody's."""
    mark = Matcher(METRIC_NAME, MatchOp.REGEX, f"answer {number}")
    return Selector((mark,) if like is None else (*like.matchers, mark))
