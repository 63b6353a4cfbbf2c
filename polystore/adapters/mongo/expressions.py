"""Expressions as aggregation operators: NULL stays NULL, an overflow fails, values are literals.

A server computes without our rules: a sum of two longs that overflows becomes a double, a missing field is below null,
a text that begins with "$" is a path. So every value stands in ``$literal``, every comparison tests its operands for
NULL, and a result outside int64 is turned into an error by a conversion that cannot succeed.
"""

from __future__ import annotations

import math
from typing import Any, assert_never

from bson import Decimal128, Int64

from polystore.adapters.base import undeclared
from polystore.adapters.mongo.dialect import Dialect, path_of
from polystore.adapters.mongo.template import Hole, compose
from polystore.adapters.mongo.types import DECIMAL_DIGITS
from polystore.errors import NotSupportedError
from polystore.query.nodes import (
    Aggregated,
    Arithmetic,
    ArithmeticOperator,
    Call,
    Case,
    Column,
    DatePart,
    Expression,
    Extract,
    Null,
    Operator,
    Parameter,
    Trunc,
    Truth,
)
from polystore.query.walk import expressions_of
from polystore.schema.kinds import (
    DateTimeKind,
    DecimalKind,
    FloatKind,
    IntKind,
    NaiveDateTimeKind,
    PlainKind,
    TimeKind,
    is_container,
    plain_kind,
)
from polystore.schema.model import FieldInfo

_HOUR, _MINUTE, _SECOND = 3_600_000_000, 60_000_000, 1_000_000
_DAY = 24 * _HOUR


def kind_of(expression: Expression) -> PlainKind | None:
    """The plain kind of an expression's values; None for NULL."""
    return None if expression.kind is None else plain_kind(expression.kind)


def value_of(expression: Expression, dialect: Dialect) -> Any:
    """The expression as an aggregation expression; null or missing for NULL."""
    match expression:
        case Column(field=field):
            return f"${path_of(field)}"
        case Parameter(index=index, kind=kind, derive=derive):
            return literal(Hole(index, compose(derive, dialect.codec.dump(kind))))
        case Null():
            return literal(None)
        case Extract(part=part, operand=operand):
            return _extract(part, value_of(operand, dialect), kind_of(operand))
        case Arithmetic():
            return _arithmetic(expression, dialect)
        case Trunc() | Call() | Case() | Truth() | Aggregated():
            undeclared(expression)
    assert_never(expression)


def computes(expression: Expression) -> bool:
    """Whether there is arithmetic in the expression."""
    return any(isinstance(each, Arithmetic) for each in expressions_of(expression))


def literal(value: Any) -> dict[str, Any]:
    """A value that is never read as a path or an operator."""
    return {"$literal": value}


def not_null(value: Any) -> dict[str, Any]:
    """Whether an aggregation expression is neither null nor missing: both stand below everything else."""
    return {"$gt": [value, None]}


def null(value: Any) -> dict[str, Any]:
    """Whether an aggregation expression is null or missing."""
    return {"$lte": [value, None]}


# ---- comparisons


def comparison(left: Expression, operator: Operator, right: Expression, dialect: Dialect) -> dict[str, Any]:
    """The comparison as an aggregation expression, false when either side is NULL."""
    a, b = _same_precision(left, right, dialect)
    test = _test(operator, "$$a", "$$b", left, dialect)
    guards = [not_null(name) for name, side in (("$$a", left), ("$$b", right)) if not isinstance(side, Parameter)]
    return {"$let": {"vars": {"a": a, "b": b}, "in": {"$and": [*guards, test]}}}


def membership(left: Expression, options: Hole, dialect: Dialect) -> dict[str, Any]:
    """Whether the expression is one of some values, false when it is NULL."""
    test = {"$and": [not_null("$$a"), {"$in": ["$$a", literal(options)]}]}
    return {"$let": {"vars": {"a": value_of(left, dialect)}, "in": test}}


def _test(operator: Operator, a: str, b: str, left: Expression, dialect: Dialect) -> dict[str, Any]:
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
            return {
                "$let": {
                    "vars": {"excess": excess},
                    "in": {"$and": [{"$gte": ["$$excess", 0]}, {"$eq": [tail, b]}]},
                }
            }
        case _:
            raise NotSupportedError(
                f"{dialect.name} cannot compare two fields with {operator.value}; compare with a value, or put "
                ".client(max_rows=...) before it"
            )


def refuse_order(expression: Expression, dialect: Dialect) -> None:
    """Refuses to order values that the store orders in another way."""
    if isinstance(expression, Column):
        refuse_field_order(expression.field, dialect)


def refuse_field_order(field: FieldInfo, dialect: Dialect) -> None:
    """Refuses to order by a field whose stored values are ordered in another way.

    Raises:
        NotSupportedError: bytes on a server, which puts the shorter ones first.
    """
    if isinstance(plain_kind(field.kind), dialect.unordered):
        raise NotSupportedError(
            f"{field.label} is bytes: {dialect.name} orders bytes by their length first; compare them with exact or "
            "in, keep them as hexadecimal text, or put .client(max_rows=...) before it"
        )


def _same_precision(left: Expression, right: Expression, dialect: Dialect) -> tuple[Any, Any]:
    a, b = value_of(left, dialect), value_of(right, dialect)
    kinds = kind_of(left), kind_of(right)
    if _is_microseconds(kinds[0]) == _is_microseconds(kinds[1]):
        return a, b
    return _microseconds(a, kinds[0]), _microseconds(b, kinds[1])


def _is_microseconds(kind: PlainKind | None) -> bool:
    return isinstance(kind, DateTimeKind | NaiveDateTimeKind) and kind.precision == "us"


def _microseconds(value: Any, kind: PlainKind | None) -> Any:
    return value if _is_microseconds(kind) else {"$multiply": [{"$toLong": value}, literal(Int64(1000))]}


# ---- parts of dates and times


def _extract(part: DatePart, value: Any, kind: PlainKind | None) -> Any:
    if isinstance(kind, TimeKind):
        return _part_of_time(part, value)
    moment = _date_from_microseconds(value) if _is_microseconds(kind) else value
    match part:
        case DatePart.QUARTER:
            return {"$ceil": {"$divide": [{"$month": moment}, 3]}}
        case DatePart.DATE:
            return {"$dateTrunc": {"date": moment, "unit": "day"}}
        case DatePart.TIME:
            return _modulo(_microseconds(value, kind), _DAY)
        case _:
            return {_DATE_OPERATORS[part]: moment}


def _part_of_time(part: DatePart, value: Any) -> Any:
    match part:
        case DatePart.HOUR:
            return _whole(value, _HOUR)
        case DatePart.MINUTE:
            return _whole({"$mod": [value, literal(Int64(_HOUR))]}, _MINUTE)
        case DatePart.SECOND:
            return _whole({"$mod": [value, literal(Int64(_MINUTE))]}, _SECOND)
        case DatePart.TIME:
            return value
        case _:
            raise NotSupportedError(f"a time of day has no {part.value}")


def _whole(value: Any, unit: int) -> dict[str, Any]:
    return {"$floor": {"$divide": [value, unit]}}


def _modulo(value: Any, unit: int) -> dict[str, Any]:
    """The remainder, never negative."""
    size = literal(Int64(unit))
    return {"$mod": [{"$add": [{"$mod": [value, size]}, size]}, size]}


def _date_from_microseconds(value: Any) -> dict[str, Any]:
    """The BSON date at or before a moment in microseconds; in Decimal128, since a double has too few digits."""
    return {"$toDate": {"$toLong": {"$floor": {"$multiply": [value, literal(Decimal128("0.001"))]}}}}


_DATE_OPERATORS: dict[DatePart, str] = {
    DatePart.YEAR: "$year",
    DatePart.ISO_YEAR: "$isoWeekYear",
    DatePart.MONTH: "$month",
    DatePart.DAY: "$dayOfMonth",
    DatePart.WEEK: "$isoWeek",
    DatePart.WEEK_DAY: "$dayOfWeek",
    DatePart.ISO_WEEK_DAY: "$isoDayOfWeek",
    DatePart.HOUR: "$hour",
    DatePart.MINUTE: "$minute",
    DatePart.SECOND: "$second",
}


# ---- arithmetic


_OPERATORS: dict[ArithmeticOperator, str] = {
    ArithmeticOperator.ADD: "$add",
    ArithmeticOperator.SUBTRACT: "$subtract",
    ArithmeticOperator.MULTIPLY: "$multiply",
    ArithmeticOperator.DIVIDE: "$divide",
    ArithmeticOperator.MODULO: "$mod",
}


def _arithmetic(node: Arithmetic, dialect: Dialect) -> dict[str, Any]:
    result: dict[str, Any] = {_OPERATORS[node.operator]: ["$$a", "$$b"]}
    convert = "$toDecimal"
    match plain_kind(node.kind):
        case IntKind():
            convert, checked = "$toLong", _checked_int("$$r")
        case FloatKind() if isinstance(kind_of(node.left), IntKind) and isinstance(kind_of(node.right), IntKind):
            result, checked = {"$toDouble": result}, _checked_float("$$r")
        case FloatKind():
            convert, checked = "$toDouble", _checked_float("$$r")
        case DecimalKind():
            checked = _checked_decimal("$$r", DECIMAL_DIGITS)
        case other:
            raise NotSupportedError(f"{dialect.name} computes with int, float and Decimal, not with {other!r}")
    operands = {"a": {convert: value_of(node.left, dialect)}, "b": {convert: value_of(node.right, dialect)}}
    return {"$let": {"vars": operands, "in": {"$let": {"vars": {"r": result}, "in": checked}}}}


def _checked_int(result: str) -> dict[str, Any]:
    """An overflow shows as a double; times 10**6 it fits no long whatever its sign, so that converting it fails."""
    overflow = {"$toLong": {"$multiply": [result, 1e6]}}
    return {"$cond": [{"$eq": [{"$type": result}, "double"]}, overflow, result]}


def _checked_float(result: str) -> dict[str, Any]:
    """Converting NaN or an infinity to a long fails; adding 0.0 makes -0.0 positive."""
    finite = [{"$lt": [{"$abs": operand}, math.inf]} for operand in ("$$a", "$$b")]
    wrong = {"$or": [{"$eq": [result, math.nan]}, {"$and": [{"$eq": [{"$abs": result}, math.inf]}, *finite]}]}
    return {"$cond": [wrong, {"$toLong": result}, {"$add": [result, 0.0]}]}


def _checked_decimal(result: Any, whole_digits: int) -> dict[str, Any]:
    """NaN, an infinity or more digits before the point than there is room for: converting to a long fails."""
    limit = literal(Decimal128(f"1E+{max(whole_digits, 19)}"))
    room = literal(Decimal128(f"1E+{whole_digits}"))
    wrong = {"$or": [{"$eq": [result, math.nan]}, {"$gte": [{"$abs": result}, room]}]}
    return {"$cond": [wrong, {"$toLong": {"$multiply": [result, limit]}}, result]}


# ---- assignments


def assigned(field: FieldInfo, value: Expression, dialect: Dialect) -> Any:
    """What an update's pipeline stores in the field: the value in the field's own representation.

    Raises:
        NotSupportedError: the value is of a kind that the server cannot turn into the field's.
    """
    if isinstance(value, Parameter | Null):
        return value_of(value, dialect)
    target, given = plain_kind(field.kind), kind_of(value)
    result = {"$ifNull": [value_of(value, dialect), None]}
    match target, given:
        case IntKind(), IntKind():
            return {"$toLong": result}
        case FloatKind(), IntKind() | FloatKind():
            return {"$toDouble": result}
        case DecimalKind(), IntKind() | DecimalKind():
            return _quantised({"$toDecimal": result}, target)
        case ((DateTimeKind() | NaiveDateTimeKind()), (DateTimeKind() | NaiveDateTimeKind())):
            return _in_precision(result, given, target)
        case _ if type(target) is type(given) and (target == given or not is_container(target)):
            return result
        case _:
            raise NotSupportedError(f"{field.label}: {dialect.name} cannot assign this expression to it")


def _quantised(value: Any, kind: DecimalKind) -> Any:
    if kind.decimal_places is None:
        return value
    fits = _checked_decimal("$$r", kind.max_digits - kind.decimal_places)
    return {"$let": {"vars": {"r": {"$round": [value, kind.decimal_places]}}, "in": fits}}


def _in_precision(value: Any, given: PlainKind, target: PlainKind) -> Any:
    if _is_microseconds(given) == _is_microseconds(target):
        return value
    return _microseconds(value, given) if _is_microseconds(target) else _date_from_microseconds(value)
