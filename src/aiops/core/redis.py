"""Redis or Valkey: one client per process, with timeouts, and the one border where its failures become our errors.

A command whose answer was lost is sent again, so a write may happen twice; every use of ours bears that. It gives no
meaning to any key: that is the business of who writes it.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from aiops.core.errors import ServiceUnavailable

SCHEMES: Final = ("redis://", "rediss://", "unix://")
SOCKET_TIMEOUT_S: Final = 5.0
# Three more tries within about half a second: longer waits belong to the caller, who knows who is waiting.
_RETRIES: Final = 3
_RETRY_BASE_S: Final = 0.05
_RETRY_CAP_S: Final = 0.3


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turn the failures that mean "Redis is away" into `ServiceUnavailable`; let all others pass."""
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError, ReadOnlyError, OSError) as error:
        raise ServiceUnavailable(f"Redis is away: {str(error) or type(error).__name__}") from error
    except ResponseError as error:
        # A full server refuses writes; a replica without its primary refuses everything. Both pass.
        if str(error).startswith(("OOM", "MASTERDOWN", "NOREPLICAS", "MISCONF", "LOADING")):
            raise ServiceUnavailable(f"Redis refuses commands: {error}") from error
        raise


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


_CLASSES: Final = {Connection: _Tcp, SSLConnection: _Tls, UnixDomainSocketConnection: _Unix}


class RedisConnection:
    """The client of one process. Use it as `with redis.use() as client: await client.get(...)`.

    `url` is `redis://`, `rediss://` (TLS) or `unix:///path`; answers are bytes.
    """

    def __init__(self, url: str, *, client_name: str, max_connections: int = 64) -> None:
        if not url.startswith(SCHEMES):
            raise ValueError(f"the Redis URL must begin with one of {', '.join(SCHEMES)}; set REDIS_URL accordingly")
        self._pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
            url,
            max_connections=max_connections,
            timeout=SOCKET_TIMEOUT_S,
            client_name=client_name.replace(" ", "-"),
            socket_timeout=SOCKET_TIMEOUT_S,
            socket_connect_timeout=SOCKET_TIMEOUT_S,
            health_check_interval=30,
            protocol=2,
            retry=Retry(ExponentialWithJitterBackoff(base=_RETRY_BASE_S, cap=_RETRY_CAP_S), _RETRIES),
        )
        self._pool.connection_class = _CLASSES[self._pool.connection_class]
        self._client: Redis = Redis(connection_pool=self._pool)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()
        await self._pool.disconnect()

    @contextmanager
    def use(self) -> Iterator[Redis]:
        """The client; what fails inside the block because Redis is away is `ServiceUnavailable`."""
        with redis_errors():
            yield self._client

    async def check(self) -> None:
        """Raise `ServiceUnavailable` unless the server answers."""
        try:
            with self.use() as client:
                await client.ping()
        except RedisError as error:
            raise ServiceUnavailable(f"Redis does not answer as it should: {error}") from error
