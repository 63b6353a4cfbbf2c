"""SQLite: ``sqlite3`` on a file in WAL mode, and the same through one thread hop for the async colour."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.contender import Contender, Row
from benchmarks.items import FIRST_NEW, NAMES

_TABLE = """
    CREATE TABLE item (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL, description TEXT NOT NULL,
        quantity INTEGER NOT NULL, weight REAL NOT NULL, active INTEGER NOT NULL, price TEXT NOT NULL,
        created TEXT NOT NULL, attributes TEXT NOT NULL, owner_id INTEGER NOT NULL
    )
"""
_COLUMNS = ", ".join(NAMES)
_GET = f"SELECT {_COLUMNS} FROM item WHERE id = ?"
_FILTER = f"SELECT {_COLUMNS} FROM item WHERE owner_id = ?"
_FETCH = f"SELECT {_COLUMNS} FROM item WHERE id <= ?"
_INSERT = f"INSERT INTO item ({_COLUMNS}) VALUES ({', '.join('?' * len(NAMES))})"
_UPDATE = "UPDATE item SET quantity = ? WHERE id = ?"


class RawSqlite(Contender):
    """``sqlite3``: rows as the driver gives them."""

    name = "raw"

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{type(self).__name__}.db"

    def open(self) -> None:
        self._connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(_TABLE)
        self._connection.execute("CREATE INDEX item_owner ON item (owner_id)")

    def close(self) -> None:
        self._connection.close()

    def get(self, key: int) -> Any:
        return self._connection.execute(_GET, (key,)).fetchone()

    def filter(self, owner: int) -> Any:
        return self._connection.execute(_FILTER, (owner,)).fetchall()

    def fetch(self, last: int) -> Any:
        return self._connection.execute(_FETCH, (last,)).fetchall()

    def values(self, last: int) -> Any:
        return [dict(zip(NAMES, row, strict=True)) for row in self._connection.execute(_FETCH, (last,))]

    def insert(self, row: Row) -> None:
        self._connection.execute(_INSERT, _stored(row))

    def bulk(self, rows: list[Row]) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany(_INSERT, map(_stored, rows))
        self._connection.execute("COMMIT")

    def update(self, key: int, quantity: int) -> None:
        (found, *_) = self._connection.execute(_GET, (key,)).fetchone()
        self._connection.execute(_UPDATE, (quantity, found))

    def delete_new(self) -> None:
        self._connection.execute("DELETE FROM item WHERE id >= ?", (FIRST_NEW,))

    def plain(self, item: Any) -> Row:
        return _converted(item)

    def plain_values(self, values: Any) -> Row:
        return _converted(tuple(values.values()))


class SqliteByHand(RawSqlite):
    """``sqlite3`` with the conversions written by hand: what no layer can undercut."""

    name = "by hand"
    operations = ("get", "filter", "fetch", "values")

    def get(self, key: int) -> Any:
        row = self._connection.execute(_GET, (key,)).fetchone()
        return None if row is None else _converted(row)

    def filter(self, owner: int) -> Any:
        return [_converted(row) for row in self._connection.execute(_FILTER, (owner,))]

    def fetch(self, last: int) -> Any:
        return [_converted(row) for row in self._connection.execute(_FETCH, (last,))]

    values = fetch

    def plain(self, item: Any) -> Row:
        return dict(item)

    plain_values = plain


class AsyncRawSqlite(RawSqlite):
    """``sqlite3`` in a thread of its own: one hop for each operation."""

    def open(self) -> Any:
        self._thread = ThreadPoolExecutor(1)
        return self._hop(super().open)

    async def close(self) -> None:  # type: ignore[override]  # the async colour
        await self._hop(super().close)
        self._thread.shutdown()

    def _hop(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    async def get(self, key: int) -> Any:
        return await self._hop(super().get, key)

    async def filter(self, owner: int) -> Any:
        return await self._hop(super().filter, owner)

    async def fetch(self, last: int) -> Any:
        return await self._hop(super().fetch, last)

    async def values(self, last: int) -> Any:
        return await self._hop(super().values, last)

    async def insert(self, row: Row) -> None:  # type: ignore[override]  # the async colour
        await self._hop(super().insert, row)

    async def bulk(self, rows: list[Row]) -> None:  # type: ignore[override]  # the async colour
        await self._hop(super().bulk, rows)

    async def update(self, key: int, quantity: int) -> None:  # type: ignore[override]  # the async colour
        await self._hop(super().update, key, quantity)

    async def delete_new(self) -> None:  # type: ignore[override]  # the async colour
        await self._hop(super().delete_new)


def checkpoint(path: Path) -> None:
    """Moves what stands in the write-ahead log into the database."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _stored(row: Row) -> tuple[Any, ...]:
    return (
        row["id"],
        row["name"],
        row["category"],
        row["description"],
        row["quantity"],
        row["weight"],
        row["active"],
        str(row["price"]),
        row["created"].isoformat(),
        json.dumps(row["attributes"]),
        row["owner_id"],
    )


def _converted(row: tuple[Any, ...]) -> Row:
    key, name, category, description, quantity, weight, active, price, created, attributes, owner_id = row
    return {
        "id": key,
        "name": name,
        "category": category,
        "description": description,
        "quantity": quantity,
        "weight": weight,
        "active": bool(active),
        "price": Decimal(price),
        "created": datetime.fromisoformat(created),
        "attributes": msgspec.json.decode(attributes),
        "owner_id": owner_id,
    }
