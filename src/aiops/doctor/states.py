"""What stores, roles and the cluster say of themselves, for the support bundle: counts and sizes, never contents."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from aiops.core import migrations
from aiops.core.bus import Bus
from aiops.core.db import Database
from aiops.core.errors import AiopsError, ServiceUnavailable
from aiops.core.http import Deadline, HttpClient, HttpRequest
from aiops.core.kube import own_namespace
from aiops.core.kube_reader import EventSummary, KubeReader, PodSummary
from aiops.core.redis import RedisConnection
from aiops.doctor.peers import ASKED
from aiops.doctor.subject import Subject

ANSWER_S: Final = 5.0
MOST_METRICS: Final = 4 * 1024 * 1024
OK: Final = 200
PATHS: Final = ("/health", "/ready")
# Of INFO: nothing that names a client or a key.
SHOWN: Final = (
    "redis_version",
    "valkey_version",
    "uptime_in_seconds",
    "role",
    "connected_slaves",
    "connected_clients",
    "maxclients",
    "blocked_clients",
    "used_memory",
    "maxmemory",
    "maxmemory_policy",
    "mem_fragmentation_ratio",
    "aof_enabled",
    "aof_last_write_status",
    "rdb_last_bgsave_status",
    "evicted_keys",
    "expired_keys",
    "rejected_connections",
    "total_commands_processed",
    "instantaneous_ops_per_sec",
    "master_link_status",
)
_TABLES: Final = text("""
SELECT c.relname AS name, nullif(c.reltuples, -1)::bigint AS rows_estimated, pg_total_relation_size(c.oid) AS bytes
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname = current_schema() ORDER BY bytes DESC
""")
_SERVER: Final = text("""
SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS bytes,
       pg_is_in_recovery() AS standby, pg_postmaster_start_time() AS started_at,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       current_setting('max_connections')::int AS max_connections
""")
_QUEUES: Final = text("""
SELECT queue_name AS queue, status::text AS status, count(*) AS jobs FROM procrastinate_jobs GROUP BY 1, 2 ORDER BY 1, 2
""")
# How large the fleet is and how it fares. No names: they are nobody's business who helps.
_FLEET: Final = text("""
SELECT state, cluster_type, platform, platform_version, environment, count(*) AS clusters,
       min(last_seen_at) AS seen_least_lately
FROM clusters GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
""")
_ALERTS: Final = text("SELECT state, severity, count(*) AS alerts FROM alerts GROUP BY 1, 2 ORDER BY 1, 2")
_OUTBOX: Final = text("SELECT count(*) FROM outbox")


async def database(subject: Subject) -> dict[str, Any]:
    """Versions, sizes and queue depths."""
    url = subject.settings.database.url
    if not url:
        raise ServiceUnavailable(subject.reason("database", "DATABASE_URL is not set"))
    async with Database(url, application_name="aiops support", pool_size=1, statement_timeout_s=10) as db:
        revision = await migrations.current(db)
        async with db.read() as connection:
            server = dict((await connection.execute(_SERVER)).one()._mapping)  # noqa: SLF001 - public
            tables = await _rows(connection, _TABLES)
            known = {table["name"] for table in tables}
            queues: list[dict[str, Any]] | None = None
            outbox: int | None = None
            if "procrastinate_jobs" in known:
                queues = await _rows(connection, _QUEUES)
            if "outbox" in known:
                outbox = (await connection.execute(_OUTBOX)).scalar()
            fleet = await _rows(connection, _FLEET) if "clusters" in known else None
            alerts = await _rows(connection, _ALERTS) if "alerts" in known else None
    schema = {"revision": revision, "needed": migrations.head()}
    return {
        "server": server,
        "schema": schema,
        "tables": tables,
        "queues": queues,
        "outbox_rows": outbox,
        "fleet": fleet,
        "alerts": alerts,
    }


async def _rows(connection: AsyncConnection, statement: TextClause) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in await connection.execute(statement)]  # noqa: SLF001 - public


async def redis(subject: Subject) -> dict[str, Any]:
    """Selected lines of INFO, and the stream's state."""
    settings = subject.settings.redis
    if not settings.url:
        raise ServiceUnavailable(subject.reason("redis", "REDIS_URL is not set"))
    async with RedisConnection(settings.url, client_name="aiops support", ca_file=settings.ca_file) as connection:
        info = await connection.info()
        stream = await Bus(connection).status()
    return {"info": {name: info[name] for name in SHOWN if name in info}, "stream": msgspec.to_builtins(stream)}


async def roles(subject: Subject, http: HttpClient) -> dict[str, Any]:
    """What each role, and the hub as a whole, answers about its health."""
    urls = {role: getattr(subject.settings.peers, f"{role}_url") for role in ASKED}
    asked = {f"{role} {path}": f"{url.rstrip('/')}{path}" for role, url in urls.items() if url for path in PATHS}
    hub = (subject.server or subject.settings.http.public_url).rstrip("/")
    if hub:
        asked |= {f"hub {path}": f"{hub}{path}" for path in (*PATHS, *(("/health/detailed",) if subject.token else ()))}
    token_for: Mapping[str, str | None] = {"hub /health/detailed": subject.token}
    answers = await asyncio.gather(*(_said(url, http, token_for.get(name)) for name, url in asked.items()))
    return dict(zip(asked, answers, strict=True))


async def _said(url: str, http: HttpClient, token: str | None) -> dict[str, Any]:
    request = HttpRequest(method="GET", url=url, peer="doctor", bearer=token)
    try:
        answer = await http.fetch(request, Deadline.after(ANSWER_S))
        return {"status": answer.status, "body": msgspec.json.decode(answer.body)}
    except AiopsError as error:
        return {"error": error.message}
    except msgspec.DecodeError:
        return {"error": "the answer is no JSON"}


async def metrics(subject: Subject, http: HttpClient) -> dict[str, str]:
    """What each role that can be asked tells of itself to Prometheus, by the role's name.

    The hub's public address is not asked: no Route leads to /metrics.
    """
    urls = {role: getattr(subject.settings.peers, f"{role}_url") for role in ASKED}
    token = subject.settings.telemetry.metrics_token or None
    asked = {role: (f"{url.rstrip('/')}/metrics", token) for role, url in urls.items() if url}
    if subject.data_dir is not None and (own := subject.data_dir.running_url()):
        asked["hub"] = (f"{own.rstrip('/')}/metrics", subject.metrics_secret())
    if not asked:
        raise ServiceUnavailable("no role has a URL here; run it in a role's pod, or with --data-dir")
    answers = await asyncio.gather(*(_exposed(url, http, bearer) for url, bearer in asked.values()))
    return dict(zip(asked, answers, strict=True))


async def _exposed(url: str, http: HttpClient, token: str | None) -> str:
    request = HttpRequest(method="GET", url=url, peer="doctor", bearer=token, max_response_bytes=MOST_METRICS)
    try:
        answer = await http.fetch(request, Deadline.after(ANSWER_S))
    except AiopsError as error:
        return f"# none: {error.message}\n"
    return answer.body.decode("utf-8", "replace") if answer.status == OK else f"# none: answered {answer.status}\n"


async def pods() -> list[PodSummary]:
    """The pods of our namespace."""
    namespace = own_namespace()
    async with KubeReader() as kube:
        return await kube.pods(namespace)


async def events() -> list[EventSummary]:
    """What happened in our namespace of late."""
    namespace = own_namespace()
    async with KubeReader() as kube:
        return await kube.events(namespace)
