"""Windows: what is computed of the rows around each row, over a partition, in an order, within a frame."""

from __future__ import annotations

from typing import Any

from polystore import (
    Count,
    CumeDist,
    DenseRank,
    F,
    FirstValue,
    Lag,
    LastValue,
    Lead,
    NthValue,
    Ntile,
    PercentRank,
    Rank,
    RowNumber,
    RowRange,
    Value,
    ValueRange,
    Window,
)
from polystore.query.aggregates import Aggregation
from polystore.query.capabilities import Feature
from polystore.query.operators import Aggregate, WindowFunction
from polystore.testing.drawing.expressions import operand, ordered
from polystore.testing.drawing.grammar import Grammar, construct, drawn
from polystore.testing.drawing.orders import sortable, terms


def window(grammar: Grammar) -> tuple[Window, str] | None:
    """A window and the family of its values; None where the store has none.

    Windows stand in no other window: what may be one is out of reach within it.
    """
    names = grammar.names
    grammar.names = {name: family for name, family in names.items() if name not in grammar.windowed}
    try:
        made = drawn(grammar, "window")
        if made is None:
            return None
        given, family = made
        known = sortable(grammar, grammar.names)
        partition = grammar.some(known, 1, 2) if grammar.chance(0.6) else None
        ints = [name for name in known if grammar.names[name] == "int"]
        if isinstance(given, Aggregation) and ints and grammar.chance(0.2) and grammar.use(Feature.WINDOW_DISTANCES):
            order = [grammar.pick(["", "-"]) + grammar.pick(ints)]
            frame = ValueRange(grammar.pick([None, -3, -1, 0]), grammar.pick([None, 0, 2]))
            return Window(given, partition, order, frame), family
        order = terms(grammar, known, 2, expressions=True) if grammar.chance(0.75) else []
        return Window(given, partition, order, _frame(grammar, given)), family
    finally:
        grammar.names = names


def _frame(grammar: Grammar, given: Any) -> RowRange | None:
    """Where the function takes one: rows counted from the current one, or those that tie with it."""
    if not isinstance(given, Aggregation | FirstValue | NthValue) or grammar.chance(0.4):
        return None
    if grammar.chance(0.3):
        return ValueRange(grammar.pick([None, 0]), grammar.pick([None, 0]))
    start, end = sorted([grammar.dice.randint(-2, 2), grammar.dice.randint(-2, 2)])
    return RowRange(grammar.pick([start, start, None]), grammar.pick([end, end, None]))


# ---- functions: each with the family of its values


@construct("window", 8, Feature.WINDOW_AGGREGATES)
def _aggregated(grammar: Grammar) -> tuple[Any, str]:
    given, family = drawn(grammar, "aggregate") or (None, "")
    if not isinstance(given, Aggregation):
        grammar.needs.add(Aggregate.COUNT)
        return Count("*"), "int"
    given.distinct = False
    return given, family


for _function, _make, _family in (
    (WindowFunction.ROW_NUMBER, RowNumber, "int"),
    (WindowFunction.RANK, Rank, "int"),
    (WindowFunction.DENSE_RANK, DenseRank, "int"),
    (WindowFunction.PERCENT_RANK, PercentRank, "float"),
    (WindowFunction.CUME_DIST, CumeDist, "float"),
):
    construct("window", 1, _function)(lambda grammar, make=_make, family=_family: (make(), family))


@construct("window", 1, WindowFunction.NTILE)
def _ntile(grammar: Grammar) -> tuple[Any, str]:
    return Ntile(grammar.pick([1, 2, 3])), "int"


@construct("window", 2, WindowFunction.LAG)
def _lag(grammar: Grammar) -> tuple[Any, str]:
    return _shifted(grammar, Lag)


@construct("window", 2, WindowFunction.LEAD)
def _lead(grammar: Grammar) -> tuple[Any, str]:
    return _shifted(grammar, Lead)


def _shifted(grammar: Grammar, make: Any) -> tuple[Any, str]:
    given, family = operand(grammar, ordered(grammar))
    default = None
    if grammar.chance(0.4):
        names = grammar.named([family])
        default = F(grammar.pick(names)) if names and grammar.chance(0.5) else Value(grammar.value(family))
    return make(given, grammar.pick([1, 1, 2]), default), family


@construct("window", 1, WindowFunction.FIRST_VALUE)
def _first(grammar: Grammar) -> tuple[Any, str]:
    given, family = operand(grammar, ordered(grammar))
    return FirstValue(given), family


@construct("window", 1, WindowFunction.LAST_VALUE)
def _last(grammar: Grammar) -> tuple[Any, str]:
    given, family = operand(grammar, ordered(grammar))
    return LastValue(given), family


@construct("window", 1, WindowFunction.NTH_VALUE)
def _nth(grammar: Grammar) -> tuple[Any, str]:
    given, family = operand(grammar, ordered(grammar))
    return NthValue(given, grammar.pick([1, 2, 3])), family
