"""Aggregates over all rows: of ints exactly and within 64 bits, of Decimals exactly, of floats to nine digits."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from polystore import Avg, Count, F, Feature, Lower, Max, Min, Q, StdDev, Sum, Value, Variance
from polystore.errors import DataError, FieldError, NotSupportedError, QueryUsageError
from polystore.query.operators import Aggregate, ArithmeticOperator, Function
from polystore.schema.kinds import INT64_MAX
from polystore.testing.harness import Db, rule
from polystore.testing.models import Bare, Everything, Mood, Ranked

rows = Everything.objects
D = Decimal
NEAR = 1e-9
"""How far a sum of floats may be off, relatively: stores add in different orders."""


def put(db: Db) -> None:
    """Four rows; the last is NULL wherever it can be."""
    db.given(
        Everything,
        [
            {"name": "a", "number": 1, "real": 0.1, "amount": D("1.10"), "text": "x", "day": date(2024, 1, 1)},
            {"name": "b", "number": 2, "real": 0.2, "amount": D("2.25"), "text": "é", "mood": Mood.CALM},
            {"name": "c", "number": 2, "real": 0.3, "amount": D("2.25"), "text": "X", "mood": Mood.WILD},
            {"name": "d"},
        ],
    )


def same(found: Any, expected: Any) -> bool:
    """Equal and of one type; floats nearly."""
    if isinstance(expected, float):
        return type(found) is float and math.isclose(found, expected, rel_tol=NEAR)
    return type(found) is type(expected) and found == expected and str(found) == str(expected)


CASES: dict[Aggregate, list[tuple[Any, Any]]] = {
    Aggregate.COUNT: [
        (Count("*"), 4),
        (Count("number"), 3),
        (Count("pk"), 4),
    ],
    Aggregate.SUM: [(Sum("number"), 5), (Sum("real"), 0.6), (Sum("amount"), D("5.60")), (Sum("rank"), 0)],
    Aggregate.AVG: [(Avg("number"), 5 / 3), (Avg("real"), 0.2), (Avg("rank"), 0.0)],
    Aggregate.MIN: [
        (Min("number"), 1),
        (Min("real"), 0.1),
        (Min("amount"), D("1.10")),
        (Min("text"), "X"),
        (Min("day"), date(2024, 1, 1)),
        (Min("mood"), Mood.CALM),
        (Min("moment"), None),
    ],
    Aggregate.MAX: [(Max("number"), 2), (Max("amount"), D("2.25")), (Max("text"), "é"), (Max("mood"), Mood.WILD)],
    Aggregate.STDDEV: [(StdDev("number"), math.sqrt(2) / 3), (StdDev("rank"), 0.0)],
    Aggregate.STDDEV_SAMPLE: [(StdDev("number", sample=True), math.sqrt(1 / 3)), (StdDev("rank", sample=True), 0.0)],
    Aggregate.VARIANCE: [(Variance("number"), 2 / 9), (Variance("real"), 0.02 / 3)],
    Aggregate.VARIANCE_SAMPLE: [(Variance("number", sample=True), 1 / 3), (Variance("real", sample=True), 0.01)],
}


@rule("declared", "A16", "A17", "B12")
@pytest.mark.parametrize("aggregate", list(CASES), ids=lambda aggregate: aggregate.name.lower())
def test_an_aggregate_is_answered_or_refused(db: Db, aggregate: Aggregate) -> None:
    db.need(aggregate)
    put(db)
    for expression, expected in CASES[aggregate]:
        with db.commands(1):
            found = db(rows.all()).aggregate(it=expression)
        assert same(found.pop("it"), expected), repr(expression)
        assert found == {}


@rule("declared", "A16", needs=[Aggregate.COUNT, Aggregate.MAX, Feature.GROUP_ANY])
def test_fields_without_an_index_are_aggregated(db: Db) -> None:
    put(db)
    assert db(rows.all()).aggregate(tags=Count("tags"), people=Count("people")) == {"tags": 0, "people": 4}
    db.given(Bare, [{"name": "a", "number": 1}, {"name": "b", "number": 7}, {"name": "c"}])
    assert db(Bare.objects.filter(name__lt="c")).aggregate(top=Max("number"), n=Count("*")) == {"top": 7, "n": 2}


@rule("declared")
@pytest.mark.parametrize("aggregate", list(CASES), ids=lambda aggregate: aggregate.name.lower())
def test_an_aggregate_is_answered_behind_client(db: Db, aggregate: Aggregate) -> None:
    db.proves(f"client:Aggregate:{aggregate.name}")
    put(db)
    for expression, expected in CASES[aggregate]:
        assert same(db(rows.client(max_rows=9)).aggregate(it=expression)["it"], expected), repr(expression)


OPTIONS: dict[str, tuple[dict[str, Any], dict[Aggregate, Any], list[Any]]] = {
    "distinct": (
        {"distinct": True},
        {
            Aggregate.COUNT: 2,
            Aggregate.SUM: 3,
            Aggregate.AVG: 1.5,
            Aggregate.MIN: 1,
            Aggregate.MAX: 2,
            Aggregate.STDDEV: 0.5,
            Aggregate.STDDEV_SAMPLE: math.sqrt(0.5),
            Aggregate.VARIANCE: 0.25,
            Aggregate.VARIANCE_SAMPLE: 0.5,
        },
        [Feature.AGGREGATE_DISTINCT],
    ),
    "filter": (
        {"filter": Q(number=2)},
        {Aggregate.COUNT: 2, Aggregate.SUM: 4, Aggregate.AVG: 2.0, Aggregate.MIN: 2, Aggregate.MAX: 2}
        | dict.fromkeys([each for each in Aggregate if "StdDev" in each.value or "Variance" in each.value], 0.0),
        [Feature.AGGREGATE_FILTER],
    ),
    "default": (
        {"default": 7},
        {each: 7 if each.value in ("Sum", "Min", "Max") else 7.0 for each in Aggregate if each is not Aggregate.COUNT},
        [Function.COALESCE],
    ),
}
"""What an option makes of the aggregates of ``number``, or of nothing for a default; and what it needs."""
OPTION_CASES = [(aggregate, option) for option, (_, results, _) in OPTIONS.items() for aggregate in results]
MAKERS = {"Count": Count, "Sum": Sum, "Avg": Avg, "Min": Min, "Max": Max, "StdDev": StdDev, "Variance": Variance}


def with_option(aggregate: Aggregate, option: str) -> Any:
    """The aggregate of ``number`` with an option."""
    maker, _, sample = aggregate.value.partition("(")
    sampled: dict[str, Any] = {"sample": True} if sample else {}
    return MAKERS[maker]("number", **sampled, **OPTIONS[option][0])


@rule("declared", "A16", "A17")
@pytest.mark.parametrize(("aggregate", "option"), OPTION_CASES, ids=lambda each: getattr(each, "name", each).lower())
def test_an_option_of_an_aggregate_is_answered_or_refused(db: Db, aggregate: Aggregate, option: str) -> None:
    _, results, needs = OPTIONS[option]
    db.need(aggregate, *needs)
    put(db)
    query = rows.filter(name="d") if option == "default" else rows.all()
    with db.answers(f"AggregateOption:{aggregate.name}:{option}"):
        assert same(db(query).aggregate(it=with_option(aggregate, option))["it"], results[aggregate])


@rule("declared")
@pytest.mark.parametrize(("aggregate", "option"), OPTION_CASES, ids=lambda each: getattr(each, "name", each).lower())
def test_an_option_of_an_aggregate_is_answered_behind_client(db: Db, aggregate: Aggregate, option: str) -> None:
    db.proves(f"client:AggregateOption:{aggregate.name}:{option}")
    put(db)
    query = rows.filter(name="d") if option == "default" else rows.all()
    found = db(query.client(max_rows=9)).aggregate(it=with_option(aggregate, option))["it"]
    assert same(found, OPTIONS[option][1][aggregate])


@rule("A16", needs=list(Aggregate), verbs=["aggregate"])
def test_over_nothing_all_is_null_and_a_count_is_zero(db: Db) -> None:
    put(db)
    asked = {"n": Count("*"), "m": Count("number"), "s": Sum("number"), "a": Avg("amount"), "low": Min("text")}
    asked |= {"top": Max("day"), "d": StdDev("real"), "v": Variance("number", sample=True)}
    asked |= {"e": StdDev("number", sample=True), "w": Variance("number")}
    expected = dict.fromkeys(asked) | {"n": 0, "m": 0}
    assert db(rows.filter(name="nosuch")).aggregate(**asked) == expected
    assert db(rows.filter(name="d")).aggregate(s=Sum("number"), n=Count("number")) == {"s": None, "n": 0}


@rule("A7", "A16")
def test_over_what_can_never_be_no_store_is_asked(db: Db) -> None:
    put(db)
    for query in (
        rows.none(),
        rows.filter(number__in=[]),
        rows.filter(number__in=[]).client(max_rows=3),
        rows.all()[:0],
    ):
        with db.commands(0):
            found = db(query).aggregate(n=Count("*"), s=Sum("number"), t=Sum("number", default=7), u=Count("*") + 1)
        assert found == {"n": 0, "s": None, "t": 7, "u": 1}


@rule("A16", needs=[Aggregate.SUM, Aggregate.MAX, Function.COALESCE])
def test_a_default_takes_the_place_of_null(db: Db) -> None:
    put(db)
    nothing = rows.filter(name="d")
    found = db(nothing).aggregate(s=Sum("number", default=0), t=Max("text", default=Value("none")))
    assert found == {"s": 0, "t": "none"}
    assert db(rows.all()).aggregate(s=Sum("number", default=0)) == {"s": 5}


@rule("A17", needs=[Aggregate.COUNT, Aggregate.SUM, Aggregate.AVG, Feature.AGGREGATE_DISTINCT])
def test_distinct_values_are_aggregated_once(db: Db) -> None:
    put(db)
    found = db(rows.all()).aggregate(
        n=Count("number", distinct=True),
        m=Count("mood", distinct=True),
        s=Sum("number", distinct=True),
        t=Sum("amount", distinct=True),
        a=Avg("number", distinct=True),
    )
    assert found == {"n": 2, "m": 2, "s": 3, "t": D("3.35"), "a": 1.5}


@rule("A4", "A17", needs=[Aggregate.COUNT, Aggregate.SUM, Feature.AGGREGATE_FILTER])
def test_a_filter_chooses_the_rows_of_one_aggregate(db: Db) -> None:
    put(db)
    found = db(rows.all()).aggregate(
        all=Count("*"),
        some=Count("*", filter=Q(number=2)),
        others=Count("*", filter=~Q(number=2)),
        sum=Sum("number", filter=Q(name="b") | Q(name="d")),
        none=Sum("number", filter=Q(number__in=[])),
        everything=Count("number", filter=~Q(number__in=[])),
    )
    assert found == {"all": 4, "some": 2, "others": 2, "sum": 2, "none": None, "everything": 3}


@rule(
    "B12", needs=[Aggregate.SUM, Aggregate.AVG, Aggregate.COUNT, ArithmeticOperator.DIVIDE, ArithmeticOperator.MULTIPLY]
)
def test_aggregates_are_computed_with(db: Db) -> None:
    put(db)
    found = db(rows.all()).aggregate(mean=Sum("number") / Count("number"), twice=2 * Sum("amount"))
    assert same(found["mean"], 5 / 3)
    assert same(found["twice"], D("11.2"))


@rule("A13", needs=[Aggregate.SUM, Aggregate.MAX, Feature.COMPUTED, ArithmeticOperator.MULTIPLY, Function.LOWER])
def test_computed_values_are_aggregated(db: Db) -> None:
    put(db)
    assert db(rows.all()).aggregate(s=Sum(F("number") * 2), t=Max(Lower("text"))) == {"s": 10, "t": "é"}
    assert db(rows.annotate(twice=F("number") * 2).filter(twice__gt=2)).aggregate(s=Sum("twice")) == {"s": 8}


@rule("B12")
def test_an_aggregate_without_a_name_is_called_by_its_field(db: Db) -> None:
    db.need(Aggregate.SUM, Aggregate.MAX)
    put(db)
    assert db(rows.all()).aggregate(Sum("number"), Max(F("text")), number=Max("number")) == {
        "number__sum": 5,
        "text__max": "é",
        "number": 2,
    }


@rule("B11", needs=[Aggregate.SUM])
def test_a_sum_of_ints_beyond_64_bits_is_a_data_error(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": INT64_MAX, "other": -1}, {"name": "b", "number": 1, "other": 1}])
    with pytest.raises(DataError):
        db(rows.all()).aggregate(s=Sum("number"))
    assert db(rows.filter(name="a")).aggregate(s=Sum("number")) == {"s": INT64_MAX}


@rule("B12", needs=[Aggregate.AVG])
def test_the_mean_of_large_ints_is_no_overflow(db: Db) -> None:
    db.given(Everything, [{"name": name, "number": INT64_MAX} for name in "ab"])
    assert same(db(rows.all()).aggregate(a=Avg("number"))["a"], float(INT64_MAX))


@rule("B12", "B16", "B19", needs=[Aggregate.SUM, Aggregate.AVG])
def test_decimals_are_aggregated_exactly(db: Db) -> None:
    digits = "12345678901234567890.1234567891"
    db.given(Everything, [{"name": n, "exact": D(digits), "amount": D("0.10"), "loose": D(1)} for n in "abc"])
    found = db(rows.all()).aggregate(s=Sum("exact"), a=Avg("exact"), t=Sum("amount"), third=Avg("amount"))
    assert found["s"] == D("37037036703703703670.3703703673")
    assert found["a"] == D(digits)
    assert [str(found[name]) for name in ("t", "third")] == ["0.30", "0.1"]


@rule("B12", "B19", needs=[Aggregate.SUM, Aggregate.AVG])
def test_decimals_without_a_number_of_places_are_summed_exactly_or_refused(db: Db) -> None:
    db.given(Everything, [{"name": n, "loose": D(loose)} for n, loose in (("a", "1"), ("b", "1E-30"), ("c", "0.5"))])
    total, mean = "1.500000000000000000000000000001", "0.5000000000000000000000000000003333"
    for expression, expected in ((Sum("loose"), total), (Avg("loose"), mean)):
        try:
            found = db(rows.all()).aggregate(it=expression)["it"]
        except NotSupportedError as refusal:
            if db.missing:
                raise
            assert "decimal_places" in str(refusal)
        else:
            assert str(found) == expected


@rule("B12", "D7", needs=[Aggregate.SUM, Aggregate.AVG, Feature.AGGREGATE_DISTINCT])
def test_durations_are_summed_and_averaged_to_the_microsecond(db: Db) -> None:
    spans = [timedelta(days=-2), timedelta(microseconds=3), timedelta(microseconds=4), timedelta(microseconds=4), None]
    db.given(Everything, [{"name": str(place), "span": span} for place, span in enumerate(spans)])
    found = db(rows.all()).aggregate(s=Sum("span"), a=Avg("span"), once=Sum("span", distinct=True), n=Count("span"))
    day = timedelta(days=1)
    assert found == {
        "s": timedelta(microseconds=11) - 2 * day,
        "a": timedelta(microseconds=3) - day / 2,
        "once": timedelta(microseconds=7) - 2 * day,
        "n": 4,
    }
    for names, mean in ((["1", "2"], 4), (["1", "2", "3"], 4), (["2", "3"], 4)):
        found = db(rows.filter(name__in=names)).aggregate(a=Avg("span"), b=Avg("span", distinct=True))
        assert found["a"] == timedelta(microseconds=mean), names
    assert db(rows.filter(name="4")).aggregate(s=Sum("span"), a=Avg("span")) == {"s": None, "a": None}


@rule("B12", "D7", needs=[Aggregate.AVG])
@pytest.mark.parametrize(
    ("microseconds", "mean"),
    [
        ([2, 3], 2),
        ([3, 4], 4),
        ([-2, -3], -2),
        ([-3, -4], -4),
        ([0, 1], 0),
        ([0, -1], 0),
        ([1, 1, 0], 1),
        ([0, 0, 1], 0),
    ],
)
def test_a_mean_between_two_microseconds_is_the_even_one(db: Db, microseconds: list[int], mean: int) -> None:
    db.given(
        Everything,
        [{"name": str(n), "span": timedelta(microseconds=number)} for n, number in enumerate(microseconds)],
    )
    assert db(rows.all()).aggregate(it=Avg("span")) == {"it": timedelta(microseconds=mean)}


@rule("B11", "D7", needs=[Aggregate.SUM, Aggregate.AVG])
def test_a_sum_of_durations_beyond_64_bits_of_microseconds_is_a_data_error(db: Db) -> None:
    longest = timedelta(microseconds=INT64_MAX)
    db.given(Everything, [{"name": "a", "span": longest}, {"name": "b", "span": longest}])
    with pytest.raises(DataError):
        db(rows.all()).aggregate(s=Sum("span"))
    assert db(rows.all()).aggregate(a=Avg("span")) == {"a": longest}


@rule("B20", needs=[Aggregate.AVG])
def test_the_mean_of_decimals_has_34_digits(db: Db) -> None:
    db.given(Everything, [{"name": n, "amount": amount} for n, amount in (("a", D(1)), ("b", D(1)), ("c", D(0)))])
    assert str(db(rows.all()).aggregate(a=Avg("amount"))["a"]) == "0." + "6" * 33 + "7"


@rule("A19", "D1", needs=[Aggregate.MIN, Aggregate.MAX])
def test_moments_and_texts_have_extremes(db: Db) -> None:
    early, late = datetime(1969, 12, 31, 23, tzinfo=UTC), datetime(2024, 2, 29, 1, 2, 3, 4, UTC)
    db.given(Everything, [{"name": "Z", "moment": late}, {"name": "a", "moment": early}, {"name": "é"}])
    found = db(rows.all()).aggregate(first=Min("moment"), last=Max("moment"), low=Min("name"), top=Max("name"))
    assert found == {"first": early, "last": late, "low": "Z", "top": "é"}


@rule("F2", needs=[Aggregate.SUM, Aggregate.COUNT, Feature.GROUP_SOURCE], verbs=["aggregate"])
def test_a_slice_is_respected(db: Db) -> None:
    put(db)
    ordered = rows.order_by("-name")
    assert db(ordered[:2]).aggregate(s=Sum("number"), n=Count("*")) == {"s": 2, "n": 2}
    assert db(ordered[1:3]).aggregate(s=Sum("number")) == {"s": 4}
    assert db(ordered[3:]).aggregate(s=Sum("number"), n=Count("*")) == {"s": 1, "n": 1}
    assert db(ordered[9:]).aggregate(s=Sum("number"), n=Count("*")) == {"s": None, "n": 0}


@rule("F2", "F12", needs=[Aggregate.SUM, Aggregate.COUNT, Feature.GROUP_SOURCE, Feature.DISTINCT])
def test_distinct_rows_are_respected(db: Db) -> None:
    put(db)
    distinct = rows.values("number").distinct()
    assert db(distinct).aggregate(s=Sum("number"), n=Count("*")) == {"s": 3, "n": 3}
    assert db(distinct.order_by("number")[:2]).aggregate(s=Sum("number"), n=Count("*")) == {"s": 1, "n": 2}
    assert db(rows.distinct()).aggregate(n=Count("*")) == {"n": 4}
    with db.commands(0), pytest.raises(FieldError, match="'rank'; its values are number"):
        db(distinct).aggregate(s=Sum("rank"))


@rule("F16", needs=[Aggregate.MAX])
def test_a_default_ordering_does_not_matter(db: Db) -> None:
    db.given(Ranked, [{"name": "a", "rank": 1}, {"name": "b", "rank": 5}])
    assert db(Ranked.objects.all()).aggregate(top=Max("rank")) == {"top": 5}


@rule("declared", "F2")
def test_slices_and_distinct_rows_are_aggregated_behind_client(db: Db) -> None:
    db.proves("client:Feature:GROUP_SOURCE", "client:Feature:AGGREGATE_DISTINCT", "client:Feature:AGGREGATE_FILTER")
    put(db)
    query = rows.client(max_rows=9)
    assert db(query.order_by("-name")[:2]).aggregate(s=Sum("number")) == {"s": 2}
    assert db(query.values("number").distinct()).aggregate(n=Count("*")) == {"n": 3}
    found = db(query).aggregate(n=Count("number", distinct=True), m=Count("*", filter=Q(number=2)))
    assert found == {"n": 2, "m": 2}


WRONG: list[tuple[Any, str]] = [
    ({"it": F("number")}, "takes aggregates"),
    ({"it": Value(3)}, "takes aggregates"),
    ({"it": Sum("number") + F("rank")}, "Everything.rank has many values where all rows become one"),
    ({"it": Sum("text")}, "Sum.*not with str"),
    ({"it": Sum("flag")}, "Sum.*not with bool"),
    ({"it": Avg("day")}, "Avg.*not with date"),
    ({"it": StdDev("text")}, "StdDev.*not with str"),
    ({"it": StdDev("span")}, "StdDev.*not with timedelta"),
    ({"it": Max("tags")}, "Max.*single values"),
    ({"it": Min("address")}, "Min.*no order"),
    ({"it": Count("tags", distinct=True)}, "Count.*single values"),
    ({"it": Sum("*")}, "only Count counts rows"),
    ({"it": Sum(Count("number"))}, "aggregate of an aggregate"),
    ({"it": Sum("nosuch")}, "no field 'nosuch'"),
    ({"it": Count("*", filter=Q(nosuch=1))}, "no field 'nosuch'"),
    ({"it": Count("*", filter=Q(number="x"))}, "an int"),
    ({"a b": Count("*")}, "cannot name"),
    ({"it": "number"}, "no expression"),
]


@rule("K4", "B22")
def test_what_is_no_aggregate_is_refused(db: Db) -> None:
    put(db)
    for asked, words in WRONG:
        with db.commands(0), pytest.raises(FieldError, match=words):
            db(rows.all()).aggregate(**asked)
    with db.commands(0), pytest.raises(QueryUsageError, match="at least one"):
        db(rows.all()).aggregate()
    with db.commands(0), pytest.raises(FieldError, match="needs a name"):
        db(rows.all()).aggregate(Count("*"))
    with pytest.raises(FieldError, match="distinct"):
        Count("*", distinct=True)


@rule("declared", "K1")
def test_a_refusal_names_the_aggregate_and_what_would_work(db: Db) -> None:
    put(db)
    questions: list[tuple[Any, list[Any], str]] = [
        (StdDev("number", sample=True), [Aggregate.STDDEV_SAMPLE], r"StdDev\(number, sample=True\)"),
        (Sum("number", distinct=True), [Aggregate.SUM, Feature.AGGREGATE_DISTINCT], r"Sum\(number"),
        (Count("*", filter=Q(number=1)), [Aggregate.COUNT, Feature.AGGREGATE_FILTER], r"Count\(\*, filter=Q\(number="),
    ]
    for aggregate, needs, words in questions:
        if db.declares(*needs):
            continue
        with db.commands(0), pytest.raises(NotSupportedError, match=f"Everything.*{words}") as caught:
            db(rows.all()).aggregate(it=aggregate)
        assert "client(" in str(caught.value)
