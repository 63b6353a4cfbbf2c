"""Many rows changed by their keys, and what is left of a batch that fails; rules F23, F24, F28, I16, K7."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from bson import ObjectId

from polystore import Feature
from polystore.errors import (
    BulkWriteError,
    FieldError,
    IntegrityError,
    QueryUsageError,
    StaleObject,
    UniqueViolation,
    ValidationError,
)
from polystore.testing.compliance.capabilities import SCALARS, STRUCTURES
from polystore.testing.harness import Db, rule
from polystore.testing.models import (
    AutoKey,
    Everything,
    Expiring,
    IntKey,
    ObjectIdKey,
    Stamped,
    TextKey,
    Unique,
    UuidKey,
    Versioned,
)

rows = Everything.objects
uniques = Unique.objects
keyed = IntKey.objects


# ---- bulk_update


@rule("F23", "F28", verbs=["bulk_update"])
def test_many_rows_are_changed_by_one_command(db: Db) -> None:
    made = db.given(Everything, [{"name": f"n{i}", "number": i, "text": "old"} for i in range(5)])
    for place, row in enumerate(made):
        row.number, row.text, row.rank = None if place == 3 else place * 10, f"t{place}", 99
    with db.commands(1):
        assert db(rows.all()).bulk_update(made, ["number", "text"]) == 5
    assert {(row.name, row.number, row.text, row.rank) for row in db(rows.all()).rows()} == {
        ("n0", 0, "t0", 0),
        ("n1", 10, "t1", 0),
        ("n2", 20, "t2", 0),
        ("n3", None, "t3", 0),
        ("n4", 40, "t4", 0),
    }
    assert db.found(rows.filter(number__gte=20)) == "n2 n4"
    assert db.found(rows.filter(text="t3", number=None)) == "n3"


@rule("F9", "F23", verbs=["bulk_update"])
def test_rows_that_are_gone_are_not_counted_and_keep_their_changes(db: Db) -> None:
    first, second, third = db.given(Everything, [{"name": name, "number": 1} for name in "abc"])
    db(rows.filter(name="b")).delete()
    for row in (first, second, third):
        row.number = 2
    assert db(rows.all()).bulk_update([first, second, third], ["number"]) == 2
    assert {(row.name, row.number) for row in db(rows.all()).rows()} == {("a", 2), ("c", 2)}
    with db.commands(0):
        db(first).save()
    db(second).save()
    assert db(rows.all()).get(name="b").number == 2


@rule("F23")
@pytest.mark.parametrize("field", [*SCALARS, *STRUCTURES])
def test_many_values_of_each_kind_are_written(db: Db, field: str) -> None:
    first, second = {**SCALARS, **STRUCTURES}[field]
    empty: Any = [] if field == "people" else None
    made = db.given(Everything, [{"name": "a", field: second}, {"name": "b"}, {"name": "c", field: first}])
    for row, value in zip(made, (first, second, empty), strict=True):
        setattr(row, field, value)
    assert db(rows.all()).bulk_update(made, [field]) == 3
    found = {row.name: getattr(row, field) for row in db(rows.all()).rows()}
    assert found == {"a": first, "b": second, "c": empty}
    assert [type(found[name]) for name in "abc"] == [type(first), type(second), type(empty)]
    for row in made:
        setattr(row, field, empty)
    assert db(rows.all()).bulk_update(made, [field]) == 3
    assert [getattr(row, field) for row in db(rows.all()).rows()] == [empty] * 3


@rule("F23", "E1")
@pytest.mark.parametrize(
    ("model", "keys"),
    [
        (IntKey, [{"id": -(2**63)}, {"id": 2**63 - 1}, {"id": 0}]),
        (TextKey, [{"code": "a"}, {"code": "A"}, {"code": "a "}]),
        (UuidKey, [{"id": UUID(int=0)}, {"id": UUID(int=2**127)}, {}]),
        (ObjectIdKey, [{"id": ObjectId("0" * 24)}, {"id": ObjectId("f" * 24)}, {}]),
        (AutoKey, [{}, {}, {}]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_many_rows_are_found_by_keys_of_each_kind(db: Db, model: Any, keys: list[dict[str, Any]]) -> None:
    made = db.given(model, [{**key, "name": "old"} for key in keys])
    for place, row in enumerate(made[:2]):
        row.name = f"new {place}"
    assert db(model.objects.all()).bulk_update(made[:2], ["name"]) == 2
    assert {row.pk: row.name for row in db(model.objects.all()).rows()} == {
        made[0].pk: "new 0",
        made[1].pk: "new 1",
        made[2].pk: "old",
    }


@rule("F23", "K7")
def test_hundreds_of_rows_are_changed(db: Db) -> None:
    made = db.given(IntKey, [{"id": i, "name": "old"} for i in range(700)])
    for row in made:
        row.name = f"new {row.id}"
    assert db(keyed.all()).bulk_update(made, ["name"]) == 700
    assert all(row.name == f"new {row.id}" for row in db(keyed.all()).rows())
    with db.commands(3):
        assert db(keyed.all()).bulk_update(made, ["name"], batch_size=300) == 700


@rule("F23", "I16")
def test_rows_with_another_version_are_left_as_they_are(db: Db) -> None:
    made = db.given(Versioned, [{"name": name} for name in "abc"])
    theirs = db(Versioned.objects.all()).get(pk=made[1].pk)
    theirs.plays = 5
    db(theirs).save()
    before = [row.revision for row in made]
    for row in made:
        row.plays = 9
    assert db(Versioned.objects.all()).bulk_update(made, ["plays"]) == 2
    found = {row.name: (row.plays, row.revision) for row in db(Versioned.objects.all()).rows()}
    assert found == {"a": (9, before[0] + 1), "b": (5, theirs.revision), "c": (9, before[2] + 1)}
    assert [row.revision for row in made] == [before[0] + 1, before[1], before[2] + 1]
    with pytest.raises(StaleObject):
        db(made[1]).save()
    made[2].plays = 10
    db(made[2]).save()


@rule("F23", "I16")
def test_a_row_that_comes_twice_is_changed_twice(db: Db) -> None:
    first, second = db.given(IntKey, [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])
    again = IntKey(id=1, name="last")
    first.name = second.name = "x"
    assert db(keyed.all()).bulk_update([first, second, again], ["name"]) == 3
    assert {(row.id, row.name) for row in db(keyed.all()).rows()} == {(1, "last"), (2, "x")}
    (one,) = db.given(Versioned, [{"name": "a"}])
    other = db(Versioned.objects.all()).get(pk=one.pk)
    one.plays, other.plays = 1, 2
    assert db(Versioned.objects.all()).bulk_update([one, other], ["plays"]) == 1
    assert db(Versioned.objects.all()).get(pk=one.pk).plays == 1


@rule("F23")
def test_many_changed_rows_are_stamped(db: Db) -> None:
    made = db.given(Stamped, [{"name": "a"}, {"name": "b"}])
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    assert db(Stamped.objects.all()).update(updated=long_ago) == 2
    born = {row.name: row.created for row in made}
    assert db(Stamped.objects.all()).bulk_update(made, ["name"]) == 2
    for row in db(Stamped.objects.all()).rows():
        assert row.updated > long_ago
        assert row.created == born[row.name]


@rule("F23", "K1")
def test_wrong_bulk_updates_are_refused_before_they_write(db: Db) -> None:
    made = db.given(Versioned, [{"name": "a"}])
    objects = Versioned.objects.all()
    partly = db(Versioned.objects.only("name")).rows()
    unversioned = db(Versioned.objects.only("name", "plays")).rows()
    with db.commands(0):
        for names in ([], ["revision"]):
            with pytest.raises(QueryUsageError, match="at least one field"):
                db(objects).bulk_update(made, names)
        for wrong, words in ((["pk"], "primary key"), (["nosuch"], "nosuch"), ("plays", "a list of names")):
            with pytest.raises(FieldError, match=words):
                db(objects).bulk_update(made, wrong)
        with pytest.raises(QueryUsageError, match=r"Versioned\.plays was not loaded"):
            db(objects).bulk_update(partly, ["plays"])
        with pytest.raises(QueryUsageError, match=r"Versioned\.revision was not loaded"):
            db(objects).bulk_update(unversioned, ["plays"])
        with pytest.raises(QueryUsageError, match="without a primary key"):
            db(objects).bulk_update([Versioned(name="x")], ["name"])
        with pytest.raises(QueryUsageError, match="Versioned"):
            db(objects).bulk_update([IntKey(id=1)], ["name"])
        with pytest.raises(QueryUsageError, match="batch_size"):
            db(objects).bulk_update(made, ["name"], batch_size=0)
        assert db(objects).bulk_update([], ["name"]) == 0
    made[0].name = 5  # type: ignore[assignment]  # refused here
    with db.commands(0), pytest.raises(ValidationError, match=r"Versioned\.name"):
        db(objects).bulk_update(made, ["name"])


@rule("F28", "I16")
def test_a_row_loaded_without_its_version_or_moments_is_not_saved_past_them(db: Db) -> None:
    db.given(Versioned, [{"name": "a"}])
    (partly,) = db(Versioned.objects.only("name")).rows()
    partly.name = "b"
    with db.commands(0), pytest.raises(QueryUsageError, match=r"Versioned\.revision was not loaded"):
        db(partly).save()
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    db.given(Stamped, [{"name": "a"}])
    db(Stamped.objects.all()).update(updated=long_ago)
    (bare,) = db(Stamped.objects.only("name")).rows()
    bare.name = "b"
    db(bare).save(update_fields=["name"])
    found = db(Stamped.objects.all()).get(pk=bare.pk)
    assert (found.name, found.updated > long_ago) == ("b", True)


@rule("F8", "F23", needs=[Feature.TTL])
def test_rows_written_in_batches_live_on_and_expired_ones_are_new(db: Db) -> None:
    if db.missing and Feature.TTL in db.missing:
        db.refused_after = 0
        db.store.handle(Expiring)
    objects = Expiring.objects
    db.call(db.store, "create_all", [Expiring])
    try:
        made = [Expiring(name=name) for name in ("a", "b", "c")]
        db(objects.all()).bulk_create(made)
        time.sleep(0.7)
        made[0].name = "A"
        assert db(objects.all()).bulk_update(made[:1], ["name"]) == 1
        kept = db(objects.all()).upsert(Expiring(name="b"), unique_fields=["name"])
        assert kept.pk == made[1].pk
        time.sleep(0.7)
        assert {row.name for row in db(objects.all()).rows()} == {"A", "b"}
        assert db(objects.all()).bulk_update(made, ["name"]) == 2
        again = db(objects.all()).upsert(Expiring(name="c"), unique_fields=["name"])
        assert again.pk != made[2].pk
        assert db(objects.all()).count() == 3
    finally:
        db.call(db.store, "drop_all", [Expiring])


# ---- one after the other


@rule("F23", "F24")
def test_unique_values_are_handed_on_in_the_order_of_the_instances(db: Db) -> None:
    made = db.given(Unique, [{"name": name, "code": code} for name, code in (("a", 1), ("b", 2), ("c", 3))])
    made[2].code, made[1].code, made[0].code = 4, 3, 2
    assert db(uniques.all()).bulk_update(made[::-1], ["code"]) == 3
    assert {(row.name, row.code) for row in db(uniques.all()).rows()} == {("a", 2), ("b", 3), ("c", 4)}
    made[0].code, made[1].code = 3, 2
    with pytest.raises(UniqueViolation) as caught:
        db(uniques.all()).bulk_update(made[:2], ["code"])
    assert caught.value.fields == ("code",)
    assert {(row.name, row.code) for row in db(uniques.all()).rows()} == {("a", 2), ("b", 3), ("c", 4)}


# ---- what is left of a batch that fails


def judge(db: Db, error: IntegrityError, size: int, written: set[int]) -> None:
    """Holds a failed batch against its promise: written whole or not at all, or told instance by instance."""
    if db.declares(Feature.ATOMIC_BATCH):
        assert isinstance(error, UniqueViolation)
        db.proves("Feature:ATOMIC_BATCH")
    if isinstance(error, BulkWriteError):
        assert len(error.outcomes) == size
        assert {place for place, outcome in enumerate(error.outcomes) if outcome is None} == written
        assert any(isinstance(outcome, UniqueViolation) for outcome in error.outcomes)
        assert error.model is not None
    else:
        assert written == set()


@rule("F24")
@pytest.mark.parametrize("size", [5, 150])
def test_a_failed_bulk_update_is_not_written_or_tells_what_was(db: Db, size: int) -> None:
    made = db.given(Unique, [{"name": f"n{i}", "code": i} for i in range(size)])
    for place, row in enumerate(made):
        row.code = 1000 + place
    made[-1].code = 1000
    with pytest.raises(IntegrityError) as caught:
        db(uniques.all()).bulk_update(made, ["code"])
    places = {row.name: place for place, row in enumerate(made)}
    found = db(uniques.filter(code__gte=1000)).rows() if db.declares(Feature.FILTER_ANY) else db(uniques.all()).rows()
    written = {places[row.name] for row in found if row.code is not None and row.code >= 1000}
    judge(db, caught.value, size, written)


@rule("F24", needs=[Feature.UPDATE_CONFLICTS])
@pytest.mark.parametrize("size", [5, 150])
def test_a_failed_batch_of_upserts_is_not_written_or_tells_what_was(db: Db, size: int) -> None:
    db.given(Unique, [{"name": "n1", "left": "old"}, {"name": "taken", "code": 7}])
    batch = [Unique(name=f"n{i}", left="new") for i in range(size)]
    batch[-1].code = 7
    with pytest.raises(IntegrityError) as caught:
        db(uniques.all()).bulk_create(batch, update_conflicts=True, unique_fields=["name"], update_fields=["left"])
    written = {int(row.name[1:]) for row in db(uniques.all()).rows() if row.left == "new"}
    judge(db, caught.value, size, written)


@rule("F24")
def test_what_earlier_batches_wrote_is_told(db: Db) -> None:
    db.given(IntKey, [{"id": 4, "name": "there"}])
    batch = [IntKey(id=i, name="new") for i in range(10)]
    with pytest.raises(BulkWriteError, match="IntKey: 4 of 10 rows were written") as caught:
        db(keyed.all()).bulk_create(batch, batch_size=2)
    written = {row.id for row in db(keyed.filter(name="new")).rows()}
    assert written == {place for place, outcome in enumerate(caught.value.outcomes) if outcome is None} == set(range(4))
    assert isinstance(caught.value.outcomes[4], UniqueViolation)
    assert not isinstance(caught.value.outcomes[6], UniqueViolation)
    assert len(caught.value.outcomes) == 10
    assert isinstance(caught.value.__cause__, UniqueViolation | BulkWriteError)


@rule("F24")
def test_what_earlier_batches_wrote_is_told_in_the_order_of_the_instances(db: Db) -> None:
    db.given(Unique, [{"name": "taken"}])
    batch = [Unique(name="a"), Unique(id=2**40, name="b"), Unique(name="c"), Unique(id=2**40 + 1, name="taken")]
    with pytest.raises(BulkWriteError) as caught:
        db(uniques.all()).bulk_create(batch)
    written = {row.name for row in db(uniques.all()).rows()}
    outcomes = caught.value.outcomes
    assert {row.name for row, outcome in zip(batch, outcomes, strict=True) if outcome is None} == written - {"taken"}
    assert isinstance(outcomes[3], UniqueViolation)
