"""Members' answers about a past that no longer changes, kept in memory for a while.

A report, a baseline, or the third person who looks at last night's incident asks what was asked before. Kept is only
what a member answered wholly and without a word of warning, to a question that ends before the newest minutes and
reaches behind its end nowhere. What is kept belongs to one cluster and one credential; whose question it may serve is
decided, as always, by who is asked at all.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

from aiops.collector.meters import Meters
from aiops.core.clock import Clock
from aiops.promql.engine import Grid

# Samples arrive late: by remote write, from rules, and out of order.
NEWEST_MS: Final = 10 * 60 * 1000
# Series may be deleted, and blocks be filled in afterwards.
KEEP_S: Final = 300.0
# `@` and an offset into the future read behind the end; a comment may stand between the two words.
_BEYOND: Final = re.compile(r"@|#|offset\s*-", re.IGNORECASE)
# What an entry takes beside its bytes, about.
_ENTRY_BYTES: Final = 1024


class SettledAnswers:
    """At most `max_bytes` of answers, the ones longest unused leave first; none at all where it is 0."""

    def __init__(
        self, max_bytes: int, clock: Clock, meters: Meters, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._meters = meters
        self._monotonic = monotonic
        self._kept: OrderedDict[Hashable, tuple[bytes, float]] = OrderedDict()
        self._bytes = 0

    def admits(self, query: str, grid: Grid) -> bool:
        """Whether the answer to this text at these steps can no longer change."""
        newest_ms = self._clock().timestamp() * 1000 - NEWEST_MS
        return self._max_bytes > 0 and grid.end_ms <= newest_ms and _BEYOND.search(query) is None

    def get(self, key: Hashable) -> bytes | None:
        """What was answered before; null where nothing is kept any more."""
        found = self._kept.get(key)
        if found is not None and found[1] <= self._monotonic():
            self._drop(key)
            found = None
        self._meters.looked_up(hit=found is not None)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, body: bytes) -> None:
        """Keep a whole answer; one that would fill a quarter of the room is not worth what it drives out."""
        if _size(body) > self._max_bytes // 4:
            return
        self._drop(key)
        self._kept[key] = (body, self._monotonic() + KEEP_S)
        self._bytes += _size(body)
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))
        self._meters.kept_bytes(self._bytes)

    def _drop(self, key: Hashable) -> None:
        if (found := self._kept.pop(key, None)) is not None:
            self._bytes -= _size(found[0])


def _size(body: bytes) -> int:
    return len(body) + _ENTRY_BYTES
