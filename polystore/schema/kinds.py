"""Kinds of value: what a field holds, independent of any store.

A *rich* value is what users see on an instance (an ``Enum`` member, an ``IPv4Address``). Its *plain* value is the
basic Python value behind it (the member's value, the address as text): the query floor, the evaluator and the
adapters see only plain values. ``plain.py`` converts between the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from polystore.schema.model import Schema

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1
SPAN_MIN = timedelta(microseconds=INT64_MIN)
SPAN_MAX = timedelta(microseconds=INT64_MAX)


class BoolKind(Struct, frozen=True):
    """True or False."""


class IntKind(Struct, frozen=True):
    """A signed 64-bit integer."""


class FloatKind(Struct, frozen=True):
    """A binary64 float; NaN is refused, -0.0 is stored as 0.0, infinities are ordered."""


class DecimalKind(Struct, frozen=True):
    """An exact decimal, 0 or between 1E-100 and 1E+101 in magnitude.

    With ``decimal_places`` every value has exactly that many fractional digits. Without, values are *normalised*:
    trailing zeros are dropped, up to 34 significant digits are kept.
    """

    max_digits: int = 34
    decimal_places: int | None = None

    @property
    def fits_int64(self) -> bool:
        """Whether each value times ``10 ** decimal_places`` is an int64."""
        return self.decimal_places is not None and self.max_digits <= 18

    @property
    def limit(self) -> Decimal:
        """What every value lies below in magnitude."""
        power = 101 if self.decimal_places is None else self.max_digits - self.decimal_places
        return Decimal(1).scaleb(power)


class TextKind(Struct, frozen=True):
    """Unicode text, compared by code point, without NUL and lone surrogates."""

    max_length: int | None = None


class BytesKind(Struct, frozen=True):
    """Bytes, compared as unsigned."""

    max_length: int | None = None


class DateKind(Struct, frozen=True):
    """A calendar date, years 1 to 9999."""


class TimeKind(Struct, frozen=True):
    """A wall-clock time of day without zone, to the microsecond."""


class DateTimeKind(Struct, frozen=True):
    """A moment: aware, in UTC. ``precision`` "us" asks every store for microseconds, None takes the store's own."""

    precision: str | None = None


class NaiveDateTimeKind(Struct, frozen=True):
    """A wall-clock date and time without zone, never shifted."""

    precision: str | None = None


class DurationKind(Struct, frozen=True):
    """A timedelta, held as int64 microseconds."""


class UuidKind(Struct, frozen=True):
    """A UUID, ordered by its 16 bytes."""


class ObjectIdKind(Struct, frozen=True):
    """A 12-byte ObjectId; its plain value is the 24-digit lower-case hexadecimal text."""


class JsonKind(Struct, frozen=True):
    """Any JSON value; top-level null is NULL."""


class ListKind(Struct, frozen=True):
    """A list; its plain value is a list of plain values."""

    item: Kind
    item_null: bool = False


class MapKind(Struct, frozen=True):
    """A ``dict[str, T]``; its plain value is a dict of plain values."""

    value: Kind
    value_null: bool = False


class EmbeddedKind(Struct, frozen=True, eq=False):
    """An embedded model; its plain value is a dict from field name to plain value, every field present."""

    schema: Schema
    model: type[Any]


class EnumKind(Struct, frozen=True, eq=False):
    """A member of an Enum; its plain value is the member's value."""

    enum: type[Enum]
    base: BoolKind | IntKind | FloatKind | TextKind
    members: Mapping[Any, Enum]


class IpKind(Struct, frozen=True):
    """An IPv4 or IPv6 address or interface; its plain value is its canonical text."""

    python: type[Any]


class UrlKind(Struct, frozen=True):
    """A URL of pydantic; its plain value is its text."""

    python: Any


ScalarKind: TypeAlias = (
    BoolKind
    | IntKind
    | FloatKind
    | DecimalKind
    | TextKind
    | BytesKind
    | DateKind
    | TimeKind
    | DateTimeKind
    | NaiveDateTimeKind
    | DurationKind
    | UuidKind
    | ObjectIdKind
)
ContainerKind: TypeAlias = JsonKind | ListKind | MapKind | EmbeddedKind
PlainKind: TypeAlias = ScalarKind | ContainerKind
Kind: TypeAlias = ScalarKind | ContainerKind | EnumKind | IpKind | UrlKind

_TEXT = TextKind()


def enum_kind(python: type[Enum], max_length: int | None = None) -> EnumKind | None:
    """The kind of an Enum's members; None where their values are not of one type: str, int, float or bool."""
    types_of_values = {type(member.value) for member in python}
    bases: dict[type, Any] = {bool: BoolKind(), int: IntKind(), float: FloatKind(), str: TextKind(max_length)}
    base = bases.get(next(iter(types_of_values))) if len(types_of_values) == 1 else None
    return None if base is None else EnumKind(python, base, {member.value: member for member in python})


def plain_kind(kind: Kind) -> PlainKind:
    """The kind of a field's plain values: an Enum's base, text for addresses and URLs, else the kind itself."""
    if isinstance(kind, EnumKind):
        return kind.base
    if isinstance(kind, IpKind | UrlKind):
        return _TEXT
    return kind


def is_container(kind: Kind) -> bool:
    """Whether values of the kind are mutable structures: JSON, lists, dicts, embedded models."""
    return isinstance(kind, JsonKind | ListKind | MapKind | EmbeddedKind)


def describe_kind(kind: Kind) -> str:
    """The kind in a user's words, for error messages."""
    match kind:
        case EnumKind(enum=enum):
            return f"{enum.__name__} (one of {', '.join(repr(m.value) for m in enum)})"
        case IpKind(python=python):
            return python.__name__
        case UrlKind():
            return "URL"
        case EmbeddedKind(schema=schema):
            return schema.name
        case ListKind(item=item):
            return f"list of {describe_kind(item)}"
        case MapKind(value=value):
            return f"dict of str to {describe_kind(value)}"
        case _:
            return _NAMES[type(kind)]


_NAMES: dict[type, str] = {
    BoolKind: "bool",
    IntKind: "int",
    FloatKind: "float",
    DecimalKind: "Decimal",
    TextKind: "str",
    BytesKind: "bytes",
    DateKind: "date",
    TimeKind: "time",
    DateTimeKind: "aware datetime",
    NaiveDateTimeKind: "naive datetime",
    DurationKind: "timedelta",
    UuidKind: "UUID",
    ObjectIdKind: "ObjectId",
    JsonKind: "JSON value",
}
