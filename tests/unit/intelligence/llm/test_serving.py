"""`aiops llm serve` over a real model that a test wrote: llama.cpp reads, computes and samples it as any other."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from typing import Any

import pytest

from tests.servers.loopback import request
from tests.servers.waiting import until
from tests.unit.intelligence.llm.conftest import ALIAS, ModelServer

pytestmark = pytest.mark.real
WORDS = " All clusters are healthy!"
VERDICT = {"type": "object", "properties": {"verdict": {"enum": ["OK"]}}, "required": ["verdict"]}
TOOL = {"type": "function", "function": {"name": "query", "parameters": VERDICT}}


def events(response: HTTPResponse) -> Iterator[str]:
    for line in response:
        if line.strip():
            yield line.decode().removeprefix("data: ").strip()


def said(answer: Any) -> str:
    text: str = answer["choices"][0]["message"]["content"]
    return text


def test_the_model_is_listed_under_its_alias_with_its_context(model_server: ModelServer) -> None:
    status, answer = request(model_server.port, "/v1/models")
    (card,) = json.loads(answer)["data"]
    assert (status, card["id"], card["object"], card["max_model_len"]) == (200, ALIAS, "model", 256)


def test_an_answer_is_the_models_own_with_what_it_used(model_server: ModelServer) -> None:
    answer = model_server.chat()
    assert said(answer) == WORDS
    assert (answer["object"], answer["model"]) == ("chat.completion", ALIAS)
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens"] == 5
    assert answer["usage"]["total_tokens"] == answer["usage"]["prompt_tokens"] + 5


def test_max_tokens_cuts_an_answer_off(model_server: ModelServer) -> None:
    for answer in (model_server.chat(max_tokens=2), model_server.chat(max_completion_tokens=2)):
        assert (said(answer), answer["choices"][0]["finish_reason"]) == (" All clusters", "length")


def test_what_the_clients_of_openai_send_besides_is_ignored(model_server: ModelServer) -> None:
    answer = model_server.chat(model="anything", user="me", parallel_tool_calls=False, stream_options=None)
    assert said(answer) == WORDS


def test_a_stream_brings_the_same_words_in_pieces(model_server: ModelServer) -> None:
    with model_server.stream() as response:
        assert (response.status, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        *pieces, last = events(response)
    assert last == "[DONE]"
    chunks = [json.loads(piece) for piece in pieces]
    assert {(chunk["object"], chunk["model"]) for chunk in chunks} == {("chat.completion.chunk", ALIAS)}
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0] == {"role": "assistant"}
    assert "".join(delta.get("content", "") for delta in deltas) == WORDS
    assert len(deltas) > 3
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "form",
    [
        {"type": "json_schema", "json_schema": {"name": "verdict", "schema": VERDICT}},
        {"type": "json_object", "schema": VERDICT},
    ],
    ids=["openai", "llama.cpp"],
)
def test_an_answer_obeys_a_json_schema(model_server: ModelServer, form: dict[str, Any]) -> None:
    assert json.loads(said(model_server.chat(response_format=form))) == {"verdict": "OK"}


def test_tools_are_put_before_the_model_and_a_chosen_one_is_called_by_its_schema(model_server: ModelServer) -> None:
    assert said(model_server.chat(tools=[TOOL])) == " One tool was given?"
    answer = model_server.chat(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "query"}})
    (call,) = answer["choices"][0]["message"]["tool_calls"]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("query", {"verdict": "OK"})


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"n": 2}, "one answer"),
        ({"messages": []}, "at least one"),
        ({"messages": "hello"}, "Expected `array`"),
        ({"messages": [{"role": "king", "content": "hello"}]}, "no such role"),
        ({"messages": [{"role": "user", "content": "long" * 200}]}, "exceed context window of 256"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        (
            {"response_format": {"type": "json_object", "schema": {"type": "no-such-type"}}},
            "JSON schema cannot be made a grammar",
        ),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "other"}}}, "not found in tools"),
    ],
    ids=str,
)
def test_what_the_model_cannot_be_asked_is_refused_with_the_reason(
    model_server: ModelServer, wrong: dict[str, Any], why: str, *, stream: bool
) -> None:
    error = model_server.chat(expect=400, stream=stream, **wrong)["error"]
    assert error["code"] == "INVALID_REQUEST"
    assert why in error["message"]
    assert said(model_server.chat()) == WORDS


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "[::1"])
def test_a_page_that_made_its_name_point_here_is_refused(model_server: ModelServer, host: str) -> None:
    for method, path in (("GET", "/v1/models"), ("POST", "/v1/chat/completions")):
        headers = {"Host": host, "Content-Type": "application/json"}
        status, answer = request(model_server.port, path, method=method, body=b"{}", headers=headers)
        assert status in (400, 403), answer


def test_questions_wait_for_each_other_and_all_are_answered(model_server: ModelServer) -> None:
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda _: said(model_server.chat()), range(8)))
    assert answers == [WORDS] * 8


def test_a_caller_who_hangs_up_sets_the_model_free(model_server: ModelServer) -> None:
    response = model_server.stream("talk")
    pieces = events(response)
    assert [json.loads(next(pieces))["choices"][0]["delta"].get("content") for _ in range(3)] == [None, " on", " and"]
    response.close()
    assert said(model_server.chat()) == WORDS


def test_a_caller_who_hangs_up_on_a_whole_answer_sets_the_model_free_too(own_model_server: ModelServer) -> None:
    # Each would be computed to the end of the context, one after the other.
    for _ in range(4):
        own_model_server.ask_and_leave("talk")
    assert said(own_model_server.chat()) == WORDS
    until(lambda: own_model_server.output().count('"status": 503') >= 4, what="four unread answers to be given up")


def test_it_tells_of_itself_as_every_role_does(model_server: ModelServer) -> None:
    model_server.chat()
    assert json.loads(request(model_server.port, "/health")[1])["role"] == "llm"
    metrics = request(model_server.port, "/metrics")[1].decode()
    assert 'http_requests_total{method="POST",role="llm",route="/v1/chat/completions",status="200"}' in metrics


def test_told_to_stop_while_it_speaks_it_leaves_in_order(own_model_server: ModelServer) -> None:
    with own_model_server.stream("talk", max_tokens=200) as response:
        next(events(response))
        own_model_server.signal(signal.SIGTERM)
        until(lambda: not own_model_server.running, what="the server to leave", timeout_s=20)
    assert own_model_server.returncode == 0
