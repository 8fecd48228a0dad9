"""Types of expressions, and the refusal of those that no Prometheus would run.

A wrong query must fail here once instead of at every member; what passes here may still be refused by a member.

Source: Prometheus, `promql/parser/parse.go`, `checkAST`.
"""

from aiops.promql.signatures import AGGREGATIONS, COMPARISONS, FUNCTIONS, SET_OPERATORS, ValueType
from aiops.promql.syntax import (
    Aggregation,
    Binary,
    Call,
    Cardinality,
    Expr,
    Negation,
    Number,
    Paren,
    RangeSelector,
    Selector,
    Subquery,
    Text,
)

_ORDINARY = (ValueType.SCALAR, ValueType.VECTOR)
_GROUPED = (Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_MANY)


def value_type(expr: Expr) -> ValueType:
    """The type of a well-formed expression."""
    while isinstance(expr, Paren | Negation):
        expr = expr.expr
    match expr:
        case Number():
            return ValueType.SCALAR
        case Text():
            return ValueType.STRING
        case RangeSelector() | Subquery():
            return ValueType.MATRIX
        case Call(function=function):
            return FUNCTIONS[function].result
        case Binary(left=left, right=right):
            scalars = value_type(left) is ValueType.SCALAR and value_type(right) is ValueType.SCALAR
            return ValueType.SCALAR if scalars else ValueType.VECTOR
        case _:
            return ValueType.VECTOR


def problem(expr: Expr) -> str | None:
    """What is wrong with this node over children that are right; null where nothing is."""
    match expr:
        case Aggregation():
            return _aggregation(expr)
        case Binary():
            return _binary(expr)
        case Call():
            return _call(expr)
        case Negation(expr=operand) if (given := value_type(operand)) not in _ORDINARY:
            return f"unary expression only allowed on expressions of type scalar or instant vector, got {given}"
        case Subquery(expr=inner) if (given := value_type(inner)) is not ValueType.VECTOR:
            return f"subquery is only allowed on instant vector, got {given} instead"
        case _:
            return None


def _aggregation(expr: Aggregation) -> str | None:
    if (given := value_type(expr.expr)) is not ValueType.VECTOR:
        return f"expected type instant vector in aggregation expression, got {given}"
    wanted = AGGREGATIONS[expr.op]
    if (expr.param is None) != (wanted is None):
        return f"wrong number of arguments for aggregate expression {expr.op}"
    if expr.param is not None and (given := value_type(expr.param)) is not wanted:
        return f"expected type {wanted} in aggregation parameter, got {given}"
    return None


def _binary(expr: Binary) -> str | None:  # noqa: PLR0911 - one for each rule
    types = (value_type(expr.left), value_type(expr.right))
    scalars = types.count(ValueType.SCALAR)
    if any(given not in _ORDINARY for given in types):
        return "binary expression must contain only scalar and instant vector types"
    if expr.op in SET_OPERATORS and scalars:
        return f'set operator "{expr.op}" not allowed in binary scalar expression'
    if expr.return_bool and expr.op not in COMPARISONS:
        return "bool modifier can only be used on comparison operators"
    if expr.op in COMPARISONS and scalars == len(types) and not expr.return_bool:
        return "comparisons between scalars must use BOOL modifier"
    if (matching := expr.matching) is None:
        return None
    filled = matching.fill_left is not None or matching.fill_right is not None
    if scalars:
        return "vector matching only allowed between instant vectors"
    if matching.on and (both := set(matching.labels) & set(matching.include)):
        return f'label "{min(both)}" must not occur in ON and GROUP clause at once'
    if expr.op in SET_OPERATORS and matching.cardinality in _GROUPED:
        return f'no grouping allowed for "{expr.op}" operation'
    if expr.op in SET_OPERATORS and filled:
        return "filling in missing series not allowed for set operators"
    return None


def _call(expr: Call) -> str | None:
    signature = FUNCTIONS[expr.function]
    wanted = signature.arguments
    least = len(wanted) - signature.optional - signature.repeats
    most = signature.most or (len(expr.args) if signature.repeats else len(wanted))
    if not least <= len(expr.args) <= most:
        bound = "at least" if len(expr.args) < least else "at most"
        count = least if len(expr.args) < least else most
        exactly = "" if least == most else f"{bound} "
        return f'expected {exactly}{count} argument(s) in call to "{expr.function}", got {len(expr.args)}'
    for index, argument in enumerate(expr.args):
        kind = wanted[min(index, len(wanted) - 1)]
        if (given := value_type(argument)) is not kind:
            return f'expected type {kind} in call to function "{expr.function}", got {given}'
    if expr.function == "info" and expr.args[1:] and not isinstance(expr.args[1], Selector):
        return "expected label selectors only"
    return None
