"""The arguments of writes that treat each row in its own way: inserts that change rows in conflict, changes by key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from polystore.adapters.redis.keys import NULL
from polystore.adapters.redis.layout import KEY_SLOT, Layout
from polystore.adapters.redis.types import dump, load
from polystore.adapters.redis.wire import make_call, pack, pack_fetch, pack_fetches
from polystore.adapters.redis.writes import MAX_BATCH, InsertWriter, NewRow, RowChange, make_patch
from polystore.query.operations import Insert, OnConflict, UpdateEach
from polystore.schema.model import FieldInfo


@dataclass(slots=True)
class Holder:
    """The row that has a target: its id, its version as scripts count it ("" takes any), and the model's version."""

    identifier: bytes
    written: bytes = b""
    version: int | None = None


@dataclass(slots=True)
class Candidate:
    """A row to insert, and what a row that is there would take instead."""

    key: Any
    new: NewRow
    target: bytes
    changes: dict[str, Any]
    version: int | None


class MergeWriter(InsertWriter):
    """Turns rows of an Insert that changes rows in conflict into arguments. All fields are dumped here."""

    def __init__(self, layout: Layout, operation: Insert, found: OnConflict) -> None:
        super().__init__(layout, operation)
        self.dumps = (None,) * len(operation.fields)
        self._convert = [None if field.name in self.kept else dump(field.kind) for field in operation.fields]
        self._fields = operation.fields
        self._changed = [(operation.fields.index(field), field.name) for field in found.fields]
        self._told = [field.primary_key for field in found.told]
        target = tuple(field.name for field in found.target)
        self.by_key = found.target[0].primary_key
        self.constraint = 0 if self.by_key else 1 + [unique.fields for unique in layout.uniques].index(target)
        slots = () if self.by_key else layout.uniques[self.constraint - 1].slots
        self._target = [
            (layout.schema.primary_key if slot == KEY_SLOT else layout.slots[slot - 1].field, slot) for slot in slots
        ]
        self.version = layout.schema.version
        self.collides = any(
            {field.name for field in found.fields} & set(unique.fields) for unique in layout.schema.uniques
        )

    def candidate(self, row: Sequence[Any]) -> Candidate:
        """One row of plain values."""
        dumped = [
            value if convert is None or value is None else convert(value)
            for value, convert in zip(row, self._convert, strict=True)
        ]
        new = self.read(dumped)
        version = None if self.version is None else row[self._fields.index(self.version)]
        changes = {name: row[place] for place, name in self._changed}
        return Candidate(new[0], new, self._target_of(row, new[0]), changes, version)

    def _target_of(self, row: Sequence[Any], key: Any) -> bytes:
        """What tells targets apart: the encoded key, or the unique key that the server knows."""
        if self.by_key:
            return self.layout.encode_key(key)
        parts = [b"%d:" % self.constraint]
        for field, slot in self._target:
            value = row[self._fields.index(field)]
            encode = self.layout.encode_key if slot == KEY_SLOT else self.layout.slots[slot - 1].encode
            parts.append(NULL if value is None else encode(value))
        return b"".join(parts)

    def parts(self, candidates: Sequence[Candidate]) -> Iterator[Sequence[Candidate]]:
        """The candidates in order, as many at a time as one script writes; in none of them does a target come twice."""
        most = 1 if self.collides else MAX_BATCH
        part: dict[bytes, Candidate] = {}
        for candidate in candidates:
            if candidate.target in part or len(part) == most:
                yield list(part.values())
                part = {}
            part[candidate.target] = candidate
        if part:
            yield list(part.values())

    def pack_search(self, part: Sequence[Candidate]) -> bytes:
        """The command that asks who has these targets."""
        return pack(b"HMGET", self.layout.unique_keys, *(candidate.target for candidate in part))

    @property
    def looks(self) -> bool:
        """Whether rows have to be looked at before they can be changed."""
        return self.by_key or self.version is not None

    def pack_look(self, identifiers: Sequence[bytes]) -> bytes:
        """The commands that read what a change has to know of rows."""
        bodies = [self.layout.body_key_of(identifier) for identifier in identifiers]
        return pack_fetches(bodies, *pack_fetch(() if self.version is None else (self.version.column,)))

    def holder(self, identifier: bytes, body: Sequence[bytes | None]) -> Holder | None:
        """A row as ``pack_look`` read it; None when it is gone."""
        if body[0] is None:
            return None
        if self.version is None or body[1] is None:
            return Holder(identifier)
        read = load(self.version.kind)
        return Holder(identifier, body[0], read(body[1]) if read is not None else int(body[1]))

    def packed_merge(self, part: Sequence[Candidate], holders: Sequence[Holder | None], allocated: bool) -> bytes:
        """The command that inserts the candidates without a holder and changes the holders of the others."""
        layout = self.layout
        arguments = [layout.lifetime, b"", b"%d" % len(part), b"0"]
        bodies = []
        for candidate, holder in zip(part, holders, strict=True):
            if holder is None:
                bodies.append(layout.prefix + b"e:" + layout.dump_key(candidate.key))
                arguments += self.insertion(candidate.new, candidate.key, allocated)
                continue
            bodies.append(layout.body_key_of(holder.identifier))
            changes = candidate.changes
            if self.version is not None and holder.version is not None:
                changes = {**changes, self.version.name: holder.version + 1}
            guard = b"" if self.by_key else candidate.target
            arguments += (b"claim", holder.identifier, holder.written, guard, *make_patch(layout, changes))
        return make_call(layout, "apply").packed(arguments, bodies)

    def tell(self, part: Sequence[Candidate], holders: Sequence[Holder | None]) -> list[tuple[Any, ...]]:
        """What is told of the candidates' rows."""
        return [self._tell(each, holder) for each, holder in zip(part, holders, strict=True)] if self._told else []

    def _tell(self, candidate: Candidate, holder: Holder | None) -> tuple[Any, ...]:
        key, version = candidate.key, candidate.version
        if holder is not None:
            key = self.layout.decode_key(holder.identifier)
            version = None if holder.version is None else holder.version + 1
        return tuple(key if is_key else version for is_key in self._told)


# ---- changes by key


@dataclass(slots=True)
class EachChange:
    """A row's change by key; ``version`` is the encoding of the one that it must have."""

    change: RowChange
    version: bytes | None


def each_reader(layout: Layout, operation: UpdateEach) -> Callable[[Sequence[Any]], EachChange]:
    """The function from a row of plain values to its change."""
    version, fields = operation.schema.version, operation.fields
    start = len(operation.columns) - len(fields)

    def read(row: Sequence[Any]) -> EachChange:
        changes = {field.name: value for field, value in zip(fields, row[start:], strict=True)}
        encoded = None
        if version is not None:
            changes[version.name] = row[1] + 1
            encoded = layout.slots[_slot(layout, version) - 1].encode(row[1])
        return EachChange(RowChange(layout.encode_key(row[0]), b"", make_patch(layout, changes)), encoded)

    return read


def each_conditions(layout: Layout, part: Sequence[EachChange]) -> list[bytes]:
    """What rows must fulfil to be changed: those with a version one branch each, the others nothing."""
    version = layout.schema.version
    if version is None:
        return [b"1", b"0"]
    slot = b"%d" % _slot(layout, version)
    arguments = [b"%d" % len(part)]
    for each in part:
        assert each.version is not None
        arguments += (b"2", b"0", b"points", b"1", each.change.identifier, slot, b"points", b"1", each.version)
    return arguments


def _slot(layout: Layout, field: FieldInfo) -> int:
    slot = layout.slot_of(field)
    assert slot is not None, "an index keeps every version"
    return slot
