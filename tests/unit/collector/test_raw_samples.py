"""Samples as members keep them: read exactly, bounded, and refused where they are something else."""

import json
from typing import Any

import pytest

from aiops.collector.raw_samples import GatheredSource, raw_samples
from aiops.collector.splice import Malformed
from aiops.core.errors import LimitExceeded, QueryNotFederable
from aiops.promql.syntax import METRIC_NAME, Matcher, MatchOp, Selector


def body(*rows: dict[str, Any], kind: str = "matrix", **more: Any) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": rows}, **more}).encode()


def row(*pairs: tuple[float, str], **labels: str) -> dict[str, Any]:
    return {"metric": labels, "values": [list(pair) for pair in pairs]}


def test_times_are_whole_milliseconds_and_values_all_that_prometheus_knows() -> None:
    samples, notes = raw_samples(
        body(row((1700000000.123, "1.5"), (1700000015.999, "NaN"), (1700000030, "-0")), row((1, "+Inf"), job="a")),
        max_samples=4,
    )
    assert samples.times[0].tolist() == [1700000000123, 1700000015999, 1700000030000]
    assert [str(value) for value in samples.values[0].tolist()] == ["1.5", "nan", "-0.0"]
    assert samples.values[1].tolist() == [float("inf")]
    assert samples.size == 4
    assert notes.complete


def test_an_answer_that_lacks_something_says_so() -> None:
    _, notes = raw_samples(body(isPartial=True), max_samples=1)
    assert not notes.complete


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (body(row((1, "1"), (2, "2"))), LimitExceeded),
        (body({"metric": {}, "histograms": [[1, {"count": "1"}]]}), QueryNotFederable),
        (body(kind="vector"), Malformed),
        (b"<html>", Malformed),
        (body({"metric": {}, "values": [[1, "one"]]}), Malformed),
        (body({"metric": {}, "values": [[1, "1", "2"]]}), Malformed),
        (body({"metric": {}, "values": "none"}), Malformed),
    ],
)
def test_what_is_no_such_answer_is_refused(answer: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        raw_samples(answer, max_samples=1)


def test_clusters_stand_side_by_side_under_their_names() -> None:
    stand_in = Selector((Matcher(METRIC_NAME, MatchOp.REGEX, "answer 1"),))
    samples, _ = raw_samples(body(row((1, "2"), cluster="own")), max_samples=9)
    source = GatheredSource("cluster")
    source.add(stand_in, [("east", samples), (None, samples)])
    first, second = source.select(stand_in.matchers, 0, 0)
    assert dict(first.labels) == {"cluster": "east", "exported_cluster": "own"}
    assert dict(second.labels) == {"exported_cluster": "own"}
