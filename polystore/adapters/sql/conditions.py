"""Conditions and expressions as SQL, for any dialect; remembers where each value goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

from msgspec import Struct
from sqlalchemy import BindParameter, Table, and_, bindparam, false, null, or_, true
from sqlalchemy.types import NullType

from polystore.adapters.base import undeclared
from polystore.adapters.sql.dialect import COMPARISONS, Dialect, Sql
from polystore.adapters.sql.types import Convert
from polystore.query import walk
from polystore.query.coerce import TEXT_OPERATORS
from polystore.query.nodes import (
    Aggregated,
    All,
    Arithmetic,
    Assignment,
    Call,
    Case,
    Column,
    Compare,
    Condition,
    Either,
    Expression,
    Extract,
    IsNull,
    Not,
    Null,
    Operator,
    Parameter,
    Trunc,
    Truth,
    Within,
)
from polystore.schema.kinds import IntKind, Kind, plain_kind
from polystore.schema.model import Schema

_INVERSE = {
    Operator.EXACT: lambda left, right: left != right,
    Operator.GT: COMPARISONS[Operator.LTE],
    Operator.GTE: COMPARISONS[Operator.LT],
    Operator.LT: COMPARISONS[Operator.GTE],
    Operator.LTE: COMPARISONS[Operator.GT],
}
_NULL_TYPE = NullType()


class Slot(Struct, frozen=True):
    """Where a placeholder takes its value from: ``values[index]``, or ``values[index][item]``, then ``encode``."""

    index: int
    encode: Convert | None = None
    item: int | None = None


class Writer:
    """Writes the conditions of one statement; ``slots`` tells what each named placeholder is bound to."""

    def __init__(self, dialect: Dialect, schema: Schema, table: Table) -> None:
        self.dialect = dialect
        self.schema = schema
        self.table = table
        self.slots: dict[str, Slot] = {}

    def place(self, slot: Slot) -> BindParameter[Any]:
        """A new placeholder."""
        name = str(len(self.slots))
        self.slots[name] = slot
        return bindparam(name, type_=_NULL_TYPE, required=True)

    def bind(self, parameter: Parameter, encode: Convert | None) -> BindParameter[Any]:
        """A placeholder for a parameter's value, derived and encoded."""
        return self.place(Slot(parameter.index, _composed(parameter.derive, encode)))

    # ---- conditions

    def condition(self, condition: Condition) -> Sql:
        """The condition, true for the rows wanted; for the others false or NULL."""
        match condition:
            case All(children=children):
                return _joined([self.condition(child) for child in children], all_of=True)
            case Either(children=children):
                return _joined([self.condition(child) for child in children], all_of=False)
            case Not(child=child):
                return self._negated(child)
            case IsNull(operand=operand):
                return self.stored(operand).is_(None)
            case Within(left=left, values=values):
                return self.dialect.within(self, self.stored(left), kind_of(left), values)
            case Compare():
                return self._compare(condition, COMPARISONS)
        assert_never(condition)

    def _negated(self, child: Condition) -> Sql:
        if isinstance(child, IsNull):
            return self.stored(child.operand).is_not(None)
        if isinstance(child, Compare) and child.operator in _INVERSE and self._inverts(child):
            return self._compare(child, _INVERSE)
        return self.dialect.not_true(self.condition(child))

    def _inverts(self, child: Compare) -> bool:
        return isinstance(child.right, Parameter) and isinstance(child.left, Column) and not child.left.field.null

    def _compare(self, node: Compare, comparisons: dict[Operator, Callable[[Sql, Sql], Sql]]) -> Sql:
        left, operator, right = node.left, node.operator, node.right
        left_kind, right_kind = kind_of(left), kind_of(right)
        if operator in TEXT_OPERATORS:
            return self._text(node)
        if isinstance(right, Parameter) and not isinstance(left, Arithmetic):
            return comparisons[operator](self.stored(left), self.bind(right, self.dialect.codec(left_kind).dump))
        as_stored = isinstance(right, Column) and not isinstance(left, Arithmetic)
        if as_stored and self.dialect.same_storage(left_kind, right_kind):
            return comparisons[operator](self.stored(left), self.stored(right))
        return self.dialect.compare(operator, self.working(left), left_kind, self.working(right), right_kind)

    def _text(self, node: Compare) -> Sql:
        left = self.stored(node.left)
        if isinstance(node.right, Parameter):
            assert isinstance(node.left, Column)
            return self.dialect.text_value(self, node.operator, left, node.left.field, node.right)
        return self.dialect.text_pair(node.operator, left, self.stored(node.right))

    # ---- expressions

    def stored(self, expression: Expression) -> Sql:
        """A column or a part of one, as the database holds it."""
        match expression:
            case Column(field=field):
                return self.table.c[field.column]
            case Extract(part=part, operand=operand):
                return self.dialect.extract(part, self.stored(operand), kind_of(operand))
            case Null():
                return null()
            case Parameter(kind=kind):
                return self.bind(expression, self.dialect.codec(kind).dump)
            case Arithmetic():
                return self.working(expression)
            case Trunc() | Call() | Case() | Truth() | Aggregated():
                undeclared(expression)
        assert_never(expression)

    def working(self, expression: Expression) -> Sql:
        """The expression in the form that arithmetic works on."""
        match expression:
            case Column(field=field):
                return self.dialect.working(self.table.c[field.column], field.kind)
            case Parameter(kind=kind):
                return self.dialect.working_value(self.bind(expression, self.dialect.working_dump(kind)), kind)
            case Arithmetic(operator=operator, left=left, right=right, kind=kind):
                return self.dialect.arithmetic(
                    operator, self.working(left), kind_of(left), self.working(right), kind_of(right), kind
                )
            case Null() | Extract():
                return self.stored(expression)
            case Trunc() | Call() | Case() | Truth() | Aggregated():
                undeclared(expression)
        assert_never(expression)

    def assigned(self, assignment: Assignment) -> Sql:
        """The value of an assignment as its field stores it."""
        field, value = assignment.field, assignment.value
        if isinstance(value, Parameter):
            return self.bind(value, self.dialect.codec(field.kind).dump)
        if isinstance(value, Null):
            return null()
        kind = kind_of(value)
        if isinstance(value, Column) and self.dialect.same_storage(field.kind, kind):
            return self.stored(value)
        return self.dialect.store(field, self.working(value), kind)


def kind_of(expression: Expression) -> Kind:
    """The plain kind of an expression's values; NULL passes for an int."""
    return IntKind() if expression.kind is None else plain_kind(expression.kind)


def columns_of(expression: Expression) -> frozenset[str]:
    """The names of the fields that an expression reads."""
    return frozenset(field.name for field in walk.columns_of(expression))


def _joined(conditions: list[Sql], *, all_of: bool) -> Sql:
    if len(conditions) == 1:
        return conditions[0]
    return and_(true(), *conditions) if all_of else or_(false(), *conditions)


def _composed(first: Convert | None, second: Convert | None) -> Convert | None:
    if first is None or second is None:
        return first or second
    inner, outer = first, second
    return lambda value: outer(inner(value))
