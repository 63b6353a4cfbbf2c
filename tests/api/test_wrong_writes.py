"""What is written wrongly is refused before anything is written, in words that name model, field and value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError as PydanticError

from polystore import F, Q, Repository, Store
from polystore.errors import FieldError, QueryUsageError, UniqueViolation, ValidationError
from tests.api.shop import FIELDS, Album, Track, told

NO_FIELD = f"Album has no field 'titel'; its fields are {FIELDS}; did you mean 'title'?"
NO_KEY_CHANGE = "Album.id of a saved instance cannot change; save(force_insert=True) writes a copy"
NO_KEY = "Album: an instance without a primary key cannot be updated; save() it first"
NO_ROW = "Album: an instance without a primary key has no row"

INVALID: list[tuple[str, Any, str]] = [
    ("title", "x" * 13, "String should have at most 12 characters"),
    ("title", None, "Input should be a valid string"),
    ("title", 3, "Input should be a valid string"),
    ("title", {"$ne": ""}, "Input should be a valid string"),
    ("title", "a\0", "Input should not contain the NUL character"),
    ("year", "soon", "Input should be a valid integer, unable to parse string as an integer"),
    ("year", 5, "Input should be greater than or equal to 1900"),
    ("year", 2**70, "Input should lie between -2**63 and 2**63 - 1"),
    ("year", 1990.5, "Input should be a valid integer, got a number with a fractional part"),
    ("price", "1.234", "Decimal input should have no more than 2 decimal places"),
    ("rating", float("nan"), "Input should not be NaN"),
    ("genre", "pop", "Input should be 'rock' or 'jazz'"),
    (
        "released",
        datetime(2020, 1, 1),
        "Input should have a timezone; declare the field as NaiveDatetime to store wall-clock times",
    ),
    ("tags", "rock", "Input should be a valid list"),
]


@pytest.fixture
def album(store: Store, sent: list[str]) -> Album:
    """A saved album; what was sent for it is forgotten."""
    album = Album.objects.create(title="Boston", year=1976)
    sent.clear()
    return album


@pytest.mark.parametrize(("name", "value", "reason"), INVALID)
def test_an_invalid_value_is_refused_on_every_way_to_write_it(
    album: Album, sent: list[str], name: str, value: Any, reason: str
) -> None:
    given = {name: value}
    rows = Album.objects
    wrong = Album.model_construct(**{"title": "x", **given})
    ways: list[Callable[[], Any]] = [
        lambda: rows.create(**{"title": "x", **given}),
        lambda: rows.get_or_create(pk=99, defaults={"title": "x", **given}),
        lambda: rows.update_or_create(pk=album.pk, defaults=given),
        lambda: rows.update(**given),
        lambda: rows.bulk_create([Album(title="y"), wrong]),
        lambda: Repository(model=Album).update_many(given),
        lambda: Repository(model=Album).upsert(wrong),
        wrong.save,
        wrong.full_clean,
    ]
    setattr(album, name, value)
    ways += [album.save, album.full_clean, lambda: rows.bulk_update([album], [name])]
    assert {told(ValidationError, way) for way in ways} == {f"Album.{name}: {reason}, not {value!r}"}
    assert all(command.startswith("select") for command in sent)
    assert Album.objects.values_list("title", "year", named=True).get() == ("Boston", 1976)


def test_an_invalid_instance_is_refused_when_it_is_made() -> None:
    with pytest.raises(PydanticError) as caught:
        Album(title="x" * 13, year="soon")
    assert [error["loc"] for error in caught.value.errors()] == [("title",), ("year",)]
    assert isinstance(caught.value, ValueError)


def test_every_refused_field_is_named(sent: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        Album.objects.create(title="x" * 13, year="soon")
    assert str(caught.value) == (
        "Album.title: String should have at most 12 characters, not 'xxxxxxxxxxxxx'; "
        "Album.year: Input should be a valid integer, unable to parse string as an integer, not 'soon'"
    )
    assert [name for name, _ in caught.value.errors] == ["title", "year"]
    assert isinstance(caught.value.__cause__, PydanticError)
    assert sent == []


def test_a_wrong_value_within_a_structure_is_told_by_its_path(album: Album, sent: list[str]) -> None:
    text = "Album.tags.1: Input should be a valid string, not 3"
    album.tags = ["rock", 3]
    for way in (
        lambda: Album.objects.create(title="x", tags=["rock", 3]),
        lambda: Album.objects.update(tags=["rock", 3]),
        album.save,
    ):
        assert told(ValidationError, way) == text
    text = "Album.label.name: Input should be a valid string, not None"
    assert told(ValidationError, lambda: Album.objects.update(label={"name": None})) == text
    assert sent == []


def test_a_missing_value_is_told_without_showing_the_others(store: Store) -> None:
    assert told(ValidationError, lambda: Album.objects.create(year=1976)) == "Album.title: Field required"


UNKNOWN: dict[str, Callable[[Album], Any]] = {
    "create": lambda _: Album.objects.create(titel="x"),
    "get_or_create": lambda _: Album.objects.get_or_create(titel="x"),
    "get_or_create defaults": lambda _: Album.objects.get_or_create(title="x", defaults={"titel": "x"}),
    "update_or_create": lambda _: Album.objects.update_or_create(title="Boston", defaults={"titel": "x"}),
    "update_or_create create_defaults": lambda _: Album.objects.update_or_create(
        title="x", create_defaults={"titel": "x"}
    ),
    "update": lambda _: Album.objects.update(titel="x"),
    "bulk_update": lambda album: Album.objects.bulk_update([album], ["titel"]),
    "save": lambda album: album.save(update_fields=["titel"]),
    "refresh_from_db": lambda album: album.refresh_from_db(["titel"]),
    "get_or_upsert": lambda _: Repository(model=Album).get_or_upsert(["titel"], titel="x"),
    "update_many": lambda _: Repository(model=Album).update_many({"titel": "x"}),
}


@pytest.mark.parametrize("act", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_name_is_refused_with_the_names_there_are(
    album: Album, sent: list[str], act: Callable[[Album], Any]
) -> None:
    assert told(FieldError, lambda: act(album)) == NO_FIELD
    assert all(command.startswith("select") for command in sent)


@pytest.mark.parametrize(
    "act",
    [
        lambda album: album.save(update_fields="title"),
        lambda album: album.refresh_from_db("title"),
        lambda album: Album.objects.bulk_update([album], "title"),
    ],
    ids=["save", "refresh_from_db", "bulk_update"],
)
def test_a_single_text_is_no_list_of_names(album: Album, sent: list[str], act: Callable[[Album], Any]) -> None:
    assert told(FieldError, lambda: act(album)) == (
        "Album: fields are given as a list of names, not 'title'; write ['title']"
    )
    assert sent == []


KEY_CHANGES: dict[str, Callable[[Album], Any]] = {
    "save": lambda album: album.save(),
    "save, force_update": lambda album: album.save(force_update=True),
    "save, update_fields": lambda album: album.save(update_fields=["title"]),
    "refresh_from_db": lambda album: album.refresh_from_db(),
    "delete": lambda album: album.delete(),
    "contains": lambda album: Album.objects.contains(album),
    "bulk_update": lambda album: Album.objects.bulk_update([album], ["title"]),
    "repository": lambda album: Repository(model=Album).update(album),
}


@pytest.mark.parametrize("act", KEY_CHANGES.values(), ids=KEY_CHANGES)
def test_a_changed_key_never_reaches_another_row(album: Album, sent: list[str], act: Callable[[Album], Any]) -> None:
    other = Album.objects.create(title="Live")
    sent.clear()
    album.pk = other.pk
    assert told(QueryUsageError, lambda: act(album)) == NO_KEY_CHANGE
    assert sent == []


def test_a_removed_key_is_a_changed_one(album: Album, sent: list[str]) -> None:
    album.pk = None
    assert told(QueryUsageError, album.save) == NO_KEY_CHANGE
    assert sent == []
    album.title = "a copy"
    album.save(force_insert=True)
    assert Album.objects.count() == 2


def test_a_key_is_not_updated(sent: list[str], album: Album) -> None:
    text = "Album.id is the primary key: it cannot be changed; insert a new row and delete this one"
    assert told(FieldError, lambda: Album.objects.update(id=9)) == text
    assert told(FieldError, lambda: Album.objects.update(pk=F("id") + 1)) == text
    text = "Album.id is the primary key: an update cannot write it"
    assert told(FieldError, lambda: album.save(update_fields=["pk"])) == text
    assert told(FieldError, lambda: Album.objects.bulk_update([album], ["title", "id"])) == text
    assert sent == []


def test_an_instance_without_a_row_is_not_updated_read_or_deleted(sent: list[str]) -> None:
    new = Album(title="new")
    assert told(QueryUsageError, new.delete) == NO_ROW
    assert told(QueryUsageError, new.refresh_from_db) == f"{NO_ROW} to read"
    assert told(QueryUsageError, lambda: Album.objects.contains(new)) == NO_ROW
    assert told(QueryUsageError, lambda: new.save(force_update=True)) == NO_KEY
    assert told(QueryUsageError, lambda: new.save(update_fields=["title"])) == NO_KEY
    assert told(QueryUsageError, lambda: Album.objects.bulk_update([new], ["title"])) == NO_KEY
    assert told(TypeError, lambda: hash(new)) == (
        "Album: an instance without a primary key cannot be hashed; save() it first"
    )
    assert sent == []


@pytest.mark.parametrize("wrong", [3, None, {"title": "x"}, Album, Track(name="x")], ids=lambda each: repr(each)[:20])
def test_a_bulk_write_takes_instances_of_its_model(sent: list[str], wrong: Any) -> None:
    text = f"a bulk write of Album takes its instances, not {wrong!r}"
    assert told(QueryUsageError, lambda: Album.objects.bulk_create([Album(title="x"), wrong])) == text
    assert told(QueryUsageError, lambda: Album.objects.bulk_update([wrong], ["title"])) == text
    assert told(QueryUsageError, lambda: Album.objects.contains(wrong)) == (
        f"contains() takes a saved Album, not {wrong!r}"
    )
    assert sent == []


def test_a_write_of_nothing_is_refused(album: Album, sent: list[str]) -> None:
    assert told(QueryUsageError, lambda: Album.objects.update()) == "Album: update() needs at least one field=value"
    assert told(QueryUsageError, lambda: Album.objects.bulk_update([album], [])) == (
        "Album: bulk_update() needs at least one field to write"
    )
    assert told(QueryUsageError, lambda: Album.objects.bulk_create([album], batch_size=0)) == (
        "Album: batch_size must be an int >= 1, not 0"
    )
    assert told(QueryUsageError, lambda: album.save(force_insert=True, update_fields=["title"])) == (
        "Album: save() takes force_insert or an update, not both"
    )
    assert sent == []


def test_only_plain_rows_are_written(sent: list[str]) -> None:
    plain = "Album: delete() works on filtered rows, not on {}; filter by key instead"
    what = "a slice, distinct() or values()"
    assert told(QueryUsageError, lambda: Album.objects.values("title").delete()) == plain.format(what)
    assert told(QueryUsageError, lambda: Album.objects.distinct().delete()) == plain.format(what)
    assert told(QueryUsageError, lambda: Album.objects.client(max_rows=9).delete()) == (
        plain.format("rows behind client()")
    )
    assert sent == []


def test_an_expression_assigned_must_fit_its_field(sent: list[str]) -> None:
    assert told(FieldError, lambda: Album.objects.update(year=F("rating"))) == (
        "Album.year is an int: it cannot take the float of an expression"
    )
    assert told(ValidationError, lambda: Album.objects.create(title="x", year=F("year"))) == (
        "Album.year: Input should be a valid integer, not F('year')"
    )
    assert told(FieldError, lambda: Album.objects.update(year=Q(year=1))).startswith("update(year=...) of Album: ")
    assert sent == []


def test_a_row_in_the_way_is_told_by_model_and_field(album: Album) -> None:
    with pytest.raises(UniqueViolation) as caught:
        Album.objects.create(title="Boston")
    assert str(caught.value) == "Album: another row already has this title"
    assert (caught.value.model, caught.value.fields) == ("Album", ("title",))


async def test_the_async_colour_refuses_with_the_same_words(album: Album, sent: list[str]) -> None:
    wrong: list[tuple[type[Exception], Any, str]] = [
        (FieldError, Album.objects.acreate(titel="x"), NO_FIELD),
        (FieldError, Album.objects.aupdate(titel="x"), NO_FIELD),
        (QueryUsageError, Album(title="x").adelete(), NO_ROW),
        (QueryUsageError, Album.objects.all()[:3].adelete(), "Album: delete() works on filtered rows, not on a slice"),
        (
            QueryUsageError,
            Album.objects.abulk_update([album], []),
            "Album: bulk_update() needs at least one field to write",
        ),
        (ValidationError, Album.objects.aupdate(year="soon"), "Album.year: Input should be a valid integer"),
    ]
    for error, call, text in wrong:
        with pytest.raises(error) as caught:
            await call
        assert str(caught.value).startswith(text)
    assert sent == []
