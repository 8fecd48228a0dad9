"""What notifications do: one event per transition, whatever is repeated, late or sent twice."""

import asyncio
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select, text

from aiops.collector.alerts.apply import AlertIntake, Applied
from aiops.collector.alerts.model import AlertState, fingerprint_of
from aiops.collector.alerts.tables import alert_transitions, alerts
from aiops.collector.alerts.transitions import Change, Known, change
from aiops.collector.alerts.webhook import decode
from aiops.collector.meters import Meters
from aiops.core.clock import utc_now
from aiops.core.db import Database
from aiops.core.errors import InvalidRequest
from aiops.ports.registry import WebhookSource
from tests.queries import count_queries
from tests.unit.collector.members import cluster_id
from tests.unit.collector.notifications import alert, notification

pytestmark = pytest.mark.anyio

EAST = WebhookSource(cluster_id("east"), "east")
WEST = WebhookSource(cluster_id("west"), "west")


@pytest.fixture
def intake(db: Database) -> AlertIntake:
    return AlertIntake(db, utc_now, Meters(CollectorRegistry()))


async def take(intake: AlertIntake, *told: dict[str, Any], source: WebhookSource = EAST) -> Applied:
    return await intake.apply(source, decode(notification(*told)))


async def events(db: Database) -> list[tuple[str, str]]:
    async with db.read() as connection:
        rows = await connection.execute(text("SELECT event_type, payload FROM outbox ORDER BY id"))
        return [(row.event_type, msgspec.json.decode(row.payload)["alert"]["alertname"]) for row in rows]


async def stored(db: Database) -> list[Any]:
    async with db.read() as connection:
        return list((await connection.execute(select(alerts).order_by(alerts.c.fingerprint))).mappings())


FIRED, RESOLVED, REPEATED, STALE = Change.FIRED, Change.RESOLVED, Change.REPEATED, Change.STALE


@pytest.mark.parametrize(
    ("known", "told", "wanted"),
    [
        (None, {"start": 0}, FIRED),
        (None, {"start": 0, "end": 1}, REPEATED),
        (("FIRING", 0), {"start": 0}, REPEATED),
        (("FIRING", 0), {"start": 0, "end": 1}, RESOLVED),
        (("FIRING", 0), {"start": 5}, FIRED),
        (("FIRING", 5), {"start": 0}, STALE),
        (("FIRING", 5), {"start": 0, "end": 4}, STALE),
        (("FIRING", 5), {"start": 0, "end": 5}, STALE),
        (("FIRING", 5), {"start": 0, "end": 9}, RESOLVED),
        (("FIRING", 0), {"start": 5, "end": 9}, RESOLVED),
        (("RESOLVED", 0), {"start": 0, "end": 1}, REPEATED),
        (("RESOLVED", 0), {"start": 0}, STALE),
        (("RESOLVED", 0), {"start": 5}, FIRED),
        (("RESOLVED", 5), {"start": 0}, STALE),
        (("PENDING", 0), {"start": 0}, FIRED),
    ],
)
def test_the_table_of_transitions(known: tuple[str, float] | None, told: dict[str, float], wanted: Change) -> None:
    (one,) = decode(notification(alert(**told))).alerts  # type: ignore[arg-type]
    before = None
    if known is not None:
        (then,) = decode(notification(alert(start=known[1]))).alerts
        before = Known(AlertState(known[0]), then.starts_at)

    assert change(before, one) is wanted


async def test_firing_repeating_and_resolving_is_two_events(intake: AlertIntake, db: Database) -> None:
    await take(intake, alert(start=0))
    await take(intake, alert(start=0))
    await take(intake, alert(start=0, end=3))
    applied = await take(intake, alert(start=0, end=3))

    assert (applied.resolved, applied.repeated) == (0, 1)
    assert await events(db) == [("ALERT_FIRED", "Down"), ("ALERT_RESOLVED", "Down")]
    (row,) = await stored(db)
    assert (row["state"], row["message"]) == ("RESOLVED", "Down")


async def test_each_transition_is_in_the_history_with_its_event(intake: AlertIntake, db: Database) -> None:
    await take(intake, alert(start=0, severity="critical", namespace="prod"))
    await take(intake, alert(start=0, end=3, severity="critical", namespace="prod"))

    async with db.read() as connection:
        rows = (await connection.execute(select(alert_transitions).order_by(alert_transitions.c.seq))).all()
        outbox = (await connection.execute(text("SELECT event_id FROM outbox ORDER BY id"))).scalars().all()
    assert [(row.old_state, row.new_state) for row in rows] == [(None, "FIRING"), ("FIRING", "RESOLVED")]
    assert [row.event_id for row in rows] == list(outbox)
    assert {(row.namespace, row.severity) for row in rows} == {("prod", "CRITICAL")}


async def test_one_fingerprint_in_two_clusters_is_two_alerts(intake: AlertIntake, db: Database) -> None:
    await take(intake, alert())
    await take(intake, alert(), source=WEST)

    rows = await stored(db)
    assert len({row["id"] for row in rows}) == 2
    assert len(await events(db)) == 2


async def test_a_late_old_notification_changes_nothing(intake: AlertIntake, db: Database) -> None:
    await take(intake, alert(start=10))
    applied = await take(intake, alert(start=0, end=5), alert(start=0))

    assert applied.stale == 2
    (row,) = await stored(db)
    assert row["state"] == "FIRING"
    assert len(await events(db)) == 1


async def test_a_repeat_refreshes_the_texts(intake: AlertIntake, db: Database) -> None:
    await take(intake, alert(annotations={"summary": "3 pods"}))
    await take(intake, alert(annotations={"summary": "5 pods"}))

    assert [row["message"] for row in await stored(db)] == ["5 pods"]
    assert len(await events(db)) == 1


async def test_one_notification_may_tell_of_an_alert_twice(intake: AlertIntake, db: Database) -> None:
    applied = await take(intake, alert(start=0), alert(start=0, end=2), alert(start=4))

    assert (applied.fired, applied.resolved) == (2, 1)
    assert [kind for kind, _ in await events(db)] == ["ALERT_FIRED", "ALERT_RESOLVED", "ALERT_FIRED"]
    (row,) = await stored(db)
    assert row["state"] == "FIRING"


@pytest.mark.parametrize("severity", ["none", "page", "", "Critical ", "WARNING"])
async def test_any_severity_is_taken_and_kept(intake: AlertIntake, db: Database, severity: str) -> None:
    await take(intake, alert("Watchdog", severity=severity), alert("Other"))

    rows = await stored(db)
    assert len(rows) == 2
    watchdog = next(row for row in rows if row["alertname"] == "Watchdog")
    known = {"Critical ": "CRITICAL", "WARNING": "WARNING"}
    assert (watchdog["severity"], watchdog["labels"]["severity"]) == (known.get(severity, "INFO"), severity)


async def test_odd_texts_break_nothing(intake: AlertIntake, db: Database) -> None:
    odd = alert("Nül\0", start=0, note="\0", annotations={"summary": "a\0b", "x": "🦙" * 1000})
    await take(intake, odd, alert("Fine"))

    assert {row["alertname"] for row in await stored(db)} == {"Nül\N{REPLACEMENT CHARACTER}", "Fine"}


def test_a_missing_fingerprint_is_computed_as_alertmanager_does() -> None:
    # FNV's offset basis; that a real Alertmanager agrees is tested with real members.
    assert fingerprint_of({}) == "cbf29ce484222325"
    (one,) = decode(notification(alert("Down", fingerprint="", job="a"))).alerts
    assert one.fingerprint == fingerprint_of({"job": "a", "alertname": "Down"})


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"alerts": [{"status": "firing"}]}', b"\xff", b"[" * 9999])
def test_what_is_no_notification_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        decode(body)


async def test_concurrent_repeats_are_one_event(intake: AlertIntake, db: Database) -> None:
    told = [alert(f"A{number}") for number in range(20)]
    await asyncio.gather(*(take(intake, *told), take(intake, *reversed(told)), take(intake, *told)))

    assert len(await events(db)) == 20


async def test_repeats_of_many_alerts_take_few_statements(intake: AlertIntake, db: Database) -> None:
    told = [alert(f"A{number}") for number in range(50)]
    await take(intake, *told)

    with count_queries(db) as statements:
        await take(intake, *told)

    assert len(statements) == 3
