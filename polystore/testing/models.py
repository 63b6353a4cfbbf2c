"""The models of the compliance suite: every kind of value, every kind of key, indexes for stores that need them.

A store that answers only from indexes can take part: what the tests filter and order by is indexed here, except in
``Bare``.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID, uuid4

from bson import ObjectId
from pydantic import AnyUrl, NaiveDatetime

from polystore import EmbeddedModel, Field, Index, Model, UniqueConstraint, field


class Mood(Enum):
    """An enum of texts."""

    CALM = "calm"
    WILD = "wild"


class Level(IntEnum):
    """An enum of ints, of which the order of values is not that of names."""

    LOW = 1
    HIGH = 20
    MIDDLE = 3


class City(EmbeddedModel):
    """The inner of two embedded models."""

    name: Field[str]
    founded: Field[date | None] = field(default=None)
    area: Field[Decimal | None] = field(default=None, max_digits=8, decimal_places=2)


class Person(EmbeddedModel):
    """An embedded model with an embedded model."""

    name: Field[str] = field(db_column="full_name")
    born: Field[datetime | None] = field(default=None)
    city: Field[City | None] = field(default=None)
    nicknames: Field[list[str]] = field(default_factory=list)


class Everything(Model):
    """One nullable field for each kind of value, all scalars indexed."""

    name: Field[str] = field(unique=True, max_length=200)
    flag: Field[bool | None] = field(default=None, index=True)
    number: Field[int | None] = field(default=None, index=True)
    other: Field[int | None] = field(default=None, index=True)
    rank: Field[int] = field(default=0, index=True)
    real: Field[float | None] = field(default=None, index=True)
    amount: Field[Decimal | None] = field(default=None, max_digits=12, decimal_places=2, index=True)
    exact: Field[Decimal | None] = field(default=None, max_digits=30, decimal_places=10, index=True)
    loose: Field[Decimal | None] = field(default=None, index=True)
    text: Field[str | None] = field(default=None, max_length=200, index=True)
    word: Field[str] = field(default="", max_length=200, index=True)
    blob: Field[bytes | None] = field(default=None, max_length=200, index=True)
    day: Field[date | None] = field(default=None, index=True)
    at: Field[time | None] = field(default=None, index=True)
    moment: Field[datetime | None] = field(default=None, precision="us", index=True)
    instant: Field[datetime | None] = field(default=None, index=True)
    wall: Field[NaiveDatetime | None] = field(default=None, precision="us", index=True)
    span: Field[timedelta | None] = field(default=None, index=True)
    uid: Field[UUID | None] = field(default=None, index=True)
    oid: Field[ObjectId | None] = field(default=None, index=True)
    mood: Field[Mood | None] = field(default=None, index=True)
    level: Field[Level | None] = field(default=None, index=True)
    address: Field[IPv4Address | None] = field(default=None, index=True)
    site: Field[AnyUrl | None] = field(default=None, index=True, max_length=200)
    data: Field[Any] = field(default=None)
    tags: Field[list[str] | None] = field(default=None)
    moments: Field[list[datetime] | None] = field(default=None)
    amounts: Field[dict[str, Decimal] | None] = field(default=None)
    person: Field[Person | None] = field(default=None)
    people: Field[list[Person]] = field(default_factory=list)

    class Meta:
        table = "compliance_everything"
        indexes = [
            Index("name"),
            Index("text", casefold=True),
            Index("word", casefold=True),
            Index("number", "name"),
            Index("-number", "name"),
            Index("rank", "-number"),
        ]


class Bare(Model):
    """No index but the primary key's."""

    name: Field[str] = field(max_length=200)
    number: Field[int | None] = field(default=None)

    class Meta:
        table = "compliance_bare"


class AutoKey(Model):
    """A key that the store allocates."""

    name: Field[str] = field(max_length=200, index=True)

    class Meta:
        table = "compliance auto.key-ö"


class IntKey(Model):
    """A key that the user gives."""

    id: Field[int] = field(primary_key=True)
    name: Field[str] = field(default="", max_length=200, index=True)

    class Meta:
        table = "compliance_int_key"


class TextKey(Model):
    """A text as key, under another name."""

    code: Field[str] = field(primary_key=True, max_length=200)
    name: Field[str] = field(default="", max_length=200, index=True)

    class Meta:
        table = "compliance_text_key"


class UuidKey(Model):
    """A UUID made here."""

    id: Field[UUID] = field(primary_key=True, default_factory=uuid4)
    name: Field[str] = field(default="", max_length=200, index=True)

    class Meta:
        table = "compliance_uuid_key"


class ObjectIdKey(Model):
    """An ObjectId made here."""

    id: Field[ObjectId] = field(primary_key=True, default_factory=ObjectId)
    name: Field[str] = field(default="", max_length=200, index=True)

    class Meta:
        table = "compliance_object_id_key"


class Unique(Model):
    """Unique fields and a unique pair."""

    name: Field[str] = field(max_length=200, unique=True)
    code: Field[int | None] = field(default=None, unique=True)
    left: Field[str | None] = field(default=None, max_length=200)
    right: Field[int | None] = field(default=None)

    class Meta:
        table = "compliance_unique"
        unique_together = [("left", "right")]


class Known(Model):
    """A key made here beside a unique field."""

    id: Field[UUID] = field(primary_key=True, default_factory=uuid4)
    name: Field[str] = field(max_length=200, unique=True)
    number: Field[int | None] = field(default=None, index=True)

    class Meta:
        table = "compliance_known"
        indexes = [Index("name")]


class Single(Model):
    """A unique pair in which NULL is a value like any other."""

    name: Field[str] = field(max_length=200, index=True)
    first: Field[int | None] = field(default=None)
    second: Field[int | None] = field(default=None)

    class Meta:
        table = "compliance_single"
        constraints = [UniqueConstraint("first", "second", nulls_distinct=False)]


class Checked(Model):
    """Constraints that validation holds."""

    name: Field[str] = field(max_length=5, min_length=1)
    stars: Field[int] = field(ge=1, le=5, default=3)
    price: Field[Decimal] = field(max_digits=5, decimal_places=2, default=Decimal(1))
    size: Field[str] = field(choices=[("s", "small"), ("l", "large")], default="s", max_length=1)
    note: Field[str | None] = field(default=None, pattern="^[a-z]*$", max_length=20)

    class Meta:
        table = "compliance_checked"


class Stamped(Model):
    """Moments that are set by themselves."""

    name: Field[str] = field(max_length=200, index=True)
    created: Field[datetime] = field(auto_now_add=True)
    updated: Field[datetime] = field(auto_now=True)
    touched: Field[date] = field(auto_now=True, default_factory=date.today)

    class Meta:
        table = "compliance_stamped"


class Versioned(Model):
    """A version, so that lost updates are refused."""

    name: Field[str] = field(max_length=200, index=True)
    plays: Field[int] = field(default=0)
    revision: Field[int] = field(version=True)

    class Meta:
        table = "compliance_versioned"


class Ranked(Model):
    """A default ordering."""

    name: Field[str] = field(max_length=200, db_column="full_name", index=True)
    rank: Field[int | None] = field(default=None, db_column="place")

    class Meta:
        table = "compliance_ranked"
        ordering = ["-rank", "name"]
        indexes = [Index("-rank", "name")]


class Expiring(Model):
    """Rows that live for a moment."""

    name: Field[str] = field(max_length=200, unique=True)

    class Meta:
        table = "compliance_expiring"
        ttl = timedelta(milliseconds=1200)


class Author(EmbeddedModel):
    """One field for each kind of value that is looked up within a document."""

    name: Field[str] = field(db_column="full_name")
    age: Field[int | None] = field(default=None)
    height: Field[float | None] = field(default=None)
    fee: Field[Decimal | None] = field(default=None, max_digits=12, decimal_places=2)
    loose: Field[Decimal | None] = field(default=None)
    alive: Field[bool | None] = field(default=None)
    born: Field[datetime | None] = field(default=None, precision="us")
    wall: Field[NaiveDatetime | None] = field(default=None, precision="us")
    day: Field[date | None] = field(default=None)
    at: Field[time | None] = field(default=None)
    span: Field[timedelta | None] = field(default=None)
    uid: Field[UUID | None] = field(default=None)
    blob: Field[bytes | None] = field(default=None)
    mood: Field[Mood | None] = field(default=None)
    level: Field[Level | None] = field(default=None)
    city: Field[City | None] = field(default=None)
    nicknames: Field[list[str] | None] = field(default=None)
    extra: Field[Any] = field(default=None)


class Line(EmbeddedModel):
    """An element of a list."""

    sku: Field[str] = field(default="")
    quantity: Field[int | None] = field(default=None)
    price: Field[Decimal | None] = field(default=None, max_digits=8, decimal_places=2)
    origin: Field[City | None] = field(default=None)
    marks: Field[list[int]] = field(default_factory=list)


class Document(Model):
    """Embedded models, lists, dicts and JSON, with indexes over what lies within."""

    name: Field[str] = field(unique=True, max_length=200)
    author: Field[Author | None] = field(default=None)
    maker: Field[Author] = field(default_factory=lambda: Author(name=""))
    lines: Field[list[Line]] = field(default_factory=list)
    tags: Field[list[str] | None] = field(default=None, index=True)
    numbers: Field[list[int] | None] = field(default=None, index=True)
    reals: Field[list[float] | None] = field(default=None)
    prices: Field[list[Decimal] | None] = field(default=None)
    moments: Field[list[datetime] | None] = field(default=None)
    flags: Field[list[bool] | None] = field(default=None)
    uids: Field[list[UUID] | None] = field(default=None)
    holes: Field[list[int | None] | None] = field(default=None)
    data: Field[Any] = field(default=None, index=True)
    amounts: Field[dict[str, Decimal] | None] = field(default=None)
    words: Field[dict[str, str] | None] = field(default=None)

    class Meta:
        table = "compliance_document"
        indexes = [
            Index("author__name"),
            Index("author__age"),
            Index("author__fee"),
            Index("author__born"),
            Index("author__city__name"),
            Index("name", "-author__age"),
        ]


MODELS: tuple[type[Model], ...] = (
    Everything,
    Bare,
    AutoKey,
    IntKey,
    TextKey,
    UuidKey,
    ObjectIdKey,
    Unique,
    Known,
    Single,
    Checked,
    Stamped,
    Versioned,
    Ranked,
    Document,
)
"""All but ``Expiring``, which only stores with ``Feature.TTL`` take."""
