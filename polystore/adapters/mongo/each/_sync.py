# Generated from polystore/adapters/mongo/each/_async.py by tools/twins.py. Do not edit.
"""Inserts that change rows in conflict, and changes by key: whole in a transaction, else row after row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError
from pymongo.synchronous.client_session import ClientSession
from pymongo.synchronous.collection import Collection

from polystore.adapters.mongo.commands import Change, ChangeEach, Document, InsertOrChange
from polystore.adapters.mongo.dialect import KEY
from polystore.adapters.mongo.errors import DRIVER_ERRORS, partial_batch, translate
from polystore.adapters.mongo.inserts import collided, first_error, refuse_too_large, without_key
from polystore.adapters.mongo.merges import answers, change_of, is_lost_race, questions
from polystore.adapters.mongo.url import MongoSettings

Documents: TypeAlias = Collection[Document]
T = TypeVar("T")

_ASKED_AT_ONCE = 500


class Host(Protocol):
    """What a backend lends to these writes."""

    settings: MongoSettings

    def collection(self, table: str) -> Documents: ...

    def in_transaction(self, work: Callable[[ClientSession], Any]) -> Any: ...

    def make_room(self, command: InsertOrChange) -> None:
        """Takes keys that callers chose out of the store's own, and expired rows out of the way."""
        ...

    def allocate(self, table: str, documents: list[Document]) -> None: ...

    def renew_keys(self, table: str) -> None:
        """Gives up keys that other writers have used."""
        ...


# ---- inserts that change rows in conflict


def insert_or_change(host: Host, command: InsertOrChange) -> list[Document]:
    """Inserts rows or changes those in conflict, one after the other; what is told of each."""
    host.make_room(command)
    unkeyed = without_key(command)
    if unkeyed:
        host.allocate(command.schema.table, unkeyed)
    if len(command.documents) == 1:
        return _merge_one(host, command, unkeyed)
    if not host.settings.transactions:
        refuse_too_large(command)
        _merge_on(host, command, unkeyed)
        return _tell(host, command, None)
    while True:
        try:
            told: list[Document] = host.in_transaction(lambda session: _merge_whole(host, command, session))
            return told
        except BulkWriteError as error:
            first = first_error(error)
            if first is None or not _may_repeat(host, command, first, command.documents[first["index"]], unkeyed):
                raise


def _merge_one(host: Host, command: InsertOrChange, unkeyed: list[Document]) -> list[Document]:
    merge, (document,) = command.merge, command.documents
    while True:
        change = change_of(merge, document)
        try:
            found = host.collection(command.schema.table).find_one_and_update(
                change.filter,
                change.update,
                dict.fromkeys(merge.told, 1) or {KEY: 1},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError as error:
            if not _may_repeat(host, command, error.details or {}, document, unkeyed):
                raise
        else:
            return [found or {}] if merge.told else []


def _merge_whole(host: Host, command: InsertOrChange, session: ClientSession) -> list[Document]:
    host.collection(command.schema.table).bulk_write(_upserts(command, 0), session=session)
    return _tell(host, command, session)


def _merge_on(host: Host, command: InsertOrChange, unkeyed: list[Document]) -> None:
    """Writes row after row; where another writer came between, on from there."""
    done, size = 0, len(command.documents)
    while done < size:
        try:
            host.collection(command.schema.table).bulk_write(_upserts(command, done))
            return
        except BulkWriteError as error:
            first = first_error(error)
            done += 0 if first is None else first["index"]
            document = command.documents[done]
            own = [document] if any(document is each for each in unkeyed) else []
            if first is None or not _may_repeat(host, command, first, document, own):
                cause = translate(error, host.settings.label, command.schema)
                raise partial_batch(cause, command.schema, done, size) from error


def _may_repeat(
    host: Host, command: InsertOrChange, error: Mapping[str, Any], document: Document, unkeyed: list[Document]
) -> bool:
    """Whether a collision can be left behind: a row that will now be found, or a key of the store's that was taken."""
    if is_lost_race(command.merge, error):
        return True
    if not collided(error, document, unkeyed):
        return False
    host.renew_keys(command.schema.table)
    host.allocate(command.schema.table, unkeyed)
    return True


def _upserts(command: InsertOrChange, start: int) -> list[UpdateOne]:
    changes = [change_of(command.merge, document) for document in command.documents[start:]]
    return [UpdateOne(change.filter, change.update, upsert=True) for change in changes]


def _tell(host: Host, command: InsertOrChange, session: ClientSession | None) -> list[Document]:
    merge, documents = command.merge, command.documents
    if not merge.told:
        return []
    fields = dict.fromkeys((*merge.told, *merge.target), 1)
    found: list[Document] = []
    for start in range(0, len(documents), _ASKED_AT_ONCE):
        asked = questions(merge, documents[start : start + _ASKED_AT_ONCE])
        found += host.collection(command.schema.table).find(asked, fields, session=session).to_list()
    return answers(merge, documents, found)


# ---- changes by key


def change_each(host: Host, command: ChangeEach) -> list[bool]:
    """Changes rows by key; tells of each whether it was there.

    All at once, which tells how many were there. Only where that is fewer than asked they are done one by one; on a
    single server, where nothing can be undone, this needs changes that may be made twice.
    """
    changes = command.changes
    if len(changes) == 1:
        return [_change(host, command, changes[0], None)]
    if not host.settings.transactions:
        if not command.versioned and _all_matched(host, command):
            return [True] * len(changes)
        return _one_by_one(host, command)
    if host.in_transaction(lambda session: _change_whole(host, command, session)):
        return [True] * len(changes)
    matched: list[bool] = host.in_transaction(lambda session: _change_in(host, command, session))
    return matched


def _change(host: Host, command: ChangeEach, change: Change, session: ClientSession | None) -> bool:
    found = host.collection(command.schema.table).update_one(change.filter, change.update, session=session)
    return found.matched_count > 0


def _change_whole(host: Host, command: ChangeEach, session: ClientSession) -> bool:
    result = host.collection(command.schema.table).bulk_write(_updates(command.changes), session=session)
    whole = result.matched_count == len(command.changes)
    if not whole:
        session.abort_transaction()
    return whole


def _change_in(host: Host, command: ChangeEach, session: ClientSession) -> list[bool]:
    return [_change(host, command, change, session) for change in command.changes]


def _all_matched(host: Host, command: ChangeEach) -> bool:
    try:
        result = host.collection(command.schema.table).bulk_write(_updates(command.changes))
    except BulkWriteError as error:
        first = first_error(error) or {"index": 0}
        cause = translate(error, host.settings.label, command.schema)
        raise partial_batch(cause, command.schema, first["index"], len(command.changes)) from error
    return result.matched_count == len(command.changes)


def _one_by_one(host: Host, command: ChangeEach) -> list[bool]:
    matched: list[bool] = []
    for change in command.changes:
        try:
            matched.append(_change(host, command, change, None))
        except DRIVER_ERRORS as error:
            cause = translate(error, host.settings.label, command.schema)
            raise partial_batch(cause, command.schema, len(matched), len(command.changes)) from error
    return matched


def _updates(changes: Sequence[Change]) -> list[UpdateOne]:
    return [UpdateOne(change.filter, change.update) for change in changes]
