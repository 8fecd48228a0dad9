"""Making an administrator's token straight in the database: at the first start, and when every token is lost."""

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

from aiops.core.clock import utc_now
from aiops.core.db import Database
from aiops.core.embedded import DataDir
from aiops.gateway.tokens import create_admin

URL_FILE = "database-url"


async def create_admin_token(db: Database, *, name: str) -> str:
    """A new administrator's token. Nothing is announced: a new token cuts nobody."""
    return (await create_admin(db, utc_now, name=name, expires_in="5w")).token


def recover(data_dir: Path, name: str) -> str:
    """An administrator's token for the hub whose data folder this is; starts PostgreSQL when the hub is down.

    Raises:
        EmbeddedServerError: there is no hub's data, or it cannot be opened.

    """
    return asyncio.run(_recover(DataDir(data_dir), name))


def leave_database_url(data_dir: DataDir, url: str) -> None:
    """Leave the running hub's database URL where `recover` finds it; readable by the hub's owner alone."""
    with os.fdopen(os.open(data_dir.path / URL_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(url)


async def _recover(data_dir: DataDir, name: str) -> str:
    from aiops.core.embedded import DataDirInUse, EmbeddedPostgres, EmbeddedServerError

    if not (data_dir.path / URL_FILE).exists():
        raise EmbeddedServerError(f"{data_dir.path} holds no data of a hub; give the --data-dir of 'aiops up'")
    async with AsyncExitStack() as stack:
        try:
            stack.enter_context(data_dir.locked())
            url = (await stack.enter_async_context(EmbeddedPostgres(data_dir))).url
        except DataDirInUse:
            url = (data_dir.path / URL_FILE).read_text()
        async with Database(url, application_name="aiops recover", pool_size=1) as db:
            return await create_admin_token(db, name=name)
