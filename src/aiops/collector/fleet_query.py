"""Runs one query over the fleet as if all members were one Prometheus: plan, ask, finish, say what is missing.

What is closed is passed on as bytes; only what mixes clusters is decoded and finished by the engine. A cluster that
fails in one part of a query is left out of all of them: half an average would be wrong, and silently.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeVar

from msgspec import Raw, Struct

from aiops.collector import generations as generation_rules
from aiops.collector.answer_json import encode
from aiops.collector.fanout import Fanout, Outcome, Part
from aiops.collector.federation import NO_CLUSTERS, Account, Standing, standing
from aiops.collector.gathered import Budget, Gathered, stacked
from aiops.collector.generations import Generations
from aiops.collector.leaf_source import LeafSource, Question
from aiops.collector.raw_samples import GatheredSource, RawSamples
from aiops.collector.splice import NOTHING, Spliced
from aiops.core.errors import InvalidPromql, LimitExceeded, QueryNotFederable
from aiops.core.http import Deadline
from aiops.ports.collector import ClusterStatus, MetricResult, MetricsAnswer, Mode, ResultType
from aiops.ports.registry import Target
from aiops.promql.engine import (
    EvaluationError,
    Grid,
    Limits,
    NotEvaluable,
    OverLimit,
    Rules,
    Scalar,
    Value,
    Vector,
    evaluate,
)
from aiops.promql.explain import one_line
from aiops.promql.parse import ParseError, parse
from aiops.promql.plan import BadRegex, Leaf, NoRange, NotFederable, Plan, Shape, plan
from aiops.promql.signatures import ValueType
from aiops.promql.syntax import Expr
from aiops.promql.unasked import check_unasked
from aiops.settings import CollectorSettings

T = TypeVar("T")

# Below it a thread costs more than it frees the loop for.
_SMALL: Final = 20_000
_MIXED: Final = (
    "members are Prometheus 2 and 3, which read the start of a range differently; each answered by its own rule, "
    "and what is finished here follows Prometheus 3"
)
_WORST_LAST: Final = (ClusterStatus.SUCCESS, ClusterStatus.PARTIAL, ClusterStatus.ERROR, ClusterStatus.TIMEOUT)
_TYPES: Final = {
    ValueType.SCALAR: ResultType.SCALAR,
    ValueType.VECTOR: ResultType.VECTOR,
    ValueType.MATRIX: ResultType.MATRIX,
    ValueType.STRING: ResultType.STRING,
}


class Asked(Struct, frozen=True):
    """One query at the steps of a grid, over these clusters and no others."""

    query: str
    grid: Grid
    targets: tuple[Target, ...]
    timeout_s: float
    deny_partial: bool


class FleetQuery:
    """The mode `global`."""

    def __init__(
        self, source: LeafSource, fanout: Fanout, generations: Generations, settings: CollectorSettings
    ) -> None:
        self._source = source
        self._fanout = fanout
        self._generations = generations
        self._label = settings.cluster_label
        self._max_points = settings.max_points_per_series
        self._max_series = settings.max_gathered_series
        self._max_samples = settings.max_gathered_samples

    async def run(self, asked: Asked) -> MetricsAnswer:
        """The answer of one Prometheus over all members' series with the fleet's label.

        Raises:
            InvalidPromql: the query is wrong; the text is the parser's, a member's or the engine's.
            QueryNotFederable: it has no exact answer over independent members.
            LimitExceeded: too many points, or too much to gather.
            ClusterUnreachable, QueryTimeout: every asked cluster failed, or one did and `deny_partial` is set.

        """
        started = Deadline.after(asked.timeout_s)
        by_name = {target.cluster_name: target for target in asked.targets}
        made, rules = self.plan(asked)
        if made.shape is Shape.COMBINED:
            found = await self._generations.of(asked.targets, asked.timeout_s)
            if generation_rules.rules(found) != rules:
                made, rules = self.plan(asked)
        with self._refusing(made):
            check_unasked(made, rules)
        if made.shape is Shape.UNION or made.shape is Shape.SINGLE:
            return await self._whole(asked, made, by_name)
        return await self._combined(asked, made, rules, by_name, max(0.001, started.remaining_s))

    def plan(self, asked: Asked) -> tuple[Plan, Rules]:
        """The plan, by what is known of the members' generations, and the rules of what is finished here.

        Raises:
            InvalidPromql, QueryNotFederable, LimitExceeded: as `run`.

        """
        rules = generation_rules.rules(self._generations.known(asked.targets))
        names = tuple(target.cluster_name for target in asked.targets)
        try:
            made = plan(parse(asked.query), names, self._label, asked.grid, rules)
        except (ParseError, BadRegex, NoRange) as error:
            raise InvalidPromql(str(error), details={"error_type": "bad_data"}) from error
        except NotFederable as error:
            raise QueryNotFederable(str(error), details={"node": error.node, "rewrite": error.rewrite}) from error
        for leaf in made.leaves:
            if leaf.grid.steps - 1 > self._max_points:
                raise LimitExceeded(
                    f"{leaf.grid.steps} points per series are more than {self._max_points}; "
                    "take a longer step (of a subquery, too) or less time",
                    details={"points": leaf.grid.steps, "limit": self._max_points},
                )
        return made, rules

    def _standing(self, asked: Asked, made: Plan, outcomes: Sequence[Outcome[Any]]) -> Standing:
        notes = [*made.notes]
        if len(self._generations.known([outcome.target for outcome in outcomes])) > 1:
            notes.append(_MIXED)
        away = [outcome.target.cluster_name for outcome in outcomes if outcome.part is None]
        if made.absence and away:
            notes.append(f"absent() is unknown while {', '.join(away)} do not answer")
        nobody: str | None = None
        if made.shape is not Shape.CONSTANT:
            none_match = f"no visible cluster matches the query's conditions on {self._label!r}"
            nobody = none_match if asked.targets else NO_CLUSTERS
        account = Account(Mode.GLOBAL, one_line(made), tuple(notes), nobody)
        return standing(outcomes, deny_partial=asked.deny_partial, account=account)

    # Pushed whole

    async def _whole(self, asked: Asked, made: Plan, by_name: dict[str, Target]) -> MetricsAnswer:
        leaf = made.leaves[0]

        async def ask(target: Target, question: Question, deadline: Deadline) -> Part[Spliced]:
            return await self._source.spliced(target, question, deadline, labelled=leaf.labelled)

        # Nothing here depends on generations but a warning, so they are learnt meanwhile.
        members = [by_name[name] for name, _ in leaf.queries]
        learning = asyncio.ensure_future(self._generations.of(members, asked.timeout_s))
        try:
            outcomes = await self._ask_leaf(asked, leaf, by_name, asked.timeout_s, ask)
            await learning
        finally:
            learning.cancel()
        found = self._standing(asked, made, outcomes)
        types = [outcome.part.value.result_type for outcome in outcomes if outcome.part is not None]
        kind = types[0] if types else _TYPES[made.value_type] if asked.grid.is_instant else ResultType.MATRIX
        results = tuple(_result(outcome, labelled=leaf.labelled) for outcome in outcomes)
        return MetricsAnswer(kind, results, found.partial, found.warnings, found.federation)

    async def _ask_leaf(
        self,
        asked: Asked,
        leaf: Leaf,
        by_name: dict[str, Target],
        timeout_s: float,
        ask: Callable[[Target, Question, Deadline], Awaitable[Part[T]]],
    ) -> list[Outcome[T]]:
        texts = dict(leaf.queries)

        async def question(target: Target, deadline: Deadline) -> Part[T]:
            return await ask(target, Question(texts[target.cluster_name], leaf.grid, asked.timeout_s), deadline)

        return await self._fanout.ask([by_name[name] for name in texts], timeout_s, question)

    # Finished here

    async def _combined(
        self, asked: Asked, made: Plan, rules: Rules, by_name: dict[str, Target], timeout_s: float
    ) -> MetricsAnswer:
        budget = Budget(self._label, max_series=self._max_series, max_samples=self._max_samples)

        async def ask(
            target: Target, question: Question, deadline: Deadline, *, raw: bool
        ) -> Part[Gathered | RawSamples]:
            part = await self._source.gathered(target, question, deadline, raw=raw)
            budget.take(part.value)
            return part

        parts = await _all(
            [self._ask_leaf(asked, leaf, by_name, timeout_s, partial(ask, raw=leaf.raw)) for leaf in made.leaves]
        )
        outcomes = _merged(asked.targets, parts)
        found = self._standing(asked, made, outcomes)
        away = {outcome.target.cluster_name for outcome in outcomes if outcome.part is None}
        kind, data = await _off_loop(budget.samples, lambda: self._finish(made, rules, parts, away))
        result = MetricResult(
            cluster_id=None,
            cluster_name=None,
            status=ClusterStatus.PARTIAL if found.partial else ClusterStatus.SUCCESS,
            result_type=kind,
            data=data,
            error=None,
            query_time_ms=max((outcome.query_time_ms for outcome in outcomes), default=0.0),
        )
        return MetricsAnswer(kind, (result,), found.partial, found.warnings, found.federation)

    def _finish(
        self, made: Plan, rules: Rules, parts: Sequence[Sequence[Outcome[Gathered | RawSamples]]], away: set[str]
    ) -> tuple[ResultType, Raw]:
        given: dict[tuple[Expr, Grid], Vector | Scalar] = {}
        samples = GatheredSource(self._label)
        for leaf, outcomes in zip(made.leaves, parts, strict=True):
            known = [
                (outcome.target.cluster_name if leaf.labelled else None, outcome.part.value)
                for outcome in outcomes
                if outcome.part is not None and outcome.target.cluster_name not in away
            ]
            if leaf.raw:
                samples.add(leaf.stand_in, [(name, part) for name, part in known if isinstance(part, RawSamples)])
            else:
                arrays = [(name, part) for name, part in known if isinstance(part, Gathered)]
                given[leaf.stand_in, leaf.grid] = stacked(arrays, self._label, leaf.grid)
        if made.finish is None:
            raise ValueError("a plan without a finishing expression is pushed whole")
        with self._refusing(made):
            # Intermediate values of what was gathered: a few times as much.
            limits = Limits(samples=8 * self._max_samples)
            value: Value = evaluate(made.finish, made.grid, samples, rules, given, limits)
        return encode(value, made.grid)

    @contextmanager
    def _refusing(self, made: Plan) -> Iterator[None]:
        """What the engine refuses, as the collector's errors."""
        try:
            yield
        except OverLimit as error:
            raise LimitExceeded(str(error)) from error
        except NotEvaluable as error:
            raise QueryNotFederable(
                f"{one_line(made)}: {error}; keep the label {self._label!r} in every aggregation, or ask one cluster"
            ) from error
        except EvaluationError as error:
            raise InvalidPromql(str(error), details={"error_type": "execution"}) from error


def _merged(targets: Sequence[Target], parts: Sequence[Sequence[Outcome[Any]]]) -> list[Outcome[None]]:
    """One outcome for each cluster that was asked anything: the worst of its parts', and the longest time."""
    by_cluster: dict[str, list[Outcome[Any]]] = {}
    for leaf in parts:
        for outcome in leaf:
            by_cluster.setdefault(outcome.target.cluster_name, []).append(outcome)
    merged = []
    for target in targets:
        own = by_cluster.get(target.cluster_name)
        if own is None:
            continue
        worst = max(own, key=lambda outcome: _WORST_LAST.index(outcome.status))
        answered = [outcome.part for outcome in own if outcome.part is not None]
        whole = len(answered) == len(own)
        notes = tuple(dict.fromkeys(note for part in answered for note in part.notes))
        merged.append(
            Outcome(
                target,
                worst.status,
                max(outcome.query_time_ms for outcome in own),
                Part(None, notes, complete=worst.status is ClusterStatus.SUCCESS) if whole else None,
                worst.error,
            )
        )
    return merged


def _result(outcome: Outcome[Spliced], *, labelled: bool) -> MetricResult:
    spliced = outcome.part.value if outcome.part is not None else None
    own = labelled or spliced is None
    return MetricResult(
        cluster_id=outcome.target.cluster_id if own else None,
        cluster_name=outcome.target.cluster_name if own else None,
        status=outcome.status,
        result_type=spliced.result_type if spliced else None,
        data=spliced.data if spliced else NOTHING,
        error=outcome.error,
        query_time_ms=outcome.query_time_ms,
    )


async def _all(asked: Sequence[Awaitable[T]]) -> list[T]:
    """All answers; the first error at once, and the others are given up."""
    tasks = [asyncio.ensure_future(each) for each in asked]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _off_loop(size: int, work: Callable[[], T]) -> T:
    return work() if size < _SMALL else await asyncio.to_thread(work)
