"""PostgreSQL: ``psycopg`` on one connection in autocommit mode."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from benchmarks.contender import Contender, Row
from benchmarks.items import FIRST_NEW, NAMES

_TABLE = """
    CREATE TABLE raw_item (
        id bigint PRIMARY KEY, name text NOT NULL, category text NOT NULL, description text NOT NULL,
        quantity bigint NOT NULL, weight double precision NOT NULL, active boolean NOT NULL,
        price numeric(10, 2) NOT NULL, created timestamptz NOT NULL, attributes jsonb NOT NULL, owner_id bigint NOT NULL
    )
"""
_INDEX = "CREATE INDEX raw_item_owner ON raw_item (owner_id)"
_DROP = "DROP TABLE IF EXISTS raw_item"
_COLUMNS = ", ".join(NAMES)
_GET = f"SELECT {_COLUMNS} FROM raw_item WHERE id = %s"
_FILTER = f"SELECT {_COLUMNS} FROM raw_item WHERE owner_id = %s"
_FETCH = f"SELECT {_COLUMNS} FROM raw_item WHERE id <= %s"
_INSERT = f"INSERT INTO raw_item ({_COLUMNS}) VALUES ({', '.join(['%s'] * len(NAMES))})"
_UPDATE = "UPDATE raw_item SET quantity = %s WHERE id = %s"
_DELETE = f"DELETE FROM raw_item WHERE id >= {FIRST_NEW}"


def driver_url(url: str) -> str:
    """The URL as psycopg takes it."""
    return url.replace("postgresql+psycopg:", "postgresql:", 1)


class RawPostgresql(Contender):
    """``psycopg``: its own types are the ones wanted."""

    name = "raw"

    def __init__(self, url: str) -> None:
        self._url = driver_url(url)

    def open(self) -> None:
        self._connection = psycopg.connect(self._url, autocommit=True)
        for statement in ("SET TIME ZONE 'UTC'", _DROP, _TABLE, _INDEX):
            self._connection.execute(statement)

    def close(self) -> None:
        self._connection.execute(_DROP)
        self._connection.close()

    def get(self, key: int) -> Any:
        return self._connection.execute(_GET, (key,)).fetchone()

    def filter(self, owner: int) -> Any:
        return self._connection.execute(_FILTER, (owner,)).fetchall()

    def fetch(self, last: int) -> Any:
        return self._connection.execute(_FETCH, (last,)).fetchall()

    def values(self, last: int) -> Any:
        return self._connection.cursor(row_factory=dict_row).execute(_FETCH, (last,)).fetchall()

    def insert(self, row: Row) -> None:
        self._connection.execute(_INSERT, _stored(row))

    def bulk(self, rows: list[Row]) -> None:
        with self._connection.transaction():
            self._connection.cursor().executemany(_INSERT, [_stored(row) for row in rows])

    def update(self, key: int, quantity: int) -> None:
        row = self._connection.execute(_GET, (key,)).fetchone()
        assert row is not None
        self._connection.execute(_UPDATE, (quantity, row[0]))

    def delete_new(self) -> None:
        self._connection.execute(_DELETE)

    def plain(self, item: Any) -> Row:
        return dict(zip(NAMES, item, strict=True))


class AsyncRawPostgresql(Contender):
    """``psycopg.AsyncConnection``."""

    name = "raw"

    def __init__(self, url: str) -> None:
        self._url = driver_url(url)

    async def open(self) -> None:
        self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        for statement in ("SET TIME ZONE 'UTC'", _DROP, _TABLE, _INDEX):
            await self._connection.execute(statement)

    async def close(self) -> None:
        await self._connection.execute(_DROP)
        await self._connection.close()

    async def get(self, key: int) -> Any:
        return await (await self._connection.execute(_GET, (key,))).fetchone()

    async def filter(self, owner: int) -> Any:
        return await (await self._connection.execute(_FILTER, (owner,))).fetchall()

    async def fetch(self, last: int) -> Any:
        return await (await self._connection.execute(_FETCH, (last,))).fetchall()

    async def values(self, last: int) -> Any:
        cursor = self._connection.cursor(row_factory=dict_row)
        return await (await cursor.execute(_FETCH, (last,))).fetchall()

    async def insert(self, row: Row) -> None:
        await self._connection.execute(_INSERT, _stored(row))

    async def bulk(self, rows: list[Row]) -> None:
        async with self._connection.transaction():
            await self._connection.cursor().executemany(_INSERT, [_stored(row) for row in rows])

    async def update(self, key: int, quantity: int) -> None:
        row = await (await self._connection.execute(_GET, (key,))).fetchone()
        assert row is not None
        await self._connection.execute(_UPDATE, (quantity, row[0]))

    async def delete_new(self) -> None:
        await self._connection.execute(_DELETE)

    def plain(self, item: Any) -> Row:
        return dict(zip(NAMES, item, strict=True))


def vacuum(url: str) -> None:
    """Does now what autovacuum would do in the middle of a round."""
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _stored(row: Row) -> tuple[Any, ...]:
    *simple, attributes, owner_id = row.values()
    return (*simple, Jsonb(attributes), owner_id)
