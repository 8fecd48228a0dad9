"""A loaded model behind OpenAI's chat completions API, as far as the hub and common clients use it.

For callers on the same machine: it knows no identities, so it answers to loopback names only (a page in a browser that
made its own name point here is refused). Fields of a request that it does not know are ignored, as clients expect.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.response import Stream
from msgspec import Struct

from aiops.core.errors import InvalidRequest, PermissionDenied, ServiceUnavailable
from aiops.intelligence.llm.llama import Generation, LlamaModel

T = TypeVar("T")

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
SSE: Final = "text/event-stream"


class ChatRequest(Struct, frozen=True):
    """The body of `POST /v1/chat/completions`."""

    messages: list[dict[str, Any]]
    model: str = ""
    stream: bool = False
    n: int = 1
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None


class ModelCard(Struct, frozen=True):
    """One model of `GET /v1/models`; `max_model_len` is its context in tokens."""

    id: str
    created: int
    max_model_len: int
    object: str = "model"
    owned_by: str = "local"


class ModelList(Struct, frozen=True):
    """The answer of `GET /v1/models`."""

    data: list[ModelCard]
    object: str = "list"


class LocalOnly:
    """Lets in who called this machine by a loopback name."""

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Check the `Host` header."""
        host = connection.headers.get("host", "")
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            name = None
        if name not in LOOPBACK:
            raise PermissionDenied(f"this model answers to callers on its own machine, not to {host[:80]!r}")


def router(model: LlamaModel, alias: str) -> Router:
    """The routes of one model, which is called `alias`."""
    started = int(time.time())

    @get("/models")
    async def models() -> ModelList:
        return ModelList([ModelCard(alias, started, model.context)])

    @post("/chat/completions", status_code=200)
    async def chat(request: Request[Any, Any, Any]) -> Response[Any]:
        asked = generation(await request.json())
        if not asked[1]:
            return Response(await _unless_left(request, model.complete(asked[0])) | {"model": alias})
        pieces = model.stream(asked[0])
        # The first piece is waited for, so that what cannot be asked is refused with a status.
        first = await anext(pieces, None)
        return Stream(_events(first, pieces, alias), media_type=SSE, headers={"Cache-Control": "no-store"})

    return Router("/v1", route_handlers=[models, chat], guards=[LocalOnly()])


async def _unless_left(request: Request[Any, Any, Any], work: Coroutine[Any, Any, T]) -> T:
    """Do it for as long as the caller waits: the model answers one at a time, and others want their turn."""
    working, leaving = asyncio.create_task(work), asyncio.create_task(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ServiceUnavailable("the caller has left")
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request[Any, Any, Any]) -> None:
    """Wait for the caller to hang up; the body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def generation(body: Any) -> tuple[Generation, bool]:
    """What a request asks, and whether it wants the answer piece by piece.

    Raises:
        InvalidRequest: it is not a chat request, or wants what one model in one process cannot give.

    """
    try:
        asked = msgspec.convert(body, ChatRequest)
    except msgspec.ValidationError as error:
        raise InvalidRequest(str(error)) from error
    if asked.n != 1:
        raise InvalidRequest("n: this model gives one answer; ask again for another")
    if not asked.messages:
        raise InvalidRequest("messages: at least one is needed")
    return (
        Generation(
            messages=asked.messages,
            tools=asked.tools,
            tool_choice=asked.tool_choice,
            temperature=asked.temperature,
            top_p=asked.top_p,
            max_tokens=asked.max_completion_tokens or asked.max_tokens,
            stop=asked.stop,
            seed=asked.seed,
            presence_penalty=asked.presence_penalty,
            frequency_penalty=asked.frequency_penalty,
            json_schema=_schema(asked.response_format),
        ),
        asked.stream,
    )


def _schema(wanted: dict[str, Any] | None) -> dict[str, Any] | None:
    """The JSON schema of a `response_format`: OpenAI's two forms, and llama.cpp's with the schema beside the type."""
    match wanted:
        case None | {"type": "text"}:
            return None
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return schema
        case {"type": "json_object", "schema": dict(schema)}:
            return schema
        case {"type": "json_object"}:
            return {}
    raise InvalidRequest("response_format: 'text', 'json_object', or 'json_schema' with json_schema.schema")


async def _events(
    first: dict[str, Any] | None, pieces: AsyncGenerator[dict[str, Any], None], alias: str
) -> AsyncIterator[bytes]:
    try:
        if first is not None:
            yield _event(first, alias)
        async for piece in pieces:
            yield _event(piece, alias)
        yield b"data: [DONE]\n\n"
    finally:
        await pieces.aclose()


def _event(piece: dict[str, Any], alias: str) -> bytes:
    return b"data: " + msgspec.json.encode(piece | {"model": alias}) + b"\n\n"
