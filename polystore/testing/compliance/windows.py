"""Windows: values computed of the rows around each row, and rows kept by them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from polystore import (
    Avg,
    Case,
    Count,
    CumeDist,
    DenseRank,
    Exists,
    F,
    Feature,
    FirstValue,
    Lag,
    LastValue,
    Lead,
    Length,
    Max,
    Min,
    NthValue,
    Ntile,
    OuterRef,
    PercentRank,
    Q,
    Rank,
    RowNumber,
    RowRange,
    StdDev,
    Sum,
    Value,
    ValueRange,
    Variance,
    When,
    Window,
)
from polystore.errors import DataError, FieldError, NotSupportedError, QueryUsageError
from polystore.query.operators import Aggregate, ArithmeticOperator, Function, WindowFunction
from polystore.testing.compliance.properties import alike
from polystore.testing.harness import Capability, Db, rule
from polystore.testing.models import Everything

rows = Everything.objects
NUMBER, RANK = WindowFunction.ROW_NUMBER, WindowFunction.RANK
AGGREGATES = Feature.WINDOW_AGGREGATES
ROWS: list[dict[str, Any]] = [
    {"name": "a", "text": "x", "number": 1, "amount": Decimal("0.10"), "real": 0.5},
    {"name": "b", "text": "x", "number": 1, "amount": Decimal("0.20"), "real": 1.5},
    {"name": "c", "text": "x", "number": None, "amount": None, "real": None},
    {"name": "d", "text": "y", "number": 3, "amount": Decimal("9.99"), "real": 2.0},
    {"name": "e", "text": "y", "number": 2, "amount": Decimal("0.01"), "real": -2.0},
    {"name": "f", "text": None, "number": 5, "amount": Decimal("1.00"), "real": 4.0},
]


def put(db: Db) -> None:
    """Six rows: two that tie, one NULL, three texts of which one is NULL."""
    db.given(Everything, ROWS)


def column(db: Db, window: Any) -> list[Any]:
    """The values of a window, by the names of the rows."""
    found: list[Any] = db(rows.annotate(value=window).order_by("name").values_list("value", flat=True)).rows()
    return found


# ---- functions

FUNCTIONS: dict[WindowFunction, list[tuple[Any, list[Any]]]] = {
    WindowFunction.ROW_NUMBER: [
        (Window(RowNumber(), order_by="name"), [1, 2, 3, 4, 5, 6]),
        (Window(RowNumber(), order_by="-number"), [5, 4, 6, 2, 3, 1]),
        (Window(RowNumber(), partition_by="text", order_by="number"), [2, 3, 1, 2, 1, 1]),
        (Window(RowNumber()), [1, 2, 3, 4, 5, 6]),
        (Window(RowNumber(), "text", F("number").asc(nulls_last=True)), [1, 2, 3, 2, 1, 1]),
    ],
    WindowFunction.RANK: [
        (Window(Rank(), order_by="number"), [2, 2, 1, 5, 4, 6]),
        (Window(Rank(), order_by="-number"), [4, 4, 6, 2, 3, 1]),
        (Window(Rank(), "text", "number"), [2, 2, 1, 2, 1, 1]),
        (Window(Rank(), order_by=["text", "-number"]), [2, 2, 4, 5, 6, 1]),
        (Window(Rank()), [1, 1, 1, 1, 1, 1]),
    ],
    WindowFunction.DENSE_RANK: [
        (Window(DenseRank(), order_by="number"), [2, 2, 1, 4, 3, 5]),
        (Window(DenseRank(), order_by=["-text", "number"]), [4, 4, 3, 2, 1, 5]),
        (Window(DenseRank(), "text"), [1, 1, 1, 1, 1, 1]),
    ],
    WindowFunction.PERCENT_RANK: [
        (Window(PercentRank(), order_by="number"), [0.2, 0.2, 0.0, 0.8, 0.6, 1.0]),
        (Window(PercentRank(), "text", "number"), [0.5, 0.5, 0.0, 1.0, 0.0, 0.0]),
    ],
    WindowFunction.CUME_DIST: [
        (Window(CumeDist(), order_by="number"), [0.5, 0.5, 1 / 6, 5 / 6, 4 / 6, 1.0]),
        (Window(CumeDist(), "text", "number"), [1.0, 1.0, 1 / 3, 1.0, 0.5, 1.0]),
        (Window(CumeDist(), order_by="-number"), [5 / 6, 5 / 6, 1.0, 2 / 6, 0.5, 1 / 6]),
        (Window(CumeDist(), "text", "-number"), [2 / 3, 2 / 3, 1.0, 0.5, 1.0, 1.0]),
        (Window(CumeDist(), order_by=["-text", "-real"]), [4 / 6, 0.5, 5 / 6, 1 / 6, 2 / 6, 1.0]),
        (Window(CumeDist(), order_by=F("number").asc(nulls_last=True)), [2 / 6, 2 / 6, 1.0, 4 / 6, 0.5, 5 / 6]),
        (Window(CumeDist()), [1.0] * 6),
        (Window(CumeDist(), "text"), [1.0] * 6),
    ],
    WindowFunction.NTILE: [
        (Window(Ntile(4), order_by="name"), [1, 1, 2, 2, 3, 4]),
        (Window(Ntile(9), order_by="name"), [1, 2, 3, 4, 5, 6]),
        (Window(Ntile(2), "text", "name"), [1, 1, 2, 1, 2, 1]),
        (Window(Ntile(), order_by="number"), [1, 1, 1, 1, 1, 1]),
    ],
    WindowFunction.LAG: [
        (Window(Lag("number"), order_by="name"), [None, 1, 1, None, 3, 2]),
        (Window(Lag("number", 2, 0), order_by="name"), [0, 0, 1, 1, None, 3]),
        (Window(Lag("name", 1, Value("-")), "text", "name"), ["-", "a", "b", "-", "d", "-"]),
        (Window(Lag("amount", default="amount"), order_by="name"), ["0.10", "0.10", "0.20", None, "9.99", "0.01"]),
    ],
    WindowFunction.LEAD: [
        (Window(Lead("number"), order_by="name"), [1, None, 3, 2, 5, None]),
        (Window(Lead("number", 2, -1), "text", "name"), [None, -1, -1, -1, -1, -1]),
        (Window(Lead("name"), order_by="-number"), ["c", "a", None, "e", "b", "d"]),
    ],
    WindowFunction.FIRST_VALUE: [
        (Window(FirstValue("name"), "text", "-number"), ["b", "b", "b", "d", "d", "f"]),
        (Window(FirstValue("number"), order_by="name", frame=RowRange(-1, 1)), [1, 1, 1, None, 3, 2]),
        (Window(FirstValue("number"), order_by="name", frame=RowRange(1, 2)), [1, None, 3, 2, 5, None]),
    ],
    WindowFunction.LAST_VALUE: [
        (Window(LastValue("name"), "text", "name"), ["a", "b", "c", "d", "e", "f"]),
        (Window(LastValue("name"), "text"), ["c", "c", "c", "e", "e", "f"]),
        (Window(LastValue("name"), "text", "name", ValueRange(0, None)), ["c", "c", "c", "e", "e", "f"]),
        (Window(LastValue("number"), order_by="name", frame=RowRange(-2, -1)), [None, 1, 1, None, 3, 2]),
    ],
    WindowFunction.NTH_VALUE: [
        (Window(NthValue("name", 2), "text", "name"), [None, "b", "b", None, "e", None]),
        (Window(NthValue("name", 2), "text"), ["b", "b", "b", "e", "e", None]),
        (Window(NthValue("name", 2), order_by="name", frame=RowRange(-1, 1)), ["b", "b", "c", "d", "e", "f"]),
        (Window(NthValue("name", 3), order_by="name", frame=RowRange(0, None)), ["c", "d", "e", "f", None, None]),
        (Window(NthValue("name"), order_by="name", frame=RowRange(None, -2)), [None, None, "a", "a", "a", "a"]),
    ],
}


@rule("declared", "A19")
@pytest.mark.parametrize("function", list(FUNCTIONS), ids=lambda function: function.value)
def test_a_window_function_is_answered_or_refused(db: Db, function: WindowFunction) -> None:
    db.need(function)
    put(db)
    for window, expected in FUNCTIONS[function]:
        found = column(db, window)
        wanted = [Decimal(each) if isinstance(each, str) and each[:1].isdigit() else each for each in expected]
        assert found == pytest.approx(wanted) if isinstance(expected[0], float) else found == wanted, window


@rule("A19", "B2", needs=[NUMBER, Feature.COMPUTED])
@pytest.mark.parametrize(("made", "before", "of"), [(CumeDist(), 0, 7), (PercentRank(), 1, 6)], ids=["alike", "before"])
def test_a_share_of_the_rows_is_the_quotient_with_all_its_digits(db: Db, made: Any, before: int, of: int) -> None:
    db.need(made.function)
    db.given(Everything, [{"name": str(place), "number": place} for place in range(1, 8)])
    expected = [(place - before) / of for place in range(1, 8)]
    assert column(db, Window(made, order_by="number")) == expected
    assert column(db, Window(made, order_by="-number")) == expected[::-1]
    kept = rows.annotate(value=Window(made, order_by="number"))
    assert [db.names(kept.filter(value=share)) for share in expected] == [[str(place)] for place in range(1, 8)]


@rule("declared")
@pytest.mark.parametrize("function", list(FUNCTIONS), ids=lambda function: function.value)
def test_a_window_function_is_answered_behind_client(db: Db, function: WindowFunction) -> None:
    db.proves(
        f"client:WindowFunction:{function.name}",
        "client:Feature:WINDOW_AGGREGATES",
        "client:Feature:WINDOW_DISTANCES",
    )
    put(db)
    window, expected = FUNCTIONS[function][0]
    query = rows.client(max_rows=50).annotate(value=window).order_by("name").values_list("value", flat=True)
    assert db(query).rows() == pytest.approx(expected)
    total = Window(Sum("number"), order_by="number", frame=ValueRange(-1, 1))
    query = rows.client(max_rows=50).annotate(value=total).order_by("name").values_list("value", flat=True)
    assert db(query).rows() == [4, 4, None, 5, 7, 5]


@rule("A19", needs=[WindowFunction.PERCENT_RANK, Feature.COMPUTED, ArithmeticOperator.MULTIPLY])
def test_a_share_has_all_the_digits_of_a_float(db: Db) -> None:
    put(db)
    four = rows.filter(name__lt="e").annotate(share=Window(PercentRank(), order_by="name"))
    assert db(four.order_by("name").values_list("share", flat=True)).rows() == [0.0, 1 / 3, 2 / 3, 1.0]
    assert db(four.annotate(three=F("share") * 3).order_by("name").values_list("three", flat=True)).rows() == [
        0,
        1,
        2,
        3,
    ]


@rule("A8", needs=[NUMBER, Feature.COMPUTED, Feature.SUBQUERIES])
def test_a_window_is_one_of_several_conditions_that_are_about_other_rows_too(db: Db) -> None:
    put(db)
    placed = rows.annotate(place=Window(RowNumber(), order_by="name"))
    alike = Exists(rows.filter(number=OuterRef("number")).exclude(name=OuterRef("name")))
    assert db.found(placed.filter(alike | Q(place=5))) == "a b e"
    assert db.found(placed.filter(Q(place__lt=3) & ~alike | Q(place=6))) == "f"
    assert db.found(placed.exclude(alike & Q(place__lt=5))) == "c d e f"


@rule("A19", needs=[NUMBER, Feature.COMPUTED, Feature.ORDER_EXPRESSIONS])
def test_rows_may_be_ordered_by_a_window_before_client(db: Db) -> None:
    put(db)
    placed = rows.annotate(place=Window(RowNumber(), order_by="-name")).order_by("place")
    assert db.names(placed.client(max_rows=10)) == ["f", "e", "d", "c", "b", "a"]
    assert db.names(placed.client(max_rows=10).filter(number=1)) == ["b", "a"]


# ---- aggregates

OVER: dict[Aggregate, list[tuple[Any, list[Any]]]] = {
    Aggregate.COUNT: [
        (Window(Count("*"), "text"), [3, 3, 3, 2, 2, 1]),
        (Window(Count("number"), "text"), [2, 2, 2, 2, 2, 1]),
        (Window(Count("number"), order_by="name", frame=RowRange(1, 9)), [4, 3, 3, 2, 1, 0]),
    ],
    Aggregate.SUM: [
        (Window(Sum("number"), "text"), [2, 2, 2, 5, 5, 5]),
        (Window(Sum("number"), order_by="number"), [2, 2, None, 7, 4, 12]),
        (Window(Sum("number"), order_by="number", frame=RowRange(None, 0)), [1, 2, None, 7, 4, 12]),
        (Window(Sum("number"), order_by="name", frame=RowRange(-1, 1)), [2, 2, 4, 5, 10, 7]),
        (Window(Sum("number"), order_by="name", frame=RowRange(2, 3)), [3, 5, 7, 5, None, None]),
        (Window(Sum("number", default=0), order_by="name", frame=RowRange(2, 3)), [3, 5, 7, 5, 0, 0]),
        (Window(Sum("number", filter=Q(text="x")), order_by="name"), [1, 2, 2, 2, 2, 2]),
        (Window(Sum("number"), order_by="number", frame=ValueRange(0, None)), [12, 12, 12, 8, 10, 5]),
        (Window(Sum("number"), "text", "number", ValueRange(0, 0)), [2, 2, None, 3, 2, 5]),
        (Window(Sum("amount"), order_by="name"), ["0.10", "0.30", "0.30", "10.29", "10.30", "11.30"]),
        (Window(Sum("amount"), "text", "name", RowRange(-1, 0)), ["0.10", "0.30", "0.20", "9.99", "10.00", "1.00"]),
    ],
    Aggregate.AVG: [
        (Window(Avg("number"), "text"), [1.0, 1.0, 1.0, 2.5, 2.5, 5.0]),
        (Window(Avg("number"), order_by="name", frame=RowRange(-1, 0)), [1.0, 1.0, 1.0, 3.0, 2.5, 3.5]),
        (Window(Avg("real"), "text"), [1.0, 1.0, 1.0, 0.0, 0.0, 4.0]),
    ],
    Aggregate.MIN: [
        (Window(Min("number"), order_by="name", frame=RowRange(-1, 1)), [1, 1, 1, 2, 2, 2]),
        (Window(Min("text"), order_by="-name"), ["x", "x", "x", "y", "y", None]),
    ],
    Aggregate.MAX: [
        (Window(Max("amount"), "text"), ["0.20", "0.20", "0.20", "9.99", "9.99", "1.00"]),
        (Window(Max("number"), order_by="name", frame=RowRange(-1, 0)), [1, 1, 1, 3, 3, 5]),
    ],
    Aggregate.STDDEV: [(Window(StdDev("number"), "text"), [0.0, 0.0, 0.0, 0.5, 0.5, 0.0])],
    Aggregate.STDDEV_SAMPLE: [
        (Window(StdDev("number", sample=True), "text"), [0.0, 0.0, 0.0, 0.5**0.5, 0.5**0.5, None])
    ],
    Aggregate.VARIANCE: [
        (Window(Variance("number"), order_by="name"), [0.0, 0.0, 0.0, 8 / 9, 0.6875, 2.24]),
        (Window(Variance("number"), order_by="name", frame=RowRange(-1, 0)), [0.0, 0.0, 0.0, 0.0, 0.25, 2.25]),
        (Window(Variance("amount"), "text"), [0.0025, 0.0025, 0.0025, 24.9001, 24.9001, 0.0]),
    ],
    Aggregate.VARIANCE_SAMPLE: [
        (Window(Variance("number", sample=True), "text"), [0.0, 0.0, 0.0, 0.5, 0.5, None]),
    ],
}


@rule("declared", "A17", "A18", needs=[AGGREGATES])
@pytest.mark.parametrize("aggregate", list(OVER), ids=lambda aggregate: aggregate.name.lower())
def test_an_aggregate_over_a_window_is_answered_or_refused(db: Db, aggregate: Aggregate) -> None:
    db.need(aggregate)
    put(db)
    for window, expected in OVER[aggregate]:
        decimals = any(isinstance(each, str) and each[:1].isdigit() for each in expected)
        found = column(db, window)
        if decimals:
            assert found == [Decimal(each) for each in expected], window
        elif any(isinstance(each, float) for each in expected):
            assert alike(found, expected) or found == pytest.approx(expected), window
        else:
            assert found == expected, window


@rule("A17", "A19", needs=[AGGREGATES, Aggregate.SUM, Aggregate.VARIANCE])
def test_a_frame_may_end_before_its_row(db: Db) -> None:
    put(db)
    amounts = [None, *map(Decimal, ("0.10", "0.30", "0.20", "9.99", "10.00"))]
    assert column(db, Window(Sum("amount"), order_by="name", frame=RowRange(-2, -1))) == amounts
    reals = [None, None, 0.5, 2.0, 2.0, 4.0]
    assert column(db, Window(Sum("real"), order_by="name", frame=RowRange(None, -2))) == reals
    assert column(db, Window(Variance("number"), order_by="name", frame=RowRange(-2, -1)))[1:] == [0, 0, 0, 0, 0.25]
    db.need(Feature.WINDOW_DISTANCES)
    near = [None, None, None, *map(Decimal, ("0.31", "0.30", "9.99"))]
    assert column(db, Window(Sum("amount"), order_by="number", frame=ValueRange(-2, -1))) == near


@rule("B1", "A17", needs=[AGGREGATES, Aggregate.AVG, Aggregate.SUM])
def test_decimals_over_windows_are_exact(db: Db) -> None:
    tiny, huge = Decimal("0.0000000001"), Decimal("12345678901234567890.0000000001")
    back = Decimal("-12345678901234567890.0000000001")
    both, rest = Decimal("12345678901234567890.0000000002"), Decimal("-12345678901234567890.0000000000")
    db.given(Everything, [{"name": "a", "exact": huge}, {"name": "b", "exact": tiny}, {"name": "c", "exact": back}])
    assert column(db, Window(Sum("exact"), order_by="name")) == [huge, both, tiny]
    assert column(db, Window(Sum("exact"), order_by="name", frame=RowRange(-1, 0))) == [huge, both, rest]
    assert column(db, Window(Avg("amount"), order_by="name")) == [None, None, None]
    db.given(Everything, [{"name": "a", "amount": Decimal(1)}, {"name": "b", "amount": 1}, {"name": "c", "amount": 0}])
    assert column(db, Window(Avg("amount"))) == [Decimal("0." + "6" * 33 + "7")] * 3


@rule("D7", needs=[Feature.COMPUTED, Feature.WINDOW_AGGREGATES, Aggregate.SUM, Aggregate.AVG])
def test_durations_are_summed_over_windows(db: Db) -> None:
    spans = [timedelta(microseconds=each) for each in (1, 2, 4)]
    db.given(Everything, [{"name": name, "span": span} for name, span in zip("abc", spans, strict=True)])
    running = RowRange(None, 0)
    micros = [
        each / timedelta(microseconds=1) for each in column(db, Window(Sum("span"), order_by="name", frame=running))
    ]
    assert micros == [1, 3, 7]
    means = [
        each / timedelta(microseconds=1) for each in column(db, Window(Avg("span"), order_by="name", frame=running))
    ]
    assert means == [1, 2, 2]


@rule("B3", "A17", needs=[AGGREGATES, Aggregate.SUM])
def test_a_sum_beyond_64_bits_over_a_window_is_an_error(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": 2**62}, {"name": "b", "number": 2**62}, {"name": "c", "number": -1}])
    assert column(db, Window(Sum("number"), order_by="name", frame=RowRange(1, 1))) == [2**62, -1, None]
    assert column(db, Window(Sum("number"), order_by="name", frame=RowRange(0, 0))) == [2**62, 2**62, -1]
    with pytest.raises(DataError):
        column(db, Window(Sum("number"), order_by="name"))


@rule("declared", "A19", needs=[Feature.WINDOW_DISTANCES, AGGREGATES, Aggregate.SUM, Aggregate.COUNT])
def test_frames_by_the_distance_of_values_are_answered_or_refused(db: Db) -> None:
    put(db)
    near = Window(Sum("number"), order_by="number", frame=ValueRange(-1, 1))
    assert column(db, near) == [4, 4, None, 5, 7, 5]
    assert column(db, Window(Count("*"), order_by="number", frame=ValueRange(None, 1))) == [4, 4, 1, 5, 5, 6]
    assert column(db, Window(Count("*"), order_by="-number", frame=ValueRange(-2, 0))) == [4, 4, 1, 2, 2, 1]
    assert column(db, Window(Count("*"), "text", "number", ValueRange(1, None))) == [0, 0, 3, 0, 1, 0]
    most = [{"name": "a", "number": 2**63 - 1}, {"name": "b", "number": -(2**63)}, {"name": "c", "number": 0}]
    db.given(Everything, most)
    assert column(db, Window(Count("*"), order_by="number", frame=ValueRange(-9, 9))) == [1, 1, 1]


# ---- what rows are kept, and what is made of them


@rule("F12", needs=[NUMBER, Feature.COMPUTED])
def test_rows_are_filtered_by_a_window(db: Db) -> None:
    put(db)
    query = rows.annotate(place=Window(RowNumber(), "text", "-number"))
    best = query.filter(place=1)
    assert db.names(best.order_by("name")) == ["b", "d", "f"]
    assert [row.place for row in db(best.order_by("name")).rows()] == [1, 1, 1]
    assert db.names(query.exclude(place=1).order_by("name")) == ["a", "c", "e"]
    assert db.names(query.filter(place__gt=1, number__gte=2).order_by("name")) == ["e"]
    assert db.names(query.filter(Q(place=3) | Q(name="f")).order_by("name")) == ["c", "f"]
    assert db.names(best.order_by("-number")[1:]) == ["d", "b"]
    assert db(best.order_by("name")).first().name == "b"
    assert db(best).get(name="d").name == "d"
    assert db(rows.alias(place=Window(RowNumber(), "text", "-number")).filter(place=3)).get().name == "c"


@rule("F2", "F12", needs=[NUMBER, Feature.COMPUTED, Feature.GROUP_SOURCE, Aggregate.COUNT, Aggregate.SUM])
def test_rows_kept_by_a_window_are_counted_and_aggregated(db: Db) -> None:
    put(db)
    query = rows.annotate(place=Window(RowNumber(), "text", "-number"))
    best = query.filter(place=1)
    assert db(best).count() == 3
    assert db(best).exists() is True
    assert db(query.filter(place__gt=9)).exists() is False
    assert db(best.order_by("name")[1:]).count() == 2
    assert db(best).aggregate(n=Count("*"), s=Sum("number")) == {"n": 3, "s": 9}
    assert db(query).aggregate(most=Max("place")) == {"most": 3}
    assert db(query.order_by("name")[:3]).aggregate(total=Sum("place")) == {"total": 6}


@rule("F12", needs=[RANK, Feature.COMPUTED, Feature.ORDER_EXPRESSIONS])
def test_rows_are_ordered_by_a_window(db: Db) -> None:
    put(db)
    query = rows.annotate(place=Window(Rank(), order_by="-number"))
    assert db.names(query.order_by("place", "name")) == ["f", "d", "e", "a", "b", "c"]
    assert db.names(query.order_by("-place", "-name")[:3]) == ["c", "b", "a"]
    assert db.names(rows.order_by(Window(Rank(), order_by="-number"), "name")) == ["f", "d", "e", "a", "b", "c"]


@rule("F12", needs=[RANK, NUMBER, Feature.COMPUTED, ArithmeticOperator.ADD, Feature.CASE])
def test_expressions_are_made_of_windows(db: Db) -> None:
    put(db)
    query = rows.annotate(place=Window(RowNumber(), order_by="name"), both=F("place") + Window(Rank(), order_by="name"))
    assert db(query.order_by("name").values_list("both", flat=True)).rows() == [2, 4, 6, 8, 10, 12]
    label = Case(When(place__lte=2, then=Value("top")), default=Value("rest"))
    query = rows.annotate(place=Window(RowNumber(), order_by="-number"), label=label)
    assert db(query.order_by("name").values_list("label", flat=True)).rows() == [
        "rest",
        "rest",
        "rest",
        "top",
        "rest",
        "top",
    ]


@rule("F12", needs=[RANK, NUMBER, Feature.COMPUTED, Function.LENGTH, ArithmeticOperator.MODULO])
def test_windows_are_over_computed_values(db: Db) -> None:
    put(db)
    assert column(db, Window(RowNumber(), partition_by=F("number") % 2, order_by="-name")) == [4, 3, 1, 2, 1, 1]
    assert column(db, Window(Rank(), order_by=[Length("text").desc(), "name"])) == [1, 2, 3, 4, 5, 6]


@rule("F12", needs=[NUMBER, Feature.COMPUTED, Feature.DISTINCT])
def test_distinct_values_of_windows_come_once(db: Db) -> None:
    put(db)
    query = rows.annotate(place=Window(RowNumber(), "text", "name")).values_list("place", flat=True).distinct()
    assert db(query.order_by("place")).rows() == [1, 2, 3]
    assert db(query).count() == 3


@rule("F12", needs=[NUMBER, Feature.COMPUTED])
def test_iterating_reads_windows_over_all_rows(db: Db) -> None:
    put(db)
    query = rows.annotate(place=Window(RowNumber(), order_by="-name")).order_by("name")
    assert [row.place for row in db(query).iterator(2)] == [6, 5, 4, 3, 2, 1]
    with pytest.raises(QueryUsageError, match="keyset"):
        db(query).keyset(2)


@rule("F12", needs=[NUMBER, Feature.COMPUTED, Feature.UNION])
def test_rows_with_windows_are_put_together(db: Db) -> None:
    put(db)
    query = rows.annotate(place=Window(RowNumber(), "text", "-number")).filter(place=1).values_list("name", "place")
    assert db(query.union(rows.filter(name="a").values_list("name", "number")).order_by("name")).rows() == [
        ("a", 1),
        ("b", 1),
        ("d", 1),
        ("f", 1),
    ]


# ---- refusals


@rule("F12")
def test_windows_that_mean_nothing_are_refused(db: Db) -> None:
    put(db)
    annotate = rows.annotate
    number = Window(RowNumber(), order_by="name")
    with db.commands(0):
        refused: list[tuple[Callable[[], Any], str]] = [
            (lambda: annotate(x=RowNumber()), r"RowNumber\(\) needs a window"),
            (lambda: Window(F("number")), "takes an aggregate or a function"),  # type: ignore[arg-type]  # what users might write
            (lambda: annotate(x=Window(RowNumber(), frame=RowRange(-1, 1))), "takes no frame"),
            (lambda: annotate(x=Window(Sum("number", distinct=True))), "distinct"),
            (lambda: annotate(x=Window(Sum("text"))), "Sum"),
            (lambda: annotate(x=Window(Lag("number", 1, Value("a")))), "go together"),
            (lambda: annotate(x=Window(Lag("data"))), "JSON"),
            (lambda: annotate(x=Window(RowNumber(), "tags")), "list"),
            (lambda: annotate(x=Window(RowNumber(), order_by="?")), r"no field '\?'"),
            (lambda: annotate(x=Window(RowNumber(), "nosuch")), "no field 'nosuch'"),
            (lambda: annotate(x=Window(Sum("number"), order_by="text", frame=ValueRange(-1, 1))), "exactly one int"),
            (lambda: annotate(x=Window(FirstValue("name"), order_by="number", frame=ValueRange(-1, 1))), "RowRange"),
            (lambda: annotate(n=number, x=Window(Sum("n"))), "window within a window"),
            (lambda: annotate(n=number).values("n").annotate(c=Count("*")), r"not grouped by a window \(n\)"),
            (lambda: annotate(n=number).filter(n=1).values("text").annotate(c=Count("*")), "are not grouped"),
            (lambda: annotate(n=number).values("text").annotate(s=Sum("n")), "before windows are computed"),
            (lambda: Lag("number", 0), ">= 1"),
            (lambda: Ntile(0), ">= 1"),
            (lambda: RowRange(2, 1), "begins before"),
            (lambda: RowRange("a", 1), "ints and None"),  # type: ignore[arg-type]  # what users might write
        ]
        for build, words in refused:
            with pytest.raises(FieldError, match=words):
                build().explain()
        kept = annotate(n=number).filter(n=1)
        with pytest.raises(QueryUsageError, match="window"):
            db(kept).delete()
        with pytest.raises(QueryUsageError, match="window"):
            db(kept).update(number=1)
        with pytest.raises(QueryUsageError, match="before the filter on a window"):
            db(kept.client(max_rows=5)).rows()
        with pytest.raises(FieldError, match="value of a window"):
            db(annotate(n=number)).update(number=F("n"))


@rule("declared", "K1")
@pytest.mark.parametrize("capability", [NUMBER, AGGREGATES], ids=lambda capability: capability.name)
def test_a_refused_window_is_named_with_what_would_work(db: Db, capability: Capability) -> None:
    window = Window(RowNumber(), "text") if capability is NUMBER else Window(Sum("number"), "text")
    query = rows.annotate(value=window)
    if db.declares(capability, Feature.COMPUTED):
        db(query).rows()
        return
    with db.commands(0), pytest.raises(NotSupportedError, match=r"Everything on .*text.*client\("):
        query.explain()
