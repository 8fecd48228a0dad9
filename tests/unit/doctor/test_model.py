"""The model's area: a server answers as a broken one does, or a real model does, and the advice is read."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from aiops.doctor import model as model_check
from aiops.doctor.finding import Status
from aiops.intelligence.llm import endpoint
from aiops.settings import LlmSettings
from tests.servers.loopback import free_port
from tests.unit.core.http.servers import Authority, conversing, hang, serving
from tests.unit.doctor.advice import is_
from tests.unit.doctor.conftest import Examined, Findings

pytestmark = pytest.mark.anyio
KEY = "canary-key-of-the-model"
SERVED = {"object": "list", "data": [{"id": "llama", "max_model_len": 4096}, {"id": "granite"}]}
SAID = {"choices": [{"message": {"role": "assistant", "content": "Ready"}}]}
About = Callable[..., Awaitable[Findings]]


@pytest.fixture
def about(examined: Examined) -> About:
    """Examine the model that is at a URL; a variable is changed or, by None, taken away."""

    async def run(url: str, changed: Mapping[str, str | None] | None = None) -> Findings:
        given = {"LLM_PROVIDER": "local", "LLM_LOCAL_URL": url, "LLM_MODEL": "llama", **(changed or {})}
        return await examined({name: value for name, value in given.items() if value is not None})

    return run


def api(models: Any = SERVED, said: Any = SAID, *, status: int = 200, asked: list[Any] | None = None) -> Any:
    """A server of an API under /v1: its list of models, and what it answers to a question."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/v1/models":
            return web.json_response(models)
        if request.path not in ("/v1/chat/completions", "/v1/messages"):
            return web.Response(status=404, text="<h1>not found</h1>", content_type="text/html")
        if asked is not None:
            asked.append((request.path, dict(request.headers), await request.json()))
        return web.json_response(said, status=status)

    return answer


async def test_without_a_model_it_says_what_works_all_the_same(examined: Examined) -> None:
    findings = await examined()
    is_(findings["model: endpoint"], Status.SKIP, "everything but language works without")
    findings = await examined({"LLM_LOCAL_URL": "http://vllm:8080/v1"})
    is_(findings["model: endpoint"], Status.WARN, "LLM_PROVIDER is none", "set LLM_PROVIDER to local")


async def test_a_model_that_is_well(about: About) -> None:
    asked: list[Any] = []
    async with serving(api(asked=asked)) as url:
        findings = await about(f"{url}/v1/", {"LLM_API_KEY": KEY})
    is_(findings["model: endpoint"], Status.OK, f"local at {url}/v1 answers")
    is_(findings["model: model"], Status.OK, "llama is served, 4096 tokens of context")
    is_(findings["model: answer"], Status.OK, "said a token after 0.")
    ((path, headers, body),) = asked
    assert (path, headers["Authorization"]) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert (body["model"], body["max_tokens"]) == ("llama", 1)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"LLM_LOCAL_URL": None}, "LLM_LOCAL_URL is not set, and LLM_PROVIDER is local"),
        ({"LLM_LOCAL_URL": "vllm:8080/v1"}, "LLM_LOCAL_URL: a URL starts with"),
        ({"LLM_LOCAL_URL": "ws://vllm/v1"}, "LLM_LOCAL_URL: starts with http:// or https://"),
        ({"LLM_LOCAL_URL": "http://me:canary@vllm/v1"}, "LLM_LOCAL_URL: a URL must not carry a user name"),
        ({"LLM_LOCAL_URL": "http://vllm/v1?key=canary"}, "LLM_LOCAL_URL: is a base URL, so it has no ?"),
        ({"LLM_PROVIDER": "openai"}, "LLM_API_KEY is not set, and LLM_PROVIDER is openai"),
        ({"LLM_PROVIDER": "google", "LLM_API_KEY": KEY, "LLM_MODEL": None}, "LLM_MODEL is not set"),
        ({"LLM_API_KEY": f"{KEY}\n"}, "LLM_API_KEY: has a blank, a line's end"),
    ],
    ids=["none", "relative", "socket", "password", "query", "no-key", "no-model", "line-end"],
)
async def test_settings_that_name_no_model(about: About, changed: dict[str, str | None], named: str) -> None:
    findings = await about("http://127.0.0.1:1/v1", changed)
    is_(findings["model: endpoint"], Status.FAIL, named, "until then the role intelligence does not start")
    is_(findings[f"configuration: {named.split(maxsplit=1)[0].strip(':')}"], Status.FAIL, named, "start the role again")
    assert "canary" not in str(findings)


async def test_a_provider_that_there_is_not_is_told_with_those_that_are(about: About) -> None:
    findings = await about("http://127.0.0.1:1/v1", {"LLM_PROVIDER": "vllm"})
    is_(
        findings["configuration: LLM_PROVIDER"], Status.FAIL, "one of none, local, anthropic, openai, google", "correct"
    )


async def test_a_server_that_cannot_be_reached(about: About, tmp_path: Path) -> None:
    findings = await about(f"http://127.0.0.1:{free_port()}/v1")
    is_(findings["model: endpoint"], Status.FAIL, "connection refused", "is the model's server running")
    findings = await about("http://vllm.invalid:8080/v1")
    is_(findings["model: endpoint"], Status.FAIL, "vllm.invalid", "the Service's name and namespace")
    context, _ = Authority(tmp_path).server("localhost")
    async with serving(api(), context) as url:
        findings = await about(f"{url.replace('127.0.0.1', 'localhost')}/v1")
    is_(findings["model: endpoint"], Status.FAIL, "certificate", "SSL_CERT_FILE")


async def test_a_server_that_is_silent(about: About, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_check, "LISTED_S", 0.3)
    async with conversing(hang) as server:
        findings = await about(f"{server.url}/v1")
    is_(findings["model: endpoint"], Status.FAIL, "no answer within 0.", "scales to zero")


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_refused(about: About, status: int) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"error": {"message": f"Incorrect API key: {KEY}"}}, status=status)

    async with serving(refuse) as url:
        findings = await about(f"{url}/v1", {"LLM_API_KEY": KEY})
        is_(findings["model: endpoint"], Status.FAIL, f"refuses the key: {status}, Incorrect", "compare LLM_API_KEY")
        assert "canary" not in str(findings)
        findings = await about(f"{url}/v1")
        is_(findings["model: endpoint"], Status.FAIL, "refuses to answer without a key", "compare LLM_API_KEY")


async def test_what_is_no_such_api(about: About) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<h1>Log in</h1>", content_type="text/html")

    async with serving(page) as url:
        findings = await about(f"{url}/api")
    is_(
        findings["model: endpoint"], Status.FAIL, "no list of models of an OpenAI-compatible API: 200, text/html", "/v1"
    )
    async with serving(api()) as url:
        findings = await about(url)
        is_(findings["model: endpoint"], Status.FAIL, "404, text/html", "set LLM_LOCAL_URL to that")
        assert f"one is at {url}/v1" in str(findings["model: endpoint"].advice)


async def test_a_server_that_still_loads_or_has_too_much_to_do(about: About) -> None:
    async def loading(_: web.Request) -> web.Response:
        return web.json_response({"error": {"message": "Loading model", "code": 503}}, status=503)

    async with serving(loading) as url:
        findings = await about(f"{url}/v1")
    is_(findings["model: endpoint"], Status.WARN, "503, Loading model", "takes minutes")
    async with serving(api(said={"error": {"message": "You exceeded your quota"}}, status=429)) as url:
        findings = await about(f"{url}/v1")
    is_(findings["model: answer"], Status.WARN, "429, You exceeded your quota", "limits and credit")


async def test_a_model_that_is_not_served(about: About) -> None:
    async with serving(api()) as url:
        findings = await about(f"{url}/v1", {"LLM_MODEL": "mistral"})
        is_(findings["model: model"], Status.FAIL, "mistral is not served; there are: llama, granite", "set LLM_MODEL")
        findings = await about(f"{url}/v1", {"LLM_MODEL": None})
        is_(findings["model: model"], Status.FAIL, "several are served: llama, granite", "set LLM_MODEL")
    async with serving(api({"data": [{"id": f"m{number}"} for number in range(15)]})) as url:
        findings = await about(f"{url}/v1")
        is_(findings["model: model"], Status.FAIL, "m11 and 3 more", "set LLM_MODEL")
    async with serving(api({"data": []})) as url:
        is_((await about(f"{url}/v1"))["model: model"], Status.FAIL, "no model is served", "look at the log")
    async with serving(api({"data": [{"id": "alone"}]})) as url:
        findings = await about(f"{url}/v1", {"LLM_MODEL": None})
        is_(findings["model: model"], Status.OK, "alone is served")


async def test_a_model_that_says_nothing(about: About, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_check, "SAID_S", 0.3)
    listing = api()

    async def slow(request: web.Request) -> web.Response:
        if request.method == "POST":
            await asyncio.sleep(5)
        answer: web.Response = await listing(request)
        return answer

    async with serving(slow) as url:
        findings = await about(f"{url}/v1")
    is_(findings["model: answer"], Status.WARN, "llama is served and said nothing within", "cold start")
    assert "GPU" in str(findings["model: answer"].advice)


async def test_a_model_that_does_not_chat(about: About) -> None:
    async with serving(api(said={"message": "no chat template"}, status=400)) as url:
        findings = await about(f"{url}/v1")
    is_(findings["model: answer"], Status.FAIL, "llama refuses a question: 400, no chat template", "a model that chats")


async def test_each_provider_is_asked_in_its_own_words(about: About) -> None:
    asked: list[Any] = []
    given = {"LLM_API_KEY": KEY}
    async with serving(api({"data": [{"id": "models/llama"}]}, asked=asked)) as url:
        for provider in ("anthropic", "openai", "google"):
            findings = await about(f"{url}/v1", {**given, "LLM_PROVIDER": provider, "LLM_MODEL": "llama"})
            is_(findings["model: answer"], Status.OK, "said a token")
    (anthropic, openai, google) = asked
    assert (anthropic[0], anthropic[1]["x-api-key"], anthropic[2]["max_tokens"]) == ("/v1/messages", KEY, 1)
    assert "Authorization" not in anthropic[1]
    assert anthropic[1]["anthropic-version"]
    assert (openai[0], "max_tokens" in openai[2], openai[2]["max_completion_tokens"]) == (
        "/v1/chat/completions",
        False,
        16,
    )
    assert (google[1]["Authorization"], google[2]["max_tokens"]) == (f"Bearer {KEY}", 1)


def test_a_remote_provider_is_asked_at_its_own_address_unless_the_site_has_another_way() -> None:
    for provider, url in endpoint.PUBLIC.items():
        settings = LlmSettings(provider, model="m", api_key=KEY)
        found = endpoint.endpoint_of(settings)
        assert found is not None
        assert found.url == url
        assert url.startswith("https://")
        assert KEY not in repr(found)
