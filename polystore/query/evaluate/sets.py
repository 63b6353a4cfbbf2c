"""Unions, intersections and differences of what several reads answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from polystore.query.evaluate.operations import group_rows, hashable, select_rows, sort_rows, window
from polystore.query.evaluate.run import Row, Run, Values, run_of
from polystore.query.operations import Combination, Group, Part, Select
from polystore.query.operators import SetOperator
from polystore.schema.model import Schema

Tables: TypeAlias = Callable[[Schema], Iterable[Row]]
"""The rows of each model."""


def read_rows(tables: Tables, operation: Select | Group | Combination, values: Values) -> list[Row]:
    """The rows that a read answers."""
    match operation:
        case Combination():
            return combined_rows(tables, operation, values)
        case Select():
            return select_rows(tables(operation.schema), operation, values)
        case Group(source=Combination() as source):
            run = run_of(values)
            return group_rows(combined_rows(tables, source, run), operation, run)
        case Group():
            return group_rows(tables(operation.schema), operation, values)


def combined_rows(tables: Tables, operation: Combination, values: Values) -> list[Row]:
    """The rows that a Combination answers, in order; where order leaves a choice, in that of the first part."""
    run = run_of(values)
    names = [field.name for field in operation.outputs]
    identity = [field.name for field in operation.identity]
    parts = [_part_rows(tables, part, names, run) for part in operation.parts]
    found = sort_rows(_combined(operation.operator, parts, identity), operation.order, run)
    return found[window(operation.limit, operation.offset, run)]


def _part_rows(tables: Tables, part: Part, names: Sequence[str], run: Run) -> list[Row]:
    """A part's rows under the names of the whole."""
    places = list(zip(names, (field.name for field in part.fields), strict=True))
    return [{name: row[own] for name, own in places} for row in read_rows(tables, part.rows, run)]


def _combined(operator: SetOperator, parts: list[list[Row]], identity: Sequence[str]) -> list[Row]:
    if operator is SetOperator.UNION_ALL:
        return [row for part in parts for row in part]

    def keyed(rows: Iterable[Row]) -> dict[Any, Row]:
        found: dict[Any, Row] = {}
        for row in rows:
            found.setdefault(tuple(hashable(row[name]) for name in identity), row)
        return found

    first, *others = map(keyed, parts)
    match operator:
        case SetOperator.UNION:
            return list(keyed(row for part in parts for row in part).values())
        case SetOperator.INTERSECTION:
            return [row for key, row in first.items() if all(key in other for other in others)]
        case SetOperator.DIFFERENCE:
            return [row for key, row in first.items() if not any(key in other for other in others)]
