"""What the fleet's Prometheus servers evaluate, fire, scrape and keep as examples: rules, alerts, targets, exemplars.

Unions in Prometheus' own shapes: only label sets are read and get the cluster label; every other field, also one that
is not known here, stays the bytes that the member sent. Filters that older members do not know are applied again here.

Protocol: Prometheus HTTP API, "Rules", "Alerts", "Targets" and "Querying exemplars".
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from aiops.collector import times
from aiops.collector.backends.prometheus import Member, Parameters, PrometheusApi
from aiops.collector.fanout import Fanout, MemberFailed, Outcome, Part
from aiops.collector.federation import PLAIN_UNION, Account, Standing, choosing, standing
from aiops.collector.members import Members
from aiops.collector.selection import Labels, for_cluster, parsed, selectors_of, series_selectors
from aiops.collector.splice import with_label
from aiops.core.http import Deadline
from aiops.core.identity import Scope
from aiops.ports.registry import Target

T = TypeVar("T")
_Object = dict[str, Raw]

_KINDS: Final = {"alert": "alerting", "record": "recording"}


class InventoryQuery(Struct, frozen=True):
    """Which clusters to ask, for how long, and whether an answer may lack one."""

    scope: Scope
    cluster_ids: tuple[UUID, ...] = ()
    timeout_s: float = 30.0
    deny_partial: bool = False


class RuleFilter(Struct, frozen=True):
    """Which rules; nothing given means all. `kind` is `alert` or `record`, `match` selectors of the rules' labels."""

    kind: str | None = None
    names: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    match: tuple[str, ...] = ()
    exclude_alerts: bool = False


class Union(Struct, frozen=True):
    """Prometheus' `data` for the fleet, ready to be written, and how it came about."""

    data: Any
    standing: Standing


class _Exemplars(Struct, frozen=True):
    seriesLabels: dict[str, str]  # noqa: N815 - Prometheus' spelling
    exemplars: Raw


class _ExemplarAnswer(Struct, frozen=True):
    data: list[_Exemplars] | None
    warnings: list[str] | None = None


class _Groups(Struct, frozen=True):
    groups: list[_Object] | None = None


class _RuleAnswer(Struct, frozen=True):
    data: _Groups
    warnings: list[str] | None = None


class _Alerts(Struct, frozen=True):
    alerts: list[_Object] | None = None


class _AlertAnswer(Struct, frozen=True):
    data: _Alerts
    warnings: list[str] | None = None


class _Targets(Struct, frozen=True):
    activeTargets: list[_Object] | None = None  # noqa: N815 - Prometheus' spelling
    droppedTargets: list[_Object] | None = None  # noqa: N815 - Prometheus' spelling
    droppedTargetCounts: dict[str, int] | None = None  # noqa: N815 - Prometheus' spelling


class _TargetAnswer(Struct, frozen=True):
    data: _Targets
    warnings: list[str] | None = None


_label_sets = msgspec.json.Decoder(dict[str, str])
_objects = msgspec.json.Decoder(list[_Object] | None)
_texts = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode


class InventoryService:
    """Asks every cluster for what its Prometheus knows of itself. Every method may raise what `standing` raises."""

    def __init__(self, members: Members, api: PrometheusApi, fanout: Fanout, label: str) -> None:
        self._members = members
        self._api = api
        self._fanout = fanout
        self._label = label

    async def exemplars(
        self, request: InventoryQuery, query: str, start: datetime | None, end: datetime | None
    ) -> Union:
        """Exemplars of every series that a selector of the query takes.

        Raises:
            InvalidPromql: it is no query.

        """
        selectors = tuple(selectors_of(parsed(query)))
        window = tuple((name, times.unix(at)) for name, at in (("start", start), ("end", end)) if at is not None)
        chosen: dict[UUID, tuple[str, ...]] = {}

        def choose(target: Target) -> bool:
            chosen[target.cluster_id] = for_cluster(selectors, self._label, target.cluster_name)
            return bool(chosen[target.cluster_id])

        async def ask(target: Target, member: Member, deadline: Deadline) -> Part[list[_Exemplars]]:
            # Only the selectors of the expression count, whatever joins them.
            asked = (("query", " or ".join(chosen[target.cluster_id])), *window)
            found = _decoded(_ExemplarAnswer, await self._api.ask(member, "query_exemplars", asked, deadline))
            rows = [
                msgspec.structs.replace(
                    row, seriesLabels=with_label(row.seriesLabels, self._label, target.cluster_name)
                )
                for row in found.data or ()
            ]
            return _part(rows, found.warnings)

        outcomes = await self._ask(request, ask, choose)
        return _union([row for part in _values(outcomes) for row in part], outcomes, request, choosing(self._label))

    async def rules(self, request: InventoryQuery, wanted: RuleFilter) -> Union:
        """Rule groups, each cluster's for themselves; labels of rules and of their alerts carry the cluster's name.

        Raises:
            InvalidPromql: a selector is none.

        """
        selectors = series_selectors(wanted.match)
        labels = Labels(selectors)

        def choose(target: Target) -> bool:
            return not selectors or bool(for_cluster(selectors, self._label, target.cluster_name))

        async def ask(target: Target, member: Member, deadline: Deadline) -> Part[list[_Object]]:
            texts = for_cluster(selectors, self._label, target.cluster_name)
            body = await self._api.get(member, "rules", _rule_parameters(wanted, texts), deadline)
            found = _decoded(_RuleAnswer, body)
            rename = _Relabel(self._label, target.cluster_name)
            groups = [_group(group, wanted, labels, rename) for group in found.data.groups or ()]
            return _part([group for group in groups if group is not None], found.warnings)

        outcomes = await self._ask(request, ask, choose)
        groups = [group for part in _values(outcomes) for group in part]
        account = choosing(self._label) if selectors else PLAIN_UNION
        return _union({"groups": groups}, outcomes, request, account)

    async def alerts(self, request: InventoryQuery) -> Union:
        """Pending and firing alerts, as the clusters' Prometheus servers see them."""

        async def ask(target: Target, member: Member, deadline: Deadline) -> Part[list[_Object]]:
            found = _decoded(_AlertAnswer, await self._api.get(member, "alerts", (), deadline))
            rename = _Relabel(self._label, target.cluster_name)
            return _part([rename(alert) for alert in found.data.alerts or ()], found.warnings)

        outcomes = await self._ask(request, ask)
        return _union({"alerts": [alert for part in _values(outcomes) for alert in part]}, outcomes, request)

    async def targets(self, request: InventoryQuery, state: str | None, scrape_pool: str | None) -> Union:
        """Scrape targets. A dropped one has no labels but those that it was discovered with; they get the name."""
        given = (("state", state), ("scrapePool", scrape_pool))
        asked = tuple((name, value) for name, value in given if value is not None)

        async def ask(target: Target, member: Member, deadline: Deadline) -> Part[_Targets]:
            found = _decoded(_TargetAnswer, await self._api.get(member, "targets", asked, deadline))
            rename = _Relabel(self._label, target.cluster_name)
            return _part(
                _Targets(
                    [rename(one) for one in found.data.activeTargets or ()],
                    [rename(one, "discoveredLabels") for one in found.data.droppedTargets or ()],
                    found.data.droppedTargetCounts,
                ),
                found.warnings,
            )

        outcomes = await self._ask(request, ask)
        parts = _values(outcomes)
        counts: dict[str, int] = {}
        for part in parts:
            for pool, count in (part.droppedTargetCounts or {}).items():
                counts[pool] = counts.get(pool, 0) + count
        data = _Targets(
            [one for part in parts for one in part.activeTargets or ()],
            [one for part in parts for one in part.droppedTargets or ()],
            counts,
        )
        return _union(data, outcomes, request)

    async def _ask(
        self,
        request: InventoryQuery,
        question: Callable[[Target, Member, Deadline], Awaitable[Part[T]]],
        choose: Callable[[Target], bool] = lambda _: True,
    ) -> list[Outcome[T]]:
        targets = await self._members.targets(request.scope, request.cluster_ids)

        async def ask(target: Target, deadline: Deadline) -> Part[T]:
            member = await self._members.metrics(target)
            try:
                return await question(target, member, deadline)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise MemberFailed(f"the answer is not that of a Prometheus API: {error}") from error

        return await self._fanout.ask([one for one in targets if choose(one)], request.timeout_s, ask)


class _Relabel:
    """Puts the cluster's name into the label set of an object."""

    def __init__(self, label: str, cluster: str) -> None:
        self._label = label
        self._cluster = cluster

    def __call__(self, given: _Object, field: str = "labels") -> _Object:
        labels = _label_sets.decode(given.get(field, Raw(b"{}")))
        return {**given, field: Raw(_encode(with_label(labels, self._label, self._cluster)))}


def _rule_parameters(wanted: RuleFilter, match: Iterable[str]) -> Parameters:
    lists = (
        ("rule_name[]", wanted.names),
        ("rule_group[]", wanted.groups),
        ("file[]", wanted.files),
        ("match[]", match),
    )
    given = [(name, value) for name, values in lists for value in values]
    given += [("type", wanted.kind)] if wanted.kind else []
    return [*given, ("exclude_alerts", "true")] if wanted.exclude_alerts else given


def _group(group: _Object, wanted: RuleFilter, labels: Labels, rename: _Relabel) -> _Object | None:
    """The group with the rules that are wanted; null where none is, and nothing was wanted but some."""
    if not _named(group, "name", wanted.groups) or not _named(group, "file", wanted.files):
        return None
    rules = []
    for given in _objects.decode(group.get("rules", Raw(b"[]"))) or ():
        rule = rename(given)
        right_kind = wanted.kind is None or _named(rule, "type", (_KINDS.get(wanted.kind, ""),))
        if (
            not right_kind
            or not _named(rule, "name", wanted.names)
            or not labels.admit(_label_sets.decode(rule["labels"]))
        ):
            continue
        if "alerts" in rule:
            alerts = () if wanted.exclude_alerts else _objects.decode(rule["alerts"]) or ()
            rule["alerts"] = Raw(_encode([rename(alert) for alert in alerts]))
        rules.append(rule)
    if not rules and (wanted.kind or wanted.names or wanted.match):
        return None
    return {**group, "rules": Raw(_encode(rules))}


def _named(given: _Object, field: str, names: Sequence[str]) -> bool:
    return not names or _texts.decode(given.get(field, Raw(b'""'))) in names


def _decoded(kind: type[T], body: bytes) -> T:
    # What stays raw is passed on, so it must be text.
    if not body.isascii():
        body.decode()
    return msgspec.json.decode(body, type=kind)


def _part(value: T, warnings: list[str] | None) -> Part[T]:
    return Part(value, tuple(warnings or ()), complete=not warnings)


def _values(outcomes: Iterable[Outcome[T]]) -> list[T]:
    return [outcome.part.value for outcome in outcomes if outcome.part is not None]


def _union(data: Any, outcomes: list[Outcome[Any]], request: InventoryQuery, account: Account = PLAIN_UNION) -> Union:
    return Union(data, standing(outcomes, deny_partial=request.deny_partial, account=account))
