"""Functions on single values in Python: case, rounding, roots, casts, parts and beginnings of dates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from polystore.adapters.sql.decimal_text import canonical, decode
from polystore.adapters.sql.types import EXACT, iso_time, spaced_iso
from polystore.query.evaluate.dates import extractor, truncator
from polystore.query.evaluate.functions import FUNCTIONS, caster
from polystore.query.evaluate.numbers import checked_int, settled
from polystore.query.operators import DatePart, Function
from polystore.schema.kinds import DecimalKind, FloatKind, IntKind, Kind, TextKind

_INT, _FLOAT, _DECIMAL, _TEXT = IntKind(), FloatKind(), DecimalKind(), TextKind()
Named = tuple[str, int, Callable[..., Any]]


def _of_decimal(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda text, *others: function(decode(text), *others)


def _to_decimal(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: canonical(function(*arguments))


def _from_digits(kind: Kind) -> Callable[[Any], Any]:
    return caster(_TEXT, kind)


def _digits(text: str, places: int, digits: int) -> str:
    return format(_normal(text, places, digits), "f")


def _settle(text: str, places: int, digits: int) -> str:
    return canonical(_normal(text, places, digits))


def _normal(text: str, places: int, digits: int) -> Decimal:
    number: Decimal = _settler(places, digits)(decode(text))
    return number


@lru_cache(maxsize=256)
def _settler(places: int, digits: int) -> Callable[[Any], Any]:
    settle = settled(DecimalKind(digits, None if places < 0 else places))
    assert settle is not None
    return settle


# ---- sums in halves


def _whole(high: int, low: int) -> int:
    return (high << 32) + low


def _int_of_halves(high: int, low: int) -> int:
    return checked_int(_whole(high, low), "the Sum")


def _mean_of_halves(high: int, low: int, count: int) -> float:
    return _whole(high, low) / count


def _whole_mean_of_halves(high: int, low: int, count: int) -> int:
    return round(Fraction(_whole(high, low), count))


def _decimal_of_halves(high: int, low: int, places: int) -> str:
    return canonical(EXACT.scaleb(Decimal(_whole(high, low)), -places))


# ---- dates


@lru_cache(maxsize=256)
def _extractor(part: str, zone: str) -> Callable[[Any], Any]:
    return extractor(DatePart(part), zone)


@lru_cache(maxsize=256)
def _truncator(unit: str, zone: str | None) -> Callable[[Any], Any]:
    return truncator(DatePart(unit), zone)


def _extract_there(text: str, part: str, zone: str) -> Any:
    found = _extractor(part, zone)(datetime.fromisoformat(text))
    if isinstance(found, int):
        return found
    return found.isoformat() if isinstance(found, date) else iso_time(found)


def _truncate(text: str, unit: str, zone: str | None = None) -> str:
    truncated = _truncator(unit, zone)
    if len(text) == len("2024-02-29"):
        beginning: date = truncated(date.fromisoformat(text))
        return beginning.isoformat()
    return spaced_iso(truncated(datetime.fromisoformat(text)))


VALUES: list[Named] = [
    ("ps_lower", 1, FUNCTIONS[Function.LOWER]),
    ("ps_upper", 1, FUNCTIONS[Function.UPPER]),
    ("ps_ceil", 1, FUNCTIONS[Function.CEIL]),
    ("ps_floor", 1, FUNCTIONS[Function.FLOOR]),
    ("ps_round", -1, FUNCTIONS[Function.ROUND]),
    ("ps_power", 2, FUNCTIONS[Function.POWER]),
    ("ps_sqrt", 1, FUNCTIONS[Function.SQRT]),
    ("ps_decimal_abs", 1, _to_decimal(_of_decimal(FUNCTIONS[Function.ABS]))),
    ("ps_decimal_ceil", 1, _to_decimal(_of_decimal(FUNCTIONS[Function.CEIL]))),
    ("ps_decimal_floor", 1, _to_decimal(_of_decimal(FUNCTIONS[Function.FLOOR]))),
    ("ps_decimal_round", -1, _to_decimal(_of_decimal(FUNCTIONS[Function.ROUND]))),
    ("ps_int_of_float", 1, caster(_FLOAT, _INT)),
    ("ps_int_of_decimal", 1, _of_decimal(caster(_DECIMAL, _INT))),
    ("ps_int_of_digits", 1, _from_digits(_INT)),
    ("ps_float_of_decimal", 1, _of_decimal(float)),
    ("ps_float_of_digits", 1, _from_digits(_FLOAT)),
    ("ps_decimal_of_digits", 1, _to_decimal(_from_digits(_DECIMAL))),
    ("ps_digits_of_decimal", 3, _digits),
    ("ps_settle", 3, _settle),
    ("ps_int_of_halves", 2, _int_of_halves),
    ("ps_mean_of_halves", 3, _mean_of_halves),
    ("ps_whole_mean_of_halves", 3, _whole_mean_of_halves),
    ("ps_decimal_of_halves", 3, _decimal_of_halves),
    ("ps_extract_there", 3, _extract_there),
    ("ps_truncate", 2, _truncate),
    ("ps_truncate_there", 3, _truncate),
]
