"""Members' samples as they were scraped, for a range function whose other argument mixes clusters.

A range selector is asked for once, as an instant query over all that any step looks at, and the engine cuts its windows
out of it. What members do not send back is not missed: their staleness markers end no window.

Protocol: Prometheus HTTP API, "Instant queries", whose result is a matrix for a range selector.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct

from aiops.collector.gathered import BRACKETS_AND_QUOTES, Notes, check_samples, numbers_of, opened
from aiops.collector.splice import Malformed, shown
from aiops.promql.engine import SeriesData, label_set
from aiops.promql.engine.values import Floats, Ints
from aiops.promql.syntax import Matcher, Selector


class RawSamples(Struct, frozen=True, eq=False):
    """One member's part of a leaf: series with times in milliseconds, and values."""

    metrics: tuple[dict[str, str], ...]
    times: tuple[Ints, ...]
    values: tuple[Floats, ...]

    @property
    def size(self) -> int:
        """How many samples there are."""
        return sum(map(len, self.times))


def raw_samples(body: bytes, *, max_samples: int) -> tuple[RawSamples, Notes]:
    """The answer of `/api/v1/query` to a range selector.

    Raises:
        Malformed: the body is not a successful answer to this question.
        LimitExceeded: it has more samples than `max_samples`.
        QueryNotFederable: it has native histograms.

    """
    rows, notes = opened(body, "matrix")
    texts = [bytes(row.values) for row in rows]
    counts = [max(text.count(b"[") - 1, 0) for text in texts]
    check_samples(sum(counts), max_samples)
    times, values = [], []
    for text, count in zip(texts, counts, strict=True):
        numbers = numbers_of(text.translate(None, BRACKETS_AND_QUOTES))
        if len(numbers) != 2 * count:
            raise Malformed("the answer has samples that are no pairs of time and value")
        times.append(np.rint(numbers[::2] * 1000).astype(np.int64))
        values.append(numbers[1::2])
    return RawSamples(tuple(row.metric for row in rows), tuple(times), tuple(values)), notes


class GatheredSource:
    """What was gathered of raw leaves as a source for the engine, by the selector that stands for each."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._leaves: dict[tuple[Matcher, ...], tuple[SeriesData, ...]] = {}

    def add(self, stand_in: Selector, parts: Iterable[tuple[str | None, RawSamples]]) -> None:
        """Add a leaf: each cluster's part with the name that it carries, or null where it carries none."""
        self._leaves[stand_in.matchers] = tuple(
            SeriesData(label_set(shown(metric, self._label, cluster).items()), times, values)
            for cluster, part in parts
            for metric, times, values in zip(part.metrics, part.times, part.values, strict=True)
        )

    def select(self, matchers: tuple[Matcher, ...], from_ms: int, to_ms: int) -> Sequence[SeriesData]:  # noqa: ARG002 - all are given
        """The samples of one leaf, whole."""
        return self._leaves[matchers]
