"""The first row for each value of some fields, and random order: rules F12 and F21."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from polystore import Count, F, Feature, Length, Lower, Store, Sum
from polystore.errors import FieldError, NotSupportedError, QueryUsageError
from polystore.query.operators import Aggregate, Function
from polystore.testing import strategies
from polystore.testing.compliance.properties import Pair, often
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything, IntKey, Ranked

rows = Everything.objects
FIELDS, RANDOM = Feature.DISTINCT_FIELDS, Feature.ORDER_RANDOM


def put(db: Db) -> None:
    """Seven rows, of which three texts are the same, two NULL."""
    db.given(
        Everything,
        [
            {"name": "a", "text": "x", "number": 1, "amount": Decimal("1.10")},
            {"name": "b", "text": "x", "number": 3, "amount": Decimal("1.1")},
            {"name": "c", "text": "X", "number": 2, "amount": Decimal("2.00")},
            {"name": "d", "text": None, "number": 5},
            {"name": "e", "text": None, "number": 4},
            {"name": "f", "text": "y", "number": None},
            {"name": "g", "text": "x", "number": 2},
        ],
    )


# ---- the first row for each value


@rule("F12", needs=[FIELDS])
def test_the_first_row_by_the_order_comes_for_each_value(db: Db) -> None:
    put(db)
    assert db.names(rows.distinct("text").order_by("text", "-number")) == ["d", "c", "b", "f"]
    assert db.names(rows.distinct("text").order_by("-text", "number")) == ["f", "a", "c", "e"]
    assert db.names(rows.order_by("text", "name").distinct("text")) == ["d", "c", "a", "f"]
    assert [row.number for row in db(rows.distinct("text").order_by("text", "-number")).rows()] == [5, 2, 3, None]


@rule("F12", needs=[FIELDS])
def test_the_first_row_comes_for_each_combination_of_values(db: Db) -> None:
    put(db)
    query = rows.distinct("text", "number").order_by("number", "text", "name")
    assert db.names(query) == ["f", "a", "c", "g", "b", "e", "d"]
    assert db.names(rows.distinct("amount").order_by("-amount", "-name")) == ["c", "b", "g"]


@rule("F12", needs=[FIELDS])
def test_without_an_order_rows_come_by_these_fields_and_the_key(db: Db) -> None:
    put(db)
    assert db.names(rows.distinct("text")) == ["d", "c", "a", "f"]
    db.given(Ranked, [{"name": "b", "rank": 1}, {"name": "a", "rank": 1}, {"name": "top", "rank": 9}])
    assert db.names(Ranked.objects.distinct("rank")) == ["top", "a"]


@rule("F12", "F5", needs=[FIELDS])
def test_slices_conditions_and_counts_are_of_the_first_rows(db: Db) -> None:
    put(db)
    query = rows.distinct("text").order_by("text", "-number")
    assert db.names(query[1:3]) == ["c", "b"]
    assert db(query).first().name == "d"
    assert db(query[2:]).first().name == "b"
    assert db(query).count() == 4
    assert db(query[1:3]).count() == 2
    assert db(query.filter(number__lt=3)).count() == 2
    assert db.names(query.filter(number__lt=3)) == ["c", "g"]
    assert db(query).exists() is True
    assert db(query[4:]).exists() is False
    assert db(query.filter(text="X")).get().name == "c"
    assert len(db(query).iterator(2)) == 4
    assert db(query.none()).count() == 0


@rule("F12", needs=[FIELDS])
def test_values_of_the_first_rows_are_read(db: Db) -> None:
    put(db)
    query = rows.distinct("text").order_by("text", "-number")
    assert db(query.values_list("number", flat=True)).rows() == [5, 2, 3, None]
    assert db(query.values("name", "number")[:1]).rows() == [{"name": "d", "number": 5}]
    assert [row.name for row in db(query.only("name")).rows()] == ["d", "c", "b", "f"]


@rule("F12", needs=[FIELDS, Feature.GROUP_SOURCE, Aggregate.COUNT, Aggregate.SUM])
def test_the_first_rows_are_aggregated(db: Db) -> None:
    put(db)
    query = rows.distinct("text").order_by("text", "-number")
    assert db(query).aggregate(n=Count("*"), s=Sum("number")) == {"n": 4, "s": 10}
    assert db(query[:2]).aggregate(s=Sum("number")) == {"s": 7}


@rule("F12", needs=[FIELDS, Feature.COMPUTED, Function.LENGTH])
def test_the_first_row_comes_for_each_computed_value(db: Db) -> None:
    put(db)
    query = rows.annotate(size=Length("text")).distinct("size").order_by("size", "-name")
    assert [(row.name, row.size) for row in db(query).rows()] == [("e", None), ("g", 1)]
    assert db(query).count() == 2


@rule("F12", needs=[FIELDS, Feature.UNION])
def test_the_first_rows_are_put_together(db: Db) -> None:
    put(db)
    query = rows.distinct("text").order_by("text", "-number").values_list("name", flat=True)
    assert db(query.union(rows.filter(name="g").values_list("name", flat=True)).order_by("name")).rows() == [
        "b",
        "c",
        "d",
        "f",
        "g",
    ]


@rule("F12")
def test_the_first_rows_come_behind_client(db: Db) -> None:
    db.proves("client:Feature:DISTINCT_FIELDS")
    put(db)
    query = rows.client(max_rows=50).distinct("text").order_by("text", "-number")
    assert db.names(query) == ["d", "c", "b", "f"]
    assert db(query).count() == 4
    assert db.names(query[1:3]) == ["c", "b"]


@rule("F12")
def test_an_order_that_begins_with_something_else_is_refused(db: Db) -> None:
    db.given(Everything, [])
    with db.commands(0):
        for query in (
            rows.distinct("text").order_by("number", "text"),
            rows.distinct("text", "number").order_by("text", "name", "number"),
            rows.distinct("text").order_by(Lower("text")),
        ):
            with pytest.raises(FieldError, match=r"distinct\(text.*must begin with text"):
                db(query.all()).rows()
            with pytest.raises(FieldError, match=r"must begin with text"):
                db(query.all()).count()
        with pytest.raises(FieldError, match="nosuch"):
            rows.distinct("nosuch")
        with pytest.raises(FieldError, match="JSON"):
            db(rows.distinct("data")).rows()
        with pytest.raises(FieldError, match="distinct"):
            db(rows.values("text").annotate(n=Count("*")).distinct("text")).rows()
        with pytest.raises(QueryUsageError, match=r"reverse\(\).first\(\)"):
            db(rows.distinct("text")).last()
        with pytest.raises(QueryUsageError, match="distinct"):
            db(rows.distinct("text")).delete()
        with pytest.raises(QueryUsageError, match="keyset"):
            db(rows.distinct("text")).keyset(2)
        with pytest.raises(QueryUsageError, match="slice"):
            rows.all()[:2].distinct("text")


TERMS = ["number", "rank", "text", "amount", "day", "flag", "exact"]


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[str], list[str], int, int]:
    """Fields, an order that begins with them, and a slice."""
    fields = draw(st.lists(st.sampled_from(TERMS), min_size=1, max_size=2, unique=True))
    rest = draw(st.lists(st.sampled_from([each for each in TERMS if each not in fields]), max_size=1))
    order = [draw(st.sampled_from(["", "-"])) + each for each in (*draw(st.permutations(fields)), *rest)]
    return fields, order, draw(st.integers(0, 3)), draw(st.integers(0, 5))


@pytest.mark.hypothesis
@rule("F12", needs=[FIELDS])
def test_random_first_rows_agree_with_the_reference(db: Db, reference: Store) -> None:
    if db.missing:
        db(rows.distinct("rank")).rows()
    pair = Pair(db, reference)

    @often(db, 0.5)
    @given(strategies.rows(TERMS, 7), st.lists(questions(), min_size=1, max_size=3))
    def check(made: list[dict[str, Any]], asked: list[tuple[list[str], list[str], int, int]]) -> None:
        pair.put(made)
        for fields, order, offset, limit in asked:
            query = rows.distinct(*fields).order_by(*order)[offset : offset + limit if limit else None]
            expected = [row.name for row in query.using(reference)]
            event(f"{len(expected)} rows")
            assert db.names(query) == expected, (fields, order, offset, limit)
            assert db(query.all()).count() == len(expected)

    check()


# ---- random order

MANY: list[dict[str, Any]] = [{"id": key, "name": "even" if key % 2 == 0 else "odd"} for key in range(40)]


@rule("F21", needs=[RANDOM])
def test_a_random_order_has_all_rows_in_another_order_each_time(db: Db) -> None:
    db.given(IntKey, MANY)
    query = IntKey.objects.order_by("?")
    orders = [[row.id for row in db(query.all()).rows()] for _ in range(3)]
    assert all(sorted(order) == list(range(40)) for order in orders)
    assert orders[0] != orders[1] or orders[1] != orders[2]
    assert any(order != sorted(order) for order in orders)


@rule("F21", "F5", needs=[RANDOM])
def test_a_slice_of_a_random_order_has_so_many_rows(db: Db) -> None:
    db.given(IntKey, MANY)
    query = IntKey.objects.order_by("?")
    found = [row.id for row in db(query[:7]).rows()]
    assert len(set(found)) == 7
    assert set(found) <= set(range(40))
    assert len({row.id for row in db(query[35:50]).rows()}) == 5
    assert db(query[:7]).count() == 7
    assert db(query).first().id in range(40)
    assert {row.name for row in db(query.filter(name="odd")).rows()} == {"odd"}
    assert len(db(query).iterator(9)) == 40
    assert sorted(db(query.values_list("id", flat=True)).rows()) == list(range(40))


@rule("F21", needs=[RANDOM])
def test_rows_that_tie_come_in_random_order(db: Db) -> None:
    db.given(IntKey, MANY)
    orders = [[row.id for row in db(IntKey.objects.order_by("name", "?")).rows()] for _ in range(3)]
    for order in orders:
        assert sorted(order[:20]) == list(range(0, 40, 2))
        assert sorted(order[20:]) == list(range(1, 40, 2))
    assert orders[0] != orders[1] or orders[1] != orders[2]


@rule("F21")
def test_a_random_order_comes_behind_client(db: Db) -> None:
    db.proves("client:Feature:ORDER_RANDOM")
    db.given(IntKey, MANY)
    query = IntKey.objects.client(max_rows=50).order_by("?")
    orders = [[row.id for row in db(query.all()).rows()] for _ in range(3)]
    assert all(sorted(order) == list(range(40)) for order in orders)
    assert orders[0] != orders[1] or orders[1] != orders[2]
    assert len(db(query[:7]).rows()) == 7


@rule("F21", "K1")
def test_what_needs_an_order_that_lasts_refuses_a_random_one(db: Db) -> None:
    db.given(Everything, [])
    query = IntKey.objects.order_by("?")
    with db.commands(0):
        with pytest.raises(QueryUsageError, match="lasts"):
            db(query).last()
        with pytest.raises(QueryUsageError, match="lasts"):
            db(query.reverse()).rows()
        with pytest.raises(QueryUsageError, match="keyset"):
            db(query).keyset(3)
        with pytest.raises(FieldError, match="distinct"):
            db(query.values("name").distinct()).rows()
        with pytest.raises(FieldError, match="has no field"):
            IntKey.objects.order_by("-?")
    if not db.declares(RANDOM):
        with db.commands(0), pytest.raises(NotSupportedError, match=r'IntKey on .*order_by\("\?"\).*client\('):
            query.explain()


@rule("F21", needs=[RANDOM, Feature.NULLS_ORDER])
def test_a_random_order_goes_with_other_terms(db: Db) -> None:
    put(db)
    found = db.names(rows.order_by(F("number").asc(nulls_last=True), "?"))
    assert found[-1] == "f"
    assert found[0] == "a"
