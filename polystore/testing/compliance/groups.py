"""Groups: by fields, parts of dates and computed values; conditions on groups, their order, slices and numbers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from polystore import Avg, Case, Count, Extract, F, Feature, Lower, Max, Min, Q, Sum, Trunc, Upper, Value, When
from polystore.errors import FieldError, NotSupportedError, QueryUsageError
from polystore.query.operators import Aggregate, ArithmeticOperator, DatePart, Function, Operator
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything, Level, Ranked

rows = Everything.objects
COUNT, SUM, MAX = Aggregate.COUNT, Aggregate.SUM, Aggregate.MAX
GROUP, HAVING, ANY = Feature.GROUP, Feature.HAVING, Feature.GROUP_ANY


def put(db: Db) -> None:
    """Six rows in three groups of texts, one of them NULL."""
    db.given(
        Everything,
        [
            {"name": "a", "text": "x", "number": 1, "level": Level.LOW, "day": date(2024, 1, 31)},
            {"name": "b", "text": "x", "number": 2, "level": Level.LOW, "day": date(2024, 2, 1)},
            {"name": "c", "text": "y", "number": 3, "level": Level.HIGH, "day": date(2023, 2, 1)},
            {"name": "d", "text": "X", "number": None, "amount": Decimal("1.50")},
            {"name": "e", "number": 5, "amount": Decimal("1.5")},
            {"name": "f", "number": 5},
        ],
    )


def unordered(found: list[Any]) -> list[Any]:
    """Rows in an order of their own, to compare what has none."""
    return sorted(found, key=repr)


@rule("A17", "A18", "C1", needs=[GROUP, ANY, COUNT, SUM])
def test_aggregates_are_made_of_each_group(db: Db) -> None:
    put(db)
    query = rows.values("text").annotate(n=Count("*"), s=Sum("number"))
    assert unordered(db(query).rows()) == unordered(
        [
            {"text": "x", "n": 2, "s": 3},
            {"text": "y", "n": 1, "s": 3},
            {"text": "X", "n": 1, "s": None},
            {"text": None, "n": 2, "s": 10},
        ]
    )


@rule("A17", "A18", "C1", needs=[GROUP, COUNT], verbs=["values().annotate()"])
def test_rows_are_grouped_by_a_field(db: Db) -> None:
    put(db)
    query = rows.values_list("text").annotate(n=Count("*"))
    assert unordered(db(query).rows()) == unordered([("x", 2), ("y", 1), ("X", 1), (None, 2)])
    assert db(query.filter(number__gt=1, text__isnull=False).order_by("-text")).rows() == [("y", 1), ("x", 1)]
    assert db(query.filter(Q(number=5) | Q(number=1)).order_by("text")).rows() == [(None, 2), ("x", 1)]
    assert db(query.filter(number=99)).rows() == []
    assert db(query.order_by("text")[1:3]).rows() == [("X", 1), ("x", 2)]


@rule("A18", needs=[GROUP, COUNT], verbs=["values().annotate()"])
def test_rows_are_grouped_by_several_fields(db: Db) -> None:
    put(db)
    found = db(rows.values_list("text", "number").annotate(n=Count("*"))).rows()
    assert unordered(found) == unordered(
        [("x", 1, 1), ("x", 2, 1), ("y", 3, 1), ("X", None, 1), (None, 5, 2)],
    )
    found = db(rows.values_list("level", "amount").annotate(n=Count("*"))).rows()
    assert unordered(found) == unordered(
        [(Level.LOW, None, 2), (Level.HIGH, None, 1), (None, Decimal("1.50"), 2), (None, None, 1)]
    )


@rule("F1", needs=[GROUP, COUNT], verbs=["values().annotate()"])
def test_groups_take_every_form(db: Db) -> None:
    put(db)
    some = rows.filter(text="x")
    query = some.values("text").annotate(n=Count("*"))
    assert db(query).rows() == [{"text": "x", "n": 2}]
    assert db(query.values("n")).rows() == [{"n": 2}]
    assert db(query.values_list("n", "text")).rows() == [(2, "x")]
    assert db(query.values_list("n", flat=True)).rows() == [2]
    assert db(some.values_list("text", flat=True).annotate(n=Count("*"))).rows() == ["x"]
    assert db(query.values_list("text", "n", named=True)).get().n == 2
    assert db(query).get() == {"text": "x", "n": 2}


@rule("F1", needs=[GROUP, ANY, COUNT])
def test_an_aggregate_of_groups_without_a_name_is_called_by_its_field(db: Db) -> None:
    put(db)
    query = rows.filter(text="x").values("text").annotate(Count("number"))
    assert db(query).rows() == [{"text": "x", "number__count": 2}]


@rule("A18", needs=[GROUP, Feature.GROUP_EXPRESSIONS, COUNT, Function.LOWER])
def test_rows_are_grouped_by_a_computed_value(db: Db) -> None:
    put(db)
    expected = unordered([("x", 3), ("y", 1), (None, 2)])
    query = rows.annotate(low=Lower("text"))
    assert unordered(db(query.values_list("low").annotate(n=Count("*"))).rows()) == expected
    assert unordered(db(rows.values_list(Lower("text")).annotate(n=Count("*"))).rows()) == expected
    both = rows.values("level").annotate(low=Lower("text"), n=Count("*")).filter(level=Level.HIGH)
    assert db(both).rows() == [{"level": Level.HIGH, "low": "y", "n": 1}]


@rule("D9", needs=[GROUP, Feature.GROUP_EXPRESSIONS, COUNT, DatePart.YEAR, Function.TRUNC])
def test_rows_are_grouped_by_parts_of_dates(db: Db) -> None:
    put(db)
    found = db(rows.values_list(Extract("day", "year")).annotate(n=Count("*"))).rows()
    assert unordered(found) == unordered([(2024, 2), (2023, 1), (None, 3)])
    found = db(rows.annotate(month=Trunc("day", "month")).values_list("month").annotate(n=Count("day"))).rows()
    assert unordered(found) == unordered(
        [(date(2024, 1, 1), 1), (date(2024, 2, 1), 1), (date(2023, 2, 1), 1), (None, 0)]
    )


@rule("A4", needs=[GROUP, Feature.GROUP_EXPRESSIONS, Feature.CASE, COUNT, Operator.GT])
def test_rows_are_grouped_by_choices_and_conditions(db: Db) -> None:
    put(db)
    size = Case(When(number__gt=2, then=Value("big")), default=Value("small"))
    found = db(rows.values_list(size).annotate(n=Count("*"))).rows()
    assert unordered(found) == [("big", 3), ("small", 3)]
    found = db(rows.annotate(known=Q(text__isnull=False)).values_list("known").annotate(n=Count("*"))).rows()
    assert unordered(found) == [(False, 2), (True, 4)]


@rule("A10", needs=[GROUP, HAVING, COUNT, Operator.GT])
def test_groups_are_filtered_by_their_aggregates(db: Db) -> None:
    put(db)
    query = rows.values_list("text").annotate(n=Count("*"))
    assert unordered(db(query.filter(n__gt=1)).rows()) == unordered([("x", 2), (None, 2)])
    assert unordered(db(query.filter(n=1)).rows()) == unordered([("y", 1), ("X", 1)])
    assert unordered(db(query.exclude(n=1)).rows()) == unordered([("x", 2), (None, 2)])
    assert unordered(db(query.filter(n__in=[2, 3])).rows()) == unordered([("x", 2), (None, 2)])
    assert db(query.filter(n__gt=1, text="x")).rows() == [("x", 2)]
    assert unordered(db(query.filter(Q(n__gt=1) | Q(text="y"))).rows()) == unordered([("x", 2), ("y", 1), (None, 2)])
    assert db(query.filter(n__gt=9)).rows() == []


@rule("A16", "A10", needs=[GROUP, ANY, HAVING, SUM])
def test_groups_without_a_sum_are_told_apart(db: Db) -> None:
    put(db)
    query = rows.values_list("text").annotate(s=Sum("number"))
    assert db(query.filter(s__isnull=True)).rows() == [("X", None)]
    assert unordered(db(query.exclude(s=3)).rows()) == unordered([("X", None), (None, 10)])


@rule("F16", needs=[GROUP, COUNT])
def test_a_filter_on_a_field_chooses_rows_before_they_are_grouped(db: Db) -> None:
    put(db)
    for query in (
        rows.filter(number=1).values_list("text").annotate(n=Count("*")),
        rows.values_list("text").annotate(n=Count("*")).filter(number=1),
    ):
        assert db(query).rows() == [("x", 1)]


@rule("F16", needs=[GROUP, HAVING, COUNT])
def test_an_alias_is_a_condition_on_groups_that_is_not_read(db: Db) -> None:
    put(db)
    query = rows.values_list("text", flat=True).alias(n=Count("*")).filter(n=1)
    assert unordered(db(query).rows()) == ["X", "y"]


@rule("A19", "E8", needs=[GROUP, COUNT, Feature.ORDER_EXPRESSIONS])
def test_groups_are_ordered_and_sliced(db: Db) -> None:
    put(db)
    query = rows.values_list("text").annotate(n=Count("*"))
    assert db(query.order_by("text")).rows() == [(None, 2), ("X", 1), ("x", 2), ("y", 1)]
    assert db(query.order_by("-n", "text")).rows() == [(None, 2), ("x", 2), ("X", 1), ("y", 1)]
    assert db(query.order_by("-n")[:2]).rows() == [("x", 2), (None, 2)]
    assert db(query.order_by("n")[:2]).rows() == [("X", 1), ("y", 1)]
    assert db(query.order_by(Count("*").desc(), "-text")).rows() == [("x", 2), (None, 2), ("y", 1), ("X", 1)]
    assert db(query[1:3]).rows() == [("X", 1), ("x", 2)]
    assert db(query).first() == (None, 2)
    assert db(query.order_by("n")).last() == ("x", 2)
    assert [row[0] for row in db(query.order_by("-text")).iterator(2)] == ["y", "x", "X", None]


@rule("F16", needs=[GROUP, COUNT])
def test_a_default_ordering_does_not_split_groups(db: Db) -> None:
    db.given(Ranked, [{"name": name, "rank": rank} for name, rank in (("a", 1), ("a", 2), ("b", 1))])
    query = Ranked.objects.values_list("name").annotate(n=Count("*"))
    assert unordered(db(query).rows()) == [("a", 2), ("b", 1)]


@rule("F2", needs=[GROUP, COUNT, Feature.GROUP_SOURCE])
def test_groups_are_counted(db: Db) -> None:
    put(db)
    query = rows.values("text").annotate(n=Count("*"))
    assert db(query).count() == 4
    assert db(query).exists() is True
    assert db(query[1:3]).count() == 2
    assert db(query[4:]).exists() is False
    assert db(query.filter(text="nosuch")).count() == 0
    with db.commands(0):
        assert db(query.none()).count() == 0


@rule("F2", needs=[GROUP, COUNT, SUM, MAX, Aggregate.AVG, Feature.GROUP_SOURCE])
def test_groups_are_aggregated(db: Db) -> None:
    put(db)
    query = rows.values("text").annotate(n=Count("*"), s=Sum("number"))
    found = db(query).aggregate(top=Max("n"), mean=Avg("n"), sums=Sum("s"), groups=Count("*"), texts=Count("text"))
    assert found == {"top": 2, "mean": 1.5, "sums": 16, "groups": 4, "texts": 3}


@rule("F12", needs=[GROUP, COUNT, Feature.GROUP_SOURCE, Feature.ORDER_EXPRESSIONS])
def test_values_of_groups_are_distinct(db: Db) -> None:
    put(db)
    query = rows.values("text").annotate(n=Count("*")).values_list("n", flat=True).distinct()
    assert unordered(db(query).rows()) == [1, 2]
    assert db(query.order_by("-n")).rows() == [2, 1]
    assert db(query).count() == 2


@rule("B12", needs=[GROUP, COUNT, SUM, MAX, Aggregate.MIN, ArithmeticOperator.DIVIDE, Function.UPPER])
def test_values_are_computed_of_keys_and_aggregates(db: Db) -> None:
    put(db)
    query = rows.values("text").annotate(n=Count("*"), mean=Sum("number") / Count("number"))
    query = query.annotate(up=Upper("text"), spread=Max("number") / Min("number"), half=F("n") / 2)
    assert db(query.filter(text="x")).rows() == [
        {"text": "x", "n": 2, "mean": 1.5, "up": "X", "spread": 2.0, "half": 1.0}
    ]


@rule("F16", needs=[GROUP, ANY, COUNT, Feature.AGGREGATE_FILTER, Feature.AGGREGATE_DISTINCT])
def test_each_aggregate_of_a_group_has_its_own_rows(db: Db) -> None:
    put(db)
    query = rows.values_list("text").annotate(
        all=Count("*"), large=Count("*", filter=Q(number=5)), once=Count("number", distinct=True)
    )
    assert unordered(db(query).rows()) == unordered(
        [("x", 2, 0, 2), ("y", 1, 0, 1), ("X", 1, 0, 0), (None, 2, 2, 1)],
    )


@rule("K4")
def test_a_field_that_is_no_key_is_refused(db: Db) -> None:
    put(db)
    query = rows.values("text").annotate(n=Count("*"))
    for made in (query.values("name"), query.order_by("name"), query.annotate(low=Lower("name"))):
        with db.commands(0), pytest.raises(FieldError, match=r"Everything\.name has many values.*grouped by text"):
            db(made).rows()
    with db.commands(0), pytest.raises(FieldError, match="many values"):
        db(query.filter(Q(n=1) | Q(name="a"))).rows()
    with db.commands(0), pytest.raises(FieldError, match="cannot be grouped"):
        db(rows.values("tags").annotate(n=Count("*"))).rows()
    with db.commands(0), pytest.raises(FieldError, match="is a field already"):
        query.annotate(text=Count("*"))


@rule("F4")
def test_groups_are_not_written(db: Db) -> None:
    put(db)
    query = rows.values("text").annotate(n=Count("*"))
    with db.commands(0), pytest.raises(QueryUsageError, match="values"):
        db(query).delete()
    with db.commands(0), pytest.raises(QueryUsageError, match="values"):
        db(query).update(number=1)


@rule("declared")
def test_groups_are_made_behind_client(db: Db) -> None:
    db.proves("client:Feature:GROUP", "client:Feature:GROUP_EXPRESSIONS", "client:Feature:HAVING")
    put(db)
    query = rows.client(max_rows=9).values_list("text").annotate(n=Count("*"), s=Sum("number"))
    assert db(query.order_by("-n", "-text")).rows() == [("x", 2, 3), (None, 2, 10), ("y", 1, 3), ("X", 1, None)]
    assert unordered(db(query.filter(n__gt=1)).rows()) == unordered([("x", 2, 3), (None, 2, 10)])
    assert (db(query).count(), db(query.filter(n=1)).exists()) == (4, True)
    assert db(query).aggregate(top=Max("n")) == {"top": 2}
    low = rows.client(max_rows=9).values_list(Lower("text")).annotate(n=Count("*"))
    assert unordered(db(low).rows()) == unordered([("x", 3), ("y", 1), (None, 2)])
    with db.commands(0), pytest.raises(QueryUsageError, match=r"client\(\) before values"):
        db(rows.values("text").annotate(n=Count("*")).client(max_rows=9)).rows()


@rule("declared", "K1")
def test_a_refusal_names_the_groups_and_what_would_work(db: Db) -> None:
    put(db)
    query = rows.values("text").annotate(n=Count("*"))
    questions: list[tuple[Any, list[Any], str]] = [
        (query, [GROUP, COUNT], "groups by text"),
        (query.filter(n=1), [GROUP, COUNT, HAVING], "groups by text|Count"),
        (rows.values(low=Lower("text")).annotate(n=Count("*")), [GROUP, Feature.GROUP_EXPRESSIONS], "groups by Lower"),
    ]
    for asked, needs, words in questions:
        if db.declares(*needs):
            continue
        with db.commands(0), pytest.raises(NotSupportedError, match=f"Everything.*({words})") as caught:
            db(asked).rows()
        assert "client(" in str(caught.value)


@rule("B11", needs=[Feature.GROUP, Feature.HAVING, Feature.ORDER_EXPRESSIONS])
def test_a_key_keeps_its_type_beside_conditions_on_groups(db: Db) -> None:
    db.given(Everything, [{"name": "it", "real": -2.0}])
    groups = rows.values_list("real").annotate(size=Count("*"))
    found = db(groups.filter(Q(real__in=[0.1, 1.5, 0.0]) | Q(size__gte=-12)).order_by("size")).rows()
    assert [(type(real), real, size) for real, size in found] == [(float, -2.0, 1)]
