"""Draws conditions and operations on Item for the comparison of a database with the reference evaluator."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from polystore.errors import FieldError
from polystore.query.coerce import ORDER_OPERATORS, TEXT_OPERATORS, allowed_operators
from polystore.query.names import names_of
from polystore.query.nodes import (
    All,
    Arithmetic,
    Column,
    Compare,
    Condition,
    Either,
    Expression,
    Extract,
    IsNull,
    Not,
    Null,
    Order,
    Parameter,
    ParameterList,
    Within,
    part_kind,
)
from polystore.query.operations import Assignment, Count, Exists, Operation, Select, Update
from polystore.query.operators import ArithmeticOperator, DatePart, Operator
from polystore.query.reading import _kind_of_arithmetic, refuse_mixed
from polystore.query.signatures import PARTS
from polystore.query.simplify import FALSE, rooted
from polystore.schema.kinds import DateKind, DecimalKind, FloatKind, IntKind, Kind, TextKind, TimeKind
from tests.adapters.sql.items import ITEM, LITERALS, PATTERNS, POOLS, REQUIRED

_INT = IntKind()
SCALARS = [field for field in ITEM.fields if field.name != "id" and allowed_operators(field.kind)]
NUMBERS = [field for field in SCALARS if isinstance(field.kind, IntKind | FloatKind | DecimalKind)]
TEXTUAL = [field for field in SCALARS if isinstance(field.kind, TextKind)]
TEMPORAL = [field for field in SCALARS if type(field.kind) in PARTS]
ORDERED = sorted(ORDER_OPERATORS | {Operator.EXACT}, key=lambda operator: operator.value)
PART_POOLS: dict[type, list[Any]] = {
    DateKind: POOLS["day"],
    TimeKind: POOLS["at"],
    IntKind: [0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 23, 30, 52, 53, 59, 2020, 2024, 2025, 9999],
}


class Values:
    """The flat list of values that parameters point into."""

    def __init__(self, draw: DrawFn) -> None:
        self.draw = draw
        self.values: list[Any] = []

    def parameter(self, value: Any, kind: Kind) -> Parameter:
        self.values.append(value)
        return Parameter(len(self.values) - 1, kind)

    def listed(self, values: list[Any], kind: Kind) -> ParameterList:
        size = 1 << (len(values) - 1).bit_length()
        self.values.append((*values, *values[-1:] * (size - len(values))))
        return ParameterList(len(self.values) - 1, kind, size)

    def one_of(self, choices: Any) -> Any:
        return self.draw(st.sampled_from(list(choices)))

    def sometimes(self) -> bool:
        return self.draw(st.booleans())


# ---- expressions


def _expression(values: Values, depth: int) -> tuple[Expression, Kind]:
    if depth == 0 or values.draw(st.integers(0, 3)) == 0:
        if values.draw(st.integers(0, 2)) == 0:
            kind, pool = values.one_of(LITERALS)
            return values.parameter(values.one_of(pool), kind), kind
        field = values.one_of(NUMBERS)
        return Column(field), field.kind
    operator = values.one_of(ArithmeticOperator)
    mark = len(values.values)
    left, left_kind = _expression(values, depth - 1)
    right, right_kind = _expression(values, depth - 1)
    try:
        kind = _kind_of_arithmetic(names_of(ITEM), operator, left_kind, right_kind)
    except FieldError:
        del values.values[mark:]
        return _expression(values, 0)
    return Arithmetic(operator, left, right, kind), kind


def _mixes(left: Kind, right: Kind) -> bool:
    try:
        refuse_mixed("", left, right)
    except FieldError:
        return False
    return True


# ---- conditions


def _value_leaf(values: Values) -> Condition:
    field = values.one_of(SCALARS)
    operator = values.one_of(sorted(allowed_operators(field.kind), key=lambda each: each.value))
    if operator in (Operator.REGEX, Operator.IREGEX):
        return Compare(Column(field), operator, values.parameter(values.one_of(PATTERNS), field.kind))
    value = values.one_of(POOLS[field.name])
    if operator in TEXT_OPERATORS and operator is not Operator.IEXACT:
        value = value or "a"
    return Compare(Column(field), operator, values.parameter(value, field.kind))


def _text_leaf(values: Values) -> Condition:
    field = values.one_of(TEXTUAL)
    operator = values.one_of(sorted(TEXT_OPERATORS - {Operator.REGEX, Operator.IREGEX}, key=lambda each: each.value))
    return Compare(Column(field), operator, values.parameter(values.one_of(POOLS[field.name]) or "s", field.kind))


def _list_leaf(values: Values) -> Condition:
    field = values.one_of(SCALARS)
    chosen = values.draw(st.lists(st.sampled_from(POOLS[field.name]), min_size=1, max_size=5, unique=True))
    return Within(Column(field), values.listed(chosen * values.one_of([1, 1, 1, 60]), field.kind))


def _column_leaf(values: Values) -> Condition:
    left = values.one_of(SCALARS)
    right = values.one_of([field for field in SCALARS if _mixes(left.kind, field.kind)])
    operators = allowed_operators(left.kind) - {Operator.REGEX, Operator.IREGEX}
    return Compare(Column(left), values.one_of(sorted(operators, key=lambda each: each.value)), Column(right))


def _computed_leaf(values: Values) -> Condition:
    field = values.one_of(NUMBERS)
    mark = len(values.values)
    expression, kind = _expression(values, 2)
    if isinstance(expression, Parameter) or not _mixes(field.kind, kind):
        del values.values[mark:]
        return IsNull(Column(field))
    return Compare(Column(field), values.one_of(ORDERED), expression)


def _part_leaf(values: Values) -> Condition:
    field = values.one_of(TEMPORAL)
    part: DatePart = values.one_of(sorted(PARTS[type(field.kind)], key=lambda each: each.value))
    kind = part_kind(part)
    pool = PART_POOLS[type(kind)]
    operand = Extract(part, Column(field))
    if values.sometimes():
        chosen = values.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=4, unique=True))
        return Within(operand, values.listed(chosen, kind))
    return Compare(operand, values.one_of(ORDERED), values.parameter(values.one_of(pool), kind))


def _null_leaf(values: Values) -> Condition:
    return IsNull(Column(values.one_of(ITEM.fields)))


_LEAVES = [_value_leaf, _value_leaf, _text_leaf, _list_leaf, _column_leaf, _computed_leaf, _part_leaf, _null_leaf]


def _condition(values: Values, depth: int) -> Condition:
    shape = values.draw(st.integers(0, 4)) if depth else 0
    if shape < 2:
        return values.one_of(_LEAVES)(values)  # type: ignore[no-any-return]  # a leaf
    if shape == 2:
        return Not(_condition(values, depth - 1))
    children = tuple(_condition(values, depth - 1) for _ in range(values.draw(st.integers(1, 3))))
    return All(children) if shape == 3 else Either(children)


def _whole_condition(values: Values) -> All:
    condition = rooted(_condition(values, 2))
    return All() if condition.children == (FALSE,) else condition


# ---- operations


def _window(values: Values) -> tuple[Parameter | None, Parameter | None]:
    limit = values.parameter(values.one_of([1, 2, 5, 50]), _INT) if values.sometimes() else None
    offset = values.parameter(values.one_of([0, 1, 3, 20]), _INT) if values.sometimes() else None
    return limit, offset


@st.composite
def selects(draw: DrawFn) -> tuple[Operation, list[Any]]:
    """A Select and its values."""
    values = Values(draw)
    columns = draw(st.lists(st.sampled_from(SCALARS), min_size=1, max_size=3, unique=True))
    condition = _whole_condition(values)
    distinct = values.sometimes()
    terms = draw(st.lists(st.sampled_from(columns if distinct else SCALARS), max_size=2, unique=True))
    order = [Order(Column(field), values.sometimes()) for field in terms]
    order += [Order(Column(field)) for field in (columns if distinct else [ITEM.primary_key]) if field not in terms]
    return Select(ITEM, tuple(columns), condition, tuple(order), *_window(values), distinct), values.values


@st.composite
def counts(draw: DrawFn) -> tuple[Operation, list[Any]]:
    """A Count or an Exists and its values."""
    values = Values(draw)
    condition = _whole_condition(values)
    limit, offset = _window(values)
    if values.sometimes():
        return Exists(ITEM, condition, offset), values.values
    distinct = draw(st.lists(st.sampled_from(SCALARS), max_size=2, unique=True))
    return Count(ITEM, condition, limit, offset, tuple(distinct)), values.values


@st.composite
def updates(draw: DrawFn) -> tuple[Operation, list[Any]]:
    """An Update of one or two fields and its values; its condition computes nothing, so that it cannot fail."""
    values = Values(draw)
    leaf = values.one_of([_value_leaf, _list_leaf, _part_leaf, _null_leaf])(values)
    fields = draw(st.lists(st.sampled_from(ITEM.fields[1:]), min_size=1, max_size=2, unique=True))
    assigned = tuple(_assignment(values, field) for field in fields)
    return Update(ITEM, All((leaf,)), assigned), values.values


def _assignment(values: Values, field: Any) -> Assignment:
    if field in NUMBERS and field.null and values.sometimes():
        mark = len(values.values)
        expression, kind = _expression(values, 2)
        fits = _mixes(field.kind, kind) and (not isinstance(field.kind, IntKind) or isinstance(kind, IntKind))
        if fits and not isinstance(expression, Parameter):
            return Assignment(field, expression)
        del values.values[mark:]
    if field.name not in REQUIRED and values.sometimes():
        return Assignment(field, Null())
    return Assignment(field, values.parameter(values.one_of(POOLS[field.name]), field.kind))


@st.composite
def rows(draw: DrawFn) -> list[tuple[Any, ...]]:
    """Some rows of Item with their keys."""
    count = draw(st.integers(1, 12))
    return [
        (key, *(draw(st.sampled_from(POOLS[field.name] + [None] * field.null)) for field in ITEM.fields[1:]))
        for key in range(1, count + 1)
    ]
