"""Clocks as tables: they show what zoneinfo shows, in every zone, at every change and in every age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo, available_timezones

import pytest

from polystore.query.zones import DAY, Clock, _file, clock_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = -62_135_510_400, 253_402_214_400
ZONES = sorted({_file(zone): zone for zone in sorted(available_timezones())}.values())
"""Every zone; of those that are the same under several names one."""


def offset(place: ZoneInfo, second: int) -> int:
    shown = (EPOCH + timedelta(seconds=second)).astimezone(place).utcoffset()
    assert shown is not None
    return int(shown.total_seconds())


def wall(second: int) -> datetime:
    return (EPOCH + timedelta(seconds=second)).replace(tzinfo=None)


@pytest.mark.parametrize("initial", sorted({zone[0] for zone in ZONES}))
def test_the_table_of_every_zone_shows_what_zoneinfo_shows(initial: str) -> None:
    dice = Random(1)
    for zone in ZONES:
        if not zone.startswith(initial):
            continue
        clock, place = clock_of(zone), ZoneInfo(zone)
        seconds = [dice.randint(FIRST, LAST) for _ in range(200)] + [FIRST, LAST]
        seconds += [dice.randint(1_700_000_000, 2_500_000_000) for _ in range(200)]
        seconds += [near for start in clock.starts for near in (start - 1, start)]
        wrong = [second for second in seconds if clock.offset(second) != offset(place, second)]
        assert wrong == [], zone


@pytest.mark.parametrize("initial", sorted({zone[0] for zone in ZONES}))
def test_a_second_by_the_clocks_is_the_first_that_shows_it(initial: str) -> None:
    dice = Random(2)
    for zone in ZONES:
        if not zone.startswith(initial):
            continue
        clock, place = clock_of(zone), ZoneInfo(zone)
        changed = dice.sample(clock.starts, min(60, len(clock.starts)))
        seconds = [start + dice.randint(-90_000, 90_000) for start in changed]
        for second in [*seconds, *(dice.randint(FIRST, LAST) for _ in range(60))]:
            found = clock.second(second)
            shown = wall(second).replace(tzinfo=place)
            if shown.astimezone(UTC).astimezone(place).replace(tzinfo=None) == wall(second):
                assert found == (shown.astimezone(UTC) - EPOCH) // timedelta(seconds=1), (zone, second)
            else:
                assert found + offset(place, found) > second, (zone, second)
                assert found - 1 + offset(place, found - 1) < second, (zone, second)


@pytest.mark.parametrize("initial", sorted({zone[0] for zone in ZONES}))
def test_midnights_have_a_table_of_their_own(initial: str) -> None:
    dice = Random(3)
    for zone in ZONES:
        if not zone.startswith(initial):
            continue
        clock = clock_of(zone)
        days = [dice.randint(FIRST // DAY, LAST // DAY) for _ in range(100)]
        days += [wall // DAY + more for wall in clock.walls for more in (-1, 0, 1, 2)]
        wrong = [day for day in days if clock.midnight(day * DAY) != clock.second(day * DAY)]
        assert wrong == [], zone


def test_a_zone_without_rules_has_a_short_table() -> None:
    assert clock_of("UTC") == Clock((), (0,), (), None, (), (0,))
    assert clock_of("Etc/GMT-14").offsets == (14 * 3600,)
    tokyo = clock_of("Asia/Tokyo")
    assert tokyo.repeats_from is None
    assert len(tokyo.starts) < 12


def test_a_table_of_rules_is_of_400_years() -> None:
    assert 800 < len(clock_of("America/New_York").starts) < 1100
