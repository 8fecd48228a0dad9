"""What one member answers to one text: as bytes that are passed on, or as arrays that are worked with.

Questions that are alike and under way at the same time are asked once. Their key has all that the answer depends on;
whose scope let the question through is not part of it, since scope is decided by who is asked at all.
"""

import asyncio
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, Final

from msgspec import Struct

from aiops.collector.backends.prometheus import Parameters, PrometheusApi
from aiops.collector.fanout import MemberFailed, Part
from aiops.collector.gathered import Gathered, Notes, gather
from aiops.collector.members import Members
from aiops.collector.raw_samples import RawSamples, raw_samples
from aiops.collector.settled import Answered, SettledAnswers
from aiops.collector.splice import Malformed, Spliced, splice
from aiops.core.cache import SingleFlight
from aiops.core.http import Deadline
from aiops.ports.registry import Target
from aiops.promql.engine import Grid

# Reading a megabyte into arrays takes some ten milliseconds: longer than others should wait.
_SMALL_BYTES: Final = 1_000_000


class Question(Struct, frozen=True):
    """One text at the steps of a grid; `timeout_s` is the whole query's."""

    query: str
    grid: Grid
    timeout_s: float

    @property
    def path(self) -> str:
        """Under `/api/v1/`."""
        return "query" if self.grid.is_instant else "query_range"

    @property
    def parameters(self) -> Parameters:
        """Of the form. All clusters get the same texts."""
        grid = self.grid
        if grid.is_instant:
            return (("query", self.query), ("time", f"{grid.start_ms / 1000:.3f}"))
        return (
            ("query", self.query),
            ("start", f"{grid.start_ms / 1000:.3f}"),
            ("end", f"{grid.end_ms / 1000:.3f}"),
            ("step", f"{grid.step_ms / 1000:.3f}"),
        )


class LeafSource:
    """Asks members. `max_samples` bounds what one answer may take as arrays; without `settled` none is kept."""

    def __init__(
        self,
        members: Members,
        api: PrometheusApi,
        label: str,
        *,
        max_samples: int,
        settled: SettledAnswers | None = None,
    ) -> None:
        self._members = members
        self._api = api
        self._label = label
        self._max_samples = max_samples
        self._settled = settled
        self._spliced: SingleFlight[Hashable, Part[Spliced]] = SingleFlight()
        self._gathered: SingleFlight[Hashable, Part[Gathered | RawSamples]] = SingleFlight()

    async def spliced(self, target: Target, question: Question, deadline: Deadline, *, labelled: bool) -> Part[Spliced]:
        """The answer's bytes, with the fleet's label where `labelled`.

        Raises:
            MemberFailed: the member did not answer, or not as it should.
            InvalidPromql, LimitExceeded: it says that the question is wrong.

        """

        async def ask() -> Part[Spliced]:
            body, lasting = await self._ask(target, question, deadline)
            try:
                found = splice(body, self._label, target.cluster_name if labelled else None)
            except Malformed as error:
                raise MemberFailed(str(error)) from error
            part = Part(found, (*found.warnings, *found.infos), complete=found.complete)
            self._keep(lasting, body, part)
            return part

        return await self._spliced.run((*_key(target, question), labelled), ask)

    async def gathered(
        self, target: Target, question: Question, deadline: Deadline, *, raw: bool
    ) -> Part[Gathered | RawSamples]:
        """The answer as arrays, `raw` that to a range selector; errors as `spliced`.

        Raises:
            QueryNotFederable: it has native histograms.

        """
        read: Callable[[bytes], tuple[Gathered | RawSamples, Notes]] = (
            partial(raw_samples, max_samples=self._max_samples)
            if raw
            else partial(gather, grid=question.grid, max_samples=self._max_samples)
        )

        async def ask() -> Part[Gathered | RawSamples]:
            body, lasting = await self._ask(target, question, deadline)
            try:
                found, notes = read(body) if len(body) < _SMALL_BYTES else await asyncio.to_thread(read, body)
            except Malformed as error:
                raise MemberFailed(str(error)) from error
            part = Part(found, (*notes.warnings, *notes.infos), complete=notes.complete)
            self._keep(lasting, body, part)
            return part

        return await self._gathered.run((*_key(target, question), raw), ask)

    async def _ask(self, target: Target, question: Question, deadline: Deadline) -> tuple[bytes, Answered | None]:
        """The member's answer, and as what it may be kept: null where it was kept already or does not last."""
        # With the member's leave first: a credential that was taken away opens nothing that is kept either.
        member = await self._members.metrics(target)
        asked = Answered(target.cluster_id, target.credential_version, target.metrics, question.query, question.grid)
        lasts = self._settled is not None and self._settled.admits(asked)
        if self._settled is not None and lasts and (kept := self._settled.get(asked)) is not None:
            return kept, None
        body = await self._api.ask(member, question.path, question.parameters, deadline)
        return body, asked if lasts else None

    def _keep(self, lasting: Answered | None, body: bytes, part: Part[Any]) -> None:
        if self._settled is not None and lasting is not None and part.complete and not part.notes:
            self._settled.put(lasting, body)


def _key(target: Target, question: Question) -> tuple[Hashable, ...]:
    return (target.cluster_id, target.credential_version, target.metrics, question)
