"""`aiops up`: the whole hub on this machine, stores included, in one command."""

import asyncio
import os
import socket
import sys
import webbrowser
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import click
import msgspec
from msgspec.structs import replace

from aiops.core.embedded.data_dir import DataDir
from aiops.core.errors import AiopsError
from aiops.settings import Settings, SettingsError, load

Watch = Callable[[], Awaitable[None]]
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def default_data_dir() -> Path:
    """Where a hub keeps its data unless told otherwise."""
    if os.getuid() == 0:
        return Path("/var/lib/aiops-nextgen")
    return Path(os.environ.get("XDG_DATA_HOME", "~/.local/share")).expanduser() / "aiops-nextgen"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 picks a free port.")
@click.option("--data-dir", type=click.Path(path_type=Path), default=None, help="Where everything is kept.")
@click.option("--insecure-http", is_flag=True, help="Serve plain HTTP beyond loopback, behind a proxy that speaks TLS.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout when ready.")
@click.option("--open", "open_browser", is_flag=True, help="Open the dashboard in a browser when ready.")
@click.option("--config", type=click.Path(path_type=Path), default=None, help="Settings as a TOML file.")
def up(
    *,
    host: str,
    port: int,
    data_dir: Path | None,
    insecure_http: bool,
    as_json: bool,
    open_browser: bool,
    config: Path | None,
) -> None:
    """Run the whole hub on this machine: all roles, PostgreSQL and Valkey included."""
    if host not in LOOPBACK and not insecure_http:
        raise click.UsageError(
            f"--host {host} is reachable from other machines, and this is plain HTTP; put a proxy that speaks TLS in "
            "front and add --insecure-http, or leave --host out"
        )
    from aiops.core import log

    try:
        settings = load(os.environ, config)
        log.configure(level=settings.log.level, fmt=_log_format(os.environ, settings), role="all")
        settings = replace(settings, http=replace(settings.http, host=host, port=port, insecure_http=insecure_http))
        hub = _Hub(settings, DataDir(data_dir or default_data_dir()), as_json=as_json, open_browser=open_browser)
        status = hub.run()
    except (SettingsError, AiopsError) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(status)


def _log_format(environ: Mapping[str, str], settings: Settings) -> str:
    """People read the log of `up`, unless they say otherwise."""
    return settings.log.format if "LOG_FORMAT" in environ else "console"


class _Hub:
    def __init__(self, settings: Settings, data_dir: DataDir, *, as_json: bool, open_browser: bool) -> None:
        self._settings = settings
        self._data_dir = data_dir
        self._as_json = as_json
        self._open_browser = open_browser

    def run(self) -> int:
        """Run until stopped; the exit status."""
        from aiops.server import PortTaken, bind

        with self._data_dir.locked():
            try:
                listener = bind(self._settings.http.host, self._settings.http.port)
            except PortTaken as error:
                raise click.ClickException(str(error)) from error
            with listener:
                host, port = listener.getsockname()[:2]
                shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - told, not bound
                url = f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
                self._data_dir.announce(url)
                return asyncio.run(self._serve(listener, url))

    async def _serve(self, listener: socket.socket, url: str) -> int:
        from aiops.compose import ALL, compose
        from aiops.core.tasks import Task
        from aiops.server import Serving, serve

        async with AsyncExitStack() as stack:
            settings, tasks = await self._stores(stack)
            settings = self._of_data_dir(settings)
            token = await self._prepare(settings)
            composition = compose(
                settings,
                [ALL],
                extra_tasks=[Task(name, run) for name, run in tasks],
                metrics_token=self._data_dir.secret("metrics").hex(),
            )
            serving = Serving(
                app=composition.app,
                lifecycle=composition.lifecycle,
                supervisor=composition.supervisor,
                drain=composition.drain,
                ping_interval_s=settings.streaming.ping_interval_s,
                ping_timeout_s=settings.streaming.ping_timeout_s,
            )
            return await serve(serving, listener, lambda: self._ready(url, token))

    async def _stores(self, stack: AsyncExitStack) -> tuple[Settings, list[tuple[str, Watch]]]:
        """Start the stores that are not given; the settings with their URLs, and what keeps them running."""
        from aiops.core.embedded.postgres import EmbeddedPostgres
        from aiops.core.embedded.valkey import EmbeddedValkey

        settings = self._settings
        postgres = None if settings.database.url else EmbeddedPostgres(self._data_dir)
        valkey = None if settings.redis.url else EmbeddedValkey(self._data_dir)
        servers = [server for server in (postgres, valkey) if server is not None]
        started = await asyncio.gather(
            *(stack.enter_async_context(server) for server in servers), return_exceptions=True
        )
        for outcome in started:
            if isinstance(outcome, BaseException):
                raise outcome
        tasks: list[tuple[str, Watch]] = []
        if postgres is not None:
            settings = replace(settings, database=replace(settings.database, url=postgres.url))
            tasks.append(("embedded.postgresql", postgres.watch))
        if valkey is not None:
            settings = replace(settings, redis=replace(settings.redis, url=valkey.url))
            tasks.append(("embedded.valkey", valkey.watch))
        return settings, tasks

    def _of_data_dir(self, settings: Settings) -> Settings:
        """What is not set and the data dir keeps: secrets, and a folder for objects."""
        from aiops.compose import secret_key

        if not settings.auth.internal_secret:
            internal = self._data_dir.secret("internal").hex()
            settings = replace(settings, auth=replace(settings.auth, internal_secret=internal))
        if not settings.secrets.key:
            key = secret_key(self._data_dir.secret("encryption"))
            settings = replace(settings, secrets=replace(settings.secrets, key=key))
        if not settings.objects.url:
            folder = (self._data_dir.path / "objects").absolute().as_uri()
            settings = replace(settings, objects=replace(settings.objects, url=folder))
        if settings.http.host in LOOPBACK:
            settings = replace(settings, registry=replace(settings.registry, allow_loopback_targets=True))
        return settings

    async def _prepare(self, settings: Settings) -> str | None:
        """Bring the schema up to date and, at the first start, make an administrator's token."""
        from aiops.cli.recover import create_admin_token
        from aiops.core import migrations
        from aiops.core.db import Database

        async with Database(settings.database.url, application_name="aiops up", pool_size=1) as db:
            found = await migrations.current(db)
            if found is None or found < migrations.head():
                await asyncio.to_thread(migrations.upgrade, settings.database.url)
            if settings.auth.admin_token:
                return settings.auth.admin_token
            made = self._data_dir.path / "admin-token-made"
            if made.exists():
                return None
            token = await create_admin_token(db, name="first administrator")
            made.touch(mode=0o600)
            return token

    def _ready(self, url: str, token: str | None) -> None:
        if self._as_json:
            ready = {"url": url, "data_dir": str(self._data_dir.path), "admin_token": token}
            print(msgspec.json.encode(ready).decode(), flush=True)  # noqa: T201 - the answer
        else:
            click.echo(f"\nAIOps NextGen answers at {url}")
            if token is not None and not self._settings.auth.admin_token:
                click.echo(f"Sign in with this token, which is shown only once:\n\n  {token}\n")
            click.echo(f"Data in {self._data_dir.path}. Stop with Ctrl-C.")
        if self._open_browser:
            webbrowser.open(url)
