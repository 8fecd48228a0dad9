"""A model in GGUF format inside this process, by llama.cpp: the only place that knows `llama_cpp`.

One generation at a time, in a thread of its own, so that the event loop never waits; further ones queue in order up to
a limit. It never fetches a model: the file is given. The library is an extra (`aiops-nextgen[llm]`), imported when a
model is loaded.
"""

import asyncio
import json
import struct
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from msgspec import Struct

from aiops.core.errors import InvalidRequest, ServiceUnavailable

T = TypeVar("T")

EXTRA: Final = "pip install 'aiops-nextgen[llm]'"
MAGIC: Final = b"GGUF"
# What the library reads. Version 1 had 32-bit counts and is gone from the wild.
VERSIONS: Final = frozenset({2, 3})
ALL_LAYERS: Final = -1
# Beyond these a caller is better served by a quick no than by minutes of waiting.
MAX_WAITING: Final = 16
STOPPING: Final = "the model is being stopped"


class ModelError(Exception):
    """The model cannot be loaded; the message says which, why, and what to do."""


class ModelOptions(Struct, frozen=True):
    """How a model is loaded.

    `context` is in tokens, 0 = as the model was trained; `gpu_layers` None = all where the library can, else none.
    """

    context: int
    threads: int
    gpu_layers: int | None = None
    batch: int = 512


class Generation(Struct, frozen=True, omit_defaults=True):
    """What is asked of a model, in the words of OpenAI's chat completions; what is left out, the library decides."""

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    # A JSON schema that the whole answer obeys, token by token; {} = any JSON.
    json_schema: dict[str, Any] | None = None


def check_file(path: Path) -> None:
    """Look at the file's head, which tells a model from a download that went wrong.

    Raises:
        ModelError: there is no such file, or it is not GGUF.

    """
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error
    if not head.startswith(MAGIC):
        raise ModelError(f"{path} is not a model in GGUF format: it begins with {head[:4]!r}, not {MAGIC!r}")
    version = struct.unpack("<I", head[4:])[0] if len(head) == 8 else 0  # noqa: PLR2004 - magic and version
    if version not in VERSIONS:
        raise ModelError(f"{path} is GGUF version {version}; versions 2 and 3 can be read: convert the model anew")


def load(path: Path, options: ModelOptions) -> "LlamaModel":
    """Load a model; takes as long as reading the file does, and blocks.

    Raises:
        ModelError: the extra is not installed, the file is no usable model, or it does not fit.

    """
    check_file(path)
    try:
        import llama_cpp  # noqa: PLC0415 - an extra, and a second to import
    except ImportError as error:
        raise ModelError(f"llama-cpp-python is not installed ({error}); install it with: {EXTRA}") from error
    gpu = bool(llama_cpp.llama_supports_gpu_offload())
    if options.gpu_layers and not gpu:
        raise ModelError(
            f"--gpu-layers {options.gpu_layers} needs a llama-cpp-python that was built for a GPU, and this one was "
            "not; use the image's runtime-cuda target or leave the option out"
        )
    layers = options.gpu_layers if options.gpu_layers is not None else ALL_LAYERS if gpu else 0
    brakes = _Brakes()
    try:
        model = _stoppable(llama_cpp.Llama, brakes)(
            str(path),
            n_ctx=options.context,
            n_batch=options.batch,
            n_threads=options.threads,
            n_threads_batch=options.threads,
            n_gpu_layers=layers,
            verbose=False,
        )
    except (ValueError, RuntimeError, OSError, AssertionError) as error:
        raise ModelError(
            f"llama.cpp cannot load {path}: {_said(error)}; the file may be cut short, of a model "
            f"family that this release does not know, or larger than memory (try a smaller --context)"
        ) from error
    return LlamaModel(model, llama_cpp.llama_grammar, brakes)


class _Brakes:
    """What the model's thread looks at between two tokens: whether all ends, or only the answer it is giving."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.abandoned = threading.Event()

    def check(self) -> None:
        if self.stopped.is_set():
            raise ServiceUnavailable(STOPPING)
        if self.abandoned.is_set():
            raise ServiceUnavailable("nobody waits for this answer any more")


def _stoppable(llama: Any, brakes: _Brakes) -> Any:
    """The library's model, which can be left between two tokens."""

    class Stoppable(llama):  # type: ignore[misc]
        def generate(self, *args: Any, **keywords: Any) -> Iterator[int]:
            for token in super().generate(*args, **keywords):
                brakes.check()
                yield token

    return Stoppable


class LlamaModel:
    """A loaded model. Enter it before it is asked; leaving stops what it is saying and frees its memory."""

    def __init__(self, model: Any, grammars: Any, brakes: _Brakes) -> None:
        self._model = model
        self._grammars = grammars
        self._brakes = brakes
        self._turn = asyncio.Lock()
        self._asking = 0
        self._worker = ThreadPoolExecutor(1, "llama")

    @property
    def context(self) -> int:
        """How many tokens a question and its answer may have together."""
        return int(self._model.n_ctx())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._brakes.stopped.set()
        async with self._turn:
            await self._run(self._model.close)
        self._worker.shutdown()

    async def complete(self, asked: Generation) -> dict[str, Any]:
        """The whole answer, as OpenAI's `chat.completion`; cancelling it stops the model after its next token.

        Raises:
            InvalidRequest: the model cannot be asked this: too long, a broken schema, a role its template refuses.
            ServiceUnavailable: too many wait already, or the model is being stopped.

        """
        async with self._my_turn():
            parameters = self._parameters(asked)
            answer: dict[str, Any] = await self._run(lambda: self._model.create_chat_completion(**parameters))
            return answer

    async def stream(self, asked: Generation) -> AsyncGenerator[dict[str, Any], None]:
        """The answer piece by piece, as OpenAI's `chat.completion.chunk`; closing it stops the model.

        Raises what `complete` raises, before the first piece.
        """
        async with self._my_turn():
            parameters = self._parameters(asked)
            pieces: Generator[dict[str, Any]] = await self._run(
                lambda: self._model.create_chat_completion(**parameters, stream=True)
            )
            try:
                while (piece := await self._run(lambda: next(pieces, None))) is not None:
                    yield piece
            finally:
                # The library's generator holds the model's state until it is closed.
                await asyncio.shield(self._run(pieces.close))

    @asynccontextmanager
    async def _my_turn(self) -> AsyncIterator[None]:
        if self._asking > MAX_WAITING:
            raise ServiceUnavailable(f"{MAX_WAITING} questions wait for the model already; ask again later")
        self._asking += 1
        try:
            async with self._turn:
                self._brakes.abandoned.clear()
                self._brakes.check()
                yield
        finally:
            self._asking -= 1

    async def _run(self, work: Callable[[], T]) -> T:
        """Do it in the model's thread, whatever becomes of who asked: the library cannot be left half-way."""

        def translated() -> T:
            with _library_errors():
                return work()

        running = asyncio.get_running_loop().run_in_executor(self._worker, translated)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self._brakes.abandoned.set()
            await asyncio.wait([running])
            running.exception()  # looked at, so that nobody reports it as forgotten
            raise

    def _parameters(self, asked: Generation) -> dict[str, Any]:
        names = (name for name in Generation.__struct_fields__ if name != "json_schema")
        given = {name: value for name in names if (value := getattr(asked, name)) is not None}
        if asked.json_schema is not None:
            given["grammar"] = self._grammar(asked.json_schema)
        return given

    def _grammar(self, schema: dict[str, Any]) -> Any:
        grammars = self._grammars
        if not schema:
            return grammars.LlamaGrammar.from_string(grammars.JSON_GBNF, verbose=False)
        try:
            return grammars.LlamaGrammar.from_json_schema(json.dumps(schema), verbose=False)
        except (ValueError, KeyError, TypeError, AttributeError, AssertionError, RecursionError) as error:
            raise InvalidRequest(f"the JSON schema cannot be made a grammar: {_said(error)}") from error


@contextmanager
def _library_errors() -> Iterator[None]:
    """The library's own complaints are the question's fault, as far as they can be told apart."""
    from jinja2 import TemplateError  # noqa: PLC0415 - comes with the extra

    try:
        yield
    except (ValueError, TypeError, KeyError, AssertionError, TemplateError) as error:
        raise InvalidRequest(f"the model cannot be asked this: {_said(error)}") from error
    except RuntimeError as error:
        raise ServiceUnavailable(f"llama.cpp failed: {error}") from error


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
