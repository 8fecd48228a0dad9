"""Requests and answers as callers see them. Their reprs show neither headers nor bodies nor query strings."""

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from types import TracebackType
from typing import Final

import aiohttp
from msgspec import Struct
from multidict import CIMultiDictProxy

from aiops.core.http.addresses import Target
from aiops.core.http.deadline import Deadline
from aiops.core.http.limit import time_limit
from aiops.core.http.tls import Tls

_MEBIBYTE: Final = 1024 * 1024


class HttpRequest(Struct, frozen=True, kw_only=True):
    """One request.

    `peer` is a short fixed label for metrics: what is asked ("prometheus", "probe"), never whom.
    """

    method: str
    url: str  # absolute and percent-encoded; sent as it stands
    peer: str
    headers: Mapping[str, str] = {}  # a multidict where names repeat
    body: bytes | AsyncIterable[bytes] = b""  # an iterable is sent as it comes, and never sent again
    bearer: str | None = None  # becomes the Authorization header
    tls: Tls = Tls()
    max_response_bytes: int = 16 * _MEBIBYTE  # of `fetch`, after decompression; streams are not limited
    idempotent: bool = False  # may be sent twice; GET and HEAD always may
    use_breaker: bool = True  # False for health checks: always sent, and their success closes the breaker

    def __repr__(self) -> str:
        scheme, _, rest = self.url.partition("://")
        place = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
        return f"HttpRequest({self.method} {scheme}://{place}, peer={self.peer!r})"


class HttpResponse(Struct, frozen=True):
    """A whole answer, decompressed. Header names are compared without case."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    elapsed_ms: float  # until the last byte
    first_byte_ms: float  # until the headers, waiting for a free connection included

    def __repr__(self) -> str:
        return f"HttpResponse({self.status}, {len(self.body)} bytes)"


class StreamingResponse:
    """An answer whose body is still coming, as the server encoded it.

    Valid inside the `stream` block alone.
    """

    def __init__(self, answer: aiohttp.ClientResponse, target: Target, deadline: Deadline) -> None:
        self._answer = answer
        self._target = target
        self._deadline: Deadline | None = deadline
        self.status = answer.status
        self.headers = answer.headers

    def lift_deadline(self) -> None:
        """Let the body take as long as it likes, as an event stream does."""
        self._deadline = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Read the body in pieces of up to some 64 KiB, no faster than they are taken.

        Raises:
            UpstreamFailure: the body broke off, or the deadline passed.

        """
        while True:
            async with time_limit(self._deadline, self._target.name):
                chunk = await self._answer.content.readany()
            if not chunk:
                return
            yield chunk


class Upload:
    """A request body that is sent as it comes; knows when its source failed and not the connection."""

    def __init__(self, source: AsyncIterable[bytes]) -> None:
        self._source = source
        self.error: Exception | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with self:
            async for chunk in self._source:
                yield chunk

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            self.error = error
