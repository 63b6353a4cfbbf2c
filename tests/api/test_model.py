"""An instance is a value with a row: what it writes, what it reads, and how Python sees it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from polystore import Store
from polystore.errors import StaleObject, UniqueViolation, ValidationError
from tests.api.shop import Album, Genre, Label, Recorder, Track, told

INSERT = "insert Album (title, year, price, rating, live, genre, day, released, cover, tags, label)"
INSERT_WITH_KEY = INSERT.replace("(title", "(id, title")


@pytest.fixture
def album(store: Store, sent: list[str]) -> Album:
    """A saved album; what was sent for it is forgotten."""
    album = Album.objects.create(title="Boston", year=1976, tags=["rock"], label=Label(name="Epic"))
    sent.clear()
    return album


# ---- writing


def test_a_new_instance_is_inserted_whole_in_one_command_and_gets_its_key(sent: list[str]) -> None:
    album = Album(title="Boston")
    assert album.pk is None
    assert album.save() is album
    assert album.pk == album.id == 1
    assert sent == [INSERT]


def test_a_new_instance_with_a_key_is_tried_as_an_update_first(sent: list[str]) -> None:
    Album(id=7, title="Boston").save()
    assert [command.partition(" where")[0] for command in sent] == ["update Album", INSERT_WITH_KEY]
    sent.clear()
    Album(id=7, title="Live").save()
    assert len(sent) == 1
    assert Album.objects.get().title == "Live"


def test_force_insert_and_force_update_send_just_that(album: Album, sent: list[str]) -> None:
    with pytest.raises(UniqueViolation):
        Album(id=album.pk, title="Live").save(force_insert=True)
    Album(id=9, title="Live").save(force_insert=True)
    assert sent == [INSERT_WITH_KEY, INSERT_WITH_KEY]
    sent.clear()
    text = told(Album.DoesNotExist, lambda: Album(id=99, title="x").save(force_update=True))
    assert text == "Album with id=99 does not exist"
    assert [command.partition(",")[0] for command in sent] == ["update Album where id=99"]


def test_only_what_was_assigned_is_written(album: Album, sent: list[str]) -> None:
    album.save()
    assert sent == []
    album.year = 1977
    album.genre = Genre.ROCK
    album.save()
    album.save()
    assert sent == ["update Album where id=1, set year=1977, genre='rock'"]


def test_a_structure_that_was_changed_in_place_is_written(album: Album, sent: list[str]) -> None:
    album.tags.append("live")
    assert album.label is not None
    album.label.city = "Boston"
    album.save()
    assert sent == [
        "update Album where id=1, set tags=['rock', 'live'], label={'name': 'Epic', 'city': 'Boston'}",
    ]


def test_update_fields_leaves_other_changes_to_the_next_save(album: Album, sent: list[str]) -> None:
    album.year, album.live = 1977, True
    album.save(update_fields=["live"])
    album.save()
    assert sent == ["update Album where id=1, set live=True", "update Album where id=1, set year=1977"]


def test_a_loaded_row_that_is_gone_is_inserted_again_by_save(album: Album, sent: list[str]) -> None:
    Album.objects.all().delete()
    sent.clear()
    album.year = 1977
    album.save()
    assert sent == ["update Album where id=1, set year=1977", INSERT_WITH_KEY]
    assert Album.objects.get(pk=1).tags == ["rock"]


def test_delete_counts_the_row_and_leaves_an_instance_that_is_new_again(album: Album, sent: list[str]) -> None:
    assert album.delete() == (1, {"Album": 1})
    assert album.delete() == (0, {})
    assert sent == ["delete Album where id=1"] * 2
    album.save(force_insert=True)
    assert Album.objects.get().pk == 1


def test_values_are_validated_again_when_they_are_saved(album: Album, sent: list[str]) -> None:
    album.year, album.price = "1977", 12  # type: ignore[assignment]  # what a form gives
    album.save()
    assert (album.year, album.price) == (1977, Decimal("12.00"))
    album.tags.append(3)  # type: ignore[arg-type]  # wrong on purpose
    assert told(ValidationError, album.save) == "Album.tags.1: Input should be a valid string, not 3"
    assert len(sent) == 1


def test_full_clean_validates_without_writing(album: Album, sent: list[str]) -> None:
    album.year = "1977"  # type: ignore[assignment]  # what a form gives
    album.full_clean()
    assert album.year == 1977
    album.title = "x" * 13
    with pytest.raises(ValidationError) as caught:
        album.full_clean()
    assert [name for name, _ in caught.value.errors] == ["title"]
    assert sent == []


def test_a_version_is_part_of_each_update_and_a_passed_one_is_told(sent: list[str]) -> None:
    track = Track(name="Hitch a Ride").save()
    other = Track.objects.get()
    sent.clear()
    track.plays = 1
    track.save()
    assert sent == ["update Track where id=1 AND revision=1, set plays=1, revision=2"]
    other.plays = 5
    assert told(StaleObject, other.save) == (
        "Track 1 has changed since it was loaded (it no longer has version 1); read it again with refresh_from_db() "
        "and repeat the change"
    )
    other.refresh_from_db()
    other.plays += 5
    other.save()
    assert Track.objects.values_list("plays", "revision").get() == (6, 3)


# ---- reading


def test_refresh_reads_all_fields_or_the_named_ones_in_one_command(album: Album, sent: list[str]) -> None:
    Album.objects.update(year=1977, title="Live")
    album.year, album.rating = 1, 1.5
    sent.clear()
    album.refresh_from_db(["year"])
    assert sent == ["select Album where id=1, of id, year"]
    assert (album.year, album.title, album.rating) == (1977, "Boston", 1.5)
    album.refresh_from_db()
    assert (album.title, album.rating) == ("Live", None)
    sent.clear()
    album.save()
    assert sent == []


def test_refreshing_a_row_that_is_gone_is_told(album: Album) -> None:
    Album.objects.all().delete()
    assert told(Album.DoesNotExist, album.refresh_from_db) == "Album with id=1 does not exist"


def test_a_deferred_field_is_read_when_it_is_used_and_then_kept(album: Album, sent: list[str]) -> None:
    found = Album.objects.only("title").get()
    assert "year" not in found.model_dump()
    sent.clear()
    assert (found.year, found.year) == (1976, 1976)
    assert sent == ["select Album where id=1, of id, year"]
    found.tags = ["new"]
    found.save()
    assert sent[1:] == ["update Album where id=1, set tags=['new']"]


def test_a_deferred_field_of_a_row_that_is_gone_is_told(album: Album) -> None:
    found = Album.objects.defer("year").get()
    Album.objects.all().delete()
    assert told(Album.DoesNotExist, lambda: found.year) == "Album with id=1 does not exist"


def test_a_deferred_field_is_read_for_all_rows_that_came_with_it(store: Store, sent: list[str]) -> None:
    Album.objects.bulk_create([Album(title=f"Live {year}", year=year) for year in (1976, 1977, 1978, 1979)])
    first, second, third, fourth = Album.objects.only("title").order_by("pk")
    second.year = 2000
    Album.objects.filter(pk=3).delete()
    sent.clear()
    assert [first.year, second.year, fourth.year] == [1976, 2000, 1979]
    assert sent == ["select Album where id__in=[1, 3, 4], of id, year"]
    assert told(Album.DoesNotExist, lambda: third.year) == "Album with id=3 does not exist"


def test_peers_that_nobody_holds_any_more_are_not_read(store: Store, sent: list[str]) -> None:
    Album.objects.bulk_create([Album(title=f"Live {year}", year=year) for year in (1976, 1977, 1978)])
    kept = list(Album.objects.only("title").order_by("pk"))[1]
    sent.clear()
    assert kept.year == 1977
    assert sent == ["select Album where id=2, of id, year"]


def test_a_deferred_field_is_read_for_a_bounded_number_of_rows(store: Store, sent: list[str]) -> None:
    Album.objects.bulk_create([Album(title=str(number), rating=number) for number in range(2500)])
    rows = list(Album.objects.only("title").order_by("pk"))
    sent.clear()
    assert [row.rating for row in rows] == list(range(2500))
    assert len(sent) == 3


async def test_the_async_colour_writes_and_reads_the_same(store: Store, sent: list[str]) -> None:
    album = await Album(title="Boston").asave()
    album.year = 1976
    await album.asave()
    await album.asave(force_update=True)
    await Album.objects.aupdate(year=1977)
    await album.arefresh_from_db(["year"])
    assert album.year == 1977
    assert await album.adelete() == (1, {"Album": 1})
    assert [command.partition(",")[0] for command in sent] == [
        INSERT.partition(",")[0],
        "update Album where id=1",
        "exists Album where id=1",
        "update Album where all rows",
        "select Album where id=1",
        "delete Album where id=1",
    ]


# ---- how Python sees it


def test_instances_are_equal_by_model_key_and_store(album: Album) -> None:
    assert Album.objects.get() == album
    assert Album.objects.get() is not album
    assert len({album, Album.objects.get(), Album(id=album.pk, title="x")}) == 1
    assert album != Album(id=2, title="Boston")
    assert album != Track(id=album.pk, name="Boston")
    assert Album(title="Boston") != Album(title="Boston")
    new = Album(title="Boston")
    assert new == new  # an instance is itself


def test_rows_of_two_stores_are_different_rows() -> None:
    with Store({"default": Recorder(), "docs": Recorder()}):
        one, other = (Album.objects.using(name).create(title="Boston") for name in ("default", "docs"))
        assert one.pk == other.pk
        assert one != other


COPIES: dict[str, Callable[[Album], Album]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda album: pickle.loads(pickle.dumps(album)),
    "model_copy": lambda album: album.model_copy(),
    "json": lambda album: Album.model_validate_json(album.model_dump_json()),
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_is_equal_and_writes_the_same_row(
    album: Album, sent: list[str], copied: Callable[[Album], Album]
) -> None:
    twin = copied(album)
    assert twin is not album
    assert twin == album
    assert hash(twin) == hash(album)
    assert twin.model_dump() == album.model_dump()
    twin.year = 1980
    assert album.year == 1976
    twin.save()
    assert [command.partition(",")[0] for command in sent] == ["update Album where id=1"]
    assert Album.objects.get().year == 1980


@pytest.mark.parametrize("name", ["deepcopy", "pickle", "json"])
def test_a_deep_copy_shares_no_structure(album: Album, name: str) -> None:
    twin = COPIES[name](album)
    twin.tags.append("live")
    assert album.tags == ["rock"]


@pytest.mark.parametrize("name", ["copy", "pickle"])
def test_what_is_wrong_in_a_copy_is_refused_when_it_is_saved(album: Album, name: str) -> None:
    album.__dict__["year"] = "soon"
    twin = COPIES[name](album)
    assert told(ValidationError, twin.save).startswith("Album.year: Input should be a valid integer")


@pytest.mark.parametrize("name", ["copy", "deepcopy", "pickle", "model_copy"])
def test_a_copy_of_a_part_of_a_row_reads_the_rest(album: Album, sent: list[str], name: str) -> None:
    part = Album.objects.only("title", "tags").get()
    twin = COPIES[name](COPIES[name](part))
    assert (twin.year, twin.tags, twin == part) == (1976, ["rock"], True)
    twin.title = "Another"
    sent.clear()
    twin.save()
    assert [command.partition(" set ")[0] for command in sent] == ["update Album where id=1,"]
    found = Album.objects.get()
    assert (found.title, found.year) == ("Another", 1976)
    assert part.year == 1976


@pytest.mark.parametrize("name", ["copy", "deepcopy", "pickle"])
def test_a_copy_of_a_part_with_another_key_is_no_row(album: Album, name: str) -> None:
    part = Album.objects.only("title").get()
    part.id = 77
    with pytest.raises(AttributeError, match="year"):
        _ = COPIES[name](part).year


def test_a_refreshed_copy_is_the_row_again(album: Album, sent: list[str]) -> None:
    twin = copy.copy(album)
    twin.refresh_from_db(["title"])
    sent.clear()
    twin.save()
    assert len(sent) == 1
    assert Album.objects.get() == twin


def test_pk_is_the_key_by_another_name(album: Album) -> None:
    new: Any = Album(title="x")
    new.pk = 5
    assert (new.id, new.pk) == (5, 5)
    assert repr(album).startswith("Album(id=1, title='Boston', year=1976")


def test_assigning_what_a_field_holds_is_no_change(album: Album, sent: list[str]) -> None:
    album.pk = int(str(album.pk))
    album.title = "".join(album.title)
    album.save()
    assert sent == []
    album.title = "Another"
    album.save()
    assert len(sent) == 1
