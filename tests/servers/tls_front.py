"""A TLS end in front of a wheel's server, as none of them was built with TLS. It passes bytes on.

Redis speaks TLS from the first byte; a PostgreSQL client first asks for it with eight bytes (its protocol, SSLRequest).
"""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

SSL_REQUEST: Final = struct.pack("!II", 8, 80877103)


@asynccontextmanager
async def fronting(port: int, tls: ssl.SSLContext, *, postgres: bool = False) -> AsyncIterator[int]:
    """The port at which TLS is spoken for the server of loopback that listens on `port`."""
    running: set[asyncio.Task[None] | None] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.current_task())
        with suppress(OSError, asyncio.IncompleteReadError):
            if postgres:
                assert await reader.readexactly(8) == SSL_REQUEST
                writer.write(b"S")
                await writer.start_tls(tls)
            behind, ahead = await asyncio.open_connection("127.0.0.1", port)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass(reader, ahead))
                both.create_task(_pass(behind, writer))
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=None if postgres else tls)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for task in running - {None}:
            assert task is not None
            task.cancel()
        await asyncio.gather(*(task for task in running if task), return_exceptions=True)


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()
