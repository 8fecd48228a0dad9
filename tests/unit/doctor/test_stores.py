"""The doctor breaks nothing and sees what is broken: the settings, the stores, and the folder of `aiops up`."""

import os
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from redis import Redis

from aiops.doctor import data_dir as data_dir_check
from aiops.doctor.finding import Status
from tests.servers.loopback import free_port
from tests.servers.stores import data_dir
from tests.unit.core.http.servers import conversing, hang
from tests.unit.core.killable import Valkey
from tests.unit.doctor.advice import is_
from tests.unit.doctor.conftest import Examined

pytestmark = pytest.mark.anyio
NEEDED = ("DATABASE_URL", "REDIS_URL", "AIOPS_INTERNAL_SECRET", "AIOPS_SECRET_KEY")


async def test_an_installation_that_is_well_gets_no_advice(examined: Examined) -> None:
    findings = await examined(roles=("registry",))
    assert {finding.status for finding in findings.values()} <= {Status.OK, Status.SKIP}
    assert findings["configuration: settings"].found == "complete for registry"
    assert "PostgreSQL 18" in findings["database: connection"].found
    assert "Valkey 9" in findings["redis: connection"].found
    assert findings["redis: persistence"].status is Status.OK


async def test_settings_that_cannot_be_read_are_all_named_and_nothing_else_is_asked(examined: Examined) -> None:
    wrong = {"AIOPS_HTTP_PORT": "many", "AIOPS_STREAMING_MAX_SOCKETS": "-1"}
    findings = await examined(wrong)
    is_(findings["database: database"], Status.SKIP, "the settings cannot be read")
    is_(findings["configuration: AIOPS_HTTP_PORT"], Status.FAIL, "([http] port): must be int", "ConfigMap")
    is_(findings["configuration: AIOPS_STREAMING_MAX_SOCKETS"], Status.FAIL, "must be above 0", "ConfigMap")


async def test_what_a_role_lacks_and_what_cannot_be_used_is_named_by_its_variable(examined: Examined) -> None:
    findings = await examined(roles=("collector",))
    is_(
        findings["configuration: CLUSTER_REGISTRY_URL"],
        Status.FAIL,
        "CLUSTER_REGISTRY_URL is not set",
        "start the role again",
    )
    findings = await examined({"AIOPS_SECRET_KEY": "c2hvcnQtY2FuYXJ5"})
    is_(findings["configuration: AIOPS_SECRET_KEY"], Status.FAIL, "AIOPS_SECRET_KEY: the secret key must be 32 bytes")
    findings = await examined(dict.fromkeys(NEEDED, ""))
    is_(
        findings["configuration: DATABASE_URL"],
        Status.FAIL,
        "DATABASE_URL is not set",
        "postgresql:// URL, or give --data",
    )
    is_(findings["configuration: REDIS_URL"], Status.FAIL, "REDIS_URL is not set", "redis:// URL, or give --data")
    is_(findings["configuration: AIOPS_INTERNAL_SECRET"], Status.FAIL, "is not set", "all roles: openssl rand -hex 32")
    is_(
        findings["configuration: AIOPS_SECRET_KEY"], Status.FAIL, "is not set", "for a new hub: openssl rand -base64 32"
    )
    is_(findings["database: connection"], Status.SKIP, "DATABASE_URL is not set")
    findings = await examined({"REDIS_URL": "redis+sentinel://:canary@host:26379"})
    is_(findings["configuration: REDIS_URL"], Status.FAIL, "REDIS_URL: the Redis URL names no primary")
    is_(findings["redis: connection"], Status.FAIL, "names no primary", "correct REDIS_URL")
    findings = await examined(roles=("collecter",))
    is_(findings["configuration: roles"], Status.FAIL, "no role 'collecter'", "give --role one of them")


async def test_weak_settings_are_warned_about(examined: Examined) -> None:
    findings = await examined({"AIOPS_INTERNAL_SECRET": "short", "AIOPS_HTTP_PUBLIC_URL": "http://hub.example"})
    is_(findings["configuration: AIOPS_INTERNAL_SECRET"], Status.WARN, "of 5 characters", "openssl rand -hex 32")
    is_(findings["configuration: public url"], Status.WARN, "plain HTTP", "https://")


async def test_a_database_that_is_away(examined: Examined) -> None:
    findings = await examined({"DATABASE_URL": f"postgresql://me:canary-1@127.0.0.1:{free_port()}/aiops"})
    is_(findings["database: connection"], Status.FAIL, "refused", "is the server running")
    assert "canary" not in str(findings)


async def test_hosts_that_are_not_known(examined: Examined) -> None:
    findings = await examined({"DATABASE_URL": "postgresql://no.invalid/aiops", "REDIS_URL": "redis://no.invalid"})
    is_(findings["database: connection"], Status.FAIL, "no.invalid", "correct the host in DATABASE_URL")
    is_(findings["redis: connection"], Status.FAIL, "no.invalid", "correct the host in REDIS_URL")


async def test_a_wrong_password_of_the_database(examined: Examined, well: dict[str, str]) -> None:
    parts = urlsplit(well["DATABASE_URL"])
    wrong = parts._replace(netloc=f"{parts.username}:canary-wrong@{parts.netloc.rpartition('@')[2]}")
    findings = await examined({"DATABASE_URL": wrong.geturl()})
    is_(findings["database: connection"], Status.FAIL, "password", "compare user and password in DATABASE_URL")
    assert "canary" not in str(findings)


@pytest.mark.parametrize(
    ("revision", "status", "found", "advice"),
    [
        ("0000", Status.FAIL, "at 0000; this release needs", "run 'aiops db upgrade'"),
        ("9999", Status.WARN, "newer than the", "let the roll-out finish"),
    ],
    ids=["older", "newer"],
)
async def test_a_schema_of_another_release(
    examined: Examined, well: dict[str, str], revision: str, status: Status, found: str, advice: str
) -> None:
    with psycopg.connect(well["DATABASE_URL"]) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [revision])
    is_((await examined())["database: schema"], status, found, advice)


async def test_a_database_without_a_schema(examined: Examined, well: dict[str, str]) -> None:
    with psycopg.connect(well["DATABASE_URL"]) as connection:
        connection.execute("DROP TABLE alembic_version")
    is_((await examined())["database: schema"], Status.FAIL, "there is none", "run 'aiops db upgrade'")


async def test_a_database_that_takes_no_writes(examined: Examined, well: dict[str, str]) -> None:
    name = urlsplit(well["DATABASE_URL"]).path.removeprefix("/")
    with psycopg.connect(well["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    findings = await examined()
    is_(findings["database: writing"], Status.FAIL, "takes no writes", "?target_session_attrs=read-write")
    separator = "&" if "?" in well["DATABASE_URL"] else "?"
    findings = await examined({"DATABASE_URL": f"{well['DATABASE_URL']}{separator}target_session_attrs=read-write"})
    is_(findings["database: connection"], Status.FAIL, "read-only", "no host of DATABASE_URL leads")


async def test_a_database_whose_connections_run_out(examined: Examined, well: dict[str, str]) -> None:
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(psycopg.connect(well["DATABASE_URL"]))
        findings = await examined()
    is_(findings["database: connections"], Status.WARN, "of 60 connections", "raise max_connections")


async def test_a_redis_that_is_away_or_has_another_password(
    examined: Examined, well: dict[str, str], own_valkey: Valkey
) -> None:
    del well
    findings = await examined({"REDIS_URL": f"redis://127.0.0.1:{free_port()}"})
    is_(findings["redis: connection"], Status.FAIL, "Redis is away", "is the server running")
    with Redis(port=own_valkey.port) as client:
        client.config_set("requirepass", "right")
    findings = await examined({"REDIS_URL": f"redis://:canary-wrong@127.0.0.1:{own_valkey.port}"})
    is_(findings["redis: connection"], Status.FAIL, "password", "compare the password in REDIS_URL")
    assert "canary" not in str(findings)


async def test_a_redis_that_forgets(examined: Examined, own_valkey: Valkey) -> None:
    changed = {"REDIS_URL": f"redis://127.0.0.1:{own_valkey.port}"}
    findings = await examined(changed)
    is_(findings["redis: persistence"], Status.WARN, "no append-only file", "appendonly yes")
    is_(findings["redis: memory"], Status.WARN, "no maxmemory", "set maxmemory")
    with Redis(port=own_valkey.port) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        is_((await examined(changed))["redis: eviction"], Status.WARN, "allkeys-lru", "noeviction")
        client.config_set("maxmemory", "100mb")
        is_((await examined(changed))["redis: eviction"], Status.FAIL, "events and sessions vanish", "noeviction")
        client.config_set("maxmemory", int(client.info("memory")["used_memory"] * 1.05))
        is_((await examined(changed))["redis: memory"], Status.WARN, "of maxmemory are used", "raise maxmemory")


async def test_a_redis_that_follows_another(examined: Examined, own_valkey: Valkey) -> None:
    with Redis(port=own_valkey.port) as client:
        client.replicaof("127.0.0.1", free_port())
    findings = await examined({"REDIS_URL": f"redis://127.0.0.1:{own_valkey.port}"})
    is_(findings["redis: writing"], Status.FAIL, "a replica", "redis+sentinel://")


async def test_an_object_store_that_cannot_be_written(examined: Examined, tmp_path: Path) -> None:
    findings = await examined({"AIOPS_OBJECTS_URL": tmp_path.as_uri()})
    is_(findings["objects: store"], Status.OK, "takes, gives back and removes")
    with os.scandir(tmp_path) as left:
        assert not [entry.name for entry in left if entry.is_file()]
    (tmp_path / "file").touch()
    findings = await examined({"AIOPS_OBJECTS_URL": (tmp_path / "file").as_uri()})
    is_(findings["objects: store"], Status.FAIL, "", "compare AIOPS_OBJECTS_URL")
    elsewhere = {
        "AIOPS_OBJECTS_URL": "s3://bucket",
        "AIOPS_OBJECTS_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "canary-of-the-store",
    }
    findings = await examined(elsewhere)
    is_(findings["objects: store"], Status.FAIL, "the object store failed", "the bucket, which must exist")
    assert "canary" not in str(findings)


async def test_the_folder_of_a_hub(examined: Examined, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    is_((await examined(data_dir=tmp_path / "none"))["data dir: folder"], Status.FAIL, "is no folder", "--data-dir")
    is_((await examined(data_dir=tmp_path))["data dir: folder"], Status.FAIL, "no data of a hub", "--data-dir")
    with data_dir() as folder:
        secret = folder.path / "secrets" / "encryption"
        folder.secret("encryption")
        findings = await examined(data_dir=folder.path)
        is_(findings["data dir: rights"], Status.OK, "is private")
        is_(findings["data dir: hub"], Status.FAIL, "no hub runs", "aiops up --data-dir")
        secret.chmod(0o644)
        findings = await examined(data_dir=folder.path)
        is_(findings["data dir: rights"], Status.FAIL, f"{secret} (644)", "chmod -R go-rwx")
        monkeypatch.setattr(data_dir_check, "WARN_BELOW", 2**60)
        is_((await examined(data_dir=folder.path))["data dir: disk"], Status.WARN, "MiB free", "make room")
        monkeypatch.setattr(data_dir_check, "FAIL_BELOW", 2**60)
        is_((await examined(data_dir=folder.path))["data dir: disk"], Status.FAIL, "MiB free", "make room")


async def test_the_folder_of_a_hub_that_makes_what_it_needs(examined: Examined) -> None:
    with data_dir() as folder:
        folder.secret("encryption")
        findings = await examined(dict.fromkeys(NEEDED, ""), data_dir=folder.path)
    is_(findings["configuration: settings"], Status.OK, "complete for all")
    is_(findings["redis: connection"], Status.SKIP, "the embedded Valkey does not run")
    is_(findings["objects: store"], Status.SKIP, "nothing is kept in the data dir yet")


async def test_a_folder_that_cannot_be_read(examined: Examined, tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    (tmp_path / "secrets").mkdir()
    findings = await examined(dict.fromkeys(NEEDED, ""), data_dir=tmp_path)
    is_(findings["data dir: folder"], Status.FAIL, f"{tmp_path}/lock cannot be read: Is a directory", "as the user of")
    is_(findings["database: connection"], Status.SKIP, "lock cannot be read: Is a directory")


async def test_a_hub_that_was_killed(examined: Examined) -> None:
    with data_dir() as folder:
        folder.secret("encryption")
        folder.announce(f"http://127.0.0.1:{free_port()}")
        findings = await examined(dict.fromkeys(NEEDED, ""), data_dir=folder.path)
        is_(findings["data dir: hub"], Status.OK, "has announced itself")
        is_(
            findings["public url: address"],
            Status.FAIL,
            "refused",
            f"start it again: aiops up --data-dir {folder.path}",
        )


async def test_what_hangs_is_a_finding_and_holds_up_nothing(examined: Examined) -> None:
    async with conversing(hang) as server:
        findings = await examined(server=server.url, deadline_s=3)
    is_(findings["public url: public url"], Status.FAIL, "no answer within 3 s", "drops packets")
    is_(findings["database: schema"], Status.OK, "as this release needs")
