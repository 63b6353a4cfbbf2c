"""Buying, in the async colour: a basket in Redis, an invoice in MongoDB, a customer in SQL, behind repositories."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from examples.music_shop.models import Album, ArtistPlays, Basket, Customer, Invoice, InvoiceLine, Track
from polystore import F, Repository, Store


class BasketRepository(Repository[Basket]):
    """The baskets of customers, one each."""

    async def put(self, customer_id: int, track_ids: Iterable[int]) -> Basket:
        """Puts tracks into a customer's basket; it lives on for its whole time again."""
        key = f"customer-{customer_id}"
        basket = await self.query().aget_or_none(pk=key) or Basket(id=key, customer_id=customer_id)
        basket.track_ids = [*basket.track_ids, *track_ids]
        return await self.aupsert(basket)


class Checkout:
    """The service that sells.

    Args:
        store: the shop's store.
    """

    def __init__(self, store: Store) -> None:
        self.baskets = BasketRepository(store)
        self.customers = store.repository(Customer)
        self.invoices = store.repository(Invoice)
        self.tracks = store.repository(Track)
        self.albums = store.repository(Album)
        self.plays = store.repository(ArtistPlays)

    async def fill_baskets(self, number: int) -> list[Basket]:
        """The customers of the last invoices look at the same tracks again, all at once."""
        last = await self.invoices.aget_many(order_by=["-invoice_date", "-id"], limit=number)
        looked_at = {invoice.customer_id: [line.track_id for line in invoice.lines] for invoice in last}
        return await asyncio.gather(*(self.baskets.put(customer, tracks) for customer, tracks in looked_at.items()))

    async def buy(self, customer_id: int) -> Invoice:
        """Turns a customer's basket into an invoice and counts the artists' plays.

        Raises:
            Basket.DoesNotExist: the customer has none, or it has expired.
        """
        customer, basket = await asyncio.gather(
            self.customers.aget(customer_id), self.baskets.aget(f"customer-{customer_id}")
        )
        tracks = await self.tracks.query().ain_bulk(basket.track_ids)
        lines = [InvoiceLine(track_id=key, unit_price=tracks[key].unit_price, quantity=1) for key in basket.track_ids]
        invoice = await self.invoices.aadd(
            Invoice(
                customer_id=customer_id,
                invoice_date=datetime.now(UTC),
                billing_address=customer.address,
                billing_city=customer.city,
                billing_state=customer.state,
                billing_country=customer.country,
                billing_postal_code=customer.postal_code,
                lines=lines,
                total=sum((line.unit_price * line.quantity for line in lines), Decimal(0)),
            )
        )
        await self.baskets.adelete(basket.id)
        await self._count_plays(tracks[key] for key in basket.track_ids)
        return invoice

    async def _count_plays(self, tracks: Iterable[Track]) -> None:
        bought = list(tracks)
        albums = await self.albums.query().ain_bulk(track.album_id for track in bought)
        for artist_id, number in Counter(albums[track.album_id].artist_id for track in bought).items():
            known = await self.plays.aupdate_many({"plays": F("plays") + number}, artist_id=artist_id)
            if not known:
                await self.plays.aadd(ArtistPlays(artist_id=artist_id, plays=number))
