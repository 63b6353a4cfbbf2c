"""How mongomock holds values that it cannot compare in their BSON form: Decimals and UUIDs.

A Decimal is an Int64 of its smallest unit where that fits, else text that sorts as the number does; a UUID is its 16
bytes; moments have no zone and are cut to milliseconds here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Context, Decimal
from typing import Any, TypeAlias
from uuid import UUID

from bson import Int64
from bson.binary import UUID_SUBTYPE, Binary

from polystore.adapters.mongo.types import Codec, dump_scalar, load_scalar
from polystore.schema.kinds import DateTimeKind, DecimalKind, NaiveDateTimeKind, PlainKind, UuidKind
from polystore.schema.plain import normaliser

Convert: TypeAlias = Callable[[Any], Any]

_WIDE = Context(prec=200)
_BIAS = 5000
_COMPLEMENT = str.maketrans("0123456789", "9876543210")


def mock_dump_scalar(kind: PlainKind) -> Convert | None:
    """``types.dump_scalar`` for mongomock."""
    match kind:
        case DecimalKind(decimal_places=int(places)) if kind.fits_int64:
            return lambda value: Int64(int(value.scaleb(places, _WIDE)))
        case DecimalKind():
            return decimal_key
        case UuidKind():
            return lambda value: Binary(value.bytes, UUID_SUBTYPE)
        case DateTimeKind(precision=None) | NaiveDateTimeKind(precision=None):
            return _cut
        case _:
            return dump_scalar(kind)


def mock_load_scalar(kind: PlainKind) -> Convert | None:
    """``types.load_scalar`` for mongomock."""
    match kind:
        case DecimalKind(decimal_places=int(places)) if kind.fits_int64:
            down = -places
            return lambda stored: Decimal(int(stored)).scaleb(down, _WIDE)
        case DecimalKind(max_digits=digits, decimal_places=None):
            normalise: Convert = normaliser(digits, None)
            return lambda stored: normalise(decimal_of(stored, None))
        case DecimalKind(decimal_places=places):
            return lambda stored: decimal_of(stored, places)
        case UuidKind():
            return lambda stored: UUID(bytes=bytes(stored))
        case _:
            return load_scalar(kind)


def decimal_key(value: Decimal) -> str:
    """A text for each number, such that texts sort as numbers do."""
    if not value:
        return "1"
    digits = "".join(map(str, value.as_tuple().digits)).rstrip("0")
    size = value.adjusted() + _BIAS
    if value > 0:
        return f"2{size:04d}{digits}"
    return f"0{9999 - size:04d}{digits.translate(_COMPLEMENT)}~"


def decimal_of(key: str, places: int | None) -> Decimal:
    """The number of a text of ``decimal_key``, with exactly ``places`` fractional digits where they are given."""
    if key == "1":
        value = Decimal(0)
    else:
        positive = key[0] == "2"
        digits = key[5:] if positive else key[5:-1].translate(_COMPLEMENT)
        size = int(key[1:5]) if positive else 9999 - int(key[1:5])
        value = Decimal(int(digits) if positive else -int(digits)).scaleb(size - _BIAS - len(digits) + 1, _WIDE)
    return value if places is None else value.quantize(Decimal(1).scaleb(-places), context=_WIDE)


def _cut(value: datetime) -> datetime:
    return value.replace(tzinfo=None, microsecond=value.microsecond // 1000 * 1000)


MOCK_CODEC = Codec(mock_dump_scalar, mock_load_scalar)
