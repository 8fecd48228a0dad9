"""Certificates are verified by default, by the cluster's own authority where it has one."""

from typing import Any

import pytest
from aiohttp import web

from aiops.core.errors import InvalidRequest
from aiops.core.http import Deadline, HttpClient, HttpRequest, Tls, Unreachable, UnreachableKind
from tests.unit.core.http.servers import Authority, serving

pytestmark = pytest.mark.anyio

SOON = 10.0


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


async def _hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


async def _ask(client: HttpClient, url: str, **tls: Any) -> int:
    request = HttpRequest(method="GET", url=url, peer="member", tls=Tls(**tls))
    return (await client.fetch(request, Deadline.after(SOON))).status


async def test_the_clusters_own_authority_is_trusted_under_its_server_name(
    client: HttpClient, authority: Authority
) -> None:
    context, _ = authority.server("api.cluster.example")
    async with serving(_hello, context) as url:
        assert await _ask(client, url, ca=authority.pem, server_name="api.cluster.example") == 200


async def test_the_servers_own_certificate_may_be_given_as_the_authority(
    client: HttpClient, authority: Authority
) -> None:
    context, certificate = authority.server("api.cluster.example")
    async with serving(_hello, context) as url:
        assert await _ask(client, url, ca=certificate, server_name="api.cluster.example") == 200


async def test_strangers_are_refused_unless_somebody_asked_for_it(client: HttpClient, authority: Authority) -> None:
    context, _ = authority.server("api.cluster.example")
    async with serving(_hello, context) as url:
        with pytest.raises(Unreachable, match="unable to get local issuer certificate") as caught:
            await _ask(client, url, server_name="api.cluster.example")
        assert caught.value.kind is UnreachableKind.TLS
        assert await _ask(client, url, insecure=True) == 200
        with pytest.raises(Unreachable):  # a pool that does not verify is nobody else's
            await _ask(client, url, server_name="api.cluster.example")


async def test_another_host_name_is_refused(client: HttpClient, authority: Authority) -> None:
    context, _ = authority.server("api.cluster.example")
    async with serving(_hello, context) as url:
        with pytest.raises(Unreachable, match="ip address mismatch"):
            await _ask(client, url, ca=authority.pem)
        with pytest.raises(Unreachable, match="hostname mismatch"):
            await _ask(client, url, ca=authority.pem, server_name="other.example")


async def test_an_expired_certificate_says_so(client: HttpClient, authority: Authority) -> None:
    context, _ = authority.server("api.cluster.example", days=-1)
    async with serving(_hello, context) as url:
        with pytest.raises(Unreachable, match="certificate has expired"):
            await _ask(client, url, ca=authority.pem, server_name="api.cluster.example")


async def test_a_server_without_tls_says_so(client: HttpClient) -> None:
    async with serving(_hello) as url:
        with pytest.raises(Unreachable, match="does not speak TLS") as caught:
            await _ask(client, url.replace("http:", "https:"))
        assert caught.value.kind is UnreachableKind.TLS


@pytest.mark.parametrize("ca", ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "ü"])
async def test_an_authority_that_is_no_certificate_is_refused(client: HttpClient, ca: str) -> None:
    with pytest.raises(InvalidRequest, match="PEM"):
        await _ask(client, "https://127.0.0.1:9/", ca=ca)
