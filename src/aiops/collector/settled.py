"""Members' answers about a past that no longer changes, kept in memory for a while.

A report, a baseline, or the third person who looks at last night's incident asks what was asked before. Kept is only
what a member answered wholly and without a word of warning, to a question that ends before the newest minutes and
reaches behind its end nowhere. What is kept belongs to one cluster and one credential; whose question it may serve is
decided, as always, by who is asked at all.
"""

import re
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final
from uuid import UUID

from msgspec import Struct

from aiops.collector.meters import Meters
from aiops.core.clock import Clock
from aiops.ports.registry import Endpoint
from aiops.promql.engine import Grid

# Samples arrive late: by remote write, from rules, and out of order.
NEWEST_MS: Final = 10 * 60 * 1000
# Series may be deleted, and blocks be filled in afterwards.
KEEP_S: Final = 300.0
# `@` and an offset that is no plain duration may read behind the end; a comment may stand between the two words.
_BEYOND: Final = re.compile(r"@|#|offset(?!\s+\d)", re.IGNORECASE)
# What an entry takes beside its answer and its query, about.
_ENTRY_BYTES: Final = 1024


class Answered(Struct, frozen=True):
    """What an answer depends on. How long somebody would wait for it makes no difference to what is there."""

    cluster_id: UUID
    credential_version: int
    endpoint: Endpoint | None
    query: str
    grid: Grid


class SettledAnswers:
    """At most `max_bytes` of answers, the ones longest unused leave first; none at all where it is 0."""

    def __init__(
        self, max_bytes: int, clock: Clock, meters: Meters, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._meters = meters
        self._monotonic = monotonic
        self._kept: OrderedDict[Answered, tuple[bytes, float]] = OrderedDict()
        self._bytes = 0

    def admits(self, asked: Answered) -> bool:
        """Whether the answer to this can no longer change."""
        newest_ms = self._clock().timestamp() * 1000 - NEWEST_MS
        return self._max_bytes > 0 and asked.grid.end_ms <= newest_ms and _BEYOND.search(asked.query) is None

    def get(self, asked: Answered) -> bytes | None:
        """What was answered before; null where nothing is kept any more. Being read makes nothing last longer."""
        found = self._kept.get(asked)
        if found is not None and found[1] <= self._monotonic():
            self._drop(asked)
            found = None
        self._meters.looked_up(hit=found is not None)
        if found is None:
            return None
        self._kept.move_to_end(asked)
        return found[0]

    def put(self, asked: Answered, body: bytes) -> None:
        """Keep a whole answer; one that would fill a quarter of the room is not worth what it drives out."""
        size = _size(asked, body)
        if size > self._max_bytes // 4:
            return
        self._drop(asked)
        self._kept[asked] = (body, self._monotonic() + KEEP_S)
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))
        self._meters.kept_bytes(self._bytes)

    def _drop(self, asked: Answered) -> None:
        if (found := self._kept.pop(asked, None)) is not None:
            self._bytes -= _size(asked, found[0])
            self._meters.kept_bytes(self._bytes)


def _size(asked: Answered, body: bytes) -> int:
    # A query may be longer than its answer.
    return len(body) + sys.getsizeof(asked.query) + _ENTRY_BYTES
