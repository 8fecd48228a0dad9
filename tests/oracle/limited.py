"""limitk over what has no order of its own: any series of a group will do, if they are as many and have their values.

It takes a group's first series. Of a selector these are the first by their labels, for a fleet as for one Prometheus.
Aggregations and joins come in an order that Prometheus neither promises nor tells: a range's answer is sorted anew.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from aiops.promql.parse import parse
from aiops.promql.serialize import serialize
from aiops.promql.syntax import Aggregation, Selector
from aiops.promql.walk import bare
from tests.oracle.answers import Answer, Case, Labels, Refused, from_api, same
from tests.servers.generations import Past


def limited(oracle: Past, case: Case, expected: Answer | Refused, got: Answer | Refused) -> bool:
    """Whether both chose as many of each group at each step, and all that was chosen is there."""
    tree = parse(case.query)
    if not isinstance(tree, Aggregation) or tree.op != "limitk":
        return False
    inner = bare(tree.expr)
    if isinstance(inner, Selector) or not isinstance(expected, Answer) or not isinstance(got, Answer):
        return False
    offered = replace(case, query=serialize(inner))
    there = from_api(oracle.ask(offered.path, offered.parameters))
    if not isinstance(there, Answer):
        return False
    known = dict(there.series)
    return _sizes(tree, expected) == _sizes(tree, got) and all(
        labels in known and at in known[labels] and same(known[labels][at], value)
        for labels, samples in got.series
        for at, value in samples.items()
    )


def _sizes(tree: Aggregation, answer: Answer) -> Counter[tuple[Labels, int]]:
    """How many series each group has at each step."""
    return Counter((_group(tree, labels), at) for labels, samples in answer.series for at in samples)


def _group(tree: Aggregation, labels: Iterable[tuple[str, str]]) -> Labels:
    names = {*tree.grouping, "__name__"} if tree.without else set(tree.grouping)
    return tuple((name, value) for name, value in labels if (name in names) is not tree.without)
