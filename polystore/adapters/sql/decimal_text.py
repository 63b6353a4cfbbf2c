"""Decimals as text whose order is the order of the numbers, for stores without an exact decimal of the size.

``12.50`` is ``"1:5001:125 12.50"``: the sign, the power of ten plus 5000, the significant digits, then the number as
people read it. Negative numbers hold the nines' complement of power and digits and end the digits with ``~``, so that
the larger magnitude comes first. Equal numbers written with equal places have equal text.
"""

from __future__ import annotations

from decimal import Context, Decimal

_BIAS = 5000
_COMPLEMENT = str.maketrans("0123456789", "9876543210")
_ROOM = Context(prec=1000)
_ZERO = "0"


def encode(value: Decimal) -> str:
    """The text of a finite decimal between 1E-5000 and 1E+4999 in magnitude."""
    return f"{_order(value)} {value}"


def canonical(value: Decimal) -> str:
    """The text that all equal decimals share, whatever places they are written with."""
    return encode(value.normalize(_ROOM)) if value else "0 0"


def decode(text: str) -> Decimal:
    """The decimal of such a text, with the places it was written with."""
    return Decimal(text[text.index(" ") + 1 :])


def _order(value: Decimal) -> str:
    sign, digits, _ = value.as_tuple()
    significant = "".join(map(str, digits)).strip("0") if value else ""
    if not significant:
        return _ZERO
    power = f"{value.adjusted() + _BIAS:04d}"
    if sign:
        return f"-:{power.translate(_COMPLEMENT)}:{significant.translate(_COMPLEMENT)}~"
    return f"1:{power}:{significant}"
