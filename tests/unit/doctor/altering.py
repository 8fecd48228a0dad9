"""Servers that no package brings any more, or that cannot write: real ones, with one thing about them altered."""

import asyncio
import resource
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from redis import Redis, ResponseError

from tests.servers.loopback import free_port
from tests.servers.waiting import until
from tests.unit.core.killable import Valkey


def shadow(database: str, name: str, arguments: str, returns: str, body: str) -> None:
    """Let a function of PostgreSQL's own answer otherwise in this database: ours is found before it."""
    called = sql.Identifier(name)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE FUNCTION public.{}({}) RETURNS {} LANGUAGE sql AS {}").format(
                called,
                sql.SQL(arguments),
                sql.SQL(returns),
                sql.Literal(body),
            )
        )
        own = connection.info.dbname
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET search_path = public, pg_catalog").format(sql.Identifier(own))
        )


@asynccontextmanager
async def rewording(port: int, words: dict[bytes, bytes]) -> AsyncIterator[int]:
    """A way to a server on which its answers are altered, by words of the same length; gives the way's port."""
    assert all(len(said) == len(heard) for said, heard in words.items())

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, told: dict[bytes, bytes]) -> None:
        while data := await reader.read(2**20):
            for said, heard in told.items():
                data = data.replace(said, heard)
            writer.write(data)
            await writer.drain()
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with AsyncExitStack() as stack:
            there, back = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(back.close)
            await asyncio.gather(carry(reader, back, {}), carry(there, writer, words))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


class CrampedValkey(Valkey):
    """One with an append-only file, which may be limited, and then goes on without, as on a full disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, port=free_port())
        # What is ignored stays so for the server: a write beyond the limit fails instead of ending it.
        words = [*self._command, "--appendonly", "yes"]
        self._command = ["sh", "-c", 'trap "" XFSZ; exec "$@"', "sh", *words]

    def leave_room_for(self, size: int) -> None:
        """No file of the server's may grow beyond that."""
        assert self._process is not None
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, size))


@contextmanager
def cramped_valkey(folder: Path) -> Iterator[CrampedValkey]:
    """A running one, ended with the block."""
    server = CrampedValkey(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def on_a_small_disk(size: str, script: str) -> subprocess.CompletedProcess[str] | None:
    """Run a shell script whose folder `/mnt` is a disk of that size; None where the system lets nobody have one."""
    mounting = f"mount -t tmpfs -o size={size},mode=0700 tmpfs /mnt"
    alone = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]
    if subprocess.run([*alone, mounting], capture_output=True, check=False).returncode != 0:
        return None
    return subprocess.run([*alone, f"{mounting}; {script}"], capture_output=True, text=True, timeout=120, check=False)


def failed_writes(server: Valkey) -> None:
    """Write until the server says that it cannot keep it."""
    with Redis(port=server.port) as client:

        def refused() -> bool:
            try:
                client.set("x", "y" * 4096)
            except ResponseError:
                return True
            return bool(client.info("persistence")["aof_last_write_status"] == "err")

        until(refused, what="a write to fail")
