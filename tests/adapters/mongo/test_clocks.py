"""The clocks of zones as expressions: computed by hand they are those of the tables, in every age, and stay small."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest
from bson import decode
from bson.codec_options import CodecOptions, DatetimeConversion

from polystore.adapters.mongo import years
from polystore.adapters.mongo.clocks import END, FIRST, Table, looked_up, offsets, reliefs
from polystore.adapters.mongo.years import LaterYears, few_years, later_years
from polystore.query.zones import CYCLE, DAY, Clock, clock_of
from polystore.testing.compliance.zones import ZONES

CODEC: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)


class Beyond(Exception):
    """The expression fails."""


def compute(expression: Any, variables: dict[str, Any]) -> Any:
    """What an expression of a table gives; a date is its milliseconds, None is below all."""
    if isinstance(expression, str):
        return variables[expression.removeprefix("$$")]
    if not isinstance(expression, dict):
        return None if expression is None else int(expression)
    ((operator, argument),) = expression.items()
    match operator:
        case "$literal":
            return argument
        case "$cond":
            return compute(argument[1 if compute(argument[0], variables) else 2], variables)
        case "$let":
            given = {name: compute(value, variables) for name, value in argument["vars"].items()}
            return compute(argument["in"], {**variables, **given})
        case "$toLong":
            raise Beyond
        case "$floor":
            value = compute(argument, variables)
            return None if value is None else math.floor(value)
        case "$min" | "$max":
            choose = min if operator == "$min" else max
            return choose(value for each in argument if (value := compute(each, variables)) is not None)
        case "$add":
            return sum(compute(each, variables) for each in argument)
    return compute_pair(operator, *(compute(each, variables) for each in argument))


def compute_pair(operator: str, left: Any, right: Any) -> Any:
    """What an operator gives of two values."""
    match operator:
        case "$lt":
            return left is None or left < right
        case "$lte":
            return left is None
        case "$subtract" | "$divide" if left is None:
            return None
        case "$subtract":
            return left - right
        case "$divide":
            return left / right
        case "$mod":
            assert left >= 0
            return left % right
        case "$arrayElemAt":
            assert 0 <= right < len(left)
            return left[right]
    raise AssertionError(operator)


def opened(table: Table) -> dict[str, Any]:
    return decode(bytes(table.raw), CODEC)


def times_of(starts: tuple[int, ...], unit: int) -> list[int]:
    dice = Random(7)
    near = dice.sample(starts, min(80, len(starts)))
    around = [second + more * unit for second in near for more in (-1, 0, 1)]
    far = [dice.randint(FIRST // unit + 2 * DAY // unit, END // unit - 2 * DAY // unit) * unit for _ in range(100)]
    cycled = [second + dice.randint(1, 18) * CYCLE for second in near]
    return [second for second in [*around, *far, *cycled] if FIRST + 2 * DAY <= second < END - 2 * DAY]


@pytest.mark.parametrize("zone", [*ZONES, "Asia/Hebron"])
def test_what_a_server_looks_up_is_what_the_table_of_the_zone_says(zone: str) -> None:
    clock, of_moments, of_midnights = clock_of(zone), opened(offsets(zone)), opened(reliefs(zone))
    moments = times_of(clock.starts, 1)
    wrong = [s for s in moments if compute(of_moments, {"m": s * 1000}) != clock.offset(s) * 1000]
    assert wrong == []
    midnights = times_of(clock.midnights, DAY)
    wrong = [s for s in midnights if s * 1000 - compute(of_midnights, {"m": s * 1000}) != clock.midnight(s) * 1000]
    assert wrong == []


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "Europe/Berlin", "UTC"])
def test_a_time_beyond_the_calendar_fails_and_null_does_not(zone: str) -> None:
    clock, of_moments, of_midnights = clock_of(zone), opened(offsets(zone)), opened(reliefs(zone))
    assert isinstance(compute(of_moments, {"m": None}), int)
    assert isinstance(compute(of_midnights, {"m": None}), int)
    first, last = clock.second(FIRST), clock.second(END) - 1
    assert compute(of_moments, {"m": first * 1000}) == clock.offset(first) * 1000
    assert compute(of_moments, {"m": last * 1000 + 999}) == clock.offset(last) * 1000
    beyond = [second for second in (first - 1, last + 1) if FIRST <= second < END]
    assert len(beyond) == (zone != "UTC")
    for second in beyond:
        with pytest.raises(Beyond):
            compute(of_moments, {"m": second * 1000})
    if clock.offset(FIRST) > 0:
        with pytest.raises(Beyond):
            compute(of_midnights, {"m": FIRST * 1000})
    else:
        assert compute(of_midnights, {"m": FIRST * 1000}) == clock.offset(FIRST) * 1000


def test_28_years_say_all_of_the_rules_of_new_york() -> None:
    clock, later = clock_of("America/New_York"), later_years("America/New_York")
    assert later is not None
    assert later == few_years(2039)
    assert later.span == 28 * 365 * DAY + 7 * DAY
    assert len(clock.starts) > 1000
    assert len(offsets("America/New_York").raw) < 10_000
    assert len(offsets("Asia/Tokyo").raw) < 1_700


def test_years_begin_after_the_century_whose_leap_year_is_left_out() -> None:
    later = few_years(2088)
    assert later == few_years(2101)
    dice = Random(3)
    for start in (few_years(1990), later):
        begins = start.begins
        seconds = [dice.randint(begins, END) for _ in range(2000)]
        assert all(begins <= start.brought(second) < begins + start.span for second in seconds)
        assert all((start.brought(second) - second) % DAY == 0 for second in seconds)


def test_clocks_that_follow_more_than_the_sort_of_the_year_keep_all_400_years(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = tuple(sorted({few_years(2000).begins + year * 366 * DAY for year in range(399)}))
    offset = tuple(3600 * (place % 2) for place in range(400))
    clock = Clock(starts, offset, starts, few_years(2000).begins, starts, offset)
    monkeypatch.setattr(years, "clock_of", lambda zone: clock)
    later = later_years.__wrapped__("Nowhere/Odd")
    assert later == LaterYears(few_years(2000).begins, CYCLE)
    expression = looked_up(clock.starts, clock.offsets, later, (FIRST, END))
    for second in times_of(starts, 1):
        shown = compute(decode(Table("odd", expression).raw, CODEC), {"m": second * 1000})
        assert shown == clock.offset(second) * 1000
