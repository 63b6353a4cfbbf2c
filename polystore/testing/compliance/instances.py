"""Instances: save, changed fields, refresh, versions, expiry; rules E3 to E11, F27, F28, I16, F8."""

from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from polystore import Feature
from polystore.errors import (
    FieldError,
    NotSupportedError,
    QueryUsageError,
    StaleObject,
    UniqueViolation,
    ValidationError,
)
from polystore.testing.harness import Db, rule
from polystore.testing.models import AutoKey, Checked, City, Everything, Expiring, IntKey, Person, Stamped, Versioned

rows = Everything.objects


def saved(db: Db, **values: Any) -> Everything:
    """The one row there is."""
    (row,) = db.given(Everything, [{"name": "a", **values}])
    return row


@rule("F28", verbs=["instance.save"])
def test_saving_without_a_change_writes_nothing(db: Db) -> None:
    row = saved(db, number=1, tags=["x"], data={"k": 1}, person=Person(name="P"))
    with db.commands(0):
        db(row).save()
    found = db(rows.all()).get()
    with db.commands(0):
        db(found).save()


@rule("F28", verbs=["instance.save"])
def test_saving_writes_changed_fields_only(db: Db) -> None:
    row = saved(db, number=1, text="old")
    mine, theirs = db(rows.all()).get(), db(rows.all()).get()
    mine.number = 2
    theirs.text = "new"
    with db.commands(2):
        db(mine).save()
        db(theirs).save()
    found = db(rows.all()).get()
    assert (found.number, found.text) == (2, "new")
    assert found == row


@rule("F28")
@pytest.mark.parametrize("loaded", [False, True], ids=["made here", "loaded"])
def test_structures_changed_in_place_are_written(db: Db, loaded: bool) -> None:
    row = saved(
        db,
        tags=["x"],
        data={"k": [1]},
        amounts={"a": Decimal("1.5")},
        person=Person(name="P", city=City(name="C")),
        people=[Person(name="Q")],
    )
    if loaded:
        row = db(rows.all()).get()
    assert row.person is not None
    assert row.person.city is not None
    row.tags.append("y")  # type: ignore[union-attr]  # it is a list here
    row.data["k"].append(2)
    row.person.city.area = Decimal("2.50")
    row.people.append(Person(name="R", nicknames=["r"]))
    with db.commands(1):
        db(row).save()
    with db.commands(0):
        db(row).save()
    found = db(rows.all()).get()
    assert (found.tags, found.data, found.amounts) == (["x", "y"], {"k": [1, 2]}, {"a": Decimal("1.5")})
    assert found.person.city.area == Decimal("2.50")
    assert [person.name for person in found.people] == ["Q", "R"]


@rule("F28")
def test_update_fields_writes_just_these(db: Db) -> None:
    row = saved(db, number=1, text="old")
    row.number, row.text = 2, "new"
    db(row).save(update_fields=["text"])
    found = db(rows.all()).get()
    assert (found.number, found.text) == (1, "new")
    with db.commands(0):
        db(row).save(update_fields=[])
        with pytest.raises(FieldError, match="nosuch"):
            db(row).save(update_fields=["nosuch"])
        with pytest.raises(FieldError, match="primary key"):
            db(row).save(update_fields=["id"])


@rule("F28")
def test_a_row_loaded_in_part_is_saved_in_part(db: Db) -> None:
    saved(db, number=1, text="old", tags=["x"])
    row = db(rows.all().only("number")).get()
    row.number = 5
    db(row).save()
    found = db(rows.all()).get()
    assert (found.number, found.text, found.tags) == (5, "old", ["x"])


@rule("F27")
def test_saving_a_row_that_is_gone_inserts_it_or_says_so(db: Db) -> None:
    db.given(IntKey, [{"id": 1, "name": "a"}])
    row = db(IntKey.objects.all()).get(pk=1)
    db(IntKey.objects.all()).delete()
    row.name = "b"
    with pytest.raises(IntKey.DoesNotExist, match="IntKey"):
        db(row).save(force_update=True)
    with pytest.raises(IntKey.DoesNotExist):
        db(row).save(update_fields=["name"])
    db(row).save()
    assert db(IntKey.objects.all()).get(pk=1).name == "b"


@rule("F27")
def test_a_new_instance_with_the_key_of_a_row_updates_it(db: Db) -> None:
    db.given(IntKey, [{"id": 1, "name": "old"}])
    with db.commands(1):
        db(IntKey(id=1, name="new")).save()
    assert [row.name for row in db(IntKey.objects.all()).rows()] == ["new"]
    with pytest.raises(UniqueViolation):
        db(IntKey(id=1, name="third")).save(force_insert=True)
    with db.commands(2):
        db(IntKey(id=2, name="other")).save()
    assert db(IntKey.objects.all()).count() == 2


@rule("F27")
def test_contradicting_options_of_save_are_refused(db: Db) -> None:
    row = saved(db)
    with db.commands(0):
        with pytest.raises(QueryUsageError, match="force_insert"):
            db(row).save(force_insert=True, force_update=True)
        with pytest.raises(QueryUsageError, match="force_insert"):
            db(row).save(force_insert=True, update_fields=["name"])
        with pytest.raises(QueryUsageError, match="primary key"):
            db(AutoKey(name="a")).save(force_update=True)


@rule("A26", "K1")
def test_saving_validates_what_was_assigned(db: Db) -> None:
    (row,) = db.given(Checked, [{"name": "a"}])
    row.stars = 9
    with db.commands(0), pytest.raises(ValidationError, match=r"Checked\.stars.*9"):
        db(row).save()
    row.stars = "4"  # type: ignore[assignment]  # pydantic reads the text of an int
    db(row).save()
    assert row.stars == 4
    assert db(Checked.objects.all()).get(pk=row.pk).stars == 4


@rule("E6", verbs=["instance.delete", "instance.save"])
def test_deleting_an_instance_counts_one_and_saving_it_inserts_it_again(db: Db) -> None:
    row = saved(db, number=1)
    key = row.pk
    with db.commands(1):
        assert db(row).delete() == (1, {"Everything": 1})
    assert db(row).delete() == (0, {})
    assert db(rows.all()).exists() is False
    db(row).save()
    assert db(rows.all()).get(pk=key).number == 1
    with db.commands(0), pytest.raises(QueryUsageError, match="without a primary key"):
        db(Everything(name="x")).delete()


@rule("E11", verbs=["instance.refresh_from_db"])
def test_refreshing_reads_the_row_anew(db: Db) -> None:
    row = saved(db, number=1, text="old", tags=["x"])
    db(rows.all()).update(number=2, text="new", tags=["y"])
    row.number = 50
    with db.commands(1):
        db(row).refresh_from_db(["text"])
    assert (row.number, row.text, row.tags) == (50, "new", ["x"])
    db(row).refresh_from_db()
    assert (row.number, row.text, row.tags) == (2, "new", ["y"])
    with db.commands(0):
        db(row).save()
    db(rows.all()).delete()
    with pytest.raises(Everything.DoesNotExist):
        db(row).refresh_from_db()
    with db.commands(0), pytest.raises(FieldError, match="nosuch"):
        db(row).refresh_from_db(["nosuch"])


@rule("E11")
def test_two_reads_give_two_instances(db: Db) -> None:
    saved(db, tags=["x"])
    first, second = db(rows.all()).get(), db(rows.all()).get()
    assert first is not second
    first.tags.append("y")
    assert second.tags == ["x"]


# ---- versions


@rule("I16")
def test_a_version_grows_with_each_save(db: Db) -> None:
    row = db(Versioned.objects.all()).create(name="a")
    assert row.revision == 1
    for expected in (2, 3):
        row.plays += 1
        db(row).save()
        assert row.revision == expected
        assert db(Versioned.objects.all()).get(pk=row.pk).revision == expected
    db(row).save()
    assert row.revision == 3


@rule("I16", verbs=["instance.save"])
def test_a_lost_update_is_refused(db: Db) -> None:
    (made,) = db.given(Versioned, [{"name": "a"}])
    mine, theirs = (db(Versioned.objects.all()).get(pk=made.pk) for _ in range(2))
    theirs.plays = 5
    db(theirs).save()
    mine.plays = 7
    with pytest.raises(StaleObject, match="Versioned"):
        db(mine).save()
    assert db(Versioned.objects.all()).get(pk=made.pk).plays == 5
    db(mine).refresh_from_db()
    mine.plays += 1
    db(mine).save()
    assert db(Versioned.objects.all()).get(pk=made.pk).plays == 6
    db(Versioned.objects.all()).delete()
    mine.plays = 9
    with pytest.raises(Versioned.DoesNotExist):
        db(mine).save()


@rule("I16")
def test_a_version_is_checked_when_some_fields_are_saved(db: Db) -> None:
    (made,) = db.given(Versioned, [{"name": "a"}])
    mine, theirs = (db(Versioned.objects.all()).get(pk=made.pk) for _ in range(2))
    theirs.name = "b"
    db(theirs).save(update_fields=["name"])
    assert db(Versioned.objects.all()).get(pk=made.pk).revision == 2
    mine.plays = 1
    with pytest.raises(StaleObject):
        db(mine).save(update_fields=["plays"])


# ---- expiry


@rule("F8", "H4", needs=[Feature.TTL])
def test_an_expired_row_is_gone_for_every_question(db: Db) -> None:
    if db.missing and Feature.TTL in db.missing:
        db.refused_after = 0
        db.store.handle(Expiring)
    objects = Expiring.objects
    db.call(db.store, "create_all", [Expiring])
    try:
        made = db(objects.all()).create(name="a")
        assert db(objects.all()).get(pk=made.pk).name == "a"
        assert db(objects.filter(name="a")).count() == 1
        time.sleep(1.3)
        with pytest.raises(Expiring.DoesNotExist):
            db(objects.all()).get(pk=made.pk)
        assert db(objects.all()).count() == 0
        assert db(objects.filter(name="a")).exists() is False
        assert db(objects.all()).rows() == []
        assert db(objects.filter(pk=made.pk)).update(name="b") == 0
        assert db(objects.all()).delete() == (0, {})
        assert db(objects.all()).create(name="a").pk is not None
    finally:
        db.call(db.store, "drop_all", [Expiring])


@rule("F8", needs=[Feature.TTL])
def test_a_written_row_lives_on(db: Db) -> None:
    if db.missing and Feature.TTL in db.missing:
        db.refused_after = 0
        db.store.handle(Expiring)
    db.call(db.store, "create_all", [Expiring])
    try:
        made = db(Expiring.objects.all()).create(name="a")
        time.sleep(0.7)
        made.name = "b"
        db(made).save()
        time.sleep(0.7)
        assert db(Expiring.objects.all()).get(pk=made.pk).name == "b"
    finally:
        db.call(db.store, "drop_all", [Expiring])


@rule("F8")
def test_a_store_takes_an_expiring_model_exactly_where_it_says_so(db: Db) -> None:
    if db.declares(Feature.TTL):
        db.store.handle(Expiring)
    else:
        with pytest.raises(NotSupportedError, match="Expiring"):
            db.store.handle(Expiring)


@rule("D11", "D14")
def test_a_save_without_a_change_touches_no_moment(db: Db) -> None:
    made = db(Stamped.objects.all()).create(name="a")
    before = made.updated
    db(made).save()
    assert db(Stamped.objects.all()).get(pk=made.pk).updated == before
    assert abs(before - made.created) < timedelta(seconds=1)
