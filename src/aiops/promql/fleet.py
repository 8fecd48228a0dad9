"""What a plan is made for: the clusters that exist for this caller, the label that tells them apart, and the steps.

Nothing outside `clusters` exists here, so whatever a query says, no plan asks anybody else.
"""

from typing import Final

from msgspec import structs

from aiops.promql.engine.grid import Grid
from aiops.promql.engine.rules import Rules
from aiops.promql.matching_values import satisfied, selects
from aiops.promql.syntax import METRIC_NAME, Expr, Matcher, MatchOp, RangeSelector, Selector, Text
from aiops.promql.walk import bare

_RENAMED: Final = "exported_"
_ANY_METRIC: Final = Matcher(METRIC_NAME, MatchOp.REGEX, ".+")


class NotFederable(ValueError):
    """No exact answer can be made of what members can say; names the node, and how to ask otherwise."""

    def __init__(self, node: str, reason: str, rewrite: str) -> None:
        super().__init__(f"{node}: {reason}; {rewrite}")
        self.node = node
        self.rewrite = rewrite


class Fleet:
    """`label` carries a cluster's name on every series; a member's own label of that name shows as `exported_<label>`.

    A member that has both `<label>` and `exported_<label>` of its own shows the first one twice prefixed; matchers on
    `exported_<label>` find only the first. `grid` is the query's own; `rules` are those of what is finished here.
    """

    def __init__(self, label: str, clusters: tuple[str, ...], grid: Grid, rules: Rules) -> None:
        self.label = label
        self.exported = exported(label)
        self.clusters = clusters
        self.grid = grid
        self.rules = rules
        self._all = frozenset(clusters)
        self._matching: dict[tuple[Matcher, ...], frozenset[str]] = {}

    def matching(self, selector: Selector) -> frozenset[str]:
        """The clusters whose series the selector can find.

        Raises:
            BadRegex: a matcher on the label cannot be read.

        """
        own = tuple(matcher for matcher in selector.matchers if matcher.name == self.label)
        if not own:
            return self._all
        if own not in self._matching:
            self._matching[own] = frozenset(cluster for cluster in self.clusters if finds(own, self.label, cluster))
        return self._matching[own]

    def inner(self, name: str) -> str:
        """How members call what the fleet calls `name`."""
        return self.label if name == self.exported else name

    def inner_labels(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The same for a list, from which the fleet's own label is dropped: members have none."""
        return tuple(self.inner(name) for name in names if name != self.label)


def exported(label: str) -> str:
    """How the fleet shows a member's own label that has the name of the fleet's, as Prometheus does when it scrapes."""
    return _RENAMED + label


def finds(matchers: tuple[Matcher, ...], label: str, cluster: str) -> bool:
    """Whether a selector can find series of the cluster.

    Raises:
        BadRegex: a matcher on the label cannot be read.

    """
    return all(satisfied(matcher, cluster) for matcher in matchers if matcher.name == label)


def member_matchers(matchers: tuple[Matcher, ...], label: str) -> tuple[Matcher, ...]:
    """Matchers as members understand them: none is on the fleet's label, and theirs of that name is called so."""
    renamed = exported(label)
    found = tuple(
        structs.replace(matcher, name=label) if matcher.name == renamed else matcher
        for matcher in matchers
        if matcher.name != label
    )
    # Prometheus refuses a selector that would take everything unless it says so.
    return found if any(map(selects, found)) else (_ANY_METRIC, *found)


def text_of(expr: Expr) -> str:
    """The value of a string literal; empty where it is none, which no label is called."""
    literal = bare(expr)
    return literal.value if isinstance(literal, Text) else ""


def selector_of(expr: Expr) -> Selector | None:
    """The selector that an argument is, as an instant or a range vector."""
    inner = bare(expr)
    if isinstance(inner, RangeSelector):
        return inner.selector
    return inner if isinstance(inner, Selector) else None
