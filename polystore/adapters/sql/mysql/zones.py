"""Dates and times by the clocks of a zone on MySQL and MariaDB: offsets come from a table, by binary search.

Seconds are counted from the first of year 1, so that none is negative. An operand stands in a template as often as it
is needed, since these servers have no names for what is computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from polystore.adapters.sql.mysql.templates import BEGINNINGS
from polystore.query.operators import DatePart
from polystore.query.zones import CYCLE, DAY, Clock, clock_of

_BEFORE_1970, _LAST = 62_135_596_800, 315_537_897_599
_MOST = 9_223_372_036_854_775_807
_SIZES = {DatePart.HOUR: 3600, DatePart.MINUTE: 60, DatePart.SECOND: 1}
_FIRST_DAYS = {DatePart.YEAR: 365, DatePart.QUARTER: 90, DatePart.MONTH: 31, DatePart.WEEK: 7, DatePart.DAY: 1}
"""How long the first unit of the calendar is, in days."""
_SECOND = "TIMESTAMPDIFF(SECOND, '0001-01-01', {0})"


@lru_cache(maxsize=256)
def shown_template(zone: str) -> str:
    """The time that clocks show at the moment ``{0}``; an error where it lies beyond what Python has."""
    clock = clock_of(zone)
    return _shown(clock, -clock.offsets[0])


@lru_cache(maxsize=1024)
def beginning_template(unit: DatePart, zone: str) -> str:
    """The moment at which the unit begins that clocks show at ``{0}``; an error where it lies beyond the calendar."""
    clock = clock_of(zone)
    ahead = clock.offsets[0]
    if unit in _SIZES:
        size = _SIZES[unit]
        offset = _offset(clock, -ahead % size if ahead > 0 else -ahead)
        second = f"{_SECOND} - MOD({_SECOND} + {offset}, {size})"
        return f"CAST(TIMESTAMPADD(SECOND, {second}, '0001-01-01') AS DATETIME(6))"
    shown = _shown(clock, (_FIRST_DAYS[unit] * DAY if ahead > 0 else 0) - ahead)
    midnight = f"CAST({BEGINNINGS[unit].format(shown)} AS DATETIME(6))"
    second = f"{_SECOND.format(midnight)}{_cycles(clock)}"
    return f"TIMESTAMPADD(SECOND, -{_found(clock.midnights, clock.reliefs, second)}, {midnight})"


def _shown(clock: Clock, first: int) -> str:
    return f"TIMESTAMPADD(SECOND, {_offset(clock, first)}, {{0}})"


def _offset(clock: Clock, first: int) -> str:
    """The offset at the moment ``{0}``; an overflow before its first second or where the time lies beyond year 9999."""
    last = _LAST - max(0, clock.offset(_LAST - _BEFORE_1970))
    checked = f"({_MOST} + ({_SECOND} NOT BETWEEN {first} AND {last}) - {_MOST})"
    return f"({_found(clock.starts, clock.offsets, f'{_SECOND}{_cycles(clock)}')} + {checked})"


def _cycles(clock: Clock) -> str:
    """What brings a second near ``{0}`` back into the table."""
    if clock.repeats_from is None:
        return ""
    return f" - {CYCLE} * GREATEST(0, ({_SECOND} - {clock.repeats_from + _BEFORE_1970}) DIV {CYCLE})"


def _found(starts: Sequence[int], values: Sequence[int], second: str) -> str:
    """The value that holds at a second: the first before all starts."""
    if not starts:
        return f"({values[0]})"
    marks = ", ".join(str(start + _BEFORE_1970) for start in starts)
    return f"CAST(ELT(INTERVAL({second}, {marks}) + 1, {', '.join(map(str, values))}) AS SIGNED)"
