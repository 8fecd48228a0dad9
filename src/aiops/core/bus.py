"""The event bus: one Redis stream that everybody appends to and reads from, and a channel for control messages.

Delivery is at least once and in the order of the stream. The bus may lose its memory (a restart, a failover, a
flush); that is never silent: the epoch changes, and the outbox fills the stream again. It knows nothing of sessions,
filters or the meaning of events.

An offset is a stream entry id (`<milliseconds>-<sequence>`), opaque outside of this file.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import uuid4

import structlog
from msgspec import Struct
from redis.exceptions import ResponseError

from aiops.core.errors import ServiceUnavailable
from aiops.core.message import Message, decode, encode
from aiops.core.redis import RedisConnection
from aiops.core.tasks import attempt

STREAM: Final = "aiops:events"
CONTROL_CHANNEL: Final = "aiops:control:streaming"
BEGINNING: Final = "0-0"
READ_COUNT: Final = 500
# Below the socket timeout, so that a silent connection is told from a quiet stream.
BLOCK_MS: Final = 2000
# A handler that needs longer than this loses its message to another consumer, who does it again.
CLAIM_AFTER_MS: Final = 60_000
CLAIM_EVERY_S: Final = 15.0
# Consumers of replicas that are gone are forgotten once they owe nothing.
FORGET_AFTER_MS: Final = 3_600_000
MAX_TRIES: Final = 5
RETRY_DELAY_S: Final = 0.1
MAX_RETRY_DELAY_S: Final = 5.0
_FIELD: Final = b"m"
# Redis takes shorter forms too, which mean other entries at the two ends of a range.
_OFFSET: Final = re.compile(r"([0-9]{1,20})-([0-9]{1,20})", re.ASCII)
_LARGEST: Final = 2**64 - 1

# Creates the stream and its creation id together, so that losing either is a new epoch. INFO's run_id (Redis
# documentation, INFO command, section "server") is new at each start of the server.
_STATUS: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('XGROUP', 'CREATE', KEYS[1], '_', '$', 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', KEYS[1], '_')
  redis.call('SET', KEYS[2], ARGV[1])
else
  redis.call('SET', KEYS[2], ARGV[1], 'NX')
end
local info = redis.call('XINFO', 'STREAM', KEYS[1])
local stream = {}
for i = 1, #info, 2 do stream[info[i]] = info[i + 1] end
local first = stream['first-entry'] and stream['first-entry'][1] or ''
return {
  string.match(redis.call('INFO', 'server'), 'run_id:(%w+)'), redis.call('GET', KEYS[2]),
  stream['length'], stream['entries-added'], first, stream['last-generated-id'],
}
"""

_log = structlog.get_logger("aiops.bus")

Handler = Callable[[Message], Awaitable[None]]
# Offset and fields, as RESP 2 gives them; a trimmed entry that is still owed has no fields.
_Entry = tuple[bytes, dict[bytes, bytes] | None]


class Delivery(Struct, frozen=True):
    """One entry of the stream; `data` is the message as JSON."""

    offset: str
    epoch: str
    data: bytes

    @property
    def message(self) -> Message:
        """The message, decoded anew at each call."""
        return decode(self.data)


class EpochChanged(Struct, frozen=True):
    """Entries may have been lost. What follows may repeat what was delivered before, and fills what was lost."""

    epoch: str


class Gap(Struct, frozen=True):
    """The reader was so late that entries after `after` may have been trimmed before it saw them."""

    epoch: str
    after: str


class Status(Struct, frozen=True):
    """What the stream holds. `first` is null when it is empty; `trimmed` whether any entry ever left it."""

    epoch: str
    first: str | None
    last: str
    trimmed: bool

    def lost_after(self, offset: str) -> bool:
        """Whether entries later than `offset` may have been trimmed away."""
        if not self.trimmed:
            return False
        if self.first is None:
            return order(offset) < order(self.last)
        return order(offset) < order(self.first)


def order(offset: str) -> tuple[int, int]:
    """A key by which offsets of one epoch sort. Raises `ValueError` when it is no offset."""
    match = _OFFSET.fullmatch(offset)
    if match is None or max(key := (int(match[1]), int(match[2]))) > _LARGEST:
        raise ValueError(f"{offset[:40]!r} is no offset of a stream")
    return key


class Bus:
    """The stream over one Redis. `max_entries` is about how many entries are kept."""

    def __init__(self, redis: RedisConnection, *, stream: str = STREAM, max_entries: int = 100_000) -> None:
        self._redis = redis
        self._stream = stream
        self._created = f"{stream}:created"
        self._max_entries = max_entries

    async def append(self, messages: Sequence[Message]) -> list[str]:
        """Append in order, all or nothing; the offsets. Raises `ServiceUnavailable`: then it may have happened."""
        if not messages:
            return []
        with self._redis.use() as client:
            # The stream is never born by an append alone: its creation id comes with it.
            pipeline = client.pipeline(transaction=True)
            self._eval_status(pipeline)
            for message in messages:
                pipeline.xadd(self._stream, {_FIELD: encode(message)}, maxlen=self._max_entries, approximate=True)
            answers = await pipeline.execute()
        return [offset.decode() for offset in answers[1:]]

    async def status(self) -> Status:
        """What the stream holds now; creates it when there is none."""
        with self._redis.use() as client:
            run_id, created, length, added, first, last = await self._eval_status(client)
        return Status(
            epoch=f"{run_id.decode()}.{created.decode()}",
            first=first.decode() or None,
            last=last.decode(),
            trimmed=added > length,
        )

    async def epoch(self) -> str:
        """Changes whenever entries may have been lost: the server's run id and the stream's creation id."""
        return (await self.status()).epoch

    async def trimmed(self, after: str) -> bool:
        """Whether entries later than the offset may be gone, so that reading on from it would skip some."""
        return (await self.status()).lost_after(after)

    def _eval_status(self, client: Any) -> Any:
        return client.eval(_STATUS, 2, self._stream, self._created, uuid4().hex)

    async def range(self, after: str, *, before: str | None = None, limit: int = READ_COUNT) -> list[Delivery]:
        """At most `limit` entries later than `after` and, where given, earlier than `before`; oldest first."""
        epoch = await self.epoch()
        with self._redis.use() as client:
            entries: Any = await client.xrange(
                self._stream, min=f"({after}", max="+" if before is None else f"({before}", count=limit
            )
        return [Delivery(offset.decode(), epoch, fields[_FIELD]) for offset, fields in entries]

    async def tail(self, after: str | None = None) -> AsyncIterator[Delivery | EpochChanged | Gap]:
        """Every entry later than `after` (null: from now on), for ever; reconnects by itself.

        When the epoch changes, `EpochChanged` comes first and then everything of the new epoch that this reader
        cannot be sure to have seen.
        """
        delay_s = RETRY_DELAY_S
        position: tuple[str, str] | None = None
        while True:
            try:
                if position is None:
                    status = await self.status()
                    position = status.epoch, status.last if after is None else after
                items, position = await self._read_on(*position)
                delay_s = RETRY_DELAY_S
            except ServiceUnavailable as error:
                _log.warning("the event stream is away, trying again", reason=error.message)
                await asyncio.sleep(delay_s * random.uniform(0.75, 1.0))  # noqa: S311 - spreads reconnects
                delay_s = min(MAX_RETRY_DELAY_S, delay_s * 2)
                continue
            for item in items:
                yield item

    async def _read_on(self, epoch: str, cursor: str) -> tuple[list[Delivery | EpochChanged | Gap], tuple[str, str]]:
        """What comes next after the cursor, and where to go on."""
        with self._redis.use() as client:
            answer: Any = await client.xread({self._stream: cursor}, count=READ_COUNT, block=BLOCK_MS)
        # Asked after reading: an epoch that is still the same now was the same then, as none ever comes back.
        status = await self.status()
        if status.epoch != epoch:
            return [EpochChanged(status.epoch)], (
                status.epoch,
                await self._resume(epoch, status.epoch, cursor),
            )
        entries = answer[0][1] if answer else []
        items: list[Delivery | EpochChanged | Gap] = [
            Delivery(offset.decode(), epoch, fields[_FIELD]) for offset, fields in entries
        ]
        if entries and status.lost_after(cursor):
            items.insert(0, Gap(epoch, cursor))
        return items, (epoch, entries[-1][0].decode() if entries else cursor)

    async def _resume(self, old: str, new: str, cursor: str) -> str:
        """Where reading goes on in a new epoch: at the cursor if its entry survived, else at the beginning."""
        if old.partition(".")[2] != new.partition(".")[2]:
            return BEGINNING
        with self._redis.use() as client:
            survived = await client.xrange(self._stream, min=cursor, max=cursor, count=1)
        return cursor if survived else BEGINNING

    async def consume(self, group: str, consumer: str, handler: Handler) -> None:
        """Hand every message to the handler, at least once per group, for ever. Runs as a supervised task.

        A message is acknowledged when the handler returns. A handler that finds a store away is tried again without
        end; one that fails otherwise is tried `MAX_TRIES` times, then the message is logged and passed over.
        `consumer` must be the replica's own name; what a dead replica left is taken over after a minute.
        """
        loop = asyncio.get_running_loop()
        await self._create_group(group)
        pending: str | None = BEGINNING
        claim_at = 0.0
        while True:
            try:
                if pending is not None:
                    entries = await self._read_group(group, consumer, pending)
                    pending = entries[-1][0].decode() if entries else None
                elif loop.time() >= claim_at:
                    entries = await self._claim(group, consumer)
                    claim_at = loop.time() + (0 if entries else CLAIM_EVERY_S)
                else:
                    entries = await self._read_group(group, consumer, ">")
            except ResponseError as error:
                if not str(error).startswith("NOGROUP"):
                    raise
                await self._create_group(group)
                continue
            for offset, fields in entries:
                await self._handle(group, offset.decode(), fields, handler)

    async def _create_group(self, group: str) -> None:
        await self.status()
        with self._redis.use() as client:
            try:
                await client.xgroup_create(self._stream, group, id="0", mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise

    async def _read_group(self, group: str, consumer: str, after: str) -> list[_Entry]:
        with self._redis.use() as client:
            answer: Any = await client.xreadgroup(group, consumer, {self._stream: after}, count=50, block=BLOCK_MS)
        return list(answer[0][1]) if answer else []

    async def _claim(self, group: str, consumer: str) -> list[_Entry]:
        """Take over what consumers that went away left behind, and forget those who owe nothing."""
        with self._redis.use() as client:
            answer: Any = await client.xautoclaim(
                self._stream, group, consumer, min_idle_time=CLAIM_AFTER_MS, start_id=BEGINNING, count=50
            )
            for other in await client.xinfo_consumers(self._stream, group):
                if other["pending"] == 0 and other["idle"] > FORGET_AFTER_MS:
                    await client.xgroup_delconsumer(self._stream, group, other["name"])
        for offset in answer[2]:
            _log.error("an event was trimmed before its consumer had done it", group=group, offset=offset.decode())
        return list(answer[1])

    async def _handle(self, group: str, offset: str, fields: dict[bytes, bytes] | None, handler: Handler) -> None:
        if not fields:
            _log.error("an event was trimmed before its consumer had done it", group=group, offset=offset)
        else:
            await self._try_handler(group, offset, fields[_FIELD], handler)
        with self._redis.use() as client:
            await client.xack(self._stream, group, offset)

    async def _try_handler(self, group: str, offset: str, data: bytes, handler: Handler) -> None:
        async def run() -> None:
            await handler(decode(data))

        tries, delay_s = 0, RETRY_DELAY_S
        while (error := await attempt(run)) is not None:
            if not isinstance(error, ServiceUnavailable):
                tries += 1
            if tries >= MAX_TRIES:
                _log.error("an event cannot be handled, passing over it", group=group, offset=offset, exc_info=error)
                return
            _log.warning("handling an event failed, trying again", group=group, offset=offset, reason=str(error))
            await asyncio.sleep(delay_s)
            delay_s = min(MAX_RETRY_DELAY_S, delay_s * 2)

    async def announce(self, channel: str, data: bytes) -> None:
        """Tell everybody who listens right now. Nothing is kept: who is away does not hear it."""
        with self._redis.use() as client:
            await client.publish(channel, data)

    async def listen(self, channel: str) -> AsyncIterator[bytes]:
        """What is announced on the channel, for ever; reconnects by itself, deaf in between."""
        delay_s = RETRY_DELAY_S
        while True:
            try:
                with self._redis.use() as client:
                    async with client.pubsub(ignore_subscribe_messages=True) as subscription:
                        await subscription.subscribe(channel)
                        while True:
                            said = await subscription.get_message(timeout=BLOCK_MS / 1000)
                            delay_s = RETRY_DELAY_S
                            if said is not None:
                                yield said["data"]
            except ServiceUnavailable as error:
                _log.warning("the control channel is away, trying again", channel=channel, reason=error.message)
                await asyncio.sleep(delay_s)
                delay_s = min(MAX_RETRY_DELAY_S, delay_s * 2)
