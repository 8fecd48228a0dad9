"""`aiops doctor` in a terminal: no line is longer than it, and the end says how it ends."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

from tests.servers.loopback import free_port


def in_a_terminal(columns: int, **env: str) -> tuple[int, list[str]]:
    """The exit status and the lines that such a terminal shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-m", "aiops", "doctor"]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env={**environ, "NO_COLOR": "1", **env})
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(ours)
    return process.wait(30), shown.decode().splitlines()


@pytest.mark.parametrize("columns", [80, 132])
def test_no_line_is_longer_than_the_terminal(columns: int) -> None:
    away = {"DATABASE_URL": f"postgresql://127.0.0.1:{free_port()}/x", "REDIS_URL": f"redis://127.0.0.1:{free_port()}"}
    status, lines = in_a_terminal(columns, **away)
    plain = [line.replace("\x1b[31m", "").replace("\x1b[90m", "").replace("\x1b[0m", "") for line in lines]
    assert status == 1
    assert [line for line in plain if len(line) > columns] == []
    assert any(line.startswith("FAIL  database: connection") for line in plain)
    assert any(line.startswith("      -> is the server running") for line in plain)
    assert plain[-1].startswith("4 FAIL, ")
    assert plain[-1].endswith("what failed does not work; begin with the first")


def test_the_help_says_how_it_ends() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "aiops", "doctor", "--help"], capture_output=True, text=True, timeout=30, check=True
    )
    assert "It ends with 0 when all that was looked at works, warned of or not, with 1" in " ".join(told.stdout.split())
