"""Plain values as BSON values and back, one function for each kind, or None where nothing changes.

An int is an Int64, a Decimal a Decimal128; a date is midnight of a BSON date, a moment a BSON date cut to milliseconds
or, with ``precision="us"``, an Int64 of microseconds since 1970; a time of day and a timedelta are Int64 microseconds;
a UUID has subtype 4, an ObjectId is native. JSON, lists, dicts and embedded models are native documents and arrays. The
driver hands dates over without a zone; ``load`` adds UTC where the kind has one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal, Inexact
from operator import pos
from typing import Any, TypeAlias

from bson import DBRef, Decimal128, Int64, ObjectId
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions

from polystore.errors import DataError
from polystore.schema.kinds import (
    INT64_MAX,
    INT64_MIN,
    DateKind,
    DateTimeKind,
    DecimalKind,
    DurationKind,
    EmbeddedKind,
    IntKind,
    JsonKind,
    Kind,
    ListKind,
    MapKind,
    NaiveDateTimeKind,
    ObjectIdKind,
    PlainKind,
    TimeKind,
    plain_kind,
)
from polystore.schema.plain import normaliser

Convert: TypeAlias = Callable[[Any], Any]

CODEC: CodecOptions[dict[str, Any]] = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)
MICROSECOND = timedelta(microseconds=1)
DECIMAL_DIGITS = 34

_EPOCH = datetime(1970, 1, 1)
_AWARE_EPOCH = _EPOCH.replace(tzinfo=UTC)
_WIDE = Context(prec=60)
_EXPONENT_BIAS = 6176
_HIGH = (1 << 49) - 1
_LOW = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Codec:
    """How values of all kinds are stored, made of how those of single values are.

    Attributes:
        dump_scalar: from a plain value of a kind that is no container to the stored one.
        load_scalar: back again.
    """

    dump_scalar: Callable[[PlainKind], Convert | None]
    load_scalar: Callable[[PlainKind], Convert | None]

    def dump(self, kind: Kind) -> Convert | None:
        """The function from a plain value (never None) to the BSON value that is stored."""
        kind = plain_kind(kind)
        match kind:
            case ListKind(item=item):
                return _each_item(self.dump(item)) or list
            case MapKind(value=value):
                return _each_value(self.dump(value)) or dict
            case EmbeddedKind(schema=schema):
                return _embedded_dump([(info.name, info.column, self.dump(info.kind)) for info in schema.fields])
            case JsonKind():
                return json_dump
            case _:
                return self.dump_scalar(kind)

    def dump_operand(self, kind: Kind) -> Convert | None:
        """``dump`` for a value that stored ones are compared with: ints compare whatever their width."""
        return None if isinstance(plain_kind(kind), IntKind) else self.dump(kind)

    def load(self, kind: Kind) -> Convert | None:
        """The function from a stored value (never null) to the plain one; containers are built anew."""
        kind = plain_kind(kind)
        match kind:
            case ListKind(item=item):
                return _each_item(self.load(item)) or list
            case MapKind(value=value):
                return _map_load(self.load(value))
            case EmbeddedKind(schema=schema):
                return _embedded_load([(info.name, info.column, self.load(info.kind)) for info in schema.fields])
            case JsonKind():
                return _json_load
            case _:
                return self.load_scalar(kind)


def dump_scalar(kind: PlainKind) -> Convert | None:
    """The function from a plain value of a kind that is no container to its BSON value."""
    match kind:
        case DecimalKind(decimal_places=places):
            return _decimal_dump(places)
        case DateTimeKind(precision="us"):
            return _moment_to_microseconds
        case NaiveDateTimeKind(precision="us"):
            return _naive_to_microseconds
        case _:
            return _DUMPS.get(type(kind))


def load_scalar(kind: PlainKind) -> Convert | None:
    """The function from the BSON value of a kind that is no container to its plain value."""
    match kind:
        case DecimalKind(max_digits=digits, decimal_places=places):
            return _decimal_load(digits, places)
        case DateTimeKind(precision="us"):
            return _moment_from_microseconds
        case NaiveDateTimeKind(precision="us"):
            return _naive_from_microseconds
        case _:
            return _LOADS.get(type(kind))


def rounding(kind: Kind) -> Convert | None:
    """The function from a plain value to the one that a BSON date will hold; None where every value is held."""
    kind = plain_kind(kind)
    match kind:
        case DateTimeKind(precision=None) | NaiveDateTimeKind(precision=None):
            return _to_milliseconds
        case ListKind(item=item):
            return _each_item(rounding(item))
        case MapKind(value=value):
            return _each_value(rounding(value))
        case EmbeddedKind(schema=schema):
            rounded = [(info.name, info.name, rounding(info.kind)) for info in schema.fields]
            return _embedded_dump(rounded) if any(convert for _, _, convert in rounded) else None
        case _:
            return None


# ---- decimals


def _decimal_dump(places: int | None) -> Convert:
    """Decimal128 from its bits: PyMongo's own way goes digit by digit."""
    if places is None:
        return _decimal_bits
    scale = Decimal(10) ** places
    high = (_EXPONENT_BIAS - places) << 49

    def convert(value: Decimal) -> Decimal128:
        coefficient = _WIDE.multiply(value, scale)
        whole = int(coefficient)
        if whole == coefficient and 0 <= whole <= _LOW:
            bits: Any = (high, whole)
            return Decimal128(bits)
        return _decimal_bits(value, -places)

    return convert


def _decimal_bits(value: Decimal, exponent: Any = None) -> Decimal128:
    if exponent is None:
        exponent = value.as_tuple().exponent
    if exponent > 0:
        return Decimal128(value)
    coefficient = value.scaleb(-exponent, _WIDE)
    whole = int(coefficient)
    if exponent == 0 and abs(whole) >= 10**DECIMAL_DIGITS:
        value = value.normalize(_WIDE)
        if len(value.as_tuple().digits) <= DECIMAL_DIGITS:
            return Decimal128(value)
    if whole != coefficient or abs(whole) >= 10**DECIMAL_DIGITS or exponent < -_EXPONENT_BIAS:
        return _shortest(value)
    high = (exponent + _EXPONENT_BIAS) << 49 | abs(whole) >> 64
    bits: Any = (high | 1 << 63 if whole < 0 else high, abs(whole) & _LOW)
    return Decimal128(bits)


def _shortest(value: Decimal) -> Decimal128:
    """A number of too many digits, without its trailing zeros."""
    try:
        return Decimal128(value.normalize(_WIDE))
    except Inexact as error:
        raise DataError(f"{value} does not fit Decimal128, which holds {DECIMAL_DIGITS} significant digits") from error


def _decimal_load(max_digits: int, places: int | None) -> Convert:
    """Decimal from the bits of a Decimal128; brought to the field's places where they differ."""
    normalise: Callable[[Decimal], Decimal] = normaliser(max_digits, places)
    expected = None if places is None else _EXPONENT_BIAS - places
    unit = Decimal(1).scaleb(-(places or 0))

    def convert(stored: Any) -> Decimal:
        if type(stored) is not Decimal128:
            return normalise(Decimal(stored))
        high, low = stored.__getstate__()
        exponent = high >> 49 & 0x3FFF
        if exponent == expected:
            coefficient = (high & _HIGH) << 64 | low
            return _WIDE.multiply(-coefficient if high >> 63 else coefficient, unit)
        return normalise(stored.to_decimal())

    return convert


# ---- dates and times


def _date_dump(value: date) -> datetime:
    return datetime(value.year, value.month, value.day)


def _time_dump(value: time) -> Int64:
    return Int64(((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond)


def _time_load(microseconds: int) -> time:
    seconds, microsecond = divmod(int(microseconds), 1_000_000)
    minutes, second = divmod(seconds, 60)
    return time(minutes // 60, minutes % 60, second, microsecond)


def _moment_load(stored: datetime) -> datetime:
    return _AWARE_EPOCH + (stored - _EPOCH)  # several times as fast as replace(tzinfo=UTC)


def _to_milliseconds(value: datetime) -> datetime:
    extra = value.microsecond % 1000
    return value.replace(microsecond=value.microsecond - extra) if extra else value


def _moment_to_microseconds(value: datetime) -> Int64:
    return Int64((value - _AWARE_EPOCH) // MICROSECOND)


def _naive_to_microseconds(value: datetime) -> Int64:
    return Int64((value - _EPOCH) // MICROSECOND)


def _moment_from_microseconds(stored: int) -> datetime:
    return _AWARE_EPOCH + timedelta(microseconds=stored)


def _naive_from_microseconds(stored: int) -> datetime:
    return _EPOCH + timedelta(microseconds=stored)


def _duration_dump(value: timedelta) -> Int64:
    microseconds = value // MICROSECOND
    if not INT64_MIN <= microseconds <= INT64_MAX:
        raise DataError(f"{value!r} does not fit 64-bit microseconds; a timedelta may span about 292,000 years")
    return Int64(microseconds)


def _duration_load(stored: int) -> timedelta:
    return timedelta(microseconds=stored)


# ---- documents and arrays


def _each_item(convert: Convert | None) -> Convert | None:
    if convert is None:
        return None
    inner = convert
    return lambda items: [None if item is None else inner(item) for item in items]


def _each_value(convert: Convert | None) -> Convert | None:
    if convert is None:
        return None
    inner = convert
    return lambda items: {key: None if item is None else inner(item) for key, item in items.items()}


def _map_load(convert: Convert | None) -> Convert:
    inner = _each_value(convert) or dict
    return lambda stored: inner(_as_dict(stored))


def _embedded_dump(fields: list[tuple[str, str, Convert | None]]) -> Convert:
    def convert(plain: dict[str, Any]) -> dict[str, Any]:
        return {
            column: value if (value := plain[name]) is None or inner is None else inner(value)
            for name, column, inner in fields
        }

    return convert


def _embedded_load(fields: list[tuple[str, str, Convert | None]]) -> Convert:
    def convert(stored: dict[str, Any]) -> dict[str, Any]:
        return {
            name: value if (value := stored.get(column)) is None or inner is None else inner(value)
            for name, column, inner in fields
        }

    return convert


def json_dump(value: Any) -> Any:
    match value:
        case bool() | None:
            return value
        case int():
            return Int64(value)
        case dict():
            return {key: json_dump(item) for key, item in value.items()}
        case list():
            return [json_dump(item) for item in value]
        case _:
            return value


def _json_load(stored: Any) -> Any:
    kind = stored.__class__
    if kind is dict:
        return {
            key: item if (inner := item.__class__) in _SAME else +item if inner is Int64 else _json_load(item)
            for key, item in stored.items()
        }
    if kind is list:
        return [
            item if (inner := item.__class__) in _SAME else +item if inner is Int64 else _json_load(item)
            for item in stored
        ]
    if kind is Int64:
        return +stored
    return _json_load(_as_dict(stored)) if kind is DBRef else stored


def _as_dict(stored: Any) -> dict[str, Any]:
    """A document; the driver turns one with the keys "$ref" and "$id" into a DBRef."""
    return dict(stored.as_doc()) if isinstance(stored, DBRef) else stored


_DUMPS: dict[type, Convert] = {
    IntKind: Int64,
    DateKind: _date_dump,
    TimeKind: _time_dump,
    DurationKind: _duration_dump,
    ObjectIdKind: ObjectId,
}

_SAME = frozenset({str, float, bool, type(None)})

_LOADS: dict[type, Convert] = {
    IntKind: pos,
    DateKind: datetime.date,
    TimeKind: _time_load,
    DateTimeKind: _moment_load,
    DurationKind: _duration_load,
    ObjectIdKind: str,
}

SERVER_CODEC = Codec(dump_scalar, load_scalar)
