"""The folder in which one hub keeps everything: who may use it, where things lie in it, and its secrets.

    lock        held (flock) while a hub runs; says which one
    secrets/    random keys and passwords, 0600
    postgres/   PostgreSQL's files            valkey/   Valkey's files
    sockets/    the servers' Unix sockets, in a temporary folder instead where the path would be too long
    logs/       the servers' logs             programs/ copies of binaries, where they cannot be run in place
    scratch     the temporary folders outside that the present hub made, so that the next one can remove them

Every folder is 0700. Under root the servers' folders belong to the account that they run as. Nothing outside
is changed, except that temporary folders are made and removed.
"""

import fcntl
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from aiops.core.embedded.account import Account, EmbeddedServerError, is_private, servers_account
from aiops.core.embedded.log_file import LogFile

__all__ = ["DataDir", "DataDirInUse", "EmbeddedServerError"]

# sockaddr_un holds 108 bytes with the closing zero on Linux, 104 elsewhere.
MAX_SOCKET_PATH: Final = 107 if os.uname().sysname == "Linux" else 103
LONGEST_SOCKET_NAME: Final = len("/postgres/.s.PGSQL.5432")
SCRATCH_PREFIX: Final = "aiops-"
PRIVATE: Final = 0o700
_SECRET_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")


class DataDirInUse(EmbeddedServerError):
    """Another hub runs on this data dir; the message names it."""


class DataDir:
    """One hub's folder. Nothing is touched until `locked()` or `secret()`."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self._lock: int | None = None
        self._sockets: Path | None = None
        self._url = ""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder if need be and keep every other hub out of it. Raises DataDirInUse."""
        self._make()
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DataDirInUse(self._in_use(descriptor)) from None
            self._lock = descriptor
            self._hand_to_owner(self.path / "lock")
            self._clear_scratch()
            self._record()
            try:
                yield
            finally:
                self._clear_scratch()
                os.ftruncate(descriptor, 0)
                self._lock = self._sockets = None
        finally:
            os.close(descriptor)

    def announce(self, url: str) -> None:
        """Leave the address under which this hub answers, for the message of a second one."""
        self._url = url
        self._record()

    def secret(self, name: str, nbytes: int = 32) -> bytes:
        """The secret of that name; made at random, `nbytes` long, when it is asked for the first time."""
        if not _SECRET_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name for a secret: use lower case letters, digits, dot and dash")
        self._make()
        path = self._folder(self.path / "secrets") / name
        self._hand_to_owner(path.parent)
        if not path.exists():
            self._create(path, secrets.token_bytes(nbytes))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        value = path.read_bytes()
        if len(value) != nbytes:
            raise EmbeddedServerError(
                f"{path} holds {len(value)} bytes where {nbytes} are needed; put it back from a backup"
            )
        return value

    def account(self) -> Account | None:
        """Whom the servers run as; None: as this process. Needs the lock."""
        self._need_lock()
        return servers_account(self.path)

    def server_folder(self, name: str) -> Path:
        """The folder of one server's files, its own."""
        return self._folder(self.path / name, self.account())

    def socket_folder(self, name: str) -> Path:
        """An empty folder of one server's sockets, its own, with a path short enough for `sockaddr_un`."""
        if self._sockets is None:
            sockets = self.path / "sockets"
            fits = len(os.fsencode(sockets)) + LONGEST_SOCKET_NAME <= MAX_SOCKET_PATH
            self._sockets = self._folder(sockets) if fits else self.scratch(PRIVATE)
            self._record()
        folder = self._folder(self._sockets / name, self.account())
        for stale in folder.iterdir():
            stale.unlink()
        return folder

    def running_sockets(self, name: str) -> Path | None:
        """Where the hub that runs here has one server's sockets; None when no hub has started one."""
        sockets = self._recorded("sockets")
        return Path(sockets) / name if sockets else None

    def running_url(self) -> str | None:
        """Where the hub that runs here, or was killed here, answers; None when there is none."""
        return self._recorded("url") or None

    def _recorded(self, field: str) -> str:
        """What the hub that holds or held the lock has written there; empty when it has not."""
        try:
            return str(json.loads((self.path / "lock").read_bytes()).get(field, ""))
        except (FileNotFoundError, ValueError):
            return ""

    def log(self, name: str) -> LogFile:
        """The log of one server, written by us."""
        return LogFile(self._folder(self.path / "logs") / f"{name}.log")

    def scratch(self, mode: int) -> Path:
        """A new temporary folder outside, with a short path, that goes away with the lock."""
        self._need_lock()
        candidates = (tempfile.gettempdir(), "/tmp", "/var/tmp")  # noqa: S108 - mkdtemp makes unguessable names
        account = self.account()
        for parent in map(Path, candidates):
            short = len(os.fsencode(parent)) + len("/aiops-xxxxxxxx") + LONGEST_SOCKET_NAME <= MAX_SOCKET_PATH
            reached = account is None or (parent.is_dir() and account.can_read(parent))
            if short and reached and os.access(parent, os.W_OK) and not os.statvfs(parent).f_flag & os.ST_NOEXEC:
                folder = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=parent))
                folder.chmod(mode)
                with (self.path / "scratch").open("a", encoding="utf-8") as record:
                    record.write(f"{folder}\n")
                return folder
        raise EmbeddedServerError(
            f"no temporary folder is usable: tried {', '.join(candidates)}; set TMPDIR to a writable folder "
            "with a short path"
        )

    def _make(self) -> None:
        try:
            self.path.mkdir(mode=PRIVATE, parents=True)
        except FileExistsError:
            self._close_to_others()
        except OSError as error:
            raise EmbeddedServerError(f"cannot make the data dir {self.path}: {error.strerror}") from error

    def _close_to_others(self) -> None:
        """Set 0700 where the folder is plainly ours; somebody's home given by mistake keeps its rights."""
        ours = (self.path / "lock").exists() or not any(self.path.iterdir())
        if ours and is_private(self.path) and self.path.stat().st_mode & 0o077:
            self.path.chmod(PRIVATE)

    def _folder(self, path: Path, account: Account | None = None) -> Path:
        path.mkdir(mode=PRIVATE, exist_ok=True)
        if stat.S_IMODE(path.stat().st_mode) != PRIVATE:
            path.chmod(PRIVATE)
        if account is not None:
            account.own(path)
        return path

    def _create(self, path: Path, value: bytes) -> None:
        """Write beside, then link: others see the whole secret or none, and the first one wins."""
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(value)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                path.hardlink_to(temporary)
        finally:
            Path(temporary).unlink()
        self._hand_to_owner(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _hand_to_owner(self, path: Path) -> None:
        """One start under sudo must not lock the folder's owner out."""
        owner = self.path.stat()
        if os.geteuid() == 0 and owner.st_uid != path.stat().st_uid:
            os.chown(path, owner.st_uid, owner.st_gid)

    def _need_lock(self) -> int:
        if self._lock is None:
            raise EmbeddedServerError(f"the data dir {self.path} is not locked; enter DataDir.locked() first")
        return self._lock

    def _record(self) -> None:
        """Say in the lock who holds it; whoever finds it held, and `running_sockets`, read that."""
        lock = self._need_lock()
        record = {"pid": os.getpid(), "url": self._url, "sockets": str(self._sockets or "")}
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps(record).encode(), 0)

    def _in_use(self, descriptor: int) -> str:
        try:
            record = json.loads(os.pread(descriptor, 8192, 0))
        except ValueError:
            record = {}
        holder = f"process {record['pid']}" if "pid" in record else "another process"
        address = f" ({record['url']})" if record.get("url") else ""
        user = f"{holder}{address}"
        return f"the data dir {self.path} is in use by {user}; stop that one or give another --data-dir"

    def _clear_scratch(self) -> None:
        record = self.path / "scratch"
        if not record.exists():
            return
        for line in record.read_text(encoding="utf-8").splitlines():
            folder = Path(line)
            with suppress(FileNotFoundError):
                if folder.name.startswith(SCRATCH_PREFIX) and is_private(folder):
                    shutil.rmtree(folder)
        record.unlink()
