"""The ORM of Django outside of a web server, and its async methods."""

from __future__ import annotations

from typing import Any

import django
from asgiref.sync import sync_to_async
from django.conf import settings

from benchmarks.contender import Contender, Row
from benchmarks.items import FIRST_NEW, NAMES

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[],
    USE_TZ=True,
    TIME_ZONE="UTC",
)
django.setup()

from django.db import connections, models  # noqa: E402  # after the setup


class Item(models.Model):
    """The measured row."""

    id = models.BigIntegerField(primary_key=True)
    name = models.TextField()
    category = models.TextField()
    description = models.TextField()
    quantity = models.BigIntegerField()
    weight = models.FloatField()
    active = models.BooleanField()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    created = models.DateTimeField()
    attributes = models.JSONField()
    owner_id = models.BigIntegerField(db_index=True)

    class Meta:
        """The table that no other contender has."""

        app_label = "benchmarks"
        db_table = "django_item"


class Django(Contender):
    """``Item.objects`` on a connection that stays open."""

    name = "Django"

    def __init__(self, database: dict[str, Any]) -> None:
        self._database = database

    def open(self) -> None:
        self._alias = _configure(self._database)
        self._items = Item.objects.using(self._alias)
        _make_table(self._alias)

    def close(self) -> None:
        with connections[self._alias].schema_editor() as editor:
            editor.delete_model(Item)
        connections[self._alias].close()

    def get(self, key: int) -> Any:
        try:
            return self._items.get(pk=key)
        except Item.DoesNotExist:
            return None

    def filter(self, owner: int) -> Any:
        return list(self._items.filter(owner_id=owner))

    def fetch(self, last: int) -> Any:
        return list(self._items.filter(id__lte=last))

    def values(self, last: int) -> Any:
        return list(self._items.filter(id__lte=last).values(*NAMES))

    def insert(self, row: Row) -> None:
        self._items.create(**row)

    def bulk(self, rows: list[Row]) -> None:
        self._items.bulk_create([Item(**row) for row in rows])

    def update(self, key: int, quantity: int) -> None:
        item = self._items.get(pk=key)
        item.quantity = quantity
        item.save(update_fields=["quantity"])

    def delete_new(self) -> None:
        self._items.filter(id__gte=FIRST_NEW).delete()


class AsyncDjango(Contender):
    """The methods that begin with "a"."""

    name = "Django"

    def __init__(self, database: dict[str, Any]) -> None:
        self._blocking = Django(database)

    async def open(self) -> None:
        await _in_its_thread(self._blocking.open)
        self._items = self._blocking._items

    async def close(self) -> None:
        await _in_its_thread(self._blocking.close)

    async def get(self, key: int) -> Any:
        try:
            return await self._items.aget(pk=key)
        except Item.DoesNotExist:
            return None

    async def filter(self, owner: int) -> Any:
        return [item async for item in self._items.filter(owner_id=owner)]

    async def fetch(self, last: int) -> Any:
        return [item async for item in self._items.filter(id__lte=last)]

    async def values(self, last: int) -> Any:
        return [row async for row in self._items.filter(id__lte=last).values(*NAMES)]

    async def insert(self, row: Row) -> None:
        await self._items.acreate(**row)

    async def bulk(self, rows: list[Row]) -> None:
        await self._items.abulk_create([Item(**row) for row in rows])

    async def update(self, key: int, quantity: int) -> None:
        item = await self._items.aget(pk=key)
        item.quantity = quantity
        await item.asave(update_fields=["quantity"])

    async def delete_new(self) -> None:
        await self._items.filter(id__gte=FIRST_NEW).adelete()


def _configure(database: dict[str, Any]) -> str:
    """Adds a database to Django's; it is finished from the defaults of a fresh handler."""
    alias = f"database_{len(connections.settings)}"
    connections.settings[alias] = dict(connections.settings["default"]) | {"CONN_MAX_AGE": None} | database
    return alias


def _make_table(alias: str) -> None:
    with connections[alias].schema_editor() as editor:
        if Item._meta.db_table in connections[alias].introspection.table_names():
            editor.delete_model(Item)
    with connections[alias].schema_editor() as editor:
        editor.create_model(Item)


async def _in_its_thread(function: Any) -> None:
    await sync_to_async(function)()
