"""The indexes that a server keeps for a model: what to say to define them, and to build them anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from polystore.adapters.redis.keys import NULL
from polystore.adapters.redis.layout import KEY_SLOT, Layout
from polystore.adapters.redis.types import load
from polystore.adapters.redis.wire import make_call, pack, pack_fetch, pack_fetches
from polystore.errors import UniqueViolation

PAGE_SIZE = 200
LEASE = b"30000"


def pack_definition(layout: Layout, action: str, token: bytes = b"") -> bytes:
    """The command that defines a model, or begins, finishes or aborts the building of its indexes."""
    arguments = [action.encode(), layout.definition, token, LEASE]
    return make_call(layout, "define").packed(arguments)


def pack_removal(layout: Layout, former: bytes) -> bytes:
    """The command that removes indexes and unique keys, of the former definition too, but not the index of keys."""
    keys = [key for key in _index_keys(layout, former) if key != layout.key_index]
    gone = [layout.unique_keys] if layout.lifetime else [layout.unique_keys, layout.expiries]
    return pack(b"UNLINK", *gone, *keys)


def pack_drop(layout: Layout, former: bytes) -> bytes:
    """The command that removes all keys of a model but the bodies of its rows."""
    return pack(b"UNLINK", *dict.fromkeys((*layout.keys, *_index_keys(layout, former))))


def _index_keys(layout: Layout, former: bytes) -> list[bytes]:
    names = [index.name for index in layout.indexes]
    if former:
        names += [name for name, _ in msgspec.json.decode(former)["indexes"]]
    return [layout.index_key(name) for name in dict.fromkeys(names)]


def pack_page(layout: Layout, last: bytes) -> bytes:
    """The command that reads the next page of primary keys."""
    low = b"(" + last if last else b"-"
    return pack(b"ZRANGEBYLEX", layout.key_index, low, b"+", b"LIMIT", b"0", b"%d" % PAGE_SIZE)


def read_page(members: Sequence[bytes]) -> list[bytes]:
    """The encodings of the primary keys of a page."""
    return [member[:-2] for member in members]


class RowReader:
    """Reads the fields that indexes keep from the bodies of rows, and encodes them."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        sources = list(dict.fromkeys(slot.source for slot in layout.slots))
        self._fetch = pack_fetch(source.column for source in sources)
        self._loads = [load(source.kind) for source in sources]
        self._slots = [(sources.index(slot.source), slot.encode) for slot in layout.slots]

    def pack_fetches(self, identifiers: Sequence[bytes]) -> bytes:
        """The commands that read the rows."""
        return pack_fetches([self.layout.body_key_of(each) for each in identifiers], *self._fetch)

    def slots(self, stored: Sequence[bytes | None]) -> list[bytes]:
        """The slots of a row that was read."""
        values = [
            data if data is None or read is None else read(data)
            for data, read in zip(stored[1:], self._loads, strict=True)
        ]
        return [NULL if (value := values[place]) is None else encode(value) for place, encode in self._slots]

    def pack_rebuild(self, token: bytes, identifiers: Sequence[bytes], rows: Iterable[Sequence[bytes | None]]) -> bytes:
        """The command that indexes rows anew, and removes what is left of those whose bodies are gone."""
        arguments = [token, LEASE, b"%d" % len(identifiers)]
        gone = [NULL] * len(self.layout.slots)
        for identifier, row in zip(identifiers, rows, strict=True):
            version = row[0]
            arguments += (identifier, version or b"", *(gone if version is None else self.slots(row)))
        return make_call(self.layout, "rebuild").packed(arguments)


def pack_persist(layout: Layout, identifiers: Iterable[bytes]) -> bytes:
    """The commands that take the expiry from rows of a model that has none (any more)."""
    return b"".join(pack(b"PERSIST", layout.body_key_of(each)) for each in identifiers)


class Duplicates:
    """Watches for rows that share the value of a unique constraint."""

    def __init__(self, reader: RowReader) -> None:
        self._reader = reader
        self._seen = [set[bytes]() for _ in reader.layout.uniques]

    def refuse(self, identifiers: Sequence[bytes], rows: Iterable[Sequence[bytes | None]]) -> None:
        """Takes rows in.

        Raises:
            UniqueViolation: one shares its value with an earlier one.
        """
        layout = self._reader.layout
        for identifier, row in zip(identifiers, rows, strict=True):
            if row[0] is None:
                continue
            slots = {KEY_SLOT: identifier, **dict(enumerate(self._reader.slots(row), 1))}
            for unique, seen in zip(layout.uniques, self._seen, strict=True):
                values = [slots[slot] for slot in unique.slots]
                key = b"".join(values)
                if NULL in values and unique.nulls_distinct:
                    continue
                if key not in seen:
                    seen.add(key)
                    continue
                raise UniqueViolation(
                    f"{layout.schema.name}: rows share the same {', '.join(unique.fields)}, which is now to be unique; "
                    "change or delete them, then run create_all() again",
                    model=layout.schema.name,
                    fields=unique.fields,
                    constraint=unique.name,
                )


def pack_unlink(layout: Layout, identifiers: Iterable[bytes]) -> bytes:
    """The command that removes the bodies of rows."""
    return pack(b"UNLINK", *(layout.body_key_of(each) for each in identifiers))


def pack_read_definition(layout: Layout) -> bytes:
    """The command that asks for the definition that the server keeps."""
    return pack(b"HGET", layout.state_key, b"definition")
