"""The models of these tests, and a store in memory that writes down every command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest

from polystore import EmbeddedModel, Field, Model, field
from polystore.adapters.embedded import EmbeddedAsyncBackend
from polystore.adapters.memory import MemoryAdapter
from polystore.adapters.memory.backend import MemoryBackend, Tables
from polystore.adapters.memory.compile import MemoryCommand
from polystore.query.explain import describe_operation
from polystore.query.operations import Insert
from polystore.schema.model import Schema


class Genre(Enum):
    """An enum of texts."""

    ROCK = "rock"
    JAZZ = "jazz"


class Label(EmbeddedModel):
    """What an album has inside it."""

    name: Field[str]
    city: Field[str | None] = field(default=None)


class Album(Model):
    """A field of each kind that takes wrong values in its own way."""

    title: Field[str] = field(max_length=12, unique=True)
    year: Field[int | None] = field(default=None, ge=1900)
    price: Field[Decimal | None] = field(default=None, max_digits=6, decimal_places=2)
    rating: Field[float | None] = field(default=None)
    live: Field[bool] = field(default=False)
    genre: Field[Genre | None] = field(default=None)
    day: Field[date | None] = field(default=None)
    released: Field[datetime | None] = field(default=None)
    cover: Field[bytes | None] = field(default=None)
    tags: Field[list[str]] = field(default_factory=list)
    label: Field[Label | None] = field(default=None)

    class Meta:
        table = "api_album"


class Track(Model):
    """A model with a version."""

    name: Field[str] = field(max_length=50)
    plays: Field[int] = field(default=0)
    revision: Field[int] = field(version=True)

    class Meta:
        table = "api_track"


FIELDS = "id, title, year, price, rating, live, genre, day, released, cover, tags, label"


class Recorder(MemoryAdapter):
    """The store in memory; ``sent`` holds the text of each command that it was given."""

    def __init__(self) -> None:
        super().__init__(Tables())
        self.sent: list[str] = []

    def connect(self) -> RecordingBackend:
        return RecordingBackend(self._tables, self.sent)

    def connect_async(self) -> EmbeddedAsyncBackend:
        return EmbeddedAsyncBackend(self.connect())


class RecordingBackend(MemoryBackend):
    """Writes a command down, then runs it."""

    def __init__(self, tables: Tables, sent: list[str]) -> None:
        super().__init__(tables)
        self._sent = sent

    def execute(self, command: MemoryCommand) -> Any:
        operation, values = command
        inserts = isinstance(operation, Insert)
        self._sent.append(describe_operation(operation, None if inserts else values))
        return super().execute(command)

    def create_all(self, schemas: Sequence[Schema]) -> None:
        self._sent.append(f"create {', '.join(schema.name for schema in schemas)}")
        super().create_all(schemas)


def told(error: type[Exception], act: Callable[[], Any]) -> str:
    """The text of the error that the act ends in: of just this class."""
    with pytest.raises(error) as caught:
        act()
    assert caught.type is error
    return str(caught.value)
