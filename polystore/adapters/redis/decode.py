"""From encodings back to values, and from an index entry to the encodings that it is made of."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from polystore.adapters.redis.keys import NULL, invert
from polystore.schema.kinds import (
    BoolKind,
    BytesKind,
    DateKind,
    DateTimeKind,
    DecimalKind,
    DurationKind,
    FloatKind,
    IntKind,
    Kind,
    NaiveDateTimeKind,
    ObjectIdKind,
    TextKind,
    TimeKind,
    UuidKind,
    plain_kind,
)
from polystore.schema.plain import normaliser

Decode: TypeAlias = Callable[[bytes], Any]

_SIGN = 1 << 63
_ALL = (1 << 64) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_MIDNIGHT = datetime(2000, 1, 1)
_SIZES = {
    **dict.fromkeys((0x05, 0x06, 0x07), 1),
    **dict.fromkeys((0x10, 0x14, 0x2C, 0x30, 0x31, 0x34), 9),
    0x28: 5,
    0x38: 17,
    0x3C: 13,
}
_DECIMAL = 0x18
_ZERO, _NEGATIVE = 2, 1
"""What stands for the sign of a decimal."""

_pack_unsigned = struct.Struct(">Q").pack
_unpack_float = struct.Struct(">d").unpack


def decoder(kind: Kind) -> Decode:
    """The function from the encoding of a scalar kind to its plain value; None for that of NULL."""
    plain = plain_kind(kind)
    decode = _DECODERS[type(plain)]
    if isinstance(plain, DecimalKind):
        settle = normaliser(plain.max_digits, plain.decimal_places)
        return lambda encoded: None if encoded == NULL else settle(decode(encoded))
    return lambda encoded: None if encoded == NULL else decode(encoded)


def split(entry: bytes, directions: Iterable[bool]) -> list[bytes]:
    """The encodings that an entry begins with, as many as there are directions; descending ones turned round."""
    found, start = [], 0
    for descending in directions:
        stop = _end_of(entry, start, descending)
        encoded = entry[start:stop]
        found.append(invert(encoded) if descending else encoded)
        start = stop
    return found


def _end_of(entry: bytes, start: int, descending: bool) -> int:
    turn = 255 if descending else 0
    kind = entry[start] ^ turn
    size = _SIZES.get(kind)
    if size is not None:
        return start + size
    last, first = turn, start + 1
    if kind == _DECIMAL:
        sign = entry[start + 1] ^ turn
        if sign == _ZERO:
            return start + 2
        last, first = (turn ^ 255 if sign == _NEGATIVE else turn), start + 4
    return entry.index(last, first) + 1


def _number(encoded: bytes) -> int:
    return int.from_bytes(encoded[1:], "big")


def _signed(encoded: bytes) -> int:
    return _number(encoded) - _SIGN


def _decode_float(encoded: bytes) -> float:
    ordered = _number(encoded)
    value: float = _unpack_float(_pack_unsigned(ordered ^ _SIGN if ordered & _SIGN else ordered ^ _ALL))[0]
    return value


def _decode_decimal(encoded: bytes) -> Decimal:
    sign = encoded[1]
    if sign == _ZERO:
        return Decimal(0)
    magnitude = invert(encoded[2:]) if sign == _NEGATIVE else encoded[2:]
    digits = tuple(digit for pair in magnitude[2:-1] for digit in divmod(pair - 1, 10))
    adjusted = int.from_bytes(magnitude[:2], "big") - 0x8000
    return Decimal((int(sign == _NEGATIVE), digits, adjusted - len(digits) + 1))


def _unescaped(encoded: bytes) -> bytes:
    return encoded[1:-1].replace(b"\1\1", b"\0").replace(b"\1\2", b"\1")


def _span(microseconds: int) -> timedelta:
    return timedelta(0, 0, microseconds)


_DECODERS: dict[type, Decode] = {
    BoolKind: lambda encoded: encoded == b"\x07",
    IntKind: _signed,
    FloatKind: _decode_float,
    DecimalKind: _decode_decimal,
    TextKind: lambda encoded: _unescaped(encoded).decode(),
    BytesKind: _unescaped,
    DateKind: lambda encoded: date.fromordinal(_number(encoded)),
    TimeKind: lambda encoded: (_MIDNIGHT + _span(_number(encoded))).time(),
    DateTimeKind: lambda encoded: _EPOCH + _span(_signed(encoded)),
    NaiveDateTimeKind: lambda encoded: _NAIVE_EPOCH + _span(_signed(encoded)),
    DurationKind: lambda encoded: _span(_signed(encoded)),
    UuidKind: lambda encoded: UUID(bytes=encoded[1:]),
    ObjectIdKind: lambda encoded: encoded[1:].hex(),
}
