"""A repository's verbs, in both colours: what they answer, and how many commands they send."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from polystore import Model, Q, Repository, Store
from polystore.errors import FieldError, ModelError, QueryUsageError, StaleObject, UniqueViolation
from tests.api.shop import Album, Recorder, Track, told

YEARS = (1976, 1978, 1986)
M = TypeVar("M", bound=Model)


class AlbumRepository(Repository[Album]):
    """A repository with a verb of its own."""

    def since(self, year: int) -> list[Album]:
        return self.get_many(year__gte=year, order_by="-year")


@pytest.fixture
def albums(store: Store, sent: list[str]) -> AlbumRepository:
    """A repository of three albums."""
    repository = AlbumRepository(store)
    repository.add_many([Album(title=f"a{year}", year=year) for year in YEARS])
    sent.clear()
    return repository


@pytest.fixture(params=["", "a"], ids=["sync", "async"])
def call(request: pytest.FixtureRequest, albums: AlbumRepository) -> Callable[..., Any]:
    """Calls a verb in each colour: ``await call("get", 1)``."""

    async def run(verb: str, *arguments: Any, **named: Any) -> Any:
        answer = getattr(albums, f"{request.param}{verb}")(*arguments, **named)
        return await answer if request.param else answer

    return run


def titles(rows: list[Album]) -> list[str]:
    return [row.title for row in rows]


# ---- reading


async def test_get_finds_by_key_in_one_command(call: Any, sent: list[str]) -> None:
    assert (await call("get", 2)).title == "a1978"
    assert (await call("get_one", title="a1986")).pk == 3
    assert (await call("get_one", Album.year > 1980)).pk == 3
    assert (await call("get_one_or_none", Q(year=1976) & Q(live=False))).pk == 1
    assert await call("get_one_or_none", year=1) is None
    assert len(sent) == 5


async def test_get_tells_what_is_missing_or_manifold(call: Any) -> None:
    with pytest.raises(Album.DoesNotExist, match=r"^no Album matches the query$"):
        await call("get", 99)
    with pytest.raises(Album.DoesNotExist, match=r"^no Album matches the query$"):
        await call("get_one", year=1)
    for verb in ("get_one", "get_one_or_none"):
        with pytest.raises(Album.MultipleObjectsReturned, match=r"^get\(\) needs one Album, but 2 match the query$"):
            await call(verb, year__lt=1980)


async def test_get_many_reads_a_list_in_order_or_a_page_of_it(call: Any, sent: list[str]) -> None:
    assert titles(await call("get_many", order_by="-year")) == ["a1986", "a1978", "a1976"]
    assert titles(await call("get_many", Q(year__gt=1976), order_by=["live", "year"])) == ["a1978", "a1986"]
    assert titles(await call("get_many", order_by=Album.year, limit=1, offset=1)) == ["a1978"]
    assert titles(await call("get_many", order_by="year", offset=2)) == ["a1986"]
    assert await call("get_many", order_by="year", limit=0) == []
    assert len(sent) == 4
    assert sent[2].endswith("ordered by year, id, skipping 1, at most 1")


async def test_a_page_comes_with_the_number_of_all(call: Any, sent: list[str]) -> None:
    rows, number = await call("get_many_and_count", year__gt=1976, order_by="year", limit=1)
    assert (titles(rows), number) == (["a1978"], 2)
    assert [command.split()[0] for command in sent] == ["select", "count"]
    rows, number = await call("get_many_and_count", year__gt=1976)
    assert (len(rows), number, len(sent)) == (2, 2, 3)


async def test_exists_and_count_read_no_rows(call: Any, sent: list[str]) -> None:
    assert await call("exists", title="a1976") is True
    assert await call("exists", title="x") is False
    assert await call("count") == 3
    assert await call("count", ~Q(year=1976)) == 2
    assert [command.split()[0] for command in sent] == ["exists", "exists", "count", "count"]


# ---- writing


async def test_add_inserts_and_never_overwrites(call: Any, sent: list[str]) -> None:
    album = await call("add", Album(title="new"))
    assert (album.pk, album.title) == (4, "new")
    with pytest.raises(UniqueViolation):
        await call("add", Album(id=4, title="newer"))
    assert [command.split()[0] for command in sent] == ["insert", "insert"]
    assert (await call("get", 4)).title == "new"


async def test_add_many_inserts_in_batches(call: Any, sent: list[str]) -> None:
    added = await call("add_many", [Album(title=f"b{number}") for number in range(5)], batch_size=2)
    assert [album.pk for album in added] == [4, 5, 6, 7, 8]
    assert len(sent) == 3
    assert await call("add_many", iter([Album(title="c")])) != []
    assert len(sent) == 4


async def test_update_writes_what_changed_and_tells_a_missing_row(call: Any, sent: list[str]) -> None:
    album = await call("get", 1)
    album.live = True
    assert await call("update", album) is album
    assert sent[1:] == ["update Album where id=1, set live=True"]
    await call("delete", 1)
    album.live = False
    with pytest.raises(Album.DoesNotExist, match=r"^Album with id=1 does not exist$"):
        await call("update", album)


async def test_update_many_sets_values_on_all_that_match(call: Any, sent: list[str]) -> None:
    assert await call("update_many", {"live": True}, Album.year > 1976) == 2
    assert await call("update_many", {"live": True}, year=1) == 0
    assert await call("count", live=True) == 2
    assert sent[0] == "update Album where year__gt=1976, set live=True"


async def test_upsert_writes_over_the_row_with_the_key_or_inserts(call: Any, sent: list[str]) -> None:
    await call("upsert", Album(id=1, title="over"))
    assert len(sent) == 1
    await call("upsert", Album(id=9, title="nine"))
    assert len(sent) == 2
    new = await call("upsert", Album(title="ten"))
    assert (new.pk, len(sent)) == (10, 3)
    assert titles(await call("get_many", order_by="id")) == ["over", "a1978", "a1986", "nine", "ten"]
    both = await call("upsert_many", [Album(id=1, title="again"), Album(id=11, title="eleven")])
    assert [album.pk for album in both] == [1, 11]
    assert (await call("get", 1)).title == "again"


async def test_get_or_upsert_brings_the_found_row_to_the_values(call: Any, sent: list[str]) -> None:
    found, new = await call("get_or_upsert", ["title"], title="a1976", live=True)
    assert (found.pk, found.live, new) == (1, True, False)
    assert [command.split()[0] for command in sent] == ["select", "update"]
    sent.clear()
    assert await call("get_or_upsert", "title", title="a1976", live=True) == (found, False)
    assert len(sent) == 1
    made, new = await call("get_or_upsert", ["title", "year"], title="new", year=1990, rating=4.5)
    assert (made.pk, made.rating, new) == (4, 4.5, True)


async def test_delete_answers_what_went(call: Any, sent: list[str]) -> None:
    assert (await call("delete", 1)).title == "a1976"
    assert [command.split()[0] for command in sent] == ["select", "delete"]
    with pytest.raises(Album.DoesNotExist):
        await call("delete", 1)
    assert await call("delete_many", [1, 2, 77]) == 1
    assert await call("delete_where", year__gt=1980) == 1
    assert await call("delete_where", Q(year=1)) == 0
    assert await call("count") == 0


# ---- what is refused


async def test_a_table_is_not_emptied_by_accident(call: Any, sent: list[str]) -> None:
    text = r"^Album: delete_where\(\) needs a condition; query\(\)\.delete\(\) deletes every row$"
    with pytest.raises(FieldError, match=text):
        await call("delete_where")
    assert sent == []


async def test_what_a_row_is_matched_by_needs_a_value(call: Any, sent: list[str]) -> None:
    for fields, missing in ((["title", "year"], r"\['title'\]"), ([], "all")):
        text = rf"^Album: get_or_upsert needs values for its match_fields; missing: {missing}$"
        with pytest.raises(FieldError, match=text):
            await call("get_or_upsert", fields, year=1990)
    assert sent == []


@pytest.mark.parametrize("given", [-1, "3", 1.5, True])
@pytest.mark.parametrize("name", ["limit", "offset"])
async def test_limit_and_offset_are_counts(call: Any, sent: list[str], name: str, given: Any) -> None:
    for verb in ("get_many", "get_many_and_count"):
        with pytest.raises(QueryUsageError) as caught:
            await call(verb, **{name: given})
        assert str(caught.value) == f"Album: {name} is an int of at least 0, not {given!r}"
    assert sent == []


def test_a_repository_without_a_model_is_refused() -> None:
    class Nameless(Repository):
        pass

    for made in (Repository, Nameless):
        assert told(ModelError, made) == (
            f"{made.__name__} names no model; write class X(Repository[Album]) or pass one"
        )


def test_a_passed_version_is_told(store: Store) -> None:
    tracks = store.repository(Track)
    mine, theirs = tracks.add(Track(name="x")), tracks.get(1)
    theirs.plays = 1
    tracks.update(theirs)
    mine.plays = 2
    assert told(StaleObject, lambda: tracks.update(mine)).startswith("Track 1 has changed since it was loaded")


# ---- which store, which model


def test_a_repository_keeps_to_its_store() -> None:
    first, second = Store({"default": Recorder()}), Store({"default": Recorder()})
    bound, current = AlbumRepository(first), AlbumRepository()
    bound.add(Album(title="first"))
    assert (bound.count(), current.count()) == (1, 0)
    with first:
        assert current.count() == 1
    second.close()


def test_a_repository_goes_where_its_model_is_routed() -> None:
    with Store({"default": Recorder(), "docs": Recorder()}, routes={"Album": "docs"}) as store:
        albums = store.repository(Album)
        albums.add(Album(title="x"))
        assert albums.query().using("docs").count() == 1
        assert albums.query().using("default").count() == 0


def test_subclasses_name_the_model_and_add_verbs(albums: AlbumRepository) -> None:
    assert AlbumRepository.model is Album
    assert titles(albums.since(1978)) == ["a1986", "a1978"]

    class Deeper(AlbumRepository):
        pass

    assert Deeper().model is Album


def test_a_generic_subclass_takes_its_model_later(store: Store) -> None:
    class Counting(Repository[M]):
        pass

    class Tracks(Counting[Track]):
        pass

    assert Tracks(store).count() == 0
    assert Tracks.model is Track


def test_every_verb_has_its_async_twin_with_the_same_arguments() -> None:
    names = [name for name, _ in inspect.getmembers(Repository, inspect.isfunction) if not name.startswith("_")]
    twins = [name for name in names if name.startswith("a") and name[1:] in names]
    assert len(twins) * 2 == len(names) - 2 == 34  # all but query() and raw(), which send nothing
    for twin in twins:
        assert inspect.signature(getattr(Repository, twin)).parameters == (
            inspect.signature(getattr(Repository, twin[1:])).parameters
        )
