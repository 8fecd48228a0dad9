"""Series selectors of the whole fleet, as each cluster is asked: matchers on the cluster label choose clusters.

A member does not know the label, so what is sent never carries a matcher on it; one on `exported_<label>` is sent as
one on the member's own label of that name. A cluster that no selector chooses is not asked. Choosing only narrows:
which clusters there are to choose from was decided by the caller's scope.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from aiops.core.errors import InvalidPromql
from aiops.core.prometheus_errors import BAD_DATA
from aiops.promql.fleet import finds, member_matchers
from aiops.promql.matching_values import BadRegex, satisfied
from aiops.promql.parse import ParseError, parse
from aiops.promql.serialize import serialize
from aiops.promql.syntax import Expr, Selector
from aiops.promql.walk import nodes


def parsed(query: str, *, as_written: bool = False) -> Expr:
    """The query's tree; see `parse`.

    Raises:
        InvalidPromql: it is none.

    """
    try:
        return parse(query, as_written=as_written)
    except ParseError as error:
        raise InvalidPromql(str(error), details={"error_type": BAD_DATA}) from error


def series_selectors(texts: Iterable[str]) -> tuple[Selector, ...]:
    """The selectors of `match[]` parameters.

    Raises:
        InvalidPromql: one of them is anything but a plain instant selector, or has a pattern that cannot be read.

    """
    found = []
    for text in texts:
        expr = parsed(text)
        if not isinstance(expr, Selector) or expr.offset_ms or expr.at is not None:
            reason = f"{text[:200]!r} is no series selector; write a name, labels in braces, or both, and nothing else"
            raise InvalidPromql(reason, details={"error_type": BAD_DATA})
        _check_patterns(expr)
        found.append(expr)
    return tuple(found)


def _check_patterns(selector: Selector) -> None:
    try:
        for matcher in selector.matchers:
            satisfied(matcher, "")
    except BadRegex as error:
        raise InvalidPromql(str(error), details={"error_type": BAD_DATA}) from error


def selectors_of(expr: Expr) -> Iterator[Selector]:
    """Every selector in the tree, without offset and time."""
    return (Selector(node.matchers) for node in nodes(expr) if isinstance(node, Selector))


def for_cluster(selectors: Sequence[Selector], label: str, cluster: str) -> tuple[str, ...]:
    """The selectors' texts for one cluster, each once; empty where none of them chooses it.

    Raises:
        InvalidPromql: a pattern on the cluster label cannot be read.

    """
    try:
        kept = [each.matchers for each in selectors if finds(each.matchers, label, cluster)]
    except BadRegex as error:
        raise InvalidPromql(str(error), details={"error_type": BAD_DATA}) from error
    return tuple(dict.fromkeys(serialize(Selector(member_matchers(each, label))) for each in kept))


class Labels(Struct, frozen=True):
    """Tells whether a label set of the fleet, its cluster label included, satisfies any of the selectors."""

    selectors: tuple[Selector, ...]

    def admit(self, labels: dict[str, str]) -> bool:
        """Whether it does; without selectors everything does."""
        return not self.selectors or any(
            all(satisfied(matcher, labels.get(matcher.name, "")) for matcher in selector.matchers)
            for selector in self.selectors
        )
