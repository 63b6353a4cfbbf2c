"""Polystore: the same model and the same calls on every store."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from benchmarks.contender import Contender, Row
from benchmarks.items import FIRST_NEW, NAMES
from polystore import Field, Model, Store, field


class Item(Model):
    """The measured row."""

    id: Field[int] = field(primary_key=True)
    name: Field[str]
    category: Field[str]
    description: Field[str]
    quantity: Field[int]
    weight: Field[float]
    active: Field[bool]
    price: Field[Decimal] = field(max_digits=10, decimal_places=2)
    created: Field[datetime]
    attributes: Field[dict[str, Any]]
    owner_id: Field[int] = field(index=True)

    class Meta:
        """The table that no other contender has."""

        table = "polystore_item"


class Polystore(Contender):
    """A Store and ``Item.objects``."""

    name = "polystore"

    def __init__(self, url: str, **settings: Any) -> None:
        self._stores = {"default": {"url": url, **settings}}

    def open(self) -> None:
        self._store = Store(self._stores)
        self._store.drop_all([Item])
        self._store.create_all([Item])

    def close(self) -> None:
        self._store.drop_all([Item])
        self._store.close()

    def get(self, key: int) -> Any:
        return Item.objects.get_or_none(pk=key)

    def filter(self, owner: int) -> Any:
        return list(Item.objects.filter(owner_id=owner))

    def fetch(self, last: int) -> Any:
        return list(Item.objects.filter(id__lte=last))

    def values(self, last: int) -> Any:
        return list(Item.objects.filter(id__lte=last).values(*NAMES))

    def insert(self, row: Row) -> None:
        Item.objects.create(**row)

    def bulk(self, rows: list[Row]) -> None:
        Item.objects.bulk_create([Item(**row) for row in rows])

    def update(self, key: int, quantity: int) -> None:
        item = Item.objects.get(pk=key)
        item.quantity = quantity
        item.save()

    def delete_new(self) -> None:
        Item.objects.filter(id__gte=FIRST_NEW).delete()


class AsyncPolystore(Contender):
    """The async colour."""

    name = "polystore"

    def __init__(self, url: str, **settings: Any) -> None:
        self._stores = {"default": {"url": url, **settings}}

    async def open(self) -> None:
        self._store = Store(self._stores)
        await self._store.adrop_all([Item])
        await self._store.acreate_all([Item])

    async def close(self) -> None:
        await self._store.adrop_all([Item])
        await self._store.aclose()

    async def get(self, key: int) -> Any:
        return await Item.objects.aget_or_none(pk=key)

    async def filter(self, owner: int) -> Any:
        return await Item.objects.filter(owner_id=owner)

    async def fetch(self, last: int) -> Any:
        return await Item.objects.filter(id__lte=last)

    async def values(self, last: int) -> Any:
        return await Item.objects.filter(id__lte=last).values(*NAMES)

    async def insert(self, row: Row) -> None:
        await Item.objects.acreate(**row)

    async def bulk(self, rows: list[Row]) -> None:
        await Item.objects.abulk_create([Item(**row) for row in rows])

    async def update(self, key: int, quantity: int) -> None:
        item = await Item.objects.aget(pk=key)
        item.quantity = quantity
        await item.asave()

    async def delete_new(self) -> None:
        await Item.objects.filter(id__gte=FIRST_NEW).adelete()
