"""Dates and times: rules D1 to D14."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from polystore import Feature
from polystore.errors import FieldError, ValidationError
from polystore.query.operators import DatePart
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything, Person, Stamped

rows = Everything.objects
EDGES = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1684, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2024, 2, 29, 12, 30, 45, 123456, tzinfo=UTC),
    datetime(2024, 2, 29, 12, 30, 45, 123457, tzinfo=UTC),
    datetime(2300, 1, 1, 0, 0, 0, 3, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
]
DAYS = {
    "leap": date(2024, 2, 29),
    "sunday": date(2024, 3, 3),
    "monday": date(2024, 12, 30),
    "last": date(2024, 12, 31),
    "first": date(2021, 1, 1),
    "old": date(1969, 7, 20),
    "ancient": date(1582, 10, 10),
}


def at(day: date, hour: int = 0, minute: int = 0, second: int = 0, microsecond: int = 0) -> datetime:
    """That day at that time in UTC."""
    return datetime.combine(day, time(hour, minute, second, microsecond), UTC)


@rule("D1", "D2", "D12")
def test_moments_keep_their_microseconds(db: Db) -> None:
    db.given(Everything, [{"name": f"n{i}", "moment": m, "wall": m.replace(tzinfo=None)} for i, m in enumerate(EDGES)])
    for place, moment in enumerate(EDGES):
        row = db(rows.filter(moment=moment)).get()
        assert (row.name, row.moment, row.wall) == (f"n{place}", moment, moment.replace(tzinfo=None))
        assert db.found(rows.filter(wall=moment.replace(tzinfo=None))) == f"n{place}"


@rule("D1", "D2")
def test_moments_are_ordered_to_the_microsecond(db: Db) -> None:
    db.given(Everything, [{"name": f"n{i}", "moment": m, "wall": m.replace(tzinfo=None)} for i, m in enumerate(EDGES)])
    ordered = [f"n{i}" for i in range(len(EDGES))]
    for field in ("moment", "wall"):
        assert db.names(rows.order_by(field)) == ordered
        assert db.names(rows.order_by(f"-{field}")) == ordered[::-1]
    assert db.found(rows.filter(moment__gt=EDGES[4])) == "n5 n6 n7"
    assert db.found(rows.filter(moment__lte=EDGES[2])) == "n0 n1 n2"


@rule("D1")
def test_a_moment_of_the_stores_own_precision_is_the_same_in_the_instance_and_in_the_store(db: Db) -> None:
    for place, moment in enumerate(EDGES[2:7]):
        made = db(rows.all()).create(name=f"own{place}", instant=moment)
        assert db(rows.all()).get(pk=made.pk).instant == made.instant
        assert abs(made.instant - moment) < timedelta(milliseconds=1)
        assert db.found(rows.filter(name=made.name, instant=made.instant)) == made.name
        assert db.found(rows.filter(name=made.name, instant=moment)) == made.name


@rule("D1")
def test_moments_have_microseconds_by_default_exactly_where_the_store_says_so(db: Db) -> None:
    db.given(
        Everything, [{"name": "a", "instant": EDGES[4]}, {"name": "b", "instant": EDGES[4] + timedelta(seconds=1)}]
    )
    kept = db(rows.all()).get(name="a").instant == EDGES[4]
    assert kept is db.declares(Feature.MICROSECONDS)
    db.proves(*(["Feature:MICROSECONDS"] if kept else []))


@rule("D3", "D4")
def test_a_moment_is_stored_and_returned_in_utc(db: Db) -> None:
    paris = datetime(2024, 7, 1, 12, 0, tzinfo=ZoneInfo("Europe/Paris"))
    fixed = datetime(2024, 7, 1, 3, 30, tzinfo=timezone(timedelta(hours=-6, minutes=-30)))
    db.given(Everything, [{"name": "paris", "moment": paris}, {"name": "fixed", "moment": fixed}])
    for name in ("paris", "fixed"):
        found = db(rows.all()).get(name=name).moment
        assert found == datetime(2024, 7, 1, 10, 0, tzinfo=UTC)
        assert found.utcoffset() == timedelta(0)
    assert db.found(rows.filter(moment=paris)) == "fixed paris"
    assert db.found(rows.filter(moment=datetime(2024, 7, 1, 10, tzinfo=UTC))) == "fixed paris"


@rule("D3")
def test_a_naive_datetime_is_refused_as_a_moment(db: Db) -> None:
    naive = datetime(2024, 1, 1, 12)
    db.given(Everything, [{"name": "a"}])
    with db.commands(0), pytest.raises(ValidationError, match=r"Everything\.moment.*timezone"):
        db(rows.all()).create(name="x", moment=naive)
    with db.commands(0), pytest.raises(ValidationError, match=r"Everything\.moment.*timezone"):
        db(rows.all()).update(moment=naive)
    with db.commands(0), pytest.raises(FieldError, match="no timezone"):
        db(rows.filter(moment__gt=naive)).rows()
    with db.commands(0), pytest.raises(ValidationError, match=r"Everything\.moments"):
        db(rows.all()).create(name="x", moments=[naive])


@rule("D3")
def test_a_wall_clock_time_is_never_shifted_and_takes_no_zone(db: Db) -> None:
    wall = datetime(2024, 3, 31, 2, 30)
    db.given(Everything, [{"name": "a", "wall": wall}])
    assert db(rows.all()).get().wall == wall
    assert db(rows.all()).get().wall.tzinfo is None
    assert db.found(rows.filter(wall=wall)) == "a"
    with db.commands(0), pytest.raises(ValidationError, match=r"Everything\.wall"):
        db(rows.all()).create(name="x", wall=wall.replace(tzinfo=UTC))
    with db.commands(0), pytest.raises(FieldError, match="naive datetime"):
        db(rows.filter(wall=wall.replace(tzinfo=UTC))).rows()


@rule("D5", "D12")
def test_dates_are_never_shifted(db: Db) -> None:
    days = [date(1, 1, 1), date(1582, 10, 10), date(1969, 12, 31), date(2024, 2, 29), date(9999, 12, 31)]
    db.given(Everything, [{"name": f"n{i}", "day": day} for i, day in enumerate(days)])
    for place, day in enumerate(days):
        found = db(rows.filter(day=day)).get()
        assert (found.name, found.day, type(found.day)) == (f"n{place}", day, date)
    assert db.names(rows.order_by("day")) == [f"n{i}" for i in range(len(days))]


@rule("D5")
def test_a_date_is_not_compared_with_a_datetime(db: Db) -> None:
    db.given(Everything, [{"name": "a", "day": date(2024, 1, 1)}])
    for value in (datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC)):
        with db.commands(0), pytest.raises(FieldError, match="not a datetime"):
            db(rows.filter(day=value)).rows()
    with db.commands(0), pytest.raises(FieldError, match="aware datetime"):
        db(rows.filter(moment=date(2024, 1, 1))).rows()


@rule("D6")
def test_times_of_day_keep_their_microseconds_and_their_order(db: Db) -> None:
    times = [time(0), time(0, 0, 0, 1), time(12, 30), time(23, 59, 59, 999999)]
    db.given(Everything, [{"name": f"n{i}", "at": each} for i, each in enumerate(times)])
    assert [row.at for row in db(rows.order_by("at")).rows()] == times
    assert db.found(rows.filter(at=times[3])) == "n3"
    assert db.found(rows.filter(at__lt=time(12))) == "n0 n1"
    with db.commands(0), pytest.raises(ValidationError, match=r"Everything\.at"):
        db(rows.all()).create(name="x", at=time(1, tzinfo=UTC))


@rule("D7")
def test_durations_are_exact_to_the_microsecond(db: Db) -> None:
    spans = [
        timedelta(days=-30000, microseconds=1),
        timedelta(microseconds=-1),
        timedelta(0),
        timedelta(microseconds=1),
        timedelta(hours=25),
        timedelta(days=100_000, microseconds=999_999),
    ]
    db.given(Everything, [{"name": f"n{i}", "span": span} for i, span in enumerate(spans)])
    assert [row.span for row in db(rows.order_by("span")).rows()] == spans
    for place, span in enumerate(spans):
        assert db.found(rows.filter(span=span)) == f"n{place}"
    assert db.found(rows.filter(span__lt=timedelta(0))) == "n0 n1"


@rule("D7")
def test_a_timedelta_beyond_64_bits_of_microseconds_is_refused_and_compares_as_what_it_is(db: Db) -> None:
    db.given(Everything, [{"name": "day", "span": timedelta(1)}, {"name": "null"}])
    with db.commands(0), pytest.raises(ValidationError, match=r"Everything\.span: .*64-bit number of microseconds"):
        db(rows.all()).create(name="x", span=timedelta.max)
    assert db.found(rows.filter(span__lt=timedelta.max)) == db.found(rows.filter(span__gte=timedelta.min)) == "day"
    assert db.found(rows.filter(span=timedelta.max)) == db.found(rows.filter(span__lt=timedelta.min)) == ""


@rule("D12")
def test_a_moment_beyond_the_calendar_of_utc_is_refused_and_compares_as_what_it_is(db: Db) -> None:
    early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    late = datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))
    db.given(Everything, [{"name": "now", "moment": EDGES[4]}, {"name": "null"}])
    for beyond in (early, late):
        with db.commands(0), pytest.raises(ValidationError, match=r"Everything\.moment: .*years 1 to 9999 of UTC"):
            db(rows.all()).create(name="x", moment=beyond)
        assert db.found(rows.filter(moment=beyond)) == ""
    assert db.found(rows.filter(moment__gt=early)) == db.found(rows.filter(moment__lte=late)) == "now"
    assert db.found(rows.filter(moment__lte=early)) == db.found(rows.filter(moment__gte=late)) == ""


@rule("D8")
@pytest.mark.parametrize("field", ["day", "moment", "wall"])
def test_a_year_is_looked_up_as_a_range(db: Db, field: str) -> None:
    edges = {
        "before": datetime(2023, 12, 31, 23, 59, 59, 999999, UTC),
        "first": datetime(2024, 1, 1, tzinfo=UTC),
        "final": datetime(2024, 12, 31, 23, 59, 59, 999999, UTC),
        "next": datetime(2025, 1, 1, tzinfo=UTC),
    }
    fitting: Any = {"day": datetime.date, "moment": lambda m: m, "wall": lambda m: m.replace(tzinfo=None)}[field]
    db.given(Everything, [*({"name": n, field: fitting(m)} for n, m in edges.items()), {"name": "null"}])
    expected = {
        "year": "final first",
        "year__gt": "next",
        "year__gte": "final first next",
        "year__lt": "before",
        "year__lte": "before final first",
    }
    for lookup, names in expected.items():
        assert db.found(rows.filter(**{f"{field}__{lookup}": 2024})) == names, lookup
    assert db.found(rows.exclude(**{f"{field}__year": 2024})) == "before next null"
    assert db.found(rows.filter(**{f"{field}__year__range": (2023, 2024)})) == "before final first"
    assert db.found(rows.filter(**{f"{field}__year": 0})) == ""
    assert db.found(rows.filter(**{f"{field}__year__lt": 20000})) == "before final first next"


@rule("D8")
@pytest.mark.parametrize("field", ["moment", "wall"])
def test_a_date_is_looked_up_as_a_range(db: Db, field: str) -> None:
    day = date(2024, 2, 29)
    edges = {
        "before": at(day, 0) - timedelta(microseconds=1),
        "first": at(day, 0),
        "final": at(day, 23, 59, 59, 999999),
        "next": at(day, 0) + timedelta(days=1),
    }
    made = {n: m if field == "moment" else m.replace(tzinfo=None) for n, m in edges.items()}
    db.given(Everything, [*({"name": n, field: m} for n, m in made.items()), {"name": "null"}])
    assert db.found(rows.filter(**{f"{field}__date": day})) == "final first"
    assert db.found(rows.filter(**{f"{field}__date__gt": day})) == "next"
    assert db.found(rows.filter(**{f"{field}__date__lte": day})) == "before final first"
    assert db.found(rows.exclude(**{f"{field}__date": day})) == "before next null"


PARTS: dict[DatePart, Any] = {
    DatePart.ISO_YEAR: lambda d: d.isocalendar().year,
    DatePart.QUARTER: lambda d: (d.month + 2) // 3,
    DatePart.MONTH: lambda d: d.month,
    DatePart.DAY: lambda d: d.day,
    DatePart.WEEK: lambda d: d.isocalendar().week,
    DatePart.WEEK_DAY: lambda d: d.isoweekday() % 7 + 1,
    DatePart.ISO_WEEK_DAY: lambda d: d.isoweekday(),
}


@rule("D10")
@pytest.mark.parametrize("part", list(PARTS), ids=lambda part: part.value)
@pytest.mark.parametrize("field", ["day", "moment", "wall"])
def test_parts_of_dates_are_numbered_as_django_does(db: Db, field: str, part: DatePart) -> None:
    db.need(part)
    made: dict[str, date] = dict(DAYS)
    if field == "moment":
        made = {name: at(day, 23, 59, 59) for name, day in DAYS.items()}
    elif field == "wall":
        made = {name: datetime.combine(day, time(0)) for name, day in DAYS.items()}
    db.given(Everything, [*({"name": name, field: value} for name, value in made.items()), {"name": "null"}])
    for wanted in sorted({PARTS[part](day) for day in DAYS.values()}):
        holding = {n for n, d in DAYS.items() if PARTS[part](d) == wanted}
        assert set(db.names(rows.filter(**{f"{field}__{part.value}": wanted}))) == holding
        assert set(db.names(rows.exclude(**{f"{field}__{part.value}": wanted}))) == {*DAYS, "null"} - holding
    above = {n for n, d in DAYS.items() if PARTS[part](d) > 2}
    assert set(db.names(rows.filter(**{f"{field}__{part.value}__gt": 2}))) == above
    assert set(db.names(rows.filter(**{f"{field}__{part.value}__in": [1, 2]}))) == {
        n for n, d in DAYS.items() if PARTS[part](d) in (1, 2)
    }


@rule("D9", "D10")
@pytest.mark.parametrize("part", [DatePart.HOUR, DatePart.MINUTE, DatePart.SECOND], ids=lambda part: part.value)
@pytest.mark.parametrize("field", ["at", "moment", "wall"])
def test_parts_of_times_are_those_of_utc(db: Db, field: str, part: DatePart) -> None:
    db.need(part)
    times = {"a": time(23, 5, 59, 999999), "b": time(0, 0, 0), "c": time(5, 59, 5, 1)}
    day = date(1969, 12, 31)
    make: Any = {
        "at": lambda t: t,
        "moment": lambda t: datetime.combine(day, t, UTC),
        "wall": lambda t: datetime.combine(day, t),
    }
    db.given(Everything, [*({"name": n, field: make[field](t)} for n, t in times.items()), {"name": "null"}])
    for wanted in (0, 5, 59, 23):
        holding = " ".join(n for n, t in times.items() if getattr(t, part.value) == wanted)
        assert db.found(rows.filter(**{f"{field}__{part.value}": wanted})) == holding


@rule("D8", needs=[DatePart.TIME])
@pytest.mark.parametrize("field", ["moment", "wall"])
def test_the_time_of_a_moment_is_looked_up(db: Db, field: str) -> None:
    zone = UTC if field == "moment" else None
    moments = {"noon": datetime(2024, 1, 1, 12, tzinfo=zone), "early": datetime(1950, 1, 1, 3, 4, 5, 6, tzinfo=zone)}
    db.given(Everything, [*({"name": n, field: m} for n, m in moments.items()), {"name": "null"}])
    assert db.found(rows.filter(**{f"{field}__time": time(12)})) == "noon"
    assert db.found(rows.filter(**{f"{field}__time__lt": time(12)})) == "early"
    assert db.found(rows.filter(**{f"{field}__time": time(3, 4, 5, 6)})) == "early"


@rule("D8")
def test_parts_belong_to_fields_that_have_them(db: Db) -> None:
    db.given(Everything, [{"name": "a"}])
    for name, value in (
        ("day__hour", 1),
        ("at__year", 1),
        ("number__year", 1),
        ("day__nosuch", 1),
        ("text__date", "x"),
    ):
        with db.commands(0), pytest.raises(FieldError, match="Everything"):
            db(rows.filter(**{name: value})).rows()


@rule("D13")
@pytest.mark.parametrize("text", ["2024-02-30", "24:61", "2024-01-01T23:59:60Z", "yesterday", ""])
def test_texts_that_are_no_moments_are_refused(db: Db, text: str) -> None:
    db.given(Everything, [{"name": "a"}])
    for field in ("day", "at", "moment", "wall"):
        with db.commands(0), pytest.raises(FieldError, match=rf"Everything\.{field}"):
            db(rows.filter(**{field: text})).rows()


@rule("D14", "D11")
def test_moments_set_by_themselves_follow_every_write(db: Db) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    made = db(Stamped.objects.all()).create(name="a")
    created, updated = made.created, made.updated
    assert before <= created <= datetime.now(UTC)
    assert before <= updated <= datetime.now(UTC)
    made.name = "b"
    db(made).save()
    found = db(Stamped.objects.all()).get(pk=made.pk)
    assert (found.created, found.name) == (created, "b")
    assert found.updated == made.updated >= updated
    assert db(Stamped.objects.filter(pk=made.pk)).update(name="c") == 1
    found = db(Stamped.objects.all()).get(pk=made.pk)
    assert found.created == created
    assert found.updated >= made.updated
    assert found.touched == datetime.now(UTC).date()


@rule("D14")
def test_a_moment_set_by_itself_yields_to_one_that_an_update_gives(db: Db) -> None:
    made = db(Stamped.objects.all()).create(name="a")
    chosen = datetime(2000, 1, 1, tzinfo=UTC)
    db(Stamped.objects.filter(pk=made.pk)).update(updated=chosen)
    assert db(Stamped.objects.all()).get(pk=made.pk).updated == chosen


@rule("D1", "D3", "G7")
def test_moments_within_structures_are_the_same_in_the_instance_and_in_the_store(db: Db) -> None:
    born = datetime(1969, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    db.given(Everything, [])
    structures = {"moments": [born, EDGES[7]], "person": Person(name="P", born=born)}
    made = db(rows.all()).create(name="structures", **structures)
    row = db(rows.all()).get(pk=made.pk)
    assert row.moments == made.moments
    assert row.person == made.person
    kept = db.declares(Feature.MICROSECONDS)
    assert (row.moments == [born, EDGES[7]]) is kept
    assert (row.person.born == born) is kept
    assert abs(row.person.born - born) < timedelta(milliseconds=1)
