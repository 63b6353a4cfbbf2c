"""How long text and bytes columns are: InnoDB's keys hold 3072 bytes, four to a character."""

from __future__ import annotations

from polystore.schema.kinds import BytesKind, DecimalKind, TextKind, plain_kind
from polystore.schema.model import Schema

KEY_BYTES = 3072
CHARACTER_BYTES = 4


def keys(schema: Schema) -> list[tuple[str, ...]]:
    """The fields of the primary key and of each unique constraint."""
    return [(schema.primary_key.name,), *(unique.fields for unique in schema.uniques)]


def room(schema: Schema, name: str) -> int | None:
    """The length of a text or bytes column; None for one without bound."""
    kind = plain_kind(schema.field(name).kind)
    if not isinstance(kind, TextKind | BytesKind):
        return None
    within = [key for key in keys(schema) if name in key]
    if kind.max_length is not None and (within or kind.max_length <= 255):
        return kind.max_length
    if not within:
        return None
    return min(_share(schema, key, isinstance(kind, TextKind)) for key in within)


def _share(schema: Schema, key: tuple[str, ...], text: bool) -> int:
    """What a field without max_length gets of a key's room: what the others leave, divided evenly."""
    unbounded = [name for name in key if _is_unbounded(schema, name)]
    taken = sum(key_bytes(schema, name, _max_length(schema, name)) for name in key if name not in unbounded)
    return (KEY_BYTES - taken) // len(unbounded) // (CHARACTER_BYTES if text else 1)


def _is_unbounded(schema: Schema, name: str) -> bool:
    kind = plain_kind(schema.field(name).kind)
    return isinstance(kind, TextKind | BytesKind) and kind.max_length is None


def _max_length(schema: Schema, name: str) -> int | None:
    kind = plain_kind(schema.field(name).kind)
    return kind.max_length if isinstance(kind, TextKind | BytesKind) else None


def key_bytes(schema: Schema, name: str, length: int | None) -> int:
    """What a field takes of a key's room, at the most."""
    match plain_kind(schema.field(name).kind):
        case TextKind():
            return (length or 0) * CHARACTER_BYTES
        case BytesKind():
            return length or 0
        case DecimalKind():
            return 160
        case _:
            return 24
