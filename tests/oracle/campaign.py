"""Many random cases against the oracle: what was asked, what was refused, and what was wrong, made as small as it gets.

A subject may refuse only what it names as a refusal; these are counted by their reason. Whatever the oracle refuses by
the query's own fault, the subject must refuse as well. Neither side's messages are compared.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from aiops.promql.lex import ParseError
from aiops.promql.parse import parse
from aiops.promql.serialize import serialize
from aiops.promql.syntax import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Negation,
    Paren,
    RangeSelector,
    Selector,
    Subquery,
    Text,
)
from aiops.promql.walk import bare
from tests.oracle.answers import Answer, Case, Order, Refused, difference, from_api, tied
from tests.oracle.apart import apart
from tests.oracle.instants import its_own_instants
from tests.oracle.limited import limited
from tests.servers.generations import Past

REPEATS = 8
CHOOSING = frozenset({"topk", "bottomk"})
SORTED_BY_VALUE = frozenset({"sort", "sort_desc"})
SORTED_BY_LABEL = frozenset({"sort_by_label", "sort_by_label_desc"})


class Subject(Protocol):
    """Who is asked the same as the oracle."""

    def ask(self, case: Case) -> Answer | Refused:
        """Its answer."""


@dataclass(frozen=True)
class Wrong:
    """A case whose answer was wrong, the smallest one within it that is wrong too, and what is wrong with that."""

    case: Case
    smallest: Case
    why: str

    def __str__(self) -> str:
        inside = "" if self.smallest == self.case else f"\n  within {self.case}"
        return f"{self.smallest}\n  {self.why}{inside}"


@dataclass
class Tally:
    """What became of the cases of a run."""

    cases: int = 0
    same: int = 0
    empty: int = 0
    refused_by_both: int = 0
    undefined: int = 0
    ties: int = 0
    limited: int = 0
    apart: int = 0
    instants: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    wrong: list[Wrong] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Add another run's."""
        self.cases += other.cases
        self.same += other.same
        self.empty += other.empty
        self.refused_by_both += other.refused_by_both
        self.undefined += other.undefined
        self.ties += other.ties
        self.limited += other.limited
        self.apart += other.apart
        self.instants += other.instants
        self.refusals += other.refusals
        self.wrong += other.wrong

    def summary(self) -> dict[str, object]:
        """For people and for JSON."""
        return {
            "cases": self.cases,
            "same": self.same,
            "of_these_empty": self.empty,
            "refused_by_both": self.refused_by_both,
            "prometheus_disagrees_with_itself": self.undefined,
            "other_of_equal_values_chosen": self.ties,
            "other_of_a_group_limited": self.limited,
            "duplicates_apart_from_the_other_side": self.apart,
            "prometheus_is_not_its_own_instants": self.instants,
            "refused": dict(self.refusals),
            "wrong": [str(one) for one in self.wrong],
        }

    def __str__(self) -> str:
        return json.dumps(self.summary(), indent=2, ensure_ascii=False)


class Campaign:
    """Asks both, and keeps the tally."""

    def __init__(self, oracle: Past, subject: Subject, clusters: Sequence[str] = ()) -> None:
        self._oracle = oracle
        self._subject = subject
        self._clusters = clusters
        self.tally = Tally()

    def run(self, case: Case) -> None:
        """Ask one case."""
        tally = self.tally
        tally.cases += 1
        expected, got = self._asked(case)
        if isinstance(got, Refused) and not got.wrong:
            tally.refusals[got.code] += 1
        elif (why := verdict(case, expected, got)) is not None:
            self._judge(case, *self._smallest(case, why))
        elif isinstance(expected, Refused):
            tally.refused_by_both += 1
        else:
            tally.same += 1
            tally.empty += not expected.series

    def _asked(self, case: Case) -> tuple[Answer | Refused, Answer | Refused]:
        return from_api(self._oracle.ask(case.path, case.parameters)), self._subject.ask(case)

    def _judge(self, case: Case, smallest: Case, why: str) -> None:
        """Whether a difference is one that means nothing, or wrong."""
        tally, oracle = self.tally, self._oracle
        expected, got = self._asked(smallest)
        if _ties(smallest, expected, got):
            tally.ties += 1
        elif limited(oracle, smallest, expected, got):
            tally.limited += 1
        elif apart(oracle, self._clusters, smallest, expected, got):
            tally.apart += 1
        elif its_own_instants(oracle, smallest, got):
            tally.instants += 1
        elif wavers(oracle, case) or wavers(oracle, smallest):
            tally.undefined += 1
        else:
            tally.wrong.append(Wrong(case, smallest, why))

    def _smallest(self, case: Case, why: str) -> tuple[Case, str]:
        try:
            tree = parse(case.query)
        except ParseError:
            return case, why
        for part in parts(tree):
            inner = replace(case, query=serialize(part))
            expected, got = self._asked(inner)
            if isinstance(got, Refused) and not got.wrong:
                continue
            if (found := verdict(inner, expected, got)) is not None:
                return self._smallest(inner, found)
        return case, why


def _ties(case: Case, expected: Answer | Refused, got: Answer | Refused) -> bool:
    """Whether topk or bottomk chose other series of equal values, about which Prometheus promises nothing."""
    tree = parse(case.query)
    chooses = isinstance(tree, Aggregation) and tree.op in CHOOSING
    return chooses and isinstance(expected, Answer) and isinstance(got, Answer) and tied(expected, got)


def wavers(oracle: Past, case: Case) -> bool:
    """Whether Prometheus itself answers the case now so, now so: its order of equal values may be by chance."""
    first = from_api(oracle.ask(case.path, case.parameters))
    return any(
        verdict(case, first, from_api(oracle.ask(case.path, case.parameters))) is not None for _ in range(REPEATS)
    )


def verdict(case: Case, expected: Answer | Refused, got: Answer | Refused) -> str | None:
    """What is wrong with an answer, or None."""
    if isinstance(expected, Refused) and isinstance(got, Refused):
        return None
    if isinstance(expected, Refused):
        return f"Prometheus refuses it ({expected.code}: {expected.reason[:160]}), but it was answered"
    if isinstance(got, Refused):
        return f"refused ({got.code}: {got.reason[:200]}), but Prometheus answers it"
    return difference(expected, got, order=order_of(case, expected))


def order_of(case: Case, answer: Answer) -> Order:
    """What the query says about the order of an instant's series."""
    if not case.step_ms:
        try:
            tree = bare(parse(case.query))
        except ParseError:
            return Order.ANY
        if isinstance(tree, Call) and tree.function in SORTED_BY_VALUE:
            return Order.VALUES
        if isinstance(tree, Call) and tree.function in SORTED_BY_LABEL:
            names = [argument.value for argument in tree.args[1:] if isinstance(argument, Text)]
            return Order.LABELS if _all_or_none_have(names, answer) else Order.ANY
        if isinstance(tree, Aggregation) and tree.op in ("topk", "bottomk") and not tree.grouping and not tree.without:
            return Order.VALUES
    return Order.ANY


def _all_or_none_have(names: Sequence[str], answer: Answer) -> bool:
    """Whether Prometheus has an order: of what has a label and what lacks it, each comes after the other there."""
    having = [[name in dict(labels) for labels, _ in answer.series] for name in names]
    return all(all(each) or not any(each) for each in having)


def parts(tree: Expr) -> Iterator[Expr]:
    """The expressions right within another, that can be asked alone."""
    match tree:
        case Call():
            for argument in tree.args:
                yield from _askable(argument)
        case Aggregation():
            yield from _askable(tree.expr)
            if tree.param is not None:
                yield from _askable(tree.param)
        case Binary():
            yield from _askable(tree.left)
            yield from _askable(tree.right)
        case Negation() | Paren():
            yield from _askable(tree.expr)
        case Subquery():
            yield tree.expr


def _askable(tree: Expr) -> Iterator[Expr]:
    match tree:
        case Subquery():
            yield tree.expr
        case RangeSelector():
            yield tree.selector
        case Selector() | Call() | Aggregation() | Binary() | Negation() | Paren():
            yield tree
        case _:
            return
