"""The event bus: order, resumption, and what its readers are told when it loses its memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import pytest

from aiops.core import bus as bus_module
from aiops.core.bus import BEGINNING, Bus, Delivery, EpochChanged, Gap
from aiops.core.errors import ServiceUnavailable
from aiops.core.message import Message
from aiops.core.redis import RedisConnection
from tests.unit.core.events import a_message, number_of
from tests.unit.core.killable import Valkey

pytestmark = pytest.mark.anyio

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
Item = Delivery | EpochChanged | Gap


@pytest.fixture
def bus(redis: RedisConnection) -> Bus:
    return Bus(redis)


@asynccontextmanager
async def tailing(bus: Bus, after: str | None) -> AsyncIterator[asyncio.Queue[Item]]:
    """The items of a reader that is surely reading when the block begins, where it reads from now on."""
    items: asyncio.Queue[Item] = asyncio.Queue()
    reading = asyncio.Event()
    status = bus.status

    async def noted() -> bus_module.Status:
        try:
            return await status()
        finally:
            reading.set()

    bus.status = noted  # type: ignore[method-assign]

    async def read() -> None:
        async with aclosing(bus.tail(after)) as stream:  # type: ignore[type-var]
            async for item in stream:
                await items.put(item)

    task = asyncio.create_task(read())
    try:
        await reading.wait()
        yield items
    finally:
        task.cancel()
        await asyncio.wait({task})


async def take(items: asyncio.Queue[Item], count: int) -> list[Item]:
    async with asyncio.timeout(20):
        return [await items.get() for _ in range(count)]


def numbers(items: list[Item]) -> list[int]:
    return [number_of(item.message) for item in items if isinstance(item, Delivery)]


async def test_a_message_arrives_as_it_was_sent(bus: Bus) -> None:
    sent = a_message(7)
    (offset,) = await bus.append([sent])
    (found,) = await bus.range(BEGINNING)
    assert (found.offset, found.epoch, found.message) == (offset, await bus.epoch(), sent)


async def test_offsets_grow_in_the_order_of_appending(bus: Bus) -> None:
    offsets = await bus.append([a_message(n) for n in range(50)])
    assert offsets == sorted(offsets, key=bus_module.order)
    assert numbers(list(await bus.range(BEGINNING))) == list(range(50))


async def test_a_range_lies_strictly_between_its_ends(bus: Bus) -> None:
    offsets = await bus.append([a_message(n) for n in range(5)])
    assert numbers(list(await bus.range(offsets[0], before=offsets[4]))) == [1, 2, 3]
    assert numbers(list(await bus.range(offsets[0], limit=2))) == [1, 2]


async def test_a_reader_gets_what_came_after_its_offset_and_then_what_comes(bus: Bus) -> None:
    offsets = await bus.append([a_message(n) for n in range(3)])
    async with tailing(bus, offsets[0]) as items:
        assert numbers(await take(items, 2)) == [1, 2]
        await bus.append([a_message(3)])
        assert numbers(await take(items, 1)) == [3]


async def test_a_reader_from_now_on_misses_nothing_between_its_reads(bus: Bus) -> None:
    await bus.append([a_message(-1)])
    async with tailing(bus, None) as items:
        for n in range(100):
            await bus.append([a_message(n)])
        assert numbers(await take(items, 100)) == list(range(100))


async def test_a_reader_of_a_stream_that_does_not_exist_yet_misses_nothing(bus: Bus) -> None:
    async with tailing(bus, None) as items:
        await bus.append([a_message(1)])
        assert numbers(await take(items, 1)) == [1]


async def test_the_epoch_stays_while_nothing_is_lost(bus: Bus) -> None:
    before = await bus.epoch()
    await bus.append([a_message()])
    assert await bus.epoch() == before


@pytest.mark.parametrize(
    "lost", [("aiops:events",), ("aiops:events:created",), ("aiops:events", "aiops:events:created")]
)
async def test_the_epoch_changes_with_the_loss_of_the_stream(
    bus: Bus, redis: RedisConnection, lost: tuple[str, ...]
) -> None:
    before = await bus.epoch()
    with redis.use() as client:
        await client.delete(*lost)
    assert await bus.epoch() != before


async def test_a_flush_is_told_and_the_new_stream_is_read_from_its_start(bus: Bus, redis: RedisConnection) -> None:
    async with tailing(bus, None) as items:
        await bus.append([a_message(1)])
        await take(items, 1)
        with redis.use() as client:
            await client.flushall()
        await bus.append([a_message(2)])
        changed, delivery = await take(items, 2)
    assert isinstance(changed, EpochChanged)
    assert isinstance(delivery, Delivery)
    assert number_of(delivery.message) == 2
    assert delivery.epoch == changed.epoch == await bus.epoch()


async def test_a_reader_survives_a_killed_server(bus: Bus, valkey: Valkey) -> None:
    async with tailing(bus, None) as items:
        await bus.append([a_message(1)])
        await take(items, 1)
        valkey.kill()
        with pytest.raises(ServiceUnavailable, match="Redis is away"):
            await bus.append([a_message(2)])
        valkey.start()
        await bus.append([a_message(3)])
        changed, delivery = await take(items, 2)
    assert isinstance(changed, EpochChanged)
    assert numbers([delivery]) == [3]


async def test_where_the_entry_survived_reading_goes_on_behind_it(bus: Bus) -> None:
    offsets = await bus.append([a_message(n) for n in range(3)])
    epoch = await bus.epoch()
    restarted = "another-run." + epoch.partition(".")[2]
    assert await bus._resume(epoch, restarted, offsets[1]) == offsets[1]  # noqa: SLF001 - needs a server that keeps
    assert await bus._resume(epoch, restarted, "99-0") == BEGINNING  # noqa: SLF001 - as above


async def test_an_offset_is_trimmed_when_later_entries_may_be_gone(redis: RedisConnection) -> None:
    bus = Bus(redis, max_entries=10)
    assert not await bus.trimmed(BEGINNING)
    offsets = await bus.append([a_message(n) for n in range(5)])
    assert not await bus.trimmed(BEGINNING)
    offsets += await bus.append([a_message(n) for n in range(500)])
    assert await bus.trimmed(BEGINNING)
    assert await bus.trimmed(offsets[0])
    assert not await bus.trimmed(offsets[-1])


async def test_a_reader_that_comes_too_late_is_told(redis: RedisConnection) -> None:
    bus = Bus(redis, max_entries=10)
    offsets = await bus.append([a_message(n) for n in range(1000)])
    async with tailing(bus, offsets[0]) as items:
        gap, first = await take(items, 2)
    assert gap == Gap(await bus.epoch(), offsets[0])
    assert numbers([first])[0] > 1


async def test_every_group_gets_every_message_once_while_all_goes_well(bus: Bus, eventually: Eventually) -> None:
    got: dict[str, list[int]] = {"a": [], "b": []}

    def handler(group: str) -> Callable[[Message], Awaitable[None]]:
        async def handle(message: Message) -> None:
            got[group].append(number_of(message))

        return handle

    await bus.append([a_message(n) for n in range(3)])
    consumers = [asyncio.create_task(bus.consume(group, "one", handler(group))) for group in got]
    await bus.append([a_message(n) for n in range(3, 6)])

    async def done() -> bool:
        return all(len(numbers) >= 6 for numbers in got.values())

    await eventually(done)
    for consumer in consumers:
        consumer.cancel()
    await asyncio.wait(consumers)
    assert got == {"a": list(range(6)), "b": list(range(6))}


async def test_a_consumer_that_died_in_the_middle_gets_its_message_again(bus: Bus, eventually: Eventually) -> None:
    await bus.append([a_message(n) for n in range(3)])
    reached = asyncio.Event()

    async def hang(_: Message) -> None:
        reached.set()
        await asyncio.Event().wait()

    first = asyncio.create_task(bus.consume("group", "one", hang))
    await reached.wait()
    first.cancel()
    await asyncio.wait({first})
    await consumed(bus, "one", [0, 1, 2], eventually)


async def test_what_a_dead_consumer_left_is_taken_over(
    bus: Bus, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bus.append([a_message(n) for n in range(3)])
    reached = asyncio.Event()

    async def hang(_: Message) -> None:
        reached.set()
        await asyncio.Event().wait()

    first = asyncio.create_task(bus.consume("group", "dead", hang))
    await reached.wait()
    first.cancel()
    await asyncio.wait({first})
    monkeypatch.setattr(bus_module, "CLAIM_AFTER_MS", 1)
    monkeypatch.setattr(bus_module, "CLAIM_EVERY_S", 0.05)
    await consumed(bus, "other", [0, 1, 2], eventually)


async def consumed(bus: Bus, consumer: str, expected: list[int], eventually: Eventually) -> None:
    got: list[int] = []

    async def handle(message: Message) -> None:
        got.append(number_of(message))

    async def done() -> bool:
        return len(got) >= len(expected)

    task = asyncio.create_task(bus.consume("group", consumer, handle))
    await eventually(done)
    task.cancel()
    await asyncio.wait({task})
    assert got == expected


async def test_a_message_that_cannot_be_handled_is_passed_over_after_some_tries(
    bus: Bus, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "RETRY_DELAY_S", 0.001)
    await bus.append([a_message(n) for n in range(2)])
    tries: list[int] = []

    async def handle(message: Message) -> None:
        tries.append(number_of(message))
        if number_of(message) == 0:
            raise ValueError("poison")

    async def done() -> bool:
        return 1 in tries

    task = asyncio.create_task(bus.consume("group", "one", handle))
    await eventually(done)
    task.cancel()
    await asyncio.wait({task})
    assert tries == [0] * bus_module.MAX_TRIES + [1]


async def test_a_message_waits_for_a_store_as_long_as_it_takes(
    bus: Bus, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "RETRY_DELAY_S", 0.001)
    monkeypatch.setattr(bus_module, "MAX_RETRY_DELAY_S", 0.001)
    await bus.append([a_message(1)])
    tries = 0

    async def handle(_: Message) -> None:
        nonlocal tries
        tries += 1
        if tries <= 3 * bus_module.MAX_TRIES:
            raise ServiceUnavailable("the database is away")

    async def done() -> bool:
        return tries > 3 * bus_module.MAX_TRIES

    task = asyncio.create_task(bus.consume("group", "one", handle))
    await eventually(done)
    task.cancel()
    await asyncio.wait({task})


async def test_a_group_outlives_the_loss_of_its_stream(
    bus: Bus, redis: RedisConnection, eventually: Eventually
) -> None:
    got: list[int] = []

    async def handle(message: Message) -> None:
        got.append(number_of(message))

    async def first() -> bool:
        return got == [1]

    async def second() -> bool:
        return got == [1, 2]

    task = asyncio.create_task(bus.consume("group", "one", handle))
    await bus.append([a_message(1)])
    await eventually(first)
    with redis.use() as client:
        await client.flushall()
    await bus.append([a_message(2)])
    await eventually(second)
    task.cancel()
    await asyncio.wait({task})


async def test_an_announcement_reaches_those_who_listen_also_after_a_restart(bus: Bus, valkey: Valkey) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def listen() -> None:
        async with aclosing(bus.listen("channel")) as announcements:  # type: ignore[type-var]
            async for said in announcements:
                await heard.put(said)

    async def announce_until_heard(word: bytes) -> None:
        async with asyncio.timeout(20):
            while heard.empty():
                await bus.announce("channel", word)
                await asyncio.sleep(0.01)
            while await heard.get() != word:
                pass

    task = asyncio.create_task(listen())
    await announce_until_heard(b"one")
    valkey.kill()
    valkey.start()
    while not heard.empty():
        heard.get_nowait()
    await announce_until_heard(b"two")
    task.cancel()
    await asyncio.wait({task})


async def test_a_server_that_is_away_fails_the_check(tmp_path: str) -> None:
    async with RedisConnection(f"unix://{tmp_path}/none", client_name="test") as redis:
        with pytest.raises(ServiceUnavailable, match="Redis is away"):
            await redis.check()


async def test_a_caller_that_is_cancelled_ends_wherever_it_is(redis: RedisConnection) -> None:
    async def ask_for_ever() -> None:
        with redis.use() as client:
            while True:
                await client.ping()

    with redis.use() as client:
        await client.ping()
    for steps in range(1, 12):
        task = asyncio.create_task(ask_for_ever())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait({task})
        assert task.cancelled()
        with redis.use() as client:
            assert await client.echo(str(steps)) == str(steps).encode()


def test_a_url_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="Redis URL"):
        RedisConnection("http://localhost", client_name="test")
