"""Commands on tables, under one lock; a write checks everything before it changes anything."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from copy import deepcopy
from typing import Any, assert_never

from polystore.adapters.embedded import in_parts
from polystore.adapters.memory.compile import MemoryCommand
from polystore.adapters.memory.each import insert_or_change, update_each
from polystore.adapters.memory.tables import Table, Tables, set_expiry
from polystore.adapters.memory.uniques import Taken, violation
from polystore.query import evaluate
from polystore.query.operations import (
    Combination,
    Count,
    Delete,
    Exists,
    Group,
    Insert,
    Select,
    Update,
    UpdateEach,
    written,
)
from polystore.schema.model import Schema


class MemoryBackend:
    """Runs commands on a database."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._answer = evaluate.answering(lambda schema: tables.of(schema).rows.values())

    def execute(self, command: MemoryCommand) -> Any:
        operation, values = command
        with self._tables.lock:
            table = self._tables.of(operation.schema)
            if not written(operation):
                values = evaluate.Run(values, self._answer)
            match operation:
                case Select() | Group() | Combination():
                    return evaluate.read_rows(lambda schema: self._tables.of(schema).rows.values(), operation, values)
                case Count():
                    return evaluate.count_rows(table.rows.values(), operation, values)
                case Exists():
                    count = Count(operation.schema, operation.condition, offset=operation.offset)
                    return evaluate.count_rows(table.rows.values(), count, values) > 0
                case Insert(on_conflict=None):
                    return insert(table, operation, values)
                case Insert():
                    return insert_or_change(table, operation, values)
                case UpdateEach():
                    return update_each(table, operation, values)
                case Update():
                    return update(table, operation, values)
                case Delete():
                    return delete(table, operation, values)
        assert_never(operation)

    def stream(self, command: MemoryCommand, size: int) -> Generator[Sequence[Any]]:
        """The rows that there are now."""
        return in_parts(self.execute(command), size)

    def ping(self) -> None:
        """Memory is always there."""

    def create_all(self, schemas: Sequence[Schema]) -> None:
        for schema in schemas:
            self._tables.tables.setdefault(schema.table, Table())

    def drop_all(self, schemas: Sequence[Schema]) -> None:
        for schema in schemas:
            self._tables.tables.pop(schema.table, None)

    def close(self) -> None:
        """Data stays as long as the process."""


def insert(table: Table, operation: Insert, rows: Sequence[Sequence[Any]]) -> list[int]:
    """Adds rows, all or none, and answers the keys allocated."""
    schema = operation.schema
    key_name = schema.primary_key.name
    names = [info.name for info in operation.fields]
    allocated: list[int] = []
    added: dict[Any, dict[str, Any]] = {}
    taken = Taken(schema, table.rows.values())
    next_key = table.next_key
    for values in rows:
        row = {info.name: None for info in schema.fields} | deepcopy(dict(zip(names, values, strict=True)))
        if row[key_name] is None:
            row[key_name] = next_key
            allocated.append(next_key)
        if isinstance(row[key_name], int):
            next_key = max(next_key, row[key_name] + 1)
        conflict = taken.add(row)
        if conflict is None:
            added[row[key_name]] = row
        elif not operation.ignore_conflicts:
            raise violation(schema, conflict)
    table.rows.update(added)
    table.next_key = next_key
    set_expiry(schema, table, added)
    return allocated


def update(table: Table, operation: Update, values: Sequence[Any]) -> int:
    """Changes the matching rows, all or none."""
    schema = operation.schema
    key_name = schema.primary_key.name
    changed = {
        row[key_name]: {**row, **deepcopy(changes)}
        for row, changes in evaluate.change_rows(table.rows.values(), operation, values)
    }
    taken = Taken(schema, (row for key, row in table.rows.items() if key not in changed))
    for row in changed.values():
        conflict = taken.add(row)
        if conflict is not None:
            raise violation(schema, conflict)
    table.rows.update(changed)
    set_expiry(schema, table, changed)
    return len(changed)


def delete(table: Table, operation: Delete, values: Sequence[Any]) -> int:
    """Removes the matching rows."""
    key_name = operation.schema.primary_key.name
    keys = [row[key_name] for row in evaluate.find_rows(table.rows.values(), operation.condition, values)]
    for key in keys:
        del table.rows[key]
        table.expiry.pop(key, None)
    return len(keys)
