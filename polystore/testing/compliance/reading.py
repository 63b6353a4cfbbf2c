"""Reading rows: laziness, get, first, count, exists, in_bulk, values, only, iterator; rules F1 to F29."""

from __future__ import annotations

from typing import Any

import pytest

from polystore import F, Feature, Q
from polystore.errors import FieldError, MultipleObjectsReturned, QueryUsageError
from polystore.testing.harness import Db, rule
from polystore.testing.models import Bare, Everything, IntKey, Mood, Person, Unique

rows = Everything.objects
SOME: list[dict[str, Any]] = [
    {"name": f"n{i}", "number": i, "rank": i % 3, "text": "even" if i % 2 == 0 else "odd"} for i in range(8)
]
KEYS: list[dict[str, Any]] = [{"id": i, "name": "even" if i % 2 == 0 else "odd"} for i in range(30)]


# ---- laziness


@rule("F1")
def test_a_query_asks_nothing_until_it_is_read(db: Db) -> None:
    db.given(Everything, SOME)
    with db.commands(0):
        query = rows.filter(number__gt=3).exclude(text="odd").order_by("-number")[1:2]
        repr(query)
    with db.commands(1):
        assert db.names(query) == ["n4"]


@rule("F1", verbs=["all", "iterating"])
def test_reading_keeps_the_rows_and_all_reads_anew(db: Db) -> None:
    db.given(Everything, SOME)
    query = rows.filter(number__lt=3).order_by("number")
    with db.commands(1):
        first = db(query).rows()
        assert db(query).rows() == first
        assert len(query) == 3
        assert bool(query)
        assert list(query) == first
        assert query[1] is first[1]
        assert query[:2] == first[:2]
        assert first[0] in query
    with db.commands(1):
        assert db(query.all()).rows() == first


@rule("F1")
def test_count_exists_first_and_get_keep_nothing(db: Db) -> None:
    db.given(Everything, SOME)
    query = rows.filter(number=3)
    with db.commands(4):
        assert db(query).count() == 1
        assert db(query).exists() is True
        assert db(query).first().name == "n3"
        assert db(query).get().name == "n3"
    with db.commands(1):
        db(query).rows()


@rule("F1")
def test_narrowing_leaves_the_query_alone(db: Db) -> None:
    db.given(Everything, SOME)
    query = rows.filter(number__lt=4).order_by("number")
    before = db.names(query)
    for other in (
        query.filter(number=1),
        query.exclude(number=1),
        query.order_by("-number"),
        query.reverse(),
        query.none(),
    ):
        assert db.names(other) != before
    assert db.names(query.all()) == before


@rule("F1", "A7", verbs=["none"])
def test_none_has_no_rows_and_asks_nothing(db: Db) -> None:
    db.given(Everything, SOME)
    with db.commands(0):
        for query in (rows.none(), rows.all().none().filter(number=1), rows.none().order_by("number")):
            assert db(query).rows() == []
            assert db(query).count() == 0
            assert db(query).exists() is False
            assert db(query).first() is None
            assert db(query).last() is None
            assert db(query).get_or_none() is None
            assert db(query).in_bulk() == {}
            assert db(query).iterator() == []


@rule("F1", verbs=["iterating"])
def test_rows_are_read_in_the_languages_own_ways(db: Db) -> None:
    db.given(Everything, SOME)
    query = rows.filter(number__lt=2).order_by("number")
    if db.loop is None:
        assert [row.name for row in query] == ["n0", "n1"]
        return

    async def read() -> list[list[str]]:
        awaited = [row.name for row in await query.all()]
        return [awaited, [row.name async for row in query.all()]]

    assert db.run(read()) == [["n0", "n1"], ["n0", "n1"]]


# ---- get


@rule("F7", verbs=["get"])
def test_get_answers_the_one_row(db: Db) -> None:
    db.given(Everything, SOME)
    with db.commands(1):
        assert db(rows.all()).get(number=3).name == "n3"
    with db.commands(1):
        assert db(rows.filter(text="odd")).get(Q(number=3)).name == "n3"


@rule("F7", verbs=["get"])
def test_get_of_nothing_raises_the_models_own_error(db: Db) -> None:
    db.given(Everything, SOME)
    with db.commands(1), pytest.raises(Everything.DoesNotExist, match="Everything"):
        db(rows.all()).get(number=99)
    with pytest.raises(LookupError):
        db(rows.all()).get(number=99)
    assert not issubclass(Everything.DoesNotExist, Bare.DoesNotExist)


@rule("F7", verbs=["get"])
def test_get_of_several_raises_with_their_number(db: Db) -> None:
    db.given(Everything, SOME)
    with db.commands(1), pytest.raises(Everything.MultipleObjectsReturned, match="4"):
        db(rows.all()).get(text="odd")
    with db.commands(1), pytest.raises(MultipleObjectsReturned):
        db(rows.all()).get_or_none(text="odd")


@rule("F7", verbs=["get"])
def test_get_reads_a_bounded_number_of_rows(db: Db) -> None:
    db.given(IntKey, KEYS)
    with db.commands(1), pytest.raises(IntKey.MultipleObjectsReturned, match="more than 20"):
        db(IntKey.objects.all()).get()


@rule("F7", verbs=["get_or_none"])
def test_get_or_none_answers_none_for_nothing(db: Db) -> None:
    db.given(Everything, SOME)
    with db.commands(1):
        assert db(rows.all()).get_or_none(number=99) is None
    with db.commands(1):
        assert db(rows.all()).get_or_none(number=3).name == "n3"


# ---- counting


@rule("F29", verbs=["count"])
def test_counts_are_exact(db: Db) -> None:
    db.given(Everything, SOME)
    with db.commands(3):
        assert db(rows.all()).count() == 8
        assert db(rows.filter(text="odd")).count() == 4
        assert db(rows.filter(text="odd", number__gt=3)).count() == 2


@rule("F29", verbs=["exists"])
def test_exists_asks_once(db: Db) -> None:
    db.given(Everything, SOME)
    with db.commands(3):
        assert db(rows.all()).exists() is True
        assert db(rows.filter(number=99)).exists() is False
        assert db(rows.exclude(number__lt=99)).exists() is False
    db.clear(Everything)
    assert db(rows.all()).exists() is False
    assert db(rows.all()).count() == 0


@rule("F29", verbs=["contains"])
def test_contains_tells_whether_an_instance_is_among_the_rows(db: Db) -> None:
    made = db.given(Everything, SOME)
    with db.commands(2):
        assert db(rows.filter(number__lt=3)).contains(made[2]) is True
        assert db(rows.filter(number__lt=3)).contains(made[3]) is False
    assert db(rows.order_by("number")[:2]).contains(made[1]) is True
    assert db(rows.order_by("number")[:2]).contains(made[2]) is False
    with db.commands(0):
        for wrong in (Everything(name="x"), Bare(name="x"), "x"):
            with pytest.raises(QueryUsageError):
                db(rows.all()).contains(wrong)


# ---- in_bulk


@rule("F22", verbs=["in_bulk"])
def test_in_bulk_finds_rows_by_key_and_leaves_out_the_missing(db: Db) -> None:
    db.given(IntKey, KEYS)
    with db.commands(1):
        found = db(IntKey.objects.all()).in_bulk([1, 5, 99, 5])
    assert {key: row.id for key, row in found.items()} == {1: 1, 5: 5}
    with db.commands(0):
        assert db(IntKey.objects.all()).in_bulk([]) == {}
    assert set(db(IntKey.objects.filter(name="even")).in_bulk([1, 2])) == {2}
    assert set(db(IntKey.objects.filter(id__lt=3)).in_bulk()) == {0, 1, 2}


@rule("F22", verbs=["in_bulk"])
def test_in_bulk_finds_rows_by_a_unique_field_only(db: Db) -> None:
    db.given(Unique, [{"name": "a", "code": 1}, {"name": "b", "code": 2}])
    found = db(Unique.objects.all()).in_bulk(["a", "x"], field_name="name")
    assert {key: row.code for key, row in found.items()} == {"a": 1}
    with db.commands(0), pytest.raises(FieldError, match="unique"):
        db(Unique.objects.all()).in_bulk(["a"], field_name="left")


@rule("F22", "F28", verbs=["in_bulk", "only", "defer"])
def test_in_bulk_of_some_fields_reads_the_one_they_are_found_by(db: Db) -> None:
    db.given(Unique, [{"name": "a", "code": 1}, {"name": "b", "code": 2}])
    for query in (Unique.objects.only("code"), Unique.objects.defer("name", "left")):
        with db.commands(1):
            found = db(query).in_bulk(["a", "x"], field_name="name")
            assert {key: row.code for key, row in found.items()} == {"a": 1}
            assert "left" not in vars(found["a"])


@rule("F22")
def test_in_bulk_takes_instances_only(db: Db) -> None:
    db.given(Unique, [{"name": "a", "code": 1}])
    with db.commands(0), pytest.raises(QueryUsageError, match=r"in_bulk\(\) answers instances"):
        db(Unique.objects.values("name")).in_bulk()


@rule("F22", "K7")
def test_in_takes_thousands_of_values(db: Db) -> None:
    db.given(IntKey, KEYS)
    wanted = range(-3000, 3000, 2)
    assert len(db(IntKey.objects.filter(id__in=wanted)).rows()) == 15
    assert db(IntKey.objects.filter(pk__in=wanted).exclude(id=2)).count() == 14
    assert set(db(IntKey.objects.all()).in_bulk(wanted)) == set(range(0, 30, 2))


# ---- values and only


@rule("F12", verbs=["values"])
def test_values_are_dicts_of_fields(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": 1, "mood": Mood.WILD, "person": Person(name="P")}, {"name": "b"}])
    query = rows.order_by("name").values("name", "mood", "number")
    assert db(query).rows() == [
        {"name": "a", "mood": Mood.WILD, "number": 1},
        {"name": "b", "mood": None, "number": None},
    ]
    whole = db(rows.order_by("name").values()).rows()
    assert set(whole[0]) == set(Everything.model_fields)
    assert whole[0]["person"] == Person(name="P")
    assert db(rows.filter(number=1).values("pk", "name")).get()["name"] == "a"


@rule("F12", verbs=["values_list", "values_list(flat=True)"])
def test_values_lists_are_tuples_or_single_values(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": 1}, {"name": "b"}])
    query = rows.order_by("name")
    assert db(query.values_list("number", "name")).rows() == [(1, "a"), (None, "b")]
    assert db(query.values_list("name")).rows() == [("a",), ("b",)]
    assert db(query.values_list("number", flat=True)).rows() == [1, None]
    assert db(query.values_list("name", flat=True)).first() == "a"
    assert db(query.values_list(Everything.name, F("number"))).rows() == [("a", 1), ("b", None)]
    assert db(query.values_list(Everything.number, named=True)).first().number == 1
    assert db(query.values_list(Everything.number, flat=True)).rows() == [1, None]
    assert db(query.values_list("name", flat=True)).last() == "b"
    assert db(query.values_list("name", flat=True)[1:]).rows() == ["b"]
    assert len(db(query.values_list()).rows()[0]) == len(Everything.model_fields)
    with db.commands(0), pytest.raises(QueryUsageError, match="one field"):
        query.values_list("name", "number", flat=True)


@rule("F12", "K5")
def test_wrong_names_of_values_are_refused(db: Db) -> None:
    db.given(Everything, SOME)
    for name in ("nosuch", "name__x", "", "*", "number; --"):
        for call in (rows.values, rows.values_list, rows.only):
            with db.commands(0), pytest.raises(FieldError, match="Everything"):
                db(call(name)).rows()


@rule("F12", needs=[Feature.DISTINCT], verbs=["distinct"])
def test_distinct_removes_equal_rows_of_the_selected_values(db: Db) -> None:
    db.given(Everything, SOME)
    assert db(rows.values_list("text", flat=True).distinct().order_by("text")).rows() == ["even", "odd"]
    assert db(rows.values_list("rank", "text").distinct().order_by("rank", "text")[1:3]).rows() == [
        (0, "odd"),
        (1, "even"),
    ]
    assert db(rows.values("text").distinct()).count() == 2
    assert db(rows.values("text").distinct()[:1]).count() == 1
    assert db(rows.filter(number__lt=1).values("text").distinct()).exists() is True


@rule("F12", needs=[Feature.DISTINCT, Feature.GROUP_ANY])
def test_values_that_no_index_keeps_come_once(db: Db) -> None:
    db.given(Bare, [{"name": "a", "number": 1}, {"name": "b", "number": 2}, {"name": "c", "number": 1}])
    assert sorted(db(Bare.objects.values_list("number", flat=True).distinct()).rows()) == [1, 2]


@rule("F12", "A18", needs=[Feature.DISTINCT], verbs=["distinct"])
def test_null_is_one_of_the_distinct_values(db: Db) -> None:
    db.given(Everything, [{"name": "a"}, {"name": "b"}, {"name": "c", "number": 0}])
    assert db(rows.values_list("number", flat=True).distinct().order_by("number")).rows() == [None, 0]


@rule("F12", verbs=["distinct"])
def test_distinct_instances_are_all_instances(db: Db) -> None:
    db.given(Everything, SOME)
    assert db.found(rows.all().distinct()) == " ".join(row["name"] for row in SOME)
    assert db(rows.all().distinct()).count() == 8


@rule("F12", needs=[Feature.DISTINCT])
def test_distinct_values_are_ordered_by_selected_fields_only(db: Db) -> None:
    db.given(Everything, SOME)
    with db.commands(0), pytest.raises(FieldError, match="cannot be ordered by number"):
        db(rows.values("text").distinct().order_by("number")).rows()
    assert db(rows.order_by("text").values("text").distinct()).rows() == [{"text": "even"}, {"text": "odd"}]


@rule("F28", verbs=["only"])
def test_only_loads_some_fields_and_the_key(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": 5, "tags": ["x"]}])
    row = db(rows.all().only("name")).get()
    assert set(row.__dict__) == {"id", "name"}
    if db.loop is None:
        with db.commands(1):
            assert row.number == 5
    else:
        with pytest.raises(QueryUsageError, match="arefresh_from_db"):
            db.run(_number(row))
        db(row).refresh_from_db(["number"])
    with db.commands(0):
        assert row.number == 5


@rule("F28")
def test_a_field_left_out_is_read_for_all_rows_that_came_together(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": 1}, {"name": "b"}, {"name": "c", "number": 3}])
    found = db(rows.only("name").order_by("name")).rows()
    if db.loop is not None:
        with pytest.raises(QueryUsageError, match="arefresh_from_db"):
            db.run(_number(found[0]))
        return
    with db.commands(1):
        assert [row.number for row in found] == [1, None, 3]


async def _number(row: Any) -> Any:
    return row.number
