"""From rich values to plain ones and back, one function for each kind, or None where nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any, TypeAlias

from pydantic import TypeAdapter

from polystore.schema.kinds import (
    DateTimeKind,
    DecimalKind,
    EmbeddedKind,
    EnumKind,
    FloatKind,
    IpKind,
    Kind,
    ListKind,
    MapKind,
    ObjectIdKind,
    UrlKind,
)

Convert: TypeAlias = Callable[[Any], Any]


def to_plain(kind: Kind) -> Convert | None:
    """The function from a validated rich value (never None) to its plain value; None for identity."""
    match kind:
        case DateTimeKind():
            return _to_utc
        case FloatKind():
            return _positive_zero
        case DecimalKind(max_digits=digits, decimal_places=places):
            return normaliser(digits, places)
        case EnumKind():
            return _enum_value
        case ObjectIdKind() | IpKind() | UrlKind():
            return str
        case ListKind(item=item):
            return _list_of(to_plain(item))
        case MapKind(value=value):
            return _map_of(to_plain(value))
        case EmbeddedKind():
            return _embedded_to_plain(kind)
        case _:
            return None


def from_plain(kind: Kind) -> Convert | None:
    """The function from a plain value (never None) to the rich one; None for identity."""
    match kind:
        case EnumKind(members=members):
            return members.__getitem__
        case ObjectIdKind():
            return object_id
        case IpKind(python=python):
            return python
        case UrlKind(python=python):
            return _url_reader(python)
        case ListKind(item=item):
            return _list_of(from_plain(item), fresh=False)
        case MapKind(value=value):
            return _map_of(from_plain(value), fresh=False)
        case EmbeddedKind():
            return _embedded_from_plain(kind)
        case _:
            return None


def normaliser(max_digits: int, places: int | None) -> Convert:
    """The function that brings a Decimal to its field's canonical form.

    With places: exactly that many fractional digits. Without: no trailing zeros, and no exponent for whole numbers.
    The context has room for ``max_digits``, whatever the caller's own context is.
    """
    if places is None:
        context = Context(prec=max_digits, rounding=ROUND_HALF_EVEN)

        def normalise(value: Decimal) -> Decimal:
            value = value.normalize(context)
            if value.is_zero():
                return _ZERO
            exponent = value.as_tuple().exponent
            if isinstance(exponent, int) and 0 < exponent <= max_digits:
                return value.quantize(_ONE, context=Context(prec=max_digits + exponent + 2))
            return value

        return normalise
    context = Context(prec=max_digits + 2, rounding=ROUND_HALF_EVEN)
    quantum = Decimal(1).scaleb(-places)

    def quantise(value: Decimal) -> Decimal:
        if value and value.same_quantum(quantum):
            return value
        try:
            value = value.quantize(quantum, context=context)
        except InvalidOperation:
            return value
        return value.copy_abs() if value.is_zero() else value

    return quantise


def object_id(text: str) -> Any:
    """The ObjectId of a hexadecimal text; needs the package ``bson`` (part of pymongo)."""
    from bson import ObjectId  # optional driver

    return ObjectId(text)


_ZERO = Decimal(0)
_ONE = Decimal(1)


def _to_utc(value: datetime) -> datetime:
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def _positive_zero(value: float) -> float:
    return value + 0.0


def _enum_value(member: Any) -> Any:
    return member.value


def _list_of(convert: Convert | None, *, fresh: bool = True) -> Convert | None:
    if convert is None:
        return list if fresh else None
    inner = convert

    def each(items: Any) -> list[Any]:
        return [None if item is None else inner(item) for item in items]

    return each


def _map_of(convert: Convert | None, *, fresh: bool = True) -> Convert | None:
    if convert is None:
        return dict if fresh else None
    inner = convert

    def each(items: Any) -> dict[str, Any]:
        return {key: None if item is None else inner(item) for key, item in items.items()}

    return each


def _embedded_to_plain(kind: EmbeddedKind) -> Convert:
    fields = [(info.name, to_plain(info.kind)) for info in kind.schema.fields]

    def dump(instance: Any) -> dict[str, Any]:
        values = instance.__dict__
        plain = {}
        for name, convert in fields:
            value = values.get(name)
            plain[name] = value if convert is None or value is None else convert(value)
        return plain

    return dump


def _embedded_from_plain(kind: EmbeddedKind) -> Convert:
    fields = [(info.name, from_plain(info.kind)) for info in kind.schema.fields]
    model = kind.model
    names = {name for name, _ in fields}

    def load(plain: dict[str, Any]) -> Any:
        values = {}
        for name, convert in fields:
            value = plain.get(name)
            values[name] = value if convert is None or value is None else convert(value)
        return model.__polystore_build__(values, names)

    return load


def _url_reader(python: Any) -> Convert:
    return TypeAdapter(python).validate_python
