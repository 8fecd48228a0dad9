"""What a caller asks of the alert lists, as conditions in SQL: filters, and always the scope."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, Table, Text, cast, or_

from aiops.collector.alerts.model import AlertState, Severity
from aiops.core.errors import InvalidRequest
from aiops.core.identity import Scope
from aiops.ports.registry import Registry, TargetQuery


class AlertFilter(Struct, frozen=True):
    """Nothing given means everything; values of one field are alternatives, `labels` must all hold."""

    states: tuple[AlertState, ...] = ()
    severities: tuple[Severity, ...] = ()
    cluster_ids: tuple[UUID, ...] = ()
    namespace: str | None = None
    alertname: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    search: str | None = None


def label_pairs(texts: Sequence[str] | None) -> tuple[tuple[str, str], ...]:
    """Pairs of `label=key=value` parameters.

    Raises:
        InvalidRequest: one has no `=` inside, or nothing before it.

    """
    pairs = []
    for text in texts or ():
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise InvalidRequest(f"label: {text[:80]!r} is not of the form key=value")
        pairs.append((key, value))
    return tuple(pairs)


def filtered(table: Table, wanted: AlertFilter) -> list[ColumnElement[bool]]:
    """The conditions of a filter on `alerts` or `alert_transitions`."""
    state = table.c["state" if "state" in table.c else "new_state"]
    conditions: list[ColumnElement[bool]] = []
    if wanted.states:
        conditions.append(state.in_(wanted.states))
    if wanted.severities:
        conditions.append(table.c.severity.in_(wanted.severities))
    if wanted.cluster_ids:
        conditions.append(table.c.cluster_id.in_(wanted.cluster_ids))
    if wanted.namespace is not None:
        conditions.append(table.c.namespace == wanted.namespace)
    if wanted.alertname is not None:
        conditions.append(table.c.alertname == wanted.alertname)
    conditions += [table.c.labels.contains({key: value}) for key, value in wanted.labels]
    if wanted.search:
        searched: list[ColumnElement[Any]] = [
            table.c.alertname,
            table.c.message,
            table.c.cluster_name,
            cast(table.c.labels, Text),
        ]
        conditions.append(or_(*(column.icontains(wanted.search, autoescape=True) for column in searched)))
    return conditions


class ScopeFilter:
    """Turns scopes into conditions. The registry is asked for label selectors and for clusters asked for by id."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def conditions(self, table: Table, scope: Scope, named: tuple[UUID, ...] = ()) -> list[ColumnElement[bool]]:
        """What a row must fulfil to lie inside the scope; `named` are clusters that the caller asks for.

        Raises:
            ClusterNotFound: a named one does not exist or lies outside the scope, as for metrics.
            ServiceUnavailable: the registry must be asked and is away.

        """
        if named:
            await self._registry.targets(TargetQuery(scope, named))
        if scope.everything:
            return []
        ids = {cluster_id for selector in scope.selectors for cluster_id in selector.ids}
        by_labels = Scope(tuple(selector for selector in scope.selectors if selector.labels))
        if by_labels.selectors:
            found = await self._registry.targets(TargetQuery(by_labels))
            ids |= {target.cluster_id for target in found.targets}
        return [table.c.cluster_id.in_(ids)]
