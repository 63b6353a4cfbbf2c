"""Conditions as SQL, for any dialect."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import assert_never

from sqlalchemy import and_, false, or_, true

from polystore.adapters.sql.dialect import COMPARISONS, Sql
from polystore.adapters.sql.expressions import Expressions, Place, kind_of
from polystore.adapters.sql.windows import window_text
from polystore.query import walk
from polystore.query.coerce import TEXT_OPERATORS
from polystore.query.nodes import (
    All,
    AnyElement,
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
    Outer,
    Parameter,
    Path,
    Scalar,
    Windowed,
    Within,
    WithinRows,
)
from polystore.query.operators import Operator
from polystore.schema.kinds import JsonKind
from polystore.schema.paths import Attribute

_INVERSE = {
    Operator.EXACT: lambda left, right: left != right,
    Operator.GT: COMPARISONS[Operator.LTE],
    Operator.GTE: COMPARISONS[Operator.LT],
    Operator.LT: COMPARISONS[Operator.GTE],
    Operator.LTE: COMPARISONS[Operator.GT],
}
_PLACES = Column | Extract | Outer | Scalar
"""What can be in stored form."""


class Writer(Expressions):
    """Writes the conditions of one statement, and their expressions."""

    def window(self, window: Windowed) -> Sql:
        return window_text(window, self)

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
                return self.dialect.within(self, self.stored(left), kind_of(left), self.dump_of(left), values)
            case Compare():
                return self._compare(condition, COMPARISONS)
            case Holds(operand=operand, test=test, value=value):
                return self.dialect.holds(self, self.stored(operand), test, value)
            case AnyElement():
                return self._any_element(condition)
            case HasRows():
                return self.existence(condition)
            case WithinRows():
                return self.membership(condition)
        assert_never(condition)

    @abstractmethod
    def existence(self, node: HasRows, *, negated: bool = False) -> Sql:
        """Whether a query within has a row, or has none."""

    @abstractmethod
    def membership(self, node: WithinRows) -> Sql:
        """Whether a value is among those of a query within; NULL where NULLs leave it open."""

    def _any_element(self, node: AnyElement) -> Sql:
        """The condition about an element, whose fields stand in it for the time being."""
        fragment, outer = self.stored(node.operand), self.places
        alias = f"e{len(self.aliases)}"
        self.aliases.append(alias)
        element = self.dialect.element(alias)
        found = dict.fromkeys(each for each in walk.expressions_within(node.condition) if isinstance(each, Column))
        self.places = {**outer, **{each.field: self._place(element, each) for each in found}}
        condition = self.condition(node.condition)
        self.places = outer
        return self.dialect.any_element(fragment, alias, condition)

    def _place(self, element: Sql, column: Column) -> Place:
        """Where the field of an element stands."""
        return Place(self.dialect.path(self, element, Path(column, (Attribute(column.field),), column.kind)), True)

    def _negated(self, child: Condition) -> Sql:
        if isinstance(child, HasRows):
            return self.existence(child, negated=True)
        if isinstance(child, IsNull):
            return self.stored(child.operand).is_not(None)
        if isinstance(child, Compare) and child.operator in _INVERSE and self._inverts(child):
            return self._compare(child, _INVERSE)
        return self.dialect.not_true(self.condition(child))

    def _inverts(self, child: Compare) -> bool:
        left = child.left
        of_column = isinstance(left, Column) and not left.field.null and left.field not in self.places
        return of_column and isinstance(child.right, Parameter)

    def _compare(self, node: Compare, comparisons: dict[Operator, Callable[[Sql, Sql], Sql]]) -> Sql:
        left, operator, right = node.left, node.operator, node.right
        left_kind, right_kind = kind_of(left), kind_of(right)
        if operator in TEXT_OPERATORS:
            return self._text(node)
        if isinstance(left_kind, JsonKind):
            assert isinstance(right, Parameter)
            return self.dialect.compare_number(self, operator, self.stored(left), right)
        if isinstance(left, Column | Extract) and isinstance(right, Parameter) and not self.is_working(left):
            return comparisons[operator](self.stored(left), self.bind(right, self.dialect.codec(left_kind).dump))
        if isinstance(left, _PLACES) and isinstance(right, _PLACES):
            as_stored = not self.is_working(left) and not self.is_working(right)
            if as_stored and self.dialect.same_storage(left_kind, right_kind):
                return comparisons[operator](self.stored(left), self.stored(right))
        return self.dialect.compare(operator, self.working(left), left_kind, self.working(right), right_kind)

    def _text(self, node: Compare) -> Sql:
        left = self.working(node.left)
        if isinstance(node.right, Parameter):
            indexed = isinstance(node.left, Column) and node.left.field not in self.places
            field = node.left.field if isinstance(node.left, Column) and indexed else None
            return self.dialect.text_value(self, node.operator, left, field, node.right)
        return self.dialect.text_pair(node.operator, left, self.working(node.right))


def columns_of(expression: Expression) -> frozenset[str]:
    """The names of the fields that an expression reads."""
    return frozenset(field.name for field in walk.columns_of(expression))


def _joined(conditions: list[Sql], *, all_of: bool) -> Sql:
    if len(conditions) == 1:
        return conditions[0]
    return and_(true(), *conditions) if all_of else or_(false(), *conditions)
