"""Wrong uses that both type checkers must catch: an ignore that silences nothing is an error."""
# pyright: reportUnnecessaryTypeIgnoreComment=true
# ruff: noqa: B015, B018

from __future__ import annotations

from polystore import (
    Case,
    Coalesce,
    Count,
    EmbeddedModel,
    Exists,
    F,
    Field,
    Lower,
    Model,
    OuterRef,
    Repository,
    Subquery,
    Substr,
    Sum,
    Trunc,
    When,
    Window,
    field,
)
from tests.typing.models import Album, Artist, Session, Setting, Track


class Misdeclared(Model):
    size: Field[int] = field(indexed=True)  # type: ignore[call-overload]  # the option is called index
    name: Field[str] = field(max_length="10")  # type: ignore[call-overload]  # not a number
    note: Field[str] = "none"  # type: ignore[assignment]  # a default is given by field(default="none")


def subqueries() -> None:
    Exists(Album)  # type: ignore[arg-type]  # a model, not a queryset
    Subquery([1, 2])  # type: ignore[arg-type]  # a list
    Subquery(Album.objects.values("id"), output_field="int")  # type: ignore[arg-type]  # not a type
    OuterRef(3)  # type: ignore[arg-type]  # not a name
    Artist.objects.filter(Subquery(Album.objects.values("id")))  # type: ignore[arg-type]  # a value is no condition


def constructors() -> None:
    Album(title="x")  # type: ignore[call-arg]  # artist_id is missing
    Album(title=3, artist_id=1)  # type: ignore[arg-type]  # not a str
    Album(title="x", artist_id=1, artist=2)  # type: ignore[call-arg]  # no such field
    Album("x", 1)  # type: ignore[call-arg,arg-type]  # by keyword only
    Track(name="x", seconds="3")  # type: ignore[arg-type]  # not an int
    Setting(key="x", value={"left": "3"})  # type: ignore[dict-item]  # not an int


def attributes(album: Album) -> None:
    album.title = 3  # type: ignore[assignment]  # not a str
    album.title = None  # type: ignore[assignment]  # not optional
    album.titel  # type: ignore[attr-defined]  # no such field
    Album.titel  # type: ignore[attr-defined]  # no such field
    album.title.icontains("x")  # type: ignore[attr-defined]  # an instance has values, not columns
    album.objects  # type: ignore[arg-type]  # queries begin at the class


def conditions() -> None:
    Album.artist_id > "3"  # type: ignore[operator]  # not an int
    Album.title < 3  # type: ignore[operator]  # not a str
    Album.artist_id.in_(["3"])  # type: ignore[list-item]  # not ints
    Album.artist_id.range("a", "b")  # type: ignore[arg-type]  # not ints
    Album.artist_id.icontains("3")  # type: ignore[misc]  # text only
    Album.title.icontains(3)  # type: ignore[arg-type]  # not a str
    Album.title.like("x%")  # type: ignore[attr-defined]  # no such lookup
    Album.objects.filter(Album.plays > 3)  # type: ignore[arg-type]  # a plain annotation has no typed column
    Album.objects.filter("title")  # type: ignore[arg-type]  # a name is no condition


def querysets() -> None:
    Album.objects.union("title")  # type: ignore[arg-type]  # querysets
    Album.objects.distinct(3)  # type: ignore[arg-type]  # names
    Window(F("plays"))  # type: ignore[arg-type]  # an aggregate or a function of a row's place
    Window(Sum("plays"), frame=(1, 2))  # type: ignore[arg-type]  # a RowRange or a ValueRange
    Album.objects.order_by(3)  # type: ignore[arg-type]  # names or columns
    Album.objects.limit(3)  # type: ignore[attr-defined]  # slices
    Album.objects.client()  # type: ignore[call-arg]  # a budget is due
    Album.objects.all()["title"]  # type: ignore[call-overload]  # by place or slice
    Album.objects.bulk_create([Artist(name="x")])  # type: ignore[list-item]  # of another model
    Album.objects.upsert(Artist(name="x"))  # type: ignore[arg-type]  # of another model
    Album.objects.bulk_update([], [3])  # type: ignore[list-item]  # names
    Album.objects.bulk_create([], update_conflicts="name")  # type: ignore[arg-type]  # not a bool
    Album.objects.filter().contains(Artist(name="x"))  # type: ignore[arg-type]  # of another model
    Album.objects.values("title").get(pk=1).title  # type: ignore[attr-defined]  # a dict
    Album.objects.get_or_none(pk=1).title  # type: ignore[union-attr]  # perhaps None
    Track.objects.all()  # type: ignore[attr-defined]  # embedded models have no rows


def expressions() -> None:
    Album.objects.annotate("title")  # type: ignore[arg-type]  # expressions by name
    Album.objects.annotate(size=3)  # type: ignore[arg-type]  # Value(3)
    Album.objects.aggregate(n="plays")  # type: ignore[arg-type]  # an aggregate of it
    Album.objects.aggregate(Lower("title"))  # type: ignore[arg-type]  # no aggregate
    Lower("title", "name")  # type: ignore[call-arg]  # one text
    Coalesce("title")  # type: ignore[call-arg]  # two or more
    Count("*", default=0)  # type: ignore[call-arg]  # a count is never NULL
    Sum("plays", sample=True)  # type: ignore[call-arg]  # of StdDev and Variance
    Substr("title", "2")  # type: ignore[arg-type]  # a position
    Case(default=1, when=2)  # type: ignore[call-arg]  # When(...) branches
    When(plays=1)  # type: ignore[call-arg]  # then what
    Trunc("updated", part=3)  # type: ignore[arg-type]  # a word
    F("plays").desc(nulls="last")  # type: ignore[call-arg]  # nulls_last=True


async def other_colour() -> None:
    Album.objects.aget(pk=1).title  # type: ignore[attr-defined]  # not awaited
    async for album in Album.objects.get(pk=1):  # type: ignore[attr-defined]  # no queryset
        print(album)


def repositories(albums: Repository[Album]) -> None:
    albums.add(Artist(name="x"))  # type: ignore[arg-type]  # of another model
    albums.delete_where(title="x").title  # type: ignore[attr-defined]  # a number
    albums.get_many(limit="3")  # type: ignore[arg-type]  # not an int
    print(albums.get(3).artist)  # type: ignore[attr-defined]  # no such field


class NotAModel(EmbeddedModel):
    name: Field[str]


class Nonsense(Repository[NotAModel]):  # type: ignore[type-var]  # embedded models have no rows
    pass


print(Session.objects.get(pk=1).user.seconds)  # type: ignore[attr-defined]  # a str
