"""Queries within queries as SQL: what they are told of the row around stands in them as it stands there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from sqlalchemy import literal_column, select

from polystore.adapters.sql.conditions import Writer
from polystore.adapters.sql.dialect import Dialect, Sql
from polystore.adapters.sql.expressions import Tables, kind_of
from polystore.adapters.sql.raw import Raw
from polystore.adapters.sql.rows import Cell, Rows, group_rows, select_rows
from polystore.query.nodes import Column, Expression, Extract, HasRows, Outer, Scalar, WithinRows
from polystore.query.operations import Group, Select
from polystore.query.operators import Operator
from polystore.schema.kinds import plain_kind
from polystore.schema.model import Schema

_ONE: Sql = literal_column("1")


class StatementWriter(Writer):
    """Writes one statement, and the queries within it by writers of their own.

    Args:
        dialect: how the database writes.
        schema: the model that is asked.
        tables: the table of each model.
        changed: the model whose rows the statement changes.
    """

    def __init__(
        self,
        dialect: Dialect,
        schema: Schema,
        tables: Tables,
        changed: Schema | None = None,
    ) -> None:
        super().__init__(dialect, schema, tables)
        self.changed = changed
        self.numbers = count(1)
        self.assigning = False
        self.around: StatementWriter | None = None
        self.arguments: Sequence[Expression] = ()

    def beside(self, schema: Schema) -> StatementWriter:
        """The writer of rows of another model in the same statement."""
        made = super().beside(schema)
        made.changed, made.numbers = self.changed, self.numbers
        made.around, made.arguments = self.around, self.arguments
        return made

    def _within(self, rows: Select | Group, arguments: Sequence[Expression]) -> StatementWriter:
        """The writer of a query within this one, on a table with a name of its own."""
        rereads = self.assigning and (bool(arguments) or self.around is not None)
        if rows.schema is self.changed:
            self._refuse_changed(rereads=rereads)
        name = f"_s{next(self.numbers)}"
        inner = StatementWriter(self.dialect, rows.schema, lambda schema: self.tables(schema).alias(name), self.changed)
        inner.tables, inner.numbers = self.tables, self.numbers
        inner.slots, inner.aliases = self.slots, self.aliases
        inner.around, inner.arguments, inner.assigning = self, arguments, rereads
        return inner

    def _refuse_changed(self, *, rereads: bool) -> None:
        """Refuses to read rows of a model that the statement changes, where it would meet what it has changed."""
        if not self.dialect.reads_changed:
            raise self.dialect.refuse(
                "a query of the model whose rows are changed within the update or delete",
                "read the keys first: filter(pk__in=list(...))",
            )
        if rereads and not self.dialect.reads_as_it_was:
            raise self.dialect.refuse(
                "an update to a value of another row of the same model that is found for each row (OuterRef)",
                "read the rows and save them with bulk_update()",
            )

    # ---- what is told of the row around

    def outer(self, node: Outer) -> Sql:
        """An argument; written so that its table is none of this query's."""
        argument = self.arguments[node.place]
        assert self.around is not None
        self.refers = True
        found = self.around.stored(argument)
        return self.dialect.placed(Raw("{0}", found), found)

    def outer_is_working(self, node: Outer) -> bool:
        """Whether an argument is in working form."""
        assert self.around is not None
        return self.around.is_working(self.arguments[node.place])

    # ---- expressions and conditions

    def scalar(self, node: Scalar) -> Sql:
        """The value of the first row."""
        inner = self._within(node.rows, node.arguments)
        rows = _rows(node.rows, inner)
        cell = _cell(rows, node.value)
        value = inner.worked(cell) if self.is_working(node) else cell.sql
        return self.dialect.placed(Raw("{0}", _only(rows, value).scalar_subquery()), value)

    def existence(self, node: HasRows, *, negated: bool = False) -> Sql:
        """Whether there is a row."""
        rows = _rows(node.rows, self._within(node.rows, node.arguments))
        told_apart = isinstance(node.rows, Select) and node.rows.distinct
        found = rows.statement if told_apart else _only(rows, _ONE)
        return Raw("(NOT EXISTS {0})" if negated else "(EXISTS {0})", found.scalar_subquery())

    def membership(self, node: WithinRows) -> Sql:
        """Whether a value is among those of the rows; NULL where NULLs leave it open."""
        inner = self._within(node.rows, node.arguments)
        rows = _rows(node.rows, inner)
        cell = _cell(rows, node.value)
        sliced = node.rows.limit is not None or node.rows.offset is not None
        if self._compares_as_stored(node.left, cell):
            found = _only(rows, cell.sql)
            if sliced and not self.dialect.slices_in_lists:
                derived = inner.derived(_labelled(found))
                found = select(derived.c["c0"]).select_from(derived)
            return Raw("({0} IN {1})", self.stored(node.left), found.scalar_subquery())
        value = inner.worked(cell)
        if sliced or isinstance(node.rows, Group):
            labelled = _labelled(_only(rows, value))
            derived = inner.derived(labelled)
            found, value = select(_ONE).select_from(derived), self.dialect.placed(derived.c["c0"], value)
        else:
            found = _only(rows, _ONE)
        left = self.working(node.left)
        left = self.dialect.placed(Raw("{0}", left), left)
        same = self.dialect.compare(Operator.EXACT, left, kind_of(node.left), value, plain_kind(node.value.kind))
        return Raw("(EXISTS {0})", found.where(same).scalar_subquery())

    def _compares_as_stored(self, left: Expression, cell: Cell) -> bool:
        plain = isinstance(left, Column | Extract | Outer | Scalar) and not self.is_working(left) and not cell.working
        return plain and self.dialect.same_storage(kind_of(left), cell.field.kind)

    def worked(self, cell: Cell) -> Sql:
        """A cell in working form, a computed one as the query within answers it."""
        convert = self.dialect.settled if cell.working else self.dialect.working
        return convert(cell.sql, cell.field.kind)


def _rows(operation: Select | Group, writer: StatementWriter) -> Rows:
    return select_rows(operation, writer) if isinstance(operation, Select) else group_rows(operation, writer)


def _cell(rows: Rows, value: Any) -> Cell:
    return next(cell for cell in rows.cells if cell.field is value)


def _only(rows: Rows, value: Sql) -> Any:
    """The rows with this as their only column."""
    return rows.statement.with_only_columns(value, maintain_column_froms=True)


def _labelled(found: Any) -> Any:
    (column,) = found.selected_columns
    return found.with_only_columns(column.label("c0"), maintain_column_froms=True)
