"""What the registry forgets, when, and that the hub does it by itself."""

import asyncio
from datetime import timedelta

import pytest

from aiops.core.clock import utc_now
from aiops.core.infra import Infra
from aiops.core.jobs import Jobs
from aiops.core.tasks import Supervisor
from aiops.registry import module
from aiops.registry.retention import Retention
from aiops.settings import Settings
from tests.servers.waiting import eventually
from tests.unit.registry.conftest import Hub

pytestmark = pytest.mark.anyio

HISTORY = """
    INSERT INTO health_history (id, cluster_id, observed_at, kind, state, health_score, reason, checks)
    SELECT gen_random_uuid(), id, now() - make_interval(days => {days}), 'TRANSITION', 'ONLINE', 100, 'old', '{{}}'
    FROM clusters
"""
AUDIT = """
    INSERT INTO audit_log (id, at, actor, actor_kind, action, resource, outcome, details, trace_id)
    SELECT gen_random_uuid(), now() - make_interval(days => {days}), 'a', 'SERVICE', 'old.entry', 'r', 'SUCCESS',
           '{{}}', ''
    FROM generate_series(1, {entries})
"""


async def days_kept(hub: Hub) -> tuple[list[int], list[int]]:
    """Ages in days of what is left: history, and the trail's old entries."""
    history = await hub.rows(
        "SELECT extract(day FROM now() - observed_at)::int FROM health_history WHERE reason = 'old'"
    )
    audit = await hub.rows(
        "SELECT DISTINCT extract(day FROM now() - at)::int FROM audit_log WHERE action = 'old.entry'"
    )
    return sorted(row[0] for row in history), sorted(row[0] for row in audit)


async def fill(hub: Hub) -> None:
    await hub.register("east", endpoints={"prometheus_url": "http://127.0.0.1:9"})
    for days in (6, 8):
        await hub.change(HISTORY.format(days=days))
    for days in (89, 91):
        await hub.change(AUDIT.format(days=days, entries=1))


async def test_history_and_trail_go_when_their_retention_is_over(hub: Hub) -> None:
    await fill(hub)
    await Retention(hub.infra.db, utc_now, history_days=7, audit_days=90).expire()
    assert await days_kept(hub) == ([6], [89])


async def test_more_old_entries_than_one_transaction_takes_all_go(hub: Hub) -> None:
    await hub.change(AUDIT.format(days=100, entries=10_001))
    await Retention(hub.infra.db, utc_now, history_days=7, audit_days=90).expire()
    assert await days_kept(hub) == ([], [])


async def test_a_retention_that_has_not_come_removes_nothing(hub: Hub) -> None:
    await fill(hub)
    await Retention(hub.infra.db, lambda: utc_now() - timedelta(days=30), history_days=7, audit_days=90).expire()
    assert await days_kept(hub) == ([6, 8], [89, 91])


async def test_the_modules_job_does_it_soon_after_the_start(
    hub: Hub, infra: Infra, settings: Settings, fresh_database: str
) -> None:
    await fill(hub)
    built, _ = module.build(settings, infra)
    jobs = Jobs(fresh_database, application_name="registry tests")
    for job in built.jobs:
        jobs.periodic(job, queue=built.name)

    async def expired() -> bool:
        return await days_kept(hub) == ([6], [89])

    async with Supervisor(jobs.tasks([built.name])):
        async with asyncio.timeout(30):
            await eventually(expired, what="the retention job has run")
