"""The proxy between two real servers: what passes, what never does, and what a caller hears when a role fails."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
import uvicorn
from aiohttp import ClientSession, ClientTimeout, web
from litestar.types import HTTPScope, Receive, Scope, Send
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from aiops.core.errors import AiopsError
from aiops.core.http import AddressPolicy, BreakerPolicy, HttpClient, HttpMetrics
from aiops.core.http.breaker import Breaker
from aiops.core.identity import ClusterSelector, Grant, HopSigner, Identity, Role, SubjectKind
from aiops.core.peer import HOP_HEADER
from aiops.gateway.proxy import BackendErrors, HttpProxy, Upstream
from aiops.gateway.route_table import BACKENDS

pytestmark = pytest.mark.anyio

COLLECTOR: Final = next(backend for backend in BACKENDS if backend.role == "collector")
CALLER: Final = Identity("ann", SubjectKind.API_TOKEN, (Grant(Role.VIEWER, ClusterSelector(all=True)),))
HOP: Final = HopSigner((b"s" * 32,))
LIMIT: Final = 100_000
PATIENCE: Final = ClientTimeout(total=15)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Backing:
    """The role behind the gateway; `answer` is what it does with the next requests."""

    answer: Answer
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)


async def ok(request: web.Request) -> web.StreamResponse:
    return web.json_response({"got": (await request.read()).decode()})


@asynccontextmanager
async def role_server(role: Backing) -> AsyncIterator[None]:
    async def handle(request: web.Request) -> web.StreamResponse:
        role.asked.append((request.raw_path, {name.lower(): value for name, value in request.headers.items()}))
        try:
            return await role.answer(request)
        except asyncio.CancelledError:
            role.cancelled.set()
            raise

    runner = web.AppRunner(_application(handle), handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    role.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        await runner.cleanup()


def _application(handle: Answer) -> web.Application:
    application = web.Application(client_max_size=10**9)
    application.router.add_route("*", "/{rest:.*}", handle)
    return application


def signed_in(proxy: HttpProxy) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The proxy as it stands in the gateway: behind the identity, with errors answered by their status."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        found: HTTPScope = scope  # type: ignore[assignment]
        found["state"] = {"identity": CALLER}
        try:
            await proxy(scope, receive, send)
        except AiopsError as error:
            body = json.dumps({"code": error.code}).encode()
            await send({"type": "http.response.start", "status": error.status, "headers": []})
            await send({"type": "http.response.body", "body": body, "more_body": False})

    return application


class Gateway:
    """The proxy behind a real server."""

    def __init__(self, port: int, upstream: Upstream, metrics: CollectorRegistry) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.upstream = upstream
        self.metrics = metrics

    async def raw(self, target: str, *headers: str) -> tuple[int, bytes]:
        """One GET of exactly this target, which no library has tidied."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [f"GET {target} HTTP/1.1", "Host: hub.example", "Connection: close", *headers, "", ""]
        writer.write("\r\n".join(lines).encode("latin-1"))
        answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body


Start = Callable[..., Awaitable[Gateway]]


@pytest.fixture
async def role() -> AsyncIterator[Backing]:
    found = Backing(ok)
    async with role_server(found):
        yield found


@pytest.fixture
async def start(role: Backing) -> AsyncIterator[Start]:
    """Runs gateways before the role, with changes to its row of the route table."""
    async with AsyncExitStack() as stack:

        async def started(*, url: str | None = None, **changes: Any) -> Gateway:
            metrics = CollectorRegistry()
            client = HttpClient(
                user_agent="test", policy=AddressPolicy(unrestricted=True), metrics=HttpMetrics(metrics)
            )
            await stack.enter_async_context(client)
            backend = replace(COLLECTOR, **changes)
            breaker = Breaker(backend.breaker, clock=time.monotonic, on_change=lambda _: None)
            upstream = Upstream(backend, url or role.url, client, HOP, breaker, BackendErrors(metrics))
            application = signed_in(HttpProxy(upstream, max_body_bytes=LIMIT))
            config = uvicorn.Config(
                application, host="127.0.0.1", port=0, log_config=None, lifespan="off", proxy_headers=False
            )
            server = uvicorn.Server(config)
            server.capture_signals = suppress  # type: ignore[assignment,method-assign]
            running = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)

            async def stop() -> None:
                server.should_exit = server.force_exit = True
                await running

            stack.push_async_callback(stop)
            port = server.servers[0].sockets[0].getsockname()[1]
            return Gateway(port, upstream, metrics)

        yield started


@pytest.fixture
async def browser() -> AsyncIterator[ClientSession]:
    async with ClientSession(timeout=PATIENCE, auto_decompress=False) as session:
        yield session


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/metrics/../../../internal/v1/registry/credential",
        "/api/v1/metrics/%2e%2e/%2E%2e/internal/v1/registry/credential",
        "/api/v1/metrics/%252e%252e/%252e%252e/internal",
        "/api/v1/metrics/%25252e%25252e/x",
        "/api/v1/metrics/..;/..;/internal",
        "/api/v1/metrics/..%3b/internal",
        "/api/v1/metrics/..\\..\\internal",
        "/api/v1/metrics/..%5c..%5cinternal",
        "/api/v1/metrics/.%00./internal",
        "/api/v1/metrics/%2e%2e%2finternal",
        "/api/v1/metrics/./query",
        "/api/v1/metrics/.. /internal",
    ],
)
async def test_dot_segments_never_reach_a_role(start: Start, role: Backing, target: str) -> None:
    gateway = await start()
    status, _ = await gateway.raw(target)
    assert status == 400
    assert role.asked == []


@pytest.mark.parametrize(
    "target",
    [
        "/internal/v1/registry/credential",
        "/api/v1/clusters",
        "/api/v1/metricsextra",
        "/api/v1",
        "/",
        "//api/v1/clusters",
        "/api/v1/%69nternal",
        "http://127.0.0.1:9/internal/v1/registry/credential",
    ],
)
async def test_what_the_table_does_not_give_a_role_never_reaches_it(start: Start, role: Backing, target: str) -> None:
    gateway = await start()
    status, _ = await gateway.raw(target)
    assert status in {400, 404}
    assert role.asked == []


async def test_path_and_query_arrive_as_they_were_spelled(start: Start, role: Backing) -> None:
    gateway = await start()
    target = "/api/v1/metrics/label/a%2Fb%20c/values?match[]=up%7Ba%3D%22b%22%7D&x=1&x=2&empty="
    assert (await gateway.raw(target))[0] == 200
    assert role.asked[0][0] == target


async def test_headers_that_speak_to_the_gateway_stay_there_and_its_own_word_goes_on(
    start: Start, role: Backing
) -> None:
    gateway = await start()
    await gateway.raw(
        "/api/v1/metrics/query",
        "Authorization: Bearer secret",
        "Cookie: aiops_session=secret",
        "X-CSRF-Token: secret",
        f"{HOP_HEADER}: forged",
        "X-Forwarded-For: 10.0.0.1",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: https",
        "Forwarded: for=10.0.0.1",
        "Connection: X-Drop, keep-alive",
        "X-Drop: dropped",
        "TE: trailers",
        "Accept-Language: de",
        "X-Request-ID: mine",
    )
    ((_, headers),) = role.asked
    for name in ("authorization", "cookie", "x-csrf-token", "forwarded", "x-drop", "te"):
        assert name not in headers
    assert headers["accept-language"] == "de"
    assert headers["x-request-id"] == "mine"
    assert (headers["x-forwarded-for"], headers["x-forwarded-host"], headers["x-forwarded-proto"]) == (
        "127.0.0.1",
        "hub.example",
        "http",
    )
    assert HOP.verify(headers[HOP_HEADER.lower()], frozenset({"collector"})) == CALLER


async def test_only_the_webhooks_own_token_passes_and_without_an_identity(
    start: Start, role: Backing, browser: ClientSession
) -> None:
    gateway = await start()
    path = f"{gateway.url}/api/v1/alerts/webhook/0b5f7f5c-0000-4000-8000-000000000000"
    async with browser.post(path, data=b"{}", headers={"Authorization": "Bearer hook"}) as answer:
        assert answer.status == 200
    ((_, headers),) = role.asked
    assert headers["authorization"] == "Bearer hook"
    assert HOP_HEADER.lower() not in headers


async def test_answers_pass_untouched_in_their_encoding(start: Start, role: Backing, browser: ClientSession) -> None:
    packed = gzip.compress(b"x" * 10_000)

    async def compressed(_: web.Request) -> web.StreamResponse:
        headers = {"Content-Encoding": "gzip", "ETag": '"1"', "X-Own": "kept", "Server": "hidden"}
        return web.Response(status=418, body=packed, headers=headers)

    role.answer = compressed
    gateway = await start()
    async with browser.get(f"{gateway.url}/api/v1/metrics/x", headers={"Accept-Encoding": "gzip"}) as answer:
        assert (answer.status, await answer.read()) == (418, packed)
        assert (answer.headers["ETag"], answer.headers["X-Own"]) == ('"1"', "kept")
        assert "hidden" not in answer.headers.getall("Server", [])


async def test_bodies_stream_in_both_directions(start: Start, role: Backing, browser: ClientSession) -> None:
    first_arrived, answered = asyncio.Event(), asyncio.Event()

    async def echo(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for chunk in request.content.iter_any():
            first_arrived.set()
            await response.write(chunk)
        return response

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        await first_arrived.wait()
        await answered.wait()
        yield b"last"

    role.answer = echo
    gateway = await start()
    async with browser.post(f"{gateway.url}/api/v1/metrics/x", data=body()) as answer:
        assert await answer.content.readexactly(5) == b"first"
        answered.set()
        assert await answer.content.read() == b"last"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused(
    start: Start, role: Backing, browser: ClientSession, *, chunked: bool
) -> None:
    gateway = await start()

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * (LIMIT // 10)

    data: Any = parts() if chunked else b"x" * (LIMIT + 1)
    async with browser.post(f"{gateway.url}/api/v1/metrics/x", data=data) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (413, "PAYLOAD_TOO_LARGE")
    if not chunked:
        assert role.asked == []


async def test_a_caller_that_hangs_up_ends_the_roles_work(start: Start, role: Backing, browser: ClientSession) -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    role.answer = never
    gateway = await start()
    asking = asyncio.create_task(browser.get(f"{gateway.url}/api/v1/metrics/x").__aenter__())
    async with asyncio.timeout(10):
        while not role.asked:
            await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await role.cancelled.wait()


async def test_a_role_that_is_away_is_503_and_one_that_hangs_504(
    start: Start, role: Backing, browser: ClientSession
) -> None:
    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        raise AssertionError

    role.answer = hang
    away, slow = await start(url="http://127.0.0.1:9"), await start(timeout_s=0.2)
    async with browser.get(f"{away.url}/api/v1/metrics/x") as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (503, "SERVICE_UNAVAILABLE")
    async with browser.get(f"{slow.url}/api/v1/metrics/x") as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (504, "QUERY_TIMEOUT")
    for gateway, kind in ((away, "unreachable"), (slow, "timeout")):
        labels = {"service": "collector", "kind": kind}
        assert gateway.metrics.get_sample_value("gateway_backend_errors_total", labels) == 1


@pytest.mark.parametrize(
    ("query", "body"), [("?timeout=1", None), ("", b'{"query":"up","timeout":"1s"}'), ("", b'{"timeout":1}')]
)
async def test_a_query_may_take_the_time_that_it_names(
    start: Start, role: Backing, browser: ClientSession, query: str, body: bytes | None
) -> None:
    async def half_a_second(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.5)
        return await ok(request)

    role.answer = half_a_second
    gateway = await start(timeout_s=0.2)
    method = "GET" if body is None else "POST"
    headers = {"Content-Type": "application/json"}
    url = f"{gateway.url}/api/v1/metrics/query{query}"
    async with browser.request(method, url, data=body, headers=headers) as answer:
        assert answer.status == 200
        assert json.loads(await answer.read())["got"] == (body or b"").decode()


async def test_a_stream_of_events_outlives_the_roles_time(start: Start, role: Backing, browser: ClientSession) -> None:
    async def events(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        await response.write(b"data: 1\n\n")
        await asyncio.sleep(0.6)
        await response.write(b"data: 2\n\n")
        return response

    role.answer = events
    gateway = await start(timeout_s=0.2)
    async with browser.get(f"{gateway.url}/api/v1/metrics/x") as answer:
        assert await answer.read() == b"data: 1\n\ndata: 2\n\n"


async def test_an_answer_that_breaks_off_is_never_passed_on_as_whole(
    start: Start, role: Backing, browser: ClientSession
) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    role.answer = broken
    gateway = await start()
    with pytest.raises(Exception, match=r"payload|disconnected|closed|reset"):
        async with browser.get(f"{gateway.url}/api/v1/metrics/x") as answer:
            await answer.read()


async def test_the_breaker_answers_at_once_and_lets_the_role_back_in(
    start: Start, role: Backing, browser: ClientSession
) -> None:
    policy = BreakerPolicy(failures=2, open_s=0.3, probes=1)
    gateway = await start(url="http://127.0.0.1:9", breaker=policy)

    async def ask() -> int:
        async with browser.get(f"{gateway.url}/api/v1/metrics/x") as answer:
            return answer.status

    assert [await ask() for _ in range(4)] == [503] * 4
    labels = {"service": "collector", "kind": "breaker"}
    assert gateway.metrics.get_sample_value("gateway_backend_errors_total", labels) == 2
    await asyncio.sleep(gateway.upstream.breaker.retry_in_s)
    assert await ask() == 503
    labels = {"service": "collector", "kind": "unreachable"}
    assert gateway.metrics.get_sample_value("gateway_backend_errors_total", labels) == 3
    assert role.asked == []
