"""The small words of aggregation expressions: literals, tests for NULL, results that fail where they are no value.

A server computes without our rules: a sum of two longs that overflows becomes a double, a missing field is below null,
a text that begins with "$" is a path. So every value stands in ``$literal``, every comparison tests its operands for
NULL, and a result that is none is turned into an error by a conversion that cannot succeed.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from bson import Decimal128, Int64

from polystore.adapters.mongo.types import DECIMAL_DIGITS
from polystore.schema.kinds import DateTimeKind, DecimalKind, FloatKind, Kind, NaiveDateTimeKind, plain_kind

Document: TypeAlias = dict[str, Any]

ZERO = Decimal128("0")


def literal(value: Any) -> Document:
    """A value that is never read as a path or an operator."""
    return {"$literal": value}


def not_null(value: Any) -> Document:
    """Whether an aggregation expression is neither null nor missing: both stand below everything else."""
    return {"$gt": [value, None]}


def null(value: Any) -> Document:
    """Whether an aggregation expression is null or missing."""
    return {"$lte": [value, None]}


def or_null(value: Any) -> Document:
    """The value, null where it is missing."""
    return {"$ifNull": [value, None]}


def either(test: Any, value: Any, other: Any) -> Document:
    """One value where the test is true, else the other."""
    return {"$cond": [test, value, other]}


def given(variables: dict[str, Any], value: Any) -> Document:
    """An expression with some parts computed once, under names."""
    return {"$let": {"vars": variables, "in": value}}


def unless_null(names: list[str], value: Any) -> Document:
    """The value, or NULL when one of these is."""
    tests = [null(name) for name in names]
    return either(tests[0] if len(tests) == 1 else {"$or": tests}, None, value)


def failure(value: Any) -> Document:
    """An error, said by the conversion of something to a number that it is not."""
    return {"$toLong": {"$concat": ["no value: ", {"$toString": value}]}}


# ---- numbers


def checked_int(result: Any) -> Document:
    """The int, or an error after an overflow, which shows as a double."""
    return either({"$eq": [{"$type": result}, "double"]}, failure(result), result)


def checked_float(result: Any, operands: list[Any]) -> Document:
    """The float without a sign on zero, or an error: NaN, or infinite though all operands are finite."""
    finite = [{"$lt": [{"$abs": operand}, math.inf]} for operand in operands]
    infinite = {"$and": [{"$eq": [{"$abs": result}, math.inf]}, *finite]}
    return either({"$or": [is_nan(result), infinite]}, failure(result), positive_zero(result))


def positive_zero(result: Any) -> Document:
    """The float without a sign on zero."""
    return {"$add": [result, 0.0]}


def is_nan(result: Any) -> Document:
    """Whether a number is none."""
    return {"$eq": [result, math.nan]}


def checked_decimal(result: Any, room: Any) -> Document:
    """The Decimal, or an error when it is none or its size is not below ``room``."""
    return either({"$or": [is_nan(result), {"$gte": [{"$abs": result}, room]}]}, failure(result), result)


def power_of_ten(exponent: int) -> Document:
    """A Decimal to compare with or to multiply by."""
    return literal(Decimal128(f"1E+{exponent}" if exponent >= 0 else f"1E{exponent}"))


WHOLE_ROOM = power_of_ten(DECIMAL_DIGITS)


# ---- kinds


def is_microseconds(kind: Kind | None) -> bool:
    """Whether moments of the kind are stored as an int of microseconds."""
    return isinstance(kind, DateTimeKind | NaiveDateTimeKind) and kind.precision == "us"


def microseconds(value: Any, kind: Kind | None) -> Any:
    """A moment as microseconds since 1970."""
    return value if is_microseconds(kind) else {"$multiply": [{"$toLong": value}, literal(Int64(1000))]}


def date_of(value: Any, kind: Kind | None) -> Any:
    """A moment as the BSON date at or before it; in Decimal128, since a double has too few digits."""
    if not is_microseconds(kind):
        return value
    return {"$toDate": {"$toLong": {"$floor": {"$multiply": [value, literal(Decimal128("0.001"))]}}}}


def in_kind(value: Any, kind: Kind | None, wanted: Kind) -> Any:
    """A value as one of a wider kind: an int as a float or a Decimal, a moment to the microsecond."""
    target = plain_kind(wanted)
    if kind is None or plain_kind(kind) == target:
        return value
    match target:
        case FloatKind():
            return {"$toDouble": value}
        case DecimalKind():
            return {"$toDecimal": value}
        case DateTimeKind(precision="us") | NaiveDateTimeKind(precision="us"):
            return microseconds(value, plain_kind(kind))
        case _:
            return value
