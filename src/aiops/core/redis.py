"""Redis or Valkey: one client per process, with timeouts, and the one border where its failures become our errors.

A command whose answer was lost is sent again, so a write may happen twice; every use of ours bears that. It gives no
meaning to any key: that is the business of who writes it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from aiops.core.errors import ServiceUnavailable
from aiops.core.redis_pool import pool_of

# A full server refuses writes, a replica without its primary refuses everything, one that was demoted lets its waiting
# callers go. All pass.
_PASSING: Final = ("OOM", "MASTERDOWN", "NOREPLICAS", "MISCONF", "LOADING", "UNBLOCKED")


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turn the failures that mean "Redis is away" into `ServiceUnavailable`; let all others pass."""
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError, ReadOnlyError, OSError) as error:
        raise ServiceUnavailable(f"Redis is away: {str(error) or type(error).__name__}") from error
    except ResponseError as error:
        if str(error).startswith(_PASSING):
            raise ServiceUnavailable(f"Redis refuses commands: {error}") from error
        raise


class RedisConnection:
    """The client of one process. Use it as `with redis.use() as client: await client.get(...)`.

    `url` is `redis://`, `rediss://` (TLS), `unix:///path`, or `redis+sentinel://` (`sentinel_url.py`): then it finds
    the primary and follows a fail-over by itself. Answers are bytes.
    """

    def __init__(self, url: str, *, client_name: str, max_connections: int = 64, ca_file: str = "") -> None:
        self._pool = pool_of(url, client_name=client_name, max_connections=max_connections, ca_file=ca_file)
        self._client: Redis = Redis(connection_pool=self._pool)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()
        await self._pool.aclose()

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

    async def info(self) -> dict[str, Any]:
        """What the server tells about itself (INFO, all its default sections). Raises `ServiceUnavailable`."""
        try:
            with self.use() as client:
                return dict(await client.info())
        except RedisError as error:
            raise ServiceUnavailable(f"Redis does not tell about itself: {error}") from error
