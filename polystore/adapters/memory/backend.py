"""Tables as dicts, changed under one lock; a write checks everything before it changes anything."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, assert_never

from polystore.adapters.memory.compile import MemoryCommand
from polystore.errors import UniqueViolation
from polystore.query import evaluate
from polystore.query.nodes import Count, Delete, Exists, Group, Insert, Select, Update
from polystore.schema.model import Schema, UniqueInfo


@dataclass(slots=True)
class Table:
    """The rows of one model by key, their expiry, and the next key to allocate."""

    rows: dict[Any, dict[str, Any]] = field(default_factory=dict)
    expiry: dict[Any, datetime] = field(default_factory=dict)
    next_key: int = 1


@dataclass(slots=True)
class Tables:
    """One named database."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    tables: dict[str, Table] = field(default_factory=dict)

    def of(self, schema: Schema) -> Table:
        """The model's table without its expired rows."""
        table = self.tables.setdefault(schema.table, Table())
        if table.expiry:
            now = datetime.now(UTC)
            for key in [key for key, moment in table.expiry.items() if moment <= now]:
                del table.expiry[key]
                table.rows.pop(key, None)
        return table


_databases: dict[str, Tables] = {}


def database(name: str) -> Tables:
    """The database of that name, shared by all who open it; without a name a new one."""
    return _databases.setdefault(name, Tables()) if name else Tables()


class MemoryBackend:
    """Runs commands on a database."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def execute(self, command: MemoryCommand) -> Any:
        operation, values = command
        with self._tables.lock:
            table = self._tables.of(operation.schema)
            match operation:
                case Select():
                    return evaluate.select_rows(table.rows.values(), operation, values)
                case Group():
                    return evaluate.group_rows(table.rows.values(), operation, values)
                case Count():
                    return evaluate.count_rows(table.rows.values(), operation, values)
                case Exists():
                    count = Count(operation.schema, operation.condition, offset=operation.offset)
                    return evaluate.count_rows(table.rows.values(), count, values) > 0
                case Insert():
                    return insert(table, operation, values)
                case Update():
                    return update(table, operation, values)
                case Delete():
                    return delete(table, operation, values)
        assert_never(operation)

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
            raise _unique_violation(schema, conflict)
    table.rows.update(added)
    table.next_key = next_key
    _set_expiry(schema, table, added)
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
            raise _unique_violation(schema, conflict)
    table.rows.update(changed)
    _set_expiry(schema, table, changed)
    return len(changed)


def delete(table: Table, operation: Delete, values: Sequence[Any]) -> int:
    """Removes the matching rows."""
    key_name = operation.schema.primary_key.name
    keys = [row[key_name] for row in evaluate.find_rows(table.rows.values(), operation.condition, values)]
    for key in keys:
        del table.rows[key]
        table.expiry.pop(key, None)
    return len(keys)


class Taken:
    """The values of unique constraints that rows hold."""

    def __init__(self, schema: Schema, rows: Iterable[dict[str, Any]]) -> None:
        self._uniques = [UniqueInfo((schema.primary_key.name,), ""), *schema.uniques]
        self._held: list[set[tuple[Any, ...] | None]] = [set() for _ in self._uniques]
        for row in rows:
            self.add(row)

    def add(self, row: dict[str, Any]) -> tuple[str, ...] | None:
        """Records the row; or answers the fields on which it collides and records nothing."""
        keys = [self._key(unique, row) for unique in self._uniques]
        for unique, held, key in zip(self._uniques, self._held, keys, strict=True):
            if key in held:
                return unique.fields
        for held, key in zip(self._held, keys, strict=True):
            if key is not None:
                held.add(key)
        return None

    @staticmethod
    def _key(unique: UniqueInfo, row: dict[str, Any]) -> tuple[Any, ...] | None:
        key = tuple(row[name] for name in unique.fields)
        return None if None in key and unique.nulls_distinct else key


def _set_expiry(schema: Schema, table: Table, keys: Iterable[Any]) -> None:
    if schema.ttl is not None:
        table.expiry.update(dict.fromkeys(keys, datetime.now(UTC) + schema.ttl))


def _unique_violation(schema: Schema, fields: tuple[str, ...]) -> UniqueViolation:
    return UniqueViolation(
        f"{schema.name}: another row already has this {', '.join(fields)}", model=schema.name, fields=fields
    )
