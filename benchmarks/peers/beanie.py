"""Beanie: pydantic documents in the async colour."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from beanie import DecimalAnnotation, Document, Indexed, init_beanie
from pymongo import AsyncMongoClient

from benchmarks.contender import Contender, Row
from benchmarks.items import FIRST_NEW


class Item(Document):
    """The measured document."""

    id: int  # type: ignore[assignment]  # a key of our own in place of an ObjectId
    name: str
    category: str
    description: str
    quantity: int
    weight: float
    active: bool
    price: DecimalAnnotation
    created: datetime
    attributes: dict[str, Any]
    owner_id: Annotated[int, Indexed()]

    class Settings:
        """The collection that no other contender has."""

        name = "beanie_item"


class Beanie(Contender):
    """``Item.find``."""

    name = "Beanie"

    def __init__(self, url: str, database: str) -> None:
        self._url = url
        self._database = database

    async def open(self) -> None:
        self._client: AsyncMongoClient[Row] = AsyncMongoClient(self._url, tz_aware=True)
        database = self._client[self._database]
        await database.drop_collection("beanie_item")
        await init_beanie(database=database, document_models=[Item])

    async def close(self) -> None:
        await self._client[self._database].drop_collection("beanie_item")
        await self._client.close()

    async def get(self, key: int) -> Any:
        return await Item.get(key)

    async def filter(self, owner: int) -> Any:
        return await Item.find(Item.owner_id == owner).to_list()

    async def fetch(self, last: int) -> Any:
        return await Item.find(Item.id <= last).to_list()

    operations = ("get", "filter", "fetch", "insert", "bulk", "update")

    async def insert(self, row: Row) -> None:
        await Item(**row).insert()

    async def bulk(self, rows: list[Row]) -> None:
        await Item.insert_many([Item(**row) for row in rows])

    async def update(self, key: int, quantity: int) -> None:
        item = await Item.get(key)
        assert item is not None
        item.quantity = quantity
        await item.replace()

    async def delete_new(self) -> None:
        await Item.find(Item.id >= FIRST_NEW).delete()
