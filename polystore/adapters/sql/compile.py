"""From an operation to SQL text: SQLAlchemy Core writes it once, later calls only bind values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, assert_never

from sqlalchemy import ClauseElement, ColumnElement, Table, delete, func, literal_column, select, update

from polystore.adapters.base import Source
from polystore.adapters.sql.alike import check_distinct
from polystore.adapters.sql.conditions import Writer, columns_of
from polystore.adapters.sql.dialect import Dialect, InsertParts
from polystore.adapters.sql.expressions import Slot
from polystore.adapters.sql.prepared import (
    Action,
    AnyStatement,
    Bind,
    Conflict,
    EachStatement,
    InsertStatement,
    Statement,
    binder,
)
from polystore.adapters.sql.rows import Rows, read_rows, sliced, where
from polystore.adapters.sql.subqueries import StatementWriter
from polystore.adapters.sql.upserts import ConflictParts, conflict_parts, each_parts, one_text
from polystore.query.nodes import Null, Parameter
from polystore.query.operations import (
    Assignment,
    Combination,
    Count,
    Delete,
    Exists,
    Group,
    Insert,
    OnConflict,
    Operation,
    RowLock,
    Select,
    Update,
    UpdateEach,
    answered,
)
from polystore.schema.model import FieldInfo, Schema
from polystore.schema.paths import PathInfo

_ONE: ColumnElement[Any] = literal_column("1")


def compile_operation(operation: Operation, dialect: Dialect, tables: Callable[[Schema], Table]) -> AnyStatement:
    """Compiles one operation on the table of its schema, or on those of its parts' schemas.

    Raises:
        NotSupportedError: the database cannot do a part of it.
    """
    table = tables(operation.schema)
    if isinstance(operation, Insert):
        return _insert(operation, dialect, table)
    if isinstance(operation, UpdateEach):
        return _update_each(operation, dialect, table)
    changed = operation.schema if isinstance(operation, Update | Delete) else None
    writer = StatementWriter(dialect, operation.schema, tables, changed)
    match operation:
        case Select() | Group() | Combination():
            return _rows(operation, read_rows(operation, writer), writer)
        case Count():
            return _finish(operation, Action.COUNT, _count(operation, table, writer), writer)
        case Exists():
            found = where(select(_ONE).select_from(table), operation.condition, writer)
            found = sliced(found.limit(_ONE), None, operation.offset, writer)
            return _finish(operation, Action.EXISTS, found, writer)
        case Update():
            return _finish(operation, Action.CHANGE, _update(operation, table, writer), writer)
        case Delete():
            return _finish(operation, Action.CHANGE, where(delete(table), operation.condition, writer), writer)
    assert_never(operation)


def _count(operation: Count, table: Table, writer: Writer) -> Any:
    if operation.estimate:
        name = writer.dialect.sql.identifier_preparer.format_table(table)
        exact = select(func.count()).select_from(table).scalar_subquery()
        return select(writer.dialect.estimate(table.name, name, exact))
    if operation.limit is None and operation.offset is None and not operation.distinct:
        return where(select(func.count()).select_from(writer.table), operation.condition, writer)
    check_distinct(writer.dialect, operation.schema, operation.distinct)
    columns: list[Any] = [writer.table.c[field.column] for field in operation.distinct] or [_ONE]
    rows = where(select(*columns).select_from(writer.table), operation.condition, writer)
    if operation.distinct:
        rows = rows.distinct()
    counted = sliced(rows, operation.limit, operation.offset, writer).subquery()
    return select(func.count()).select_from(counted)


def _update(operation: Update, table: Table, writer: StatementWriter) -> Any:
    parts = [each for each in operation.assignments if isinstance(each.field, PathInfo)]
    writer.assigning = True
    assigned = [
        (assignment.field, writer.assigned(assignment), columns_of(assignment.value))
        for assignment in operation.assignments
        if assignment not in parts
    ] + _parts(parts, writer)
    writer.assigning = False
    pairs = [(table.c[field.column], value) for field, value in writer.dialect.assignments(assigned)]
    return where(update(table).ordered_values(*pairs), operation.condition, writer)


def _parts(assignments: Sequence[Assignment], writer: Writer) -> list[tuple[FieldInfo, Any, frozenset[str]]]:
    """Parts of documents that are set, those of one document in one assignment."""
    made: dict[FieldInfo, Any] = {}
    for each in assignments:
        assert isinstance(each.field, PathInfo)
        assert isinstance(each.value, Parameter | Null)
        root = each.field.root
        document = made.get(root, writer.table.c[root.column])
        made[root] = writer.dialect.with_part(writer, document, each.field, each.value)
    return [(root, document, frozenset((root.name,))) for root, document in made.items()]


def _rows(operation: Select | Group | Combination, rows: Rows, writer: Writer) -> Statement:
    """Rows to be read: each cell as the driver shall give it."""
    dialect = writer.dialect
    shown = [
        dialect.shown(cell.sql, cell.field.kind) if cell.working else (cell.sql, dialect.codec(cell.field.kind).load)
        for cell in rows.cells
    ]
    statement = rows.statement
    if any(cell.sql is not sql for cell, (sql, _) in zip(rows.cells, shown, strict=True)):
        statement = statement.with_only_columns(*(sql for sql, _ in shown), maintain_column_froms=True)
    if isinstance(operation, Select) and operation.lock is not None:
        statement = _locked(statement, operation.lock)
    sources = tuple(Source(position, load) for position, (_, load) in enumerate(shown))
    return _finish(operation, Action.ROWS, statement, writer, sources)


def _locked(statement: Any, lock: RowLock) -> Any:
    return statement.with_for_update(nowait=lock.nowait, skip_locked=lock.skip_locked, key_share=lock.no_key)


def _finish(
    operation: Operation, action: Action, statement: ClauseElement, writer: Writer, sources: tuple[Source, ...] = ()
) -> Statement:
    text, encode = _text(statement, writer)
    return Statement(operation.schema, action, text, writer.dialect.native(text), encode, sources)


def _sources(columns: Sequence[FieldInfo], dialect: Dialect) -> tuple[Source, ...]:
    return tuple(Source(position, dialect.codec(field.kind).load) for position, field in enumerate(columns))


def _text(statement: ClauseElement, writer: Writer) -> tuple[str, Bind]:
    compiled = statement.compile(dialect=writer.dialect.sql)
    names: list[str] = compiled.positiontup or []  # type: ignore[attr-defined]  # a SQLCompiler
    slots: list[Slot] = [writer.slots[name] for name in names]
    return str(compiled), binder(slots)


def _insert(operation: Insert, dialect: Dialect, table: Table) -> InsertStatement:
    quote = dialect.sql.identifier_preparer
    schema, fields = operation.schema, operation.fields
    key = schema.primary_key
    given = [position for position, field in enumerate(fields) if field is key]
    allocates = key.auto and not given
    found = operation.on_conflict
    parts = InsertParts(
        schema,
        quote.format_table(table),
        tuple(quote.quote(field.column) for field in fields),
        quote.quote(key.column),
        allocates,
        operation.ignore_conflicts,
        None if found is None else conflict_parts(schema, found, bool(given), dialect, table),
    )
    texts = dialect.insert_texts(parts)
    return InsertStatement(
        schema,
        texts["one"],
        dialect.native(texts["one"]),
        texts,
        tuple(dialect.codec(field.kind).dump for field in fields),
        allocates=allocates,
        explicit=given[0] if key.auto and given else None,
        ignore_conflicts=operation.ignore_conflicts,
        conflict=None if found is None or parts.conflict is None else _conflict(found, fields, parts.conflict),
        sources=_sources(answered(operation), dialect),
    )


def _conflict(found: OnConflict, fields: Sequence[FieldInfo], parts: ConflictParts) -> Conflict:
    return Conflict(
        tuple(fields.index(field) for field in found.target),
        tuple(fields.index(field) for field in found.fields),
        parts.alone,
    )


def _update_each(operation: UpdateEach, dialect: Dialect, table: Table) -> EachStatement:
    parts, columns = each_parts(operation, dialect, table), operation.columns
    one, many = one_text(parts, dialect.mark), dialect.many_text(parts)
    return EachStatement(
        operation.schema,
        one,
        dialect.native(one),
        None if many is None else dialect.native(many),
        parts,
        tuple(dialect.codec(field.kind).dump for field in columns),
        matching=len(columns) - len(operation.fields),
        collides=operation.collides,
    )
