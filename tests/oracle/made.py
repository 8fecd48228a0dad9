"""A piece of a random query, and who can make one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

# No sum, quotient or average of the data lies in the middle between two multiples of it.
NEAREST: Final = "0.0314159"


@dataclass(frozen=True)
class Made:
    """A vector as text, the labels that tell its series apart, and the metric that it is of, if of one alone.

    Where it is not `exact`, two computers may differ in a value's last digit.
    """

    text: str
    labels: frozenset[str]
    metric: str = ""
    exact: bool = True

    def sharp(self) -> "Made":
        """The same, fit for what turns a last digit into another answer: comparing, choosing, counting values."""
        if self.exact:
            return self
        return Made(f"round(clamp({self.text}, -1e6, 1e6), {NEAREST})", self.labels)

    def then(self, text: str, *, exact: bool = True) -> "Made":
        """Something made of it that has the same series."""
        return Made(text, self.labels, exact=exact and self.exact)


class Maker(Protocol):
    """Makes pieces, nested so deeply at most."""

    def vector(self, depth: int) -> Made:
        """An instant vector."""

    def selected(self, metric: str = "") -> Made:
        """A selector, of that metric or of any."""

    def scalar(self, depth: int) -> str:
        """A number."""

    def aggregated(self, op: str, inner: Made, labels: Sequence[str] | None = None) -> Made:
        """An aggregation, by those labels or in any way."""
