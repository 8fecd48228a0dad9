"""The proxies on the way out, broken one by one; and their passwords, which nobody sees."""

import asyncio

import pytest

from aiops.doctor import proxy as proxy_check
from aiops.doctor.finding import Status
from tests.servers.forward_proxy import ForwardProxy
from tests.servers.loopback import HOST, free_port
from tests.unit.doctor.advice import is_
from tests.unit.doctor.conftest import Examined

pytestmark = pytest.mark.anyio


async def test_a_proxy_that_takes_connections(examined: Examined) -> None:
    async with ForwardProxy(account="site:canary-password") as proxy:
        findings = await examined({"HTTPS_PROXY": proxy.url, "http_proxy": proxy.url})
    place = f"127.0.0.1:{proxy.port}"
    assert findings["proxy: proxy"].found == f"{place} (HTTP_PROXY and HTTPS_PROXY) takes connections"
    assert "canary" not in repr(findings)


async def test_no_proxy(examined: Examined) -> None:
    assert (await examined())["proxy: proxy"].status is Status.SKIP


async def test_a_proxy_that_is_away(examined: Examined) -> None:
    findings = await examined({"HTTPS_PROXY": f"http://127.0.0.1:{free_port()}"})
    is_(findings["proxy: proxy"], Status.FAIL, "connection refused", "does the proxy run, and is its port right")


async def test_a_proxy_that_nobody_knows(examined: Examined) -> None:
    findings = await examined({"HTTPS_PROXY": "http://proxy.invalid:3128"})
    is_(findings["proxy: proxy"], Status.FAIL, "the name is not known", "correct the proxy's host")


async def test_a_proxy_behind_a_firewall(examined: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dropped(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "open_connection", dropped)
    monkeypatch.setattr(proxy_check, "CONNECT_S", 0.1)
    findings = await examined({"HTTPS_PROXY": f"http://{HOST}:3128"})
    is_(findings["proxy: proxy"], Status.FAIL, "no connection within 0.1 s", "let network policies and firewalls")


async def test_what_is_no_proxys_address(examined: Examined) -> None:
    findings = await examined({"HTTPS_PROXY": "proxy.example.com:3128"})
    is_(findings["configuration: HTTPS_PROXY"], Status.FAIL, "http://host:port", "then start the role again")
    assert findings["proxy: proxy"].status is Status.SKIP
