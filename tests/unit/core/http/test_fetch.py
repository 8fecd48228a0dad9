"""Whole answers: their limits, their failures, and what is never sent or told."""

import asyncio
import gzip
import resource
import socket
import traceback
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from aiops.core.errors import InvalidRequest
from aiops.core.http import (
    AddressPolicy,
    BreakerOpen,
    BreakerPolicies,
    BreakerPolicy,
    BrokenAnswer,
    Deadline,
    HttpClient,
    HttpMetrics,
    HttpRequest,
    PoolLimits,
    RedirectRefused,
    TimedOut,
    TooLarge,
    Unreachable,
    UnreachableKind,
    UpstreamFailure,
)
from tests.servers.waiting import eventually
from tests.unit.core.http.clock import Clock
from tests.unit.core.http.servers import conversing, hang, reset, saying, serving

pytestmark = pytest.mark.anyio

SOON = 10.0
CANARY = "canary-5bd1e995"
LOOPBACK = AddressPolicy(allow_loopback=True)


def _request(url: str, method: str = "GET", **rest: Any) -> HttpRequest:
    return HttpRequest(method=method, url=url, peer="member", **rest)


async def _echo(request: web.Request) -> web.Response:
    return web.json_response(
        {
            "method": request.method,
            "path": request.raw_path,
            "headers": dict(request.headers),
            "body": (await request.read()).decode(),
        },
        headers={"Set-Cookie": "session=1", "X-Answer": "yes"},
    )


async def test_the_request_arrives_as_it_was_written(client: HttpClient) -> None:
    async with serving(_echo) as url:
        request = _request(
            f"{url}/a%2Fb?q=%7B%22x%22%7D+1", "POST", body=b"hello", bearer="t0ken", headers={"X-A": "b"}
        )
        response = await client.fetch(request, Deadline.after(SOON))
    assert response.status == 200
    assert response.headers["x-answer"] == "yes"
    assert 0 < response.first_byte_ms <= response.elapsed_ms
    body = response.body.decode()
    for part in (
        '"method": "POST"',
        "/a%2Fb?q=%7B%22x%22%7D+1",
        "Bearer t0ken",
        '"X-A": "b"',
        "aiops-test",
        '"hello"',
    ):
        assert part in body


async def test_no_cookie_is_kept(client: HttpClient) -> None:
    async with serving(_echo) as url:
        await client.fetch(_request(url), Deadline.after(SOON))
        response = await client.fetch(_request(url), Deadline.after(SOON))
    assert b'"Cookie"' not in response.body


async def test_proxies_from_the_environment_are_ignored(client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    async with serving(_echo) as url:
        assert (await client.fetch(_request(url), Deadline.after(SOON))).status == 200


async def test_error_statuses_are_answers(client: HttpClient) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=422, text="bad query")

    async with serving(refuse) as url:
        response = await client.fetch(_request(url), Deadline.after(SOON))
    assert (response.status, response.body) == (422, b"bad query")


async def test_compressed_answers_are_expanded(client: HttpClient) -> None:
    async def compressed(request: web.Request) -> web.Response:
        assert request.headers["Accept-Encoding"] == "gzip"
        return web.Response(body=gzip.compress(b"x" * 5000), headers={"Content-Encoding": "gzip"})

    async with serving(compressed) as url:
        assert (await client.fetch(_request(url), Deadline.after(SOON))).body == b"x" * 5000


async def test_a_decompression_bomb_stops_at_the_limit(client: HttpClient) -> None:
    bomb = gzip.compress(bytes(300 * 1024 * 1024), compresslevel=1)

    async def explode(_: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async with serving(explode) as url:
        before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(TooLarge, match="over 1000000 bytes"):
            await client.fetch(_request(url, max_response_bytes=1_000_000), Deadline.after(SOON))
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 50 * 1024


@pytest.mark.parametrize("announced", [True, False])
async def test_an_answer_over_the_limit_is_refused(client: HttpClient, announced: bool) -> None:  # noqa: FBT001
    head = b"Content-Length: 100001\r\n" if announced else b"Connection: close\r\n"
    async with conversing(saying(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + b"x" * 100_001)) as server:
        with pytest.raises(TooLarge):
            await client.fetch(_request(server.url, max_response_bytes=100_000), Deadline.after(SOON))


async def test_the_length_of_an_answer_to_head_is_no_body(client: HttpClient) -> None:
    async with conversing(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n")) as server:
        request = _request(server.url, "HEAD", max_response_bytes=10)
        assert (await client.fetch(request, Deadline.after(SOON))).body == b""


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(200)) + b"\r\n",
    ],
    ids=["not HTTP", "cut short", "not gzip", "long header", "many headers"],
)
async def test_broken_answers_say_so(client: HttpClient, answer: bytes) -> None:
    async with conversing(saying(answer)) as server:
        with pytest.raises(BrokenAnswer):
            await client.fetch(_request(server.url), Deadline.after(SOON))


async def test_redirects_are_not_followed_and_nothing_is_sent_on(client: HttpClient) -> None:
    async with conversing(hang) as elsewhere:
        location = f"{elsewhere.url.replace('http://', 'http://user:pass@')}/login?state={CANARY}"
        redirect = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
        async with conversing(saying(redirect)) as server:
            with pytest.raises(RedirectRefused) as caught:
                await client.fetch(_request(server.url, bearer="t0ken"), Deadline.after(SOON))
        assert elsewhere.connections == 0
    assert f"a redirect to {elsewhere.url}/login, which" in str(caught.value)
    assert CANARY not in str(caught.value)
    assert "pass" not in str(caught.value)


def _unused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_a_refused_connection_says_so(client: HttpClient) -> None:
    port = _unused_port()
    with pytest.raises(Unreachable) as caught:
        await client.fetch(_request(f"http://127.0.0.1:{port}/x"), Deadline.after(SOON))
    assert caught.value.kind is UnreachableKind.REFUSED
    assert str(caught.value) == f"127.0.0.1:{port}: connection refused"
    assert caught.value.host == f"127.0.0.1:{port}"


async def test_an_unknown_name_says_so(client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match=r"nowhere\.example: name not known") as caught:
        await client.fetch(_request("https://nowhere.example/"), Deadline.after(SOON))
    assert caught.value.kind is UnreachableKind.DNS


async def test_silence_ends_at_the_deadline(client: HttpClient) -> None:
    async with conversing(hang) as server:
        with pytest.raises(TimedOut, match=r"no answer within 0\.05 s") as caught:
            await client.fetch(_request(server.url), Deadline.after(0.05))
        assert caught.value.status == 504
        async with asyncio.timeout(SOON):
            await server.hung_up.wait()


async def test_a_body_that_never_ends_ends_at_the_deadline(client: HttpClient) -> None:
    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
        await hang(reader, writer)

    async with conversing(dribble) as server:
        with pytest.raises(TimedOut):
            await client.fetch(_request(server.url), Deadline.after(0.05))


async def test_a_passed_deadline_sends_nothing(client: HttpClient) -> None:
    async with conversing(hang) as server:
        with pytest.raises(TimedOut, match="no time was left"):
            await client.fetch(_request(server.url), Deadline.after(-1))
        assert server.connections == 0


async def test_connecting_has_its_own_shorter_time(registry: CollectorRegistry) -> None:
    limits = PoolLimits(connect_timeout_s=0.05)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for held in waiting:
            held.setblocking(False)
            held.connect_ex(("127.0.0.1", port))
        async with HttpClient(user_agent="t", policy=LOOPBACK, metrics=HttpMetrics(registry), limits=limits) as client:
            with pytest.raises(TimedOut, match="time allowed for connecting"):
                await client.fetch(_request(f"http://127.0.0.1:{port}/"), Deadline.after(SOON))
        for held in waiting:
            held.close()


async def test_safe_requests_are_repeated_once_after_a_reset(client: HttpClient) -> None:
    async with conversing(reset) as server:
        with pytest.raises(Unreachable) as caught:
            await client.fetch(_request(server.url), Deadline.after(SOON))
        assert server.connections == 2
    assert caught.value.kind is UnreachableKind.RESET


async def test_others_are_repeated_only_where_the_caller_says_so(client: HttpClient) -> None:
    async with conversing(reset) as server:
        with pytest.raises(Unreachable):
            await client.fetch(_request(server.url, "POST", body=b"x"), Deadline.after(SOON))
        assert server.connections == 1
        with pytest.raises(Unreachable):
            await client.fetch(_request(server.url, "POST", body=b"x", idempotent=True), Deadline.after(SOON))
        assert server.connections == 3


async def test_repeats_stop_when_their_budget_is_spent(registry: CollectorRegistry) -> None:
    metrics = HttpMetrics(registry)
    breakers = BreakerPolicies(BreakerPolicy(failures=1000))
    async with (
        HttpClient(user_agent="t", policy=LOOPBACK, metrics=metrics, breakers=breakers, clock=Clock()) as client,
        conversing(reset) as server,
    ):
        for _ in range(20):
            with pytest.raises(Unreachable):
                await client.fetch(_request(server.url), Deadline.after(SOON))
        assert server.connections in (22, 23)


async def test_the_breaker_opens_answers_at_once_and_lets_the_origin_back_in(
    registry: CollectorRegistry,
) -> None:
    clock = Clock()
    alive = False

    async def sometimes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if alive:
            await saying(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")(reader, writer)

    breakers = BreakerPolicies(by_peer={"member": BreakerPolicy(failures=2, open_s=30)})
    async with (
        HttpClient(
            user_agent="t", policy=LOOPBACK, metrics=HttpMetrics(registry), breakers=breakers, clock=clock
        ) as client,
        conversing(sometimes) as server,
    ):
        request = _request(server.url, "POST")
        for _ in range(2):
            with pytest.raises(Unreachable):
                await client.fetch(request, Deadline.after(SOON))
        asked = server.connections
        with pytest.raises(BreakerOpen, match="asked again in 30 s"):
            await client.fetch(request, Deadline.after(SOON))
        assert server.connections == asked
        assert registry.get_sample_value("http_client_open_breakers", {"peer": "member"}) == 1
        clock.now_s += 31
        alive = True
        assert (await client.fetch(request, Deadline.after(SOON))).status == 204
        assert registry.get_sample_value("http_client_open_breakers", {"peer": "member"}) == 0


async def test_a_health_check_passes_an_open_breaker_and_closes_it(registry: CollectorRegistry) -> None:
    alive = False

    async def sometimes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if alive:
            await saying(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")(reader, writer)

    breakers = BreakerPolicies(BreakerPolicy(failures=1))
    async with (
        HttpClient(user_agent="t", policy=LOOPBACK, metrics=HttpMetrics(registry), breakers=breakers) as client,
        conversing(sometimes) as server,
    ):
        request, probe = _request(server.url, "POST"), _request(server.url, "POST", use_breaker=False)
        with pytest.raises(Unreachable):
            await client.fetch(request, Deadline.after(SOON))
        with pytest.raises(Unreachable):
            await client.fetch(probe, Deadline.after(SOON))
        alive = True
        with pytest.raises(BreakerOpen):
            await client.fetch(request, Deadline.after(SOON))
        await client.fetch(probe, Deadline.after(SOON))
        assert (await client.fetch(request, Deadline.after(SOON))).status == 204


@pytest.mark.parametrize(("status", "opens"), [(503, True), (500, False), (404, False)])
async def test_only_named_statuses_are_failures(registry: CollectorRegistry, status: int, opens: bool) -> None:  # noqa: FBT001
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    policy = BreakerPolicy(failures=1, failing_statuses=frozenset({502, 503, 504}))
    async with (
        HttpClient(
            user_agent="t", policy=LOOPBACK, metrics=HttpMetrics(registry), breakers=BreakerPolicies(policy)
        ) as client,
        serving(answer) as url,
    ):
        await client.fetch(_request(url), Deadline.after(SOON))
        if opens:
            with pytest.raises(BreakerOpen):
                await client.fetch(_request(url), Deadline.after(SOON))
        else:
            await client.fetch(_request(url), Deadline.after(SOON))


async def test_a_cancelled_request_leaves_nothing_behind(registry: CollectorRegistry) -> None:
    limits = PoolLimits(connections_per_origin=1)
    breakers = BreakerPolicies(BreakerPolicy(failures=1))
    async with (
        HttpClient(
            user_agent="t", policy=LOOPBACK, metrics=HttpMetrics(registry), limits=limits, breakers=breakers
        ) as client,
        conversing(hang) as server,
    ):
        for _ in range(3):  # a leaked connection would be the only one
            task = asyncio.create_task(client.fetch(_request(server.url), Deadline.after(SOON)))
            async with asyncio.timeout(SOON):
                await server.asked.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                await server.hung_up.wait()
                server.asked.clear()
                server.hung_up.clear()


async def test_connections_are_kept_and_counted_out(registry: CollectorRegistry) -> None:
    peers: set[Any] = set()
    at_once = most = 0

    async def handle(request: web.Request) -> web.Response:
        nonlocal at_once, most
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return web.Response()

    limits = PoolLimits(connections_per_origin=2)
    async with (
        HttpClient(user_agent="t", policy=LOOPBACK, metrics=HttpMetrics(registry), limits=limits) as client,
        serving(handle) as url,
    ):
        await asyncio.gather(*(client.fetch(_request(url), Deadline.after(SOON)) for _ in range(20)))
    assert most <= 2
    assert len(peers) <= 2


async def test_origins_are_bounded_and_idle_ones_closed(registry: CollectorRegistry) -> None:
    limits = PoolLimits(origins=2)
    async with (
        HttpClient(user_agent="t", policy=LOOPBACK, metrics=HttpMetrics(registry), limits=limits) as client,
        serving(_echo) as one,
        serving(_echo) as two,
        serving(_echo) as three,
    ):
        for url in (one, two, three, one):
            await client.fetch(_request(url), Deadline.after(SOON))
            assert client.open_origins <= 2
        async with (
            client.stream(_request(one), Deadline.after(SOON)),
            client.stream(_request(two), Deadline.after(SOON)),
        ):
            with pytest.raises(Unreachable, match="too many servers"):
                await client.fetch(_request(three), Deadline.after(SOON))


async def test_idle_origins_are_closed_by_themselves(registry: CollectorRegistry) -> None:
    limits = PoolLimits(idle_s=0.01)
    async with (
        HttpClient(user_agent="t", policy=LOOPBACK, metrics=HttpMetrics(registry), limits=limits) as client,
        serving(_echo) as url,
    ):
        await client.fetch(_request(url), Deadline.after(SOON))

        async def none_open() -> bool:
            return client.open_origins == 0

        await eventually(none_open, what="the idle origin to be closed")


@pytest.mark.parametrize("failure", ["refused", "reset", "silent", "redirect", "gibberish", "large"])
async def test_secrets_are_in_no_text(client: HttpClient, failure: str) -> None:
    answers = {
        "gibberish": f"{CANARY}\r\n\r\n".encode(),
        "redirect": f"HTTP/1.1 302 Found\r\nLocation: /?{CANARY}\r\n\r\n".encode(),
        "large": f"HTTP/1.1 200 OK\r\nX-Reflected: {CANARY}\r\nContent-Length: 99\r\n\r\n".encode(),
    }
    conversation = {"reset": reset, "silent": hang}.get(failure) or saying(answers.get(failure, b""))
    async with conversing(conversation) as server:
        url = f"http://127.0.0.1:{_unused_port()}" if failure == "refused" else server.url
        request = _request(
            f"{url}/{CANARY}?token={CANARY}",
            "POST",
            bearer=CANARY,
            headers={"X-AIOps-Hop": CANARY},
            body=CANARY.encode(),
            max_response_bytes=9,
        )
        with pytest.raises(UpstreamFailure) as caught:
            await client.fetch(request, Deadline.after(0.2))
    error = caught.value
    told = [str(error), repr(error), repr(error.details), repr(request), *_chain(error)]
    assert CANARY not in "".join(told)


def _chain(error: BaseException) -> list[str]:
    shown = [line for line in traceback.format_exception(error) if "test_fetch.py" not in line]
    cause: BaseException | None = error
    while cause is not None:
        shown.append(repr(cause))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return shown


@pytest.mark.parametrize("bearer", ["", "two words", "line\r\nX-Admin: yes", "ünicode"])
async def test_tokens_that_no_header_can_carry_are_refused(client: HttpClient, bearer: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await client.fetch(_request("http://127.0.0.1:9/", bearer=bearer), Deadline.after(SOON))
    assert not bearer or bearer not in str(caught.value)


@pytest.mark.parametrize("headers", [{"X-A": "b\r\nX-Admin: yes"}, {"X-A: b\r\nX-Admin": "yes"}, {"": "x"}])
async def test_headers_cannot_smuggle_others(client: HttpClient, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        await client.fetch(_request("http://127.0.0.1:9/", headers=headers), Deadline.after(SOON))


def test_a_deadline_shrinks() -> None:
    deadline = Deadline.after(100)
    assert 99 < deadline.remaining_s <= 100
    assert 49 < deadline.tightened(0.5).remaining_s <= 50
    assert Deadline.after(-1).remaining_s == 0
