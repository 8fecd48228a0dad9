"""The frontend role as a process of its own: no store, no peer, no secret in its environment."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiops.compose import BACKENDS
from aiops.settings import env_name
from tests.servers.loopback import HOST, free_port, request
from tests.servers.processes import Process
from tests.servers.waiting import until

# What the other roles cannot start without, and this one must not miss.
NOT_GIVEN = {
    env_name(*field): ""
    for field in (
        ("database", "url"),
        ("redis", "url"),
        ("auth", "internal_secret"),
        ("secrets", "key"),
        *(("peers", f"{role}_url") for role in BACKENDS),
    )
}


class Frontend(Process):
    """`aiops serve --role frontend`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "aiops", "serve", "--role", "frontend", "--host", HOST]
        super().__init__(
            [*command, "--port", str(self.port)],
            log=folder / "frontend.log",
            env={name: value for name, value in os.environ.items() if name not in NOT_GIVEN} | NOT_GIVEN | settings,
        )

    def ready(self) -> bool:
        """Whether it takes requests."""
        try:
            return request(self.port, "/ready")[0] == 200
        except OSError:
            return False


@contextmanager
def serving_frontend(folder: Path, **settings: str) -> Iterator[Frontend]:
    """One that is ready; ended with the block."""
    with Frontend(folder, **settings) as process:
        until(lambda: process.ready() or not process.running, what="the frontend to be ready", timeout_s=60)
        if not process.running:
            raise RuntimeError(f"the frontend ended with {process.returncode}:\n{process.output()}")
        yield process
