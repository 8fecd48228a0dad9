"""A real HTTP server as a child on a loopback port: ready before it is handed out, restarted where it was.

Two runs can choose the same free port at the same time; who loses it tries another. It binds nothing but 127.0.0.1.
"""

import http.client
import json
import os
import random
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Self

import psutil

from tests.servers.processes import Process, require
from tests.servers.waiting import until

HOST: Final = "127.0.0.1"
# Below the range that systems take for outgoing connections, so that a restarted server finds its port again.
PORTS: Final = range(15_000, 32_000)
ATTEMPTS: Final = 5
ADDRESS_IN_USE: Final = "address already in use"
READY_TIMEOUT_S: Final = 30
_OK: Final = range(200, 300)


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens at this moment."""
    chance = random.Random(os.urandom(8))  # noqa: S311 - a port is no secret; tests may have seeded the common generator
    while True:
        port = chance.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port


def request(
    port: int,
    path: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 10,
) -> tuple[int, bytes]:
    """One HTTP request to a loopback port: status and body. Raises `OSError` when nobody answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout_s)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise ConnectionError(f"{HOST}:{port}{path} broke off: {error!r}") from error
    finally:
        connection.close()


class LoopbackServer(ABC):
    """One server with its files in `folder`. A subclass says how to start it and where it tells that it is ready."""

    binary: ClassVar[str]
    ready_path: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self._process: Process | None = None

    @abstractmethod
    def argv(self) -> Sequence[str]:
        """The arguments for a start on `self.port`; writes the files that they name."""

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    @property
    def process(self) -> Process:
        """The child. Raises `RuntimeError` before the first start."""
        if self._process is None:
            raise RuntimeError(f"{self.binary} was not started")
        return self._process

    def start(self) -> None:
        """Start on the port that it had before, else on a free one; returns when it is ready."""
        executable = require(self.binary)
        known = self.port
        for _ in range(ATTEMPTS):
            self.port = known or free_port()
            self._process = Process([executable, *self.argv()], log=self.folder / "output.log")
            self._process.start()
            if self._became_ready(self._process):
                return
            self._process.stop()
            if ADDRESS_IN_USE not in self._process.output():
                break
        raise RuntimeError(f"{self.binary} did not start on port {self.port}; it wrote:\n{self.process.output()}")

    def stop(self) -> None:
        """End it in an orderly way; its data and port are kept for `start`."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End it as a power cut would; its data and port are kept for `start`."""
        self.process.kill()

    def restart(self) -> None:
        """Stop and start on the same port and data."""
        self.stop()
        self.start()

    def get(self, path: str) -> Any:
        """The JSON answer to a GET. Raises `RuntimeError` on any status but 2xx."""
        return self.send("GET", path)

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer to a request with a JSON body; None for an empty one. Raises `RuntimeError` as `get` does."""
        data = None if body is None else json.dumps(body).encode()
        status, answer = request(
            self.port, path, method=method, body=data, headers={"Content-Type": "application/json"}
        )
        if status not in _OK:
            raise RuntimeError(f"{self.binary} answered {status} to {method} {path}: {answer[:500]!r}")
        return json.loads(answer) if answer else None

    def _became_ready(self, process: Process) -> bool:
        """Wait until the ready path answers; False when the child has ended instead."""

        def settled() -> bool:
            return not process.running or (self._listens(process) and self._answers())

        until(settled, what=f"{self.binary} gets ready on port {self.port}", timeout_s=READY_TIMEOUT_S)
        return process.running

    def _listens(self, process: Process) -> bool:
        """Whether the port is this child's; another run's server on it would answer as well."""
        try:
            sockets = psutil.Process(process.pid).net_connections(kind="tcp")
        except psutil.NoSuchProcess:
            return False
        return any(one.status == psutil.CONN_LISTEN and one.laddr.port == self.port for one in sockets)

    def _answers(self) -> bool:
        try:
            return request(self.port, self.ready_path, timeout_s=2)[0] in _OK
        except OSError:
            return False
