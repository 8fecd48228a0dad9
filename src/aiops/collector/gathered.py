"""A member's answer as arrays, for what is finished here; and the answers of many members as one vector.

Of each sample only its number is needed: times must lie on the steps that were asked for, else the answer is none of
this question. Native histograms are refused: they pass through unions, and nobody here can add them up.

Protocol: Prometheus HTTP API, "Expression query result formats".
"""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import msgspec
import numpy as np
from msgspec import Raw, Struct

from aiops.collector.splice import Malformed, shown, tells_of_missing
from aiops.core.errors import LimitExceeded, QueryNotFederable
from aiops.promql.engine import Grid, Vector, label_set
from aiops.promql.engine.values import Floats, Mask

_NOTHING: Final = Raw(b"")
BRACKETS_AND_QUOTES: Final = b'[]" \t\r\n'


class Gathered(Struct, frozen=True, eq=False):
    """One member's part of a leaf: series by steps, and where there is a sample."""

    metrics: tuple[dict[str, str], ...]
    values: Floats
    present: Mask

    @property
    def size(self) -> int:
        """How many samples it may have."""
        return self.values.size


class Part(Protocol):
    """What one member's answer takes of what may be gathered."""

    @property
    def metrics(self) -> Sequence[object]:
        """Its series."""

    @property
    def size(self) -> int:
        """Its samples."""


class Notes(Struct, frozen=True):
    """What the member said beside its data; not `complete` where it says that something is missing."""

    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
    complete: bool = True


class Row(Struct, frozen=True, gc=False):
    """One series of an answer as it came."""

    metric: dict[str, str]
    values: Raw = _NOTHING
    value: Raw = _NOTHING
    histograms: Raw = _NOTHING
    histogram: Raw = _NOTHING


class _Data(Struct, frozen=True):
    resultType: str  # noqa: N815 - Prometheus' spelling
    result: list[Row]


class _Envelope(Struct, frozen=True):
    data: _Data
    warnings: list[str] | None = None
    infos: list[str] | None = None
    isPartial: bool = False  # noqa: N815 - VictoriaMetrics' cluster version says so where storage nodes are away


_envelopes = msgspec.json.Decoder(_Envelope)
_floats = msgspec.json.Decoder(list[float])
# Prometheus' warning of a group that it left out.
_TORN: Final = "encountered a mix of histograms and floats for aggregation"


def gather(body: bytes, grid: Grid, *, max_samples: int) -> tuple[Gathered, Notes]:
    """The answer of `/api/v1/query` or `/api/v1/query_range` at the steps of `grid`.

    Raises:
        Malformed: the body is not a successful answer to this question.
        LimitExceeded: it has more samples than `max_samples`.
        QueryNotFederable: it has native histograms, or lacks a group because of them.

    """
    rows, notes = opened(body, "vector" if grid.is_instant else "matrix")
    return _arrays(rows, grid, max_samples), notes


def opened(body: bytes, expected: str) -> "tuple[list[Row], Notes]":
    """The series of an answer of that type, their samples unread; raises as `gather`."""
    try:
        envelope = _envelopes.decode(body)
    except UnicodeDecodeError as error:
        raise Malformed("the answer is not valid UTF-8") from error
    except RecursionError as error:
        raise Malformed("the answer is nested too deeply") from error
    except msgspec.DecodeError as error:
        raise Malformed(f"the answer is not that of a Prometheus API: {error}") from error
    if envelope.data.resultType != expected:
        raise Malformed(f"the answer is a {envelope.data.resultType[:40]} where a {expected} was asked for")
    warnings = tuple(envelope.warnings or ())
    if any(_TORN in warning for warning in warnings):
        raise QueryNotFederable(
            "in one cluster native histograms and floats meet in a group, which Prometheus leaves out there, and what "
            "other clusters have of it would be a wrong number; select one kind of them, keep the cluster label in "
            "every aggregation, or ask one cluster"
        )
    lacking = envelope.isPartial or tells_of_missing(warnings)
    notes = Notes(warnings, tuple(envelope.infos or ()), complete=not lacking)
    if any(row.histogram or row.histograms for row in envelope.data.result):
        raise QueryNotFederable(
            "native histograms cannot be put together across clusters here; keep the cluster label in every "
            "aggregation, take histogram_count() or histogram_sum() first, or ask one cluster"
        )
    return envelope.data.result, notes


def _arrays(rows: Sequence[Row], grid: Grid, max_samples: int) -> Gathered:
    check_samples(len(rows) * grid.steps, max_samples)
    shape = (len(rows), grid.steps)
    samples = [bytes(row.value or row.values) for row in rows]
    # A pair opens one bracket; those around all pairs are not there in an instant answer.
    around = 0 if grid.is_instant else 1
    counts = [sample.count(b"[") - around for sample in samples]
    text = b",".join(sample for sample, count in zip(samples, counts, strict=True) if count)
    numbers = numbers_of(text.translate(None, BRACKETS_AND_QUOTES)) if text else np.empty(0)
    if len(numbers) != 2 * sum(counts) or min(counts, default=0) < 0:
        raise Malformed("the answer has samples that are no pairs of time and value")
    times, found = numbers[::2], numbers[1::2]
    whole = not grid.is_instant and counts.count(grid.steps) == len(rows)
    if whole and (times.reshape(shape) == grid.times() / 1000).all():
        values, present = found.reshape(shape), np.ones(shape, dtype=np.bool_)
    else:
        values, present = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
        index, steps = np.repeat(np.arange(len(rows)), counts), _steps(times, grid)
        values[index, steps] = found
        present[index, steps] = True
    return Gathered(tuple(row.metric for row in rows), values, present)


def numbers_of(text: bytes) -> Floats:
    """Numbers with commas between them; those that JSON does not know too. Raises `Malformed`."""
    # As an integer it would lose its sign. Most texts have no minus at all, and one byte is quickly looked for.
    signed = (text + b",").replace(b",-0,", b",-0.0,")[:-1] if b"-" in text and b",-0" in text else text
    try:
        found = _floats.decode(b"[%b]" % signed)
        return np.fromiter(found, np.float64, len(found))
    except msgspec.DecodeError:
        pass  # NaN and infinities are no JSON
    try:
        return np.array([float(part) for part in text.split(b",")], dtype=np.float64)
    except ValueError as error:
        raise Malformed("the answer has samples that are no numbers") from error


def _steps(times_s: Floats, grid: Grid) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    if grid.is_instant:
        return np.zeros(len(times_s), dtype=np.int64)
    exact = (times_s * 1000 - grid.start_ms) / grid.step_ms
    steps = np.rint(exact).astype(np.int64)
    off = np.abs(exact - steps) * grid.step_ms > 1  # a millisecond is lost in floats, not more
    if len(steps) and (off.any() or steps.min() < 0 or steps.max() >= grid.steps):
        raise Malformed("the answer has samples at times that were not asked for")
    return steps


class Budget:
    """What one query may gather in all. It is counted as answers come in, so that no more is kept than may be."""

    def __init__(self, label: str, *, max_series: int, max_samples: int) -> None:
        self._label = label
        self._max_series = max_series
        self._max_samples = max_samples
        self._series = 0
        self.samples = 0

    def take(self, part: Part) -> None:
        """Count one answer.

        Raises:
            LimitExceeded: it is one too many.

        """
        self._series += len(part.metrics)
        self.samples += part.size
        if self._series > self._max_series:
            raise LimitExceeded(
                f"{self._series} or more series would be gathered, more than {self._max_series}; aggregate with "
                f"by ({self._label}, ...) or ask fewer clusters",
                details={"series": self._series, "limit": self._max_series},
            )
        check_samples(self.samples, self._max_samples)


def check_samples(samples: int, limit: int) -> None:
    """Refuse what is too much to finish here.

    Raises:
        LimitExceeded: it is.

    """
    if samples > limit:
        raise LimitExceeded(
            f"{samples} or more samples would be gathered, more than {limit}; aggregate with a cluster label, "
            "ask fewer clusters, or take a longer step or less time",
            details={"samples": samples, "limit": limit},
        )


def stacked(parts: Iterable[tuple[str | None, Gathered]], label: str, grid: Grid) -> Vector:
    """The parts of a leaf as one vector; each with its cluster's name, or null where the label is not put on."""
    known = list(parts)
    labels = tuple(
        label_set(shown(metric, label, cluster).items()) for cluster, part in known for metric in part.metrics
    )
    if not known:
        return Vector((), np.empty((0, grid.steps)), np.empty((0, grid.steps), dtype=np.bool_))
    return Vector(
        labels,
        np.concatenate([part.values for _, part in known]),
        np.concatenate([part.present for _, part in known]),
    )
