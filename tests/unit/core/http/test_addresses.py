"""The hub cannot be talked into asking itself, its node or its neighbours."""

import socket
from ipaddress import ip_address
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from aiops.core.errors import InvalidRequest
from aiops.core.http import (
    AddressPolicy,
    AddressRefused,
    Deadline,
    HttpClient,
    HttpMetrics,
    HttpRequest,
    parse_target,
)
from aiops.core.http.addresses import PolicedResolver

pytestmark = pytest.mark.anyio

LOOPBACK = ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1"]
NEVER = [
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "0.1.2.3",
    "::",
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fe80::1",
    "fe80::1%eth0",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
]
FINE = ["10.0.0.1", "172.16.3.4", "192.168.1.1", "100.64.0.1", "8.8.8.8", "fd12:3456::1", "2001:db8::1"]


@pytest.mark.parametrize("text", LOOPBACK + NEVER)
def test_the_default_policy_refuses(text: str) -> None:
    assert AddressPolicy().refusal(ip_address(text))


@pytest.mark.parametrize("text", FINE)
def test_private_and_public_addresses_are_fine(text: str) -> None:
    assert AddressPolicy().refusal(ip_address(text)) is None


@pytest.mark.parametrize("text", LOOPBACK)
def test_loopback_can_be_allowed(text: str) -> None:
    assert AddressPolicy(allow_loopback=True).refusal(ip_address(text)) is None


@pytest.mark.parametrize("text", NEVER)
def test_allowing_loopback_allows_nothing_else(text: str) -> None:
    assert AddressPolicy(allow_loopback=True).refusal(ip_address(text))


def test_the_policy_can_be_off_for_our_own_roles() -> None:
    assert AddressPolicy(unrestricted=True).refusal(ip_address("169.254.1.1")) is None


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/",
        "file:///etc/passwd",
        "//host/",
        "https://",
        "https:///path",
        "https://user:hunter2@host/",
        "https://user@host/",
        "https://@host/",
        "http://good.example\\@evil.example/",
        "http://host/a b",
        "http://host/\r\nX: y",
        "http://höst/",
        "http://host:99999/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://0x7f.0.0.1./",
    ],
)
def test_such_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_target(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "name"),
    [
        ("https://api.example:6443/x?y=%20z", "https", "api.example", 6443, "api.example:6443"),
        ("http://h", "http", "h", 80, "h"),
        ("wss://[2001:db8::1]/ws", "https", "2001:db8::1", 443, "[2001:db8::1]"),
    ],
)
def test_a_url_is_taken_apart(url: str, scheme: str, host: str, port: int, name: str) -> None:
    target = parse_target(url)
    assert (target.scheme, target.host, target.port, target.name) == (scheme, host, port, name)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.0.0.1.", "[::1]", "[::ffff:7f00:1]", "169.254.169.254"]
)
async def test_the_client_refuses_them_however_they_are_written(host: str) -> None:
    async with HttpClient(user_agent="t", policy=AddressPolicy(), metrics=HttpMetrics(CollectorRegistry())) as client:
        with pytest.raises(AddressRefused):
            await client.fetch(HttpRequest(method="GET", url=f"http://{host}:9/", peer="t"), Deadline.after(5))


def _answering(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def getaddrinfo(_host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


async def test_a_name_is_judged_by_what_it_resolves_to(monkeypatch: pytest.MonkeyPatch) -> None:
    _answering(monkeypatch, "169.254.169.254")
    async with HttpClient(user_agent="t", policy=AddressPolicy(), metrics=HttpMetrics(CollectorRegistry())) as client:
        with pytest.raises(AddressRefused, match=r"members\.example: 169\.254\.169\.254 is a link-local address"):
            await client.fetch(HttpRequest(method="GET", url="http://members.example/", peer="t"), Deadline.after(5))


async def test_only_the_allowed_addresses_of_a_name_are_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    _answering(monkeypatch, "127.0.0.1", "10.0.0.1")
    found = await PolicedResolver(AddressPolicy()).resolve("members.example", 443)
    assert [result["host"] for result in found] == ["10.0.0.1"]
