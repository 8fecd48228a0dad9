"""The plan alone as a subject: members are asked what it says and the engine finishes it, with no collector in between.

What goes wrong here is the planner's or the engine's; what goes wrong only through the collector is the collector's.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from aiops.collector.splice import with_label
from aiops.promql.engine import EvaluationError, Grid, Scalar, SeriesData, Vector, evaluate, label_set
from aiops.promql.fleet import exported
from aiops.promql.lex import ParseError
from aiops.promql.parse import parse
from aiops.promql.plan import BadRegex, Leaf, NoRange, NotFederable, Plan, plan
from aiops.promql.syntax import Expr, Matcher
from aiops.promql.unasked import check_unasked
from tests.oracle.answers import Answer, Case, Labels, Refused, Samples, from_api, from_engine
from tests.oracle.data import LABEL
from tests.oracle.subjects import RULES
from tests.servers.generations import Generation, Past

EMPTY: Final = "vector"


class Held:
    """Samples that were gathered, by the selector that stands for them."""

    def __init__(self, samples: Mapping[tuple[Matcher, ...], Sequence[SeriesData]]) -> None:
        self._samples = samples

    def select(self, matchers: tuple[Matcher, ...], from_ms: int, to_ms: int) -> Sequence[SeriesData]:  # noqa: ARG002 - all are given
        """All of them."""
        return self._samples[matchers]


class Planned:
    """Carries plans out against members."""

    def __init__(self, members: Mapping[str, Past], generation: Generation, label: str = LABEL) -> None:
        self._members = members
        self._rules = RULES[generation]
        self._label = label

    def ask(self, case: Case) -> Answer | Refused:
        """The fleet's answer; a member's own refusal is the query's."""
        try:
            found = plan(parse(case.query), tuple(sorted(self._members)), self._label, case.grid, self._rules)
            check_unasked(found, self._rules)
        except (ParseError, BadRegex, NoRange, EvaluationError) as error:
            return Refused(str(error), type(error).__name__)
        except NotFederable as error:
            return Refused(str(error), "NotFederable", wrong=False)
        given: dict[tuple[Expr, Grid], Vector | Scalar] = {}
        answer = Answer("vector" if case.grid.is_instant else "matrix")
        samples: dict[tuple[Matcher, ...], list[SeriesData]] = {}
        for leaf in found.leaves:
            joined = self._leaf(leaf, answer)
            if isinstance(joined, Refused):
                return joined
            if leaf.raw:
                samples[leaf.stand_in.matchers] = [to_series(*one) for one in joined.series]
                continue
            answer = joined
            given[leaf.stand_in, leaf.grid] = to_engine(answer, leaf.grid)
        return answer if found.finish is None else self._finished(found, found.finish, given, samples)

    def _finished(
        self,
        found: Plan,
        finish: Expr,
        given: Mapping[tuple[Expr, Grid], Vector | Scalar],
        samples: Mapping[tuple[Matcher, ...], Sequence[SeriesData]],
    ) -> Answer | Refused:
        try:
            return from_engine(evaluate(finish, found.grid, Held(samples), self._rules, given), found.grid)
        except EvaluationError as error:
            return Refused(str(error), type(error).__name__)

    def _leaf(self, leaf: Leaf, empty: Answer) -> Answer | Refused:
        series: list[tuple[Labels, Samples]] = []
        kind = empty.kind
        for cluster, query in leaf.queries:
            case = Case(query, leaf.grid.start_ms, leaf.grid.last_ms, leaf.grid.step_ms)
            part = from_api(self._members[cluster].ask(case.path, case.parameters))
            if isinstance(part, Refused):
                return part
            kind = part.kind
            series += self._labelled(part.series, cluster) if leaf.labelled else self._renamed(part.series)
        return Answer(kind, tuple(series))

    def _labelled(self, series: Sequence[tuple[Labels, Samples]], cluster: str) -> Iterator[tuple[Labels, Samples]]:
        for labels, samples in series:
            yield tuple(sorted(with_label(dict(labels), self._label, cluster).items())), samples

    def _renamed(self, series: Sequence[tuple[Labels, Samples]]) -> Iterator[tuple[Labels, Samples]]:
        for labels, samples in series:
            own = {exported(self._label) if name == self._label else name: value for name, value in labels}
            yield tuple(sorted(own.items())), samples


def to_series(labels: Labels, samples: Samples) -> SeriesData:
    """Raw samples as the engine takes them."""
    times = sorted(samples)
    return SeriesData(label_set(labels), np.array(times, dtype=np.int64), np.array([samples[at] for at in times]))


def to_engine(answer: Answer, grid: Grid) -> Vector | Scalar:
    """An answer as a value that the engine goes on with."""
    times = grid.times().tolist()
    place = {at: step for step, at in enumerate(times)}
    values = np.zeros((len(answer.series), len(times)))
    present = np.zeros(values.shape, dtype=np.bool_)
    for row, (_, samples) in enumerate(answer.series):
        for at, value in samples.items():
            values[row, place[at]] = value
            present[row, place[at]] = True
    if answer.kind == "scalar":
        return Scalar(values[0])
    return Vector(tuple(label_set(labels) for labels, _ in answer.series), values, present)
