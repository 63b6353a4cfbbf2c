"""Writing rows: create, bulk_create, update, delete, bulk_update; rules F6 to F24, I16, K1."""

from __future__ import annotations

from typing import Any

import pytest

from polystore import Feature
from polystore.errors import (
    BulkWriteError,
    FieldError,
    IntegrityError,
    QueryUsageError,
    UniqueViolation,
    ValidationError,
)
from polystore.testing.harness import Db, rule
from polystore.testing.models import (
    Bare,
    Checked,
    Everything,
    IntKey,
    Ranked,
    Unique,
    Versioned,
)

rows = Everything.objects
uniques = Unique.objects
NUMBERS: list[dict[str, Any]] = [{"name": f"n{i}", "number": i if i else None, "rank": i % 2} for i in range(6)]


# ---- create


@rule("F23", verbs=["create"])
def test_create_answers_the_saved_instance(db: Db) -> None:
    db.clear(Everything)
    with db.commands(1):
        made = db(rows.all()).create(name="a", number=5, tags=["x"])
    assert isinstance(made, Everything)
    assert made.pk is not None
    with db.commands(0):
        db(made).save()
    assert db(rows.all()).get(pk=made.pk) == made


@rule("K4", "K1", verbs=["create"])
def test_create_refuses_unknown_names_and_wrong_values_before_it_writes(db: Db) -> None:
    db.clear(Checked)
    wrong: list[dict[str, Any]] = [
        {"name": "a", "nosuch": 1},
        {"name": "a", "name__x": 1},
        {"name": "a", "stars": 6},
        {"name": "a", "stars": "many"},
        {"name": "a", "size": "m"},
        {"name": "a", "note": "UPPER"},
        {"name": ""},
        {"name": 5},
        {},
    ]
    for values in wrong:
        with db.commands(0), pytest.raises((FieldError, ValidationError), match="Checked"):
            db(Checked.objects.all()).create(**values)
    assert db(Checked.objects.all()).count() == 0


@rule("K1")
def test_a_validation_error_names_every_refused_field(db: Db) -> None:
    db.clear(Checked)
    with db.commands(0), pytest.raises(ValidationError) as caught:
        db(Checked.objects.all()).create(name="too long", stars=9)
    assert [name for name, _ in caught.value.errors] == ["name", "stars"]
    assert "Checked.name" in str(caught.value)
    assert "'too long'" in str(caught.value)


# ---- bulk_create


@rule("F23", verbs=["bulk_create"])
def test_a_batch_is_validated_before_the_first_row_is_written(db: Db) -> None:
    db.clear(Checked)
    batch = [Checked(name="a"), Checked(name="b"), Checked.model_construct(name="too long", stars=3)]
    with db.commands(0), pytest.raises(ValidationError, match=r"Checked\.name"):
        db(Checked.objects.all()).bulk_create(batch)
    assert db(Checked.objects.all()).count() == 0


@rule("F23", verbs=["bulk_create(batch_size=)"])
def test_a_batch_is_written_in_pieces_where_asked(db: Db) -> None:
    db.clear(IntKey)
    batch = [IntKey(id=i, name=str(i)) for i in range(10)]
    with db.commands(4):
        assert db(IntKey.objects.all()).bulk_create(batch, batch_size=3) == batch
    assert db(IntKey.objects.all()).count() == 10
    with db.commands(0):
        assert db(IntKey.objects.all()).bulk_create([]) == []
        for wrong in (0, -1, True):
            with pytest.raises(QueryUsageError, match="batch_size"):
                db(IntKey.objects.all()).bulk_create(batch, batch_size=wrong)
        with pytest.raises(QueryUsageError, match="IntKey"):
            db(IntKey.objects.all()).bulk_create([Bare(name="x")])


@rule("F23", "K7", verbs=["bulk_create"])
def test_a_batch_may_have_thousands_of_rows(db: Db) -> None:
    db.clear(IntKey)
    db(IntKey.objects.all()).bulk_create([IntKey(id=i, name=f"row {i}") for i in range(3000)])
    assert db(IntKey.objects.all()).count() == 3000
    assert db(IntKey.objects.all()).get(pk=2999).name == "row 2999"
    assert db(IntKey.objects.filter(id__gte=1500)).delete() == (1500, {"IntKey": 1500})


@rule("F24", verbs=["bulk_create"])
@pytest.mark.parametrize("size", [6, 300])
def test_a_batch_in_conflict_is_not_written_or_tells_what_was(db: Db, size: int) -> None:
    db.given(IntKey, [{"id": size - 2, "name": "there"}])
    with pytest.raises(IntegrityError) as caught:
        db(IntKey.objects.all()).bulk_create([IntKey(id=i, name="new") for i in range(size)])
    written = {row.id for row in db(IntKey.objects.filter(name="new")).rows()}
    if db.declares(Feature.ATOMIC_BATCH):
        assert isinstance(caught.value, UniqueViolation)
        db.proves("Feature:ATOMIC_BATCH")
    if isinstance(caught.value, BulkWriteError):
        assert {i for i, outcome in enumerate(caught.value.outcomes) if outcome is None} == written
        assert len(caught.value.outcomes) == size
    else:
        assert written == set()
    assert db(IntKey.objects.all()).get(pk=size - 2).name == "there"


@rule("F23", needs=[Feature.IGNORE_CONFLICTS], verbs=["bulk_create(ignore_conflicts=True)"])
def test_rows_in_conflict_are_left_out_where_asked(db: Db) -> None:
    db.given(Unique, [{"name": "a", "code": 1}])
    batch = [
        Unique(name="a", code=2),
        Unique(name="b", code=1),
        Unique(name="c", code=3),
        Unique(name="c", code=4),
        Unique(name="d"),
    ]
    db(uniques.all()).bulk_create(batch, ignore_conflicts=True)
    assert {(row.name, row.code) for row in db(uniques.all()).rows()} == {("a", 1), ("c", 3), ("d", None)}


# ---- update


@rule("F9", verbs=["update"])
def test_update_counts_the_rows_that_matched(db: Db) -> None:
    db.given(Everything, NUMBERS)
    with db.commands(3):
        assert db(rows.filter(number__gt=2)).update(text="x") == 3
        assert db(rows.filter(number__gt=2)).update(text="x") == 3
        assert db(rows.filter(number=99)).update(text="x") == 0
    assert db.found(rows.filter(text="x")) == "n3 n4 n5"


@rule("F9", "A4", verbs=["update", "delete"])
def test_update_and_delete_reach_null_through_exclude(db: Db) -> None:
    db.given(Everything, NUMBERS)
    assert db(rows.exclude(number__gt=2)).update(text="low") == 3
    assert db.found(rows.filter(text="low")) == "n0 n1 n2"
    assert db(rows.exclude(number__gt=2)).delete() == (3, {"Everything": 3})
    assert db.found(rows.all()) == "n3 n4 n5"


@rule("F6", "F9", verbs=["update"])
def test_update_changes_several_fields_of_every_kind(db: Db) -> None:
    db.given(Everything, NUMBERS)
    values = {
        "number": 7,
        "text": "t",
        "flag": True,
        "tags": ["a"],
        "data": {"k": [1, None]},
        "people": [],
        "real": 0.5,
    }
    assert db(rows.all()).update(**values) == 6
    for row in db(rows.all()).rows():
        assert {name: getattr(row, name) for name in values} == values


@rule("F9")
def test_wrong_updates_are_refused_before_they_write(db: Db) -> None:
    db.given(Checked, [{"name": "a"}])
    wrong: list[dict[str, Any]] = [
        {"nosuch": 1},
        {"stars": 6},
        {"stars__gt": 3},
        {"name": None},
        {"size": "m"},
        {"price": "x"},
    ]
    for values in wrong:
        with db.commands(0), pytest.raises((FieldError, ValidationError), match="Checked"):
            db(Checked.objects.all()).update(**values)
    with db.commands(0), pytest.raises(QueryUsageError, match="at least one"):
        db(Checked.objects.all()).update()
    with db.commands(0), pytest.raises(QueryUsageError, match="values"):
        db(Checked.objects.values("name")).update(stars=1)


@rule("I16", verbs=["update"])
def test_update_raises_versions(db: Db) -> None:
    row, _ = db.given(Versioned, [{"name": "a"}, {"name": "b"}])
    if not db.declares(Feature.UPDATE_EXPRESSIONS):
        db.need(Feature.UPDATE_EXPRESSIONS)
    assert db(Versioned.objects.filter(name="a")).update(plays=5) == 1
    found = db(Versioned.objects.all()).get(pk=row.pk)
    assert (found.plays, found.revision) == (5, row.revision + 1)


@rule("F6", "F9")
def test_update_finds_columns_by_their_names_in_the_store(db: Db) -> None:
    db.given(Ranked, [{"name": "a", "rank": 1}, {"name": "b", "rank": 2}])
    assert db(Ranked.objects.filter(name="a")).update(name="c", rank=None) == 1
    assert {(row.name, row.rank) for row in db(Ranked.objects.all()).rows()} == {("c", None), ("b", 2)}


# ---- delete


@rule("F10", verbs=["delete"])
def test_delete_counts_rows_in_all_and_by_model(db: Db) -> None:
    db.given(Everything, NUMBERS)
    with db.commands(2):
        assert db(rows.filter(number__lt=3)).delete() == (2, {"Everything": 2})
        assert db(rows.filter(number=99)).delete() == (0, {})
    assert db.found(rows.all()) == "n0 n3 n4 n5"


@rule("F6")
def test_a_whole_table_is_emptied_only_by_saying_all(db: Db) -> None:
    db.given(Everything, NUMBERS)
    with db.commands(0), pytest.raises(QueryUsageError, match="all"):
        db(Everything.objects).delete()
    assert db(Everything.objects.all()).delete() == (6, {"Everything": 6})
    assert db(rows.all()).exists() is False


@rule("F10", verbs=["delete"])
def test_deleted_rows_are_found_no_more_by_any_field(db: Db) -> None:
    db.given(Everything, NUMBERS)
    db(rows.filter(rank=1)).delete()
    assert db.found(rows.filter(number__gt=0)) == "n2 n4"
    assert db.names(rows.order_by("-number")) == ["n4", "n2", "n0"]
    assert db(rows.filter(name="n1")).exists() is False
    db(rows.all()).create(name="n1", number=1)
    assert db.found(rows.filter(number=1)) == "n1"
