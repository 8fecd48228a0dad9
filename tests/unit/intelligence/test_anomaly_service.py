"""What an analysis answers: found spans in words and numbers, expected bands, and what it refuses to look at."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import numpy as np
import pytest

from aiops.core.errors import InvalidRequest, LimitExceeded
from aiops.core.identity import ClusterSelector, Grant, Identity, Role, SubjectKind
from aiops.intelligence.anomaly.baseline import Floats
from aiops.intelligence.anomaly.service import (
    THRESHOLDS,
    AnomalyAnswer,
    AnomalyDetection,
    AnomalyRequest,
    AnomalyService,
    Sensitivity,
)
from aiops.ports.collector import (
    ClusterOutcome,
    ClusterStatus,
    Federation,
    MetricResult,
    MetricsAnswer,
    Mode,
    RangeQuery,
    ResultType,
    Series,
)

pytestmark = pytest.mark.anyio
START = datetime(2030, 1, 2, tzinfo=UTC)
EAST = UUID(int=1)


class StoredSeries:
    """A collector that answers every query with the same series, as its twins do: raw bytes, values as text."""

    def __init__(self, series: Sequence[Series], result_type: ResultType | None = ResultType.MATRIX) -> None:
        self.asked: list[RangeQuery] = []
        self._series = series
        self._result_type = result_type

    async def query_range(self, request: RangeQuery) -> MetricsAnswer:
        self.asked.append(request)
        raw = msgspec.Raw(msgspec.json.encode(self._series))
        result = MetricResult(EAST, "east", ClusterStatus.SUCCESS, self._result_type, raw, None, 1.0)
        outcomes = (
            ClusterOutcome(EAST, "east", ClusterStatus.SUCCESS, None, 1.0),
            ClusterOutcome(uuid4(), "west", ClusterStatus.TIMEOUT, "too slow", 1.0),
        )
        federation = Federation(Mode.PER_CLUSTER, "union", exact=True, truncated=False, clusters=outcomes)
        return MetricsAnswer(self._result_type, (result,), True, ("west is missing",), federation)


def series(values: Floats, metric: Mapping[str, str] | None = None) -> Series:
    """A series of one point a minute from START on; NaN is a point that is not there."""
    at = START.timestamp()
    points = [(at + 60 * index, repr(float(value))) for index, value in enumerate(values) if not np.isnan(value)]
    return Series(dict(metric or {"__name__": "load", "cluster": "east", "job": "a"}), tuple(points))


def service(collector: StoredSeries, *, max_series: int = 100) -> AnomalyService:
    return AnomalyService(collector, lambda: START + timedelta(hours=6), max_series=max_series, timeout_s=7.0)


def caller() -> Identity:
    return Identity("somebody", SubjectKind.API_TOKEN, (Grant(Role.VIEWER, ClusterSelector(all=True)),))


async def analysed(*found: Series, sensitivity: Sensitivity = Sensitivity.LOW, minutes: int = 359) -> AnomalyAnswer:
    request = AnomalyRequest(
        query="load", start_time=START, end_time=START + timedelta(minutes=minutes), sensitivity=sensitivity
    )
    return await service(StoredSeries(found)).detect(caller(), request)


async def the_one_in(values: Floats, sensitivity: Sensitivity = Sensitivity.LOW) -> AnomalyDetection:
    (anomaly,) = (await analysed(series(values), sensitivity=sensitivity)).anomalies
    return anomaly


def calm(points: int = 360) -> Floats:
    """Noise that repeats itself and never comes near a threshold: deviations of one around ten, evenly spread."""
    return 10 + np.tile(np.linspace(-1, 1, 17)[np.random.default_rng(0).permutation(17)], points // 17 + 1)[:points]


async def test_a_calm_series_gives_a_band_and_no_anomaly() -> None:
    answer = await analysed(series(calm()), sensitivity=Sensitivity.EXTREME)
    assert answer.anomalies == []
    (band,) = answer.baseline
    assert band.timestamps[:2] == [START.timestamp(), START.timestamp() + 60]
    assert band.expected[0] is None
    for lower, expected, upper in zip(band.lower[20:], band.expected[20:], band.upper[20:], strict=True):
        assert lower is not None
        assert expected is not None
        assert upper is not None
        assert lower < expected < upper


async def test_a_spike_is_told_with_its_series_time_numbers_and_words() -> None:
    values = calm()
    values[200] = 17.0
    found = await the_one_in(values)
    assert (found.anomaly_type, found.detection_type, found.cluster_id) == ("SPIKE", "STATISTICAL", EAST)
    assert (found.metric_name, found.labels) == ("load", {"cluster": "east", "job": "a"})
    assert found.detected_at == found.ended_at == START + timedelta(minutes=200)
    assert found.actual_value == 17.0
    assert found.expected_value == pytest.approx(10, abs=0.2)
    assert found.deviation_percent == pytest.approx(70, abs=2)
    assert found.explanation.startswith("17 where 10 was expected from what came before: ")
    assert found.explanation.endswith(" robust standard deviations above, over 1 step.")
    assert found.related_alerts is None


async def test_a_drop_and_a_lasting_change_are_told_apart() -> None:
    values = calm()
    values[200:203] = 3.0
    assert (await the_one_in(values)).anomaly_type == "DROP"
    values[203:230] = 3.0
    found = await the_one_in(values)
    assert (found.anomaly_type, found.ended_at - found.detected_at) == ("TREND_CHANGE", timedelta(minutes=29))
    assert found.explanation.endswith("below, over 30 steps.")


async def test_leaving_a_constant_is_told_without_deviations() -> None:
    values = np.zeros(360)
    values[300] = 0.017
    found = await the_one_in(values)
    assert found.explanation == "0.017 where it had been constant at 0 for the 240 points before, over 1 step."
    assert (found.severity, found.deviation_percent) == ("MEDIUM", None)
    assert found.confidence_score == pytest.approx(241 / 242, abs=0.001)
    values[100] = 0.5
    later, earlier = (await analysed(series(values))).anomalies
    assert later.explanation == "0.017 where 239 of the 240 points before were 0, over 1 step."
    assert earlier.explanation == "0.5 where it had been constant at 0 for the 100 points before, over 1 step."
    assert earlier.confidence_score < later.confidence_score < 1


async def test_how_far_beyond_all_measure_something_is_is_not_told_as_a_number() -> None:
    values = calm()
    values[200] = 1e9
    assert "more than 20 robust standard deviations above" in (await the_one_in(values)).explanation


@pytest.mark.parametrize("sensitivity", Sensitivity)
@pytest.mark.parametrize(("times", "severity"), [(0.9, None), (1.5, "LOW"), (2.5, "MEDIUM"), (3.5, "HIGH")])
async def test_severity_counts_in_thresholds_of_the_sensitivity(
    sensitivity: Sensitivity, times: float, severity: str | None
) -> None:
    values = calm()
    band = (await analysed(series(values), sensitivity=sensitivity)).baseline[0]
    expected, upper = band.expected[200], band.upper[200]
    assert expected is not None
    assert upper is not None
    values[200] = expected + times * (upper - expected)
    found = (await analysed(series(values), sensitivity=sensitivity)).anomalies
    assert [one.severity for one in found] == ([severity] if severity else [])
    assert all(0 < one.confidence_score <= 1 for one in found)


async def test_a_more_sensitive_look_is_never_less_complete_or_less_sure() -> None:
    values = calm()
    values[200] = 17.0
    ordered = sorted(Sensitivity, key=lambda one: -THRESHOLDS[one])
    sure = [(await the_one_in(values, sensitivity)).confidence_score for sensitivity in ordered]
    assert sure == sorted(sure)


async def test_the_newest_comes_first_and_keeps_its_id_from_one_look_to_the_next() -> None:
    values = calm()
    values[200] = values[300] = 17.0
    first = (await analysed(series(values), series(calm(), {"__name__": "other"}))).anomalies
    assert [one.detected_at for one in first] == [START + timedelta(minutes=minute) for minute in (300, 200)]
    again = (await analysed(series(values))).anomalies
    assert [one.id for one in again] == [one.id for one in first]
    assert len({one.id for one in first}) == 2


async def test_missing_points_and_values_that_are_no_numbers_are_gaps() -> None:
    values = calm()
    values[100:120] = np.nan
    given = series(values)
    points = list(given.values)
    points[150:153] = [(points[150][0], "NaN"), (points[151][0], "+Inf"), (points[152][0], "-Inf")]
    answer = await analysed(Series(given.metric, tuple(points)))
    assert answer.anomalies == []
    assert len(answer.baseline[0].expected) == 360


async def test_what_is_missing_of_the_fleet_is_passed_on() -> None:
    answer = await analysed(series(calm()))
    assert answer.partial
    assert answer.warnings == ("west is missing",)
    assert [one.cluster_name for one in answer.federation.clusters] == ["east", "west"]


async def test_the_collector_is_asked_for_the_callers_clusters_and_six_hours_by_default() -> None:
    collector = StoredSeries([])
    answer = await service(collector).detect(caller(), AnomalyRequest(query="load", cluster_ids=(EAST,)))
    assert (answer.anomalies, answer.baseline) == ([], [])
    (asked,) = collector.asked
    assert (asked.start_time, asked.end_time) == (START, START + timedelta(hours=6))
    assert (asked.step_s, asked.timeout_s, asked.cluster_ids) == (60.0, 7.0, (EAST,))
    assert asked.scope == caller().scope("analysis:read")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"step": "500ms"}, "at least 1s"),
        ({"step": "often"}, "not a duration"),
        ({"start_time": START.replace(tzinfo=None)}, "time zone"),
        ({"start_time": START, "end_time": START}, "after start_time"),
    ],
)
async def test_a_range_that_is_none_is_refused_before_anything_is_asked(wrong: dict[str, Any], told: str) -> None:
    collector = StoredSeries([])
    with pytest.raises(InvalidRequest, match=told):
        await service(collector).detect(caller(), AnomalyRequest(query="load", **wrong))
    assert collector.asked == []


async def test_too_much_is_refused_with_what_to_do() -> None:
    with pytest.raises(LimitExceeded, match="make the step larger"):
        await service(StoredSeries([])).detect(caller(), AnomalyRequest(query="load", step="1s"))
    many = [series(calm(30), {"number": str(number)}) for number in range(4)]
    with pytest.raises(LimitExceeded, match="4 series, over the limit of 3; aggregate it or choose clusters"):
        await service(StoredSeries(many), max_series=3).detect(caller(), AnomalyRequest(query="load"))
    assert len((await service(StoredSeries(many), max_series=4).detect(caller(), AnomalyRequest(query="l"))).baseline)


async def test_an_answer_that_is_no_series_over_time_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="SCALAR"):
        await service(StoredSeries([], ResultType.SCALAR)).detect(caller(), AnomalyRequest(query="1"))
    nothing = await service(StoredSeries([], None)).detect(caller(), AnomalyRequest(query="load"))
    assert nothing.anomalies == []
