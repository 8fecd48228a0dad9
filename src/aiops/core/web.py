"""The glue between the product and Litestar: guards, paging, entity tags, bodies, and errors as HTTP.

Only here does an error become a response. What a caller can get wrong before a handler runs (media type, broken JSON,
depth, NUL characters, unknown query parameters) is refused here too, once for every route.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
import structlog
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.handlers.base import BaseRouteHandler
from litestar.params import Parameter
from litestar.routes import HTTPRoute
from litestar.types.empty import Empty
from msgspec import Struct

from aiops.core import errors
from aiops.core.errors import AiopsError, InvalidRequest, UnsupportedMediaType
from aiops.core.identity import Identity, SubjectKind
from aiops.core.prometheus_errors import prometheus_shape
from aiops.core.tracing import current_trace_id

T = TypeVar("T")

MAX_PAGE: Final = 1_000_000
MAX_PAGE_SIZE: Final = 100
OPEN_QUERY: Final = "open_query"  # handler opt: unknown query parameters are somebody else's business
_BY_STATUS: Final[dict[int, type[AiopsError]]] = {
    400: InvalidRequest,
    401: errors.AuthRequired,
    403: errors.PermissionDenied,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.PayloadTooLarge,
    415: UnsupportedMediaType,
    503: errors.ServiceUnavailable,
}
_JSON_TYPE: Final = re.compile(r"^application/([a-z0-9.+-]+\+)?json\s*(;|$)", re.IGNORECASE)
_log = structlog.get_logger(__name__)


# --- who may -----------------------------------------------------------------------------------------------------


def identity_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Identity:
    """The verified caller of this connection.

    Raises:
        AuthRequired, AuthFailed, AuthExpired: nobody is signed in, or what was presented is not good.

    """
    found = connection.scope.get("state", {}).get("identity")
    if isinstance(found, AiopsError):
        raise found
    if not isinstance(found, Identity):
        raise errors.AuthRequired("sign in, or send an API token as 'Authorization: Bearer ...'")
    return found


class PermissionGuard:
    """Lets a handler run for callers that hold one permission on at least some clusters."""

    def __init__(self, permission: str) -> None:
        self.permission = permission

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Check the caller."""
        identity = identity_of(connection)
        if not identity.may(self.permission):
            raise errors.PermissionDenied(f"{identity.subject!r} does not hold {self.permission}")


class SignedInGuard:
    """Lets a handler run for anybody who is signed in: it tells or changes nothing but the caller's own."""

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Check the caller."""
        identity_of(connection)


class PublicGuard:
    """Marks a handler as open to everybody, and says why; a route with no guard at all fails a test."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Let everybody in."""


class InternalGuard:
    """Lets only other roles in: a signed hop of a service."""

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Check the caller."""
        if identity_of(connection).kind is not SubjectKind.SERVICE:
            raise errors.PermissionDenied("internal paths are for the other roles")


def requires(permission: str) -> PermissionGuard:
    """Guard a handler with `resource:action`."""
    return PermissionGuard(permission)


def public(reason: str) -> PublicGuard:
    """Open a handler to everybody, with the reason why."""
    return PublicGuard(reason)


def provide_identity(request: Request[Any, Any, Any]) -> Identity:
    """Dependency `identity`."""
    return identity_of(request)


# --- lists -------------------------------------------------------------------------------------------------------


class Paging(Struct, frozen=True):
    """One page of a list; pages count from 1."""

    page: int
    page_size: int

    @property
    def offset(self) -> int:
        """How many items come before this page."""
        return (self.page - 1) * self.page_size


def provide_paging(
    page: Annotated[int, Parameter(ge=1, le=MAX_PAGE)] = 1,
    page_size: Annotated[int, Parameter(ge=1, le=MAX_PAGE_SIZE)] = 20,
) -> Paging:
    """Dependency `paging`."""
    return Paging(page, page_size)


class Page(Struct, Generic[T], frozen=True):
    """The contract's list envelope."""

    items: list[T]
    total: int
    page: int
    page_size: int
    total_pages: int


def page_of(items: list[T], total: int, paging: Paging) -> Page[T]:
    """One page in its envelope."""
    return Page(items, total, paging.page, paging.page_size, -(-total // paging.page_size))


def parse_ids(values: Sequence[str] | None) -> tuple[UUID, ...]:
    """Cluster ids from a repeated or comma-separated parameter, in order, without repeats."""
    ids: dict[UUID, None] = {}
    for value in values or ():
        for text in value.split(","):
            try:
                ids[UUID(text.strip())] = None
            except ValueError as error:
                raise InvalidRequest(f"cluster_ids: {text[:80]!r} is not a UUID") from error
    return tuple(ids)


# --- lost updates ------------------------------------------------------------------------------------------------


def etag(version: int) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


# --- bodies and parameters ---------------------------------------------------------------------------------------


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body is strict JSON."""

    async def json(self) -> Any:
        """The decoded body.

        Raises:
            UnsupportedMediaType: the body is said to be something other than JSON.
            InvalidRequest: it is not JSON, too deeply nested, or carries NUL characters.

        """
        if self._json is Empty:
            body = await self.body()
            content_type = self.headers.get("content-type", "")
            if body and not _JSON_TYPE.match(content_type):
                raise UnsupportedMediaType(
                    f"send the body as application/json, not {content_type[:80] or 'without a type'!r}"
                )
            self._json = self._connection_state.json = decode_json(body or b"null")
        return self._json


def decode_json(body: bytes) -> Any:
    """Strict JSON as builtin values; refuses what no store of ours can keep."""
    try:
        value = msgspec.json.decode(body)
    except RecursionError as error:
        raise InvalidRequest("the JSON body is nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the body is not valid JSON: {error}") from error
    if b"\\u0000" in body and _has_nul(value):
        raise InvalidRequest("the JSON body carries a NUL character (\\u0000), which cannot be stored")
    return value


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(_has_nul(item) for item in value)


class QueryCheck:
    """Refuses query parameters that the handler does not know: a typo must not widen an answer silently."""

    def __init__(self) -> None:
        self._known: dict[BaseRouteHandler, frozenset[str]] = {}

    async def __call__(self, request: Request[Any, Any, Any]) -> None:
        """Litestar's `before_request`: an exception answers, None goes on."""
        raw = request.scope.get("query_string", b"")
        if "\0" in request.scope["path"]:
            raise InvalidRequest("the path carries a NUL character")
        if not raw:
            return
        handler = request.route_handler
        if handler.opt.get(OPEN_QUERY):
            return
        if not self._known:
            self._known = _known_parameters(request)
        known = self._known.get(handler, frozenset())
        for name, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True, errors="replace"):
            if name not in known:
                offer = f"known here: {', '.join(sorted(known))}" if known else "this path takes none"
                raise InvalidRequest(f"unknown query parameter {name[:80]!r}; {offer}")
            if "\0" in value or "\ufffd" in value:
                raise InvalidRequest(f"query parameter {name!r} is not valid UTF-8 text")


def _known_parameters(request: Request[Any, Any, Any]) -> dict[BaseRouteHandler, frozenset[str]]:
    return {
        handler: frozenset(parameter.field_alias for parameter in model.expected_query_params)
        for route in request.app.routes
        if isinstance(route, HTTPRoute)
        for handler, model in route.route_handler_map.values()
    }


# --- errors ------------------------------------------------------------------------------------------------------


class ErrorBody(Struct, frozen=True):
    """The inside of the contract's error envelope."""

    code: str
    message: str
    details: dict[str, Any]
    service: str
    trace_id: str
    timestamp: datetime


class ErrorEnvelope(Struct, frozen=True):
    """Every error answer: `{"error": {...}}`."""

    error: ErrorBody


def error_envelope(error: AiopsError, service: str) -> ErrorEnvelope:
    """The contract's shape of an error."""
    return ErrorEnvelope(
        ErrorBody(
            code=error.code,
            message=error.message,
            details=error.details,
            service=service,
            trace_id=current_trace_id(),
            timestamp=datetime.now(UTC),
        )
    )


def as_aiops_error(error: Exception) -> AiopsError:
    """The error that a caller may see; what we did not expect is logged here and told as INTERNAL_ERROR."""
    if isinstance(error, AiopsError):
        return error
    if isinstance(error, HTTPException) and error.status_code in _BY_STATUS:
        details = {"problems": error.extra} if isinstance(error.extra, list) and error.extra else {}
        message = _first_problem(error) or error.detail
        return _BY_STATUS[error.status_code](message, details=details)
    _log.error("unexpected error", exc_info=error)
    return errors.InternalError("something went wrong here; the log has it under the trace id")


def _first_problem(error: HTTPException) -> str | None:
    if isinstance(error.extra, list) and error.extra and isinstance(error.extra[0], dict):
        problem = error.extra[0]
        return ": ".join(str(part) for part in (problem.get("key"), problem.get("message")) if part)
    return None


def _routed(request: Request[Any, Any, Any], exc: Exception) -> Exception:
    """The framework's own two errors of routing, which name nothing, in words that do."""
    asked = f"{request.method} {request.scope['raw_path'].decode('latin-1').partition('?')[0][:200]}"
    if isinstance(exc, MethodNotAllowedException):
        allowed = (exc.headers or {}).get("Allow", "other methods")
        return MethodNotAllowedException(f"{asked}: this path takes {allowed}", headers=exc.headers)
    if isinstance(exc, NotFoundException):
        return errors.NotFound(f"{asked}: there is no such path; /openapi.json lists all of them")
    return exc


class ErrorHandler:
    """Litestar's exception handler for everything; `service` is the role that answers.

    Where a protocol has a form of its own for errors, it holds for paths and methods that nobody serves too.
    """

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, request: Request[Any, Any, Any], exc: Exception) -> Response[Struct]:
        """The error as the contract's envelope, or in the path's own shape."""
        error = as_aiops_error(_routed(request, exc))
        headers = dict(getattr(exc, "headers", None) or {})
        if error.status == errors.AuthRequired.status:
            headers["WWW-Authenticate"] = "Bearer"
        # As it was sent: a mount takes its own part away from `path`.
        first = request.scope["raw_path"].split(b"/", 2)[1:2]
        status, body = prometheus_shape(error) if first == [b"prometheus"] else self._envelope(error)
        return Response(body, status_code=status, headers=headers, media_type="application/json")

    def _envelope(self, error: AiopsError) -> tuple[int, Struct]:
        return error.status, error_envelope(error, self._service)
