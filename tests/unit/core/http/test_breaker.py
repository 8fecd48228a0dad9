"""What keeps failing is not asked again at once, and is let back in by itself."""

import pytest

from aiops.core.http.breaker import Breaker, BreakerPolicy, BreakerState
from aiops.core.http.retry import RetryBudget
from tests.unit.core.http.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def changes() -> list[bool]:
    return []


@pytest.fixture
def breaker(clock: Clock, changes: list[bool]) -> Breaker:
    return Breaker(BreakerPolicy(failures=3, open_s=30, probes=2), clock=clock, on_change=changes.append)


def _fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.admit()
        breaker.failed()


def test_failures_in_a_row_open_it(breaker: Breaker, changes: list[bool]) -> None:
    _fail(breaker, 2)
    assert breaker.admit()
    breaker.succeeded()
    _fail(breaker, 3)
    assert breaker.state is BreakerState.OPEN
    assert not breaker.admit()
    assert breaker.retry_in_s == 30
    assert changes == [True]


def test_half_open_lets_a_few_through_and_one_success_closes_it(
    breaker: Breaker, clock: Clock, changes: list[bool]
) -> None:
    _fail(breaker, 3)
    clock.now_s += 30
    assert [breaker.admit() for _ in range(3)] == [True, True, False]
    breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED
    assert changes == [True, False]


def test_half_open_opens_again_at_the_first_failure(breaker: Breaker, clock: Clock, changes: list[bool]) -> None:
    _fail(breaker, 3)
    clock.now_s += 30
    _fail(breaker, 1)
    assert breaker.state is BreakerState.OPEN
    assert breaker.retry_in_s == 30
    assert changes == [True]


def test_an_abandoned_probe_gives_its_place_back(breaker: Breaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.now_s += 30
    for _ in range(5):
        assert breaker.admit()
        breaker.abandoned()
    assert breaker.state is BreakerState.HALF_OPEN


def test_late_failures_do_not_prolong_the_wait(breaker: Breaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.now_s += 20
    breaker.failed()
    assert breaker.retry_in_s == 10


def test_repeats_are_a_tenth_of_the_requests_and_one_a_second(clock: Clock) -> None:
    budget = RetryBudget(clock)
    assert [budget.spend(), budget.spend()] == [True, False]
    for _ in range(20):
        budget.earn()
    assert [budget.spend(), budget.spend(), budget.spend()] == [True, True, False]
    clock.now_s += 1.01
    assert [budget.spend(), budget.spend()] == [True, False]
    clock.now_s += 3600
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]
