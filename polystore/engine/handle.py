"""A model on its store: where plans are cached and commands are sent."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from polystore.adapters.base import Prepared
from polystore.engine.compiled import Compiled, compile_plan
from polystore.engine.connection import Connection
from polystore.engine.load import Dumper, build_dumper, compose
from polystore.query.check import check_operation
from polystore.query.nodes import Insert
from polystore.query.planner import Terminal, plan
from polystore.query.stages import Shape
from polystore.schema.model import FieldInfo, Schema
from polystore.schema.plain import from_plain, to_plain

_MOST_PLANS = 2048


class Handle:
    """One model on one store. Plans and inserts are compiled once for each structure and kept."""

    __slots__ = ("_inserts", "_lock", "_plans", "_rounders", "connection", "model", "schema")

    def __init__(self, model: type[Any], schema: Schema, connection: Connection) -> None:
        connection.adapter.check(schema)
        self.model = model
        self.schema = schema
        self.connection = connection
        self._rounders = tuple(
            (info.name, compose(compose(to_plain(info.kind), rounder), from_plain(info.kind)) or rounder)
            for info in schema.fields
            if (rounder := connection.adapter.round(info.kind)) is not None
        )
        self._lock = threading.Lock()
        self._plans: dict[tuple[Terminal, Shape, Shape], Compiled] = {}
        self._inserts: dict[tuple[tuple[FieldInfo, ...], bool], tuple[Prepared, Dumper]] = {}

    def compiled(self, terminal: Terminal, shape: Shape, assignments: Shape = ()) -> Compiled:
        """The compiled plan of a structure."""
        key = (terminal, shape, assignments)
        found = self._plans.get(key)
        return found if found is not None else self._compile(key)

    def _compile(self, key: tuple[Terminal, Shape, Shape]) -> Compiled:
        terminal, shape, assignments = key
        connection = self.connection
        made = compile_plan(
            plan(self.schema, shape, terminal, assignments),
            connection.adapter,
            self.model,
            connection.name,
            connection.label,
        )
        with self._lock:
            if len(self._plans) >= _MOST_PLANS:
                del self._plans[next(iter(self._plans))]
            self._plans[key] = made
        return made

    def insert(self, fields: tuple[FieldInfo, ...], ignore_conflicts: bool = False) -> tuple[Prepared, Dumper]:
        """The compiled insert of some fields, and the dumper of its rows."""
        key = (fields, ignore_conflicts)
        found = self._inserts.get(key)
        if found is None:
            operation = Insert(self.schema, fields, ignore_conflicts)
            check_operation(operation, self.connection.adapter.capabilities, self.connection.label)
            prepared = self.connection.adapter.compile(operation)
            found = self._inserts[key] = prepared, build_dumper(fields, prepared.dumps)
        return found

    def rounded(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A row's validated values as the store will hold them."""
        if not self._rounders:
            return row
        held = {name: rounder(row[name]) for name, rounder in self._rounders if row.get(name) is not None}
        return {**row, **held}
