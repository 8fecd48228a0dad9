"""What can go wrong while a query is evaluated, in Prometheus' own words where it has some.

They are plain exceptions: this package knows nothing of HTTP, the caller gives each its code. All but `OverLimit` and
`NotEvaluable` mean that the query itself is wrong on this data, as Prometheus' "execution" errors do.
"""


class EvaluationError(Exception):
    """The query cannot be answered; the text says why."""


class OverLimit(EvaluationError):
    """The query would hold more samples, or look at more of them, than it may."""


class NotEvaluable(EvaluationError):
    """Something that is not evaluated here: an unknown function, native histograms, a selector without a source."""


class WrongType(EvaluationError):
    """A value of another type is needed."""


class DuplicateLabels(EvaluationError):
    """Two samples of one step have the same labels."""

    def __init__(self) -> None:
        super().__init__("vector cannot contain metrics with the same labelset")


class ManyToMany(EvaluationError):
    """Both sides of a binary operation have several series for one match group."""

    def __init__(self, group: str, side: str, one: str, other: str) -> None:
        first, second = sorted((one, other))
        super().__init__(
            f"found duplicate series for the match group {group} on the {side} hand-side of the operation: "
            f"[{first}, {second}];many-to-many matching not allowed: matching labels must be unique on one side"
        )


class MultipleMatches(EvaluationError):
    """One side has several series for one series of the other."""

    def __init__(self, *, grouped: bool) -> None:
        super().__init__(
            "multiple matches for labels: grouping labels must ensure unique matches"
            if grouped
            else "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
        )


class InvalidParameter(EvaluationError):
    """A parameter of a function or an aggregation has a value that it does not take."""
