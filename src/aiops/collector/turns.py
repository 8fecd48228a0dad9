"""How many questions one caller may have under way at once. Who asks more waits in line, within the query's own time.

A dashboard opens thirty panels at once and none of them should fail; a runaway script must not take the fan-out from
everybody else. Bounds nothing per minute: that is the gateway's, for other paths.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiops.collector.meters import Meters
from aiops.core.errors import QueryTimeout
from aiops.core.identity import Identity


@dataclass
class _Line:
    places: asyncio.Semaphore
    users: int = 0


class UserTurns:
    """The lines of one process, by verified caller; a caller without questions costs nothing."""

    def __init__(self, most: int, meters: Meters) -> None:
        self._most = most
        self._meters = meters
        self._lines: dict[tuple[str, str], _Line] = {}

    @asynccontextmanager
    async def turn(self, identity: Identity, timeout_s: float) -> AsyncIterator[float]:
        """Wait for a place and hold it; gives the seconds that are left for the question.

        Raises:
            QueryTimeout: no place became free in that time.

        """
        key = (identity.kind.value, identity.subject)
        line = self._lines.setdefault(key, _Line(asyncio.Semaphore(self._most)))
        line.users += 1
        waits = line.places.locked()
        started = time.monotonic()
        try:
            try:
                async with self._counted("waiting"), asyncio.timeout(timeout_s):
                    await line.places.acquire()
            except TimeoutError as error:
                raise QueryTimeout(
                    f"{self._most} queries of {identity.subject!r} are under way and none ended within "
                    f"{timeout_s:g} s; ask fewer at once"
                ) from error
            try:
                async with self._counted("running"):
                    # Untouched where nobody waited: equal questions of many callers are to be told by it.
                    yield max(0.001, timeout_s - (time.monotonic() - started)) if waits else timeout_s
            finally:
                line.places.release()
        finally:
            line.users -= 1
            if not line.users:
                self._lines.pop(key, None)

    @asynccontextmanager
    async def _counted(self, state: str) -> AsyncIterator[None]:
        self._meters.queries(state, 1)
        try:
            yield
        finally:
            self._meters.queries(state, -1)
