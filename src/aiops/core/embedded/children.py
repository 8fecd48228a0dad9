"""Starts, stops and finds the processes of embedded servers; knows no server in particular."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiops.core.embedded import launcher
from aiops.core.embedded.account import Account, EmbeddedServerError
from aiops.core.embedded.log_file import LogFile

PROCESSES: Final = Path("/proc")
POLL_S: Final = 0.01
HAS_DEATH_SIGNAL: Final = sys.platform == "linux"

# A signal and how long to wait for its effect before the next one, in seconds.
Escalation = Sequence[tuple[signal.Signals, float]]


@dataclass(frozen=True)
class Command:
    """What to run. `folder` becomes the working directory, by which stale processes are recognised."""

    program: Path
    arguments: tuple[str, ...]
    folder: Path
    account: Account | None
    death_signal: signal.Signals
    descriptors: tuple[int, ...] = ()
    config: bytes | None = None  # fed to standard input


class Child:
    """One running server process."""

    def __init__(self, process: Process, guard: int | None) -> None:
        self._process = process
        self._guard = guard

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative numbers are signals."""
        return self._process.returncode

    async def exited(self) -> int:
        """Wait for its end."""
        code = await self._process.wait()
        if self._guard is not None:
            os.close(self._guard)
            self._guard = None
        return code

    async def stop(self, escalation: Escalation) -> None:
        """Send the signals one after the other until it has gone."""
        for number, wait_s in escalation:
            if self._process.returncode is not None:
                break
            with suppress(ProcessLookupError):
                self._process.send_signal(number)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self.exited()
        await self.exited()


async def spawn(command: Command, log: LogFile, *, death_signal: bool = HAS_DEATH_SIGNAL) -> Child:
    """Start the server as a child that dies with this process.

    The kernel sends the signal when the *thread* that forked ends: call this in the thread of the event loop
    only.
    """
    uid, gid = (command.account.uid, command.account.gid) if command.account else (-1, -1)
    read_end, write_end = (None, None) if death_signal else os.pipe()
    inherited = (*command.descriptors, *(() if read_end is None else (read_end,)))
    settings = (os.getpid(), int(command.death_signal), uid, gid, -1 if read_end is None else read_end)
    output = log.open()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            launcher.__file__,
            *map(str, settings),
            str(command.program),
            *command.arguments,
            cwd=command.folder,
            env=_environment(),
            pass_fds=inherited,
            start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL if command.config is None else asyncio.subprocess.PIPE,
            stdout=output,
            stderr=output,
        )
    except BaseException:
        if write_end is not None:
            os.close(write_end)
        raise
    finally:
        os.close(output)
        if read_end is not None:
            os.close(read_end)
    if process.stdin is not None and command.config is not None:
        with suppress(ConnectionError):
            process.stdin.write(command.config)
            await process.stdin.drain()
        process.stdin.close()
    return Child(process, write_end)


async def run(command: Command, log: LogFile) -> None:
    """Run a program to its end. Raises EmbeddedServerError when it fails."""
    child = await spawn(command, log)
    try:
        code = await child.exited()
    except BaseException:
        await child.stop([(signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0)])
        raise
    if code != 0:
        raise EmbeddedServerError(f"{command.program.name} {ending(code)}; {describe(log)}")


def running_in(folder: Path, program: str) -> dict[int, int]:
    """The processes of that program with that working directory: pid to parent's pid. Empty without /proc."""
    found: dict[int, int] = {}
    wanted = folder.stat()
    for entry in PROCESSES.glob("[0-9]*"):
        # Processes come and go while we look, and those of others are closed to us.
        with suppress(OSError, ValueError):
            executable = str((entry / "exe").readlink()).removesuffix(" (deleted)")
            if Path(executable).name == program and os.path.samestat((entry / "cwd").stat(), wanted):
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found


async def evict(folder: Path, program: str, escalation: Callable[[set[int]], Escalation]) -> None:
    """End what an earlier hub left running there. The caller holds the data dir's lock: none is in use."""
    left = running_in(folder, program)
    for number, wait_s in escalation(set(left)) if left else ():
        for pid, parent in left.items():
            # A server ends its own helpers; only the last resort goes to all of them.
            if number is signal.SIGKILL or parent not in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while left := running_in(folder, program):  # noqa: ASYNC110 - not our children, nothing to wait on
                    await asyncio.sleep(POLL_S)
                return
    if left:
        raise EmbeddedServerError(f"processes {sorted(left)} of an earlier hub use {folder} and cannot be ended")


def ending(code: int) -> str:
    """How a process ended, in words."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"left with exit code {code}"


def describe(log: LogFile) -> str:
    """Where the log is and what it said last."""
    return f"its log {log.path} ends with:\n{log.tail() or '(nothing)'}"


def _environment() -> dict[str, str]:
    """No secret and no libpq or locale setting of ours reaches the servers."""
    kept = ("PATH", "TMPDIR", "SYSTEMROOT")
    return {"LC_ALL": "C", "TZ": "UTC", **{name: os.environ[name] for name in kept if name in os.environ}}
