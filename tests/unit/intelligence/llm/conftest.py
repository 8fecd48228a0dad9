"""A model of a few megabytes, and `aiops llm serve` over it."""

import http.client
import json
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.servers.loopback import HOST, free_port, request
from tests.servers.processes import Process, missing
from tests.servers.waiting import until
from tests.unit.intelligence.llm.tiny_model import write

ALIAS = "tiny-words"


class ModelServer(Process):
    """`aiops llm serve` with a small context."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "aiops", "llm", "serve", "--model", model, "--alias", ALIAS]
        super().__init__([*map(str, command), "--port", str(self.port), "--context", "256"], log=folder / "llm.log")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        super().start()
        until(lambda: self._answers() or not self.running, what="the model to be served", timeout_s=60)
        assert self.running, self.output()

    def _answers(self) -> bool:
        try:
            return request(self.port, "/ready")[0] == 200
        except OSError:
            return False

    def chat(self, content: str = "how is the fleet", *, expect: int = 200, **more: Any) -> Any:
        """Ask one question."""
        body = {"messages": [{"role": "user", "content": content}], "temperature": 0, **more}
        status, answer = request(
            self.port,
            "/v1/chat/completions",
            method="POST",
            body=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            timeout_s=60,
        )
        assert status == expect, answer
        return json.loads(answer)

    def ask_and_leave(self, content: str) -> None:
        """Ask for a whole answer and hang up without it."""
        body = json.dumps({"messages": [{"role": "user", "content": content}], "temperature": 0})
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        connection.close()

    def stream(self, content: str = "how is the fleet", **more: Any) -> http.client.HTTPResponse:
        """Ask for the answer piece by piece; closing the response hangs up."""
        body = {"messages": [{"role": "user", "content": content}], "temperature": 0, "stream": True, **more}
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        connection.request(
            "POST",
            "/v1/chat/completions",
            json.dumps(body),
            {"Content-Type": "application/json", "Connection": "close"},
        )
        return connection.getresponse()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's file. Needs the extra that reads it."""
    if find_spec("llama_cpp") is None:
        missing("llama-cpp-python, the extra 'llm', is not installed")
    return write(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture(scope="session")
def model_server(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[ModelServer]:
    """A running one, which tests only ask."""
    with ModelServer(tmp_path_factory.mktemp("llm"), tiny_model) as server:
        yield server


@pytest.fixture
def own_model_server(tmp_path: Path, tiny_model: Path) -> Iterator[ModelServer]:
    """A running one that the test may end."""
    with ModelServer(tmp_path, tiny_model) as server:
        yield server
