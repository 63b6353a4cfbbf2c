"""What each aggregate means: from the values of a group's rows to one value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

from polystore.errors import DataError
from polystore.query.evaluate.compute import computation, predicate
from polystore.query.evaluate.numbers import EXACT, QUOTIENT, checked_float, checked_int
from polystore.query.evaluate.run import Row, Run
from polystore.query.nodes import Aggregate, Aggregated

Aggregation: TypeAlias = Callable[[Sequence[Row], Run], Any]


def aggregation(node: Aggregated) -> Aggregation:
    """The aggregate as a function of a group's rows."""
    test = None if node.condition is None else predicate(node.condition)
    operand = None if node.operand is None else computation(node.operand)
    combine = _COMBINE[node.aggregate]

    def aggregate(rows: Sequence[Row], run: Run) -> Any:
        counted = rows if test is None else [row for row in rows if test(row, run)]
        if operand is None:
            return len(counted)
        values = [value for row in counted if (value := operand(row, run)) is not None]
        if node.distinct:
            values = list(dict.fromkeys(values))
        return combine(values) if values or node.aggregate is Aggregate.COUNT else None

    return aggregate


def _sum(values: Sequence[Any]) -> Any:
    """Ints within 64 bits, Decimals exactly, floats rounded once (stores may differ in the last digits)."""
    if isinstance(values[0], Decimal):
        return _decimal_sum(values)
    if isinstance(values[0], int):
        return checked_int(sum(values), "the Sum")
    return _float_sum(values)


def _decimal_sum(values: Sequence[Decimal]) -> Decimal:
    total = Decimal(0)
    for value in values:
        total = EXACT.add(total, value)
    return total


def _float_sum(values: Sequence[float]) -> float:
    try:
        return checked_float(math.fsum(values), "the Sum", *values)
    except (OverflowError, ValueError) as error:
        raise DataError(f"the Sum is no finite number: {error}") from error


def _average(values: Sequence[Any]) -> Any:
    if isinstance(values[0], Decimal):
        return QUOTIENT.divide(_decimal_sum(values), Decimal(len(values)))
    return sum(values) / len(values) if isinstance(values[0], int) else _float_sum(values) / len(values)


def _variance(values: Sequence[Any], beyond: int) -> float | None:
    """The mean of the squared distances from the mean, computed exactly and rounded once."""
    count = len(values)
    if count <= beyond:
        return None
    if any(isinstance(value, float) and math.isinf(value) for value in values):
        raise DataError("the Variance of an infinite value is no number")
    numbers = [Fraction(value) for value in values]
    spread = sum(number * number for number in numbers) - sum(numbers) ** 2 / Fraction(count)
    try:
        return float(spread / (count - beyond))
    except OverflowError as error:
        raise DataError("the Variance is no finite number") from error


def _deviation(values: Sequence[Any], beyond: int) -> float | None:
    variance = _variance(values, beyond)
    return None if variance is None else math.sqrt(variance)


_COMBINE: dict[Aggregate, Callable[[Sequence[Any]], Any]] = {
    Aggregate.COUNT: len,
    Aggregate.SUM: _sum,
    Aggregate.AVG: _average,
    Aggregate.MIN: min,
    Aggregate.MAX: max,
    Aggregate.STDDEV: lambda values: _deviation(values, 0),
    Aggregate.STDDEV_SAMPLE: lambda values: _deviation(values, 1),
    Aggregate.VARIANCE: lambda values: _variance(values, 0),
    Aggregate.VARIANCE_SAMPLE: lambda values: _variance(values, 1),
}
