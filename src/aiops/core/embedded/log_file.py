"""A server's log: one file that cannot grow without end, and its last lines for error messages."""

import os
import shutil
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 8 * 1024 * 1024
TAIL_BYTES: Final = 4096


class LogFile:
    """Two files at most, `path` and `path.1`, each about `max_bytes` long."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self._max_bytes = max_bytes

    def open(self) -> int:
        """A descriptor to append to; the caller closes it."""
        self.bound()
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def bound(self) -> None:
        """Move what there is to `path.1` when it is too long; appending writers go on at the start."""
        if not self.path.exists() or self.path.stat().st_size <= self._max_bytes:
            return
        older = self.path.with_name(self.path.name + ".1")
        older.touch(0o600)
        shutil.copyfile(self.path, older)
        os.truncate(self.path, 0)

    def tail(self, lines: int = 6) -> str:
        """The last lines, oldest first; empty when nothing was logged."""
        if not self.path.exists():
            return ""
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-lines:])
