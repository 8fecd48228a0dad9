"""Answers to a query in one form, whoever gave them, and whether two of them are the same.

Labels and steps must be equal; values may differ by 1e-5 of their size, as in the public compliance suite, and by 1e-9
where they cancel out; NaN equals NaN; the order counts where the query asks for one. Histograms are not compared.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from aiops.promql.engine import Grid, Ranges, Scalar, String, Value

# On amd64 Go's exponential overflows half a power of two too early; hyperbolic sines are half of it.
NEARLY_INFINITE: Final = 2.0**1022.5
RELATIVE: Final = 1e-5
ABSOLUTE: Final = 1e-9
Labels = tuple[tuple[str, str], ...]
Samples = dict[int, float]


class Order(Enum):
    """What counts of the order of an instant's series: equal values may come in any order among themselves."""

    ANY = "any"
    VALUES = "values"
    LABELS = "labels"


@dataclass(frozen=True)
class Answer:
    """Series in the order of the answer, with samples by milliseconds; a scalar is one series without labels.

    `kind` is Prometheus' result type. `text` is a string's value.
    """

    kind: str
    series: tuple[tuple[Labels, Samples], ...] = ()
    text: str = ""


@dataclass(frozen=True)
class Refused:
    """The query was refused; `wrong` means by its own fault, everywhere, as Prometheus' bad_data and execution say."""

    reason: str
    code: str = ""
    wrong: bool = True


@dataclass(frozen=True)
class Case:
    """A query at one moment, or at each step of a range. Times in milliseconds; a step of 0 is an instant."""

    query: str
    start_ms: int
    end_ms: int
    step_ms: int = 0

    @property
    def grid(self) -> Grid:
        """The steps."""
        return Grid(self.start_ms, self.end_ms, self.step_ms)

    @property
    def parameters(self) -> dict[str, str]:
        """What Prometheus' API takes."""
        if not self.step_ms:
            return {"query": self.query, "time": seconds(self.start_ms)}
        step = seconds(self.step_ms)
        return {"query": self.query, "start": seconds(self.start_ms), "end": seconds(self.end_ms), "step": step}

    @property
    def path(self) -> str:
        """The endpoint."""
        return "query_range" if self.step_ms else "query"

    def __str__(self) -> str:
        when = f"at {self.start_ms}" if not self.step_ms else f"{self.start_ms}..{self.end_ms} by {self.step_ms}"
        return f"{self.query}   [{when}]"


def seconds(ms: int) -> str:
    """Milliseconds as the API writes them."""
    return f"{ms / 1000:.3f}"


def from_api(body: Mapping[str, Any]) -> Answer | Refused:
    """An answer of Prometheus' HTTP API."""
    if body["status"] != "success":
        kind = body.get("errorType", "")
        return Refused(body.get("error", ""), kind, wrong=kind in ("bad_data", "execution"))
    kind, result = body["data"]["resultType"], body["data"]["result"]
    if kind == "string":
        return Answer(kind, text=result[1])
    if kind == "scalar":
        return Answer(kind, (((), samples([result])),))
    return Answer(kind, rows(result))


def rows(result: Iterable[Mapping[str, Any]]) -> tuple[tuple[Labels, Samples], ...]:
    """The series of a vector or matrix as the API writes them."""
    return tuple(
        (tuple(sorted(row["metric"].items())), samples(row["values"] if "values" in row else [row["value"]]))
        for row in result
    )


def samples(pairs: Iterable[Sequence[Any]]) -> Samples:
    """Samples as the API writes them."""
    return {round(at * 1000): float(value) for at, value in pairs}


def from_engine(value: Value, grid: Grid) -> Answer:
    """What the engine's value means."""
    times = grid.times().tolist()
    match value:
        case String():
            return Answer("string", text=value.value)
        case Scalar():
            kind = "scalar" if grid.is_instant else "matrix"
            return Answer(kind, (((), dict(zip(times, value.values.tolist(), strict=True))),))
        case Ranges():
            return Answer(
                "matrix",
                tuple(
                    (tuple(one.labels), dict(zip(one.times.tolist(), one.values.tolist(), strict=True)))
                    for one in value.series
                ),
            )
        case _:
            found = []
            for row, labels in enumerate(value.labels):
                there = value.present[row].tolist()
                own = value.values[row].tolist()
                found.append((tuple(labels), {at: own[step] for step, at in enumerate(times) if there[step]}))
            return Answer("vector" if grid.is_instant else "matrix", tuple(found))


def difference(expected: Answer, got: Answer, *, order: Order = Order.ANY) -> str | None:  # noqa: PLR0911 - one for each kind
    """The first difference in words, or None."""
    if (expected.kind, expected.text) != (got.kind, got.text):
        return f"expected a {expected.kind} {expected.text!r}, got a {got.kind} {got.text!r}"
    wanted, found = dict(expected.series), dict(got.series)
    if len(found) != len(got.series):
        return "a series comes twice"
    if wanted.keys() != found.keys():
        lacking, more = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
        return f"series: lacks {len(lacking)}: {lacking[:2]}; has {len(more)} more: {more[:2]} (of {len(wanted)})"
    for labels, samples_wanted in wanted.items():
        if (unlike := _unlike(samples_wanted, found[labels])) is not None:
            return f"{dict(labels)}: {unlike}"
    if order is Order.LABELS and list(wanted) != list(found):
        return (
            f"order: expected {[dict(one) for one in list(wanted)[:6]]}, got {[dict(one) for one in list(found)[:6]]}"
        )
    if order is Order.VALUES:
        pairs = zip(expected.series, got.series, strict=True)
        if not all(same(*one[1].values(), *other[1].values()) for one, other in pairs):
            ways = [[next(iter(one[1].values())) for one in answer.series[:8]] for answer in (expected, got)]
            return f"order: expected {ways[0]}, got {ways[1]}"
    return None


def _unlike(wanted: Samples, found: Samples) -> str | None:
    if wanted.keys() != found.keys():
        lacking, more = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
        return f"steps: lacks {len(lacking)}: {lacking[:2]}; has {len(more)} more: {more[:2]} (of {len(wanted)})"
    for at, value in wanted.items():
        if not same(value, found[at]):
            return f"at {at}: expected {value!r}, got {found[at]!r}"
    return None


def same(one: float, other: float) -> bool:
    """Whether two values count as equal."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    if math.isinf(one) or math.isinf(other):
        return one == other or (min(abs(one), abs(other)) >= NEARLY_INFINITE and (one > 0) == (other > 0))
    return one == other or math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def tied(expected: Answer, got: Answer) -> bool:
    """Whether both hold the same values at every step, whichever series these are of."""
    found: list[dict[int, list[float]]] = []
    for answer in (expected, got):
        steps: dict[int, list[float]] = {}
        for _, samples_of_one in answer.series:
            for at, value in samples_of_one.items():
                steps.setdefault(at, []).append(value)
        found.append({at: sorted(values, key=lambda value: (math.isnan(value), value)) for at, values in steps.items()})
    one, other = found
    return one.keys() == other.keys() and all(
        len(one[at]) == len(other[at]) and all(map(same, one[at], other[at])) for at in one
    )
