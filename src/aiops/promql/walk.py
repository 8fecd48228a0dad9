"""Ways through a tree: all its nodes one after the other, or past parentheses. No recursion, so depth costs nothing."""

from collections.abc import Iterator

from aiops.promql.syntax import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Negation,
    Paren,
    RangeSelector,
    Subquery,
)


def nodes(root: Expr) -> Iterator[Expr]:
    """The root, then what is below it."""
    waiting: list[Expr] = [root]
    while waiting:
        expr = waiting.pop()
        yield expr
        waiting.extend(reversed(children(expr)))


def bare(expr: Expr) -> Expr:
    """The expression without parentheses around it."""
    while isinstance(expr, Paren):
        expr = expr.expr
    return expr


def children(expr: Expr) -> tuple[Expr, ...]:
    """The nodes directly below."""
    match expr:
        case Paren() | Negation() | Subquery():
            return (expr.expr,)
        case RangeSelector():
            return (expr.selector,)
        case Aggregation():
            return (expr.expr,) if expr.param is None else (expr.param, expr.expr)
        case Binary():
            return (expr.left, expr.right)
        case Call():
            return expr.args
        case _:
            return ()
