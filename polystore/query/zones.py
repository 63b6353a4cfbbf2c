"""The clocks of a time zone as a table, for stores that compute with the same clocks as Python does.

Servers have time zone databases of their own, of other ages, or none. So the offsets are taken from ``zoneinfo``, and a
server looks them up in the table: it only needs to add and to search a sorted list.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from itertools import accumulate
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

DAY = 86_400
CYCLE = 146_097 * DAY
"""Seconds in 400 years, after which the calendar repeats itself, weekdays included, and so do the rules of a zone."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEK = 7 * DAY
_HEADER = struct.Struct(">4sc15x6l")


class Clock(Struct, frozen=True):
    """Offsets from UTC in seconds, and the seconds since 1970 at which each but the first begins.

    ``walls`` are the furthest seconds shown before each of ``starts``, counted from 1970 by the clock. From
    ``repeats_from`` on, by UTC or by the clock, all is as it was ``CYCLE`` seconds before. ``midnights`` are those, by
    the clock, from which on another of ``reliefs`` is taken off a midnight for the second of UTC at which it begins.
    """

    starts: tuple[int, ...]
    offsets: tuple[int, ...]
    walls: tuple[int, ...]
    repeats_from: int | None = None
    midnights: tuple[int, ...] = ()
    reliefs: tuple[int, ...] = (0,)

    def offset(self, second: int) -> int:
        """What is added to a second of UTC for the one that clocks show."""
        return self.offsets[bisect_right(self.starts, self._within(second)[0])]

    def second(self, wall: int) -> int:
        """The first second of UTC at which clocks show this second or a later one."""
        near, cycles = self._within(wall)
        place = bisect_right(self.walls, near)
        found = near - self.offsets[place]
        if place:
            found = max(found, self.starts[place - 1])
        return found + cycles

    def midnight(self, wall: int) -> int:
        """The same for a midnight by the clock."""
        near, cycles = self._within(wall)
        return near - self.reliefs[bisect_right(self.midnights, near)] + cycles

    def _within(self, second: int) -> tuple[int, int]:
        """The second brought back into the table, and by how much."""
        if self.repeats_from is None or second < self.repeats_from:
            return second, 0
        cycles = (second - self.repeats_from) // CYCLE * CYCLE
        return second - cycles, cycles


@lru_cache(maxsize=256)
def clock_of(zone: str) -> Clock:
    """The table of a zone that ``zoneinfo`` knows."""
    place = ZoneInfo(zone)
    written = _written_changes(zone)
    last = written[-1] if written else 0
    repeats = any(True for _ in _changes(place, _year_start(last, 1), _year_start(last, 3)))
    following = _changes(place, last, _year_start(last, 2) + CYCLE + _WEEK) if repeats else ()
    starts: list[int] = []
    offsets = [_offset(place, (written[0] if written else 0) - 1)]
    for start in (*written, *following):
        offset = _offset(place, start)
        if offset != offsets[-1]:
            starts.append(start)
            offsets.append(offset)
    walls = accumulate((start + offset for start, offset in zip(starts, offsets, strict=False)), max)
    clock = Clock(tuple(starts), tuple(offsets), tuple(walls), _year_start(last, 2) if repeats else None)
    midnights, reliefs = _midnights(clock)
    return replace(clock, midnights=midnights, reliefs=reliefs)


def _midnights(clock: Clock) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Those from which on something else is to be taken off: after each change the first few are asked."""
    first = (-(-wall // DAY) * DAY for wall in clock.walls)
    midnights, reliefs = [], [clock.offsets[0]]
    bare = replace(clock, repeats_from=None)
    for midnight in sorted({each + days * DAY for each in first for days in (0, 1, 2)}):
        relief = midnight - bare.second(midnight)
        if relief != reliefs[-1]:
            midnights.append(midnight)
            reliefs.append(relief)
    return tuple(midnights), tuple(reliefs)


def _written_changes(zone: str) -> Sequence[int]:
    """The seconds since 1970 at which a zone's file says that something changes (RFC 8536)."""
    data = _file(zone)
    (version, *counts) = _HEADER.unpack_from(data)[1:]
    if version < b"2":
        return struct.unpack_from(f">{counts[3]}l", data, _HEADER.size)
    of_utc, of_standard, leaps, times, types, letters = counts
    second = _HEADER.size + times * 5 + types * 6 + letters + leaps * 8 + of_standard + of_utc
    times = _HEADER.unpack_from(data, second)[5]
    return struct.unpack_from(f">{times}q", data, second + _HEADER.size)


def _file(zone: str) -> bytes:
    """The file that ``zoneinfo`` reads: of the system, or else of the package tzdata."""
    for folder in TZPATH:
        path = Path(folder, zone)
        if path.is_file():
            return path.read_bytes()
    package, _, name = f"tzdata/zoneinfo/{zone}".rpartition("/")
    return files(package.replace("/", ".")).joinpath(name).read_bytes()


def _changes(place: ZoneInfo, start: int, end: int) -> Iterator[int]:
    """The seconds in a time at which clocks are set by the zone's rule, which never does so twice in a week."""
    before = _offset(place, start)
    for later in range(start + _WEEK, end + _WEEK, _WEEK):
        after = _offset(place, later)
        if after != before:
            low, high = later - _WEEK, later
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(place, middle) == before else (low, middle)
            yield high
        before = after


def _offset(place: ZoneInfo, second: int) -> int:
    shown = (_EPOCH + timedelta(seconds=second)).astimezone(place).utcoffset()
    assert shown is not None
    return int(shown.total_seconds())


def _year_start(second: int, years: int) -> int:
    """The beginning of a later year than that of a second."""
    year = (_EPOCH + timedelta(seconds=second)).year + years
    return int((datetime(year, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
