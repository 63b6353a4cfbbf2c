"""Cursors of pages: the place of a row in a total order, as signed text whose inside is nobody's business.

A cursor holds the plain values of the order's terms as MessagePack, behind a keyed hash (HMAC with SHA-256, RFC 2104,
cut to 16 bytes) over these, the model and the order. So a cursor that was made up, cut or made for another order is
refused, and what stands in a good one can be trusted. It is signed, not encrypted: its holder can read the values.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from polystore.errors import InvalidCursor
from polystore.query.nodes import Order
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
    TimeKind,
    UuidKind,
    plain_kind,
)
from polystore.schema.model import Schema

_SIGNATURE = 16
_TYPES: dict[type, Any] = {
    BoolKind: bool,
    BytesKind: bytes,
    DateKind: date,
    DateTimeKind: datetime,
    DecimalKind: Decimal,
    DurationKind: timedelta,
    FloatKind: float,
    IntKind: int,
    NaiveDateTimeKind: datetime,
    TimeKind: time,
    UuidKind: UUID,
}
"""The types of plain values; those of all other kinds that have an order are str."""


def write_cursor(schema: Schema, order: Sequence[Order], key: Sequence[Any], secret: bytes) -> str:
    """The cursor of a row.

    Args:
        schema: the model.
        order: the total order of the pages.
        key: the row's plain value for each term, None for NULL.
        secret: the key of the signature.
    """
    body = msgspec.msgpack.encode(tuple(key))
    return urlsafe_b64encode(_signature(schema, order, body, secret) + body).rstrip(b"=").decode()


def read_cursor(schema: Schema, order: Sequence[Order], cursor: str, secret: bytes) -> tuple[Any, ...]:
    """The plain values that a cursor holds, one for each term of the order.

    Raises:
        InvalidCursor: it was not made with this secret for this model and order.
    """
    try:
        sealed = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except (AttributeError, ValueError):
        raise _refusal(schema, order, cursor) from None
    signature, body = sealed[:_SIGNATURE], sealed[_SIGNATURE:]
    if not hmac.compare_digest(signature, _signature(schema, order, body, secret)):
        raise _refusal(schema, order, cursor)
    types: Any = tuple[tuple(_type(term.field.kind) | None for term in order)]  # type: ignore[misc]  # built from values
    key: tuple[Any, ...] = msgspec.msgpack.decode(body, type=types)
    return key


def _signature(schema: Schema, order: Sequence[Order], body: bytes, secret: bytes) -> bytes:
    context = msgspec.msgpack.encode((schema.name, names_of(order)))
    return hmac.digest(secret, context + body, "sha256")[:_SIGNATURE]


def names_of(order: Sequence[Order]) -> tuple[str, ...]:
    """The terms as ``order_by`` takes them."""
    return tuple(f"-{term.field.name}" if term.descending else term.field.name for term in order)


def _type(kind: Kind) -> Any:
    return _TYPES.get(type(plain_kind(kind)), str)


def _refusal(schema: Schema, order: Sequence[Order], cursor: Any) -> InvalidCursor:
    given = f"{cursor[:40]}..." if isinstance(cursor, str) and len(cursor) > 40 else cursor
    return InvalidCursor(
        f"{schema.name}: {given!r} is no cursor of these pages, ordered by {', '.join(names_of(order))}: it was made "
        "for another order or with another secret (set one secret for all processes), or changed on its way"
    )
