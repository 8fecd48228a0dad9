"""Functions of one number, and of a number and scalars. NaN stays NaN.

Source: Prometheus, `promql/functions.go`, with Go's rules for maximum and minimum.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from aiops.promql.engine.values import Floats


def _sign(values: Floats) -> Floats:
    return np.where(values < 0, -1.0, np.where(values > 0, 1.0, values))


def _sinh(values: Floats) -> Floats:
    """As Go has it: from 21 on half an exponential, which is infinite a little earlier."""
    far = np.abs(values) > _FAR
    return np.where(far, np.copysign(np.exp(np.abs(values)) * 0.5, values), np.sinh(values))


def _cosh(values: Floats) -> Floats:
    return np.where(np.abs(values) > _FAR, np.exp(np.abs(values)) * 0.5, np.cosh(values))


_FAR: Final = 21
FUNCTIONS: Final[dict[str, Callable[[Floats], Floats]]] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": _cosh,
    "deg": lambda values: values * (180 / np.pi),
    "exp": np.exp,
    "floor": np.floor,
    "ln": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "rad": lambda values: values * (np.pi / 180),
    "sgn": _sign,
    "sin": np.sin,
    "sinh": _sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}


def rounded(values: Floats, nearest: Floats) -> Floats:
    """To multiples of `nearest`; halves go up."""
    inverse = 1.0 / nearest
    result: Floats = np.floor(values * inverse + 0.5) / inverse
    return result


def greater(left: Floats, right: Floats) -> Floats:
    """The greater of two; of NaN and plus infinity, infinity."""
    infinite = np.isposinf(left) | np.isposinf(right)
    return np.where(infinite, np.inf, np.maximum(left, right))


def lesser(left: Floats, right: Floats) -> Floats:
    """The lesser of two; of NaN and minus infinity, infinity."""
    infinite = np.isneginf(left) | np.isneginf(right)
    return np.where(infinite, -np.inf, np.minimum(left, right))
