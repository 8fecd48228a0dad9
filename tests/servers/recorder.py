"""An HTTP receiver on loopback that keeps every request, for whatever a server under test sends out."""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self

from tests.servers.loopback import HOST

POLL_S: Final = 0.02


@dataclass(frozen=True)
class Received:
    """One request as it arrived. Header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Recorder:
    """Answers every request with `status` and an empty body, and keeps it in `requests`."""

    def __init__(self, *, status: int = 200) -> None:
        self.status = status
        self.requests: list[Received] = []
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """`host:port`. Raises `RuntimeError` outside of the `with` block."""
        if self._server is None:
            raise RuntimeError("the recorder was not entered")
        return f"{HOST}:{self._server.server_port}"

    @property
    def url(self) -> str:
        """The receiver's address, without a slash at the end."""
        return f"http://{self.address}"

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        # A client that keeps its connection open does not hold up the end of the test.
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_S,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def record(self, received: Received) -> None:
        """Keep one request; a subclass reads it."""
        self.requests.append(received)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                recorder.record(Received(self.command, self.path, headers, body))
                self.send_response(recorder.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library names it so
                """Write nothing: what arrived is in the record."""

        return Handler
