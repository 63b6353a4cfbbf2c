"""What an insert decides without asking the server: which documents need keys, and what a conflict was about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bson import Int64, encode
from pymongo.errors import BulkWriteError

from polystore.adapters.mongo.commands import Document, InsertOrChange, InsertRows
from polystore.adapters.mongo.dialect import KEY
from polystore.adapters.mongo.errors import DUPLICATE_KEY, is_duplicate_key
from polystore.adapters.mongo.types import CODEC
from polystore.errors import DataError

MAX_DOCUMENT = 16 * 1024 * 1024


def without_key(command: InsertRows | InsertOrChange) -> list[Document]:
    """The documents that the store shall give a key."""
    if not command.schema.primary_key.auto:
        return []
    return [document for document in command.documents if document[KEY] is None]


def highest_key(command: InsertRows | InsertOrChange) -> int:
    """The highest int64 key that the caller chose where the store could have; 0 when none is positive."""
    if not command.schema.primary_key.auto:
        return 0
    return max((document[KEY] for document in command.documents if document[KEY] is not None), default=0)


def give_keys(documents: Iterable[Document], keys: Iterable[int]) -> None:
    """Writes allocated keys into documents."""
    for document, key in zip(documents, keys, strict=True):
        document[KEY] = Int64(key)


def collided(error: Mapping[str, Any], document: Document, allocated: Sequence[Document]) -> bool:
    """Whether a conflict is about a key that the store allocated, so that another key will do."""
    return is_duplicate_key(error) and any(document is each for each in allocated)


def to_try_again(
    errors: Iterable[Mapping[str, Any]], documents: Sequence[Document], allocated: Sequence[Document]
) -> list[Document]:
    """Of an unordered insert: the documents left out only because of a key that the store allocated."""
    return [documents[error["index"]] for error in errors if collided(error, documents[error["index"]], allocated)]


def refuse_too_large(command: InsertRows | InsertOrChange) -> None:
    """Refuses a batch with a document that the server would not take, before any of the batch is sent.

    Raises:
        DataError: names the row's place in the batch.
    """
    for place, document in enumerate(command.documents):
        size = len(encode(document, codec_options=CODEC))
        if size > MAX_DOCUMENT:
            raise DataError(
                f"{command.schema.name}: row {place} of the batch takes {size:,} bytes; a document of MongoDB has at "
                "most 16 MB"
            )


def first_error(error: BulkWriteError) -> Document | None:
    """What went wrong first in a batch; None when it was nothing that a document did."""
    found: list[Document] = error.details.get("writeErrors") or []
    return found[0] if found else None


def only_conflicts(errors: Iterable[Mapping[str, Any]]) -> bool:
    """Whether nothing went wrong but unique constraints."""
    return all(error.get("code") == DUPLICATE_KEY for error in errors)
