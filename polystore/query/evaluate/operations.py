"""What each operation answers, from rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from polystore.errors import DataError, NotNullViolation
from polystore.query.evaluate.aggregates import aggregation
from polystore.query.evaluate.compute import computation, predicate
from polystore.query.evaluate.numbers import settled
from polystore.query.evaluate.run import Answer, Computation, Row, Run, Values, run_of
from polystore.query.evaluate.structures import json_key, set_path, takes_null, without_null
from polystore.query.evaluate.windows import with_windows
from polystore.query.nodes import Aggregated, Computed, Condition, Expression, Order, Parameter, Path
from polystore.query.operations import Assignment, Combination, Count, Group, Select, Update
from polystore.query.walk import aggregates_of, aggregates_within
from polystore.schema.kinds import DecimalKind, FloatKind, JsonKind, plain_kind
from polystore.schema.model import FieldInfo, Schema
from polystore.schema.paths import PathInfo
from polystore.schema.plain import normaliser


def find_rows(rows: Iterable[Row], condition: Condition, values: Values) -> list[Row]:
    """The rows for which the condition is true."""
    test, run = predicate(condition), run_of(values)
    return [row for row in rows if test(row, run)]


def answering(tables: Callable[[Schema], Iterable[Row]]) -> Answer:
    """What answers subqueries, from the rows of each model."""

    def answer(operation: Select | Group, run: Run) -> Sequence[Row]:
        rows = tables(operation.schema)
        return select_rows(rows, operation, run) if isinstance(operation, Select) else group_rows(rows, operation, run)

    return answer


def select_rows(rows: Iterable[Row], operation: Select, values: Values) -> list[Row]:
    """The rows that a Select answers, whole and with its computed values, in order.

    Where order leaves a choice, in the order given.
    """
    run = run_of(values)
    found = find_rows(_source_rows(rows, operation.source, run), operation.condition, run)
    if operation.windows:
        found = find_rows(with_windows(found, operation.windows, run, sort_rows), operation.kept, run)
    found = sort_rows(found, operation.order, run)
    if operation.first:
        found = _first_rows(found, operation.first, run)
    if operation.computed:
        compute = _writer(operation.computed)
        found = [{**row, **compute(row, run)} for row in found]
    if operation.distinct:
        found = distinct_rows(found, [field.name for field in operation.outputs])
    return found[window(operation.limit, operation.offset, run)]


def group_rows(rows: Iterable[Row], operation: Group, values: Values) -> list[Row]:
    """The groups that a Group answers, in order; where order leaves a choice, in that of their first rows.

    ``rows`` are those of its model; those that a Combination answers where this is its source.
    """
    run = run_of(values)
    rows = _source_rows(rows, operation.source, run)
    keys = _writer(operation.keys)
    aggregations = [(node, aggregation(node)) for node in aggregates_in(operation)]
    groups = []
    for key, members in _grouped(find_rows(rows, operation.condition, run), operation.keys, keys, run):
        groups.append({**key, **{node: aggregate(members, run) for node, aggregate in aggregations}})
    return finish_groups(groups, operation, run)


def finish_groups(groups: Iterable[Row], operation: Group, values: Values) -> list[Row]:
    """What a Group answers, from its groups: their keys by name, their aggregates by node."""
    run, compute = run_of(values), _writer(operation.computed)
    found = sort_rows(find_rows(groups, operation.having, run), operation.order, run)
    answers: list[Row] = [{**row, **compute(row, run)} for row in found]
    return answers[window(operation.limit, operation.offset, run)]


def _source_rows(rows: Iterable[Row], source: Select | Group | Combination | None, run: Run) -> Iterable[Row]:
    match source:
        case None | Combination():
            return rows
        case Select():
            return select_rows(rows, source, run)
        case Group():
            return group_rows(rows, source, run)


def _grouped(
    rows: list[Row], keys: Sequence[Computed], compute: Any, run: Run
) -> Iterable[tuple[dict[Any, Any], list[Row]]]:
    """The groups: the values of their keys, and their rows. Without keys there is one, whatever it has."""
    if not keys:
        return [({}, rows)]
    groups: dict[Any, tuple[dict[Any, Any], list[Row]]] = {}
    for row in rows:
        key = compute(row, run)
        groups.setdefault(tuple(key.values()), (key, []))[1].append(row)
    return groups.values()


def aggregates_in(operation: Group) -> list[Aggregated]:
    """The aggregates that a Group is computed from."""
    found = dict.fromkeys(aggregates_within(operation.having))
    for expression in (*(each.expression for each in operation.computed), *(o.expression for o in operation.order)):
        found |= dict.fromkeys(aggregates_of(expression))
    return list(found)


def _writer(computed: Sequence[Computed]) -> Any:
    """The function from a row to the computed values by name, each in the canonical form of its kind."""
    computations = [(each.name, _settled(each)) for each in computed]
    return lambda row, run: {name: compute(row, run) for name, compute in computations}


def _settled(computed: Computed) -> Computation:
    compute, settle = computation(computed.expression), settled(computed.kind)
    if isinstance(computed.expression, Path):
        return lambda row, run: without_null(compute(row, run))
    if settle is None:
        return compute
    return lambda row, run: None if (value := compute(row, run)) is None else settle(value)


def count_rows(rows: Iterable[Row], operation: Count, values: Values) -> int:
    """The number that a Count answers."""
    found = find_rows(rows, operation.condition, values)
    if operation.distinct:
        found = distinct_rows(found, [field.name for field in operation.distinct])
    return len(found[window(operation.limit, operation.offset, values)])


def sort_rows(rows: list[Row], order: Sequence[Order], values: Values) -> list[Row]:
    """The rows sorted by the terms; stable."""
    run = run_of(values)
    for term in reversed(order):
        compute = _sort_value(term.expression)
        lowest = term.nulls != ("first" if term.descending else "last")
        keyed = [(((value := compute(row, run)) is None) is not lowest, value, row) for row in rows]
        keyed.sort(key=lambda item: item[:2], reverse=term.descending)
        rows = [row for _, _, row in keyed]
    return rows


def _sort_value(expression: Expression) -> Computation:
    compute = computation(expression)
    if not isinstance(expression.kind, JsonKind):
        return compute
    return lambda row, run: None if (value := compute(row, run)) is None else json_key(value)


def distinct_rows(rows: Iterable[Row], names: Sequence[str]) -> list[Row]:
    """The first row of each combination of values."""
    seen: dict[Any, Row] = {}
    for row in rows:
        seen.setdefault(tuple(hashable(row[name]) for name in names), row)
    return list(seen.values())


def _first_rows(rows: Iterable[Row], expressions: Sequence[Expression], run: Run) -> list[Row]:
    """The first row of each combination of some values."""
    keys = [computation(expression) for expression in expressions]
    seen: dict[Any, Row] = {}
    for row in rows:
        seen.setdefault(tuple(key(row, run) for key in keys), row)
    return list(seen.values())


def change_rows(rows: Iterable[Row], operation: Update, values: Values) -> Iterator[tuple[Row, dict[str, Any]]]:
    """The rows that an Update changes, each with its new values."""
    run = run_of(values)
    for row in find_rows(rows, operation.condition, run):
        yield row, assigned(row, operation.assignments, run)


def assigned(row: Row, assignments: Sequence[Assignment], values: Values) -> dict[str, Any]:
    """The new values that an update gives a row, all computed from the row as it was.

    Raises:
        DataError: an overflow or a division by zero.
        NotNullViolation: NULL for a field that does not take it.
    """
    changes: dict[str, Any] = {}
    run = run_of(values)
    for assignment in assignments:
        value = computation(assignment.value)(row, run)
        if value is not None and not isinstance(assignment.value, Parameter):
            value = value_of_field(value, assignment.field)
        if value is None and not takes_null(assignment.field):
            raise NotNullViolation(f"{assignment.field.label} cannot be NULL", model=assignment.field.model)
        if isinstance(assignment.field, PathInfo):
            set_path(row, changes, assignment.field, value)
        else:
            changes[assignment.field.name] = value
    return changes


def value_of_field(value: Any, field: FieldInfo) -> Any:
    """A computed value as one of the field's kind."""
    kind = plain_kind(field.kind)
    if isinstance(kind, FloatKind):
        return float(value)
    if not isinstance(kind, DecimalKind):
        return value
    exact = normaliser(kind.max_digits, kind.decimal_places)(Decimal(value))
    if exact.copy_abs() >= kind.limit:
        raise DataError(f"{field.label}: {exact} does not lie below {kind.limit} in magnitude")
    return exact


def hashable(value: Any) -> Any:
    """A plain value as one that can be looked up; True is not 1, as within JSON."""
    if isinstance(value, bool):
        return (bool, value)
    if isinstance(value, list):
        return tuple(hashable(item) for item in value)
    if isinstance(value, dict):
        return frozenset((key, hashable(item)) for key, item in value.items())
    return value


def window(limit: Parameter | None, offset: Parameter | None, values: Values) -> slice:
    """The part of the rows that is asked for."""
    start = values[offset.index] if offset is not None else 0
    return slice(start, start + values[limit.index] if limit is not None else None)
