"""The folder of an `aiops up` installation: who may read it, and whether the disk under it has room."""

import asyncio
import shutil
import stat
from pathlib import Path
from typing import Final

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
        notes.skip("data dir", "the stores are elsewhere; --data-dir names the folder of 'aiops up'")
        return
    await asyncio.to_thread(_look, subject.data_dir.path, subject.data_dir.running_url(), notes)


def _look(path: Path, running_url: str | None, notes: Notes) -> None:
    if not path.is_dir():
        notes.fail("folder", f"{path} is no folder", "give the --data-dir with which 'aiops up' was started")
        return
    if not (path / "postgres").is_dir() and not (path / "secrets").is_dir():
        notes.fail("folder", f"{path} holds no data of a hub", "give the --data-dir with which 'aiops up' was started")
        return
    if running_url is None:
        notes.warn("hub", "no hub runs on this folder", f"start it: aiops up --data-dir {path}")
    else:
        notes.ok("hub", f"a hub has announced itself here as {running_url}")
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
