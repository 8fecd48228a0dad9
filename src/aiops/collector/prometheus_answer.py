"""Federated answers in Prometheus' own shapes, made from what members sent without decoding a sample.

A matrix is passed on as it is. Of a vector only the outline of each row is read, since Prometheus writes one point as
`value` and many as `values`. What is missing becomes a warning in the words of the federation.

Protocol: Prometheus HTTP API, "Expression query result formats".
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from aiops.collector.splice import NOTHING
from aiops.core.errors import InternalError
from aiops.ports.collector import Federation, MetricResult, MetricsAnswer, Mode, ResultType

CUT: Final = "results truncated due to limit"
_INFO: Final = "PromQL info: "
# Prometheus leaves the list of floats out where it is empty. Within a string the quotes would be escaped.
_NO_FLOATS: Final = b',"values":[],"histograms":'
_HISTOGRAMS: Final = b',"histograms":'
_BRACKETS: Final = tuple(b"[]")
# A piece of an answer.
Bytes = bytes | memoryview


class _Row(Struct, frozen=True, gc=False):
    metric: Raw
    values: Raw = NOTHING
    histograms: Raw = NOTHING


_rows = msgspec.json.Decoder(list[_Row])
_raw_rows = msgspec.json.Decoder(list[Raw])
_encode = msgspec.json.Encoder().encode


def query_answer(answer: MetricsAnswer, *, limit: int | None = None, explain: bool = False) -> bytes:
    """The body for `query` and `query_range`; `limit` is of series, `explain` adds how the answer came about."""
    found = [result for result in answer.results if result.result_type is not None]
    kind = answer.result_type or ResultType.VECTOR
    warnings = list(answer.warnings)
    if len({result.result_type for result in found}) > 1:
        warnings.append("clusters answered with different types of result; only those like the first are shown")
        found = [result for result in found if result.result_type is kind]
    one_sample = found and (kind is ResultType.STRING or answer.federation.mode is Mode.GLOBAL)
    match kind:
        case ResultType.MATRIX:
            rows = [_matrix_rows(result.data) for result in found]
        case ResultType.STRING | ResultType.SCALAR if one_sample:
            sample = [_only_sample(found)]
            return _body(kind.value.lower(), sample, warnings, answer.federation if explain else None)
        case _:
            # Each cluster's own number is a series with the cluster's label.
            kind = ResultType.VECTOR
            rows = [vector_rows(result.data) for result in found]
    result = _listed(rows)
    if limit is not None and len(every := _raw_rows.decode(b"".join(result))) > limit:
        result = [_encode(every[:limit])]
        warnings.append(CUT)
    return _body(kind.value.lower(), result, warnings, answer.federation if explain else None)


def data_answer(data: Any, warnings: Sequence[str] = ()) -> bytes:
    """The body for everything else; `data` may hold raw JSON."""
    return b'{"status":"success","data":%b%b}' % (_encode(data), _annotations(warnings))


def vector_rows(data: Raw) -> bytes:
    """The rows of a spliced vector as Prometheus writes them, without the brackets around them."""
    pieces: list[bytes | Raw] = []
    put = pieces.append
    for row in _rows.decode(data):
        values = _inside(row.values)
        histograms = b"" if values else _inside(row.histograms)
        if not values and not histograms:
            continue
        put(b',{"metric":')
        put(row.metric)
        put(b',"value":' if values else b',"histogram":')
        put(values or histograms)
        put(b"}")
    return b"".join(pieces)[1:]


def _inside(data: Raw) -> bytes:
    """What stands between the brackets of a list."""
    return bytes(data).strip()[1:-1].strip()


def _matrix_rows(data: Raw) -> Bytes:
    """The rows of a spliced matrix as they are, mostly as a view of them: an answer has many megabytes."""
    if _NO_FLOATS in bytes(data):  # of one cluster, and dropped at once: cheaper than a search that needs no copy
        return _inside(data).replace(_NO_FLOATS, _HISTOGRAMS)
    text = memoryview(data)
    return text[1:-1] if (text[0], text[-1]) == _BRACKETS else _inside(data)


def _listed(parts: Sequence[Bytes]) -> list[Bytes]:
    """The pieces of one list of the rows in all parts."""
    pieces: list[Bytes] = []
    for part in parts:
        if part:
            pieces += (b",", part)
    return [b"[", *pieces[1:], b"]"]


def _only_sample(results: Sequence[MetricResult]) -> bytes:
    """The first sample: a string is the same everywhere, and a number of the whole fleet is one."""
    for result in results:
        for row in _rows.decode(result.data):
            if values := _inside(row.values):
                return values
    raise InternalError("an answer of one sample has none")


def _body(kind: str, result: Sequence[Bytes], warnings: Sequence[str], federation: Federation | None) -> bytes:
    how = b"" if federation is None else b',"federation":' + _encode(federation)
    start = b'{"status":"success","data":{"resultType":"%b","result":' % kind.encode()
    return b"".join((start, *result, b"}", _annotations(warnings), how, b"}"))


def _annotations(notes: Sequence[str]) -> bytes:
    """Prometheus leaves out lists that are empty."""
    infos = [note for note in notes if _INFO in note]
    warnings = [note for note in notes if _INFO not in note]
    text = b',"warnings":' + _encode(warnings) if warnings else b""
    return text + b',"infos":' + _encode(infos) if infos else text
