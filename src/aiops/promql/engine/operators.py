"""Binary operators on numbers, and between vectors and scalars. Matching of vectors is elsewhere.

Source: https://prometheus.io/docs/prometheus/latest/querying/operators/; Prometheus, `promql/engine.go`.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aiops.promql.engine.errors import NotEvaluable
from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Floats, Mask, Scalar, Vector, inhabited, unnamed

ARITHMETIC: Final[dict[str, Callable[..., NDArray[Any]]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.true_divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISONS: Final[dict[str, Callable[..., NDArray[Any]]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


def applied(op: str, left: Floats, right: Floats, *, return_bool: bool) -> tuple[Floats, Mask]:
    """Results, and where the operator keeps the sample. A comparison's result is its left side, or 0 and 1."""
    if op in ARITHMETIC:
        values: Floats = ARITHMETIC[op](left, right)
        return values, np.ones(values.shape, dtype=np.bool_)
    if op not in COMPARISONS:
        raise NotEvaluable(f"operator {op!r} is not evaluated; it may be one for native histograms")
    holds: Mask = COMPARISONS[op](left, right)
    if return_bool:
        return holds.astype(np.float64), np.ones(holds.shape, dtype=np.bool_)
    return np.broadcast_to(left, holds.shape), holds


def renames(op: str, rules: Rules, *, return_bool: bool) -> bool:
    """Whether the result is no longer the metric's own value, so that it loses the metric's name."""
    return return_bool or (op in ARITHMETIC and op not in rules.name_keepers)


def between_scalars(op: str, left: Scalar, right: Scalar) -> Scalar:
    """A comparison between scalars is always 0 or 1."""
    return Scalar(applied(op, left.values, right.values, return_bool=True)[0])


def with_scalar(op: str, left: Vector | Scalar, right: Vector | Scalar, rules: Rules, *, return_bool: bool) -> Vector:
    """Between a vector and a scalar. A comparison keeps the vector's values, whichever side it is on."""
    vector = left if isinstance(left, Vector) else right
    if not isinstance(vector, Vector):
        raise NotEvaluable("an operation between two scalars has no vector")
    values, kept = applied(op, left.values, right.values, return_bool=return_bool)
    if op in COMPARISONS and not return_bool:
        return inhabited(Vector(vector.labels, vector.values, vector.present & kept))
    result = Vector(vector.labels, values, vector.present)
    return unnamed(result, rules.dropped_labels) if renames(op, rules, return_bool=return_bool) else result
