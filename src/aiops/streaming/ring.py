"""The recent past of the stream, encoded once for everybody.

One per replica and per unbroken stretch of the stream: up to so many events and bytes, oldest first, with an
index by type and by cluster, so that a reader of few things skips the rest unseen. A session is a position in it,
so a slow socket costs nobody anything. A position is the count of events ever added; "left the ring" is a
comparison. It reads nothing and knows no session.
"""

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct

Order = tuple[int, int]
_COMPACT_AT: Final = 1024
_MAX_SEQUENCE: Final = 2**64 - 1


class Entry(Struct, frozen=True):
    """One event: what decides who gets it, and the text that they get. `order` sorts offsets of one epoch."""

    order: Order
    offset: str
    event_type: str
    cluster_id: UUID | None
    namespace: str | None
    at: float
    text: str
    size: int


class _Positions:
    """Ascending positions; the oldest leave in front."""

    def __init__(self) -> None:
        self._items: list[int] = []
        self._head = 0

    def __len__(self) -> int:
        return len(self._items) - self._head

    def add(self, position: int) -> None:
        self._items.append(position)

    def drop_first(self) -> None:
        self._head += 1
        if self._head >= _COMPACT_AT and self._head * 2 >= len(self._items):
            del self._items[: self._head]
            self._head = 0

    def start(self, position: int) -> int:
        return bisect_left(self._items, position, self._head)

    def count_from(self, position: int) -> int:
        return len(self._items) - self.start(position)

    def from_position(self, position: int) -> list[int]:
        return self._items[self.start(position) :]


class Ring:
    """Bounded by count and by bytes.

    Holds everything later than `floor`. Null means that nobody knows yet from where on the ring is whole: then
    its first entry says. `start` is the offset after which reading began.
    """

    def __init__(self, epoch: str, start: str, *, floor: Order | None, max_events: int, max_bytes: int) -> None:
        self.epoch = epoch
        self.floor = floor
        self._start = start
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._entries: list[Entry] = []
        self._head = 0
        self._by_type: dict[Hashable, _Positions] = {}
        self._by_cluster: dict[Hashable, _Positions] = {}
        self.bytes = 0
        self.first = 0  # the position of the oldest entry that is kept
        self.next = 0  # the position that the next entry will get

    def __len__(self) -> int:
        return self.next - self.first

    @property
    def last(self) -> Order | None:
        """The order of the newest entry; null when there is none."""
        return self._entries[-1].order if len(self) else None

    @property
    def last_offset(self) -> str:
        """The offset of the newest entry, or of what came before the first."""
        return self._entries[-1].offset if len(self) else self._start

    def offset_before(self, position: int) -> str:
        """The offset after which the entry at this position comes."""
        return self._start if position <= self.first else self._entry(position - 1).offset

    def covers(self, order: Order) -> bool:
        """Whether nothing later than `order` is missing here, as far as this replica has read."""
        return self.floor is not None and order >= self.floor

    def add(self, entry: Entry) -> None:
        """Append; the oldest leave when a bound is passed, though never the newest."""
        if self.floor is None:
            self.floor = _just_before(entry.order)
        self._by_type.setdefault(entry.event_type, _Positions()).add(self.next)
        self._by_cluster.setdefault(entry.cluster_id, _Positions()).add(self.next)
        self._entries.append(entry)
        self.bytes += entry.size
        self.next += 1
        while len(self) > self._max_events or (self.bytes > self._max_bytes and len(self) > 1):
            self._drop_first()

    def position_after(self, order: Order) -> int:
        """The position of the first entry later than `order`, which must not be before the floor."""
        return (
            self.first
            + bisect_left(self._entries, (order[0], order[1] + 1), self._head, key=lambda entry: entry.order)
            - self._head
        )

    def read(
        self,
        position: int,
        limit: int,
        types: frozenset[str] | None = None,
        clusters: frozenset[UUID] | None = None,
    ) -> tuple[list[Entry], int]:
        """Up to `limit` entries of these types and clusters (null: any), and where to read on.

        `position` must not be before `first`. An entry without a cluster is of none.
        """
        found: list[Entry] = []
        for candidate in self._candidates(position, types, clusters):
            entry = self._entry(candidate)
            if types is not None and entry.event_type not in types:
                continue
            if clusters is not None and (entry.cluster_id is None or entry.cluster_id not in clusters):
                continue
            found.append(entry)
            if len(found) == limit:
                return found, candidate + 1
        return found, self.next

    def _candidates(
        self, position: int, types: frozenset[str] | None, clusters: frozenset[UUID] | None
    ) -> Sequence[int]:
        """Positions among which all wanted ones are: whichever index leaves the fewest."""
        best: Sequence[int] = range(position, self.next)
        for wanted, index in ((types, self._by_type), (clusters, self._by_cluster)):
            if wanted is None:
                continue
            lists = [index[key] for key in _common(wanted, index)]
            if sum(positions.count_from(position) for positions in lists) < len(best):
                best = sorted(item for positions in lists for item in positions.from_position(position))
        return best

    def _entry(self, position: int) -> Entry:
        return self._entries[self._head + position - self.first]

    def _drop_first(self) -> None:
        entry = self._entries[self._head]
        for index, key in ((self._by_type, entry.event_type), (self._by_cluster, entry.cluster_id)):
            index[key].drop_first()
            if not index[key]:
                del index[key]
        self.bytes -= entry.size
        self.floor, self._start = entry.order, entry.offset
        self.first += 1
        self._head += 1
        if self._head >= _COMPACT_AT and self._head * 2 >= len(self._entries):
            del self._entries[: self._head]
            self._head = 0


def _common(wanted: frozenset[str] | frozenset[UUID], index: dict[Hashable, _Positions]) -> Iterable[Hashable]:
    if len(wanted) <= len(index):
        return [key for key in wanted if key in index]
    return [key for key in index if key in wanted]


def _just_before(order: Order) -> Order:
    milliseconds, sequence = order
    return (milliseconds, sequence - 1) if sequence else (milliseconds - 1, _MAX_SEQUENCE)
