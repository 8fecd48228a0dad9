"""Asks a model's API whether it is one, which models it serves, and for one token; and says what a failure means.

Speaks OpenAI's API, as vLLM, KServe, llama.cpp and `aiops llm serve` do, and Anthropic's own. It sends no data of the
hub's, and never shows the key.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from aiops.core.errors import AiopsError
from aiops.core.http import Deadline, HttpClient, HttpRequest, HttpResponse, TimedOut, Unreachable, UnreachableKind
from aiops.intelligence.llm.endpoint import KEY, MODEL, URL, Endpoint
from aiops.settings import LlmProvider

MOST_BYTES: Final = 4 * 1024 * 1024
MOST_SHOWN: Final = 200
MOST_NAMES: Final = 12
REFUSED: Final = (401, 403)
OK, NOT_FOUND, TOO_MANY, UNAVAILABLE = 200, 404, 429, 503
QUESTION: Final = "Answer with one word: ready?"
# OpenAI's models that think first have another word for it, and end with an error where they may not even think.
OPENAI_MAX_TOKENS: Final = 16

WAY: Final[Mapping[UnreachableKind, str]] = {
    UnreachableKind.DNS: f"compare the host in {URL} with the Service's name and namespace",
    UnreachableKind.REFUSED: f"is the model's server running (loading takes minutes), and is the port in {URL} right?",
    UnreachableKind.TLS: "let SSL_CERT_FILE (trustedCA of the chart) hold the authority of the server's certificate, "
    f"and use in {URL} the scheme and the name that it serves",
}
OTHERWISE: Final = f"is {URL} right, does the model's server run, and do network policies and firewalls let us through?"

SILENT: Final = (
    "something on the way drops packets (network policies, firewalls), or the server is asleep: one that scales to "
    "zero needs minutes for its first answer"
)


class ModelTrouble(Exception):
    """The model cannot be used: what was found, and what to do."""

    def __init__(self, found: str, advice: str) -> None:
        super().__init__(f"{found}; {advice}")
        self.found = found
        self.advice = advice


class ModelBusy(ModelTrouble):
    """It may be usable soon: it loads, it has too much to do, or it took too long."""


class Served(Struct, frozen=True):
    """A model of `GET /models`; its context is in tokens, where the server tells."""

    id: str
    max_model_len: int | None = None


class _ServedList(Struct, frozen=True):
    data: list[Served]


class _Failure(Struct, frozen=True):
    """The forms that servers give their errors."""

    error: Any = None
    message: Any = None
    detail: Any = None


async def served(endpoint: Endpoint, http: HttpClient, deadline: Deadline) -> tuple[Served, ...]:
    """The models that the API serves.

    Raises:
        ModelTrouble: it cannot be reached, refuses the key, or is no such API.

    """
    anthropic = endpoint.provider is LlmProvider.ANTHROPIC
    path = "/models?limit=1000" if anthropic else "/models"  # its list has pages
    answer = await _asked(endpoint, path, http, deadline)
    models = _models(answer)
    if models is None:
        raise await _no_api(endpoint, answer, http, deadline)
    return models


def chosen(endpoint: Endpoint, models: Sequence[Served]) -> Served:
    """The model that the settings name, among those that are served.

    Raises:
        ModelTrouble: it is not, or none is named and there is not exactly one.

    """
    names = [model.id for model in models]
    shown = ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")
    if not models:
        raise ModelTrouble("no model is served", "look at the log of the model's server")
    if not endpoint.model and len(models) == 1:
        return models[0]
    if not endpoint.model:
        raise ModelTrouble(f"{MODEL} is not set, and several are served: {shown}", f"set {MODEL} to one of them")
    for model in models:
        if model.id in (endpoint.model, f"models/{endpoint.model}"):  # Google's list spells it so
            return model
    raise ModelTrouble(
        f"{endpoint.model} is not served; there are: {shown}",
        f"set {MODEL} to one of them, or serve it under that name",
    )


async def one_token(endpoint: Endpoint, model: Served, http: HttpClient, deadline: Deadline) -> float:
    """Let the model say one token; how many seconds that took.

    Raises:
        ModelBusy: it said none in time.
        ModelTrouble: it refuses to.

    """
    body: dict[str, Any] = {"model": model.id, "messages": [{"role": "user", "content": QUESTION}]}
    if endpoint.provider is LlmProvider.OPENAI:
        body["max_completion_tokens"] = OPENAI_MAX_TOKENS
    else:
        body["max_tokens"] = 1
    path = "/messages" if endpoint.provider is LlmProvider.ANTHROPIC else "/chat/completions"
    began = time.monotonic()
    try:
        answer = await _asked(endpoint, path, http, deadline, msgspec.json.encode(body))
    except ModelTrouble as error:
        if isinstance(error.__cause__, TimedOut):
            raise ModelBusy(
                f"{model.id} is served and said nothing within {time.monotonic() - began:.0f} s",
                "a first answer after a cold start takes longest: ask again; if it stays so, look at the server's "
                "queue, and whether it computes on a GPU (nvidia-smi in its pod)",
            ) from error
        raise
    if answer.status != OK:
        raise ModelTrouble(
            f"{model.id} refuses a question: {_said(endpoint, answer)}",
            f"name in {MODEL} a model that chats (one for embeddings or without a chat template does not)",
        )
    return time.monotonic() - began


async def _asked(
    endpoint: Endpoint, path: str, http: HttpClient, deadline: Deadline, body: bytes = b""
) -> HttpResponse:
    """The answer, whatever it is, unless it says that there is no use in asking on."""
    headers = {"Content-Type": "application/json"} if body else {}
    bearer = endpoint.api_key or None
    if endpoint.provider is LlmProvider.ANTHROPIC:
        headers |= {"x-api-key": endpoint.api_key, "anthropic-version": "2023-06-01"}
        bearer = None
    request = HttpRequest(
        method="POST" if body else "GET",
        url=f"{endpoint.url}{path}",
        peer="model",
        headers=headers,
        body=body,
        bearer=bearer,
        max_response_bytes=MOST_BYTES,
    )
    try:
        answer = await http.fetch(request, deadline)
    except Unreachable as error:
        raise ModelTrouble(error.message, WAY.get(error.kind, OTHERWISE)) from error
    except TimedOut as error:
        raise ModelTrouble(error.message, SILENT) from error
    except AiopsError as error:
        raise ModelTrouble(error.message, OTHERWISE) from error
    if answer.status in REFUSED:
        raise ModelTrouble(
            f"{endpoint.url} refuses {'the key' if endpoint.api_key else 'to answer without a key'}: "
            f"{_said(endpoint, answer)}",
            f"compare {KEY} with the one that the server or provider expects, and see what it may do",
        )
    if answer.status == TOO_MANY:
        raise ModelBusy(
            f"{endpoint.url} has had enough: {_said(endpoint, answer)}", "see the provider's limits and credit"
        )
    if answer.status == UNAVAILABLE:
        raise ModelBusy(
            f"{endpoint.url} does not serve now: {_said(endpoint, answer)}",
            "it loads its model, which takes minutes, or has too much to do; if it stays so, look at its log",
        )
    return answer


def _models(answer: HttpResponse) -> tuple[Served, ...] | None:
    if answer.status != OK:
        return None
    try:
        return tuple(msgspec.json.decode(answer.body, type=_ServedList).data)
    except msgspec.DecodeError:
        return None


async def _no_api(endpoint: Endpoint, answer: HttpResponse, http: HttpClient, deadline: Deadline) -> ModelTrouble:
    """What to say of an answer that lists no models; the commonest reason is a URL without its /v1."""
    kind = answer.headers.get("Content-Type", "nothing").partition(";")[0]
    found = f"{endpoint.url}/models is no list of models of an OpenAI-compatible API: {answer.status}, {kind}"
    if not endpoint.url.endswith("/v1"):
        longer = Endpoint(endpoint.provider, f"{endpoint.url}/v1", endpoint.model, endpoint.api_key)
        try:
            if _models(await _asked(longer, "/models", http, deadline)) is not None:
                return ModelTrouble(found, f"one is at {longer.url}: set {URL} to that")
        except ModelTrouble:
            pass  # what is there is no better
    return ModelTrouble(found, f"set {URL} to the API's base, which as a rule ends in /v1")


def _said(endpoint: Endpoint, answer: HttpResponse) -> str:
    """The status, and the server's own reason where it gives one."""
    try:
        told = msgspec.json.decode(answer.body, type=_Failure)
    except msgspec.DecodeError:
        return str(answer.status)
    inner = told.error.get("message") if isinstance(told.error, Mapping) else told.error
    reason = next((text for text in (inner, told.message, told.detail) if isinstance(text, str) and text), "")
    if endpoint.api_key:
        reason = reason.replace(endpoint.api_key, "[redacted]")
    shown = "".join(char if char.isprintable() else " " for char in reason)[:MOST_SHOWN]
    return f"{answer.status}, {shown}" if shown else str(answer.status)
