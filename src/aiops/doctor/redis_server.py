"""Redis or Valkey: whether it can be reached, is new enough, leads, keeps what it is given and evicts nothing."""

import re
from collections.abc import Mapping
from typing import Any, Final

from aiops.core.errors import ServiceUnavailable
from aiops.core.http import HttpClient
from aiops.core.redis import RedisConnection
from aiops.doctor.finding import Notes
from aiops.doctor.subject import Subject

OLDEST: Final = 7
FULL_SHARE: Final = 0.85
# What a message says -> what to do; the first that fits.
ADVICE: Final[Mapping[str, str]] = {
    "password|NOAUTH|WRONGPASS|Authentication": (
        "compare the password in REDIS_URL with the server's (Secret redis-credentials)"
    ),
    "certificate": (
        "set AIOPS_REDIS_CA_FILE to the authority of the server's certificate, and use the name that it carries"
    ),
    "not known|No address associated": (
        "correct the host in REDIS_URL; from another namespace it is SERVICE.NAMESPACE.svc"
    ),
    "no sentinel names": (
        "do the sentinels answer? compare the primary's name in REDIS_URL with SENTINEL MASTERS, and see whether a "
        "fail-over is under way"
    ),
    "MISCONF": "it takes no writes while it cannot keep them: make room on the server's volume, and look at its log",
    "loading the dataset": "it reads its data after a start: wait, and ask again",
    "NOPERM|no permissions": (
        "let the user of REDIS_URL run every command on every key (ACL SETUSER), or use the default user"
    ),
}
OTHERWISE: Final = (
    "is the server running, are host and port in REDIS_URL right, and do network policies let this pod through?"
)
ROOM: Final = "make room on the server's volume, and look at its log"


async def look(subject: Subject, _: HttpClient, notes: Notes) -> None:
    """Everything that INFO tells."""
    settings = subject.settings.redis
    if not settings.url:
        notes.skip("connection", subject.reason("redis", "REDIS_URL is not set"))
        return
    try:
        async with RedisConnection(settings.url, client_name="aiops doctor", ca_file=settings.ca_file) as redis:
            info = await redis.info()
    except ValueError as error:
        notes.fail("connection", str(error), "correct REDIS_URL")
    except ServiceUnavailable as error:
        notes.fail("connection", error.message, _advice(error.message))
    else:
        _server(info, notes)
        _memory(info, notes)
        _persistence(info, notes)


def _advice(message: str) -> str:
    return next((advice for said, advice in ADVICE.items() if re.search(said, message)), OTHERWISE)


def _server(info: Mapping[str, Any], notes: Notes) -> None:
    valkey = info.get("valkey_version")
    version = str(valkey or info.get("redis_version", "0"))
    shown = f"{'Valkey' if valkey else 'Redis'} {version}"
    if int(version.partition(".")[0]) < OLDEST:
        notes.fail("version", shown, f"this release needs Redis {OLDEST} or Valkey; upgrade the server")
    else:
        notes.ok("connection", shown)
    if info.get("role") != "master":
        notes.fail(
            "writing",
            "this server is a replica and takes no writes",
            "point REDIS_URL at the primary, or at the sentinels: redis+sentinel://host:26379/name-of-the-primary",
        )


def _memory(info: Mapping[str, Any], notes: Notes) -> None:
    policy = info.get("maxmemory_policy")
    limit, used = int(info.get("maxmemory", 0)), int(info.get("used_memory", 0))
    if policy != "noeviction" and limit:
        notes.fail(
            "eviction",
            f"maxmemory-policy is {policy}: when memory is full, events and sessions vanish without a word",
            "set maxmemory-policy noeviction",
        )
    elif policy != "noeviction":
        notes.warn(
            "eviction",
            f"maxmemory-policy is {policy}, which does nothing only as long as there is no maxmemory",
            "set maxmemory-policy noeviction",
        )
    else:
        notes.ok("eviction", "nothing is evicted")
    if not limit:
        notes.warn(
            "memory",
            f"{used // 2**20} MiB used and no maxmemory: the node's memory is the limit",
            "set maxmemory to about three quarters of the container's memory limit",
        )
    elif used > limit * FULL_SHARE:
        notes.warn("memory", f"{used / limit:.0%} of maxmemory are used", "raise maxmemory before writes are refused")
    else:
        notes.ok("memory", f"{used / limit:.0%} of {limit // 2**20} MiB are used")


def _persistence(info: Mapping[str, Any], notes: Notes) -> None:
    if info.get("aof_enabled"):
        if info.get("aof_last_write_status") != "ok":
            notes.fail("persistence", "the append-only file cannot be written", ROOM)
        else:
            notes.ok("persistence", "append-only file")
    elif info.get("rdb_last_bgsave_status") == "err":
        notes.fail("persistence", "the last snapshot failed", ROOM)
    else:
        notes.warn(
            "persistence",
            "there is no append-only file: a restart loses the stream of events and who is signed in",
            "set appendonly yes with a volume; the outbox fills the stream again either way",
        )
