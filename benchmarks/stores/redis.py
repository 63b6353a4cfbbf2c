"""Redis: ``redis-py`` keeping an item as msgpack under its key, with sorted sets as indexes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import redis
import redis.asyncio

from benchmarks.contender import Contender, Row
from benchmarks.items import FIRST_NEW

_PREFIX = "polystore_benchmarks:raw:"
_KEYS = f"{_PREFIX}keys"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def _item(key: int) -> str:
    return f"{_PREFIX}item:{key}"


def _owner(owner: int) -> str:
    return f"{_PREFIX}owner:{owner}"


class RawRedis(Contender):
    """``redis.Redis``: GET, MGET and pipelines, and msgpack by hand."""

    name = "raw"

    def __init__(self, url: str) -> None:
        self._url = url

    def open(self) -> None:
        self._client: Any = redis.Redis.from_url(self._url)
        self._clear()

    def close(self) -> None:
        self._clear()
        self._client.close()

    def _clear(self) -> None:
        for key in self._client.scan_iter(f"{_PREFIX}*", count=1000):
            self._client.delete(key)

    def get(self, key: int) -> Any:
        body = self._client.get(_item(key))
        return None if body is None else _decode(body)

    def filter(self, owner: int) -> Any:
        keys = self._client.zrange(_owner(owner), 0, -1)
        return [_decode(body) for body in self._client.mget([_item(int(key)) for key in keys])]

    def fetch(self, last: int) -> Any:
        keys = self._client.zrange(_KEYS, "-inf", last, byscore=True)
        return [_decode(body) for body in self._client.mget([_item(int(key)) for key in keys])]

    values = fetch

    def insert(self, row: Row) -> None:
        with self._client.pipeline() as pipeline:
            _store(pipeline, row)
            pipeline.execute()

    def bulk(self, rows: list[Row]) -> None:
        with self._client.pipeline() as pipeline:
            for row in rows:
                _store(pipeline, row)
            pipeline.execute()

    def update(self, key: int, quantity: int) -> None:
        row = _decode(self._client.get(_item(key)))
        row["quantity"] = quantity
        self._client.set(_item(key), _encode(row))

    def delete_new(self) -> None:
        keys = [int(key) for key in self._client.zrange(_KEYS, FIRST_NEW, "+inf", byscore=True)]
        with self._client.pipeline() as pipeline:
            for row in map(_decode, self._client.mget([_item(key) for key in keys])):
                _forget(pipeline, row)
            pipeline.execute()

    def plain(self, item: Any) -> Row:
        return _converted(item)

    plain_values = plain


class AsyncRawRedis(Contender):
    """``redis.asyncio.Redis``."""

    name = "raw"

    def __init__(self, url: str) -> None:
        self._url = url

    async def open(self) -> None:
        self._client: Any = redis.asyncio.Redis.from_url(self._url)
        await self._clear()

    async def close(self) -> None:
        await self._clear()
        await self._client.aclose()

    async def _clear(self) -> None:
        async for key in self._client.scan_iter(f"{_PREFIX}*", count=1000):
            await self._client.delete(key)

    async def get(self, key: int) -> Any:
        body = await self._client.get(_item(key))
        return None if body is None else _decode(body)

    async def filter(self, owner: int) -> Any:
        keys = await self._client.zrange(_owner(owner), 0, -1)
        return [_decode(body) for body in await self._client.mget([_item(int(key)) for key in keys])]

    async def fetch(self, last: int) -> Any:
        keys = await self._client.zrange(_KEYS, "-inf", last, byscore=True)
        return [_decode(body) for body in await self._client.mget([_item(int(key)) for key in keys])]

    values = fetch

    async def insert(self, row: Row) -> None:
        async with self._client.pipeline() as pipeline:
            _store(pipeline, row)
            await pipeline.execute()

    async def bulk(self, rows: list[Row]) -> None:
        async with self._client.pipeline() as pipeline:
            for row in rows:
                _store(pipeline, row)
            await pipeline.execute()

    async def update(self, key: int, quantity: int) -> None:
        row = _decode(await self._client.get(_item(key)))
        row["quantity"] = quantity
        await self._client.set(_item(key), _encode(row))

    async def delete_new(self) -> None:
        keys = [int(key) for key in await self._client.zrange(_KEYS, FIRST_NEW, "+inf", byscore=True)]
        async with self._client.pipeline() as pipeline:
            for row in map(_decode, await self._client.mget([_item(key) for key in keys])):
                _forget(pipeline, row)
            await pipeline.execute()

    def plain(self, item: Any) -> Row:
        return _converted(item)

    plain_values = plain


def _store(pipeline: Any, row: Row) -> None:
    pipeline.set(_item(row["id"]), _encode(row))
    pipeline.zadd(_KEYS, {row["id"]: row["id"]})
    pipeline.zadd(_owner(row["owner_id"]), {row["id"]: row["id"]})


def _forget(pipeline: Any, row: Row) -> None:
    pipeline.delete(_item(row["id"]))
    pipeline.zrem(_KEYS, row["id"])
    pipeline.zrem(_owner(row["owner_id"]), row["id"])


def _converted(row: Row) -> Row:
    return row | {"price": Decimal(row["price"])}
