"""Expressions as aggregation operators, and conditions within them: two-valued, false where NULL is compared."""

from __future__ import annotations

from typing import Any, assert_never

from polystore.adapters.mongo.arithmetic import computed
from polystore.adapters.mongo.casts import cast
from polystore.adapters.mongo.dates import beginning_of, beginning_there, part_of, part_there
from polystore.adapters.mongo.dialect import Dialect, path_of
from polystore.adapters.mongo.functions import called, clamped, now, rounded_to
from polystore.adapters.mongo.holdings import holding
from polystore.adapters.mongo.paths import (
    MISSING,
    at_path,
    is_object,
    items_of,
    missing,
    number_in,
    size_of,
)
from polystore.adapters.mongo.patterns import pattern_of
from polystore.adapters.mongo.scope import Scope, within
from polystore.adapters.mongo.template import Convert, Hole, compose
from polystore.adapters.mongo.values import (
    Document,
    either,
    given,
    in_kind,
    is_microseconds,
    literal,
    microseconds,
    not_null,
    null,
    unless_null,
)
from polystore.errors import NotSupportedError
from polystore.query.explain import describe_expression
from polystore.query.nodes import (
    Aggregated,
    All,
    AnyElement,
    Arithmetic,
    Call,
    Case,
    Column,
    Compare,
    Condition,
    Either,
    Expression,
    Extract,
    HasRows,
    Holds,
    IsNull,
    Not,
    Null,
    Outer,
    Parameter,
    ParameterList,
    Path,
    Random,
    Scalar,
    Size,
    Trunc,
    Truth,
    Windowed,
    Within,
    WithinRows,
)
from polystore.query.operators import Function, Operator
from polystore.query.walk import expressions_of
from polystore.schema.kinds import JsonKind, Kind, PlainKind, plain_kind


def kind_of(expression: Expression) -> PlainKind | None:
    """The plain kind of an expression's values; None for NULL."""
    return None if expression.kind is None else plain_kind(expression.kind)


def computes(expression: Expression) -> bool:
    """Whether there is something in the expression that can fail."""
    return any(not _is_harmless(each) for each in expressions_of(expression))


def _is_harmless(expression: Expression) -> bool:
    """Whether an expression always has a value, or NULL; clocks can show what is beyond the calendar."""
    if isinstance(expression, Extract | Trunc):
        return expression.zone is None
    return isinstance(expression, Column | Path | Size | Parameter | Null | Outer | Scalar)


def value_of(expression: Expression, scope: Scope, *, exact: bool = True) -> Any:
    """The expression as an aggregation expression; null or missing for NULL.

    Args:
        expression: what is computed.
        scope: what its columns are.
        exact: whether more is computed with the value, so that a Decimal must not be rounded.

    Raises:
        NotSupportedError: the store would answer differently.
    """
    match expression:
        case Column(field=field):
            return f"${scope.path(field)}"
        case Parameter(index=index, kind=kind, derive=derive):
            return literal(Hole(index, compose(derive, scope.dialect.codec.dump(kind))))
        case Null():
            return literal(None)
        case Extract(part=part, operand=operand, zone=zone):
            if zone is None:
                return part_of(part, value_of(operand, scope), kind_of(operand))
            return part_there(part, _at_run_time(operand, scope), kind_of(operand), zone)
        case Trunc(unit=unit, operand=operand, zone=zone):
            if zone is None:
                return beginning_of(unit, value_of(operand, scope), kind_of(operand), expression.kind)
            return beginning_there(unit, _at_run_time(operand, scope), kind_of(operand), expression.kind, zone)
        case Arithmetic(left=left, right=right):
            return computed(expression, _at_run_time(left, scope), value_of(right, scope), exact=exact)
        case Call():
            return _call(expression, scope, exact=exact)
        case Case():
            return _case(expression, scope, exact=exact)
        case Truth(condition=condition):
            return truth_of(condition, scope)
        case Aggregated():
            return f"${scope.aggregates[expression]}"
        case Path():
            return at_path(expression, scope.path(expression.operand.field))
        case Size(operand=operand):
            return size_of(value_of(operand, scope))
        case Random():
            return {"$rand": {}}
        case Windowed():
            raise AssertionError("windows are computed by stages of their own")
        case Outer(place=place):
            return f"$${OUTER}{place}"
        case Scalar():
            return f"${scope.subqueries[expression]}"
    assert_never(expression)


OUTER = "outer"
"""What the variables of a query within are called, before their numbers."""

# ---- functions

_OF_ONE_KIND = frozenset({Function.COALESCE, Function.GREATEST, Function.LEAST})
_CUTTING = frozenset({Function.SUBSTR, Function.LEFT, Function.RIGHT})


def _call(node: Call, scope: Scope, *, exact: bool) -> Any:
    function, arguments = node.function, node.arguments
    match function:
        case Function.NOW:
            return now()
        case Function.CAST:
            (operand,) = arguments
            value = _at_run_time(operand, scope)
            return value if operand.kind is None else cast(value, operand.kind, node.kind)
        case Function.NULLIF:
            return _null_if(arguments[0], arguments[1], scope)
        case Function.ROUND if len(arguments) > 1:
            places = arguments[1]
            assert isinstance(places, Parameter)
            return rounded_to(_at_run_time(arguments[0], scope), places, node.kind)
        case _ if function in _CUTTING:
            sizes = [clamped(size) for size in arguments[1:] if isinstance(size, Parameter)]
            return called(function, [value_of(arguments[0], scope), *sizes], node.kind)
        case _ if function in _OF_ONE_KIND:
            return called(function, [_as_kind(each, node.kind, scope, exact=exact) for each in arguments], node.kind)
        case _:
            exact = exact or function is not Function.ABS
            first, *others = arguments
            values = [_at_run_time(first, scope, exact=exact), *(value_of(each, scope) for each in others)]
            return called(function, values, node.kind)


def _at_run_time(expression: Expression, scope: Scope, *, exact: bool = True) -> Any:
    """The expression, never as a constant: a server computes those before it looks whether there is a row at all."""
    value = value_of(expression, scope, exact=exact)
    constant = not any(isinstance(each, Column | Aggregated | Outer) for each in expressions_of(expression))
    return unless_null(["$$ROOT"], value) if constant else value


def _null_if(value: Expression, other: Expression, scope: Scope) -> Document:
    a, b = _same_precision("$$value", kind_of(value), value_of(other, scope), kind_of(other))
    variables = {"value": value_of(value, scope)}
    return given(variables, either({"$eq": [a, b]}, None, "$$value"))


def _case(node: Case, scope: Scope, *, exact: bool) -> Any:
    default = _as_kind(node.default, node.kind, scope, exact=exact)
    branches = [
        {"case": truth_of(condition, scope), "then": _as_kind(value, node.kind, scope, exact=exact)}
        for condition, value in node.branches
    ]
    return {"$switch": {"branches": branches, "default": default}}


def _as_kind(expression: Expression, kind: Kind, scope: Scope, *, exact: bool) -> Any:
    return in_kind(value_of(expression, scope, exact=exact), expression.kind, kind)


# ---- conditions


def truth_of(condition: Condition, scope: Scope) -> Any:
    """The condition as an aggregation expression: true or false, never null.

    Raises:
        NotSupportedError: the store would answer differently.
    """
    match condition:
        case All(children=children):
            return {"$and": [truth_of(child, scope) for child in children]}
        case Either(children=children):
            return {"$or": [truth_of(child, scope) for child in children]}
        case Not(child=child):
            return {"$not": [truth_of(child, scope)]}
        case IsNull(operand=Path() as operand) if operand.keeps_null and isinstance(operand.kind, JsonKind):
            return missing(value_of(operand, scope))
        case IsNull(operand=operand):
            return null(value_of(operand, scope, exact=False))
        case Within(left=left, values=options):
            return membership(left, options, scope)
        case Compare(left=left, operator=operator, right=right):
            return comparison(left, operator, right, scope)
        case Holds(operand=operand):
            return holding(condition, held_in(operand, scope), scope.dialect)
        case AnyElement(operand=operand, condition=inner):
            return _any_element(operand, inner, scope)
        case HasRows() | WithinRows():
            return f"${scope.subqueries[condition]}"
    assert_never(condition)


def held_in(operand: Column | Path, scope: Scope) -> Any:
    """A list, dict or JSON as an aggregation expression; JSON that is NULL is missing, for null may be a value."""
    value = value_of(operand, scope)
    loose = isinstance(operand.kind, JsonKind) and not (isinstance(operand, Path) and operand.keeps_null)
    return {"$ifNull": [value, MISSING]} if loose else value


def _any_element(operand: Column | Path, condition: Condition, scope: Scope) -> Document:
    element = Scope(scope.dialect, within("$element", path_of))
    test = {"$and": [is_object("$$element"), truth_of(condition, element)]}
    mapped = {"$map": {"input": items_of(value_of(operand, scope)), "as": "element", "in": test}}
    return {"$anyElementTrue": [mapped]}


def comparison(left: Expression, operator: Operator, right: Expression, scope: Scope) -> Document:
    """The comparison as an aggregation expression, false when either side is NULL."""
    if operator in PATTERNS and isinstance(right, Parameter):
        return matched(left, operator, right, scope)
    found = value_of(left, scope)
    if isinstance(left.kind, JsonKind):
        found = number_in(found)
    a, b = _same_precision(found, kind_of(left), value_of(right, scope), kind_of(right))
    if isinstance(left, Column) and isinstance(right, Outer) and isinstance(a, str) and isinstance(b, str):
        return {"$and": [_test(operator, a, b, left, scope.dialect), not_null(a), not_null(b)]}
    test = _test(operator, "$$a", "$$b", left, scope.dialect)
    if computes(right):
        return given({"a": a}, {"$and": [not_null("$$a"), given({"b": b}, {"$and": [not_null("$$b"), test]})]})
    guards = [not_null(name) for name, side in (("$$a", left), ("$$b", right)) if not isinstance(side, Parameter)]
    return given({"a": a, "b": b}, {"$and": [*guards, test]})


def membership(left: Expression, options: ParameterList, scope: Scope) -> Document:
    """Whether the expression is one of some values, false when it is NULL."""
    listed = literal(listing(options, scope.dialect))
    return given({"a": value_of(left, scope)}, {"$and": [not_null("$$a"), {"$in": ["$$a", listed]}]})


def listing(options: ParameterList, dialect: Dialect) -> Hole:
    """The place of a list of values."""
    return Hole(options.index, _each(dialect.codec.dump_operand(options.kind)))


def _each(convert: Convert | None) -> Convert:
    if convert is None:
        return list
    inner = convert
    return lambda values: [inner(value) for value in values]


PATTERNS = frozenset(
    {
        Operator.IEXACT,
        Operator.ICONTAINS,
        Operator.ISTARTSWITH,
        Operator.IENDSWITH,
        Operator.REGEX,
        Operator.IREGEX,
    }
)
"""The operators that are written as a regular expression."""


def matched(left: Expression, operator: Operator, right: Parameter, scope: Scope) -> Document:
    """A search that fails where the server gives up: the operator of ``find`` answers then as if nothing matched."""
    pattern = Hole(right.index, compose(right.derive, pattern_of(operator, scope.dialect.regex)))
    return {"$regexMatch": {"input": value_of(left, scope), "regex": literal(pattern)}}


def _test(operator: Operator, a: str, b: str, left: Expression, dialect: Dialect) -> Document:
    match operator:
        case Operator.EXACT:
            return {"$eq": [a, b]}
        case Operator.GT | Operator.GTE | Operator.LT | Operator.LTE:
            refuse_order(left, dialect)
            return {f"${operator.value}": [a, b]}
        case Operator.CONTAINS:
            return {"$gte": [{"$indexOfBytes": [a, b]}, 0]}
        case Operator.STARTSWITH:
            return {"$eq": [{"$indexOfBytes": [a, b]}, 0]}
        case Operator.ENDSWITH:
            excess = {"$subtract": [{"$strLenCP": a}, {"$strLenCP": b}]}
            tail = {"$substrCP": [a, {"$max": ["$$excess", 0]}, {"$strLenCP": b}]}
            return given({"excess": excess}, {"$and": [{"$gte": ["$$excess", 0]}, {"$eq": [tail, b]}]})
        case _:
            raise NotSupportedError(
                f"{dialect.name} cannot compare two fields with {operator.value}; compare with a value, or put "
                ".client(max_rows=...) before it"
            )


def refuse_order(expression: Expression, dialect: Dialect) -> None:
    """Refuses to order by values that are stored in another order.

    Raises:
        NotSupportedError: bytes on a server, which puts the shorter ones first.
    """
    if isinstance(kind_of(expression), dialect.unordered):
        what = expression.field.label if isinstance(expression, Column) else describe_expression(expression)
        raise NotSupportedError(
            f"{what} is bytes: {dialect.name} orders bytes by their length first; compare them with exact or "
            "in, keep them as hexadecimal text, or put .client(max_rows=...) before it"
        )


def _same_precision(a: Any, a_kind: PlainKind | None, b: Any, b_kind: PlainKind | None) -> tuple[Any, Any]:
    if is_microseconds(a_kind) == is_microseconds(b_kind) or a_kind is None or b_kind is None:
        return a, b
    return microseconds(a, a_kind), microseconds(b, b_kind)
