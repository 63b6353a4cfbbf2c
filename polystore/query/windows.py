"""The windows that users write: what is computed of the rows (or groups) around each one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from polystore.errors import FieldError
from polystore.query.aggregates import Aggregation
from polystore.query.functions import Combinable
from polystore.query.nodes import Frame
from polystore.query.operators import WindowFunction


class RowRange:
    """The rows from ``start`` to ``end`` places away: negative before, 0 the current row, None without bound."""

    __slots__ = ("end", "start")
    unit: ClassVar[Any] = "rows"

    def __init__(self, start: int | None = None, end: int | None = None) -> None:
        for bound in (start, end):
            if bound is not None and type(bound) is not int:
                raise FieldError(f"{type(self).__name__} takes ints and None, not {bound!r}")
        if start is not None and end is not None and start > end:
            raise FieldError(f"{type(self).__name__}: a frame begins before it ends, not {start} to {end}")
        self.start, self.end = start, end

    @property
    def frame(self) -> Frame:
        """The frame that is meant."""
        return Frame(self.unit, self.start, self.end)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.start!r}, {self.end!r})"


class ValueRange(RowRange):
    """The rows whose value (of the one that is ordered by) lies so far from that of the current row.

    0 is the current row and all that tie with it; other distances need one int that is ordered by.
    """

    __slots__ = ()
    unit: ClassVar[Any] = "values"


class RankFunction(Combinable):
    """A function of a row's place, for ``Window`` only."""

    __slots__ = ("default", "expression", "number")
    function: WindowFunction

    def __init__(self) -> None:
        self.expression: Any = None
        self.default: Any = None
        self.number = 1

    def _count(self, value: Any, least: int) -> int:
        if type(value) is not int or value < least:
            raise FieldError(f"{type(self).__name__} takes an int >= {least}, not {value!r}")
        return value

    def __repr__(self) -> str:
        given = [] if self.expression is None else [repr(self.expression)]
        given += [] if self.number == 1 else [str(self.number)]
        given += [] if self.default is None else [f"default={self.default!r}"]
        return f"{type(self).__name__}({', '.join(given)})"


class RowNumber(RankFunction):
    """The place of the row, from 1; rows that tie are told apart by their key."""

    __slots__ = ()
    function = WindowFunction.ROW_NUMBER


class Rank(RankFunction):
    """How many rows come before, and 1; rows that tie share a rank, and leave a gap behind it."""

    __slots__ = ()
    function = WindowFunction.RANK


class DenseRank(RankFunction):
    """How many different values come before, and 1."""

    __slots__ = ()
    function = WindowFunction.DENSE_RANK


class PercentRank(RankFunction):
    """The share of the other rows that come before: from 0 to 1."""

    __slots__ = ()
    function = WindowFunction.PERCENT_RANK


class CumeDist(RankFunction):
    """The share of all rows that come before or tie with this one: above 0, up to 1."""

    __slots__ = ()
    function = WindowFunction.CUME_DIST


class Ntile(RankFunction):
    """The tile, from 1, that the row is in when rows are dealt into so many tiles of nearly equal size."""

    __slots__ = ()
    function = WindowFunction.NTILE

    def __init__(self, num_buckets: int = 1) -> None:
        super().__init__()
        self.number = self._count(num_buckets, 1)


class Lag(RankFunction):
    """The value of the row that comes ``offset`` places before; ``default`` (NULL) where there is none."""

    __slots__ = ()
    function = WindowFunction.LAG

    def __init__(self, expression: Any, offset: int = 1, default: Any = None) -> None:
        super().__init__()
        self.expression, self.number, self.default = expression, self._count(offset, 1), default


class Lead(Lag):
    """The value of the row that comes ``offset`` places after; ``default`` (NULL) where there is none."""

    __slots__ = ()
    function = WindowFunction.LEAD


class FirstValue(RankFunction):
    """The value of the first row in the frame."""

    __slots__ = ()
    function = WindowFunction.FIRST_VALUE

    def __init__(self, expression: Any) -> None:
        super().__init__()
        self.expression = expression


class LastValue(FirstValue):
    """The value of the last row in the frame, which ends with the current row unless another frame is given."""

    __slots__ = ()
    function = WindowFunction.LAST_VALUE


class NthValue(RankFunction):
    """The value of the ``nth`` row in the frame, NULL where it has fewer."""

    __slots__ = ()
    function = WindowFunction.NTH_VALUE

    def __init__(self, expression: Any, nth: int = 1) -> None:
        super().__init__()
        self.expression, self.number = expression, self._count(nth, 1)


class Window(Combinable):
    """A value for each row, computed of the rows around it: ``Window(Sum("plays"), partition_by="genre")``.

    Where there are groups it is a value for each of them, made of keys and aggregates:
    ``values("genre").annotate(total=Sum("plays"), place=Window(Rank(), order_by="-total"))``.

    Args:
        expression: an aggregate, or one of ``RowNumber``, ``Rank``, ``DenseRank``, ``PercentRank``, ``CumeDist``,
            ``Ntile``, ``Lag``, ``Lead``, ``FirstValue``, ``LastValue``, ``NthValue``.
        partition_by: names and expressions; rows that are alike in them belong together.
        order_by: terms as ``QuerySet.order_by`` takes them.
        frame: ``RowRange`` or ``ValueRange``; by default all rows up to the current one and those that tie with it,
            without an order all of the partition.
    """

    __slots__ = ("expression", "frame", "order_by", "partition_by")

    def __init__(
        self,
        expression: Aggregation | RankFunction,
        partition_by: Any = None,
        order_by: Any = None,
        frame: RowRange | None = None,
    ) -> None:
        if not isinstance(expression, Aggregation | RankFunction):
            raise FieldError(f"Window takes an aggregate or a function such as RowNumber(), not {expression!r}")
        if frame is not None and not isinstance(frame, RowRange):
            raise FieldError(f"Window: frame is a RowRange or a ValueRange, not {frame!r}")
        self.expression, self.frame = expression, frame
        self.partition_by, self.order_by = _listed(partition_by), _listed(order_by)

    def __repr__(self) -> str:
        options = [
            f"{name}={value!r}" for name in ("partition_by", "order_by", "frame") if (value := getattr(self, name))
        ]
        return f"Window({', '.join([repr(self.expression), *options])})"


def _listed(given: Any) -> tuple[Any, ...]:
    if given is None:
        return ()
    if isinstance(given, Sequence) and not isinstance(given, str):
        return tuple(given)
    return (given,)
