"""What only a real MongoDB can show of zones: plans, fields that are not there, updates, windows, queries within."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pymongo import MongoClient

from polystore import Count, Exists, Extract, F, OuterRef, Store, Trunc, Value, Window
from polystore.errors import DataError
from tests.adapters.mongo.helpers import Note

pytestmark = pytest.mark.server("mongodb")

NEW_YORK = ZoneInfo("America/New_York")
KOLKATA = ZoneInfo("Asia/Kolkata")
FIRST = datetime(1, 1, 1, tzinfo=UTC)
EVENING, MIDNIGHT = datetime(2024, 7, 1, 3, 30, tzinfo=UTC), datetime(2024, 7, 1, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def url(available_servers: dict[str, str]) -> str:
    return available_servers["mongodb"]


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(url) as opened:
        opened.drop_all([Note])
        opened.create_all([Note])
        Note.objects.bulk_create(
            [
                Note(title="evening", slug="a", moment=EVENING, exact=EVENING),
                Note(title="midnight", slug="b", moment=MIDNIGHT, exact=MIDNIGHT),
                Note(title="null", slug="c"),
            ]
        )
        yield opened
        opened.drop_all([Note])


@pytest.mark.parametrize("zone", [NEW_YORK, KOLKATA, ZoneInfo("Africa/Abidjan")], ids=str)
def test_a_plan_is_told_with_the_name_of_the_zones_table(store: Store, zone: ZoneInfo) -> None:
    query = Note.objects.filter(title="evening").annotate(begun=Trunc("moment", "day", tzinfo=zone)).values("begun")
    told = query.explain()
    assert f"<offsets of {zone}>" in told
    assert f"<midnights of {zone}>" in told
    assert len(told) < 2000
    assert "winningPlan" in query.explain(analyze=True)
    assert "winningPlan" in Note.objects.filter(exact__gt=Trunc("exact", "hour", tzinfo=zone)).explain(analyze=True)


def test_moments_that_are_not_there_are_null(store: Store, url: str) -> None:
    client: MongoClient[Any] = MongoClient(url)
    database = client.get_default_database()
    database.command({"collMod": "mongo_note", "validationLevel": "off"})
    database.mongo_note.update_many({}, {"$unset": {"moment": 1, "exact": 1}})
    client.close()
    for field in ("moment", "exact"):
        asked: list[Any] = [Extract(field, "hour", tzinfo=NEW_YORK), Extract(field, "time", tzinfo=NEW_YORK)]
        asked += [Trunc(field, unit, tzinfo=NEW_YORK) for unit in ("minute", "week")]
        assert list(Note.objects.values_list(*asked)) == [(None, None, None, None)] * 3


def test_a_value_beyond_the_calendar_is_an_error_only_where_there_is_a_row(store: Store) -> None:
    first = Extract(Value(FIRST), "year", tzinfo=NEW_YORK)
    second = Trunc(Value(FIRST), "minute", tzinfo=KOLKATA)
    for beyond in (first, second):
        assert list(Note.objects.filter(title="nosuch").values_list(beyond)) == []
        with pytest.raises(DataError):
            list(Note.objects.values_list(beyond))


def test_updates_write_the_beginning_of_a_day_elsewhere(store: Store) -> None:
    day = Extract("exact", "date", tzinfo=NEW_YORK)
    assert Note.objects.update(moment=Trunc("moment", "day", tzinfo=NEW_YORK), day=day) == 3
    found = dict(Note.objects.values_list("title", F("moment")))
    assert found == {"evening": datetime(2024, 6, 30, 4, tzinfo=UTC), "midnight": MIDNIGHT, "null": None}
    assert set(Note.objects.values_list("day", flat=True)) == {date(2024, 6, 30), date(2024, 7, 1), None}


def test_windows_and_queries_within_know_days_elsewhere(store: Store) -> None:
    day = Trunc("moment", "day", tzinfo=NEW_YORK)
    counted = Note.objects.annotate(size=Window(Count("id"), partition_by=Trunc("moment", "month", tzinfo=NEW_YORK)))
    assert dict(counted.values_list("title", "size")) == {"evening": 1, "midnight": 1, "null": 1}
    earlier = Note.objects.filter(moment__lt=Trunc(OuterRef("moment"), "day", tzinfo=NEW_YORK))
    assert list(Note.objects.filter(Exists(earlier)).values_list("title", flat=True)) == ["midnight"]
    assert Note.objects.filter(moment__in=Note.objects.filter(moment__isnull=False).values(found=day)).count() == 1
