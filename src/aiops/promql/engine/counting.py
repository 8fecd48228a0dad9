"""count_values: how many series of a group have a value, for each value, which becomes a label."""

import numpy as np

from aiops.promql.engine.budget import Budget
from aiops.promql.engine.errors import InvalidParameter
from aiops.promql.engine.groups import group_labels
from aiops.promql.engine.labels import Labels, is_label_name, with_label
from aiops.promql.engine.numbers import plain_text
from aiops.promql.engine.rules import Rules
from aiops.promql.engine.values import Vector, renamed
from aiops.promql.syntax import Aggregation


def count_values(node: Aggregation, label: str, vector: Vector, rules: Rules, budget: Budget) -> Vector:
    """One series for each group and value."""
    if not is_label_name(label, legacy=rules.closed_windows):
        raise InvalidParameter(f'invalid label name "{label}"')
    names = node.grouping if node.without else (*node.grouping, label)
    group = group_labels(Aggregation(node.op, node.expr, node.param, names, node.without), rules)
    rows, columns = np.nonzero(vector.present)
    bits, codes = np.unique(vector.values[rows, columns].view(np.int64), return_inverse=True)
    texts = [plain_text(value) for value in bits.view(np.float64).tolist()]
    pairs, pair_of = np.unique(np.stack([rows, codes.ravel()]), axis=1, return_inverse=True)
    numbers: dict[Labels, int] = {}
    group_of = np.array(
        [
            numbers.setdefault(group(with_label(vector.labels[row], label, texts[code])), len(numbers))
            for row, code in pairs.T.tolist()
        ],
        dtype=np.int64,
    )
    budget.hold(len(numbers) * vector.values.shape[1])
    counts = np.zeros((len(numbers), vector.values.shape[1]))
    if len(group_of):
        np.add.at(counts, (group_of[pair_of.ravel()], columns), 1)
    return renamed(Vector(tuple(numbers), counts, counts > 0), tuple(numbers))
