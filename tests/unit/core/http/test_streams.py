"""Answers and bodies that pass through, as a reverse proxy needs them."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from aiops.core.http import (
    AddressPolicy,
    BreakerPolicies,
    BreakerPolicy,
    BrokenAnswer,
    Deadline,
    HttpClient,
    HttpMetrics,
    HttpRequest,
    TimedOut,
)
from tests.unit.core.http.servers import conversing, hang, saying, serving

pytestmark = pytest.mark.anyio

SOON = 10.0


def _request(url: str, method: str = "GET", **rest: Any) -> HttpRequest:
    return HttpRequest(method=method, url=url, peer="collector", **rest)


async def test_an_answer_passes_as_it_was_encoded(client: HttpClient) -> None:
    packed = gzip.compress(b"x" * 5000)

    async def compressed(request: web.Request) -> web.Response:
        assert "Accept-Encoding" not in request.headers
        return web.Response(status=203, body=packed, headers={"Content-Encoding": "gzip"})

    async with serving(compressed) as url, client.stream(_request(url), Deadline.after(SOON)) as answer:
        assert (answer.status, answer.headers["content-encoding"]) == (203, "gzip")
        assert b"".join([chunk async for chunk in answer.chunks()]) == packed


async def test_redirects_pass_too(client: HttpClient) -> None:
    redirect = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n"
    async with (
        conversing(saying(redirect)) as server,
        client.stream(_request(server.url), Deadline.after(SOON)) as answer,
    ):
        assert (answer.status, answer.headers["Location"]) == (307, "/login")


async def test_a_body_is_sent_as_it_comes(client: HttpClient) -> None:
    arrived = asyncio.Queue[bytes]()

    async def take(request: web.Request) -> web.Response:
        async for chunk in request.content.iter_any():
            arrived.put_nowait(chunk)
        return web.Response()

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        assert await arrived.get() == b"first"  # it came before there was a second
        yield b"second"

    async with (
        serving(take) as url,
        client.stream(_request(url, "PUT", body=body()), Deadline.after(SOON)) as answer,
    ):
        assert answer.status == 200
    assert await arrived.get() == b"second"


async def test_a_caller_whose_own_body_breaks_off_gets_its_own_error(registry: CollectorRegistry) -> None:
    class Gone(Exception):
        pass

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        raise Gone

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    breakers = BreakerPolicies(BreakerPolicy(failures=1))
    policy = AddressPolicy(allow_loopback=True)
    async with (
        HttpClient(user_agent="t", policy=policy, metrics=HttpMetrics(registry), breakers=breakers) as client,
        serving(take) as url,
    ):
        for _ in range(3):  # the server is not to blame: its breaker stays closed
            with pytest.raises(Gone):
                async with client.stream(_request(url, "PUT", body=body()), Deadline.after(SOON)):
                    pass
        assert (await client.fetch(_request(url), Deadline.after(SOON))).status == 200


async def _events(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
    await hang(reader, writer)


async def test_the_deadline_holds_for_the_body(client: HttpClient) -> None:
    async with conversing(_events) as server, client.stream(_request(server.url), Deadline.after(0.1)) as answer:
        chunks = answer.chunks()
        assert await anext(chunks) == b"data: 1\n\n"
        with pytest.raises(TimedOut):
            await anext(chunks)


async def test_the_deadline_can_be_lifted_for_event_streams(client: HttpClient) -> None:
    async with conversing(_events) as server, client.stream(_request(server.url), Deadline.after(0.1)) as answer:
        answer.lift_deadline()
        chunks = answer.chunks()
        await anext(chunks)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await anext(chunks)


async def test_leaving_early_hangs_up(client: HttpClient) -> None:
    async with conversing(_events) as server:
        async with client.stream(_request(server.url), Deadline.after(SOON)) as answer:
            await anext(answer.chunks())
        async with asyncio.timeout(SOON):
            await server.hung_up.wait()


async def test_a_slow_reader_holds_the_sender_back(client: HttpClient) -> None:
    sent = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 2**30:
            writer.write(bytes(2**16))
            await writer.drain()
            sent += 2**16

    async with conversing(flood) as server, client.stream(_request(server.url), Deadline.after(SOON)) as answer:
        await anext(answer.chunks())
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.05)  # what shows that nothing more moves is that time passes
        assert sent < 2**26


async def test_a_body_that_breaks_off_says_so(client: HttpClient) -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"
    async with conversing(saying(cut)) as server, client.stream(_request(server.url), Deadline.after(SOON)) as answer:
        chunks = answer.chunks()
        assert await anext(chunks) == b"short"
        with pytest.raises(BrokenAnswer):
            await anext(chunks)
