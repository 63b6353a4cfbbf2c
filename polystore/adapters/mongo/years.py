"""Which few years of a zone's table say all of its rule.

A rule repeats itself after 400 years, for so do weekdays and leap years. Within a century 28 years are enough: in them
years of each length begin on each weekday. So a time in later years is brought back to the first 28 of them.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from msgspec import Struct

from polystore.query.zones import CYCLE, DAY, Clock, clock_of

_YEARS = 28
_SPAN = 10_227 * DAY
"""Seconds in 28 years of which every fourth is a leap year."""


class LaterYears(Struct, frozen=True):
    """How times from the second ``begins`` on are brought back to the ``span`` of seconds that begins there.

    First by whole 400 years; then by that of ``backs`` that has its place after the last of ``starts`` before the time:
    centuries that do not end in a leap year, and the years thereafter; then by whole spans.
    """

    begins: int
    span: int
    starts: tuple[int, ...] = ()
    backs: tuple[int, ...] = (0,)

    def brought(self, second: int) -> int:
        """The second of the span at which clocks do as they do at this one."""
        since = (second - self.begins) % CYCLE
        back = self.backs[sum(start - self.begins <= since for start in self.starts)]
        return self.begins + (since - back) % self.span


@lru_cache(maxsize=256)
def later_years(zone: str) -> LaterYears | None:
    """The years of a zone, all 400 where its clocks follow more than the sort of the year; None without a rule."""
    clock = clock_of(zone)
    if clock.repeats_from is None:
        return None
    few = few_years(_year_of(clock.repeats_from))
    alike = all(_is_like(clock, year, few) for year in range(_year_of(few.begins), _year_of(few.begins) + 400))
    return few if alike else LaterYears(clock.repeats_from, CYCLE)


def few_years(earliest: int) -> LaterYears:
    """The first 28 years from one on in which no leap year is left out, and how others are brought back to them."""
    first = earliest
    while any(map(_is_left_out, range(first, first + _YEARS))):
        first += 1
    left_out = [year for year in range(first, first + 400) if _is_left_out(year)]
    breaks = [year for each in left_out for year in (each, each + 1)]
    backs = (_begin(year) - _begin(_like(year, first)) for year in breaks)
    return LaterYears(_begin(first), _SPAN, tuple(map(_begin, breaks)), (0, *backs))


def _like(year: int, first: int) -> int:
    """The year of the first 28 that is like this one, and if this is no century's end, followed by years alike."""
    weekday = date(year, 1, 1).weekday()
    for each in range(first, first + _YEARS):
        fits = each % 4 > 0 if _is_left_out(year) else each % 4 == year % 4
        if fits and date(each, 1, 1).weekday() == weekday:
            return each
    raise AssertionError("in 28 years each begins on every weekday")


def _is_like(clock: Clock, year: int, few: LaterYears) -> bool:
    """Whether in a year clocks do as in the one to which it is brought."""
    assert clock.repeats_from is not None
    written = year if year < _year_of(clock.repeats_from) + 400 else year - 400
    begin, end = _begin(written), _begin(written + 1)
    start, last = few.brought(_begin(year)), few.brought(_begin(year + 1) - 1)
    return last + 1 - start == end - begin and _doing(clock, begin, end) == _doing(clock, start, last + 1)


def _doing(clock: Clock, begin: int, end: int) -> list[Any]:
    """What clocks do in a year: seconds since its beginning with what holds from there on."""
    told: list[Any] = []
    for starts, values in ((clock.starts, clock.offsets), (clock.midnights, clock.reliefs)):
        low, high = bisect_left(starts, begin), bisect_left(starts, end)
        told.append((values[low : high + 1], [start - begin for start in starts[low:high]]))
    return told


def _is_left_out(year: int) -> bool:
    """Whether it would be a leap year if it did not end a century."""
    return year % 100 == 0 and year % 400 > 0


def _year_of(second: int) -> int:
    return datetime.fromtimestamp(second, UTC).year


def _begin(year: int) -> int:
    return (date(year, 1, 1) - date(1970, 1, 1)).days * DAY
