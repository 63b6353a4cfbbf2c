"""What type checkers infer of models, querysets, repositories and stores."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from datetime import datetime
from decimal import Decimal
from typing import Any, assert_type
from uuid import UUID

from polystore import (
    Avg,
    Case,
    Coalesce,
    Count,
    Exists,
    Extract,
    F,
    Lag,
    Lower,
    Max,
    Mod,
    Now,
    OuterRef,
    Q,
    QuerySet,
    RawQuerySet,
    Repository,
    RowNumber,
    RowRange,
    Store,
    Subquery,
    Sum,
    Trunc,
    Upper,
    Value,
    When,
    Window,
)
from polystore.query.functions import Column, Combined, Ordering
from tests.typing.models import Album, Artist, Session, Setting, Track


def columns() -> None:
    assert_type(Album.title, Column[str])
    assert_type(Album.artist_id, Column[int])
    assert_type(Album.price, Column[Decimal | None])
    assert_type(Album.tags, Column[list[str]])
    assert_type(Session.id, Column[UUID])
    assert_type(Session.updated, Column[datetime])
    assert_type(Artist.name, Column[str | None])


def conditions() -> None:
    assert_type(Album.title == "x", Q)
    assert_type(Album.title != "x", Q)
    assert_type(Album.artist_id > 3, Q)
    assert_type(Album.artist_id <= F("plays"), Q)
    assert_type(Album.tags.contains("live") & Album.tags.contains(["a"]) | Album.tags.overlap(["b"]), Q)
    assert_type(Setting.value.has_key("a") & Setting.value.has_any_keys(["a", "b"]), Q)
    assert_type(Album.title.icontains("rock") & (Album.artist_id < 9) | ~Album.title.startswith("A"), Q)
    assert_type(Artist.name.startswith("A"), Q)
    assert_type(Album.artist_id.in_([1, 2]), Q)
    assert_type(Album.price.isnull(), Q)
    assert_type(Album.price.range(Decimal(1), Decimal(2)), Q)
    assert_type(Album.title.desc(), Ordering)
    assert_type(Album.price.asc(nulls_last=True), Ordering)


def subqueries() -> None:
    albums = Album.objects.filter(artist_id=OuterRef("pk"))
    assert_type(Exists(albums), Exists)
    assert_type(~Exists(albums) | Q(name="x"), Q)
    title = Subquery(albums.order_by("title").values("title")[:1])
    assert_type(title, Subquery)
    assert_type(
        Artist.objects.filter(~Exists(albums), id__in=Album.objects.values("artist_id")), QuerySet[Artist, Artist]
    )
    assert_type(Artist.objects.annotate(title=title, there=Exists(albums)), QuerySet[Artist, Artist])
    assert_type(Artist.id.in_(albums.values_list("artist_id", flat=True)), Q)
    assert_type(Subquery(albums.values("id")[:1], output_field=float) + 1, Combined)
    list(Artist.objects.annotate(title=title).filter(Exists(albums)).order_by(title.desc()))


def instances() -> None:
    album = Album(title="Boston", artist_id=3, price=Decimal("9.99"), tracks=[Track(name="Foreplay", seconds=468)])
    assert_type(album.title, str)
    assert_type(album.artist_id, int)
    assert_type(album.price, Decimal | None)
    assert_type(album.tags, list[str])
    assert_type(album.tracks, list[Track])
    assert_type(album.tracks[0].seconds, int)
    assert_type(album.plays, int)
    album.title = "Boston (remastered)"
    album.price = None
    assert_type(album.save(), Album)
    assert_type(album.save(update_fields=["title"]), Album)
    assert_type(album.delete(), tuple[int, dict[str, int]])
    assert_type(album.model_dump(), dict[str, Any])
    session = Session(user="ada")
    assert_type(session.id, UUID)
    assert_type(session.created, datetime)
    assert_type(session.version, int)
    assert_type(Setting(key="volume", value={"left": 3}).value, dict[str, int])


def querysets() -> None:
    albums = (
        Album.objects.filter(Album.artist_id > 3, title__icontains="x").exclude(Q(price=None)).order_by(Album.title)
    )
    assert_type(albums, QuerySet[Album, Album])
    assert_type(albums[0], Album)
    assert_type(albums[2:5], QuerySet[Album, Album])
    assert_type(albums.reverse().distinct().only("title").all().none(), QuerySet[Album, Album])
    assert_type(albums.client(max_rows=10).using("other"), QuerySet[Album, Album])
    assert_type(list(albums), list[Album])
    assert_type([album.title for album in albums], list[str])
    assert_type(albums.count(), int)
    assert_type(albums.exists(), bool)
    assert_type(albums.update(title="x", plays=F("plays") + 1), int)
    assert_type(albums.explain(), str)
    assert_type(albums.select_for_update(skip_locked=True), QuerySet[Album, Album])
    assert_type(albums.in_bulk([1, 2]), dict[Any, Album])
    assert_type(albums.iterator(chunk_size=10), Generator[Album, None, None])


def raw() -> None:
    assert_type(Album.objects.raw("SELECT * FROM album WHERE id = :1", [1]), RawQuerySet[Album])
    assert_type(Album.objects.raw([{"$match": {"title": "x"}}])[0], Album)


def one() -> None:
    assert_type(Album.objects.get(pk=1), Album)
    assert_type(Album.objects.get_or_none(Album.title == "x"), Album | None)
    assert_type(Album.objects.first(), Album | None)
    assert_type(Album.objects.order_by("title").last(), Album | None)
    assert_type(Album.objects.create(title="one", artist_id=1), Album)
    assert_type(Album.objects.bulk_create([Album(title="two", artist_id=1)]), list[Album])
    two = Album.objects.upsert(
        Album(title="two", artist_id=1), unique_fields=("artist_id", "title"), update_fields=["plays"]
    )
    assert_type(two, Album)
    merged = Album.objects.bulk_create([two], update_conflicts=True, unique_fields=["id"], update_fields=["plays"])
    assert_type(merged, list[Album])
    assert_type(Album.objects.bulk_update([two], ["title"], batch_size=5), int)
    assert_type(Album.objects.get_or_create({"plays": lambda: 3}, pk=two.pk), tuple[Album, bool])
    assert_type(Album.objects.update_or_create({"plays": 3}, {"plays": 4}, pk=two.pk), tuple[Album, bool])
    assert_type(Album.objects.all().delete(), tuple[int, dict[str, int]])


def projections() -> None:
    assert_type(Album.objects.values("title"), QuerySet[Album, dict[str, Any]])
    assert_type(Album.objects.values("title").get(pk=1), dict[str, Any])
    assert_type(Album.objects.values_list("title", "price"), QuerySet[Album, tuple[Any, ...]])
    assert_type(Album.objects.values_list("title", flat=True), QuerySet[Album, Any])
    assert_type(Album.objects.values_list(Album.title, flat=True), QuerySet[Album, str])
    assert_type(list(Album.objects.values_list(Album.price, flat=True)), list[Decimal | None])
    assert_type(Album.objects.values_list(Album.title), QuerySet[Album, tuple[str]])
    assert_type(Album.objects.values_list(Album.title, Album.price).first(), tuple[str, Decimal | None] | None)
    assert_type(
        list(Album.objects.values_list(Album.title, Album.artist_id, Album.tags)),
        list[tuple[str, int, list[str]]],
    )
    assert_type(Album.objects.values_list(Album.title, "price"), QuerySet[Album, tuple[Any, ...]])
    assert_type(list(Album.objects.values("title").filter(plays=1)), list[dict[str, Any]])
    assert_type(Album.objects.values_list("title").first(), tuple[Any, ...] | None)


def expressions() -> None:
    assert_type(F("plays") + 1, Combined)
    assert_type(Sum("plays") / Count("*"), Combined)
    assert_type(Mod("plays", 2), Combined)
    assert_type(Lower("title").desc(), Ordering)
    size = Case(When(Album.artist_id > 3, plays__lt=2, then=Value("rare")), default=Upper("title"))
    albums = Album.objects.annotate(size=size, late=Q(price=None)).alias(low=Lower(Album.title)).filter(low="x")
    assert_type(albums, QuerySet[Album, Album])
    assert_type(
        albums.order_by(Lower("title"), "-size", Album.title, F("plays").desc(nulls_last=True)).first(), Album | None
    )
    assert_type(albums.values("title", up=Upper("title")), QuerySet[Album, dict[str, Any]])
    assert_type(albums.values_list("title", Coalesce("price", 0)), QuerySet[Album, tuple[Any, ...]])
    assert_type(albums.values_list(Lower("title"), flat=True), QuerySet[Album, Any])
    assert_type(albums.filter(plays__lt=F("artist_id") + 1).update(title=Lower("title")), int)


def groups() -> None:
    grouped = Album.objects.values("artist_id").annotate(n=Count("*"), plays_most=Max("plays"))
    assert_type(grouped, QuerySet[Album, dict[str, Any]])
    assert_type(grouped.filter(n__gt=1).order_by("-n").first(), dict[str, Any] | None)
    assert_type(grouped.aggregate(Avg("n"), top=Max("n")), dict[str, Any])
    assert_type(Album.objects.aggregate(n=Count("*", filter=Q(plays=1)), total=Sum("plays", default=0)), dict[str, Any])
    assert_type(
        Session.objects.values(month=Trunc("updated", "month")).annotate(n=Count("*"), y=Extract(Now(), "year")),
        QuerySet[Session, dict[str, Any]],
    )


def windows() -> None:
    place = Window(RowNumber(), partition_by="artist_id", order_by=Album.title.desc())
    running = Window(Sum("plays", default=0), "artist_id", ["-plays", "title"], RowRange(-1, 0))
    query = Album.objects.annotate(place=place, running=running, before=Window(Lag("plays", 2, 0), order_by="title"))
    assert_type(query, QuerySet[Album, Album])
    assert_type(query.filter(place=1).values_list("title", flat=True), QuerySet[Album, Any])
    assert_type(Album.objects.distinct("artist_id").order_by("artist_id", "?")[:3], QuerySet[Album, Album])


def combinations() -> None:
    assert_type(Album.objects.filter(plays=1).union(Album.objects.all(), all=True), QuerySet[Album, Album])
    names = Album.objects.values("title").difference(Artist.objects.values_list("name"), Artist.objects.values("name"))
    assert_type(names, QuerySet[Album, dict[str, Any]])
    assert_type(names.intersection(names).order_by("title")[:2], QuerySet[Album, dict[str, Any]])


async def other_colour() -> None:
    assert_type(await Album.objects.aaggregate(n=Count("*")), dict[str, Any])
    assert_type(await Album.objects.aget(pk=1), Album)
    assert_type(await Album.objects.aget_or_none(pk=1), Album | None)
    assert_type(await Album.objects.all(), list[Album])
    assert_type(await Album.objects.values("title").alist(), list[dict[str, Any]])
    assert_type(await Album.objects.acount(), int)
    assert_type(Album.objects.aiterator(), AsyncGenerator[Album, None])
    assert_type([album.title async for album in Album.objects.all()], list[str])
    assert_type(await Album.objects.all().ain_bulk([1]), dict[Any, Album])
    assert_type(await Album(title="three", artist_id=1).asave(), Album)
    assert_type(await Album.objects.aupsert(Album(title="two", artist_id=1)), Album)
    assert_type(await Album.objects.abulk_create([], ignore_conflicts=True), list[Album])
    assert_type(await Album.objects.abulk_update([], ["title"]), int)


class AlbumRepository(Repository[Album]):
    def of(self, artist_id: int) -> list[Album]:
        return self.get_many(Album.artist_id == artist_id, order_by=[Album.title.desc(), "pk"], limit=10)


async def repositories(store: Store) -> None:
    albums = AlbumRepository(store)
    assert_type(albums.of(3), list[Album])
    assert_type(albums.get(3), Album)
    assert_type(albums.get_one_or_none(title="x"), Album | None)
    assert_type(albums.get_many_and_count(limit=3), tuple[list[Album], int])
    assert_type(albums.query(plays=1), QuerySet[Album, Album])
    assert_type(albums.add(Album(title="x", artist_id=1)), Album)
    assert_type(albums.get_or_upsert(["title"], title="x", artist_id=1), tuple[Album, bool])
    assert_type(albums.upsert_many([Album(title="x", artist_id=1)]), list[Album])
    assert_type(await albums.aupsert(Album(title="x", artist_id=1)), Album)
    assert_type(albums.delete_where(Album.artist_id == 0), int)
    assert_type(store.repository(Session), Repository[Session])
    assert_type(await store.repository(Session).aget(UUID(int=1)), Session)


def stores() -> None:
    with Store({"default": "memory://"}, routes={"Album": "default"}) as store:
        assert_type(store, Store)
        store.create_all([Album, Artist])
    try:
        Album.objects.get(pk=1)
    except Album.DoesNotExist as error:
        assert_type(error.args, tuple[Any, ...])
    except (Album.MultipleObjectsReturned, Session.DoesNotExist):
        raise
