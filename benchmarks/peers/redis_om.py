"""Redis OM: hashes by key. Its queries need a module that plain Redis has not, and a hash holds no dict."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import aredis_om
import msgspec
import redis
import redis.asyncio
import redis_om

from benchmarks.contender import Contender, Row
from benchmarks.items import FIRST_NEW

_PREFIX = "polystore_benchmarks:redis_om"
_OPERATIONS = ("get", "insert", "bulk", "update")


class Item(redis_om.HashModel, index=True):  # type: ignore[misc,call-arg]  # Redis OM has no types
    """The measured hash."""

    id: int = redis_om.Field(primary_key=True)
    name: str
    category: str
    description: str
    quantity: int
    weight: float
    active: bool
    price: Decimal
    created: datetime
    attributes: str
    owner_id: int = redis_om.Field(index=True)

    class Meta:
        """Keys that no other contender has."""

        global_key_prefix = _PREFIX


class AsyncItem(aredis_om.HashModel, index=True):  # type: ignore[misc,call-arg]  # Redis OM has no types
    """The measured hash of the async colour."""

    id: int = aredis_om.Field(primary_key=True)
    name: str
    category: str
    description: str
    quantity: int
    weight: float
    active: bool
    price: Decimal
    created: datetime
    attributes: str
    owner_id: int = aredis_om.Field(index=True)

    class Meta:
        """Keys that no other contender has."""

        global_key_prefix = _PREFIX


class RedisOm(Contender):
    """``HashModel``."""

    name = "redis-om"
    operations = _OPERATIONS

    def __init__(self, url: str) -> None:
        self._url = url

    def open(self) -> None:
        self._client = Item._meta.database = redis.Redis.from_url(self._url, decode_responses=True)
        self._new: list[int] = []

    def close(self) -> None:
        for key in self._client.scan_iter(f"{_PREFIX}*", count=1000):
            self._client.delete(key)
        self._client.close()

    def get(self, key: int) -> Any:
        try:
            return Item.get(key)
        except redis_om.NotFoundError:
            return None

    def insert(self, row: Row) -> None:
        Item(**_stored(row)).save()
        self._new.append(row["id"])

    def bulk(self, rows: list[Row]) -> None:
        Item.add([Item(**_stored(row)) for row in rows])
        self._new.extend(row["id"] for row in rows)

    def update(self, key: int, quantity: int) -> None:
        item = Item.get(key)
        item.quantity = quantity
        item.save()

    def delete_new(self) -> None:
        for key in self._new:
            if key >= FIRST_NEW:
                Item.delete(key)
        self._new.clear()

    def plain(self, item: Any) -> Row:
        return super().plain(item) | {"attributes": msgspec.json.decode(item.attributes)}


class AsyncRedisOm(Contender):
    """``aredis_om.HashModel``."""

    name = "redis-om"
    operations = _OPERATIONS

    def __init__(self, url: str) -> None:
        self._url = url

    async def open(self) -> None:
        self._client = AsyncItem._meta.database = redis.asyncio.Redis.from_url(self._url, decode_responses=True)
        self._new: list[int] = []

    async def close(self) -> None:
        async for key in self._client.scan_iter(f"{_PREFIX}*", count=1000):
            await self._client.delete(key)
        await self._client.aclose()

    async def get(self, key: int) -> Any:
        try:
            return await AsyncItem.get(key)
        except aredis_om.NotFoundError:
            return None

    async def insert(self, row: Row) -> None:
        await AsyncItem(**_stored(row)).save()
        self._new.append(row["id"])

    async def bulk(self, rows: list[Row]) -> None:
        await AsyncItem.add([AsyncItem(**_stored(row)) for row in rows])
        self._new.extend(row["id"] for row in rows)

    async def update(self, key: int, quantity: int) -> None:
        item = await AsyncItem.get(key)
        item.quantity = quantity
        await item.save()

    async def delete_new(self) -> None:
        for key in self._new:
            if key >= FIRST_NEW:
                await AsyncItem.delete(key)
        self._new.clear()

    def plain(self, item: Any) -> Row:
        return super().plain(item) | {"attributes": msgspec.json.decode(item.attributes)}


def _stored(row: Row) -> Row:
    return row | {"attributes": msgspec.json.encode(row["attributes"]).decode()}
