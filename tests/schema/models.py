"""A model with a field of each kind, for the pure tests of schemas."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv6Interface
from typing import Any, Literal
from uuid import UUID

from bson import ObjectId
from pydantic import AnyUrl, AwareDatetime, HttpUrl, NaiveDatetime

from polystore import EmbeddedModel, Field, Model, field
from polystore.api.complete import schema_of


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Spot(EmbeddedModel):
    name: Field[str] = field(db_column="label")
    seen: Field[datetime | None] = field(default=None)
    price: Field[Decimal | None] = field(default=None, max_digits=6, decimal_places=2)
    colour: Field[Colour | None] = field(default=None)


class Trip(EmbeddedModel):
    start: Field[Spot]
    stops: Field[list[Spot]] = field(default_factory=list)
    prices: Field[dict[str, Decimal | None]] = field(default_factory=dict)


class Kinds(Model):
    flag: Field[bool | None] = field(default=None)
    number: Field[int | None] = field(default=None)
    real: Field[float | None] = field(default=None)
    price: Field[Decimal | None] = field(default=None, max_digits=6, decimal_places=2)
    places: Field[Decimal | None] = field(default=None, decimal_places=2)
    loose: Field[Decimal | None] = field(default=None)
    text: Field[str | None] = field(default=None, max_length=20)
    blob: Field[bytes | None] = field(default=None)
    day: Field[date | None] = field(default=None)
    at: Field[time | None] = field(default=None)
    moment: Field[datetime | None] = field(default=None)
    aware: Field[AwareDatetime | None] = field(default=None, precision="us")
    wall: Field[NaiveDatetime | None] = field(default=None)
    span: Field[timedelta | None] = field(default=None)
    uid: Field[UUID | None] = field(default=None)
    oid: Field[ObjectId | None] = field(default=None)
    colour: Field[Colour | None] = field(default=None)
    size: Field[Literal["s", "l"] | None] = field(default=None)
    address: Field[IPv4Address | None] = field(default=None)
    net: Field[IPv6Interface | None] = field(default=None)
    site: Field[AnyUrl | None] = field(default=None)
    page: Field[HttpUrl | None] = field(default=None)
    data: Field[Any] = field(default=None)
    bag: Field[dict[str, Any] | None] = field(default=None)
    tags: Field[list[str] | None] = field(default=None)
    holes: Field[list[int | None] | None] = field(default=None)
    grid: Field[list[list[float]] | None] = field(default=None)
    spans: Field[dict[str, timedelta] | None] = field(default=None)
    spot: Field[Spot | None] = field(default=None)
    trip: Field[Trip | None] = field(default=None)

    class Meta:
        table = "schema_kinds"


KINDS = schema_of(Kinds)
