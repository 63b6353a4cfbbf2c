"""Whatever a field is compared with, the answer is Python's own: no rounding, no range, no type changes it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from polystore.query.coerce import ORDER_OPERATORS, Verdict, coercer
from polystore.query.evaluate import COMPARISONS
from polystore.query.operators import Operator
from polystore.schema.kinds import (
    INT64_MAX,
    INT64_MIN,
    DateTimeKind,
    DecimalKind,
    DurationKind,
    FloatKind,
    IntKind,
    Kind,
)
from polystore.schema.plain import normaliser
from polystore.testing import strategies

OPERATORS = st.sampled_from([Operator.EXACT, *sorted(ORDER_OPERATORS, key=str)])
CENTS = DecimalKind(6, 2)
LOOSE = DecimalKind()


def answer(kind: Kind, operator: Operator, held: Any, asked: Any) -> bool:
    """Whether a row that holds one value matches a comparison with the other."""
    plain = coercer(kind, operator)(asked)
    if isinstance(plain, Verdict):
        return plain is Verdict.NOT_NULL
    return COMPARISONS[operator](held, plain)


def near(held: st.SearchStrategy[Any], other: st.SearchStrategy[Any], steps: Callable[[Any], list[Any]]) -> Any:
    """A held value, with one to compare it with: any, or one just beside it."""
    return held.flatmap(lambda value: st.tuples(st.just(value), st.one_of(other, st.sampled_from(steps(value)))))


def reals() -> st.SearchStrategy[float]:
    return st.floats(allow_nan=False) | strategies.floats()


wide_ints = st.integers() | st.sampled_from([INT64_MAX + 1, INT64_MIN - 1, 2**53 + 1, 10**400, -(10**400)])
any_decimals = st.decimals(allow_nan=False) | strategies.loose_decimals()


@given(
    near(
        strategies.ints(),
        wide_ints | reals() | any_decimals,
        lambda n: [n, n + 0.5, Decimal(n) - Decimal("0.1"), n + 1, Decimal(n) + Decimal("1E-30")],
    ),
    OPERATORS,
)
def test_an_int_compares_with_any_number_as_in_python(pair: tuple[int, Any], operator: Operator) -> None:
    held, asked = pair
    assert answer(IntKind(), operator, held, asked) == COMPARISONS[operator](held, asked)


@given(
    near(
        reals().map(lambda value: value + 0.0),
        wide_ints | reals(),
        lambda x: [x, math.nextafter(x, 0), *([] if math.isinf(x) else [int(x), int(x) + 1, int(x) - 1])],
    ),
    OPERATORS,
)
def test_a_float_compares_with_any_int_or_float_as_in_python(pair: tuple[float, Any], operator: Operator) -> None:
    held, asked = pair
    assert answer(FloatKind(), operator, held, asked) == COMPARISONS[operator](held, asked)


@given(
    near(
        strategies.decimals(2, 6),
        wide_ints | any_decimals | strategies.decimals(4, 9),
        lambda d: [d, d + Decimal("0.001"), d - Decimal("0.009"), Decimal("9999.999"), Decimal("-9999.991")],
    ),
    OPERATORS,
)
def test_a_decimal_with_places_compares_with_any_number_as_in_python(
    pair: tuple[Decimal, Any], operator: Operator
) -> None:
    held, asked = pair
    assert answer(CENTS, operator, held, asked) == COMPARISONS[operator](held, asked)


def beside(value: Decimal) -> list[Decimal]:
    """Decimals that differ from this one in the 35th digit or behind the smallest power of ten."""
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    longer = Decimal((value.is_signed(), (*digits, *(0,) * (34 - len(digits)), 1), exponent - 35 + len(digits)))
    return [value, longer, Decimal("1E-101"), Decimal("-1E-101"), Decimal("9" * 101)]


@given(near(strategies.loose_decimals().map(normaliser(34, None)), wide_ints | any_decimals, beside), OPERATORS)
def test_a_decimal_without_places_compares_with_any_number_as_in_python(
    pair: tuple[Decimal, Any], operator: Operator
) -> None:
    held, asked = pair
    assert answer(LOOSE, operator, held, asked) == COMPARISONS[operator](held, asked)


LONG = st.sampled_from([Decimal("1." + "1" * 34), Decimal("9" * 35), Decimal("1E-101"), Decimal("9999.999")])


@given(
    any_decimals | wide_ints | LONG, OPERATORS, st.sampled_from([CENTS, LOOSE, DecimalKind(34, 2), DecimalKind(18, 18)])
)
def test_a_store_sees_decimals_of_the_fields_size_only(asked: Any, operator: Operator, kind: DecimalKind) -> None:
    plain = coercer(kind, operator)(asked)
    if isinstance(plain, Verdict):
        return
    assert len(plain.as_tuple().digits) <= kind.max_digits or plain == plain.to_integral_value()
    if kind.decimal_places is None:
        assert not plain or -100 <= plain.adjusted() <= 100
        assert len("".join(map(str, plain.as_tuple().digits)).rstrip("0")) <= 34
    else:
        assert plain.as_tuple().exponent == -kind.decimal_places
        assert plain.copy_abs() < Decimal(10) ** (kind.max_digits - kind.decimal_places)


ZONES = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
EDGES = st.sampled_from([datetime.min, datetime.max])


@given(strategies.aware_moments(), st.tuples(EDGES | strategies.moments(), ZONES), OPERATORS)
def test_a_moment_compares_with_any_aware_one_as_in_python(
    held: datetime, given: tuple[datetime, timezone], operator: Operator
) -> None:
    asked = given[0].replace(tzinfo=given[1])
    assert answer(DateTimeKind(), operator, held, asked) == COMPARISONS[operator](held, asked)


int64_spans = st.integers(INT64_MIN, INT64_MAX).map(lambda n: timedelta(microseconds=n))


@given(int64_spans, st.timedeltas() | int64_spans, OPERATORS)
def test_a_timedelta_compares_with_any_other_as_in_python(
    held: timedelta, asked: timedelta, operator: Operator
) -> None:
    assert answer(DurationKind(), operator, held, asked) == COMPARISONS[operator](held, asked)
