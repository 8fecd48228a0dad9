"""The schema's revisions: which one the code needs, which one the database has, and the way from one to the other.

Revision files are named `NNNN_name.py` and their id is `NNNN`, so that the newest is known without importing Alembic,
which costs most of a second of start-up. Migrations expand first and contract a release later: code runs on a schema
that is newer than it needs, never on an older one.
"""

from importlib.resources import files
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy import text

from aiops.core.db import Database, conninfo
from aiops.core.errors import ServiceUnavailable

# "schema" as a number; any constant that no other advisory lock of ours uses.
MIGRATION_LOCK: Final = 0x736368656D61


def folder() -> Path:
    """Where the revisions lie: inside the wheel, or at the top of a checkout."""
    package = Path(str(files("aiops")))
    packaged = package / "migrations"
    return packaged if packaged.is_dir() else package.parents[1] / "migrations"


def head() -> str:
    """The revision that this code needs."""
    return max(file.name[:4] for file in (folder() / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))


async def current(db: Database) -> str | None:
    """The revision of the database; None when it has never been upgraded."""
    async with db.read() as connection:
        if (await connection.execute(text("SELECT to_regclass('alembic_version')"))).scalar() is None:
            return None
        found = (await connection.execute(text("SELECT max(version_num) FROM alembic_version"))).scalar()
    return None if found is None else str(found)


async def check(db: Database) -> None:
    """Raise ServiceUnavailable when the schema is older than this code needs."""
    found = await current(db)
    if found is None or found < head():
        raise ServiceUnavailable(
            f"the database schema is at {found or 'nothing'} and this release needs {head()}; run 'aiops db upgrade'"
        )


def upgrade(url: str) -> None:
    """Bring the schema to `head`; several processes may call it at once, one of them does the work.

    A schema that a later release has brought further stays as it is: while a roll-out or a roll-back is under way pods
    of the older release start too.
    """
    from alembic import command  # noqa: PLC0415 - a start that needs no upgrade does not pay for it
    from alembic.config import Config  # noqa: PLC0415

    dsn = conninfo(url, application_name="aiops migrations")
    with psycopg.connect(dsn, autocommit=True) as lock:
        lock.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        if _newer(lock):
            return
        config = Config()
        config.set_main_option("script_location", str(folder()))
        config.attributes["conninfo"] = dsn
        command.upgrade(config, "head")


def _newer(connection: psycopg.Connection) -> bool:
    """Whether a later release, whose revisions this one does not know, has been here."""
    found = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    if found is None or found[0] is None:
        return False
    version = connection.execute("SELECT max(version_num) FROM alembic_version").fetchone()
    return version is not None and version[0] is not None and version[0] > head()
