"""One process that serves: uvicorn in our own loop, with our own order of leaving.

uvicorn alone cuts sockets before the lifespan ends. Here SIGTERM and SIGINT mean: unready first, tell every socket
when to come back, let requests finish, then leave. A task that cannot be kept running ends the process with status 1.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

import structlog
import uvicorn
from litestar.types import ASGIApp

from aiops.app import Lifecycle
from aiops.core.garbage import settle
from aiops.core.tasks import Supervisor

BACKLOG = 1024
GRACE_S = 10
_log = structlog.get_logger(__name__)


class PortTaken(Exception):
    """The address cannot be listened on."""


@dataclass(frozen=True)
class Serving:
    """What the server needs to know of the application."""

    app: ASGIApp
    lifecycle: Lifecycle
    supervisor: Supervisor
    drain: Sequence[Callable[[], Awaitable[None]]]
    ping_interval_s: float
    ping_timeout_s: float
    max_message_bytes: int = 64 * 1024


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 lets the system choose.

    Raises:
        PortTaken: with the address and what to do.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"cannot listen on {host}:{port}: {error.strerror or error}; choose another with --port (0 picks one)"
        ) from error
    listener.setblocking(False)
    return listener


class _Server(uvicorn.Server):
    """uvicorn without its signal handling: ours decides when it leaves."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


async def serve(serving: Serving, listener: socket.socket, on_ready: Callable[[], None]) -> int:
    """Serve until told to stop; the exit status.

    `on_ready` runs once, when requests are answered.
    """
    server = _Server(
        uvicorn.Config(
            serving.app,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            ws_max_size=serving.max_message_bytes,
            ws_ping_interval=serving.ping_interval_s,
            ws_ping_timeout=serving.ping_timeout_s,
            timeout_graceful_shutdown=GRACE_S,
            lifespan="on",
            proxy_headers=False,
        )
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    serving_task = asyncio.create_task(server.serve(sockets=[listener]), name="server")
    watchers = [
        asyncio.create_task(stop.wait(), name="signals"),
        asyncio.create_task(serving.supervisor.failed.wait(), name="unfit"),
    ]
    try:
        while not server.started and not serving_task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        if server.started:
            settle()
            on_ready()
            await asyncio.wait([serving_task, *watchers], return_when=asyncio.FIRST_COMPLETED)
            await _leave(serving, server)
        await serving_task
    finally:
        for watcher in watchers:
            watcher.cancel()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    return 1 if serving.supervisor.failed.is_set() or not server.started else 0


async def _leave(serving: Serving, server: uvicorn.Server) -> None:
    serving.lifecycle.draining = True
    for drain in serving.drain:
        try:
            async with asyncio.timeout(GRACE_S / 2):
                await drain()
        except TimeoutError:
            _log.warning("sockets did not drain in time")
    server.should_exit = True
