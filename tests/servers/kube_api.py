"""The part of a Kubernetes API that the hub uses of its own cluster, over real HTTP, with refusals on demand.

It keeps Secrets and objects of the whole cluster in memory and knows merge patches. It is no Kubernetes: nothing is
validated, defaulted or watched.
"""

import base64
import json
import threading
from collections.abc import Callable
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
            if self._of_cluster:
                found = self.api.objects.get(name)
                self._answer(*((404, {}) if found is None else (200, found)))
                return
            self._answer(*((200, self.api.shown(name)) if name in self.api.secrets else (404, {})))

    def do_POST(self) -> None:
        body = self._body()
        if not self._may():
            return
        name = body["metadata"]["name"]
        if self._of_cluster:
            made = name not in self.api.objects
            self._answer(201 if made else 409, self.api.keep(body) if made else {})
            return
        if name in self.api.secrets:
            self._answer(409, {})
            return
        self.api.secrets[name] = dict(body["stringData"])
        self.api.labels[name] = body["metadata"].get("labels", {})
        self.api.annotations[name] = body["metadata"].get("annotations", {})
        self._answer(201, self.api.shown(name))

    def do_PATCH(self) -> None:
        body = self._body()
        if self._may():
            name = self.path.rsplit("/", 1)[-1]
            if self._of_cluster:
                found = self.api.objects[name]
                seen = body.get("metadata", {}).get("resourceVersion")
                current = seen in (None, found["metadata"]["resourceVersion"])
                self._answer(200 if current else 409, self.api.keep(merged(found, body)) if current else {})
                return
            self.api.secrets[name] |= body["stringData"]
            self._answer(200, self.api.shown(name))

    @property
    def _of_cluster(self) -> bool:
        return "/namespaces/" not in self.path

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _may(self) -> bool:
        self.api.requests.append((self.command, self.path))
        status = self.api.refuse.get(self.command)
        if self.api.meanwhile is not None:
            self.api.meanwhile(self.command, self.path)
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


def merged(whole: Any, patch: Any) -> Any:
    """What a merge patch makes of an object (RFC 7386)."""
    if not (isinstance(whole, dict) and isinstance(patch, dict)):
        return patch
    kept = {key: value for key, value in whole.items() if key not in patch}
    return kept | {key: merged(whole.get(key, {}), value) for key, value in patch.items() if value is not None}


class KubeApi:
    """A running API; `secrets` maps a name to its data in clear text, `refuse` a method to a status.

    `objects` are those of the whole cluster, by name. `meanwhile` is called with each request before it is answered.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.meanwhile: Callable[[str, str], None] | None = None
        self.secrets: dict[str, dict[str, str]] = {}
        self.labels: dict[str, dict[str, str]] = {}
        self.annotations: dict[str, dict[str, str]] = {}
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

    def keep(self, item: Any) -> Any:
        """Store an object as its next version."""
        name = item["metadata"]["name"]
        before = self.objects.get(name, {"metadata": {"resourceVersion": "0"}})
        version = str(int(before["metadata"]["resourceVersion"]) + 1)
        self.objects[name] = {**item, "metadata": {**item["metadata"], "resourceVersion": version}}
        return self.objects[name]

    def shown(self, name: str) -> dict[str, Any]:
        """The Secret as the API shows it."""
        data = {key: base64.b64encode(text.encode()).decode() for key, text in self.secrets[name].items()}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}
