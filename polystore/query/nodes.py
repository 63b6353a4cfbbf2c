"""The vocabulary of queries: one frozen class per idea.

A query's *shape* is this tree; its values stand beside it in one flat tuple, and a ``Parameter`` names its place in
that tuple. So a tree can be compiled once and bound to values many times, and no value ever enters command text.
Columns are already resolved to fields of one schema; conditions are two-valued: a comparison with NULL is not true, and
``Not`` is the exact complement (rows where its child is not true).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from polystore.schema.kinds import BoolKind, DateKind, DateTimeKind, IntKind, Kind, TimeKind
from polystore.schema.model import FieldInfo, Schema


class Operator(Enum):
    """What a comparison asks. The value is the lookup's name in the user's words."""

    EXACT = "exact"
    IEXACT = "iexact"
    CONTAINS = "contains"
    ICONTAINS = "icontains"
    STARTSWITH = "startswith"
    ISTARTSWITH = "istartswith"
    ENDSWITH = "endswith"
    IENDSWITH = "iendswith"
    REGEX = "regex"
    IREGEX = "iregex"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"


class DatePart(Enum):
    """A part of a date, time or datetime; numbered as Django does (``week_day``: 1 is Sunday)."""

    YEAR = "year"
    ISO_YEAR = "iso_year"
    QUARTER = "quarter"
    MONTH = "month"
    DAY = "day"
    WEEK = "week"
    WEEK_DAY = "week_day"
    ISO_WEEK_DAY = "iso_week_day"
    HOUR = "hour"
    MINUTE = "minute"
    SECOND = "second"
    DATE = "date"
    TIME = "time"


class ArithmeticOperator(Enum):
    """Arithmetic on numbers; division is true division; modulo takes the dividend's sign."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    MODULO = "%"


class Function(Enum):
    """What is computed of some values; the value is the function's public name. ``signatures`` tells their kinds."""

    COALESCE = "Coalesce"
    NULLIF = "NullIf"
    GREATEST = "Greatest"
    LEAST = "Least"
    CONCAT = "Concat"
    LOWER = "Lower"
    UPPER = "Upper"
    LENGTH = "Length"
    TRIM = "Trim"
    LTRIM = "LTrim"
    RTRIM = "RTrim"
    SUBSTR = "Substr"
    REPLACE = "Replace"
    LEFT = "Left"
    RIGHT = "Right"
    ABS = "Abs"
    CEIL = "Ceil"
    FLOOR = "Floor"
    ROUND = "Round"
    POWER = "Power"
    SQRT = "Sqrt"
    TRUNC = "Trunc"
    NOW = "Now"
    CAST = "Cast"


class Aggregate(Enum):
    """What is computed of many rows; the value is the public name."""

    COUNT = "Count"
    SUM = "Sum"
    AVG = "Avg"
    MIN = "Min"
    MAX = "Max"
    STDDEV = "StdDev"
    STDDEV_SAMPLE = "StdDev(sample=True)"
    VARIANCE = "Variance"
    VARIANCE_SAMPLE = "Variance(sample=True)"


# ---- expressions: each has the ``kind`` of its values


class Column(Struct, frozen=True):
    """The value of a field."""

    field: FieldInfo

    @property
    def kind(self) -> Kind:
        return self.field.kind


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


Expression: TypeAlias = (
    Column | Parameter | Null | Extract | Trunc | Arithmetic | Call | Case | Truth | Aggregated | Outer | Scalar
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
    """``left operator right``; not true when either side is NULL."""

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
    """The child is not true. After ``simplify`` the child is always a leaf, neither All, Either nor Not."""

    child: Condition


Condition: TypeAlias = Compare | Within | IsNull | HasRows | WithinRows | All | Either | Not


# ---- operations


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


class Select(Struct, frozen=True):
    """Rows of ``columns``, then the ``computed`` values.

    ``condition`` is simplified and rooted in ``All``. ``limit`` and ``offset`` are parameters holding an int
    (limit >= 1, offset >= 0) or None. With a limit or an offset, ``order`` is total: it ends with the primary
    key. ``distinct`` removes equal rows of the outputs before the slice; ``order`` names only these then.
    """

    schema: Schema
    columns: tuple[FieldInfo, ...]
    condition: All
    order: tuple[Order, ...] = ()
    limit: Parameter | None = None
    offset: Parameter | None = None
    distinct: bool = False
    computed: tuple[Computed, ...] = ()

    @property
    def outputs(self) -> tuple[FieldInfo, ...]:
        """What a row is made of, in order."""
        return self.columns + tuple(each.field for each in self.computed)


class Group(Struct, frozen=True):
    """A row for each combination of the ``keys``' values (NULL is one of them): the keys, then the ``computed`` values.

    Without keys there is exactly one row. Groups are made of the rows that fulfil ``condition``: the model's, or those
    that ``source`` answers, whose outputs are columns then. Inside an ``Aggregated`` stand columns of these rows;
    outside of it, in ``computed``, ``having`` and ``order``, the fields of keys as columns, and nothing else of a row.
    ``having`` is simplified and rooted in ``All``; a sliced order is total: it ends with the keys.
    """

    schema: Schema
    keys: tuple[Computed, ...]
    computed: tuple[Computed, ...]
    condition: All
    having: All = All()
    order: tuple[Order, ...] = ()
    limit: Parameter | None = None
    offset: Parameter | None = None
    source: Select | Group | None = None

    @property
    def outputs(self) -> tuple[FieldInfo, ...]:
        """What a row is made of, in order."""
        return tuple(each.field for each in (*self.keys, *self.computed))


class Count(Struct, frozen=True):
    """The number of rows that a Select of the same parts has."""

    schema: Schema
    condition: All
    limit: Parameter | None = None
    offset: Parameter | None = None
    distinct: tuple[FieldInfo, ...] = ()


class Exists(Struct, frozen=True):
    """Whether at least one row (after skipping ``offset``) fulfils the condition."""

    schema: Schema
    condition: All
    offset: Parameter | None = None


class OnConflict(Struct, frozen=True):
    """What an insert does where another row has its ``target``, the primary key or a unique constraint: it changes that
    row instead.

    The row found takes the new values of ``fields`` and counts its version on; all else of it stays. Rows are taken one
    after the other. ``told`` are fields whose stored values are answered for each row. Where NULLs are distinct no row
    has one in its target.
    """

    target: tuple[FieldInfo, ...]
    fields: tuple[FieldInfo, ...]
    told: tuple[FieldInfo, ...] = ()
    nulls_distinct: bool = True


class Insert(Struct, frozen=True):
    """New rows: the values of ``fields``, one tuple of plain values a row.

    The primary key is among the fields unless it is ``auto`` and the store shall allocate it. With ``ignore_conflicts``
    rows that collide with a unique constraint are left out.
    """

    schema: Schema
    fields: tuple[FieldInfo, ...]
    ignore_conflicts: bool = False
    on_conflict: OnConflict | None = None


class Assignment(Struct, frozen=True):
    """``field = value`` of an update."""

    field: FieldInfo
    value: Expression


class Update(Struct, frozen=True):
    """Changes the rows that fulfil the condition, in the store, never by reading first; counts the matched rows."""

    schema: Schema
    condition: All
    assignments: tuple[Assignment, ...]


class UpdateEach(Struct, frozen=True):
    """Changes rows by key, each in its own way, one after the other; tells of each whether it was there.

    A row of values is those of ``columns``: the primary key; the version that the row must still have and that is then
    counted on, where the schema has one; the new values of ``fields``. No key comes twice.
    """

    schema: Schema
    fields: tuple[FieldInfo, ...]

    @property
    def columns(self) -> tuple[FieldInfo, ...]:
        """What the values of a row are."""
        version = self.schema.version
        return (self.schema.primary_key, *(() if version is None else (version,)), *self.fields)

    @property
    def collides(self) -> bool:
        """Whether the order of the changes matters: they touch a unique constraint."""
        names = {field.name for field in self.fields}
        return any(names.intersection(unique.fields) for unique in self.schema.uniques)


class Delete(Struct, frozen=True):
    """Removes the rows that fulfil the condition and counts them."""

    schema: Schema
    condition: All


Read: TypeAlias = Select | Group | Count | Exists
Write: TypeAlias = Insert | Update | UpdateEach | Delete
Operation: TypeAlias = Read | Write


def answered(operation: Operation) -> tuple[FieldInfo, ...]:
    """The fields of the rows that an operation answers."""
    match operation:
        case Select() | Group():
            return operation.outputs
        case Insert(on_conflict=OnConflict(told=told)):
            return told
        case _:
            return ()


def written(operation: Operation) -> tuple[FieldInfo, ...]:
    """The fields of the rows of values that an operation takes; none for one whose values are flat."""
    match operation:
        case Insert(fields=fields):
            return fields
        case UpdateEach():
            return operation.columns
        case _:
            return ()
