"""The texts of inserts that change rows in conflict, and of updates by key, as far as databases agree on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from sqlalchemy import Table

from polystore.query.operations import OnConflict, UpdateEach
from polystore.schema.model import FieldInfo, Schema, UniqueInfo

if TYPE_CHECKING:
    from polystore.adapters.sql.dialect import Dialect


class ConflictParts(Struct, frozen=True):
    """What is written of ``OnConflict``, in quoted names; ``terms`` are what the target's index is over.

    ``alone`` tells that a row can collide on nothing but its target.
    """

    table: str
    target: tuple[str, ...]
    terms: tuple[str, ...]
    fields: tuple[str, ...]
    told: tuple[str, ...]
    version: str | None
    nulls_distinct: bool
    alone: bool

    def assignments(self, new: str) -> str:
        """What the row that is there takes; ``new`` is a column's new value, with ``{}`` for the column's name."""
        sets = [f"{name} = {new.format(name)}" for name in self.fields]
        if self.version is not None:
            sets.append(f"{self.version} = {self.table}.{self.version} + 1")
        return ", ".join(sets) or f"{self.target[0]} = {self.table}.{self.target[0]}"


class EachParts(Struct, frozen=True):
    """What the texts of an ``UpdateEach`` are made of, in quoted names."""

    table: str
    key: FieldInfo
    key_name: str
    version: str | None
    fields: tuple[FieldInfo, ...]
    names: tuple[str, ...]


def conflict_parts(schema: Schema, found: OnConflict, key_given: bool, dialect: Dialect, table: Table) -> ConflictParts:
    """The parts of one conflict."""
    quote = dialect.sql.identifier_preparer

    def quoted(fields: tuple[FieldInfo, ...]) -> tuple[str, ...]:
        return tuple(quote.quote(field.column) for field in fields)

    target = tuple(field.name for field in found.target)
    unique = next((each for each in schema.uniques if each.fields == target), None)
    others = [each for each in schema.uniques if each is not unique]
    return ConflictParts(
        table=quote.format_table(table),
        target=quoted(found.target),
        terms=_terms(schema, unique, dialect, table) or quoted(found.target),
        fields=quoted(found.fields),
        told=quoted(found.told),
        version=None if schema.version is None else quote.quote(schema.version.column),
        nulls_distinct=found.nulls_distinct,
        alone=not others and (unique is None or not key_given),
    )


def _terms(schema: Schema, unique: UniqueInfo | None, dialect: Dialect, table: Table) -> tuple[str, ...]:
    """The terms of an index that stands for a unique constraint; none where a constraint serves."""
    terms = None if unique is None else dialect.unique_terms(schema, table, unique)
    without_table = {"include_table": False}
    return tuple(str(term.compile(dialect=dialect.sql, compile_kwargs=without_table)) for term in terms or ())


def on_conflict_text(parts: ConflictParts | None) -> str:
    """``ON CONFLICT (...) DO UPDATE ... RETURNING ...``, as PostgreSQL and SQLite have it."""
    if parts is None:
        return ""
    text = f" ON CONFLICT ({', '.join(parts.terms)}) DO UPDATE SET {parts.assignments('excluded.{}')}"
    return f"{text} RETURNING {', '.join(parts.told)}" if parts.told else text


def each_parts(operation: UpdateEach, dialect: Dialect, table: Table) -> EachParts:
    """The parts of an update by key."""
    quote = dialect.sql.identifier_preparer
    schema, fields = operation.schema, operation.fields
    return EachParts(
        table=quote.format_table(table),
        key=schema.primary_key,
        key_name=quote.quote(schema.primary_key.column),
        version=None if schema.version is None else quote.quote(schema.version.column),
        fields=fields,
        names=tuple(quote.quote(field.column) for field in fields),
    )


def one_text(parts: EachParts, mark: str) -> str:
    """The update of one row: its parameters are the new values, then what the row is found by."""
    sets = [f"{name} = {mark}" for name in parts.names]
    found = [f"{parts.key_name} = {mark}"]
    if parts.version is not None:
        sets.append(f"{parts.version} = {parts.version} + 1")
        found.append(f"{parts.version} = {mark}")
    return f"UPDATE {parts.table} SET {', '.join(sets)} WHERE {' AND '.join(found)}"
