"""Structured values (JSON, lists, dicts, embedded models) as JSON: for stores that keep them in one text.

``document_dump`` turns a plain value into what JSON can hold, ``document_load`` turns it back; None where
nothing changes. Inside a document a moment is fixed-width ISO text in UTC, so that text order is time order; a
Decimal is its text; bytes are base64. An embedded model is an object under its fields' column names; a key
that is missing reads as None.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from polystore.schema.kinds import (
    BytesKind,
    DateKind,
    DateTimeKind,
    DecimalKind,
    DurationKind,
    EmbeddedKind,
    FloatKind,
    Kind,
    ListKind,
    MapKind,
    NaiveDateTimeKind,
    TimeKind,
    UuidKind,
    plain_kind,
)

Convert: TypeAlias = Callable[[Any], Any]

MICROSECOND = timedelta(microseconds=1)


def document_dump(kind: Kind) -> Convert | None:
    """The function from a plain value (never None) to JSON-able data."""
    kind = plain_kind(kind)
    match kind:
        case ListKind(item=item):
            return each_item(document_dump(item))
        case MapKind(value=value):
            return each_value(document_dump(value))
        case EmbeddedKind(schema=schema):
            fields = [(info.name, info.column, document_dump(info.kind)) for info in schema.fields]

            def dump(plain: dict[str, Any]) -> dict[str, Any]:
                return {
                    column: value if (value := plain[name]) is None or convert is None else convert(value)
                    for name, column, convert in fields
                }

            return dump
        case _:
            return _DUMPS.get(type(kind))


def document_load(kind: Kind) -> Convert | None:
    """The function from JSON data (never None) back to the plain value."""
    kind = plain_kind(kind)
    match kind:
        case ListKind(item=item):
            return each_item(document_load(item))
        case MapKind(value=value):
            return each_value(document_load(value))
        case EmbeddedKind(schema=schema):
            fields = [(info.name, info.column, document_load(info.kind)) for info in schema.fields]

            def load(data: dict[str, Any]) -> dict[str, Any]:
                return {
                    name: value if (value := data.get(column)) is None or convert is None else convert(value)
                    for name, column, convert in fields
                }

            return load
        case _:
            return _LOADS.get(type(kind))


def each_item(convert: Convert | None) -> Convert | None:
    """The conversion of an item made one of a list; None items stay."""
    if convert is None:
        return None
    inner = convert
    return lambda items: [None if item is None else inner(item) for item in items]


def each_value(convert: Convert | None) -> Convert | None:
    """The conversion of a value made one of a dict; None values stay."""
    if convert is None:
        return None
    inner = convert
    return lambda items: {key: None if item is None else inner(item) for key, item in items.items()}


def moment_text(moment: datetime) -> str:
    """``2024-02-29T10:00:00.000000Z``: fixed width, so that text order is time order."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def moment_from_text(text: str) -> datetime:
    """The aware datetime in UTC of ``moment_text``."""
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)


def _naive_text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def _microseconds(span: timedelta) -> int:
    return span // MICROSECOND


def _span(microseconds: int) -> timedelta:
    return timedelta(microseconds=microseconds)


def _base64(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _float_text(value: float) -> float | str:
    return value if value - value == 0.0 else repr(value)


_DUMPS: dict[type, Convert] = {
    FloatKind: _float_text,
    DecimalKind: str,
    BytesKind: _base64,
    DateKind: date.isoformat,
    TimeKind: lambda value: value.isoformat(timespec="microseconds"),
    DateTimeKind: moment_text,
    NaiveDateTimeKind: _naive_text,
    DurationKind: _microseconds,
    UuidKind: str,
}

_LOADS: dict[type, Convert] = {
    FloatKind: float,
    DecimalKind: Decimal,
    BytesKind: b64decode,
    DateKind: date.fromisoformat,
    TimeKind: time.fromisoformat,
    DateTimeKind: moment_from_text,
    NaiveDateTimeKind: datetime.fromisoformat,
    DurationKind: _span,
    UuidKind: UUID,
}
