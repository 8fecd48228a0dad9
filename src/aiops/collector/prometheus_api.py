"""The fleet as one Prometheus: each path of its HTTP API as one method, from what a client asked to the answer's bytes.

Parameters become questions for the collector's services; nothing is computed here. `clusters`, `partial` and `mode` are
ours; what else Prometheus does not know is ignored. `lookback_delta` is refused, since each cluster has its own and an
answer that quietly left it out would be another one.

Protocol: Prometheus HTTP API.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

import msgspec

from aiops import __version__
from aiops.collector.catalogue import CatalogueQuery, CatalogueService, unescaped_label
from aiops.collector.form import Form
from aiops.collector.inventory import InventoryQuery, InventoryService, RuleFilter, Union
from aiops.collector.members import Members
from aiops.collector.metrics import InstantQuery, MetricsService
from aiops.collector.prometheus_answer import data_answer, query_answer
from aiops.collector.selection import parsed
from aiops.collector.syntax_tree import syntax_tree
from aiops.collector.turns import UserTurns
from aiops.core.errors import InvalidRequest
from aiops.core.identity import Identity, Scope
from aiops.ports.collector import Mode, RangeQuery
from aiops.promql.pretty import pretty

PERMISSION: Final = "metrics:read"
# What parser, planner and engine speak, and are measured against.
PROMQL_GENERATION: Final = "3.16.0"
_TARGET_STATES: Final = (None, "any", "active", "dropped")
_RULE_KINDS: Final = (None, "alert", "record")

Query = TypeVar("Query", CatalogueQuery, InventoryQuery)


@dataclass(frozen=True)
class PrometheusFacade:
    """Answers for one caller at a time; errors are those of the services."""

    metrics: MetricsService
    catalogue: CatalogueService
    inventory: InventoryService
    members: Members
    turns: UserTurns

    async def query(self, identity: Identity, form: Form) -> bytes:
        """PromQL at one time."""
        query, at, limit = _query(form), form.time("time"), form.limit()
        deny, mode = form.deny_partial(), form.mode() or Mode.GLOBAL
        scope, ids = await self._where(identity, form)
        async with self.turns.turn(identity, form.timeout_s()) as left_s:
            answer = await self.metrics.query(InstantQuery(scope, query, left_s, at, ids, deny_partial=deny, mode=mode))
        return query_answer(answer, limit=limit, explain=form.text("stats") is not None)

    async def query_range(self, identity: Identity, form: Form) -> bytes:
        """PromQL over a range."""
        query, limit = _query(form), form.limit()
        deny, mode = form.deny_partial(), form.mode() or Mode.GLOBAL
        start, end, step_s = form.required_time("start"), form.required_time("end"), form.step_s()
        if end < start:
            raise InvalidRequest('invalid parameter "end": end timestamp must not be before start time')
        scope, ids = await self._where(identity, form)
        async with self.turns.turn(identity, form.timeout_s()) as left_s:
            request = RangeQuery(scope, query, start, end, step_s, left_s, ids, deny_partial=deny, mode=mode)
            answer = await self.metrics.query_range(request)
        return query_answer(answer, limit=limit, explain=form.text("stats") is not None)

    async def labels(self, identity: Identity, form: Form) -> bytes:
        """Names of labels."""
        request = await self._catalogue_query(identity, form)
        async with self.turns.turn(identity, request.timeout_s) as left_s:
            found = await self.catalogue.labels(_within(request, left_s))
        return data_answer(found.items, found.warnings)

    async def label_values(self, identity: Identity, form: Form, name: str) -> bytes:
        """Values of one label, whose name may be escaped as Prometheus escapes UTF-8."""
        request = await self._catalogue_query(identity, form)
        async with self.turns.turn(identity, request.timeout_s) as left_s:
            found = await self.catalogue.label_values(unescaped_label(name), _within(request, left_s))
        return data_answer(found.items, found.warnings)

    async def series(self, identity: Identity, form: Form) -> bytes:
        """Label sets."""
        request = await self._catalogue_query(identity, form)
        if not request.match:
            raise InvalidRequest("no match[] parameter provided")
        async with self.turns.turn(identity, request.timeout_s) as left_s:
            found = await self.catalogue.series(_within(request, left_s))
        return data_answer(found.items, found.warnings)

    async def metadata(self, identity: Identity, form: Form) -> bytes:
        """What members say of their metrics: each saying once, clusters do not show."""
        limit, per_metric = form.most("limit"), form.most("limit_per_metric") or None
        scope, ids = await self._where(identity, form)
        request = CatalogueQuery(scope, ids, deny_partial=form.deny_partial())
        async with self.turns.turn(identity, form.timeout_s()) as left_s:
            found = await self.catalogue.metadata(form.text("metric"), _within(request, left_s))
        said: dict[str, list[dict[str, str]]] = {}
        for item in found.items:
            if limit is not None and item.metric not in said and len(said) >= limit:
                break
            said.setdefault(item.metric, []).append({"type": item.type, "help": item.help, "unit": item.unit})
        return data_answer({metric: sayings[:per_metric] for metric, sayings in said.items()}, found.warnings)

    async def exemplars(self, identity: Identity, form: Form) -> bytes:
        """Exemplars of the series in a query."""
        query, start, end = form.required("query"), form.bound("start"), form.bound("end")
        request = await self._inventory_query(identity, form)
        async with self.turns.turn(identity, request.timeout_s) as left_s:
            return _told(await self.inventory.exemplars(_within(request, left_s), query, start, end))

    async def rules(self, identity: Identity, form: Form) -> bytes:
        """Recording and alerting rules."""
        wanted = RuleFilter(
            kind=_one_of(form, "type", _RULE_KINDS),
            names=form.texts("rule_name[]"),
            groups=form.texts("rule_group[]"),
            files=form.texts("file[]"),
            match=form.texts("match[]"),
            exclude_alerts=form.flag("exclude_alerts"),
        )
        request = await self._inventory_query(identity, form)
        async with self.turns.turn(identity, request.timeout_s) as left_s:
            return _told(await self.inventory.rules(_within(request, left_s), wanted))

    async def alerts(self, identity: Identity, form: Form) -> bytes:
        """Pending and firing alerts."""
        request = await self._inventory_query(identity, form)
        async with self.turns.turn(identity, request.timeout_s) as left_s:
            return _told(await self.inventory.alerts(_within(request, left_s)))

    async def targets(self, identity: Identity, form: Form) -> bytes:
        """Scrape targets."""
        state, pool = _one_of(form, "state", _TARGET_STATES), form.text("scrapePool")
        request = await self._inventory_query(identity, form)
        async with self.turns.turn(identity, request.timeout_s) as left_s:
            return _told(await self.inventory.targets(_within(request, left_s), state, pool))

    async def format_query(self, _: Identity, form: Form) -> bytes:
        """The query as Prometheus formats it."""
        return data_answer(pretty(parsed(form.required("query"), as_written=True)))

    async def parse_query(self, _: Identity, form: Form) -> bytes:
        """The query's tree."""
        return data_answer(syntax_tree(parsed(form.required("query"), as_written=True)))

    async def buildinfo(self, _: Identity, __: Form) -> bytes:
        """Which PromQL is spoken; clients choose by `version` what they ask for."""
        return data_answer(
            {
                "version": PROMQL_GENERATION,
                "revision": f"aiops-nextgen {__version__}",
                "branch": "",
                "buildUser": "",
                "buildDate": "",
                "goVersion": "",
            }
        )

    async def _where(self, identity: Identity, form: Form) -> tuple[Scope, tuple[UUID, ...]]:
        scope = identity.scope(PERMISSION)
        return scope, await self.members.named(scope, form.clusters())

    async def _catalogue_query(self, identity: Identity, form: Form) -> CatalogueQuery:
        start, end = form.bound("start"), form.bound("end")
        scope, ids = await self._where(identity, form)
        return CatalogueQuery(
            scope,
            ids,
            match=form.texts("match[]"),
            start_time=start,
            end_time=end,
            limit=form.limit(),
            timeout_s=form.timeout_s(),
            deny_partial=form.deny_partial(),
            all_time=True,
        )

    async def _inventory_query(self, identity: Identity, form: Form) -> InventoryQuery:
        scope, ids = await self._where(identity, form)
        return InventoryQuery(scope, ids, form.timeout_s(), deny_partial=form.deny_partial())


def _query(form: Form) -> str:
    if form.text("lookback_delta") is not None:
        raise InvalidRequest(
            'invalid parameter "lookback_delta": each cluster looks back as far as it is configured to; leave it out'
        )
    return form.required("query")


def _one_of(form: Form, name: str, known: Sequence[str | None]) -> str | None:
    text = (form.text(name) or "").lower() or None
    if text not in known:
        raise InvalidRequest(
            f'invalid parameter "{name}": {str(text)[:40]!r} is none of {", ".join(filter(None, known))}'
        )
    return text


def _within(request: Query, timeout_s: float) -> Query:
    return msgspec.structs.replace(request, timeout_s=timeout_s)


def _told(union: Union) -> bytes:
    return data_answer(union.data, union.standing.warnings)
