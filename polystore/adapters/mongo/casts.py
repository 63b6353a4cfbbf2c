"""Casts as aggregation operators; a text that is no number, and a number that does not fit, is an error."""

from __future__ import annotations

from typing import Any

from polystore.adapters.mongo.dates import part_of
from polystore.adapters.mongo.types import DECIMAL_DIGITS
from polystore.adapters.mongo.values import (
    WHOLE_ROOM,
    Document,
    checked_decimal,
    either,
    failure,
    given,
    literal,
    positive_zero,
    power_of_ten,
    unless_null,
)
from polystore.errors import NotSupportedError
from polystore.query.operators import DatePart
from polystore.schema.kinds import (
    DateKind,
    DateTimeKind,
    DecimalKind,
    FloatKind,
    IntKind,
    Kind,
    NaiveDateTimeKind,
    PlainKind,
    TextKind,
    describe_kind,
    plain_kind,
)

_NUMBER = r"\A-?[0-9]+(?:\.[0-9]+)?\z"
_WHOLE = r"\A-?[0-9]+\z"


def cast(value: Any, kind: Kind, wanted: Kind) -> Any:
    """A value of one kind as one of another.

    Raises:
        NotSupportedError: the server has no such cast.
    """
    source, target = plain_kind(kind), plain_kind(wanted)
    match target:
        case IntKind():
            return {"$toLong": _digits(value, _WHOLE) if isinstance(source, TextKind) else value}
        case FloatKind():
            number = _digits(value, _NUMBER) if isinstance(source, TextKind) else value
            return positive_zero({"$toDouble": number})
        case DecimalKind():
            return {"$toDecimal": _short(_digits(value, _NUMBER)) if isinstance(source, TextKind) else value}
        case TextKind():
            return _text(value, source)
        case DateKind() if isinstance(source, DateTimeKind | NaiveDateTimeKind):
            return part_of(DatePart.DATE, value, source)
        case _:
            return value


def _digits(value: Any, pattern: str) -> Document:
    """The text, or an error when it is written in another way than the pattern says."""
    written = {"$regexMatch": {"input": "$$text", "regex": literal(pattern)}}
    return given({"text": value}, unless_null(["$$text"], either(written, "$$text", failure("$$text"))))


def _short(value: Any) -> Document:
    """The text of a number, or an error when it has more digits than a Decimal128, which would cut them off."""
    digits = {"$replaceAll": {"input": "$$text", "find": ".", "replacement": ""}}
    size = {"$strLenCP": {"$ltrim": {"input": digits, "chars": "-0"}}}
    fits = either({"$lte": [size, DECIMAL_DIGITS]}, "$$text", failure("$$text"))
    return given({"text": value}, unless_null(["$$text"], fits))


# ---- texts


def _text(value: Any, source: PlainKind) -> Any:
    match source:
        case TextKind():
            return value
        case IntKind():
            return {"$toString": value}
        case DateKind():
            return {"$dateToString": {"date": value, "format": "%Y-%m-%d"}}
        case DecimalKind(decimal_places=int(places)):
            return given({"number": value}, unless_null(["$$number"], _decimal_text("$$number", places)))
        case _:
            raise NotSupportedError(
                f"MongoDB makes no text of {describe_kind(source)}"
                + (" without decimal_places" if isinstance(source, DecimalKind) else "")
                + "; put .client(max_rows=...) before it"
            )


def _decimal_text(number: str, places: int) -> Document:
    """The digits of a Decimal with a point before the last ``places``: the server writes some with an exponent."""
    units = {"$round": [{"$multiply": [{"$abs": number}, power_of_ten(places)]}, 0]}
    checked = given({"r": units}, checked_decimal("$$r", WHOLE_ROOM))
    padding = {"$substrCP": [literal("0" * (places + 1)), 0, {"$max": [{"$subtract": [places + 1, "$$size"]}, 0]}]}
    sign = either({"$lt": [number, 0]}, "-", "")
    whole = {"$substrCP": ["$$digits", 0, {"$subtract": [{"$strLenCP": "$$digits"}, places]}]}
    fraction = {"$substrCP": ["$$digits", {"$subtract": [{"$strLenCP": "$$digits"}, places]}, places]}
    parts = [sign, whole, ".", fraction] if places else [sign, whole]
    padded = given({"size": {"$strLenCP": "$$units"}}, {"$concat": [padding, "$$units"]})
    return given({"units": {"$toString": checked}}, given({"digits": padded}, {"$concat": parts}))
