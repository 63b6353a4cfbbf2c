"""What each aggregate means: from the values of a group's rows to one value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

from polystore.errors import DataError
from polystore.query.evaluate.compute import computation, predicate
from polystore.query.evaluate.numbers import (
    EXACT,
    MICROSECOND,
    QUOTIENT,
    checked_duration,
    checked_float,
    checked_int,
)
from polystore.query.evaluate.run import Row, Run
from polystore.query.nodes import Aggregated
from polystore.query.operators import Aggregate
from polystore.schema.kinds import DecimalKind, DurationKind, IntKind, Kind, plain_kind

Aggregation: TypeAlias = Callable[[Sequence[Row], Run], Any]


def aggregation(node: Aggregated) -> Aggregation:
    """The aggregate as a function of a group's rows."""
    test = None if node.condition is None else predicate(node.condition)
    operand = None if node.operand is None else computation(node.operand)
    combine = combination(node)

    def aggregate(rows: Sequence[Row], run: Run) -> Any:
        counted = rows if test is None else [row for row in rows if test(row, run)]
        if operand is None:
            return len(counted)
        values = [value for row in counted if (value := operand(row, run)) is not None]
        if node.distinct:
            values = list(dict.fromkeys(values))
        return combine(values) if values or node.aggregate is Aggregate.COUNT else None

    return aggregate


def combination(node: Aggregated) -> Callable[[Sequence[Any]], Any]:
    """The aggregate as a function of values, of which there is at least one and none is NULL (a count takes none)."""
    aggregate = node.aggregate
    if aggregate not in (Aggregate.SUM, Aggregate.AVG):
        return _COMBINE[aggregate]
    assert node.operand is not None
    assert node.operand.kind is not None
    kind = node.operand.kind
    return lambda values: finished(aggregate, kind, _total(values), len(values))


def _total(values: Sequence[Any]) -> Any:
    """Exact, of durations in microseconds; of floats rounded once (stores may differ in the last digits)."""
    match values[0]:
        case Decimal():
            return _decimal_sum(values)
        case timedelta():
            return sum(value // MICROSECOND for value in values)
        case float():
            return _float_sum(values)
        case _:
            return sum(values)


def finished(aggregate: Aggregate, kind: Kind, total: Any, count: int) -> Any:
    """The Sum, or the Avg, of so many values of a kind with this total, which is exact (of durations microseconds).

    Raises:
        DataError: an int or a duration beyond 64 bits.
    """
    plain = plain_kind(kind)
    if aggregate is Aggregate.SUM:
        if isinstance(plain, DurationKind):
            return checked_duration(total, "the Sum")
        return checked_int(total, "the Sum") if isinstance(plain, IntKind) else total
    match plain:
        case DurationKind():
            return checked_duration(round(Fraction(total, count)), "the Avg")
        case DecimalKind():
            return QUOTIENT.divide(total, Decimal(count))
        case _:
            return total / count


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
    Aggregate.MIN: min,
    Aggregate.MAX: max,
    Aggregate.STDDEV: lambda values: _deviation(values, 0),
    Aggregate.STDDEV_SAMPLE: lambda values: _deviation(values, 1),
    Aggregate.VARIANCE: lambda values: _variance(values, 0),
    Aggregate.VARIANCE_SAMPLE: lambda values: _variance(values, 1),
}
