"""From a list of modules to one application: routes, lifespan, identity, error mapping and the paths of every role.

Knows no module by name. Resources are entered in one place, in order, and left in reverse; tasks start after them.
"""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import Struct
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from aiops import __version__
from aiops.core.errors import AiopsError, AuthFailed
from aiops.core.identity import Identity
from aiops.core.module import Check, Module
from aiops.core.tasks import Supervisor
from aiops.core.web import (
    ErrorHandler,
    JsonRequest,
    QueryCheck,
    provide_identity,
    provide_paging,
    public,
)

CHECK_TIMEOUT_S = 3.0
OPENMETRICS = "application/openmetrics-text"

Identify = Callable[[ASGIConnection[Any, Any, Any, Any]], Awaitable[Identity | None]]


async def nobody(_: ASGIConnection[Any, Any, Any, Any]) -> Identity | None:
    """How a process identifies callers that has nothing to guard."""
    return None


class CheckResult(Struct, frozen=True):
    """One dependency as `/ready` found it."""

    name: str
    ok: bool
    error: str | None
    latency_ms: float


class Health(Struct, frozen=True):
    """The answer of `/health`: this process lives."""

    status: str
    role: str
    version: str


class Readiness(Struct, frozen=True):
    """The answer of `/ready`."""

    ready: bool
    reasons: list[str]


@dataclass
class Lifecycle:
    """Where the process stands; the server sets `draining` before it closes anything."""

    draining: bool = False
    started: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class AppSpec:
    """Everything that the application is made of."""

    role: str
    modules: Sequence[Module]
    resources: Sequence[AbstractAsyncContextManager[object]]
    identify: Identify
    supervisor: Supervisor
    metrics: CollectorRegistry
    lifecycle: Lifecycle
    max_body_bytes: int
    metrics_token: str | None
    serve_internal: bool
    serve_contract: bool = False
    describe: bool = False


class IdentityMiddleware:
    """Finds out who calls and leaves the answer, or the error, in the connection's state for the guards."""

    def __init__(self, app: ASGIApp, identify: Identify) -> None:
        self._app = app
        self._identify = identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if "identity" not in scope.setdefault("state", {}):
            try:
                scope["state"]["identity"] = await self._identify(ASGIConnection(scope))
            except AiopsError as error:
                scope["state"]["identity"] = error
        await self._app(scope, receive, send)


async def run_checks(checks: Sequence[Check]) -> list[CheckResult]:
    """Probe every dependency at once; none may take longer than three seconds."""

    async def run(check: Check) -> CheckResult:
        started = time.perf_counter()
        error: str | None = None
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await check.probe()
        except TimeoutError:
            error = f"no answer within {CHECK_TIMEOUT_S:g} s"
        except (AiopsError, OSError) as failure:
            error = str(failure)
        return CheckResult(check.name, error is None, error, round((time.perf_counter() - started) * 1000, 1))

    return list(await asyncio.gather(*(run(check) for check in checks)))


def _common_routes(spec: AppSpec) -> list[Any]:
    checks = [check for module in spec.modules for check in module.checks if check.critical]

    @get("/health", guards=[public("load balancers and kubelets ask whether the process lives")])
    async def health() -> Health:
        return Health("healthy", spec.role, __version__)

    @get("/ready", guards=[public("load balancers and kubelets ask whether to send traffic")])
    async def ready() -> Response[Readiness]:
        reasons = [] if spec.lifecycle.started.is_set() else ["starting"]
        if spec.lifecycle.draining:
            reasons.append("shutting down")
        reasons += [f"{result.name}: {result.error}" for result in await run_checks(checks) if not result.ok]
        return Response(Readiness(not reasons, reasons), status_code=503 if reasons else 200)

    @get(
        "/metrics",
        guards=[public("never routed to the outside; has a token of its own")],
        include_in_schema=False,
    )
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if spec.metrics_token is not None and not hmac.compare_digest(given.encode(), spec.metrics_token.encode()):
            raise AuthFailed("/metrics needs its own token: 'Authorization: Bearer ...'")
        # Not the library's own choice between them, which a version that is no number ends with an error.
        if OPENMETRICS in request.headers.get("accept", ""):
            body = openmetrics.generate_latest(spec.metrics)  # type: ignore[no-untyped-call]
            content_type = openmetrics.CONTENT_TYPE_LATEST
        else:
            body, content_type = generate_latest(spec.metrics), CONTENT_TYPE_PLAIN_0_0_4
        # As a header: to a media type that is text, the framework adds the character set once more.
        return Response(body, headers={"Content-Type": content_type})

    @get("/openapi.json", guards=[public("the contract describes the API and holds no data")], include_in_schema=False)
    async def openapi_json() -> Response[bytes]:
        return Response(contract_file().read_bytes(), media_type="application/json")

    return [health, ready, metrics, *([openapi_json] if spec.serve_contract else [])]


def contract_file() -> Path:
    """The OpenAPI document of the whole hub, written by `aiops openapi` and packaged."""
    return Path(__file__).parent / "openapi.json"


def build_app(spec: AppSpec) -> Litestar:
    """The Litestar application of one process."""

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for resource in spec.resources:
                await stack.enter_async_context(resource)
            for module in spec.modules:
                for resource in module.resources:
                    await stack.enter_async_context(resource)
            await stack.enter_async_context(spec.supervisor)
            spec.lifecycle.started.set()
            yield

    routes = [route for module in spec.modules for route in module.routes]
    if spec.serve_internal:
        routes += [route for module in spec.modules for route in module.internal]

    return Litestar(
        route_handlers=[*_common_routes(spec), *routes],
        dependencies={
            "identity": Provide(provide_identity, sync_to_thread=False),
            "paging": Provide(provide_paging, sync_to_thread=False),
        },
        middleware=[lambda app: IdentityMiddleware(app, spec.identify)],
        before_request=QueryCheck(),
        exception_handlers={Exception: ErrorHandler(spec.role)},
        request_class=JsonRequest,
        request_max_body_size=spec.max_body_bytes,
        lifespan=[lifespan],
        logging_config=None,
        # Serving the generated document is `openapi_json`'s business; generating it is for `aiops openapi`.
        openapi_config=_openapi_config() if spec.describe else None,
    )


def _openapi_config() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="AIOps NextGen",
        version=__version__,
        description="One API over a fleet of OpenShift and Kubernetes clusters.",
        path="/litestar-schema",
        render_plugins=[],
        components=Components(
            security_schemes={
                "token": SecurityScheme(type="http", scheme="bearer", description="An API token."),
                "session": SecurityScheme(
                    type="apiKey",
                    name="aiops_session",
                    security_scheme_in="cookie",
                    description="A browser session.",
                ),
            }
        ),
        security=[{"token": []}, {"session": []}],
    )
