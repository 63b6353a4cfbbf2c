"""Dates and times by the clocks of a zone on PostgreSQL: offsets come from a table, by binary search."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from polystore.query.operators import DatePart
from polystore.query.zones import CYCLE, Clock, clock_of

_SMALL = (DatePart.HOUR, DatePart.MINUTE, DatePart.SECOND)
_UTC = "({0} AT TIME ZONE 'UTC')"
_SECOND = "CAST(floor(extract(epoch FROM {0})) AS bigint)"
_IN_RANGE = (
    "({0} + (CASE WHEN {0} >= timestamp '0001-01-01' AND {0} < timestamp '10000-01-01' THEN 0 ELSE 300000 END) "
    "* interval '1 year')"
)
"""An error of the server where a timestamp lies beyond what Python has."""


@lru_cache(maxsize=256)
def shown_template(zone: str) -> str:
    """The timestamp that clocks show at the moment ``{0}``."""
    clock = clock_of(zone)
    shown = f"SELECT {_UTC} + {_offset(clock, _SECOND)} * interval '1 second' AS shown"
    return f"(SELECT {_IN_RANGE.format('shown')} FROM ({shown} OFFSET 0) AS clock)"


@lru_cache(maxsize=1024)
def beginning_template(unit: DatePart, zone: str) -> str:
    """The moment at which the unit begins that clocks show at the moment ``{0}``."""
    clock = clock_of(zone)
    if unit in _SMALL:
        offset = f"SELECT {_UTC} AS utc, {_offset(clock, _SECOND)} * interval '1 second' AS ahead"
        shown = _IN_RANGE.format("(utc + ahead)")
        begun = f"SELECT date_trunc('{unit.value}', {shown}) - ahead AS begun FROM ({offset} OFFSET 0) AS clock"
    else:
        midnight = f"SELECT date_trunc('{unit.value}', {shown_template(zone)}) AS midnight"
        relief = _found(clock, clock.midnights, clock.reliefs, "CAST(extract(epoch FROM midnight) AS bigint)")
        begun = f"SELECT midnight - {relief} * interval '1 second' AS begun FROM ({midnight} OFFSET 0) AS day"
    return f"(SELECT {_IN_RANGE.format('begun')} AT TIME ZONE 'UTC' FROM ({begun} OFFSET 0) AS unit)"


def _offset(clock: Clock, second: str) -> str:
    return _found(clock, clock.starts, clock.offsets, second)


def _found(clock: Clock, starts: Sequence[int], values: Sequence[int], second: str) -> str:
    """The value that holds at a second: the first before all starts."""
    if not starts:
        return f"({values[0]})"
    if clock.repeats_from is not None:
        start = clock.repeats_from
        second = f"(CASE WHEN {second} < {start} THEN {second} ELSE {start} + mod({second} - {start}, {CYCLE}) END)"
    return f"({_array(values, 'integer')})[width_bucket({second}, {_array(starts, 'bigint')}) + 1]"


def _array(numbers: Sequence[int], kind: str) -> str:
    """An array that the server reads once; the braces are doubled, since this is part of a template."""
    return f"'{{{{{','.join(map(str, numbers))}}}}}'::{kind}[]"
