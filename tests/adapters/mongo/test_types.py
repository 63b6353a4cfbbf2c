"""Plain values survive the way through BSON and back, and what cannot survive is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, localcontext
from typing import Any
from uuid import UUID

import bson
import pytest
from bson import Decimal128, Int64
from hypothesis import given
from hypothesis import strategies as st

from polystore.adapters.mongo.mock_types import MOCK_CODEC, decimal_key, decimal_of
from polystore.adapters.mongo.types import CODEC, SERVER_CODEC, Codec, rounding
from polystore.errors import DataError
from polystore.schema.kinds import (
    BytesKind,
    DateKind,
    DateTimeKind,
    DecimalKind,
    DurationKind,
    EmbeddedKind,
    FloatKind,
    IntKind,
    JsonKind,
    Kind,
    ListKind,
    MapKind,
    NaiveDateTimeKind,
    ObjectIdKind,
    TextKind,
    TimeKind,
    UuidKind,
)
from tests.adapters.mongo.helpers import Person

SCALARS: list[tuple[Kind, Any]] = [
    (IntKind(), 0),
    (IntKind(), -(2**63)),
    (IntKind(), 2**63 - 1),
    (FloatKind(), -1.5e308),
    (FloatKind(), float("inf")),
    (DecimalKind(10, 2), Decimal("-1.10")),
    (DecimalKind(34, 0), Decimal(10**34 - 1)),
    (DecimalKind(), Decimal("1E+50")),
    (DecimalKind(), Decimal("-3.14159")),
    (DecimalKind(), Decimal("10000000000000000075155485229021000")),
    (TextKind(), "$x 😀"),
    (BytesKind(), b"\0\xff"),
    (DateKind(), date(1, 1, 1)),
    (DateKind(), date(9999, 12, 31)),
    (TimeKind(), time(23, 59, 59, 999999)),
    (TimeKind(), time(0)),
    (DateTimeKind(), datetime(1, 1, 1, tzinfo=UTC)),
    (DateTimeKind(), datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
    (DateTimeKind("us"), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    (DateTimeKind("us"), datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
    (NaiveDateTimeKind(), datetime(2024, 3, 31, 2, 30)),
    (NaiveDateTimeKind("us"), datetime(2024, 3, 31, 2, 30, 0, 1)),
    (DurationKind(), timedelta(days=-1, microseconds=1)),
    (UuidKind(), UUID(int=2**127 + 5)),
    (ObjectIdKind(), "0123456789abcdef01234567"),
]
CONTAINERS: list[tuple[Kind, Any]] = [
    (JsonKind(), {"a": [1, 2**40, 1.0, None, True, {"b.c": "$d"}], "$set": 1, "": 2}),
    (JsonKind(), {"$ref": "people", "$id": 5, "more": [1]}),
    (ListKind(DecimalKind(), item_null=True), [Decimal("1.5"), None]),
    (MapKind(DateKind()), {"$ref": date(2024, 1, 1), "$id": date(2024, 1, 2)}),
    (ListKind(EmbeddedKind(Person.__polystore_schema__, Person)), [{"name": "x", "born": None}]),
]


def through_bson(codec: Codec, kind: Kind, value: Any) -> Any:
    dump, load = codec.dump(kind), codec.load(kind)
    stored = value if dump is None else dump(value)
    read = bson.decode(bson.encode({"v": stored}, codec_options=CODEC), CODEC)["v"]
    return read if load is None else load(read)


@pytest.mark.parametrize(("kind", "value"), [*SCALARS, *CONTAINERS], ids=repr)
def test_values_survive_the_way_through_bson(kind: Kind, value: Any) -> None:
    found = through_bson(SERVER_CODEC, kind, value)
    assert found == value
    assert type(found) is type(value)
    assert repr(found) == repr(value)


@pytest.mark.parametrize(("kind", "value"), [*SCALARS, *CONTAINERS], ids=repr)
def test_values_survive_the_way_through_the_form_of_mongomock(kind: Kind, value: Any) -> None:
    dump, load = MOCK_CODEC.dump(kind), MOCK_CODEC.load(kind)
    stored = value if dump is None else dump(value)
    found = stored if load is None else load(stored)
    assert found == (value.replace(tzinfo=None).replace(tzinfo=value.tzinfo) if isinstance(value, datetime) else value)


def test_ints_are_64_bits_wide_wherever_they_stand() -> None:
    dump = SERVER_CODEC.dump(JsonKind())
    assert dump is not None
    stored = dump({"a": [1, True, {"b": 2}]})
    assert type(stored["a"][0]) is Int64
    assert stored["a"][1] is True
    assert type(stored["a"][2]["b"]) is Int64


def test_loaded_containers_are_built_anew() -> None:
    for kind, value in CONTAINERS:
        load = SERVER_CODEC.load(kind)
        assert load is not None
        stored = (SERVER_CODEC.dump(kind) or (lambda same: same))(value)
        assert load(stored) is not stored


decimals = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20), max_value=10**20)


@given(decimals)
def test_decimals_have_the_bits_that_the_driver_gives_them(value: Decimal) -> None:
    dump, load = SERVER_CODEC.dump(DecimalKind(30, 4)), SERVER_CODEC.load(DecimalKind(30, 4))
    assert dump is not None
    assert load is not None
    with localcontext(prec=40):
        quantised = value.quantize(Decimal("0.0001"))
    stored = dump(quantised)
    assert stored.to_decimal() == quantised
    assert stored == Decimal128(quantised) or not quantised
    assert load(stored) == quantised
    assert load(stored).as_tuple().exponent == -4


def test_decimals_written_by_others_come_in_the_places_of_the_field() -> None:
    load = SERVER_CODEC.load(DecimalKind(10, 2))
    assert load is not None
    assert [str(load(Decimal128(text))) for text in ("1.1", "1E+3", "-0.00", "1.100")] == [
        "1.10",
        "1000.00",
        "0.00",
        "1.10",
    ]


def test_a_decimal_of_more_than_34_digits_is_refused() -> None:
    dump = SERVER_CODEC.dump(DecimalKind(34, 2))
    assert dump is not None
    with pytest.raises(DataError, match="34 significant digits"):
        dump(Decimal("1" * 33 + ".12"))


@pytest.mark.parametrize("text", ["18870313228360533719044006608861000", "-1E+40", "1" + "0" * 60])
def test_zeros_at_the_end_of_a_decimal_are_no_digits_that_count(text: str) -> None:
    dump, load = SERVER_CODEC.dump(DecimalKind()), SERVER_CODEC.load(DecimalKind())
    assert dump is not None
    assert load is not None
    assert load(dump(Decimal(text))) == Decimal(text)


def test_a_timedelta_beyond_64_bits_is_refused() -> None:
    dump = SERVER_CODEC.dump(DurationKind())
    assert dump is not None
    with pytest.raises(DataError, match="292,000 years"):
        dump(timedelta.max)


@given(decimals, decimals)
def test_texts_of_decimals_sort_as_the_numbers_do(left: Decimal, right: Decimal) -> None:
    assert (decimal_key(left) < decimal_key(right)) == (left < right)
    assert (decimal_key(left) == decimal_key(right)) == (left == right)
    assert decimal_of(decimal_key(left), None) == left


def test_moments_are_rounded_down_to_milliseconds_also_inside_containers() -> None:
    moment = datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    cut = moment.replace(microsecond=999000)
    scalar, listed = rounding(DateTimeKind()), rounding(ListKind(DateTimeKind()))
    embedded = rounding(EmbeddedKind(Person.__polystore_schema__, Person))
    assert scalar is not None
    assert scalar(moment) == cut
    assert listed is not None
    assert listed([moment, None]) == [cut, None]
    assert embedded is not None
    assert embedded({"name": "x", "born": moment}) == {"name": "x", "born": cut}


def test_nothing_else_is_rounded() -> None:
    for kind in (
        DateTimeKind("us"),
        NaiveDateTimeKind("us"),
        TimeKind(),
        DurationKind(),
        JsonKind(),
        ListKind(IntKind()),
    ):
        assert rounding(kind) is None


def test_rounding_is_what_bson_does() -> None:
    convert = rounding(DateTimeKind())
    assert convert is not None
    for year in (1, 1969, 1970, 2024, 9999):
        moment = datetime(year, 6, 1, 1, 2, 3, 456789, tzinfo=UTC)
        stored = bson.decode(bson.encode({"v": moment}))["v"].replace(tzinfo=UTC)
        assert stored == convert(moment)
