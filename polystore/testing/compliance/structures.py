"""JSON, lists, maps and embedded models; rules G1 to G9."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from polystore.errors import (
    ValidationError,
)
from polystore.testing.harness import Db, rule
from polystore.testing.models import City, Everything, Person

rows = Everything.objects


def saved(db: Db, **values: Any) -> Everything:
    """The one row there is."""
    (row,) = db.given(Everything, [{"name": "a", **values}])
    return row


# ---- structures


PERSON = Person(
    name="Ann",
    born=datetime(1969, 7, 20, 20, 17, tzinfo=UTC),
    city=City(name="Oslo", founded=date(1040, 1, 1), area=Decimal("454.12")),
    nicknames=["", "é", "a.b", "$x"],
)
DATA: dict[str, Any] = {
    "nested": {"list": [1, 2.5, "x", None, True, {}, []], "null": None},
    "wide": 2**53 + 1,
    "low": -(2**63),
    "text": "é\U0001f600\n\t\"'\\",
    "": "empty",
    "with.dot": 1,
    "$dollar": 1,
    "1": "digit",
}


@rule("A23", "G1", "G7")
def test_json_comes_back_as_it_was(db: Db) -> None:
    for value in (DATA, [], {}, [DATA, None], 0, False, "", "text", 1.5, 2**53 + 1):
        saved(db, data=value)
        found = db(rows.all()).get().data
        assert (found, type(found)) == (value, type(value))


@rule("B5", "G2")
def test_numbers_within_json_keep_their_type(db: Db) -> None:
    saved(db, data=[1, 1.0, True, 0, 0.0, False, -1.5e300, 10**15])
    found = db(rows.all()).get().data
    assert [type(item) for item in found] == [int, float, bool, int, float, bool, float, int]


@rule("B5", "G2")
def test_a_json_value_that_changes_its_type_only_is_written(db: Db) -> None:
    row = saved(db, data={"k": [1, 0]})
    row.data["k"][1] = False
    with db.commands(1):
        db(row).save()
    row.data = {"k": [1.0, False]}
    with db.commands(1):
        db(row).save()
    assert [type(item) for item in db(rows.all()).get().data["k"]] == [float, bool]


@rule("G2", "G7")
@pytest.mark.parametrize(
    "value",
    [{1, 2}, {1: "a"}, [2**63], ..., [b"x"], {"a": datetime(2024, 1, 1, tzinfo=UTC)}, [Decimal(1)]],
    ids=repr,
)
def test_what_json_cannot_hold_is_refused(db: Db, value: Any) -> None:
    db.given(Everything, [])
    with db.commands(0), pytest.raises(ValidationError, match=r"Everything\.data"):
        db(rows.all()).create(name="x", data=value)


@rule("G6", "G7")
def test_embedded_models_lists_and_maps_come_back_as_they_were(db: Db) -> None:
    people = [PERSON, Person(name="B"), PERSON]
    saved(
        db,
        person=PERSON,
        people=people,
        tags=["b", "a", "b", ""],
        amounts={"x.y": Decimal("1.50"), "$z": Decimal(0), "": Decimal("1E-5")},
    )
    row = db(rows.all()).get()
    assert (row.person, row.people, row.tags) == (PERSON, people, ["b", "a", "b", ""])
    assert row.amounts == {"x.y": Decimal("1.5"), "$z": Decimal(0), "": Decimal("0.00001")}
    assert isinstance(row.person.city, City)
    assert str(row.person.city.area) == "454.12"


@rule("A1", "G9")
def test_missing_parts_of_a_structure_read_as_none(db: Db) -> None:
    saved(db, person=Person(name="P"), people=[Person(name="Q", city=City(name="C"))])
    row = db(rows.all()).get()
    assert (row.person.city, row.person.born, row.person.nicknames) == (None, None, [])
    assert row.people[0].city.founded is None


@rule("E10")
def test_defaults_are_made_for_each_instance(db: Db) -> None:
    first, second = db.given(Everything, [{"name": "a"}, {"name": "b"}])
    first.people.append(Person(name="P"))
    assert second.people == []
    assert Everything(name="c").people == []
