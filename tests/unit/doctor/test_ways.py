"""The ways to the roles, from outside, and to the cluster: each is broken for real, and the advice is read."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from aiops.doctor.finding import Status
from tests.flows.hubs import NAMES, TOKEN, FiveRoles
from tests.servers.loopback import free_port
from tests.unit.core.http.servers import Authority, serving
from tests.unit.doctor.advice import is_
from tests.unit.doctor.conftest import Examined, Findings

pytestmark = pytest.mark.anyio

HEALTH = {"status": "healthy", "role": "gateway", "version": "0.0.1"}


@pytest.fixture(scope="module")
def five() -> Iterator[FiveRoles]:
    """A hub of five processes."""
    with FiveRoles() as hub:
        yield hub


def environment(hub: FiveRoles) -> dict[str, str]:
    """What the gateway of that hub is given."""
    return {**hub.role_environment(), "AIOPS_HTTP_PUBLIC_URL": hub.url}


async def test_roles_that_are_well(examined: Examined, five: FiveRoles) -> None:
    findings = await examined(environment(five), roles=("gateway",), token=TOKEN)
    assert {finding.status for finding in findings.values()} <= {Status.OK, Status.SKIP}, findings
    for role in NAMES:
        is_(findings[f"peers: {role}"], Status.OK, "answers at")
        is_(findings[f"peers: {role} signature"], Status.OK, "accepted")
    is_(findings["public url: address"], Status.OK, "the role gateway")
    is_(findings["public url: token"], Status.OK, "accepted")


async def test_roles_that_refuse_our_signature(examined: Examined, five: FiveRoles) -> None:
    findings = await examined({**environment(five), "AIOPS_INTERNAL_SECRET": "another-canary-secret-of-enough-length"})
    for role in NAMES:
        is_(findings[f"peers: {role} signature"], Status.FAIL, "refuses our signature (401)", "the same AIOPS_INTERNAL")
    assert "canary" not in str(findings)


async def test_a_url_that_leads_to_another_role_or_to_nobody(examined: Examined, five: FiveRoles) -> None:
    urls = environment(five)
    wrong = {
        **urls,
        "CLUSTER_REGISTRY_URL": urls["REALTIME_STREAMING_URL"],
        "INTELLIGENCE_ENGINE_URL": f"http://127.0.0.1:{free_port()}",
    }
    findings = await examined(wrong)
    is_(
        findings["peers: registry"],
        Status.FAIL,
        "the role streaming answers",
        "CLUSTER_REGISTRY_URL leads to the wrong",
    )
    is_(findings["peers: intelligence"], Status.FAIL, "connection refused", "is INTELLIGENCE_ENGINE_URL right")


async def test_a_token_that_is_not_accepted(examined: Examined, five: FiveRoles) -> None:
    findings = await examined(server=five.url, token="canary-of-nobody")
    is_(findings["public url: token"], Status.FAIL, "not accepted (401)", "aiops token create")
    assert "canary" not in str(findings)


async def test_a_role_of_another_release_and_of_another_time(examined: Examined) -> None:
    async def old(_: web.Request) -> web.Response:
        answer = {**HEALTH, "role": "registry"}
        return web.json_response(answer, headers={"Date": "Wed, 21 Oct 2015 07:28:00 GMT"})

    async with serving(old) as url:
        findings = await examined({"CLUSTER_REGISTRY_URL": url})
    is_(findings["peers: registry"], Status.WARN, "it is release 0.0.1", "the same image")
    is_(findings["peers: registry clock"], Status.FAIL, "s from this one", "NTP")


async def test_an_address_that_leads_elsewhere(examined: Examined) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<h1>Application is not available</h1>", status=503)

    async with serving(page) as url:
        findings = await examined({"AIOPS_HTTP_PUBLIC_URL": url, "CLUSTER_REGISTRY_URL": url})
    is_(findings["public url: address"], Status.FAIL, "is no hub", "to the gateway")
    is_(findings["peers: registry"], Status.FAIL, "is no role of the hub", "correct CLUSTER_REGISTRY_URL")
    findings = await examined(server=f"http://127.0.0.1:{free_port()}")
    is_(findings["public url: address"], Status.FAIL, "connection refused", "does a Route or Ingress exist")


async def test_a_hub_that_is_not_ready_says_why(examined: Examined) -> None:
    async def unready(request: web.Request) -> web.Response:
        if request.path == "/ready":
            return web.json_response({"ready": False, "reasons": ["postgresql: away"]}, status=503)
        return web.json_response(HEALTH)

    async with serving(unready) as url:
        findings = await examined(server=url)
    is_(findings["public url: ready"], Status.FAIL, "postgresql: away", "mend what it names")


async def test_a_way_that_passes_health_alone(examined: Examined) -> None:
    async def narrow(request: web.Request) -> web.Response:
        if request.path == "/health":
            return web.json_response(HEALTH)
        return web.Response(text="<h1>not found</h1>", content_type="text/html")

    async with serving(narrow) as url:
        findings = await examined(server=url, token="any")
    is_(findings["public url: ready"], Status.FAIL, "/ready: ", "let the Route or Ingress pass /ready to the gateway")
    is_(findings["public url: token"], Status.FAIL, "answered by no hub", "let the Route pass /health to the gateway")


async def test_a_role_and_a_hub_that_stop_in_the_middle(examined: Examined) -> None:
    async def sick(request: web.Request) -> web.Response:
        if request.path == "/health":
            return web.json_response({**HEALTH, "role": "registry"})
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with serving(sick) as url:
        findings = await examined({"CLUSTER_REGISTRY_URL": url}, server=url, token="any")
    is_(findings["peers: registry signature"], Status.FAIL, "closed", "the role lives and does not answer")
    is_(findings["public url: token"], Status.FAIL, "closed", "let the Route or Ingress pass /health to the gateway")


async def test_a_part_of_the_hub_that_is_not_well(examined: Examined) -> None:
    async def hub(request: web.Request) -> web.Response:
        if request.path != "/health/detailed":
            return web.json_response(HEALTH)
        well, sick = {"status": "healthy", "error": None}, {"status": "unhealthy", "error": "no answer within 3 s"}
        return web.json_response({"status": "degraded", "components": {"postgresql": well, "collector": sick}})

    async with serving(hub) as url:
        findings = await examined(server=url, token="any")
    is_(findings["public url: component collector"], Status.FAIL, "unhealthy: no answer", "see this component's own")
    assert "public url: component postgresql" not in findings


async def test_certificates(examined: Examined, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)

    async def well(_: web.Request) -> web.Response:
        return web.json_response(HEALTH)

    async def seen(days: int) -> Findings:
        tls, _ = authority.server("localhost", days)
        async with serving(well, tls) as url:
            return await examined(server=url.replace("127.0.0.1", "localhost"))

    findings = await seen(5)
    is_(findings["public url: address"], Status.FAIL, "certificate", "an authority that clients know")
    trusted = tmp_path / "roots.pem"
    trusted.write_text(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    findings = await seen(5)
    is_(findings["public url: certificate"], Status.WARN, "it ends in 4 days", "renew it")
    findings = await seen(60)
    is_(findings["public url: certificate"], Status.OK, "good until")
    findings = await seen(-1)
    is_(findings["public url: address"], Status.FAIL, "expired", "a certificate for this name")


async def test_rights_in_the_cluster_are_asked_of_the_cluster(
    examined: Examined, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_((await examined())["cluster access: rights"], Status.SKIP, "no pod that may speak")
    monkeypatch.setenv("POD_NAMESPACE", "aiops-nextgen")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))

    async def review(request: web.Request) -> web.Response:
        asked = (await request.json())["spec"]["resourceAttributes"]
        status = {
            "allowed": (asked["verb"], asked["resource"], asked["namespace"]) == ("list", "pods", "aiops-nextgen")
        }
        return web.json_response({"spec": {"resourceAttributes": asked}, "status": status}, status=201)

    async with serving(review) as url:
        kubeconfig(tmp_path / "kubeconfig", url)
        findings = await examined()
    is_(findings["cluster access: list pods"], Status.OK, "may list pods in aiops-nextgen")
    is_(
        findings["cluster access: list events"],
        Status.WARN,
        "has no events",
        "oc create role aiops-support --verb=list",
    )
    findings = await examined()
    is_(findings["cluster access: cluster access"], Status.FAIL, "did not answer", "see the finding")


def kubeconfig(file: Path, server: str) -> None:
    file.write_text(
        f"""
apiVersion: v1
kind: Config
current-context: test
clusters: [{{name: test, cluster: {{server: "{server}"}}}}]
users: [{{name: test, user: {{token: of-the-test}}}}]
contexts: [{{name: test, context: {{cluster: test, user: test}}}}]
"""
    )
