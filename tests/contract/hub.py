"""A whole hub as a child process, and a client that sends what a well-behaved one would not."""

import http.client
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import msgspec

from tests.servers.processes import Process
from tests.servers.waiting import until

ADMIN: Final = "a-preset-administrators-token"
ENVELOPE: Final = {"code", "message", "details", "service", "trace_id", "timestamp"}


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> str:
        """The error's code. The body must be the contract's envelope and nothing else."""
        document = self.json()
        assert set(document) == {"error"}, document
        assert set(document["error"]) == ENVELOPE, document
        assert isinstance(document["error"]["details"], dict)
        assert document["error"]["message"]
        assert document["error"]["timestamp"].endswith(("Z", "+00:00"))
        assert b"Traceback" not in self.body
        code: str = document["error"]["code"]
        return code


@dataclass(frozen=True)
class Hub:
    """A running hub; `token` is sent unless a request names another."""

    url: str
    process: Process = field(repr=False)
    token: str = ADMIN

    def signed_in(self, token: str) -> Self:
        """The same hub, asked by somebody else."""
        return type(self)(self.url, self.process, token)

    def send(
        self, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send exactly this target and body; `headers` replace ours, an empty value leaves one out."""
        given = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            given["Content-Type"] = "application/json"
        given |= headers or {}
        parts = urlsplit(self.url)
        with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)) as connection:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in given.items():
                if value:
                    connection.putheader(name, value)
            if body is not None and "Content-Length" not in given:
                connection.putheader("Content-Length", str(len(body)))
            try:
                connection.endheaders()
                if body is not None:
                    connection.send(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it answered before it had everything
            with closing(connection.getresponse()) as response:
                return Answer(response.status, dict(response.getheaders()), response.read())

    def ask(self, method: str, target: str, document: Any = None) -> Answer:
        """Send a document as JSON."""
        return self.send(method, target, None if document is None else msgspec.json.encode(document))

    def register(self, name: str, **fields: Any) -> dict[str, Any]:
        """Register a cluster; the answer."""
        answer = self.ask("POST", "/api/v1/clusters", {"name": name, **fields})
        assert answer.status == 201, answer.body
        made: dict[str, Any] = answer.json()
        return made

    def token_for(self, role: str, clusters: dict[str, Any]) -> str:
        """A new token's secret."""
        answer = self.ask("POST", "/api/v1/tokens", {"name": f"{role} of a few", "role": role, "clusters": clusters})
        assert answer.status == 201, answer.body
        secret: str = answer.json()["token"]
        return secret

    def names(self) -> set[str]:
        """The names of all clusters."""
        return {cluster["name"] for cluster in self.ask("GET", "/api/v1/clusters?page_size=100").json()["items"]}


@contextmanager
def running() -> Iterator[Hub]:
    """`aiops up` with a data folder of its own, checks at a tenth of their intervals."""
    # Outside of pytest's own folder, which nobody but its user may enter: as root, PostgreSQL is another user.
    folder = Path(tempfile.mkdtemp(prefix="aiops-contract-"))
    folder.chmod(0o711)
    log = folder / "hub.log"
    program = Path(sys.executable).with_name("aiops")
    environment = {
        **os.environ,
        "AIOPS_ADMIN_TOKEN": ADMIN,
        "AIOPS_REGISTRY_INTERVAL_SCALE": "0.05",
        "DATABASE_URL": "",
        "REDIS_URL": "",
    }
    argv: list[str | Path] = [program, "up", "--json", "--port", "0", "--data-dir", folder / "data"]
    process = Process(argv, log=log, env=environment)
    try:
        with process:

            def url() -> str | None:
                assert process.running, process.output()
                ready = [line for line in log.read_text().splitlines() if line.startswith('{"url"')]
                return msgspec.json.decode(ready[0])["url"] if ready else None

            yield Hub(until(url, what="the hub says that it is ready", timeout_s=90), process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
