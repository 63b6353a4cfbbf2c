"""Generated loaders and dumpers: rows to instances, dicts, tuples or single values, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from polystore.adapters.base import Source
from polystore.engine.load import Origin, build_dumper, build_instance, build_loader, compose
from polystore.engine.saved import is_saved, saved_of
from polystore.query.stages import Form
from tests.engine.models import NOTE, PRIVATE, Colour, Note, Private, Spot

COLUMNS = [NOTE.field(name) for name in ("id", "title", "stars", "colour")]
RAW = [(1, "a", 5, "red"), (2, "b", None, None)]


def sources(keys: Any, **loads: Any) -> list[Source]:
    return [Source(key, loads.get(info.name)) for key, info in zip(keys, COLUMNS, strict=True)]


BY_PLACE, BY_NAME, SHUFFLED = (0, 1, 2, 3), ("id", "title", "stars", "colour"), (3, 1, 0, 2)
ROWS: dict[str, tuple[Any, list[Any]]] = {
    "tuples": (BY_PLACE, RAW),
    "lists": (BY_PLACE, [list(row) for row in RAW]),
    "dicts": (BY_NAME, [dict(zip(BY_NAME, row, strict=True)) for row in RAW]),
    "shuffled tuples": (SHUFFLED, [(stars, title, colour, key) for key, title, stars, colour in RAW]),
    "dicts without nulls": (BY_NAME, [{"id": 1, "title": "a", "stars": 5, "colour": "red"}, {"id": 2, "title": "b"}]),
}
RICH = [(1, "a", 5, Colour.RED), (2, "b", None, None)]
FORMS: list[tuple[Form, list[Any]]] = [
    ("values", [dict(zip(BY_NAME, row, strict=True)) for row in RICH]),
    ("tuples", RICH),
    ("named", RICH),
    ("flat", [1, 2]),
]


@pytest.mark.parametrize(("form", "expected"), FORMS)
@pytest.mark.parametrize("rows", ROWS)
def test_rows_become_the_form_asked_for(rows: str, form: Form, expected: list[Any]) -> None:
    keys, raw = ROWS[rows]
    assert build_loader(form, COLUMNS, sources(keys))(raw) == expected


def test_named_rows_have_their_fields_as_attributes() -> None:
    first = build_loader("named", COLUMNS, sources(BY_PLACE))(RAW)[0]
    assert (first.title, first._fields) == ("a", ("id", "title", "stars", "colour"))


def test_tuples_are_tuples_whatever_the_driver_gives() -> None:
    plain = COLUMNS[:2]
    found = build_loader("tuples", plain, [Source(0), Source(1)])([[1, "a"]])
    assert found == [(1, "a")]
    assert type(found[0]) is tuple


def test_columns_behind_the_fields_are_left_alone() -> None:
    load = build_loader("tuples", COLUMNS[:2], [Source(0), Source(1)], wider=True)
    assert load([(1, "a", "behind")]) == [(1, "a")]


def test_a_source_is_loaded_before_it_becomes_rich_and_null_is_never_loaded() -> None:
    load = build_loader("tuples", COLUMNS, sources(BY_PLACE, stars=int, colour=str.lower))
    assert load([(1, "a", "5", "RED"), (2, "b", None, None)]) == RICH


def test_plain_values_stay_plain_where_asked() -> None:
    load = build_loader("tuples", COLUMNS, sources(BY_PLACE), rich=False)
    assert load(RAW) == RAW


def test_the_query_values_are_taken_and_ignored() -> None:
    load = build_loader("flat", COLUMNS, sources(BY_PLACE))
    assert load(RAW, (1, 2, 3)) == [1, 2]
    assert load([]) == []


# ---- instances


def loaded(rows: list[tuple[Any, ...]], names: tuple[str, ...] | None = None) -> list[Any]:
    fields = NOTE.fields if names is None else [NOTE.field(name) for name in names]
    made = [Source(place, json.loads if info.mutable else None) for place, info in enumerate(fields)]
    return build_loader("models", fields, made, model=Note, store="main")(rows)


WHOLE = (1, "a", 5, "red", '{"a": [1]}', '["x"]', '{"name": "here", "colour": "blue"}')


def test_an_instance_is_what_its_values_would_have_made() -> None:
    (note,) = loaded([WHOLE])
    made = Note(id=1, title="a", stars=5, colour=Colour.RED, data={"a": [1]}, tags=["x"], spot=Spot(name="here"))
    made.spot.colour = Colour.BLUE
    assert note.model_dump() == made.model_dump()
    assert type(note) is Note
    assert note.model_fields_set == {info.name for info in NOTE.fields}
    assert note.spot == Spot(name="here", colour=Colour.BLUE)
    assert note.model_copy(deep=True).model_dump() == note.model_dump()
    assert Note.model_validate_json(note.model_dump_json()).model_dump() == note.model_dump()


def test_a_loaded_instance_is_saved_and_keeps_what_its_containers_were() -> None:
    (note,) = loaded([WHOLE])
    assert is_saved(note)
    assert saved_of(note) == (Origin("main", ("data", "tags", "spot"), (json.loads,) * 3), *WHOLE[4:])


def test_instances_share_nothing_that_can_change() -> None:
    one, other = loaded([WHOLE, WHOLE])
    one.tags.append("y")
    one.data["b"] = 1
    one.spot.name = "there"
    assert (other.tags, other.data, other.spot.name) == (["x"], {"a": [1]}, "here")


def test_values_are_not_validated_again() -> None:
    (note,) = loaded([(1, "a" * 50, "five", None, None, None, None)])
    assert (note.title, note.stars, note.tags) == ("a" * 50, "five", None)


def test_only_the_selected_fields_are_there() -> None:
    note, other = loaded([(1, '["x"]'), (2, "[]")], ("id", "tags"))
    assert note.__dict__ == {"id": 1, "tags": ["x"]}
    assert note.model_fields_set == {"id", "tags"}
    assert saved_of(note) == (Origin("main", ("tags",), (json.loads,)), '["x"]')
    other.model_fields_set.add("title")
    assert note.model_fields_set == {"id", "tags"}


def test_private_attributes_and_extra_values_have_their_places() -> None:
    (one, other) = build_loader("models", PRIVATE.fields, [Source(0), Source(1)], model=Private)([(1, "a"), (2, "b")])
    assert (one._seen, one.model_extra) == (3, {})
    one._seen = 4
    one.added = True
    assert (other._seen, other.model_extra) == (3, {})


def test_an_embedded_instance_is_built_without_validation() -> None:
    spot = build_instance(Spot, {"name": 5, "colour": None}, {"name", "colour"})
    assert (spot.name, spot.model_fields_set) == (5, {"name", "colour"})


# ---- dumpers


def test_a_dumper_gives_plain_values_then_stored_ones() -> None:
    names = ("title", "stars", "colour", "tags", "spot")
    fields = [NOTE.field(name) for name in names]
    dump = build_dumper(fields, [str.upper, None, str.upper, json.dumps, None])
    row = {"title": "a", "stars": None, "colour": Colour.RED, "tags": ["x"], "spot": Spot(name="y")}
    assert dump(row) == ("A", None, "RED", '["x"]', {"name": "y", "colour": None})
    assert dump(row | {"title": None, "colour": None, "tags": None, "spot": None}) == (None,) * 5


def test_a_dumper_of_one_field_gives_a_tuple() -> None:
    assert build_dumper([NOTE.field("stars")], [None])({"stars": 3}) == (3,)


def test_conversions_are_composed_in_order() -> None:
    assert compose(None, None) is None
    assert compose(str.upper, None) is str.upper
    assert compose(None, str.upper) is str.upper
    both = compose(str.strip, len)
    assert both is not None
    assert both(" a ") == 1
