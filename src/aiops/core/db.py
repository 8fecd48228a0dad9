"""PostgreSQL: one pool per process, transactions, and the one border where its failures become our errors.

It holds no query and no table: every module brings its own. A server that is away, restarting or out of connections
is `ServiceUnavailable`; everything else that SQLAlchemy raises (a violated constraint, a wrong statement) passes
through, because only the caller knows what it means.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from aiops.core.errors import ServiceUnavailable

T = TypeVar("T")

CONNECT_TIMEOUT_S: Final = 5
# Waiting longer for a free connection than this only makes a queue of callers that have given up.
POOL_TIMEOUT_S: Final = 10.0
# Connections are exchanged now and then, so that a moved primary or a grown server process is left behind.
POOL_RECYCLE_S: Final = 1800
_SCHEMES: Final = ("postgresql://", "postgres://", "postgresql+psycopg://")
# Connection exceptions, shutdown, cannot connect now, too many connections, read only (a demoted primary).
_AWAY_CLASSES: Final = ("08", "57P", "53", "25006")
_STATEMENT_TIMEOUT: Final = "57014"


def conninfo(url: str, *, application_name: str, statement_timeout_s: float | None = None) -> str:
    """What libpq needs to connect to `url`, with our session settings: UTC, timeouts, keepalives.

    Settings that the URL names itself win. Raises `ValueError` when it is no PostgreSQL URL.
    """
    scheme = next((scheme for scheme in _SCHEMES if url.startswith(scheme)), None)
    if scheme is None:
        raise ValueError("the database URL must begin with postgresql://; set DATABASE_URL accordingly")
    try:
        given = conninfo_to_dict("postgresql://" + url.removeprefix(scheme))
    except psycopg.ProgrammingError as error:
        raise ValueError(f"the database URL cannot be read: {error}") from None
    options = ["-c timezone=UTC"]
    if statement_timeout_s is not None:
        options.append(f"-c statement_timeout={int(statement_timeout_s * 1000)}")
    if stated := given.get("options"):
        options.append(str(stated))
    ours: dict[str, Any] = {
        "application_name": application_name,
        "connect_timeout": CONNECT_TIMEOUT_S,
        # A server that vanished without a word (a lost node) is noticed within about half a minute.
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }
    return make_conninfo("", **{**ours, **given, "options": " ".join(options)})


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn the failures that mean "PostgreSQL is away" into `ServiceUnavailable`; let all others pass."""
    try:
        yield
    except PoolTimeout as error:
        raise ServiceUnavailable(
            f"every database connection was in use for {POOL_TIMEOUT_S:.0f} s; try again, or raise the pool size"
        ) from error
    except DBAPIError as error:
        if error.connection_invalidated or (isinstance(error.orig, psycopg.Error) and _away(error.orig)):
            raise _unavailable(error.orig) from error
        raise
    except psycopg.Error as error:
        if _away(error):
            raise _unavailable(error) from error
        raise


def _away(error: psycopg.Error) -> bool:
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError)
    return state.startswith(_AWAY_CLASSES) or state == _STATEMENT_TIMEOUT


def _unavailable(error: BaseException | None) -> ServiceUnavailable:
    if isinstance(error, psycopg.Error) and error.sqlstate == _STATEMENT_TIMEOUT:
        return ServiceUnavailable("the database took too long for one statement; try again")
    reason = str(error).strip().splitlines()
    return ServiceUnavailable(f"the database is away: {reason[0] if reason else type(error).__name__}")


class Database:
    """The pool of one process, over a libpq URL (`postgresql://user:pass@host:port/db`, `?host=/dir` for a socket).

    `pool_size` connections are kept, `max_overflow` more are opened under load. A connection is tried before it is
    lent, so a restart of the server costs no caller an error.
    """

    def __init__(
        self,
        url: str,
        *,
        application_name: str,
        pool_size: int = 8,
        max_overflow: int = 4,
        statement_timeout_s: float = 30,
    ) -> None:
        self._name = application_name
        self._conninfo = conninfo(url, application_name=application_name, statement_timeout_s=statement_timeout_s)
        self._url = url
        self._engine: AsyncEngine = create_async_engine(
            "postgresql+psycopg://",
            async_creator=self._connect,
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_timeout=POOL_TIMEOUT_S,
            pool_recycle=POOL_RECYCLE_S,
            pool_pre_ping=True,
            pool_use_lifo=True,
        )
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    async def _connect(self) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(self._conninfo)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._engine.dispose()

    @property
    def engine(self) -> AsyncEngine:
        """The engine, for listeners and tests; callers use `begin` and `read`."""
        return self._engine

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed at the end of the block, rolled back when the block raises.

        Raises `ServiceUnavailable` when the server is away, also when it goes away in the middle; after that nobody
        knows whether the commit arrived.
        """
        with database_errors():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading, one round trip a statement. Each statement sees its own snapshot."""
        with database_errors():
            async with self._reading.connect() as connection:
                yield connection

    @asynccontextmanager
    async def dedicated(self, purpose: str) -> AsyncIterator[psycopg.AsyncConnection]:
        """A connection outside of the pool, in autocommit: for LISTEN and for locks that live as long as it does."""
        with database_errors():
            dsn = conninfo(self._url, application_name=f"{self._name} {purpose}", statement_timeout_s=30)
            async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
                yield connection

    async def check(self) -> None:
        """Raise `ServiceUnavailable` unless the server answers."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))


def as_struct(row: Row[Any], struct: type[T]) -> T:
    """A row whose columns are the struct's fields, checked; JSON columns become the structs inside."""
    # SQLAlchemy's keys are a subclass of str, which msgspec does not take for one.
    return msgspec.convert({str(key): value for key, value in row._mapping.items()}, struct)  # noqa: SLF001 - public
