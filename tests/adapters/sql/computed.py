"""Draws computed values, aggregates and groups on Item for the comparison of a database with the reference."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from polystore.query.names import made_field, names_of
from polystore.query.nodes import (
    Aggregated,
    All,
    Arithmetic,
    Call,
    Case,
    Column,
    Compare,
    Computed,
    Condition,
    Either,
    Expression,
    Extract,
    IsNull,
    Not,
    Order,
    Parameter,
    Trunc,
    Truth,
)
from polystore.query.operations import Assignment, Group, Operation, Select, Update
from polystore.query.operators import Aggregate, ArithmeticOperator, DatePart, Function, Operator
from polystore.query.reading import _kind_of_arithmetic
from polystore.query.signatures import CASTS, PARTS, SIGNATURES, UNITS, aggregate_kind, common_kind
from polystore.query.simplify import rooted, simplify
from polystore.schema.kinds import DateKind, DecimalKind, IntKind, Kind, TextKind
from tests.adapters.sql.drawing import Values
from tests.adapters.sql.items import ITEM

_F = Function
_FIELDS: dict[str, tuple[str, ...]] = {
    "int": ("n", "m", "count"),
    "float": ("f", "g"),
    "decimal": ("price", "rate", "amount", "big"),
    "text": ("text", "word", "name"),
    "bool": ("ok",),
    "date": ("day",),
    "moment": ("moment",),
    "wall": ("wall",),
}
_LITERALS: dict[str, tuple[Any, ...]] = {
    "int": (0, 1, -3, 10, 2**62),
    "float": (0.5, -1.5, 2.0, 1e300),
    "decimal": (Decimal(0), Decimal("0.5"), Decimal("-3"), Decimal("1.25")),
    "text": ("", "a", "10", " É", "-2.5"),
    "bool": (True, False),
    "date": (date(2024, 2, 29), date(1, 1, 1)),
}
_KINDS: dict[str, Kind] = {
    "int": IntKind(),
    "decimal": DecimalKind(),
    "text": TextKind(),
    "date": DateKind(),
    "float": ITEM.field("f").kind,
    "bool": ITEM.field("ok").kind,
}
_OF_ONE: dict[str, tuple[Function, ...]] = {
    "int": (_F.ABS, _F.CEIL, _F.FLOOR, _F.ROUND),
    "float": (_F.ABS, _F.CEIL, _F.FLOOR, _F.ROUND),
    "decimal": (_F.ABS, _F.CEIL, _F.FLOOR, _F.ROUND),
    "text": (_F.LOWER, _F.UPPER, _F.TRIM, _F.LTRIM, _F.RTRIM),
    "bool": (),
    "date": (),
    "moment": (),
    "wall": (),
}
FAMILIES = tuple(_FIELDS)


def call(function: Function, *arguments: Expression) -> Call:
    """A call with the kind that the signature tells."""
    return Call(function, arguments, SIGNATURES[function].result([each.kind for each in arguments]))


class Drawer(Values):
    """Draws expressions of a family of kinds."""

    def expression(self, family: str, depth: int) -> Expression:
        if depth == 0 or self.draw(st.integers(0, 4)) == 0:
            return self.leaf(family)
        makers = [self._of_one, self._choice, self._choice, self._case]
        special: dict[str, list[Callable[[str, int], Expression]]] = {
            "int": [self._arithmetic, self._to_int, self._to_int, self._rounded],
            "float": [self._arithmetic, self._to_float, self._root],
            "decimal": [self._arithmetic, self._rounded, self._to_decimal],
            "text": [self._text, self._text, self._to_text],
            "bool": [self._truth],
            "date": [self._trunc, self._to_date],
            "moment": [self._trunc],
            "wall": [self._trunc],
        }
        return self.one_of(makers + special[family] * 2)(family, depth - 1)  # type: ignore[no-any-return]  # an expression

    def leaf(self, family: str) -> Expression:
        literals = _LITERALS.get(family, ())
        if literals and self.draw(st.integers(0, 3)) == 0:
            return self.parameter(self.one_of(literals), _KINDS[family])
        return Column(ITEM.field(self.one_of(_FIELDS[family])))

    def condition(self, depth: int) -> Condition:
        family = self.one_of(["int", "float", "decimal", "text", "date"])
        left, right = self.expression(family, depth), self.expression(family, depth)
        shape = self.draw(st.integers(0, 4))
        if shape == 0:
            return IsNull(left)
        if shape == 1 and family == "text":
            operator = self.one_of([Operator.CONTAINS, Operator.STARTSWITH, Operator.ENDSWITH, Operator.IEXACT])
            return Compare(left, operator, right)
        compared = Compare(left, self.one_of([Operator.EXACT, Operator.LT, Operator.GTE]), right)
        if shape == 2:
            return Not(compared)
        other = IsNull(Column(ITEM.field(self.one_of(["n", "f", "text"]))))
        return Either((compared, other)) if shape == 3 else compared

    def _of_one(self, family: str, depth: int) -> Expression:
        functions = _OF_ONE[family]
        return call(self.one_of(functions), self.expression(family, depth)) if functions else self.leaf(family)

    def _choice(self, family: str, depth: int) -> Expression:
        ordered = [_F.GREATEST, _F.LEAST]
        function = self.one_of([_F.COALESCE, _F.NULLIF, *ordered])
        beside = "int" if family in ("float", "decimal") and self.sometimes() else family
        return call(function, self.expression(family, depth), self.expression(beside, depth))

    def _case(self, family: str, depth: int) -> Expression:
        value, default = self.expression(family, depth), self.expression(family, depth)
        condition = simplify(self.condition(min(depth, 1)))
        return Case(((condition, value),), default, common_kind([value.kind, default.kind]))

    def _arithmetic(self, family: str, depth: int) -> Expression:
        operators = [ArithmeticOperator.ADD, ArithmeticOperator.SUBTRACT, ArithmeticOperator.MULTIPLY]
        if family == "decimal" and depth == 0:
            operators.append(ArithmeticOperator.DIVIDE)
        operator = self.one_of(operators)
        left = self.expression(family, depth)
        right = self.expression("int" if self.sometimes() else family, depth)
        return Arithmetic(operator, left, right, _kind_of_arithmetic(names_of(ITEM), operator, left.kind, right.kind))

    def _rounded(self, family: str, depth: int) -> Expression:
        places = self.parameter(self.one_of([-2, -1, 1, 3]), IntKind())
        return call(_F.ROUND, self.expression(family, depth), places)

    def _cast(self, target: type, family: str, depth: int) -> Expression:
        return Call(_F.CAST, (self.expression(family, depth),), CASTS[target][0])

    def _to_int(self, _: str, depth: int) -> Expression:
        choice = self.draw(st.integers(0, 3))
        if choice == 0:
            return call(_F.LENGTH, self.expression("text", depth))
        if choice == 1:
            temporal = self.expression(self.one_of(["date", "moment", "wall"]), depth)
            parts = PARTS[type(temporal.kind)] - {DatePart.DATE, DatePart.TIME}
            return Extract(self.one_of(sorted(parts, key=lambda part: part.value)), temporal)
        return self._cast(int, self.one_of(["float", "decimal", "bool", "text"]), depth)

    def _to_float(self, _: str, depth: int) -> Expression:
        return self._cast(float, self.one_of(["int", "decimal", "text"]), depth)

    def _to_decimal(self, _: str, depth: int) -> Expression:
        return self._cast(Decimal, self.one_of(["int", "text"]), depth)

    def _to_text(self, _: str, depth: int) -> Expression:
        return self._cast(str, self.one_of(["int", "decimal", "date"]), depth)

    def _to_date(self, _: str, depth: int) -> Expression:
        return self._cast(date, self.one_of(["moment", "wall"]), depth)

    def _root(self, _: str, depth: int) -> Expression:
        if self.sometimes():
            return call(_F.SQRT, self.expression(self.one_of(["int", "float"]), depth))
        exponent = self.expression(self.one_of(["int", "float"]), 0)
        return call(_F.POWER, self.expression(self.one_of(["int", "float"]), depth), exponent)

    def _text(self, _: str, depth: int) -> Expression:
        text = self.expression("text", depth)
        size = self.parameter(self.one_of([0, 1, 2, 90]), IntKind())
        position = self.parameter(self.one_of([1, 2, 5]), IntKind())
        match self.draw(st.integers(0, 5)):
            case 0:
                return call(_F.CONCAT, text, self.expression("text", depth))
            case 1:
                return call(_F.SUBSTR, text, position)
            case 2:
                return call(_F.SUBSTR, text, position, size)
            case 3:
                return call(_F.REPLACE, text, self.leaf("text"), self.leaf("text"))
            case 4:
                return call(_F.LEFT, text, size)
            case _:
                return call(_F.RIGHT, text, size)

    def _truth(self, _: str, depth: int) -> Expression:
        return Truth(simplify(self.condition(min(depth, 1))))

    def _trunc(self, family: str, depth: int) -> Expression:
        moment = self.expression(family, depth)
        return Trunc(self.one_of(sorted(UNITS[type(moment.kind)], key=lambda unit: unit.value)), moment)


def named(name: str, expression: Expression) -> Computed:
    """A computed output."""
    assert expression.kind is not None
    return Computed(made_field("Item", name, expression.kind), expression)


@st.composite
def computed(draw: DrawFn) -> tuple[Expression, list[Any]]:
    """An expression and its values."""
    drawer = Drawer(draw)
    return drawer.expression(drawer.one_of(FAMILIES), 3), drawer.values


@st.composite
def updates(draw: DrawFn) -> tuple[Operation, list[Any]]:
    """An Update of one row's optional field by a computed value; the row's key is the last value."""
    drawer = Drawer(draw)
    field = ITEM.field(drawer.one_of(["n", "f", "price", "big", "text", "ok", "day", "moment", "wall"]))
    family = next(name for name, fields in _FIELDS.items() if field.name in fields)
    expression = drawer.expression(family, 2)
    assigned = (Assignment(field, Column(field) if isinstance(expression, Parameter) else expression),)
    key = drawer.parameter(drawer.one_of([1, 2, 3, 4]), IntKind())
    of_key = Compare(Column(ITEM.primary_key), Operator.EXACT, key)
    return Update(ITEM, All((of_key,)), assigned), drawer.values


@st.composite
def sorted_rows(draw: DrawFn) -> tuple[Operation, list[Any]]:
    """A Select with computed values, filtered and ordered by computed values, perhaps distinct."""
    drawer = Drawer(draw)
    expression = drawer.expression(drawer.one_of(FAMILIES), 2)
    output = named("it", expression)
    condition = rooted(drawer.condition(1)) if drawer.sometimes() else All()
    nulls = drawer.one_of([None, "first", "last"])
    order: tuple[Order, ...] = (Order(expression, drawer.sometimes(), nulls),)
    if drawer.sometimes():
        field = ITEM.field(drawer.one_of(["count", "text", "price"]))
        ending = (Order(Column(field)),)
        return Select(ITEM, (field,), condition, order + ending, distinct=True, computed=(output,)), drawer.values
    order += (Order(Column(ITEM.primary_key)),)
    return Select(ITEM, (ITEM.primary_key,), condition, order, computed=(output,)), drawer.values


_AGGREGATES: tuple[tuple[Aggregate, tuple[str, ...]], ...] = (
    (Aggregate.COUNT, FAMILIES),
    (Aggregate.SUM, ("int", "float", "decimal")),
    (Aggregate.AVG, ("int", "float", "decimal")),
    (Aggregate.MIN, FAMILIES),
    (Aggregate.MAX, FAMILIES),
    (Aggregate.STDDEV, ("int", "float", "decimal")),
    (Aggregate.STDDEV_SAMPLE, ("int", "float", "decimal")),
    (Aggregate.VARIANCE, ("int", "float", "decimal")),
    (Aggregate.VARIANCE_SAMPLE, ("int", "float", "decimal")),
)


def _aggregate(drawer: Drawer) -> Aggregated:
    condition = simplify(drawer.condition(0)) if drawer.draw(st.integers(0, 3)) == 0 else None
    if drawer.draw(st.integers(0, 5)) == 0:
        return Aggregated(Aggregate.COUNT, None, IntKind(), condition=condition)
    aggregate, families = drawer.one_of(_AGGREGATES)
    operand = drawer.expression(drawer.one_of(families), drawer.one_of([0, 0, 1]))
    once = drawer.sometimes() and aggregate not in (Aggregate.MIN, Aggregate.MAX)
    return Aggregated(aggregate, operand, aggregate_kind(aggregate, operand.kind, distinct=once), once, condition)


def _key(drawer: Drawer, number: int) -> Computed:
    expression = drawer.expression(drawer.one_of(["int", "text", "decimal", "bool", "date"]), drawer.one_of([0, 0, 2]))
    return Computed(expression.field, expression) if isinstance(expression, Column) else named(f"k{number}", expression)


@st.composite
def groups(draw: DrawFn) -> tuple[Operation, list[Any]]:
    """A Group by columns and computed values, perhaps with a condition on groups."""
    drawer = Drawer(draw)
    keys = {key.field: key for key in (_key(drawer, number) for number in range(drawer.one_of([0, 1, 2])))}
    aggregates = tuple(named(f"a{number}", _aggregate(drawer)) for number in range(drawer.one_of([1, 2])))
    condition = rooted(drawer.condition(0)) if drawer.sometimes() else All()
    having = All()
    if keys and drawer.sometimes():
        many = Aggregated(Aggregate.COUNT, None, IntKind())
        having = All((Compare(many, Operator.GTE, drawer.parameter(drawer.one_of([1, 2, 30]), IntKind())),))
    order = tuple(Order(Column(field), drawer.sometimes()) for field in keys)
    return Group(ITEM, tuple(keys.values()), aggregates, condition, having, order), drawer.values


@st.composite
def groups_of_rows(draw: DrawFn) -> tuple[Operation, list[Any]]:
    """Aggregates of a slice, of distinct rows or of groups."""
    drawer = Drawer(draw)
    field, it = ITEM.field("count"), named("it", drawer.expression(drawer.one_of(["int", "decimal", "text"]), 2))
    number = Aggregated(Aggregate.COUNT, None, IntKind())
    total = Aggregated(Aggregate.SUM, Column(field), IntKind())
    most = Aggregated(Aggregate.MAX, Column(it.field), it.kind)
    outputs = (named("number", number), named("total", total), named("most", most))
    if drawer.sometimes():
        kept = named("kept", Aggregated(Aggregate.MIN, Column(field), IntKind()))
        total = Aggregated(Aggregate.SUM, Column(kept.field), IntKind())
        source: Select | Group = Group(ITEM, (it,), (kept,), All())
        return Group(ITEM, (), (*outputs[::2], named("total", total)), All(), source=source), drawer.values
    distinct = drawer.sometimes()
    ending = [it.expression, Column(field)] if distinct else [Column(ITEM.primary_key)]
    order = tuple(Order(each) for each in ending)
    limit = drawer.parameter(drawer.one_of([1, 7, 500]), IntKind())
    source = Select(ITEM, (field,), All(), order, limit, distinct=distinct, computed=(it,))
    return Group(ITEM, (), outputs, All(), source=source), drawer.values
