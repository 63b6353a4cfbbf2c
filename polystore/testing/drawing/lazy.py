"""Where an error may come or not: stores decide themselves what they compute first, and what they need not compute.

``filter(a__gt=1, b__lt=F("c") / 0)`` is an error only for a store that looks at the second condition first. So where
one side ends in a DataError and the other answers, both can be right: if a part of the query has no value in some row,
and something in the query lets a store leave parts out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from polystore import (
    Avg,
    Case,
    Cast,
    Coalesce,
    Extract,
    F,
    Greatest,
    Least,
    NullIf,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Trunc,
    When,
    Window,
)
from polystore.errors import DataError, FieldError, PolystoreError
from polystore.query.aggregates import Aggregation
from polystore.query.calls import Call
from polystore.query.functions import Combinable, Combined, Ordering
from polystore.query.windows import RankFunction
from polystore.testing.drawing.families import FIELDS
from polystore.testing.drawing.inner import DrawnExists, DrawnSubquery, given
from polystore.testing.drawing.query import SETS, DrawnQuery, Inside
from polystore.testing.drawing.query import Call as Step
from polystore.testing.models import Everything

_CHOOSING = (Q, Case, Coalesce, NullIf, Greatest, Least, Subquery)
_SAID = {*FIELDS} - {"name"}
_COMPUTED = (Combinable, Q, type(None))
_STRICT_VERBS = ("rows", "iterator", "in_bulk", "aggregate", "update")
_ADDING = ("annotate", "alias")


def may_differ(query: DrawnQuery, source: QuerySet[Any, Any]) -> bool:
    """Whether one store may answer the query over these rows, and another one fail."""
    found = _expressions(query)
    leaves_out = (
        query.verb.name not in _STRICT_VERBS
        or any(call.name in ("filter", "exclude", "[]", "distinct", *_ADDING, *SETS) for call in query.calls)
        or any(isinstance(part, _CHOOSING) for part in found)
        or any(isinstance(part, Avg) for part in found)
        or any(call.name == "order_by" and any(map(_is_constant, call.arguments)) for call in query.calls)
    )
    return leaves_out and lurks(query, source)


def asks_others(query: DrawnQuery) -> bool:
    """Whether there are queries within it: these stay with the store that they are on, wherever it is answered."""
    return any(isinstance(part, Inside) for part in _expressions(query))


def values_said(query: DrawnQuery) -> Iterator[tuple[str, Any]]:
    """The fields that conditions say the value of, with these: a store may put them in the place of the field."""
    for condition in _expressions(query):
        if isinstance(condition, Q):
            for name, value in (child for child in condition.children if isinstance(child, tuple)):
                field, _, word = name.partition("__")
                values = value if word == "in" and isinstance(value, list) else [value] if not word else []
                yield from ((field, each) for each in values if field in _SAID and not isinstance(each, _COMPUTED))


def lurks(query: DrawnQuery, source: QuerySet[Any, Any]) -> bool:
    """Whether an expression of the query has no value in some row, or one that its field cannot hold.

    Of sums and means this is not looked into. Rows may be updated by this.
    """
    for call in query.calls:
        if call.name in _ADDING and not any(map(_groups, call.named.values())):
            with suppress(FieldError):  # it names what groups have
                source = call.on(source)
    for expression in _expressions(query):
        if not isinstance(expression, Combinable) or isinstance(expression, RankFunction):
            continue
        if isinstance(expression, Aggregation):
            if isinstance(expression, Sum | Avg):
                return True
            continue
        try:
            list(source.values_list(expression))
        except DataError:
            return True
        except FieldError:
            continue
    if any(_lurks_within(part, source) for part in _expressions(query) if isinstance(part, Inside)):
        return True
    return query.verb.name == "update" and _does_not_fit(query.verb, source)


def _lurks_within(inside: Inside, source: QuerySet[Any, Any]) -> bool:
    """Whether an expression of a query within has no value for some pair of a row of it and one of the query around.

    What refers to queries further out is not looked into, nor are queries within that one.
    """
    rows: Any = Everything.objects.all()
    for call in inside.calls:
        if call.name in _ADDING:
            rows = call.on(rows)
    for expression in _all(given(inside)):
        if not isinstance(expression, Combinable) or isinstance(expression, RankFunction):
            continue
        if isinstance(expression, Sum | Avg):
            return True
        for key in source.values_list("pk", flat=True):
            try:
                list(source.values_list(Subquery(rows.filter(pk=key).values_list(expression, flat=True))))
            except DataError:
                return True
            except PolystoreError:
                break
    return False


def _does_not_fit(update: Step, source: QuerySet[Any, Any]) -> bool:
    try:
        update.on(source)
    except PolystoreError as error:
        return isinstance(error, DataError)
    return False


def _groups(value: Any) -> bool:
    """Whether an annotation is of groups: it aggregates, in no window."""
    return not isinstance(value, Window) and any(isinstance(part, Aggregation) for part in parts(value))


def _is_constant(term: Any) -> bool:
    """Whether a term of an order is the same for all rows, so that a store need not compute it."""
    return isinstance(term, Combinable | Ordering) and not any(isinstance(part, F) for part in parts(term))


def _expressions(query: DrawnQuery) -> list[Any]:
    """All conditions and expressions of a query, with all parts of them."""
    calls = (*query.calls, query.verb)
    return list(_all(each for call in calls for each in (*call.arguments, *call.named.values())))


def _all(values: Any) -> Iterator[Any]:
    for value in values:
        yield from parts(value)


def parts(value: Any) -> Iterator[Any]:
    """A value and all conditions and expressions within it."""
    yield value
    match value:
        case DrawnExists(queryset=queryset) | DrawnSubquery(queryset=queryset):
            yield queryset
        case Q(children=children):
            for child in children:
                yield from parts(child if isinstance(child, Q) else child[1])
        case Combined(left=left, right=right):
            yield from _all((left, right))
        case Case(branches=branches, default=default):
            yield from _all((*branches, default))
        case When(condition=condition, then=then):
            yield from _all((condition, then))
        case Aggregation(expression=expression, filter=condition):
            yield from _all((expression, condition))
        case Cast(expression=expression) | Extract(expression=expression) | Trunc(expression=expression):
            yield from parts(expression)
        case Ordering(expression=expression):
            yield from parts(expression)
        case Window(expression=expression, partition_by=partition, order_by=order):
            yield from _all((expression, *partition, *order))
        case RankFunction(expression=expression, default=default):
            yield from _all((expression, default))
        case Call(arguments=arguments):
            yield from _all(arguments)
