"""The operations that adapters compile: five ways to read, four to write, each a frozen tree of ``nodes``."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from polystore.query.nodes import All, Computed, Expression, Order, Parameter
from polystore.query.operators import SetOperator
from polystore.schema.model import FieldInfo, Schema


class RowLock(Struct, frozen=True):
    """The rows that a Select answers are locked for the transaction that asks.

    Locked rows of others are waited for, or with ``nowait`` are an error, or with ``skip_locked`` are left out. With
    ``no_key`` others may still refer to the rows.
    """

    nowait: bool = False
    skip_locked: bool = False
    no_key: bool = False


class Select(Struct, frozen=True):
    """Rows of ``columns``, then the ``computed`` values.

    ``condition`` is simplified and rooted in ``All``. ``limit`` and ``offset`` are parameters holding an int
    (limit >= 1, offset >= 0) or None. With a limit or an offset, ``order`` is total: it ends with the primary
    key. ``distinct`` removes equal rows of the outputs before the slice; ``order`` names only these then. ``first``
    leaves the first row, by ``order``, of each combination of some values.

    ``windows`` are computed of the rows that fulfil ``condition``; everything else names them as columns, and among
    these rows ``kept`` chooses (simplified and rooted, too).

    Rows are the model's, or with a ``source`` the groups that it answers, whose outputs are columns then. Such a Select
    has windows, ``computed`` values only, and no condition beside ``kept``.
    """

    schema: Schema
    columns: tuple[FieldInfo, ...]
    condition: All
    order: tuple[Order, ...] = ()
    limit: Parameter | None = None
    offset: Parameter | None = None
    distinct: bool = False
    computed: tuple[Computed, ...] = ()
    lock: RowLock | None = None
    windows: tuple[Computed, ...] = ()
    kept: All = All()
    first: tuple[Expression, ...] = ()
    source: Group | None = None

    @property
    def outputs(self) -> tuple[FieldInfo, ...]:
        """What a row is made of, in order."""
        return self.columns + tuple(each.field for each in self.computed)


class Part(Struct, frozen=True):
    """One of the reads that a Combination is made of, and which of its outputs make up a row, in order."""

    rows: Select | Group | Combination
    fields: tuple[FieldInfo, ...]


class Combination(Struct, frozen=True):
    """The rows of several reads, which may be of several models, put together by position.

    ``outputs`` name a row's values and tell their kinds. Rows are told apart by the ``identity``, outputs that decide
    over the others. A part's order matters where the part is sliced, and stands there only then. A sliced order is
    total. One part alone is a union.
    """

    schema: Schema
    operator: SetOperator
    parts: tuple[Part, ...]
    outputs: tuple[FieldInfo, ...]
    identity: tuple[FieldInfo, ...]
    order: tuple[Order, ...] = ()
    limit: Parameter | None = None
    offset: Parameter | None = None


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
    source: Select | Group | Combination | None = None

    @property
    def outputs(self) -> tuple[FieldInfo, ...]:
        """What a row is made of, in order."""
        return tuple(each.field for each in (*self.keys, *self.computed))


class Count(Struct, frozen=True):
    """The number of rows that a Select of the same parts has.

    An ``estimate`` is of all rows, and as near as the store comes without counting them.
    """

    schema: Schema
    condition: All
    limit: Parameter | None = None
    offset: Parameter | None = None
    distinct: tuple[FieldInfo, ...] = ()
    estimate: bool = False


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
    """``field = value`` of an update; the field may be a path into an embedded model, which must be there."""

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


Read: TypeAlias = Select | Group | Combination | Count | Exists
Write: TypeAlias = Insert | Update | UpdateEach | Delete
Operation: TypeAlias = Read | Write


def answered(operation: Operation) -> tuple[FieldInfo, ...]:
    """The fields of the rows that an operation answers."""
    match operation:
        case Select() | Group() | Combination():
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
