"""What the shop keeps: a catalogue and people in SQL, invoices as documents, baskets and play counts in Redis.

References are key columns (``artist_id``), resolved with ``in_bulk`` and ``pk__in``.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from polystore import EmbeddedModel, Field, Index, Model, UniqueConstraint, field

BASKET_LIFETIME = timedelta(hours=2)

# ---- the catalogue


class Genre(Model):
    name: Field[str] = field(max_length=120, unique=True)


class MediaType(Model):
    name: Field[str] = field(max_length=120, unique=True)


class Artist(Model):
    name: Field[str] = field(max_length=120, unique=True)


class Album(Model):
    title: Field[str] = field(max_length=160, index=True)
    artist_id: Field[int] = field(index=True)


class Track(Model):
    """A song for sale. Its indexes are those that a store without ad-hoc queries needs for the shop's questions."""

    name: Field[str] = field(max_length=200, index=True)
    album_id: Field[int] = field(index=True)
    media_type_id: Field[int] = field(index=True)
    genre_id: Field[int]
    composer: Field[str | None] = field(max_length=220, index=True)
    milliseconds: Field[int] = field(index=True)
    bytes: Field[int]
    unit_price: Field[Decimal] = field(max_digits=10, decimal_places=2, index=True)

    class Meta:
        indexes = [Index("genre_id", "milliseconds")]


class Playlist(Model):
    name: Field[str] = field(max_length=120)


class PlaylistTrack(Model):
    playlist_id: Field[int] = field(index=True)
    track_id: Field[int] = field(index=True)

    class Meta:
        constraints = [UniqueConstraint("playlist_id", "track_id")]


# ---- people


class Person(Model):
    """What employees and customers have in common."""

    first_name: Field[str] = field(max_length=40)
    last_name: Field[str] = field(max_length=40)
    address: Field[str] = field(max_length=70)
    city: Field[str] = field(max_length=40)
    state: Field[str | None] = field(max_length=40)
    country: Field[str] = field(max_length=40, index=True)
    postal_code: Field[str | None] = field(max_length=10)
    phone: Field[str | None] = field(max_length=24)
    fax: Field[str | None] = field(max_length=24)
    email: Field[str] = field(max_length=60, unique=True)

    class Meta:
        abstract = True

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"


class Employee(Person):
    title: Field[str] = field(max_length=30)
    reports_to_id: Field[int | None]
    birth_date: Field[date]
    hire_date: Field[date]


class Customer(Person):
    company: Field[str | None] = field(max_length=80)
    support_rep_id: Field[int] = field(index=True)


# ---- sales: one document each


class InvoiceLine(EmbeddedModel):
    track_id: Field[int]
    unit_price: Field[Decimal] = field(max_digits=10, decimal_places=2)
    quantity: Field[int] = field(ge=1)


class Invoice(Model):
    customer_id: Field[int] = field(index=True)
    invoice_date: Field[datetime] = field(index=True)
    billing_address: Field[str] = field(max_length=70)
    billing_city: Field[str] = field(max_length=40)
    billing_state: Field[str | None] = field(max_length=40)
    billing_country: Field[str] = field(max_length=40, index=True)
    billing_postal_code: Field[str | None] = field(max_length=10)
    lines: Field[list[InvoiceLine]] = field(default_factory=list)
    total: Field[Decimal] = field(max_digits=10, decimal_places=2)

    class Meta:
        store = "documents"


# ---- what changes by the minute


class Basket(Model):
    """What a customer has picked and not bought; gone two hours after its last change."""

    id: Field[str] = field(primary_key=True, max_length=40)
    customer_id: Field[int] = field(index=True)
    track_ids: Field[list[int]] = field(default_factory=list)
    updated: Field[datetime] = field(auto_now=True, index=True)

    class Meta:
        store = "keys"
        ttl = BASKET_LIFETIME


class ArtistPlays(Model):
    """How often an artist's tracks were bought, kept ready to be ranked."""

    artist_id: Field[int] = field(primary_key=True)
    plays: Field[int] = field(default=0, ge=0, index=True)

    class Meta:
        store = "keys"
