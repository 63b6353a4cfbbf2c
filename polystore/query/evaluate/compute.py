"""Conditions and expressions as functions of a row.

A condition is true or not; an expression gives a plain value, None for NULL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from random import random
from typing import Any, assert_never

from polystore.query.evaluate.dates import extractor, truncator
from polystore.query.evaluate.functions import FUNCTIONS, TAKES_NULL, caster
from polystore.query.evaluate.numbers import decimal_result, number_result, widened
from polystore.query.evaluate.run import Computation, Predicate, Row, Run
from polystore.query.evaluate.structures import HOLDINGS, number_in_json, path_reader
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
from polystore.query.operations import Group, Select
from polystore.query.operators import Function, Operator
from polystore.query.regex import translate
from polystore.query.text import simple_fold
from polystore.schema.kinds import DecimalKind, JsonKind, Kind


def predicate(condition: Condition) -> Predicate:
    """The condition as a function: whether it is true for a row."""
    match condition:
        case All(children=children):
            tests = [predicate(child) for child in children]
            return lambda row, run: all(test(row, run) for test in tests)
        case Either(children=children):
            tests = [predicate(child) for child in children]
            return lambda row, run: any(test(row, run) for test in tests)
        case Not(child=child):
            test = predicate(child)
            return lambda row, run: not test(row, run)
        case IsNull(operand=operand):
            compute = computation(operand)
            return lambda row, run: compute(row, run) is None
        case Holds(operand=operand, test=test, value=value):
            return _holding(computation(operand), HOLDINGS[test], computation(value))
        case AnyElement(operand=operand, condition=inner):
            return _any_element(computation(operand), predicate(inner))
        case Within(left=left, values=options):
            compute = computation(left)
            index = options.index
            return lambda row, run: (value := compute(row, run)) is not None and value in run[index]
        case Compare(left=left, operator=operator, right=right) if isinstance(left.kind, JsonKind):
            number = _unless_null(number_in_json, computation(left))
            return _comparison(number, COMPARISONS[operator], computation(right))
        case Compare(left=left, operator=operator, right=right):
            return _comparison(computation(left), COMPARISONS[operator], computation(right))
        case HasRows(rows=rows, arguments=arguments):
            find = rows_finder(rows, arguments)
            return lambda row, run: bool(find(row, run))
        case WithinRows(left=left, rows=rows, value=field, arguments=arguments):
            return _membership(computation(left), rows_finder(rows, arguments), field.name)
    assert_never(condition)


def computation(expression: Expression) -> Computation:
    """The expression as a function: its plain value for a row, None for NULL."""
    match expression:
        case Column(field=field):
            name = field.name
            return lambda row, run: row[name]
        case Path():
            return path_reader(expression)
        case Size(operand=operand):
            return _unless_null(len, computation(operand))
        case Parameter(index=index, derive=derive):
            if derive is None:
                return lambda row, run: run[index]
            return lambda row, run: derive(run[index])
        case Null():
            return lambda row, run: None
        case Extract(part=part, operand=operand, zone=zone):
            return _unless_null(extractor(part, zone), computation(operand))
        case Trunc(unit=unit, operand=operand, zone=zone):
            return _unless_null(truncator(unit, zone), computation(operand))
        case Arithmetic():
            return _arithmetic(expression)
        case Call():
            return _call(expression)
        case Case():
            return _case(expression)
        case Truth(condition=condition):
            return predicate(condition)
        case Random():
            return lambda row, run: random()
        case Aggregated() | Windowed():
            return lambda row, run: row[expression]
        case Outer(place=place):
            return lambda row, run: run.outer[place]
        case Scalar(rows=rows, value=field, arguments=arguments):
            find_first, name = rows_finder(rows, arguments), field.name
            return lambda row, run: found[0][name] if (found := find_first(row, run)) else None
    assert_never(expression)


def _unless_null(function: Callable[[Any], Any], operand: Computation) -> Computation:
    return lambda row, run: None if (value := operand(row, run)) is None else function(value)


def _arithmetic(node: Arithmetic) -> Computation:
    left, right = computation(node.left), computation(node.right)
    operator = node.operator
    exact = isinstance(node.kind, DecimalKind)

    def compute(row: Row, run: Run) -> Any:
        a, b = left(row, run), right(row, run)
        if a is None or b is None:
            return None
        return decimal_result(operator, Decimal(a), Decimal(b)) if exact else number_result(operator, a, b)

    return compute


def _call(node: Call) -> Computation:
    if node.function is Function.NOW:
        return lambda row, run: run.now
    if node.function is Function.CAST:
        (operand,) = node.arguments
        return computation(operand) if operand.kind is None else _cast(operand, node)
    if node.function is Function.COALESCE:
        return _coalesce(node)
    arguments = [_alike(node, argument) for argument in node.arguments]
    function, takes_null = FUNCTIONS[node.function], node.function in TAKES_NULL

    def compute(row: Row, run: Run) -> Any:
        values = [argument(row, run) for argument in arguments]
        return function(*values) if takes_null or None not in values else None

    return compute


def _cast(operand: Expression, node: Call) -> Computation:
    assert operand.kind is not None
    return _unless_null(caster(operand.kind, node.kind), computation(operand))


_OF_ONE_KIND = frozenset({Function.GREATEST, Function.LEAST})


def _alike(node: Call, argument: Expression) -> Computation:
    return _as_kind(argument, node.kind) if node.function in _OF_ONE_KIND else computation(argument)


def _coalesce(node: Call) -> Computation:
    """The first value that there is; what stands behind it is not computed."""
    arguments = [_as_kind(argument, node.kind) for argument in node.arguments]
    return lambda row, run: next((value for compute in arguments if (value := compute(row, run)) is not None), None)


def _as_kind(expression: Expression, kind: Kind) -> Computation:
    """A choice between an int and a float is a float."""
    widen = widened(kind)
    compute = computation(expression)
    return compute if widen is None else _unless_null(widen, compute)


def _case(node: Case) -> Computation:
    branches = [(predicate(condition), _as_kind(value, node.kind)) for condition, value in node.branches]
    default = _as_kind(node.default, node.kind)

    def compute(row: Row, run: Run) -> Any:
        for test, value in branches:
            if test(row, run):
                return value(row, run)
        return default(row, run)

    return compute


# ---- subqueries


def rows_finder(rows: Select | Group, arguments: Sequence[Expression]) -> Callable[[Row, Run], Sequence[Row]]:
    """The rows of a subquery as a function of a row of the query around."""
    given = [computation(argument) for argument in arguments]
    return lambda row, run: run.rows(rows, [argument(row, run) for argument in given])


def _membership(left: Computation, find: Callable[[Row, Run], Sequence[Row]], name: str) -> Predicate:
    def test(row: Row, run: Run) -> bool:
        value = left(row, run)
        return value is not None and any(found[name] == value for found in find(row, run))

    return test


# ---- comparisons


def _holding(held: Computation, test: Callable[[Any, Any], bool], value: Computation) -> Predicate:
    return lambda row, run: (found := held(row, run)) is not None and test(found, value(row, run))


def _any_element(held: Computation, test: Predicate) -> Predicate:
    return lambda row, run: any(each is not None and test(each, run) for each in held(row, run) or ())


def _comparison(left: Computation, compare: Callable[[Any, Any], bool], right: Computation) -> Predicate:
    def test(row: Row, run: Run) -> bool:
        a = left(row, run)
        if a is None:
            return False
        b = right(row, run)
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
