"""Runs commands on files: the only place of the adapter that does I/O."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from polystore.adapters.base import undeclared
from polystore.errors import UniqueViolation
from polystore.query import evaluate
from polystore.query.operations import Count, Delete, Exists, Insert, Select, Update, UpdateEach
from polystore.schema.model import Schema

from .compile import Command
from .files import Row, RowFile


class FileBackend:
    """The open folder; safe to share between threads, and with other processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Schema, RowFile] = {}
        self._lock = threading.RLock()

    def execute(self, command: Command) -> Any:
        """Runs one command; answers what the contract says of each operation."""
        operation, values, key = command
        with self._lock, (file := self._file(operation.schema)).held():
            rows = file.rows.values() if key is None else [row for row in (file.rows.get(key),) if row is not None]
            match operation:
                case Select():
                    return evaluate.select_rows(rows, operation, values)
                case Count():
                    return evaluate.count_rows(rows, operation, values)
                case Exists():
                    counted = Count(operation.schema, operation.condition, offset=operation.offset)
                    return evaluate.count_rows(rows, counted, values) > 0
                case Insert():
                    return insert(file, operation, values)
                case Update():
                    return update(file, rows, operation, values)
                case UpdateEach():
                    return update_each(file, operation, values)
                case Delete():
                    found = evaluate.find_rows(rows, operation.condition, values)
                    keys = [row[operation.schema.primary_key.name] for row in found]
                    if keys:
                        file.write((), keys)
                    return len(keys)
            return undeclared(operation)

    def ping(self) -> None:
        """A folder always answers."""

    def create_all(self, schemas: Sequence[Schema]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    def drop_all(self, schemas: Sequence[Schema]) -> None:
        with self._lock:
            for schema in schemas:
                self._path(schema).unlink(missing_ok=True)
                self._files.pop(schema, None)

    def close(self) -> None:
        """Files are open only while a command runs."""

    def _path(self, schema: Schema) -> Path:
        return self._folder / f"{schema.table}.jsonl"

    def _file(self, schema: Schema) -> RowFile:
        if schema not in self._files:
            self._files[schema] = RowFile(self._path(schema), schema)
        return self._files[schema]


def insert(file: RowFile, operation: Insert, rows: Sequence[Sequence[Any]]) -> list[int]:
    """Adds rows, all or none; answers the keys that were allocated."""
    schema, names = operation.schema, [field.name for field in operation.fields]
    added: list[Row] = [dict.fromkeys(schema.by_name) | dict(zip(names, values, strict=True)) for values in rows]
    key_name = schema.primary_key.name
    given = [row[key_name] for row in added if isinstance(row[key_name], int)]
    highest = max([file.highest_key, *given])
    unkeyed = [row for row in added if row[key_name] is None]
    for key, row in enumerate(unkeyed, highest + 1):
        row[key_name] = key
    refuse_conflicts(schema, file.rows.values(), added)
    file.write(added)
    return [row[key_name] for row in unkeyed]


def update(file: RowFile, rows: Iterable[Row], operation: Update, values: Sequence[Any]) -> int:
    """Changes the rows that match, all or none; answers how many matched."""
    schema = operation.schema
    changed = [{**row, **changes} for row, changes in evaluate.change_rows(rows, operation, values)]
    keys = {row[schema.primary_key.name] for row in changed}
    refuse_conflicts(schema, (row for key, row in file.rows.items() if key not in keys), changed)
    if changed:
        file.write(changed)
    return len(changed)


def update_each(file: RowFile, operation: UpdateEach, rows: Sequence[Sequence[Any]]) -> list[bool]:
    """Changes rows by key, one after the other, all or none; tells of each whether it was there."""
    schema, names = operation.schema, [field.name for field in operation.columns]
    found = len(names) - len(operation.fields)
    changed: dict[Any, Row] = {}
    answers = []
    for values in rows:
        row = file.rows.get(values[0])
        answers.append(row is not None and [row[name] for name in names[:found]] == list(values[:found]))
        if row is not None and answers[-1]:
            version = {} if schema.version is None else {schema.version.name: values[1] + 1}
            new = row | dict(zip(names, values, strict=True)) | version
            if operation.collides:
                others = (changed.get(key, each) for key, each in file.rows.items() if key != values[0])
                refuse_conflicts(schema, others, [new])
            changed[values[0]] = new
    file.write(changed.values())
    return answers


def refuse_conflicts(schema: Schema, rows: Iterable[Row], new: Iterable[Row]) -> None:
    """Refuses new rows that hold the key or a unique value of another row."""
    rows, new = list(rows), list(new)
    constraints = [((schema.primary_key.name,), True), *((one.fields, one.nulls_distinct) for one in schema.uniques)]
    for fields, nulls_distinct in constraints:
        held = {tuple(row[name] for name in fields) for row in rows}
        for row in new:
            value = tuple(row[name] for name in fields)
            if value in held and not (nulls_distinct and None in value):
                message = f"{schema.name}: another row already has this {', '.join(fields)}"
                raise UniqueViolation(message, model=schema.name, fields=fields)
            held.add(value)
