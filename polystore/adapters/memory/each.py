"""Writes that treat each row in its own way: changes by key, and inserts that change rows in conflict."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from polystore.adapters.memory.tables import Table, set_expiry
from polystore.adapters.memory.uniques import Taken, violation
from polystore.query.operations import Insert, UpdateEach
from polystore.schema.model import Schema


class Draft:
    """Rows as they will be; the table takes them over when all went well."""

    def __init__(self, schema: Schema, table: Table) -> None:
        self.rows = dict(table.rows)
        self.next_key = table.next_key
        self._schema = schema
        self._table = table
        self._taken = Taken(schema, table.rows.values())
        self._written: set[Any] = set()

    def add(self, row: dict[str, Any]) -> None:
        """A new row; without a key it gets the next one."""
        name = self._schema.primary_key.name
        if row[name] is None:
            row[name] = self.next_key
        if isinstance(row[name], int):
            self.next_key = max(self.next_key, row[name] + 1)
        self._put(row, self._taken.add(row))

    def change(self, old: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        """A row with new values, its version counted on."""
        version = self._schema.version
        row = old | values | ({} if version is None else {version.name: old[version.name] + 1})
        self._put(row, self._taken.change(old, row))
        return row

    def _put(self, row: dict[str, Any], conflict: tuple[str, ...] | None) -> None:
        if conflict is not None:
            raise violation(self._schema, conflict)
        key = row[self._schema.primary_key.name]
        self.rows[key] = row
        self._written.add(key)

    def keep(self) -> None:
        """Makes the draft the table."""
        self._table.rows = self.rows
        self._table.next_key = self.next_key
        set_expiry(self._schema, self._table, self._written)


def insert_or_change(table: Table, operation: Insert, rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Adds rows, or changes those that have their target; answers what is told of each."""
    schema, found = operation.schema, operation.on_conflict
    assert found is not None
    draft = Draft(schema, table)
    target = [field.name for field in found.target]
    holders = {tuple(row[name] for name in target): row for row in draft.rows.values()}
    told = []
    for values in rows:
        given = deepcopy({field.name: value for field, value in zip(operation.fields, values, strict=True)})
        wanted = tuple(given[name] for name in target)
        row = holders.get(wanted)
        if row is None:
            row = dict.fromkeys(schema.by_name) | given
            draft.add(row)
        else:
            row = draft.change(row, {field.name: given[field.name] for field in found.fields})
        holders[wanted] = row
        told.append({field.name: row[field.name] for field in found.told})
    draft.keep()
    return told


def update_each(table: Table, operation: UpdateEach, rows: Sequence[Sequence[Any]]) -> list[bool]:
    """Changes rows by key, all or none; tells of each whether it was there."""
    draft = Draft(operation.schema, table)
    matching = len(operation.columns) - len(operation.fields)
    names = [field.name for field in operation.columns]
    answers = []
    for values in rows:
        old = draft.rows.get(values[0])
        there = old is not None and all(
            old[name] == value for name, value in zip(names[:matching], values[:matching], strict=True)
        )
        if old is not None and there:
            draft.change(old, deepcopy(dict(zip(names[matching:], values[matching:], strict=True))))
        answers.append(there)
    draft.keep()
    return answers
