"""Compiling writes that treat each row in its own way: inserts that change rows in conflict, changes by key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from polystore.adapters.mongo.commands import Change, ChangeEach, Document, InsertOrChange, Merge
from polystore.adapters.mongo.dialect import EXPIRY, Dialect, path_of
from polystore.adapters.mongo.template import Fill, Now, row_builder
from polystore.query.operations import Insert, OnConflict, UpdateEach

Clock: TypeAlias = Callable[[], datetime]


def merge_builder(operation: Insert, found: OnConflict, dialect: Dialect, absent: dict[str, Any]) -> Fill:
    """The function from rows to the command that inserts them, or changes those that are there."""
    schema = operation.schema
    expiry = (EXPIRY,) if EXPIRY in absent else ()
    merge = Merge(
        target=tuple(map(path_of, found.target)),
        changed=(*map(path_of, found.fields), *expiry),
        told=tuple(map(path_of, found.told)),
        version=None if schema.version is None else path_of(schema.version),
        loads=tuple(dialect.codec.load(field.kind) for field in found.target),
    )
    return row_builder(InsertOrChange, schema, [path_of(field) for field in operation.fields], absent, merge)


def each_builder(operation: UpdateEach, now: Clock, expiry: Now | None) -> Fill:
    """The function from rows to the command that changes each by its key."""
    schema = operation.schema
    paths = [path_of(field) for field in operation.columns]
    matching = len(paths) - len(operation.fields)
    version = {} if schema.version is None else {"$inc": {path_of(schema.version): 1}}

    def bind(rows: Sequence[Sequence[Any]]) -> ChangeEach:
        changes = []
        for row in rows:
            chosen: Document = dict(zip(paths[:matching], row[:matching], strict=True))
            values: Document = dict(zip(paths[matching:], row[matching:], strict=True))
            if expiry is not None:
                chosen[EXPIRY], values[EXPIRY] = {"$gt": now()}, expiry.make()
            changes.append(Change(chosen, {"$set": values, **version} if values else version))
        return ChangeEach(schema, changes, matching > 1)

    return bind
