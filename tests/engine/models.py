"""The models of the pure tests of the engine, and an adapter that counts what it compiles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum
from typing import Any

from pydantic import ConfigDict, NaiveDatetime, PrivateAttr, field_validator

from polystore import EmbeddedModel, Field, Model, field
from polystore.adapters.memory import MemoryAdapter
from polystore.adapters.memory.backend import Tables
from polystore.adapters.memory.compile import MemoryPrepared
from polystore.api.complete import schema_of
from polystore.engine.connection import Connection
from polystore.engine.handle import Handle
from polystore.query.operations import Operation


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Spot(EmbeddedModel):
    name: Field[str]
    colour: Field[Colour | None] = field(default=None)


class Note(Model):
    """A scalar, an enum and every sort of container."""

    title: Field[str] = field(max_length=20)
    stars: Field[int | None] = field(default=None)
    colour: Field[Colour | None] = field(default=None)
    data: Field[Any] = field(default=None)
    tags: Field[list[str]] = field(default_factory=list)
    spot: Field[Spot | None] = field(default=None)

    class Meta:
        table = "engine_note"


class Stamped(Model):
    """Moments set by themselves, and a version."""

    name: Field[str] = field(default="")
    created: Field[datetime] = field(auto_now_add=True)
    updated: Field[datetime] = field(auto_now=True)
    day: Field[date] = field(auto_now=True, default_factory=date.today)
    at: Field[time] = field(auto_now=True, default_factory=lambda: time(0))
    wall: Field[NaiveDatetime] = field(auto_now=True, default_factory=lambda: datetime(2000, 1, 1))
    revision: Field[int] = field(version=True)

    class Meta:
        table = "engine_stamped"


class Private(Model):
    """Private attributes and extra values, which pydantic keeps beside the fields."""

    model_config = ConfigDict(extra="allow")

    name: Field[str]
    _seen: int = PrivateAttr(default=3)

    class Meta:
        table = "engine_private"


class Checked(Model):
    """A validator of its own, so that every write validates all that is there."""

    name: Field[str]
    note: Field[str] = field(default="")

    @field_validator("note")
    @classmethod
    def no_shouting(cls, note: str) -> str:
        return note.lower()

    class Meta:
        table = "engine_checked"


NOTE, STAMPED, PRIVATE, CHECKED = schema_of(Note), schema_of(Stamped), schema_of(Private), schema_of(Checked)


class CountingAdapter(MemoryAdapter):
    """The store in memory; ``compiled`` counts the operations that it was given to compile."""

    def __init__(self) -> None:
        super().__init__(Tables())
        self.compiled: list[Operation] = []

    def compile(self, operation: Operation) -> MemoryPrepared:
        self.compiled.append(operation)
        return super().compile(operation)


@dataclass
class OneConnection:
    """Where all models are on one connection."""

    connection: Connection
    most_values: int = 10

    def handle(self, model: Any, alias: str | None = None) -> Handle:
        return Handle(model, schema_of(model), self.connection, self)


@contextmanager
def handle_on(adapter: CountingAdapter, model: Any = Note) -> Iterator[Handle]:
    """A model on an adapter."""
    home = OneConnection(Connection("default", adapter, b"secret"))
    yield home.handle(model)
    home.connection.close()
