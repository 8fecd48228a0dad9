"""One server process of ours: started, watched, restarted, stopped, and never left behind.

The child asks the kernel for a signal when its parent dies (prctl(2), PR_SET_PDEATHSIG), so that even a kill -9 of
the hub leaves nothing running. The kernel clears that request when user ids change, so it is made after that.
"""

import asyncio
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from aiops.core.embedded.data_dir import EmbeddedServerError

START_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 10.0
MAX_LOG_BYTES: Final = 8 * 1024 * 1024
_PR_SET_PDEATHSIG: Final = 1
_log = structlog.get_logger("aiops.embedded")


class Child:
    """A server process that is kept running between `start` and `stop`.

    `ready` raises OSError, or anything of `EmbeddedServerError`, while the server does not answer yet.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log_file: Path,
        ready: Callable[[], Awaitable[bool]],
        stop_signal: signal.Signals,
        user: pwd.struct_passwd | None = None,
    ) -> None:
        self._name = name
        self._command = list(command)
        self._log_file = log_file
        self._ready = ready
        self._stop_signal = stop_signal
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            EmbeddedServerError: it ended or did not answer in time; the end of its log is in the message.

        """
        deadline = time.monotonic() + START_TIMEOUT_S
        self._spawn()
        while not await self._ready():
            if self._process is None or self._process.poll() is not None:
                # What an earlier run left behind (its own children, shared memory) may still be going away.
                if time.monotonic() > deadline - START_TIMEOUT_S / 2:
                    raise EmbeddedServerError(f"{self._name} ended while starting; {self._log_tail()}")
                await asyncio.sleep(0.3)
                self._spawn()
            if time.monotonic() > deadline:
                await self.stop()
                raise EmbeddedServerError(
                    f"{self._name} did not answer within {START_TIMEOUT_S:g} s; {self._log_tail()}"
                )
            await asyncio.sleep(0.01)

    async def watch(self) -> None:
        """Restart it whenever it ends; runs until cancelled."""
        while True:
            if self._process is not None and self._process.poll() is not None and not self._stopping:
                _log.error("an embedded server ended, starting it again", server=self._name)
                await self.start()
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Stop it, by force if it takes too long."""
        self._stopping = True
        process = self._process
        if process is None:
            return
        for number in (self._stop_signal, signal.SIGKILL):
            if process.poll() is not None:
                break
            process.send_signal(number)
            deadline = time.monotonic() + STOP_TIMEOUT_S
            while process.poll() is None and time.monotonic() < deadline:
                await asyncio.sleep(0.01)
        self._process = None

    def _spawn(self) -> None:
        if self._log_file.exists() and self._log_file.stat().st_size > MAX_LOG_BYTES:
            self._log_file.replace(self._log_file.with_suffix(".old"))
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                cwd="/",
                start_new_session=True,  # a Ctrl-C is for the hub, which then stops its children in order
                preexec_fn=_die_with_parent(self._stop_signal),  # noqa: PLW1509 - one system call
                user=None if self._user is None else self._user.pw_uid,
                group=None if self._user is None else self._user.pw_gid,
                extra_groups=None if self._user is None else [],
            )

    def _log_tail(self) -> str:
        lines = self._log_file.read_text(errors="replace").splitlines()[-5:]
        return f"its log {self._log_file} ends: {' | '.join(lines)}"


def _die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it died before we asked
            os.kill(os.getpid(), number)

    return ask
