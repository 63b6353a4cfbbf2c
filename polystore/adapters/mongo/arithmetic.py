"""Arithmetic as aggregation operators: an int that does not fit 64 bits fails, and so does a number that is none."""

from __future__ import annotations

from typing import Any

from bson import Decimal128

from polystore.adapters.mongo.exact import places_of, refuse_rounded, room_of
from polystore.adapters.mongo.values import (
    Document,
    checked_decimal,
    checked_float,
    checked_int,
    given,
    literal,
)
from polystore.errors import NotSupportedError
from polystore.query.explain import describe_expression
from polystore.query.nodes import Arithmetic
from polystore.query.operators import ArithmeticOperator
from polystore.schema.kinds import DecimalKind, FloatKind, IntKind, Kind, plain_kind

_OPERATORS: dict[ArithmeticOperator, str] = {
    ArithmeticOperator.ADD: "$add",
    ArithmeticOperator.SUBTRACT: "$subtract",
    ArithmeticOperator.MULTIPLY: "$multiply",
    ArithmeticOperator.DIVIDE: "$divide",
    ArithmeticOperator.MODULO: "$mod",
}
_INFINITE = literal(Decimal128("Infinity"))


def computed(node: Arithmetic, left: Any, right: Any, *, exact: bool) -> Document:
    """The result of two operands.

    Args:
        node: the arithmetic.
        left: its operands as aggregation expressions.
        right: the second one.
        exact: whether more is computed with the result, so that a Decimal must not be rounded.

    Raises:
        NotSupportedError: a Decimal that has to be exact and may not be.
    """
    result: Document = {_OPERATORS[node.operator]: ["$$a", "$$b"]}
    convert = "$toDecimal"
    match plain_kind(node.kind):
        case IntKind():
            convert, checked = "$toLong", checked_int("$$r")
        case FloatKind() if _is_int(node.left.kind) and _is_int(node.right.kind):
            result, checked = {"$toDouble": result}, checked_float("$$r", [])
        case FloatKind():
            convert, checked = "$toDouble", checked_float("$$r", ["$$a", "$$b"])
        case DecimalKind():
            checked = checked_decimal("$$r", _room(node) if exact else _INFINITE)
        case other:
            raise NotSupportedError(f"MongoDB computes with int, float and Decimal, not with {other!r}")
    return given({"a": {convert: left}, "b": {convert: right}}, given({"r": result}, checked))


def _is_int(kind: Kind | None) -> bool:
    return kind is not None and isinstance(plain_kind(kind), IntKind)


def _room(node: Arithmetic) -> Any:
    places = places_of(node)
    return refuse_rounded(describe_expression(node)) if places is None else room_of(places)
