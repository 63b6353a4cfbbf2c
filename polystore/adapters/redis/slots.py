"""What manifests keep of a row: the encodings of fields, of what lies at paths, and of the elements of lists.

The slot of a list is NULL, or a byte that no encoding begins with, then each element once, in order, after three bytes
for its length. NULL within a list is no element.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from polystore.adapters.redis.keys import NULL, Encode, encode_folded_text, encoder
from polystore.query.evaluate.structures import step_into
from polystore.schema.document_indexes import holds_singles
from polystore.schema.kinds import Kind, ListKind, TextKind, is_container, plain_kind
from polystore.schema.model import FieldInfo, IndexInfo, Schema
from polystore.schema.paths import Attribute, PathInfo, target

LIST = b"\x04"


@dataclass(frozen=True, slots=True)
class Slot:
    """The encoding of a field, or of what lies at a path, that manifests keep.

    ``encode`` takes the value of the ``source``, the field of the row (never None); with ``elements`` the slot is that
    of a list.
    """

    field: FieldInfo
    folded: bool
    encode: Encode
    elements: bool = False

    @property
    def source(self) -> FieldInfo:
        """The field of the row that the slot is made from."""
        return self.field.root if isinstance(self.field, PathInfo) else self.field

    @property
    def definition(self) -> tuple[str, str, bool]:
        """What the slot is made from, as the server remembers it: place, kind, whether it is folded."""
        kind, place = plain_kind(self.field.kind), self.source.column
        if isinstance(self.field, PathInfo):
            place = ".".join([place, *(step.field.column for step in self.field.steps if isinstance(step, Attribute))])
        of = f" of {type(plain_kind(kind.item)).__name__}" if isinstance(kind, ListKind) else ""
        return place, type(kind).__name__ + of, self.folded


def is_same(held: FieldInfo, asked: FieldInfo) -> bool:
    """Whether both are the same field or the same path."""
    if isinstance(held, PathInfo) and isinstance(asked, PathInfo):
        return held.root is asked.root and held.steps == asked.steps
    return held is asked


def kept_index(schema: Schema, index: IndexInfo) -> bool:
    """Whether an index over documents is kept: none of its parts is JSON or leads through a list, a dict or JSON."""
    return all(_is_kept(_target(schema, name)) for name in index.fields)


def _is_kept(field: FieldInfo) -> bool:
    if isinstance(field, PathInfo) and not all(isinstance(step, Attribute) for step in field.steps):
        return False
    return not is_container(field.kind) or holds_singles(field.kind)


def _target(schema: Schema, name: str) -> FieldInfo:
    found = target(dict(schema.by_name), name)
    assert found is not None, "the schema refuses indexes over nothing"
    return found


def part_of(schema: Schema, index: IndexInfo, name: str) -> tuple[str, bool]:
    """What tells the slot of a part of an index: its name, and whether it is folded."""
    return name, index.casefold and isinstance(plain_kind(_target(schema, name).kind), TextKind)


def make_slots(schema: Schema, indexes: Iterable[IndexInfo]) -> tuple[Slot, ...]:
    """The slots of all that the indexes, the unique constraints and the version need."""
    plain = {name for unique in schema.uniques for name in unique.fields}
    folded: set[str] = set()
    paths: dict[tuple[str, bool], None] = {}
    for index in indexes:
        for name in index.fields:
            part = part_of(schema, index, name)
            if name not in schema.by_name:
                paths[part] = None
            elif part[1]:
                folded.add(name)
            else:
                plain.add(name)
    if schema.version is not None:
        plain.add(schema.version.name)
    fields = [info for info in schema.fields if not info.primary_key]
    return (
        *(_slot(info, False) for info in fields if info.name in plain),
        *(_slot(info, True) for info in schema.fields if info.name in folded),
        *(_slot(_target(schema, name), is_folded) for name, is_folded in paths),
    )


def _slot(field: FieldInfo, folded: bool) -> Slot:
    encode = encode_folded_text if folded else _encode(field.kind)
    if isinstance(field, PathInfo):
        encode = _at_path(field, encode)
    return Slot(field, folded, encode, isinstance(field.kind, ListKind))


def _encode(kind: Kind) -> Encode:
    return _list_encoder(encoder(kind.item)) if isinstance(kind, ListKind) else encoder(kind)


def _list_encoder(encode: Encode) -> Encode:
    def encode_list(items: Any) -> bytes:
        parts = [LIST]
        for element in sorted({encode(item) for item in items if item is not None}):
            parts += (len(element).to_bytes(3, "big"), element)
        return b"".join(parts)

    return encode_list


def _at_path(path: PathInfo, encode: Encode) -> Encode:
    steps = path.steps

    def encode_path(value: Any) -> bytes:
        for step in steps:
            value = step_into(value, step)
            if value is None:
                return NULL
        return encode(value)

    return encode_path
