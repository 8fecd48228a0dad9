"""Answers "what is unusual in this query's series", over the whole fleet.

Asks the collector, judges every series, words what it finds by a template. Matching with alerts is not done here, so
`related_alerts` is null rather than an empty list that would claim that there are none.
"""

import asyncio
import math
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

import msgspec
import numpy as np
from msgspec import Struct

from aiops.core.clock import Clock
from aiops.core.durations import parse_duration
from aiops.core.errors import InvalidRequest, LimitExceeded
from aiops.core.identity import Identity
from aiops.intelligence.anomaly.baseline import MAX_Z, Baseline, Floats, baseline, runs
from aiops.ports.collector import Collector, Federation, MetricResult, MetricsAnswer, RangeQuery, ResultType, Series

MAX_POINTS: Final = 11_000
LONGEST_SPIKE: Final = 10  # steps; what lasts longer is another level
_NAMESPACE: Final = UUID("6f1d9a0e-6f0c-5d7e-9a38-0f2f7f2b1c55")


class Sensitivity(StrEnum):
    """How far from the baseline is unusual."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    EXTREME = "EXTREME"


THRESHOLDS: Final = {
    Sensitivity.LOW: 3.0,
    Sensitivity.MEDIUM: 2.5,
    Sensitivity.HIGH: 2.0,
    Sensitivity.EXTREME: 1.5,
}


class AnomalyRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to look at. Times are aware; `step` is a duration."""

    query: str
    cluster_ids: tuple[UUID, ...] = ()
    start_time: datetime | None = None
    end_time: datetime | None = None
    step: str = "1m"
    sensitivity: Sensitivity = Sensitivity.MEDIUM


class AnomalyDetection(Struct, frozen=True, kw_only=True):
    """One span of unusual points."""

    id: UUID
    cluster_id: UUID | None
    metric_name: str | None
    labels: dict[str, str]
    detection_type: str
    severity: str
    confidence_score: float
    anomaly_type: str
    expected_value: float
    actual_value: float
    deviation_percent: float | None
    explanation: str
    detected_at: datetime
    ended_at: datetime
    related_alerts: list[str] | None = None


class BaselineSeries(Struct, frozen=True):
    """The expected band of one series; null where nothing could be said."""

    labels: dict[str, str]
    timestamps: list[float]
    expected: list[float | None]
    lower: list[float | None]
    upper: list[float | None]


class AnomalyAnswer(Struct, frozen=True):
    """The contract's answer."""

    anomalies: list[AnomalyDetection]
    baseline: list[BaselineSeries]
    partial: bool
    warnings: tuple[str, ...]
    federation: Federation


class AnomalyService:
    """Detection on demand."""

    def __init__(self, collector: Collector, clock: Clock, *, max_series: int, timeout_s: float) -> None:
        self._collector = collector
        self._clock = clock
        self._max_series = max_series
        self._timeout_s = timeout_s

    async def detect(self, identity: Identity, request: AnomalyRequest) -> AnomalyAnswer:
        """Ask, judge, word.

        Raises:
            InvalidRequest: times or step are wrong, or the query gives no range of floats.
            LimitExceeded: too many series or points.

        """
        start, end, step_s = self._range(request)
        answer = await self._collector.query_range(
            RangeQuery(
                scope=identity.scope("analysis:read"),
                query=request.query,
                start_time=start,
                end_time=end,
                step_s=step_s,
                timeout_s=self._timeout_s,
                cluster_ids=request.cluster_ids,
            )
        )
        if answer.result_type not in (None, ResultType.MATRIX):
            raise InvalidRequest(f"the query gives a {answer.result_type}, not series over time")
        steps = int((end - start).total_seconds() // step_s) + 1
        grid: Floats = start.timestamp() + step_s * np.arange(steps, dtype=np.float64)
        # Seconds of arithmetic for a large answer, during which others want to be served.
        anomalies, bands = await asyncio.to_thread(self._examine, answer, grid, step_s, THRESHOLDS[request.sensitivity])
        return AnomalyAnswer(anomalies, bands, answer.partial, answer.warnings, answer.federation)

    def _examine(
        self, answer: MetricsAnswer, grid: Floats, step_s: float, threshold: float
    ) -> tuple[list[AnomalyDetection], list[BaselineSeries]]:
        found = [(result, series) for result in answer.results for series in _decoded(result)]
        if len(found) > self._max_series:
            raise LimitExceeded(
                f"the query gives {len(found)} series, over the limit of {self._max_series}; "
                "aggregate it or choose clusters"
            )
        anomalies: list[AnomalyDetection] = []
        bands: list[BaselineSeries] = []
        for result, series in found:
            values = _on_grid(series, grid, step_s)
            judged = baseline(values, step_s)
            anomalies += [
                _detection(result, series, grid, values, judged, span, threshold) for span in runs(judged.z, threshold)
            ]
            bands.append(_band(series, grid, judged, threshold))
        anomalies.sort(key=lambda anomaly: (anomaly.detected_at, anomaly.id), reverse=True)
        return anomalies, bands

    def _range(self, request: AnomalyRequest) -> tuple[datetime, datetime, float]:
        end = request.end_time or self._clock()
        start = request.start_time or end - timedelta(hours=6)
        if start.tzinfo is None or end.tzinfo is None:
            raise InvalidRequest("start_time and end_time need a time zone, for example 2030-01-02T03:04:05Z")
        if end <= start:
            raise InvalidRequest("end_time must be after start_time")
        step_s = parse_duration(request.step).total_seconds()
        if step_s < 1:
            raise InvalidRequest("step: at least 1s")
        if (end - start).total_seconds() / step_s > MAX_POINTS:
            raise LimitExceeded(f"over {MAX_POINTS} points per series; make the step larger or the range smaller")
        return start, end, step_s


def _decoded(result: MetricResult) -> list[Series]:
    return msgspec.json.decode(result.data, type=list[Series])


def _on_grid(series: Series, grid: Floats, step_s: float) -> Floats:
    """The values on the grid of steps; NaN where the series has none."""
    values = np.full(len(grid), np.nan)
    for at, text in series.values:
        index = round((at - float(grid[0])) / step_s)
        if 0 <= index < len(grid):
            values[index] = float(text)
    return np.where(np.isfinite(values), values, np.nan)


def _detection(
    result: MetricResult,
    series: Series,
    grid: Floats,
    values: Floats,
    judged: Baseline,
    span: tuple[int, int],
    threshold: float,
) -> AnomalyDetection:
    first, last = span
    peak = _peak(values, judged, span)
    actual, expected, z = float(values[peak]), float(judged.expected[peak]), float(judged.z[peak])
    began = datetime.fromtimestamp(float(grid[first]), UTC)
    steps = last - first + 1
    kind = "TREND_CHANGE" if steps > LONGEST_SPIKE else "SPIKE" if z > 0 else "DROP"
    return AnomalyDetection(
        id=uuid5(_NAMESPACE, f"{result.cluster_id}{sorted(series.metric.items())}{began.isoformat()}"),
        cluster_id=result.cluster_id,
        metric_name=series.metric.get("__name__"),
        labels={name: value for name, value in series.metric.items() if name != "__name__"},
        detection_type="STATISTICAL",
        severity="HIGH" if abs(z) >= 3 * threshold else "MEDIUM" if abs(z) >= 2 * threshold else "LOW",
        confidence_score=round(_confidence(judged, peak, threshold), 3),
        anomaly_type=kind,
        expected_value=expected,
        actual_value=actual,
        deviation_percent=round(100 * (actual - expected) / abs(expected), 1) if expected else None,
        explanation=f"{_explanation(actual, judged, peak)}, over {steps} step{'s' if steps > 1 else ''}.",
        detected_at=began,
        ended_at=datetime.fromtimestamp(float(grid[last]), UTC),
    )


def _peak(values: Floats, judged: Baseline, span: tuple[int, int]) -> int:
    """The point of a span that is furthest off; `z` is capped, so what it ties is told apart by size."""
    here = slice(span[0], span[1] + 1)
    z = np.abs(np.nan_to_num(judged.z[here]))
    off = np.abs(np.nan_to_num(values[here] - judged.expected[here]))
    return span[0] + int(np.argmax(np.where(z == z.max(), off, -1.0)))


def _confidence(judged: Baseline, peak: int, threshold: float) -> float:
    """Between 0 and 1.

    Leaving a steady history: Laplace's rule of succession, from how many points were the expected value. Else the
    two-sided normal tail of the excess over the threshold: 0 at the threshold, towards 1 far beyond it.
    """
    if judged.steady[peak]:
        return float((judged.same[peak] + 1) / (judged.known[peak] + 2))
    return math.erf((abs(float(judged.z[peak])) - threshold) / math.sqrt(2))


def _explanation(actual: float, judged: Baseline, peak: int) -> str:
    expected, z = float(judged.expected[peak]), float(judged.z[peak])
    known, same = int(judged.known[peak]), int(judged.same[peak])
    seasonal = bool(judged.seasonal[peak])
    if judged.steady[peak]:
        points = f"{known} points {'at this time on earlier days' if seasonal else 'before'}"
        if same == known:
            return f"{actual:.6g} where it had been constant at {expected:.6g} for the {points}"
        return f"{actual:.6g} where {same} of the {points} were {expected:.6g}"
    compared = "the same time on earlier days" if seasonal else "what came before"
    size = f"more than {MAX_Z:.0f}" if abs(z) >= MAX_Z else f"{abs(z):.1f}"
    return (
        f"{actual:.6g} where {expected:.6g} was expected from {compared}: {size} robust standard deviations "
        f"{'above' if z > 0 else 'below'}"
    )


def _band(series: Series, grid: Floats, judged: Baseline, threshold: float) -> BaselineSeries:
    margin = threshold * judged.scale
    return BaselineSeries(
        labels=series.metric,
        timestamps=grid.tolist(),
        expected=_nullable(judged.expected),
        lower=_nullable(judged.expected - margin),
        upper=_nullable(judged.expected + margin),
    )


def _nullable(values: Floats) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]
