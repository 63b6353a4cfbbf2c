"""Aggregates that SQLite lacks or rounds, in Python: exact, each in the room of one number where that can be."""

from __future__ import annotations

import math
import sqlite3
from array import array
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from polystore.adapters.sql.decimal_text import canonical, decode
from polystore.adapters.sql.sqlite.failures import remembered
from polystore.errors import DataError
from polystore.query.evaluate.numbers import EXACT, checked_float, checked_int


def register_aggregates(connection: sqlite3.Connection) -> None:
    """Makes the aggregates known to a connection."""
    for name, made in _AGGREGATES.items():
        connection.create_aggregate(name, 1, made)


class _IntSum:
    """The sum of ints, checked once it is whole."""

    def __init__(self) -> None:
        self.total = 0
        self.count = 0

    def step(self, value: int | None) -> None:
        if value is not None:
            self.total += value
            self.count += 1

    @remembered
    def finalize(self) -> Any:
        return checked_int(self.total, "the Sum") if self.count else None


class _IntMean(_IntSum):
    @remembered
    def finalize(self) -> Any:
        return self.total / self.count if self.count else None


class _WholeMean(_IntSum):
    @remembered
    def finalize(self) -> Any:
        return round(Fraction(self.total, self.count)) if self.count else None


class _DecimalSum:
    """The exact sum of decimals in working form."""

    def __init__(self) -> None:
        self.total: Decimal | None = None

    def step(self, text: str | None) -> None:
        if text is not None:
            self.total = EXACT.add(self.total or Decimal(0), decode(text))

    @remembered
    def finalize(self) -> str | None:
        return None if self.total is None else canonical(self.total)


class _FloatSum:
    """The sum of floats, rounded once."""

    def __init__(self) -> None:
        self.values = array("d")

    def step(self, value: float | None) -> None:
        if value is not None:
            self.values.append(value)

    @remembered
    def finalize(self) -> float | None:
        if not self.values:
            return None
        try:
            return checked_float(math.fsum(self.values), "the Sum", *self.values)
        except (OverflowError, ValueError) as error:
            raise DataError(f"the Sum is no finite number: {error}") from error


class _Variance:
    """The mean of the squared distances from the mean: exact sums, rounded once."""

    beyond = 0

    def __init__(self) -> None:
        self.count = 0
        self.total = self.squares = Fraction(0)
        self.infinite = False

    def step(self, value: float | str | None) -> None:
        if value is None:
            return
        if isinstance(value, float) and math.isinf(value):
            self.infinite = True
            return
        number = Fraction(decode(value) if isinstance(value, str) else value)
        self.count += 1
        self.total += number
        self.squares += number * number

    def variance(self) -> float | None:
        """The variance; NULL of too few values."""
        if self.infinite:
            raise DataError("the Variance of an infinite value is no number")
        if self.count <= self.beyond:
            return None
        spread = self.squares - self.total * self.total / self.count
        try:
            return float(spread / (self.count - self.beyond))
        except OverflowError as error:
            raise DataError("the Variance is no finite number") from error

    @remembered
    def finalize(self) -> float | None:
        return self.variance()


class _SampleVariance(_Variance):
    beyond = 1


class _Deviation(_Variance):
    @remembered
    def finalize(self) -> float | None:
        variance = self.variance()
        return None if variance is None else math.sqrt(variance)


class _SampleDeviation(_Deviation):
    beyond = 1


_AGGREGATES: dict[str, Callable[[], Any]] = {
    "ps_int_sum": _IntSum,
    "ps_int_mean": _IntMean,
    "ps_whole_mean": _WholeMean,
    "ps_decimal_sum": _DecimalSum,
    "ps_float_sum": _FloatSum,
    "ps_variance": _Variance,
    "ps_variance_sample": _SampleVariance,
    "ps_deviation": _Deviation,
    "ps_deviation_sample": _SampleDeviation,
}
