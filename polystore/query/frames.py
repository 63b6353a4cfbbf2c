"""What windows are made of: the kinds of their values, the rows that take part, what tells rows apart that tie."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from polystore.query.nodes import WHOLE, Expression, Frame, Order, Windowed
from polystore.query.operators import Aggregate, WindowFunction
from polystore.query.signatures import Mismatch, aggregate_kind, common_kind
from polystore.query.walk import windows_of
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


def framed_window(window: Windowed, given: Frame | None) -> Windowed:
    """The window with its frame said in full.

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
        return window
    if isinstance(window.function, WindowFunction):
        return replace(window, frame=_by_rows(frame, window.order))
    if frame.unit == "rows":
        return replace(window, order=() if frame == WHOLE else window.order, frame=frame)
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


def settled_window(window: Windowed, ending: Sequence[Expression]) -> Windowed:
    """The window with an order that leaves no choice where one would matter.

    Args:
        window: the window.
        ending: what tells two rows apart; it breaks ties in the direction of the order's last term.
    """
    if isinstance(window.function, Aggregate):
        chooses = window.frame.unit == "rows" and window.frame != WHOLE
    else:
        chooses = window.function not in PEERS
    if not chooses:
        return window
    named = {term.expression for term in window.order}
    descending = window.order[-1].descending if window.order else False
    rest = tuple(Order(each, descending) for each in ending if each not in named)
    return replace(window, order=window.order + rest)


def _refuse_nested(window: Windowed) -> None:
    parts = [window.operand, window.default, *window.partition, *(term.expression for term in window.order)]
    for part in parts:
        if part is None:
            continue
        if windows_of(part):
            raise Mismatch("a window within a window is not computed; read the rows and go on in Python")
    for expression in (*window.partition, *(term.expression for term in window.order)):
        if expression.kind is None or is_container(expression.kind):
            what = "NULL" if expression.kind is None else describe_kind(expression.kind)
            raise Mismatch(f"rows are not told apart or ordered by {what}")
