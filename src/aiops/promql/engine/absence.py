"""absent, absent_over_time and scalar: what a vector is when it is empty, or has just one sample."""

from collections.abc import Sequence

import numpy as np

from aiops.promql.engine.labels import NO_LABELS, Labels, label_set
from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Mask, Scalar, Vector, inhabited
from aiops.promql.syntax import Expr, Matcher, MatchOp, Paren, RangeSelector, Selector


def absent(argument: Expr, present: Mask, rules: Rules) -> Vector:
    """1 at the steps where no series of `present` has a sample, labelled by what the argument asks for."""
    nothing = ~np.atleast_2d(present.any(axis=0))
    return inhabited(Vector((_asked_labels(argument, rules),), np.ones(nothing.shape), nothing))


def scalar(vector: Vector) -> Scalar:
    """The only sample of each step, NaN where there is not exactly one."""
    single = vector.present.sum(axis=0) == 1
    values = np.where(vector.present, vector.values, 0.0).sum(axis=0)
    return Scalar(np.where(single, values, np.nan))


def _asked_labels(argument: Expr, rules: Rules) -> Labels:
    while isinstance(argument, Paren):
        argument = argument.expr
    if isinstance(argument, RangeSelector):
        argument = argument.selector
    return _unique_labels(argument.matchers, rules) if isinstance(argument, Selector) else NO_LABELS


def _unique_labels(matchers: Sequence[Matcher], rules: Rules) -> Labels:
    """The labels that exactly one equality names. A label named otherwise before it does not count against it."""
    values: dict[str, str] = {}
    met: set[str] = set()
    for matcher in matchers:
        if matcher.name in rules.dropped_labels:
            continue
        if matcher.op is MatchOp.EQUAL and matcher.name not in met:
            values[matcher.name] = matcher.value
            met.add(matcher.name)
        else:
            values.pop(matcher.name, None)
    return label_set(values.items())
