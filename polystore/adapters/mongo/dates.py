"""Parts of dates and times, and the beginnings of units, by UTC and by the clocks of zones."""

from __future__ import annotations

from typing import Any

from bson import Int64
from bson.datetime_ms import DatetimeMS

from polystore.adapters.mongo.clocks import FIRST, first_moment, offset_of, shown
from polystore.adapters.mongo.values import (
    Document,
    date_of,
    either,
    failure,
    given,
    is_microseconds,
    literal,
    microseconds,
    unless_null,
)
from polystore.errors import NotSupportedError
from polystore.query.operators import DatePart
from polystore.schema.kinds import Kind, TimeKind

_HOUR, _MINUTE, _SECOND = 3_600_000_000, 60_000_000, 1_000_000
_DAY = 24 * _HOUR
_SMALL = {DatePart.HOUR: _HOUR, DatePart.MINUTE: _MINUTE, DatePart.SECOND: _SECOND}

_OPERATORS: dict[DatePart, str] = {
    DatePart.YEAR: "$year",
    DatePart.ISO_YEAR: "$isoWeekYear",
    DatePart.MONTH: "$month",
    DatePart.DAY: "$dayOfMonth",
    DatePart.WEEK: "$isoWeek",
    DatePart.WEEK_DAY: "$dayOfWeek",
    DatePart.ISO_WEEK_DAY: "$isoDayOfWeek",
    DatePart.HOUR: "$hour",
    DatePart.MINUTE: "$minute",
    DatePart.SECOND: "$second",
}


def part_of(part: DatePart, value: Any, kind: Kind | None) -> Any:
    """A part of a date, time or moment; an int is a long."""
    if isinstance(kind, TimeKind):
        return _part_of_time(part, value)
    moment = date_of(value, kind)
    match part:
        case DatePart.QUARTER:
            return {"$toLong": {"$ceil": {"$divide": [{"$month": moment}, 3]}}}
        case DatePart.DATE:
            return {"$dateTrunc": {"date": moment, "unit": "day"}}
        case DatePart.TIME:
            return _modulo(microseconds(value, kind), _DAY)
        case _:
            return {_OPERATORS[part]: moment}


def part_there(part: DatePart, value: Any, kind: Kind | None, zone: str) -> Any:
    """A part of the time that clocks show at a moment."""
    if part is DatePart.TIME and is_microseconds(kind):
        offset = {"$multiply": [offset_of(zone, date_of("$$moment", kind)), literal(Int64(1000))]}
        return given({"moment": value}, _modulo({"$add": ["$$moment", offset]}, _DAY))
    return part_of(part, shown(zone, date_of(value, kind)), None)


def beginning_of(unit: DatePart, value: Any, kind: Kind | None, wanted: Kind) -> Any:
    """The beginning of the unit that a date or a moment of a kind lies in, as one of the ``wanted`` kind."""
    return _in_precision(_truncated(unit, date_of(value, kind)), wanted)


def beginning_there(unit: DatePart, value: Any, kind: Kind | None, wanted: Kind, zone: str) -> Any:
    """The moment at which the unit begins that clocks show at a moment; units of an hour and below keep the offset."""
    moment = date_of(value, kind)
    size = _SMALL.get(unit)
    if size is None:
        return _in_precision(first_moment(zone, _truncated(unit, shown(zone, moment))), wanted)
    since = _modulo({"$toLong": shown(zone, "$$moment")}, size // 1000)
    begun = given({"moment": moment}, {"$subtract": ["$$moment", since]})
    return _in_precision(given({"begun": begun}, _in_calendar("$$begun")), wanted)


def _truncated(unit: DatePart, moment: Any) -> Document:
    truncated: Document = {"date": moment, "unit": unit.value}
    if unit is DatePart.WEEK:
        truncated["startOfWeek"] = "monday"
    return {"$dateTrunc": truncated}


def _in_precision(moment: Any, wanted: Kind) -> Any:
    return microseconds(moment, None) if is_microseconds(wanted) else moment


def _in_calendar(moment: str) -> Document:
    """The moment, or an error before year 1."""
    before = unless_null([moment], failure({"$toLong": moment}))
    return either({"$lt": [moment, literal(DatetimeMS(FIRST * 1000))]}, before, moment)


def _part_of_time(part: DatePart, value: Any) -> Any:
    match part:
        case DatePart.HOUR:
            return _whole(value, _HOUR)
        case DatePart.MINUTE:
            return _whole({"$mod": [value, literal(Int64(_HOUR))]}, _MINUTE)
        case DatePart.SECOND:
            return _whole({"$mod": [value, literal(Int64(_MINUTE))]}, _SECOND)
        case DatePart.TIME:
            return value
        case _:
            raise NotSupportedError(f"a time of day has no {part.value}")


def _whole(value: Any, unit: int) -> Document:
    return {"$toLong": {"$floor": {"$divide": [value, unit]}}}


def _modulo(value: Any, unit: int) -> Document:
    """The remainder, never negative."""
    size = literal(Int64(unit))
    return {"$mod": [{"$add": [{"$mod": [value, size]}, size]}, size]}
