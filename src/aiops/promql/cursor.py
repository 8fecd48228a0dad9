"""A place in the tokens of a query: looking ahead, taking, refusing, and the small words that stand for times."""

from typing import Final, NoReturn

from aiops.promql.lex import MAX_DURATION_MS, Kind, ParseError, Token, tokens
from aiops.promql.syntax import Anchor

# A time beyond this is out of what Prometheus calls a time (in milliseconds).
_MAX_TIME_MS: Final = 2**63 - 1


class Cursor:
    """Reads the tokens of `text` from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._next = 0

    def peek(self, ahead: int = 0) -> Token:
        """The token that comes, or one after it."""
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def take(self) -> Token:
        """The token that comes, which then is behind."""
        token = self.peek()
        self._next += 1
        return token

    def is_sign(self, *words: str) -> bool:
        """Whether one of these signs comes."""
        token = self.peek()
        return token.kind is Kind.SIGN and token.word in words

    def is_word(self, *words: str, ahead: int = 0) -> bool:
        """Whether one of these words comes, in any case."""
        token = self.peek(ahead)
        return token.kind is Kind.NAME and token.word.lower() in words

    def accept(self, sign: str) -> bool:
        """Take the sign if it comes."""
        if self.is_sign(sign):
            self._next += 1
            return True
        return False

    def expect(self, sign: str, where: str) -> None:
        """Take the sign, or refuse."""
        if not self.accept(sign):
            self.unexpected(f"{where}, expected {sign!r}")

    def fail(self, reason: str, token: Token | None = None) -> NoReturn:
        """Refuse the query at this token."""
        raise ParseError(self._text, (token or self.peek()).position, reason)

    def unexpected(self, where: str = "") -> NoReturn:
        """Refuse what comes."""
        token = self.peek()
        shown = f"{token.kind.value} {token.word[:40]!r}" if token.word else token.kind.value
        self.fail(f"unexpected {shown}{' in ' if where else ''}{where}")

    def duration(self, *, sign: int = 1, least: int = 1) -> int:
        """Milliseconds of a duration, or of a number of seconds."""
        if self.peek().kind is not Kind.NUMBER:
            self.unexpected("a duration, expected a number with a unit such as 5m (arithmetic is not supported)")
        token = self.take()
        exact = token.duration_ms
        if exact is None:
            if not abs(token.value) * 1000 <= MAX_DURATION_MS:
                self.fail("duration out of range", token)
            exact = round(token.value * 1000)
        if exact < least:
            self.fail("duration must be greater than 0", token)
        return sign * exact

    def signed(self) -> int:
        """Take a sign if one comes; 1 or -1."""
        if self.accept("-"):
            return -1
        self.accept("+")
        return 1

    def offset(self) -> int:
        """Milliseconds behind `offset`."""
        return self.duration(sign=self.signed(), least=0)

    def at(self) -> int | Anchor:
        """The time behind `@`, in milliseconds, or the end of the range that it names."""
        if self.is_word("start", "end"):
            anchor = Anchor(self.take().word.lower())
            self.expect("(", "@ modifier")
            self.expect(")", "@ modifier")
            return anchor
        sign = self.signed()
        if self.peek().kind is not Kind.NUMBER:
            self.unexpected("@ modifier, expected timestamp")
        token = self.take()
        if not abs(token.value) * 1000 < _MAX_TIME_MS:
            self.fail(f"timestamp out of bounds for @ modifier: {sign * token.value:f}", token)
        return sign * int(token.value * 1000 + 0.5)  # halves away from zero, as Go rounds
