"""A queryset asks when it is read, once, and in as few commands as its verb says."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import islice
from typing import Any

import pytest

from polystore import F, Q, QuerySet, Store
from polystore.errors import NotSupportedError
from polystore.query.capabilities import Capabilities
from tests.api.shop import FIELDS, Album, Recorder, told

YEARS = (1976, 1978, 1986, 1994, 2002)


@pytest.fixture
def albums(store: Store, sent: list[str]) -> list[Album]:
    """Five albums; what was sent for them is forgotten."""
    albums = Album.objects.bulk_create([Album(title=f"a{year}", year=year) for year in YEARS])
    sent.clear()
    return albums


# ---- nothing is asked too early


def test_building_describing_and_copying_a_query_sends_nothing(albums: list[Album], sent: list[str]) -> None:
    query = (
        Album.objects.filter(Q(year__gt=1976) | Q(live=True), Album.id > 0)
        .exclude(year=F("id"))
        .order_by("-year")
        .reverse()
        .only("title")
        .using("default")
        .all()[1:3]
    )
    query.values("title")
    assert query.explain().startswith("query: select Album where ")
    repr(query)
    assert sent == []
    assert [album.title for album in query] == ["a1986", "a1994"]
    assert len(sent) == 1


def test_the_repr_tells_the_query_without_values_and_never_asks(sent: list[str], recorder: Recorder) -> None:
    recorder.capabilities = Capabilities()
    query = Album.objects.filter(title="secret", year__gt=1976).only("title").order_by("-year")[:10]
    assert repr(query) == (
        "<QuerySet of Album: select Album where title=... AND year__gt=..., of id, title, ordered by -year, -id, "
        "at most ...>"
    )
    assert repr(Album.objects.none()) == "<QuerySet of Album: no row can match>"
    assert "; here: select Album where live=..." in repr(Album.objects.client(max_rows=9).filter(live=True))
    assert repr(Album.objects.order_by("tags")) == (
        "<QuerySet of Album: Album.tags is list of str: rows cannot be ordered by it>"
    )
    assert repr(Album.objects) == "<Manager of Album>"
    assert sent == []


def test_a_query_is_read_once_and_its_rows_are_kept(albums: list[Album], sent: list[str]) -> None:
    query = Album.objects.order_by("year")
    assert list(query) == albums
    assert len(query) == 5
    assert bool(query)
    assert query[1] is list(query)[1]
    assert query[1:3] == albums[1:3]
    assert query[::2] == albums[::2]
    assert albums[0] in query
    assert query.contains(albums[0])
    assert len(sent) == 1
    assert list(query.all()) == albums
    assert len(sent) == 2


def test_what_asks_one_thing_keeps_no_rows(albums: list[Album], sent: list[str]) -> None:
    query = Album.objects.order_by("year")
    answers = (query.count(), query.exists(), query.first(), query.last(), query[2], query.contains(albums[0]))
    assert answers == (5, True, albums[0], albums[4], albums[2], True)
    assert [command.split()[0] for command in sent] == ["count", "exists", "select", "select", "select", "exists"]
    assert "at most 1" in sent[2]
    list(query)
    assert len(sent) == 7


def test_certain_answers_need_no_command(albums: list[Album], sent: list[str]) -> None:
    for query in (Album.objects.none(), Album.objects.filter(pk__in=[]), Album.objects.all()[3:3]):
        assert list(query) == []
        assert (query.count(), query.exists(), query.first()) == (0, False, None)
    assert Album.objects.filter(year=2**70).delete() == (0, {})
    assert Album.objects.filter(year=1.5).update(live=True) == 0
    assert Album.objects.bulk_create([]) == []
    assert sent == []


# ---- chaining

CHANGES: dict[str, Callable[[Any], Any]] = {
    "filter": lambda query: query.filter(live=True),
    "exclude": lambda query: query.exclude(live=False),
    "order_by": lambda query: query.order_by("title"),
    "reverse": lambda query: query.reverse(),
    "distinct": lambda query: query.distinct(),
    "only": lambda query: query.only("title"),
    "defer": lambda query: query.defer("title"),
    "values": lambda query: query.values("title"),
    "values_list": lambda query: query.values_list("title"),
    "none": lambda query: query.none(),
    "all": lambda query: query.all(),
    "using": lambda query: query.using("default"),
    "client": lambda query: query.client(max_rows=9),
    "slice": lambda query: query[1:2],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_chained_call_leaves_its_query_alone(albums: list[Album], change: Callable[[Any], Any]) -> None:
    query = Album.objects.filter(year__gt=1976).order_by("-year")
    before = query.explain()
    changed = change(query)
    assert changed is not query
    assert type(changed) is QuerySet
    assert query.explain() == before
    assert list(query) == albums[:0:-1]


def test_one_beginning_serves_many_ends(albums: list[Album]) -> None:
    recent = Album.objects.filter(year__gt=1980)
    assert recent.filter(year__lt=1990).count() == 1
    assert recent.exclude(year__lt=1990).count() == 2
    assert recent.count() == 3


def test_reverse_reads_an_order_from_its_other_end(albums: list[Album]) -> None:
    query = Album.objects.order_by("live", "-year")
    assert list(query.reverse()) == list(reversed(query))
    assert list(query.reverse().reverse()) == list(query)


@pytest.mark.parametrize("cut", [slice(1, 4), slice(2), slice(3, None), slice(1, 99), slice(4, 2), slice(0, 5, 2)])
def test_a_slice_is_that_of_the_list(albums: list[Album], sent: list[str], cut: slice) -> None:
    query = Album.objects.order_by("year")
    assert list(query[cut]) == albums[cut]
    assert len(sent) == (0 if cut == slice(4, 2) else 1)


def test_slices_of_slices_and_places_in_slices_compose(albums: list[Album]) -> None:
    query = Album.objects.order_by("year")[1:4]
    assert list(query[1:9]) == albums[2:4]
    assert query[0] == albums[1]
    assert told(IndexError, lambda: query[3]) == "Album: no row at index 3"
    assert (query.count(), query[2:].count(), query[3:].exists()) == (3, 1, False)
    assert Album.objects.order_by("year")[2:3].get() == albums[2]
    assert Album.objects.order_by("year")[1:].first() == albums[1]


# ---- shapes of rows


def test_rows_come_as_dicts_tuples_namedtuples_or_values(albums: list[Album], sent: list[str]) -> None:
    query = Album.objects.order_by("year")
    assert query.values("title", "year")[0] == {"title": "a1976", "year": 1976}
    assert list(query.values()[0]) == FIELDS.split(", ")
    assert query.values_list("year", "title")[0] == (1976, "a1976")
    assert query.values_list("year", "title", named=True)[0].title == "a1976"
    assert list(query.values_list("year", flat=True)) == list(YEARS)
    assert "of title, year," in sent[0]
    assert len(sent) == 5


def test_only_and_defer_ask_for_less(albums: list[Album], sent: list[str]) -> None:
    list(Album.objects.only("title", "year"))
    list(Album.objects.only("title", "year").defer("year"))
    list(Album.objects.defer("cover", "tags", "label", "released", "day", "genre", "live", "rating", "price"))
    shown = [command.partition(" of ")[2] for command in sent]
    assert shown == ["id, title, year", "id, title", "id, title, year"]


def test_in_bulk_finds_many_in_one_command(albums: list[Album], sent: list[str]) -> None:
    assert Album.objects.in_bulk([1, 3, 99]) == {1: albums[0], 3: albums[2]}
    assert Album.objects.in_bulk(["a1994"], field_name="title") == {"a1994": albums[3]}
    assert len(Album.objects.in_bulk()) == 5
    assert len(sent) == 3


@pytest.mark.parametrize(("size", "commands"), [(2, 3), (5, 2), (9, 1)])
def test_an_iterator_asks_for_pages_as_they_are_needed(
    albums: list[Album], sent: list[str], size: int, commands: int
) -> None:
    pages = Album.objects.order_by("-year").iterator(chunk_size=size)
    assert isinstance(pages, Iterator)
    assert sent == []
    assert list(islice(pages, 2)) == albums[:2:-1]
    assert len(sent) == 1
    assert list(pages) == albums[2::-1]
    assert len(sent) == commands


def test_an_iterator_keeps_no_rows(albums: list[Album], sent: list[str]) -> None:
    query = Album.objects.order_by("year")[1:4]
    assert list(query.iterator(2)) == list(query.iterator(2)) == albums[1:4]
    assert len(sent) == 4


def test_explain_tells_query_store_and_command(store: Store) -> None:
    text = Album.objects.filter(year__gte=1976).order_by("-year").values("title")[:10].explain()
    assert text.splitlines()[:2] == [
        "query: select Album where year__gte=1976, of title, ordered by -year, -id, at most 10",
        "store: default (memory)",
    ]
    assert Album.objects.none().explain() == "query: no Album can match\nplan: nothing is asked\n"
    here = Album.objects.filter(live=True).client(max_rows=7).filter(year=1976).explain()
    assert "\nhere, on at most 7 rows: select Album where year=1976" in here
    assert told(NotSupportedError, lambda: Album.objects.all().explain(analyze=True)) == (
        "store default (memory) gives no account of its plans; use explain()"
    )


# ---- both colours

VERBS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "get": lambda _: {"year": 1986},
    "get_or_none": lambda _: {"year": 1986},
    "first": lambda _: {},
    "last": lambda _: {},
    "count": lambda _: {},
    "exists": lambda _: {},
    "contains": lambda albums: {"instance": albums[2]},
    "in_bulk": lambda _: {"keys": [1, 2]},
    "update": lambda _: {"live": True},
    "delete": lambda _: {},
    "create": lambda _: {"title": "new"},
    "get_or_create": lambda _: {"title": "new"},
    "update_or_create": lambda _: {"title": "a1986", "defaults": {"live": True}},
    "bulk_create": lambda _: {"instances": [Album(title="new")]},
    "bulk_update": lambda albums: {"instances": albums[:2], "fields": ["live"]},
}


@pytest.mark.parametrize("verb", VERBS)
async def test_both_colours_send_the_same_and_answer_the_same(verb: str) -> None:
    told: list[Any] = []
    for colour in ("", "a"):
        recorder = Recorder()
        async with Store({"default": recorder}):
            albums = Album.objects.bulk_create([Album(title=f"a{year}", year=year) for year in YEARS])
            recorder.sent.clear()
            answer = getattr(Album.objects.all(), f"{colour}{verb}")(**VERBS[verb](albums))
            if colour:
                assert isinstance(answer, Awaitable)
                answer = await answer
            told.append((answer, list(recorder.sent)))
    assert told[0] == told[1]
    assert told[0][1]


@pytest.mark.parametrize("edge", ["earliest", "latest"])
async def test_the_edges_are_found_in_both_colours(albums: list[Album], sent: list[str], edge: str) -> None:
    wanted = albums[0] if edge == "earliest" else albums[-1]
    assert getattr(Album.objects, edge)("year") == await getattr(Album.objects, f"a{edge}")("year") == wanted
    assert len(sent) == 2


async def test_a_query_is_awaited_or_read_by_async_for_and_kept(albums: list[Album], sent: list[str]) -> None:
    query = Album.objects.order_by("year")
    assert [album async for album in query] == albums
    assert await query == await query.alist() == list(query) == albums
    assert len(sent) == 1
    pages = Album.objects.order_by("year").aiterator(chunk_size=2)
    assert isinstance(pages, AsyncIterator)
    assert [album async for album in pages] == albums
    assert len(sent) == 4


def test_every_verb_has_its_async_twin_with_the_same_arguments() -> None:
    for verb in (*VERBS, "earliest", "latest", "iterator"):
        blocking, twin = (inspect.signature(getattr(QuerySet, name)) for name in (verb, f"a{verb}"))
        assert blocking.parameters == twin.parameters
