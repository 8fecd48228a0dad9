"""From a Redis URL to a bounded pool of connections: TCP, TLS, a Unix socket, or whichever server Sentinel names.

It sends no command of its own beyond what connecting takes, and it refuses a URL that can only be a mistake.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    MasterNotFoundError,
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import RedisError

from aiops.core.sentinel_url import SENTINEL_SCHEME, SentinelUrl, parse_sentinel_url

SCHEMES: Final = ("redis://", "rediss://", "unix://", SENTINEL_SCHEME)
SOCKET_TIMEOUT_S: Final = 5.0
# Three more tries within about half a second: longer waits belong to the caller, who knows who is waiting.
_RETRIES: Final = 3
_RETRY_BASE_S: Final = 0.05
_RETRY_CAP_S: Final = 0.3
# The next sentinel knows the same, so a silent one is soon passed over.
SENTINEL_TIMEOUT_S: Final = 1.0
SENTINEL_CONNECTIONS: Final = 4


class _Cancellable(AbstractConnection):
    """Sees to it that a cancelled caller ends.

    The library sends through `asyncio.wait_for`, which on Python 3.11 forgets a cancellation that arrives as the send
    completes (python/cpython gh-86296, mended in 3.12): the caller would go on as if nothing had happened.
    """

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:  # noqa: FBT001, FBT002 - the library's signature
        task = asyncio.current_task()
        before = task.cancelling() if task is not None else 0
        await super().send_packed_command(command, check_health)
        if task is not None and task.cancelling() > before:
            # Its answer will not be read here, so nobody else may use the connection.
            await self.disconnect(nowait=True)
            raise asyncio.CancelledError


class _Tcp(_Cancellable, Connection):
    pass


class _Tls(_Cancellable, SSLConnection):
    pass


class _Unix(_Cancellable, UnixDomainSocketConnection):
    pass


class _SentinelTcp(_Cancellable, SentinelManagedConnection):
    pass


class _SentinelTls(_Cancellable, SentinelManagedSSLConnection):
    pass


_CLASSES: Final = {Connection: _Tcp, SSLConnection: _Tls, UnixDomainSocketConnection: _Unix}


class _Sentinels(Sentinel):
    """Says of each sentinel why it named nobody, instead of how its client is put together."""

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        reasons = []
        for sentinel in tuple(self.sentinels):
            place = sentinel.connection_pool.connection_kwargs
            try:
                masters: Any = await sentinel.sentinel_masters()
            except (RedisError, OSError) as error:
                reason = str(error) or type(error).__name__
            else:
                state = masters.get(service_name)
                if state is not None and self.check_master_state(state, service_name):
                    # Asked first from now on.
                    self.sentinels.sort(key=lambda other: other is not sentinel)
                    return state["ip"], state["port"]
                known = ", ".join(sorted(masters)) or "none"
                reason = "its primary is down" if state is not None else f"it watches no such primary (known: {known})"
            reasons.append(f"{place['host']}:{place['port']}: {reason}")
        raise MasterNotFoundError(f"no sentinel names a primary {service_name!r}; {'; '.join(reasons)}")


class _SentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """Each new connection goes to the primary of that moment; bounded and waiting as every pool of ours."""

    def __init__(self, master: str, sentinels: _Sentinels, **options: Any) -> None:
        # The library hands this to its base class, where waiting comes from.
        super().__init__(master, sentinels, **options)  # type: ignore[no-untyped-call] # the library's
        self.sentinels = sentinels

    async def aclose(self) -> None:
        """Close the connections to the sentinels as well."""
        await super().aclose()
        await self.sentinels.aclose()


def pool_of(url: str, *, client_name: str, max_connections: int, ca_file: str = "") -> BlockingConnectionPool:
    """The pool behind a URL; `ca_file` (PEM) is what TLS servers are verified with instead of the system's roots.

    Raises:
        ValueError: the URL is a mistake; the message never repeats a password.

    """
    if not url.startswith(SCHEMES):
        raise ValueError(f"the Redis URL must begin with one of {', '.join(SCHEMES)}; set REDIS_URL accordingly")
    options: dict[str, Any] = {
        "max_connections": max_connections,
        "timeout": SOCKET_TIMEOUT_S,
        "client_name": client_name.replace(" ", "-"),
        "socket_timeout": SOCKET_TIMEOUT_S,
        "socket_connect_timeout": SOCKET_TIMEOUT_S,
        "health_check_interval": 30,
        "protocol": 2,
        "retry": Retry(ExponentialWithJitterBackoff(base=_RETRY_BASE_S, cap=_RETRY_CAP_S), _RETRIES),
    }
    sentinel = parse_sentinel_url(url) if url.startswith(SENTINEL_SCHEME) else None
    tls = url.startswith("rediss://") if sentinel is None else sentinel.tls
    if ca_file and not tls:
        raise ValueError("AIOPS_REDIS_CA_FILE is set, but the Redis URL has no TLS: use rediss:// or tls=true")
    verified: dict[str, Any] = {"ssl_ca_certs": ca_file} if ca_file else {}
    if sentinel is not None:
        return _sentinel_pool(sentinel, {**options, **verified}, verified)
    pool: BlockingConnectionPool = BlockingConnectionPool.from_url(url, **options, **verified)
    pool.connection_class = _CLASSES[pool.connection_class]
    return pool


def _sentinel_pool(url: SentinelUrl, options: dict[str, Any], tls: dict[str, Any]) -> _SentinelPool:
    def asked(host: str, port: int) -> Redis:
        pool: BlockingConnectionPool = BlockingConnectionPool(
            max_connections=SENTINEL_CONNECTIONS,
            timeout=SENTINEL_TIMEOUT_S,
            connection_class=_Tls if url.tls else _Tcp,
            host=host,
            port=port,
            username=url.sentinel_username,
            password=url.sentinel_password,
            client_name=options["client_name"],
            socket_timeout=SENTINEL_TIMEOUT_S,
            socket_connect_timeout=SENTINEL_TIMEOUT_S,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            **tls,
        )
        return Redis.from_pool(pool)

    sentinels = _Sentinels([])  # type: ignore[no-untyped-call] # the library's
    sentinels.sentinels = [asked(host, port) for host, port in url.hosts]
    return _SentinelPool(
        url.master,
        sentinels,
        connection_class=_SentinelTls if url.tls else _SentinelTcp,
        username=url.username,
        password=url.password,
        db=url.db,
        **options,
    )
