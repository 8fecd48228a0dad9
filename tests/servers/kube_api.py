"""The part of a Kubernetes API that the hub uses of its own cluster, over real HTTP: Secrets, with refusals on demand.

It keeps objects in memory and knows merge patches. It is no Kubernetes: nothing is validated, defaulted or watched.
"""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Self

import yaml

HOST: Final = "127.0.0.1"


class _Handler(BaseHTTPRequestHandler):
    api: ClassVar["KubeApi"]

    def do_GET(self) -> None:
        if self._may():
            name = self.path.rsplit("/", 1)[-1]
            self._answer(*((200, self.api.shown(name)) if name in self.api.secrets else (404, {})))

    def do_POST(self) -> None:
        body = self._body()
        if not self._may():
            return
        name = body["metadata"]["name"]
        if name in self.api.secrets:
            self._answer(409, {})
            return
        self.api.secrets[name] = dict(body["stringData"])
        self.api.labels[name] = body["metadata"].get("labels", {})
        self._answer(201, self.api.shown(name))

    def do_PATCH(self) -> None:
        body = self._body()
        if self._may():
            name = self.path.rsplit("/", 1)[-1]
            self.api.secrets[name] |= body["stringData"]
            self._answer(200, self.api.shown(name))

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _may(self) -> bool:
        self.api.requests.append((self.command, self.path))
        status = self.api.refuse.get(self.command)
        if status is not None:
            self._answer(status, {})
        return status is None

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        return


class KubeApi:
    """A running API; `secrets` maps a name to its data in clear text, `refuse` a method to a status."""

    def __init__(self) -> None:
        self.secrets: dict[str, dict[str, str]] = {}
        self.labels: dict[str, dict[str, str]] = {}
        self.refuse: dict[str, int] = {}
        self.requests: list[tuple[str, str]] = []
        self._server = ThreadingHTTPServer((HOST, 0), type("Handler", (_Handler,), {"api": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def kubeconfig(self, file: Path) -> Path:
        """Write a kubeconfig that leads here."""
        named = {"name": "test"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{**named, "cluster": {"server": self.url}}],
            "users": [{**named, "user": {"token": "of-the-test"}}],
            "contexts": [{**named, "context": {"cluster": "test", "user": "test"}}],
        }
        file.write_text(yaml.safe_dump(config))
        return file

    def shown(self, name: str) -> dict[str, Any]:
        """The Secret as the API shows it."""
        data = {key: base64.b64encode(text.encode()).decode() for key, text in self.secrets[name].items()}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}
