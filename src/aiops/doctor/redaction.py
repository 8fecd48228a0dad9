"""Keeps secrets out of what is shown or written: by shape, as the log does, and the very values of the settings.

It never decides what is worth showing; whoever calls it does.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

import msgspec

from aiops.core.log import MASK, redact_text
from aiops.settings import Settings

SECRET_FIELD: Final = re.compile(r"token|secret|password|(^|_)key($|_)")
# Shorter ones would black out half of what is read, and guard nothing.
SHORTEST: Final = 6


class Redactor:
    """Knows the secrets of one installation."""

    def __init__(self, settings: Settings, also: Iterable[str | None] = ()) -> None:
        known = {one for value in (*secrets_of(settings), *also) if value for one in _spellings(value)}
        # The longest first: one secret may begin as another does.
        self._known = sorted((value for value in known if len(value) >= SHORTEST), key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text with everything masked that is or looks like a secret."""
        for value in self._known:
            text = text.replace(value, MASK)
        return redact_text(text)

    def value(self, value: Any) -> Any:
        """The data with every text in it redacted."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.value(item) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return value


def secrets_of(settings: Settings) -> list[str]:
    """Every secret value that is set: fields that are one, and passwords inside of URLs."""
    found = []
    for fields in msgspec.to_builtins(settings).values():
        for name, value in fields.items():
            if not isinstance(value, str):
                continue
            if SECRET_FIELD.search(name):
                found += [value, *value.split(",")]
            if "://" in value:
                found += _of_url(value)
    return found


def shown_settings(settings: Settings) -> dict[str, dict[str, Any]]:
    """All settings, a secret as a mask where it is set and as empty where it is not."""
    areas: dict[str, dict[str, Any]] = msgspec.to_builtins(settings)
    return {
        area: {
            name: MASK if isinstance(value, str) and value and SECRET_FIELD.search(name) else value
            for name, value in fields.items()
        }
        for area, fields in areas.items()
    }


def _of_url(url: str) -> list[str]:
    rest = url.partition("://")[2]
    # Several hosts, or a password that should have been encoded, are no URL to the standard library.
    account = rest.partition("?")[0].rpartition("@")[0]
    # Not as a form's: a plus in a password is a plus.
    query = (part.partition("=") for part in rest.partition("?")[2].split("&"))
    return [account.partition(":")[2], *(value for name, _, value in query if SECRET_FIELD.search(name))]


def _spellings(value: str) -> set[str]:
    plain = unquote(value)
    return {value, plain, *(quote(one, safe=safe) for one in (value, plain) for safe in ("", "/"))}
