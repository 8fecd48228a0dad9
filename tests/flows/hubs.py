"""A hub under test, in its two shapes: everything in one process, and five roles over one PostgreSQL and Valkey.

Both are the product's own commands, as a user runs them. `crash` ends every process and both stores at once.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psutil

from tests.servers.loopback import HOST, free_port, request
from tests.servers.processes import Process
from tests.servers.waiting import until

TOKEN: Final = "flow-suite-administrator-token"
ROLES: Final = ("registry", "collector", "intelligence", "streaming", "gateway")
NAMES: Final = {
    "registry": "CLUSTER_REGISTRY_URL",
    "collector": "OBSERVABILITY_COLLECTOR_URL",
    "intelligence": "INTELLIGENCE_ENGINE_URL",
    "streaming": "REALTIME_STREAMING_URL",
}


class HubUnderTest(ABC):
    """A running hub that is asked over HTTP with the administrator's token."""

    def __init__(self, traces_to: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="aiops-flow-"))
        self.folder.chmod(0o711)
        self.port = free_port()
        self.traces_to = traces_to

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    def environment(self) -> dict[str, str]:
        """What every process of the hub is given."""
        return {
            "AIOPS_ADMIN_TOKEN": TOKEN,
            "AIOPS_REGISTRY_INTERVAL_SCALE": "0.03",
            "AIOPS_REGISTRY_ALLOW_LOOPBACK_TARGETS": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{self.traces_to}" if self.traces_to else "",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "LOG_FORMAT": "json",
        }

    def ask(
        self, method: str, path: str, body: Any = None, *, expect: int = 200, headers: dict[str, str] | None = None
    ) -> Any:
        """One request; fails the test unless it answers with the expected status."""
        status, answer = request(
            self.port,
            path,
            method=method,
            body=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {TOKEN}",
                **({} if body is None else {"Content-Type": "application/json"}),
                **(headers or {}),
            },
            timeout_s=30,
        )
        assert status == expect, f"{method} {path}: {status} {answer[:1000]!r}\n{self.log_end()}"
        return json.loads(answer) if answer else None

    def ready(self) -> bool:
        """Whether the hub says that it serves, whole."""
        try:
            status, answer = request(
                self.port, "/health/detailed", headers={"Authorization": f"Bearer {TOKEN}"}, timeout_s=5
            )
        except OSError:
            return False
        return status == 200 and json.loads(answer)["status"] == "healthy"

    def wait_until_ready(self) -> None:
        """Wait until it serves."""
        until(lambda: self.ready() or None, what="the hub to be healthy", timeout_s=90)

    @abstractmethod
    def start(self) -> None:
        """Start everything and wait until it serves."""

    @abstractmethod
    def stop(self) -> None:
        """End everything in order."""

    @abstractmethod
    def crash(self) -> None:
        """Kill every process and both stores with signal 9, and start again what a site's supervisor would."""

    @abstractmethod
    def pids(self) -> dict[str, int]:
        """The hub's own processes: role -> process id."""

    @abstractmethod
    def log_end(self) -> str:
        """The last lines of the logs, for a failed test."""


class OneProcess(HubUnderTest):
    """`aiops up`."""

    def __init__(self, traces_to: str = "") -> None:
        super().__init__(traces_to)
        command = [sys.executable, "-m", "aiops", "up", "--port", str(self.port), "--data-dir", self.folder / "data"]
        self._process = Process([*map(str, command), "--json"], log=self.folder / "log", env=self.environment())

    def start(self) -> None:
        """Start it."""
        self._process.start()
        self.wait_until_ready()

    def stop(self) -> None:
        """Stop it."""
        self._process.stop()

    def crash(self) -> None:
        """Kill the hub and its stores."""
        kill_tree(self._process.pid)
        self._process.kill()
        self.start()

    def pids(self) -> dict[str, int]:
        """The one process."""
        return {"all": self._process.pid}

    def log_end(self) -> str:
        """The end of its log."""
        return self._process.output(lines=30)


class FiveRoles(HubUnderTest):
    """`aiops serve --role ...` five times, over stores that somebody else runs."""

    def __init__(self, traces_to: str = "") -> None:
        super().__init__(traces_to)
        script = Path(__file__).parent / "running_stores.py"
        self._stores = Process([sys.executable, script, self.folder / "stores"], log=self.folder / "stores.log")
        self._ports = {role: free_port() for role in ROLES}
        self._ports["gateway"] = self.port
        self._roles: dict[str, Process] = {}

    def start(self) -> None:
        """Start stores, then roles."""
        self._start_stores()
        environment = self.role_environment()
        for role in ROLES:
            command = [sys.executable, "-m", "aiops", "serve", "--role", role, "--port", str(self._ports[role])]
            self._roles[role] = Process(command, log=self.folder / f"{role}.log", env=environment)
            self._roles[role].start()
        self.wait_until_ready()

    def role_environment(self) -> dict[str, str]:
        """What each of the five processes is given, once the stores run."""
        urls = json.loads(until(self._urls, what="the stores to answer", timeout_s=60))
        return {
            **self.environment(),
            "DATABASE_URL": urls["database"],
            "REDIS_URL": urls["redis"],
            "AIOPS_INTERNAL_SECRET": "flow-suite-internal-secret-of-some-length",
            "AIOPS_SECRET_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            **{name: f"http://{HOST}:{self._ports[role]}" for role, name in NAMES.items()},
        }

    def stop(self) -> None:
        """Stop roles, then stores."""
        for process in reversed(self._roles.values()):
            process.stop()
        self._stores.stop()

    def crash(self) -> None:
        """Kill all of it; whatever supervises a site starts it again, in no particular order."""
        kill_tree(self._stores.pid)
        self._stores.kill()
        for process in self._roles.values():
            process.kill()
        self.start()

    def pids(self) -> dict[str, int]:
        """The five processes."""
        return {role: process.pid for role, process in self._roles.items()}

    def log_end(self) -> str:
        """The ends of all logs."""
        return "\n".join(f"--- {role}\n{process.output(lines=12)}" for role, process in self._roles.items())

    def _start_stores(self) -> None:
        (self.folder / "stores.log").write_bytes(b"")
        self._stores.start()

    def _urls(self) -> str | None:
        lines = (self.folder / "stores.log").read_text().splitlines()
        return next((line for line in lines if line.startswith('{"database"')), None)


def kill_tree(pid: int) -> None:
    """Signal 9 for a process and everything that it started, children first, as a lost machine would."""
    for child in psutil.Process(pid).children(recursive=True):
        try:
            os.kill(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
