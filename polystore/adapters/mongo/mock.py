"""MongoDB in this process: mongomock behind the same compiler.

What mongomock answers differently is not declared, so that it is refused before anything runs: expressions in
conditions and updates, parts of dates, paths into JSON, dicts and items of lists. Unique constraints are kept here,
under one lock, since mongomock knows no partial indexes; that lock also makes batches whole or not at all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from datetime import UTC, datetime
from typing import Any, assert_never

import mongomock
from pymongo.errors import DuplicateKeyError

from polystore.adapters.base import undeclared
from polystore.adapters.embedded import EmbeddedAsyncBackend, in_parts
from polystore.adapters.mongo import types
from polystore.adapters.mongo.commands import (
    Change,
    ChangeEach,
    Command,
    CountRows,
    DeleteRows,
    Document,
    ExistsRow,
    InsertOrChange,
    InsertRows,
    RawPipeline,
    Read,
    UpdateRows,
)
from polystore.adapters.mongo.compile import compile_operation
from polystore.adapters.mongo.ddl import check_schema
from polystore.adapters.mongo.dialect import EXPIRY, KEY, Dialect, path_of
from polystore.adapters.mongo.errors import DRIVER_ERRORS, translate
from polystore.adapters.mongo.inserts import give_keys, highest_key, without_key
from polystore.adapters.mongo.mock_types import MOCK_CODEC
from polystore.adapters.mongo.prepared import MongoPrepared
from polystore.adapters.mongo.template import Convert
from polystore.errors import PolystoreError, UniqueViolation
from polystore.query.capabilities import Capabilities, Feature
from polystore.query.operations import Operation
from polystore.query.operators import Holding, Operator
from polystore.schema.kinds import Kind
from polystore.schema.model import Schema, UniqueInfo

MOCK = Dialect(
    name="mongomock",
    regex="python",
    codec=MOCK_CODEC,
    capabilities=Capabilities(
        operators=frozenset(Operator),
        features=frozenset(
            {
                Feature.FILTER_ANY,
                Feature.ORDER_ANY,
                Feature.GROUP_ANY,
                Feature.DISTINCT,
                Feature.ATOMIC_BATCH,
                Feature.IGNORE_CONFLICTS,
                Feature.UPDATE_CONFLICTS,
                Feature.TTL,
                Feature.INFINITY,
                Feature.STREAM,
                Feature.ASYNC,
                Feature.PATHS,
                Feature.LOOSE_PATHS,
                Feature.ANY_ELEMENT,
            }
        ),
        holdings=frozenset(
            {Holding.ARRAY_EXACT, Holding.ARRAY_CONTAINS, Holding.ARRAY_CONTAINED_BY, Holding.ARRAY_OVERLAP}
        ),
    ),
    looks_through_null=False,
)


class MockDatabase:
    """One database of mongomock with its lock and key counters."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.documents: Any = mongomock.MongoClient()["polystore"]
        self.counters: dict[str, int] = {}


_databases: dict[str, MockDatabase] = {}


def mock_database(name: str) -> MockDatabase:
    """The database of that name, shared by all who open it; without a name a new one."""
    return _databases.setdefault(name, MockDatabase()) if name else MockDatabase()


class MockAdapter:
    """One database of mongomock."""

    name = "mongomock"
    capabilities = MOCK.capabilities

    def __init__(self, database: MockDatabase) -> None:
        self._database = database

    def check(self, schema: Schema) -> None:
        """Refuses what MongoDB refuses, so that a test on mongomock says so too."""
        check_schema(schema)

    def compile(self, operation: Operation) -> MongoPrepared:
        return compile_operation(operation, MOCK)

    def round(self, kind: Kind) -> Convert | None:
        """As on MongoDB: moments hold milliseconds."""
        return types.rounding(kind)

    @property
    def database(self) -> Any:
        """The database of mongomock itself."""
        return self._database.documents

    def connect(self) -> MockBackend:
        return MockBackend(self._database)

    def connect_async(self) -> EmbeddedAsyncBackend:
        return EmbeddedAsyncBackend(MockBackend(self._database))


class MockBackend:
    """Runs commands on mongomock."""

    def __init__(self, database: MockDatabase) -> None:
        self._database = database

    def execute(self, command: Command) -> Any:
        """Runs one command; answers what the contract says."""
        with self._database.lock:
            try:
                return self._run(command)
            except DRIVER_ERRORS as error:
                raise translate(error, "mongomock://", command.schema) from error

    def stream(self, command: Read, size: int) -> Generator[Sequence[Any]]:
        """The rows that there are now."""
        return in_parts(self.execute(command), size)

    def ping(self) -> None:
        """mongomock is always there."""

    def create_all(self, schemas: Sequence[Schema]) -> None:
        """Nothing to make: collections appear by themselves, constraints are kept here."""

    def drop_all(self, schemas: Sequence[Schema]) -> None:
        with self._database.lock:
            for schema in schemas:
                self._documents(schema).drop()
                self._database.counters.pop(schema.table, None)

    def close(self) -> None:
        """Data stays as long as the process."""

    def _documents(self, schema: Schema) -> Any:
        return self._database.documents[schema.table]

    def _run(self, command: Command) -> Any:
        documents = self._documents(command.schema)
        match command:
            case Read(document=document):
                return _rows(documents, document)
            case CountRows(document=document):
                found = _rows(documents, document)
                return found[0]["n"] if found else 0
            case ExistsRow(document=document):
                return bool(_rows(documents, document))
            case RawPipeline():
                undeclared(command)
            case InsertRows():
                return self._insert(command)
            case InsertOrChange():
                return self._whole(command.schema, lambda: self._insert_or_change(command))
            case UpdateRows():
                return self._update(command)
            case ChangeEach():
                return self._whole(command.schema, lambda: [self._change(command, each) for each in command.changes])
            case DeleteRows(filter=chosen):
                return documents.delete_many(chosen).deleted_count
        assert_never(command)

    def _insert(self, command: InsertRows) -> list[int]:
        schema, documents = command.schema, self._documents(command.schema)
        counters = self._database.counters
        self._remove_expired(schema)
        last = max(counters.get(schema.table, 0), highest_key(command))
        unkeyed = without_key(command)
        give_keys(unkeyed, range(last + 1, last + 1 + len(unkeyed)))
        counters[schema.table] = last + len(unkeyed)
        done: list[Any] = []
        for document in command.documents:
            unique = self._add(schema, document)
            if unique is None:
                done.append(document[KEY])
            elif not command.ignore_conflicts:
                documents.delete_many({KEY: {"$in": done}})
                raise _violation(schema, unique)
        return [int(document[KEY]) for document in unkeyed]

    def _update(self, command: UpdateRows) -> int:
        assert isinstance(command.update, dict)
        schema, documents = command.schema, self._documents(command.schema)
        changes = command.update["$set"]
        if not any(path_of(schema.field(name)) in changes for unique in schema.uniques for name in unique.fields):
            return int(documents.update_many(command.filter, command.update).matched_count)
        self._remove_expired(schema)
        before = list(documents.find(command.filter))
        for place, document in enumerate(before):
            unique = self._conflict(schema, {**document, **changes})
            if unique is not None:
                for changed in before[:place]:
                    documents.replace_one({KEY: changed[KEY]}, changed)
                raise _violation(schema, unique)
            documents.update_one({KEY: document[KEY]}, command.update)
        return len(before)

    def _whole(self, schema: Schema, work: Callable[[], list[Any]]) -> list[Any]:
        """Does the work or, after an error, puts every document back as it was."""
        self._remove_expired(schema)
        before = list(self._documents(schema).find({}))
        try:
            return work()
        except PolystoreError:
            self._documents(schema).delete_many({})
            if before:
                self._documents(schema).insert_many(before)
            raise

    def _insert_or_change(self, command: InsertOrChange) -> list[Document]:
        schema, merge = command.schema, command.merge
        told = []
        for document in command.documents:
            found = self._documents(schema).find_one({path: {"$eq": document[path]} for path in merge.target})
            if found is None:
                self._insert(InsertRows(schema, [document], False))
                row = document
            else:
                row = self._put(schema, found, {path: document[path] for path in merge.changed})
            told.append({path: row[path] for path in merge.told})
        return told if merge.told else []

    def _change(self, command: ChangeEach, change: Change) -> bool:
        found = self._documents(command.schema).find_one(change.filter)
        if found is not None:
            self._put(command.schema, found, change.update.get("$set", {}))
        return found is not None

    def _put(self, schema: Schema, document: Document, values: Document) -> Document:
        """Gives a document new values and counts its version on."""
        version = {} if schema.version is None else {path_of(schema.version): document[path_of(schema.version)] + 1}
        row = {**document, **values, **version}
        unique = self._conflict(schema, row)
        if unique is not None:
            raise _violation(schema, unique)
        self._documents(schema).replace_one({KEY: row[KEY]}, row)
        return row

    def _add(self, schema: Schema, document: Document) -> UniqueInfo | None:
        """Adds a document, or answers the constraint in its way."""
        unique = self._conflict(schema, document)
        if unique is None:
            try:
                self._documents(schema).insert_one(document)
            except DuplicateKeyError:
                return UniqueInfo((schema.primary_key.name,), KEY)
        return unique

    def _conflict(self, schema: Schema, document: Document) -> UniqueInfo | None:
        """The constraint for whose values another document stands."""
        for unique in schema.uniques:
            held = {path_of(schema.field(name)): document[path_of(schema.field(name))] for name in unique.fields}
            if None in held.values() and unique.nulls_distinct:
                continue
            others: Document = {path: {"$eq": value} for path, value in held.items()}
            others[KEY] = {"$ne": document[KEY]}
            if self._documents(schema).find_one(others) is not None:
                return unique
        return None

    def _remove_expired(self, schema: Schema) -> None:
        if schema.ttl is not None:
            now = datetime.now(UTC).replace(tzinfo=None)
            self._documents(schema).delete_many({EXPIRY: {"$lte": now}})


def _rows(documents: Any, command: Document) -> list[Document]:
    """The rows of a ``find`` or ``aggregate`` command document."""
    if "aggregate" in command:
        return list(documents.aggregate(command["pipeline"]))
    found = documents.find(
        command["filter"],
        command.get("projection"),
        sort=list(command["sort"].items()) if "sort" in command else None,
        skip=command.get("skip", 0),
        limit=command.get("limit", 0),
    )
    return list(found)


def _violation(schema: Schema, unique: UniqueInfo) -> UniqueViolation:
    return UniqueViolation(
        f"{schema.name}: another row already has this {', '.join(unique.fields)}",
        model=schema.name,
        fields=unique.fields,
        constraint=None if unique.name == KEY else unique.name,
    )
