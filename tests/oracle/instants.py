"""Ranges in which Prometheus is not what it says at each of their steps.

An answer over a range is by definition the answers at its steps. Where Prometheus' own are others, as with a time fixed
by `@` within an aggregation's parameter, which it evaluates step by step and then finds too old, its instants decide.
"""

from dataclasses import replace

from tests.oracle.answers import Answer, Case, Refused, difference, from_api
from tests.servers.generations import Past


def its_own_instants(oracle: Past, case: Case, got: Answer | Refused) -> bool:
    """Whether the answer over a range is, at every step, what Prometheus answers there."""
    if not case.step_ms or not isinstance(got, Answer):
        return False
    return all(_alike(oracle, case, got, at) for at in case.grid.times().tolist())


def _alike(oracle: Past, case: Case, got: Answer, at: int) -> bool:
    instant = replace(case, start_ms=at, end_ms=at, step_ms=0)
    there = from_api(oracle.ask(instant.path, instant.parameters))
    if not isinstance(there, Answer) or there.kind not in ("vector", "scalar"):
        return False
    here = tuple((labels, {at: samples[at]}) for labels, samples in got.series if at in samples)
    return difference(there, Answer(there.kind, here)) is None
