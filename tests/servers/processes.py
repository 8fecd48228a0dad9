"""Real servers as children of the test run: found, started, watched and always ended.

A child dies with the test process, also when that one is killed, so that a broken run leaves nothing behind. It refuses
to replace a missing server by a pretended one: the test skips with the reason, or fails where real parts are required.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, NoReturn, Self

import psutil
import pytest

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aiops-nextgen" / "bin"
# Where a server may be when PATH does not name it: the system's packages, `go install`, our own cache.
FOLDERS: Final = (Path("/usr/bin"), Path("/usr/sbin"), Path.home() / "go" / "bin", CACHE)
# Debian renames what it packages.
OTHER_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "alertmanager": ("prometheus-alertmanager",),
    "node_exporter": ("prometheus-node-exporter",),
    "chromium": ("chromium-browser", "google-chrome"),
}
# Runs before the server in the child's place: asks the kernel to end it together with its parent (Linux only),
# and leaves at once when the parent has gone in between.
_LAUNCHER: Final = """
import os, sys
parent = int(sys.argv[1])
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None, use_errno=True).prctl(1, 9, 0, 0, 0)
if os.getppid() != parent:
    raise SystemExit("the test run has ended")
os.execv(sys.argv[2], sys.argv[2:])
"""


def find(name: str) -> Path | None:
    """The executable called `name`, or as a distribution calls it; None when this machine has none."""
    path = os.pathsep.join([str(CACHE), os.environ.get("PATH", ""), *map(str, FOLDERS)])
    for known in (name, *OTHER_NAMES.get(name, ())):
        if found := shutil.which(known, path=path):
            return Path(found)
    return None


def require(name: str) -> Path:
    """The executable called `name`. Without it the test is skipped; under `AIOPS_REQUIRE_REAL=1` it fails."""
    found = find(name)
    if found is None:
        missing(f"{name} is not installed: looked in PATH, {', '.join(map(str, FOLDERS))}")
    return found


def missing(reason: str) -> NoReturn:
    """Skip the test for want of a real part, or fail it where those are required."""
    if os.environ.get("AIOPS_REQUIRE_REAL") == "1":
        pytest.fail(reason + "; AIOPS_REQUIRE_REAL=1 asks for it")
    pytest.skip(reason)


class Process:
    """One child process with its output in a file; ended when the `with` block is left.

    Start it from a thread that lives as long as the child: on Linux the child dies with the thread that started it.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.argv = [str(part) for part in argv]
        self.log = log
        self._env = env
        self._cwd = cwd
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The id of the running child. Raises `RuntimeError` when none runs."""
        if self._child is None:
            raise RuntimeError(f"{self.argv[0]} was not started")
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the child lives."""
        return self._child is not None and self._child.poll() is None

    @property
    def returncode(self) -> int | None:
        """How the child ended: its exit status, or minus the signal; None while it lives."""
        return None if self._child is None else self._child.poll()

    def start(self) -> None:
        """Start the child; its output goes to the end of the log."""
        if self.running:
            raise RuntimeError(f"{self.argv[0]} is running already, as {self.pid}")
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=None if self._env is None else {**os.environ, **self._env},
                cwd=self._cwd,
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the living child."""
        if self._child is not None:
            self._child.send_signal(number)

    def stop(self, *, timeout_s: float = 10) -> None:
        """Ask the child to end, and end it by force when it has not after `timeout_s`. Harmless when none runs."""
        if self._child is None:
            return
        self._child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout_s)
        self.kill()

    def kill(self) -> None:
        """End the child at once, as a lost machine would (signal 9)."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def output(self, *, lines: int = 10) -> str:
        """The first and the last lines that the child wrote: a refused argument is told first, a crash last."""
        if not self.log.exists():
            return ""
        written = self.log.read_text(errors="replace").splitlines()
        if len(written) <= 2 * lines:
            return "\n".join(written)
        return "\n".join([*written[:lines], "...", *written[-lines:]])


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has taken so far, without its children."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
