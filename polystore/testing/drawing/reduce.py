"""Makes a failing query small: fewer rows, fewer calls, simpler expressions, as long as it fails alike."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from polystore import Case, Cast, Extract, F, Q, Trunc, Value, Window
from polystore.errors import PolystoreError
from polystore.query.aggregates import Aggregation
from polystore.query.calls import Call as Function
from polystore.query.functions import Combinable, Combined, Ordering
from polystore.query.windows import RankFunction
from polystore.testing.drawing.inner import DrawnExists, DrawnSubquery
from polystore.testing.drawing.judge import Complaint, Judge, Rows
from polystore.testing.drawing.query import SETS, Call, DrawnQuery, Inside

_MOST_TRIES = 400
_OF_MANY = ("order_by", "filter", "exclude", "values", "values_list", "distinct", "get", *SETS)
"""The calls that take several arguments, so that one can be left out."""


def reduced(judge: Judge, query: DrawnQuery, complaint: Complaint) -> tuple[DrawnQuery, Complaint]:
    """The smallest query and rows found that fail in the same sort; the rows are left in the judge."""
    tries = 0
    found = True
    while found and tries < _MOST_TRIES:
        found = False
        for rows, smaller in _smaller(judge.rows, query):
            tries += 1
            again = _tried(judge, rows, smaller)
            if again is not None and again.sort == complaint.sort:
                query, complaint, found = smaller, again, True
                break
            if tries >= _MOST_TRIES:
                break
    return query, complaint


def _tried(judge: Judge, rows: Rows, query: DrawnQuery) -> Complaint | None:
    held = judge.rows
    if rows is not held:
        judge.put(rows)
    complaint = judge.complaint(query)
    if complaint is None and rows is not held:
        judge.put(held)
    return complaint


def _smaller(rows: Rows, query: DrawnQuery) -> Iterator[tuple[Rows, DrawnQuery]]:
    if query.client_at is not None:
        yield rows, replace(query, client_at=None)
    for calls in _fewer_calls(query.calls):
        yield rows, replace(query, calls=calls)
    for place in range(len(rows)):
        yield [*rows[:place], *rows[place + 1 :]], query
    for place, call in enumerate(query.calls):
        for made in simpler_calls(call):
            yield rows, replace(query, calls=(*query.calls[:place], made, *query.calls[place + 1 :]))
    for made in simpler_calls(query.verb):
        yield rows, replace(query, verb=made)
    for name in sorted({name for row in rows for name in row} - {"name"}):
        yield [{key: value for key, value in row.items() if key != name} for row in rows], query


def _fewer_calls(calls: tuple[Call, ...]) -> Iterator[tuple[Call, ...]]:
    return ((*calls[:place], *calls[place + 1 :]) for place in range(len(calls)))


def simpler_calls(call: Call) -> Iterator[Call]:
    """The call with one argument less, or a simpler one."""
    for place, argument in enumerate(call.arguments):
        if call.name in _OF_MANY and len(call.arguments) > 1:
            yield replace(call, arguments=(*call.arguments[:place], *call.arguments[place + 1 :]))
        for made in simpler(argument):
            yield replace(call, arguments=(*call.arguments[:place], made, *call.arguments[place + 1 :]))
    for name, value in call.named.items():
        if len(call.named) > 1:
            yield replace(call, named={key: other for key, other in call.named.items() if key != name})
        for made in simpler(value):
            yield replace(call, named={**call.named, name: made})


def simpler(value: Any) -> Iterator[Any]:
    """Parts that can stand for the whole, and the whole with a simpler part."""
    match value:
        case Inside(calls=calls):
            yield from (replace(value, calls=fewer) for fewer in _fewer(calls))
        case DrawnExists(queryset=queryset) | DrawnSubquery(queryset=queryset):
            yield from _within(type(value), queryset)
        case Q(children=children):
            yield from _simpler_conditions(value, children)
        case F() | Value():
            return
        case Combined():
            yield from (side for side in (value.left, value.right) if isinstance(side, Combinable))
            yield from _with(value, "left")
            yield from _with(value, "right")
        case Case(branches=branches):
            yield from (part for part in (value.default, *(each.then for each in branches)) if part is not None)
            for place, branch in enumerate(branches):
                for made in (*_with(branch, "condition"), *_with(branch, "then")):
                    yield _changed(value, branches=(*branches[:place], made, *branches[place + 1 :]))
            yield from _with(value, "default")
        case Extract() | Trunc() | Cast() | Ordering():
            yield from _with(value, "expression")
        case Aggregation():
            yield from (
                _changed(value, **{name: None}) for name in ("filter", "default") if getattr(value, name) is not None
            )
            yield from (_changed(value, distinct=False) for _ in "1" if value.distinct)
            yield from _with(value, "expression")
            yield from _with(value, "filter")
        case Window(partition_by=partition, order_by=order):
            yield from (_changed(value, frame=None) for _ in "1" if value.frame is not None)
            yield from (_changed(value, partition_by=fewer) for fewer in _fewer(partition))
            yield from (_changed(value, order_by=fewer) for fewer in _fewer(order))
            yield from _with(value, "expression")
        case RankFunction():
            yield from (_changed(value, default=None) for _ in "1" if value.default is not None)
            yield from _with(value, "expression")
        case Function(arguments=arguments):
            yield from (argument for argument in arguments if isinstance(argument, Combinable))
            for place, argument in enumerate(arguments):
                for made in simpler(argument):
                    yield _changed(value, arguments=(*arguments[:place], made, *arguments[place + 1 :]))
        case list() if value:
            yield from ([*value[:place], *value[place + 1 :]] for place in range(len(value)))


def _fewer(parts: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """One part less, or a simpler one."""
    for place, part in enumerate(parts):
        yield (*parts[:place], *parts[place + 1 :])
        made = simpler_calls(part) if isinstance(part, Call) else simpler(part)
        yield from ((*parts[:place], each, *parts[place + 1 :]) for each in made)


def _within(make: Any, rows: Inside) -> Iterator[Any]:
    """The same of simpler rows, as far as that makes sense."""
    for made in simpler(rows):
        with suppress(PolystoreError):
            yield make(made)


def _simpler_conditions(condition: Q, children: tuple[Any, ...]) -> Iterator[Q]:
    yield from (child for child in children if isinstance(child, Q))
    if condition.negated:
        yield _changed(condition, negated=False)
    for place, child in enumerate(children):
        parts = simpler(child) if isinstance(child, Q) else ((child[0], made) for made in simpler(child[1]))
        for made in parts:
            yield _changed(condition, children=(*children[:place], made, *children[place + 1 :]))


def _with(value: Any, name: str) -> Iterator[Any]:
    for made in simpler(getattr(value, name)):
        yield _changed(value, **{name: made})


def _changed(value: Any, **parts: Any) -> Any:
    made = copy.copy(value)
    for name, part in parts.items():
        setattr(made, name, part)
    return made
