"""Floats by their exact values: rounded to places, and what is left after division."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from polystore import F, Feature, Round, Value
from polystore.errors import DataError
from polystore.query.operators import ArithmeticOperator, Function
from polystore.schema.kinds import INT64_MAX
from polystore.testing.compliance.functions import agree
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything

rows = Everything.objects
FLOATS = (0.0, 5e-324, 0.1, 0.5, 1.5, 2.5, 2.675, 7.25, 1e15 + 0.3, 2.0**53 + 2, 1e22, 1.7e308)
"""Of each size, between two places, at both ends."""


@rule("B10", needs=[Feature.COMPUTED, Function.ROUND, Feature.ROUND_FLOATS])
@pytest.mark.parametrize("places", [-22, -15, -1, 1, 2, 15, 22])
def test_floats_of_every_size_are_rounded_as_their_digits_say(db: Db, places: int) -> None:
    signed = [*FLOATS, *(-value for value in FLOATS)]
    db.given(Everything, [{"name": str(place), "real": value} for place, value in enumerate(signed)])
    expected = {str(place): round(value, places) + 0.0 for place, value in enumerate(signed)}
    agree(db, rows.all(), Round("real", places), expected)


def beside_halves(places: int) -> list[float]:
    """Floats at and around what rounding to these places turns on: halves, quarters, ends of what has a fraction."""
    unit = 10.0**-places
    found = [(count + 0.5) * unit for count in (0, 1, 2, 7, 10, 12_345, 10**9 + 1, 2**51, 2**53)]
    found += [count * unit for count in (0.25, 1, 3, 999, 10**15 + 1, 2.0**55, 2.0**57)]
    found += [2.0**power * unit for power in (-3, -1, 1, 40, 52, 56, 58)] + [2.0**-60, 2.0**30, 2.0**52, 2.0**90]
    near = [math.nextafter(value, end) for value in found for end in (0.0, math.inf)]
    return [*found, *near, *(-value for value in near)]


@rule("B10", needs=[Feature.COMPUTED, Function.ROUND, Feature.ROUND_FLOATS])
@pytest.mark.parametrize("places", [-30, -29, -16, -3, -1, 1, 2, 3, 5, 10, 16, 29, 30])
def test_floats_beside_a_half_are_rounded_by_their_exact_values(db: Db, places: int) -> None:
    values = beside_halves(places)
    db.given(Everything, [{"name": str(place), "real": value} for place, value in enumerate(values)])
    expected = {str(place): round(value, places) + 0.0 for place, value in enumerate(values)}
    agree(db, rows.all(), Round("real", places), expected)


@rule("B10", needs=[Feature.COMPUTED, Function.ROUND, Feature.ROUND_FLOATS])
def test_a_rounded_float_is_compared_computed_with_and_rounded_again(db: Db) -> None:
    db.given(Everything, [{"name": "a", "real": 2.675}, {"name": "b", "real": 1e300}, {"name": "c", "real": None}])
    assert db.found(rows.alias(it=Round("real", 2)).filter(it=2.67)) == "a"
    agree(db, rows.all(), Round(Round("real", 2) + 0.005, 2), {"a": round(2.67 + 0.005, 2), "b": 1e300, "c": None})
    agree(db, rows.filter(name="a"), Round(Value(1.7e308), 30), {"a": 1.7e308})
    assert db(rows.filter(name="a")).update(real=Round("real", 1)) == 1
    assert db(rows.all()).get(name="a").real == 2.7


@rule("B10", "B19", needs=[Feature.COMPUTED, Function.ROUND])
@pytest.mark.parametrize("places", [-3, -2, -1, 0, 1, 2, 3])
def test_ints_and_decimals_are_rounded_half_even(db: Db, places: int) -> None:
    amounts = [Decimal(text) for text in ("0.05", "0.15", "0.25", "2.50", "-3.50", "150.00", "-250.00", "49.99", "0")]
    numbers = [5, 15, 25, -25, 150, 250, 4999, 2**62, -(2**62)]
    made = [
        {"name": str(place), "amount": amount, "number": number}
        for place, (amount, number) in enumerate(zip(amounts, numbers, strict=True))
    ]
    db.given(Everything, made)
    agree(db, rows.all(), Round("number", places), {str(n): round(number, places) for n, number in enumerate(numbers)})
    found = dict(db(rows.annotate(it=Round("amount", places)).values_list("name", "it")).rows())
    assert found == {str(n): round(amount, places) for n, amount in enumerate(amounts)}


@rule("B10", "B11", needs=[Feature.COMPUTED, Function.ROUND])
def test_an_int_that_is_rounded_beyond_64_bits_is_a_data_error(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": INT64_MAX}])
    with pytest.raises(DataError):
        db(rows.annotate(it=Round("number", -1))).rows()
    agree(db, rows.all(), Round("number", -30), {"a": 0})


@rule("B8", "B10", needs=[Feature.COMPUTED, ArithmeticOperator.MODULO, Feature.MODULO_FLOATS])
def test_the_remainder_of_floats_is_exact_with_the_sign_of_the_dividend(db: Db) -> None:
    signed = [*FLOATS, *(-value for value in FLOATS)]
    for divisor in (0.1, -0.3, 2.5, 5e-324, 3.0, 1e300):
        db.given(Everything, [{"name": str(place), "real": value} for place, value in enumerate(signed)])
        expected = {str(place): math.fmod(value, divisor) + 0.0 for place, value in enumerate(signed)}
        agree(db, rows.all(), F("real") % divisor, expected)
    for wrong in (F("real") % 0.0, Value(1.5) % (F("real") - F("real"))):
        with pytest.raises(DataError):
            db(rows.annotate(it=wrong)).rows()
