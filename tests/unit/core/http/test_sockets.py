"""WebSockets pass messages and close codes through."""

import pytest
from aiohttp import WSMsgType, web

from aiops.core.http import (
    AddressPolicy,
    AddressRefused,
    Closed,
    Deadline,
    HandshakeRefused,
    HttpClient,
    HttpMetrics,
    HttpRequest,
    PoolLimits,
    TimedOut,
    TooLarge,
    Unreachable,
)
from tests.unit.core.http.servers import conversing, hang, serving

pytestmark = pytest.mark.anyio

SOON = 10.0


def _request(url: str) -> HttpRequest:
    return HttpRequest(method="GET", url=url.replace("http", "ws"), peer="streaming", bearer="t0ken")


async def _talk(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(protocols=("v2.aiops",))
    await socket.prepare(request)
    async for message in socket:
        match message.data:
            case "bye":
                await socket.close(code=4003, message=b"enough")
            case "vanish":
                assert request.transport is not None
                request.transport.abort()
            case "who":
                await socket.send_str(request.headers["Authorization"])
            case data if message.type is WSMsgType.TEXT:
                await socket.send_str(data)
            case data:
                await socket.send_bytes(data)
    return socket


async def test_messages_pass_both_ways(client: HttpClient) -> None:
    async with (
        serving(_talk) as url,
        client.websocket(_request(url), Deadline.after(SOON), subprotocols=["v1", "v2.aiops"]) as socket,
    ):
        assert socket.subprotocol == "v2.aiops"
        await socket.send_text("grüezi")
        assert await socket.receive() == "grüezi"
        await socket.send_bytes(b"\x00\xff")
        assert await socket.receive() == b"\x00\xff"
        await socket.send_text("who")
        assert await socket.receive() == "Bearer t0ken"


async def test_the_servers_close_code_and_reason_arrive(client: HttpClient) -> None:
    async with serving(_talk) as url, client.websocket(_request(url), Deadline.after(SOON)) as socket:
        await socket.send_text("bye")
        assert await socket.receive() == Closed(4003, "enough")
        assert await socket.receive() == Closed(4003, "enough")
        with pytest.raises(Unreachable, match="closed"):
            await socket.send_text("still there?")


async def test_our_close_code_and_reason_arrive(client: HttpClient) -> None:
    heard: list[tuple[int | None, str]] = []

    async def listen(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoclose=False)
        await socket.prepare(request)
        message = await socket.receive()
        heard.append((message.data, str(message.extra)))
        await socket.close()
        return socket

    async with serving(listen) as url, client.websocket(_request(url), Deadline.after(SOON)) as socket:
        await socket.close(4008, "too slow")
    assert heard == [(4008, "too slow")]


async def test_a_broken_connection_is_1006(client: HttpClient) -> None:
    async with serving(_talk) as url, client.websocket(_request(url), Deadline.after(SOON)) as socket:
        await socket.send_text("vanish")
        assert await socket.receive() == Closed(1006)


async def test_messages_over_the_limit_are_refused(client: HttpClient) -> None:
    async with (
        serving(_talk) as url,
        client.websocket(_request(url), Deadline.after(SOON), max_message_bytes=1000) as socket,
    ):
        await socket.send_text("x" * 1001)
        with pytest.raises(TooLarge):
            await socket.receive()


async def test_an_ordinary_answer_is_no_socket(client: HttpClient) -> None:
    async def forbid(_: web.Request) -> web.Response:
        return web.Response(status=403)

    async with serving(forbid) as url:
        with pytest.raises(HandshakeRefused) as caught:
            async with client.websocket(_request(url), Deadline.after(SOON)):
                pass
        assert caught.value.answered == 403


async def test_the_handshake_has_a_deadline_and_the_conversation_none(client: HttpClient) -> None:
    async with conversing(hang) as server:
        with pytest.raises(TimedOut):
            async with client.websocket(_request(server.url), Deadline.after(0.05)):
                pass
    async with serving(_talk) as url:
        deadline = Deadline.after(0.2)
        async with client.websocket(_request(url), deadline) as socket:
            while deadline.remaining_s:
                await socket.send_text("tick")
                assert await socket.receive() == "tick"
            await socket.send_text("tock")
            assert await socket.receive() == "tock"


async def test_sockets_take_no_connection_from_requests(anyio_backend: str, registry: object) -> None:
    from prometheus_client import CollectorRegistry

    limits = PoolLimits(connections_per_origin=1)
    metrics = HttpMetrics(CollectorRegistry())
    policy = AddressPolicy(allow_loopback=True)

    async def either(request: web.Request) -> web.StreamResponse:
        return await _talk(request) if "Upgrade" in request.headers else web.Response()

    async with (
        HttpClient(user_agent="t", policy=policy, metrics=metrics, limits=limits) as client,
        serving(either) as url,
        client.websocket(_request(url), Deadline.after(SOON)),
        client.websocket(_request(url), Deadline.after(SOON)),
    ):
        plain = HttpRequest(method="GET", url=url, peer="streaming")
        assert (await client.fetch(plain, Deadline.after(SOON))).status == 200
    async with HttpClient(user_agent="t", policy=AddressPolicy(), metrics=metrics) as client:
        with pytest.raises(AddressRefused):
            async with client.websocket(_request("ws://localhost:9/"), Deadline.after(SOON)):
                pass
