"""`aiops db`: the schema of an external database. `aiops up` looks after its own."""

import asyncio
import os

import click

from aiops.settings import SettingsError, load


def _url() -> str:
    try:
        url = load(os.environ).database.url
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    if not url:
        raise click.UsageError("set DATABASE_URL to the database (aiops up looks after its own)")
    return url


@click.group()
def db() -> None:
    """Look after the schema of the database that DATABASE_URL names."""


@db.command()
def upgrade() -> None:
    """Bring the schema to what this release needs. Safe to run from several places at once."""
    from aiops.core import migrations
    from aiops.core.db import database_errors
    from aiops.core.errors import ServiceUnavailable

    url = _url()
    try:
        with database_errors():
            migrations.upgrade(url)
    except (ServiceUnavailable, ValueError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"the schema is at {migrations.head()}")


@db.command()
def check() -> None:
    """Say whether the schema is new enough; exit status 1 when it is not."""
    from aiops.core import migrations
    from aiops.core.db import Database
    from aiops.core.errors import ServiceUnavailable

    url = _url()

    async def look() -> str | None:
        async with Database(url, application_name="aiops db check", pool_size=1) as database:
            await migrations.check(database)
            return await migrations.current(database)

    try:
        click.echo(f"the schema is at {asyncio.run(look())}; this release needs {migrations.head()}")
    except (ServiceUnavailable, ValueError) as error:
        raise click.ClickException(str(error)) from error
