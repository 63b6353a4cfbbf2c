"""Functions on JSON text in Python: what lies at a path, what holds of it, with one part changed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from polystore.adapters.sql.decimal_text import canonical
from polystore.errors import DataError
from polystore.query.evaluate.structures import (
    HOLDINGS,
    JSON_NULL,
    READERS,
    follow_steps,
    json_key,
    number_in_json,
    without_null,
)
from polystore.query.operators import Holding
from polystore.schema.kinds import FloatKind, IntKind, TextKind
from polystore.schema.paths import Item, JsonKey, Key, Step

_decode = msgspec.json.decode
_FORMS: dict[str, Callable[[Any], Any]] = {
    "value": without_null,
    "text": READERS[TextKind],
    "int": READERS[IntKind],
    "float": READERS[FloatKind],
    "bool": lambda value: value if isinstance(value, bool) else None,
}


def encode(value: Any) -> str:
    """A value as JSON text."""
    return msgspec.json.encode(value).decode()


def steps_text(steps: list[tuple[str, Any]]) -> str:
    """Steps by the keys of stored documents as a text that ``json_at`` takes."""
    return encode(steps)


@lru_cache(maxsize=512)
def _steps(text: str) -> tuple[Step, ...]:
    made: dict[str, Callable[[Any], Step]] = {"item": Item, "key": Key, "json": JsonKey}
    return tuple(made[word](value) for word, value in _decode(text))


@lru_cache(maxsize=32)
def _document(text: str) -> Any:
    """The document, which nothing may change: conditions of one row look into the same."""
    return _decode(text)


def json_at(text: str, steps: str, form: str) -> Any:
    """What lies at the steps: JSON text, with or without null, or a single value."""
    found = follow_steps(_document(text), _steps(steps))
    if form == "json":
        return None if found is None else encode(without_null(found))
    if form == "structure":
        return None if without_null(found) is None else encode(found)
    return None if found is None or found is JSON_NULL else _FORMS[form](found)


def number_of(text: str) -> int | float | None:
    """The number that JSON is; None where it is none."""
    return number_in_json(_document(text))


def order_of(text: str) -> str:
    """A text whose order is that of JSON values."""
    value = _document(text)
    rank, key = json_key(JSON_NULL if value is None else value)
    if isinstance(key, str):
        return f"{rank}{key}"
    return f"{rank}{canonical(Decimal(key))}"


def holding(test: Holding) -> Callable[[str, str], bool]:
    """The function that asks of JSON text what ``test`` says, given what it asks for as JSON text."""
    ask = HOLDINGS[test]

    def holds(text: str, wanted: str) -> bool:
        held = _document(text)
        return ask(JSON_NULL if held is None else held, _document(wanted))

    return holds


def with_part(text: str | None, steps: str, value: str) -> str:
    """The document with what lies at the steps replaced.

    Raises:
        DataError: what it is a part of is NULL.
    """
    document = None if text is None else _decode(text)
    *before, last = _steps(steps)
    around = follow_steps(document, before)
    if around is None or not isinstance(last, Key):
        raise DataError("a part of NULL cannot be set; assign the whole of it")
    around[last.key] = _decode(value)
    return encode(document)


STRUCTURES: list[tuple[str, int, Callable[..., Any]]] = [
    ("ps_json_at", 3, json_at),
    ("ps_json_number", 1, number_of),
    ("ps_json_order", 1, order_of),
    *((f"ps_{test.name.lower()}", 2, holding(test)) for test in Holding),
]
