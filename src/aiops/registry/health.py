"""The health loop: due clusters are claimed, asked, judged, and their state changed together with its event.

Any number of replicas may run it. A claim is one short UPDATE that skips what others hold; no transaction stays open
while a cluster is asked. What could not be measured stays null.
"""

import asyncio
import random
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import Row, delete, func, insert, or_, select, update

from aiops.core.clock import Clock
from aiops.core.db import Database
from aiops.core.http import Deadline, HttpClient, HttpRequest, Tls, UpstreamFailure
from aiops.core.outbox import publish
from aiops.core.secretbox import SecretBox
from aiops.ports.events import ClusterStatusChanged, to_message
from aiops.registry.model import ClusterType, Condition, Connectivity, Endpoints, State, Status
from aiops.registry.tables import clusters, health_history

# seconds between checks, seconds for one; from the contract
RHYTHM: Final = {
    ClusterType.HUB: (15.0, 5.0),
    ClusterType.SPOKE: (30.0, 10.0),
    ClusterType.EDGE: (60.0, 15.0),
    ClusterType.FAR_EDGE: (120.0, 30.0),
}
PENALTIES: Final = {"api_server": 50, "prometheus": 20, "tempo": 15, "loki": 15}
RECENT: Final = 10
AGGREGATE_EVERY: Final = timedelta(minutes=5)
IDLE_S: Final = 1.0
PATHS: Final = {
    "api_server": ("/readyz", "/healthz"),
    "prometheus": ("/-/ready", "/api/v1/query?query=1"),
    "tempo": ("/ready",),
    "loki": ("/ready",),
    "alertmanager": ("/-/ready",),
}
CONDITIONS: Final = {
    "api_server": "APIReachable",
    "prometheus": "MetricsReachable",
    "tempo": "TracesReachable",
    "loki": "LogsReachable",
    "alertmanager": "AlertsReachable",
}
_OK: Final = 200
_NOT_FOUND: Final = 404
_log = structlog.get_logger("aiops.health")


class Finding(Struct, frozen=True):
    """What one check said: null where there is nothing to check."""

    healthy: bool | None
    error: str | None = None


Findings = dict[str, Finding]


class Verdict(Struct, frozen=True):
    """A round of checks in numbers and one word."""

    state: State
    score: int
    reason: str


def judge(findings: Findings) -> Verdict:
    """The contract's score and state for one round, without regard to earlier rounds."""
    configured = {name: finding for name, finding in findings.items() if finding.healthy is not None}
    failing = {name: finding for name, finding in configured.items() if not finding.healthy}
    score = max(0, 100 - sum(PENALTIES.get(name, 0) for name in failing))
    if not configured:
        return Verdict(State.UNKNOWN, score, "no endpoint is configured")
    if not failing:
        return Verdict(State.ONLINE, score, "all checks pass")
    reason = "; ".join(finding.error or f"{name} fails" for name, finding in failing.items())
    has_api = "api_server" in configured
    if "api_server" in failing or (not has_api and len(failing) == len(configured)):
        return Verdict(State.OFFLINE, score, reason)
    return Verdict(State.DEGRADED, score, reason)


def settle(before: State, verdict: Verdict, recent: list[str]) -> State:
    """The state to show: leaving ONLINE takes two rounds in a row that say so."""
    if (
        before is State.ONLINE
        and verdict.state is not State.ONLINE
        and (not recent or recent[-1] == State.ONLINE)
    ):
        return State.ONLINE
    return verdict.state


def connectivity(recent: list[str]) -> Connectivity:
    """Over the last ten rounds: reached, not reached, or now and then."""
    reached = [state != State.OFFLINE for state in recent]
    if all(reached):
        return Connectivity.CONNECTED
    return Connectivity.INTERMITTENT if any(reached) else Connectivity.DISCONNECTED


class HealthLoop:
    """Claims and checks due clusters; `run` is a supervised task."""

    def __init__(
        self,
        db: Database,
        http: HttpClient,
        box: SecretBox,
        clock: Clock,
        *,
        interval_scale: float,
        claim_margin_s: float,
        max_concurrent: int,
        history_days: int,
    ) -> None:
        self._db = db
        self._http = http
        self._box = box
        self._clock = clock
        self._scale = interval_scale
        self._margin_s = claim_margin_s
        self._max_concurrent = max_concurrent
        self._history = timedelta(days=history_days)
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look for due clusters now rather than within the second."""
        self._wake.set()

    async def run(self) -> None:
        """Check until cancelled."""
        running: set[asyncio.Task[None]] = set()
        next_tidy = 0.0
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._wake.clear()
                if loop.time() >= next_tidy:
                    await self._forget_old_history()
                    next_tidy = loop.time() + 3600
                for row in await self._claim(self._max_concurrent - len(running)):
                    task = asyncio.create_task(self._check(row), name=f"check {row.name}")
                    running.add(task)
                for task in [task for task in running if task.done()]:
                    running.discard(task)
                    task.result()
                try:
                    async with asyncio.timeout(IDLE_S):
                        await self._wake.wait()
                except TimeoutError:
                    pass
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _claim(self, limit: int) -> list[Row[Any]]:
        if limit <= 0:
            return []
        now = func.now()
        due = (
            select(clusters.c.id)
            .where(
                clusters.c.next_due_at <= now,
                or_(clusters.c.claimed_until.is_(None), clusters.c.claimed_until < now),
            )
            .order_by(clusters.c.next_due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        longest = max(timeout for _, timeout in RHYTHM.values())
        async with self._db.begin() as tx:
            rows = await tx.execute(
                update(clusters)
                .where(clusters.c.id.in_(due))
                .values(claimed_until=now + timedelta(seconds=longest + self._margin_s))
                .returning(
                    clusters.c.id,
                    clusters.c.name,
                    clusters.c.cluster_type,
                    clusters.c.api_server_url,
                    clusters.c.endpoints,
                    clusters.c.credentials,
                    clusters.c.version,
                )
            )
            return list(rows)

    async def _check(self, row: Row[Any]) -> None:
        interval_s, timeout_s = RHYTHM[ClusterType(row.cluster_type)]
        deadline = Deadline.after(timeout_s)
        endpoints = msgspec.convert(row.endpoints, Endpoints)
        probes = {name: self._probe(row, endpoints, name, deadline) for name in PATHS}
        findings = dict(zip(probes, await asyncio.gather(*probes.values()), strict=True))
        next_s = interval_s * self._scale * random.uniform(0.9, 1.1)  # noqa: S311 - jitter
        await self._store(row.id, findings, timedelta(seconds=next_s))

    async def _probe(self, row: Row[Any], endpoints: Endpoints, name: str, deadline: Deadline) -> Finding:
        if name == "api_server":
            url, options = row.api_server_url, None
        else:
            kind = "thanos" if name == "prometheus" and endpoints.thanos_url else name
            url, options = endpoints.url(kind), endpoints.options.get(kind)
        if url is None:
            return Finding(None)
        tls = Tls(options.tls.ca, options.tls.server_name, options.tls.insecure) if options else Tls()
        error = ""
        for path in PATHS[name]:
            request = HttpRequest(
                method="GET",
                url=url.rstrip("/") + path,
                peer="probe",
                bearer=self._token(row, name),
                tls=tls,
                headers={"X-Scope-OrgID": options.tenant} if options and options.tenant else {},
                max_response_bytes=1024 * 1024,
                use_breaker=False,
            )
            try:
                response = await self._http.fetch(request, deadline)
            except UpstreamFailure as failure:
                return Finding(healthy=False, error=f"{name}: {failure.message}")
            if response.status == _OK:
                return Finding(healthy=True)
            error = f"{name}: {path} answers {response.status}"
            if response.status != _NOT_FOUND:
                break
        return Finding(healthy=False, error=error)

    def _token(self, row: Row[Any], name: str) -> str | None:
        field = "token" if name == "api_server" else f"{name}_token"
        if field not in row.credentials:
            field = "token"
        sealed = row.credentials.get(field)
        return self._box.open(sealed, f"{row.id}/{field}") if sealed else None

    async def _store(self, cluster_id: UUID, findings: Findings, next_in: timedelta) -> None:
        """Judge against the row as it is now, under its lock, so that an edit meanwhile is not lost."""
        now = self._clock()
        verdict = judge(findings)
        async with self._db.begin() as tx:
            row = (
                await tx.execute(
                    select(clusters.c.name, clusters.c.status, clusters.c.recent)
                    .where(clusters.c.id == cluster_id)
                    .with_for_update()
                )
            ).one_or_none()
            if row is None:  # removed while it was asked
                return
            before = msgspec.convert(row.status, Status)
            state = settle(before.state, verdict, row.recent)
            recent = [*row.recent, verdict.state][-RECENT:]
            status = _status(before, state, verdict, findings, recent, now)
            await tx.execute(
                update(clusters)
                .where(clusters.c.id == cluster_id)
                .values(
                    status=msgspec.to_builtins(status),
                    state=state,
                    recent=recent,
                    claimed_until=None,
                    next_due_at=func.now() + (next_in if state is verdict.state else next_in / 3),
                    **({"last_seen_at": now} if verdict.state is not State.OFFLINE else {}),
                )
            )
            checks = {name: finding.healthy for name, finding in findings.items()}
            if state is not before.state:
                await tx.execute(
                    insert(health_history).values(
                        _line(cluster_id, now, "TRANSITION", state, verdict, checks)
                    )
                )
                event = ClusterStatusChanged(
                    cluster_id=cluster_id,
                    cluster_name=row.name,
                    old_state=before.state,
                    new_state=state,
                    health_score=verdict.score,
                    reason=verdict.reason,
                )
                await publish(tx, to_message(event, source="registry", at=now))
                _log.info(
                    "cluster changed state",
                    cluster=row.name,
                    old=before.state,
                    new=state,
                    reason=verdict.reason,
                )
            slot = now - (now - now.replace(minute=0, second=0, microsecond=0)) % AGGREGATE_EVERY
            if before.last_check_at is None or before.last_check_at < slot:
                await tx.execute(
                    insert(health_history).values(_line(cluster_id, now, "AGGREGATE", state, verdict, checks))
                )

    async def _forget_old_history(self) -> None:
        async with self._db.begin() as tx:
            await tx.execute(
                delete(health_history).where(health_history.c.observed_at < self._clock() - self._history)
            )


def _line(
    cluster_id: UUID, now: datetime, kind: str, state: State, verdict: Verdict, checks: dict[str, bool | None]
) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "cluster_id": cluster_id,
        "observed_at": now,
        "kind": kind,
        "state": state,
        "health_score": verdict.score,
        "reason": verdict.reason,
        "checks": checks,
    }


def _status(
    before: Status, state: State, verdict: Verdict, findings: Findings, recent: list[str], now: datetime
) -> Status:
    since = {condition.type: condition for condition in before.conditions}

    def condition(kind: str, healthy: bool | None, message: str) -> Condition:  # noqa: FBT001 - three-valued
        status = "UNKNOWN" if healthy is None else str(healthy).upper()
        reason = "NotConfigured" if healthy is None else "Reachable" if healthy else "Unreachable"
        old = since.get(kind)
        changed = old is None or old.status != status
        return Condition(
            kind, status, reason, message, now if old is None or changed else old.last_transition_time
        )

    conditions = [condition("Available", state is State.ONLINE, verdict.reason)]
    conditions += [
        condition(CONDITIONS[name], finding.healthy, finding.error or "")
        for name, finding in findings.items()
    ]
    return Status(
        state=state,
        health_score=verdict.score,
        connectivity=connectivity(recent),
        last_error=None if verdict.state is State.ONLINE else verdict.reason,
        last_check_at=now,
        conditions=tuple(conditions),
        **{f"{name}_healthy": finding.healthy for name, finding in findings.items()},
    )
