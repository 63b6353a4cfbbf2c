"""Floats rounded to decimal places by their exact values on MariaDB, whose own functions round the digits they show.

A float is written as a whole number of units that divides every float of its size, and so is the place that it is
rounded to; what is left is the division of two whole numbers, of which a decimal holds all digits. The numbers follow
from the places alone, so they are bound.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

_HIGH = "FLOOR(ABS({0}) * {3})"
_SCALED = (
    f"((CAST(CAST({_HIGH} AS SIGNED) AS DECIMAL(20, 0)) * 1152921504606846976 "
    f"+ CAST(ABS({{0}}) * {{4}} - {_HIGH} * 1152921504606846976E0 AS SIGNED)) * {{5}})"
)
"""The float in half places, as a multiple of the divisor, its digits above and below 2**60 apart."""
_QUARTERS = f"(({_SCALED} DIV {{6}}) * 2 + (MOD({_SCALED}, {{6}}) > 0))"
"""The float in half places, cut; and in the last bit whether anything was cut off."""
ROUND_FLOAT = (
    "(CASE WHEN ABS({0}) < {1} THEN 0E0 WHEN ABS({0}) >= {2} THEN {0} + 0E0 "
    f"ELSE SIGN({{0}}) * CAST(CONCAT(({_QUARTERS} + 1 + (({_QUARTERS} >> 2) & 1)) >> 2, {{7}}) AS DOUBLE) + 0E0 END)"
)
"""Of a float and the numbers that ``NUMBERS`` makes of the places, in their order."""


def _exponent(places: int) -> int:
    """The units of a float: 2 to minus this divides every float of at least a quarter of the last place."""
    return 10 * places // 3 + 56


def _factor(places: int) -> Decimal:
    return Decimal(2 * 5 ** max(places, 0) * 2 ** max(places - _exponent(places), 0))


def _divisor(places: int) -> Decimal:
    return Decimal(5 ** max(-places, 0) * 2 ** max(_exponent(places) - places, 0))


NUMBERS: tuple[Callable[[int], Any], ...] = (
    lambda places: float(f"25E{-places - 2}"),  # below is 0
    lambda places: 2.0**57 * float(f"1E{-places}"),  # from there on floats lie further apart than places
    lambda places: 2.0 ** (_exponent(places) - 60),
    lambda places: 2.0 ** _exponent(places),
    _factor,
    _divisor,
    lambda places: f"E{-places}",
)
