"""The collector as a subject: its own metrics service in this process, over real members by HTTP."""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import msgspec
from prometheus_client import CollectorRegistry

from aiops.collector.backends.prometheus import Member, PrometheusApi
from aiops.collector.fanout import Fanout
from aiops.collector.members import Members
from aiops.collector.meters import Meters
from aiops.collector.metrics import InstantQuery, MetricsService
from aiops.core.errors import (
    ClusterUnreachable,
    InvalidRequest,
    LimitExceeded,
    QueryNotFederable,
    QueryTimeout,
)
from aiops.core.http import AddressPolicy, Deadline, HttpClient, HttpMetrics
from aiops.core.identity import FLEET
from aiops.ports.collector import ClusterStatus, MetricsAnswer, RangeQuery
from aiops.ports.registry import Endpoint
from aiops.settings import CollectorSettings
from tests.oracle.answers import Answer, Case, Refused, rows
from tests.oracle.data import LENGTH_MS, START_MS
from tests.unit.collector.members import StaticRegistry, target

T = TypeVar("T")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATER: Final = EPOCH + timedelta(milliseconds=START_MS + 2 * LENGTH_MS)


class Hub:
    """Asks the collector; nothing may be missing unless `allow_partial`. `last` is its latest answer, whole."""

    def __init__(self, urls: Mapping[str, str], *, allow_partial: bool = False, timeout_s: float = 30) -> None:
        self._urls = dict(urls)
        self._registry = StaticRegistry()
        for name, url in urls.items():
            self._registry.add(target(name, url))
        self._deny = not allow_partial
        self._timeout_s = timeout_s
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        policy, metrics = AddressPolicy(allow_loopback=True), HttpMetrics(CollectorRegistry())
        self._http = HttpClient(user_agent="aiops-tests", policy=policy, metrics=metrics)
        settings = CollectorSettings()
        self._api = PrometheusApi(self._http, max_response_bytes=settings.max_member_response_bytes)
        fanout = Fanout(
            max_total=settings.max_concurrent_members,
            max_per_cluster=settings.max_concurrent_per_member,
            meters=Meters(CollectorRegistry()),
        )
        self._service = MetricsService(Members(self._registry), self._api, fanout, settings, lambda: LATER)
        self.last: MetricsAnswer | None = None

    def __enter__(self) -> Self:
        self._run(self._stack.enter_async_context(self._http))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._stack.aclose())
        self._runner.close()

    @property
    def missing(self) -> frozenset[str]:
        """Which clusters the latest answer names as not having taken part wholly."""
        if self.last is None:
            return frozenset()
        clusters = self.last.federation.clusters
        return frozenset(one.cluster_name for one in clusters if one.status is not ClusterStatus.SUCCESS)

    def answer(self, case: Case) -> MetricsAnswer:
        """The collector's own answer; its errors are raised."""
        return self._run(self._asked(case))

    def fetched(self, case: Case) -> list[bytes]:
        """What the members answer to the query as it stands, by the collector's own client."""

        async def all_of_them() -> list[bytes]:
            members = [Member(name, Endpoint(url), None) for name, url in self._urls.items()]
            form = tuple(case.parameters.items())
            asked = [self._api.ask(member, case.path, form, Deadline.after(self._timeout_s)) for member in members]
            return list(await asyncio.gather(*asked))

        return self._run(all_of_them())

    def ask(self, case: Case) -> Answer | Refused:
        """The fleet's answer."""
        self.last = None
        try:
            self.last = self.answer(case)
        except InvalidRequest as error:
            return Refused(error.message, error.code)
        except (QueryNotFederable, LimitExceeded, ClusterUnreachable, QueryTimeout) as error:
            return Refused(error.message, error.code, wrong=False)
        return from_hub(self.last)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        # Not by the runner: it writes out what the work gave, megabytes, to look for a handler of a signal.
        return self._runner.get_loop().run_until_complete(work)

    async def _asked(self, case: Case) -> MetricsAnswer:
        start, end = (EPOCH + timedelta(milliseconds=ms) for ms in (case.start_ms, case.end_ms))
        if not case.step_ms:
            return await self._service.query(
                InstantQuery(FLEET, case.query, self._timeout_s, start, deny_partial=self._deny)
            )
        return await self._service.query_range(
            RangeQuery(FLEET, case.query, start, end, case.step_ms / 1000, self._timeout_s, deny_partial=self._deny)
        )


def from_hub(answer: MetricsAnswer) -> Answer:
    """The collector's answer in the form in which answers are compared."""
    kind = (answer.result_type or "").lower()
    parts: list[Any] = [row for result in answer.results for row in msgspec.json.decode(result.data)]
    if kind == "string":
        return Answer(kind, text=parts[0]["values"][0][1])
    return Answer(kind, rows(parts))
