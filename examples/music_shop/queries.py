"""Queries on tracks, written once: each function is one, its docstring tells what it shows."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from examples.music_shop.models import Track
from polystore import F, Q

Query = Callable[[], Any]


def get_by_key() -> Any:
    """get() by key"""
    return Track.objects.get(pk=2002)


def text_beyond_ascii() -> Any:
    """exact text: accents, quotes, wildcards and case count"""
    names = ("Meditação", '"40"', ".07%", "the trooper", "The Trooper")
    return [list(Track.objects.filter(name=name).order_by("pk").values("pk", "name")) for name in names]


def q_objects() -> Any:
    """filter() with Q, OR and AND"""
    return Track.objects.filter(Q(genre_id=6) | Q(unit_price=Decimal("1.99")), milliseconds__gt=300_000).count()


def negated_q() -> Any:
    """filter() with a negated Q"""
    return Track.objects.filter(~(Q(genre_id=1) | Q(media_type_id=1)), album_id__lt=120).order_by("pk")


def exclude_keeps_null() -> Any:
    """exclude() keeps rows whose value is NULL"""
    return Track.objects.exclude(composer="Steve Harris").count(), Track.objects.exclude(composer=None).count()


def null_is_lowest() -> Any:
    """NULL sorts lowest, at whichever end"""
    jazz = Track.objects.filter(genre_id=2)
    return list(jazz.order_by("composer", "pk")[:70]), list(jazz.order_by("-composer", "-pk")[:70])


def ranges() -> Any:
    """range, gt, lte"""
    return (
        Track.objects.filter(milliseconds__range=(200_000, 201_000)).order_by("pk"),
        Track.objects.filter(milliseconds__gt=2_900_000, milliseconds__lte=2_950_000).order_by("milliseconds"),
    )


def beyond_the_range_of_an_int() -> Any:
    """numbers that no int field can hold still compare"""
    return Track.objects.filter(milliseconds__lt=2**70).count(), Track.objects.filter(genre_id=1.5).count()


def decimals() -> Any:
    """decimals compare exactly"""
    dear = Track.objects.filter(unit_price__gt=Decimal("0.9999999999999999"))
    return dear.count(), dear.order_by("pk").values_list("unit_price", flat=True).first()


def membership() -> Any:
    """in: a list, a set with None, nothing"""
    return (
        Track.objects.filter(album_id__in=[1, 2, 3, 5_000]).order_by("album_id", "pk"),
        Track.objects.filter(composer__in={"Steve Harris"}).count(),
        Track.objects.filter(pk__in=[]).count(),
    )


def prefixes() -> Any:
    """startswith: case and wildcards count"""
    return [Track.objects.filter(name__startswith=start).count() for start in ("The ", "the ", "100%", "_", "Á", "")]


def ties() -> Any:
    """order_by() with ties: the key decides, in the same direction"""
    upwards = Track.objects.order_by("unit_price").values_list("pk", flat=True)
    downwards = Track.objects.order_by("-unit_price").values_list("pk", flat=True)
    return list(upwards[:25]), list(downwards[:25])


def pages() -> Any:
    """a page deep inside an order, and its count"""
    longest = Track.objects.filter(genre_id=1).order_by("-milliseconds")
    return longest[400:420].values("pk", "milliseconds"), longest[1_290:1_310].count(), longest[40]


def ends() -> Any:
    """first() and last(), with and without order"""
    by_name = Track.objects.order_by("name")
    return Track.objects.first(), Track.objects.last(), by_name.first(), by_name.last()


def text_order() -> Any:
    """text sorts by code point, everywhere"""
    return Track.objects.order_by("name").values_list("name", flat=True)[3_430:]


def bulk_by_key() -> Any:
    """in_bulk(): keys without a row are left out"""
    return Track.objects.in_bulk([3_503, 1, 99_999, 77])


def whether_any() -> Any:
    """exists(), get_or_none(), contains()"""
    first = Track.objects.get(pk=1)
    return (
        Track.objects.filter(genre_id=25).exists(),
        Track.objects.filter(milliseconds__lt=0).exists(),
        Track.objects.get_or_none(name="No Such Song"),
        Track.objects.filter(genre_id=1).contains(first),
    )


def typed_conditions() -> Any:
    """the same conditions, typed"""
    return Track.objects.filter((Track.milliseconds > 5_000_000) | Track.name.startswith("Zum")).order_by("pk")


def some_fields() -> Any:
    """only(), values_list()"""
    short = Track.objects.filter(milliseconds__lt=12_000).order_by("milliseconds")
    return [(track.pk, track.name) for track in short.only("name")], list(short.values_list("name", "milliseconds"))


def key_after_key() -> Any:
    """iterator(): all rows, 500 at a time"""
    return sum(track.milliseconds for track in Track.objects.order_by("milliseconds").iterator(chunk_size=500))


def searched_here() -> Any:
    """client(): what a store cannot do runs here, within a budget"""
    alternative = Track.objects.filter(genre_id=23).client(max_rows=100)
    return (
        alternative.filter(name__icontains="LOVE").order_by("name"),
        alternative.filter(name__regex=r"^[A-F].* .* ").count(),
        alternative.filter(bytes__gt=F("milliseconds") * 20).count(),
        alternative.values("media_type_id").distinct().order_by("media_type_id"),
    )


def change_rows() -> Any:
    """update() answers the rows that matched"""
    opera = Track.objects.filter(genre_id__in=[24, 25])
    return opera.update(unit_price=Decimal("1.29"), composer=None), opera.order_by("pk").values(
        "composer", "unit_price"
    )


def save_changes() -> Any:
    """save() writes what changed; refresh_from_db() reads it"""
    track = Track.objects.get(pk=1)
    track.composer = "Young, Young & Johnson"
    track.save()
    again = Track.objects.get(pk=1)
    again.refresh_from_db(["composer"])
    return again


def delete_rows() -> Any:
    """delete() answers how many went; a new row gets a new key"""
    gone = Track.objects.filter(milliseconds__lt=10_000).delete()
    copy = Track.objects.get(pk=2).model_dump(exclude={"id"})
    return gone, Track.objects.count(), Track.objects.create(**copy).pk > 3_503, Track.objects.count()


QUERIES: tuple[Query, ...] = (
    get_by_key,
    text_beyond_ascii,
    q_objects,
    negated_q,
    exclude_keeps_null,
    null_is_lowest,
    ranges,
    beyond_the_range_of_an_int,
    decimals,
    membership,
    prefixes,
    ties,
    pages,
    ends,
    text_order,
    bulk_by_key,
    whether_any,
    typed_conditions,
    some_fields,
    key_after_key,
    searched_here,
    change_rows,
    save_changes,
    delete_rows,
)
