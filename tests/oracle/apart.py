"""Joins that one Prometheus refuses and a fleet answers, since no cluster that is asked has what it is refused for.

Prometheus looks for duplicates on the `one` side of a join only at steps where both sides have series. In the union
these may be of different clusters; a member that answers the join alone has but one side then, looks for none, and
rightly finds nothing to join. Nor is a cluster asked that cannot have anything to join: what is wrong with its operand
alone stays unseen. These are the answers that a fleet gives and the union does not, and they have an exact meaning:
the union of what one Prometheus answers of each cluster that is asked, alone.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from msgspec import structs

from aiops.promql.parse import parse
from aiops.promql.plan import plan
from aiops.promql.serialize import serialize
from aiops.promql.syntax import Binary, Expr, Matcher, MatchOp, Selector
from tests.oracle.answers import Answer, Case, Refused, difference, from_api
from tests.oracle.data import LABEL
from tests.oracle.rewritten import rewritten
from tests.servers.generations import Past

EXECUTION: Final = "execution"


def apart(oracle: Past, clusters: Iterable[str], case: Case, expected: Answer | Refused, got: Answer | Refused) -> bool:
    """Whether it is such a join, answered as that meaning says."""
    tree = parse(case.query)
    if not isinstance(tree, Binary) or not isinstance(expected, Refused) or not isinstance(got, Answer):
        return False
    if expected.code != EXECUTION:
        return False
    made = plan(tree, tuple(sorted(clusters)), LABEL, case.grid)
    asked = sorted({cluster for leaf in made.leaves for cluster, _ in leaf.queries})
    alone = [_of(oracle, replace(case, query=serialize(within(tree, cluster)))) for cluster in asked]
    answers = [answer for answer in alone if isinstance(answer, Answer)]
    if len(answers) < len(alone):
        return False  # what is wrong is so within a cluster, where everybody refuses it
    union = Answer(got.kind, tuple(series for answer in answers for series in answer.series))
    return difference(union, got) is None


def _of(oracle: Past, case: Case) -> Answer | Refused:
    return from_api(oracle.ask(case.path, case.parameters))


def within(tree: Expr, cluster: str) -> Expr:
    """The query over one cluster of the union."""

    def narrowed(value: object) -> object:
        if not isinstance(value, Selector):
            return value
        return structs.replace(value, matchers=(*value.matchers, Matcher(LABEL, MatchOp.EQUAL, cluster)))

    return rewritten(tree, narrowed)
