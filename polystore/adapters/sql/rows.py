"""Selects and groups as SQL: rows of columns and computed values, inner selects where values are computed in steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import literal_column, select

from polystore.adapters.sql.conditions import Writer
from polystore.adapters.sql.dialect import Sql
from polystore.adapters.sql.expressions import Place
from polystore.query.nodes import All, Column, Computed, Expression, Group, Order, Parameter, Select
from polystore.query.walk import aggregates_of, aggregates_within, columns_of
from polystore.schema.model import FieldInfo


class Cell(NamedTuple):
    """One output of rows: the field that names it, its value, and whether that is in working form."""

    field: FieldInfo
    sql: Sql
    working: bool


class Rows(NamedTuple):
    """A statement and what its rows consist of."""

    statement: Any
    cells: tuple[Cell, ...]


def select_rows(operation: Select, writer: Writer) -> Rows:
    """The rows of a Select."""
    if operation.distinct and operation.computed:
        return _distinct(operation, writer)
    cells = _cells(operation.columns, operation.computed, writer)
    rows = where(select(*(cell.sql for cell in cells)).select_from(writer.table), operation.condition, writer)
    if operation.distinct:
        rows = rows.distinct()
    return Rows(_ordered(rows, operation, writer), cells)


def _distinct(operation: Select, writer: Writer) -> Rows:
    """Distinct rows with computed values: an inner select computes, the outer one orders by what came of it."""
    cells = _settled(_cells(operation.columns, operation.computed, writer), writer)
    inner = where(_labelled(cells).select_from(writer.table), operation.condition, writer).distinct()
    rows = _inner(Rows(inner, cells), writer)
    computed = {each.expression: Column(each.field) for each in operation.computed}
    order = tuple(
        Order(computed.get(term.expression, term.expression), term.descending, term.nulls) for term in operation.order
    )
    found = tuple(cell._replace(sql=writer.places[cell.field].sql) for cell in cells)
    outer = select(*(cell.sql for cell in found)).select_from(rows)
    return Rows(_sliced(_sorted(outer, order, writer), operation, writer), found)


def group_rows(operation: Group, writer: Writer) -> Rows:
    """The rows of a Group."""
    rows: Any = writer.table
    if operation.source is not None:
        rows = _inner(_source(operation.source, writer), writer)
    if all(isinstance(key.expression, Column) for key in operation.keys):
        return _grouped(operation, rows, operation.condition, writer)
    cells = _cells((), operation.keys, writer)
    cells = _settled(cells, writer) + _cells(_fields_read(operation, cells), (), writer)
    found = where(_labelled(cells).select_from(rows), operation.condition, writer)
    if writer.dialect.groups_by_columns:
        found = found.limit(literal_column(str(writer.dialect.no_limit)))
    return _grouped(operation, _inner(Rows(found, cells), writer), All(), writer)


def _grouped(operation: Group, rows: Any, condition: All, writer: Writer) -> Rows:
    keys = {key.field: key.expression for key in operation.keys if isinstance(key.expression, Column)}
    read = {field: Place(writer.stored(column), writer.is_working(column)) for field, column in keys.items()}
    by = [read[key.field].sql if key.field in read else writer.places[key.field].sql for key in operation.keys]
    writer.places = {**writer.places, **read}
    cells = tuple(
        Cell(key.field, sql, writer.is_working(Column(key.field))) for key, sql in zip(operation.keys, by, strict=True)
    )
    cells += _cells((), operation.computed, writer)
    found = where(select(*(cell.sql for cell in cells)).select_from(rows), condition, writer).group_by(*by)
    if operation.having.children:
        found = found.having(writer.condition(operation.having))
    return Rows(_ordered(found, operation, writer), cells)


def _source(source: Select | Group, writer: Writer) -> Rows:
    rows = select_rows(source, writer) if isinstance(source, Select) else group_rows(source, writer)
    cells = _settled(rows.cells, writer)
    return Rows(rows.statement.with_only_columns(*_labels(cells), maintain_column_froms=True), cells)


def _inner(rows: Rows, writer: Writer) -> Any:
    """Rows to select from; their fields stand there from now on."""
    found = rows.statement.subquery()
    placed = writer.dialect.placed
    writer.places = {
        cell.field: Place(placed(found.c[f"c{number}"], cell.sql), cell.working)
        for number, cell in enumerate(rows.cells)
    }
    return found


def _fields_read(operation: Group, keys: Sequence[Cell]) -> list[FieldInfo]:
    """The fields of rows that aggregates read, save for those that are keys."""
    expressions: Iterable[Expression] = (
        *(each.expression for each in operation.computed),
        *(term.expression for term in operation.order),
    )
    aggregates = [*aggregates_within(operation.having), *(each for e in expressions for each in aggregates_of(e))]
    known = {cell.field for cell in keys}
    return [field for field in dict.fromkeys(f for each in aggregates for f in columns_of(each)) if field not in known]


# ---- parts


def _cells(columns: Sequence[FieldInfo], computed: Sequence[Computed], writer: Writer) -> tuple[Cell, ...]:
    expressions: list[tuple[FieldInfo, Expression]] = [(field, Column(field)) for field in columns]
    expressions += [(each.field, each.expression) for each in computed]
    return tuple(Cell(field, writer.stored(each), writer.is_working(each)) for field, each in expressions)


def _settled(cells: Sequence[Cell], writer: Writer) -> tuple[Cell, ...]:
    settled = writer.dialect.settled
    return tuple(cell._replace(sql=settled(cell.sql, cell.field.kind)) if cell.working else cell for cell in cells)


def _labelled(cells: Sequence[Cell]) -> Any:
    return select(*_labels(cells))


def _labels(cells: Sequence[Cell]) -> list[Any]:
    return [cell.sql.label(f"c{number}") for number, cell in enumerate(cells)]


def where(statement: Any, condition: All, writer: Writer) -> Any:
    """The statement for the rows that fulfil the condition."""
    return statement.where(writer.condition(condition)) if condition.children else statement


def _ordered(rows: Any, operation: Select | Group, writer: Writer) -> Any:
    return _sliced(_sorted(rows, operation.order, writer), operation, writer)


def _sorted(rows: Any, order: Sequence[Order], writer: Writer) -> Any:
    """The rows in order; one value for all rows orders nothing, and a whole number would be the place of a column."""
    terms: list[Any] = []
    for term in order:
        expression = term.expression
        if columns_of(expression) or aggregates_of(expression):
            terms += writer.dialect.order(writer.stored(expression), term, nullable=_is_nullable(expression, writer))
    return rows.order_by(*terms)


def _is_nullable(expression: Expression, writer: Writer) -> bool:
    return not isinstance(expression, Column) or expression.field in writer.places or expression.field.null


def _sliced(rows: Any, operation: Select | Group, writer: Writer) -> Any:
    return sliced(rows, operation.limit, operation.offset, writer)


def sliced(rows: Any, limit: Parameter | None, offset: Parameter | None, writer: Writer) -> Any:
    """The rows from ``offset`` on, at most ``limit`` of them."""
    no_limit = writer.dialect.no_limit
    if limit is not None:
        rows = rows.limit(writer.bind(limit, lambda count: no_limit if count is None else count))
    if offset is not None:
        if rows._limit_clause is None and no_limit is not None:
            rows = rows.limit(literal_column(str(no_limit)))
        rows = rows.offset(writer.bind(offset, lambda count: count or 0))
    return rows
