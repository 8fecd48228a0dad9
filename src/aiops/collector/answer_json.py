"""Values of the engine as the JSON of the contract: `[{"metric": {...}, "values": [[seconds, "value"], ...]}, ...]`.

Numbers are written as Prometheus writes them, so that an answer finished here looks like one passed on.

Source: Prometheus, `util/jsonutil/marshal.go`.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np
from msgspec import Raw

from aiops.ports.collector import ResultType
from aiops.promql.engine import Grid, Ranges, Scalar, String, Value
from aiops.promql.engine.numbers import plain_text

_SMALLEST_PLAIN: Final = 1e-6
_LARGEST_PLAIN: Final = 1e21
_encoder = msgspec.json.Encoder()


def encode(value: Value, grid: Grid) -> tuple[ResultType, Raw]:
    """The answer's type and data."""
    instant = grid.is_instant
    times = [seconds(int(at)) for at in grid.times()]
    match value:
        case String(value=text):
            return ResultType.STRING, Raw(_encoder.encode([{"metric": {}, "values": [[grid.start_ms / 1000, text]]}]))
        case Scalar(values=values):
            rows = [_row({}, zip(times, values.tolist(), strict=True))]
            return ResultType.SCALAR if instant else ResultType.MATRIX, _data(rows)
        case Ranges(series=series):
            rows = [
                _row(dict(one.labels), zip(map(seconds, one.times.tolist()), one.values.tolist(), strict=True))
                for one in series
            ]
            return ResultType.MATRIX, _data(rows)
        case _:
            rows = []
            for labels, values, present in zip(value.labels, value.values, value.present, strict=True):
                steps = np.flatnonzero(present)
                chosen = [times[step] for step in steps.tolist()] if len(steps) < len(times) else times
                rows.append(_row(dict(labels), zip(chosen, values[steps].tolist(), strict=True)))
            return ResultType.VECTOR if instant else ResultType.MATRIX, _data(rows)


def _row(metric: dict[str, str], samples: Iterable[tuple[str, float]]) -> str:
    values = ",".join(f'[{time},"{number(value)}"]' for time, value in samples)
    return f'{{"metric":{_encoder.encode(metric).decode()},"values":[{values}]}}'


def _data(rows: list[str]) -> Raw:
    return Raw(f"[{','.join(rows)}]".encode())


def seconds(milliseconds: int) -> str:
    """Unix seconds, with milliseconds where there are any."""
    whole, rest = divmod(milliseconds, 1000)
    return f"{milliseconds / 1000:.3f}" if rest else str(whole)


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
