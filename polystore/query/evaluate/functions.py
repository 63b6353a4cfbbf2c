"""What each function means: from the values of its arguments to its value.

A ``None`` among the arguments gives ``None``, save for those that say otherwise in ``TAKES_NULL``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from polystore.errors import DataError
from polystore.query.evaluate.dates import extractor
from polystore.query.evaluate.numbers import checked_float, checked_int, settled
from polystore.query.operators import DatePart, Function
from polystore.query.text import simple_lower, simple_upper
from polystore.schema.kinds import (
    DateKind,
    DateTimeKind,
    DecimalKind,
    FloatKind,
    IntKind,
    Kind,
    NaiveDateTimeKind,
    PlainKind,
    TextKind,
    plain_kind,
)

_WIDE = 500
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_WHOLE = re.compile(r"-?[0-9]+")

TAKES_NULL = frozenset({Function.COALESCE, Function.NULLIF, Function.CONCAT, Function.NOW})


def _nullif(value: Any, other: Any) -> Any:
    return None if value == other else value


def _concat(*texts: str | None) -> str:
    return "".join(text for text in texts if text is not None)


def _substr(text: str, position: int, length: int | None = None) -> str:
    return text[position - 1 :] if length is None else text[position - 1 : position - 1 + length]


def _replace(text: str, old: str, new: str) -> str:
    return text.replace(old, new) if old else text


def _left(text: str, length: int) -> str:
    return text[:length]


def _right(text: str, length: int) -> str:
    return text[-length:] if length else ""


def _abs(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value.copy_abs()
    return checked_int(abs(value), f"Abs({value})") if isinstance(value, int) else abs(value)


def _ceil(value: Any) -> Any:
    return _to_whole(value, math.ceil, ROUND_CEILING)


def _floor(value: Any) -> Any:
    return _to_whole(value, math.floor, ROUND_FLOOR)


def _to_whole(value: Any, whole: Callable[[float], int], rounding: str) -> Any:
    if isinstance(value, Decimal):
        return value.quantize(Decimal(1), context=Context(prec=_WIDE, rounding=rounding))
    return value if isinstance(value, int) or math.isinf(value) else float(whole(value)) + 0.0


def _round(value: Any, places: int = 0) -> Any:
    """To so many decimal places, a half to the even neighbour; a float by its exact binary value."""
    if isinstance(value, Decimal):
        return value.quantize(Decimal(1).scaleb(-places), context=Context(prec=_WIDE, rounding=ROUND_HALF_EVEN))
    if isinstance(value, int):
        return checked_int(round(value, places), f"Round({value}, {places})")
    if math.isinf(value):
        return value
    try:
        return round(value, places) + 0.0
    except OverflowError as error:
        raise DataError(f"Round({value}, {places}) is no finite number") from error


def _power(base: float, exponent: float) -> float:
    try:
        result = math.pow(base, exponent)
    except (OverflowError, ValueError) as error:
        raise DataError(f"Power({base}, {exponent}): {error}") from error
    return checked_float(result, f"Power({base}, {exponent})", base, exponent)


def _sqrt(value: float) -> float:
    if value < 0:
        raise DataError(f"Sqrt({value}): no square root of a negative number")
    return math.sqrt(value) + 0.0


FUNCTIONS: dict[Function, Callable[..., Any]] = {
    Function.NULLIF: _nullif,
    Function.GREATEST: max,
    Function.LEAST: min,
    Function.CONCAT: _concat,
    Function.LOWER: simple_lower,
    Function.UPPER: simple_upper,
    Function.LENGTH: len,
    Function.TRIM: lambda text: text.strip(" "),
    Function.LTRIM: lambda text: text.lstrip(" "),
    Function.RTRIM: lambda text: text.rstrip(" "),
    Function.SUBSTR: _substr,
    Function.REPLACE: _replace,
    Function.LEFT: _left,
    Function.RIGHT: _right,
    Function.ABS: _abs,
    Function.CEIL: _ceil,
    Function.FLOOR: _floor,
    Function.ROUND: _round,
    Function.POWER: _power,
    Function.SQRT: _sqrt,
}
"""All but Now, Cast and Coalesce, which need more than values, and Trunc, which is a node of its own."""


# ---- casts


def caster(given: Kind, wanted: Kind) -> Callable[[Any], Any]:
    """The function from a value of one kind to one of another; ``signatures`` tells which go together."""
    source, target = plain_kind(given), plain_kind(wanted)
    match target:
        case IntKind():
            return _int_from_text if isinstance(source, TextKind) else _int_from_number
        case FloatKind():
            return _float_from_text if isinstance(source, TextKind) else float
        case DecimalKind():
            return _decimal_from_text if isinstance(source, TextKind) else Decimal
        case TextKind():
            return _text_from(source)
        case DateKind() if isinstance(source, DateTimeKind | NaiveDateTimeKind):
            return extractor(DatePart.DATE, None)
        case _:
            return lambda value: value


def _int_from_number(value: Any) -> int:
    """The number without what follows its point."""
    if isinstance(value, float) and math.isinf(value):
        raise DataError(f"Cast({value}, int) is no number")
    return checked_int(int(value), f"Cast({value}, int)")


def _int_from_text(text: str) -> int:
    if _WHOLE.fullmatch(text) is None:
        raise DataError(f"Cast({text!r}, int): not the digits of an int")
    return checked_int(int(text), f"Cast({text!r}, int)")


def _float_from_text(text: str) -> float:
    if _NUMBER.fullmatch(text) is None:
        raise DataError(f"Cast({text!r}, float): not the digits of a number")
    return checked_float(float(text), f"Cast({text!r}, float)")


def _decimal_from_text(text: str) -> Decimal:
    if _NUMBER.fullmatch(text) is None:
        raise DataError(f"Cast({text!r}, Decimal): not the digits of a number")
    return Decimal(text)


def _text_from(source: PlainKind) -> Callable[[Any], str]:
    if isinstance(source, DecimalKind):
        settle = settled(source)
        assert settle is not None
        return lambda value: format(settle(value), "f")
    return str
