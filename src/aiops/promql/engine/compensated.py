"""Sums that carry the rounding error of each addition, many at a time.

Source: Neumaier's variant of Kahan's algorithm, as Prometheus' `util/kahansum` uses it.
"""

from typing import Final

import numpy as np

from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Floats

CANCELLATION: Final = 8
"""Terms whose absolute values sum up to less than so many times their sum need no compensation."""


def add(term: Floats, total: Floats, error: Floats, rules: Rules) -> tuple[Floats, Floats]:
    """New totals and new errors. Without `keeps_infinite_error` an infinite total has no error."""
    result = total + term
    lost = np.where(np.abs(total) >= np.abs(term), (total - result) + term, (term - result) + total)
    new_error = error + lost
    if not rules.keeps_infinite_error:
        new_error[np.isinf(result)] = 0.0
    return result, new_error


class Totals:
    """Running totals for walks, where only the first ones go on: `add` takes terms for the first of them."""

    def __init__(self, size: int, rules: Rules) -> None:
        self.total = np.zeros(size)
        self.error = np.zeros(size)
        self._rules = rules

    def add(self, terms: Floats) -> None:
        """Add to the first totals."""
        going = slice(len(terms))
        self.total[going], self.error[going] = add(terms, self.total[going], self.error[going], self._rules)

    def sums(self, going: int | None = None) -> Floats:
        """Totals with their errors."""
        first = slice(going)
        result: Floats = self.total[first] + self.error[first]
        return result
