"""A plan in words: what is asked of which clusters, what is finished here, and why."""

from msgspec import Struct

from aiops.promql.plan import Plan, Shape
from aiops.promql.serialize import duration, serialize
from aiops.promql.syntax import Expr

_SHAPES = {
    Shape.CONSTANT: "The query selects nothing and is evaluated here once.",
    Shape.UNION: "Each cluster answers the whole query; the answers are a union.",
    Shape.SINGLE: "One cluster answers the whole query.",
    Shape.COMBINED: "Clusters answer parts of the query, which are put together here.",
}


class Pushed(Struct, frozen=True):
    """One text and the clusters that are asked it. `steps` is how often it is evaluated."""

    name: str
    query: str
    clusters: tuple[str, ...]
    steps: int
    why: str


class Explanation(Struct, frozen=True):
    """The plan of one query; `finish` is written over the names of what is pushed, and null where nothing is left."""

    shape: str
    summary: str
    pushed: tuple[Pushed, ...]
    finish: str | None
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """For a terminal."""
        lines = [self.summary]
        for part in self.pushed:
            who = ", ".join(part.clusters)
            lines += [f"  {part.name}  {part.query}", f"      {part.why}; {part.steps} step(s)", f"      asked: {who}"]
        if self.finish is not None:
            lines.append(f"  =   {self.finish}")
        return "\n".join([*lines, *(f"  !   {note}" for note in self.notes)])


def explain(plan: Plan) -> Explanation:
    """The plan as data; what differs between clusters is listed for each."""
    names: dict[Expr, str] = {leaf.stand_in: f"${number}" for number, leaf in enumerate(plan.leaves, 1)}
    pushed: list[Pushed] = []
    for leaf in plan.leaves:
        asked: dict[str, list[str]] = {}
        for cluster, query in leaf.queries:
            asked.setdefault(query, []).append(cluster)
        steps = "" if leaf.raw or leaf.grid == plan.grid else f", every {duration(leaf.grid.step_ms)}"
        pushed += [
            Pushed(names[leaf.stand_in], query, tuple(clusters), leaf.grid.steps, leaf.why + steps)
            for query, clusters in asked.items()
        ]
    return Explanation(
        shape=plan.shape.value,
        summary=_SHAPES[plan.shape],
        pushed=tuple(pushed),
        finish=None if plan.finish is None else serialize(plan.finish, names),
        notes=plan.notes,
    )


def one_line(plan: Plan) -> str:
    """Short enough to stand in every answer."""
    if plan.finish is None:
        return plan.shape.value
    names: dict[Expr, str] = {leaf.stand_in: f"${number}" for number, leaf in enumerate(plan.leaves, 1)}
    return f"{plan.shape.value}: {serialize(plan.finish, names)}"[:1000]
