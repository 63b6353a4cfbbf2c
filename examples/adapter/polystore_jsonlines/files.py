"""One model's file: a line is one write, whole or not at all; the rows are what reading the lines in order gives."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from polystore.errors import StoreUnavailable
from polystore.schema.document import document_dump, document_load
from polystore.schema.model import Schema

Row = dict[str, Any]


class RowFile:
    """The rows of one model, kept in memory and in step with the file, which other processes may write, too.

    A line is ``{"put": [row, ...], "cut": [key, ...]}``; a row is an object by column name. A last line without its
    line feed was torn by a crash: it is no write, and the next one takes its place.
    """

    def __init__(self, path: Path, schema: Schema) -> None:
        self.rows: dict[Any, Row] = {}
        self.highest_key = 0
        self._path = path
        self._schema = schema
        self._dumps = {field.name: (field.column, document_dump(field.kind)) for field in schema.fields}
        self._loads = {field.column: (field.name, document_load(field.kind)) for field in schema.fields}
        self._identity = 0
        self._read = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """The file, locked against other processes; ``rows`` is what it holds."""
        try:
            with self._path.open("a+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                self._catch_up(file)
                self._file = file
                yield
        except OSError as error:
            raise StoreUnavailable(f"{self._path} cannot be read or written: {error}") from error

    def write(self, put: Iterable[Row], cut: Iterable[Any] = ()) -> None:
        """Writes one line and takes it over; only inside ``held``."""
        line = json.dumps({"put": [self._dump(row) for row in put], "cut": [self._dump_key(key) for key in cut]})
        self._file.truncate(self._read)
        self._file.write(line.encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._read = self._file.tell()
        self._apply(json.loads(line))

    def _catch_up(self, file: Any) -> None:
        status = os.fstat(file.fileno())
        if status.st_ino != self._identity or status.st_size < self._read:
            self.rows, self.highest_key, self._read, self._identity = {}, 0, 0, status.st_ino
        file.seek(self._read)
        for line in file:
            if line.endswith(b"\n"):
                self._apply(json.loads(line))
                self._read += len(line)

    def _apply(self, line: Mapping[str, Any]) -> None:
        key_name = self._schema.primary_key.name
        for document in line["put"]:
            row = self._load(document)
            key = row[key_name]
            self.rows[key] = row
            if isinstance(key, int):
                self.highest_key = max(self.highest_key, key)
        for key in line["cut"]:
            del self.rows[self._load({self._schema.primary_key.column: key})[key_name]]

    def _dump(self, row: Row) -> Row:
        named = ((*self._dumps[name], value) for name, value in row.items())
        return {column: value if value is None or dump is None else dump(value) for column, dump, value in named}

    def _dump_key(self, key: Any) -> Any:
        (dumped,) = self._dump({self._schema.primary_key.name: key}).values()
        return dumped

    def _load(self, document: Row) -> Row:
        """A row of plain values; columns that the model does not have are passed over, missing ones are NULL."""
        row: Row = dict.fromkeys(self._dumps)
        for column, value in document.items():
            name, load = self._loads.get(column, (None, None))
            if name is not None:
                row[name] = value if value is None or load is None else load(value)
        return row
