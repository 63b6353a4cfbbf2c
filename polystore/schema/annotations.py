"""From a field's annotation to its kind of value and the checks that pydantic runs for it."""

from __future__ import annotations

import ipaddress
import math
import types
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from msgspec import Struct
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, NaiveDatetime, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from polystore.errors import ModelError
from polystore.schema.kinds import (
    INT64_MAX,
    INT64_MIN,
    SPAN_MAX,
    SPAN_MIN,
    BoolKind,
    BytesKind,
    DateKind,
    DateTimeKind,
    DecimalKind,
    DurationKind,
    EmbeddedKind,
    EnumKind,
    FloatKind,
    IntKind,
    IpKind,
    JsonKind,
    Kind,
    ListKind,
    MapKind,
    NaiveDateTimeKind,
    ObjectIdKind,
    TextKind,
    TimeKind,
    UrlKind,
    UuidKind,
    enum_kind,
)
from polystore.schema.plain import object_id
from polystore.schema.storable import is_json

_IP_TYPES = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
)


class Sizes(Struct, frozen=True):
    """Constraints that decide how a value is stored."""

    max_length: int | None = None
    max_digits: int | None = None
    decimal_places: int | None = None
    precision: str | None = None


class ResolvedAnnotation(Struct, frozen=True):
    """A field's kind, whether None is allowed, and the annotation and checks to hand to pydantic."""

    kind: Kind
    null: bool
    annotation: Any
    before: tuple[Any, ...] = ()
    after: tuple[Any, ...] = ()


def resolve_annotation(annotation: Any, sizes: Sizes, where: str) -> ResolvedAnnotation:
    """Finds the kind of value behind an annotation.

    Args:
        annotation: a type as pydantic sees it, without ``Annotated`` around it.
        sizes: the constraints of the field.
        where: class and field, for errors.

    Raises:
        ModelError: polystore has no kind for the type; the message lists those it has.
    """
    inner, null = strip_optional(annotation)
    if get_origin(inner) is Annotated:
        inner, *metadata = get_args(inner)
        sizes = _sizes_within(metadata, sizes)
    kind = _kind(inner, sizes, where)
    before, after = _CHECKS.get(type(kind), ((), ()))
    if isinstance(kind, DecimalKind) and kind.decimal_places is not None and sizes.max_digits is None:
        after = (*after, _below(kind.limit))
    return ResolvedAnnotation(kind, null or inner is Any, _for_pydantic(annotation, kind, where), before, after)


def strip_optional(annotation: Any) -> tuple[Any, bool]:
    """The annotation without None, and whether None was part of it."""
    if annotation is None or annotation is type(None):
        return annotation, True
    if get_origin(annotation) in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        if len(members) == len(get_args(annotation)):
            return annotation, False
        if len(members) == 1:
            return members[0], True
        return Union[tuple(members)], True  # noqa: UP007 built from values
    return annotation, False


def _kind(annotation: Any, sizes: Sizes, where: str) -> Kind:
    if annotation is Any or annotation is dict or annotation is list:
        return JsonKind()
    if annotation is NaiveDatetime:
        return NaiveDateTimeKind(sizes.precision)
    if annotation is AwareDatetime:
        return DateTimeKind(sizes.precision)
    origin = get_origin(annotation)
    if origin is Literal:
        return _literal_kind(get_args(annotation), sizes, where)
    if origin is list:
        (item,) = get_args(annotation)
        resolved = resolve_annotation(item, Sizes(), where)
        return ListKind(resolved.kind, resolved.null)
    if origin is dict:
        return _dict_kind(get_args(annotation), where)
    if isinstance(annotation, type):
        return _class_kind(annotation, sizes, where)
    raise ModelError(_unknown(annotation, where))


def _dict_kind(arguments: tuple[Any, ...], where: str) -> Kind:
    key, value = arguments
    if key is not str:
        raise ModelError(f"{where}: a dict needs str keys, not {key!r}; use dict[str, T] or a list of embedded models")
    if value is Any:
        return JsonKind()
    resolved = resolve_annotation(value, Sizes(), where)
    return MapKind(resolved.kind, resolved.null)


def _literal_kind(values: tuple[Any, ...], sizes: Sizes, where: str) -> Kind:
    kinds = {type(value) for value in values}
    if kinds == {str}:
        return TextKind(sizes.max_length)
    if kinds == {int}:
        return IntKind()
    if kinds == {bool}:
        return BoolKind()
    raise ModelError(f"{where}: a Literal needs values of one type, str, int or bool, not {values!r}")


def _class_kind(python: type[Any], sizes: Sizes, where: str) -> Kind:
    if hasattr(python, "__polystore_schema__"):
        schema = python.__polystore_schema__
        if schema is None:
            raise ModelError(f"{where}: {python.__name__} is not finished; an embedded model cannot contain itself")
        if not schema.embedded:
            raise ModelError(f"{where}: {python.__name__} is a model; embed an EmbeddedModel, or refer to it by key")
        return EmbeddedKind(schema, python)
    if issubclass(python, Enum):
        return _enum_kind(python, sizes, where)
    if python.__name__ == "ObjectId" and python.__module__.startswith("bson"):
        return ObjectIdKind()
    if python in _IP_TYPES:
        return IpKind(python)
    if python.__module__.startswith("pydantic"):
        return _pydantic_kind(python, sizes, where)
    simple = _SIMPLE.get(python)
    if simple is None:
        raise ModelError(_unknown(python, where))
    return simple(sizes)


def _pydantic_kind(python: type[Any], sizes: Sizes, where: str) -> Kind:
    if python.__name__ == "EmailStr":
        return TextKind(sizes.max_length)
    if hasattr(python, "_constraints") or python.__name__.endswith(("Url", "Dsn")):
        return UrlKind(python)
    raise ModelError(_unknown(python, where))


def _enum_kind(python: type[Enum], sizes: Sizes, where: str) -> EnumKind:
    kind = enum_kind(python, sizes.max_length)
    if kind is None:
        raise ModelError(f"{where}: the members of {python.__name__} need values of one type: str, int, float or bool")
    return kind


_SIMPLE: dict[type, Callable[[Sizes], Kind]] = {
    bool: lambda sizes: BoolKind(),
    int: lambda sizes: IntKind(),
    float: lambda sizes: FloatKind(),
    Decimal: lambda sizes: DecimalKind(sizes.max_digits or 34, sizes.decimal_places),
    str: lambda sizes: TextKind(sizes.max_length),
    bytes: lambda sizes: BytesKind(sizes.max_length),
    date: lambda sizes: DateKind(),
    time: lambda sizes: TimeKind(),
    datetime: lambda sizes: DateTimeKind(sizes.precision),
    timedelta: lambda sizes: DurationKind(),
    UUID: lambda sizes: UuidKind(),
}


def _unknown(annotation: Any, where: str) -> str:
    return (
        f"{where}: no kind of value for {annotation!r}; use bool, int, float, Decimal, str, bytes, date, time, "
        "datetime, NaiveDatetime, timedelta, UUID, ObjectId, an Enum, an IP address, EmailStr, AnyUrl, dict, Any, "
        "list[T], dict[str, T], an EmbeddedModel, or one of these with | None"
    )


def _sizes_within(metadata: list[Any], sizes: Sizes) -> Sizes:
    metadata = [each for item in metadata for each in (item, *getattr(item, "metadata", ()))]
    found = {
        name: next((value for item in metadata if (value := getattr(item, name, None)) is not None), None)
        for name in ("max_length", "max_digits", "decimal_places")
    }
    return Sizes(
        sizes.max_length or found["max_length"],
        sizes.max_digits or found["max_digits"],
        sizes.decimal_places if sizes.decimal_places is not None else found["decimal_places"],
        sizes.precision,
    )


def _for_pydantic(annotation: Any, kind: Kind, where: str) -> Any:
    """The annotation with what pydantic does not know: checks of items of lists and dicts, and ObjectId."""
    inner, null = strip_optional(annotation)
    origin = get_origin(inner)
    if isinstance(kind, ObjectIdKind):
        text = WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{24}$"})
        rebuilt: Any = Annotated[inner, BeforeValidator(_object_id), PlainSerializer(str, when_used="json"), text]
    elif origin is list:
        rebuilt = list[_checked(get_args(inner)[0], where)]  # type: ignore[misc]  # built from values
    elif origin is dict and get_args(inner)[1] is not Any:
        rebuilt = dict[_checked(str, where), _checked(get_args(inner)[1], where)]  # type: ignore[misc]  # as above
    else:
        return annotation
    return rebuilt | None if null else rebuilt


def _checked(annotation: Any, where: str) -> Any:
    resolved = resolve_annotation(annotation, Sizes(), where)
    checked = resolved.annotation
    for check in (*resolved.before, *resolved.after):
        checked = Annotated[checked, check]
    return checked


def _object_id(value: Any) -> Any:
    if isinstance(value, str) and len(value) == 24 and all(digit in "0123456789abcdefABCDEF" for digit in value):
        return object_id(value)
    return value


def _refuse_bool(value: Any) -> Any:
    if type(value) is bool:
        raise PydanticCustomError("number_type", "Input should be a number, not a bool")
    return value


def _refuse_wide(value: Any) -> Any:
    if value is not None and not INT64_MIN <= value <= INT64_MAX:
        raise PydanticCustomError("int64", "Input should lie between -2**63 and 2**63 - 1")
    return value


def _refuse_nan(value: Any) -> Any:
    if value is None:
        return None
    if math.isnan(value):
        raise PydanticCustomError("not_a_number", "Input should not be NaN")
    return value + 0.0


def _refuse_unstorable_decimal(value: Any) -> Any:
    if value is None:
        return None
    if not value.is_finite():
        raise PydanticCustomError("finite_number", "Input should be a finite Decimal")
    if len(str(value)) > 34 and len("".join(map(str, value.as_tuple().digits)).rstrip("0")) > 34:
        raise PydanticCustomError("decimal_digits", "Input should have at most 34 significant digits")
    if value and not -100 <= value.adjusted() <= 100:
        raise PydanticCustomError("decimal_range", "Input should lie between 1E-100 and 1E+101 in magnitude")
    return value


@cache
def _below(limit: Decimal) -> AfterValidator:
    """The check of a Decimal whose places are declared and whose digits are not."""

    def check(value: Any) -> Any:
        if value is not None and value.copy_abs() >= limit:
            raise PydanticCustomError(
                "decimal_range", "Input should lie below {limit} in magnitude", {"limit": str(limit)}
            )
        return value

    return AfterValidator(check)


def _refuse_unstorable_text(value: Any) -> Any:
    if value is None:
        return None
    if "\0" in value:
        raise PydanticCustomError("nul_character", "Input should not contain the NUL character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise PydanticCustomError("surrogate", "Input should not contain lone surrogates") from None
    return value


def _refuse_naive(value: Any) -> Any:
    if value is not None and value.tzinfo is None:
        raise PydanticCustomError(
            "timezone_aware",
            "Input should have a timezone; declare the field as NaiveDatetime to store wall-clock times",
        )
    if value is not None and not 1 < value.year < 9999:
        try:
            value.astimezone(UTC)
        except OverflowError:
            raise PydanticCustomError("utc_range", "Input should lie in the years 1 to 9999 of UTC") from None
    return value


def _refuse_long_span(value: Any) -> Any:
    if value is not None and not SPAN_MIN <= value <= SPAN_MAX:
        raise PydanticCustomError("span", "Input should be a 64-bit number of microseconds (292,271 years)")
    return value


def _refuse_zone(value: Any) -> Any:
    if value is not None and value.tzinfo is not None:
        raise PydanticCustomError("timezone_naive", "Input should be a time of day without a timezone")
    return value


def _refuse_unstorable_json(value: Any) -> Any:
    if not is_json(value):
        _walk_json(value, 0)
    return value


def _walk_json(value: Any, depth: int) -> None:
    if depth > 90:
        raise PydanticCustomError("json_depth", "Input should be nested at most 90 levels deep")
    match value:
        case None | bool():
            return
        case str():
            _refuse_unstorable_text(value)
        case int():
            _refuse_wide(value)
        case float():
            if not math.isfinite(value):
                raise PydanticCustomError("json_number", "Input should hold finite numbers only")
        case list():
            for item in value:
                _walk_json(item, depth + 1)
        case dict():
            for key, item in value.items():
                if type(key) is not str:
                    raise PydanticCustomError("json_key", "Input should have str keys only")
                _walk_json(key, depth + 1)
                _walk_json(item, depth + 1)
        case _:
            raise PydanticCustomError(
                "json_type",
                "Input should hold JSON values only (None, bool, int, float, str, list, dict), not {kind}",
                {"kind": type(value).__name__},
            )


_CHECKS: dict[type, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    IntKind: ((BeforeValidator(_refuse_bool),), (AfterValidator(_refuse_wide),)),
    FloatKind: ((BeforeValidator(_refuse_bool),), (AfterValidator(_refuse_nan),)),
    DecimalKind: ((BeforeValidator(_refuse_bool),), (AfterValidator(_refuse_unstorable_decimal),)),
    TextKind: ((), (AfterValidator(_refuse_unstorable_text),)),
    DateTimeKind: ((), (AfterValidator(_refuse_naive),)),
    TimeKind: ((), (AfterValidator(_refuse_zone),)),
    DurationKind: ((), (AfterValidator(_refuse_long_span),)),
    JsonKind: ((), (AfterValidator(_refuse_unstorable_json),)),
}
JSON_CHECKS = frozenset(_CHECKS[JsonKind][1])
"""What a field of free JSON is checked by."""
