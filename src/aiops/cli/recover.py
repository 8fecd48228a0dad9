"""Making an administrator's token straight in the database: at the first start, and when every token is lost."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from aiops.core.clock import utc_now
from aiops.core.db import Database
from aiops.core.embedded.data_dir import DataDir
from aiops.gateway.tokens import create_admin


async def create_admin_token(db: Database, *, name: str) -> str:
    """A new administrator's token. Nothing is announced: a new token cuts nobody."""
    return (await create_admin(db, utc_now, name=name, expires_in="5w")).token


def recover(data_dir: Path, name: str) -> str:
    """An administrator's token for the hub whose data folder this is; starts PostgreSQL when the hub is down.

    Raises:
        EmbeddedServerError: there is no hub's data, or it cannot be opened.

    """
    return asyncio.run(_recover(DataDir(data_dir), name))


async def _recover(data_dir: DataDir, name: str) -> str:
    from aiops.core.embedded.postgres import EmbeddedPostgres, running_url

    async with AsyncExitStack() as stack:
        url = running_url(data_dir)
        if url is None:
            stack.enter_context(data_dir.locked())
            url = (await stack.enter_async_context(EmbeddedPostgres(data_dir))).url
        async with Database(url, application_name="aiops recover", pool_size=1) as db:
            return await create_admin_token(db, name=name)
