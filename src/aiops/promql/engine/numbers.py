"""Numbers as text, as Go writes and reads them: count_values and bucket bounds depend on it."""

import math
import re
from typing import Final

import numpy as np

GO_FLOAT: Final = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf|infinity)", re.IGNORECASE | re.ASCII)
SCIENTIFIC_FROM: Final = 6
SCIENTIFIC_BELOW: Final = -4


def plain_text(value: float) -> str:
    """The shortest digits that mean this number, without an exponent."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return np.format_float_positional(value, unique=True, trim="-")


def open_metrics_text(value: float) -> str:
    """A number as a canonical label value of OpenMetrics: with a point, or with an exponent if it is far from 1."""
    if math.isnan(value) or math.isinf(value):
        return plain_text(value)
    if value == 0:
        return "0.0"  # a negative zero, too
    exponent = math.floor(math.log10(abs(value)))
    if exponent < SCIENTIFIC_BELOW or exponent >= SCIENTIFIC_FROM:
        return np.format_float_scientific(value, unique=True, trim="-", exp_digits=2)
    text = plain_text(value)
    return text if "." in text else f"{text}.0"


def bound_number(text: str) -> float | None:
    """The upper bound of a bucket; null where the label is none."""
    return float(text) if GO_FLOAT.fullmatch(text) else None
