"""Redis behind Sentinel: the client finds the primary, follows it when it moves, and says what it cannot use."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from aiops.core.bus import BEGINNING, Bus, Delivery, EpochChanged, Gap
from aiops.core.errors import ServiceUnavailable
from aiops.core.redis import RedisConnection
from aiops.core.sentinel_url import SENTINEL_SCHEME, parse_sentinel_url
from tests.servers.sentinel import MASTER, PASSWORD, SENTINEL_PASSWORD, SentinelSite
from tests.servers.waiting import eventually, until
from tests.unit.core.events import a_message, number_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SentinelSite]:
    with SentinelSite(tmp_path) as running:
        yield running


def url_of(
    site: SentinelSite, *, password: str = PASSWORD, sentinel: str = SENTINEL_PASSWORD, name: str = MASTER
) -> str:
    hosts = ",".join(f"127.0.0.1:{port}" for port in site.sentinels)
    asked = f"sentinel_password={quote(sentinel, safe='')}"
    return f"{SENTINEL_SCHEME}:{quote(password, safe='')}@{hosts}/{name}/0?{asked}"


def connected(site: SentinelSite, **mistaken: str) -> RedisConnection:
    return RedisConnection(url_of(site, **mistaken), client_name="test of sentinel", max_connections=8)


@asynccontextmanager
async def tailing(bus: Bus) -> AsyncIterator[list[Delivery | EpochChanged | Gap]]:
    items: list[Delivery | EpochChanged | Gap] = []

    async def read() -> None:
        async with aclosing(bus.tail(BEGINNING)) as stream:  # type: ignore[type-var] # an async generator in fact
            async for item in stream:
                items.append(item)  # noqa: PERF401 - it never ends, and each is looked at when it comes

    task = asyncio.create_task(read())
    try:
        yield items
    finally:
        task.cancel()
        await asyncio.wait({task})


async def works(redis: RedisConnection) -> bool:
    try:
        with redis.use() as client:
            await client.set("written", "after")
    except ServiceUnavailable:
        return False
    return True


async def test_a_killed_primary_is_followed_without_a_restart_and_the_bus_goes_on(site: SentinelSite) -> None:
    first = site.servers[0]
    async with connected(site) as redis:
        bus = Bus(redis)
        async with tailing(bus) as items:
            await bus.append([a_message(1)])
            before = await bus.epoch()
            await eventually(lambda: _seen(items, 1), what="the reader reads")
            site.processes[first].kill()
            with pytest.raises(ServiceUnavailable, match="Redis is away"):
                await redis.check()
            await eventually(lambda: works(redis), what="the client writes again", timeout_s=30)
            assert site.primary() == site.servers[1]
            await bus.append([a_message(2)])
            await eventually(lambda: _seen(items, 2), what="the reader goes on", timeout_s=30)
            assert await bus.epoch() != before
            assert any(isinstance(item, EpochChanged) for item in items)


async def _seen(items: list[Delivery | EpochChanged | Gap], number: int) -> bool:
    return any(isinstance(item, Delivery) and number_of(item.message) == number for item in items)


async def test_a_demoted_primary_is_left_although_it_still_answers(site: SentinelSite) -> None:
    async with connected(site) as redis:
        assert await works(redis)
        with site.client(site.sentinels[0]) as sentinel:
            sentinel.execute_command("SENTINEL FAILOVER", MASTER)
        until(lambda: site.primary() == site.servers[1], what="the sentinels name the other one")
        await eventually(lambda: works(redis), what="the client writes again", timeout_s=30)
        with redis.use() as client:
            assert (await client.info("replication"))["role"] == "master"
            assert await client.get("written") == b"after"


async def test_one_sentinel_of_three_is_enough_to_connect(site: SentinelSite) -> None:
    for port in site.sentinels[:2]:
        site.processes[port].kill()
    async with connected(site) as redis:
        await redis.check()


async def test_a_pool_behind_sentinel_is_bounded_and_waits(site: SentinelSite) -> None:
    async with connected(site) as redis:
        with redis.use() as client:
            await asyncio.gather(*(client.blpop([f"empty{n}"], timeout=0.2) for n in range(24)))
            mine = [one for one in await client.client_list() if one["name"] == "test-of-sentinel"]
        assert 1 < len(mine) <= 8


async def test_a_cancelled_command_ends_and_spoils_no_connection(site: SentinelSite) -> None:
    async with connected(site) as redis:
        with redis.use() as client:
            waiting = asyncio.ensure_future(client.blpop(["empty"], timeout=4))
            await eventually(lambda: _blocked(client), what="the command waits")
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert await client.echo("again") == b"again"


async def _blocked(client: object) -> bool:
    return bool((await client.info("clients"))["blocked_clients"])  # type: ignore[attr-defined] # redis.asyncio's client


@pytest.mark.parametrize(
    ("mistaken", "reason"),
    [
        ({"name": "other"}, r"no sentinel names a primary 'other'; 127.0.0.1:\d+: it watches no such primary"),
        ({"sentinel": "wrong-canary"}, "invalid username-password pair"),
        ({"password": "wrong-canary"}, "invalid username-password pair"),
    ],
)
async def test_what_is_wrong_is_said_without_a_password(
    site: SentinelSite, mistaken: dict[str, str], reason: str
) -> None:
    async with connected(site, **mistaken) as redis:
        with pytest.raises(ServiceUnavailable, match=reason) as told:
            await redis.check()
    assert "canary" not in str(told.value)
    assert PASSWORD not in str(told.value)


def test_a_url_says_everything() -> None:
    url = parse_sentinel_url(
        "redis+sentinel://me:p%40ss@[::1]:1,two/primary/3?tls=true&sentinel_username=you&sentinel_password=a+b%26"
    )
    assert url.hosts == (("::1", 1), ("two", 26379))
    assert (url.master, url.db, url.tls) == ("primary", 3, True)
    assert (url.username, url.password) == ("me", "p@ss")
    assert (url.sentinel_username, url.sentinel_password) == ("you", "a+b&")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("host:26379", "names no primary"),
        ("host:26379/", "names no primary"),
        ("/primary", "a sentinel without a name"),
        ("one,,two/primary", "a sentinel without a name"),
        ("::1/primary", "IPv6 address without"),
        ("host:0/primary", "port of sentinel host is no port"),
        ("host:many/primary", "is no port: 'many'"),
        ("host/primary/first", "database must be a number, not 'first'"),
        ("host/primary?tls=yes", "tls must be true or false"),
        ("host/primary?password=canary", "no option 'password'; with Sentinel there are sentinel_username"),
        (":can/ary@host/primary", "percent-encoded"),
        (":can#ary@host/primary", "percent-encoded"),
        (":can?ary@host/primary", "percent-encoded"),
    ],
)
def test_a_mistake_in_the_url_is_named(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as told:
        RedisConnection(SENTINEL_SCHEME + url, client_name="test")
    assert "canary" not in str(told.value)
    assert "ary@" not in str(told.value)
