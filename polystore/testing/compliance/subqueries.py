"""Queries within queries: ``in`` with a queryset, Exists, Subquery and OuterRef; NULLs on both sides, complements."""

from __future__ import annotations

from decimal import Decimal

import pytest

from polystore import (
    Case,
    Coalesce,
    Count,
    Exists,
    F,
    Feature,
    Max,
    Min,
    OuterRef,
    Q,
    Subquery,
    Sum,
    Value,
    When,
)
from polystore.errors import QueryUsageError
from polystore.query.operators import Aggregate, ArithmeticOperator, Function, Operator
from polystore.testing.compliance.capabilities import SCALARS
from polystore.testing.harness import Db, rule
from polystore.testing.models import Author, AutoKey, Document, Everything, Known, Ranked

rows, known = Everything.objects, Known.objects
SUBQUERIES = Feature.SUBQUERIES
GROUPED = [SUBQUERIES, Feature.GROUP, Feature.COMPUTED]


def put(db: Db) -> None:
    """Rows of two models, NULLs on both sides; ``rows`` c has no number, ``known`` w has none."""
    db.given(
        Everything,
        [
            {"name": "a", "number": 1, "other": 1, "text": "x", "real": 1.0, "amount": Decimal("1.00")},
            {"name": "b", "number": 2, "other": 1, "text": "y", "real": 2.5, "amount": Decimal("2.50")},
            {"name": "c", "number": None, "other": 2, "text": None, "real": None},
            {"name": "d", "number": 2, "other": None, "text": "x", "real": 2.0, "amount": Decimal("9.00")},
            {"name": "e", "number": 7, "other": 7, "text": "v", "real": 0.5},
        ],
    )
    db.given(
        Known,
        [
            {"name": "v", "number": 9},
            {"name": "w", "number": None},
            {"name": "x", "number": 1},
            {"name": "y", "number": 2},
            {"name": "z", "number": 2},
        ],
    )


# ---- in with a queryset


@rule("A4", "A5", "A8", "H5")
def test_a_field_is_one_of_the_values_of_a_queryset(db: Db) -> None:
    put(db)
    db.proves("Query:`in` with a queryset")
    assert db.found(rows.filter(number__in=known.values("number"))) == "a b d"
    assert db.found(rows.filter(number__in=known.values_list("number", flat=True))) == "a b d"
    assert db.found(rows.filter(text__in=known.filter(number=2).values("name"))) == "b"
    assert db.found(rows.filter(Q(text__in=known.values("name")) | Q(number=7))) == "a b d e"
    assert db.found(rows.filter(number__in=known.filter(number__gt=100).values("number"))) == ""
    assert db.found(rows.filter(number__in=known.none().values("number"))) == ""


@rule("A4", "A5", "A8")
def test_what_is_not_among_the_values_of_a_queryset_is_the_rest_with_nulls(db: Db) -> None:
    put(db)
    assert db.found(rows.exclude(number__in=known.values("number"))) == "c e"
    assert db.found(rows.filter(~Q(number__in=known.values("number")))) == "c e"
    assert db.found(rows.exclude(number__in=known.none().values("number"))) == "a b c d e"
    only_null = known.filter(number__isnull=True).values("number")
    assert db.found(rows.filter(number__in=only_null)) == ""
    assert db.found(rows.exclude(number__in=only_null)) == "a b c d e"


@rule("A8", "F1")
def test_a_queryset_of_instances_stands_for_their_keys(db: Db) -> None:
    put(db)
    assert db.found(rows.filter(pk__in=rows.filter(number=2))) == "b d"
    assert db.found(rows.exclude(pk__in=rows.filter(number=2))) == "a c e"
    assert db.found(known.filter(id__in=known.filter(name="x").only("name"))) == "x"
    db.given(AutoKey, [{"name": "one"}, {"name": "two"}])
    (key,) = [row.pk for row in db(AutoKey.objects.filter(name="one")).rows()]
    db(rows.filter(name="a")).update(rank=key)
    assert db.found(rows.filter(rank__in=AutoKey.objects.filter(name="one"))) == "a"


@rule("F2")
def test_a_queryset_behind_in_keeps_its_slice(db: Db) -> None:
    put(db)
    first = known.order_by("name").values("name")
    assert db.found(rows.filter(text__in=first[:1])) == "e"
    assert db.found(rows.filter(text__in=first[2:4])) == "a b d"
    assert db.found(rows.exclude(text__in=first[2:4])) == "c e"
    assert db.found(rows.filter(text__in=first[3:])) == "b"
    assert db.found(rows.filter(text__in=first[9:])) == ""
    assert db.found(rows.filter(pk__in=rows.order_by("-name")[:2])) == "d e"
    assert db.found(rows.filter(number__in=known.order_by("number").values("number")[:2])) == "a"


@rule("A8", needs=[Feature.DISTINCT])
def test_distinct_values_are_sliced_behind_in(db: Db) -> None:
    put(db)
    numbers = known.filter(number__isnull=False).values("number").distinct().order_by("number")
    assert db.found(rows.filter(number__in=numbers[:1])) == "a"
    assert db.found(rows.filter(number__in=numbers[1:3])) == "b d"
    assert db.found(rows.filter(pk__in=rows.filter(number=2).distinct().order_by("name"))) == "b d"


@rule("A8", "B6", needs=[Feature.COMPUTED, ArithmeticOperator.ADD, Operator.GT])
def test_computed_values_stand_on_both_sides_of_in(db: Db) -> None:
    put(db)
    assert db.found(rows.filter(number__in=known.values_list(F("number") + 1))) == "b d"
    assert db.found(rows.annotate(next=F("number") + 1).filter(next__in=known.values("number"))) == "a"
    assert db.found(rows.annotate(next=F("number") + 1).exclude(next__in=known.values("number"))) == "b c d e"


@rule("B5", "B6")
def test_numbers_of_several_kinds_are_compared_by_value_behind_in(db: Db) -> None:
    put(db)
    assert db.found(rows.filter(number__in=rows.values("real"))) == "a b d"
    assert db.found(rows.filter(real__in=known.values("number"))) == "a d"
    assert db.found(rows.filter(number__in=rows.values("amount"))) == "a"
    assert db.found(rows.filter(amount__in=known.values("number"))) == "a d"
    assert db.found(rows.exclude(amount__in=known.values("number"))) == "b c e"


@pytest.mark.parametrize("field", SCALARS)
@rule("A8", "C1")
def test_values_of_each_kind_are_found_among_those_of_a_queryset(db: Db, field: str) -> None:
    first, second = SCALARS[field]
    db.given(
        Everything,
        [{"name": "a", field: first}, {"name": "b", field: second}, {"name": "n"}, {"name": "same", field: first}],
    )
    query = rows.filter(name__in=["a", "n"]).values(field)
    assert db.found(rows.filter(**{f"{field}__in": query})) == "a same"
    assert db.found(rows.exclude(**{f"{field}__in": query})) == "b n"


@pytest.mark.parametrize("field", SCALARS)
@rule("A8", "C1", needs=[SUBQUERIES])
def test_values_of_each_kind_are_compared_with_those_of_the_row_around(db: Db, field: str) -> None:
    first, second = SCALARS[field]
    db.given(
        Everything,
        [{"name": "a", field: first}, {"name": "b", field: second}, {"name": "n"}, {"name": "same", field: first}],
    )
    others = rows.filter(**{field: OuterRef(field)}).filter(~Q(name=OuterRef("name")))
    assert db.found(rows.filter(Exists(others))) == "a same"
    assert db.found(rows.exclude(Exists(others))) == "b n"


@pytest.mark.parametrize("field", SCALARS)
@rule("A8", "C1", needs=[SUBQUERIES, Feature.COMPUTED])
def test_values_of_each_kind_are_taken_from_another_row(db: Db, field: str) -> None:
    first, second = SCALARS[field]
    db.given(
        Everything, [{"name": "a", field: first, "word": "b"}, {"name": "b", field: second, "word": "n"}, {"name": "n"}]
    )
    there = Subquery(rows.filter(name=OuterRef("word")).values(field))
    found = db(rows.annotate(there=there).order_by("name").values_list("there", flat=True)).rows()
    assert [type(value) for value in found] == [type(second), type(None), type(None)]
    assert found == [second, None, None]


# ---- Exists


@rule("A4")
def test_a_queryset_that_can_run_alone_has_rows_or_none(db: Db) -> None:
    put(db)
    assert db.found(rows.filter(Exists(known.filter(name="x")), number=2)) == "b d"
    assert db.found(rows.filter(Exists(known.filter(name="nobody")))) == ""
    assert db.found(rows.filter(~Exists(known.filter(name="nobody")), number=2)) == "b d"
    assert db.found(rows.filter(Exists(known.none()) | Q(number=7))) == "e"
    assert db.found(rows.filter(Exists(known.order_by("name")[5:]) | Q(number=7))) == "e"


@rule("A4", "A25", needs=[SUBQUERIES])
def test_rows_for_which_another_model_has_a_row_are_found(db: Db) -> None:
    put(db)
    same = known.filter(number=OuterRef("number"))
    assert db.found(rows.filter(Exists(same))) == "a b d"
    assert db.found(rows.filter(~Exists(same))) == "c e"
    assert db.found(rows.exclude(Exists(same))) == "c e"
    assert db.found(rows.exclude(~Exists(same))) == "a b d"
    assert db.found(rows.filter(Exists(same), text="x")) == "a d"
    assert db.found(rows.filter(Exists(same) & ~Q(text="x") | Q(number__isnull=True))) == "b c"
    assert db(rows.filter(Exists(same))).count() == 3
    assert db(rows.filter(Exists(same), number=7)).exists() is False
    assert db(rows.filter(Exists(same), text="y")).get().name == "b"


@rule("A4", "A25", needs=[SUBQUERIES])
def test_nulls_on_both_sides_never_meet(db: Db) -> None:
    put(db)
    assert db.found(rows.filter(Exists(known.filter(number=OuterRef("number"), name="w")))) == ""
    assert db.found(rows.filter(Exists(known.exclude(number=OuterRef("number")).filter(name="w")))) == "a b c d e"
    assert db.found(rows.filter(Exists(known.exclude(number=OuterRef("number")).filter(name="x")))) == "b c d e"
    assert (
        db.found(rows.filter(Exists(known.filter(Q(number=OuterRef("number")) | Q(name=OuterRef("text"))))))
        == "a b d e"
    )


@rule("F2", needs=[SUBQUERIES])
def test_existence_respects_a_slice(db: Db) -> None:
    put(db)
    same = known.filter(number=OuterRef("number")).order_by("name")
    assert db.found(rows.filter(Exists(same[:1]))) == "a b d"
    assert db.found(rows.filter(Exists(same[1:]))) == "b d"
    assert db.found(rows.filter(Exists(same[1:2]))) == "b d"
    assert db.found(rows.filter(Exists(same[2:]))) == ""
    assert db.found(rows.exclude(Exists(same[1:]))) == "a c e"
    assert db.found(rows.filter(Exists(same[:0]))) == ""


@rule("A4", needs=[SUBQUERIES, Feature.COMPUTED, Feature.CASE])
def test_existence_is_a_value_and_a_branch(db: Db) -> None:
    put(db)
    same = Exists(known.filter(number=OuterRef("number")))
    found = db(rows.annotate(there=same).order_by("name").values_list("there", flat=True)).rows()
    assert found == [True, True, False, True, False]
    word = Case(When(same, then=Value("here")), default=Value("gone"))
    found = db(rows.annotate(word_of=word).order_by("name").values_list("word_of", flat=True)).rows()
    assert found == ["here", "here", "gone", "here", "gone"]
    assert db.found(rows.annotate(there=same).filter(there=False)) == "c e"


@rule("A4", needs=[SUBQUERIES, Feature.CASE, Aggregate.COUNT, Feature.AGGREGATE_FILTER])
def test_existence_restricts_an_aggregate(db: Db) -> None:
    put(db)
    there = Count("*", filter=Exists(known.filter(number=OuterRef("number"))))
    assert db(rows.all()).aggregate(n=there) == {"n": 3}
    assert db(rows.none()).aggregate(n=there) == {"n": 0}


# ---- Subquery


@rule("A4", needs=[SUBQUERIES, Feature.COMPUTED])
def test_a_value_of_another_row_is_read(db: Db) -> None:
    put(db)
    least = known.filter(number=OuterRef("number")).order_by("name").values("name")[:1]
    query = rows.annotate(known_as=Subquery(least)).order_by("name")
    assert [row.known_as for row in db(query).rows()] == ["x", "y", None, "y", None]
    greatest = known.filter(number=OuterRef("number")).order_by("-name").values_list("name", flat=True)[:1]
    assert db(rows.order_by("name").values_list(Subquery(greatest), flat=True)).rows() == ["x", "z", None, "z", None]
    second = known.filter(number=OuterRef("number")).order_by("name").values("name")[1:2]
    assert db(rows.order_by("name").values_list(Subquery(second), flat=True)).rows() == [None, "z", None, "z", None]


@rule("A4", needs=[SUBQUERIES, Feature.COMPUTED])
def test_one_row_found_by_a_unique_field_needs_no_slice(db: Db) -> None:
    put(db)
    by_name = Subquery(known.filter(name=OuterRef("text")).values("number"))
    found = db(rows.annotate(there=by_name).order_by("name").values_list("there", flat=True)).rows()
    assert found == [1, 2, None, 1, 9]
    with pytest.raises(QueryUsageError, match=r"Everything: Subquery.*\[:1\]"):
        known.annotate(some=Subquery(rows.filter(number=OuterRef("number")).values("name")))


@rule("A4", needs=[SUBQUERIES, Feature.COMPUTED, Feature.COMPARE_COLUMNS])
def test_rows_are_filtered_and_ordered_by_a_value_of_another_row(db: Db) -> None:
    put(db)
    by_name = Subquery(known.filter(name=OuterRef("text")).values("number"))
    assert db.found(rows.filter(number=by_name)) == "a b"
    assert db.found(rows.exclude(number=by_name)) == "c d e"
    assert db.found(rows.filter(number__lt=by_name)) == "e"
    assert db.found(rows.annotate(there=by_name).filter(there__gte=2)) == "b e"
    assert db.found(rows.annotate(there=by_name).filter(there__isnull=True)) == "c"
    assert db.found(rows.alias(there=by_name).exclude(there=F("number"))) == "c d e"
    db.need(Feature.ORDER_EXPRESSIONS)
    assert db.names(rows.order_by(by_name.desc(), "name")) == ["e", "b", "a", "d", "c"]
    assert db.names(rows.annotate(there=by_name).order_by("there", "-name")) == ["c", "d", "a", "b", "e"]


@rule("A4")
def test_a_value_that_can_be_read_alone_is_compared_with(db: Db) -> None:
    put(db)
    assert db.found(rows.filter(number=Subquery(known.filter(name="y").values("number")))) == "b d"
    assert db.found(rows.filter(number=Subquery(known.filter(name="w").values("number")))) == ""
    assert db.found(rows.filter(number=Subquery(known.filter(name="nobody").values("number")))) == ""
    assert db.found(rows.filter(number__lt=Subquery(known.order_by("-number").values("number")[:1]))) == "a b d e"


@rule("B1", needs=[SUBQUERIES, Feature.COMPUTED, ArithmeticOperator.ADD, Function.COALESCE])
def test_values_of_other_rows_are_computed_with(db: Db) -> None:
    put(db)
    by_name = Subquery(known.filter(name=OuterRef("text")).values("number"))
    query = rows.annotate(total=by_name + F("number"), some=Coalesce(by_name, Value(-1))).order_by("name")
    assert db(query.values_list("total", "some")).rows() == [(2, 1), (4, 2), (None, -1), (3, 1), (16, 9)]
    cast = Subquery(known.filter(name=OuterRef("text")).values("number"), output_field=float)
    db.need(Function.CAST)
    found = db(rows.annotate(there=cast).order_by("name").values_list("there", flat=True)).rows()
    assert [repr(value) for value in found] == ["1.0", "2.0", "None", "1.0", "9.0"]


@rule("B1", needs=[SUBQUERIES, Feature.COMPUTED, Feature.COMPARE_COLUMNS, ArithmeticOperator.ADD])
def test_what_is_told_of_the_row_around_is_computed_with(db: Db) -> None:
    put(db)
    assert db.found(rows.filter(Exists(known.filter(number=OuterRef("number") + 1)))) == "a"
    assert db.found(rows.filter(Exists(known.filter(number__gt=OuterRef("number") + OuterRef("other"))))) == "a b"
    inner = known.annotate(sum=F("number") + OuterRef("number")).filter(sum=4).values("name")
    assert db.found(rows.filter(Exists(inner))) == "b d"
    nearest = known.annotate(off=F("number") + OuterRef("number")).order_by("-off", "name").values("name")[:1]
    assert db(rows.filter(number__gte=2).order_by("name").values_list(Subquery(nearest), flat=True)).rows() == ["v"] * 3
    outer = rows.annotate(next=F("number") + 1)
    assert db.found(outer.filter(Exists(known.filter(number=OuterRef("next"))))) == "a"


@rule("B1", needs=[SUBQUERIES, Feature.COMPUTED, Feature.COMPARE_COLUMNS, ArithmeticOperator.ADD])
def test_values_are_chosen_by_what_is_computed_of_the_row_around_alone(db: Db) -> None:
    put(db)
    less = known.filter(number__lt=OuterRef("number") + OuterRef("other"))
    assert db.found(rows.filter(text__in=less.values("name"))) == "a b e"
    last = Subquery(less.order_by("-name").values("name")[:1])
    assert db(rows.order_by("name").values_list(last, flat=True)).rows() == ["x", "z", None, None, "z"]


# ---- groups


@rule("A4", needs=[*GROUPED, Aggregate.COUNT, Aggregate.MAX, Function.COALESCE])
def test_rows_of_another_model_are_counted_for_each_row(db: Db) -> None:
    put(db)
    counted = known.filter(number=OuterRef("number")).values("number").annotate(n=Count("*")).values("n")
    query = rows.annotate(n=Coalesce(Subquery(counted), Value(0))).order_by("name")
    assert db(query.values_list("n", flat=True)).rows() == [1, 2, 0, 2, 0]
    most = known.filter(number=OuterRef("number")).values("number").annotate(most=Max("name")).values("most")
    assert db(rows.order_by("name").values_list(Subquery(most), flat=True)).rows() == ["x", "z", None, "z", None]
    assert db.found(rows.annotate(n=Subquery(counted)).filter(n=2)) == "b d"


@rule("A8", needs=[Feature.GROUP, Feature.HAVING, Aggregate.COUNT, Operator.GT])
def test_groups_stand_behind_in(db: Db) -> None:
    put(db)
    several = known.values("number").annotate(n=Count("*")).filter(n__gt=1).values("number")
    assert db.found(rows.filter(number__in=several)) == "b d"
    assert db.found(rows.exclude(number__in=several)) == "a c e"
    assert db.found(rows.filter(number__in=known.values("number").annotate(n=Count("*")).values("n"))) == "a b d"


@rule("A8", needs=[Feature.GROUP, Feature.HAVING, Feature.GROUP_SOURCE, Aggregate.COUNT, Operator.GT])
def test_it_is_asked_whether_there_are_groups(db: Db) -> None:
    put(db)
    groups = known.values("number").annotate(n=Count("*"))
    assert db.found(rows.filter(Exists(groups.filter(n__gt=2)))) == ""
    assert db.found(rows.filter(Exists(groups.filter(n__gt=1)), number=1)) == "a"


@rule("A8", needs=[*GROUPED, Feature.HAVING, Aggregate.COUNT, Aggregate.MAX])
def test_an_aggregate_is_among_the_values_of_a_queryset(db: Db) -> None:
    put(db)
    groups = rows.values_list("text").annotate(n=Count("*"), most=Max("number"))
    among = groups.filter(most__in=known.values("number"))
    assert sorted(db(among.values_list("text", flat=True)).rows()) == ["x", "y"]
    assert db(among).count() == 2
    assert db(groups.exclude(most__in=known.values("number")).order_by("text").values_list("text")).rows() == [
        (None,),
        ("v",),
    ]
    assert db(groups.filter(n__in=known.filter(name="y").values("number")).values_list("text")).rows() == [("x",)]
    db.need(Feature.CASE)
    several = groups.annotate(several=Q(n__in=known.filter(name="y").values("number")))
    assert db(several.order_by("-several", "text").values_list("text", "several")[:2]).rows() == [
        ("x", True),
        (None, False),
    ]


@rule("A8", needs=[*GROUPED, Feature.HAVING, Aggregate.COUNT, Aggregate.MAX])
def test_a_queryset_is_told_an_aggregate(db: Db) -> None:
    put(db)
    groups = rows.values_list("text").annotate(n=Count("*"), most=Max("number"))
    same = known.filter(number=OuterRef("most"))
    assert sorted(db(groups.filter(Exists(same)).values_list("text", "n")).rows()) == [("x", 2), ("y", 1)]
    first = groups.annotate(first=Subquery(same.order_by("name").values("name")[:1])).order_by("text")
    assert db(first.values_list("text", "first")).rows() == [(None, None), ("v", None), ("x", "y"), ("y", "y")]


@rule("A18", needs=[*GROUPED, Aggregate.COUNT])
def test_groups_read_a_value_for_their_key(db: Db) -> None:
    put(db)
    number = Subquery(known.filter(name=OuterRef("text")).values("number"))
    query = rows.values("text").annotate(n=Count("*"), there=number)
    found = sorted(db(query.values_list("text", "n", "there")).rows(), key=repr)
    assert found == [("v", 1, 9), ("x", 2, 1), ("y", 1, 2), (None, 1, None)]


@rule("A18", needs=[*GROUPED, Aggregate.COUNT, Feature.GROUP_EXPRESSIONS])
def test_rows_are_grouped_by_a_value_of_another_row(db: Db) -> None:
    put(db)
    number = Subquery(known.filter(name=OuterRef("text")).values("number"))
    query = rows.annotate(there=number).values_list("there").annotate(n=Count("*"))
    assert sorted(db(query).rows(), key=repr) == [(1, 2), (2, 1), (9, 1), (None, 1)]
    there = Exists(known.filter(number=OuterRef("number")))
    db.need(Feature.CASE)
    query = rows.annotate(there=there).values_list("there").annotate(n=Count("*"))
    assert sorted(db(query).rows()) == [(False, 2), (True, 3)]


@rule("A17", needs=[*GROUPED, Aggregate.SUM, Aggregate.MIN])
def test_values_of_other_rows_are_aggregated(db: Db) -> None:
    put(db)
    number = Subquery(known.filter(name=OuterRef("text")).values("number"))
    assert db(rows.annotate(there=number)).aggregate(s=Sum("there"), m=Min("there")) == {"s": 13, "m": 1}
    by_text = rows.annotate(there=number).values_list("text").annotate(s=Sum("there"))
    assert sorted(db(by_text).rows(), key=repr) == [("v", 9), ("x", 2), ("y", 2), (None, None)]


# ---- several within each other


@rule("A4", "A25", needs=[SUBQUERIES])
def test_a_query_within_a_query_within_a_query_refers_to_the_outermost(db: Db) -> None:
    put(db)
    db.given(Ranked, [{"name": "x", "rank": 1}, {"name": "z", "rank": 2}, {"name": "n", "rank": None}])
    ranked = Ranked.objects.filter(name=OuterRef("name"))
    assert db.found(rows.filter(Exists(known.filter(Exists(ranked), number=OuterRef("number"))))) == "a b d"
    both = Ranked.objects.filter(name=OuterRef("name"), rank=OuterRef(OuterRef("other")))
    assert db.found(rows.filter(Exists(known.filter(Exists(both), number=OuterRef("number"))))) == "a"
    assert db.found(rows.exclude(Exists(known.filter(Exists(both), number=OuterRef("number"))))) == "b c d e"
    inner = known.filter(name__in=Ranked.objects.filter(rank=OuterRef(OuterRef("number"))).values("name"))
    assert db.found(rows.filter(Exists(inner))) == "a b d"


@rule("A8")
def test_querysets_stand_behind_in_within_each_other(db: Db) -> None:
    put(db)
    named = known.filter(name__in=rows.filter(number=7).values("text"))
    assert db.found(known.filter(number__in=named.values("number"))) == "v"
    assert db.found(rows.filter(text__in=known.exclude(name__in=rows.values("text")).values("name"))) == ""
    assert db.found(rows.filter(pk__in=rows.filter(pk__in=rows.filter(number=2)))) == "b d"


@rule("A8", "A25", needs=[SUBQUERIES])
def test_a_queryset_behind_in_refers_to_the_row_around(db: Db) -> None:
    put(db)
    same = known.filter(number=OuterRef("number")).values("name")
    assert db.found(rows.filter(text__in=same)) == "a b"
    assert db.found(rows.exclude(text__in=same)) == "c d e"
    assert db.found(rows.filter(name__in=rows.filter(other=OuterRef("other"), number=1).values("name"))) == "a"


@rule("A8", "G9", needs=[SUBQUERIES, Feature.PATHS])
def test_what_lies_at_a_path_stands_behind_in(db: Db) -> None:
    put(db)
    db.given(Document, [{"name": "d", "author": Author(name="x")}, {"name": "e"}])
    authors = Document.objects.values("author__name")
    assert db.found(rows.filter(text__in=authors)) == db.found(rows.filter(text="x")) != ""
    assert db.found(rows.exclude(text__in=authors)) == db.found(rows.exclude(text="x"))
