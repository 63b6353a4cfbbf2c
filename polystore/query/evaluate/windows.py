"""What each window means: from the rows of a partition, in order, to a value for each of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, assert_never

from polystore.query.evaluate.aggregates import aggregation
from polystore.query.evaluate.compute import computation
from polystore.query.evaluate.numbers import settled, widened
from polystore.query.evaluate.run import Computation, Row, Run
from polystore.query.nodes import Aggregated, Computed, Expression, Frame, Order, Windowed
from polystore.query.operators import Aggregate, WindowFunction

Sort: TypeAlias = Callable[[list[Row], Sequence[Order], Run], list[Row]]
_PLACE = object()
"""The key under which a row keeps its place while it is sorted."""


def with_windows(rows: Sequence[Row], windows: Sequence[Computed], run: Run, sort: Sort) -> list[Row]:
    """The rows with the values of windows under their names."""
    found: list[dict[Any, Any]] = [{**row, _PLACE: place} for place, row in enumerate(rows)]
    columns = [(each.name, _values(found, _window(each), run, sort)) for each in windows]
    return [{**row, **{name: values[place] for name, values in columns}} for place, row in enumerate(rows)]


def _window(computed: Computed) -> Windowed:
    assert isinstance(computed.expression, Windowed)
    return computed.expression


class _Partition(NamedTuple):
    """The rows of a partition in order, and for each the places at which those that tie with it begin and end."""

    rows: list[Row]
    starts: list[int]
    ends: list[int]


def _values(rows: Sequence[Row], window: Windowed, run: Run, sort: Sort) -> list[Any]:
    keys = [_settled(expression) for expression in window.partition]
    partitions: dict[Any, list[Row]] = {}
    for row in rows:
        partitions.setdefault(tuple(key(row, run) for key in keys), []).append(row)
    found: list[Any] = [None] * len(rows)
    compute = _function(window)
    for members in partitions.values():
        partition = _partition(sort(members, window.order, run), window.order, run)
        for row, value in zip(partition.rows, compute(partition, run), strict=True):
            found[row[_PLACE]] = value
    return found


def _settled(expression: Expression) -> Computation:
    compute = computation(expression)
    settle = None if expression.kind is None else settled(expression.kind)
    if settle is None:
        return compute
    return lambda row, run: None if (value := compute(row, run)) is None else settle(value)


def _partition(rows: list[Row], order: Sequence[Order], run: Run) -> _Partition:
    terms = [computation(term.expression) for term in order]
    keys = [tuple(term(row, run) for term in terms) for row in rows]
    starts = [0] * len(rows)
    for place in range(1, len(rows)):
        starts[place] = starts[place - 1] if keys[place] == keys[place - 1] else place
    ends = [len(rows)] * len(rows)
    for place in range(len(rows) - 2, -1, -1):
        ends[place] = ends[place + 1] if keys[place] == keys[place + 1] else place + 1
    return _Partition(rows, starts, ends)


Compute: TypeAlias = Callable[[_Partition, Run], Sequence[Any]]


def _function(window: Windowed) -> Compute:
    """The function from a partition to the value of each row."""
    function = window.function
    if isinstance(function, Aggregate):
        node = Aggregated(function, window.operand, window.kind, condition=window.condition)
        return _framed(window, aggregation(node))
    match function:
        case WindowFunction.ROW_NUMBER:
            return lambda partition, run: range(1, len(partition.rows) + 1)
        case WindowFunction.RANK:
            return lambda partition, run: [start + 1 for start in partition.starts]
        case WindowFunction.DENSE_RANK:
            return lambda partition, run: _dense(partition.starts)
        case WindowFunction.PERCENT_RANK:
            return lambda partition, run: [start / (max(len(partition.rows), 2) - 1) for start in partition.starts]
        case WindowFunction.CUME_DIST:
            return lambda partition, run: [end / len(partition.rows) for end in partition.ends]
        case WindowFunction.NTILE:
            return lambda partition, run: _tiles(len(partition.rows), window.number)
        case WindowFunction.LAG | WindowFunction.LEAD:
            return _neighbour(window, -window.number if function is WindowFunction.LAG else window.number)
        case WindowFunction.FIRST_VALUE | WindowFunction.LAST_VALUE | WindowFunction.NTH_VALUE:
            return _framed(window, _value_at(window))
    assert_never(function)


def _dense(starts: Sequence[int]) -> list[int]:
    ranks = {start: rank for rank, start in enumerate(dict.fromkeys(starts), 1)}
    return [ranks[start] for start in starts]


def _tiles(count: int, tiles: int) -> list[int]:
    """Tiles of nearly equal size, the larger ones first."""
    size, larger = divmod(count, tiles)
    found = [tile for tile in range(1, tiles + 1) for _ in range(size + (tile <= larger))] if size else None
    return list(range(1, count + 1)) if found is None else found


def _neighbour(window: Windowed, distance: int) -> Compute:
    assert window.operand is not None
    value = _widened(window.operand, window)
    default = None if window.default is None else _widened(window.default, window)

    def compute(partition: _Partition, run: Run) -> list[Any]:
        rows = partition.rows
        values = [value(row, run) for row in rows]
        beyond = [None if default is None else default(row, run) for row in rows]
        return [
            values[place + distance] if 0 <= place + distance < len(rows) else beyond[place]
            for place in range(len(rows))
        ]

    return compute


def _widened(expression: Expression, window: Windowed) -> Computation:
    widen = widened(window.kind)
    compute = computation(expression)
    if widen is None:
        return compute
    return lambda row, run: None if (value := compute(row, run)) is None else widen(value)


def _value_at(window: Windowed) -> Callable[[Sequence[Row], Run], Any]:
    assert window.operand is not None
    value = computation(window.operand)
    places: dict[WindowFunction | Aggregate, int] = {WindowFunction.FIRST_VALUE: 0, WindowFunction.LAST_VALUE: -1}
    place = places.get(window.function, window.number - 1)

    def compute(rows: Sequence[Row], run: Run) -> Any:
        return value(rows[place], run) if rows and place < len(rows) else None

    return compute


# ---- frames


def _framed(window: Windowed, combine: Callable[[Sequence[Row], Run], Any]) -> Compute:
    """What is made of the rows of each row's frame; computed once for frames that are alike."""
    bounds = _row_bounds(window.frame) if window.frame.unit == "rows" else _value_bounds(window)

    def compute(partition: _Partition, run: Run) -> list[Any]:
        known: dict[tuple[int, int], Any] = {}
        found = []
        for frame in bounds(partition, run):
            if frame not in known:
                known[frame] = combine(partition.rows[slice(*frame)], run)
            found.append(known[frame])
        return found

    return compute


Bounds: TypeAlias = Callable[[_Partition, Run], Sequence[tuple[int, int]]]


def _row_bounds(frame: Frame) -> Bounds:
    def bounds(partition: _Partition, run: Run) -> list[tuple[int, int]]:
        count = len(partition.rows)
        return [
            (
                0 if frame.start is None else min(max(place + frame.start, 0), count),
                count if frame.end is None else min(max(place + frame.end + 1, 0), count),
            )
            for place in range(count)
        ]

    return bounds


def _value_bounds(window: Windowed) -> Bounds:
    frame = window.frame
    if frame.start in (0, None) and frame.end in (0, None):
        return lambda partition, run: [
            (0 if frame.start is None else start, len(partition.rows) if frame.end is None else end)
            for start, end in zip(partition.starts, partition.ends, strict=True)
        ]
    (term,) = window.order
    value = computation(term.expression)
    sign = -1 if term.descending else 1

    def bounds(partition: _Partition, run: Run) -> list[tuple[int, int]]:
        values = [None if (each := value(row, run)) is None else sign * each for row in partition.rows]
        return [_near(values, place, partition, frame) for place in range(len(values))]

    return bounds


def _near(values: Sequence[Any], place: int, partition: _Partition, frame: Frame) -> tuple[int, int]:
    """The rows whose value lies so far from that of this row; to a NULL only NULLs are near."""
    count, current = len(values), values[place]
    if current is None:
        start, end = partition.starts[place], partition.ends[place]
    else:
        known = [at for at, value in enumerate(values) if value is not None]
        low, high = known[0], known[-1] + 1
        start = low if frame.start is None else bisect_left(values, current + frame.start, low, high)
        end = high if frame.end is None else bisect_right(values, current + frame.end, low, high)
    return (0 if frame.start is None else start, count if frame.end is None else max(start, end))
