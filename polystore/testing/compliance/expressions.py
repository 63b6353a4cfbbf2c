"""Computed values: read with rows, filtered by, ordered by, assigned; and the names that they take."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter

from polystore import Case, Cast, Coalesce, Concat, Count, Extract, F, Feature, Lower, Q, Upper, Value, When
from polystore.errors import FieldError, NotSupportedError, QueryUsageError
from polystore.query.operators import Aggregate, ArithmeticOperator, DatePart, Function, Operator
from polystore.testing.harness import Capability, Db, rule
from polystore.testing.models import AutoKey, Everything, Mood, Ranked

rows = Everything.objects
ADD, MULTIPLY, DIVIDE = ArithmeticOperator.ADD, ArithmeticOperator.MULTIPLY, ArithmeticOperator.DIVIDE
COMPUTED = Feature.COMPUTED
SIZES = Case(
    When(number__isnull=True, then=Value("none")), When(number__gt=5, then=Value("big")), default=Value("small")
)


def put(db: Db) -> None:
    """Four rows, one of them without numbers."""
    db.given(
        Everything,
        [
            {"name": "a", "number": 1, "other": 10, "text": "Xy", "word": "p"},
            {"name": "b", "number": 9, "other": 3, "text": "xY", "word": "q", "mood": Mood.CALM},
            {"name": "c", "number": 5, "text": "z", "amount": Decimal("1.10")},
            {"name": "d"},
        ],
    )


# ---- reading


@rule("A13", "B8", needs=[COMPUTED, ADD, DIVIDE], verbs=["values(name=expression)"])
def test_computed_values_are_read_beside_fields(db: Db) -> None:
    put(db)
    query = rows.annotate(total=F("number") + F("other"), half=F("number") / 2).values("name", "total", "half")
    assert db(query.order_by("name")).rows() == [
        {"name": "a", "total": 11, "half": 0.5},
        {"name": "b", "total": 12, "half": 4.5},
        {"name": "c", "total": None, "half": 2.5},
        {"name": "d", "total": None, "half": None},
    ]


@rule("B12", "B19", needs=[COMPUTED, MULTIPLY])
def test_computed_decimals_are_exact_and_without_trailing_zeros(db: Db) -> None:
    put(db)
    query = rows.filter(name="c").annotate(same=F("amount"), twice=F("amount") * 2)
    found = db(query.values_list("same", "twice")).get()
    assert [str(value) for value in found] == ["1.10", "2.2"]


@rule("F1", needs=[COMPUTED, ADD], verbs=["annotate"])
def test_instances_carry_annotations_as_attributes(db: Db) -> None:
    put(db)
    row = db(rows.annotate(total=F("number") + F("other")).filter(name="a")).get()
    assert row.total == 11
    assert "total" not in row.model_dump()
    assert "total" not in row.model_dump_json()
    assert "total" not in TypeAdapter(Everything).dump_python(row)
    assert row.model_fields_set == set(Everything.model_fields)
    with db.commands(0):
        db(row).save()
    row.number = 2
    db(row).save()
    assert row.total == 11
    assert db(rows.all()).get(name="a").number == 2


@rule("F28", needs=[COMPUTED, ADD])
def test_instances_of_some_fields_carry_annotations(db: Db) -> None:
    put(db)
    query = rows.annotate(more=F("number") + 1).only("name").filter(name="a")
    assert (db(query).get().name, db(query).get().more) == ("a", 2)
    assert db(query.only("name")).get().more == 2


@rule("F1", needs=[COMPUTED, Function.UPPER, Function.LOWER])
def test_rows_take_every_form_with_computed_values(db: Db) -> None:
    put(db)
    one = rows.filter(name="a")
    assert db(one.values("name", up=Upper("text"))).get() == {"name": "a", "up": "XY"}
    assert db(one.values(up=Upper("text"))).get() == {"up": "XY"}
    assert db(one.annotate(up=Upper("text")).values("up", "name")).get() == {"up": "XY", "name": "a"}
    assert db(one.values_list("name", Upper("text"), Lower("text"))).get() == ("a", "XY", "xy")
    assert db(one.values_list(Upper("text"), flat=True)).get() == "XY"
    assert db(one.annotate(up=Upper("text")).values_list("up", "name", named=True)).get().up == "XY"
    assert db(one.values("name").annotate(up=Upper("text"))).get() == {"name": "a", "up": "XY"}
    assert db(one.annotate(up=Upper("text")).values()).get()["up"] == "XY"


@rule("F1", needs=[COMPUTED, ADD, MULTIPLY], verbs=["annotate", "alias"])
def test_annotations_are_built_on_each_other(db: Db) -> None:
    put(db)
    query = rows.annotate(more=F("number") + 1, twice=F("more") * 2).alias(four=F("twice") * 2)
    query = query.annotate(five=F("four") + F("more"))
    assert db(query.filter(name="a").values_list("more", "twice", "five")).get() == (2, 4, 10)
    with pytest.raises(FieldError, match="alias"):
        db(query.values("four")).rows()
    assert db(query.annotate(four=F("four")).filter(name="a").values_list("four", flat=True)).get() == 8


@rule("F1", needs=[COMPUTED])
def test_values_and_copies_of_fields_are_annotations(db: Db) -> None:
    put(db)
    query = rows.annotate(same=F("mood"), it=Value("x"), new_year=Value(date(2024, 1, 1)), yes=Value(True))
    found = db(query.filter(name="b").values_list("same", "it", "new_year", "yes")).get()
    assert found == (Mood.CALM, "x", date(2024, 1, 1), True)


# ---- conditional values


@rule("A4", "A22", needs=[COMPUTED, Feature.CASE])
def test_the_first_true_branch_gives_the_value(db: Db) -> None:
    put(db)
    found = dict(db(rows.annotate(size=SIZES).values_list("name", "size")).rows())
    assert found == {"a": "small", "b": "big", "c": "small", "d": "none"}
    without_default = Case(When(Q(number=1) | Q(name="d"), then="name"), When(~Q(number=9), then="word"))
    found = dict(db(rows.annotate(it=without_default).values_list("name", "it")).rows())
    assert found == {"a": "a", "b": None, "c": "", "d": "d"}


@rule("A4", needs=[COMPUTED, Feature.CASE])
def test_a_choice_between_numbers_is_of_their_common_kind(db: Db) -> None:
    put(db)
    mixed = Case(When(number=1, then=F("number")), default=Value(0.5))
    found = dict(db(rows.annotate(it=mixed).values_list("name", "it")).rows())
    assert {name: (value, type(value)) for name, value in found.items() if name in "ab"} == {
        "a": (1.0, float),
        "b": (0.5, float),
    }


@rule("A4", needs=[COMPUTED, Feature.CASE])
def test_a_condition_is_a_value(db: Db) -> None:
    put(db)
    query = rows.annotate(large=Q(number__gt=4), not_large=~Q(number__gt=4))
    found = {name: pair for name, *pair in db(query.values_list("name", "large", "not_large")).rows()}
    assert found == {"a": [False, True], "b": [True, False], "c": [True, False], "d": [False, True]}
    assert db.found(query.filter(large=True)) == "b c"
    assert db.found(query.exclude(large=True)) == "a d"


# ---- filtering


@rule("A4", "A10", needs=[COMPUTED, ADD, Operator.GT, Operator.LTE])
def test_computed_values_are_filtered_by(db: Db) -> None:
    put(db)
    query = rows.alias(total=F("number") + F("other"))
    assert db.found(query.filter(total__gt=11)) == "b"
    assert db.found(query.filter(total__lte=11)) == "a"
    assert db.found(query.filter(total=11)) == "a"
    assert db.found(query.exclude(total=11)) == "b c d"
    assert db.found(query.filter(total__in=[11, 12, None])) == "a b"
    assert db.found(query.exclude(total__in=[11])) == "b c d"
    assert db.found(query.filter(total__isnull=True)) == "c d"
    assert db.found(query.filter(total__range=(12, 99))) == "b"
    assert db.found(query.filter(Q(total=11) | Q(name="d"))) == "a d"
    assert db(query.filter(total__gt=0)).count() == 2
    assert db(query.filter(total__gt=99)).exists() is False
    assert db(query).get(total=12).name == "b"


@rule("A7", "B6", "K3", needs=[COMPUTED, ADD])
def test_values_are_coerced_by_the_kind_of_the_annotation(db: Db) -> None:
    put(db)
    query = rows.alias(total=F("number") + F("other"), mood_copy=F("mood"))
    assert db.found(query.filter(total="11")) == "a"
    assert db.found(query.filter(total=11.5)) == ""
    assert db.found(query.filter(mood_copy=Mood.CALM)) == "b"
    for wrong in ({"total": "x"}, {"total__contains": "1"}, {"total__year": 1}, {"mood_copy": "nosuch"}, {"totl": 1}):
        with db.commands(0), pytest.raises(FieldError):
            query.filter(**wrong)


@rule("C2", needs=[COMPUTED, Function.LOWER, Operator.CONTAINS, Operator.STARTSWITH])
def test_computed_texts_take_the_lookups_of_texts(db: Db) -> None:
    put(db)
    query = rows.alias(low=Lower("text"))
    assert db.found(query.filter(low="xy")) == "a b"
    assert db.found(query.filter(low__contains="y")) == "a b"
    assert db.found(query.filter(low__startswith="z")) == "c"
    assert db.found(query.exclude(low__contains="")) == "d"


@rule("D8", needs=[COMPUTED, Function.COALESCE, DatePart.MONTH, Operator.LTE, Operator.GTE])
def test_parts_of_computed_dates_are_filtered_by(db: Db) -> None:
    db.given(Everything, [{"name": "a", "day": date(2024, 2, 29)}, {"name": "b"}])
    query = rows.alias(some_day=Coalesce("day", Value(date(1999, 12, 31))))
    assert db.found(query.filter(some_day__year=2024)) == "a"
    assert db.found(query.filter(some_day__month=12)) == "b"
    assert db.found(query.filter(some_day__year__lte=1999)) == "b"


@rule("A12", needs=[COMPUTED, Feature.COMPARE_COLUMNS, Function.LOWER, Function.UPPER])
def test_fields_are_compared_with_functions_of_fields(db: Db) -> None:
    put(db)
    assert db.found(rows.filter(text=Lower("text"))) == "c"
    assert db.found(rows.filter(text=Upper("text"))) == ""
    assert db.found(rows.exclude(text=Lower("text"))) == "a b d"
    assert db.found(rows.alias(low=Lower("text")).filter(low=F("text"))) == "c"


@rule("A12")
def test_a_value_expression_is_a_value(db: Db) -> None:
    put(db)
    assert db.found(rows.filter(number=Value(1))) == "a"
    assert db.found(rows.filter(number__in=[Value(1), Value(None)])) == "a"
    assert db.found(rows.filter(number__range=(Value(2), Value(5)))) == "c"
    assert db.found(rows.filter(number=Value(None))) == "d"


# ---- ordering


@rule("A19", "E8", needs=[Feature.ORDER_EXPRESSIONS, Function.LOWER], verbs=["order_by(expression)"])
def test_rows_are_ordered_by_computed_values(db: Db) -> None:
    put(db)
    assert db.names(rows.order_by(Lower("text"), "name")) == ["d", "a", "b", "c"]
    assert db.names(rows.order_by(Lower("text").desc(), "-name")) == ["c", "b", "a", "d"]
    assert db.names(rows.order_by(Lower("text"), "name").reverse()) == ["c", "b", "a", "d"]
    query = rows.alias(low=Lower("text")).order_by("-low", "name")
    assert db.names(query) == ["c", "a", "b", "d"]
    assert db.names(query[1:3]) == ["a", "b"]
    assert db(query).last().name == "d"
    assert [row.name for row in db(query).iterator(2)] == ["c", "a", "b", "d"]


CONSTANT_NEEDS: list[Capability] = [
    Feature.ORDER_EXPRESSIONS,
    Feature.GROUP,
    Aggregate.COUNT,
    Function.CAST,
    Function.LOWER,
    ADD,
]


@rule("A19", "E8", needs=CONSTANT_NEEDS)
def test_what_is_the_same_in_all_rows_orders_none_of_them(db: Db) -> None:
    db.given(Everything, [{"name": name, "number": 1} for name in "cab"])
    for constant in (Value(1), Cast(Value(True), int), Cast(Value(False), int), Lower(Value("N")), Value(1) + 1):
        assert db.names(rows.order_by(constant.desc(), "name")) == ["a", "b", "c"]
        groups = rows.values("name").annotate(n=Count("pk")).order_by(constant.asc(), "-name")
        assert [row["name"] for row in db(groups).rows()] == ["c", "b", "a"]


@rule("A19", needs=[Feature.NULLS_ORDER], verbs=["order_by(nulls_last=True)"])
def test_nulls_come_where_they_are_asked_for(db: Db) -> None:
    put(db)
    assert db.names(rows.order_by(F("number").asc(nulls_last=True))) == ["a", "c", "b", "d"]
    assert db.names(rows.order_by(F("number").desc(nulls_first=True))) == ["d", "b", "c", "a"]
    assert db.names(rows.order_by(F("number").asc(nulls_last=True)).reverse()) == ["d", "b", "c", "a"]
    assert db(rows.order_by(Everything.number.asc(nulls_last=True))).last().name == "d"
    assert db.names(rows.order_by(F("other").desc(nulls_first=True), "name")[1:3]) == ["d", "a"]
    assert [row.name for row in db(rows.order_by(F("number").asc(nulls_last=True))).iterator(1)] == ["a", "c", "b", "d"]


@rule("A19")
def test_nulls_at_the_end_where_they_are_anyhow_need_nothing_more(db: Db) -> None:
    put(db)
    assert db.names(rows.order_by(F("number").asc(nulls_first=True))) == ["d", "a", "c", "b"]
    assert db.names(rows.order_by(F("number").desc(nulls_last=True))) == ["b", "c", "a", "d"]
    assert db.names(rows.order_by(Everything.number.desc())) == ["b", "c", "a", "d"]


@rule("F12", needs=[COMPUTED, Feature.DISTINCT, Function.LOWER])
def test_computed_values_are_distinct(db: Db) -> None:
    put(db)
    query = rows.annotate(low=Lower("text")).values_list("low", flat=True).distinct()
    assert sorted(db(query).rows(), key=str) == [None, "xy", "z"]


@rule("F12", needs=[COMPUTED, Feature.DISTINCT, Feature.ORDER_EXPRESSIONS, Function.LOWER])
def test_distinct_computed_values_are_ordered_and_sliced(db: Db) -> None:
    put(db)
    query = rows.annotate(low=Lower("text")).values_list("low", flat=True).distinct().order_by("-low")
    assert db(query).rows() == ["z", "xy", None]
    assert db(query[:2]).rows() == ["z", "xy"]
    with db.commands(0), pytest.raises(FieldError, match="cannot be ordered by word"):
        db(query.order_by("word")).rows()


# ---- writing


@rule(
    "I9",
    needs=[Feature.UPDATE_EXPRESSIONS, Function.CONCAT, Function.UPPER, Feature.CASE],
    verbs=["update(name=expression)"],
)
def test_updates_take_functions_and_choices(db: Db) -> None:
    put(db)
    assert db(rows.filter(name="a")).update(text=Concat(Upper("text"), Value("!"), "word")) == 1
    assert db(rows.all()).get(name="a").text == "XY!p"
    assert db(rows.all()).update(word=SIZES) == 4
    words = {row.name: row.word for row in db(rows.all()).rows()}
    assert words == {
        "a": "small",
        "b": "big",
        "c": "small",
        "d": "none",
    }
    assert db(rows.all()).update(flag=Q(number__gt=4)) == 4
    assert db.found(rows.filter(flag=True)) == "b c"


@rule("I9", needs=[Feature.UPDATE_EXPRESSIONS, COMPUTED, ADD])
def test_annotated_rows_are_updated_and_deleted(db: Db) -> None:
    put(db)
    query = rows.annotate(total=F("number") + F("other"))
    assert db(query.filter(total=11)).update(rank=F("total") + 1) == 1
    assert db(rows.all()).get(name="a").rank == 12
    assert db(query.filter(total__isnull=False)).delete()[0] == 2
    assert db.found(rows.all()) == "c d"


@rule("I9")
def test_a_value_is_assigned_as_it_is_written(db: Db) -> None:
    put(db)
    assert db(rows.filter(name="a")).update(text=Value("new"), number=Value(None)) == 1
    row = db(rows.all()).get(name="a")
    assert (row.text, row.number) == ("new", None)


@rule("I9")
def test_only_members_are_assigned_to_an_enum(db: Db) -> None:
    put(db)
    for wrong in (F("text"), Lower("mood"), Coalesce("mood", Value("x"))):
        with db.commands(0), pytest.raises(FieldError, match=r"Everything\.mood"):
            db(rows.all()).update(mood=wrong)


# ---- names


@rule("K4")
def test_a_name_that_cannot_be_one_is_refused(db: Db) -> None:
    for name in ("a b", "a__b", "_a", "1a", "a;--", "name", "pk", "objects", "save", "model_dump", ""):
        with db.commands(0), pytest.raises(FieldError, match="annotation"):
            rows.annotate(**{name: F("number")})
    for wrong in ("number", 3, None, rows):
        with db.commands(0), pytest.raises(FieldError, match="no expression"):
            rows.annotate(it=wrong)  # type: ignore[arg-type]  # the error is tested
    with db.commands(0), pytest.raises(FieldError, match="needs a name"):
        rows.annotate(F("number"))  # type: ignore[arg-type]  # the error is tested
    with db.commands(0), pytest.raises(QueryUsageError, match="slice"):
        rows.all()[:3].annotate(it=F("number"))


@rule("K4")
def test_an_unknown_name_lists_fields_and_annotations(db: Db) -> None:
    query = AutoKey.objects.annotate(low=Lower("name"))
    for make in (
        lambda: query.filter(lower=1),
        lambda: query.order_by("lower"),
        lambda: query.values("lower"),
        lambda: query.annotate(up=Upper("lower")),
    ):
        with db.commands(0), pytest.raises(FieldError, match="'lower'; its fields are id, name, low"):
            make()


@rule("K4")
def test_an_aggregate_of_instances_is_refused_with_what_works(db: Db) -> None:
    put(db)
    for query in (rows.annotate(n=Count("*")), rows.order_by(Count("*")), rows.filter(number__gt=Count("*"))):
        with db.commands(0), pytest.raises(FieldError, match=r"values\(.*annotate"):
            db(query).rows()
    with db.commands(0), pytest.raises(FieldError, match="annotate"):
        db(rows.all()).update(number=Count("*"))


# ---- behind client


@rule("declared")
def test_computed_values_are_answered_behind_client(db: Db) -> None:
    db.proves("client:Feature:CASE", "client:Feature:ORDER_EXPRESSIONS", "client:Feature:NULLS_ORDER")
    put(db)
    query = rows.client(max_rows=9).annotate(size=SIZES, more=F("number") + 1)
    assert db(query.filter(more__gt=5).order_by("-more").values_list("name", "size")).rows() == [
        ("b", "big"),
        ("c", "small"),
    ]
    assert db(query).get(name="a").more == 2
    assert db.names(query.order_by(F("more").desc(nulls_first=True))) == ["d", "b", "c", "a"]
    assert db.names(query.order_by(Lower("text"), "-name")) == ["d", "b", "a", "c"]
    assert db(query.values_list("size", flat=True).distinct()).count() == 3


@rule("declared")
def test_an_annotation_before_client_holds_behind_it(db: Db) -> None:
    put(db)
    query = rows.annotate(size=SIZES).client(max_rows=9).filter(size="small")
    assert db.found(query) == "a c"


@rule("F3", "declared")
def test_order_and_distinct_rows_before_client_hold_behind_it(db: Db) -> None:
    db.given(Ranked, [{"name": name, "rank": rank} for name, rank in (("b", 1), ("a", 3), ("c", 2))])
    query = Ranked.objects.order_by("pk").client(max_rows=9)
    assert db.names(query) == ["b", "a", "c"]
    assert db.names(query[:2]) == ["b", "a"]
    assert db(query).last().name == "c"
    put(db)
    values = rows.values_list("word", flat=True).distinct().client(max_rows=9)
    assert sorted(db(values).rows()) == ["", "p", "q"]
    assert db(values).count() == 3


@rule("F2", "F12", needs=[Feature.DISTINCT])
def test_an_offset_skips_distinct_rows(db: Db) -> None:
    db.given(Everything, [{"name": "a", "word": "x"}, {"name": "b", "word": "x"}])
    words = rows.values("word").distinct()
    assert db(words[1:]).exists() is False
    assert db(words[1:]).count() == 0
    assert db(words[:1]).exists() is True


@rule("declared", "K1")
def test_a_refusal_names_the_expression_and_what_would_work(db: Db) -> None:
    questions: list[tuple[Any, list[Any], str]] = [
        (rows.annotate(low=Lower("text")), [COMPUTED, Function.LOWER], r"Lower\(text\)"),
        (rows.annotate(size=SIZES), [COMPUTED, Feature.CASE], r"Case\(When\(number__isnull=True, then=\.\.\.\)"),
        (rows.alias(low=Lower("text")).filter(low="x"), [COMPUTED, Function.LOWER], r"Lower\(text\)"),
        (rows.order_by(Lower("text")), [Feature.ORDER_EXPRESSIONS, Function.LOWER], r"Lower\(text\)"),
        (rows.order_by(F("number").asc(nulls_last=True)), [Feature.NULLS_ORDER], r"number \(NULLs last\)"),
        (rows.values_list(Extract("day", "week")), [COMPUTED, DatePart.WEEK], "day__week"),
    ]
    for query, needs, words in questions:
        if db.declares(*needs):
            assert query.explain()
            continue
        with db.commands(0), pytest.raises(NotSupportedError, match=f"Everything.*{words}") as caught:
            query.explain()
        assert "client(" in str(caught.value)
