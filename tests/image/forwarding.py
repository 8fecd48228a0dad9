"""The stores' Unix sockets on loopback ports: a container has no way to a socket of another user's folder."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from urllib.parse import parse_qs, unquote, urlsplit

import anyio.from_thread

from tests.servers import stores
from tests.servers.loopback import HOST


@contextmanager
def forwarded() -> Iterator[dict[str, str]]:
    """PostgreSQL, empty, and Valkey, as the settings that a role is given."""
    with (
        stores.postgres() as postgres,
        stores.valkey() as valkey,
        anyio.from_thread.start_blocking_portal() as portal,
    ):
        database, redis = urlsplit(postgres), urlsplit(valkey)
        folder = parse_qs(database.query)["host"][0]
        with (
            portal.wrap_async_context_manager(_port(f"{folder}/.s.PGSQL.5432")) as postgres_port,
            portal.wrap_async_context_manager(_port(unquote(redis.path))) as redis_port,
        ):
            who, _, _ = database.netloc.rpartition("@")
            secret, _, _ = redis.netloc.rpartition("@")
            yield {
                "DATABASE_URL": f"postgresql://{who}@{HOST}:{postgres_port}{database.path}",
                "REDIS_URL": f"redis://{secret}@{HOST}:{redis_port}/0",
            }


@asynccontextmanager
async def _port(path: str) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(path)
        async with asyncio.TaskGroup() as both:
            both.create_task(_copy(reader, far_writer))
            both.create_task(_copy(far_reader, writer))

    server = await asyncio.start_server(serve, HOST, 0)
    async with server:
        port: int = server.sockets[0].getsockname()[1]
        yield port


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
