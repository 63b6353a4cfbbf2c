"""Selects and groups as SQL: rows of columns and computed values, inner selects where values are computed in steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace
from sqlalchemy import except_, intersect, literal_column, select, union, union_all

from polystore.adapters.sql.alike import check_distinct
from polystore.adapters.sql.conditions import Writer
from polystore.adapters.sql.dialect import Sql
from polystore.adapters.sql.expressions import Place, kind_of
from polystore.adapters.sql.raw import Raw
from polystore.query.names import made_field
from polystore.query.nodes import (
    Aggregated,
    All,
    Column,
    Computed,
    Condition,
    Expression,
    Order,
    Outer,
    Parameter,
    Random,
    Windowed,
    WithinRows,
)
from polystore.query.operations import Combination, Group, Select
from polystore.query.operators import SetOperator, WindowFunction
from polystore.query.simplify import rooted
from polystore.query.walk import (
    Subquery,
    aggregates_of,
    aggregates_within,
    columns_of,
    expressions_of,
    expressions_within,
    replaced,
    replaced_within,
    subqueries_of,
)
from polystore.schema.kinds import FloatKind, IntKind, JsonKind, plain_kind
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


def read_rows(operation: Select | Group | Combination, writer: Writer) -> Rows:
    """The rows of a read."""
    match operation:
        case Select():
            return select_rows(operation, writer)
        case Group():
            return group_rows(operation, writer)
        case Combination():
            return combined_rows(operation, writer)


def select_rows(operation: Select, writer: Writer) -> Rows:
    """The rows of a Select."""
    source = _Source(writer.table)
    if operation.source is not None:
        source = _Source(_inner(_source(operation.source, writer), writer))
    if operation.windows:
        source, operation = _with_windows(operation, source, writer)
    if operation.first and not _is_distinct_on(operation, writer):
        source, operation = _first_rows(operation, source, writer)
    if operation.distinct:
        check_distinct(writer.dialect, operation.schema, operation.outputs, operation.order)
    if operation.distinct and operation.computed:
        return _distinct(operation, source, writer)
    if not writer.dialect.order_refers and _refers(operation.order):
        return _ordered_later(operation, source, writer)
    cells = _cells(operation.columns, operation.computed, writer)
    rows = _from(source, select(*(cell.sql for cell in cells)), operation.condition, writer)
    if operation.distinct:
        rows = rows.distinct()
    if operation.first:
        rows = rows.prefix_with(_distinct_on([writer.stored(each) for each in operation.first]))
    return Rows(_ordered(rows, operation, writer), cells)


class _Source(NamedTuple):
    """What rows are selected from, and which of these rows only."""

    rows: Any
    only: Sql | None = None


def _from(source: _Source, statement: Any, condition: All, writer: Writer) -> Any:
    """The statement for those rows of the source that fulfil the condition."""
    found = where(statement.select_from(source.rows), condition, writer)
    return found if source.only is None else found.where(source.only)


def _is_distinct_on(operation: Select, writer: Writer) -> bool:
    """Whether the database itself takes the first row for each of these values."""
    plain = all(isinstance(each, Column) for each in operation.first)
    return writer.dialect.distinct_on and plain and not operation.distinct


def _distinct_on(values: Sequence[Sql]) -> Sql:
    return Raw(f"DISTINCT ON ({', '.join(f'{{{place}}}' for place in range(len(values)))})", *values)


def _with_windows(operation: Select, source: _Source, writer: Writer) -> tuple[_Source, Select]:
    """An inner select with the windows beside the rows, and what is left to do with these."""
    windows = _cells((), operation.windows, writer)
    parts = {cell.field: [Cell(cell.field, part, True) for part in writer.dialect.parts(cell.sql)] for cell in windows}
    for some in parts.values():
        some[1:] = [cell._replace(field=replace(cell.field, name=cell.field.name + "_")) for cell in some[1:]]
    cells = (*_cells(_fields_of_rows(operation), (), writer), *(cell for some in parts.values() for cell in some))
    inner = _inner(Rows(_from(source, _labelled(cells), operation.condition, writer), cells), writer)
    places = dict(writer.places)
    for cell in windows:
        columns = [places[part.field].sql for part in parts[cell.field]]
        places[cell.field] = Place(writer.dialect.rejoined(cell.sql, columns), True)
    writer.places = places
    return _Source(inner), replace(operation, condition=operation.kept, windows=(), kept=All())


_NUMBER = FieldInfo("", "number", "number", IntKind(), -1)
_FIRST: Sql = literal_column("1")


def _first_rows(operation: Select, source: _Source, writer: Writer) -> tuple[_Source, Select]:
    """An inner select that numbers the rows of each combination in their order: of these the first ones."""
    number = Windowed(WindowFunction.ROW_NUMBER, None, IntKind(), operation.first, operation.order)
    cells = _cells(_fields_of_rows(operation), (Computed(_NUMBER, number),), writer)
    inner = _inner(Rows(_from(source, _labelled(cells), operation.condition, writer), cells), writer)
    only = writer.places[_NUMBER].sql == _FIRST
    return _Source(inner, only), replace(operation, condition=All(), first=())


def _fields_of_rows(operation: Select) -> list[FieldInfo]:
    """The fields of rows that everything but the condition reads."""
    expressions: list[Expression] = [each.expression for each in (*operation.computed, *operation.windows)]
    expressions += [*(term.expression for term in operation.order), *operation.first]
    expressions += expressions_within(operation.kept)
    computed = {each.field for each in operation.windows}
    read = dict.fromkeys((*operation.columns, *(field for each in expressions for field in columns_of(each))))
    anything = operation.schema.primary_key if operation.source is None else operation.source.outputs[0]
    return [field for field in read if field not in computed] or [anything]


def _distinct(operation: Select, source: _Source, writer: Writer) -> Rows:
    """Distinct rows with computed values: an inner select computes, the outer one orders by what came of it."""
    cells = _settled(_cells(operation.columns, operation.computed, writer), writer)
    inner = _from(source, _labelled(cells), operation.condition, writer).distinct()
    rows = _inner(Rows(inner, cells), writer)
    computed = {each.expression: Column(each.field) for each in operation.computed}
    order = tuple(
        Order(computed.get(term.expression, term.expression), term.descending, term.nulls) for term in operation.order
    )
    found = tuple(cell._replace(sql=writer.places[cell.field].sql) for cell in cells)
    outer = select(*(cell.sql for cell in found)).select_from(rows)
    return Rows(_sliced(_sorted(outer, order, writer), operation, writer), found)


def _ordered_later(operation: Select, source: _Source, writer: Writer) -> Rows:
    """Rows in an order that refers to the row around: an inner select computes what the outer one orders by."""
    terms = [
        Computed(made_field(operation.schema.name, f"order{place}", kind_of(term.expression)), term.expression)
        for place, term in enumerate(operation.order)
    ]
    cells = _cells(operation.columns, (*operation.computed, *terms), writer)
    inner = _from(source, _labelled(cells), operation.condition, writer)
    rows = _inner(Rows(inner, cells), writer)
    found = tuple(cell._replace(sql=writer.places[cell.field].sql) for cell in cells[: len(operation.outputs)])
    order = tuple(
        replace(term, expression=Column(each.field)) for term, each in zip(operation.order, terms, strict=True)
    )
    outer = select(*(cell.sql for cell in found)).select_from(rows)
    return Rows(_sliced(_sorted(outer, order, writer), operation, writer), found)


def _refers(order: Sequence[Order]) -> bool:
    """Whether rows are ordered by something of the row around."""
    return any(isinstance(each, Outer) for term in order for each in expressions_of(term.expression))


def group_rows(operation: Group, writer: Writer) -> Rows:
    """The rows of a Group."""
    if not writer.dialect.order_refers and _refers(operation.order):
        raise writer.dialect.refuse(
            "groups within a query in an order that refers to it (OuterRef)", "order them by their own values"
        )
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
    if _tells_aggregates(operation):
        return _grouped_first(operation, rows, condition, writer)
    keys = {key.field: key.expression for key in operation.keys if isinstance(key.expression, Column)}
    read = {field: Place(writer.stored(column), writer.is_working(column)) for field, column in keys.items()}
    by = [read[key.field].sql if key.field in read else writer.places[key.field].sql for key in operation.keys]
    writer.places, writer.anchor = {**writer.places, **read}, next(iter(rows.c))
    cells = tuple(
        Cell(key.field, _key(key.field, sql, writer), writer.is_working(Column(key.field)))
        for key, sql in zip(operation.keys, by, strict=True)
    )
    cells += _cells((), operation.computed, writer)
    found = where(select(*(cell.sql for cell in cells)).select_from(rows), condition, writer).group_by(*by)
    if operation.having.children:
        found = found.having(writer.condition(operation.having))
    return Rows(_ordered(found, operation, writer), cells)


def _key(field: FieldInfo, sql: Sql, writer: Writer) -> Sql:
    template = writer.dialect.float_key
    return sql if template is None or not isinstance(plain_kind(field.kind), FloatKind) else Raw(template, sql)


def _tells_aggregates(operation: Group) -> bool:
    """Whether queries within are told aggregates, which would be of their own rows where they stand."""
    parts: list[Expression | Condition] = [*_computed_in(operation), operation.having]
    return any(_is_told_aggregates(node) for part in parts for node in subqueries_of(part, in_aggregates=False))


def _is_told_aggregates(node: Subquery) -> bool:
    told = (*node.arguments, node.left) if isinstance(node, WithinRows) else node.arguments
    return any(aggregates_of(each) for each in told)


def _grouped_first(operation: Group, rows: Any, condition: All, writer: Writer) -> Rows:
    """An inner select makes the groups, the outer one computes with their aggregates as columns."""
    found = dict.fromkeys(each for expression in _computed_in(operation) for each in aggregates_of(expression))
    found |= dict.fromkeys(aggregates_within(operation.having))
    aggregates = tuple(
        Computed(made_field(operation.schema.name, f"aggregate{place}", node.kind), node)
        for place, node in enumerate(found)
    )
    made = Group(operation.schema, operation.keys, aggregates, All())
    groups = _grouped(made, rows, condition, writer)
    cells = _settled(groups.cells, writer)
    labelled = groups.statement.with_only_columns(*_labels(cells), maintain_column_froms=True)
    source = _inner(Rows(labelled, cells), writer)
    columns = {each.expression: Column(each.field) for each in aggregates}

    def named(part: Expression) -> Expression | None:
        return columns.get(part) if isinstance(part, Aggregated) else None

    computed = tuple(replace(each, expression=replaced(each.expression, named)) for each in operation.computed)
    order = tuple(replace(term, expression=replaced(term.expression, named)) for term in operation.order)
    kept = rooted(replaced_within(operation.having, named))
    outputs = _cells([key.field for key in operation.keys], computed, writer)
    statement = where(select(*(cell.sql for cell in outputs)).select_from(source), kept, writer)
    return Rows(_ordered(statement, replace(operation, order=order), writer), outputs)


def _computed_in(operation: Group) -> list[Expression]:
    return [*(each.expression for each in operation.computed), *(term.expression for term in operation.order)]


def _source(source: Select | Group | Combination, writer: Writer) -> Rows:
    rows = read_rows(source, writer)
    cells = _settled(rows.cells, writer)
    return Rows(rows.statement.with_only_columns(*_labels(cells), maintain_column_froms=True), cells)


def _inner(rows: Rows, writer: Writer) -> Any:
    """Rows to select from; their fields stand there from now on."""
    found = writer.derived(rows.statement)
    placed = writer.dialect.placed
    writer.places = {
        cell.field: Place(placed(found.c[f"c{number}"], cell.sql), cell.working)
        for number, cell in enumerate(rows.cells)
    }
    return found


def combined_rows(operation: Combination, writer: Writer) -> Rows:
    """The rows of several reads, put together in an inner select that the outer one orders."""
    parts = [read_rows(part.rows, writer.beside(part.rows.schema)) for part in operation.parts]
    columns = [
        _alike(
            field,
            [_cell_of(rows, part.fields[place]) for rows, part in zip(parts, operation.parts, strict=True)],
            writer,
        )
        for place, field in enumerate(operation.outputs)
    ]
    selects = [
        _as_member(part.rows, rows, [column[place] for column in columns])
        for place, (rows, part) in enumerate(zip(parts, operation.parts, strict=True))
    ]
    found = _inner(Rows(_TOGETHER[operation.operator](*selects), tuple(column[0] for column in columns)), writer)
    cells = tuple(Cell(field, *writer.places[field]) for field in operation.outputs)
    outer = select(*(cell.sql for cell in cells)).select_from(found)
    return Rows(_ordered(outer, operation, writer), cells)


def _cell_of(rows: Rows, field: FieldInfo) -> Cell:
    return next(cell for cell in rows.cells if cell.field is field)


def _alike(field: FieldInfo, cells: list[Cell], writer: Writer) -> list[Cell]:
    """The values of all parts in one place: as they are stored where they are stored alike, else as computed."""
    dialect = writer.dialect
    kinds = [plain_kind(cell.field.kind) for cell in cells]
    stored = not any(cell.working for cell in cells)
    if stored and all(dialect.same_storage(kind, field.kind) for kind in kinds):
        return [Cell(field, cell.sql, False) for cell in cells]
    working = [
        cell.sql if cell.working else dialect.working(cell.sql, kind) for cell, kind in zip(cells, kinds, strict=True)
    ]
    return [Cell(field, dialect.settled(sql, field.kind), True) for sql in working]


def _as_member(operation: Select | Group | Combination, rows: Rows, cells: Sequence[Cell]) -> Any:
    """A select that can be put together with others: its own order and slice are those of an inner one."""
    found = rows.statement.with_only_columns(*_labels(cells), maintain_column_froms=True)
    plain = not operation.order and operation.limit is None and operation.offset is None
    if plain and not isinstance(operation, Combination):
        return found
    inner = found.subquery()
    return select(*(inner.c[f"c{number}"] for number in range(len(cells)))).select_from(inner)


def _together(*selects: Any) -> Any:
    return union(*selects) if len(selects) > 1 else selects[0].distinct()


_TOGETHER: dict[SetOperator, Callable[..., Any]] = {
    SetOperator.UNION: _together,
    SetOperator.UNION_ALL: union_all,
    SetOperator.INTERSECTION: intersect,
    SetOperator.DIFFERENCE: except_,
}


def _fields_read(operation: Group, keys: Sequence[Cell]) -> list[FieldInfo]:
    """The fields of rows that aggregates read, save for those that are keys."""
    expressions = _computed_in(operation)
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


def _ordered(rows: Any, operation: Select | Group | Combination, writer: Writer) -> Any:
    return _sliced(_sorted(rows, operation.order, writer), operation, writer)


def _sorted(rows: Any, order: Sequence[Order], writer: Writer) -> Any:
    """The rows in order; one value for all rows orders nothing, and a whole number would be the place of a column."""
    terms: list[Any] = []
    for term in order:
        expression = term.expression
        if isinstance(expression, Random) or columns_of(expression) or aggregates_of(expression):
            nullable = _is_nullable(expression, writer)
            for value in _order_values(expression, writer):
                terms += writer.dialect.order(value, term, nullable=nullable)
    return rows.order_by(*terms)


def _order_values(expression: Expression, writer: Writer) -> Sequence[Sql]:
    found = writer.stored(expression)
    return writer.dialect.json_keys(found) if isinstance(expression.kind, JsonKind) else (found,)


def _is_nullable(expression: Expression, writer: Writer) -> bool:
    return not isinstance(expression, Column) or expression.field in writer.places or expression.field.null


def _sliced(rows: Any, operation: Select | Group | Combination, writer: Writer) -> Any:
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
