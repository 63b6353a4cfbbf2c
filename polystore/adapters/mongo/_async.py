"""Runs commands on a MongoDB server.

Reads go out as plain ``find`` and ``aggregate`` commands, without a cursor object, and are tried once more when the
connection breaks; writes by key use the driver's retryable writes.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bson import Int64
from bson.json_util import dumps
from pymongo import AsyncMongoClient, ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.command_cursor import AsyncCommandCursor
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    OperationFailure,
    ServerSelectionTimeoutError,
)

from polystore.adapters.base import RawRows
from polystore.adapters.key_blocks import KeyBlocks
from polystore.adapters.mongo import pipelines
from polystore.adapters.mongo.commands import (
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
    explainable,
    in_batches,
)
from polystore.adapters.mongo.ddl import create_command, index_documents, modify_command
from polystore.adapters.mongo.dialect import EXPIRY, KEY
from polystore.adapters.mongo.each._async import change_each, insert_or_change
from polystore.adapters.mongo.errors import DRIVER_ERRORS, NAMESPACE_EXISTS, partial_batch, translate
from polystore.adapters.mongo.inserts import (
    collided,
    first_error,
    give_keys,
    highest_key,
    only_conflicts,
    refuse_too_large,
    to_try_again,
    without_key,
)
from polystore.adapters.mongo.keys import COUNTERS, VALUE, KnownCounters
from polystore.adapters.mongo.types import CODEC
from polystore.adapters.mongo.url import MongoSettings
from polystore.schema.model import Schema

Documents: TypeAlias = AsyncCollection[Document]


class AsyncMongoBackend:
    """An open store: one client with its pool, made at the first command."""

    def __init__(self, settings: MongoSettings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._client: AsyncMongoClient[Document] | None = None
        self._database: AsyncDatabase[Document] | None = None
        self._collections: dict[str, Documents] = {}
        self._reading: dict[str, Any] = {}
        self._read_concern: Document = {}
        self._keys = KeyBlocks()
        self._counters = KnownCounters()
        self._runs: dict[type, Callable[[Any], Awaitable[Any]]] = {
            Read: self._read,
            CountRows: self._count,
            ExistsRow: self._exists,
            RawPipeline: self._raw,
            InsertRows: self._insert,
            InsertOrChange: self._insert_or_change,
            UpdateRows: self._update,
            ChangeEach: self._change_each,
            DeleteRows: self._delete,
        }

    async def execute(self, command: Command) -> Any:
        """Runs one command; answers what the contract says."""
        try:
            return await self._runs[command.__class__](command)
        except DRIVER_ERRORS as error:
            raise translate(error, self.settings.label, command.schema) from error

    async def ping(self) -> None:
        """One round trip to the server.

        Raises:
            StoreUnavailable: no server answers.
        """
        try:
            await self._opened().command("ping")
        except DRIVER_ERRORS as error:
            raise translate(error, self.settings.label) from error

    async def create_all(self, schemas: Sequence[Schema]) -> None:
        """Makes collections with validators and indexes, or renews them. Two or three round trips each."""
        for schema in schemas:
            try:
                await self._create(self._opened(), schema)
            except DRIVER_ERRORS as error:
                raise translate(error, self.settings.label, schema) from error

    async def drop_all(self, schemas: Sequence[Schema]) -> None:
        """Removes collections and their key counters. Two round trips each."""
        for schema in schemas:
            try:
                await self._opened().drop_collection(schema.table)
                await self.collection(COUNTERS).delete_one({KEY: schema.table})
            except DRIVER_ERRORS as error:
                raise translate(error, self.settings.label, schema) from error
            self._keys.discard(schema.table)
            self._counters.forget(schema.table)

    async def analyze(self, command: Command) -> str:
        """The server's plan of a command and how it went, as JSON. One round trip; a write is not carried out."""
        document = {"explain": explainable(command), "verbosity": "executionStats"}
        try:
            return dumps(await self._run(document), indent=2)
        except DRIVER_ERRORS as error:
            raise translate(error, self.settings.label, command.schema) from error

    async def close(self) -> None:
        """Closes all connections; the next command opens new ones."""
        with self._lock:
            client, self._client, self._database = self._client, None, None
            self._collections = {}
        if client is not None:
            await client.close()

    # ---- connections

    def _opened(self) -> AsyncDatabase[Document]:
        database = self._database
        return database if database is not None else self._open()

    def _open(self) -> AsyncDatabase[Document]:
        with self._lock:
            if self._client is None or self._database is None:
                self._client = AsyncMongoClient(self.settings.url, **self.settings.options)
                self._database = self._client.get_database(self.settings.database, codec_options=CODEC)
                self._reading = {"codec_options": CODEC, "read_preference": self._client.read_preference}
                self._read_concern = self._client.read_concern.document
            return self._database

    def collection(self, table: str) -> Documents:
        collection = self._collections.get(table)
        if collection is None:
            collection = self._collections[table] = self._opened()[table]
        return collection

    async def in_transaction(self, work: Callable[[AsyncClientSession], Awaitable[Any]]) -> Any:
        client = self._opened().client
        async with client.start_session() as session:
            return await session.with_transaction(work)

    # ---- reads

    async def _run(self, document: Document) -> Any:
        database = self._opened()
        if self._read_concern:
            document["readConcern"] = self._read_concern
        try:
            return await database.command(document, **self._reading)
        except ServerSelectionTimeoutError:
            raise
        except AutoReconnect:
            return await database.command(document, **self._reading)

    async def _read(self, command: Read) -> list[Document]:
        if command.bounded:
            cursor = (await self._run(command.document))["cursor"]
            if not cursor["id"]:
                return cursor["firstBatch"]  # type: ignore[no-any-return]  # the reply of find and aggregate
            await self._opened().command({"killCursors": command.schema.table, "cursors": [cursor["id"]]})
        return await self._read_on(command.document)

    async def _read_on(self, document: Document) -> list[Document]:
        """All rows, over as many replies as they need."""
        return await (await self._cursor(document)).to_list()

    async def _cursor(self, document: Document) -> AsyncCommandCursor[Document]:
        database = self._opened()
        if self._read_concern:
            document["readConcern"] = self._read_concern
        try:
            return await database.cursor_command(document, **self._reading)
        except ServerSelectionTimeoutError:
            raise
        except AutoReconnect:
            return await database.cursor_command(document, **self._reading)

    async def stream(self, command: Read, size: int) -> AsyncGenerator[list[Document]]:
        """The rows by batches of the server's cursor, which is closed with the generator."""
        try:
            async with await self._cursor(in_batches(command.document, size)) as cursor:
                cursor.batch_size(size)
                rows: list[Document] = []
                async for row in cursor:
                    rows.append(row)
                    if len(rows) == size:
                        yield rows
                        rows = []
                if rows:
                    yield rows
        except DRIVER_ERRORS as error:
            raise translate(error, self.settings.label, command.schema) from error

    async def _count(self, command: CountRows) -> int:
        found = (await self._run(command.document))["cursor"]["firstBatch"]
        return int(found[0]["n"]) if found else 0

    async def _exists(self, command: ExistsRow) -> bool:
        return bool((await self._run(command.document))["cursor"]["firstBatch"])

    async def _raw(self, command: RawPipeline) -> RawRows:
        cursor = await self._opened().cursor_command(command.document, **self._reading)
        return pipelines.answered(await cursor.to_list())

    # ---- writes

    async def _update(self, command: UpdateRows) -> int:
        collection = self.collection(command.schema.table)
        if command.schema.ttl is not None and command.schema.uniques:
            await self._remove_expired(command.schema)
        if command.single:
            return (await collection.update_one(command.filter, command.update)).matched_count
        if not command.fallible:
            return (await collection.update_many(command.filter, command.update)).matched_count
        return await self._whole(
            command,
            lambda session: collection.update_many(command.filter, command.update, session=session),
            lambda result: result.matched_count,
        )

    async def _delete(self, command: DeleteRows) -> int:
        collection = self.collection(command.schema.table)
        if command.single:
            return (await collection.delete_one(command.filter)).deleted_count
        if not command.fallible:
            return (await collection.delete_many(command.filter)).deleted_count
        return await self._whole(
            command,
            lambda session: collection.delete_many(command.filter, session=session),
            lambda result: result.deleted_count,
        )

    async def _whole(
        self,
        command: UpdateRows | DeleteRows,
        change: Callable[[AsyncClientSession | None], Awaitable[Any]],
        number: Callable[[Any], int],
    ) -> int:
        """Changes all matching documents or none: in a transaction, or after a rehearsal where there are none."""
        if self.settings.transactions:
            return number(await self.in_transaction(change))
        if command.rehearsal is not None:
            await (await self.collection(command.schema.table).aggregate(command.rehearsal)).to_list()
        return number(await change(None))

    async def _change_each(self, command: ChangeEach) -> list[bool]:
        if command.schema.ttl is not None and command.schema.uniques:
            await self._remove_expired(command.schema)
        return await change_each(self, command)

    async def _insert_or_change(self, command: InsertOrChange) -> list[Document]:
        return await insert_or_change(self, command)

    async def make_room(self, command: InsertRows | InsertOrChange) -> None:
        """Takes keys that callers chose out of the store's own, and expired rows out of the way."""
        highest = highest_key(command)
        if highest > 0:
            await self._pass_key(command.schema.table, highest)
        if command.schema.ttl is not None:
            await self._remove_expired(command.schema)

    async def _insert(self, command: InsertRows) -> list[int]:
        table = command.schema.table
        await self.make_room(command)
        unkeyed = without_key(command)
        pending, allocated = command.documents, unkeyed
        while pending:
            if allocated:
                await self.allocate(table, allocated)
            pending = await self._write(command, pending, allocated)
            if pending:
                await self.renew_keys(table)
                allocated = [document for document in pending if any(document is each for each in unkeyed)]
        return [int(document[KEY]) for document in unkeyed]

    async def _write(self, command: InsertRows, documents: list[Document], allocated: list[Document]) -> list[Document]:
        """Inserts the documents; answers those to try again with new keys."""
        if len(documents) == 1:
            return await self._write_one(command, documents, allocated)
        if command.ignore_conflicts:
            return await self._write_unordered(command, documents, allocated)
        collection = self.collection(command.schema.table)
        try:
            if self.settings.transactions:

                async def insert(session: AsyncClientSession) -> None:
                    await collection.insert_many(documents, session=session)

                await self.in_transaction(insert)
            else:
                refuse_too_large(command)
                await collection.insert_many(documents)
        except BulkWriteError as error:
            done = 0 if self.settings.transactions else error.details.get("nInserted", 0)
            first = first_error(error)
            if first is not None and collided(first, documents[first["index"]], allocated):
                return documents[done:]
            before = len(command.documents) - len(documents)
            cause = translate(error, self.settings.label, command.schema)
            raise partial_batch(cause, command.schema, before + done, len(command.documents)) from error
        return []

    async def _write_one(
        self, command: InsertRows, documents: list[Document], allocated: list[Document]
    ) -> list[Document]:
        try:
            await self.collection(command.schema.table).insert_one(documents[0])
        except DuplicateKeyError as error:
            if collided(error.details or {}, documents[0], allocated):
                return documents
            if not command.ignore_conflicts:
                raise
        return []

    async def _write_unordered(
        self, command: InsertRows, documents: list[Document], allocated: list[Document]
    ) -> list[Document]:
        try:
            await self.collection(command.schema.table).insert_many(documents, ordered=False)
        except BulkWriteError as error:
            errors = error.details.get("writeErrors") or []
            if not only_conflicts(errors) or error.details.get("writeConcernErrors"):
                raise
            return to_try_again(errors, documents, allocated)
        return []

    async def _remove_expired(self, schema: Schema) -> None:
        await self.collection(schema.table).delete_many({EXPIRY: {"$lte": datetime.now(UTC)}})

    # ---- keys

    async def allocate(self, table: str, documents: list[Document]) -> None:
        count = len(documents)
        keys: Sequence[int] = []
        if count > 1:
            last = await self._advance(table, count)
            keys = range(last - count + 1, last + 1)
        while not keys:
            keys = self._keys.take(table, 1)
            if not keys:
                block = self.settings.key_block
                last = await self._advance(table, block)
                self._keys.add(table, range(last - block + 1, last + 1))
        give_keys(documents, keys)

    async def _advance(self, table: str, count: int) -> int:
        """Moves the counter on and answers its new value."""
        step = {"$inc": {VALUE: Int64(count)}}
        counter: Any = await self.collection(COUNTERS).find_one_and_update(
            {KEY: table}, step, upsert=True, return_document=ReturnDocument.AFTER
        )
        self._counters.passed(table, int(counter[VALUE]))
        return int(counter[VALUE])

    async def _pass_key(self, table: str, key: int) -> None:
        """Moves the counter to a key that a caller chose, unless it has already come so far."""
        if not self._counters.is_passed(table, key):
            await self.collection(COUNTERS).update_one({KEY: table}, {"$max": {VALUE: Int64(key)}}, upsert=True)
            self._counters.passed(table, key)

    async def renew_keys(self, table: str) -> None:
        """Gives up the keys set aside, of which other writers have used some, for those behind all that are stored."""
        self._keys.discard(table)
        found = await self.collection(table).find_one({KEY: {"$gt": 0}}, {KEY: 1}, sort=[(KEY, -1)])
        if found is not None:
            await self._pass_key(table, int(found[KEY]))

    # ---- collections

    async def _create(self, database: AsyncDatabase[Document], schema: Schema) -> None:
        try:
            await database.command(create_command(schema))
        except OperationFailure as error:
            if error.code != NAMESPACE_EXISTS:
                raise
            await database.command(modify_command(schema))
        indexes = index_documents(schema)
        if indexes:
            await database.command({"createIndexes": schema.table, "indexes": indexes})
