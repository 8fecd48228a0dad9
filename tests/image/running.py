"""Runs commands of an image as a cluster would.

Its own entry point and environment, a user id at random, a read-only root, an empty /tmp; of the machine it sees the
loopback, /dev and /proc.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.image.building import Image
from tests.servers.loopback import HOST, free_port, request
from tests.servers.processes import Process, require

# What OpenShift's restricted-v2 gives: an id from the namespace's range, and the root group.
USER_ID: Final = 1_000_770_000
GROUP_ID: Final = 0
# In a mount namespace of its own: the image's files read-only, and what a container runtime puts on top of them.
_MOUNTS: Final = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
shift
exec "$@"
"""
# Afterwards, as the kernel's own steps: into the folder, away from root, and to an end together with the test run.
_ENTER: Final = """
import ctypes, json, os, sys
root, user, group, environment, *command = sys.argv[1:]
os.chroot(root)
os.chdir("/tmp")
os.setgroups([])
os.setgid(int(group))
os.setuid(int(user))
ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
os.execve(command[0], command, json.loads(environment))
"""


def command(image: Image, *arguments: str, env: Mapping[str, str]) -> list[str]:
    """What starts the image with these arguments."""
    own = dict(entry.split("=", 1) for entry in image.config["Env"])
    enter = [sys.executable, "-I", "-S", "-c", _ENTER, str(image.root), str(USER_ID), str(GROUP_ID)]
    return [
        *(
            str(require("unshare")),
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            _MOUNTS,
            "sh",
            str(image.root),
            *enter,
        ),
        *(json.dumps({**own, **env}), *image.config["Entrypoint"], *arguments),
    ]


def run(image: Image, *arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        command(image, *arguments, env=env), capture_output=True, text=True, timeout=120, check=False, cwd="/"
    )


class RoleInImage(Process):
    """`aiops serve --role ...` from the image."""

    def __init__(self, image: Image, role: str, *, port: int, folder: Path, env: Mapping[str, str]) -> None:
        self.port = port or free_port()
        arguments = ["serve", "--role", role, "--host", HOST, "--port", str(self.port)]
        super().__init__(command(image, *arguments, env=env), log=folder / f"{role}.log", cwd=Path("/"))

    def ready(self) -> bool:
        """Whether it takes requests."""
        try:
            return request(self.port, "/ready")[0] == 200
        except OSError:
            return False
