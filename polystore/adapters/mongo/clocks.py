"""The clocks of a zone as aggregation expressions: what they show at a moment, and when they first show a midnight.

A server's own table of zones is older or newer than Python's, so the table goes with the command, as three arrays: for
each year the place of its first change, the times of all changes, and what holds after each. So a row costs a few steps
and no search, and reading the command next to nothing; a tree of comparisons is read for milliseconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from bson import encode
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument

from polystore.adapters.mongo.values import Document, either, failure, given, literal, unless_null
from polystore.adapters.mongo.years import LaterYears, later_years
from polystore.query.zones import CYCLE, clock_of

FIRST, END = -62_135_596_800, 253_402_300_800
"""The seconds since 1970 at which year 1 begins and year 9999 ends."""
_YEAR = 31_557_600
"""Seconds in a year of the table."""
_NEVER = 2**62


class Table(RawBSONDocument):
    """An expression that is encoded once; of the text of a command only its name is a part."""

    __slots__ = ("name",)

    def __init__(self, name: str, expression: Document) -> None:
        super().__init__(encode(expression))
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"


def offset_of(zone: str, moment: Any) -> Document:
    """The milliseconds that clocks show more than UTC at a BSON date; an error where they are beyond the calendar."""
    return given({"m": moment}, offsets(zone))


def shown(zone: str, moment: Any) -> Document:
    """The BSON date that clocks show; NULL of NULL, an error beyond the calendar."""
    return given({"m": moment}, {"$add": ["$$m", offsets(zone)]})


def first_moment(zone: str, midnight: Any) -> Document:
    """The BSON date at which clocks first show a midnight, or a later time where they leave it out; else the same."""
    return given({"m": midnight}, {"$subtract": ["$$m", reliefs(zone)]})


@lru_cache(maxsize=256)
def offsets(zone: str) -> Table:
    """The milliseconds that clocks show more than UTC at the moment in the variable ``m``; some number for NULL."""
    clock = clock_of(zone)
    limits = clock.second(FIRST), clock.second(END)
    return Table(f"offsets of {zone}", looked_up(clock.starts, clock.offsets, later_years(zone), limits))


@lru_cache(maxsize=256)
def reliefs(zone: str) -> Table:
    """What to take off the midnight in the variable ``m`` for the moment at which clocks come to it, likewise."""
    clock = clock_of(zone)
    limits = FIRST + clock.offset(FIRST), END
    return Table(f"midnights of {zone}", looked_up(clock.midnights, clock.reliefs, later_years(zone), limits))


def looked_up(
    starts: Sequence[int], values: Sequence[int], later: LaterYears | None, limits: tuple[int, int]
) -> Document:
    """The value in milliseconds that holds at the time in the variable ``m``; an error beyond the limits.

    Args:
        starts: the seconds since 1970 at which another value begins to hold.
        values: the first one, and that after each of ``starts``.
        later: the years of the table to which all later ones are brought back.
        limits: the first second that may be asked for, and the first that may not be any more.
    """
    first, last = limits
    beyond = failure({"$toLong": "$$m"})
    time = "$$m" if later is None else either({"$lt": ["$$m", _date(later.begins)]}, "$$m", _brought(later))
    if last < END:
        time = either({"$lt": ["$$m", _date(last)]}, time, beyond)
    if first > FIRST:
        time = either({"$lt": ["$$m", _date(first)]}, unless_null(["$$m"], beyond), time)
    known = len(starts) if later is None else bisect_left(starts, later.begins + later.span)
    return _counted(starts[:known], _milliseconds(values[: known + 1]), time)


def _brought(later: LaterYears) -> Document:
    """The time in the variable ``m``, brought back from later years."""
    since = {"$mod": [{"$subtract": ["$$m", _date(later.begins)]}, CYCLE * 1000]}
    back: Any = 0
    for start, amount in zip(later.starts, later.backs[1:], strict=True):
        back = either({"$lt": ["$$c", (start - later.begins) * 1000]}, back, amount * 1000)
    return given(
        {"c": since}, {"$add": [_date(later.begins), {"$mod": [{"$subtract": ["$$c", back]}, later.span * 1000]}]}
    )


def _counted(starts: Sequence[int], values: list[int], time: Any) -> Document:
    """The value whose place is the number of starts that are not after the time."""
    base = starts[0] if starts else 0
    years = range(base, starts[-1] + _YEAR, _YEAR) if starts else range(1)
    before = [bisect_left(starts, year) for year in years]
    most = max(later - earlier for earlier, later in pairwise([*before, len(starts)]))
    year = {"$floor": {"$divide": ["$$t", _YEAR * 1000]}}
    place = {"$arrayElemAt": [literal(before), {"$max": [0, {"$min": [year, len(before) - 1]}]}]}
    listed = literal([*_milliseconds(starts, base), *[_NEVER] * most])
    reached = (
        either({"$lt": ["$$t", {"$arrayElemAt": ["$$s", {"$add": ["$$p", more]}]}]}, 0, 1) for more in range(most)
    )
    found = {"$arrayElemAt": [literal(values), {"$add": ["$$p", *reached]}]}
    return given({"t": {"$subtract": [time, _date(base)]}}, given({"p": place, "s": listed}, found))


def _milliseconds(seconds: Sequence[int], base: int = 0) -> list[int]:
    return [(second - base) * 1000 for second in seconds]


def _date(second: int) -> DatetimeMS:
    return DatetimeMS(second * 1000)
