"""What a Prometheus client asked: parameters of the address and of a form, read as Prometheus reads them.

Unknown parameters are nobody's business here, as in Prometheus; a known one that makes no sense is refused with its
name. Times are Unix seconds or RFC 3339, durations may be seconds.

Protocol: Prometheus HTTP API, "Expression queries".
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NoReturn
from urllib.parse import parse_qsl

from aiops.core.durations import parse_duration
from aiops.core.errors import InvalidRequest
from aiops.ports.collector import Mode

FORM: Final = "application/x-www-form-urlencoded"
# As on our own paths. Clients ask for more without a thought, so the longer is cut and not refused.
MAX_TIMEOUT_S: Final = 300.0
DEFAULT_TIMEOUT_S: Final = 30.0

_MAX_PARAMETERS: Final = 10_000
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_DURATION: Final = re.compile(r"(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?", re.ASCII)
_RFC3339: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_EARLIEST: Final = datetime(1, 1, 2, tzinfo=UTC)
_LATEST: Final = datetime(9999, 12, 30, tzinfo=UTC)


class Form:
    """The parameters of one request. Of a repeated one the first counts, unless it is a list."""

    def __init__(self, query: bytes, content_type: str = "", body: bytes = b"") -> None:
        is_form = content_type.partition(";")[0].strip().lower() == FORM
        self._given: dict[str, list[str]] = {}
        # A form's fields come before the address's, as in Go.
        for raw in (body if is_form else b"", query):
            for name, value in _pairs(raw):
                self._given.setdefault(name, []).append(value)

    def text(self, name: str) -> str | None:
        """The parameter; null where it is missing or empty, which Prometheus does not tell apart."""
        return next(iter(self._given.get(name, ())), None) or None

    def texts(self, name: str) -> tuple[str, ...]:
        """All values of a list, in order."""
        return tuple(self._given.get(name, ()))

    def required(self, name: str) -> str:
        """The parameter, which must not be empty."""
        return self.text(name) or _refuse(name, "it is missing; send it in the address or as a form")

    def time(self, name: str) -> datetime | None:
        """A time; null where it is missing."""
        text = self.text(name)
        if text is None:
            return None
        if _NUMBER.fullmatch(text):
            try:
                return datetime.fromtimestamp(round(float(text), 3), UTC)
            except (ValueError, OverflowError, OSError) as error:
                raise _bad(name, f"{text[:40]!r} lies beyond the year 9999 or before the year 1") from error
        if _RFC3339.fullmatch(text):
            try:
                return datetime.fromisoformat(text.upper()).astimezone(UTC)
            except (ValueError, OverflowError):
                pass
        raise _bad(name, f"cannot parse {text[:80]!r} to a valid timestamp; write Unix seconds or RFC 3339")

    def bound(self, name: str) -> datetime | None:
        """One end of a window to look through, in which clients write times before and after all times."""
        text = self.text(name)
        if text is not None and _NUMBER.fullmatch(text):
            seconds = float(text)
            if not _EARLIEST.timestamp() < seconds < _LATEST.timestamp():
                return _EARLIEST if seconds < 0 else _LATEST
        return self.time(name)

    def required_time(self, name: str) -> datetime:
        """A time that must be given."""
        return self.time(name) or _refuse(name, 'cannot parse "" to a valid timestamp')

    def step_s(self) -> float:
        """The seconds between points."""
        text = self.required("step")
        seconds = self._seconds("step", text)
        if not seconds > 0:
            raise _bad("step", "zero or negative query resolution step widths are not accepted")
        return seconds

    def timeout_s(self) -> float:
        """The query's own time, at most `MAX_TIMEOUT_S`."""
        text = self.text("timeout")
        if text is None:
            return DEFAULT_TIMEOUT_S
        seconds = self._seconds("timeout", text)
        if not seconds > 0:
            raise _bad("timeout", "it must be longer than nothing")
        return min(seconds, MAX_TIMEOUT_S)

    def limit(self, name: str = "limit") -> int | None:
        """How many items at most; null and 0 mean no limit."""
        text = self.text(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit()) or len(text) > 9:  # noqa: PLR2004 - a billion
            raise _bad(name, f"{text[:40]!r} is no number of items")
        return int(text) or None

    def most(self, name: str) -> int | None:
        """How many items of metadata, of which Prometheus takes 0 at its word; null and less mean no limit."""
        text = self.text(name)
        if text is None:
            return None
        if not _WHOLE.fullmatch(text):
            raise _bad(name, f"{text[:40]!r} is no number of items")
        return int(text) if int(text) >= 0 else None

    def flag(self, name: str) -> bool:
        """Whether a switch is on, in the words that Go takes for it."""
        match (self.text(name) or "f").lower():
            case "1" | "t" | "true":
                return True
            case "0" | "f" | "false":
                return False
            case other:
                raise _bad(name, f"{other[:40]!r} is neither true nor false")

    def deny_partial(self) -> bool:
        """Whether an answer that lacks a cluster is an error."""
        match self.text("partial"):
            case None | "allow":
                return False
            case "deny":
                return True
            case other:
                raise _bad("partial", f"{other[:40]!r} is neither allow nor deny")

    def mode(self) -> Mode | None:
        """How to federate; null leaves it to the hub."""
        text = self.text("mode")
        if text is None:
            return None
        if text not in tuple(Mode):
            raise _bad("mode", f"{text[:40]!r} is neither {' nor '.join(Mode)}")
        return Mode(text)

    def clusters(self) -> tuple[str, ...]:
        """Names or ids of the clusters to ask, repeated or with commas between; none means all."""
        listed = (part.strip() for value in self.texts("clusters") for part in value.split(","))
        return tuple(dict.fromkeys(part for part in listed if part))

    def _seconds(self, name: str, text: str) -> float:
        if _NUMBER.fullmatch(text):
            seconds = float(text)
            if seconds < 1e11:  # noqa: PLR2004 - three thousand years
                return seconds
        elif _DURATION.fullmatch(text):
            try:
                return parse_duration(text).total_seconds()
            except InvalidRequest:
                pass  # too long to be kept
        raise _bad(name, f"cannot parse {text[:80]!r} to a valid duration")


def _pairs(raw: bytes) -> Sequence[tuple[str, str]]:
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except UnicodeDecodeError as error:
        raise InvalidRequest("the parameters are not valid UTF-8 text") from error
    except ValueError as error:
        raise InvalidRequest(f"more than {_MAX_PARAMETERS} parameters") from error
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise InvalidRequest("the parameters carry a NUL character, which no series can have")
    return pairs


def _bad(name: str, why: str) -> InvalidRequest:
    return InvalidRequest(f'invalid parameter "{name}": {why}')


def _refuse(name: str, why: str) -> NoReturn:
    raise _bad(name, why)
