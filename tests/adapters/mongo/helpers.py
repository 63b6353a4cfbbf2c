"""Models of the MongoDB tests, and commands made from lookups without a store."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from polystore import EmbeddedModel, Field, Model, Q, field
from polystore.adapters.mongo.commands import Command
from polystore.adapters.mongo.compile import compile_operation
from polystore.adapters.mongo.dialect import SERVER, Dialect
from polystore.api.complete import schema_of
from polystore.query.planner import Terminal, plan
from polystore.query.shapes import expression_shape, filter_shape


class Person(EmbeddedModel):
    """An embedded model whose field has another name in the store."""

    name: Field[str] = field(db_column="full_name")
    born: Field[datetime | None] = None


class Note(Model):
    """A document with fields of many kinds."""

    title: Field[str] = field(max_length=100, default="")
    slug: Field[str | None] = field(default=None, unique=True)
    stars: Field[int | None] = None
    votes: Field[int] = 0
    score: Field[float | None] = None
    price: Field[Decimal] = field(default=Decimal(0), max_digits=10, decimal_places=2)
    blob: Field[bytes | None] = None
    day: Field[date | None] = None
    at: Field[time | None] = None
    moment: Field[datetime | None] = None
    exact: Field[datetime | None] = field(default=None, precision="us")
    span: Field[timedelta | None] = None
    data: Field[Any] = None
    tags: Field[list[str] | None] = None
    person: Field[Person | None] = None

    class Meta:
        table = "mongo_note"


class Session(Model):
    """A document that expires."""

    id: Field[str] = field(primary_key=True)
    user: Field[str | None] = field(default=None, unique=True)

    class Meta:
        table = "mongo_session"
        ttl = timedelta(milliseconds=1200)


NOTE = schema_of(Note)
SESSION = schema_of(Session)


def bound(
    schema: Any,
    *conditions: Q,
    exclude: bool = False,
    steps: tuple[Any, ...] = (),
    step_values: tuple[Any, ...] = (),
    terminal: Terminal = "rows",
    update: dict[str, Any] | None = None,
    dialect: Dialect = SERVER,
    **lookups: Any,
) -> Command:
    """The command of a filter (or exclude) and further planner steps with their values."""
    values: list[Any] = []
    clauses = filter_shape(schema, conditions, lookups, values)
    values.extend(step_values)
    shape = (("exclude" if exclude else "filter", clauses), *steps)
    changes = []
    for name, value in (update or {}).items():
        if value is None:
            changes.append((name, "null"))
        elif hasattr(value, "shape") or isinstance(value, int | float | str | Decimal | datetime):
            changes.append((name, "value"))
            values.append(value)
        else:
            changes.append((name, expression_shape(schema, value, values)))
    made = plan(schema, shape, terminal, tuple(changes))
    assert made.operation is not None
    command: Command = compile_operation(made.operation, dialect).bind([*values, *made.constants])
    return command


def filter_document(schema: Any, *conditions: Q, exclude: bool = False, **lookups: Any) -> dict[str, Any]:
    """The query document of a filter (or exclude)."""
    document: dict[str, Any] = bound(schema, *conditions, exclude=exclude, **lookups).document["filter"]  # type: ignore[union-attr]  # a read
    return document
