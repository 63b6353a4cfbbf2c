"""A model on its store: where plans are cached and commands are sent."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from polystore.adapters.base import Prepared
from polystore.engine.compiled import Compiled, as_is, compile_plan
from polystore.engine.connection import Connection
from polystore.engine.load import Dumper, Loader, build_dumper, build_loader, compose
from polystore.engine.nested import nested_of
from polystore.query.check import check_operation
from polystore.query.operations import Insert, OnConflict, UpdateEach
from polystore.query.planner import Terminal, plan
from polystore.query.stages import Shape
from polystore.schema.model import FieldInfo, Schema
from polystore.schema.plain import from_plain, to_plain

_MOST_PLANS = 2048


class Writer(NamedTuple):
    """A compiled write of rows: the dumper of its rows, and the loader of what the store tells of them."""

    prepared: Prepared
    dump: Dumper
    load: Loader | None = None


class Home(Protocol):
    """Where handles come from, as far as they know: the handles of other models, and the most values of one query that
    are passed to another."""

    most_values: int

    def handle(self, model: type[Any], alias: str | None = None) -> Handle: ...


class Handle:
    """One model on one store. Plans and inserts are compiled once for each structure and kept."""

    __slots__ = ("_lock", "_plans", "_rounders", "_writers", "connection", "home", "model", "schema")

    def __init__(self, model: type[Any], schema: Schema, connection: Connection, home: Home) -> None:
        connection.adapter.check(schema)
        self.home = home
        self.model = model
        self.schema = schema
        self.connection = connection
        self._rounders = tuple(
            (info.name, compose(compose(to_plain(info.kind), rounder), from_plain(info.kind)) or rounder)
            for info in schema.fields
            if (rounder := connection.adapter.round(info.kind)) is not None
        )
        self._lock = threading.Lock()
        self._plans: dict[tuple[Any, ...], Compiled] = {}
        self._writers: dict[Any, Writer] = {}

    def compiled(self, terminal: Terminal, shape: Shape, assignments: Shape = ()) -> Compiled:
        """The compiled plan of a structure."""
        key = (terminal, shape, assignments)
        found = self._plans.get(key)
        return found if found is not None else self._compile(key)

    def compiled_whole(self, terminal: Terminal, shape: Shape, assignments: Shape = ()) -> Compiled:
        """The same for a structure that is sent as one command, with the queries within it."""
        key = (terminal, shape, assignments, "whole")
        found = self._plans.get(key)
        return found if found is not None else self._compile(key)

    def _compile(self, key: tuple[Any, ...]) -> Compiled:
        terminal, shape, assignments, *whole = key
        connection = self.connection
        planned = plan(self.schema, shape, terminal, assignments)
        nested = None if whole else nested_of(planned, terminal, shape, assignments)
        if nested is not None:
            made = Compiled(planned, None, (), as_is, nested)
        else:
            made = compile_plan(planned, connection.adapter, self.model, connection.name, connection.label)
        with self._lock:
            if len(self._plans) >= _MOST_PLANS:
                del self._plans[next(iter(self._plans))]
            self._plans[key] = made
        return made

    def insert(
        self, fields: tuple[FieldInfo, ...], ignore_conflicts: bool = False, on_conflict: OnConflict | None = None
    ) -> Writer:
        """The compiled insert of some fields."""
        key = (fields, ignore_conflicts, on_conflict)
        found = self._writers.get(key)
        if found is None:
            operation = Insert(self.schema, fields, ignore_conflicts, on_conflict)
            found = self._writers[key] = self._writer(operation, fields, on_conflict.told if on_conflict else ())
        return found

    def update_each(self, fields: tuple[FieldInfo, ...]) -> Writer:
        """The compiled change of some fields of many rows."""
        found = self._writers.get(fields)
        if found is None:
            operation = UpdateEach(self.schema, fields)
            found = self._writers[fields] = self._writer(operation, operation.columns)
        return found

    def _writer(
        self, operation: Insert | UpdateEach, columns: Sequence[FieldInfo], told: Sequence[FieldInfo] = ()
    ) -> Writer:
        connection = self.connection
        check_operation(operation, connection.adapter.capabilities, connection.label)
        prepared = connection.adapter.compile(operation)
        load = build_loader("values", told, prepared.sources) if told else None
        return Writer(prepared, build_dumper(columns, prepared.dumps), load)

    def rounded(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A row's validated values as the store will hold them."""
        if not self._rounders:
            return row
        held = {name: rounder(row[name]) for name, rounder in self._rounders if row.get(name) is not None}
        return {**row, **held}
