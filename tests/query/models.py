"""The models of the pure tests of queries: one field for each kind of value, and short ways to read a filter."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from ipaddress import IPv4Address
from itertools import count
from typing import Any
from uuid import UUID

from bson import ObjectId
from pydantic import AnyUrl, NaiveDatetime

from polystore import EmbeddedModel, Field, Model, field
from polystore.api.complete import schema_of
from polystore.query.names import names_of
from polystore.query.nodes import Condition
from polystore.query.reading import read_filter
from polystore.query.shapes import filter_shape
from polystore.query.simplify import simplify


class Mood(Enum):
    CALM = "calm"
    WILD = "wild"


class Level(IntEnum):
    LOW = 1
    HIGH = 20


class Grade(Enum):
    """Ints behind an enum that is no int itself."""

    GOOD = 1
    BEST = 2


class City(EmbeddedModel):
    name: Field[str]


class Sample(Model):
    """One nullable field for each kind of value."""

    code: Field[str] = field(unique=True)
    flag: Field[bool | None] = field(default=None)
    number: Field[int | None] = field(default=None)
    other: Field[int | None] = field(default=None)
    rank: Field[int] = field(default=0)
    real: Field[float | None] = field(default=None)
    amount: Field[Decimal | None] = field(default=None, max_digits=6, decimal_places=2)
    loose: Field[Decimal | None] = field(default=None)
    text: Field[str | None] = field(default=None)
    blob: Field[bytes | None] = field(default=None)
    day: Field[date | None] = field(default=None)
    at: Field[time | None] = field(default=None)
    moment: Field[datetime | None] = field(default=None)
    wall: Field[NaiveDatetime | None] = field(default=None)
    span: Field[timedelta | None] = field(default=None)
    uid: Field[UUID | None] = field(default=None)
    oid: Field[ObjectId | None] = field(default=None)
    mood: Field[Mood | None] = field(default=None)
    level: Field[Level | None] = field(default=None)
    grade: Field[Grade | None] = field(default=None)
    address: Field[IPv4Address | None] = field(default=None)
    site: Field[AnyUrl | None] = field(default=None)
    data: Field[Any] = field(default=None)
    tags: Field[list[str] | None] = field(default=None)
    sizes: Field[dict[str, int] | None] = field(default=None)
    city: Field[City | None] = field(default=None)
    cities: Field[list[City] | None] = field(default=None)

    class Meta:
        table = "query_sample"


class Ranked(Model):
    """An ordering of its own, and a unique pair."""

    name: Field[str]
    rank: Field[int | None] = field(default=None)

    class Meta:
        table = "query_ranked"
        ordering = ["-rank", "name"]
        unique_together = [("name", "rank")]


SAMPLE = schema_of(Sample)
RANKED = schema_of(Ranked)
EMPTY: dict[str, Any] = {info.name: None for info in SAMPLE.fields}
"""A row of ``Sample`` in which everything is NULL."""


def row(**values: Any) -> dict[str, Any]:
    """A row of ``Sample`` with these plain values, all else NULL."""
    return EMPTY | values


def shape_of(*conditions: Any, **lookups: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """The structure of a filter on ``Sample``, and its values."""
    values: list[Any] = []
    return filter_shape(SAMPLE, conditions, lookups, values), values


def condition_of(*conditions: Any, **lookups: Any) -> tuple[Condition, list[Any]]:
    """The simplified condition of a filter on ``Sample``, and its values."""
    shape, values = shape_of(*conditions, **lookups)
    return simplify(read_filter(names_of(SAMPLE), shape, count())), values
