"""The order of encodings is the order of values."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.adapters.redis import keys
from polystore.adapters.redis.decode import decoder, split
from polystore.errors import DataError
from polystore.query.text import simple_fold
from polystore.schema import kinds
from polystore.schema.plain import to_plain

TEXTS = st.text("\0\1\2aé\U0001f600", max_size=4) | st.text(st.characters(blacklist_categories=("Cs",)))
BYTES = st.lists(st.sampled_from([0, 1, 2, 97, 254, 255]), max_size=4).map(bytes) | st.binary()
VALUES: dict[type, tuple[kinds.Kind, st.SearchStrategy[Any]]] = {
    type(kind): (kind, strategy)
    for kind, strategy in (
        (kinds.BoolKind(), st.booleans()),
        (kinds.IntKind(), st.integers(kinds.INT64_MIN, kinds.INT64_MAX)),
        (kinds.FloatKind(), st.floats(allow_nan=False).map(lambda value: value + 0.0)),
        (
            kinds.DecimalKind(),
            st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30),
        ),
        (kinds.TextKind(), TEXTS),
        (kinds.BytesKind(), BYTES),
        (kinds.DateKind(), st.dates()),
        (kinds.TimeKind(), st.times()),
        (kinds.DateTimeKind(), st.datetimes(timezones=st.just(UTC))),
        (kinds.NaiveDateTimeKind(), st.datetimes()),
        (kinds.DurationKind(), st.timedeltas(timedelta(days=-100_000_000), timedelta(days=100_000_000))),
        (kinds.UuidKind(), st.uuids()),
        (kinds.ObjectIdKind(), st.binary(min_size=12, max_size=12).map(bytes.hex)),
    )
}
KINDS = pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)


def two_of(kind: type) -> st.SearchStrategy[tuple[Any, Any]]:
    """Two values, often close to each other."""
    strategy = VALUES[kind][1]
    return st.tuples(strategy, strategy) | strategy.map(lambda one: (one, one))


@KINDS
def test_bytes_stand_in_the_order_of_their_values(kind: type) -> None:
    encode = keys.encoder(VALUES[kind][0])

    @given(two_of(kind))
    def check(pair: tuple[Any, Any]) -> None:
        first, second = pair
        assert (encode(first) < encode(second)) is (first < second)
        assert (encode(first) == encode(second)) is (first == second)

    check()


@KINDS
def test_inverted_bytes_stand_in_the_opposite_order_even_with_something_behind_them(kind: type) -> None:
    encode = keys.encoder(VALUES[kind][0])

    @given(two_of(kind), st.binary(max_size=3), st.binary(max_size=3))
    def check(pair: tuple[Any, Any], behind_first: bytes, behind_second: bytes) -> None:
        first, second = (keys.invert(encode(value)) for value in pair)
        assert keys.invert(first) == encode(pair[0])
        if pair[0] != pair[1]:
            tails = (tail.translate(bytes(range(251)) + b"\xfa" * 5) for tail in (behind_first, behind_second))
            assert (first + next(tails) < second + next(tails)) is (pair[0] > pair[1])

    check()


@KINDS
def test_what_follows_an_encoding_never_decides(kind: type) -> None:
    encode = keys.encoder(VALUES[kind][0])

    @given(two_of(kind), st.integers(5, 250), st.integers(5, 250))
    def check(pair: tuple[Any, Any], next_type: int, other_type: int) -> None:
        first, second = pair
        if first != second:
            left, right = encode(first) + bytes((next_type,)), encode(second) + bytes((other_type,))
            assert (left < right) is (first < second)

    check()


@KINDS
def test_no_encoding_begins_with_another_one_nor_with_null(kind: type) -> None:
    encode = keys.encoder(VALUES[kind][0])

    @given(two_of(kind))
    def check(pair: tuple[Any, Any]) -> None:
        first, second = (encode(value) for value in pair)
        assert first == second or not (first.startswith(second) or second.startswith(first))
        assert keys.NULL < keys.AFTER_NULL <= first

    check()


@KINDS
def test_everything_that_begins_with_an_encoding_lies_below_its_successor(kind: type) -> None:
    encode = keys.encoder(VALUES[kind][0])

    @given(two_of(kind), st.binary(max_size=4))
    def check(pair: tuple[Any, Any], behind: bytes) -> None:
        low, high = encode(pair[0]), keys.successor(encode(pair[0]))
        assert high is not None
        assert low <= low + behind < high
        if pair[1] > pair[0]:
            assert encode(pair[1]) >= high

    check()


@given(TEXTS, TEXTS)
def test_texts_with_a_prefix_are_those_between_its_bounds(prefix: str, text: str) -> None:
    low = keys.text_prefix(prefix)
    high = keys.successor(low)
    assert high is not None
    for each in (text, prefix + text):
        assert (low <= keys.encode_text(each) < high) is each.startswith(prefix)


@given(TEXTS, TEXTS)
def test_folded_texts_are_equal_where_simple_folding_makes_them_equal(first: str, second: str) -> None:
    same = keys.encode_folded_text(first) == keys.encode_folded_text(second)
    assert same is (simple_fold(first) == simple_fold(second))


@KINDS
def test_values_come_back_from_their_encodings(kind: type) -> None:
    declared, strategy = VALUES[kind]
    encode, decode = keys.encoder(declared), decoder(declared)

    @given(strategy)
    def check(value: Any) -> None:
        settle = to_plain(declared) if kind is kinds.DecimalKind else None
        expected = value if settle is None else settle(value)
        assert (decode(encode(expected)), type(decode(encode(expected)))) == (expected, type(expected))
        assert str(decode(encode(expected))) == str(expected)

    check()
    assert decode(keys.NULL) is None


ENCODED = st.sampled_from(list(VALUES)).flatmap(lambda kind: VALUES[kind][1].map(keys.encoder(VALUES[kind][0])))


@given(st.lists(st.tuples(ENCODED | st.just(keys.NULL), st.booleans()), max_size=4))
def test_entries_fall_into_the_encodings_that_they_were_made_of(parts: list[tuple[bytes, bool]]) -> None:
    entry = b"".join(keys.invert(encoded) if descending else encoded for encoded, descending in parts)
    assert split(entry, [descending for _, descending in parts]) == [encoded for encoded, _ in parts]


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20)))
def test_decimals_sort_as_numbers_whatever_their_exponents(values: list[Decimal]) -> None:
    assert sorted(values, key=keys.encode_decimal) == sorted(values)


def test_equal_decimals_have_one_encoding() -> None:
    assert len({keys.encode_decimal(Decimal(text)) for text in ("10", "1E+1", "10.00", "010")}) == 1
    assert keys.encode_decimal(Decimal("-0")) == keys.encode_decimal(Decimal("0E-7"))


def test_values_at_the_ends_are_encoded() -> None:
    assert keys.encode_int(kinds.INT64_MIN)[1:] == b"\0" * 8
    assert keys.encode_int(kinds.INT64_MAX)[1:] == b"\xff" * 8
    encode = keys.encoder(kinds.FloatKind())
    assert encode(-math.inf) < encode(-1e308) < encode(-5e-324) < encode(-0.0) == encode(0.0) < encode(math.inf)
    encode = keys.encoder(kinds.DateTimeKind())
    assert encode(datetime.min.replace(tzinfo=UTC)) < encode(datetime.max.replace(tzinfo=UTC))
    assert keys.encoder(kinds.DateKind())(date.min) < keys.encoder(kinds.DateKind())(date.max)
    assert keys.encoder(kinds.TimeKind())(time.min) < keys.encoder(kinds.TimeKind())(time.max)


def test_a_key_that_is_too_long_is_refused() -> None:
    encode = keys.key_encoder(kinds.TextKind())
    assert encode("é" * 20_000)
    with pytest.raises(DataError, match="at most 60000 bytes"):
        encode("é" * 40_000)


@pytest.mark.parametrize(("prefix", "high"), [(b"a", b"b"), (b"a\xff", b"b"), (b"\x01\xff\xff", b"\x02")])
def test_the_successor_is_the_lowest_bytes_above_a_prefix(prefix: bytes, high: bytes) -> None:
    assert keys.successor(prefix) == high


def test_nothing_lies_above_bytes_that_are_all_ones() -> None:
    assert keys.successor(b"\xff\xff") is None
    assert keys.successor(b"") is None
