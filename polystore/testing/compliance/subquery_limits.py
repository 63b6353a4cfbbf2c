"""Queries within queries where they end: in writes, across stores, behind client(), and what is refused."""

from __future__ import annotations

import pytest

from polystore import (
    Count,
    Exists,
    F,
    Feature,
    OuterRef,
    Q,
    RowNumber,
    Store,
    Subquery,
    Sum,
    Window,
)
from polystore.errors import FieldError, NotSupportedError, QueryUsageError
from polystore.query.operators import Aggregate, WindowFunction
from polystore.testing.compliance.subqueries import SUBQUERIES, known, put, rows
from polystore.testing.harness import Db, rule
from polystore.testing.models import Known

# ---- writes


@rule("A4", "A8")
def test_rows_are_changed_and_deleted_by_the_values_of_a_queryset(db: Db) -> None:
    put(db)
    assert db(rows.filter(number__in=known.filter(name="x").values("number"))).update(word="changed") == 1
    assert db.found(rows.filter(word="changed")) == "a"
    assert db(rows.filter(pk__in=rows.filter(number=2))).update(word="same") == 2
    assert db.found(rows.filter(word="same")) == "b d"
    assert db(rows.filter(text__in=known.filter(number=2).values("name"))).delete()[0] == 1
    assert db.found(rows.all()) == "a c d e"
    assert db(rows.filter(pk__in=rows.filter(text="x").order_by("-name")[:1])).delete()[0] == 1
    assert db.found(rows.all()) == "a c e"


@rule("A4", "A5", needs=[SUBQUERIES, Feature.SUBQUERY_WRITES])
def test_rows_are_changed_and_deleted_by_what_exists(db: Db) -> None:
    put(db)
    same = Exists(known.filter(number=OuterRef("number")))
    assert db(rows.filter(same)).update(word="there") == 3
    assert db(rows.exclude(same)).update(word="gone") == 2
    assert db.found(rows.filter(word="there")) == "a b d"
    twin = Exists(rows.filter(number=OuterRef("number")).exclude(name=OuterRef("name")))
    assert db(rows.filter(twin)).update(rank=5) == 2
    assert db.found(rows.filter(rank=5)) == "b d"
    assert db(rows.filter(twin)).delete()[0] == 2
    assert db.found(rows.all()) == "a c e"
    assert db(rows.exclude(same)).delete()[0] == 2
    assert db.found(rows.all()) == "a"


@rule("B12")
def test_a_field_takes_a_value_that_can_be_read_alone(db: Db) -> None:
    put(db)
    assert db(rows.filter(name="a")).update(number=Subquery(known.filter(name="v").values("number"))) == 1
    assert db.found(rows.filter(number=9)) == "a"
    assert db(rows.filter(name="b")).update(number=Subquery(known.filter(name="w").values("number"))) == 1
    assert db(rows.filter(name="d")).update(number=Subquery(known.filter(name="nobody").values("number"))) == 1
    assert db.found(rows.filter(number__isnull=True)) == "b c d"
    assert db(rows.filter(name="a")).update(real=Subquery(known.filter(name="y").values("number"))) == 1
    assert db(rows.filter(name="a")).update(amount=Subquery(known.filter(name="y").values("number"))) == 1
    row = db(rows.all()).get(name="a")
    assert (repr(row.real), str(row.amount)) == ("2.0", "2.00")


@rule("B12", needs=[SUBQUERIES, Feature.SUBQUERY_WRITES, Feature.UPDATE_EXPRESSIONS])
def test_a_field_takes_the_value_of_another_row(db: Db) -> None:
    put(db)
    there = Subquery(known.filter(name=OuterRef("text")).values("number"))
    assert db(rows.all()).update(number=there, other=F("number")) == 5
    found = db(rows.order_by("name").values_list("name", "number", "other")).rows()
    assert found == [("a", 1, 1), ("b", 2, 2), ("c", None, None), ("d", 1, 2), ("e", 9, 7)]


@rule("B12", needs=[SUBQUERIES, Feature.SUBQUERY_WRITES, Feature.UPDATE_EXPRESSIONS, Aggregate.MAX])
def test_values_of_the_same_model_are_those_before_the_update(db: Db) -> None:
    put(db)
    most = Subquery(rows.filter(number__isnull=False).order_by("-number").values("number")[:1])
    try:
        assert db(rows.filter(other=1)).update(number=most) == 2
    except NotSupportedError as refusal:
        assert db.missing or "read the" in str(refusal)
    else:
        assert db.found(rows.filter(number=7)) == "a b e"
    put(db)
    twin = Subquery(rows.filter(other=OuterRef("number")).order_by("name").values("number")[:1])
    try:
        db(rows.filter(number__isnull=False)).update(number=twin)
    except NotSupportedError as refusal:
        assert db.refused_after == 0
        if db.missing:
            raise
        assert "read the" in str(refusal)
    else:
        found = db(rows.order_by("name").values_list("number", flat=True)).rows()
        assert found == [1, None, None, None, 7]


@rule("A17")
def test_a_subquery_does_not_stand_beside_the_aggregates_of_all_rows(db: Db) -> None:
    put(db)
    value = Subquery(known.filter(name="x").values("number"))
    with db.commands(0), pytest.raises(FieldError, match=r"Everything: aggregate.n=.*no subquery beside"):
        db(rows.all()).aggregate(n=Sum("rank") + value)


# ---- what is refused


@rule("A4")
def test_one_value_is_selected_within_another_query(db: Db) -> None:
    put(db)
    with pytest.raises(QueryUsageError, match="Known: number__in takes one value of each row, not name, number"):
        rows.filter(number__in=known.values("name", "number"))
    with pytest.raises(QueryUsageError, match="Known: Subquery takes one value"):
        Subquery(known.values("name", "number")[:1])
    with pytest.raises(QueryUsageError, match="Known: Subquery takes one value"):
        Subquery(known.filter(name="x"))
    with pytest.raises(FieldError, match="Exists takes a queryset"):
        Exists(Known)  # type: ignore[arg-type]  # what is refused
    with pytest.raises(FieldError, match="number__in of Everything with name of Known"):
        db(rows.filter(number__in=known.values("name"))).rows()
    with pytest.raises(FieldError, match="Everything has no field 'nothing'"):
        db(rows.filter(Exists(known.filter(name=OuterRef("nothing"))))).rows()


@rule("A4")
def test_a_reference_to_a_query_around_does_not_run_alone(db: Db) -> None:
    put(db)
    with db.commands(0), pytest.raises(QueryUsageError, match="Known: OuterRef refers to a query around"):
        db(known.filter(number=OuterRef("number"))).rows()
    with db.commands(0), pytest.raises(QueryUsageError, match="Everything: OuterRef refers to a query around"):
        db(rows.filter(Exists(known.filter(number=OuterRef(OuterRef("number")))))).rows()


@rule("H5")
def test_what_a_store_does_not_do_within_a_query_is_refused_with_a_remedy(db: Db) -> None:
    put(db)
    query = rows.filter(Exists(known.filter(number=OuterRef("number"))))
    if not db.declares(SUBQUERIES):
        with db.commands(0), pytest.raises(NotSupportedError, match=r"Everything on .*Known.*OuterRef.*__in"):
            db(query).rows()
    with db.commands(0), pytest.raises(NotSupportedError, match=r"Everything on .*Known.*OuterRef"):
        db(rows.client(max_rows=10).filter(Exists(known.filter(number=OuterRef("number"))))).rows()


@rule("H5")
def test_a_queryset_behind_client_is_read_first(db: Db) -> None:
    put(db)
    assert db.found(rows.client(max_rows=10).filter(number__in=known.values("number"))) == "a b d"
    assert db.found(rows.client(max_rows=10).exclude(number__in=known.values("number"))) == "c e"


@rule("H5", needs=[Feature.ORDER_ANY])
def test_nothing_is_asked_first_where_the_query_around_is_refused_whatever_comes_of_it(db: Db) -> None:
    put(db)
    nobody = known.filter(name="nobody")
    assert db.names(rows.exclude(Exists(nobody)).order_by("-text", "name")) == ["b", "a", "d", "e", "c"]
    assert db.names(rows.exclude(text__in=nobody.values("name")).order_by("-text", "name")) == ["b", "a", "d", "e", "c"]


@rule("A17")
def test_what_no_row_fulfils_needs_no_queryset(db: Db) -> None:
    put(db)
    nothing = rows.filter(name__in=[]).exclude(Exists(known.all()))
    assert db(nothing[:2]).aggregate(n=Count("*")) == {"n": 0}
    assert db(rows.none()).aggregate(n=Count("*", filter=Q(number__in=known.values("number")))) == {"n": 0}


@rule("A8", "H5")
def test_what_is_annotated_before_client_may_ask_for_a_queryset(db: Db) -> None:
    put(db)
    among = rows.annotate(among=Q(number__in=known.values("number")))
    behind = among.client(max_rows=10).order_by("-among", "name").values_list("name", "among")
    assert db(behind).rows() == [("a", True), ("b", True), ("d", True), ("c", False), ("e", False)]
    assert db(among.client(max_rows=10)).aggregate(n=Count("*", filter=Q(among=True))) == {"n": 3}
    there = rows.annotate(there=Exists(known.filter(number=OuterRef("number"))))
    with db.commands(0), pytest.raises(NotSupportedError, match="OuterRef"):
        db(there.client(max_rows=10).values("there")).rows()


@rule("A8", needs=[SUBQUERIES, Feature.CASE])
def test_rows_may_be_chosen_before_client_by_the_rows_of_a_queryset(db: Db) -> None:
    put(db)
    there = rows.alias(there=Exists(known.filter(number=OuterRef("number")))).filter(there=True)
    assert db.found(there.client(max_rows=10)) == "a b d"


@rule("H5")
def test_a_queryset_of_another_store_is_asked_first(db: Db) -> None:
    put(db)
    db.proves("Query:`in` with a queryset of another store")
    elsewhere = Store("memory://")
    try:
        there = known.using(elsewhere)
        there.bulk_create([Known(name="x", number=7), Known(name="q", number=None)])
        with db.commands(1):
            assert db.found(rows.filter(number__in=there.values("number"))) == "e"
        assert db.found(rows.exclude(number__in=there.values("number"))) == "a b c d"
        assert db.found(rows.filter(number__in=there.filter(name="q").values("number"))) == ""
        assert db.found(rows.filter(Exists(there.filter(name="q")), number=1)) == "a"
        assert db.found(rows.filter(number=Subquery(there.filter(name="x").values("number")))) == "e"
        assert db.found(there.filter(name__in=rows.using(db.store).values("text"))) == "x"
        with db.commands(0), pytest.raises(NotSupportedError, match=r"Everything is on default .* Known on default"):
            db(rows.filter(Exists(there.filter(number=OuterRef("number"))))).rows()
        assert db(rows.filter(text__in=there.filter(name="x").values("name"))).delete()[0] == 2
    finally:
        elsewhere.close()


@rule("A8")
def test_pages_go_on_by_key_over_the_values_of_a_queryset(db: Db) -> None:
    put(db)
    query = rows.filter(number__in=known.values("number")).order_by("name")
    assert [row.name for row in db(query).iterator(chunk_size=2)] == ["a", "b", "d"]
    page = db(query).keyset(2)
    assert [row.name for row in page.items] == ["a", "b"]
    assert [row.name for row in db(query).keyset(2, after=page.next).items] == ["d"]


@rule("declared")
def test_explain_tells_of_queries_within(db: Db) -> None:
    text = rows.filter(number__in=known.filter(name="x").values("number")).explain()
    assert "number__in=(select Known where name='x', of number)" in text
    assert ("first:" in text) is not db.declares(SUBQUERIES)
    query = rows.filter(Exists(known.filter(number=OuterRef("number"))))
    if db.declares(SUBQUERIES):
        assert "Exists(select Known where number=OuterRef('number'), of id)" in query.explain()


@rule("F17")
def test_a_combination_cannot_be_part_of_another_query(db: Db) -> None:
    put(db)
    both = known.filter(number=1).values("number").union(known.values("number"))
    for query in (rows.filter(number__in=both), rows.filter(Exists(both))):
        with db.commands(0), pytest.raises(QueryUsageError, match=r"union.* cannot be part of another query"):
            db(query).rows()


@rule("F12", needs=[SUBQUERIES, Feature.DISTINCT_FIELDS])
def test_the_first_row_of_each_value_within_is_that_of_the_order(db: Db) -> None:
    put(db)
    first = rows.filter(number=2).order_by("number", "name").distinct("number")
    last = rows.filter(number=2).order_by("number", "-name").distinct("number")
    assert db.found(rows.filter(pk__in=first.values("pk"))) == "b"
    assert db.found(rows.filter(pk__in=last.values("pk"))) == "d"


@rule("A8", needs=[SUBQUERIES, Feature.COMPUTED, WindowFunction.ROW_NUMBER])
def test_windows_stand_within_a_query_and_beside_one(db: Db) -> None:
    put(db)
    place = Window(RowNumber(), partition_by="number", order_by="-name")
    second = rows.annotate(place=place).filter(place=2, number=2).values("pk")
    assert db.found(rows.filter(pk__in=second)) == "b"
    there = rows.annotate(place=place).filter(Exists(known.filter(number=OuterRef("number"))), number=2)
    assert db.names(there.filter(place=1)) == ["d"]
    numbered = rows.annotate(place=Window(RowNumber(), order_by="name")).order_by("name")
    assert db.names(numbered.filter(place__in=known.filter(number__lt=3).values("number"))) == ["a", "b"]
    assert db.names(numbered.filter(Exists(rows.filter(number=OuterRef("place"))), place__lt=4)) == ["a", "b"]
