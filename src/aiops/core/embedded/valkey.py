"""An embedded Valkey: the wheel's server as our child, on one Unix socket, with a password.

Persistence is an append-only file that is synced every second: a crash of the machine may lose that second of
the stream, a crash of the process loses nothing. It evicts nothing: when memory is full, writers get an
error.
"""

import signal
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from aiops.core.embedded.account import EmbeddedServerError, reachable
from aiops.core.embedded.children import Child, Command, Escalation, evict, spawn
from aiops.core.embedded.data_dir import DataDir
from aiops.core.embedded.keeper import Keeper
from aiops.core.embedded.programs import usable_valkey, valkey_server

SOCKET: Final = "valkey.sock"
STOP_WITH: Final[Escalation] = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))


class EmbeddedValkey:
    """Valkey under the data dir. `url` is a redis-py URL, valid while entered."""

    def __init__(self, data_dir: DataDir, *, max_memory_mb: int = 128) -> None:
        self.url = ""
        self._data_dir = data_dir
        self._max_memory_mb = max_memory_mb
        self._keeper: Keeper | None = None

    async def __aenter__(self) -> Self:
        self._folder = self._data_dir.server_folder("valkey")
        self._sockets = self._data_dir.socket_folder("valkey")
        self._log = self._data_dir.log("valkey")
        self._program = usable_valkey(valkey_server(), self._data_dir)
        self._password = self._data_dir.secret("valkey").hex()
        self.url = f"unix://:{self._password}@{quote(str(self._sockets / SOCKET), safe='/')}"
        keeper = Keeper("valkey", self._log, launch=self._launch, answers=self._answers, stop_with=STOP_WITH)
        await keeper.start()
        self._keeper = keeper
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            await self._keeper.stop()

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it is down."""
        return self._keeper.pid if self._keeper is not None else None

    async def watch(self) -> None:
        """Start the server again whenever it dies, on the same socket, with the same password."""
        if self._keeper is None:
            raise EmbeddedServerError("the embedded Valkey is watched before it was entered")
        await self._keeper.watch()

    async def _launch(self) -> Child:
        await evict(self._folder, "valkey-server", lambda _: STOP_WITH)
        account = self._data_dir.account()
        with reachable(account, self._sockets) as reach:
            config = self._config(Path(reach.paths[0]) / SOCKET).encode()
            command = Command(self._program, ("-",), self._folder, account, signal.SIGTERM, reach.descriptors, config)
            return await spawn(command, self._log)

    def _config(self, socket: Path) -> str:
        """Fed through standard input: the password is in no argument list and in no second file."""
        return "\n".join(
            (
                "port 0",
                f'unixsocket "{socket}"',
                "unixsocketperm 700",
                f"requirepass {self._password}",
                "daemonize no",
                'logfile ""',
                "loglevel notice",
                "appendonly yes",
                "appendfsync everysec",
                "auto-aof-rewrite-min-size 16mb",
                'save ""',
                f"maxmemory {self._max_memory_mb}mb",
                "maxmemory-policy noeviction",
                "",
            )
        )

    async def _answers(self) -> bool:
        client = Redis.from_url(self.url, retry=Retry(NoBackoff(), 0), socket_timeout=2)
        try:
            await client.ping()
        except exceptions.AuthenticationError as error:
            raise EmbeddedServerError(f"the embedded Valkey refuses its own password: {error}") from error
        except (exceptions.ConnectionError, exceptions.TimeoutError):
            return False
        finally:
            await client.aclose()
        return True
