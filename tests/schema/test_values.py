"""What each kind of value accepts when an instance is made, and the words in which it refuses."""

from __future__ import annotations

import math
from collections import OrderedDict
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID

import pydantic
import pytest
from bson import ObjectId

from polystore.schema.kinds import INT64_MAX, INT64_MIN, SPAN_MAX, SPAN_MIN
from tests.schema.models import Colour, Kinds, Spot, Trip

EAST, WEST = timezone(timedelta(hours=5)), timezone(timedelta(hours=-5))
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("name", "given", "held"),
    [
        ("number", INT64_MAX, INT64_MAX),
        ("number", INT64_MIN, INT64_MIN),
        ("number", "12", 12),
        ("number", 2.0, 2),
        ("real", 3, 3.0),
        ("real", -0.0, 0.0),
        ("real", math.inf, math.inf),
        ("price", "1.5", Decimal("1.5")),
        ("price", 3, Decimal(3)),
        ("places", Decimal("9" * 32 + ".99"), Decimal("9" * 32 + ".99")),
        ("loose", Decimal("1E+100"), Decimal("1E+100")),
        ("loose", Decimal("-1E-100"), Decimal("-1E-100")),
        ("loose", Decimal("1." + "0" * 60), Decimal(1)),
        ("text", "\U0001f600" * 20, "\U0001f600" * 20),
        ("text", "", ""),
        ("blob", b"\0\xff", b"\0\xff"),
        ("day", "2024-02-29", date(2024, 2, 29)),
        ("at", time(1), time(1)),
        ("moment", datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)),
        ("moment", datetime(1, 1, 1, 5, tzinfo=EAST), datetime(1, 1, 1, tzinfo=UTC)),
        ("wall", datetime.min, datetime.min),
        ("span", SPAN_MAX, SPAN_MAX),
        ("span", SPAN_MIN, SPAN_MIN),
        ("uid", "00000000-0000-0000-0000-000000000005", UUID(int=5)),
        ("oid", "A" * 24, ObjectId("a" * 24)),
        ("colour", "red", Colour.RED),
        ("size", "s", "s"),
        ("address", "127.0.0.1", IPv4Address("127.0.0.1")),
        ("data", {"a": [1, 1.5, True, None, "x"]}, {"a": [1, 1.5, True, None, "x"]}),
        ("data", deep(90), deep(90)),
        ("data", OrderedDict(a=1), {"a": 1}),
        ("holes", [1, None], [1, None]),
        ("spans", {"a": timedelta(1)}, {"a": timedelta(1)}),
        ("spot", {"name": "x"}, Spot(name="x")),
        ("trip", {"start": {"name": "x"}, "prices": {"a": None}}, Trip(start=Spot(name="x"), prices={"a": None})),
    ],
)
def test_a_value_that_every_store_can_hold_is_accepted(name: str, given: Any, held: Any) -> None:
    value = getattr(Kinds(**{name: given}), name)
    assert value == held
    assert isinstance(value, type(held))


def test_minus_zero_is_held_as_zero() -> None:
    assert str(Kinds(real=-0.0).real) == "0.0"


@pytest.mark.parametrize(
    ("name", "wrong", "reason"),
    [
        # A22, B5: no type is guessed
        ("number", True, "Input should be a number, not a bool"),
        ("real", False, "Input should be a number, not a bool"),
        ("price", True, "Input should be a number, not a bool"),
        ("holes", [1, False], "Input should be a number, not a bool"),
        ("number", 1.5, "Input should be a valid integer, got a number with a fractional part"),
        ("text", 1, "Input should be a valid string"),
        # B3, B14, B16, B21: numbers
        ("number", 2**63, "Input should lie between -2**63 and 2**63 - 1"),
        ("number", INT64_MIN - 1, "Input should lie between -2**63 and 2**63 - 1"),
        ("holes", [2**63], "Input should lie between -2**63 and 2**63 - 1"),
        ("real", math.nan, "Input should not be NaN"),
        ("grid", [[math.nan]], "Input should not be NaN"),
        ("price", Decimal("1.005"), "no more than 2 decimal places"),
        ("price", Decimal(10000), "no more than 4 digits before the decimal point"),
        ("places", Decimal("1E+32"), "Input should lie below 1E+32 in magnitude"),
        ("places", Decimal("-1E+50"), "Input should lie below 1E+32 in magnitude"),
        ("loose", Decimal("NaN"), "finite"),
        ("loose", Decimal("Infinity"), "finite"),
        ("loose", Decimal("1." + "1" * 34), "Input should have at most 34 significant digits"),
        ("loose", Decimal("1E+101"), "Input should lie between 1E-100 and 1E+101 in magnitude"),
        ("loose", Decimal("1E-101"), "Input should lie between 1E-100 and 1E+101 in magnitude"),
        # C10, C11, C12: text
        ("text", "a\0b", "Input should not contain the NUL character"),
        ("text", "\ud800", "valid string, unable to parse raw data as a unicode string"),
        ("text", "a" * 21, "at most 20 characters"),
        ("tags", ["a", "\0"], "Input should not contain the NUL character"),
        ("spans", {"\0": timedelta(1)}, "Input should not contain the NUL character"),
        ("spot", {"name": "\0"}, "Input should not contain the NUL character"),
        # D3, D7, D12: dates and times
        ("moment", datetime(2024, 1, 1), "declare the field as NaiveDatetime to store wall-clock times"),
        ("aware", datetime(2024, 1, 1), "Input should have timezone info"),
        ("wall", NOON, "Input should not have timezone info"),
        ("at", time(1, tzinfo=UTC), "Input should be a time of day without a timezone"),
        ("moment", datetime(1, 1, 1, tzinfo=EAST), "Input should lie in the years 1 to 9999 of UTC"),
        ("aware", datetime.max.replace(tzinfo=WEST), "Input should lie in the years 1 to 9999 of UTC"),
        ("spot", {"name": "x", "seen": datetime(2024, 1, 1)}, "declare the field as NaiveDatetime"),
        ("span", timedelta.max, "Input should be a 64-bit number of microseconds"),
        ("spans", {"a": timedelta.min}, "Input should be a 64-bit number of microseconds"),
        # E5, enums, addresses
        ("oid", "xyz", "ObjectId"),
        ("colour", "green", "Input should be 'red' or 'blue'"),
        ("size", "m", "Input should be 's' or 'l'"),
        ("address", "localhost", "valid IPv4 address"),
        # G2, G7: JSON
        ("data", {1: "a"}, "Input should have str keys only"),
        ("data", (1, 2), "Input should hold JSON values only (None, bool, int, float, str, list, dict), not tuple"),
        ("data", [{"a": {1}}], "not set"),
        ("data", [Decimal(1)], "not Decimal"),
        ("data", {"a": NOON}, "not datetime"),
        ("data", b"", "not bytes"),
        ("data", [2**63], "Input should lie between -2"),
        ("data", {"a": [math.inf]}, "Input should hold finite numbers only"),
        ("data", math.nan, "Input should hold finite numbers only"),
        ("data", ["\0"], "Input should not contain the NUL character"),
        ("data", {"a\0": 1}, "Input should not contain the NUL character"),
        ("data", ["\ud800"], "Input should not contain lone surrogates"),
        ("data", deep(92), "Input should be nested at most 90 levels deep"),
        ("bag", {"a": object()}, "not object"),
        ("tags", ["a", None], "Input should be a valid string"),
    ],
)
def test_what_no_store_could_hold_is_refused_by_name(name: str, wrong: Any, reason: str) -> None:
    with pytest.raises(pydantic.ValidationError) as raised:
        Kinds(**{name: wrong})
    (error,) = raised.value.errors()
    assert error["loc"][0] == name
    assert reason in error["msg"]


def test_every_refused_field_is_named_at_once() -> None:
    with pytest.raises(pydantic.ValidationError) as raised:
        Kinds(number=True, text="\0", moment=datetime(2024, 1, 1))
    assert [error["loc"] for error in raised.value.errors()] == [("number",), ("text",), ("moment",)]


def test_defaults_of_structures_are_made_for_each_instance() -> None:
    one, other = (Trip(start=Spot(name="x")) for _ in range(2))
    one.stops.append(Spot(name="y"))
    assert other.stops == []
