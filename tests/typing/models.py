"""Models as users write them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid4

from polystore import EmbeddedModel, Field, Index, Model, UniqueConstraint, field


class Track(EmbeddedModel):
    name: Field[str] = field(max_length=200)
    seconds: Field[int] = field(ge=0)


class Artist(Model):
    name: Field[str | None] = field(default=None, max_length=120, index=True)


class Album(Model):
    title: Field[str] = field(max_length=160)
    artist_id: Field[int] = field(index=True)
    price: Field[Decimal | None] = field(default=None, max_digits=10, decimal_places=2)
    tags: Field[list[str]] = field(default_factory=list)
    tracks: Field[list[Track]] = field(default_factory=list)
    released: Field[datetime | None] = field(default=None)
    plays: int = 0

    class Meta:
        indexes = [Index("artist_id", "-title")]
        constraints = [UniqueConstraint("artist_id", "title")]


class Stamped(Model):
    created: Field[datetime] = field(auto_now_add=True)
    updated: Field[datetime] = field(auto_now=True, index=True)
    version: Field[int] = field(version=True)

    class Meta:
        abstract = True


class Session(Stamped):
    id: Field[UUID] = field(primary_key=True, default_factory=uuid4)
    user: Field[str] = field(unique=True)


class Setting(Model):
    key: Field[str] = field(primary_key=True, max_length=40)
    value: Field[dict[str, int]] = field(default_factory=dict)
