"""Who is asked the same question as the oracle: the engine over the same samples in memory."""

import numpy as np
import re2

from aiops.promql.engine import (
    PROMETHEUS_2,
    PROMETHEUS_3,
    EvaluationError,
    NotEvaluable,
    OverLimit,
    SeriesData,
    evaluate,
    label_set,
)
from aiops.promql.lex import ParseError
from aiops.promql.parse import parse
from aiops.promql.syntax import Matcher, MatchOp
from tests.oracle.answers import Answer, Case, Refused, from_engine
from tests.oracle.data import Series
from tests.servers.generations import Generation

RULES = {Generation.TWO: PROMETHEUS_2, Generation.THREE: PROMETHEUS_3}


class Memory:
    """A source of series for the engine."""

    def __init__(self, series: list[Series], generation: Generation) -> None:
        self._dot_is_all = generation is Generation.THREE
        self._series = [
            SeriesData(
                label_set(one.labels.items()),
                np.array([at for at, _ in one.samples], dtype=np.int64),
                np.array([value for _, value in one.samples]),
            )
            for one in series
        ]

    def select(self, matchers: tuple[Matcher, ...], from_ms: int, to_ms: int) -> list[SeriesData]:  # noqa: ARG002 - all are given
        """All that match, whole."""
        return [one for one in self._series if self._matches(dict(one.labels), matchers)]

    def _matches(self, labels: dict[str, str], matchers: tuple[Matcher, ...]) -> bool:
        return all(self._satisfied(matcher, labels.get(matcher.name, "")) for matcher in matchers)

    def _satisfied(self, matcher: Matcher, value: str) -> bool:
        if matcher.op in (MatchOp.EQUAL, MatchOp.NOT_EQUAL):
            return (matcher.value == value) is (matcher.op is MatchOp.EQUAL)
        # Before 3.0 a dot was no line's end.
        options = re2.Options()
        options.dot_nl = self._dot_is_all
        return (re2.fullmatch(matcher.value, value, options) is not None) is (matcher.op is MatchOp.REGEX)


class Engine:
    """The engine alone."""

    def __init__(self, series: list[Series], generation: Generation) -> None:
        self._source = Memory(series, generation)
        self._rules = RULES[generation]

    def ask(self, case: Case) -> Answer | Refused:
        """Its answer; only what it declares as a refusal is one."""
        try:
            return from_engine(evaluate(parse(case.query), case.grid, self._source, self._rules), case.grid)
        except ParseError as error:
            return Refused(str(error), "parse")
        except (NotEvaluable, OverLimit) as error:
            return Refused(str(error), type(error).__name__, wrong=False)
        except EvaluationError as error:
            return Refused(str(error), type(error).__name__)
