"""Each function: its values, what it makes of NULL, where it fails; answered, or refused and answered behind client."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from polystore import (
    Abs,
    Cast,
    Ceil,
    Coalesce,
    Concat,
    Extract,
    F,
    Feature,
    Floor,
    Greatest,
    Least,
    Left,
    Length,
    Lower,
    LTrim,
    Mod,
    Now,
    NullIf,
    Power,
    Q,
    Replace,
    Right,
    Round,
    RTrim,
    Sqrt,
    Substr,
    Trim,
    Trunc,
    Upper,
    Value,
)
from polystore.errors import DataError, FieldError
from polystore.query.operators import ArithmeticOperator, DatePart, Function
from polystore.schema.kinds import INT64_MIN
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything, Mood

rows = Everything.objects
MOMENT = datetime(2024, 2, 29, 23, 59, 58, 123_456, UTC)
ROW: dict[str, Any] = {
    "name": "it",
    "flag": True,
    "number": -7,
    "other": 3,
    "real": -2.5,
    "amount": Decimal("-1.25"),
    "text": "  Ünder ß ",
    "word": "Straße",
    "day": date(2024, 2, 29),
    "moment": MOMENT,
    "wall": datetime(2024, 2, 29, 23, 59, 58, 123_456),
    "mood": Mood.CALM,
}
D = Decimal
NULL = ("null", None)

CASES: dict[Function, list[tuple[Any, Any, Any]]] = {
    Function.COALESCE: [
        (Coalesce("text", "word"), "  Ünder ß ", ""),
        (Coalesce("level", "number", 5), -7, 5),
        (Coalesce("mood", Value(Mood.WILD)), Mood.CALM, Mood.WILD),
        (Coalesce("number", "real"), -7.0, None),
        (Coalesce("number", Value(D("0.5"))), D(-7), D("0.5")),
        (Coalesce("amount", "amount"), D("-1.25"), None),
        (Coalesce("moment", Value(MOMENT)), MOMENT, MOMENT),
    ],
    Function.NULLIF: [
        (NullIf("other", 3), None, None),
        (NullIf("other", "number"), 3, None),
        (NullIf("text", Value("x")), "  Ünder ß ", None),
        (NullIf("mood", Value(Mood.WILD)), Mood.CALM, None),
    ],
    Function.GREATEST: [
        (Greatest("number", "other"), 3, None),
        (Greatest("number", "other", 10), 10, None),
        (Greatest("number", "real"), -2.5, None),
        (Greatest("word", Value("Strasse")), "Straße", "Strasse"),
        (Greatest("day", Value(date(2025, 1, 1))), date(2025, 1, 1), None),
    ],
    Function.LEAST: [
        (Least("number", "other"), -7, None),
        (Least("amount", "other"), D("-1.25"), None),
        (Least("word", Value("Strasse")), "Strasse", ""),
    ],
    Function.CONCAT: [
        (Concat("name", Value("-"), "word"), "it-Straße", "null-"),
        (Concat("text", "name"), "  Ünder ß it", "null"),
        (Concat("text", "text"), "  Ünder ß   Ünder ß ", ""),
    ],
    Function.LOWER: [(Lower("text"), "  ünder ß ", None), (Lower(Value("ÀΣİ")), "àσİ", "àσİ")],
    Function.UPPER: [(Upper("text"), "  ÜNDER ß ", None), (Upper("word"), "STRAßE", "")],
    Function.LENGTH: [(Length("text"), 10, None), (Length("word"), 6, 0), (Length(Value("日\U0001f600")), 2, 2)],
    Function.TRIM: [(Trim("text"), "Ünder ß", None), (Trim(Value(" \n ")), "\n", "\n")],
    Function.LTRIM: [(LTrim("text"), "Ünder ß ", None)],
    Function.RTRIM: [(RTrim("text"), "  Ünder ß", None)],
    Function.SUBSTR: [
        (Substr("word", 2), "traße", ""),
        (Substr("word", 5, 1), "ß", ""),
        (Substr("word", 5, 9), "ße", ""),
        (Substr("word", 99, 2), "", ""),
        (Substr("text", 3, 0), "", None),
    ],
    Function.REPLACE: [
        (Replace("word", Value("ß"), Value("ss")), "Strasse", ""),
        (Replace("word", Value(""), Value("x")), "Straße", ""),
        (Replace("word", Value("S"), Value("")), "traße", ""),
        (Replace("word", Value("t"), "text"), "S  Ünder ß raße", None),
    ],
    Function.LEFT: [(Left("word", 5), "Straß", ""), (Left("word", 0), "", ""), (Left("text", 99), "  Ünder ß ", None)],
    Function.RIGHT: [(Right("word", 2), "ße", ""), (Right("word", 0), "", ""), (Right("text", 99), "  Ünder ß ", None)],
    Function.ABS: [(Abs("number"), 7, None), (Abs("real"), 2.5, None), (Abs("amount"), D("1.25"), None)],
    Function.CEIL: [(Ceil("number"), -7, None), (Ceil("real"), -2.0, None), (Ceil("amount"), D(-1), None)],
    Function.FLOOR: [(Floor("number"), -7, None), (Floor("real"), -3.0, None), (Floor("amount"), D(-2), None)],
    Function.ROUND: [
        (Round("number"), -7, None),
        (Round("real"), -2.0, None),
        (Round("amount"), D(-1), None),
        (Round("amount", 1), D("-1.2"), None),
        (Round(Value(D("2.5"))), D(2), D(2)),
        (Round(Value(D("3.5"))), D(4), D(4)),
        (Round(Value(D("-0.35")), 1), D("-0.4"), D("-0.4")),
        (Round(Value(25), -1), 20, 20),
        (Round(Value(35), -1), 40, 40),
    ],
    Function.POWER: [(Power("other", 2), 9.0, None), (Power("real", "other"), -15.625, None)],
    Function.SQRT: [(Sqrt(Value(6.25)), 2.5, 2.5), (Sqrt(F("other") + 1), 2.0, None)],
    Function.TRUNC: [
        (Trunc("day", "year"), date(2024, 1, 1), None),
        (Trunc("day", "quarter"), date(2024, 1, 1), None),
        (Trunc("day", "month"), date(2024, 2, 1), None),
        (Trunc("day", "week"), date(2024, 2, 26), None),
        (Trunc("moment", "year"), datetime(2024, 1, 1, tzinfo=UTC), None),
        (Trunc("moment", "month"), datetime(2024, 2, 1, tzinfo=UTC), None),
        (Trunc("moment", "week"), datetime(2024, 2, 26, tzinfo=UTC), None),
        (Trunc("moment", "day"), datetime(2024, 2, 29, tzinfo=UTC), None),
        (Trunc("moment", "hour"), datetime(2024, 2, 29, 23, tzinfo=UTC), None),
        (Trunc("moment", "minute"), datetime(2024, 2, 29, 23, 59, tzinfo=UTC), None),
        (Trunc("moment", "second"), datetime(2024, 2, 29, 23, 59, 58, tzinfo=UTC), None),
        (Trunc("wall", "hour"), datetime(2024, 2, 29, 23), None),
    ],
    Function.NOW: [],
    Function.CAST: [
        (Cast("number", float), -7.0, None),
        (Cast("number", str), "-7", None),
        (Cast("number", Decimal), D(-7), None),
        (Cast("real", int), -2, None),
        (Cast("amount", int), -1, None),
        (Cast("amount", float), -1.25, None),
        (Cast("amount", str), "-1.25", None),
        (Cast("flag", int), 1, None),
        (Cast("day", str), "2024-02-29", None),
        (Cast("moment", date), date(2024, 2, 29), None),
        (Cast("mood", str), "calm", None),
        (Cast(Value("-12"), int), -12, -12),
        (Cast(Value("2.50"), Decimal), D("2.5"), D("2.5")),
        (Cast(Value("2.50"), float), 2.5, 2.5),
        (Cast(None, int), None, None),
    ],
}
EXTRA: dict[Function, list[Any]] = {Function.SQRT: [ArithmeticOperator.ADD]}
FUNCTIONS = list(CASES)
NAMES = [function.value for function in FUNCTIONS]


def put(db: Db) -> None:
    """A row with values and one without."""
    db.given(Everything, [ROW, {"name": "null"}])


def agree(db: Db, query: Any, expression: Any, expected: Any) -> None:
    """The expression has these values in the two rows, with their types."""
    found = dict(db(query.annotate(value=expression).values_list("name", "value")).rows())
    typed = {name: (type(value), value) for name, value in found.items()}
    wanted = {name: (type(value), value) for name, value in expected.items()}
    assert typed == wanted, repr(expression)


@rule("declared", "A13", "A14", "A15", "C13", "C14", needs=[Feature.COMPUTED])
@pytest.mark.parametrize("function", FUNCTIONS, ids=NAMES)
def test_a_function_is_answered_or_refused(db: Db, function: Function) -> None:
    db.need(function, *EXTRA.get(function, []))
    put(db)
    if function is Function.NOW:
        now_is_now(db, rows.all())
    for expression, value, of_null in CASES[function]:
        agree(db, rows.all(), expression, {"it": value, "null": of_null})


@rule("declared")
@pytest.mark.parametrize("function", FUNCTIONS, ids=NAMES)
def test_a_function_is_answered_behind_client(db: Db, function: Function) -> None:
    db.proves(f"client:Function:{function.name}", "client:Feature:COMPUTED")
    put(db)
    query = rows.client(max_rows=5)
    if function is Function.NOW:
        now_is_now(db, query)
    for expression, value, of_null in CASES[function][:2]:
        agree(db, query, expression, {"it": value, "null": of_null})


def now_is_now(db: Db, query: Any) -> None:
    """``Now()`` is one moment for all rows, close to the clock here."""
    found = db(query.annotate(now=Now()).values_list("now", flat=True)).rows()
    assert len(found) == 2
    assert found[0] == found[1]
    assert found[0].tzinfo is UTC
    assert abs(found[0] - datetime.now(UTC)) < timedelta(minutes=2)


@rule("D11", needs=[Feature.COMPUTED, Function.NOW, Feature.COMPARE_COLUMNS])
def test_fields_are_compared_with_the_moment_of_the_query(db: Db) -> None:
    db.given(Everything, [{"name": "past", "moment": MOMENT}, {"name": "future", "moment": MOMENT.replace(year=9996)}])
    assert db.found(rows.filter(moment__lt=Now())) == "past"
    assert db.found(rows.filter(moment__gt=Now())) == "future"


@rule("A15", needs=[Feature.COMPUTED, Function.GREATEST, Function.LEAST, Function.COALESCE])
def test_the_greatest_of_what_is_there_leaves_nulls_out(db: Db) -> None:
    db.given(
        Everything,
        [
            {"name": "both", "number": 1, "other": 2},
            {"name": "one", "other": 2},
            {"name": "none", "rank": -1},
        ],
    )
    for query, function, expected in (
        (rows.all(), Greatest, {"both": 2, "one": 2, "none": None}),
        (rows.all(), Least, {"both": 1, "one": 2, "none": None}),
    ):
        agree(db, query, function("number", "other", ignore_nulls=True), expected)
    agree(db, rows.all(), Greatest("number", "other", "rank", ignore_nulls=True), {"both": 2, "one": 2, "none": -1})


@rule("B10", needs=[Feature.COMPUTED, Function.ROUND, Feature.ROUND_FLOATS])
def test_a_float_is_rounded_by_its_exact_value(db: Db) -> None:
    db.given(Everything, [{"name": "a", "real": 2.675}, {"name": "b", "real": 0.125}, {"name": "c", "real": 1e300}])
    agree(db, rows.all(), Round("real", 2), {"a": 2.67, "b": 0.12, "c": 1e300})


@rule("declared", "D9")
def test_rounded_floats_and_time_zones_are_answered_behind_client(db: Db) -> None:
    db.proves("client:Feature:ROUND_FLOATS", "client:Feature:TIME_ZONES")
    put(db)
    agree(db, rows.client(max_rows=5), Round("real", 1), {"it": -2.5, "null": None})
    tokyo = ZoneInfo("Asia/Tokyo")
    agree(db, rows.client(max_rows=5), Extract("moment", "day", tzinfo=tokyo), {"it": 1, "null": None})


@rule("D9", "D10", needs=[Feature.COMPUTED, *DatePart])
def test_a_part_of_a_moment_is_a_value(db: Db) -> None:
    put(db)
    parts = {"year": 2024, "month": 2, "day": 29, "week_day": 5, "quarter": 1, "hour": 23, "second": 58}
    for part, value in parts.items():
        agree(db, rows.all(), Extract("moment", part), {"it": value, "null": None})
    agree(db, rows.all(), Extract("moment", "date"), {"it": date(2024, 2, 29), "null": None})
    agree(db, rows.all(), Extract("moment", "time"), {"it": MOMENT.time(), "null": None})
    for part, value in {"iso_year": 2024, "week": 9, "iso_week_day": 4, "minute": 59}.items():
        agree(db, rows.all(), Extract("wall", part), {"it": value, "null": None})


@rule(
    "D9", needs=[Feature.COMPUTED, Feature.TIME_ZONES, Function.TRUNC, DatePart.HOUR, DatePart.DATE, DatePart.WEEK_DAY]
)
def test_parts_and_beginnings_follow_the_clocks_of_a_zone(db: Db) -> None:
    db.need(DatePart.HOUR, DatePart.DATE, DatePart.WEEK_DAY)
    tokyo, new_york, kathmandu = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu")
    put(db)
    cases: list[tuple[Any, Any]] = [
        (Extract("moment", "hour", tzinfo=tokyo), 8),
        (Extract("moment", "date", tzinfo=tokyo), date(2024, 3, 1)),
        (Extract("moment", "week_day", tzinfo=new_york), 5),
        (Extract("moment", "hour", tzinfo=UTC), 23),
        (Trunc("moment", "day", tzinfo=tokyo), datetime(2024, 2, 29, 15, tzinfo=UTC)),
        (Trunc("moment", "month", tzinfo=new_york), datetime(2024, 2, 1, 5, tzinfo=UTC)),
        (Trunc("moment", "hour", tzinfo=kathmandu), datetime(2024, 2, 29, 23, 15, tzinfo=UTC)),
    ]
    for expression, value in cases:
        agree(db, rows.all(), expression, {"it": value, "null": None})


BEFORE_ALL = Trunc("moment", "minute", tzinfo=ZoneInfo("Europe/Berlin"))
"""Of the first moment of year 1 this is half a minute before it: clocks went by the sun then."""


@rule("D9", "D12", needs=[Feature.COMPUTED, Feature.TIME_ZONES, Function.TRUNC])
def test_a_beginning_before_the_calendar_is_a_data_error(db: Db) -> None:
    db.given(Everything, [{"name": "a", "moment": datetime(1, 1, 1, tzinfo=UTC)}])
    if db.missing:
        db(rows.annotate(it=BEFORE_ALL)).rows()
    with pytest.raises(DataError):
        db(rows.annotate(it=BEFORE_ALL)).rows()


@rule("D9", "D12", "declared")
def test_a_beginning_before_the_calendar_is_a_data_error_behind_client(db: Db) -> None:
    db.given(Everything, [{"name": "a", "moment": datetime(1, 1, 1, tzinfo=UTC)}])
    with pytest.raises(DataError, match="years 1 to 9999"):
        db(rows.client(max_rows=9).annotate(it=BEFORE_ALL)).rows()


@rule("D9", needs=[Feature.COMPUTED, Feature.TIME_ZONES, Function.TRUNC])
def test_clocks_that_are_set_back_and_forward_keep_beginnings_apart(db: Db) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first, second = datetime(2024, 10, 27, 0, 30, tzinfo=UTC), datetime(2024, 10, 27, 1, 30, tzinfo=UTC)
    spring = datetime(2024, 3, 31, 12, tzinfo=UTC)
    db.given(
        Everything,
        [
            {"name": "first", "moment": first},
            {"name": "second", "moment": second},
            {"name": "spring", "moment": spring},
        ],
    )
    agree(
        db,
        rows.all(),
        Trunc("moment", "hour", tzinfo=berlin),
        {"first": first.replace(minute=0), "second": second.replace(minute=0), "spring": spring},
    )
    autumn = datetime(2024, 10, 26, 22, tzinfo=UTC)
    agree(
        db,
        rows.all(),
        Trunc("moment", "day", tzinfo=berlin),
        {"first": autumn, "second": autumn, "spring": datetime(2024, 3, 30, 23, tzinfo=UTC)},
    )


@rule("D9", needs=[Feature.COMPUTED, Feature.TIME_ZONES, Function.TRUNC])
def test_a_midnight_that_clocks_leave_out_is_the_moment_at_which_they_jump(db: Db) -> None:
    after = datetime(1919, 3, 31, 4, 45, tzinfo=UTC)
    db.given(Everything, [{"name": "after", "moment": after}])
    jump = after.replace(minute=30)
    agree(db, rows.all(), Trunc("moment", "day", tzinfo=ZoneInfo("America/Toronto")), {"after": jump})


@rule("B9", needs=[Feature.COMPUTED, ArithmeticOperator.MODULO])
def test_the_remainder_has_the_sign_of_the_dividend(db: Db) -> None:
    put(db)
    agree(db, rows.all(), Mod("number", "other"), {"it": -1, "null": None})


FAILING: dict[str, tuple[Any, Function, dict[str, Any]]] = {
    "abs": (Abs("number"), Function.ABS, {"number": INT64_MIN}),
    "sqrt": (Sqrt("real"), Function.SQRT, {"real": -1.0}),
    "power of zero": (Power("number", "other"), Function.POWER, {"number": 0, "other": -1}),
    "power beyond": (Power("number", "other"), Function.POWER, {"number": 10, "other": 400}),
    "cast of text": (Cast("text", int), Function.CAST, {"text": "12x"}),
    "cast of nothing": (Cast("text", Decimal), Function.CAST, {"text": ""}),
    "cast of much": (Cast("real", int), Function.CAST, {"real": 1e300}),
    "round": (Round("number", -1), Function.ROUND, {"number": INT64_MIN}),
}


@rule("B8", "B11", needs=[Feature.COMPUTED])
@pytest.mark.parametrize("case", list(FAILING))
def test_a_result_that_is_no_value_is_a_data_error(db: Db, case: str) -> None:
    expression, function, row = FAILING[case]
    db.need(function)
    db.given(Everything, [{"name": "a", **row}])
    with pytest.raises(DataError):
        db(rows.annotate(value=expression)).rows()
    assert db(rows.filter(name="nosuch").annotate(value=expression)).rows() == []


WRONG: list[tuple[Callable[[], Any], str]] = [
    (lambda: Lower("number"), "Everything: Lower.*int"),
    (lambda: Lower("nosuch"), "Everything has no field 'nosuch'"),
    (lambda: Coalesce("text", "number"), "str and int"),
    (lambda: Coalesce("real", "amount"), "float and Decimal"),
    (lambda: Greatest("number", "text"), "int and str"),
    (lambda: Greatest("address", "address"), "no order"),
    (lambda: Sqrt("amount"), "Sqrt.*cast"),
    (lambda: Power("amount", 2), "Power.*cast"),
    (lambda: Abs("text"), "Abs.*str"),
    (lambda: Length("tags"), "Length.*list of str"),
    (lambda: Cast("real", str), "Cast.*float has no one form as str"),
    (lambda: Cast("real", Decimal), "Cast.*float has no one form as Decimal"),
    (lambda: Cast("number", list), "a cast makes one of int"),
    (lambda: Extract("day", "hour"), "Extract.*of date it takes"),
    (lambda: Extract("number", "year"), "Extract.*of int it takes nothing"),
    (lambda: Trunc("at", "hour"), "Trunc.*of time it takes nothing"),
    (lambda: Trunc("day", "hour"), "Trunc.*of date it takes"),
    (lambda: Trunc("day", "month", tzinfo=ZoneInfo("Asia/Tokyo")), "date has no time zone"),
    (lambda: Extract("day", "era"), "'era' is no part"),
    (lambda: Extract("moment", "hour", tzinfo=timedelta(1)), "tzinfo takes"),  # type: ignore[arg-type]  # tested
    (lambda: Substr("text", 0), "position is an int from 1"),
    (lambda: Left("text", -1), "length is an int from 0"),
    (lambda: Round("amount", 99), "precision is an int from -30 to 30"),
    (lambda: NullIf("number", "text"), "int and str"),
    (lambda: F("text") + 1, "arithmetic"),
    (lambda: F("flag") + 1, "arithmetic"),
    (lambda: Value(2**64) + 1, "beyond"),
    (lambda: Coalesce("text", Value("\0")), "NUL"),
    (lambda: Coalesce("moment", Value(object())), "no value for an expression"),
    (lambda: Q(nosuch=1), "no field 'nosuch'"),
]


@rule("B22", "declared")
def test_kinds_that_do_not_go_together_are_refused_where_they_are_written(db: Db) -> None:
    for make, words in WRONG:
        with db.commands(0), pytest.raises(FieldError, match=words):
            rows.annotate(value=make())


@rule(
    "D9", "D10", needs=[Feature.COMPUTED, Feature.DISTINCT, Function.TRUNC, DatePart.DATE], verbs=["dates", "datetimes"]
)
def test_dates_are_the_first_days_of_units_each_once(db: Db) -> None:
    days = [date(2024, 2, 29), date(2024, 2, 1), date(2023, 12, 31), None]
    db.given(
        Everything,
        [
            {"name": f"n{at}", "day": day, "moment": day and datetime(day.year, day.month, day.day, 23, 30, tzinfo=UTC)}
            for at, day in enumerate(days)
        ],
    )
    for field in ("day", "moment"):
        assert db(rows.dates(field, "year")).rows() == [date(2023, 1, 1), date(2024, 1, 1)]
        assert db(rows.dates(field, "month", "DESC")).rows() == [date(2024, 2, 1), date(2023, 12, 1)]
        assert db(rows.filter(day__year=2024).dates(field, "week")).rows() == [date(2024, 1, 29), date(2024, 2, 26)]
    first = datetime(2023, 12, 31, 23, tzinfo=UTC)
    assert db(rows.datetimes("moment", "hour")).rows()[0] == first
    assert db(rows.datetimes("moment", "year")).rows() == [datetime(year, 1, 1, tzinfo=UTC) for year in (2023, 2024)]
    with db.commands(0):
        with pytest.raises(FieldError, match="number"):
            db(rows.dates("number", "year")).rows()
        with pytest.raises(FieldError, match="ASC"):
            rows.dates("day", "year", "up")  # type: ignore[arg-type]  # the error is tested


@rule("A13", needs=[Feature.COMPUTED, Function.CAST])
@pytest.mark.parametrize("field", ["number", "amount", "day"])
def test_null_cast_to_text_is_null(db: Db, field: str) -> None:
    db.given(Everything, [{"name": "a"}])
    assert db(rows.values_list(Cast(field, str), flat=True)).rows() == [None]
