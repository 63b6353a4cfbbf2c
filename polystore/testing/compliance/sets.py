"""Unions, intersections and differences of querysets: rule F17."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from polystore import Cast, Count, F, Feature, Lower, QuerySet, Store, Value
from polystore.errors import FieldError, NotSupportedError, QueryUsageError
from polystore.query.operators import Aggregate, Function
from polystore.testing.compliance.capabilities import SCALARS, STRUCTURES
from polystore.testing.harness import Capability, Db, rule
from polystore.testing.models import Bare, Everything, Ranked

rows = Everything.objects
UNION, INTERSECTION, DIFFERENCE = Feature.UNION, Feature.INTERSECTION, Feature.DIFFERENCE
ROWS: list[dict[str, Any]] = [
    {"name": "a", "number": 1, "text": "x"},
    {"name": "b", "number": 1, "text": "x"},
    {"name": "c", "number": 2, "text": "y"},
    {"name": "d", "number": None, "text": None},
    {"name": "e", "number": None, "text": None},
]
OTHERS: list[dict[str, Any]] = [
    {"name": "x", "number": 1},
    {"name": "z", "number": 9},
    {"name": "y", "number": None},
]


def put(db: Db) -> None:
    """Five rows of one model, three of another."""
    db.given(Everything, ROWS)
    db.given(Bare, OTHERS)


def unordered(found: list[Any]) -> list[Any]:
    """Rows in an order of their own, to compare what has none."""
    return sorted(found, key=repr)


# ---- what comes of it


@rule("F17", needs=[UNION])
def test_a_union_has_each_row_once_and_null_equals_null(db: Db) -> None:
    put(db)
    low, all_of_them = rows.filter(number=1).values_list("text", "number"), rows.values_list("text", "number")
    assert unordered(db(low.union(all_of_them)).rows()) == unordered([("x", 1), ("y", 2), (None, None)])
    assert unordered(db(all_of_them.union(all_of_them, low)).rows()) == unordered([("x", 1), ("y", 2), (None, None)])
    assert db(low.union(all_of_them)).count() == 3
    assert db(low.union(all_of_them)).exists() is True


@rule("F17", needs=[UNION])
def test_a_union_of_all_rows_has_them_as_often_as_they_come(db: Db) -> None:
    put(db)
    query = rows.filter(number=1).values_list("number", flat=True)
    assert db(query.union(rows.values_list("number", flat=True), all=True).order_by("number")).rows() == [
        None,
        None,
        1,
        1,
        1,
        1,
        2,
    ]
    assert db(query.union(query, all=True)).count() == 4


@rule("F17", needs=[INTERSECTION])
def test_an_intersection_has_the_rows_that_all_queries_have_once(db: Db) -> None:
    put(db)
    here, there = rows.values_list("number", flat=True), Bare.objects.values_list("number", flat=True)
    assert db(here.intersection(there).order_by("number")).rows() == [None, 1]
    assert db(here.intersection(there, rows.filter(number=1).values_list("number", flat=True))).rows() == [1]
    assert db(here.intersection(there)).count() == 2
    assert db(here.intersection(rows.filter(number=99).values_list("number", flat=True))).rows() == []
    assert db(here.intersection(rows.filter(number=99).values_list("number", flat=True))).exists() is False


@rule("F17", needs=[DIFFERENCE])
def test_a_difference_has_the_rows_of_the_first_query_that_no_other_has_once(db: Db) -> None:
    put(db)
    here, there = rows.values_list("number", flat=True), Bare.objects.values_list("number", flat=True)
    assert db(here.difference(there)).rows() == [2]
    assert db(there.difference(here)).rows() == [9]
    assert db(here.difference(rows.filter(number=2).values_list("number", flat=True)).order_by("number")).rows() == [
        None,
        1,
    ]
    assert db(here.difference(there, rows.filter(number=2).values_list("number", flat=True))).rows() == []
    assert db(here.difference(there)).count() == 1


@rule("F17", needs=[UNION, INTERSECTION, DIFFERENCE])
def test_instances_of_one_model_are_put_together_as_instances(db: Db) -> None:
    put(db)
    low, null = rows.filter(number=1), rows.filter(number__isnull=True)
    assert db.names(low.union(null).order_by("-name")) == ["e", "d", "b", "a"]
    assert db.names(rows.exclude(number=2).intersection(rows.filter(text="x")).order_by("name")) == ["a", "b"]
    assert db.names(rows.all().difference(low, null)) == ["c"]
    found = db(low.union(rows.filter(name="c")).order_by("pk")).rows()
    assert [type(row) for row in found] == [Everything] * 3
    assert [(row.name, row.number, row.text) for row in found] == [("a", 1, "x"), ("b", 1, "x"), ("c", 2, "y")]
    found[0].number = 5
    db(found[0]).save()
    assert db(rows.all()).get(name="a").number == 5


@rule("F17", needs=[UNION])
def test_instances_with_containers_are_told_apart_by_their_key(db: Db) -> None:
    made = [{"name": f"n{place}", **{name: pair[0] for name, pair in STRUCTURES.items()}} for place in range(2)]
    db.given(Everything, made)
    found = db(rows.filter(name="n0").union(rows.all()).order_by("name")).rows()
    assert [row.name for row in found] == ["n0", "n1"]
    for name, pair in STRUCTURES.items():
        assert getattr(found[0], name) == pair[0]


@rule("F17", needs=[UNION])
def test_containers_are_put_together_where_rows_need_not_be_told_apart(db: Db) -> None:
    first, second = STRUCTURES["data"]
    db.given(Everything, [{"name": "a", "data": first, "tags": ["x"]}, {"name": "b", "data": second, "tags": []}])
    query = rows.values_list("name", "data", "tags")
    found = db(query.union(query.filter(name="a"), all=True).order_by("name")).rows()
    assert found == [("a", first, ["x"]), ("a", first, ["x"]), ("b", second, [])]
    with pytest.raises(FieldError, match=r"Everything.data is JSON.*no order"):
        db(query.union(query, all=True)[:2]).rows()


@rule("F17", needs=[UNION, Feature.COMPUTED])
def test_annotated_instances_differ_by_their_annotations(db: Db) -> None:
    put(db)
    low = rows.filter(number=1)
    query = low.annotate(mark=F("number") + 1).union(low.annotate(mark=F("number") + 1), low.annotate(mark=F("number")))
    found = db(query.order_by("name", "mark")).rows()
    assert [(row.name, row.mark) for row in found] == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


@rule("F17", needs=[UNION])
def test_rows_of_several_models_take_names_and_form_of_the_first(db: Db) -> None:
    put(db)
    db.given(Ranked, [{"name": "r", "rank": 7}])
    query = (
        rows.filter(number=2)
        .values("name", "number")
        .union(Bare.objects.filter(number=9).values_list("name", "number"), Ranked.objects.values("name", "rank"))
    )
    assert db(query.order_by("-number")).rows() == [
        {"name": "z", "number": 9},
        {"name": "r", "number": 7},
        {"name": "c", "number": 2},
    ]
    named = Ranked.objects.values_list("name", "rank", named=True).union(Bare.objects.values_list("name", "number"))
    assert db(named.order_by("name")).first().rank == 7


@rule("F17", needs=[UNION])
def test_values_are_put_together_by_place_and_not_by_name(db: Db) -> None:
    put(db)
    query = rows.filter(name="a").values_list("text", "name").union(rows.filter(name="a").values_list("name", "text"))
    assert unordered(db(query).rows()) == [("a", "x"), ("x", "a")]


@rule("F17", needs=[UNION])
def test_slices_and_orders_of_the_queries_are_respected(db: Db) -> None:
    put(db)
    here, there = rows.order_by("name").values_list("name", flat=True), Bare.objects.values_list("name", flat=True)
    query = here[1:3].union(there.order_by("-name")[:2])
    assert unordered(db(query).rows()) == ["b", "c", "y", "z"]
    assert db(query).count() == 4
    assert unordered(db(there.order_by("-number")[2:].union(here[4:])).rows()) == ["e", "y"]
    assert unordered(db(here.union(there)).rows()) == sorted("abcdexyz")


@rule("F17", needs=[UNION, INTERSECTION, DIFFERENCE])
def test_combinations_are_put_together_further(db: Db) -> None:
    put(db)
    here, there = rows.values_list("number", flat=True), Bare.objects.values_list("number", flat=True)
    either_of_them = here.difference(there).union(there.difference(here))
    assert db(either_of_them.order_by("number")).rows() == [2, 9]
    assert db(here.union(there).difference(here.intersection(there)).order_by("-number")).rows() == [9, 2]
    assert db(here.union(there).order_by("-number")[:2].intersection(there)).rows() == [9]
    assert db(here.union(there).order_by("number")[1:3].union(here.none(), all=True).order_by("number")).rows() == [
        1,
        2,
    ]


@rule("F17", needs=[UNION, Feature.GROUP, Aggregate.COUNT, Feature.DISTINCT])
def test_groups_and_distinct_rows_are_put_together(db: Db) -> None:
    put(db)
    groups = rows.values_list("text").annotate(n=Count("*"))
    plain = Bare.objects.filter(name="x").values_list("name", "number")
    assert unordered(db(groups.union(plain)).rows()) == unordered([("x", 2), ("y", 1), (None, 2), ("x", 1)])
    distinct = rows.values_list("number", flat=True).distinct()
    assert db(distinct.union(distinct, all=True).order_by("number")).rows() == [None, None, 1, 1, 2, 2]


@rule("F17", needs=[UNION, INTERSECTION, Feature.COMPUTED, Function.LOWER, Function.CAST, Function.COALESCE])
def test_computed_values_are_put_together_with_fields(db: Db) -> None:
    db.given(Everything, [{"name": "a", "text": "É", "word": "é", "number": 1, "amount": Decimal("1.50")}])
    lower, word = rows.values_list(Lower("text"), flat=True), rows.values_list("word", flat=True)
    assert db(lower.union(word)).rows() == ["é"]
    assert db(lower.intersection(word)).rows() == ["é"]
    assert db(rows.values_list(Value("é"), flat=True).union(word)).rows() == ["é"]
    assert db(rows.values_list("number", flat=True).union(rows.values_list(F("number") * 1, flat=True))).rows() == [1]
    half = rows.values_list("amount", flat=True).union(rows.values_list(F("amount") * 1, flat=True))
    assert db(half).rows() == [Decimal("1.5")]
    nothing = rows.values_list(Cast(None, int), flat=True).union(rows.values_list("number", flat=True))
    assert db(nothing.order_by("value1")).rows() == [None, 1]


# ---- values


@rule("F17", "A4", needs=[UNION, INTERSECTION, DIFFERENCE])
@pytest.mark.parametrize("field", list(SCALARS))
def test_values_of_each_kind_are_told_apart(db: Db, field: str) -> None:
    first, second = SCALARS[field]
    db.given(
        Everything,
        [
            {"name": "first", field: first},
            {"name": "second", field: second},
            {"name": "null"},
            {"name": "x", field: first},
        ],
    )
    every, one = rows.values_list(field, flat=True), rows.filter(name="first").values_list(field, flat=True)
    for query, expected in (
        (every.union(one), [first, second, None]),
        (one.union(one), [first]),
        (every.intersection(one), [first]),
        (every.difference(one), [second, None]),
    ):
        found = db(query).rows()
        assert unordered(found) == unordered(expected)
        assert {type(value) for value in found} == {type(value) for value in expected}


@rule("F17", "B1", needs=[UNION, INTERSECTION])
def test_decimals_of_different_places_are_equal_by_value(db: Db) -> None:
    db.given(
        Everything,
        [
            {"name": "a", "amount": Decimal("1.10"), "exact": Decimal("1.1")},
            {"name": "b", "amount": Decimal("-2.00"), "exact": Decimal("-2.0000000001")},
        ],
    )
    amounts, exacts = rows.values_list("amount", flat=True), rows.values_list("exact", flat=True)
    found = db(amounts.union(exacts).order_by("amount")).rows()
    assert found == [Decimal("-2.0000000001"), Decimal("-2"), Decimal("1.1")]
    assert db(exacts.intersection(amounts)).rows() == [Decimal("1.1")]


@rule("F17", "B1", needs=[UNION])
def test_decimals_without_places_are_put_together_where_the_store_computes_with_them(db: Db) -> None:
    db.given(Everything, [{"name": "a", "loose": Decimal("1.10")}, {"name": "b", "loose": Decimal("1.1")}])
    loose = rows.values_list("loose", flat=True)
    assert db(loose.union(loose)).rows() == [Decimal("1.1")]


@rule("F17", "D2", needs=[UNION])
def test_moments_of_different_precision_are_equal_by_value(db: Db) -> None:
    moment = datetime(2024, 2, 29, 1, 2, 3, 4000, UTC)
    db.given(Everything, [{"name": "a", "moment": moment, "instant": moment}])
    moments, instants = rows.values_list("moment", flat=True), rows.values_list("instant", flat=True)
    assert db(moments.union(instants)).rows() == [moment]
    assert db(instants.union(moments)).rows() == [moment]


@rule("F17", "A1", needs=[UNION, INTERSECTION])
def test_texts_are_told_apart_by_code_point(db: Db) -> None:
    texts = ["a", "A", "a ", "á", "a\u0301", "", "ß", "ss", "\U0001f600"]
    db.given(Everything, [{"name": f"n{place}", "text": text, "word": text} for place, text in enumerate(texts)])
    text, word = rows.values_list("text", flat=True), rows.values_list("word", flat=True)
    assert db(text.union(word).order_by("text")).rows() == sorted(texts)
    assert db(text.intersection(word)).count() == len(texts)
    assert db(text.intersection(rows.filter(name="n0").values_list("word", flat=True))).rows() == ["a"]


# ---- what comes after


@rule("F17", "E8", needs=[UNION])
def test_combined_rows_are_ordered_sliced_and_read_in_every_way(db: Db) -> None:
    put(db)
    query = rows.values("name", "number").union(Bare.objects.values("name", "number"))
    names = [row["name"] for row in db(query.order_by("-number", "name")).rows()]
    assert names == ["z", "c", "a", "b", "x", "d", "e", "y"]
    assert [row["name"] for row in db(query.order_by("-number", "name")[1:3]).rows()] == ["c", "a"]
    assert [row["name"] for row in db(query.order_by("number", "name").reverse()[:2]).rows()] == ["z", "c"]
    assert db(query.order_by(F("number").asc(nulls_last=True), "name")).first() == {"name": "a", "number": 1}
    assert db(query.order_by("name")).last() == {"name": "z", "number": 9}
    assert db(query).first() == {"name": "a", "number": 1}
    assert db(query).last() == {"name": "z", "number": 9}
    assert len(db(query.order_by("name")).iterator(3)) == 8
    assert db(query[2:5]).count() == 3
    assert db(query[7:99]).exists() is True
    assert db(query[8:99]).exists() is False
    assert db(query.none()).rows() == []
    assert db(query.order_by("name")[:1]).get() == {"name": "a", "number": 1}


@rule("F17", needs=[UNION])
def test_combined_rows_are_projected(db: Db) -> None:
    put(db)
    query = rows.values("name", "number").union(Bare.objects.values("name", "number"))
    assert db(query.order_by("name").values_list("number", flat=True)).rows() == [1, 1, 2, None, None, 1, None, 9]
    assert db(query.order_by("-name").values("number")[:2]).rows() == [{"number": 9}, {"number": None}]
    assert db(query.values_list("number", "name").order_by("name")).first() == (1, "a")
    assert db(query.values().order_by("name")).first() == {"name": "a", "number": 1}
    models = rows.filter(number=1).union(rows.filter(number=2))
    assert db(models.values_list("number", flat=True).order_by("name")).rows() == [1, 1, 2]


@rule("F17", needs=[UNION])
def test_a_union_with_no_rows_is_the_rest_each_once(db: Db) -> None:
    put(db)
    query = rows.values_list("number", flat=True)
    for union in (query.union(query.none()), query.none().union(query), query.union(query.filter(name__in=[]))):
        assert db(union.order_by("number")).rows() == [None, 1, 2]
    assert db(query.difference(query.none()).order_by("number")).rows() == [None, 1, 2]


@rule("F17", "F5")
def test_combinations_that_have_no_rows_for_certain_ask_nothing(db: Db) -> None:
    put(db)
    query = rows.values_list("number", flat=True)
    with db.commands(0):
        for nothing in (
            query.none().union(query.none()),
            query.intersection(query.none()),
            query.none().difference(query),
            query.union(query)[3:3],
        ):
            assert db(nothing).rows() == []
            assert db(nothing).count() == 0
            assert db(nothing).exists() is False


@rule("F17", needs=[UNION])
def test_one_plan_serves_all_values(db: Db) -> None:
    put(db)

    def union(number: int, name: str) -> QuerySet[Any, Any]:
        return (
            rows.filter(number=number)
            .values_list("name", flat=True)
            .union(Bare.objects.filter(name=name).values_list("name", flat=True))
        )

    assert unordered(db(union(1, "x")).rows()) == ["a", "b", "x"]
    assert unordered(db(union(2, "z")).rows()) == ["c", "z"]
    assert union(1, "x")._shape == union(2, "z")._shape
    with db.commands(1):
        db(union(1, "x")).rows()


# ---- refusals


@rule("F17")
def test_what_cannot_follow_a_combination_is_refused_by_name(db: Db) -> None:
    union: Any = rows.all().union(rows.all())
    saved = db.given(Everything, ROWS)[0]
    calls: dict[str, Any] = {
        "filter": lambda: union.filter(name="a"),
        "exclude": lambda: union.exclude(name="a"),
        "annotate": lambda: union.annotate(x=F("number")),
        "alias": lambda: union.alias(x=F("number")),
        "distinct": lambda: union.distinct(),
        "only": lambda: union.only("name"),
        "defer": lambda: union.defer("name"),
        "client": lambda: union.client(max_rows=3),
        "aggregate": lambda: db(union).aggregate(n=Count("*")),
        "earliest": lambda: db(union).earliest("name"),
        "latest": lambda: db(union).latest("name"),
        "contains": lambda: db(union).contains(saved),
        "in_bulk": lambda: db(union).in_bulk([1]),
        "update": lambda: db(union).update(number=1),
        "delete": lambda: db(union).delete(),
        "get": lambda: db(union).get(name="a"),
    }
    with db.commands(0):
        for name, call in calls.items():
            with pytest.raises(NotSupportedError, match=rf"Everything: .*{name}\(\).* cannot follow union\(\)"):
                call()
        with pytest.raises(QueryUsageError, match="keyset"):
            db(union).keyset(2)
        with pytest.raises(QueryUsageError, match="slice"):
            union[:2].order_by("name")
        with pytest.raises(FieldError, match="selected value 'number'"):
            rows.values("name").union(rows.values("name")).order_by("number")
    assert db(rows.all()).count() == len(ROWS)


@rule("F17")
def test_queries_that_do_not_go_together_are_refused(db: Db) -> None:
    with db.commands(0):
        with pytest.raises(FieldError, match="name, number and of name"):
            rows.values("name", "number").union(Bare.objects.values("name"))
        with pytest.raises(FieldError, match=r"Everything.name is str and Bare.number is int.*Cast"):
            rows.values("name").union(Bare.objects.values("number"))
        with pytest.raises(FieldError, match=r"Everything.number is int and Everything.real is float"):
            rows.values("number").intersection(rows.values("real"))
        with pytest.raises(QueryUsageError, match="Everything instances and Bare instances"):
            rows.all().union(Bare.objects.all())
        with pytest.raises(QueryUsageError, match="Everything instances and values of Everything"):
            rows.all().difference(rows.values("name"))
        with pytest.raises(FieldError, match="same fields and annotations"):
            rows.all().union(rows.only("name"))
        with pytest.raises(FieldError, match=r"Everything.tags is list.*union\(all=True\)"):
            rows.values("tags").union(rows.values("tags"))
        with pytest.raises(QueryUsageError, match=r"union\(\) takes querysets, not 5"):
            rows.union(5)  # type: ignore[arg-type]  # what users might write
        with pytest.raises(QueryUsageError, match="takes querysets, not nothing"):
            rows.union()
        with pytest.raises(NotSupportedError, match="behind client"):
            rows.client(max_rows=5).union(rows.all())


@rule("F17", "K1")
def test_queries_on_different_stores_are_refused(db: Db) -> None:
    db.given(Everything, [])
    elsewhere = Store("memory://")
    query = rows.values("name").union(Bare.objects.using(elsewhere).values("name"))
    with db.commands(0), pytest.raises(NotSupportedError, match=r"Everything is on store .* and Bare on .*memory"):
        db(query).rows()
    assert list(query.using(elsewhere)) == []


@rule("F17", "K1")
@pytest.mark.parametrize("feature", [UNION, INTERSECTION, DIFFERENCE], ids=lambda feature: feature.name.lower())
def test_a_combination_is_answered_or_refused_with_what_would_work(db: Db, feature: Capability) -> None:
    db.need(feature)
    put(db)
    assert isinstance(feature, Feature)
    verb = feature.name.lower()
    query = getattr(rows.filter(name="c"), verb)(rows.filter(name="d"))
    if db.missing:
        with db.commands(0), pytest.raises(NotSupportedError, match=rf"Everything on .*{verb}\(\); read both"):
            query.explain()
    expected = {"union": ["c", "d"], "intersection": [], "difference": ["c"]}[verb]
    assert db.names(query.order_by("name")) == expected
