"""What one query may take. Memory and work are counted before they are spent, so that a hostile query fails early."""

from msgspec import Struct

from aiops.promql.engine.errors import OverLimit


class Limits(Struct, frozen=True):
    """`samples`: held at one time, a step of a series counting as one. `visits`: samples that windows look at in all.

    A window function looks at each sample of its window at every step, so long ranges at short steps cost time and no
    memory: that is what `visits` bounds. Prometheus' own limit is 50 million samples.
    """

    samples: int = 50_000_000
    visits: int = 2_000_000_000


class Budget:
    """Counts for one evaluation."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._visits = 0
        self.held = 0

    def hold(self, samples: int) -> None:
        """Count samples that are about to be held."""
        self.held += samples
        if self.held > self._limits.samples:
            raise OverLimit(
                "query processing would load too many samples into memory in query execution: "
                f"more than {self._limits.samples}; ask for fewer series, a shorter time or a longer step"
            )

    def visit(self, samples: int) -> None:
        """Count samples that windows are about to look at."""
        self._visits += samples
        if self._visits > self._limits.visits:
            raise OverLimit(
                f"the query's range windows would look at more than {self._limits.visits} samples; "
                "ask for fewer series, a shorter range or a longer step"
            )

    def settle(self, before: int, kept: int) -> None:
        """Of all held since `before`, only the result is kept."""
        self.held = before
        self.hold(kept)
