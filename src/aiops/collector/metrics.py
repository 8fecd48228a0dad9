"""PromQL over the fleet, in two modes, for tools, jobs and routes alike.

`global`: all members are as one Prometheus (see `fleet_query`). `per_cluster`: each answers the whole query for itself
and nothing is computed across clusters; its samples are passed on as the bytes that members sent, and matchers on the
cluster label are not resolved, since members do not know it: `cluster_ids` selects.

The evaluation time is captured once and is the same for all.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from aiops.collector import times
from aiops.collector.backends.prometheus import PrometheusApi
from aiops.collector.fanout import Fanout, Outcome, Part
from aiops.collector.federation import standing
from aiops.collector.fleet_query import Asked, FleetQuery
from aiops.collector.generations import Generations
from aiops.collector.leaf_source import LeafSource, Question
from aiops.collector.members import Members
from aiops.collector.settled import SettledAnswers
from aiops.collector.splice import NOTHING, Spliced
from aiops.core.clock import Clock, aware
from aiops.core.errors import InvalidRequest, LimitExceeded
from aiops.core.http import Deadline
from aiops.core.identity import Scope
from aiops.core.prometheus_errors import BAD_DATA
from aiops.ports.collector import MetricResult, MetricsAnswer, Mode, RangeQuery
from aiops.ports.registry import Target
from aiops.promql.engine import Grid
from aiops.promql.explain import Explanation, explain
from aiops.settings import CollectorSettings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class InstantQuery(Struct, frozen=True):
    """One query at one time (now where none is given), over all clusters inside `scope`."""

    scope: Scope
    query: str
    timeout_s: float
    time: datetime | None = None
    cluster_ids: tuple[UUID, ...] = ()
    deny_partial: bool = False
    mode: Mode = Mode.GLOBAL


class MetricsService:
    """Serves the collector's port and the public metric queries."""

    def __init__(
        self,
        members: Members,
        api: PrometheusApi,
        fanout: Fanout,
        settings: CollectorSettings,
        clock: Clock,
        settled: SettledAnswers | None = None,
    ) -> None:
        self._members = members
        self._fanout = fanout
        self._source = LeafSource(
            members, api, settings.cluster_label, max_samples=settings.max_gathered_samples, settled=settled
        )
        self._fleet = FleetQuery(self._source, fanout, Generations(members, api, clock), settings)
        self._max_points = settings.max_points_per_series
        self._clock = clock

    async def query(self, request: InstantQuery) -> MetricsAnswer:
        """The answer at one moment; errors as `query_range`."""
        return await self._run(request, self._grid(request))

    async def query_range(self, request: RangeQuery) -> MetricsAnswer:
        """The fleet's answer over a range, or the labelled union of every cluster's.

        Raises:
            InvalidPromql: the query is wrong, as the parser or a member says.
            QueryNotFederable: it has no exact answer over independent members.
            InvalidRequest, LimitExceeded: the range makes no sense, has too many points, or takes too much to finish.
            ClusterUnreachable, QueryTimeout: every asked cluster failed, or one did and `deny_partial` is set.

        """
        return await self._run(request, self._grid(request))

    async def explain(self, request: InstantQuery | RangeQuery) -> Explanation:
        """What `global` would ask of whom, and finish here. Nobody is asked the query; errors as `query_range`."""
        made, _ = self._fleet.plan(await self._asked(request, self._grid(request)))
        return explain(made)

    def _grid(self, request: InstantQuery | RangeQuery) -> Grid:
        if isinstance(request, InstantQuery):
            aware(request.time, "time")
            return Grid.instant(_milliseconds(request.time or self._clock()))
        start, end = times.window(request.start_time, request.end_time, self._clock())
        self._check_step((end - start).total_seconds(), request.step_s)
        return Grid(_milliseconds(start), _milliseconds(end), round(request.step_s * 1000))

    def _check_step(self, range_s: float, step_s: float) -> None:
        if not step_s >= 0.001:  # noqa: PLR2004 - Prometheus' own resolution; NaN fails too
            raise InvalidRequest("step: must be at least 1 ms")
        # In milliseconds, of which they are made; as Prometheus counts, the first point is no step.
        steps = round(range_s * 1000) // round(step_s * 1000)
        if steps > self._max_points:
            raise LimitExceeded(
                f"exceeded maximum resolution of {self._max_points:,} points per timeseries. Try decreasing the query "
                f"resolution (?step=XX), or ask for less time: {steps + 1:,} points were asked for",
                details={"points": steps + 1, "limit": self._max_points, "error_type": BAD_DATA},
            )

    async def _asked(self, request: InstantQuery | RangeQuery, grid: Grid) -> Asked:
        targets = await self._members.targets(request.scope, request.cluster_ids)
        return Asked(request.query, grid, targets, request.timeout_s, request.deny_partial)

    async def _run(self, request: InstantQuery | RangeQuery, grid: Grid) -> MetricsAnswer:
        asked = await self._asked(request, grid)
        return await (self._fleet.run(asked) if request.mode is Mode.GLOBAL else self._union(asked))

    async def _union(self, asked: Asked) -> MetricsAnswer:
        question = Question(asked.query, asked.grid, asked.timeout_s)

        async def ask(target: Target, deadline: Deadline) -> Part[Spliced]:
            return await self._source.spliced(target, question, deadline, labelled=True)

        outcomes = await self._fanout.ask(asked.targets, asked.timeout_s, ask)
        found = standing(outcomes, deny_partial=asked.deny_partial)
        results = tuple(_result(outcome) for outcome in outcomes)
        types = [result.result_type for result in results if result.result_type is not None]
        return MetricsAnswer(
            result_type=types[0] if types else None,
            results=results,
            partial=found.partial,
            warnings=found.warnings,
            federation=found.federation,
        )


def _milliseconds(at: datetime) -> int:
    return round((at - _EPOCH) / timedelta(milliseconds=1))


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
