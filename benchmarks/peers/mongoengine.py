"""MongoEngine: documents in the blocking colour."""

from __future__ import annotations

from typing import Any

from mongoengine import (
    BooleanField,
    DateTimeField,
    Decimal128Field,
    DictField,
    Document,
    FloatField,
    LongField,
    StringField,
    connect,
    disconnect,
)

from benchmarks.contender import Contender, Row
from benchmarks.items import FIRST_NEW, NAMES


class Item(Document):  # type: ignore[misc]  # MongoEngine has no types
    """The measured document."""

    id = LongField(primary_key=True)
    name = StringField(required=True)
    category = StringField(required=True)
    description = StringField(required=True)
    quantity = LongField(required=True)
    weight = FloatField(required=True)
    active = BooleanField(required=True)
    price = Decimal128Field(required=True)
    created = DateTimeField(required=True)
    attributes = DictField()
    owner_id = LongField(required=True)

    meta = {"collection": "mongoengine_item", "indexes": ["owner_id"]}


class MongoEngine(Contender):
    """``Item.objects``."""

    name = "MongoEngine"

    def __init__(self, url: str, database: str) -> None:
        self._url = url
        self._database = database

    def open(self) -> None:
        connect(self._database, host=self._url, tz_aware=True)
        Item.drop_collection()
        Item.ensure_indexes()

    def close(self) -> None:
        Item.drop_collection()
        disconnect()

    def get(self, key: int) -> Any:
        try:
            return Item.objects.get(id=key)
        except Item.DoesNotExist:
            return None

    def filter(self, owner: int) -> Any:
        return list(Item.objects(owner_id=owner))

    def fetch(self, last: int) -> Any:
        return list(Item.objects(id__lte=last))

    def values(self, last: int) -> Any:
        return list(Item.objects(id__lte=last).scalar(*NAMES))

    def insert(self, row: Row) -> None:
        Item(**row).save(force_insert=True)

    def bulk(self, rows: list[Row]) -> None:
        Item.objects.insert([Item(**row) for row in rows], load_bulk=False)

    def update(self, key: int, quantity: int) -> None:
        item = Item.objects.get(id=key)
        item.quantity = quantity
        item.save()

    def delete_new(self) -> None:
        Item.objects(id__gte=FIRST_NEW).delete()

    def plain(self, item: Any) -> Row:
        return super().plain(item) | {"attributes": dict(item.attributes) | {"sizes": list(item.attributes["sizes"])}}

    def plain_values(self, values: Any) -> Row:
        row = dict(zip(NAMES, values, strict=True))
        return row | {"attributes": dict(row["attributes"]) | {"sizes": list(row["attributes"]["sizes"])}}
