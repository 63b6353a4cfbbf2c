"""Parts of dates and times, and the beginnings of units."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from polystore.errors import DataError
from polystore.query.operators import DatePart

_SMALL = {
    DatePart.HOUR: {"minute": 0, "second": 0, "microsecond": 0},
    DatePart.MINUTE: {"second": 0, "microsecond": 0},
    DatePart.SECOND: {"microsecond": 0},
}


def extractor(part: DatePart, zone: str | None) -> Callable[[Any], Any]:
    """The function that gives a part of a date, time or datetime."""
    extract = _EXTRACTS[part]
    if zone is None:
        return extract
    there = _clock(zone)
    return lambda moment: extract(there(moment))


def truncator(unit: DatePart, zone: str | None) -> Callable[[Any], Any]:
    """The function that gives the beginning of a unit."""
    if zone is None:
        return lambda value: _beginning(unit, value)
    there, back = _clock(zone), _clock("UTC")
    if unit in _SMALL:
        return lambda moment: back(_keeping_offset(unit, there(moment)))

    def beginning(moment: datetime) -> datetime:
        begun = _beginning(unit, there(moment))
        first: datetime = back(begun)
        return first if there(first).replace(tzinfo=None) == begun.replace(tzinfo=None) else _jump(begun)

    return beginning


def _jump(left_out: datetime) -> datetime:
    """The moment at which clocks jump over a time."""
    before, after = (left_out.replace(fold=fold).astimezone(UTC) for fold in (1, 0))
    place, offset = left_out.tzinfo, before.astimezone(left_out.tzinfo).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // timedelta(seconds=2) * timedelta(seconds=1)
        if middle.astimezone(place).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def _clock(zone: str) -> Callable[[datetime], datetime]:
    """The function from a moment to the same one by the clocks of a zone."""
    place = UTC if zone == "UTC" else ZoneInfo(zone)

    def shifted(moment: datetime) -> datetime:
        try:
            return moment.astimezone(place)
        except OverflowError as error:
            raise DataError(f"{moment} lies beyond the years 1 to 9999 in {zone}") from error

    return shifted


def _keeping_offset(unit: DatePart, shown: datetime) -> datetime:
    """The beginning by clocks that are not set in between."""
    offset = shown.utcoffset()
    assert offset is not None
    beginning: datetime = _beginning(unit, shown.replace(tzinfo=timezone(offset)))
    return beginning


def _beginning(unit: DatePart, value: Any) -> Any:
    small = _SMALL.get(unit)
    if small is not None:
        return value.replace(**small)
    day = _first_day(unit, value)
    if isinstance(value, datetime):
        return datetime.combine(day, time.min, tzinfo=value.tzinfo)
    return day


def _first_day(unit: DatePart, value: date) -> date:
    day = _date_of(value)
    match unit:
        case DatePart.YEAR:
            return day.replace(month=1, day=1)
        case DatePart.QUARTER:
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case DatePart.MONTH:
            return day.replace(day=1)
        case DatePart.WEEK:
            return day - timedelta(days=day.weekday())
        case _:
            return day


def _date_of(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value


def _time_of(value: time | datetime) -> time:
    return value.time() if isinstance(value, datetime) else value


_EXTRACTS: dict[DatePart, Callable[[Any], Any]] = {
    DatePart.YEAR: lambda value: value.year,
    DatePart.ISO_YEAR: lambda value: value.isocalendar().year,
    DatePart.QUARTER: lambda value: (value.month + 2) // 3,
    DatePart.MONTH: lambda value: value.month,
    DatePart.DAY: lambda value: value.day,
    DatePart.WEEK: lambda value: value.isocalendar().week,
    DatePart.WEEK_DAY: lambda value: value.isoweekday() % 7 + 1,
    DatePart.ISO_WEEK_DAY: lambda value: value.isoweekday(),
    DatePart.HOUR: lambda value: value.hour,
    DatePart.MINUTE: lambda value: value.minute,
    DatePart.SECOND: lambda value: value.second,
    DatePart.DATE: _date_of,
    DatePart.TIME: _time_of,
}
