"""Random operations between two values: every operator with every way in which vectors match."""

from typing import Final

from tests.oracle.chance import Chance
from tests.oracle.data import LABEL
from tests.oracle.made import Made, Maker
from tests.oracle.vocabulary import ARITHMETIC, COMPARISONS, PEERS, SETS
from tests.servers.generations import Generation

MATCHINGS: Final = (
    "default",
    "on with the cluster",
    "on without the cluster",
    "ignoring the cluster",
    "ignoring another",
    "group_left with the cluster",
    "group_left without the cluster",
    "group_right with the cluster",
    "group_right without the cluster",
    "group_left taking the cluster",
)
SET_MATCHINGS: Final = ("default", "on with the cluster", "on without the cluster", "ignoring the cluster", "constant")

# A last digit of an operand may change the whole of these results; these results' last digits may differ.
SHARP: Final = frozenset((*COMPARISONS, "%", "^", "atan2"))
ROUGH: Final = frozenset(("^", "atan2", "/"))


class Joins:
    """Makes operations from a maker's pieces."""

    def __init__(self, chance: Chance, maker: Maker, generation: Generation) -> None:
        self._chance = chance
        self._maker = maker
        self._fills = generation is Generation.THREE

    def joined(self, depth: int) -> Made:
        """An operation between two vectors."""
        op = self._chance.seldom("operator", (*ARITHMETIC, *COMPARISONS, *SETS))
        return self._set(op, depth) if op in SETS else self._matched(op, depth)

    def with_scalar(self, depth: int) -> Made:
        """An operation between a vector and a scalar, in either order."""
        op = self._chance.seldom("operator with scalar", (*ARITHMETIC, *COMPARISONS))
        inner = self._maker.vector(depth - 1)
        inner = inner.sharp() if op in SHARP else inner
        left, right = f"({inner.text})", f"({self._maker.scalar(_scalars_depth(op, depth))})"
        if self._chance.happens(0.4):
            left, right = right, left
        return inner.then(f"{left} {op}{self._bool(op)} {right}", exact=op not in ROUGH)

    def scalars(self, depth: int) -> str:
        """An operation between two scalars."""
        op = self._chance.seldom("operator between scalars", (*ARITHMETIC, *COMPARISONS))
        mode = " bool" if op in COMPARISONS else ""
        depth = _scalars_depth(op, depth)
        return f"({self._maker.scalar(depth)} {op}{mode} {self._maker.scalar(depth)})"

    def _bool(self, op: str) -> str:
        if op not in COMPARISONS or not self._chance.happens(0.4):
            return ""
        self._chance.count("modifier", "bool")
        return " bool"

    def _matched(self, op: str, depth: int) -> Made:
        kind = self._chance.seldom("matching", MATCHINGS)
        left, right, clause, labels = self._sides(kind, depth)
        if op in SHARP:
            left, right = left.sharp(), right.sharp()
        exact = op not in ROUGH and left.exact and right.exact
        return Made(f"({left.text}) {op}{self._bool(op)}{clause}{self._fill()} ({right.text})", labels, exact=exact)

    def _fill(self) -> str:
        if not self._fills or not self._chance.happens(0.16):
            return ""
        kind = self._chance.seldom("modifier", ("fill", "fill_left", "fill_right"))
        return f" {kind}({self._chance.one(('0', '1.5', '-1'))})"

    def _sides(self, kind: str, depth: int) -> tuple[Made, Made, str, frozenset[str]]:
        """Both sides, the matching between them, and what tells the result's series apart."""
        maker, chance = self._maker, self._chance
        if kind == "default":
            left, right = self._alike(depth)
            return left, right, "", left.labels
        many = maker.vector(depth - 1)
        own = sorted(many.labels - {LABEL})
        key = chance.some(own, 1, 3)
        if kind in ("ignoring the cluster", "ignoring another"):
            gone = LABEL if kind == "ignoring the cluster" else (chance.one(own) if own else "missing")
            kept = sorted(many.labels - {gone})
            one = maker.aggregated(chance.one(("sum", "max", "min")), many, kept)
            # Else every cluster with these labels is a partner: refused, if there are two.
            first = maker.aggregated("max", many, kept) if chance.happens(0.8) else many
            return first, one, f" ignoring ({gone})", frozenset(kept)
        with_cluster = kind.endswith("with the cluster")
        key = [*key, LABEL] if with_cluster else key
        listed = f" on ({', '.join(key)})"
        one = self._one(many, key)
        if not kind.startswith("group"):
            return maker.aggregated(chance.one(("sum", "avg", "max")), many, key), one, listed, frozenset(key)
        if kind == "group_left taking the cluster":
            one = maker.aggregated("max", many, [*key, LABEL])
            return many, one, f"{listed} group_left ({LABEL})", many.labels
        include = chance.one([name for name in ("job", "instance", "missing", "absent") if name not in key])
        include = include if chance.happens(0.3) else ""
        if kind.startswith("group_left"):
            return many, one, f"{listed} group_left ({include})", many.labels
        return one, many, f"{listed} group_right ({include})", many.labels

    def _one(self, many: Made, key: list[str]) -> Made:
        """A side that has one series for each key: of the same data, or of another metric that has these labels."""
        chance, maker = self._chance, self._maker
        inner = maker.selected(chance.one(PEERS[many.metric])) if many.metric in PEERS else many
        if set(key) <= {"job", LABEL} and chance.happens(0.4):
            inner = maker.selected("quota")
        return maker.aggregated(chance.one(("sum", "max", "count", "avg")), inner, key)

    def _alike(self, depth: int) -> tuple[Made, Made]:
        """Two vectors whose series have the same labels."""
        chance, maker = self._chance, self._maker
        metric = chance.one(sorted(PEERS))
        if chance.happens(0.5):
            return maker.selected(metric), maker.selected(chance.one(PEERS[metric]))
        inner = maker.vector(depth - 1)
        by = chance.some(sorted(inner.labels | {LABEL}), 0, 3)
        return maker.aggregated("sum", inner, by), maker.aggregated(chance.one(("count", "max")), inner, by)

    def _set(self, op: str, depth: int) -> Made:
        chance, maker = self._chance, self._maker
        kind = chance.seldom("matching of sets", SET_MATCHINGS)
        left = maker.vector(depth - 1)
        if kind == "constant":
            constant = f"vector({maker.scalar(0)})"
            on = chance.one(("", "", " on ()", " on (job)"))
            first, second = (left.text, constant) if chance.happens(0.7) else (constant, left.text)
            return left.then(f"({first}) {op}{on} ({second})")
        right = maker.vector(depth - 1) if chance.happens(0.4) else maker.selected(left.metric)
        shared = sorted((left.labels & right.labels) - {LABEL})
        key = chance.some(shared, 1, 2)
        clause = {
            "default": "",
            "on with the cluster": f" on ({', '.join([*key, LABEL])})",
            "on without the cluster": f" on ({', '.join(key)})",
            "ignoring the cluster": f" ignoring ({', '.join([LABEL, *chance.some(shared, 0, 1)])})",
        }[kind]
        exact = left.exact and right.exact
        return Made(f"({left.text}) {op}{clause} ({right.text})", left.labels | right.labels, exact=exact)


def _scalars_depth(op: str, depth: int) -> int:
    """How deep a scalar within may be: a remainder makes much of a last digit, and no function makes a scalar sharp."""
    return 0 if op == "%" else depth - 1
