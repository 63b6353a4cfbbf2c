"""The reference evaluator: what each node means, in Python.

Every adapter gives these answers or refuses. A row is a mapping from field name to plain value; ``values`` is the flat
tuple that parameters point into. The client-side stage of a query and the memory adapter run this code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation
from functools import lru_cache
from typing import Any, TypeAlias, assert_never

from polystore.errors import DataError, NotNullViolation
from polystore.query.nodes import (
    All,
    Arithmetic,
    ArithmeticOperator,
    Assignment,
    Column,
    Compare,
    Condition,
    Count,
    DatePart,
    Either,
    Expression,
    Extract,
    IsNull,
    Not,
    Null,
    Operator,
    Order,
    Parameter,
    Select,
    Within,
)
from polystore.query.regex import translate
from polystore.query.text import simple_fold
from polystore.schema.kinds import INT64_MAX, INT64_MIN, DecimalKind, FloatKind, plain_kind
from polystore.schema.model import FieldInfo
from polystore.schema.plain import normaliser

Row: TypeAlias = Mapping[str, Any]
Values: TypeAlias = Sequence[Any]
Predicate: TypeAlias = Callable[[Row, Values], bool]
Computation: TypeAlias = Callable[[Row, Values], Any]

_EXACT = Context(prec=500, rounding=ROUND_HALF_EVEN)
_QUOTIENT = Context(prec=60, rounding=ROUND_HALF_EVEN)


def predicate(condition: Condition) -> Predicate:
    """The condition as a function: whether it is true for a row."""
    match condition:
        case All(children=children):
            tests = [predicate(child) for child in children]
            return lambda row, values: all(test(row, values) for test in tests)
        case Either(children=children):
            tests = [predicate(child) for child in children]
            return lambda row, values: any(test(row, values) for test in tests)
        case Not(child=child):
            test = predicate(child)
            return lambda row, values: not test(row, values)
        case IsNull(operand=operand):
            compute = computation(operand)
            return lambda row, values: compute(row, values) is None
        case Within(left=left, values=options):
            compute = computation(left)
            index = options.index
            return lambda row, values: (value := compute(row, values)) is not None and value in values[index]
        case Compare(left=left, operator=operator, right=right):
            return _comparison(computation(left), COMPARISONS[operator], computation(right))
    assert_never(condition)


def computation(expression: Expression) -> Computation:
    """The expression as a function: its plain value for a row, None for NULL."""
    match expression:
        case Column(field=field):
            name = field.name
            return lambda row, values: row[name]
        case Parameter(index=index, derive=derive):
            if derive is None:
                return lambda row, values: values[index]
            return lambda row, values: derive(values[index])
        case Null():
            return lambda row, values: None
        case Extract(part=part, operand=operand):
            compute, extract = computation(operand), _EXTRACTS[part]
            return lambda row, values: None if (value := compute(row, values)) is None else extract(value)
        case Arithmetic():
            return _arithmetic(expression)
    assert_never(expression)


def select_rows(rows: Iterable[Row], operation: Select, values: Values) -> list[Row]:
    """The rows that a Select answers, whole, in order; where order leaves a choice, in the order given."""
    test = predicate(operation.condition)
    found = sort_rows([row for row in rows if test(row, values)], operation.order)
    if operation.distinct:
        found = distinct_rows(found, [field.name for field in operation.columns])
    return found[_window(operation.limit, operation.offset, values)]


def count_rows(rows: Iterable[Row], operation: Count, values: Values) -> int:
    """The number that a Count answers."""
    test = predicate(operation.condition)
    found = [row for row in rows if test(row, values)]
    if operation.distinct:
        found = distinct_rows(found, [field.name for field in operation.distinct])
    return len(found[_window(operation.limit, operation.offset, values)])


def sort_rows(rows: list[Row], order: Sequence[Order]) -> list[Row]:
    """The rows sorted by the terms; NULL is the lowest value; stable."""
    for term in reversed(order):
        name = term.field.name
        rows = sorted(rows, key=lambda row: ((v := row[name]) is not None, v), reverse=term.descending)
    return rows


def distinct_rows(rows: Iterable[Row], names: Sequence[str]) -> list[Row]:
    """The first row of each combination of values."""
    seen: dict[Any, Row] = {}
    for row in rows:
        seen.setdefault(tuple(_hashable(row[name]) for name in names), row)
    return list(seen.values())


def assigned(row: Row, assignments: Sequence[Assignment], values: Values) -> dict[str, Any]:
    """The new values that an update gives a row, all computed from the row as it was.

    Raises:
        DataError: an overflow or a division by zero.
        NotNullViolation: NULL for a field that does not take it.
    """
    changes = {}
    for assignment in assignments:
        value = computation(assignment.value)(row, values)
        if value is not None and not isinstance(assignment.value, Parameter):
            value = _as_kind(value, assignment.field)
        if value is None and not assignment.field.null:
            raise NotNullViolation(f"{assignment.field.label} cannot be NULL", model=assignment.field.model)
        changes[assignment.field.name] = value
    return changes


def _as_kind(value: Any, field: FieldInfo) -> Any:
    """A computed value as one of the field's kind."""
    kind = plain_kind(field.kind)
    if isinstance(kind, FloatKind):
        return float(value)
    if not isinstance(kind, DecimalKind):
        return value
    exact = normaliser(kind.max_digits, kind.decimal_places)(Decimal(value))
    if exact.copy_abs() >= kind.limit:
        raise DataError(f"{field.label}: {exact} does not lie below {kind.limit} in magnitude")
    return exact


def _hashable(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_hashable(item) for item in value)
    if isinstance(value, dict):
        return frozenset((key, _hashable(item)) for key, item in value.items())
    return value


def _window(limit: Parameter | None, offset: Parameter | None, values: Values) -> slice:
    start = values[offset.index] if offset is not None else 0
    return slice(start, start + values[limit.index] if limit is not None else None)


def _comparison(left: Computation, compare: Callable[[Any, Any], bool], right: Computation) -> Predicate:
    def test(row: Row, values: Values) -> bool:
        a = left(row, values)
        if a is None:
            return False
        b = right(row, values)
        return b is not None and compare(a, b)

    return test


def matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether a portable regular expression matches somewhere in the text."""
    compiled = _compiled(pattern, ignore_case)
    return compiled.search(simple_fold(text) if ignore_case else text) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    return re.compile(translate(pattern, "python", ignore_case))


COMPARISONS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EXACT: lambda a, b: bool(a == b),
    Operator.GT: lambda a, b: bool(a > b),
    Operator.GTE: lambda a, b: bool(a >= b),
    Operator.LT: lambda a, b: bool(a < b),
    Operator.LTE: lambda a, b: bool(a <= b),
    Operator.CONTAINS: lambda a, b: b in a,
    Operator.STARTSWITH: lambda a, b: a.startswith(b),
    Operator.ENDSWITH: lambda a, b: a.endswith(b),
    Operator.IEXACT: lambda a, b: simple_fold(a) == simple_fold(b),
    Operator.ICONTAINS: lambda a, b: simple_fold(b) in simple_fold(a),
    Operator.ISTARTSWITH: lambda a, b: simple_fold(a).startswith(simple_fold(b)),
    Operator.IENDSWITH: lambda a, b: simple_fold(a).endswith(simple_fold(b)),
    Operator.REGEX: lambda a, b: matches(b, a),
    Operator.IREGEX: lambda a, b: matches(b, a, ignore_case=True),
}


# ---- parts of dates and times


def _date_of(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value


def _time_of(value: time | datetime) -> time:
    return value.time() if isinstance(value, datetime) else value


_EXTRACTS: dict[DatePart, Callable[[Any], Any]] = {
    DatePart.YEAR: lambda value: value.year,
    DatePart.ISO_YEAR: lambda value: value.isocalendar().year,
    DatePart.QUARTER: lambda value: (value.month + 2) // 3,
    DatePart.MONTH: lambda value: value.month,
    DatePart.DAY: lambda value: value.day,
    DatePart.WEEK: lambda value: value.isocalendar().week,
    DatePart.WEEK_DAY: lambda value: value.isoweekday() % 7 + 1,
    DatePart.ISO_WEEK_DAY: lambda value: value.isoweekday(),
    DatePart.HOUR: lambda value: value.hour,
    DatePart.MINUTE: lambda value: value.minute,
    DatePart.SECOND: lambda value: value.second,
    DatePart.DATE: _date_of,
    DatePart.TIME: _time_of,
}


# ---- arithmetic


def _arithmetic(node: Arithmetic) -> Computation:
    left, right = computation(node.left), computation(node.right)
    operator = node.operator
    exact = isinstance(node.kind, DecimalKind)

    def compute(row: Row, values: Values) -> Any:
        a, b = left(row, values), right(row, values)
        if a is None or b is None:
            return None
        return decimal_result(operator, Decimal(a), Decimal(b)) if exact else number_result(operator, a, b)

    return compute


def number_result(operator: ArithmeticOperator, a: float, b: float) -> float:
    """Arithmetic on ints and floats: int64-checked, true division, modulo with the dividend's sign.

    Raises:
        DataError: an overflow or a division by zero.
    """
    try:
        result = _compute(operator, a, b)
    except (ZeroDivisionError, OverflowError, ValueError) as error:
        raise DataError(f"{a!r} {operator.value} {b!r}: {error}") from error
    if isinstance(result, int):
        if not INT64_MIN <= result <= INT64_MAX:
            raise DataError(f"{a!r} {operator.value} {b!r} does not fit a 64-bit integer")
        return result
    if math.isnan(result) or (math.isinf(result) and math.isfinite(a) and math.isfinite(b)):
        raise DataError(f"{a!r} {operator.value} {b!r} is no finite number")
    return result + 0.0


def _compute(operator: ArithmeticOperator, a: float, b: float) -> float:
    match operator:
        case ArithmeticOperator.ADD:
            return a + b
        case ArithmeticOperator.SUBTRACT:
            return a - b
        case ArithmeticOperator.MULTIPLY:
            return a * b
        case ArithmeticOperator.DIVIDE:
            return a / b
        case ArithmeticOperator.MODULO:
            if isinstance(a, int) and isinstance(b, int):
                remainder = abs(a) % abs(b)
                return -remainder if a < 0 else remainder
            return math.fmod(a, b)
    assert_never(operator)


def decimal_result(operator: ArithmeticOperator, a: Decimal, b: Decimal) -> Decimal:
    """Arithmetic on decimals: exact, a quotient to 60 significant digits half-even.

    Raises:
        DataError: a division by zero.
    """
    try:
        match operator:
            case ArithmeticOperator.ADD:
                return _EXACT.add(a, b)
            case ArithmeticOperator.SUBTRACT:
                return _EXACT.subtract(a, b)
            case ArithmeticOperator.MULTIPLY:
                return _EXACT.multiply(a, b)
            case ArithmeticOperator.DIVIDE:
                return _QUOTIENT.divide(a, b)
            case ArithmeticOperator.MODULO:
                return _EXACT.remainder(a, b)
    except (DivisionByZero, InvalidOperation) as error:
        raise DataError(f"{a} {operator.value} {b}: division by zero") from error
    assert_never(operator)
