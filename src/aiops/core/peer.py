"""A port of another role over HTTP: the client side (`Peer`) and the router that serves it (`port_router`).

`POST /internal/v1/<port>/<method>` with one struct as JSON in and one out. The signed hop, the deadline and the trace
travel as headers; an error travels as the contract's envelope and comes back as the same class. Unknown fields are
ignored on both sides, so that replicas of two releases can work together.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, get_type_hints

import msgspec
from litestar import Request, Response, Router
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from aiops.core import errors
from aiops.core.errors import InvalidRequest, QueryTimeout, ServiceUnavailable, UpstreamError
from aiops.core.http import BreakerOpen, Deadline, HttpClient, HttpRequest, TimedOut, UpstreamFailure
from aiops.core.identity import HopSigner, Identity
from aiops.core.web import ErrorEnvelope, InternalGuard

T = TypeVar("T")

HOP_HEADER = "X-AIOps-Hop"
MAX_ANSWER_BYTES = 512 * 1024 * 1024


class Peer:
    """One other role."""

    def __init__(
        self, http: HttpClient, *, role: str, url: str, hop: HopSigner, caller: Identity, timeout_s: float
    ) -> None:
        self._http = http
        self._role = role
        self._url = url.rstrip("/")
        self._hop = hop
        self._caller = caller
        self._timeout_s = timeout_s

    async def call(
        self, port: str, method: str, request: Struct, returns: type[T], *, timeout_s: float | None = None
    ) -> T:
        """Call one method of the role's port.

        Raises:
            AiopsError: whatever the other side raised, as the same class; ServiceUnavailable when it cannot be
                reached; QueryTimeout after `timeout_s`.

        """
        deadline = Deadline.after(timeout_s or self._timeout_s)
        outgoing = HttpRequest(
            method="POST",
            url=f"{self._url}/internal/v1/{port}/{method}",
            headers={
                "Content-Type": "application/json",
                HOP_HEADER: self._hop.sign(self._caller, self._role),
            },
            body=msgspec.json.encode(request),
            max_response_bytes=MAX_ANSWER_BYTES,
            idempotent=True,
            peer=self._role,
        )
        try:
            response = await self._http.fetch(outgoing, deadline)
        except TimedOut as error:
            raise QueryTimeout(f"the role {self._role} did not answer {port}.{method} in time") from error
        except BreakerOpen as error:
            raise ServiceUnavailable(f"the role {self._role} keeps failing; it is asked again shortly") from error
        except UpstreamFailure as error:
            raise ServiceUnavailable(f"the role {self._role} cannot be reached: {error.message}") from error
        if response.status != 200:  # noqa: PLR2004 - the one status of a success
            raise _remote_error(self._role, response.status, response.body)
        try:
            return msgspec.json.decode(response.body, type=returns)
        except msgspec.DecodeError as error:
            raise UpstreamError(
                f"the role {self._role} answered {port}.{method} with something else: {error}"
            ) from error


def _remote_error(role: str, status: int, body: bytes) -> errors.AiopsError:
    try:
        error = msgspec.json.decode(body, type=ErrorEnvelope).error
    except msgspec.DecodeError:
        return UpstreamError(f"the role {role} answered {status} without saying why")
    return errors.from_code(error.code, error.message, error.details)


def port_router(port: str, *methods: Callable[[Any], Awaitable[Struct]]) -> Router:
    """Serve bound methods of a port to other roles. Each takes one annotated struct and returns one."""
    return Router(
        f"/internal/v1/{port}",
        route_handlers=[_port_handler(method) for method in methods],
        guards=[InternalGuard()],
        include_in_schema=False,
    )


def _port_handler(method: Callable[[Any], Awaitable[Struct]]) -> HTTPRouteHandler:
    name = method.__name__
    (parameter,) = inspect.signature(method).parameters
    decoder = msgspec.json.Decoder(get_type_hints(method)[parameter])

    async def handle(request: Request[Any, Any, Any]) -> Response[bytes]:
        try:
            argument = decoder.decode(await request.body())
        except (msgspec.DecodeError, RecursionError) as error:
            raise InvalidRequest(f"internal method {name}: {error}") from error
        answer = await method(argument)
        return Response(msgspec.json.encode(answer), media_type="application/json")

    return HTTPRouteHandler(f"/{name}", http_method="POST", status_code=200, name=f"port:{method.__qualname__}")(handle)
