"""Windows as SQL: what is computed, and the rows around each row that it is computed of."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence

from msgspec.structs import replace

from polystore.adapters.sql.dialect import Sql
from polystore.adapters.sql.expressions import Expressions, kind_of
from polystore.adapters.sql.raw import Raw
from polystore.query.frames import PEERS, VALUES
from polystore.query.nodes import Column, Expression, Frame, Order, Parameter, Windowed
from polystore.query.operators import Aggregate, WindowFunction
from polystore.query.orders import reversed_order
from polystore.schema.kinds import plain_kind

FUNCTIONS: dict[WindowFunction, str] = {
    WindowFunction.ROW_NUMBER: "row_number()",
    WindowFunction.RANK: "rank()",
    WindowFunction.DENSE_RANK: "dense_rank()",
    WindowFunction.PERCENT_RANK: "percent_rank()",
    WindowFunction.CUME_DIST: "cume_dist()",
    WindowFunction.NTILE: "ntile({number})",
    WindowFunction.LAG: "lag({0}, {number})",
    WindowFunction.LEAD: "lead({0}, {number})",
    WindowFunction.FIRST_VALUE: "first_value({0})",
    WindowFunction.LAST_VALUE: "last_value({0})",
    WindowFunction.NTH_VALUE: "nth_value({0}, {number})",
}


def window_text(window: Windowed, writer: Expressions) -> Sql:
    """The value of a window in working form."""
    over = _over(window, writer)
    if isinstance(window.function, Aggregate):
        operand = None if window.operand is None else writer.operand(window.operand)
        test = None if window.condition is None else writer.condition(window.condition)
        made = writer.dialect.aggregate(window.function, operand, test, distinct=False)
        listed = writer.dialect.lists_before and window.frame.end is not None and window.frame.end < 0
        return _spread(made, over, [each for each in (operand and operand.sql, test) if each is not None], listed)
    if window.function in writer.dialect.shares:
        whole = _over(replace(window, order=()), writer)
        return Raw(writer.dialect.shares[window.function], over, whole)
    template = f"{FUNCTIONS[window.function].replace('{number}', str(window.number))} OVER {{1}}"
    if window.operand is None:
        return Raw(template, Raw("NULL"), over)
    value = writer.alike(window.operand, plain_kind(window.kind))
    found = writer.dialect.chosen(template, (value, over), (value,), plain_kind(window.kind))
    return found if window.default is None else _with_default(window, window.default, found, value, writer)


def _with_default(window: Windowed, default: Expression, found: Sql, value: Sql, writer: Expressions) -> Sql:
    """The value of a neighbour, or the default where there is none."""
    order = reversed_order(window.order) if window.function is WindowFunction.LEAD else window.order
    other = replace(window, order=order)
    place = Raw(f"(row_number() OVER {{0}} <= {window.number})", _over(other, writer))
    beyond = writer.alike(default, plain_kind(window.kind))
    return writer.dialect.chosen(
        "(CASE WHEN {0} THEN {1} ELSE {2} END)", (place, beyond, found), (beyond, value), plain_kind(window.kind)
    )


def _over(window: Windowed, writer: Expressions) -> Sql:
    """The rows around each row, in their order."""
    parts: list[Sql] = [_told_apart(each, writer) for each in window.partition if not isinstance(each, Parameter)]
    words = []
    if parts:
        words.append("PARTITION BY " + ", ".join(f"{{{place}}}" for place in range(len(parts))))
    terms = [each for term in window.order for each in _term(term, writer)]
    if not terms and window.function in PEERS:
        terms = [Raw(each) for each in writer.dialect.no_order]
    if terms:
        words.append("ORDER BY " + ", ".join(f"{{{len(parts) + place}}}" for place in range(len(terms))))
    if isinstance(window.function, Aggregate) or window.function in VALUES:
        words.append(_frame(window.frame))
    return Raw(f"({' '.join(words)})", *parts, *terms)


def _told_apart(expression: Expression, writer: Expressions) -> Sql:
    found = writer.stored(expression)
    return writer.dialect.settled(found, kind_of(expression)) if writer.is_working(expression) else found


def _term(term: Order, writer: Expressions) -> Sequence[Sql]:
    if isinstance(term.expression, Parameter):
        return []
    column = term.expression
    nullable = not isinstance(column, Column) or column.field in writer.places or column.field.null
    found: list[Sql] = writer.dialect.order(writer.stored(column), term, nullable=nullable)
    return found


def _frame(frame: Frame) -> str:
    unit = "ROWS" if frame.unit == "rows" else "RANGE"
    return f"{unit} BETWEEN {_bound(frame.start, 'PRECEDING')} AND {_bound(frame.end, 'FOLLOWING')}"


def _bound(bound: int | None, side: str) -> str:
    match bound:
        case None:
            return f"UNBOUNDED {side}"
        case 0:
            return "CURRENT ROW"
        case _:
            return f"{abs(bound)} {'PRECEDING' if bound < 0 else 'FOLLOWING'}"


# ---- aggregates

_AGGREGATES = re.compile(
    r"\b(count|sum|min|max|bool_and|bool_or|var_pop|var_samp|stddev_pop|stddev_samp|ps_int_sum|ps_int_mean"
    r"|ps_decimal_sum|ps_float_sum|ps_variance|ps_variance_sample|ps_deviation|ps_deviation_sample)\(",
    re.IGNORECASE,
)


def _spread(made: Sql, over: Sql, leaves: Sequence[Sql], listed: bool) -> Sql:
    """An aggregate with each of its aggregate functions over the window; ``leaves`` are what is aggregated."""
    if any(made is leaf for leaf in leaves):
        return made
    assert isinstance(made, Raw), "an aggregate that is not written by hand"
    assert "SELECT" not in made.template, "within a select of its own an aggregate would be of another window"
    found = copy.copy(made)
    found.parts = (*(_spread(part, over, leaves, listed) for part in made.parts), over)
    found.template = _with_over(made.template, f" OVER {{{len(made.parts)}}}", listed)
    return found


def _with_over(template: str, clause: str, listed: bool) -> str:
    text, done = "", 0
    for match in _AGGREGATES.finditer(template):
        end = _closing(template, match.end())
        if listed and match[1].startswith("ps_"):
            argument = template[match.end() : end - 1]
            text += f"{template[done : match.start()]}{match[1]}_listed(json_group_array(ps_told({argument})){clause})"
        else:
            text += template[done:end] + clause
        done = end
    return text + template[done:]


def _closing(text: str, start: int) -> int:
    """The place behind the parenthesis that closes the one before ``start``."""
    depth = 1
    while depth:
        depth += {"(": 1, ")": -1}.get(text[start], 0)
        start += 1
    return start
