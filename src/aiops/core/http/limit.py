"""Where errors of the HTTP library and passed deadlines become failures of ours."""

import asyncio
from types import TracebackType
from typing import Self

import aiohttp

from aiops.core.http.deadline import Deadline
from aiops.core.http.failures import TimedOut, failure_of


class time_limit:  # noqa: N801 - read as a function in `async with`
    """Translates what the block raises, and ends it when the deadline passes; None waits for ever.

    Raises:
        UpstreamFailure: in place of any error of the HTTP library. Nothing is chained, because the library's
        errors
            hold the request's headers.

    """

    def __init__(self, deadline: Deadline | None, name: str) -> None:
        self._name = name
        self._remaining_s = None if deadline is None else deadline.remaining_s
        self._timeout = asyncio.timeout(self._remaining_s)

    async def __aenter__(self) -> Self:
        if self._remaining_s == 0:
            raise TimedOut(self._name, "not asked, because no time was left")
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:
            raise TimedOut(self._name, f"no answer within {_shown(self._remaining_s)} s") from None
        if isinstance(error, aiohttp.ClientError):
            raise failure_of(error, self._name) from None


def _shown(seconds: float | None) -> str:
    return "" if seconds is None else f"{round(seconds, 1 if seconds >= 1 else 2):g}"
