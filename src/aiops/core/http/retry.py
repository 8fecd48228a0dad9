"""How often one origin's requests may be repeated: a share of them, so that repeats never become a storm."""

from collections.abc import Callable

_SHARE = 0.1  # repeats earned by each request
_PER_SECOND = 1.0  # repeats earned by time, for origins that are asked rarely
_MOST = 10.0  # saved up at most


class RetryBudget:
    """A token bucket; a repeat takes one token."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tokens = _PER_SECOND
        self._counted_at_s = clock()

    def earn(self) -> None:
        """Note that a first attempt was made."""
        self._refill(_SHARE)

    def spend(self) -> bool:
        """Whether a repeat is allowed; if so it is paid for."""
        self._refill(0.0)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def _refill(self, extra: float) -> None:
        now_s = self._clock()
        self._tokens = min(_MOST, self._tokens + extra + (now_s - self._counted_at_s) * _PER_SECOND)
        self._counted_at_s = now_s
