"""Compiled operations: text for the database and the function that puts values in. A command is the two together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeAlias

from msgspec import Struct

from polystore.adapters.base import Source
from polystore.adapters.sql.expressions import Slot
from polystore.adapters.sql.types import Convert
from polystore.adapters.sql.upserts import EachParts
from polystore.schema.model import Schema

Bind: TypeAlias = Callable[[Sequence[Any]], tuple[Any, ...]]
Print: TypeAlias = Callable[[Any], str]


class Action(Enum):
    """What a backend does with the answer of a statement."""

    ROWS = "rows"
    COUNT = "count"
    EXISTS = "exists"
    CHANGE = "change"
    INSERT = "insert"
    EACH = "each"
    RAW = "raw"


class Statement(Struct, frozen=True, eq=False):
    """One statement: everything but an INSERT. ``native`` is its text as the driver takes it."""

    schema: Schema
    action: Action
    text: str
    native: Any
    encode: Bind
    sources: tuple[Source, ...] = ()
    dumps: tuple[Convert | None, ...] = ()

    def bind(self, values: Sequence[Any]) -> Command:
        return self, self.encode(values)

    def describe(self, values: Sequence[Any]) -> str:
        return described(self.text, self.encode(values))


class Conflict(Struct, frozen=True):
    """Where in a row of values the target and the changed fields stand; ``alone`` as in ``ConflictParts``."""

    target: tuple[int, ...]
    fields: tuple[int, ...]
    alone: bool


class InsertStatement(Struct, frozen=True, eq=False):
    """The texts of an INSERT.

    ``text`` inserts one row; ``texts`` holds what else the backend needs for many. ``allocates`` tells that the store
    makes the keys, ``explicit`` that rows bring keys which the store could also make. With ``conflict`` rows that are
    there are changed, and ``sources`` read what is told of each.
    """

    schema: Schema
    text: str
    native: Any
    texts: Mapping[str, str]
    dumps: tuple[Convert | None, ...]
    allocates: bool
    explicit: int | None = None
    ignore_conflicts: bool = False
    conflict: Conflict | None = None
    action: Action = Action.INSERT
    sources: tuple[Source, ...] = ()

    def bind(self, values: Sequence[Any]) -> Command:
        return self, values

    def describe(self, values: Sequence[Any]) -> str:
        return "\n".join(described(self.text, tuple(row)) for row in values) or self.text


class EachStatement(Struct, frozen=True, eq=False):
    """An update of rows by key: ``text`` changes one row, ``many`` where there is one many, else ``parts`` make it.

    A row is bound as its new values, then the ``matching`` values that it is found by. With ``collides`` one row must
    be changed after the other.
    """

    schema: Schema
    text: str
    native: Any
    many: Any
    parts: EachParts
    dumps: tuple[Convert | None, ...]
    matching: int
    collides: bool
    action: Action = Action.EACH
    sources: tuple[Source, ...] = ()

    def bind(self, values: Sequence[Any]) -> Command:
        matching = self.matching
        return self, [(*row[matching:], *row[:matching]) for row in values]

    def describe(self, values: Sequence[Any]) -> str:
        return "\n".join(described(self.text, row) for row in self.bind(values)[1]) or self.text


AnyStatement: TypeAlias = Statement | InsertStatement | EachStatement
Command: TypeAlias = tuple[AnyStatement, Sequence[Any]]


def binder(slots: Sequence[Slot]) -> Bind:
    """The function from an operation's values to a statement's parameters.

    Its body is written out, one expression for each placeholder, since it runs for every query.
    """
    names: dict[str, Any] = {}
    parts = []
    for number, slot in enumerate(slots):
        part = "None" if slot.index is None else f"values[{slot.index}]"
        if slot.item is not None:
            part += f"[{slot.item}]"
        if slot.encode is not None:
            names[f"encode_{number}"] = slot.encode
            part = f"encode_{number}({part})"
        parts.append(part)
    source = f"lambda values: ({', '.join(parts)}{',' if parts else ''})"
    made: Bind = eval(source, names)  # only indexes and names made here
    return made


def described(text: str, parameters: Sequence[Any]) -> str:
    """The text and its parameters as ``explain()`` prints them."""
    return f"{text}  -- {tuple(parameters)!r}" if parameters else text
