"""How many decimal places a Decimal can have: what tells whether 34 digits hold it exactly.

``evaluate`` computes with all digits and rounds what is answered to 34 of them. A Decimal128 rounds each result, which
is the same for the last step of a computation, and only for that one. So every other step has to be exact: its value
must stay below the power of ten that leaves room for its places.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from bson import Decimal128

from polystore.adapters.mongo.template import Hole
from polystore.adapters.mongo.types import DECIMAL_DIGITS
from polystore.adapters.mongo.values import literal, power_of_ten
from polystore.errors import NotSupportedError
from polystore.query.nodes import Aggregated, Arithmetic, Call, Case, Column, Expression, Outer, Parameter, Path, Scalar
from polystore.query.operators import Aggregate, ArithmeticOperator, Function
from polystore.schema.kinds import DecimalKind, IntKind, plain_kind


@dataclass(frozen=True, slots=True)
class Places:
    """At most so many decimal places, and those of some values beside them."""

    known: int = 0
    values: tuple[int, ...] = ()

    def together(self, other: Places) -> Places:
        """Those of both."""
        return Places(self.known + other.known, self.values + other.values)

    def widest(self, other: Places) -> Places:
        """Those of the one that has more."""
        if self.values or other.values:
            return self.together(other)
        return Places(max(self.known, other.known))


def places_of(expression: Expression) -> Places | None:
    """The places of an expression's values; None where they are not known before."""
    if expression.kind is None or isinstance(plain_kind(expression.kind), IntKind):
        return Places()
    match expression:
        case Column() | Path() | Outer() | Scalar():
            kind = plain_kind(expression.kind)
            known = kind.decimal_places if isinstance(kind, DecimalKind) else None
            return None if known is None else Places(known)
        case Parameter(index=index, kind=DecimalKind()):
            return Places(0, (index,))
        case Arithmetic(operator=operator, left=left, right=right):
            return _of_arithmetic(operator, places_of(left), places_of(right))
        case Call(function=function, arguments=arguments):
            return _of_call(function, arguments)
        case Case(branches=branches, default=default):
            return _widest([*(value for _, value in branches), default])
        case Aggregated(aggregate=Aggregate.SUM | Aggregate.MIN | Aggregate.MAX, operand=operand) if operand:
            return places_of(operand)
        case _:
            return None


def _of_arithmetic(operator: ArithmeticOperator, left: Places | None, right: Places | None) -> Places | None:
    if left is None or right is None or operator is ArithmeticOperator.DIVIDE:
        return None
    return left.together(right) if operator is ArithmeticOperator.MULTIPLY else left.widest(right)


def _of_call(function: Function, arguments: tuple[Expression, ...]) -> Places | None:
    match function:
        case Function.CEIL | Function.FLOOR:
            return Places()
        case Function.ABS | Function.NULLIF | Function.ROUND | Function.CAST:
            return places_of(arguments[0])
        case Function.COALESCE | Function.GREATEST | Function.LEAST:
            return _widest(arguments)
        case _:
            return None


def _widest(expressions: list[Expression] | tuple[Expression, ...]) -> Places | None:
    found = Places()
    for expression in expressions:
        places = places_of(expression)
        if places is None:
            return None
        found = found.widest(places)
    return found


def room_of(places: Places) -> Any:
    """The number below which a Decimal of these places has at most 34 digits."""
    room = power_of_ten(DECIMAL_DIGITS - places.known)
    if not places.values:
        return room
    return {"$multiply": [room, *(literal(Hole(index, _unit)) for index in places.values)]}


def _unit(value: Decimal) -> Decimal128:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return Decimal128(Decimal(1).scaleb(min(exponent, 0)))


def refuse_rounded(what: str) -> NoReturn:
    """Refuses to compute on with a Decimal that may have been rounded.

    Raises:
        NotSupportedError: says what would work.
    """
    raise NotSupportedError(
        f"MongoDB has {DECIMAL_DIGITS} digits for {what}, which may take more before the result is rounded; "
        "give Decimal fields decimal_places, or put .client(max_rows=...) before it"
    )
