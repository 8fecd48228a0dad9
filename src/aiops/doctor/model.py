"""The language model: whether the one that is set answers, is the one that is served, and says something in time."""

from typing import Final

from aiops.core.http import Deadline, HttpClient
from aiops.doctor.finding import Notes
from aiops.doctor.subject import Subject
from aiops.intelligence.llm.endpoint import endpoint_of, mistakes
from aiops.intelligence.llm.probe import ModelBusy, ModelTrouble, chosen, one_token, served

LISTED_S: Final = 5.0
SAID_S: Final = 8.0
WITHOUT: Final = "none is set (LLM_PROVIDER); everything but language works without one"


async def look(subject: Subject, http: HttpClient, notes: Notes) -> None:
    """The list of models, then one token of the one that is named."""
    mine = subject.settings.llm
    if found := mistakes(mine):
        notes.fail("endpoint", "; ".join(found), "correct it; until then the role intelligence does not start")
        return
    endpoint = endpoint_of(mine)
    if endpoint is None and mine.local_url:
        notes.warn(
            "endpoint",
            "LLM_LOCAL_URL is set and LLM_PROVIDER is none, so no model is used",
            "set LLM_PROVIDER to local, or take LLM_LOCAL_URL away",
        )
        return
    if endpoint is None:
        notes.skip("endpoint", WITHOUT)
        return
    check = "endpoint"
    try:
        models = await served(endpoint, http, Deadline.after(LISTED_S))
        notes.ok(check, f"{endpoint.provider} at {endpoint.url} answers")
        check = "model"
        model = chosen(endpoint, models)
        room = f", {model.max_model_len} tokens of context" if model.max_model_len else ""
        notes.ok(check, f"{model.id} is served{room}")
        check = "answer"
        took_s = await one_token(endpoint, model, http, Deadline.after(SAID_S))
        notes.ok(check, f"it said a token after {took_s:.1f} s")
    except ModelBusy as trouble:
        notes.warn(check, trouble.found, trouble.advice)
    except ModelTrouble as trouble:
        notes.fail(check, trouble.found, trouble.advice)
