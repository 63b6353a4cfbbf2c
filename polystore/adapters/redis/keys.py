"""Bytes whose order is the order of the values: what sorted sets hold instead of values.

An encoding is a byte for the type, then the value; NULL is one byte that is lower than all others. Encodings of one
kind are prefix-free, so that encodings written one after the other sort as tuples do, and all members that begin with
an encoding lie between it and ``successor`` of it. Inverting each byte reverses the order.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from polystore.errors import DataError
from polystore.query.text import simple_fold
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

Encode: TypeAlias = Callable[[Any], bytes]

NULL = b"\x05"
AFTER_NULL = b"\x06"
MAX_KEY_BYTES = 60_000

_FALSE, _TRUE = b"\x06", b"\x07"
_INT, _FLOAT, _DECIMAL = b"\x10", b"\x14", b"\x18"
_TEXT, _BYTES = b"\x20", b"\x24"
_DATE, _TIME, _MOMENT, _NAIVE_MOMENT, _DURATION = b"\x28", b"\x2c", b"\x30", b"\x31", b"\x34"
_UUID, _OBJECT_ID = b"\x38", b"\x3c"

_SIGN = 1 << 63
_ALL = (1 << 64) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_INVERT = bytes(255 - byte for byte in range(256))

_pack_unsigned = struct.Struct(">Q").pack
_unpack_unsigned = struct.Struct(">Q").unpack
_pack_float = struct.Struct(">d").pack
_pack_short = struct.Struct(">H").pack


def encoder(kind: Kind) -> Encode:
    """The function from a plain value of a scalar kind (never None) to its encoding."""
    return _ENCODERS[type(plain_kind(kind))]


def key_encoder(kind: Kind) -> Encode:
    """``encoder`` for a primary key, whose encoding must fit the two bytes that tell its length.

    Raises:
        DataError: at encoding, a text of more than 60 000 bytes.
    """
    encode = encoder(kind)
    if not isinstance(plain_kind(kind), TextKind):
        return encode

    def encode_checked(value: Any) -> bytes:
        encoded = encode(value)
        if len(encoded) > MAX_KEY_BYTES:
            raise DataError(f"a primary key of {len(encoded)} bytes; on Redis at most {MAX_KEY_BYTES} bytes work")
        return encoded

    return encode_checked


def successor(prefix: bytes) -> bytes | None:
    """The lowest bytes above everything that begins with ``prefix``; None when nothing is above."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes((stripped[-1] + 1,)) if stripped else None


def invert(encoded: bytes) -> bytes:
    """The bytes that sort the other way round."""
    return encoded.translate(_INVERT)


def text_prefix(prefix: str) -> bytes:
    """What the encodings of all texts that begin with ``prefix`` begin with."""
    return encode_text(prefix)[:-1]


def encode_text(value: str) -> bytes:
    """Text: UTF-8, whose byte order is that of code points, ended by a zero."""
    return _TEXT + _escape(value.encode()) + b"\0"


def _escape(data: bytes) -> bytes:
    """The bytes without zeros, in the same order: a zero becomes 01 01, a one becomes 01 02."""
    if b"\0" in data or b"\1" in data:
        return data.replace(b"\1", b"\1\2").replace(b"\0", b"\1\1")
    return data


def encode_folded_text(value: str) -> bytes:
    """Text without regard to case."""
    return encode_text(simple_fold(value))


def _encode_bool(value: bool) -> bytes:
    return _TRUE if value else _FALSE


def encode_int(value: int) -> bytes:
    """An int64: big-endian with its sign bit flipped."""
    return _INT + _pack_unsigned(value + _SIGN)


def _encode_float(value: float) -> bytes:
    return _FLOAT + _ordered_float(value)


def _ordered_float(value: float) -> bytes:
    (bits,) = _unpack_unsigned(_pack_float(value + 0.0))
    return _pack_unsigned(_ALL - bits if bits & _SIGN else bits | _SIGN)


def encode_decimal(value: Decimal) -> bytes:
    """A decimal: its sign, its exponent, then two digits a byte; all but the sign inverted where negative.

    Trailing zeros do not count, so that equal numbers have one encoding.
    """
    sign, digits, _ = value.as_tuple()
    text = "".join(map(str, digits)).strip("0") if value else ""
    if not text:
        return _DECIMAL + b"\x02"
    if len(text) % 2:
        text += "0"
    pairs = bytes(int(text[place : place + 2]) + 1 for place in range(0, len(text), 2))
    magnitude = _pack_short(value.adjusted() + 0x8000) + pairs + b"\0"
    return _DECIMAL + (b"\x01" + invert(magnitude) if sign else b"\x03" + magnitude)


def _encode_bytes(value: bytes) -> bytes:
    return _BYTES + _escape(value) + b"\0"


def _encode_date(value: date) -> bytes:
    return _DATE + value.toordinal().to_bytes(4, "big")


def _encode_time(value: time) -> bytes:
    microseconds = ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
    return _TIME + _pack_unsigned(microseconds)


def _encode_moment(value: datetime) -> bytes:
    return _MOMENT + _pack_unsigned((value - _EPOCH) // _MICROSECOND + _SIGN)


def _encode_naive_moment(value: datetime) -> bytes:
    return _NAIVE_MOMENT + _pack_unsigned((value - _NAIVE_EPOCH) // _MICROSECOND + _SIGN)


def _encode_duration(value: timedelta) -> bytes:
    return _DURATION + _pack_unsigned(value // _MICROSECOND + _SIGN)


def _encode_uuid(value: UUID) -> bytes:
    return _UUID + value.bytes


def _encode_object_id(value: str) -> bytes:
    return _OBJECT_ID + bytes.fromhex(value)


_ENCODERS: dict[type, Encode] = {
    BoolKind: _encode_bool,
    IntKind: encode_int,
    FloatKind: _encode_float,
    DecimalKind: encode_decimal,
    TextKind: encode_text,
    BytesKind: _encode_bytes,
    DateKind: _encode_date,
    TimeKind: _encode_time,
    DateTimeKind: _encode_moment,
    NaiveDateTimeKind: _encode_naive_moment,
    DurationKind: _encode_duration,
    UuidKind: _encode_uuid,
    ObjectIdKind: _encode_object_id,
}
