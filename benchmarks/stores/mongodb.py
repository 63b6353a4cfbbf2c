"""MongoDB: ``PyMongo``, blocking and async."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Any

from bson import Decimal128
from pymongo import AsyncMongoClient, MongoClient

from benchmarks.contender import Contender, Row
from benchmarks.items import FIRST_NEW

DATABASE = "polystore_benchmarks"


class RawMongodb(Contender):
    """``MongoClient``: documents as the driver gives them."""

    name = "raw"

    def __init__(self, url: str) -> None:
        self._url = url

    def open(self) -> None:
        self._client: MongoClient[Row] = MongoClient(self._url)
        self._items = self._client[DATABASE]["raw_item"]
        self._items.drop()
        self._items.create_index("owner_id")

    def close(self) -> None:
        self._items.drop()
        self._client.close()

    def get(self, key: int) -> Any:
        return self._items.find_one({"_id": key})

    def filter(self, owner: int) -> Any:
        return self._items.find({"owner_id": owner}).to_list()

    def fetch(self, last: int) -> Any:
        return self._items.find({"_id": {"$lte": last}}).to_list()

    values = fetch

    def insert(self, row: Row) -> None:
        self._items.insert_one(_stored(row))

    def bulk(self, rows: list[Row]) -> None:
        self._items.insert_many([_stored(row) for row in rows])

    def update(self, key: int, quantity: int) -> None:
        document = self._items.find_one({"_id": key})
        assert document is not None
        self._items.update_one({"_id": document["_id"]}, {"$set": {"quantity": quantity}})

    def delete_new(self) -> None:
        self._items.delete_many({"_id": {"$gte": FIRST_NEW}})

    def plain(self, item: Any) -> Row:
        return _converted(item)

    plain_values = plain


class AsyncRawMongodb(Contender):
    """``AsyncMongoClient``."""

    name = "raw"

    def __init__(self, url: str) -> None:
        self._url = url

    async def open(self) -> None:
        self._client: AsyncMongoClient[Row] = AsyncMongoClient(self._url)
        self._items = self._client[DATABASE]["raw_item"]
        await self._items.drop()
        await self._items.create_index("owner_id")

    async def close(self) -> None:
        await self._items.drop()
        await self._client.close()

    async def get(self, key: int) -> Any:
        return await self._items.find_one({"_id": key})

    async def filter(self, owner: int) -> Any:
        return await self._items.find({"owner_id": owner}).to_list()

    async def fetch(self, last: int) -> Any:
        return await self._items.find({"_id": {"$lte": last}}).to_list()

    values = fetch

    async def insert(self, row: Row) -> None:
        await self._items.insert_one(_stored(row))

    async def bulk(self, rows: list[Row]) -> None:
        await self._items.insert_many([_stored(row) for row in rows])

    async def update(self, key: int, quantity: int) -> None:
        document = await self._items.find_one({"_id": key})
        assert document is not None
        await self._items.update_one({"_id": document["_id"]}, {"$set": {"quantity": quantity}})

    async def delete_new(self) -> None:
        await self._items.delete_many({"_id": {"$gte": FIRST_NEW}})

    def plain(self, item: Any) -> Row:
        return _converted(item)

    plain_values = plain


def _stored(row: Row) -> Row:
    document = {"_id": row["id"]} | row
    del document["id"]
    document["price"] = Decimal128(row["price"])
    return document


def _converted(document: Row) -> Row:
    row: Row = {"id": document["_id"]} | document
    del row["_id"]
    price = row["price"].to_decimal()
    assert isinstance(price, Decimal)
    return row | {"price": price, "created": row["created"].replace(tzinfo=UTC)}
