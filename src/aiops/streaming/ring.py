"""The recent past of the stream, encoded once for everybody.

One per replica: up to so many events and bytes, oldest first. A session is a position in it, so a slow socket costs
nobody anything. A position is the count of events ever added, so that "fell out of the ring" is a comparison.
"""

from collections import deque
from uuid import UUID

from msgspec import Struct


class Entry(Struct, frozen=True):
    """One event: what decides who gets it, and the bytes that they get."""

    offset: str
    event_type: str
    cluster_id: UUID | None
    namespace: str | None
    data: bytes


class Ring:
    """Bounded by count and by bytes; empty at the start of each epoch."""

    def __init__(self, epoch: str, *, max_events: int, max_bytes: int) -> None:
        self.epoch = epoch
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self.first = 0  # the position of the oldest entry that is kept
        self.next = 0  # the position that the next entry will get

    def add(self, entry: Entry) -> None:
        """Append; the oldest leave when the bounds are passed."""
        self._entries.append(entry)
        self._bytes += len(entry.data)
        self.next += 1
        while len(self._entries) > self._max_events or (self._bytes > self._max_bytes and len(self._entries) > 1):
            self._bytes -= len(self._entries.popleft().data)
            self.first += 1

    def read(self, position: int, limit: int) -> list[Entry]:
        """Up to `limit` entries from a position that is still kept."""
        start = position - self.first
        return [self._entries[index] for index in range(start, min(start + limit, len(self._entries)))]

    def position_after(self, offset: str) -> int | None:
        """The position behind the entry of this offset; None when the ring does not hold it."""
        for index in range(len(self._entries) - 1, -1, -1):
            if self._entries[index].offset == offset:
                return self.first + index + 1
        return None
