"""Puts the cluster label into a member's answer without decoding its samples.

A fleet's answer is mostly samples that nobody here looks at. Only the envelope is parsed; the label goes into the
bytes of each row. `},"values":[` cannot occur inside a JSON string, where its quotes would be escaped, so it ends the
labels. A row that lacks the compact form which Prometheus and its kin emit, or needs a label renamed, is decoded and
written anew, samples still raw. Bytes that are not valid JSON never pass.

Protocol: Prometheus HTTP API, "Expression query result formats".
"""

import re
from typing import Final

import msgspec
from msgspec import Raw, Struct

from aiops.ports.collector import ResultType

_SERIES: Final = b'{"metric":{'
_MATRIX: Final = b'},"values":['
_VECTOR: Final = b'},"value":['
# Letters, digits, '_' and the like have no reason to be escaped: a label's name may hide behind it.
_HIDDEN_NAME: Final = re.compile(rb"\\u00(?:3[0-9]|[4-7][0-9a-fA-F])")
_ANNOTATION: Final = "PromQL "
_RENAMED: Final = "exported_"
_ABSENT: Final = Raw(b"")
NOTHING: Final = Raw(b"[]")


class Malformed(ValueError):
    """The answer is not what the Prometheus API says; the text says how, and quotes nothing of it."""


class _Data(Struct, frozen=True):
    resultType: str  # noqa: N815 - Prometheus' spelling
    result: list[Raw]


class _Envelope(Struct, frozen=True):
    data: _Data
    warnings: list[str] | None = None
    infos: list[str] | None = None
    isPartial: bool = False  # noqa: N815 - VictoriaMetrics' cluster version says so where storage nodes are away


class _Row(Struct, frozen=True):
    metric: dict[str, str]
    values: Raw = _ABSENT
    value: Raw = _ABSENT
    histograms: Raw = _ABSENT
    histogram: Raw = _ABSENT


class Spliced(Struct, frozen=True):
    """A member's answer with its label: `data` is `[{"metric": {...}, "values": [[t, "v"], ...]}, ...]`.

    `warnings` and `infos` are the member's own; `complete` is false where the member says that something is missing.
    """

    result_type: ResultType
    data: Raw
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
    complete: bool = True


_envelopes = msgspec.json.Decoder(_Envelope)
_rows = msgspec.json.Decoder(_Row)
_samples = msgspec.json.Decoder(tuple[float, str])
_encoder = msgspec.json.Encoder()


def splice(body: bytes, label: str, cluster: str) -> Spliced:
    """The answer of `/api/v1/query` or `/api/v1/query_range` with `label="cluster"` in every series.

    Raises:
        Malformed: the body is not a successful answer of the Prometheus API.

    """
    try:
        if not body.isascii():
            body.decode()
        envelope = _envelopes.decode(body)
        result_type = ResultType(envelope.data.resultType.upper())
        data = _labelled(result_type, envelope.data.result, label, cluster)
    except UnicodeDecodeError as error:
        raise Malformed("the answer is not valid UTF-8") from error
    except RecursionError as error:
        raise Malformed("the answer is nested too deeply") from error
    except ValueError as error:
        raise Malformed(f"the answer is not that of a Prometheus API: {error}") from error
    warnings = tuple(envelope.warnings or ())
    # Annotations of the query itself are no sign of missing data.
    lacking = envelope.isPartial or any(not warning.startswith(_ANNOTATION) for warning in warnings)
    return Spliced(result_type, Raw(data), warnings, tuple(envelope.infos or ()), complete=not lacking)


def _labelled(result_type: ResultType, result: list[Raw], label: str, cluster: str) -> bytes:
    if result_type in (ResultType.SCALAR, ResultType.STRING):
        sample = b"[" + b",".join(result) + b"]"
        _samples.decode(sample)
        return b'[{"metric":%b,"values":[%b]}]' % (_encoder.encode({label: cluster}), sample)
    key = _encoder.encode(label) + b":"
    start = _SERIES + _encoder.encode({label: cluster})[1:-1]
    pieces: list[bytes | memoryview] = [b"["]
    put = pieces.append
    matrix = result_type is ResultType.MATRIX
    samples_key = _MATRIX if matrix else _VECTOR
    for raw in result:
        row = bytes(raw)
        end = row.find(samples_key)
        # What stands behind the labels of a compact row holds no further object: no histogram, no second row.
        if (
            end < 0
            or not row.startswith(_SERIES)
            or row.find(b"{", end) >= 0
            or row.find(key, 0, end) >= 0
            or (row.find(b"\\u00", 0, end) >= 0 and _HIDDEN_NAME.search(row, 0, end))
            or not row.endswith(b'"]]}' if matrix else b'"]}')
        ):
            put(_relabelled(row, label, cluster))
            continue
        put(start)
        if end > len(_SERIES):
            put(b",")
        if matrix:
            put(memoryview(row)[len(_SERIES) :])
        else:
            put(row[len(_SERIES) : end])
            put(b'},"values":[')
            put(row[end + len(_VECTOR) - 1 : -1])
            put(b"]}")
        put(b",")
    if not result:
        return b"[]"
    pieces[-1] = bytes(pieces[-1])[:-1]
    put(b"]")
    return b"".join(pieces)


def _relabelled(row: bytes, label: str, cluster: str) -> bytes:
    """One row decoded and written anew, its samples still raw; ends with a comma."""
    found = _rows.decode(row)
    values = bytes(found.values) or _one(found.value) or b"[]"
    histograms = bytes(found.histograms) or _one(found.histogram)
    metric = _encoder.encode(with_label(found.metric, label, cluster))
    if histograms:
        return b'{"metric":%b,"values":%b,"histograms":%b},' % (metric, values, histograms)
    return b'{"metric":%b,"values":%b},' % (metric, values)


def _one(sample: Raw) -> bytes:
    return b"[%b]" % bytes(sample) if sample else b""


def with_label(metric: dict[str, str], label: str, cluster: str) -> dict[str, str]:
    """The label set as the fleet shows it: a label of that name that the member has becomes `exported_<label>`.

    The prefix repeats while the new name is taken, as Prometheus does for scraped labels that collide.
    """
    if label not in metric:
        return {label: cluster, **metric}
    renamed = exported(label)
    while renamed in metric:
        renamed = exported(renamed)
    return {label: cluster, **{(renamed if name == label else name): value for name, value in metric.items()}}


def exported(label: str) -> str:
    """The name under which a member's own label of that name is shown."""
    return _RENAMED + label
