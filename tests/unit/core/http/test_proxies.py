"""What goes through a proxy and what never does; what a proxy's refusal is called; and that no password is shown."""

import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from aiops.core.http import (
    AddressPolicy,
    AddressRefused,
    Deadline,
    HandshakeRefused,
    HttpClient,
    HttpMetrics,
    HttpRequest,
    Proxies,
    Tls,
    Unreachable,
    UnreachableKind,
    parse_target,
    proxy_mistakes,
)
from tests.servers.forward_proxy import ForwardProxy
from tests.servers.loopback import free_port
from tests.unit.core.http.servers import Authority, serving

pytestmark = pytest.mark.anyio
ACCOUNT = "site:canary-password"
By = Callable[[Proxies], Awaitable[HttpClient]]


@pytest.fixture
async def by() -> AsyncIterator[By]:
    """Clients that go by the given proxies, closed afterwards."""
    async with AsyncExitStack() as stack:

        async def entered(proxies: Proxies) -> HttpClient:
            metrics = HttpMetrics(CollectorRegistry())
            client = HttpClient(user_agent="aiops-tests", policy=AddressPolicy(), metrics=metrics, proxies=proxies)
            return await stack.enter_async_context(client)

        yield entered


async def hello(request: web.Request) -> web.Response:
    return web.Response(text=f"hello {request.host} {request.headers.get('Proxy-Authorization', 'nobody')}")


async def ask(client: HttpClient, url: str, tls: Tls = Tls()) -> str:  # noqa: B008 - frozen
    request = HttpRequest(method="GET", url=url, peer="member", tls=tls, bearer="member-token")
    answer = await client.fetch(request, Deadline.after(5))
    return f"{answer.status} {answer.body.decode()}"


def port_of(url: str) -> str:
    return url.rpartition(":")[2]


@pytest.mark.parametrize(
    ("no_proxy", "url", "goes"),
    [
        ("", "https://api.east.example.com:6443/", True),
        ("", "http://api.east.example.com/", True),
        ("", "https://10.1.2.3:6443/", True),
        ("", "https://localhost:6443/", False),
        ("", "https://127.0.0.1/", False),
        ("", "https://[::1]/", False),
        ("", "http://cluster-registry:8080/", False),
        ("", "http://vllm.models.svc:8080/", False),
        ("", "http://vllm.models.svc.cluster.local:8080/", False),
        ("*", "https://api.east.example.com/", False),
        ("example.com", "https://api.east.example.com/", False),
        ("example.com", "https://example.com/", False),
        ("example.com", "https://badexample.com/", True),
        (".example.com", "https://api.east.example.com/", False),
        (".example.com", "https://example.com/", True),
        ("*.example.com", "https://api.east.example.com/", False),
        ("EXAMPLE.com", "https://API.example.COM/", False),
        ("example.com.", "https://api.example.com/", False),
        ("other.com, example.com", "https://api.example.com/", False),
        ("example.com:6443", "https://api.example.com:6443/", False),
        ("example.com:6443", "https://api.example.com/", True),
        ("10.1.2.3", "https://10.1.2.3:6443/", False),
        ("10.1.2.3", "https://10.1.2.4:6443/", True),
        ("10.1.0.0/16", "https://10.1.2.4:6443/", False),
        ("10.1.0.0/16", "https://10.2.2.4:6443/", True),
        ("10.1.0.0/16", "https://api.example.com/", True),
        ("fd00::/8", "https://[fd00::5]/", False),
        ("[fd00::5]:443", "https://[fd00::5]/", False),
        ("fd00::5", "https://[fd00::5]/", False),
        ("2.3", "https://10.1.2.3/", True),
        ("10.1.0.0/99, ,nonsense/", "https://10.1.2.3/", True),
    ],
)
def test_what_is_excepted_is_what_go_excepts(no_proxy: str, url: str, *, goes: bool) -> None:
    given = Proxies("http://proxy.example.net:3128", "http://proxy.example.net:3129", no_proxy)
    found = given.of(parse_target(url))
    port = "3129" if url.startswith("https") else "3128"
    assert (str(found) if found else None) == (f"http://proxy.example.net:{port}" if goes else None)


def test_the_url_of_a_setting_may_carry_an_account_and_is_told_where_it_is_none() -> None:
    given = Proxies(http="http://proxy.example.net:3128")
    assert str(given.to("http://me:canary@otel.example.com:4318")) == "http://proxy.example.net:3128"
    assert given.to("http://me:canary@otel.observability.svc:4318") is None
    for text in ("otel.example.com:4318", "grpc://otel.example.com", "http://", "http://a b", "http://a:b"):
        with pytest.raises(ValueError, match="starts with https://host"):
            given.to(text)


def test_without_one_nothing_goes_by_a_proxy() -> None:
    assert Proxies(https="http://p:1").of(parse_target("http://a.example.com/")) is None
    assert Proxies(http="http://p:1").of(parse_target("https://a.example.com/")) is None


@pytest.mark.parametrize(
    "text", ["proxy.example.com:3128", "https://proxy:3128", "socks5://proxy:1", "http://", "http://a b"]
)
def test_what_is_no_proxy_is_told_without_its_password(text: str) -> None:
    (line,) = proxy_mistakes(Proxies(https=text.replace("//", f"//{ACCOUNT}@")))
    assert line.startswith("HTTPS_PROXY: ")
    assert "canary" not in line
    assert proxy_mistakes(Proxies("http://a:b@proxy", "http://proxy:3128")) == []


async def test_plain_http_is_asked_of_the_proxy(by: By) -> None:
    async with serving(hello) as url, ForwardProxy() as proxy:
        client = await by(Proxies(http=proxy.url))
        told = await ask(client, f"http://member.example.com:{port_of(url)}/metrics")
    assert told.startswith("200 hello member.example.com")
    assert proxy.asked == [f"GET http://member.example.com:{port_of(url)}/metrics HTTP/1.1"]


async def test_tls_goes_through_it_unseen_with_the_clusters_own_authority(by: By, tmp_path: object) -> None:
    authority = Authority(tmp_path)  # type: ignore[arg-type] # pytest's
    context, _ = authority.server("api.cluster.example")
    async with serving(hello, context) as url, ForwardProxy(account=ACCOUNT) as proxy:
        client = await by(Proxies(https=proxy.url))
        tls = Tls(ca=authority.pem, server_name="api.cluster.example")
        told = await ask(client, f"https://member.example.com:{port_of(url)}/", tls)
        with pytest.raises(Unreachable) as refused:
            await ask(client, f"https://other.example.com:{port_of(url)}/", Tls(ca=authority.pem))
    assert told == f"200 hello member.example.com:{port_of(url)} nobody"
    assert refused.value.kind is UnreachableKind.TLS
    assert proxy.asked[0] == f"CONNECT member.example.com:{port_of(url)} HTTP/1.1"
    assert "member-token" not in "".join(proxy.heads)


@pytest.mark.parametrize(
    ("refuse", "words"), [(403, "does not let us through to it (403)"), (502, "cannot reach it (502)"), (500, "(500)")]
)
async def test_a_refusal_of_the_proxys_is_told_as_one(by: By, refuse: int, words: str) -> None:
    async with ForwardProxy(refuse=refuse) as proxy:
        client = await by(Proxies(https=proxy.url))
        with pytest.raises(Unreachable) as refused:
            await ask(client, "https://member.example.com/")
    assert refused.value.kind is UnreachableKind.PROXY
    assert f"the proxy 127.0.0.1:{proxy.port} " in refused.value.message
    assert words in refused.value.message
    assert len(proxy.asked) == 1, "a refusal is not asked for twice"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_password_that_is_missing_or_wrong_is_told_and_never_shown(by: By, scheme: str) -> None:
    async with ForwardProxy(account="site:right") as proxy:
        wrong = f"http://site:canary@127.0.0.1:{proxy.port}"
        client = await by(Proxies(wrong, wrong))
        with pytest.raises(Unreachable) as refused:
            await ask(client, f"{scheme}://member.example.com/")
    assert refused.value.kind is UnreachableKind.PROXY
    assert "407" in refused.value.message
    assert "canary" not in f"{refused.value!r} {refused.value.details} {Proxies(wrong, wrong)!r}"


async def test_a_proxy_that_is_away_is_not_taken_for_the_member(by: By) -> None:
    client = await by(Proxies(https=f"http://127.0.0.1:{(port := free_port())}"))
    with pytest.raises(Unreachable) as refused:
        await ask(client, "https://member.example.com/")
    assert refused.value.message == (
        f"member.example.com: the proxy 127.0.0.1:{port} cannot be reached: connection refused"
    )
    unknown = await by(Proxies(https="http://proxy.invalid:3128"))
    with pytest.raises(Unreachable, match=r"the proxy proxy\.invalid:3128 cannot be reached: its name is not known"):
        await ask(unknown, "https://member.example.com/")


async def test_addresses_that_are_refused_stay_so(by: By) -> None:
    """A proxy is no way around the policy for an address that is written out."""
    async with ForwardProxy() as proxy:
        client = await by(Proxies(proxy.url, proxy.url))
        for url in ("https://169.254.169.254/", "http://127.0.0.1:1/", "http://localhost:1/", "https://[::1]/"):
            with pytest.raises(AddressRefused):
                await ask(client, url)
    assert proxy.asked == []


@pytest.mark.parametrize("name", ["metadata.google.internal", "Instance-Data.ec2.internal."])
async def test_names_of_metadata_services_are_refused_whoever_resolves_them(by: By, name: str) -> None:
    async with ForwardProxy() as proxy:
        client = await by(Proxies(proxy.url, proxy.url))
        for scheme in ("http", "https"):
            with pytest.raises(AddressRefused, match="is a metadata service"):
                await ask(client, f"{scheme}://{name}/")
    assert proxy.asked == []


async def test_a_name_that_leads_to_a_refused_address_here_is_refused(by: By, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of its addresses the proxy would take."""
    resolving(monkeypatch, lambda host: ["192.0.2.1", "169.254.169.254"] if host == "rebound.example.com" else [])
    async with serving(hello) as url, ForwardProxy() as proxy:
        client = await by(Proxies(http=proxy.url))
        with pytest.raises(AddressRefused, match=r"169\.254\.169\.254 is a link-local address"):
            await ask(client, f"http://rebound.example.com:{port_of(url)}/")
        assert proxy.asked == []
        assert (await ask(client, f"http://known.outside.example.com:{port_of(url)}/")).startswith("200 ")


async def test_a_resolver_that_hangs_holds_nobody_up(by: By, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(_: str) -> list[str]:
        time.sleep(1.5)
        return ["169.254.169.254"]

    resolving(monkeypatch, hang)
    async with serving(hello) as url, ForwardProxy() as proxy:
        client = await by(Proxies(http=proxy.url))
        assert (await ask(client, f"http://member.example.com:{port_of(url)}/")).startswith("200 ")


def resolving(monkeypatch: pytest.MonkeyPatch, addresses: Callable[[str], list[str]]) -> None:
    """Names under example.com have these addresses; none is unknown."""
    asked = socket.getaddrinfo

    def answer(host: str, *given: Any, **named: Any) -> list[Any]:
        if not str(host).endswith(".example.com"):
            return asked(host, *given, **named)
        if found := addresses(host):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in found]
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", answer)


async def test_a_407_of_the_member_itself_is_its_answer(by: By, tmp_path: object) -> None:
    async def asks_for_a_password(_: web.Request) -> web.Response:
        return web.Response(status=407, text="the member's own")

    authority = Authority(tmp_path)  # type: ignore[arg-type] # pytest's
    context, _ = authority.server("member.example.com")
    async with serving(asks_for_a_password, context) as url, ForwardProxy() as proxy:
        client = await by(Proxies(https=proxy.url))
        told = await ask(client, f"https://member.example.com:{port_of(url)}/", Tls(ca=authority.pem))
    assert told == "407 the member's own"


async def test_sockets_go_through_it_too(by: By) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=404)

    async with serving(refuse) as url, ForwardProxy() as proxy:
        client = await by(Proxies(http=proxy.url))
        request = HttpRequest(method="GET", url=f"ws://member.example.com:{port_of(url)}/tail", peer="member")
        with pytest.raises(HandshakeRefused):
            async with client.websocket(request, Deadline.after(5)):
                pass
    assert "member.example.com" in proxy.asked[0]
