"""What a query looked like beyond what it means: nodes that only who shows the query to people tells apart.

Each is one of the ordinary nodes for everybody else, and `parse` makes them only where it is asked to.
"""

from aiops.promql.syntax import Number, Paren, Selector


class Plus(Paren, frozen=True):
    """Unary plus, which changes nothing."""


class Span(Number, frozen=True):
    """A number that was written as a duration; `value` is in seconds."""


class Written(Selector, frozen=True):
    """A selector whose matchers stand as they were written; that of a `name` in front of the braces is the last."""

    name: str = ""
