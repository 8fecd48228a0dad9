"""A forward proxy on loopback: absolute-form requests and CONNECT tunnels, with a password if it is given one."""

import asyncio
import base64
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.servers.loopback import HOST


class ForwardProxy:
    """Sends every name to loopback, as a site's resolver would to where the name is. Keeps first lines and heads."""

    def __init__(self, *, account: str = "", refuse: int = 0) -> None:
        self.asked: list[str] = []
        self.heads: list[str] = []
        self.port = 0
        self._account = account
        self._refuse = refuse
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._begin, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://{f'{self._account}@' if self._account else ''}{HOST}:{self.port}"

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, _, rest = head.partition("\r\n")
            self.asked.append(line)
            self.heads.append(rest)
            method, place, version = line.split(" ")
            if self._account and base64.b64encode(self._account.encode()).decode() not in rest:
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            if self._refuse:
                writer.write(f"HTTP/1.1 {self._refuse} No\r\nContent-Length: 0\r\n\r\n".encode())
                return
            if method == "CONNECT":
                there = await asyncio.open_connection(HOST, int(place.rpartition(":")[2]))
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                url = urlsplit(place)
                there = await asyncio.open_connection(HOST, url.port or 80)
                there[1].write(f"{method} {url.path} {version}\r\n{rest}".encode("latin-1"))
            await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # who asked has left
        finally:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
