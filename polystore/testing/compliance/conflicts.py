"""Inserts that change rows in conflict: ``bulk_create(update_conflicts=True)`` and ``upsert``; rules F23, F26, I16."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from bson import ObjectId

from polystore import Feature
from polystore.errors import FieldError, IntegrityError, QueryUsageError, UniqueViolation, ValidationError
from polystore.testing.harness import Db, rule
from polystore.testing.models import (
    AutoKey,
    Checked,
    Everything,
    IntKey,
    Known,
    ObjectIdKey,
    Single,
    Stamped,
    TextKey,
    Unique,
    UuidKey,
    Versioned,
)

rows = Everything.objects
uniques = Unique.objects
UPDATES = [Feature.UPDATE_CONFLICTS]


def content(db: Db) -> set[tuple[str, int | None, str | None, int | None]]:
    """What the rows of ``Unique`` hold."""
    return {(row.name, row.code, row.left, row.right) for row in db(uniques.all()).rows()}


# ---- what is changed


@rule("F23", needs=UPDATES, verbs=["bulk_create(update_conflicts=True)"])
def test_rows_in_conflict_take_the_chosen_fields_and_the_others_are_inserted(db: Db) -> None:
    db.given(Unique, [{"name": "a", "code": 1, "left": "old"}, {"name": "b", "code": 2, "left": "old"}])
    batch = [Unique(name="a", code=8, left="new"), Unique(name="c", code=3, left="new"), Unique(name="b", left="new")]
    made = db(uniques.all()).bulk_create(batch, update_conflicts=True, unique_fields=["name"], update_fields=["left"])
    assert made == batch
    assert content(db) == {("a", 1, "new", None), ("b", 2, "new", None), ("c", 3, "new", None)}


@rule("F23", needs=UPDATES, verbs=["bulk_create(update_conflicts=True)"])
def test_instances_in_conflict_get_the_keys_of_the_rows(db: Db) -> None:
    first, second = db.given(Unique, [{"name": "a"}, {"name": "b"}])
    batch = [Unique(name="b", code=2), Unique(name="c", code=3), Unique(name="a", code=1), Unique(name="d", code=4)]
    db(uniques.all()).bulk_create(batch, update_conflicts=True, unique_fields=["name"], update_fields=["code"])
    assert (batch[2].pk, batch[0].pk) == (first.pk, second.pk)
    assert {row.name: row.pk for row in db(uniques.all()).rows()} == {row.name: row.pk for row in batch}
    with db.commands(0):
        db(batch[0]).save()
    batch[0].code = 7
    db(batch[0]).save()
    assert db(uniques.all()).get(name="b").code == 7


@rule("F23", needs=UPDATES)
@pytest.mark.parametrize("model", [IntKey, TextKey, UuidKey, ObjectIdKey, AutoKey])
def test_rows_are_found_by_keys_of_every_kind(db: Db, model: Any) -> None:
    (there,) = db.given(model, [{**KEYS[model][0], "name": "old"}])
    key = "code" if model is TextKey else "id"
    other = KEYS[model][1] or {key: ObjectId("f" * 24) if model is ObjectIdKey else there.pk + 1}
    batch = [model(**{key: there.pk}, name="new"), model(**other, name="new")]
    db(model.objects.all()).bulk_create(batch, update_conflicts=True, unique_fields=["pk"], update_fields=["name"])
    assert {(row.pk, row.name) for row in db(model.objects.all()).rows()} == {(row.pk, "new") for row in batch}
    assert batch[0].pk == there.pk != batch[1].pk


KEYS: dict[Any, tuple[dict[str, Any], dict[str, Any]]] = {
    IntKey: ({"id": -5}, {"id": 2**62}),
    TextKey: ({"code": "é"}, {"code": "É"}),
    UuidKey: ({"id": UUID(int=1)}, {"id": UUID(int=2**127)}),
    ObjectIdKey: ({}, {}),
    AutoKey: ({}, {}),
}


@rule("F23", needs=UPDATES)
def test_a_row_found_by_a_unique_field_keeps_its_own_key(db: Db) -> None:
    db.clear(Known)
    (there,) = [db(Known(name="a", number=1)).save()]
    batch = [Known(name="a", number=2), Known(name="b", number=3)]
    minted = batch[0].id
    db(Known.objects.all()).bulk_create(batch, update_conflicts=True, unique_fields=["name"], update_fields=["number"])
    assert batch[0].id == there.id != minted
    assert {(row.id, row.name, row.number) for row in db(Known.objects.all()).rows()} == {
        (there.id, "a", 2),
        (batch[1].id, "b", 3),
    }


@rule("F23", needs=UPDATES, verbs=["bulk_create(update_conflicts=True)"])
def test_a_batch_in_which_a_value_comes_twice_is_taken_in_order(db: Db) -> None:
    db.clear(Unique)
    batch = [Unique(name="a", code=1, left="first"), Unique(name="b"), Unique(name="a", code=2, left="second")]
    db(uniques.all()).bulk_create(batch, update_conflicts=True, unique_fields=["name"], update_fields=["left"])
    assert content(db) == {("a", 1, "second", None), ("b", None, None, None)}
    assert batch[0].pk == batch[2].pk


@rule("F23", "A20", needs=UPDATES)
def test_rows_are_found_by_a_pair_and_null_never_collides(db: Db) -> None:
    db.given(Unique, [{"name": "a", "left": "l", "right": 1}, {"name": "b", "left": "l"}])
    batch = [Unique(name="c", code=1, left="l", right=1), Unique(name="d", code=2, left="l"), Unique(name="e", code=3)]
    db(uniques.all()).bulk_create(batch, update_conflicts=True, unique_fields=["right", "left"], update_fields=["code"])
    assert content(db) == {("a", 1, "l", 1), ("b", None, "l", None), ("d", 2, "l", None), ("e", 3, None, None)}


@rule("F23", "A20", needs=UPDATES)
def test_rows_are_found_by_null_where_null_is_a_value(db: Db) -> None:
    db.given(Single, [{"name": "a", "first": 1}, {"name": "b"}])
    batch = [Single(name="c", first=1), Single(name="d"), Single(name="e", second=1)]
    db(Single.objects.all()).bulk_create(
        batch, update_conflicts=True, unique_fields=["first", "second"], update_fields=["name"]
    )
    assert {(row.name, row.first, row.second) for row in db(Single.objects.all()).rows()} == {
        ("c", 1, None),
        ("d", None, None),
        ("e", None, 1),
    }


@rule("F23", needs=UPDATES)
def test_rows_without_a_key_are_inserted_when_rows_are_found_by_key(db: Db) -> None:
    (there,) = db.given(AutoKey, [{"name": "old"}])
    batch = [AutoKey(name="b"), AutoKey(id=there.pk, name="new"), AutoKey(name="c")]
    db(AutoKey.objects.all()).bulk_create(batch, update_conflicts=True, unique_fields=["id"], update_fields=["name"])
    assert {(row.pk, row.name) for row in db(AutoKey.objects.all()).rows()} == {(row.pk, row.name) for row in batch}


@rule("F23", "K2", needs=UPDATES)
def test_a_collision_on_another_constraint_is_refused(db: Db) -> None:
    db.given(Unique, [{"name": "a", "code": 1}, {"name": "b", "code": 2}])
    for wrong, field in ((Unique(name="new", code=2), "code"), (Unique(name="a", code=2, left="x"), "code")):
        update_fields = ["left"] if wrong.name == "new" else ["left", "code"]
        with pytest.raises(IntegrityError) as caught:
            db(uniques.all()).bulk_create(
                [wrong], update_conflicts=True, unique_fields=["name"], update_fields=update_fields
            )
        assert isinstance(caught.value, UniqueViolation)
        assert caught.value.fields == (field,)
    assert content(db) == {("a", 1, None, None), ("b", 2, None, None)}


@rule("F23", needs=UPDATES)
def test_the_row_that_has_the_target_counts_and_no_other(db: Db) -> None:
    db.given(Unique, [{"name": "a", "code": 1}, {"name": "b", "code": 2}])
    row = Unique(name="a", code=2, left="x")
    db(uniques.all()).bulk_create([row], update_conflicts=True, unique_fields=["name"], update_fields=["left"])
    assert content(db) == {("a", 1, "x", None), ("b", 2, None, None)}
    row = Unique(name="a", code=2, left="y")
    db(uniques.all()).bulk_create([row], update_conflicts=True, unique_fields=["code"], update_fields=["left"])
    assert content(db) == {("a", 1, "x", None), ("b", 2, "y", None)}


@rule("F23", needs=UPDATES)
def test_fields_of_every_kind_are_changed(db: Db) -> None:
    moment = datetime(2024, 2, 29, 1, 2, 3, 4000, UTC)
    values: dict[str, Any] = {
        "number": 7,
        "text": "t",
        "flag": True,
        "real": 0.5,
        "moment": moment,
        "tags": ["a"],
        "data": {"k": [1, None]},
        "uid": UUID(int=3),
        "blob": b"\x00\xff",
    }
    db.given(Everything, [{"name": "a", **dict.fromkeys(values, None)}, {"name": "b", **values}])
    batch = [Everything(name="a", **values), Everything(name="b")]
    db(rows.all()).bulk_create(batch, update_conflicts=True, unique_fields=["name"], update_fields=list(values))
    found = {row.name: {name: getattr(row, name) for name in values} for row in db(rows.all()).rows()}
    assert found == {"a": values, "b": dict.fromkeys(values, None)}
    assert db.found(rows.filter(number=7)) == "a"
    assert db.found(rows.filter(number=None)) == "b"


@rule("F23", needs=UPDATES)
def test_a_batch_of_hundreds_finds_its_rows(db: Db) -> None:
    db.given(Unique, [{"name": f"n{i}", "code": i} for i in range(150)])
    before = {row.name: row.pk for row in db(uniques.all()).rows()}
    batch = [Unique(name=f"n{i}", code=1000 + i) for i in range(300)]
    with db.commands(1):
        db(uniques.all()).bulk_create(batch, update_conflicts=True, unique_fields=["name"], update_fields=["code"])
    after = {row.name: row.pk for row in db(uniques.all()).rows()}
    assert after == {row.name: row.pk for row in batch}
    assert before.items() <= after.items()
    assert {row.code for row in db(uniques.all()).rows()} == set(range(1000, 1300))


# ---- versions and moments


@rule("F23", "I16", needs=UPDATES)
def test_a_version_counts_on_and_is_told(db: Db) -> None:
    (there,) = db.given(Versioned, [{"name": "a", "plays": 1}])
    theirs = db(Versioned.objects.all()).get(pk=there.pk)
    theirs.plays = 2
    db(theirs).save()
    batch = [Versioned(id=there.pk, name="x", plays=3), Versioned(id=there.pk + 1, name="b", plays=4)]
    batch[1].revision = 6
    db(Versioned.objects.all()).bulk_create(batch, update_conflicts=True, unique_fields=["id"], update_fields=["plays"])
    found = db(Versioned.objects.order_by("pk")).rows()
    assert [(row.name, row.plays, row.revision) for row in found] == [("a", 3, there.revision + 2), ("b", 4, 6)]
    assert [row.revision for row in batch] == [there.revision + 2, 6]
    batch[0].plays = 9
    db(batch[0]).save()
    assert db(Versioned.objects.all()).get(pk=there.pk).plays == 9


@rule("F23", needs=UPDATES)
def test_a_row_in_conflict_is_stamped_and_keeps_the_moment_of_its_birth(db: Db) -> None:
    (there,) = db.given(Stamped, [{"name": "a"}])
    born, long_ago = there.created, datetime(2020, 1, 1, tzinfo=UTC)
    assert db(Stamped.objects.all()).update(updated=long_ago) == 1
    db(Stamped.objects.all()).bulk_create(
        [Stamped(id=there.pk, name="b")], update_conflicts=True, unique_fields=["pk"], update_fields=["name"]
    )
    found = db(Stamped.objects.all()).get(pk=there.pk)
    assert (found.name, found.created) == ("b", born)
    assert found.updated > long_ago


# ---- options


@rule("F23", "K1")
def test_wrong_options_for_conflicts_are_refused_before_anything_is_sent(db: Db) -> None:
    db.clear(Unique)
    batch = [Unique(name="a")]
    changed: dict[str, Any] = {"update_conflicts": True, "unique_fields": ["name"], "update_fields": ["code"]}
    usage: list[dict[str, Any]] = [
        {"ignore_conflicts": True},
        {"unique_fields": None},
        {"unique_fields": []},
        {"update_fields": None},
        {"update_fields": []},
        {"update_conflicts": False},
    ]
    fields: list[tuple[dict[str, Any], str]] = [
        ({"unique_fields": ["left"]}, r"Unique: no two rows are kept apart by left; .* id; name; code; left, right"),
        ({"unique_fields": ["name", "code"]}, "no two rows are kept apart by name, code"),
        ({"unique_fields": ["nosuch"]}, "no field 'nosuch'"),
        ({"unique_fields": "name"}, r"a list of names, not 'name'; write \['name'\]"),
        ({"update_fields": "code"}, "a list of names, not 'code'"),
        ({"update_fields": ["nosuch"]}, "no field 'nosuch'"),
        ({"update_fields": ["pk"]}, r"Unique\.id is the primary key"),
        ({"update_fields": ["code", "name"]}, r"Unique\.name is what rows are found by"),
    ]
    for wrong in usage:
        with db.commands(0), pytest.raises(QueryUsageError, match="Unique"):
            db(uniques.all()).bulk_create(batch, **changed | wrong)
    for wrong, words in fields:
        with db.commands(0), pytest.raises(FieldError, match=words):
            db(uniques.all()).bulk_create(batch, **changed | wrong)
    options = changed | {"unique_fields": ["id"], "update_fields": ["revision"]}
    with db.commands(0), pytest.raises(FieldError, match=r"Versioned\.revision is the version"):
        db(Versioned.objects.all()).bulk_create([Versioned(name="a")], **options)


@rule("F23")
def test_a_batch_that_changes_rows_is_validated_before_it_is_sent(db: Db) -> None:
    db.given(Checked, [{"name": "a"}])
    batch = [Checked(id=1, name="b"), Checked.model_construct(id=2, name="too long")]
    with db.commands(0), pytest.raises(ValidationError, match=r"Checked\.name"):
        db(Checked.objects.all()).bulk_create(
            batch, update_conflicts=True, unique_fields=["id"], update_fields=["name"]
        )
    with db.commands(0):
        made = db(Checked.objects.all()).bulk_create(
            [], update_conflicts=True, unique_fields=["id"], update_fields=["name"]
        )
    assert made == []


# ---- upsert


@rule("F25", "F26", "I16", needs=UPDATES, verbs=["upsert"])
def test_an_upsert_writes_over_the_row_or_inserts_it(db: Db) -> None:
    db.given(Unique, [{"name": "a", "code": 1, "left": "l", "right": 1}])
    with db.commands(2):
        found = db(uniques.all()).upsert(Unique(name="a", code=2), unique_fields=["name"])
        made = db(uniques.all()).upsert(Unique(name="b", code=3), unique_fields=["name"], update_fields=["left"])
    assert content(db) == {("a", 2, None, None), ("b", 3, None, None)}
    assert {row.pk for row in db(uniques.all()).rows()} == {found.pk, made.pk}
    db(uniques.all()).upsert(Unique(id=made.pk, name="c"))
    assert content(db) == {("a", 2, None, None), ("c", None, None, None)}
    (there,) = db.given(Versioned, [{"name": "a"}])
    again = db(Versioned.objects.all()).upsert(Versioned(id=there.pk, name="b"))
    assert again.revision == there.revision + 1
    with db.commands(0), pytest.raises(QueryUsageError, match="IntKey"):
        db(IntKey.objects.all()).upsert(Unique(name="x"))
    with db.commands(0), pytest.raises(FieldError, match="kept apart by left"):
        db(uniques.all()).upsert(Unique(name="x"), unique_fields=["left"])


@rule("F25", needs=UPDATES, verbs=["upsert"])
def test_an_upsert_keeps_the_moment_of_birth(db: Db) -> None:
    (there,) = db.given(Stamped, [{"name": "a"}])
    db(Stamped.objects.all()).upsert(Stamped(id=there.pk, name="b"))
    found = db(Stamped.objects.all()).get(pk=there.pk)
    assert (found.name, found.created) == ("b", there.created)


@rule("B23", "F25", needs=UPDATES)
def test_the_repository_writes_over_rows_by_key(db: Db) -> None:
    db.given(IntKey, [{"id": 1, "name": "a"}])
    repository = db.store.repository(IntKey)
    assert db(repository).upsert(IntKey(id=1, name="up")).name == "up"
    with db.commands(1):
        batch = db(repository).upsert_many([IntKey(id=1, name="x"), IntKey(id=2, name="y"), IntKey(id=3, name="z")])
    assert [row.id for row in batch] == [1, 2, 3]
    assert {(row.id, row.name) for row in db(IntKey.objects.all()).rows()} == {(1, "x"), (2, "y"), (3, "z")}
    db.clear(AutoKey)
    made = db(db.store.repository(AutoKey)).upsert(AutoKey(name="a"))
    again = db(db.store.repository(AutoKey)).upsert(AutoKey(id=made.id, name="b"))
    assert again.id == made.id
    assert [row.name for row in db(AutoKey.objects.all()).rows()] == ["b"]


@rule("F25", "F26", needs=UPDATES, verbs=["upsert"])
def test_concurrent_upserts_make_one_row(db: Db) -> None:
    db.clear(Unique)
    made = [Unique(name="a", code=number) for number in range(8)]
    if db.loop is None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda row: Unique.objects.using(db.store).upsert(row, unique_fields=["name"]), made))
    else:

        async def race() -> None:
            await asyncio.gather(*(uniques.aupsert(row, unique_fields=["name"]) for row in made))

        db.run(race())
    (found,) = db(uniques.all()).rows()
    assert {row.pk for row in made} == {found.pk}
    assert found.code in range(8)
