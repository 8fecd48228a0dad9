"""Which generation of Prometheus each member evaluates like, since they read a range's start differently.

It is found by a query whose answer tells: versions would not do, since builds from source name none, and Thanos, Mimir
and VictoriaMetrics have their own. It is asked once and kept; what a member does not answer is not guessed. Whoever is
slow is taken as unknown for a while, so that one hanging cluster costs a moment once, not with every query.
"""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from aiops.collector.backends.prometheus import PrometheusApi
from aiops.collector.members import Members
from aiops.core.cache import SingleFlight
from aiops.core.clock import Clock
from aiops.core.errors import AiopsError
from aiops.core.http import Deadline
from aiops.ports.registry import Endpoint, Target
from aiops.promql.engine import PROMETHEUS_2, PROMETHEUS_3, Rules

# A member is upgraded now and then; one that did not say it may be back soon.
_KEPT_S: Final = 3600.0
_UNKNOWN_KEPT_S: Final = 60.0
_PATIENCE_S: Final = 2.0


# A window of two minutes that ends on a minute: with its start it has three steps of a minute. No series is touched.
PROBE: Final = "count_over_time(vector(1)[2m:1m])"
_AT: Final = "1000000020.000"
_GENERATIONS: Final = {"3": 2, "2": 3}


class _Row(Struct, frozen=True):
    value: tuple[float, str]


class _Vector(Struct, frozen=True):
    result: tuple[_Row]


class _Answer(Struct, frozen=True):
    data: _Vector


class _Known(Struct, frozen=True):
    endpoint: Endpoint
    generation: int | None
    until: float


_answers = msgspec.json.Decoder(_Answer)


class Generations:
    """Major versions of Prometheus, 2 or 3, that members behave like."""

    def __init__(self, members: Members, api: PrometheusApi, clock: Clock) -> None:
        self._members = members
        self._api = api
        self._clock = clock
        self._known: dict[UUID, _Known] = {}
        self._flight: SingleFlight[Endpoint, int | None] = SingleFlight()

    async def of(self, targets: Sequence[Target], timeout_s: float) -> frozenset[int]:
        """The generations among these members, as far as they tell; waits 2 s at most."""
        now = self._clock().timestamp()
        unknown = [target for target in targets if not self._is_known(target, now)]
        if unknown:
            deadline = Deadline.after(min(_PATIENCE_S, timeout_s / 2))
            await asyncio.gather(*(self._learn(target, deadline, now) for target in unknown))
        return self.known(targets)

    def known(self, targets: Sequence[Target]) -> frozenset[int]:
        """The same of what is known by now; asks nobody."""
        found = (self._known.get(target.cluster_id) for target in targets)
        return frozenset(known.generation for known in found if known is not None and known.generation is not None)

    def _is_known(self, target: Target, now: float) -> bool:
        known = self._known.get(target.cluster_id)
        if target.metrics is None:
            return True
        return known is not None and known.until > now and known.endpoint == target.metrics

    async def _learn(self, target: Target, deadline: Deadline, now: float) -> None:
        if target.metrics is None:
            return
        generation = await self._flight.run(target.metrics, lambda: self._ask(target, deadline))
        until = now + (_UNKNOWN_KEPT_S if generation is None else _KEPT_S)
        self._known[target.cluster_id] = _Known(target.metrics, generation, until)

    async def _ask(self, target: Target, deadline: Deadline) -> int | None:
        try:
            async with asyncio.timeout(deadline.remaining_s):
                member = await self._members.metrics(target)
                body = await self._api.ask(member, "query", (("query", PROBE), ("time", _AT)), deadline)
            return _GENERATIONS.get(_answers.decode(body).data.result[0].value[1])
        except (TimeoutError, AiopsError, msgspec.DecodeError, UnicodeDecodeError):
            return None  # the query itself will say what is wrong with this member


def rules(generations: frozenset[int]) -> Rules:
    """The rules of what is finished here: the newer ones, unless all members are known to be older."""
    return PROMETHEUS_2 if generations == {2} else PROMETHEUS_3
