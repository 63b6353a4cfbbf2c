"""Aggregates that SQLite lacks or rounds, in Python: exact, each in the room of one number where that can be.

Each can also move over a window: ``inverse`` takes back the oldest value, ``value`` tells what there is by now. Over
frames that end before their row SQLite asks for the value before there was any, which Python's module does not survive:
there an aggregate is one of a list, ``ps_decimal_sum_listed(json_group_array(ps_told(x)) OVER (...))``.
"""

from __future__ import annotations

import json
import math
import sqlite3
from abc import ABC, abstractmethod
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
        connection.create_window_function(name, 1, made)
        connection.create_function(f"{name}_listed", 1, _of_list(made), deterministic=True)
    connection.create_function("ps_told", 1, _told, deterministic=True)


def _told(value: int | float | str | None) -> str | None:
    """A value as a text in JSON: a float keeps all its digits."""
    if value is None:
        return None
    if isinstance(value, float):
        return f"f{value.hex()}"
    return f"i{value}" if isinstance(value, int) else f"s{value}"


_READ: dict[str, Callable[[str], Any]] = {"f": float.fromhex, "i": int, "s": str}


def _of_list(made: Callable[[], Any]) -> Callable[[str], Any]:
    """The aggregate of the values in a list."""

    @remembered
    def aggregate(listed: str) -> Any:
        found = made()
        for text in json.loads(listed):
            found.step(text and _READ[text[0]](text[1:]))
        return found.finalize()

    return aggregate


class _Moving(ABC):
    """An aggregate whose result is its value in the end."""

    @remembered
    def finalize(self) -> Any:
        return self.result()

    @remembered
    def value(self) -> Any:
        return self.result()

    @abstractmethod
    def result(self) -> Any:
        """What the values there are come to."""


class _IntSum(_Moving):
    """The sum of ints, checked once it is whole."""

    def __init__(self) -> None:
        self.total = 0
        self.count = 0

    def step(self, value: int | None) -> None:
        if value is not None:
            self.total += value
            self.count += 1

    def inverse(self, value: int | None) -> None:
        if value is not None:
            self.total -= value
            self.count -= 1

    def result(self) -> Any:
        return checked_int(self.total, "the Sum") if self.count else None


class _IntMean(_IntSum):
    def result(self) -> Any:
        return self.total / self.count if self.count else None


class _WholeMean(_IntSum):
    @remembered
    def finalize(self) -> Any:
        return round(Fraction(self.total, self.count)) if self.count else None


class _DecimalSum(_Moving):
    """The exact sum of decimals in working form."""

    def __init__(self) -> None:
        self.total = Decimal(0)
        self.count = 0

    def step(self, text: str | None) -> None:
        if text is not None:
            self.total = EXACT.add(self.total, decode(text))
            self.count += 1

    def inverse(self, text: str | None) -> None:
        if text is not None:
            self.total = EXACT.subtract(self.total, decode(text))
            self.count -= 1

    def result(self) -> str | None:
        return canonical(self.total) if self.count else None


class _FloatSum(_Moving):
    """The sum of floats, rounded once; values that were taken back stand before ``start``."""

    def __init__(self) -> None:
        self.values = array("d")
        self.start = 0

    def step(self, value: float | None) -> None:
        if value is not None:
            self.values.append(value)

    def inverse(self, value: float | None) -> None:
        if value is not None:
            self.start += 1

    def result(self) -> float | None:
        values = self.values[self.start :]
        if not values:
            return None
        try:
            return checked_float(math.fsum(values), "the Sum", *values)
        except (OverflowError, ValueError) as error:
            raise DataError(f"the Sum is no finite number: {error}") from error


class _Variance(_Moving):
    """The mean of the squared distances from the mean: exact sums, rounded once."""

    beyond = 0

    def __init__(self) -> None:
        self.count = 0
        self.total = self.squares = Fraction(0)
        self.infinite = 0

    def step(self, value: float | str | None) -> None:
        self._add(value, 1)

    def inverse(self, value: float | str | None) -> None:
        self._add(value, -1)

    def _add(self, value: float | str | None, times: int) -> None:
        if value is None:
            return
        if isinstance(value, float) and math.isinf(value):
            self.infinite += times
            return
        number = Fraction(decode(value) if isinstance(value, str) else value)
        self.count += times
        self.total += times * number
        self.squares += times * number * number

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

    def result(self) -> float | None:
        return self.variance()


class _SampleVariance(_Variance):
    beyond = 1


class _Deviation(_Variance):
    def result(self) -> float | None:
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
