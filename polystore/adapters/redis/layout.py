"""Where a model lives: its keys, its indexes, and the encodings (slots) of which they are made.

All keys of a model share one hash tag and most are static: ``s`` the state, ``mf`` the manifests, ``x`` the expiries,
``u`` the unique keys, ``i:pk`` and ``i:<name>`` the indexes. ``e:<key>`` is the body of one row. A slot is the encoding
of one field or of what lies at a path, folded for an index that ignores case; of a list it is those of its elements.
Slot 0 is the primary key. An index is its slots in order; the primary key ends each member, in the direction of the
last slot. A row has one member in an index, or one for each element of a list there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from polystore.adapters.redis.decode import decoder
from polystore.adapters.redis.keys import Encode, key_encoder
from polystore.adapters.redis.slots import Slot, is_same, kept_index, make_slots, part_of
from polystore.adapters.redis.types import Dump, dump
from polystore.schema.kinds import plain_kind
from polystore.schema.model import FieldInfo, IndexInfo, Schema

FORMAT = 1
KEY_SLOT = 0
_RESERVED = str.maketrans({character: f"%{ord(character):02x}" for character in "{}%: "})


@dataclass(frozen=True, slots=True)
class Part:
    """One slot of an index or of a sort key; ``elements`` when it stands for each element of a list in turn."""

    slot: int
    descending: bool = False
    elements: bool = False


@dataclass(frozen=True, slots=True)
class IndexLayout:
    """An index: its parts; ``descending`` is the direction of the primary key behind them."""

    name: str
    parts: tuple[Part, ...]

    @property
    def descending(self) -> bool:
        return bool(self.parts) and self.parts[-1].descending

    @property
    def repeats(self) -> bool:
        """Whether a row has many members: their number is not that of rows, and in no order does each row come once."""
        return any(part.elements for part in self.parts)

    @property
    def code(self) -> bytes:
        """The index as scripts read it."""
        return parts_code(self.parts, self.descending)


@dataclass(frozen=True, slots=True)
class UniqueLayout:
    """A unique constraint: its fields and their slots."""

    name: str
    fields: tuple[str, ...]
    slots: tuple[int, ...]
    nulls_distinct: bool


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Everything about a model that scripts and commands need; ``indexes`` begins with the index of keys."""

    schema: Schema
    prefix: bytes
    slots: tuple[Slot, ...]
    indexes: tuple[IndexLayout, ...]
    uniques: tuple[UniqueLayout, ...]
    keys: tuple[bytes, ...]
    code: bytes
    definition: bytes
    fingerprint: bytes
    lifetime: bytes
    encode_key: Encode
    decode_key: Callable[[bytes], Any]
    dump_key: Dump
    calls: dict[str, Any] = field(default_factory=dict)
    """Calls of scripts for this model, packed so far."""

    @property
    def state_key(self) -> bytes:
        return self.keys[0]

    @property
    def expiries(self) -> bytes:
        """The sorted set of the moments when rows expire."""
        return self.keys[2]

    @property
    def unique_keys(self) -> bytes:
        """The hash from values of unique constraints to primary keys."""
        return self.keys[3]

    @property
    def key_index(self) -> bytes:
        """The sorted set of all primary keys."""
        return self.keys[4]

    def slot_of(self, field: FieldInfo, folded: bool = False) -> int | None:
        """The slot of a single value; None when no index keeps it."""
        if field.primary_key and not folded:
            return KEY_SLOT
        return self._find_slot(field, folded, False)

    def list_slot_of(self, field: FieldInfo) -> int | None:
        """The slot of a list's elements; None when no index keeps them."""
        return self._find_slot(field, False, True)

    def _find_slot(self, field: FieldInfo, folded: bool, elements: bool) -> int | None:
        for number, slot in enumerate(self.slots, 1):
            if slot.folded is folded and slot.elements is elements and is_same(slot.field, field):
                return number
        return None

    def body_key(self, key: Any) -> bytes:
        """The key of a row's hash, from the plain value of its primary key."""
        return self.prefix + b"e:" + self.dump_key(key)

    def body_key_of(self, identifier: bytes) -> bytes:
        """The key of a row's hash, from the encoding of its primary key."""
        return self.prefix + b"e:" + self.dump_key(self.decode_key(identifier))

    def index_key(self, name: str) -> bytes:
        return self.prefix + b"i:" + name.encode()


def parts_code(parts: tuple[Part, ...], descending: bool) -> bytes:
    """Slots and directions as scripts read them, one byte each; ``descending`` is the key's behind them.

    A direction is 1 when descending, and 2 more for the elements of a list.
    """
    directions = ((part.slot, part.descending + 2 * part.elements) for part in parts)
    return bytes((descending, len(parts), *(number for pair in directions for number in pair)))


def make_layout(schema: Schema, namespace: str, app: str) -> Layout:
    """The layout of a model within a namespace and an application."""
    tag = ".".join(text.translate(_RESERVED) for text in (app, schema.table, "0") if text)
    prefix = f"{namespace.translate(_RESERVED)}:{{{tag}}}:".encode()
    declared = _declared_indexes(schema)
    slots = make_slots(schema, declared)
    numbers = {(slot.field.name, slot.folded): number for number, slot in enumerate(slots, 1)}
    numbers[schema.primary_key.name, False] = KEY_SLOT
    indexes = (IndexLayout("pk", ()), *(_index(schema, index, slots, numbers) for index in declared))
    uniques = tuple(
        UniqueLayout(
            unique.name, unique.fields, tuple(numbers[name, False] for name in unique.fields), unique.nulls_distinct
        )
        for unique in schema.uniques
    )
    definition = _definition(schema, slots, indexes, uniques)
    keys = tuple(prefix + name for name in (b"s", b"mf", b"x", b"u"))
    key_kind = schema.primary_key.kind
    return Layout(
        schema=schema,
        prefix=prefix,
        slots=slots,
        indexes=indexes,
        uniques=uniques,
        keys=keys + tuple(prefix + b"i:" + index.name.encode() for index in indexes),
        code=_layout_code(slots, indexes, uniques),
        definition=definition,
        fingerprint=hashlib.sha1(definition, usedforsecurity=False).hexdigest()[:20].encode(),
        lifetime=b"" if schema.ttl is None else b"%d" % max(1, round(schema.ttl.total_seconds() * 1000)),
        encode_key=key_encoder(key_kind),
        decode_key=decoder(key_kind),
        dump_key=dump(key_kind),
    )


def _declared_indexes(schema: Schema) -> tuple[IndexInfo, ...]:
    """The model's indexes; a field both unique and indexed has one as well, for order and ranges."""
    both = tuple(
        IndexInfo((info.name,), (False,), f"{schema.table}_{info.column}_idx")
        for info in schema.fields
        if info.index and info.unique and not info.primary_key
    )
    of_fields = schema.indexes + tuple(
        index for index in both if index.name not in {each.name for each in schema.indexes}
    )
    return of_fields + tuple(index for index in schema.document_indexes if kept_index(schema, index))


def _index(
    schema: Schema, index: IndexInfo, slots: tuple[Slot, ...], numbers: dict[tuple[str, bool], int]
) -> IndexLayout:
    parts = []
    for name, descending in zip(index.fields, index.descending, strict=True):
        number = numbers[part_of(schema, index, name)]
        parts.append(Part(number, descending, number != KEY_SLOT and slots[number - 1].elements))
    return IndexLayout(index.name, tuple(parts))


def _layout_code(slots: tuple[Slot, ...], indexes: tuple[IndexLayout, ...], uniques: tuple[UniqueLayout, ...]) -> bytes:
    code = bytes((len(slots), len(indexes))) + b"".join(index.code for index in indexes)
    numbers = [len(uniques)]
    for unique in uniques:
        numbers += (unique.nulls_distinct, len(unique.slots), *unique.slots)
    return code + bytes(numbers)


def _definition(
    schema: Schema,
    slots: tuple[Slot, ...],
    indexes: tuple[IndexLayout, ...],
    uniques: tuple[UniqueLayout, ...],
) -> bytes:
    key = schema.primary_key
    described = {
        "format": FORMAT,
        "key": [key.column, type(plain_kind(key.kind)).__name__],
        "slots": [slot.definition for slot in slots],
        "indexes": [[index.name, list(index.code)] for index in indexes],
        "expires": schema.ttl is not None,
        "uniques": [[unique.name, list(unique.slots), unique.nulls_distinct] for unique in uniques],
    }
    return msgspec.json.encode(described)
