"""How a plain value is kept in a field of a hash, one function for each kind and direction.

NULL is a field that is not there. A moment is its microseconds since 1970, a Decimal and a UUID their text, a structure
JSON text; everything can be read with a bare ``HGETALL``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from polystore.schema.document import document_dump, document_load
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
    is_container,
    plain_kind,
)

Dump: TypeAlias = Callable[[Any], bytes]
Load: TypeAlias = Callable[[Any], Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_MIDNIGHT = datetime(2000, 1, 1)


def dump(kind: Kind) -> Dump:
    """The function from a plain value (never None) to the bytes of a hash field."""
    kind = plain_kind(kind)
    if is_container(kind):
        return _document_dump(kind)
    return _DUMPS[type(kind)]


def load(kind: Kind) -> Load | None:
    """The function from the bytes of a hash field (never None) to the plain value; None for bytes themselves."""
    kind = plain_kind(kind)
    if is_container(kind):
        return _document_load(kind)
    return _LOADS[type(kind)]


def _document_dump(kind: Kind) -> Dump:
    convert = document_dump(kind)
    encode = msgspec.json.Encoder().encode
    if convert is None:
        return encode
    inner = convert
    return lambda value: encode(inner(value))


def _document_load(kind: Kind) -> Load:
    convert = document_load(kind)
    decode = msgspec.json.Decoder().decode
    if convert is None:
        return decode
    inner = convert
    return lambda data: inner(decode(data))


def _dump_bool(value: bool) -> bytes:
    return b"1" if value else b"0"


def _dump_int(value: int) -> bytes:
    return b"%d" % value


def _dump_float(value: float) -> bytes:
    return repr(float(value)).encode()


def _dump_text(value: Any) -> bytes:
    return str(value).encode()


def _dump_date(value: date) -> bytes:
    return value.isoformat().encode()


def _dump_time(value: time) -> bytes:
    return b"%d" % (((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond)


def _dump_moment(value: datetime) -> bytes:
    return b"%d" % ((value - _EPOCH) // _MICROSECOND)


def _dump_naive_moment(value: datetime) -> bytes:
    return b"%d" % ((value - _NAIVE_EPOCH) // _MICROSECOND)


def _dump_duration(value: timedelta) -> bytes:
    return b"%d" % (value // _MICROSECOND)


_DUMPS: dict[type, Dump] = {
    BoolKind: _dump_bool,
    IntKind: _dump_int,
    FloatKind: _dump_float,
    DecimalKind: _dump_text,
    TextKind: str.encode,
    BytesKind: bytes,
    DateKind: _dump_date,
    TimeKind: _dump_time,
    DateTimeKind: _dump_moment,
    NaiveDateTimeKind: _dump_naive_moment,
    DurationKind: _dump_duration,
    UuidKind: _dump_text,
    ObjectIdKind: str.encode,
}


def _load_decimal(data: bytes) -> Decimal:
    return Decimal(data.decode())


def _load_date(data: bytes) -> date:
    return date.fromisoformat(data.decode())


def _load_time(data: bytes) -> time:
    return (_MIDNIGHT + timedelta(0, 0, int(data))).time()


def _load_moment(data: bytes) -> datetime:
    return _EPOCH + timedelta(0, 0, int(data))


def _load_naive_moment(data: bytes) -> datetime:
    return _NAIVE_EPOCH + timedelta(0, 0, int(data))


def _load_duration(data: bytes) -> timedelta:
    return timedelta(0, 0, int(data))


def _load_uuid(data: bytes) -> UUID:
    return UUID(data.decode())


_LOADS: dict[type, Load | None] = {
    BoolKind: b"1".__eq__,
    IntKind: int,
    FloatKind: float,
    DecimalKind: _load_decimal,
    TextKind: bytes.decode,
    BytesKind: None,
    DateKind: _load_date,
    TimeKind: _load_time,
    DateTimeKind: _load_moment,
    NaiveDateTimeKind: _load_naive_moment,
    DurationKind: _load_duration,
    UuidKind: _load_uuid,
    ObjectIdKind: bytes.decode,
}
