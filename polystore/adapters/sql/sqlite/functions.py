"""What SQLite lacks, in Python: case folding, regular expressions, exact decimals, checked arithmetic, weeks.

Each function gives NULL for NULL; one that refuses (an overflow, a division by zero) leaves its reason behind.
"""

from __future__ import annotations

import sqlite3
from base64 import b64decode
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from polystore.adapters.sql.decimal_text import canonical, decode, encode
from polystore.adapters.sql.sqlite.aggregates import register_aggregates
from polystore.adapters.sql.sqlite.failures import remembered
from polystore.adapters.sql.sqlite.structures import STRUCTURES, with_part
from polystore.adapters.sql.sqlite.values import VALUES
from polystore.adapters.sql.types import EXACT, checked_int, scaled
from polystore.errors import DataError
from polystore.query.evaluate import decimal_result, matches, number_result
from polystore.query.operators import ArithmeticOperator
from polystore.query.text import simple_fold
from polystore.schema.plain import normaliser

OPERATOR_NAMES: dict[ArithmeticOperator, str] = {operator: operator.name.lower() for operator in ArithmeticOperator}


def register(connection: sqlite3.Connection) -> None:
    """Makes the functions known to a connection; this costs no I/O."""
    for name, (arguments, function) in _FUNCTIONS.items():
        connection.create_function(name, arguments, function, deterministic=True)
    connection.create_function("ps_json_with", 3, remembered(with_part), deterministic=True)
    register_aggregates(connection)


def _strict(function: Callable[..., Any]) -> Callable[..., Any]:
    call = remembered(function)
    return lambda *arguments: None if None in arguments else call(*arguments)


def _numeric(operator: ArithmeticOperator) -> Callable[[float, float], float]:
    return lambda a, b: number_result(operator, a, b)


def _decimal(operator: ArithmeticOperator) -> Callable[[Any, Any], str]:
    return lambda a, b: canonical(decimal_result(operator, _number(a), _number(b)))


def _number(value: int | str) -> Decimal:
    return Decimal(value) if isinstance(value, int) else decode(value)


def decimal_of_scaled(value: int, places: int) -> str:
    """A scaled int in working form."""
    return canonical(EXACT.scaleb(Decimal(value), -places))


def decimal_of_text(value: int | str) -> str:
    """A stored text or an int in working form, which has no trailing zeros."""
    return canonical(_number(value))


def store_scaled(value: int | str, places: int, digits: int) -> int:
    """A number rounded half-even to a scaled int."""
    number = normaliser(digits, places)(_number(value))
    if abs(number) >= Decimal(10) ** (digits - places):
        raise DataError(f"{number} does not fit {digits} digits with {places} decimal places")
    return checked_int(scaled(places)(number))


def store_text(value: int | str, places: int, digits: int) -> str:
    """A number rounded half-even to decimal text; without fixed places when ``places`` is negative."""
    number = normaliser(digits, None if places < 0 else places)(_number(value))
    if places >= 0 and abs(number) >= Decimal(10) ** (digits - places):
        raise DataError(f"{number} does not fit {digits} digits with {places} decimal places")
    return encode(number)


def _starts(text: str, folded: str) -> bool:
    return simple_fold(text).startswith(folded)


def _ends(text: str, folded: str) -> bool:
    return simple_fold(text).endswith(folded)


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


_PLAIN: list[tuple[str, int, Callable[..., Any]]] = [
    ("ps_fold", 1, simple_fold),
    ("ps_iexact", 2, lambda text, folded: simple_fold(text) == folded),
    ("ps_icontains", 2, lambda text, folded: folded in simple_fold(text)),
    ("ps_istartswith", 2, _starts),
    ("ps_iendswith", 2, _ends),
    ("ps_regex", 2, lambda text, pattern: matches(pattern, text)),
    ("ps_iregex", 2, lambda text, pattern: matches(pattern, text, ignore_case=True)),
    ("ps_week", 1, lambda text: _day(text).isocalendar().week),
    ("ps_iso_year", 1, lambda text: _day(text).isocalendar().year),
    ("ps_iso_week_day", 1, lambda text: _day(text).isoweekday()),
    ("ps_bytes", 1, bytes.fromhex),
    ("ps_float", 1, float),
    ("ps_decimal_of_scaled", 2, decimal_of_scaled),
    ("ps_decimal_of_text", 1, decimal_of_text),
    ("ps_store_scaled", 3, store_scaled),
    ("ps_store_text", 3, store_text),
    ("ps_bytes_of_base64", 1, b64decode),
    ("ps_decimal_of_plain", 1, lambda text: canonical(Decimal(text))),
    *VALUES,
    *STRUCTURES,
    *((f"ps_{name}", 2, _numeric(operator)) for operator, name in OPERATOR_NAMES.items()),
    *((f"ps_decimal_{name}", 2, _decimal(operator)) for operator, name in OPERATOR_NAMES.items()),
]
_FUNCTIONS = {name: (arguments, _strict(function)) for name, arguments, function in _PLAIN}
