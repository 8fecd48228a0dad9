"""Ranges in which Prometheus is not what it says at each of their steps.

An answer over a range is by definition the answers at its steps. Where Prometheus' own are others, its instants decide.
So it is within an aggregation's parameter: one with a fixed time is evaluated step by step and then found too old,
`@ start()` and `@ end()` are left unread there, and a parameter that changes is taken from the first step alone where
what is aggregated does not change.
"""

from dataclasses import replace

from aiops.promql.engine.grid import anchored
from aiops.promql.parse import parse
from aiops.promql.serialize import serialize
from aiops.promql.syntax import Anchor
from tests.oracle.answers import Answer, Case, Refused, difference, from_api
from tests.oracle.rewritten import rewritten
from tests.servers.generations import Past


def its_own_instants(oracle: Past, case: Case, got: Answer | Refused) -> bool:
    """Whether the answer over a range is, at every step, what Prometheus answers there; a refusal needs one step."""
    if not case.step_ms:
        return False
    # An instant has a start and an end of its own.
    tree = rewritten(parse(case.query), lambda part: anchored(part, case.grid) if isinstance(part, Anchor) else part)
    fixed = replace(case, query=serialize(tree))
    steps = case.grid.times().tolist()
    if isinstance(got, Refused):
        return any(_refuses(oracle, fixed, at) for at in steps)
    return all(_alike(oracle, fixed, got, at) for at in steps)


def _refuses(oracle: Past, case: Case, at: int) -> bool:
    instant = replace(case, start_ms=at, end_ms=at, step_ms=0)
    there = from_api(oracle.ask(instant.path, instant.parameters))
    return isinstance(there, Refused) and there.wrong


def _alike(oracle: Past, case: Case, got: Answer, at: int) -> bool:
    instant = replace(case, start_ms=at, end_ms=at, step_ms=0)
    there = from_api(oracle.ask(instant.path, instant.parameters))
    if not isinstance(there, Answer) or there.kind not in ("vector", "scalar"):
        return False
    here = tuple((labels, {at: samples[at]}) for labels, samples in got.series if at in samples)
    return difference(there, Answer(there.kind, here)) is None
