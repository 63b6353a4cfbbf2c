"""Values in SQL: for each kind the column type and the functions between plain and stored value.

A ``Codec`` is chosen once for a field; ``dump`` and ``load`` are None where the driver's value is the plain one.
Moments are fixed-width ISO text wherever the driver has no faster way: text order is then time order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID, SafeUUID

import msgspec
from msgspec import Struct
from sqlalchemy.types import TypeEngine

from polystore.errors import DataError
from polystore.schema.document import document_dump, document_load
from polystore.schema.kinds import INT64_MAX, INT64_MIN, DecimalKind, Kind

Convert: TypeAlias = Callable[[Any], Any]

EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)
"""Room for every decimal there is; never the caller's own context."""


class Codec(Struct, frozen=True):
    """How values of one kind stand in a column."""

    column: TypeEngine[Any]
    dump: Convert | None = None
    load: Convert | None = None


# ---- whole numbers


def checked_int(value: int) -> int:
    """The int, when it is one of 64 bits.

    Raises:
        DataError: it is not.
    """
    if INT64_MIN <= value <= INT64_MAX:
        return value
    raise DataError(f"{value} does not fit a 64-bit integer")


MICROSECOND = timedelta(microseconds=1)


def microseconds(span: timedelta) -> int:
    """The whole span in microseconds.

    Raises:
        DataError: it does not fit 64 bits (about 292,000 years).
    """
    return checked_int(span // MICROSECOND)


span_of: Convert = partial(timedelta, 0, 0)
"""The span of that many microseconds."""


# ---- decimals


def scaled(places: int) -> Convert:
    """The function from a decimal with at most that many places to an int: ``1.50`` with two is 150."""
    scale = EXACT.scaleb

    def dump(value: Decimal) -> int:
        return int(scale(value, places))

    return dump


def unscaled(places: int) -> Convert:
    """The function back from ``scaled``."""
    return partial(EXACT.multiply, Decimal(1).scaleb(-places))


def sized(kind: DecimalKind) -> tuple[int, int] | None:
    """Digits and places of a decimal with fixed places; None when its places differ from value to value."""
    return None if kind.decimal_places is None else (kind.max_digits, kind.decimal_places)


# ---- moments


def spaced_iso(moment: datetime) -> str:
    """``2024-02-29 10:00:00.000000``, followed by the offset of an aware one."""
    return moment.isoformat(" ", "microseconds")


def iso_time(value: Any) -> str:
    """``10:00:00.000000``."""
    return value.isoformat("microseconds")  # type: ignore[no-any-return]  # a time


# ---- identifiers


_new = object.__new__
_put_number = UUID.__dict__["int"].__set__
_put_safety = UUID.__dict__["is_safe"].__set__
_UNKNOWN = SafeUUID.unknown


def uuid_of_text(text: str) -> UUID:
    """The UUID of 32 hexadecimal digits with dashes, in half the time of its constructor, which checks them."""
    made: UUID = _new(UUID)
    _put_number(made, int(text.replace("-", ""), 16))
    _put_safety(made, _UNKNOWN)
    return made


def uuid_of_bytes(data: bytes) -> UUID:
    """The UUID of 16 bytes."""
    made: UUID = _new(UUID)
    _put_number(made, int.from_bytes(data, "big"))
    _put_safety(made, _UNKNOWN)
    return made


def bytes_of_uuid(value: UUID) -> bytes:
    """The UUID's 16 bytes."""
    return value.int.to_bytes(16, "big")


# ---- containers


def json_dump(kind: Kind) -> Convert:
    """The function from a plain list, dict or JSON value to JSON text."""
    encode, convert = msgspec.json.encode, document_dump(kind)
    if convert is None:
        return lambda value: encode(value).decode()
    inner = convert
    return lambda value: encode(inner(value)).decode()


def json_load(kind: Kind) -> Convert:
    """The function back from JSON text or its UTF-8 bytes."""
    decode, convert = msgspec.json.decode, document_load(kind)
    if convert is None:
        return decode
    inner = convert
    return lambda text: inner(decode(text))


def finite(value: float) -> float:
    """The float, when it is finite.

    Raises:
        DataError: it is an infinity.
    """
    if math.isinf(value):
        raise DataError(f"MySQL and MariaDB cannot hold {value!r}")
    return value
