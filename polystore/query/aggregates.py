"""The aggregates that users write, by their public names."""

from __future__ import annotations

from typing import Any

from polystore.errors import FieldError
from polystore.query.functions import Combinable, F, Q
from polystore.query.keywords import Keyworded
from polystore.query.operators import Aggregate


class Aggregation(Combinable, metaclass=Keyworded):
    """A value computed of many rows.

    Args:
        expression: what is aggregated: an expression or the name of a field; NULLs are left out.
        distinct: each value once.
        filter: only rows that fulfil this condition.
        default: the value over nothing, which is NULL otherwise.
    """

    __slots__ = ("default", "distinct", "expression", "filter")
    aggregate: Aggregate

    def __init__(
        self, expression: Any, *, distinct: bool = False, filter: Q | None = None, default: Any = None
    ) -> None:
        if filter is not None and not isinstance(filter, Q):
            raise FieldError(f"{type(self).__name__}: filter takes a Q, not {filter!r}")
        self.expression, self.distinct, self.filter, self.default = expression, distinct, filter, default

    @property
    def node(self) -> Aggregate:
        """The aggregate that is meant."""
        return self.aggregate

    @property
    def default_name(self) -> str:
        """The name of the result where none is given: ``total__sum``.

        Raises:
            FieldError: an expression gives no name.
        """
        expression = self.expression
        name = expression.name if isinstance(expression, F) else expression
        if not isinstance(name, str) or name == "*":
            raise FieldError(f"{self!r} needs a name: write name={self!r}")
        return f"{name}__{type(self).__name__.lower()}"

    def __repr__(self) -> str:
        given = {"distinct": self.distinct or None, "filter": self.filter, "default": self.default}
        options = [f"{name}={value!r}" for name, value in given.items() if value is not None]
        return f"{type(self).__name__}({', '.join([repr(self.expression), *options])})"


class Count(Aggregation):
    """How many rows there are (``Count("*")``), or values that are not NULL; 0 over nothing."""

    __slots__ = ()
    aggregate = Aggregate.COUNT

    def __init__(self, expression: Any, *, distinct: bool = False, filter: Q | None = None) -> None:
        if expression == "*" and distinct:
            raise FieldError('Count("*") counts rows, which are distinct; name the field whose values count once')
        super().__init__(expression, distinct=distinct, filter=filter)


class Sum(Aggregation):
    """The sum: of ints an int within 64 bits, of Decimals an exact one, of timedeltas a timedelta."""

    __slots__ = ()
    aggregate = Aggregate.SUM


class Avg(Aggregation):
    """The mean: of ints a float, of Decimals a Decimal, of timedeltas one in microseconds, rounded half-even."""

    __slots__ = ()
    aggregate = Aggregate.AVG


class Min(Aggregation):
    """The least value."""

    __slots__ = ()
    aggregate = Aggregate.MIN


class Max(Aggregation):
    """The greatest value."""

    __slots__ = ()
    aggregate = Aggregate.MAX


class _Spread(Aggregation):
    """How far the values lie apart, a float; of the whole population, or with ``sample`` as estimated from a sample."""

    __slots__ = ("sample",)
    sampled: Aggregate

    def __init__(
        self,
        expression: Any,
        *,
        sample: bool = False,
        distinct: bool = False,
        filter: Q | None = None,
        default: Any = None,
    ) -> None:
        super().__init__(expression, distinct=distinct, filter=filter, default=default)
        self.sample = sample

    @property
    def node(self) -> Aggregate:
        return self.sampled if self.sample else self.aggregate


class StdDev(_Spread):
    """The standard deviation of the population; with ``sample=True`` that of a sample, NULL for a single value."""

    __slots__ = ()
    aggregate = Aggregate.STDDEV
    sampled = Aggregate.STDDEV_SAMPLE


class Variance(_Spread):
    """The variance of the population; with ``sample=True`` that of a sample, NULL for a single value."""

    __slots__ = ()
    aggregate = Aggregate.VARIANCE
    sampled = Aggregate.VARIANCE_SAMPLE
