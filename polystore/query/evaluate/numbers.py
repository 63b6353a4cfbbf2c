"""Arithmetic and numbers brought to a kind: int64-checked, decimals exact, quotients to 60 digits half-even."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation
from typing import Any, assert_never

from polystore.errors import DataError
from polystore.query.operators import ArithmeticOperator
from polystore.schema.kinds import INT64_MAX, INT64_MIN, DecimalKind, FloatKind, Kind, plain_kind
from polystore.schema.plain import normaliser

EXACT = Context(prec=500, rounding=ROUND_HALF_EVEN)
QUOTIENT = Context(prec=60, rounding=ROUND_HALF_EVEN)
MICROSECOND = timedelta(microseconds=1)


def number_result(operator: ArithmeticOperator, a: float, b: float) -> float:
    """Arithmetic on ints and floats: int64-checked, true division, modulo with the dividend's sign.

    Raises:
        DataError: an overflow or a division by zero.
    """
    try:
        result = _compute(operator, a, b)
    except (ZeroDivisionError, OverflowError, ValueError) as error:
        raise DataError(f"{a!r} {operator.value} {b!r}: {error}") from error
    what = f"{a!r} {operator.value} {b!r}"
    if isinstance(result, int):
        return checked_int(result, what)
    return checked_float(result, what, a, b)


def checked_int(result: int, what: str) -> int:
    """The result itself.

    Raises:
        DataError: it does not fit 64 bits.
    """
    if not INT64_MIN <= result <= INT64_MAX:
        raise DataError(f"{what} does not fit a 64-bit integer")
    return result


def checked_duration(microseconds: int, what: str) -> timedelta:
    """The duration of so many microseconds.

    Raises:
        DataError: they do not fit 64 bits.
    """
    return timedelta(0, 0, checked_int(microseconds, f"{what} in microseconds"))


def checked_float(result: float, what: str, *operands: float) -> float:
    """The result without a sign on zero.

    Raises:
        DataError: NaN, or infinite though all operands are finite.
    """
    if math.isnan(result) or (math.isinf(result) and all(map(math.isfinite, operands))):
        raise DataError(f"{what} is no finite number")
    return result + 0.0


def _compute(operator: ArithmeticOperator, a: float, b: float) -> float:
    match operator:
        case ArithmeticOperator.ADD:
            return a + b
        case ArithmeticOperator.SUBTRACT:
            return a - b
        case ArithmeticOperator.MULTIPLY:
            return a * b
        case ArithmeticOperator.DIVIDE:
            return a / b
        case ArithmeticOperator.MODULO:
            if isinstance(a, int) and isinstance(b, int):
                remainder = abs(a) % abs(b)
                return -remainder if a < 0 else remainder
            return math.fmod(a, b)
    assert_never(operator)


def decimal_result(operator: ArithmeticOperator, a: Decimal, b: Decimal) -> Decimal:
    """Arithmetic on decimals: exact, a quotient to 60 significant digits half-even.

    Raises:
        DataError: a division by zero.
    """
    try:
        match operator:
            case ArithmeticOperator.ADD:
                return EXACT.add(a, b)
            case ArithmeticOperator.SUBTRACT:
                return EXACT.subtract(a, b)
            case ArithmeticOperator.MULTIPLY:
                return EXACT.multiply(a, b)
            case ArithmeticOperator.DIVIDE:
                return QUOTIENT.divide(a, b)
            case ArithmeticOperator.MODULO:
                return EXACT.remainder(a, b)
    except (DivisionByZero, InvalidOperation) as error:
        raise DataError(f"{a} {operator.value} {b}: division by zero") from error
    assert_never(operator)


def widened(kind: Kind) -> Callable[[Any], Any] | None:
    """The function from a number to one of the kind's type, nothing rounded; None where none is needed."""
    match plain_kind(kind):
        case FloatKind():
            return float
        case DecimalKind():
            return Decimal
        case _:
            return None


def settled(kind: Kind) -> Callable[[Any], Any] | None:
    """The function from a computed value to the one that is answered.

    Decimals come in the canonical form of their kind; without places they are rounded half-even to its digits (34).
    """
    match plain_kind(kind):
        case FloatKind():
            return lambda value: float(value) + 0.0
        case DecimalKind(max_digits=digits, decimal_places=places):
            normalise = normaliser(digits, places)
            rounded = (Context(prec=digits, rounding=ROUND_HALF_EVEN) if places is None else EXACT).plus
            return lambda value: normalise(rounded(Decimal(value)))
        case _:
            return None
