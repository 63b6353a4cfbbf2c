"""The vocabulary of queries: one frozen class per idea.

A query's *shape* is this tree; its values stand beside it in one flat tuple, and a ``Parameter`` names its place in
that tuple. So a tree can be compiled once and bound to values many times, and no value ever enters command text.
Columns are already resolved to fields of one schema; conditions are two-valued: a comparison with NULL is not true, and
``Not`` is the exact complement (rows where its child is not true).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeAlias

from msgspec import Struct

from polystore.schema.kinds import Kind
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


# ---- expressions


class Column(Struct, frozen=True):
    """The value of a field."""

    field: FieldInfo


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
    """NULL as a value (in assignments)."""


class Extract(Struct, frozen=True):
    """A part of a temporal expression, an int (or a date, a time for those parts)."""

    part: DatePart
    operand: Expression


class Arithmetic(Struct, frozen=True):
    """``left operator right`` with a result of ``kind``; NULL when either side is. An int64 overflow is a DataError."""

    operator: ArithmeticOperator
    left: Expression
    right: Expression
    kind: Kind


Expression: TypeAlias = Column | Parameter | Null | Extract | Arithmetic


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


class All(Struct, frozen=True):
    """Every child is true; without children always true."""

    children: tuple[Condition, ...] = ()


class Either(Struct, frozen=True):
    """At least one child is true; without children never true."""

    children: tuple[Condition, ...] = ()


class Not(Struct, frozen=True):
    """The child is not true. After ``simplify`` the child is always a leaf: Compare, Within or IsNull."""

    child: Condition


Condition: TypeAlias = Compare | Within | IsNull | All | Either | Not


# ---- operations


class Order(Struct, frozen=True):
    """One term of an ordering; NULL is the lowest value."""

    field: FieldInfo
    descending: bool = False


class Select(Struct, frozen=True):
    """Rows of ``columns``.

    ``condition`` is simplified and rooted in ``All``. ``limit`` and ``offset`` are parameters holding an int
    (limit >= 1, offset >= 0) or None. With a limit or an offset, ``order`` is total: it ends with the primary
    key. ``distinct`` removes equal rows of the selected columns before the slice.
    """

    schema: Schema
    columns: tuple[FieldInfo, ...]
    condition: All
    order: tuple[Order, ...] = ()
    limit: Parameter | None = None
    offset: Parameter | None = None
    distinct: bool = False


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


Read: TypeAlias = Select | Count | Exists
Write: TypeAlias = Insert | Update | UpdateEach | Delete
Operation: TypeAlias = Read | Write


def answered(operation: Operation) -> tuple[FieldInfo, ...]:
    """The fields of the rows that an operation answers."""
    match operation:
        case Select(columns=columns):
            return columns
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
