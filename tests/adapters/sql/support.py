"""Runs operations made by hand on an adapter, in either colour."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from polystore.adapters.sql import SqlAdapter, open
from polystore.query.nodes import All, Column, Compare, Order, Parameter
from polystore.query.operations import Group, Insert, Operation, Select
from polystore.query.operators import Operator
from polystore.schema.model import Schema


class Db:
    """One adapter with a backend in one colour; the async one keeps one event loop."""

    def __init__(self, adapter: Any, colour: str = "sync") -> None:
        self.adapter = adapter
        self.loop = asyncio.new_event_loop() if colour == "async" else None
        self.backend = adapter.connect() if self.loop is None else adapter.connect_async()

    def run(self, answer: Any) -> Any:
        """The answer of a backend's method, awaited if it has to be."""
        return answer if self.loop is None else self.loop.run_until_complete(answer)

    def execute(self, operation: Operation, values: Sequence[Any] = ()) -> Any:
        """The answer to an operation in plain values."""
        prepared = self.adapter.compile(operation)
        if isinstance(operation, Insert):
            rows = [tuple(map(_dumped, prepared.dumps, row)) for row in values]
            return self.run(self.backend.execute(prepared.bind(rows)))
        answer = self.run(self.backend.execute(prepared.bind(values)))
        if isinstance(operation, Select | Group):
            return [tuple(_loaded(source.load, row[source.key]) for source in prepared.sources) for row in answer]
        return answer

    def insert(self, schema: Schema, names: Sequence[str], *rows: Sequence[Any], **options: Any) -> Any:
        """Inserts rows of the named fields; the keys allocated."""
        return self.execute(Insert(schema, tuple(schema.field(name) for name in names), **options), rows)

    def rows(self, schema: Schema, names: Sequence[str] | None = None) -> list[Any]:
        """All rows by key."""
        columns = schema.fields if names is None else tuple(schema.field(name) for name in names)
        return self.execute(Select(schema, columns, All(), (Order(Column(schema.primary_key)),)))  # type: ignore[no-any-return]  # a Select

    def reset(self, *schemas: Schema) -> None:
        """Empty tables."""
        self.run(self.backend.drop_all(schemas))
        self.run(self.backend.create_all(schemas))

    def close(self) -> None:
        self.run(self.backend.close())
        if self.loop is not None:
            self.loop.close()


@contextmanager
def opened(url: str, colour: str = "sync", **settings: Any) -> Iterator[Db]:
    """An adapter of the URL, closed in the end."""
    db = Db(open(url, settings), colour)
    try:
        yield db
    finally:
        db.close()


def adapter_of(url: str) -> SqlAdapter:
    """An adapter that is never connected."""
    return open(url, {})


def where(schema: Schema, name: str, operator: Operator = Operator.EXACT, index: int = 0) -> All:
    """A condition comparing a field with a value."""
    field = schema.field(name)
    return All((Compare(Column(field), operator, Parameter(index, field.kind)),))


def _dumped(dump: Any, value: Any) -> Any:
    return value if value is None or dump is None else dump(value)


def _loaded(load: Any, value: Any) -> Any:
    return value if value is None or load is None else load(value)
