"""A query's tree as `parse_query` of Prometheus' HTTP API shows it to editors and visualisers.

It is the tree of a query that was parsed as written; of another one, names are shown among the matchers.

Source: Prometheus, `web/api/v1/translate_ast.go`.
"""

from typing import Any, Final

from aiops.promql.pretty import plain_number
from aiops.promql.signatures import FUNCTIONS, SET_OPERATORS, ValueType
from aiops.promql.syntax import (
    Aggregation,
    Anchor,
    Binary,
    Call,
    Cardinality,
    Expr,
    Matching,
    Negation,
    Number,
    Paren,
    RangeSelector,
    Selector,
    Subquery,
    Text,
)
from aiops.promql.typecheck import value_type
from aiops.promql.written import Plus, Written

_TYPES: Final = {
    ValueType.SCALAR: "scalar",
    ValueType.VECTOR: "vector",
    ValueType.MATRIX: "matrix",
    ValueType.STRING: "string",
}


def syntax_tree(expr: Expr) -> dict[str, Any]:  # noqa: C901, PLR0911 - one for each kind of node
    """The tree, node by node."""
    match expr:
        case Number(value=value):
            return {"type": "numberLiteral", "val": plain_number(value)}
        case Text(value=value):
            return {"type": "stringLiteral", "val": value}
        case Plus(expr=inner) | Negation(expr=inner):
            sign = "+" if isinstance(expr, Plus) else "-"
            return {"type": "unaryExpr", "op": sign, "expr": syntax_tree(inner)}
        case Paren(expr=inner):
            return {"type": "parenExpr", "expr": syntax_tree(inner)}
        case Selector():
            return {"type": "vectorSelector", **_selector(expr)}
        case RangeSelector(selector=selector, range_ms=range_ms):
            return {"type": "matrixSelector", "range": range_ms, "rangeExpr": None, **_selector(selector)}
        case Subquery():
            return {
                "type": "subquery",
                "expr": syntax_tree(expr.expr),
                "range": expr.range_ms,
                "rangeExpr": None,
                "step": expr.step_ms or 0,
                "stepExpr": None,
                **_shift(expr.offset_ms, expr.at),
            }
        case Call(function=function, args=args):
            return {"type": "call", "func": _function(function), "args": [syntax_tree(argument) for argument in args]}
        case Aggregation():
            return {
                "type": "aggregation",
                "op": expr.op,
                "expr": syntax_tree(expr.expr),
                "param": None if expr.param is None else syntax_tree(expr.param),
                "grouping": list(expr.grouping),
                "without": expr.without,
            }
        case Binary():
            return {
                "type": "binaryExpr",
                "op": expr.op,
                "lhs": syntax_tree(expr.left),
                "rhs": syntax_tree(expr.right),
                "matching": _matching(expr),
                "bool": expr.return_bool,
            }


def _selector(selector: Selector) -> dict[str, Any]:
    return {
        "name": selector.name if isinstance(selector, Written) else "",
        "anchored": False,
        "smoothed": False,
        "matchers": [
            {"name": matcher.name, "value": matcher.value, "type": matcher.op.value} for matcher in selector.matchers
        ],
        **_shift(selector.offset_ms, selector.at),
    }


def _shift(offset_ms: int, at: int | Anchor | None) -> dict[str, Any]:
    anchor = at if isinstance(at, Anchor) else None
    return {
        "offset": offset_ms,
        "offsetExpr": None,
        "timestamp": at if isinstance(at, int) else None,
        "startOrEnd": None if anchor is None else anchor.value,
    }


def _function(name: str) -> dict[str, Any]:
    signature = FUNCTIONS[name]
    if signature.repeats:
        variadic = -1 if not signature.most else signature.most - len(signature.arguments) + 1
    else:
        variadic = signature.optional
    return {
        "name": name,
        "argTypes": [_TYPES[kind] for kind in signature.arguments],
        "variadic": variadic,
        "returnType": _TYPES[signature.result],
    }


def _matching(expr: Binary) -> dict[str, Any] | None:
    if ValueType.SCALAR in (value_type(expr.left), value_type(expr.right)):
        return None
    natural = Cardinality.MANY_TO_MANY if expr.op in SET_OPERATORS else Cardinality.ONE_TO_ONE
    matching = expr.matching or Matching(cardinality=natural)
    return {
        "card": matching.cardinality.value,
        "labels": list(matching.labels),
        "on": matching.on,
        "include": list(matching.include),
        "fillValues": {"lhs": matching.fill_left, "rhs": matching.fill_right},
    }
