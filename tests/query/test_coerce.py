"""Verdicts and refusals, value by value; each table names its rule of the semantics."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID

import pytest
from bson import ObjectId
from pydantic import AnyUrl

from polystore.query.coerce import Refused, Verdict, coercer
from polystore.query.operators import Operator
from polystore.schema.kinds import INT64_MIN
from tests.query.models import SAMPLE, City, Grade, Level, Mood

NEVER, NOT_NULL = Verdict.NEVER, Verdict.NOT_NULL
EAST, WEST = timezone(timedelta(hours=5)), timezone(timedelta(hours=-5))
DIGITS_35 = Decimal("1." + "1" * 34)


class Word(StrEnum):
    """Another enum, whose member is the text of a mood."""

    CALM = "calm"


def coerced(lookup: str, value: Any) -> Any:
    name, _, word = lookup.partition("__")
    return coercer(SAMPLE.field(name).kind, Operator(word or "exact"))(value)


def same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and str(left) == str(right) and bool(left == right)


@pytest.mark.parametrize(
    ("lookup", "given", "plain"),
    [
        # B5, B6: ints
        ("number", "12", 12),
        ("number", 2.0, 2),
        ("number", Decimal("2.000"), 2),
        ("number", Level.HIGH, 20),
        ("number", INT64_MIN, INT64_MIN),
        ("number__gt", 1.5, 1),
        ("number__gte", 1.5, 2),
        ("number__lt", Decimal("-1.5"), -1),
        ("number__lte", -1.5, -2),
        # B13, B15: floats
        ("real", 3, 3.0),
        ("real", -0.0, 0.0),
        ("real", "0.1", 0.1),
        ("real__lt", 10**400, float("inf")),
        ("real__gt", -(10**400), float("-inf")),
        # B16 to B21: decimals
        ("amount", 3, Decimal("3.00")),
        ("amount", "1.5", Decimal("1.50")),
        ("amount", Decimal("-0"), Decimal("0.00")),
        ("amount__gt", Decimal("9.995"), Decimal("9.99")),
        ("amount__gte", Decimal("9.995"), Decimal("10.00")),
        ("loose", Decimal("1.10"), Decimal("1.1")),
        ("loose", Decimal("1E+3"), Decimal("1000")),
        ("loose__gt", DIGITS_35, Decimal("1." + "1" * 33)),
        ("loose__gte", DIGITS_35, Decimal("1." + "1" * 32 + "2")),
        ("loose__lt", Decimal("1E-999"), Decimal("1E-100")),
        ("loose__gt", Decimal("1E-999"), Decimal(0)),
        # C: text and bytes
        ("text", Word.CALM, "calm"),
        ("text__contains", "%_", "%_"),
        ("blob", bytearray(b"a"), b"a"),
        ("blob", memoryview(b"a"), b"a"),
        # D3, D5: dates and times
        ("day", "2024-02-29", date(2024, 2, 29)),
        ("at", "01:02:03", time(1, 2, 3)),
        ("moment", "2024-01-01T05:00:00+05:00", datetime(2024, 1, 1, tzinfo=UTC)),
        ("moment", datetime(2024, 1, 1, 5, tzinfo=EAST), datetime(2024, 1, 1, tzinfo=UTC)),
        ("wall", "2024-01-01T05:00:00", datetime(2024, 1, 1, 5)),
        ("span", timedelta(1), timedelta(1)),
        # E4, E5: identifiers
        ("uid", "00000000000000000000000000000005", UUID(int=5)),
        ("oid", ObjectId("A" * 24), "a" * 24),
        ("oid", "A" * 24, "a" * 24),
        # the rest
        ("mood", Mood.CALM, "calm"),
        ("mood", "wild", "wild"),
        ("mood", Word.CALM, "calm"),
        ("mood__gt", Mood.CALM, "calm"),
        ("mood__startswith", Mood.WILD, "wild"),
        ("level", 20, 20),
        ("level", 20.0, 20),
        ("level__lt", Level.LOW, 1),
        ("level__lt", 1.5, 2),
        ("grade", Grade.BEST, 2),
        ("grade__gte", Grade.BEST, 2),
        ("address", IPv4Address("127.0.0.1"), "127.0.0.1"),
        ("address", "127.0.0.1", "127.0.0.1"),
        ("site", AnyUrl("http://a.example"), "http://a.example/"),
        ("site", "HTTP://a.example", "http://a.example/"),
    ],
)
def test_a_value_becomes_the_plain_value_of_its_kind(lookup: str, given: Any, plain: Any) -> None:
    assert same(coerced(lookup, given), plain)


@pytest.mark.parametrize(
    ("lookup", "given", "verdict"),
    [
        # B2: ints out of range, B6: no int equals a fraction
        ("number", 2**63, NEVER),
        ("number", -(2**63) - 1, NEVER),
        ("number", "9" * 30, NEVER),
        ("number__lt", 2**63, NOT_NULL),
        ("number__lte", 1e300, NOT_NULL),
        ("number__gt", 2**63, NEVER),
        ("number__gte", -(2**70), NOT_NULL),
        ("number__lt", -(2**70), NEVER),
        ("number__lt", float("inf"), NOT_NULL),
        ("number__gt", Decimal("-Infinity"), NOT_NULL),
        ("number", float("inf"), NEVER),
        ("number", 1.5, NEVER),
        ("number", Decimal("0.1"), NEVER),
        # ints that no float equals
        ("real", 2**53 + 1, NEVER),
        ("real", 10**400, NEVER),
        # decimals of more digits or places than the field has
        ("amount", Decimal("1.005"), NEVER),
        ("amount", 10**4, NEVER),
        ("amount__lt", 10**4, NOT_NULL),
        ("amount__gte", -(10**4), NOT_NULL),
        ("amount__gt", Decimal("Infinity"), NEVER),
        ("amount__gte", Decimal("9999.999"), NEVER),
        ("amount__lt", Decimal("9999.999"), NOT_NULL),
        ("amount__gt", Decimal("-9999.999"), NOT_NULL),
        ("loose", DIGITS_35, NEVER),
        ("loose", Decimal("1E-101"), NEVER),
        ("loose", Decimal("1E+101"), NEVER),
        ("loose__lt", Decimal("9" * 101), NOT_NULL),
        ("loose__gte", Decimal("9" * 101), NEVER),
        # C16: every text contains ""
        ("text__contains", "", NOT_NULL),
        ("text__icontains", "", NOT_NULL),
        ("text__startswith", "", NOT_NULL),
        ("text__istartswith", "", NOT_NULL),
        ("text__endswith", "", NOT_NULL),
        ("text__iendswith", "", NOT_NULL),
        # D12: moments before the year 1 or behind 9999 in UTC
        ("moment", datetime(1, 1, 1, tzinfo=EAST), NEVER),
        ("moment__gt", datetime(1, 1, 1, tzinfo=EAST), NOT_NULL),
        ("moment__lt", "0001-01-01T00:00:00+05:00", NEVER),
        ("moment__lte", datetime.max.replace(tzinfo=WEST), NOT_NULL),
        ("moment__gte", datetime.max.replace(tzinfo=WEST), NEVER),
        # D7: a timedelta is int64 microseconds
        ("span", timedelta.max, NEVER),
        ("span__lt", timedelta.max, NOT_NULL),
        ("span__gt", timedelta.min, NOT_NULL),
        ("span__lte", timedelta.min, NEVER),
    ],
)
def test_what_no_store_can_be_asked_has_its_answer_decided(lookup: str, given: Any, verdict: Verdict) -> None:
    assert coerced(lookup, given) is verdict


NAN, SIGNALLING = float("nan"), Decimal("sNaN")


@pytest.mark.parametrize(
    ("lookup", "given", "wanted"),
    [
        # B5, B6, B14, B22: numbers
        ("number", True, "an int"),
        ("number", "abc", "an int"),
        ("number", "1.5", "an int"),
        ("number", b"1", "an int"),
        ("number", 1j, "an int"),
        ("number", NAN, "a number other than NaN"),
        ("number", SIGNALLING, "a number other than NaN"),
        ("real", False, "a float"),
        ("real", "abc", "a float"),
        ("real", NAN, "a float other than NaN"),
        ("amount", 1.5, "a Decimal, not a float; write Decimal('1.5')"),
        ("amount", True, "a Decimal"),
        ("amount", "abc", "a Decimal"),
        ("amount", SIGNALLING, "a Decimal other than NaN"),
        ("loose", Decimal("nan"), "a Decimal other than NaN"),
        # A22: no truth is guessed
        ("flag", 1, "True or False"),
        ("flag", "true", "True or False"),
        ("flag", 0.0, "True or False"),
        # C10, C11: text
        ("text", 1, "a str"),
        ("text", b"a", "a str"),
        ("text", "a\0", "a str without the NUL character"),
        ("text", "\ud800", "a str without lone surrogates"),
        ("text__iexact", "a\0", "a str without the NUL character"),
        ("blob", "a", "bytes"),
        ("blob", 1, "bytes"),
        # D3, D5: dates and times
        ("day", datetime(2024, 1, 1), "a date, not a datetime"),
        ("day", "yesterday", "a date (YYYY-MM-DD)"),
        ("day", 2024, "a date"),
        ("at", time(1, tzinfo=UTC), "a time without timezone"),
        ("at", "noon", "a time (HH:MM:SS)"),
        ("moment", datetime(2024, 1, 1), "an aware datetime: the one given has no timezone"),
        ("moment", "2024-01-01T00:00:00", "an aware datetime: the one given has no timezone"),
        ("moment", date(2024, 1, 1), "an aware datetime"),
        ("moment", "now", "an aware datetime (ISO 8601)"),
        ("moment", 0, "an aware datetime"),
        ("wall", datetime(2024, 1, 1, tzinfo=UTC), "a naive datetime"),
        ("span", 3, "a timedelta"),
        # E1, E4, E5: identifiers
        ("uid", "abc", "a UUID"),
        ("uid", 5, "a UUID"),
        ("oid", "xyz", "an ObjectId or its 24 hexadecimal digits"),
        ("oid", b"a" * 12, "an ObjectId or its 24 hexadecimal digits"),
        # enums, addresses, URLs
        ("mood", "angry", "a member of Mood: 'calm', 'wild'"),
        ("mood", Level.LOW, "a member of Mood: 'calm', 'wild'"),
        ("mood", ["calm"], "a member of Mood: 'calm', 'wild'"),
        ("mood", bytearray(b"calm"), "a member of Mood: 'calm', 'wild'"),
        ("mood__gt", 1, "a str"),
        ("level", True, "a member of Level: 1, 20"),
        ("level", 2, "a member of Level: 1, 20"),
        ("level__gt", True, "an int"),
        ("grade__gt", Mood.CALM, "an int"),
        ("address", "localhost", "an IPv4Address or its text"),
        ("address", 1, "an IPv4Address or its text"),
        ("site", "no url", "a URL"),
    ],
)
def test_a_wrong_value_is_refused_with_what_would_work(lookup: str, given: Any, wanted: str) -> None:
    with pytest.raises(Refused) as raised:
        coerced(lookup, given)
    assert str(raised.value) == wanted


@pytest.mark.parametrize("field", [info.name for info in SAMPLE.fields])
@pytest.mark.parametrize(
    "given",
    [{"$gt": ""}, {}, [], [1], {1}, (1, 2), object()],
    ids=["operator", "dict", "empty", "list", "set", "tuple", "object"],
)
def test_no_kind_compares_with_a_structure(field: str, given: Any) -> None:
    """K3: what a request could smuggle in as an operator never becomes a value."""
    with pytest.raises(Refused):
        coerced(field, given)


@pytest.mark.parametrize("name", ["data", "tags", "sizes", "city", "cities"])
def test_structures_are_compared_with_none_only(name: str) -> None:
    with pytest.raises(Refused, match=r"^None: JSON, lists, dicts and embedded models are compared with NULL only$"):
        coerced(name, City(name="Oslo"))
