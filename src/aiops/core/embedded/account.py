"""Which user the embedded servers run as, and what that user can reach.

PostgreSQL refuses to run as root, so under root both servers run as the data dir's owner or as `nobody`. No
account is made and no right of any folder outside the data dir is changed: a folder that the account cannot
reach through its parents is handed over as an open descriptor.
"""

import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiops.core.errors import ServiceUnavailable

DESCRIPTORS: Final = Path("/proc/self/fd")


class EmbeddedServerError(ServiceUnavailable):
    """An embedded server could not be started, reached or stopped; the message names its log."""


@dataclass(frozen=True)
class Account:
    """An existing unprivileged user, without supplementary groups."""

    uid: int
    gid: int

    def can_read(self, path: Path) -> bool:
        """Whether plain mode bits let the account reach and read the path (folders: and enter it)."""
        real = path.resolve()
        wanted = 5 if real.is_dir() else 4
        return self._has(real, wanted) and all(self._has(parent, 1) for parent in real.parents)

    def _has(self, path: Path, bits: int) -> bool:
        status = path.stat()
        if status.st_uid == self.uid:
            granted = status.st_mode >> 6
        elif status.st_gid == self.gid:
            granted = status.st_mode >> 3
        else:
            granted = status.st_mode
        return granted & bits == bits

    def own(self, folder: Path) -> None:
        """Give the folder and all in it to the account, if it has another owner."""
        if folder.stat().st_uid == self.uid:
            return
        for path in (*folder.rglob("*"), folder):
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


@dataclass(frozen=True)
class Reach:
    """Folders as a child must name them, and the descriptors that it must inherit for that."""

    paths: tuple[str, ...]
    descriptors: tuple[int, ...] = ()


def servers_account(data_dir: Path) -> Account | None:
    """The user to run the servers as; None when we are not root and they run as we do."""
    if os.geteuid() != 0:
        return None
    status = data_dir.stat()
    if status.st_uid != 0:
        return Account(status.st_uid, status.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedServerError(
            "this system has no user `nobody` for the embedded servers; give --data-dir a folder that an "
            "ordinary user owns, or run as that user"
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


@contextmanager
def reachable(account: Account | None, *folders: Path) -> Iterator[Reach]:
    """Name folders so that the account can use them whatever their parents allow."""
    if account is None or all(account.can_read(folder) for folder in folders):
        yield Reach(tuple(str(folder) for folder in folders))
        return
    if not DESCRIPTORS.is_dir():
        raise EmbeddedServerError(
            f"user {account.uid} cannot reach {folders[0]}; give --data-dir a folder that an ordinary user "
            "owns, or run as that user"
        )
    with ExitStack() as stack:
        descriptors = []
        for folder in folders:
            descriptors.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            stack.callback(os.close, descriptors[-1])
        yield Reach(tuple(str(DESCRIPTORS / str(number)) for number in descriptors), tuple(descriptors))


def is_private(path: Path) -> bool:
    """Whether the path is a folder of this very user and no link to one."""
    status = path.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
