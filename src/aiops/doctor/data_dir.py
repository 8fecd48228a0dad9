"""The folder of an `aiops up` installation: who may read it, and whether the disk under it has room."""

import asyncio
import shutil
import stat
from typing import Final

from aiops.core.embedded.data_dir import DataDir
from aiops.core.http import HttpClient
from aiops.doctor.finding import Notes
from aiops.doctor.subject import Subject

MEBIBYTE: Final = 1024 * 1024
# PostgreSQL stops when it cannot write its log; a day of a small fleet needs less than the second figure.
FAIL_BELOW: Final = 256 * MEBIBYTE
WARN_BELOW: Final = 2048 * MEBIBYTE
OTHERS: Final = 0o077


async def look(subject: Subject, _: HttpClient, notes: Notes) -> None:
    """Rights and room."""
    if subject.data_dir is None:
        notes.skip("folder", "none is given; --data-dir names that of 'aiops up'")
        return
    try:
        await asyncio.to_thread(_look, subject.data_dir, notes)
    except OSError as error:
        notes.fail(
            "folder",
            f"{error.filename or subject.data_dir.path} cannot be read: {error.strerror}",
            "run this as the user of 'aiops up', and give its --data-dir",
        )


def _look(folder: DataDir, notes: Notes) -> None:
    path = folder.path
    if not path.is_dir():
        notes.fail("folder", f"{path} is no folder", "give the --data-dir with which 'aiops up' was started")
        return
    if not (path / "postgres").is_dir() and not (path / "secrets").is_dir():
        notes.fail("folder", f"{path} holds no data of a hub", "give the --data-dir with which 'aiops up' was started")
        return
    if (url := folder.running_url()) is None:
        notes.fail("hub", "no hub runs on this folder", f"start it: aiops up --data-dir {path}")
    else:
        notes.ok("hub", f"a hub has announced itself here as {url}")
    secrets = path / "secrets"
    guarded = [path, *([secrets, *sorted(secrets.iterdir())] if secrets.is_dir() else [])]
    open_ones = [one for one in guarded if stat.S_IMODE(one.stat().st_mode) & OTHERS and one != path]
    # As root the servers run as another user, who must be able to pass through, and no more than that.
    if stat.S_IMODE(path.stat().st_mode) & OTHERS & ~0o011:
        open_ones.insert(0, path)
    if open_ones:
        shown = ", ".join(f"{one} ({stat.S_IMODE(one.stat().st_mode):o})" for one in open_ones)
        notes.fail("rights", f"others may read {shown}", f"chmod -R go-rwx {path}, and make new tokens if others did")
    else:
        notes.ok("rights", f"{path} is private")
    room = shutil.disk_usage(path)
    shown = f"{room.free // MEBIBYTE} MiB free of {room.total // MEBIBYTE} on the disk of {path}"
    advice = "make room, or move the folder to a larger disk while the hub is stopped"
    if room.free < FAIL_BELOW:
        notes.fail("disk", shown, advice)
    elif room.free < WARN_BELOW:
        notes.warn("disk", shown, advice)
    else:
        notes.ok("disk", shown)
