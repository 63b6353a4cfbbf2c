"""How many digits decimal arithmetic can need: MySQL and MariaDB round silently where they run out of them."""

from __future__ import annotations

from polystore.adapters.sql.dialect import Sql
from polystore.adapters.sql.raw import Raw
from polystore.query.nodes import ArithmeticOperator

QUOTIENT_PLACES = 30
_INT = (20, 0)


class Sized(Raw):
    """An exact decimal expression with its digits before and behind the point."""

    inherit_cache = False

    def __init__(self, template: str, parts: tuple[Sql, ...], size: tuple[int, int]) -> None:
        super().__init__(template, *parts)
        self.size = size


def size_of(expression: Sql) -> tuple[int, int]:
    """The digits of an expression; those of an int where nothing else is known."""
    return expression.size if isinstance(expression, Sized) else _INT


def sized_arithmetic(operator: ArithmeticOperator, left: Sql, right: Sql, fail: str) -> Sized:
    """Decimal arithmetic; ``fail`` is the template of an error for a condition that is true."""
    (a, p), (b, q) = size_of(left), size_of(right)
    left, right = _exact(left), _exact(right)
    zero = fail.format("{1} = 0")
    match operator:
        case ArithmeticOperator.ADD | ArithmeticOperator.SUBTRACT:
            return Sized(f"({{0}} {operator.value} {{1}})", (left, right), (max(a, b) + 1, max(p, q)))
        case ArithmeticOperator.MULTIPLY:
            return Sized("({0} * {1} + 0)", (left, right), (a + b, p + q))
        case ArithmeticOperator.DIVIDE:
            return Sized(f"IF({{1}} = 0, {zero}, {{0}} / {{1}} + 0)", (left, right), (a + q, QUOTIENT_PLACES))
        case ArithmeticOperator.MODULO:
            return Sized(f"IF({{1}} = 0, {zero}, MOD({{0}}, {{1}}) + 0)", (left, right), (b, max(p, q)))


def _exact(expression: Sql) -> Sql:
    """An int as a decimal, so that it does not overflow at 64 bits."""
    return expression if isinstance(expression, Sized) else Raw("CAST({0} AS DECIMAL(20, 0))", expression)
