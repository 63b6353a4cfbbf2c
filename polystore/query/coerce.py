"""From what a user compares with to the plain value that a store is asked for.

A comparison that no store could carry out as written, but whose answer is certain, becomes a ``Verdict`` here: an int
compared with 1.5 or with 2**70, text that contains "". So stores only ever see values of the field's own kind
and range.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, InvalidOperation
from enum import Enum
from typing import Any, TypeAlias
from uuid import UUID

from pydantic import TypeAdapter
from pydantic import ValidationError as PydanticError

from polystore.query.operators import Operator
from polystore.query.regex import parse
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
)
from polystore.schema.plain import normaliser


class Verdict(Enum):
    """The certain answer of a comparison: true for no row, or for every row whose value is not NULL."""

    NEVER = "never"
    NOT_NULL = "not null"


Coerce: TypeAlias = Callable[[Any], Any]

TEXT_OPERATORS = frozenset(
    {
        Operator.CONTAINS,
        Operator.ICONTAINS,
        Operator.STARTSWITH,
        Operator.ISTARTSWITH,
        Operator.ENDSWITH,
        Operator.IENDSWITH,
        Operator.IEXACT,
        Operator.REGEX,
        Operator.IREGEX,
    }
)
ORDER_OPERATORS = frozenset({Operator.GT, Operator.GTE, Operator.LT, Operator.LTE})

_ROUNDED_UP = (Operator.GTE, Operator.LT)
"""Comparisons that answer alike for a value between two neighbours and for the upper one; the others for the lower."""
_TINIEST = Decimal("1E-100")

ONLY_NULL = "None: JSON, lists, dicts and embedded models are compared with NULL only"


class Refused(Exception):
    """A value that its kind does not take; the message says what it would take."""


def coercer(kind: Kind, operator: Operator) -> Coerce:
    """The function from a user's value (never None) to a plain value or a Verdict; it raises ``Refused``."""
    if isinstance(kind, EnumKind):
        return _enum_coercer(kind, operator)
    if operator in (Operator.REGEX, Operator.IREGEX):
        return _pattern
    if operator in TEXT_OPERATORS:
        return _text if operator is Operator.IEXACT else _text_part
    match kind:
        case IntKind():
            return _int_coercer(operator)
        case FloatKind():
            return _float_coercer(operator)
        case DecimalKind():
            return _decimal_coercer(kind, operator)
        case DateTimeKind():
            return _moment_coercer(operator)
        case DurationKind():
            return _duration_coercer(operator)
        case UrlKind(python=python):
            return _url_coercer(python)
        case IpKind(python=python):
            return _ip_coercer(python)
        case JsonKind() | ListKind() | MapKind() | EmbeddedKind():
            return refuse_container
        case _:
            return _COERCERS[type(kind)]


def allowed_operators(kind: Kind) -> frozenset[Operator]:
    """The comparisons that values of the kind take part in."""
    match kind:
        case TextKind() | UrlKind() | EnumKind(base=TextKind()):
            return ORDER_OPERATORS | TEXT_OPERATORS | {Operator.EXACT}
        case IpKind():
            return frozenset({Operator.EXACT})
        case JsonKind() | ListKind() | MapKind() | EmbeddedKind():
            return frozenset()
        case _:
            return ORDER_OPERATORS | {Operator.EXACT}


# ---- numbers


def _int_coercer(operator: Operator) -> Coerce:
    def coerce(value: Any) -> Any:
        if type(value) is int and INT64_MIN <= value <= INT64_MAX:
            return value
        return _unusual_int(value, operator)

    return coerce


def _unusual_int(value: Any, operator: Operator) -> Any:
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            raise Refused("an int") from None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise Refused("an int")
    if isinstance(value, float | Decimal):
        if _is_nan(value):
            raise Refused("a number other than NaN")
        if not math.isinf(value):
            whole = _whole(value, operator)
            if whole is None:
                return Verdict.NEVER
            value = whole
    if INT64_MIN <= value <= INT64_MAX:
        return int(value)
    return _verdict_outside(value > INT64_MAX, operator)


def _is_nan(value: float | Decimal) -> bool:
    return value.is_nan() if isinstance(value, Decimal) else math.isnan(value)


def _whole(value: float | Decimal, operator: Operator) -> int | None:
    """The int that compares as the value does; None when no int equals it."""
    floor = math.floor(value)
    if floor == value:
        return floor
    if operator is Operator.EXACT:
        return None
    return floor + 1 if operator in _ROUNDED_UP else floor


def _verdict_outside(above: bool, operator: Operator) -> Verdict:
    """The answer for a value above (else below) all that a field can hold."""
    below_it = operator in (Operator.LT, Operator.LTE)
    above_it = operator in (Operator.GT, Operator.GTE)
    return Verdict.NOT_NULL if (above and below_it) or (not above and above_it) else Verdict.NEVER


def _decimal_coercer(kind: DecimalKind, operator: Operator) -> Coerce:
    normalise = normaliser(kind.max_digits, kind.decimal_places)
    limit = kind.limit
    rounding = ROUND_CEILING if operator in _ROUNDED_UP else ROUND_FLOOR

    def coerce(value: Any) -> Any:
        number = _decimal(value)
        held = number if number.copy_abs() >= limit else _beside(number, kind, rounding)
        if held != number and operator is Operator.EXACT:
            return Verdict.NEVER
        if held.copy_abs() >= limit:
            return _verdict_outside(held > 0, operator)
        return normalise(held)

    return coerce


def _beside(number: Decimal, kind: DecimalKind, rounding: str) -> Decimal:
    """The number, or where a field of the kind cannot hold it the next one that it can."""
    if kind.decimal_places is not None:
        return number.quantize(Decimal(1).scaleb(-kind.decimal_places), rounding, Context(prec=kind.max_digits + 1))
    if number and number.adjusted() < -100:
        return number.quantize(_TINIEST, rounding, Context(prec=1))
    return Context(prec=kind.max_digits, rounding=rounding).plus(number)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, int) and not isinstance(value, bool):
        number = Decimal(value)
    elif isinstance(value, str):
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise Refused("a Decimal") from None
    elif isinstance(value, float):
        raise Refused(f"a Decimal, not a float; write Decimal({str(value)!r})")
    else:
        raise Refused("a Decimal")
    if number.is_nan():
        raise Refused("a Decimal other than NaN")
    return number


def _float_coercer(operator: Operator) -> Coerce:
    up = operator in _ROUNDED_UP

    def coerce(value: Any) -> Any:
        number = _float(value)
        if not isinstance(value, int) or number == value:
            return number
        if operator is Operator.EXACT:
            return Verdict.NEVER
        return number if (number > value) is up else math.nextafter(number, math.inf if up else -math.inf)

    return coerce


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise Refused("a float")
    try:
        number = float(value)
    except ValueError:
        raise Refused("a float") from None
    except OverflowError:
        return math.inf if isinstance(value, int) and value > 0 else -math.inf
    if math.isnan(number):
        raise Refused("a float other than NaN")
    return number + 0.0


def _bool(value: Any) -> bool:
    if type(value) is not bool:
        raise Refused("True or False")
    return value


# ---- text and bytes


def _text(value: Any) -> Any:
    if type(value) is not str:
        if not isinstance(value, str):
            raise Refused("a str")
        value = value.value if isinstance(value, Enum) else str(value)
    if "\0" in value:
        raise Refused("a str without the NUL character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refused("a str without lone surrogates") from None
    return value


def _text_part(value: Any) -> Any:
    return _text(value) or Verdict.NOT_NULL


def _pattern(value: Any) -> Any:
    pattern = _text(value)
    parse(pattern)
    return pattern


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise Refused("bytes")
    return bytes(value)


# ---- dates and times


def _date(value: Any) -> date:
    if isinstance(value, str):
        value = _parsed(date.fromisoformat, value, "a date (YYYY-MM-DD)")
    if isinstance(value, datetime) or not isinstance(value, date):
        raise Refused("a date, not a datetime" if isinstance(value, datetime) else "a date")
    return value


def _time(value: Any) -> time:
    if isinstance(value, str):
        value = _parsed(time.fromisoformat, value, "a time (HH:MM:SS)")
    if not isinstance(value, time) or value.tzinfo is not None:
        raise Refused("a time without timezone")
    return value


def _moment_coercer(operator: Operator) -> Coerce:
    def coerce(value: Any) -> Any:
        moment = _aware_moment(value)
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            return _verdict_outside(moment.year > 1, operator)

    return coerce


def _aware_moment(value: Any) -> datetime:
    if isinstance(value, str):
        value = _parsed(datetime.fromisoformat, value, "an aware datetime (ISO 8601)")
    if not isinstance(value, datetime):
        raise Refused("an aware datetime")
    if value.tzinfo is None:
        raise Refused("an aware datetime: the one given has no timezone")
    return value


def _naive_moment(value: Any) -> datetime:
    if isinstance(value, str):
        value = _parsed(datetime.fromisoformat, value, "a naive datetime (ISO 8601)")
    if not isinstance(value, datetime) or value.tzinfo is not None:
        raise Refused("a naive datetime")
    return value


def _duration_coercer(operator: Operator) -> Coerce:
    def coerce(value: Any) -> Any:
        if not isinstance(value, timedelta):
            raise Refused("a timedelta")
        return value if SPAN_MIN <= value <= SPAN_MAX else _verdict_outside(value > SPAN_MAX, operator)

    return coerce


def _parsed(parse_text: Callable[[str], Any], text: str, wanted: str) -> Any:
    try:
        return parse_text(text)
    except ValueError:
        raise Refused(wanted) from None


# ---- identifiers and the rest


def _uuid(value: Any) -> UUID:
    if isinstance(value, UUID):
        return UUID(int=value.int) if type(value) is not UUID else value
    if isinstance(value, str):
        return _parsed(UUID, value, "a UUID")  # type: ignore[no-any-return]  # UUID(text) is a UUID
    raise Refused("a UUID")


def _object_id(value: Any) -> str:
    text = str(value).lower() if isinstance(value, str) or type(value).__name__ == "ObjectId" else ""
    if len(text) != 24 or not all(digit in "0123456789abcdef" for digit in text):
        raise Refused("an ObjectId or its 24 hexadecimal digits")
    return text


def _enum_coercer(kind: EnumKind, operator: Operator) -> Coerce:
    enum, members = kind.enum, kind.members
    if operator is not Operator.EXACT:
        compare = coercer(kind.base, operator)
        return lambda value: compare(value.value if isinstance(value, enum) else value)

    def coerce(value: Any) -> Any:
        if isinstance(value, enum):
            return value.value
        member = members.get(value) if isinstance(value, str | int | float) else None
        if member is None or isinstance(value, bool) is not isinstance(member.value, bool):
            raise Refused(f"a member of {enum.__name__}: {', '.join(map(repr, members))}")
        return member.value

    return coerce


def _ip_coercer(python: type[Any]) -> Coerce:
    def coerce(value: Any) -> str:
        if not isinstance(value, str | python):
            raise Refused(f"an {python.__name__} or its text")
        return str(_parsed(python, str(value), f"an {python.__name__} or its text"))

    return coerce


def _url_coercer(python: Any) -> Coerce:
    adapter = TypeAdapter(python)

    def coerce(value: Any) -> str:
        try:
            return str(adapter.validate_python(value))
        except PydanticError:
            raise Refused("a URL") from None

    return coerce


def refuse_container(value: Any) -> Any:
    raise Refused(ONLY_NULL)


_COERCERS: dict[type, Coerce] = {
    BoolKind: _bool,
    TextKind: _text,
    BytesKind: _bytes,
    DateKind: _date,
    TimeKind: _time,
    NaiveDateTimeKind: _naive_moment,
    UuidKind: _uuid,
    ObjectIdKind: _object_id,
}
