"""A circuit breaker: what keeps failing is not asked again at once, and is let back in by itself.

Closed until `failures` in a row; then open for `open_s`, answering at once; then half-open, where up to `probes`
requests go through: one success closes it, one failure opens it again. (M. Nygard, Release It!, "Circuit Breaker".)
"""

import time
from collections.abc import Callable

from msgspec import Struct


class BreakerPolicy(Struct, frozen=True):
    """When to open, for how long, and how many may try afterwards."""

    failures: int = 5
    open_s: float = 10.0
    probes: int = 1


class Breaker:
    """The state of one origin."""

    def __init__(self, policy: BreakerPolicy, *, now: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._now = now
        self._failed_in_a_row = 0
        self._opened_at: float | None = None
        self._probing = 0

    @property
    def open(self) -> bool:
        """Whether requests are being refused right now."""
        return self._opened_at is not None and self._now() - self._opened_at < self._policy.open_s

    def admit(self) -> bool:
        """Whether one request may go; each admitted one must end in `succeeded`, `failed` or `abandoned`."""
        if self._opened_at is None:
            return True
        if self.open or self._probing >= self._policy.probes:
            return False
        self._probing += 1
        return True

    def succeeded(self) -> None:
        """The origin answered."""
        self._failed_in_a_row = 0
        self._opened_at = None
        self._probing = 0

    def failed(self) -> None:
        """The origin did not answer, or with a fault of its own."""
        self._failed_in_a_row += 1
        self._probing = max(0, self._probing - 1)
        if self._opened_at is not None or self._failed_in_a_row >= self._policy.failures:
            self._opened_at = self._now()

    def abandoned(self) -> None:
        """The caller went away before anything was known."""
        self._probing = max(0, self._probing - 1)
