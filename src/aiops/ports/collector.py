"""What other modules may ask the collector, and the shapes of federated answers."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct

from aiops.core.identity import Scope


class ResultType(StrEnum):
    """Prometheus' result types, in the contract's spelling."""

    MATRIX = "MATRIX"
    VECTOR = "VECTOR"
    SCALAR = "SCALAR"
    STRING = "STRING"


class ClusterStatus(StrEnum):
    """How one cluster took part in a federated answer."""

    SUCCESS = "SUCCESS"
    ERROR = "ERROR"
    TIMEOUT = "TIMEOUT"
    PARTIAL = "PARTIAL"


class Mode(StrEnum):
    """How a query is federated."""

    GLOBAL = "global"
    PER_CLUSTER = "per_cluster"


class ClusterOutcome(Struct, frozen=True):
    """One cluster's part in a federated answer."""

    cluster_id: UUID
    cluster_name: str
    status: ClusterStatus
    error: str | None
    query_time_ms: float


class Federation(Struct, frozen=True):
    """How an answer came about: which clusters were asked, and whether anything is missing."""

    mode: Mode
    plan: str
    exact: bool
    truncated: bool
    clusters: tuple[ClusterOutcome, ...]


class MetricResult(Struct, frozen=True):
    """One cluster's part of a metric answer.

    `data` is `[{"metric": {...}, "values": [[seconds, "value"], ...]}, ...]` with the cluster label in `metric`;
    it stays raw JSON bytes until somebody reads it.
    """

    cluster_id: UUID | None
    cluster_name: str | None
    status: ClusterStatus
    result_type: ResultType | None
    data: msgspec.Raw
    error: str | None
    query_time_ms: float | None


class MetricsAnswer(Struct, frozen=True):
    """A federated metric answer."""

    result_type: ResultType | None
    results: tuple[MetricResult, ...]
    partial: bool
    warnings: tuple[str, ...]
    federation: Federation


class Series(Struct, frozen=True):
    """One decoded series of a matrix. Times are Unix seconds; values are Prometheus' decimal strings."""

    metric: dict[str, str]
    values: tuple[tuple[float, str], ...] = ()
    histograms: tuple[Any, ...] = ()


class RangeQuery(Struct, frozen=True):
    """One query over a range of steps, over all clusters inside `scope`.

    In the mode `global` they are as one Prometheus; in `per_cluster` each answers the whole query for itself.
    """

    scope: Scope
    query: str
    start_time: datetime
    end_time: datetime
    step_s: float
    timeout_s: float
    cluster_ids: tuple[UUID, ...] = ()
    deny_partial: bool = False
    mode: Mode = Mode.GLOBAL


class Collector(Protocol):
    """The collector's port."""

    async def query_range(self, request: RangeQuery) -> MetricsAnswer:
        """The fleet's answer, or the labelled union of every cluster's.

        Raises:
            InvalidPromql: the query is wrong.
            QueryNotFederable: it has no exact answer over independent members.
            LimitExceeded: too many points, or too much to gather.
            ClusterUnreachable, QueryTimeout: every asked cluster failed, or one did and `deny_partial` is set.

        """
        ...
