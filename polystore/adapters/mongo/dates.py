"""Parts of dates and times, and the beginnings of units, by UTC.

The clocks of other zones are not declared: a server brings its own table of zones, which is older or newer than ours.
"""

from __future__ import annotations

from typing import Any

from bson import Int64

from polystore.adapters.mongo.values import Document, date_of, is_microseconds, literal, microseconds
from polystore.errors import NotSupportedError
from polystore.query.operators import DatePart
from polystore.schema.kinds import Kind, TimeKind

_HOUR, _MINUTE, _SECOND = 3_600_000_000, 60_000_000, 1_000_000
_DAY = 24 * _HOUR

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


def beginning_of(unit: DatePart, value: Any, kind: Kind | None, wanted: Kind) -> Any:
    """The beginning of the unit that a date or a moment of a kind lies in, as one of the ``wanted`` kind."""
    truncated: Document = {"date": date_of(value, kind), "unit": unit.value}
    if unit is DatePart.WEEK:
        truncated["startOfWeek"] = "monday"
    beginning = {"$dateTrunc": truncated}
    return microseconds(beginning, None) if is_microseconds(wanted) else beginning


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
