"""What no cluster is asked, since none can have anything: it is empty, but it may be wrong, and no member will say so.

As one Prometheus refuses `topk(NaN, x)` also where there is no x, so does a fleet.
"""

import contextlib
from collections.abc import Sequence

from aiops.promql.engine import NotEvaluable, Rules, SeriesData, evaluate
from aiops.promql.plan import Plan
from aiops.promql.syntax import Matcher


class _Nothing:
    def select(self, matchers: tuple[Matcher, ...], from_ms: int, to_ms: int) -> Sequence[SeriesData]:  # noqa: ARG002 - none match
        """No series."""
        return ()


def check_unasked(made: Plan, rules: Rules) -> None:
    """Evaluate over no series what the plan asks nobody.

    Raises:
        EvaluationError: it is wrong whatever there is, as a parameter may be.

    """
    for leaf in made.leaves:
        if not leaf.queries and not leaf.raw and leaf.grid.steps:
            with contextlib.suppress(NotEvaluable):
                evaluate(leaf.expr, leaf.grid, _Nothing(), rules)
