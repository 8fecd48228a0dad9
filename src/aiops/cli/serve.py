"""`aiops serve`, `aiops modules` and `aiops openapi`: roles over stores that somebody else runs."""

import asyncio
import os
import sys
from pathlib import Path

import click
import msgspec
from msgspec.structs import replace

from aiops.settings import Settings, SettingsError, load

# What a composition needs to be described rather than run; nothing is ever connected with it.
DESCRIBE = {
    "DATABASE_URL": "postgresql://localhost/aiops",
    "REDIS_URL": "redis://localhost",
    "AIOPS_INTERNAL_SECRET": "describe",
    "AIOPS_SECRET_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "CLUSTER_REGISTRY_URL": "http://localhost",
    "OBSERVABILITY_COLLECTOR_URL": "http://localhost",
    "INTELLIGENCE_ENGINE_URL": "http://localhost",
    "REALTIME_STREAMING_URL": "http://localhost",
}


@click.command()
@click.option("--role", "role_list", required=True, help="One role, or several with commas; see 'aiops modules'.")
@click.option(
    "--host",
    default=None,
    help="Address to listen on.  [default: 0.0.0.0 with --insecure-http, else 127.0.0.1]",
)
@click.option("--port", default=None, type=click.IntRange(0, 65535), help="Port to listen on.  [default: 8080]")
@click.option("--config", type=click.Path(path_type=Path), default=None, help="Settings as a TOML file.")
@click.option("--insecure-http", is_flag=True, help="Serve plain HTTP beyond loopback.")
def serve(*, role_list: str, host: str | None, port: int | None, config: Path | None, insecure_http: bool) -> None:
    """Run one or more roles; the settings come from the environment."""
    from aiops.core import log

    try:
        settings = load(os.environ, config)
        insecure = insecure_http or settings.http.insecure_http
        http = replace(
            settings.http,
            host=host or settings.http.host,
            port=settings.http.port if port is None else port,
            insecure_http=insecure,
        )
        if http.host not in ("127.0.0.1", "localhost", "::1") and not insecure:
            raise click.UsageError(f"--host {http.host} is plain HTTP beyond loopback; add --insecure-http")
        log.configure(level=settings.log.level, fmt=settings.log.format, role=role_list)
        sys.exit(_run(replace(settings, http=http), role_list.split(",")))
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def _run(settings: Settings, roles: list[str]) -> int:
    from aiops.compose import compose
    from aiops.server import PortTaken, Serving, bind
    from aiops.server import serve as serve_app

    composition = compose(settings, roles, metrics_token=settings.telemetry.metrics_token or None)
    try:
        listener = bind(settings.http.host, settings.http.port)
    except PortTaken as error:
        raise click.ClickException(str(error)) from error
    serving = Serving(
        app=composition.app,
        lifecycle=composition.lifecycle,
        supervisor=composition.supervisor,
        drain=composition.drain,
        ping_interval_s=settings.streaming.ping_interval_s,
        ping_timeout_s=settings.streaming.ping_timeout_s,
    )
    host, port = listener.getsockname()[:2]
    return asyncio.run(
        serve_app(
            serving,
            listener,
            lambda: click.echo(f"{','.join(roles)} answers at http://{host}:{port}", err=True),
        )
    )


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def modules(*, as_json: bool) -> None:
    """Show roles, and the modules, routes and tasks that each loads."""
    from aiops.compose import ROLES, compose

    settings = load(DESCRIBE)
    shown = {}
    for role in ROLES:
        composition = compose(settings, [role])
        routes = sorted(
            f"{method} {route.path}"
            for route in composition.litestar.routes
            for method in getattr(route, "methods", ())
            if method != "OPTIONS"
        )
        tasks = [task.name for module in composition.modules for task in module.tasks]
        shown[role] = {"modules": list(ROLES[role]), "tasks": tasks, "routes": routes}
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(shown), indent=2).decode())
        return
    for role, what in shown.items():
        click.echo(f"{role}: {', '.join(what['modules'])}")
        for task in what["tasks"]:
            click.echo(f"  task   {task}")
        for route in what["routes"]:
            click.echo(f"  route  {route}")


@click.command()
def openapi() -> None:
    """Print the OpenAPI document of the whole hub."""
    from aiops.compose import ALL, compose

    schema = compose(load(DESCRIBE), [ALL], describe=True).litestar.openapi_schema.to_schema()
    click.echo(msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=1).decode())
