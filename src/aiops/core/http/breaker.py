"""A circuit breaker for one origin: after enough failures in a row it answers at once instead of the origin.

It half-opens by itself when its time has passed: a few requests go through, the first success closes it and
the first failure opens it again (M. Nygard, Release It!, "Circuit Breaker"). It starts nothing and measures
only by the clock that it is given.
"""

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct


class BreakerPolicy(Struct, frozen=True):
    """When a breaker opens, for how long, and how many may try afterwards."""

    failures: int = 5  # in a row
    open_s: float = 30.0
    probes: int = 3  # at a time while half-open
    # Who waits for less than this learns nothing about the origin: one hasty caller must not close it to all others.
    fair_wait_s: float = 1.0
    # An answer shows that the server lives, and our own roles answer 5xx on behalf of others: none counts
    # unless named here, as 502, 503 and 504 may be for an origin behind somebody's ingress.
    failing_statuses: frozenset[int] = frozenset()


class BreakerState(StrEnum):
    """Closed lets everything through, open nothing, half-open a few."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


class Breaker:
    """The breaker of one origin.

    `on_change(tripped)` is called when it leaves the closed state and when it returns.
    """

    def __init__(self, policy: BreakerPolicy, *, clock: Callable[[], float], on_change: Callable[[bool], None]) -> None:
        self.policy = policy
        self._clock = clock
        self._on_change = on_change
        self._failed_in_a_row = 0
        self._retry_at_s: float | None = None
        self._probing = 0

    @property
    def state(self) -> BreakerState:
        """What it does with the next request."""
        if self._retry_at_s is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._clock() < self._retry_at_s else BreakerState.HALF_OPEN

    @property
    def retry_in_s(self) -> float:
        """Seconds until it half-opens; 0 when it is not open."""
        return max(0.0, (self._retry_at_s or 0.0) - self._clock())

    def admit(self) -> bool:
        """Whether one request may go; each that may ends in one of `succeeded`, `failed`, `abandoned`."""
        state = self.state
        if state is BreakerState.CLOSED:
            return True
        if state is BreakerState.OPEN or self._probing >= self.policy.probes:
            return False
        self._probing += 1
        return True

    def succeeded(self) -> None:
        """Note that the origin answered, whomever."""
        self._failed_in_a_row = self._probing = 0
        if self._retry_at_s is not None:
            self._retry_at_s = None
            self._on_change(False)

    def failed(self) -> None:
        """Note that the origin did not answer an admitted request."""
        self._failed_in_a_row += 1
        state = self.state
        if state is BreakerState.OPEN:
            return  # a request from before; it must not prolong the wait
        if state is BreakerState.CLOSED:
            if self._failed_in_a_row < self.policy.failures:
                return
            self._on_change(True)
        self._probing = 0
        self._retry_at_s = self._clock() + self.policy.open_s

    def abandoned(self) -> None:
        """Note that the caller gave an admitted request up, which says nothing about the origin."""
        self._probing = max(0, self._probing - 1)
