"""Decimals as text: order, equality and the way back."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from polystore.adapters.sql.decimal_text import canonical, decode, encode

DECIMALS = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent),
    st.integers(-(10**34) + 1, 10**34 - 1),
    st.integers(-100, 66),
)


@given(DECIMALS, DECIMALS)
def test_canonical_text_is_ordered_as_the_numbers_are(left: Decimal, right: Decimal) -> None:
    assert (canonical(left) < canonical(right)) is (left < right)
    assert (canonical(left) == canonical(right)) is (left == right)


@given(DECIMALS, st.integers(-5, 5))
def test_neighbours_are_told_apart(value: Decimal, step: int) -> None:
    near = value + Decimal(step).scaleb(value.as_tuple().exponent)  # type: ignore[arg-type]  # finite
    assert (canonical(near) < canonical(value)) is (near < value)


@given(DECIMALS)
def test_a_decimal_comes_back_as_it_was_written(value: Decimal) -> None:
    assert decode(encode(value)).as_tuple() == value.as_tuple()


def test_text_shows_the_number_to_readers() -> None:
    assert encode(Decimal("12.50")) == "1:5001:125 12.50"
    assert encode(Decimal("-12.50")) == "-:4998:874~ -12.50"


def test_zeros_are_equal_whatever_their_sign_and_places() -> None:
    assert {canonical(Decimal(text)) for text in ("0", "-0", "0.00", "0E+5")} == {"0 0"}
