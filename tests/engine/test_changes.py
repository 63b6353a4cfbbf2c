"""What an instance would write: assigned fields, containers that differ, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from polystore import Store
from polystore.engine import changes, validation
from polystore.errors import FieldError, ValidationError
from tests.engine.models import NOTE, Colour, Note, Spot
from tests.engine.notes import changed, created, loaded, request

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
        ({}, ValidationError, "Note.title: Field required"),
    ],
)
def test_a_new_instance_tells_what_is_wrong(values: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        validation.new_instance(Note, NOTE, values)
    assert message in str(raised.value)
    assert validation.new_instance(Note, NOTE, {"pk": 3, "title": "a"}).id == 3
