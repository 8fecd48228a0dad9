"""Values of the engine as the JSON of the contract: `[{"metric": {...}, "values": [[seconds, "value"], ...]}, ...]`.

Numbers are written as Prometheus writes them, so that an answer finished here looks like one passed on.

Source: Prometheus, `util/jsonutil/marshal.go`.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from msgspec import Raw

from aiops.ports.collector import ResultType
from aiops.promql.engine import Grid, Ranges, Scalar, String, Value, Vector
from aiops.promql.engine.numbers import plain_text
from aiops.promql.engine.values import Floats

_SMALLEST_PLAIN: Final = 1e-6
_LARGEST_PLAIN: Final = 1e21
# Between them JSON's texts have no exponent.
_SHORTEST_PLAIN: Final = 1e-4
_LONGEST_PLAIN: Final = 1e15
_encoder = msgspec.json.Encoder()


def encode(value: Value, grid: Grid) -> tuple[ResultType, Raw]:
    """The answer's type and data."""
    instant = grid.is_instant
    times = [seconds(at) for at in grid.times().tolist()]
    match value:
        case String(value=text):
            return ResultType.STRING, Raw(_encoder.encode([{"metric": {}, "values": [[grid.start_ms / 1000, text]]}]))
        case Scalar(values=values):
            rows = [_row({}, _between(times), numbers(values))]
            return ResultType.SCALAR if instant else ResultType.MATRIX, _data(rows)
        case Ranges(series=series):
            rows = [
                _row(dict(one.labels), _between(list(map(seconds, one.times.tolist()))), numbers(one.values))
                for one in series
            ]
            return ResultType.MATRIX, _data(rows)
        case _:
            return ResultType.VECTOR if instant else ResultType.MATRIX, _data(_vector_rows(value, times))


def _vector_rows(vector: Vector, times: Sequence[str]) -> list[str]:
    # The numbers of all series at once: to look at each row's alone would cost more than to write them.
    texts = numbers(vector.values[vector.present])
    every, end, rows = _between(times), 0, []
    for labels, present in zip(vector.labels, vector.present, strict=True):
        steps = np.flatnonzero(present).tolist()
        between = every if len(steps) == len(times) else _between([times[step] for step in steps])
        begin, end = end, end + len(steps)
        rows.append(_row(dict(labels), between, texts[begin:end]))
    return rows


def _between(times: Sequence[str]) -> list[str]:
    """What stands before, between and after the numbers of a series with samples at these times."""
    if not times:
        return ["[]"]
    return [f'[[{times[0]},"', *(f'"],[{time},"' for time in times[1:]), '"]]']


def _row(metric: dict[str, str], between: list[str], texts: Sequence[str]) -> str:
    values = [""] * (len(between) + len(texts))
    values[::2], values[1::2] = between, texts
    return f'{{"metric":{_encoder.encode(metric).decode()},"values":{"".join(values)}}}'


def _data(rows: list[str]) -> Raw:
    return Raw(f"[{','.join(rows)}]".encode())


def seconds(milliseconds: int) -> str:
    """Unix seconds, with milliseconds where there are any."""
    whole, rest = divmod(milliseconds, 1000)
    return f"{milliseconds / 1000:.3f}" if rest else str(whole)


def numbers(values: Floats) -> list[str]:
    """As `number` of each."""
    sizes = np.abs(values)
    if not len(values) or not (((sizes >= _SHORTEST_PLAIN) & (sizes < _LONGEST_PLAIN)) | (values == 0)).all():
        return [number(value) for value in values.tolist()]
    # Within these bounds JSON has the same digits, and a zero behind the point of what is whole.
    text = _encoder.encode(values.tolist()).decode()[1:-1] + ","
    return text.replace(".0,", ",").split(",")[:-1]


def number(value: float) -> str:
    """The shortest text of a float that means it, with an exponent only where it is far from 1."""
    text = repr(value)
    if text.endswith(".0"):
        return text[:-2]
    if "e" not in text and "n" not in text:
        return text
    if not np.isfinite(value) or _SMALLEST_PLAIN <= abs(value) < _LARGEST_PLAIN:
        return plain_text(value)
    digits, _, exponent = text.partition("e")
    return f"{digits}e{exponent[0]}{exponent[1:].lstrip('0')}"
