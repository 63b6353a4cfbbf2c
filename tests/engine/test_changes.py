"""What an instance would write: assigned fields, containers that differ, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from polystore import Store
from polystore.adapters.base import Source
from polystore.engine import changes
from polystore.engine.load import build_loader
from polystore.errors import FieldError, QueryUsageError, ValidationError
from polystore.schema.model import Schema
from tests.engine.models import NOTE, STAMPED, Colour, Note, Spot, Stamped

RAW = (1, "a", 5, "red", '{"a": [1, true, null]}', '["x"]', '{"name": "here", "colour": "blue"}')
MOMENT = datetime(2024, 2, 29, 1, 2, 3, 4, UTC)


def loaded() -> Any:
    """A note as it comes from a store that keeps structures as text."""
    sources = [Source(place, json.loads if info.mutable else None) for place, info in enumerate(NOTE.fields)]
    return build_loader("models", NOTE.fields, sources, model=Note, store="main")([RAW])[0]


def created() -> Any:
    """The same note, as its own save left it."""
    note = Note(title="a", stars=5, colour=Colour.RED, data={"a": [1, True, None]}, tags=["x"])
    note.spot = Spot(name="here", colour=Colour.BLUE)
    row = changes.clean(note, NOTE)
    changes.mark_saved(note, NOTE, "main", row | {"id": 1})
    return note


def request(instance: Any, schema: Schema = NOTE, **options: Any) -> changes.SaveRequest:
    given = {"force_insert": False, "force_update": False, "update_fields": None} | options
    return changes.save_request(instance, schema, **given)


def changed(note: Any) -> list[str]:
    return [info.name for info in request(note).changed]


CHANGES: list[tuple[Callable[[Any], Any], list[str]]] = [
    (lambda note: None, []),
    (lambda note: setattr(note, "title", "b"), ["title"]),
    (lambda note: [setattr(note, "stars", 6), setattr(note, "title", "b")], ["title", "stars"]),
    (lambda note: setattr(note, "stars", None), ["stars"]),
    (lambda note: setattr(note, "colour", Colour.BLUE), ["colour"]),
    (lambda note: note.tags.append("y"), ["tags"]),
    (lambda note: [note.tags.append("y"), note.tags.pop()], []),
    (lambda note: setattr(note, "tags", ["x"]), []),
    (lambda note: setattr(note, "tags", []), ["tags"]),
    (lambda note: setattr(note, "data", {"a": [1, True, None]}), []),
    (lambda note: setattr(note, "data", {"a": [True, True, None]}), ["data"]),
    (lambda note: setattr(note, "data", {"a": [1, 1, None]}), ["data"]),
    (lambda note: setattr(note, "data", {"a": [1.0, True, None]}), ["data"]),
    (lambda note: note.data.update(b=None), ["data"]),
    (lambda note: note.data["a"].reverse(), ["data"]),
    (lambda note: setattr(note, "data", None), ["data"]),
    (lambda note: setattr(note.spot, "name", "there"), ["spot"]),
    (lambda note: setattr(note.spot, "colour", None), ["spot"]),
    (lambda note: setattr(note, "spot", Spot(name="here", colour=Colour.BLUE)), []),
    (lambda note: setattr(note, "spot", None), ["spot"]),
]


@pytest.mark.parametrize(("change", "fields"), CHANGES)
@pytest.mark.parametrize("make", [loaded, created])
def test_a_field_counts_as_changed_where_it_was_assigned_or_its_contents_differ(
    make: Callable[[], Any], change: Callable[[Any], Any], fields: list[str]
) -> None:
    note = make()
    change(note)
    assert changed(note) == fields


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1, True),
        (1, True, False),
        (1, 1.0, False),
        ([1, [2]], [1, [2]], True),
        ([1], [True], False),
        ({"a": {"b": 0}}, {"a": {"b": False}}, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": None}, {}, False),
        ([1, 2], [1], False),
        ([], {}, False),
        (None, None, True),
        ({"a": date(2024, 1, 1)}, {"a": date(2024, 1, 1)}, True),
    ],
)
def test_structures_are_identical_with_the_types_of_their_numbers(left: Any, right: Any, same: bool) -> None:
    assert changes.identical(left, right) is same
    assert changes.identical(right, left) is same


# ---- what a save does


@pytest.mark.parametrize(
    ("make", "options", "action"),
    [
        (lambda: Note(title="a"), {}, "insert"),
        (lambda: Note(id=7, title="a"), {}, "update or insert"),
        (lambda: Note(id=7, title="a"), {"force_insert": True}, "insert"),
        (lambda: Note(id=7, title="a"), {"force_update": True}, "update"),
        (lambda: Note(id=7, title="a"), {"update_fields": ["title"]}, "update"),
        (loaded, {}, "nothing"),
        (loaded, {"force_insert": True}, "insert"),
        (loaded, {"force_update": True}, "update"),
        (loaded, {"update_fields": []}, "nothing"),
        (loaded, {"update_fields": ["stars"]}, "update"),
    ],
)
def test_a_save_inserts_updates_or_does_nothing(make: Callable[[], Any], options: dict[str, Any], action: str) -> None:
    assert request(make(), **options).action == action


def test_a_changed_instance_is_updated_or_inserted_when_it_is_gone() -> None:
    note = loaded()
    note.title = "b"
    made = request(note)
    assert (made.action, [info.name for info in made.changed]) == ("update or insert", ["title"])
    assert made.row["title"] == "b"
    assert made.row.keys() == NOTE.by_name.keys()


def test_update_fields_are_written_changed_or_not() -> None:
    note = loaded()
    note.title = "b"
    assert [info.name for info in request(note, update_fields=["stars", "data"]).changed] == ["stars", "data"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"force_insert": True, "force_update": True}, QueryUsageError, "Note: save() takes force_insert or an update"),
        ({"force_insert": True, "update_fields": []}, QueryUsageError, "takes force_insert or an update, not both"),
        ({"update_fields": ["pk"]}, FieldError, "Note.id is the primary key: update_fields cannot name it"),
        ({"update_fields": ["nothing"]}, FieldError, "Note has no field 'nothing'"),
    ],
)
def test_wrong_options_are_told(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        request(loaded(), **options)
    assert message in str(raised.value)


def test_the_key_of_a_saved_instance_stays() -> None:
    note = loaded()
    note.id = 2
    with pytest.raises(QueryUsageError, match=r"Note\.id of a saved instance cannot change; save\(force_insert=True\)"):
        request(note)
    assert request(note, force_insert=True).row["id"] == 2


def test_an_update_needs_a_key() -> None:
    with pytest.raises(QueryUsageError, match="Note: an instance without a primary key cannot be updated; save"):
        request(Note(title="a"), force_update=True)


def test_what_was_assigned_is_validated_and_told_with_what_was_given() -> None:
    note = loaded()
    note.title, note.stars, note.tags = "a" * 21, True, [1]
    with pytest.raises(ValidationError) as raised:
        request(note)
    assert "Note.title: String should have at most 20 characters, not 'aaa" in str(raised.value) or (
        "Note.stars: Input should be a number, not a bool, not True" in str(raised.value)
    )
    assert note.stars is True


def test_what_was_assigned_is_taken_over_as_validated() -> None:
    note = loaded()
    note.stars, note.colour, note.spot = "7", "blue", {"name": "there"}
    row = request(note).row
    assert (row["stars"], row["colour"], row["spot"]) == (7, Colour.BLUE, Spot(name="there"))
    assert (note.stars, note.colour, note.spot) == (7, Colour.BLUE, Spot(name="there"))


def test_after_an_update_only_other_changes_are_left() -> None:
    note = loaded()
    note.title, note.stars = "b", 6
    note.tags.append("y")
    changes.note_updated(note, NOTE, "main", {"title": "b", "tags": ["x", "y"]})
    assert changed(note) == ["stars"]


def test_a_deleted_instance_is_new_again() -> None:
    note = loaded()
    changes.mark_deleted(note)
    assert not changes.is_saved(note)
    assert request(note).action == "update or insert"
    assert len(request(note).changed) == len(NOTE.fields) - 1


# ---- values given by name


@pytest.mark.parametrize(
    ("name", "held", "given"),
    [("data", [1], [True]), ("data", {"a": 0}, {"a": False}), ("data", 1, 1.0), ("data", [1], [1.0])],
)
def test_a_value_that_differs_in_type_only_is_written(name: str, held: Any, given: Any) -> None:
    with Store("memory://"):
        note = Note.objects.create(title="a", **{name: held})
        _, made = Note.objects.update_or_create(pk=note.pk, defaults={name: given})
        assert not made
        assert changes.identical(getattr(Note.objects.get(pk=note.pk), name), given)


def test_a_bool_that_equals_the_number_held_is_refused_all_the_same() -> None:
    with Store("memory://"):
        note = Note.objects.create(title="a", stars=1)
        with pytest.raises(ValidationError, match="number, not a bool"):
            Note.objects.update_or_create(pk=note.pk, defaults={"stars": True})


def test_equal_values_are_not_assigned() -> None:
    note = loaded()
    changes.assign(note, {"title": "a", "stars": 5, "colour": Colour.RED, "tags": ["x"], "data": note.data})
    assert request(note).action == "nothing"


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"titel": "a"}, FieldError, "Note has no field 'titel'; its fields are id, title,"),
        ({"title": 3}, ValidationError, "Note.title: Input should be a valid string, not 3"),
        ({"title": "a", "tags": [1]}, ValidationError, "Note.tags.0: Input should be a valid string, not 1"),
        ({}, ValidationError, "Note.title: Field required, not {}"),
    ],
)
def test_a_new_instance_tells_what_is_wrong(values: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        changes.new_instance(Note, NOTE, values)
    assert message in str(raised.value)
    assert changes.new_instance(Note, NOTE, {"pk": 3, "title": "a"}).id == 3


# ---- moments and versions


def test_moments_have_the_kind_of_their_field() -> None:
    given = {info.name: changes.moment_for(info, MOMENT) for info in STAMPED.moments}
    assert given == {
        "created": MOMENT,
        "updated": MOMENT,
        "day": date(2024, 2, 29),
        "at": time(1, 2, 3, 4),
        "wall": datetime(2024, 2, 29, 1, 2, 3, 4),
    }


def test_the_first_write_sets_all_moments_and_later_ones_those_of_updates() -> None:
    assert set(changes.moments(STAMPED, adding=True)) == {"created", "updated", "day", "at", "wall"}
    later = changes.moments(STAMPED)
    assert set(later) == {"updated", "day", "at", "wall"}
    assert later["updated"].replace(tzinfo=None) == later["wall"]
    assert changes.moments(NOTE, adding=True) == {}


def test_an_update_writes_its_moments_with_a_change_only_and_demands_the_version() -> None:
    stamped: Any = Stamped(name="a")
    row = request(stamped, STAMPED).row
    changes.mark_saved(stamped, STAMPED, "main", {**row, "id": 1})
    assert request(stamped, STAMPED).action == "nothing"
    stamped.name = "b"
    made = request(stamped, STAMPED)
    assert [info.name for info in made.changed] == ["name", "updated", "day", "at", "wall"]
    assert (made.action, made.version) == ("update", 1)
    assert made.row["updated"] > row["updated"]
    assert made.row["created"] == row["created"]
