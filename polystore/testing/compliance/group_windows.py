"""Windows over groups: ranks of totals, running totals, neighbours, shares, and groups kept by them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
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
    Lower,
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
    Subquery,
    Sum,
    Trunc,
    Value,
    When,
    Window,
)
from polystore.errors import DataError, FieldError, NotSupportedError, QueryUsageError
from polystore.query.operators import Aggregate, ArithmeticOperator, Function, WindowFunction
from polystore.testing.compliance.properties import alike
from polystore.testing.harness import Capability, Db, rule
from polystore.testing.models import Everything

rows = Everything.objects
RANK, NUMBER, LAG = WindowFunction.RANK, WindowFunction.ROW_NUMBER, WindowFunction.LAG
SUM, COUNT, AGGREGATES = Aggregate.SUM, Aggregate.COUNT, Feature.WINDOW_AGGREGATES
OVER: list[Capability] = [Feature.GROUP, Feature.GROUP_ANY, Feature.GROUP_WINDOWS, Feature.COMPUTED, SUM]
MONTHS: list[Capability] = [*OVER, Feature.GROUP_EXPRESSIONS, Function.TRUNC]
FIRST, SECOND, THIRD = date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)
ROWS: list[dict[str, Any]] = [
    {"name": "a", "text": "x", "number": 1, "amount": Decimal("0.10"), "day": date(2024, 1, 31), "rank": 1},
    {"name": "b", "text": "x", "number": 2, "amount": Decimal("0.20"), "day": date(2024, 2, 1), "rank": 1},
    {"name": "c", "text": "y", "number": 3, "amount": Decimal("9.99"), "day": date(2024, 1, 1), "rank": 1},
    {"name": "d", "text": "z", "number": None, "amount": None, "day": date(2024, 3, 5), "rank": 2},
    {"name": "e", "text": None, "number": 5, "amount": Decimal("1.00"), "day": date(2024, 2, 29), "rank": 2},
    {"name": "f", "text": None, "number": 5, "amount": Decimal("1.00"), "day": date(2024, 3, 31), "rank": 2},
]
totals = rows.values("text").annotate(total=Sum("number"))
place = Window(Rank(), order_by=F("total").desc())
ranked = totals.annotate(place=place)
months = rows.values(month=Trunc("day", "month")).annotate(total=Sum("number")).order_by("month")


def put(db: Db) -> None:
    """Six rows in four groups of texts, one of them NULL, whose totals are 3, 3, NULL and 10; in three months."""
    db.given(Everything, ROWS)


def column(db: Db, window: Any) -> list[Any]:
    """The values of a window, by the texts of the groups: NULL, x, y, z."""
    found: list[Any] = db(totals.annotate(value=window).order_by("text").values_list("value", flat=True)).rows()
    return found


@rule("A18", "F12", needs=[*OVER, RANK])
def test_groups_are_ranked_by_their_totals(db: Db) -> None:
    put(db)
    assert db(ranked.order_by("place", "text")).rows() == [
        {"text": None, "total": 10, "place": 1},
        {"text": "x", "total": 3, "place": 2},
        {"text": "y", "total": 3, "place": 2},
        {"text": "z", "total": None, "place": 4},
    ]
    query = rows.values_list("text").annotate(Sum("number"), place=Window(Rank(), order_by=[Sum("number"), "text"]))
    assert db(query.order_by("-place")).rows() == [(None, 10, 4), ("y", 3, 3), ("x", 3, 2), ("z", None, 1)]


FUNCTIONS: dict[WindowFunction, list[tuple[Any, list[Any]]]] = {
    NUMBER: [
        (Window(RowNumber(), order_by="total"), [4, 2, 3, 1]),
        (Window(RowNumber(), order_by="-total"), [1, 3, 2, 4]),
        (Window(RowNumber(), partition_by="total"), [1, 1, 2, 1]),
        (Window(RowNumber()), [1, 2, 3, 4]),
        (Window(RowNumber(), order_by="-text"), [4, 3, 2, 1]),
    ],
    RANK: [
        (Window(Rank(), order_by="total"), [4, 2, 2, 1]),
        (Window(Rank(), order_by=[F("total").asc(nulls_last=True), "-text"]), [3, 2, 1, 4]),
        (Window(Rank()), [1, 1, 1, 1]),
    ],
    WindowFunction.DENSE_RANK: [
        (Window(DenseRank(), order_by="total"), [3, 2, 2, 1]),
        (Window(DenseRank(), order_by=Count("*")), [2, 2, 1, 1]),
    ],
    WindowFunction.PERCENT_RANK: [(Window(PercentRank(), order_by="total"), [1.0, 1 / 3, 1 / 3, 0.0])],
    WindowFunction.CUME_DIST: [(Window(CumeDist(), order_by="total"), [1.0, 0.75, 0.75, 0.25])],
    WindowFunction.NTILE: [(Window(Ntile(3), order_by="-total"), [1, 2, 1, 3])],
    LAG: [
        (Window(Lag("total"), order_by="text"), [None, 10, 3, 3]),
        (Window(Lag("total", 2, 0), order_by="text"), [0, 0, 10, 3]),
        (Window(Lag("text", default=Value("-")), order_by="total"), ["y", "z", "x", "-"]),
    ],
    WindowFunction.LEAD: [
        (Window(Lead("total"), order_by="text"), [3, 3, None, None]),
        (Window(Lead(Count("*"), 1, -1), order_by="text"), [2, 1, 1, -1]),
    ],
    WindowFunction.FIRST_VALUE: [(Window(FirstValue("text"), order_by="-total"), [None, None, None, None])],
    WindowFunction.LAST_VALUE: [
        (Window(LastValue("text"), "total", "text"), [None, "x", "y", "z"]),
        (Window(LastValue("text"), "total"), [None, "y", "y", "z"]),
    ],
    WindowFunction.NTH_VALUE: [(Window(NthValue("total", 2), order_by="text"), [None, 3, 3, 3])],
}


@rule("A18", "A19", needs=OVER)
@pytest.mark.parametrize("function", list(FUNCTIONS), ids=lambda function: function.value)
def test_a_window_function_is_computed_of_groups(db: Db, function: WindowFunction) -> None:
    db.need(function)
    put(db)
    for window, expected in FUNCTIONS[function]:
        found = column(db, window)
        assert found == pytest.approx(expected) if isinstance(expected[0], float) else found == expected, window


@rule("A17", "A18", needs=[*OVER, AGGREGATES, COUNT, Aggregate.AVG, Aggregate.MIN, Aggregate.MAX])
def test_aggregates_of_groups_are_aggregated_over_windows(db: Db) -> None:
    put(db)
    cases: list[tuple[Any, list[Any]]] = [
        (Window(Sum("total")), [16, 16, 16, 16]),
        (Window(Sum("total"), order_by="text"), [10, 13, 16, 16]),
        (Window(Sum("total"), order_by="total"), [16, 6, 6, None]),
        (Window(Sum("total"), order_by="-text", frame=RowRange(-1, 0)), [13, 6, 3, None]),
        (Window(Sum("total"), order_by="total", frame=RowRange(None, 0)), [16, 3, 6, None]),
        (Window(Sum("total", filter=Q(text__isnull=False))), [6, 6, 6, 6]),
        (Window(Sum("total", filter=Q(total__gt=3), default=0), order_by="text"), [10, 10, 10, 10]),
        (Window(Count("total"), "total"), [1, 2, 2, 0]),
        (Window(Count("*"), "total"), [1, 2, 2, 1]),
        (Window(Sum(Count("*")), order_by="text"), [2, 4, 5, 6]),
        (Window(Max(Count("*"))), [2, 2, 2, 2]),
        (Window(Min("text"), order_by="-text"), ["x", "x", "y", "z"]),
        (Window(Avg("total")), [16 / 3] * 4),
    ]
    for window, expected in cases:
        assert alike(column(db, window), expected), window


@rule("B1", "A17", needs=[*OVER, AGGREGATES, ArithmeticOperator.DIVIDE])
def test_totals_of_decimals_over_groups_are_exact(db: Db) -> None:
    put(db)
    query = rows.values("text").annotate(total=Sum("amount"), so_far=Window(Sum("total"), order_by="text"))
    found = db(query.order_by("text").values_list("total", "so_far")).rows()
    expected = [("2.00", "2.00"), ("0.30", "2.30"), ("9.99", "12.29"), (None, "12.29")]
    assert found == [(None if total is None else Decimal(total), Decimal(so_far)) for total, so_far in expected]
    tiny, huge = Decimal("0.01"), Decimal("9999999999.99")
    db.given(
        Everything,
        [
            {"name": "a", "text": "x", "amount": huge},
            {"name": "b", "text": "y", "amount": tiny},
            {"name": "c", "text": "z", "amount": -huge},
        ],
    )
    query = rows.values("text").annotate(so_far=Window(Sum(Sum("amount")), order_by="text")).order_by("text")
    assert db(query.values_list("so_far", flat=True)).rows() == [huge, huge + tiny, tiny]


@rule("F12", needs=[*OVER, AGGREGATES, ArithmeticOperator.DIVIDE, ArithmeticOperator.SUBTRACT, Feature.CASE, RANK])
def test_shares_are_made_of_windows_over_groups(db: Db) -> None:
    put(db)
    query = totals.annotate(share=F("total") / Window(Sum("total")), rest=Window(Sum("total")) - F("total"))
    query = query.annotate(
        label=Case(When(Q(share__gt=0.5), then=Value("most")), default=Value("few")), twice=F("rest") - F("share")
    )
    found = db(query.order_by("text").values_list("share", "rest", "label")).rows()
    assert found == [(0.625, 6, "most"), (0.1875, 13, "few"), (0.1875, 13, "few"), (None, None, "few")]
    query = ranked.annotate(top=Case(When(place=1, then="total"), default=Value(0))).order_by("text")
    assert db(query.values_list("top", flat=True)).rows() == [10, 0, 0, 0]


@rule("D8", "F12", needs=[*MONTHS, AGGREGATES, LAG, ArithmeticOperator.SUBTRACT])
def test_totals_of_months_run_on_and_are_compared_with_the_month_before(db: Db) -> None:
    put(db)
    running = Window(Sum("total"), order_by="month")
    assert db(months.annotate(so_far=running)).rows() == [
        {"month": FIRST, "total": 4, "so_far": 4},
        {"month": SECOND, "total": 7, "so_far": 11},
        {"month": THIRD, "total": 5, "so_far": 16},
    ]
    change = F("total") - Window(Lag("total"), order_by="month")
    assert db(months.annotate(change=change).values_list("change", flat=True)).rows() == [None, 3, -2]
    by_rank = rows.values("rank", month=Trunc("day", "month")).annotate(total=Sum("number"))
    query = by_rank.annotate(so_far=Window(Sum("total"), "rank", "month")).order_by("rank", "month")
    assert db(query.values_list("rank", "month", "total", "so_far")).rows() == [
        (1, FIRST, 4, 4),
        (1, SECOND, 2, 6),
        (2, SECOND, 5, 5),
        (2, THIRD, 5, 10),
    ]


@rule("A18", "F12", needs=[*OVER, Feature.GROUP_EXPRESSIONS, RANK, COUNT, Function.LOWER])
def test_windows_are_computed_of_computed_keys_and_of_what_is_computed_of_them(db: Db) -> None:
    put(db)
    query = (
        rows.values(low=Lower("text"))
        .annotate(n=Count("*"))
        .annotate(place=Window(Rank(), partition_by=Q(low__isnull=True), order_by=[F("n").desc(), Lower("low").desc()]))
    )
    assert db(query.order_by("low").values_list("low", "n", "place")).rows() == [
        (None, 2, 1),
        ("x", 2, 1),
        ("y", 1, 3),
        ("z", 1, 2),
    ]


@rule("A18", needs=[*OVER, NUMBER, RANK])
def test_windows_stand_in_the_annotate_that_makes_the_groups_and_behind_it(db: Db) -> None:
    put(db)
    both = rows.values("text").annotate(place=Window(RowNumber(), order_by="-text"), total=Sum("number"))
    assert db(both.order_by("place").values_list("text", "place")).rows() == [("z", 1), ("y", 2), ("x", 3), (None, 4)]
    alone = rows.values("text").annotate(place=Window(Rank(), order_by=Sum("number")))
    assert db(alone.order_by("text")).rows() == [
        {"text": None, "place": 4},
        {"text": "x", "place": 2},
        {"text": "y", "place": 2},
        {"text": "z", "place": 1},
    ]
    hidden = totals.alias(place=place).order_by("place", "-text").values_list("text", flat=True)
    assert db(hidden).rows() == [None, "y", "x", "z"]
    ordered = totals.order_by(Window(Rank(), order_by="total"), "text").values_list("text", flat=True)
    assert db(ordered).rows() == ["z", "x", "y", None]
    assert db(ranked.order_by("text").values_list("place", flat=True)).rows() == [1, 2, 2, 4]


# ---- groups kept by windows


@rule("A18", "F12", needs=[*OVER, Feature.HAVING, RANK, NUMBER])
def test_windows_are_computed_of_the_groups_that_having_leaves(db: Db) -> None:
    put(db)
    low = ranked.filter(total__lt=9)
    assert db(low.order_by("text").values_list("text", "place")).rows() == [("x", 1), ("y", 1)]
    assert db(ranked.filter(text__isnull=False).order_by("text").values_list("text", "place")).rows() == [
        ("x", 1),
        ("y", 1),
        ("z", 3),
    ]
    assert db(ranked.filter(number__gt=2).order_by("text").values_list("text", "total", "place")).rows() == [
        (None, 10, 1),
        ("y", 3, 2),
    ]
    first = totals.annotate(place=Window(RowNumber(), order_by="-text")).filter(place=1)
    assert db(first.values_list("text", flat=True)).rows() == ["z"]
    assert db(first.filter(total__isnull=False).values_list("text", flat=True)).rows() == ["y"]
    assert db(first.exclude(text="z").values_list("text", flat=True)).rows() == ["y"]


@rule("A18", "F12", needs=[*OVER, RANK, COUNT])
def test_filters_on_windows_choose_among_groups(db: Db) -> None:
    put(db)

    def texts(query: Any) -> list[Any]:
        found: list[Any] = db(query.order_by("text").values_list("text", flat=True)).rows()
        return found

    assert texts(ranked.filter(place=2)) == ["x", "y"]
    assert texts(ranked.exclude(place=2)) == [None, "z"]
    assert texts(ranked.filter(place__gt=1).exclude(place=4)) == ["x", "y"]
    assert texts(ranked.filter(Q(place=4) | Q(total=10))) == [None, "z"]
    assert texts(ranked.filter(Q(place=2, text="y") | Q(place=4))) == ["y", "z"]
    assert texts(ranked.filter(place=F("total"))) == []
    assert texts(ranked.annotate(n=Count("*")).filter(place__lte=F("n"))) == [None, "x"]
    assert texts(ranked.alias(low=Window(Rank(), order_by="total")).filter(low=F("place"))) == ["x", "y"]
    assert texts(ranked.filter(place__in=[1, 4])) == [None, "z"]
    assert texts(ranked.filter(place=9)) == []


@rule("F2", "F12", needs=[*OVER, RANK, Feature.GROUP_SOURCE, COUNT, Aggregate.MAX])
def test_groups_with_windows_are_sliced_counted_and_aggregated(db: Db) -> None:
    put(db)
    ordered = ranked.order_by("place", "text")
    assert db(ordered[1:3].values_list("text", flat=True)).rows() == ["x", "y"]
    assert db(ordered.values_list("text", flat=True)[3:]).rows() == ["z"]
    assert db(ordered).first() == {"text": None, "total": 10, "place": 1}
    assert db(ordered).last() == {"text": "z", "total": None, "place": 4}
    assert db(ordered.reverse().values_list("text", flat=True)).rows() == ["z", "y", "x", None]
    assert db(ranked.filter(place=1)).get() == {"text": None, "total": 10, "place": 1}
    assert db(ranked).count() == 4
    assert db(ranked.filter(place=2)).count() == 2
    assert db(ordered.filter(place=2)[1:]).count() == 1
    assert db(ranked.filter(place=2)).exists() is True
    assert db(ranked.filter(place=3)).exists() is False
    found = db(ranked.filter(place__lt=4)).aggregate(n=Count("*"), s=Sum("total"), most=Max("place"))
    assert found == {"n": 3, "s": 16, "most": 2}
    assert db(ordered[2:]).aggregate(places=Sum("place"), texts=Count("text")) == {"places": 6, "texts": 2}
    assert db(ranked.filter(number=99)).rows() == []
    assert db(ranked.filter(number=99)).aggregate(n=Count("*")) == {"n": 0}
    with db.commands(0):
        assert db(ranked.none()).rows() == []
        assert db(ranked.none()).count() == 0


@rule("F12", needs=[*OVER, RANK, Feature.DISTINCT, Feature.GROUP_SOURCE, COUNT])
def test_distinct_values_of_windows_over_groups_come_once(db: Db) -> None:
    put(db)
    query = ranked.values_list("place", flat=True).distinct()
    assert db(query.order_by("-place")).rows() == [4, 2, 1]
    assert db(query.order_by("place")[1:]).rows() == [2, 4]
    assert db(query).count() == 3
    pairs = ranked.values_list("total", "place").distinct().order_by("place")
    assert db(pairs).rows() == [(10, 1), (3, 2), (None, 4)]
    assert db(pairs.filter(place__gt=1)).aggregate(n=Count("*"), s=Sum("place")) == {"n": 2, "s": 6}
    assert db(ranked.filter(place=2).values("total").distinct()).rows() == [{"total": 3}]


@rule("F12", needs=[*OVER, RANK, Feature.UNION])
def test_groups_with_windows_are_put_together(db: Db) -> None:
    put(db)
    first, last = ranked.filter(place=1), ranked.filter(place=4)
    both = first.values_list("text", "place").union(last.values_list("text", "place")).order_by("place")
    assert db(both).rows() == [(None, 1), ("z", 4)]


@rule("A8", "F12", needs=[*OVER, RANK, NUMBER, Feature.SUBQUERIES])
def test_groups_with_windows_stand_within_a_query_and_around_one(db: Db) -> None:
    put(db)
    assert db.found(rows.filter(text__in=ranked.filter(place=2).values("text"))) == "a b c"
    assert db.found(rows.filter(text__in=ranked.order_by("-place").values("text")[:1])) == "d"
    assert db.found(rows.filter(number__in=ranked.filter(place=2).values("total"))) == "c"
    around = ranked.annotate(label=Subquery(rows.filter(text=OuterRef("text")).order_by("name").values("name")[:1]))
    assert db(around.order_by("text").values_list("label", "place")).rows() == [(None, 1), ("a", 2), ("c", 2), ("d", 4)]
    latest = rows.filter(number=OuterRef("total")).order_by("name").values("name")[:1]
    named = ranked.annotate(label=Subquery(latest)).filter(place=2).values_list("label", flat=True)
    assert db(named).rows() == ["c", "c"]
    assert db(ranked.filter(place__in=rows.values("rank")).order_by("text").values_list("text", flat=True)).rows() == [
        None,
        "x",
        "y",
    ]
    there = ranked.annotate(there=Exists(rows.filter(rank=OuterRef("place")))).filter(text__isnull=False)
    assert db(there.order_by("text").values_list("place", "there")).rows() == [(1, True), (1, True), (3, False)]


@rule("A8", "F12", needs=[*OVER, RANK, Feature.SUBQUERIES])
def test_windows_over_groups_refer_to_the_row_around_or_are_refused(db: Db) -> None:
    put(db)
    same = ranked.filter(text=OuterRef("text"), place=1)
    best = rows.filter(rank=OuterRef("rank")).values("text").annotate(total=Sum("number"), place=place)
    query = rows.annotate(best=Subquery(best.order_by("place", "text").values("total")[:1])).order_by("name")
    asked: list[tuple[Any, list[Any]]] = [
        (rows.filter(Exists(same)).order_by("name").values_list("name", flat=True), ["a", "b", "c", "d"]),
        (query.values_list("best", flat=True), [3, 3, 3, 10, 10, 10]),
    ]
    for each, expected in asked:
        try:
            assert db(each).rows() == expected
        except NotSupportedError as refusal:
            if db.missing:
                raise
            assert db.refused_after == 0
            assert "takes several steps" in str(refusal)


@rule("A17", "B9", needs=[*OVER, AGGREGATES])
def test_an_int_sum_over_groups_that_does_not_fit_is_an_error(db: Db) -> None:
    high = 2**63 - 1
    db.given(Everything, [{"name": "a", "text": "x", "number": high}, {"name": "b", "text": "y", "number": 1}])
    assert db(totals.filter(text="x").annotate(s=Window(Sum("total"))).values_list("s", flat=True)).rows() == [high]
    with pytest.raises(DataError):
        db(totals.annotate(s=Window(Sum("total")))).rows()


@rule("declared", "A18")
def test_windows_over_groups_are_answered_behind_client(db: Db) -> None:
    db.proves("client:Feature:GROUP_WINDOWS")
    put(db)
    query = rows.client(max_rows=9).values("text").annotate(total=Sum("number"), place=place)
    assert db(query.order_by("place", "-text").values_list("text", "place")).rows() == [
        (None, 1),
        ("y", 2),
        ("x", 2),
        ("z", 4),
    ]
    assert db(query.filter(place=2, total__gt=1)).count() == 2
    assert db(query.filter(place=3)).exists() is False
    assert db(query.order_by("-place")[:2]).aggregate(s=Sum("place")) == {"s": 6}
    assert db(query.values_list("place", flat=True).distinct().order_by("place")).rows() == [1, 2, 4]
    month = rows.client(max_rows=9).values(month=Trunc("day", "month")).annotate(total=Sum("number"))
    month = month.annotate(so_far=Window(Sum("total"), order_by="month")).order_by("month")
    assert db(month.values_list("so_far", flat=True)).rows() == [4, 11, 16]


# ---- refusals


@rule("F12")
def test_windows_over_groups_that_mean_nothing_are_refused(db: Db) -> None:
    put(db)
    number = Window(RowNumber(), order_by="text")
    refused: list[tuple[Callable[[], Any], str]] = [
        (
            lambda: totals.annotate(x=Window(RowNumber(), order_by="name")),
            "name has many values where",
        ),
        (lambda: totals.annotate(x=Window(Sum("number"))), "number has many values where rows are grouped by text"),
        (lambda: totals.annotate(x=Window(Lag("rank"), order_by="text")), "rank has many values"),
        (lambda: totals.annotate(x=Window(Rank(), "day", "total")), "day has many values"),
        (lambda: totals.annotate(x=Window(Rank(), order_by="pk")), "id has many values"),
        (lambda: totals.annotate(x=Window(Sum("total", filter=Q(number=1)))), "number has many values"),
        (lambda: totals.annotate(x=Window(Sum("nosuch"))), "no field 'nosuch'"),
        (lambda: ranked.annotate(x=Window(Max("place"))), "window within a window"),
        (lambda: rows.values("text").annotate(x=Sum(number)), "before windows are computed"),
        (lambda: totals.annotate(x=Sum(number)), "before windows are computed"),
        (lambda: rows.annotate(x=Window(Sum(Sum("number")))), "annotate.. of instances takes no aggregates"),
        (lambda: rows.alias(x=number).filter(rank=Window(Rank(), order_by=Sum("number"))), "needs groups"),
        (lambda: rows.order_by(Window(Rank(), order_by=Sum("number"))), "needs groups"),
        (lambda: rows.values("text").annotate(text=Sum("number")), "field already"),
        (lambda: ranked.filter(place=1).distinct("text"), "of groups is not made"),
        (lambda: rows.annotate(n=number).filter(n=1).values("text").annotate(c=Count("*")), "are not grouped"),
    ]
    with db.commands(0):
        for build, words in refused:
            with pytest.raises(FieldError, match=words):
                build().explain()
        with pytest.raises(FieldError, match="no window beside its aggregates"):
            db(rows.all()).aggregate(x=Window(Sum(Sum("number"))))
        with pytest.raises(FieldError, match="no window beside its aggregates"):
            db(rows.all()).aggregate(x=Sum("number") + Window(RowNumber()))
        with pytest.raises(FieldError, match="before windows are computed"):
            db(rows.all()).aggregate(x=Sum(number))
        with pytest.raises(QueryUsageError, match="filter by key instead"):
            db(ranked.filter(place=1)).delete()
        with pytest.raises(QueryUsageError, match="filter by key instead"):
            db(ranked).update(number=1)


@rule("declared", "K1")
def test_refused_windows_over_groups_are_named_with_what_would_work(db: Db) -> None:
    if db.declares(*OVER, RANK):
        db(ranked).rows()
        return
    with db.commands(0), pytest.raises(NotSupportedError, match=r"Everything on .*client\("):
        ranked.explain()
