"""Values within expressions: the kind that follows from a value's type, and its plain form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias
from uuid import UUID

from polystore.errors import FieldError
from polystore.query.coerce import Refused, Verdict, coercer
from polystore.query.operators import Operator
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
    enum_kind,
)

Tag: TypeAlias = str | type[Enum]
"""What a structure keeps of a value: its type's name, or the Enum that it is a member of."""

_KINDS: Mapping[str, Kind] = {
    "bool": BoolKind(),
    "int": IntKind(),
    "float": FloatKind(),
    "Decimal": DecimalKind(),
    "str": TextKind(),
    "bytes": BytesKind(),
    "date": DateKind(),
    "time": TimeKind(),
    "datetime": DateTimeKind("us"),
    "naive datetime": NaiveDateTimeKind("us"),
    "timedelta": DurationKind(),
    "UUID": UuidKind(),
    "ObjectId": ObjectIdKind(),
}
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "int"),
    (float, "float"),
    (Decimal, "Decimal"),
    (str, "str"),
    (bytes, "bytes"),
    (datetime, "datetime"),
    (date, "date"),
    (time, "time"),
    (timedelta, "timedelta"),
    (UUID, "UUID"),
)


def literal_kind(tag: Tag) -> Kind:
    """The kind of the values with this tag."""
    if isinstance(tag, str):
        return _KINDS[tag]
    kind = enum_kind(tag)
    assert kind is not None
    return kind


def literal(where: str, value: Any) -> tuple[Tag, Any]:
    """The tag and the plain form of a value (never None).

    Raises:
        FieldError: a type without a kind, or a value that its kind does not hold.
    """
    tag = _tag(value)
    if tag is None:
        raise FieldError(f"{where}: {value!r} is no value for an expression; write F, Value or a function of them")
    try:
        plain = coercer(literal_kind(tag), Operator.EXACT)(value)
    except Refused as refused:
        raise FieldError(f"{where}: {value!r} does not work as a value; it takes {refused}") from None
    if isinstance(plain, Verdict):
        raise FieldError(f"{where}: {value!r} is beyond what a store computes with")
    return tag, plain


def _tag(value: Any) -> Tag | None:
    if isinstance(value, Enum):
        return type(value) if enum_kind(type(value)) is not None else None
    if isinstance(value, datetime) and value.tzinfo is None:
        return "naive datetime"
    if type(value).__name__ == "ObjectId":
        return "ObjectId"
    return next((tag for python, tag in _TYPES if isinstance(value, python)), None)
