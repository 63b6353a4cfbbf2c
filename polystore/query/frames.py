"""What windows are made of: the kinds of their values, the rows that take part, what tells rows apart that tie."""

from __future__ import annotations

from msgspec.structs import replace

from polystore.query.names import Names
from polystore.query.nodes import WHOLE, Column, Expression, Frame, Order, Windowed
from polystore.query.operators import Aggregate, WindowFunction
from polystore.query.signatures import Mismatch, aggregate_kind, common_kind
from polystore.query.walk import aggregates_of, windows_of
from polystore.schema.kinds import FloatKind, IntKind, Kind, describe_kind, is_container, plain_kind

VALUES = frozenset({WindowFunction.FIRST_VALUE, WindowFunction.LAST_VALUE, WindowFunction.NTH_VALUE})
"""The functions of the rows in a frame; aggregates are, too."""
PEERS = frozenset(
    {WindowFunction.RANK, WindowFunction.DENSE_RANK, WindowFunction.PERCENT_RANK, WindowFunction.CUME_DIST}
)
"""The functions that are alike for rows that tie."""
_RUNNING = Frame("values", None, 0)


def window_kind(function: WindowFunction | Aggregate, operand: Expression | None, default: Expression | None) -> Kind:
    """The kind of a window's values.

    Raises:
        Mismatch: kinds that do not go together.
    """
    if isinstance(function, Aggregate):
        return aggregate_kind(function, None if operand is None else _known(operand), distinct=False)
    if operand is None:
        shares = (WindowFunction.PERCENT_RANK, WindowFunction.CUME_DIST)
        return FloatKind() if function in shares else IntKind()
    kind = _known(operand)
    if is_container(kind):
        raise Mismatch(f"it takes single values, not {describe_kind(kind)}")
    return kind if default is None else common_kind([kind, default.kind])


def _known(operand: Expression) -> Kind:
    if operand.kind is None:
        raise Mismatch("NULL alone has no type; write Cast(None, int)")
    return operand.kind


def settled_window(names: Names, window: Windowed, given: Frame | None) -> Windowed:
    """The window with its frame said in full, and with an order that leaves no choice where one would matter.

    Raises:
        Mismatch: a frame that the function does not take, an order that it lacks, or a window within a window.
    """
    _refuse_nested(window)
    framed = window.function in VALUES or isinstance(window.function, Aggregate)
    if given is not None and not framed:
        raise Mismatch("it depends on the place of the row, and takes no frame")
    frame = given or (_RUNNING if window.order else WHOLE)
    if window.function in PEERS:
        return window
    if not framed:
        return replace(window, order=_total(names, window.order))
    if isinstance(window.function, WindowFunction):
        return replace(window, order=_total(names, window.order), frame=_by_rows(frame, window.order))
    if frame.unit == "rows":
        whole = frame == WHOLE
        return replace(window, order=() if whole else _total(names, window.order), frame=frame)
    if not window.order and frame.start in (0, None) and frame.end in (0, None):
        return window
    _check_distance(window, frame)
    return replace(window, frame=frame)


def _by_rows(frame: Frame, order: tuple[Order, ...]) -> Frame:
    """A frame of values as one of rows, for an order in which no rows tie."""
    if frame.unit == "rows":
        return frame
    if frame.start not in (0, None) or frame.end not in (0, None):
        raise Mismatch("it takes the rows of a RowRange, not of a distance of values")
    return Frame("rows", frame.start, frame.end) if order else WHOLE


def _check_distance(window: Windowed, frame: Frame) -> None:
    if frame.start in (0, None) and frame.end in (0, None):
        return
    if len(window.order) != 1 or not isinstance(plain_kind(window.order[0].expression.kind or FloatKind()), IntKind):
        raise Mismatch("a ValueRange with a distance needs order_by of exactly one int")


def _total(names: Names, order: tuple[Order, ...]) -> tuple[Order, ...]:
    """The order with ties broken by the primary key, in the direction of its last term."""
    key = Column(names.fields["pk"])
    if any(term.expression == key for term in order):
        return order
    return (*order, Order(key, order[-1].descending if order else False))


def _refuse_nested(window: Windowed) -> None:
    parts = [window.operand, window.default, *window.partition, *(term.expression for term in window.order)]
    for part in parts:
        if part is None:
            continue
        if windows_of(part):
            raise Mismatch("a window within a window is not computed; read the rows and go on in Python")
        if aggregates_of(part):
            raise Mismatch("a window over groups is not computed; aggregate behind values() or take the window alone")
    for expression in (*window.partition, *(term.expression for term in window.order)):
        if expression.kind is None or is_container(expression.kind):
            what = "NULL" if expression.kind is None else describe_kind(expression.kind)
            raise Mismatch(f"rows are not told apart or ordered by {what}")
