"""Unique values, and writes that rest on them: upserts and the repository; rules A20, F25, F26, K2."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from polystore.errors import (
    FieldError,
    IntegrityError,
    UniqueViolation,
    ValidationError,
)
from polystore.testing.harness import Db, rule
from polystore.testing.models import (
    Everything,
    IntKey,
    Single,
    Stamped,
    Unique,
)

rows = Everything.objects
uniques = Unique.objects
NUMBERS: list[dict[str, Any]] = [{"name": f"n{i}", "number": i if i else None, "rank": i % 2} for i in range(6)]


# ---- uniques


@rule("A20", "K2")
@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"name": "a"}, ("name",)),
        ({"name": "x", "code": 1}, ("code",)),
        ({"name": "x", "left": "l", "right": 1}, ("left", "right")),
    ],
    ids=["field", "nullable field", "pair"],
)
def test_a_second_row_with_a_unique_value_is_refused(db: Db, values: dict[str, Any], fields: tuple[str, ...]) -> None:
    db.given(Unique, [{"name": "a", "code": 1, "left": "l", "right": 1}, {"name": "b", "code": 2}])
    with pytest.raises(UniqueViolation) as caught:
        db(uniques.all()).create(**values)
    assert caught.value.model == "Unique"
    assert caught.value.fields == fields
    other = db(uniques.all()).get(name="b")
    for name, value in values.items():
        setattr(other, name, value)
    with pytest.raises(UniqueViolation) as caught:
        db(other).save()
    assert caught.value.fields[0] in values
    with pytest.raises(UniqueViolation):
        db(uniques.filter(name="b")).update(**values)
    assert {(row.name, row.code) for row in db(uniques.all()).rows()} == {("a", 1), ("b", 2)}


@rule("A20")
def test_rows_with_null_never_collide(db: Db) -> None:
    db.given(
        Unique,
        [
            {"name": "a", "left": "l"},
            {"name": "b", "left": "l"},
            {"name": "c"},
            {"name": "d", "right": 1},
            {"name": "e", "right": 1},
        ],
    )
    assert db(uniques.all()).count() == 5


@rule("A20")
def test_rows_with_null_collide_where_null_is_a_value(db: Db) -> None:
    db.given(Single, [{"name": "a", "first": 1}, {"name": "b"}])
    for values in ({"first": 1}, {}):
        with pytest.raises(UniqueViolation) as caught:
            db(Single.objects.all()).create(name="c", **values)
        assert caught.value.fields == ("first", "second")
    db(Single.objects.all()).create(name="d", second=1)
    assert db(Single.objects.all()).count() == 3


@rule("A20")
def test_a_unique_value_is_free_again_when_its_row_changes_or_goes(db: Db) -> None:
    first, _ = db.given(Unique, [{"name": "a", "code": 1}, {"name": "b", "code": 2}])
    first.code = 5
    db(first).save()
    db(uniques.all()).create(name="c", code=1)
    db(uniques.filter(name="b")).delete()
    db(uniques.all()).create(name="b", code=2)
    db(uniques.filter(name="c")).update(code=None)
    db(uniques.all()).create(name="d", code=1)
    assert {row.code for row in db(uniques.all()).rows()} == {5, None, 2, 1}


@rule("A20", "C1")
def test_unique_texts_differ_by_case_and_spaces(db: Db) -> None:
    db.given(Unique, [{"name": name} for name in ("a", "A", "a ", " a", "á", "a\u0301", "")])
    assert db(uniques.all()).count() == 7


@rule("A20")
def test_a_row_keeps_its_own_unique_values_when_it_is_saved(db: Db) -> None:
    (row,) = db.given(Unique, [{"name": "a", "code": 1, "left": "l", "right": 1}])
    row.right = 2
    db(row).save()
    db(row).save(update_fields=["name", "code", "left", "right"])
    assert db(uniques.filter(code=1)).update(name="a", code=1) == 1


# ---- upserts


@rule("F25", verbs=["get_or_create"])
def test_get_or_create_finds_or_makes_a_row(db: Db) -> None:
    db.given(Unique, [{"name": "a", "code": 1}])
    with db.commands(1):
        found, created = db(uniques.all()).get_or_create(name="a", defaults={"code": 9})
    assert (found.code, created) == (1, False)
    with db.commands(2):
        made, created = db(uniques.all()).get_or_create(name="b", defaults={"code": 9})
    assert (made.name, made.code, created) == ("b", 9, True)
    assert db(uniques.all()).get(name="b") == made
    db.given(Everything, NUMBERS)
    with pytest.raises(Everything.MultipleObjectsReturned):
        db(rows.all()).get_or_create(rank=1)


@rule("F25", verbs=["update_or_create"])
def test_update_or_create_changes_or_makes_a_row(db: Db) -> None:
    db.given(Unique, [{"name": "a", "code": 1}])
    found, created = db(uniques.all()).update_or_create(name="a", defaults={"code": 2})
    assert (found.code, created, db(uniques.all()).get(name="a").code) == (2, False, 2)
    made, created = db(uniques.all()).update_or_create(name="b", defaults={"code": 5}, create_defaults={"code": 6})
    assert (made.code, created) == (6, True)


@rule("F25", verbs=["get_or_create", "update_or_create"])
def test_lookups_find_rows_and_give_new_ones_no_values(db: Db) -> None:
    db.given(Unique, [{"name": "abc", "code": 1}])
    found, created = db(uniques.all()).get_or_create(name__in=["abc", "x"], defaults={"name": "never"})
    assert (found.name, created) == ("abc", False)
    made, created = db(uniques.all()).get_or_create(code__in=[7, 8], name="b", defaults={"code": 8})
    assert (made.name, made.code, created) == ("b", 8, True)
    made, created = db(uniques.all()).update_or_create(
        name__in=["c"], defaults={"code": 9}, create_defaults={"name": "c"}
    )
    assert (made.name, made.code, created) == ("c", None, True)
    made, created = db(uniques.all()).get_or_create(pk=2**40, defaults={"name": "d"})
    assert (made.pk, made.name, created) == (2**40, "d", True)
    with db.commands(0), pytest.raises(FieldError, match="nosuch"):
        db(uniques.all()).update_or_create(name="a", create_defaults={"nosuch": 1})


@rule("F25")
def test_defaults_that_can_be_called_are_called_when_they_are_needed(db: Db) -> None:
    db.given(Unique, [{"name": "a", "code": 1}])
    calls: list[int] = []

    def number() -> int:
        calls.append(100 + len(calls))
        return calls[-1]

    assert db(uniques.all()).get_or_create(name="a", defaults={"code": number})[0].code == 1
    assert calls == []
    assert db(uniques.all()).get_or_create(name="b", defaults={"code": number})[0].code == 100
    assert db(uniques.all()).update_or_create(name="a", defaults={"code": number})[0].code == 101
    made, created = db(uniques.all()).update_or_create(
        name="c", defaults={"code": lambda: 1 / 0}, create_defaults={"code": number}
    )
    assert (made.code, created, calls) == (102, True, [100, 101, 102])
    assert {(row.name, row.code) for row in db(uniques.all()).rows()} == {("a", 101), ("b", 100), ("c", 102)}


@rule("F25", "F26", verbs=["get_or_create"])
def test_concurrent_get_or_create_makes_one_row(db: Db) -> None:
    db.clear(Unique)
    if db.loop is None:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: Unique.objects.using(db.store).get_or_create(name="a"), range(8)))
    else:

        async def race() -> list[Any]:
            return await asyncio.gather(*(uniques.aget_or_create(name="a") for _ in range(8)))

        found = db.run(race())
    assert [created for _, created in found].count(True) == 1
    assert len({row.pk for row, _ in found}) == 1
    assert db(uniques.all()).count() == 1


@rule("F23", "F28", verbs=["bulk_update"])
def test_bulk_update_writes_some_fields_of_instances(db: Db) -> None:
    first, second, *_ = db.given(Everything, NUMBERS)
    for row in (first, second):
        row.text, row.number = "new", 50
    assert db(rows.all()).bulk_update([first, second], ["text"]) == 2
    assert {(row.name, row.text, row.number) for row in db(rows.filter(text="new")).rows()} == {
        ("n0", "new", None),
        ("n1", "new", 1),
    }
    second.text = 5  # type: ignore[assignment]  # refused below
    with db.commands(0), pytest.raises(ValidationError, match=r"Everything\.text"):
        db(rows.all()).bulk_update([first, second], ["text"])


# ---- the repository


@rule("F23", "F25")
def test_the_repositorys_verbs_write_and_read(db: Db) -> None:
    db.clear(IntKey, Stamped)
    repository = db.store.repository(IntKey)
    row = db(repository).add(IntKey(id=1, name="a"))
    db(repository).add_many([IntKey(id=2, name="b"), IntKey(id=3, name="b")])
    assert db(repository).get(1) == row
    assert db(repository).get_one(name="a") == row
    assert db(repository).get_one_or_none(name="x") is None
    assert [each.id for each in db(repository).get_many(name="b", order_by="-id")] == [3, 2]
    page, total = db(repository).get_many_and_count(order_by="id", limit=2, offset=1)
    assert ([each.id for each in page], total) == ([2, 3], 3)
    assert db(repository).count(name="b") == 2
    assert db(repository).exists(name="x") is False
    row.name = "z"
    db(repository).update(row)
    assert db(repository).get(1).name == "z"
    assert db(repository).update_many({"name": "y"}, name="b") == 2
    made, created = db(repository).get_or_upsert(["id"], id=9, name="up")
    assert (made.id, created) == (9, True)
    found, created = db(repository).get_or_upsert(["id"], id=9, name="again")
    assert (found.name, created, db(repository).get(9).name) == ("again", False, "again")
    assert db(repository).delete(9).id == 9
    assert db(repository).delete_many([1, 2, 77]) == 2
    assert db(repository).delete_where(name="y") == 1
    with pytest.raises(IntegrityError):
        db(repository).add_many([IntKey(id=5), IntKey(id=5)])
    with pytest.raises(IntKey.DoesNotExist):
        db(repository).delete(77)
    with db.commands(0), pytest.raises(FieldError, match="delete_where"):
        db(repository).delete_where()
