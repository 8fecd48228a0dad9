"""Text of PromQL to tokens, after Prometheus' own lexer.

Strings are decoded here, once, so that nobody behind it ever sees an escape. What is no valid UTF-8 after decoding is
refused: neither JSON nor a form could carry it to a member.

Source: Prometheus, `promql/parser/lex.go` and `util/strutil/quote.go`; `prometheus/common/model/time.go` for durations.
"""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final

from msgspec import Struct

# The longest query that the public API takes, too.
MAX_LENGTH: Final = 65_536
# Prometheus keeps durations in 63 bits of nanoseconds.
MAX_DURATION_MS: Final = (2**63 - 1) // 1_000_000

_UNITS_MS: Final = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
# Inside brackets a colon stands between range and step; elsewhere it belongs to a name.
_PATTERN: Final = r"""(?P<space>[ \t\r\n]+|\#[^\r\n]*)
      | (?P<duration>\d+(?:ms|[ywdhms])(?:\d+(?:ms|[ywdhms]))*)(?![\w%(colon)s.])
      | (?P<number>(?:0[xX][0-9a-fA-F]+|(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?))(?![\w%(colon)s.])
      | (?P<name>[a-zA-Z_%(colon)s][a-zA-Z0-9_%(colon)s]*)
      | (?P<text>["'`])
      | (?P<sign>=~|!~|==|!=|<=|>=|[-+*/%%^=<>(){}\[\],@:])"""
_OUTSIDE: Final = re.compile(_PATTERN % {"colon": ":"}, re.VERBOSE | re.ASCII)
_INSIDE: Final = re.compile(_PATTERN % {"colon": ""}, re.VERBOSE | re.ASCII)
_DURATION: Final = re.compile(r"(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m(?!s))?(?:\d+s)?(?:\d+ms)?")
_DURATION_PART: Final = re.compile(r"(\d+)(ms|[ywdhms])")
# What fits into 63 bits.
_HEX_DIGITS: Final = len("0x") + 15
_OCTAL_DIGITS: Final = 21
_DIGITS: Final = re.compile(r"\d+(?:_\d+)*")
_ESCAPE: Final = re.compile(
    r"""\\(?:(?P<plain>[abfnrtv\\'"])|x(?P<byte>[0-9a-fA-F]{2})|(?P<octal>[0-3][0-7]{2})"""
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8}))"
)
_PLAIN: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class ParseError(ValueError):
    """The text is no PromQL that can be planned; the message says where, as Prometheus does, and why."""

    def __init__(self, text: str, position: int, reason: str) -> None:
        line = text.count("\n", 0, position) + 1
        column = position - (text.rfind("\n", 0, position) + 1) + 1
        super().__init__(f"{line}:{column}: parse error: {reason}")


class Kind(Enum):
    """What a token is. A duration is a number as well: Prometheus 3 takes either for the other."""

    NUMBER = "number"
    NAME = "name"
    TEXT = "string"
    SIGN = "operator"
    END = "end of input"


class Token(Struct, frozen=True):
    """One token: `word` as written (of a string: decoded), and the value of a number in units or in seconds."""

    kind: Kind
    word: str
    position: int
    value: float = 0.0
    duration_ms: int | None = None


def tokens(text: str) -> list[Token]:
    """All tokens of `text`, and an end.

    Raises:
        ParseError: there is something that PromQL does not know, or the text is too long.

    """
    if len(text) > MAX_LENGTH:
        raise ParseError(text, 0, f"the query is longer than {MAX_LENGTH} characters")
    return list(_scan(text))


def _scan(text: str) -> Iterator[Token]:
    position = 0
    pattern = _OUTSIDE
    while position < len(text):
        found = pattern.match(text, position)
        if found is None:
            raise ParseError(text, position, f"unexpected character: {text[position]!r}")
        word = found.group()
        match found.lastgroup:
            case "space":
                pass
            case "duration":
                length = _duration_ms(text, position, word)
                yield Token(Kind.NUMBER, word, position, length / 1000, length)
            case "number":
                yield Token(Kind.NUMBER, word, position, _number(text, position, word))
            case "name" if word.lower() in ("inf", "nan"):
                yield Token(Kind.NUMBER, word, position, float(word))
            case "name":
                yield Token(Kind.NAME, word, position)
            case "text":
                value, end = _string(text, position)
                yield Token(Kind.TEXT, value, position)
                position = end
                continue
            case _:
                pattern = {"[": _INSIDE, "]": _OUTSIDE}.get(word, pattern)
                yield Token(Kind.SIGN, word, position)
        position = found.end()
    yield Token(Kind.END, "", len(text))


def _number(text: str, position: int, word: str) -> float:
    plain = word
    if "_" in word:
        plain = word.replace("_", "")
        if not _DIGITS.fullmatch(word):
            raise ParseError(text, position, f"bad number or duration syntax: {word!r}")
    if word[:2] in ("0x", "0X"):
        value = float(int(word[:_HEX_DIGITS], 16)) if len(word) <= _HEX_DIGITS else float("inf")
    elif plain.startswith("0") and len(plain) <= _OCTAL_DIGITS and not set(plain) - set("01234567"):
        value = float(int(plain, 8))  # as Go reads a leading zero
    else:
        value = float(plain)
    if value == float("inf"):
        raise ParseError(text, position, "number out of range")
    return value


def _duration_ms(text: str, position: int, word: str) -> int:
    if not _DURATION.fullmatch(word):
        raise ParseError(text, position, f"not a valid duration string: {word!r}")
    total = sum(int(count) * _UNITS_MS[unit] for count, unit in _DURATION_PART.findall(word))
    if total > MAX_DURATION_MS:
        raise ParseError(text, position, "duration out of range")
    return total


def _string(text: str, start: int) -> tuple[str, int]:
    quote = text[start]
    if quote == "`":
        end = text.find("`", start + 1)
        if end < 0:
            raise ParseError(text, start, "unterminated raw string")
        return _valid(text, start, text[start + 1 : end].encode(errors="surrogatepass")), end + 1
    pieces = bytearray()
    position = start + 1
    while True:
        if position >= len(text) or text[position] == "\n":
            raise ParseError(text, start, "unterminated quoted string")
        letter = text[position]
        if letter == quote:
            return _valid(text, start, bytes(pieces)), position + 1
        if letter == "\\":
            escape = _ESCAPE.match(text, position)
            if escape is None or (escape["plain"] in ("'", '"') and escape["plain"] != quote):
                raise ParseError(text, position, "unknown escape sequence")
            pieces += _unescape(text, position, escape)
            position = escape.end()
        else:
            pieces += letter.encode(errors="surrogatepass")
            position += 1


def _unescape(text: str, position: int, escape: "re.Match[str]") -> bytes:
    if plain := escape["plain"]:
        return _PLAIN.get(plain, plain).encode()
    if byte := escape["byte"]:
        return bytes((int(byte, 16),))
    if octal := escape["octal"]:
        return bytes((int(octal, 8),))
    code = int(escape["short"] or escape["long"], 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004 - Unicode's end, and its surrogates
        raise ParseError(text, position, "escape sequence is an invalid Unicode code point")
    return chr(code).encode()


def _valid(text: str, position: int, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ParseError(text, position, "the string is not valid UTF-8") from None
