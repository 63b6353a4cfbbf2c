"""The exact total of a fold's amounts: what a script can only add up in small pieces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

from polystore.errors import DataError
from polystore.schema.kinds import DecimalKind, DurationKind, FloatKind, IntKind, Kind, plain_kind

Amounts: TypeAlias = Mapping[bytes, int]

_SIGN = 1 << 63
_EXPONENT_BIAS = 1075
_INFINITE = 2047
_DECIMAL_BIAS = 0x8000


def total_of(kind: Kind, number: int, amounts: Amounts) -> Any:
    """The total of so many values of a kind, of durations in microseconds.

    Raises:
        DataError: floats whose total is no finite number.
    """
    return _TOTALS[type(plain_kind(kind))](number, amounts)


def _int_total(number: int, amounts: Amounts) -> int:
    return (amounts.get(b"h", 0) << 32) + amounts.get(b"l", 0) - number * _SIGN


def _float_total(number: int, amounts: Amounts) -> float:
    total = Fraction(0)
    infinite = set[int]()
    for name, amount in amounts.items():
        sign = -1 if name.startswith(b"-") else 1
        exponent = int(name[1:-1])
        if exponent == _INFINITE:
            infinite.add(sign)
        else:
            shift = max(exponent, 1) - _EXPONENT_BIAS + (32 if name.endswith(b"h") else 0)
            total += sign * amount * Fraction(2) ** shift
    if len(infinite) == 2:
        raise DataError("the Sum is no finite number: it has infinite values of both signs")
    if infinite:
        return infinite.pop() * float("inf")
    try:
        return float(total)
    except OverflowError as error:
        raise DataError(f"the Sum is no finite number: {error}") from error


def _decimal_total(number: int, amounts: Amounts) -> Decimal:
    places = {int(name) - _DECIMAL_BIAS: amount for name, amount in amounts.items()}
    lowest = min(places, default=0)
    total = sum(amount * 10 ** (place - lowest) for place, amount in places.items())
    digits = tuple(map(int, str(abs(total))))
    return Decimal((int(total < 0), digits, lowest))


_TOTALS: dict[type, Callable[[int, Amounts], Any]] = {
    IntKind: _int_total,
    DurationKind: _int_total,
    FloatKind: _float_total,
    DecimalKind: _decimal_total,
}
