"""What a save does: insert, update or nothing; what it validates; moments and versions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from polystore.adapters.base import Source
from polystore.engine import changes, saved
from polystore.engine.load import build_loader
from polystore.errors import FieldError, QueryUsageError, ValidationError
from tests.engine.models import CHECKED, NOTE, STAMPED, Checked, Colour, Note, Spot, Stamped
from tests.engine.notes import changed, loaded, request

MOMENT = datetime(2024, 2, 29, 1, 2, 3, 4, UTC)


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
        ({"update_fields": ["pk"]}, FieldError, "Note.id is the primary key: an update cannot write it"),
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


REFUSED = (
    ("title", f"String should have at most 20 characters, not {'a' * 21!r}"),
    ("stars", "Input should be a number, not a bool, not True"),
    ("tags.1", "Input should be a valid string, not 1"),
    ("spot.name", "Input should be a valid string, not 2"),
)


@pytest.mark.parametrize("names", [None, ("id", "title", "stars", "tags", "spot")])
def test_everything_that_was_assigned_wrongly_is_told(names: tuple[str, ...] | None) -> None:
    note = loaded(names)
    note.title, note.stars, note.tags, note.spot = "a" * 21, True, ["x", 1], {"name": 2}
    with pytest.raises(ValidationError) as raised:
        request(note)
    assert raised.value.errors == REFUSED
    assert str(raised.value) == "; ".join(f"Note.{name}: {reason}" for name, reason in REFUSED)
    assert note.stars is True


def test_validators_of_a_models_own_do_not_hide_a_field() -> None:
    checked: Any = build_loader("models", CHECKED.fields[:2], [Source(0), Source(1)], model=Checked)([(1, "a")])[0]
    checked.name = 3
    with pytest.raises(ValidationError) as raised:
        request(checked, CHECKED)
    assert str(raised.value) == "Checked.name: Input should be a valid string, not 3"


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
    saved.note_updated(note, NOTE, "main", {"title": "b", "tags": ["x", "y"]})
    assert changed(note) == ["stars"]


def test_a_deleted_instance_is_new_again() -> None:
    note = loaded()
    saved.mark_deleted(note)
    assert not saved.is_saved(note)
    assert request(note).action == "update or insert"
    assert len(request(note).changed) == len(NOTE.fields) - 1


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
    saved.mark_saved(stamped, STAMPED, "main", {**row, "id": 1})
    assert request(stamped, STAMPED).action == "nothing"
    stamped.name = "b"
    made = request(stamped, STAMPED)
    assert [info.name for info in made.changed] == ["name", "updated", "day", "at", "wall"]
    assert (made.action, made.version) == ("update", 1)
    assert made.row["updated"] > row["updated"]
    assert made.row["created"] == row["created"]
