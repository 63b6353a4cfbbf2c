"""Functions as aggregation operators: from the documents of their arguments to that of their value.

But for those of Coalesce all arguments are computed before one is chosen, and NULL among them gives NULL where
``evaluate`` says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

from bson import Decimal128, Int64

from polystore.adapters.mongo.cases import lowered, uppered
from polystore.adapters.mongo.template import Hole
from polystore.adapters.mongo.values import (
    Document,
    checked_float,
    either,
    given,
    literal,
    positive_zero,
    power_of_ten,
    unless_null,
)
from polystore.errors import NotSupportedError
from polystore.query.nodes import Parameter
from polystore.query.operators import Function
from polystore.schema.kinds import FloatKind, IntKind, Kind, plain_kind

Arguments: TypeAlias = Sequence[Any]

_MOST = 2**31 - 1
_WHOLE_DECIMAL = 33
_WHOLE_FLOAT = 2.0**53


def called(function: Function, arguments: Arguments, kind: Kind) -> Any:
    """The value of a function; of a number one of the ``kind`` of its result."""
    if function is Function.COALESCE:
        return {"$ifNull": [*arguments]}
    names = [f"a{place}" for place in range(len(arguments))]
    variables = dict(zip(names, arguments, strict=True))
    references = [f"$${name}" for name in names]
    if function is Function.CONCAT:
        return given(variables, {"$concat": [{"$ifNull": [reference, ""]} for reference in references]})
    write = _NUMBERS.get(function)
    value = _TEXTS[function](*references) if write is None else write(references, kind)
    return given(variables, unless_null(references, value))


def now() -> Document:
    """The moment of the command by the server's clock, in microseconds."""
    return {"$multiply": [{"$toLong": "$$NOW"}, literal(Int64(1000))]}


def clamped(parameter: Parameter) -> Document:
    """A position or a length within a text, which has no more characters than an int32 counts."""
    return literal(Hole(parameter.index, lambda value: min(value, _MOST)))


# ---- texts


def _part(text: Any, start: Any, length: Any = _MOST) -> Document:
    return {"$substrCP": [text, start, length]}


def _substr(text: Any, position: Any, length: Any = _MOST) -> Document:
    return _part(text, {"$subtract": [position, 1]}, length)


def _right(text: Any, length: Any) -> Document:
    return _part(text, {"$max": [{"$subtract": [{"$strLenCP": text}, length]}, 0]}, length)


def _replace(text: Any, old: Any, new: Any) -> Document:
    replaced = {"$replaceAll": {"input": text, "find": old, "replacement": new}}
    return either({"$eq": [old, ""]}, text, replaced)


def _trimmed(operator: str) -> Callable[..., Document]:
    return lambda text: {operator: {"input": text, "chars": literal(" ")}}


_TEXTS: dict[Function, Callable[..., Document]] = {
    Function.LOWER: lowered,
    Function.UPPER: uppered,
    Function.LENGTH: lambda text: {"$strLenCP": text},
    Function.TRIM: _trimmed("$trim"),
    Function.LTRIM: _trimmed("$ltrim"),
    Function.RTRIM: _trimmed("$rtrim"),
    Function.SUBSTR: _substr,
    Function.REPLACE: _replace,
    Function.LEFT: lambda text, length: _part(text, 0, length),
    Function.RIGHT: _right,
    Function.GREATEST: lambda *values: {"$max": [*values]},
    Function.LEAST: lambda *values: {"$min": [*values]},
}


# ---- numbers


def _absolute(arguments: Arguments, kind: Kind) -> Document:
    return {"$abs": arguments[0]}


def _whole(operator: str) -> Callable[[Arguments, Kind], Any]:
    def write(arguments: Arguments, kind: Kind) -> Any:
        (value,) = arguments
        match plain_kind(kind):
            case IntKind():
                return value
            case FloatKind():
                return positive_zero({operator: value})
            case _:
                return _unless_large(value, {operator: value}, power_of_ten(_WHOLE_DECIMAL))

    return write


def _unless_large(value: Any, changed: Any, room: Any) -> Document:
    """The changed number; one so large that it has no fraction stays as it is, for the operators give NaN then."""
    return either({"$gte": [{"$abs": value}, room]}, value, changed)


def _rounded(arguments: Arguments, kind: Kind) -> Any:
    return _rounded_to_whole(arguments[0], plain_kind(kind))


def rounded_to(value: Any, places: Parameter, kind: Kind) -> Document:
    """The number rounded half-even to so many decimal places, fewer than none for tens.

    Raises:
        NotSupportedError: a float, of which a server rounds the first 34 digits.
    """
    plain = plain_kind(kind)
    if isinstance(plain, FloatKind):
        raise NotSupportedError("MongoDB rounds floats to whole numbers only; put .client(max_rows=...) before it")
    up, down = (literal(Hole(places.index, _power_of_ten(sign))) for sign in (1, -1))
    scaled = given({"r": {"$multiply": [{"$toDecimal": value}, up]}}, _whole_decimal("$$r"))
    result = {"$multiply": [scaled, down]}
    return {"$toLong": result} if isinstance(plain, IntKind) else result


def _power_of_ten(sign: int) -> Callable[[int], Decimal128]:
    return lambda exponent: Decimal128(Decimal(1).scaleb(sign * exponent))


def _rounded_to_whole(value: Any, kind: Kind) -> Any:
    match kind:
        case IntKind():
            return value
        case FloatKind():
            return _unless_large(value, positive_zero({"$round": [value, 0]}), _WHOLE_FLOAT)
        case _:
            return _whole_decimal(value)


def _whole_decimal(value: Any) -> Document:
    return _unless_large(value, {"$round": [value, 0]}, power_of_ten(_WHOLE_DECIMAL))


def _power(arguments: Arguments, kind: Kind) -> Document:
    base, exponent = ({"$toDouble": argument} for argument in arguments)
    to_zero = {"$and": [{"$eq": ["$$base", 0]}, {"$eq": ["$$exponent", -math.inf]}]}
    result = either(to_zero, math.inf, {"$pow": ["$$base", "$$exponent"]})
    checked = given({"r": result}, checked_float("$$r", ["$$base", "$$exponent"]))
    return given({"base": base, "exponent": exponent}, checked)


def _root(arguments: Arguments, kind: Kind) -> Document:
    return positive_zero({"$sqrt": {"$toDouble": arguments[0]}})


_NUMBERS: dict[Function, Callable[[Arguments, Kind], Any]] = {
    Function.ABS: _absolute,
    Function.CEIL: _whole("$ceil"),
    Function.FLOOR: _whole("$floor"),
    Function.ROUND: _rounded,
    Function.POWER: _power,
    Function.SQRT: _root,
}
