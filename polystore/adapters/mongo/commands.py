"""What a backend executes: native command documents, each with the schema that errors name."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, TypeAlias, assert_never

from polystore.adapters.mongo.template import Convert
from polystore.errors import NotSupportedError
from polystore.schema.model import Schema

Document: TypeAlias = dict[str, Any]


class Merge(NamedTuple):
    """What an insert does with rows in conflict, in the words of documents; ``loads`` are those of the target."""

    target: tuple[str, ...]
    changed: tuple[str, ...]
    told: tuple[str, ...]
    version: str | None
    loads: tuple[Convert | None, ...]


class Change(NamedTuple):
    """A document to find, and what becomes of it."""

    filter: Document
    update: Any


class Read(NamedTuple):
    """A ``find`` or ``aggregate`` command answering rows; ``bounded`` when they very likely fit one reply."""

    schema: Schema
    document: Document
    bounded: bool


class CountRows(NamedTuple):
    """An ``aggregate`` command whose only row holds the number ``n``; no row stands for 0."""

    schema: Schema
    document: Document


class ExistsRow(NamedTuple):
    """A ``find`` command that answers one row or none."""

    schema: Schema
    document: Document


class RawPipeline(NamedTuple):
    """An ``aggregate`` command that a user wrote; it may write, so it is sent once."""

    schema: Schema
    document: Document


class InsertRows(NamedTuple):
    """New documents; those whose ``_id`` is None get a key of the store."""

    schema: Schema
    documents: list[Document]
    ignore_conflicts: bool


class InsertOrChange(NamedTuple):
    """New documents, or changes of those that have their target; ``merge`` says what changes."""

    schema: Schema
    documents: list[Document]
    merge: Merge


class ChangeEach(NamedTuple):
    """A change for each of some keys; ``versioned`` when it asks for a version, too."""

    schema: Schema
    changes: list[Change]
    versioned: bool


class UpdateRows(NamedTuple):
    """A change of the matching documents.

    ``single`` when at most one can match; ``fallible`` when a document's own values can make the change fail half-way;
    ``rehearsal`` is then a pipeline that fails where the change would.
    """

    schema: Schema
    filter: Document
    update: Document | list[Document]
    single: bool
    fallible: bool
    rehearsal: list[Document] | None


class DeleteRows(NamedTuple):
    """The removal of the matching documents; its flags and its rehearsal are those of an update."""

    schema: Schema
    filter: Document
    single: bool
    fallible: bool
    rehearsal: list[Document] | None


Reading: TypeAlias = Read | CountRows | ExistsRow | RawPipeline
Command: TypeAlias = Reading | InsertRows | InsertOrChange | UpdateRows | ChangeEach | DeleteRows


def describe(command: Command) -> str:
    """The command as text: the collection, the verb, and what goes with it."""
    match command:
        case Read() | CountRows() | ExistsRow() | RawPipeline():
            (verb, table), *rest = command.document.items()
            return f"{table}.{verb} {text_of(dict(rest))}"
        case InsertRows(schema=schema, documents=documents):
            return f"{schema.table}.insert {text_of(documents)}"
        case InsertOrChange(schema=schema, documents=documents, merge=merge):
            return f"{schema.table}.update {text_of(documents)}, upserts by {', '.join(merge.target)}"
        case ChangeEach(schema=schema, changes=changes):
            return f"{schema.table}.update {text_of([each._asdict() for each in changes])}"
        case UpdateRows(schema=schema, filter=chosen, update=update):
            return f"{schema.table}.update {text_of({'q': chosen, 'u': update, 'multi': not command.single})}"
        case DeleteRows(schema=schema, filter=chosen):
            return f"{schema.table}.delete {text_of({'q': chosen, 'limit': int(command.single)})}"
    assert_never(command)


def text_of(document: Any) -> str:
    """A document as JSON, with what JSON does not know as Python writes it."""
    return json.dumps(document, default=repr, ensure_ascii=False)


def explainable(command: Command) -> Document:
    """The command document that the server's ``explain`` takes.

    Raises:
        NotSupportedError: an insert, which has no plan.
    """
    match command:
        case Read() | CountRows() | ExistsRow() | RawPipeline():
            return command.document
        case UpdateRows(schema=schema, filter=chosen, update=update):
            return {
                "update": schema.table,
                "updates": [{"q": chosen, "u": update, "multi": not command.single}],
            }
        case DeleteRows(schema=schema, filter=chosen):
            return {"delete": schema.table, "deletes": [{"q": chosen, "limit": int(command.single)}]}
        case InsertRows(schema=schema) | InsertOrChange(schema=schema) | ChangeEach(schema=schema):
            raise NotSupportedError(f"{schema.name}: MongoDB explains reads, updates and deletes, not writes of rows")
    assert_never(command)


def in_batches(document: Document, size: int) -> Document:
    """A command document that answers rows, which come ``size`` at a time."""
    if "cursor" in document:
        return {**document, "cursor": {"batchSize": size}}
    return document if "singleBatch" in document else {**document, "batchSize": size}
