"""Which language model the settings name and where it answers. It asks nobody: `probe` does.

A remote provider is asked only where the settings name it, never instead of a local model that is away.
"""

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from aiops.core.errors import InvalidRequest
from aiops.core.http import parse_target
from aiops.settings import LlmProvider, LlmSettings, env_name

# Where each provider publishes its API; LLM_LOCAL_URL, if set, is a way of the site's own to it.
PUBLIC: Final[Mapping[LlmProvider, str]] = {
    LlmProvider.ANTHROPIC: "https://api.anthropic.com/v1",
    LlmProvider.OPENAI: "https://api.openai.com/v1",
    LlmProvider.GOOGLE: "https://generativelanguage.googleapis.com/v1beta/openai",
}
PROVIDER, URL, MODEL, KEY = (env_name("llm", field) for field in ("provider", "local_url", "model", "api_key"))
_KEY: Final = re.compile(r"[!-~]+")


class Endpoint(Struct, frozen=True):
    """A model behind an API: `url` has no slash at its end; an empty `model` is the only one that is served."""

    provider: LlmProvider
    url: str
    model: str = ""
    api_key: str = ""

    def __repr__(self) -> str:
        return f"Endpoint({self.provider}, {self.url!r}, {self.model!r})"


def endpoint_of(settings: LlmSettings) -> Endpoint | None:
    """The model that the hub is to use; None where it is to use none. The settings have no `mistakes`."""
    if settings.provider is LlmProvider.NONE:
        return None
    url = settings.local_url or PUBLIC[settings.provider]
    return Endpoint(settings.provider, url.rstrip("/"), settings.model, settings.api_key)


def mistakes(settings: LlmSettings) -> list[str]:
    """What makes the model that is set one that cannot be asked; one line each, the variable's name first."""
    provider = settings.provider
    if provider is LlmProvider.NONE:
        return []
    found = []
    if settings.local_url:
        found += _of_url(settings.local_url)
    elif provider is LlmProvider.LOCAL:
        found.append(f"{URL} is not set, and {PROVIDER} is local: give the base URL of an OpenAI-compatible API")
    if provider is not LlmProvider.LOCAL:
        found += [
            f"{name} is not set, and {PROVIDER} is {provider}"
            for name, value in ((KEY, settings.api_key), (MODEL, settings.model))
            if not value
        ]
    if settings.api_key and not _KEY.fullmatch(settings.api_key):
        found.append(f"{KEY}: has a blank, a line's end or letters that no header carries; was it copied whole?")
    return found


def _of_url(url: str) -> list[str]:
    try:
        target = parse_target(url)
    except InvalidRequest as error:
        return [f"{URL}: {error.message}"]
    if not url.lower().startswith(("http://", "https://")):
        return [f"{URL}: starts with http:// or https://"]
    if target.url.raw_query_string or target.url.raw_fragment:
        return [f"{URL}: is a base URL, so it has no ? and no #"]
    return []
