"""Stores that are too old, too full or too far from this clock: real ones, altered in one thing; the advice is read."""

import asyncio
import json
import shlex
import shutil
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import web
from redis import Redis, ResponseError

from aiops.doctor.finding import Status
from tests.servers.loopback import free_port
from tests.servers.sentinel import PASSWORD, SENTINEL_PASSWORD, SentinelSite
from tests.unit.core.http.servers import Authority, serving
from tests.unit.core.killable import Valkey
from tests.unit.doctor.advice import is_
from tests.unit.doctor.altering import cramped_valkey, failed_writes, on_a_small_disk, rewording, shadow
from tests.unit.doctor.conftest import Examined

pytestmark = pytest.mark.anyio


async def test_a_postgresql_that_is_too_old(examined: Examined, well: dict[str, str]) -> None:
    told = "SELECT CASE $1 WHEN 'server_version_num' THEN '150004' WHEN 'server_version' THEN '15.4' "
    shadow(well["DATABASE_URL"], "current_setting", "text", "text", f"{told} ELSE pg_catalog.current_setting($1) END")
    findings = await examined()
    is_(findings["database: version"], Status.FAIL, "PostgreSQL 15.4 at", "needs PostgreSQL 16 or newer; upgrade")
    assert "database: connection" not in findings


@pytest.mark.parametrize("off_s", [-60, 60])
async def test_a_database_on_another_clock(examined: Examined, well: dict[str, str], off_s: int) -> None:
    told = f"SELECT pg_catalog.clock_timestamp() + interval '{off_s} s'"
    shadow(well["DATABASE_URL"], "clock_timestamp", "", "timestamptz", told)
    is_((await examined())["database: clock"], Status.FAIL, f"{off_s:+} s from this one", "NTP")


async def test_a_database_that_speaks_no_tls(examined: Examined) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer to an SSLRequest as a PostgreSQL without `ssl = on` does."""
        await reader.readexactly(8)
        writer.write(b"N")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        findings = await examined({"DATABASE_URL": f"postgresql://me@127.0.0.1:{port}/aiops?sslmode=require"})
    is_(findings["database: connection"], Status.FAIL, "SSL", "compare sslmode and sslrootcert")


async def test_a_database_that_is_not_there_or_is_none(examined: Examined, well: dict[str, str]) -> None:
    findings = await examined({"DATABASE_URL": well["DATABASE_URL"].replace("/aiops_", "/never_")})
    is_(findings["database: connection"], Status.FAIL, "does not exist", "create the database")
    findings = await examined({"DATABASE_URL": "mysql://host/aiops"})
    is_(findings["database: connection"], Status.FAIL, "postgresql://", "correct DATABASE_URL")


async def test_a_redis_that_is_too_old(examined: Examined, own_valkey: Valkey) -> None:
    with Redis(port=own_valkey.port) as client:
        version = str(client.info("server")["redis_version"])
    words = {b"valkey_version:": b"unknown_server:", f"redis_version:{version}".encode(): b""}
    older = f"redis_version:6.{version.partition('.')[2]}".encode()
    words[f"redis_version:{version}".encode()] = older
    async with rewording(own_valkey.port, words) as port:
        findings = await examined({"REDIS_URL": f"redis://127.0.0.1:{port}"})
    is_(findings["redis: version"], Status.FAIL, "Redis 6.", "needs Redis 7 or Valkey; upgrade the server")
    assert "redis: connection" not in findings


async def test_a_redis_whose_disk_is_full(examined: Examined, tmp_path: Path) -> None:
    with cramped_valkey(tmp_path) as server:
        changed = {"REDIS_URL": f"redis://127.0.0.1:{server.port}"}
        is_((await examined(changed))["redis: persistence"], Status.OK, "append-only file")
        server.leave_room_for(2048)
        await asyncio.to_thread(failed_writes, server)
        findings = await examined(changed)
    is_(
        findings["redis: connection"],
        Status.FAIL,
        "MISCONF Errors writing to the AOF file",
        "make room on the server's",
    )


async def test_a_redis_that_answers_although_its_disk_is_full(examined: Examined, tmp_path: Path) -> None:
    with cramped_valkey(tmp_path) as server:
        async with rewording(server.port, {b"aof_last_write_status:ok": b"aof_last_write_status:er"}) as port:
            findings = await examined({"REDIS_URL": f"redis://127.0.0.1:{port}"})
    is_(findings["redis: persistence"], Status.FAIL, "append-only file cannot be written", "make room")


async def test_a_redis_that_still_loads(examined: Examined) -> None:
    async def loading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer as one does that reads gigabytes after a start."""
        while await reader.read(2**16):
            writer.write(b"-LOADING Redis is loading the dataset in memory\r\n")
        writer.close()

    async with await asyncio.start_server(loading, "127.0.0.1", 0) as server:
        findings = await examined({"REDIS_URL": f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"})
    is_(findings["redis: connection"], Status.FAIL, "loading the dataset", "wait, and ask again")


async def test_a_redis_that_allows_too_little(examined: Examined, own_valkey: Valkey) -> None:
    with Redis(port=own_valkey.port) as client:
        client.acl_setuser("narrow", enabled=True, passwords=["+canary-narrow"], commands=["+ping"])
        findings = await examined({"REDIS_URL": f"redis://narrow:canary-narrow@127.0.0.1:{own_valkey.port}"})
        is_(findings["redis: connection"], Status.FAIL, "no permissions", "ACL SETUSER")
        assert "canary" not in str(findings)


async def test_a_redis_whose_snapshot_failed(examined: Examined, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    server = Valkey(folder, port=free_port())
    server.start()
    try:
        with Redis(port=server.port) as client:
            shutil.rmtree(folder)
            with pytest.raises(ResponseError):
                client.save()
            client.bgsave()
            while client.info("persistence")["rdb_last_bgsave_status"] != "err":
                await asyncio.sleep(0.05)
        findings = await examined({"REDIS_URL": f"redis://127.0.0.1:{server.port}"})
    finally:
        server.stop()
    is_(findings["redis: persistence"], Status.FAIL, "the last snapshot failed", "make room")


async def test_a_redis_with_a_certificate_of_an_unknown_authority(examined: Examined, tmp_path: Path) -> None:
    context, _ = Authority(tmp_path).server("localhost")

    async def never(_: web.Request) -> web.Response:
        raise AssertionError

    async with serving(never, context) as url:
        findings = await examined({"REDIS_URL": url.replace("https://127.0.0.1", "rediss://localhost")})
    is_(findings["redis: connection"], Status.FAIL, "certificate", "set AIOPS_REDIS_CA_FILE")


async def test_sentinels_that_know_no_primary_of_that_name(examined: Examined, tmp_path: Path) -> None:
    with SentinelSite(tmp_path) as site:
        hosts = ",".join(f"127.0.0.1:{port}" for port in site.sentinels)
        password, sentinels = quote(PASSWORD, safe=""), quote(SENTINEL_PASSWORD, safe="")
        url = f"redis+sentinel://:{password}@{hosts}/another/0?sentinel_password={sentinels}"
        findings = await examined({"REDIS_URL": url})
    is_(findings["redis: connection"], Status.FAIL, "no sentinel names a primary 'another'", "SENTINEL MASTERS")


async def test_an_object_store_that_gives_back_something_else(examined: Examined) -> None:
    async def store(request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.Response(
                body=b"from a cache", headers={"ETag": '"1"', "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
            )
        # Several objects are removed by a POST, even where it is only one.
        body = b"<DeleteResult><Deleted><Key>any</Key></Deleted></DeleteResult>" if request.method == "POST" else b""
        return web.Response(body=body, headers={"ETag": '"1"'})

    async with serving(store) as url:
        given = {"AIOPS_OBJECTS_URL": "s3://bucket", "AIOPS_OBJECTS_ENDPOINT": url}
        findings = await examined({**given, "AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "mine"})
    is_(findings["objects: store"], Status.FAIL, "gave back other bytes", "look for a proxy or a cache")


@pytest.mark.parametrize(("size", "status"), [("100m", "FAIL"), ("1000m", "WARN"), ("3g", "OK")])
def test_a_disk_that_is_small(size: str, status: str) -> None:
    asking = shlex.join([sys.executable, "-m", "aiops", "doctor", "--data-dir", "/mnt", "--json"])
    told = on_a_small_disk(size, f"mkdir -m 700 /mnt/secrets; {asking} || true")
    if told is None:
        pytest.skip("this system lets nobody mount a disk of his own")
    (disk,) = [one for one in json.loads(told.stdout)["findings"] if one["check"] == "disk"]
    assert disk["status"] == status
    assert "MiB free" in disk["found"]
