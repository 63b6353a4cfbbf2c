"""The vocabulary of expressions and conditions: one frozen class per idea. What is made of them: ``operations``.

A query's *shape* is this tree; its values stand beside it in one flat tuple, and a ``Parameter`` names its place in
that tuple. So a tree can be compiled once and bound to values many times, and no value ever enters command text.
Columns are already resolved to fields of one schema; conditions are two-valued: a comparison with NULL is not true, and
``Not`` is the exact complement (rows where its child is not true).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec import Struct

from polystore.query.operators import (
    Aggregate,
    ArithmeticOperator,
    DatePart,
    Function,
    Holding,
    Operator,
    WindowFunction,
)
from polystore.schema.kinds import BoolKind, DateKind, DateTimeKind, FloatKind, IntKind, JsonKind, Kind, TimeKind
from polystore.schema.model import FieldInfo
from polystore.schema.paths import JsonKey, Step, kind_at

if TYPE_CHECKING:
    from polystore.query.operations import Group, Select

# ---- expressions: each has the ``kind`` of its values


class Column(Struct, frozen=True):
    """The value of a field."""

    field: FieldInfo

    @property
    def kind(self) -> Kind:
        return self.field.kind


class Path(Struct, frozen=True):
    """What lies at the steps into a structured column, as a value of ``kind``; NULL where the path leads nowhere.

    What lies in JSON may be of any type: it is read as JSON, or as text, bool, int (a whole number of 64 bits) or
    float, and is NULL then where it is of another type. JSON null is a value of JSON.
    """

    operand: Column
    steps: tuple[Step, ...]
    kind: Kind

    @property
    def of_json(self) -> bool:
        """Whether it is JSON that lies there, which may be of any type."""
        return isinstance(kind_at(self.operand.kind, self.steps), JsonKind)

    @property
    def keeps_null(self) -> bool:
        """Whether null there is a value of JSON."""
        return bool(self.steps) and isinstance(self.steps[-1], JsonKey)


class Size(Struct, frozen=True):
    """The number of items of a list."""

    operand: Column | Path

    @property
    def kind(self) -> Kind:
        return IntKind()


class Parameter(Struct, frozen=True):
    """A plain value of ``kind``, never None: the ``index``-th of the values, after ``derive`` when there is one."""

    index: int
    kind: Kind
    derive: Callable[[Any], Any] | None = None


class ParameterList(Struct, frozen=True):
    """A tuple of plain values without None, never empty, padded to ``size`` by repeating its last."""

    index: int
    kind: Kind
    size: int


class Null(Struct, frozen=True):
    """NULL as a value; it goes with every kind and has none."""

    @property
    def kind(self) -> None:
        return None


class Random(Struct, frozen=True):
    """A number drawn anew for each row; only in orders."""

    @property
    def kind(self) -> Kind:
        return FloatKind()


class Extract(Struct, frozen=True):
    """A part of a temporal expression, an int (or a date, a time for those parts).

    With a ``zone`` (the name of a time zone, moments only) the part of the time that clocks show there.
    """

    part: DatePart
    operand: Expression
    zone: str | None = None

    @property
    def kind(self) -> Kind:
        return part_kind(self.part)


class Trunc(Struct, frozen=True):
    """The beginning of the ``unit`` that a date or datetime lies in: of the year, quarter, month, week (its Monday)...

    With a ``zone`` (moments only) of the unit by the clocks there. Units of an hour and below keep the offset; of a
    midnight that comes twice it is the first one, of one that clocks leave out the moment at which they jump.
    """

    unit: DatePart
    operand: Expression
    zone: str | None = None

    @property
    def kind(self) -> Kind:
        kind = self.operand.kind
        assert kind is not None
        return DateTimeKind("us") if isinstance(kind, DateTimeKind) else kind


class Arithmetic(Struct, frozen=True):
    """``left operator right`` with a result of ``kind``; NULL when either side is. An int64 overflow is a DataError."""

    operator: ArithmeticOperator
    left: Expression
    right: Expression
    kind: Kind


class Call(Struct, frozen=True):
    """A function of some arguments with a result of ``kind``; what it means stands in ``evaluate.functions``."""

    function: Function
    arguments: tuple[Expression, ...]
    kind: Kind


class Case(Struct, frozen=True):
    """The value of the first branch whose condition is true, else ``default``; as one of ``kind``."""

    branches: tuple[tuple[Condition, Expression], ...]
    default: Expression
    kind: Kind


class Truth(Struct, frozen=True):
    """Whether the condition is true: True or False, never NULL."""

    condition: Condition

    @property
    def kind(self) -> Kind:
        return BoolKind()


class Aggregated(Struct, frozen=True):
    """An aggregate of the rows of a group, NULLs left out; only in a ``Group``.

    ``operand`` None counts rows. ``distinct`` takes each value once. With a ``condition`` only rows for which it is
    true take part. Over nothing it is NULL, a count 0. An int sum that does not fit 64 bits is a DataError.
    """

    aggregate: Aggregate
    operand: Expression | None
    kind: Kind
    distinct: bool = False
    condition: Condition | None = None


class Outer(Struct, frozen=True):
    """In a subquery: the ``place``-th of the arguments that the query around it gives; ``words`` are the user's."""

    place: int
    kind: Kind
    words: str = "OuterRef(...)"


class Scalar(Struct, frozen=True):
    """The ``value`` of the first row that ``rows`` answers, NULL when there is none; as one of its kind.

    ``arguments`` are expressions of the query around, one for each ``Outer`` place in ``rows``, which is told nothing
    else about it: a subquery is a function of them.
    """

    rows: Select | Group
    value: FieldInfo
    arguments: tuple[Expression, ...]

    @property
    def kind(self) -> Kind:
        return self.value.kind


class Frame(Struct, frozen=True):
    """Which rows around the current one take part: by their number, or by the distance of the value ordered by.

    A bound is negative for what comes before, 0 for the current row (by values: with all rows that tie with it), None
    for no bound.
    """

    unit: Literal["rows", "values"]
    start: int | None
    end: int | None


WHOLE = Frame("rows", None, None)


class Windowed(Struct, frozen=True):
    """A value computed for each row from the rows of its ``partition`` in their ``order``; only in a Select.

    An aggregate is one of the rows in the ``frame`` (with a ``condition`` of those for which it is true), and so are
    the first, last and ``number``-th value. ``number`` is the distance of ``LAG`` and ``LEAD``, whose value beyond the
    partition is ``default``, and the count of tiles. Where rows that tie would get different values the order is
    total.
    """

    function: WindowFunction | Aggregate
    operand: Expression | None
    kind: Kind
    partition: tuple[Expression, ...] = ()
    order: tuple[Order, ...] = ()
    frame: Frame = WHOLE
    number: int = 1
    default: Expression | None = None
    condition: Condition | None = None


Expression: TypeAlias = (
    Column
    | Path
    | Size
    | Parameter
    | Null
    | Random
    | Extract
    | Trunc
    | Arithmetic
    | Call
    | Case
    | Truth
    | Aggregated
    | Windowed
    | Outer
    | Scalar
)


def part_kind(part: DatePart) -> Kind:
    """The kind of a part of a date or time."""
    match part:
        case DatePart.DATE:
            return DateKind()
        case DatePart.TIME:
            return TimeKind()
        case _:
            return IntKind()


# ---- conditions


class Compare(Struct, frozen=True):
    """``left operator right``; not true when either side is NULL.

    JSON on the left is compared with a number on the right, and is not true where it is no number.
    """

    left: Expression
    operator: Operator
    right: Expression


class Within(Struct, frozen=True):
    """``left`` is one of the values; not true when it is NULL."""

    left: Expression
    values: ParameterList


class IsNull(Struct, frozen=True):
    """The expression is NULL."""

    operand: Expression


class Holds(Struct, frozen=True):
    """What ``test`` asks of a list, a dict or JSON; not true when that is NULL.

    ``value`` is a list for tests of lists and of several keys, a text for one key, any JSON for tests of JSON, and Null
    for ``JSON_NULL``.
    """

    operand: Column | Path
    test: Holding
    value: Parameter | Null


class AnyElement(Struct, frozen=True):
    """At least one element of a list of embedded models fulfils the condition, whose columns are its fields."""

    operand: Column | Path
    condition: Condition


class HasRows(Struct, frozen=True):
    """``rows`` answers at least one; ``arguments`` as in ``Scalar``."""

    rows: Select | Group
    arguments: tuple[Expression, ...]


class WithinRows(Struct, frozen=True):
    """``left`` is the ``value`` of one of the ``rows``; not true when it is NULL. ``arguments`` as in ``Scalar``."""

    left: Expression
    rows: Select | Group
    value: FieldInfo
    arguments: tuple[Expression, ...]


class All(Struct, frozen=True):
    """Every child is true; without children always true."""

    children: tuple[Condition, ...] = ()


class Either(Struct, frozen=True):
    """At least one child is true; without children never true."""

    children: tuple[Condition, ...] = ()


class Not(Struct, frozen=True):
    """The child is not true. After ``simplify`` the child is always a leaf: no All, Either or Not."""

    child: Condition


Condition: TypeAlias = Compare | Within | IsNull | Holds | AnyElement | HasRows | WithinRows | All | Either | Not


# ---- parts of operations


class Order(Struct, frozen=True):
    """One term of an ordering; NULL is the lowest value unless ``nulls`` says at which end it comes instead."""

    expression: Expression
    descending: bool = False
    nulls: Literal["first", "last"] | None = None

    @property
    def field(self) -> FieldInfo:
        """The field of a term that is a column: all that stores without ``Feature.ORDER_EXPRESSIONS`` meet."""
        assert isinstance(self.expression, Column), "an ordering by an expression was not declared"
        return self.expression.field


class Computed(Struct, frozen=True):
    """A value computed for each row (or group): ``field``, which no model has, names it and tells its kind."""

    field: FieldInfo
    expression: Expression

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def kind(self) -> Kind:
        return self.field.kind
