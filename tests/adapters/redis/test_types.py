"""Values of every kind come back from a hash as they went in."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.adapters.redis.types import dump, load
from polystore.schema import kinds

EXAMPLES: list[tuple[kinds.Kind, Any, bytes]] = [
    (kinds.BoolKind(), True, b"1"),
    (kinds.BoolKind(), False, b"0"),
    (kinds.IntKind(), -(2**63), b"-9223372036854775808"),
    (kinds.FloatKind(), 0.1, b"0.1"),
    (kinds.FloatKind(), float("-inf"), b"-inf"),
    (kinds.DecimalKind(decimal_places=2), Decimal("1.10"), b"1.10"),
    (kinds.TextKind(), "", b""),
    (kinds.TextKind(), "é\U0001f600", "é\U0001f600".encode()),
    (kinds.BytesKind(), b"\0\xff", b"\0\xff"),
    (kinds.DateKind(), date(1, 1, 1), b"0001-01-01"),
    (kinds.TimeKind(), time(23, 59, 59, 999_999), b"86399999999"),
    (kinds.DateTimeKind(), datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), b"-1"),
    (kinds.NaiveDateTimeKind(), datetime(9999, 12, 31, 23, 59, 59, 999_999), b"253402300799999999"),
    (kinds.DurationKind(), timedelta(days=-1, microseconds=1), b"-86399999999"),
    (kinds.UuidKind(), UUID(int=5), b"00000000-0000-0000-0000-000000000005"),
    (kinds.ObjectIdKind(), "0123456789abcdef01234567", b"0123456789abcdef01234567"),
    (kinds.JsonKind(), {"a": [1, 2.5, None, "é"]}, '{"a":[1,2.5,null,"é"]}'.encode()),
    (kinds.ListKind(kinds.DecimalKind()), [Decimal("1.5")], b'["1.5"]'),
    (kinds.MapKind(kinds.DateKind()), {"a": date(2024, 2, 29)}, b'{"a":"2024-02-29"}'),
]


@pytest.mark.parametrize(("kind", "value", "stored"), EXAMPLES, ids=lambda each: repr(each)[:30])
def test_a_value_is_kept_as_readable_bytes_and_comes_back(kind: kinds.Kind, value: Any, stored: bytes) -> None:
    assert dump(kind)(value) == stored
    read = load(kind)
    back = stored if read is None else read(stored)
    assert back == value
    assert type(back) is type(value)


@given(st.datetimes(timezones=st.just(UTC)), st.timedeltas(), st.times())
def test_moments_spans_and_times_keep_their_microseconds(moment: datetime, span: timedelta, wall: time) -> None:
    for kind, value in (
        (kinds.DateTimeKind(), moment),
        (kinds.NaiveDateTimeKind(), moment.replace(tzinfo=None)),
        (kinds.DurationKind(), span),
        (kinds.TimeKind(), wall),
    ):
        read = load(kind)
        assert read is not None
        assert read(dump(kind)(value)) == value


@given(st.floats(allow_nan=False))
def test_floats_come_back_exactly(value: float) -> None:
    assert float(dump(kinds.FloatKind())(value)) == value


def test_a_structure_is_read_into_a_new_object_each_time() -> None:
    read = load(kinds.JsonKind())
    assert read is not None
    assert read(b"[1]") is not read(b"[1]")
