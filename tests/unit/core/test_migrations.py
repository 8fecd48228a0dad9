"""Revisions: found without Alembic, applied once however many start at once, equal to the tables in the code."""

import asyncio
import os
import subprocess
import sys
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, MetaData

from aiops.core import migrations
from aiops.core.db import Database
from aiops.core.errors import ServiceUnavailable
from tests.unit.core.killable import Postgres

pytestmark = pytest.mark.anyio


def our_metadata() -> list[MetaData]:
    """Of every module that defines tables, wherever it is."""
    source = Path(str(files("aiops"))).parent
    paths = [path for path in sorted(source.rglob("*.py")) if "metadata: Final = MetaData()" in path.read_text()]
    return [import_module(".".join(path.relative_to(source).with_suffix("").parts)).metadata for path in paths]


async def test_a_new_database_is_brought_to_head(postgres: Postgres) -> None:
    url = postgres.new_database()
    async with Database(url, application_name="test") as db:
        assert await migrations.current(db) is None
        with pytest.raises(ServiceUnavailable, match=f"at nothing and this release needs {migrations.head()}"):
            await migrations.check(db)
        await asyncio.to_thread(migrations.upgrade, url)
        assert await migrations.current(db) == migrations.head()
        await migrations.check(db)


async def test_an_older_schema_is_named(db: Database, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(ServiceUnavailable, match=f"at 0000 and this release needs {migrations.head()}"):
        await migrations.check(db)


async def test_a_newer_schema_is_served(db: Database, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await migrations.check(db)


async def test_replicas_may_upgrade_at_once(postgres: Postgres) -> None:
    url = postgres.new_database()
    command = [sys.executable, "-m", "aiops", "db", "upgrade"]
    environment = {**os.environ, "DATABASE_URL": url}
    replicas = [await asyncio.create_subprocess_exec(*command, env=environment) for _ in range(4)]
    assert [await replica.wait() for replica in replicas] == [0, 0, 0, 0]
    async with Database(url, application_name="test") as db:
        await migrations.check(db)


async def test_an_older_release_leaves_a_newer_schema_as_it_is(db: Database, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await asyncio.to_thread(migrations.upgrade, database_url)
    assert await migrations.current(db) == "9999"


async def test_the_revisions_make_the_tables_that_the_code_uses(db: Database) -> None:
    metadata = our_metadata()

    def differences(connection: Connection) -> list[object]:
        def ours(name: str | None, kind: str, _: object) -> bool:
            foreign = name is not None and (name.startswith("procrastinate_") or name == "alembic_version")
            return not (kind == "table" and foreign)

        options = {"compare_type": True, "include_name": ours, "target_metadata": metadata}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))  # type: ignore[arg-type]

    async with db.read() as connection:
        found = await connection.run_sync(differences)
    assert found == [], "\n".join(map(str, found))


def test_the_revisions_are_one_chain_in_the_order_of_their_names() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(migrations.folder()))
    chain = [revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()]
    assert chain == sorted(chain, reverse=True)
    assert chain[0] == migrations.head()


def test_the_frozen_job_queue_is_that_of_the_library() -> None:
    frozen = (migrations.folder() / "procrastinate_3_10.sql").read_text()
    assert frozen.partition("carries.\n")[2] == SchemaManager.get_schema()


def test_finding_the_head_does_not_import_alembic() -> None:
    command = "import sys; from aiops.core import migrations; migrations.head(); assert 'alembic' not in sys.modules"
    subprocess.run([sys.executable, "-c", command], check=True)


async def test_the_first_revision_can_be_undone(postgres: Postgres) -> None:
    from alembic import command
    from alembic.config import Config

    url = postgres.new_database()
    config = Config()
    config.set_main_option("script_location", str(migrations.folder()))
    config.attributes["conninfo"] = url
    await asyncio.to_thread(command.upgrade, config, "0001")
    await asyncio.to_thread(command.downgrade, config, "base")
    with psycopg.connect(url) as connection:
        left = connection.execute(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " UNION SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " UNION SELECT typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'"
        ).fetchall()
    assert left == [("alembic_version",)]
