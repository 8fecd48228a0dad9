"""Series selectors of the whole fleet, as each cluster is asked: matchers on the cluster label choose clusters.

A member does not know the label, so what is sent never carries a matcher on it; one on `exported_<label>` is sent as
one on the member's own label of that name. A cluster that no selector chooses is not asked. Choosing only narrows:
which clusters there are to choose from was decided by the caller's scope.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from aiops.collector.splice import exported
from aiops.core.errors import InvalidPromql
from aiops.core.prometheus_errors import BAD_DATA
from aiops.promql.matching_values import BadRegex, satisfied, selects
from aiops.promql.parse import ParseError, parse
from aiops.promql.serialize import serialize
from aiops.promql.syntax import METRIC_NAME, Expr, Matcher, MatchOp, Selector

_EVERYTHING: Final = Matcher(METRIC_NAME, MatchOp.REGEX, ".+")


def parsed(query: str) -> Expr:
    """The query's tree.

    Raises:
        InvalidPromql: it is none.

    """
    try:
        return parse(query)
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
    if isinstance(expr, Selector):
        yield Selector(expr.matchers)
        return
    for name in expr.__struct_fields__:
        value = getattr(expr, name)
        for child in value if isinstance(value, tuple) else (value,):
            if isinstance(child, Expr):
                yield from selectors_of(child)


def for_cluster(selectors: Sequence[Selector], label: str, cluster: str) -> tuple[str, ...]:
    """The selectors' texts for one cluster, each once; empty where none of them chooses it.

    Raises:
        InvalidPromql: a pattern on the cluster label cannot be read.

    """
    try:
        kept = [_stripped(selector, label) for selector in selectors if _chosen(selector, label, cluster)]
    except BadRegex as error:
        raise InvalidPromql(str(error), details={"error_type": BAD_DATA}) from error
    return tuple(dict.fromkeys(serialize(selector) for selector in kept))


def _chosen(selector: Selector, label: str, cluster: str) -> bool:
    return all(satisfied(matcher, cluster) for matcher in selector.matchers if matcher.name == label)


def _stripped(selector: Selector, label: str) -> Selector:
    renamed = exported(label)
    matchers = tuple(
        msgspec.structs.replace(matcher, name=label) if matcher.name == renamed else matcher
        for matcher in selector.matchers
        if matcher.name != label
    )
    # Prometheus refuses a selector that would take everything unless it says so.
    if not any(selects(matcher) for matcher in matchers):
        matchers = (*matchers, _EVERYTHING)
    return Selector(matchers)


class Labels(Struct, frozen=True):
    """Tells whether a label set of the fleet, its cluster label included, satisfies any of the selectors."""

    selectors: tuple[Selector, ...]

    def admit(self, labels: dict[str, str]) -> bool:
        """Whether it does; without selectors everything does."""
        return not self.selectors or any(
            all(satisfied(matcher, labels.get(matcher.name, "")) for matcher in selector.matchers)
            for selector in self.selectors
        )
