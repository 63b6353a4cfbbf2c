"""The arguments of a write: slots and hash fields of new rows, and what an update changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from polystore.adapters.redis.conditions import Values
from polystore.adapters.redis.keys import NULL
from polystore.adapters.redis.layout import Layout
from polystore.adapters.redis.slots import Slot
from polystore.adapters.redis.types import Dump, dump, load
from polystore.adapters.redis.wire import make_call, pack, pack_fetches
from polystore.query.evaluate import assigned
from polystore.query.nodes import Arithmetic, Column, Expression, Extract, Null, Parameter
from polystore.query.operations import Assignment, Insert
from polystore.schema.model import FieldInfo
from polystore.schema.paths import PathInfo

NewRow: TypeAlias = tuple[Any, list[bytes]]  # the plain key or None, and the arguments behind the bump

MAX_BATCH = 64
GIVEN_BY_STORE = b"auto"


class InsertWriter:
    """Turns rows of an Insert into arguments; made once for each Insert.

    A field that an index keeps is dumped here, from its plain value; ``dumps`` has None for it.
    """

    def __init__(self, layout: Layout, operation: Insert) -> None:
        self.layout = layout
        self.skips_conflicts = operation.ignore_conflicts
        fields = operation.fields
        key = layout.schema.primary_key
        self.key_place = next((place for place, field in enumerate(fields) if field.primary_key), None)
        self.counts = key.auto
        kept = self.kept = {slot.source.name for slot in layout.slots} | {key.name}
        self.dumps: tuple[Dump | None, ...] = tuple(
            None if field.name in kept else dump(field.kind) for field in fields
        )
        self._columns = [
            (place, field.column.encode(), dump(field.kind) if field.name in kept else None)
            for place, field in enumerate(fields)
            if not field.primary_key
        ]
        places = {field.name: place for place, field in enumerate(fields)}
        self._slots = [(places.get(slot.source.name), slot.encode) for slot in layout.slots]
        self._key_column = key.column.encode()

    def read(self, row: Sequence[Any]) -> NewRow:
        """One row, dumped by ``dumps``, as arguments."""
        key = row[self.key_place] if self.key_place is not None else None
        arguments = [
            NULL if place is None or (value := row[place]) is None else encode(value) for place, encode in self._slots
        ]
        fields: list[bytes] = []
        for place, column, dump_value in self._columns:
            value = row[place]
            if value is not None:
                fields.append(column)
                fields.append(value if dump_value is None else dump_value(value))
        arguments.append(b"%d" % (len(fields) + 2))
        arguments += fields
        return key, arguments

    def packed(self, rows: Sequence[NewRow], keys: Sequence[Any], allocated: bool) -> bytes:
        """The command that inserts rows under their keys."""
        layout = self.layout
        arguments = [layout.lifetime, b"skip" if self.skips_conflicts else b"", b"%d" % len(rows), b"0"]
        bodies = []
        for row, key in zip(rows, keys, strict=True):
            bodies.append(layout.prefix + b"e:" + layout.dump_key(key))
            arguments += self.insertion(row, key, allocated)
        return make_call(layout, "apply").packed(arguments, bodies)

    def insertion(self, row: NewRow, key: Any, allocated: bool) -> tuple[bytes, ...]:
        """The arguments that insert one row under its key."""
        dumped, bump = self.layout.dump_key(key), b""
        if allocated:
            bump = GIVEN_BY_STORE
        elif self.counts and key > 0:
            bump = dumped
        return (b"insert", self.layout.encode_key(key), bump, *row[1], self._key_column, dumped)


def batches(items: Sequence[Any], size: int = MAX_BATCH) -> Iterator[Sequence[Any]]:
    """The items in order, at most ``size`` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


@dataclass(slots=True)
class RowChange:
    """What shall happen to one row; ``version`` b"" takes any."""

    identifier: bytes
    version: bytes = b""
    patch: list[bytes] | None = None


def pack_changes(layout: Layout, conditions: list[bytes], changes: Sequence[RowChange]) -> bytes:
    """The command that patches rows, or deletes those without a patch."""
    arguments = [layout.lifetime, b"", b"%d" % len(changes), *conditions]
    bodies = []
    last: list[bytes] | None = None
    for change in changes:
        bodies.append(layout.body_key_of(change.identifier))
        if change.patch is None:
            arguments += (b"delete", change.identifier, change.version)
        elif change.patch is last:
            arguments += (b"again", change.identifier, change.version)
        else:
            arguments += (b"patch", change.identifier, change.version, *change.patch)
            last = change.patch
    return make_call(layout, "apply").packed(arguments, bodies)


def pack_forget(layout: Layout, identifiers: Sequence[bytes]) -> bytes:
    """The command that removes what is left of rows whose bodies are gone."""
    arguments = [b"", b"", b"%d" % len(identifiers), b"0"]
    for identifier in identifiers:
        arguments += (b"forget", identifier)
    bodies = [layout.body_key_of(identifier) for identifier in identifiers]
    return make_call(layout, "apply").packed(arguments, bodies)


def pack_probe(
    layout: Layout,
    conditions: list[bytes],
    sort_key: bytes,
    identifiers: Sequence[bytes],
    fetch: tuple[bytes, bytes],
) -> bytes:
    """The transaction that tells which rows fulfil the conditions, and reads them, at one moment."""
    probe = make_call(layout, "probe").packed([sort_key, *conditions, *identifiers])
    bodies = [layout.body_key_of(identifier) for identifier in identifiers]
    return b"".join((pack(b"MULTI"), probe, pack_fetches(bodies, *fetch), pack(b"EXEC")))


def pack_counter(layout: Layout, count: int) -> bytes:
    """The command that takes keys from the model's counter; it answers the last one."""
    return pack(b"HINCRBY", layout.state_key, b"counter", b"%d" % count)


# ---- patches


def make_patch(layout: Layout, changes: Mapping[str, Any]) -> list[bytes]:
    """The arguments of a patch, from the new plain values of some fields."""
    slots: list[bytes] = []
    fields: list[bytes] = []
    gone: list[bytes] = []
    for name, value in changes.items():
        field = layout.schema.by_name[name]
        if value is None:
            gone.append(field.column.encode())
        else:
            fields += (field.column.encode(), dump(field.kind)(value))
        for number, slot in _slots_of(layout, field):
            slots += (b"%d" % number, NULL if value is None else slot.encode(value))
    return [b"%d" % len(slots), *slots, b"%d" % len(fields), *fields, b"%d" % len(gone), *gone]


def _slots_of(layout: Layout, field: FieldInfo) -> list[tuple[int, Slot]]:
    return [(number, slot) for number, slot in enumerate(layout.slots, 1) if slot.source is field]


def constant_changes(assignments: Sequence[Assignment]) -> Callable[[Values], dict[str, Any]] | None:
    """The function from values to an update's changes; None when they depend on the rows."""
    for assignment in assignments:
        if isinstance(assignment.field, PathInfo) or not isinstance(assignment.value, Parameter | Null):
            return None
    return lambda values: assigned({}, assignments, values)


class PatchMaker:
    """Computes the patch of a row from its own values, as the reference evaluator would."""

    def __init__(self, layout: Layout, assignments: Sequence[Assignment]) -> None:
        self._layout = layout
        self._assignments = assignments
        read: dict[str, FieldInfo] = {}
        for assignment in assignments:
            for field in _fields_in(assignment.value):
                read[field.name] = field
            if isinstance(assignment.field, PathInfo):
                read[assignment.field.root.name] = assignment.field.root
        self.columns = [field.column for field in read.values()]
        self._loads = [(field.name, load(field.kind)) for field in read.values()]

    def make(self, stored: Sequence[bytes | None], values: Values) -> list[bytes]:
        """The patch of a row whose ``columns`` hold ``stored``.

        Raises:
            DataError: an overflow, a division by zero, or a part of what is NULL.
            NotNullViolation: a result of NULL for a field that does not take it.
        """
        row = {
            name: data if data is None or read is None else read(data)
            for (name, read), data in zip(self._loads, stored, strict=True)
        }
        return make_patch(self._layout, assigned(row, self._assignments, values))


def _fields_in(expression: Expression) -> Iterator[FieldInfo]:
    match expression:
        case Column(field=field):
            yield field
        case Arithmetic(left=left, right=right):
            yield from _fields_in(left)
            yield from _fields_in(right)
        case Extract(operand=operand):
            yield from _fields_in(operand)
        case Parameter() | Null():
            return
