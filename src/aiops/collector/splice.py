"""Puts the cluster label into a member's answer without decoding its samples.

A fleet's answer is mostly samples that nobody here looks at. Only its outline is parsed; labels and samples of a row
stay the bytes that they are, and the label is set in front. Where a member has a label of that name itself, or may hide
one behind an escape, that row's labels are decoded and written anew. Bytes that are not valid JSON never pass.

Protocol: Prometheus HTTP API, "Expression query result formats".
"""

import re
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Raw, Struct

from aiops.ports.collector import ResultType
from aiops.promql.fleet import exported

# Letters, digits, '_' and the like have no reason to be escaped: a label's name may hide behind it.
_HIDDEN_NAME: Final = re.compile(rb"\\u00(?:3[0-9]|[4-7][0-9a-fA-F])")
# What Prometheus says of a query itself, and its line in place of what it had more to say.
_ANNOTATION: Final = re.compile(r"PromQL |\d+ more (?:warning|info) annotations omitted$")
_ABSENT: Final = Raw(b"")
NOTHING: Final = Raw(b"[]")


class Malformed(ValueError):
    """The answer is not what the Prometheus API says; the text says how, and quotes nothing of it."""


class _Row(Struct, frozen=True, gc=False):
    metric: Raw
    values: Raw = _ABSENT
    value: Raw = _ABSENT
    histograms: Raw = _ABSENT
    histogram: Raw = _ABSENT


class _Series(Struct, frozen=True, tag_field="resultType"):
    result: list[_Row]


class _Matrix(_Series, frozen=True, tag="matrix"):
    pass


class _Vector(_Series, frozen=True, tag="vector"):
    pass


class _Sample(Struct, frozen=True, tag_field="resultType"):
    result: Raw


class _Scalar(_Sample, frozen=True, tag="scalar"):
    pass


class _String(_Sample, frozen=True, tag="string"):
    pass


class _Envelope(Struct, frozen=True):
    data: _Matrix | _Vector | _Scalar | _String
    warnings: list[str] | None = None
    infos: list[str] | None = None
    isPartial: bool = False  # noqa: N815 - VictoriaMetrics' cluster version says so where storage nodes are away


class Spliced(Struct, frozen=True):
    """A member's answer with its label: `data` is `[{"metric": {...}, "values": [[t, "v"], ...]}, ...]`.

    `warnings` and `infos` are the member's own; `complete` is false where the member says that something is missing.
    """

    result_type: ResultType
    data: Raw
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
    complete: bool = True


_TYPES: Final = {
    _Matrix: ResultType.MATRIX,
    _Vector: ResultType.VECTOR,
    _Scalar: ResultType.SCALAR,
    _String: ResultType.STRING,
}
_envelopes = msgspec.json.Decoder(_Envelope)
_label_sets = msgspec.json.Decoder(dict[str, str])
_samples = msgspec.json.Decoder(tuple[float, str])
_encoder = msgspec.json.Encoder()


def splice(body: bytes, label: str, cluster: str | None) -> Spliced:
    """The answer of `/api/v1/query` or `/api/v1/query_range` with `label="cluster"` in every series.

    Without a cluster no label is put on; a member's own of that name is renamed all the same.

    Raises:
        Malformed: the body is not a successful answer of the Prometheus API.

    """
    try:
        if not body.isascii():
            body.decode()
        envelope = _envelopes.decode(body)
        if isinstance(envelope.data, _Series):
            data = _rows(envelope.data.result, label, cluster)
        else:
            _samples.decode(envelope.data.result)
            metric = {} if cluster is None else {label: cluster}
            data = b'[{"metric":%b,"values":[%b]}]' % (_encoder.encode(metric), bytes(envelope.data.result))
    except UnicodeDecodeError as error:
        raise Malformed("the answer is not valid UTF-8") from error
    except RecursionError as error:
        raise Malformed("the answer is nested too deeply") from error
    except ValueError as error:
        raise Malformed(f"the answer is not that of a Prometheus API: {error}") from error
    warnings = tuple(envelope.warnings or ())
    lacking = envelope.isPartial or tells_of_missing(warnings)
    return Spliced(_TYPES[type(envelope.data)], Raw(data), warnings, tuple(envelope.infos or ()), complete=not lacking)


def tells_of_missing(warnings: Iterable[str]) -> bool:
    """Whether a member's warnings may mean that data is missing; annotations of the query itself do not."""
    return not all(map(_ANNOTATION.match, warnings))


def _rows(rows: list[_Row], label: str, cluster: str | None) -> bytes:
    if not rows:
        return b"[]"
    # Wider than a key: a value of this text only takes the longer way.
    name = _encoder.encode(label)
    start = b'{"metric":{' if cluster is None else b'{"metric":' + _encoder.encode({label: cluster})[:-1] + b","
    metrics = [bytes(row.metric) for row in rows]
    if _all_ready(metrics, name):
        # Row by row would cost as much as reading them did: what is alike in all of them is laid out at once.
        for samples, before, after in (
            ([row.values for row in rows], b',"values":', b"},"),
            ([row.value for row in rows], b',"values":[', b"]},"),
        ):
            if all(samples) and not any(row.histograms for row in rows):
                pieces: list[bytes | Raw] = [after + start, b"", before, b""] * len(rows)
                pieces[0] = b"[" + start
                pieces[1::4] = [metric[1:] for metric in metrics]
                pieces[3::4] = samples
                return b"".join([*pieces, after[:-1], b"]"])
    return b"[%b]" % b",".join(
        _labels(metric, name, start, label, cluster) + _samples_of(row)
        for row, metric in zip(rows, metrics, strict=True)
    )


def _all_ready(metrics: list[bytes], name: bytes) -> bool:
    """As `_ready` of each, in a few looks at all of them; layouts with line breaks are never ready."""
    every = b"\n" + b"\n".join(metrics)
    return every.count(b"\n") == every.count(b'\n{"') == len(metrics) and _ready(every[1:], name)


def _ready(metric: bytes, name: bytes) -> bool:
    """Whether the label can be put in front as it is: it is not there yet, nor may it hide behind an escape."""
    hidden = b"\\u00" in metric and _HIDDEN_NAME.search(metric) is not None
    return metric[:2] == b'{"' and name not in metric and not hidden


def _labels(metric: bytes, name: bytes, start: bytes, label: str, cluster: str | None) -> bytes:
    if _ready(metric, name):
        return start + metric[1:]
    own = _label_sets.decode(metric)
    shown = renamed(own, label) if cluster is None else with_label(own, label, cluster)
    return b'{"metric":' + _encoder.encode(shown)


def _samples_of(row: _Row) -> bytes:
    if row.value:
        return b',"values":[%b]}' % bytes(row.value)
    if row.histograms or row.histogram:
        return _with_histograms(row)
    return b',"values":%b}' % bytes(row.values or NOTHING)


def _with_histograms(row: _Row) -> bytes:
    histograms = bytes(row.histograms) or b"[%b]" % bytes(row.histogram)
    return b',"values":%b,"histograms":%b}' % (bytes(row.values or NOTHING), histograms)


def with_label(metric: dict[str, str], label: str, cluster: str) -> dict[str, str]:
    """The label set as the fleet shows it: a label of that name that the member has becomes `exported_<label>`."""
    return {label: cluster, **renamed(metric, label)}


def shown(metric: dict[str, str], label: str, cluster: str | None) -> dict[str, str]:
    """The label set as the fleet shows it; with room for the label only where an answer carries no cluster's name."""
    return renamed(metric, label) if cluster is None else with_label(metric, label, cluster)


def renamed(metric: dict[str, str], label: str) -> dict[str, str]:
    """The label set with room for the fleet's label.

    The prefix repeats while the new name is taken, as Prometheus does for scraped labels that collide.
    """
    if label not in metric:
        return metric
    free = exported(label)
    while free in metric:
        free = exported(free)
    return {(free if name == label else name): value for name, value in metric.items()}
