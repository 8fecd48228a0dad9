"""The model inside this process: its thread, its queue, and leaving it."""

import asyncio
import time
from contextlib import aclosing
from pathlib import Path

import pytest

from aiops.core.errors import ServiceUnavailable
from aiops.intelligence.llm.llama import MAX_WAITING, Generation, LlamaModel, ModelOptions, load

pytestmark = pytest.mark.real
TALK = Generation(messages=[{"role": "user", "content": "talk"}], temperature=0)
ASK = Generation(messages=[{"role": "user", "content": "how is it"}], temperature=0)


@pytest.fixture
def model(tiny_model: Path) -> LlamaModel:
    return load(tiny_model, ModelOptions(context=512, threads=1))


async def test_the_event_loop_runs_on_while_the_model_speaks(model: LlamaModel) -> None:
    async with model:
        speaking = asyncio.create_task(model.complete(TALK))
        turns = 0
        while not speaking.done():
            await asyncio.sleep(0)
            turns += 1
        assert (await speaking)["choices"][0]["finish_reason"] == "length"
    assert turns > 50


async def test_one_question_too_many_is_refused_at_once(model: LlamaModel) -> None:
    async with model, aclosing(model.stream(TALK)) as pieces:
        await anext(pieces)
        waiting = [asyncio.create_task(model.complete(ASK)) for _ in range(MAX_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(ServiceUnavailable, match="wait for the model already"):
            await model.complete(ASK)
        await pieces.aclose()
        answers = await asyncio.gather(*waiting)
    assert len(answers) == MAX_WAITING


async def test_who_waits_when_the_model_is_stopped_is_told_so(model: LlamaModel) -> None:
    async with model:
        speaking = asyncio.create_task(model.complete(TALK))
        waiting = asyncio.create_task(model.complete(ASK))
        await asyncio.sleep(0.01)
    for task in (speaking, waiting):
        with pytest.raises(ServiceUnavailable, match="is being stopped"):
            await task


async def test_a_question_that_is_given_up_is_not_answered_to_the_end(model: LlamaModel) -> None:
    async with model:
        began = time.monotonic()
        await model.complete(TALK)
        whole_s = time.monotonic() - began
        speaking = asyncio.create_task(model.complete(TALK))
        await asyncio.sleep(whole_s / 10)
        began = time.monotonic()
        speaking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await speaking
        assert time.monotonic() - began < whole_s / 2


async def test_a_question_that_is_given_up_leaves_the_model_usable(model: LlamaModel) -> None:
    async with model:
        speaking = asyncio.create_task(model.complete(TALK))
        await asyncio.sleep(0.01)
        speaking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await speaking
        answer = await model.complete(ASK)
    assert answer["choices"][0]["message"]["content"] == " All clusters are healthy!"
