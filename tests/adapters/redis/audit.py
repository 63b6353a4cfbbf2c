"""Whether everything that Redis keeps for a model fits together: bodies, manifests, indexes, unique keys, expiries."""

from __future__ import annotations

from typing import Any

from polystore.adapters.redis.adapter import RedisAdapter
from polystore.adapters.redis.definitions import RowReader
from polystore.adapters.redis.keys import NULL, invert
from polystore.adapters.redis.layout import Layout
from polystore.adapters.redis.slots import LIST
from polystore.schema.model import Schema
from tests.adapters.redis.conftest import driver


def audit(adapter: RedisAdapter, schema: Schema) -> int:
    """Compares what is kept with what the bodies say should be; the number of rows."""
    layout = adapter.find_layout(schema)
    raw = driver(adapter)
    try:
        return _audit(layout, raw)
    finally:
        raw.close()


def _audit(layout: Layout, raw: Any) -> int:
    prefix = layout.prefix
    bodies = set(raw("KEYS", prefix.replace(b"[", b"\\[") + b"e:*"))
    manifests = pairs(raw("HGETALL", prefix + b"mf"))
    assert {layout.body_key_of(identifier) for identifier in manifests} == bodies
    slots = {identifier: read_slots(layout, raw, identifier) for identifier in manifests}
    for identifier, manifest in manifests.items():
        assert manifest == expected_manifest(raw("HGET", layout.body_key_of(identifier), "_v"), slots[identifier])
    for index in layout.indexes:
        found = raw("ZRANGE", layout.index_key(index.name), 0, -1)
        wanted = sorted(each for identifier in manifests for each in members(index, identifier, slots[identifier]))
        assert found == wanted, index.name
    held = {}
    for number, unique in enumerate(layout.uniques, 1):
        for identifier in manifests:
            values = [identifier if slot == 0 else slots[identifier][slot - 1] for slot in unique.slots]
            if NULL not in values or not unique.nulls_distinct:
                held[b"%d:" % number + b"".join(values)] = identifier
    assert pairs(raw("HGETALL", prefix + b"u")) == held
    expiring = {identifier for identifier in manifests if raw("PTTL", layout.body_key_of(identifier)) != -1}
    assert set(raw("ZRANGE", prefix + b"x", 0, -1)) == expiring
    return len(manifests)


def pairs(flat: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def read_slots(layout: Layout, raw: Any, identifier: bytes) -> list[bytes]:
    columns = dict.fromkeys(slot.source.column for slot in layout.slots)
    return RowReader(layout).slots(raw("HMGET", layout.body_key_of(identifier), "_v", *columns))


def expected_manifest(version: bytes, slots: list[bytes]) -> bytes:
    parts = [bytes((len(version),)), version]
    for slot in slots:
        parts += (len(slot).to_bytes(3, "big"), slot)
    return b"".join(parts)


def members(index: Any, identifier: bytes, slots: list[bytes]) -> list[bytes]:
    starts = [b""]
    for part in index.parts:
        value = identifier if part.slot == 0 else slots[part.slot - 1]
        values = elements(value) if part.elements else [value]
        starts = [start + (invert(each) if part.descending else each) for start in starts for each in values]
    end = (invert(identifier) if index.descending else identifier) + len(identifier).to_bytes(2, "big")
    return [start + end for start in starts]


def elements(slot: bytes) -> list[bytes]:
    if slot == NULL:
        return [NULL]
    assert slot[:1] == LIST
    found, place = [], 1
    while place < len(slot):
        start = place + 3
        place = start + int.from_bytes(slot[place:start], "big")
        found.append(slot[start:place])
    assert found == sorted(set(found))
    return found or [LIST]
