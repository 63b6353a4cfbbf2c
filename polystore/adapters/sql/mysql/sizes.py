"""How many digits decimal arithmetic can need: MySQL and MariaDB round silently where they run out of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.compiler import compiles

from polystore.adapters.sql.dialect import Sql
from polystore.adapters.sql.raw import Raw
from polystore.adapters.sql.types import Convert
from polystore.errors import NotSupportedError
from polystore.query.operators import ArithmeticOperator

QUOTIENT_PLACES = 30
_INT = (20, 0)


class Sized(Raw):
    """A decimal expression with its digits before and behind the point.

    One that is made of a quotient is not ``exact``; a bare ``quotient`` can still be computed where it is read.
    """

    inherit_cache = False

    def __init__(
        self,
        template: str,
        parts: tuple[Sql, ...],
        size: tuple[int, int],
        *,
        exact: bool = True,
        quotient: tuple[Sql, Sql] | None = None,
    ) -> None:
        super().__init__(template, *parts)
        self.size = size
        self.exact = exact
        self.quotient = quotient


class Unfinished(Raw):
    """A value that ``load`` makes of what is read: nothing else can be made of it in the database."""

    inherit_cache = False

    def __init__(self, part: Sql, load: Convert | None) -> None:
        super().__init__("{0}", part)
        self.load = load


@compiles(Unfinished)
def _refuse(element: Unfinished, compiler: Any, **options: Any) -> str:
    raise NotSupportedError(
        "MySQL and MariaDB cannot compute with, filter, order or group by a Decimal without a fixed number of places; "
        "give the field decimal_places, or put .client(max_rows=...) before it"
    )


def size_of(expression: Sql) -> tuple[int, int]:
    """The digits of an expression; those of an int where nothing else is known."""
    return expression.size if isinstance(expression, Sized) else _INT


def exact(expression: Sql) -> bool:
    """Whether it is computed without rounding."""
    return not isinstance(expression, Sized) or expression.exact


def sized_arithmetic(operator: ArithmeticOperator, left: Sql, right: Sql, fail: str) -> Sized:
    """Decimal arithmetic; ``fail`` is the template of an error for a condition that is true."""
    (a, p), (b, q) = size_of(left), size_of(right)
    left, right = _decimal(left), _decimal(right)
    both = exact(left) and exact(right)
    zero = fail.format("{1} = 0")
    match operator:
        case ArithmeticOperator.ADD | ArithmeticOperator.SUBTRACT:
            return Sized(f"({{0}} {operator.value} {{1}})", (left, right), (max(a, b) + 1, max(p, q)), exact=both)
        case ArithmeticOperator.MULTIPLY:
            return Sized("({0} * {1} + 0)", (left, right), (a + b, p + q), exact=both)
        case ArithmeticOperator.DIVIDE:
            text, size = f"IF({{1}} = 0, {zero}, {{0}} / {{1}} + 0)", (a + q, QUOTIENT_PLACES)
            return Sized(text, (left, right), size, exact=False, quotient=(left, right))
        case ArithmeticOperator.MODULO:
            return Sized(f"IF({{1}} = 0, {zero}, MOD({{0}}, {{1}}) + 0)", (left, right), (b, max(p, q)), exact=both)


def _decimal(expression: Sql) -> Sql:
    """An int as a decimal, so that it does not overflow at 64 bits."""
    sized = isinstance(expression, Sized | Unfinished)
    return expression if sized else Raw("CAST({0} AS DECIMAL(20, 0))", expression)
