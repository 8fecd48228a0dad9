"""What `/ws` says to clients that do not speak its protocol: an error with a code, or a close, and no harm."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.contract.hub import Hub
from tests.servers.waiting import eventually

TOO_BIG = 64 * 1024 + 1
NONSENSE = ["", "nonsense", "7", "[]", "{}", '{"type":"dance"}', "[" * 60_000, b"\x00\x01\xff", b"{}"]


def address(hub: Hub) -> str:
    return hub.url.replace("http", "ws", 1) + "/ws"


@pytest.fixture
async def stranger(hub: Hub) -> AsyncIterator[ClientConnection]:
    async with connect(address(hub)) as socket:
        yield socket


@pytest.fixture
async def friend(hub: Hub) -> AsyncIterator[ClientConnection]:
    async with connect(address(hub), additional_headers={"Authorization": f"Bearer {hub.token}"}) as socket:
        assert (await heard(socket))["success"] is True
        yield socket


async def heard(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = msgspec.json.decode(await socket.recv())
    return message


async def closed(socket: ClientConnection) -> int | None:
    """The code that the socket is closed with."""
    await socket.wait_closed()
    return socket.close_code


@pytest.mark.parametrize("message", NONSENSE)
async def test_a_first_message_that_signs_nobody_in(stranger: ClientConnection, message: str | bytes) -> None:
    await stranger.send(message)
    answer = await heard(stranger)
    assert (answer["type"], answer["code"]) == ("error", "INVALID_REQUEST")
    assert await closed(stranger) == 4400


@pytest.mark.parametrize("token", ["", "wrong", "aiops_" + "0" * 32 + "_x", "\x00", "ü" * 2000])
async def test_a_wrong_token_in_the_first_message(stranger: ClientConnection, token: str) -> None:
    await stranger.send(msgspec.json.encode({"type": "auth", "token": token}).decode())
    answer = await heard(stranger)
    assert answer["type"] == "auth_response"
    assert answer["success"] is False
    assert answer["code"] in ("AUTH_REQUIRED", "AUTH_FAILED")
    assert await closed(stranger) == 4401


async def test_a_wrong_token_in_the_header(hub: Hub) -> None:
    async with connect(address(hub), additional_headers={"Authorization": "Bearer wrong"}) as socket:
        assert (await heard(socket))["code"] == "AUTH_FAILED"
        assert await closed(socket) == 4401


async def test_a_token_in_the_url_signs_nobody_in(hub: Hub) -> None:
    async with connect(f"{address(hub)}?token={hub.token}") as socket:
        await socket.send('{"type":"ping"}')
        assert (await heard(socket))["code"] == "INVALID_REQUEST"
        assert await closed(socket) == 4400


@pytest.mark.parametrize("message", ["x" * TOO_BIG, b"x" * TOO_BIG])
async def test_a_message_that_is_too_large(stranger: ClientConnection, message: str | bytes) -> None:
    await stranger.send(message)
    assert await closed(stranger) == 1009


async def test_a_message_that_is_too_large_from_somebody_known(friend: ClientConnection) -> None:
    await friend.send("x" * TOO_BIG)
    assert await closed(friend) == 1009


@pytest.mark.parametrize(
    "message", [*NONSENSE, '{"type":"subscribe","subscription":7}', '{"type":"auth","token":"again"}']
)
async def test_nonsense_from_somebody_known_is_answered_and_forgiven(
    friend: ClientConnection, message: str | bytes
) -> None:
    await friend.send(message)
    answer = await heard(friend)
    assert (answer["type"], answer["code"]) == ("error", "INVALID_REQUEST")
    await friend.send('{"type":"ping"}')
    assert (await heard(friend))["type"] == "pong"


async def test_nonsense_without_end_is_not_forgiven(friend: ClientConnection) -> None:
    for _ in range(10):
        await friend.send("nonsense")
    assert await closed(friend) == 1008


async def test_a_subscription_to_a_foreign_cluster(hub: Hub) -> None:
    own, foreign = hub.register("socket-own"), hub.register("socket-foreign")
    token = hub.token_for("viewer", {"ids": [own["id"]]})
    async with connect(address(hub), additional_headers={"Authorization": f"Bearer {token}"}) as socket:
        assert (await heard(socket))["success"] is True

        async def refused() -> bool:
            wanted = {"type": "subscribe", "subscription": {"cluster_filter": [foreign["id"]]}}
            await socket.send(msgspec.json.encode(wanted).decode())
            answer = await heard(socket)
            assert answer["type"] == "error"
            # The ring may still be starting.
            assert answer["code"] in ("CLUSTER_NOT_FOUND", "SERVICE_UNAVAILABLE")
            return bool(answer["code"] == "CLUSTER_NOT_FOUND")

        await eventually(refused, what="the subscription is refused as one to no cluster")


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/clusters", "/api/v1/logs/tail"])
async def test_a_socket_elsewhere(hub: Hub, path: str) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(hub.url.replace("http", "ws", 1) + path):
            pass
    assert 400 <= caught.value.response.status_code < 500
