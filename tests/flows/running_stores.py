"""Runs PostgreSQL and Valkey for a test of separate roles: prints their URLs, and brings them back when they die."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from aiops.core import migrations
from aiops.core.embedded.data_dir import DataDir
from aiops.core.embedded.postgres import EmbeddedPostgres
from aiops.core.embedded.valkey import EmbeddedValkey


async def main(path: Path) -> None:
    """Run until killed."""
    folder = DataDir(path)
    async with AsyncExitStack() as stack:
        stack.enter_context(folder.locked())
        postgres = await stack.enter_async_context(EmbeddedPostgres(folder))
        valkey = await stack.enter_async_context(EmbeddedValkey(folder))
        await asyncio.to_thread(migrations.upgrade, postgres.url)
        sys.stdout.write(json.dumps({"database": postgres.url, "redis": valkey.url}) + "\n")
        sys.stdout.flush()
        await asyncio.gather(postgres.watch(), valkey.watch())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
