"""Builds the real containerfile without a container engine, and shows the image as a folder.

buildah works in a chroot, as root, on a base that debootstrap made once (kept in the cache); AIOPS_IMAGE_BASE names
another base, from a registry, and AIOPS_IMAGE_PYTHON its Python. What this machine needs to reach its package
registries is mounted for the build alone.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.servers.processes import CACHE, require

ROOT: Final = Path(__file__).parents[2]
STORE: Final = CACHE.parent / "image"
NAME: Final = "localhost/aiops-nextgen"
BASE: Final = "localhost/aiops-base"
COMPILER: Final = "localhost/aiops-compiler"
SUITE: Final = "bookworm"
# What a base of this kind lacks for the steps of the containerfile.
PACKAGES: Final = "ca-certificates,python3,python3-venv"
COMPILERS: Final = "build-essential python3-dev python3-pip"
# As a build behind a mirror is given them: (secret, file of this machine).
SECRETS: Final = (("pip", Path("/etc/pip.conf")), ("npm", Path("/etc/npmrc")))
CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
BUILD_TIMEOUT_S: Final = 1500


@dataclass(frozen=True)
class Image:
    """A built image: its files, and its configuration in the words of the OCI image specification."""

    root: Path
    config: dict[str, Any]
    build_s: float


@contextmanager
def built(target: str = "runtime", **arguments: str) -> Iterator[Image]:
    """Build a target, with more build arguments, and mount its files while the block runs."""
    require("buildah")
    STORE.mkdir(parents=True, exist_ok=True)
    base, python = os.environ.get("AIOPS_IMAGE_BASE"), os.environ.get("AIOPS_IMAGE_PYTHON", "python3.12")
    if base is None:
        base, python = debian_base(), "python3"
    arguments |= {"BASE_IMAGE": base, "PYTHON": python}
    began = time.monotonic()
    tag = f"{NAME}:{target}"
    secrets = [f"--secret=id={name},src={file}" for name, file in SECRETS if file.is_file()]
    buildah(
        *("build", "--isolation", "chroot", "--target", target, "--tag", tag, *trusted(), *secrets),
        *("--file", ROOT / "containerfile", "--ignorefile", ROOT / ".containerignore"),
        *(f"--build-arg={name}={value}" for name, value in arguments.items()),
        ROOT,
    )
    build_s = time.monotonic() - began
    config = json.loads(buildah("inspect", "--type", "image", tag))["OCIv1"]["config"]
    container = buildah("from", "--pull-never", tag).strip()
    try:
        yield Image(Path(buildah("mount", container).strip()), config, build_s)
    finally:
        buildah("rm", container)
        # What earlier builds left: gigabytes that nothing names any more.
        buildah("rmi", "--prune", "--force")


def trusted() -> list[str]:
    """Mounts this machine's certificate authorities for a build."""
    return ["--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"] if CERTIFICATES.is_file() else []


def compiling_base() -> str:
    """The name of a base image with a compiler, in the place of the one with CUDA's."""
    recipe, empty = STORE / "compiler.containerfile", STORE / "empty"
    empty.mkdir(exist_ok=True)
    install = f"apt-get update && apt-get install --yes --no-install-recommends {COMPILERS}"
    recipe.write_text(f"FROM {debian_base()}\nRUN {install}\n")
    buildah("build", "--layers", "--isolation", "chroot", "--tag", COMPILER, *trusted(), "--file", recipe, empty)
    return COMPILER


def debian_base() -> str:
    """The name of a base image made of the distribution's own packages."""
    require("debootstrap")
    archive = STORE / f"{SUITE}.tar"
    if not archive.exists():
        folder = STORE / "base"
        shutil.rmtree(folder, ignore_errors=True)
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, folder)
        whole = archive.with_suffix(".new")
        left_out = [f"--exclude=./{path}" for path in ("proc/*", "sys/*", "dev/*", "var/cache/apt/*", "var/lib/apt/*")]
        run("tar", "--directory", folder, *left_out, "--create", "--file", whole, ".")
        whole.rename(archive)
        shutil.rmtree(folder)
    recipe = STORE / "base.containerfile"
    recipe.write_text(f"FROM scratch\nADD {archive.name} /\n")
    ignore = STORE / "base.containerignore"
    ignore.write_text(f"*\n!{archive.name}\n")
    buildah("build", "--layers", "--tag", BASE, "--file", recipe, "--ignorefile", ignore, STORE)
    return BASE


def buildah(*arguments: object) -> str:
    """Run it over a store of our own; what it printed."""
    return run("buildah", "--root", STORE / "store", "--runroot", STORE / "run", *arguments)


def run(*command: object) -> str:
    """Run a command to its end; what it printed. Raises `RuntimeError` with the end of it when it fails."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout
