"""Walks the trees of conditions and expressions: what stands in them, and the same tree with parts replaced.

Of a subquery they see its arguments: its rows are another query's matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias, assert_never

from msgspec.structs import replace

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
from polystore.schema.model import FieldInfo

Subquery: TypeAlias = Scalar | HasRows | WithinRows


def expressions_of(expression: Expression, *, in_aggregates: bool = True) -> Iterator[Expression]:
    """The expression and all within it, from the outside in; not those inside an aggregate where this is asked."""
    yield expression
    match expression:
        case Column() | Parameter() | Null() | Outer() | Random():
            return
        case Extract(operand=operand) | Trunc(operand=operand) | Path(operand=operand) | Size(operand=operand):
            yield from expressions_of(operand, in_aggregates=in_aggregates)
        case Arithmetic(left=left, right=right):
            yield from expressions_of(left, in_aggregates=in_aggregates)
            yield from expressions_of(right, in_aggregates=in_aggregates)
        case Call(arguments=arguments) | Scalar(arguments=arguments):
            for argument in arguments:
                yield from expressions_of(argument, in_aggregates=in_aggregates)
        case Case(branches=branches, default=default):
            for condition, value in branches:
                yield from expressions_within(condition, in_aggregates=in_aggregates)
                yield from expressions_of(value, in_aggregates=in_aggregates)
            yield from expressions_of(default, in_aggregates=in_aggregates)
        case Truth(condition=condition):
            yield from expressions_within(condition, in_aggregates=in_aggregates)
        case Aggregated(operand=counted, condition=restriction):
            if in_aggregates:
                yield from expressions_of(counted) if counted is not None else ()
                yield from expressions_within(restriction) if restriction is not None else ()
        case Windowed():
            for part in parts_of_window(expression):
                yield from expressions_of(part, in_aggregates=in_aggregates)
            if expression.condition is not None:
                yield from expressions_within(expression.condition, in_aggregates=in_aggregates)
        case _:
            assert_never(expression)


def parts_of_window(window: Windowed) -> Iterator[Expression]:
    """The expressions that a window is computed from, save for those of its condition."""
    yield from () if window.operand is None else (window.operand,)
    yield from () if window.default is None else (window.default,)
    yield from window.partition
    yield from (term.expression for term in window.order)


def expressions_within(condition: Condition, *, in_aggregates: bool = True) -> Iterator[Expression]:
    """All expressions of a condition about rows; what it says of elements is about other rows than these."""
    match condition:
        case All(children=children) | Either(children=children):
            for child in children:
                yield from expressions_within(child, in_aggregates=in_aggregates)
        case Not(child=child):
            yield from expressions_within(child, in_aggregates=in_aggregates)
        case IsNull(operand=operand) | Holds(operand=operand) | AnyElement(operand=operand):
            yield from expressions_of(operand, in_aggregates=in_aggregates)
        case Within(left=left):
            yield from expressions_of(left, in_aggregates=in_aggregates)
        case Compare(left=left, right=right):
            yield from expressions_of(left, in_aggregates=in_aggregates)
            yield from expressions_of(right, in_aggregates=in_aggregates)
        case HasRows(arguments=arguments):
            for argument in arguments:
                yield from expressions_of(argument, in_aggregates=in_aggregates)
        case WithinRows(left=left, arguments=arguments):
            for argument in (left, *arguments):
                yield from expressions_of(argument, in_aggregates=in_aggregates)
        case _:
            assert_never(condition)


def subqueries_of(part: Expression | Condition, *, in_aggregates: bool = True) -> Iterator[Subquery]:
    """The queries within an expression or a condition, each after those that its arguments are made of."""
    for child in _children(part, in_aggregates=in_aggregates):
        yield from subqueries_of(child, in_aggregates=in_aggregates)
    if isinstance(part, Scalar | HasRows | WithinRows):
        yield part


def _children(part: Expression | Condition, *, in_aggregates: bool) -> tuple[Expression | Condition, ...]:
    match part:
        case Column() | Parameter() | Null() | Outer() | Random() | Path() | Size() | Holds() | AnyElement():
            return ()
        case Extract(operand=child) | Trunc(operand=child) | IsNull(operand=child) | Within(left=child):
            return (child,)
        case Windowed(condition=restriction):
            return *parts_of_window(part), *(() if restriction is None else (restriction,))
        case Truth(condition=child) | Not(child=child):
            return (child,)
        case Arithmetic(left=left, right=right) | Compare(left=left, right=right):
            return left, right
        case Call(arguments=children) | Scalar(arguments=children) | HasRows(arguments=children):
            return children
        case WithinRows(left=left, arguments=children):
            return left, *children
        case Case(branches=branches, default=default):
            return *(each for branch in branches for each in branch), default
        case All(children=children) | Either(children=children):
            return children
        case Aggregated(operand=counted, condition=restriction):
            return tuple(each for each in (counted, restriction) if each is not None) if in_aggregates else ()
    assert_never(part)


def aggregates_of(expression: Expression) -> list[Aggregated]:
    """The aggregates that the expression is computed from."""
    return [each for each in expressions_of(expression) if isinstance(each, Aggregated)]


def aggregates_within(condition: Condition) -> list[Aggregated]:
    """The aggregates that the condition is about."""
    return [each for each in expressions_within(condition) if isinstance(each, Aggregated)]


def windows_of(expression: Expression) -> list[Windowed]:
    """The windows that the expression is computed from."""
    return [each for each in expressions_of(expression) if isinstance(each, Windowed)]


def windows_within(condition: Condition) -> list[Windowed]:
    """The windows that the condition is about."""
    return [each for each in expressions_within(condition) if isinstance(each, Windowed)]


def columns_of(expression: Expression) -> list[FieldInfo]:
    """The fields that the expression reads, each once."""
    return list(dict.fromkeys(each.field for each in expressions_of(expression) if isinstance(each, Column)))


Change = Callable[[Expression], Expression | None]


def replaced(expression: Expression, change: Change) -> Expression:
    """The expression with each part for which ``change`` gives another one replaced by that; outermost parts first."""
    changed = change(expression)
    if changed is not None:
        return changed
    match expression:
        case Column() | Parameter() | Null() | Outer() | Random():
            return expression
        case Extract(operand=operand) | Trunc(operand=operand) | Path(operand=operand) | Size(operand=operand):
            return replace(expression, operand=replaced(operand, change))
        case Arithmetic(left=left, right=right):
            return replace(expression, left=replaced(left, change), right=replaced(right, change))
        case Call(arguments=arguments) | Scalar(arguments=arguments):
            return replace(expression, arguments=tuple(replaced(each, change) for each in arguments))
        case Case(branches=branches, default=default):
            made = tuple((replaced_within(test, change), replaced(value, change)) for test, value in branches)
            return replace(expression, branches=made, default=replaced(default, change))
        case Truth(condition=condition):
            return Truth(replaced_within(condition, change))
        case Aggregated(operand=counted, condition=restriction):
            return replace(
                expression,
                operand=None if counted is None else replaced(counted, change),
                condition=None if restriction is None else replaced_within(restriction, change),
            )
        case Windowed(operand=operand, default=default, condition=restriction):
            return replace(
                expression,
                operand=None if operand is None else replaced(operand, change),
                default=None if default is None else replaced(default, change),
                condition=None if restriction is None else replaced_within(restriction, change),
                partition=tuple(replaced(each, change) for each in expression.partition),
                order=tuple(replace(term, expression=replaced(term.expression, change)) for term in expression.order),
            )
    assert_never(expression)


def replaced_within(condition: Condition, change: Change) -> Condition:
    """The condition with parts of its expressions replaced."""
    match condition:
        case All(children=children):
            return All(tuple(replaced_within(child, change) for child in children))
        case Either(children=children):
            return Either(tuple(replaced_within(child, change) for child in children))
        case Not(child=child):
            return Not(replaced_within(child, change))
        case IsNull(operand=operand):
            return IsNull(replaced(operand, change))
        case Holds(operand=operand) | AnyElement(operand=operand):
            return replace(condition, operand=replaced(operand, change))
        case Within(left=left, values=values):
            return Within(replaced(left, change), values)
        case Compare(left=left, operator=operator, right=right):
            return Compare(replaced(left, change), operator, replaced(right, change))
        case HasRows(arguments=arguments):
            return replace(condition, arguments=tuple(replaced(each, change) for each in arguments))
        case WithinRows(left=left, arguments=arguments):
            changed = tuple(replaced(each, change) for each in arguments)
            return replace(condition, left=replaced(left, change), arguments=changed)
    assert_never(condition)
