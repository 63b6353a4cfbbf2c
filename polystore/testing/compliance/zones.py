"""Clocks of zones with odd histories: parts and beginnings as Python's own tables of zones give them, in every age."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from polystore import Count, Extract, F, Feature, Trunc
from polystore.errors import DataError
from polystore.query.evaluate.dates import extractor, truncator
from polystore.query.operators import DatePart, Function
from polystore.query.zones import clock_of
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything

rows = Everything.objects
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_000, UTC)
UNITS = ["year", "quarter", "month", "week", "day", "hour", "minute", "second"]
AGES = [1583, 1800, 1900, 1945, 1970, 1999, 2024, 2037, 2038, 2039, 2040, 2100, 2439, 2440, 2500, 9998]
NEEDS = [Feature.COMPUTED, Feature.TIME_ZONES, Function.TRUNC, *DatePart]
ZONES = [
    "Africa/Abidjan",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Monrovia",
    "America/Asuncion",
    "America/Caracas",
    "America/Godthab",
    "America/Havana",
    "America/Juneau",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Toronto",
    "Antarctica/Troll",
    "Asia/Amman",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Manila",
    "Asia/Pyongyang",
    "Asia/Shanghai",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Etc/GMT-14",
    "Etc/GMT+12",
    "Europe/Amsterdam",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Istanbul",
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Moscow",
    "Europe/Paris",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Kwajalein",
    "UTC",
]


def moments_of(zone: str) -> list[datetime]:
    """Moments to the millisecond around changes of a zone's clocks, and far away from all of them."""
    dice = Random(zone)
    starts = clock_of(zone).starts
    written = [start for start in starts if start < 2_200_000_000]
    changes = {*dice.sample(written, min(24, len(written))), *dice.sample(starts, min(4, len(starts)))}
    near = (timedelta(0), timedelta(milliseconds=-1), timedelta(hours=1, milliseconds=dice.randint(-1, 1)))
    made = [EPOCH + timedelta(seconds=change) + distance for change in sorted(changes) for distance in near]
    made += [EPOCH + timedelta(seconds=change, minutes=dice.randint(-2000, 2000)) for change in sorted(changes)]
    for year in AGES:
        begun = datetime(year, 1, 1, tzinfo=UTC)
        made += [begun + timedelta(milliseconds=dice.randint(0, 365 * 86_400_000)) for _ in range(2)]
        made.append(begun + timedelta(hours=dice.randint(-15, 15)))
    return made


def rows_of(moments: list[datetime]) -> list[dict[str, Any]]:
    """A row for each moment, one field to the microsecond, one of the store's own precision; and one with NULL."""
    made: list[dict[str, Any]] = [
        {"name": f"n{place}", "moment": moment + timedelta(microseconds=place), "instant": moment}
        for place, moment in enumerate(moments)
    ]
    return [*made, {"name": "null"}]


def asked_of(field: str, zone: str) -> list[tuple[str, Any, Callable[[Any], Any]]]:
    """Every part and every unit: what it is called, its expression, and what the reference computes."""
    place = ZoneInfo(zone)
    parts: list[tuple[str, Any, Callable[[Any], Any]]] = [
        (f"{part.value} of {field}", Extract(field, part.value, tzinfo=place), extractor(part, zone))
        for part in DatePart
    ]
    units = [
        (f"beginning of the {unit} of {field}", Trunc(field, unit, tzinfo=place), truncator(DatePart(unit), zone))
        for unit in UNITS
    ]
    return [*parts, *units]


@rule("D9", "D10", needs=NEEDS)
@pytest.mark.parametrize("field", ["moment", "instant"])
@pytest.mark.parametrize("zone", ZONES)
def test_the_clocks_of_zones_with_odd_histories_are_those_of_the_reference(db: Db, zone: str, field: str) -> None:
    made = rows_of([] if db.missing else moments_of(zone))
    db.given(Everything, made)
    asked = asked_of(field, zone)
    moments = {row["name"]: row.get(field) for row in made}
    wrong = []
    for name, *values in db(rows.values_list("name", *(expression for _, expression, _ in asked))).rows():
        moment = moments[name]
        for (what, _, compute), found in zip(asked, values, strict=True):
            expected = None if moment is None else compute(moment)
            if found != expected:
                wrong.append(f"{what}, {moment}: {found}, not {expected}")
    assert wrong == []


EDGE_ZONES = ["America/New_York", "Asia/Tokyo", "Europe/Berlin", "Etc/GMT-14", "Etc/GMT+12"]


@rule("D9", "D12", needs=NEEDS)
@pytest.mark.parametrize("field", ["moment", "instant"])
@pytest.mark.parametrize("zone", EDGE_ZONES)
def test_clocks_beyond_the_calendar_are_data_errors_where_the_reference_has_one(db: Db, zone: str, field: str) -> None:
    edges = [FIRST, FIRST + timedelta(hours=13), LAST - timedelta(hours=13), LAST]
    for moment in edges:
        db.given(Everything, [{"name": "it", field: moment}])
        for what, expression, compute in asked_of(field, zone):
            query = rows.filter(name="it").values_list(expression, flat=True)
            try:
                expected = compute(moment)
            except DataError:
                with pytest.raises(DataError):
                    pytest.fail(f"{what}, {moment}: {db(query).get()}, not a DataError")
            else:
                assert db(query).get() == expected, f"{what}, {moment}"


@rule("D9", needs=[*NEEDS, Feature.ORDER_EXPRESSIONS])
def test_the_clocks_of_zones_stand_in_filters_and_orders_and_within_each_other(db: Db) -> None:
    moments = [] if db.missing else moments_of("America/New_York")
    db.given(Everything, rows_of(moments))
    new_york, apia, berlin = (ZoneInfo(name) for name in ("America/New_York", "Pacific/Apia", "Europe/Berlin"))
    hour, day, month = (
        truncator(DatePart(unit), str(zone)) for unit, zone in (("hour", new_york), ("day", apia), ("month", berlin))
    )
    nested = Trunc(Trunc(Trunc("moment", "hour", tzinfo=new_york), "day", tzinfo=apia), "month", tzinfo=berlin)
    computed = {f"n{place}": month(day(hour(moment))) for place, moment in enumerate(moments)}
    query = rows.exclude(name="null").annotate(nested=nested)
    ordered = db(query.order_by("nested", "id").values_list("name", "nested")).rows()
    assert ordered == sorted(computed.items(), key=lambda item: (item[1], int(item[0][1:])))
    found = db.found(query.filter(nested__lt=F("moment")).filter(nested__gte=EPOCH))
    expected = [
        name
        for name, beginning in computed.items()
        if EPOCH <= beginning < moments[int(name[1:])] + timedelta(microseconds=int(name[1:]))
    ]
    assert found == " ".join(sorted(expected))


@rule("D9", needs=[*NEEDS, Feature.GROUP, Feature.GROUP_EXPRESSIONS, Feature.HAVING])
def test_rows_are_grouped_by_the_clocks_of_a_zone(db: Db) -> None:
    moments = [] if db.missing else moments_of("Europe/Dublin")
    db.given(Everything, rows_of(moments))
    place = ZoneInfo("Europe/Dublin")
    compute = extractor(DatePart.HOUR, "Europe/Dublin")
    expected: dict[int, int] = {}
    for moment in moments:
        expected[compute(moment)] = expected.get(compute(moment), 0) + 1
    grouped = rows.exclude(name="null").annotate(hour=Extract("instant", "hour", tzinfo=place)).values("hour")
    query = grouped.annotate(size=Count("id")).filter(hour__gt=3).order_by("hour").values_list("hour", "size")
    assert db(query).rows() == sorted((hour, size) for hour, size in expected.items() if hour > 3)
