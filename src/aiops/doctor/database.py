"""PostgreSQL: whether it can be reached and written to, how old it and the schema are, its clock, its connections."""

import time
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import text

from aiops.core import migrations
from aiops.core.db import Database
from aiops.core.errors import ServiceUnavailable
from aiops.core.http import HttpClient
from aiops.core.identity import HOP_LEEWAY_S
from aiops.doctor.finding import Notes
from aiops.doctor.subject import Subject

OLDEST: Final = 16
BUSY_SHARE: Final = 0.8
_STATE: Final = text("""
SELECT current_setting('server_version_num')::int / 10000 AS major,
       current_setting('server_version') AS version,
       pg_is_in_recovery() OR current_setting('transaction_read_only')::bool AS read_only,
       coalesce(host(inet_server_addr()), 'a local socket') AS address,
       current_setting('max_connections')::int AS max_connections,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS tls,
       clock_timestamp() AS now
""")


async def look(subject: Subject, _: HttpClient, notes: Notes) -> None:
    """Everything that one connection can tell."""
    url = subject.settings.database.url
    if not url:
        notes.skip("connection", subject.reason("database", "DATABASE_URL is not set"))
        return
    try:
        async with Database(url, application_name="aiops doctor", pool_size=1, statement_timeout_s=10) as db:
            await db.check()
            before = time.time()
            async with db.read() as connection:
                state = (await connection.execute(_STATE)).one()
            # The server's time is compared with the middle of asking for it.
            skew_s = state.now.timestamp() - (before + time.time()) / 2
            _connection(state, notes)
            _clock(skew_s, notes)
            await _schema(db, notes)
    except ValueError as error:
        notes.fail("connection", str(error), "correct DATABASE_URL")
    except ServiceUnavailable as error:
        notes.fail("connection", error.message, _advice(error.message))


def _advice(message: str) -> str:
    if "password" in message or "authentication" in message or "role" in message:
        return "compare user and password in DATABASE_URL with those of the server (Secret postgresql-credentials)"
    if "read-only" in message or "session is" in message:
        return "no host of DATABASE_URL leads; look at the server's fail-over, then promote one"
    if "certificate" in message or "SSL" in message:
        return "compare sslmode and sslrootcert in DATABASE_URL with the server's certificate"
    if "resolve host" in message:
        return "correct the host in DATABASE_URL; from another namespace it is SERVICE.NAMESPACE.svc"
    if "does not exist" in message:
        return "create the database, or correct its name in DATABASE_URL"
    return (
        "is the server running, are host and port in DATABASE_URL right, and do network policies let this pod through?"
    )


def _connection(state: Any, notes: Notes) -> None:
    where = f"PostgreSQL {state.version} at {state.address}, {'with' if state.tls else 'without'} TLS"
    if state.major < OLDEST:
        notes.fail("version", where, f"this release needs PostgreSQL {OLDEST} or newer; upgrade the server")
    else:
        notes.ok("connection", where)
    if state.read_only:
        notes.fail(
            "writing",
            "this server takes no writes: it is a standby, or was made read-only",
            "name every host in DATABASE_URL and add ?target_session_attrs=read-write; if none leads, promote one",
        )
    used = f"{state.connections} of {state.max_connections} connections are in use"
    if state.connections > state.max_connections * BUSY_SHARE:
        notes.warn("connections", used, "raise max_connections, or lower AIOPS_DATABASE_POOL_SIZE or the replicas")
    else:
        notes.ok("connections", used)


def _clock(skew_s: float, notes: Notes) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    if abs(skew_s) > HOP_LEEWAY_S:
        notes.fail(
            "clock",
            f"the database's clock is {skew_s:+.0f} s from this one ({now}); due work and expiry go by both",
            "let NTP (chrony) run on both nodes",
        )
    else:
        notes.ok("clock", f"{skew_s:+.1f} s from this one")


async def _schema(db: Database, notes: Notes) -> None:
    found, needed = await migrations.current(db), migrations.head()
    if found is None:
        notes.fail("schema", f"there is none; this release needs {needed}", "run 'aiops db upgrade'")
    elif found < needed:
        notes.fail("schema", f"at {found}; this release needs {needed}", "run 'aiops db upgrade'")
    elif found > needed:
        notes.warn(
            "schema",
            f"at {found}, newer than the {needed} that this release needs; it is served",
            "a newer release has upgraded it: let the roll-out finish, or the roll-back stay short",
        )
    else:
        notes.ok("schema", f"at {found}, as this release needs")
