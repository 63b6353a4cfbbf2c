"""Draws expressions, conditions, orders, groups and rows of Sample for the comparison with the reference evaluator."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from polystore import Field, Model, field
from polystore.api.complete import schema_of
from polystore.query.coerce import ORDER_OPERATORS, TEXT_OPERATORS, allowed_operators
from polystore.query.evaluate import Row, Run, computation
from polystore.query.names import made_field
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
    Null,
    Order,
    Parameter,
    ParameterList,
    Trunc,
    Truth,
    Within,
)
from polystore.query.operations import Group, Select
from polystore.query.operators import Aggregate, ArithmeticOperator, DatePart, Function, Operator
from polystore.query.signatures import (
    CASTS,
    PARTS,
    SIGNATURES,
    UNITS,
    Mismatch,
    aggregate_kind,
    common_kind,
    number_kind,
)
from polystore.query.simplify import rooted
from polystore.query.walk import aggregates_of
from polystore.schema.kinds import (
    BoolKind,
    DateKind,
    DateTimeKind,
    DecimalKind,
    FloatKind,
    IntKind,
    Kind,
    TextKind,
    TimeKind,
    plain_kind,
)
from polystore.schema.model import FieldInfo
from polystore.schema.plain import normaliser
from polystore.testing.strategies import coarse_moments, days, decimals, floats, ints, loose_decimals, moments, texts


class Sample(Model):
    """A document to compute with."""

    rank: Field[int] = 0
    number: Field[int | None] = None
    other: Field[int | None] = field(default=None, db_column="second")
    real: Field[float | None] = None
    price: Field[Decimal | None] = field(default=None, max_digits=12, decimal_places=2)
    fine: Field[Decimal | None] = field(default=None, max_digits=30, decimal_places=10)
    loose: Field[Decimal | None] = None
    text: Field[str | None] = None
    word: Field[str] = ""
    flag: Field[bool | None] = None
    day: Field[date | None] = None
    at: Field[time | None] = None
    moment: Field[datetime | None] = None
    exact: Field[datetime | None] = field(default=None, precision="us")

    class Meta:
        table = "mongo_sample"


SAMPLE = schema_of(Sample)
_DIGITS = st.sampled_from(["1", "-12", "2.50", "007", "-0", "+1", "1e5", "", " 1", "9223372036854775808", "0.1"])
_TEXTS = st.one_of(texts(), st.sampled_from(["$text", "$$ROOT", " a ", "ÀΣİß", "ǆ\u212a", "a" * 40]), _DIGITS)
_LOOSE = loose_decimals().map(normaliser(34, None))
_AWARE = moments().map(lambda moment: moment.replace(tzinfo=UTC))
POOLS: dict[str, SearchStrategy[Any]] = {
    "rank": ints(),
    "number": ints(),
    "other": ints(),
    "real": st.one_of(floats(), st.sampled_from([float("inf"), float("-inf"), 2.5, -0.5, 2.0**63])),
    "price": decimals(2, 12),
    "fine": decimals(10, 30),
    "loose": _LOOSE,
    "text": _TEXTS,
    "word": _TEXTS,
    "flag": st.booleans(),
    "day": days(),
    "at": st.times(),
    "moment": coarse_moments(),
    "exact": _AWARE,
}
LITERALS: dict[type, tuple[Kind, SearchStrategy[Any]]] = {
    IntKind: (IntKind(), ints()),
    FloatKind: (FloatKind(), floats()),
    DecimalKind: (DecimalKind(), st.one_of(decimals(2, 4).map(normaliser(34, None)), _LOOSE)),
    TextKind: (TextKind(), _TEXTS),
    BoolKind: (BoolKind(), st.booleans()),
    DateKind: (DateKind(), days()),
    TimeKind: (TimeKind(), st.times()),
    DateTimeKind: (DateTimeKind("us"), _AWARE),
}
NUMBERS = (IntKind, FloatKind, DecimalKind)
_SIZES = {Function.SUBSTR: (1, 2), Function.LEFT: (0, 1), Function.RIGHT: (0, 1)}
_OF_TEXTS = [Function.LOWER, Function.UPPER, Function.TRIM, Function.LTRIM, Function.RTRIM]
_CHOICES = [Function.COALESCE, Function.GREATEST, Function.LEAST]
_ZONES = ["Africa/Casablanca", "America/St_Johns", "Asia/Tokyo", "Europe/Berlin", "Pacific/Apia"]


def rows() -> SearchStrategy[list[dict[str, Any]]]:
    """A few rows of plain values."""
    required = {"rank", "word"}
    made = {name: pool if name in required else st.none() | pool for name, pool in POOLS.items()}
    some = st.fixed_dictionaries(made)
    return st.lists(some, min_size=1, max_size=5).map(
        lambda found: [{"id": place, **row} for place, row in enumerate(found, start=1)]
    )


class Drawing:
    """Draws trees, and keeps the values that their parameters point into."""

    def __init__(self, draw: DrawFn, fields: tuple[FieldInfo, ...] = SAMPLE.fields) -> None:
        self.draw = draw
        self.fields = [info for info in fields if type(plain_kind(info.kind)) in LITERALS]
        self.values: list[Any] = []

    def one_of(self, options: Any) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def parameter(self, value: Any, kind: Kind) -> Parameter:
        self.values.append(value)
        return Parameter(len(self.values) - 1, kind)

    # ---- expressions

    def expression(self, depth: int = 3, family: type | None = None) -> Expression:
        """An expression of some depth, of values of a family of kinds."""
        family = family or self.one_of(LITERALS)
        if depth <= 0 or self.number(0, 5) == 0:
            return self.leaf(family)
        ways = self.ways(family)
        mark = len(self.values)
        try:
            return self.one_of(ways)(depth - 1)
        except Mismatch:
            del self.values[mark:]
            return self.leaf(family)

    def leaf(self, family: type) -> Expression:
        """A column, or a value."""
        columns = [info for info in self.fields if isinstance(plain_kind(info.kind), family)]
        if columns and self.number(0, 3):
            return Column(self.one_of(columns))
        kind, pool = LITERALS[family]
        return self.parameter(self.draw(pool), kind)

    def ways(self, family: type) -> list[Callable[[int], Expression]]:
        """The ways to compute a value of a family from others."""
        found: list[Callable[[int], Expression]] = [
            lambda depth: self.choice(depth, family),
            lambda depth: self.case(depth, family),
            lambda depth: self.call(Function.NULLIF, [self.expression(depth, family) for _ in range(2)]),
        ]
        if family in NUMBERS:
            found += [lambda depth: self.arithmetic(depth, family), lambda depth: self.of_number(depth, family)]
        match family():
            case IntKind():
                found += [self.part, lambda depth: self.call(Function.LENGTH, [self.expression(depth, TextKind)])]
                found.append(lambda depth: self.cast(depth, int, [IntKind, FloatKind, DecimalKind, BoolKind, TextKind]))
            case FloatKind():
                found += [self.power, lambda depth: self.cast(depth, float, [IntKind, FloatKind, TextKind])]
            case DecimalKind():
                found.append(lambda depth: self.cast(depth, Decimal, [DecimalKind, IntKind, TextKind]))
            case TextKind():
                found += [self.of_text, self.of_text, self.concat, self.cut, self.replace]
                found.append(lambda depth: self.cast(depth, str, [TextKind, IntKind, DecimalKind, DateKind]))
            case BoolKind():
                found.append(lambda depth: Truth(self.condition(depth)))
            case DateKind():
                found.append(lambda depth: self.trunc(depth, DateKind))
                found.append(lambda depth: self.cast(depth, date, [DateKind, DateTimeKind]))
                found.append(lambda depth: self.part_of_moment(DatePart.DATE, depth))
            case TimeKind():
                found.append(lambda depth: self.part_of_moment(DatePart.TIME, depth))
            case DateTimeKind():
                found.append(lambda depth: self.trunc(depth, DateTimeKind))
        return found

    def call(self, function: Function, arguments: list[Expression]) -> Expression:
        kind = SIGNATURES[function].result([each.kind for each in arguments])
        return Call(function, tuple(arguments), kind)

    def choice(self, depth: int, family: type) -> Expression:
        families = [family, self.one_of(NUMBERS) if family in NUMBERS and self.number(0, 2) == 0 else family]
        arguments = [self.expression(depth, each) for each in families]
        if self.number(0, 5) == 0:
            arguments[0] = Null()
        return self.call(self.one_of(_CHOICES), arguments)

    def case(self, depth: int, family: type) -> Expression:
        branches = tuple((self.condition(depth - 1), self.expression(depth, family)) for _ in range(self.number(1, 2)))
        default = self.expression(depth, family) if self.number(0, 2) else Null()
        return Case(branches, default, common_kind([*(value.kind for _, value in branches), default.kind]))

    def arithmetic(self, depth: int, family: type) -> Expression:
        operator = self.one_of(ArithmeticOperator)
        families = [family, self.one_of([IntKind, family])]
        left, right = (self.expression(depth, each) for each in families)
        kind = number_kind([left.kind, right.kind])
        if operator is ArithmeticOperator.DIVIDE and isinstance(kind, IntKind):
            operator = ArithmeticOperator.SUBTRACT
        return Arithmetic(operator, left, right, kind)

    def of_number(self, depth: int, family: type) -> Expression:
        function = self.one_of([Function.ABS, Function.CEIL, Function.FLOOR, Function.ROUND])
        arguments = [self.expression(depth, family)]
        if function is Function.ROUND and family is not FloatKind and self.number(0, 1):
            arguments.append(self.parameter(self.number(-30, 30), IntKind()))
        return self.call(function, arguments)

    def power(self, depth: int) -> Expression:
        if self.number(0, 1):
            return self.call(Function.SQRT, [self.expression(depth, self.one_of([IntKind, FloatKind]))])
        small = self.parameter(self.one_of([-2, -1, 0, 1, 2, 3]), IntKind())
        return self.call(Function.POWER, [self.expression(depth, FloatKind), small])

    def part(self, depth: int) -> Expression:
        operand = self.expression(depth, self.one_of([DateKind, TimeKind, DateTimeKind]))
        parts = sorted(PARTS[type(operand.kind)] - {DatePart.DATE, DatePart.TIME}, key=lambda part: part.value)
        return Extract(self.one_of(parts), operand, self.zone(operand))

    def part_of_moment(self, part: DatePart, depth: int) -> Expression:
        operand = self.expression(depth, DateTimeKind)
        return Extract(part, operand, self.zone(operand))

    def trunc(self, depth: int, family: type) -> Expression:
        units = sorted(UNITS[family], key=lambda unit: unit.value)
        operand = self.expression(depth, family)
        return Trunc(self.one_of(units), operand, self.zone(operand))

    def zone(self, operand: Expression) -> str | None:
        """By whose clocks a moment is taken; None for UTC, and for what is no moment."""
        return self.one_of([None, *_ZONES]) if isinstance(operand.kind, DateTimeKind) else None

    def cast(self, depth: int, target: type, families: list[type]) -> Expression:
        operand = self.expression(depth, self.one_of(families))
        kind, sources = CASTS[target]
        if operand.kind is None or not isinstance(plain_kind(operand.kind), sources):
            raise Mismatch("a choice of numbers can be of another kind")
        return Call(Function.CAST, (operand,), kind)

    def of_text(self, depth: int) -> Expression:
        return self.call(self.one_of(_OF_TEXTS), [self.expression(depth, TextKind)])

    def concat(self, depth: int) -> Expression:
        return self.call(Function.CONCAT, [self.expression(depth, TextKind) for _ in range(self.number(2, 3))])

    def cut(self, depth: int) -> Expression:
        function = self.one_of(_SIZES)
        least, most = _SIZES[function]
        sizes = [self.one_of([least, 1, 3, 2**40]) for _ in range(self.number(1, most))]
        arguments = [self.expression(depth, TextKind), *(self.parameter(size, IntKind()) for size in sizes)]
        return self.call(function, arguments)

    def replace(self, depth: int) -> Expression:
        return self.call(Function.REPLACE, [self.expression(depth, TextKind) for _ in range(3)])

    # ---- conditions

    def condition(self, depth: int = 2) -> Condition:
        """A condition on expressions."""
        match self.number(0, 6):
            case 0 if depth > 0:
                return All(tuple(self.condition(depth - 1) for _ in range(2)))
            case 1 if depth > 0:
                return Either(tuple(self.condition(depth - 1) for _ in range(2)))
            case 2:
                return Not(self.test(depth))
            case _:
                return self.test(depth)

    def test(self, depth: int) -> Condition:
        left = self.expression(depth)
        assert left.kind is not None
        match self.number(0, 3):
            case 0:
                return IsNull(left)
            case 1:
                pool = [self.value_like(left.kind) for _ in range(2)]
                self.values.append(tuple(pool))
                return Within(left, ParameterList(len(self.values) - 1, left.kind, 2))
            case _:
                operators = sorted(
                    allowed_operators(left.kind) - {Operator.REGEX, Operator.IREGEX}, key=lambda each: each.value
                )
                operator = self.one_of(operators)
                if self.number(0, 2) == 0 and (operator in ORDER_OPERATORS or operator is Operator.EXACT):
                    return Compare(left, operator, self.expression(depth, type(plain_kind(left.kind))))
                value = self.value_like(left.kind)
                if operator in TEXT_OPERATORS and operator is not Operator.IEXACT:
                    value = value or "a"
                return Compare(left, operator, self.parameter(value, left.kind))

    def value_like(self, kind: Kind) -> Any:
        """A value of a kind, as coercion leaves it."""
        if isinstance(kind, DecimalKind) and kind.decimal_places is not None:
            canonical = normaliser(kind.max_digits, kind.decimal_places)
            return canonical(self.draw(decimals(kind.decimal_places, min(kind.max_digits, 30))))
        if isinstance(kind, DateTimeKind) and kind.precision is None:
            return self.draw(coarse_moments())
        return self.draw(LITERALS[type(plain_kind(kind))][1])

    # ---- operations

    def order(self, expressions: list[Expression]) -> tuple[Order, ...]:
        """An order by some of these expressions."""
        found = {}
        for expression in expressions:
            nulls = self.one_of([None, None, "first", "last"])
            found[expression] = Order(expression, self.draw(st.booleans()), nulls)
        return tuple(found.values())

    def computed(self, name: str, expression: Expression) -> Computed:
        assert expression.kind is not None
        return Computed(made_field("Sample", name, expression.kind), expression)

    def slice(self) -> tuple[Parameter | None, Parameter | None]:
        limit = self.parameter(self.number(1, 4), IntKind()) if self.number(0, 1) else None
        return limit, self.parameter(self.number(0, 2), IntKind()) if self.number(0, 1) else None

    def select(self) -> Select:
        """Rows with computed values, in an order of computed values."""
        key = SAMPLE.primary_key
        computed = (self.computed("value", self.expression()),)
        order = self.order([each for each in map(self.expression, [2] * self.number(0, 2)) if each != Column(key)])
        limit, offset = self.slice()
        condition = rooted(self.condition()) if self.number(0, 1) else All()
        return Select(SAMPLE, (key,), condition, (*order, Order(Column(key))), limit, offset, False, computed)

    def group(self, source: Select | None = None) -> Group:
        """Groups by computed values, with aggregates, conditions on groups and an order."""
        keys = tuple(self.computed(f"key{place}", self.expression(2)) for place in range(self.number(0, 2)))
        aggregates = [self.aggregated() for _ in range(self.number(1, 3))]
        computed = [self.computed(f"it{place}", node) for place, node in enumerate(aggregates)]
        columns: list[Expression] = [Column(key.field) for key in keys]
        exact = [node for node in aggregates if not isinstance(node.kind, FloatKind)]
        having: Condition = All()
        if exact and self.number(0, 1):
            node = exact[0]
            having = Not(IsNull(node)) if self.number(0, 1) else Compare(node, Operator.EXACT, node)
        order = self.order([*columns, *exact[:1]] if keys else [])
        order = tuple(term for term in order if term.expression not in columns) + tuple(map(Order, columns))
        limit, offset = self.slice() if keys else (None, None)
        condition = rooted(self.condition(1)) if self.number(0, 1) else All()
        return Group(SAMPLE, keys, tuple(computed), condition, rooted(having), order, limit, offset, source)

    def tolerance(self, operation: Select | Group, rows: Sequence[Row]) -> float:
        """How far a float that is made of many may be off: stores add in different orders."""
        if isinstance(operation, Select):
            return 0.0
        run, most = Run(self.values), 0.0
        for each in operation.computed:
            for node in aggregates_of(each.expression):
                if node.operand is not None and isinstance(node.operand.kind, FloatKind):
                    compute = computation(node.operand)
                    found = [value for row in rows if (value := compute(row, run)) is not None and math.isfinite(value)]
                    most = max([most, *map(abs, found)])
        return most * 1e-9

    def aggregated(self) -> Aggregated:
        """An aggregate of an expression."""
        aggregate = self.one_of(Aggregate)
        condition = self.condition(1) if self.number(0, 2) == 0 else None
        if aggregate is Aggregate.COUNT and self.number(0, 1):
            return Aggregated(aggregate, None, IntKind(), False, condition)
        free = aggregate in (Aggregate.COUNT, Aggregate.MIN, Aggregate.MAX)
        families = [family for family in LITERALS if family is not BoolKind] if free else NUMBERS
        operand = self.expression(2, self.one_of(families))
        assert operand.kind is not None
        distinct = self.draw(st.booleans()) and aggregate not in (Aggregate.MIN, Aggregate.MAX)
        kind = aggregate_kind(aggregate, operand.kind, distinct=distinct)
        return Aggregated(aggregate, operand, kind, distinct, condition)
