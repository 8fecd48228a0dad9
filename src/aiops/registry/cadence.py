"""How often a cluster is checked and how long one check may take, by its type, in seconds.

The contract's table times one setting, so that tests and demonstrations can run faster. Timeouts are scaled down with
the intervals and never up.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from sqlalchemy import ColumnElement, Float, case, literal

from aiops.registry.model import ClusterType
from aiops.registry.tables import clusters

_INTERVAL_S: Final[Mapping[ClusterType, float]] = {
    ClusterType.HUB: 15,
    ClusterType.SPOKE: 30,
    ClusterType.EDGE: 60,
    ClusterType.FAR_EDGE: 120,
}
_TIMEOUT_S: Final[Mapping[ClusterType, float]] = {
    ClusterType.HUB: 5,
    ClusterType.SPOKE: 10,
    ClusterType.EDGE: 15,
    ClusterType.FAR_EDGE: 30,
}
MIN_TIMEOUT_S: Final = 1.0
# A cluster whose check is this many intervals late is no longer known.
STALE_INTERVALS: Final = 3


class Cadence(Struct, frozen=True):
    """The contract's table under one scale. `margin_s` is how much a claim outlives its check's timeout."""

    scale: float
    margin_s: float

    def interval_s(self, cluster_type: ClusterType) -> float:
        """Between the starts of two checks, before jitter."""
        return _INTERVAL_S[cluster_type] * self.scale

    def timeout_s(self, cluster_type: ClusterType) -> float:
        """For all checks of one round together."""
        longest = _TIMEOUT_S[cluster_type]
        return max(min(MIN_TIMEOUT_S, longest), longest * min(1.0, self.scale))

    def stale_after_s(self, cluster_type: ClusterType) -> float:
        """After a check, until the state is told as UNKNOWN."""
        return STALE_INTERVALS * self.interval_s(cluster_type) + self.timeout_s(cluster_type) + self.margin_s

    def interval_sql(self) -> ColumnElement[float]:
        """The interval of the row's cluster."""
        return _by_type({kind: self.interval_s(kind) for kind in ClusterType})

    def claim_sql(self) -> ColumnElement[float]:
        """How long a claim on the row's cluster lasts."""
        return _by_type({kind: self.timeout_s(kind) + self.margin_s for kind in ClusterType})


def _by_type(seconds: Mapping[ClusterType, float]) -> ColumnElement[float]:
    return case({kind.value: literal(value, Float) for kind, value in seconds.items()}, value=clusters.c.cluster_type)
