"""The folder that a hub on one machine keeps everything in: who may use it, where things lie, its secrets.

One hub at a time: the lock is held by the kernel, so that it goes with the process however it ends. Nothing outside
of the folder is created or changed, but for a short folder for sockets where the folder's own path is too long.
"""

import fcntl
import hashlib
import os
import pwd
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

# sockaddr_un holds 108 bytes with the closing zero; PostgreSQL's socket is named .s.PGSQL.5432.lock at the longest.
MAX_SOCKET_FOLDER: Final = 107 - len("/.s.PGSQL.5432.lock")


class EmbeddedServerError(Exception):
    """An embedded server or its data folder cannot be used; the message says why and what to do."""


class DataDirInUse(EmbeddedServerError):
    """Another hub runs on this data folder."""


class DataDir:
    """A data folder; nothing is touched until `locked` is entered."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process.

        Raises:
            DataDirInUse: another process holds it; its pid is named.
            EmbeddedServerError: the folder cannot be made or written.

        """
        try:
            self.path.mkdir(mode=0o711, parents=True, exist_ok=True)
            handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise EmbeddedServerError(f"cannot use the data folder {self.path}: {error.strerror}") from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                owner = os.pread(handle, 256, 0).decode(errors="replace").strip() or "an unknown process"
                raise DataDirInUse(
                    f"another hub runs on {self.path} ({owner}); stop it, or choose another --data-dir"
                ) from error
            self.describe(handle, f"pid {os.getpid()}")
            self._handle = handle
            yield
        finally:
            os.close(handle)

    @staticmethod
    def describe(handle: int, text: str) -> None:
        """Write who holds the lock into it."""
        os.ftruncate(handle, 0)
        os.pwrite(handle, text.encode(), 0)

    def announce(self, url: str) -> None:
        """Tell whoever finds the folder locked where this hub answers."""
        self.describe(self._handle, f"pid {os.getpid()}, {url}")

    def secret(self, name: str, nbytes: int = 32) -> bytes:
        """The secret of this name, made at the first call and kept in a file that only we can read."""
        folder = self.path / "secrets"
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / name
        if not file.exists():
            draft = folder / f".{name}.new"
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                out.write(secrets.token_bytes(nbytes))
                out.flush()
                os.fsync(out.fileno())
            draft.rename(file)
        return file.read_bytes()

    def folder(self, name: str, owner: pwd.struct_passwd | None = None) -> Path:
        """A subfolder that only `owner`, or we, can enter."""
        path = self.path / name
        path.mkdir(mode=0o700, exist_ok=True)
        if owner is not None and path.stat().st_uid != owner.pw_uid:
            os.chown(path, owner.pw_uid, owner.pw_gid)
        return path

    def socket_folder(self, name: str, owner: pwd.struct_passwd | None = None) -> Path:
        """A subfolder for sockets; where its path would be too long for one, a short folder of ours instead."""
        if len(os.fsencode(self.path / name)) <= MAX_SOCKET_FOLDER:
            return self.folder(name, owner)
        digest = hashlib.sha256(os.fsencode(self.path / name)).hexdigest()[:12]
        short = Path(tempfile.gettempdir()) / f"aiops-{os.getuid()}-{digest}"
        short.mkdir(mode=0o700, exist_ok=True)
        uid = owner.pw_uid if owner is not None else os.getuid()
        found = short.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.getuid(), uid):
            raise EmbeddedServerError(f"{short} belongs to somebody else; remove it, or choose a shorter --data-dir")
        os.chown(short, uid, -1)
        short.chmod(0o700)
        return short


def unprivileged_user() -> pwd.struct_passwd | None:
    """Who PostgreSQL runs as when we are root, which it refuses; None when we are not."""
    return pwd.getpwnam("nobody") if os.getuid() == 0 else None
