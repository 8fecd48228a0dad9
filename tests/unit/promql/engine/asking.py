"""How the engine's tests write series down and read answers."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from aiops.promql.engine import (
    PROMETHEUS_3,
    STALE_BITS,
    Given,
    Grid,
    Limits,
    Rules,
    Scalar,
    SeriesData,
    Value,
    Vector,
    evaluate,
    label_set,
)
from aiops.promql.engine.labels import Labels
from aiops.promql.matching_values import satisfied
from aiops.promql.parse import parse
from aiops.promql.syntax import METRIC_NAME, Matcher, Selector

STALE = float(np.array([STALE_BITS], dtype=np.uint64).view(np.float64)[0])
RUN = re.compile(r"(?P<from>-?[\d.]+)(?P<by>[+-][\d.]+)?x(?P<times>\d+)")


class Memory:
    """A source that holds its series."""

    def __init__(self, *series: SeriesData) -> None:
        self.series = series
        self.asked: list[tuple[int, int]] = []

    def select(self, matchers: tuple[Matcher, ...], from_ms: int, to_ms: int) -> Sequence[SeriesData]:
        """What matches, whole; the times are remembered."""
        self.asked.append((from_ms, to_ms))
        return [
            one
            for one in self.series
            if all(satisfied(matcher, dict(one.labels).get(matcher.name, "")) for matcher in matchers)
        ]


def series(selector: str, samples: str, *, every_s: float = 60, start_s: float = 0) -> SeriesData:
    """A series in Prometheus' notation, a sample each `every_s`.

    `_` is none, `stale` the end of the series, `0+10x4` a value that grows four times.
    """
    parsed = parse(selector)
    assert isinstance(parsed, Selector)
    labels = label_set((matcher.name, matcher.value) for matcher in parsed.matchers)
    values = [value for word in samples.split() for value in _values(word)]
    kept = [(place, value) for place, value in enumerate(values) if value is not None]
    return SeriesData(
        labels,
        np.array([round((start_s + place * every_s) * 1000) for place, _ in kept], dtype=np.int64),
        np.array([value for _, value in kept], dtype=np.float64),
    )


def _values(word: str) -> list[float | None]:
    if word == "_":
        return [None]
    if word == "stale":
        return [STALE]
    if run := RUN.fullmatch(word):
        by = float(run["by"] or 0)
        return [float(run["from"]) + by * turn for turn in range(int(run["times"]) + 1)]
    return [float(word)]


def value_of(
    query: str,
    grid: Grid,
    data: Sequence[SeriesData],
    rules: Rules = PROMETHEUS_3,
    given: Given | None = None,
    limits: Limits | None = None,
) -> Value:
    """What the engine makes of a query."""
    return evaluate(parse(query), grid, Memory(*data), rules, given, limits)


def at(query: str, seconds: float, *data: SeriesData, rules: Rules = PROMETHEUS_3) -> dict[str, float]:
    """An instant query's vector, in its order; a scalar has no labels."""
    value = value_of(query, Grid.instant(round(seconds * 1000)), data, rules)
    if isinstance(value, Scalar):
        return {"": float(value.values[0])}
    assert isinstance(value, Vector)
    return {shown(labels): float(value.values[row, 0]) for row, labels in enumerate(value.labels)}


def only(query: str, seconds: float, *data: SeriesData, rules: Rules = PROMETHEUS_3) -> float:
    """The only sample of an instant query."""
    (value,) = at(query, seconds, *data, rules=rules).values()
    return value


def over(
    query: str, grid: tuple[float, float, float], *data: SeriesData, rules: Rules = PROMETHEUS_3
) -> Mapping[str, list[float | None]]:
    """A range query's series; null where a step has no sample. The grid is start, end and step in seconds."""
    start, end, step = (round(part * 1000) for part in grid)
    value = value_of(query, Grid(start, end, step), data, rules)
    if isinstance(value, Scalar):
        return {"": value.values.tolist()}
    assert isinstance(value, Vector)
    return {
        shown(labels): [
            float(number) if there else None
            for number, there in zip(value.values[row], value.present[row], strict=True)
        ]
        for row, labels in enumerate(value.labels)
    }


def row(
    query: str, grid: tuple[float, float, float], *data: SeriesData, rules: Rules = PROMETHEUS_3
) -> list[float | None]:
    """A range query's only series."""
    (values,) = over(query, grid, *data, rules=rules).values()
    return values


def shown(labels: Labels) -> str:
    """Labels as they are written in a query."""
    name = dict(labels).get(METRIC_NAME, "")
    rest = ",".join(f'{own}="{value}"' for own, value in labels if own != METRIC_NAME)
    return name + (f"{{{rest}}}" if rest or not name else "")
