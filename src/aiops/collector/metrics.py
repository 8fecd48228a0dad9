"""Federated PromQL as a labelled union: every cluster answers the whole query, nothing is computed across clusters.

The evaluation time is captured once and is the same for all. Samples are passed on as the bytes that members sent.
Matchers on the cluster label are not resolved here: members do not know it, `cluster_ids` selects.
"""

from collections.abc import Hashable
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct

from aiops.collector import times
from aiops.collector.backends.prometheus import Parameters, PrometheusApi
from aiops.collector.fanout import Fanout, MemberFailed, Outcome, Part
from aiops.collector.federation import standing
from aiops.collector.members import Members
from aiops.collector.splice import NOTHING, Malformed, Spliced, splice
from aiops.core.cache import SingleFlight
from aiops.core.clock import Clock, aware
from aiops.core.errors import InvalidRequest, LimitExceeded
from aiops.core.http import Deadline
from aiops.core.identity import Scope
from aiops.ports.collector import MetricResult, MetricsAnswer, RangeQuery
from aiops.ports.registry import Target
from aiops.settings import CollectorSettings


class InstantQuery(Struct, frozen=True):
    """One query at one time (now where none is given), asked of every cluster inside `scope`."""

    scope: Scope
    query: str
    timeout_s: float
    time: datetime | None = None
    cluster_ids: tuple[UUID, ...] = ()
    deny_partial: bool = False


class MetricsService:
    """Serves the collector's port and the public metric queries."""

    def __init__(
        self, members: Members, api: PrometheusApi, fanout: Fanout, settings: CollectorSettings, clock: Clock
    ) -> None:
        self._members = members
        self._api = api
        self._fanout = fanout
        self._flight: SingleFlight[Hashable, Part[Spliced]] = SingleFlight()
        self._label = settings.cluster_label
        self._max_points = settings.max_points_per_series
        self._clock = clock

    async def query(self, request: InstantQuery) -> MetricsAnswer:
        """The labelled union at one moment; errors as `query_range`."""
        aware(request.time, "time")
        at = (request.time or self._clock()).astimezone(UTC)
        parameters = (("query", request.query), ("time", times.unix(at)))
        return await self._union("query", parameters, request)

    async def query_range(self, request: RangeQuery) -> MetricsAnswer:
        """The labelled union of every cluster's answer.

        Raises:
            InvalidPromql: a member refused the query.
            InvalidRequest, LimitExceeded: the range makes no sense, or has too many points.
            ClusterUnreachable, QueryTimeout: every asked cluster failed, or one did and `deny_partial` is set.

        """
        start, end = times.window(request.start_time, request.end_time, self._clock())
        self._check_step((end - start).total_seconds(), request.step_s)
        parameters = (
            ("query", request.query),
            ("start", times.unix(start)),
            ("end", times.unix(end)),
            ("step", f"{request.step_s:.3f}"),
        )
        return await self._union("query_range", parameters, request)

    def _check_step(self, range_s: float, step_s: float) -> None:
        if not step_s >= 0.001:  # noqa: PLR2004 - Prometheus' own resolution; NaN fails too
            raise InvalidRequest("step: must be at least 1 ms")
        points = range_s // step_s + 1
        if points > self._max_points:
            raise LimitExceeded(
                f"{points:.0f} points per series are more than {self._max_points}; take a longer step or less time",
                details={"points": int(points), "limit": self._max_points},
            )

    async def _union(self, path: str, parameters: Parameters, request: InstantQuery | RangeQuery) -> MetricsAnswer:
        targets = await self._members.targets(request.scope, request.cluster_ids)

        async def ask(target: Target, deadline: Deadline) -> Part[Spliced]:
            key = (
                target.cluster_id,
                target.credential_version,
                target.metrics,
                path,
                parameters,
                request.timeout_s,
            )
            return await self._flight.run(key, lambda: self._leaf(target, path, parameters, deadline))

        outcomes = await self._fanout.ask(targets, request.timeout_s, ask)
        found = standing(outcomes, deny_partial=request.deny_partial)
        results = tuple(_result(outcome) for outcome in outcomes)
        types = [result.result_type for result in results if result.result_type is not None]
        return MetricsAnswer(
            result_type=types[0] if types else None,
            results=results,
            partial=found.partial,
            warnings=found.warnings,
            federation=found.federation,
        )

    async def _leaf(self, target: Target, path: str, parameters: Parameters, deadline: Deadline) -> Part[Spliced]:
        member = await self._members.metrics(target)
        body = await self._api.ask(member, path, parameters, deadline)
        try:
            spliced = splice(body, self._label, target.cluster_name)
        except Malformed as error:
            raise MemberFailed(str(error)) from error
        return Part(spliced, (*spliced.warnings, *spliced.infos), complete=spliced.complete)


def _result(outcome: Outcome[Spliced]) -> MetricResult:
    spliced = outcome.part.value if outcome.part is not None else None
    return MetricResult(
        cluster_id=outcome.target.cluster_id,
        cluster_name=outcome.target.cluster_name,
        status=outcome.status,
        result_type=spliced.result_type if spliced else None,
        data=spliced.data if spliced else NOTHING,
        error=outcome.error,
        query_time_ms=outcome.query_time_ms,
    )
