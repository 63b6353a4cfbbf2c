"""Upserts as filters and updates, and what is told of the rows that they met. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bson import decode, encode

from polystore.adapters.mongo.commands import Change, Document, Merge
from polystore.adapters.mongo.dialect import KEY
from polystore.adapters.mongo.errors import DUPLICATE_KEY
from polystore.adapters.mongo.types import CODEC


def change_of(merge: Merge, document: Document) -> Change:
    """The upsert of a document: found by its target, changed in some fields, or inserted whole."""
    chosen: Document = {path: {"$eq": document[path]} for path in merge.target}
    changed: Document = {path: document[path] for path in merge.changed}
    if merge.version is not None:
        return Change(chosen, _counting(merge, document, changed))
    rest = {path: value for path, value in document.items() if path not in changed and path not in merge.target}
    return Change(chosen, ({"$set": changed} if changed else {}) | ({"$setOnInsert": rest} if rest else {}))


def _counting(merge: Merge, document: Document, changed: Document) -> list[Document]:
    """A change that counts the version on. Every document has a version and a key: without one it is new."""
    mark = merge.version if merge.target == (KEY,) else KEY
    counted = {merge.version: {"$add": [f"${merge.version}", 1]}}
    return [
        {
            "$replaceWith": {
                "$cond": [
                    {"$eq": [{"$type": f"${mark}"}, "missing"]},
                    {"$literal": document},
                    {"$mergeObjects": ["$$ROOT", {"$literal": changed}, counted]},
                ]
            }
        }
    ]


def is_lost_race(merge: Merge, error: Mapping[str, Any]) -> bool:
    """Whether another writer has inserted the target in the meantime, so that the row will now be found."""
    return error.get("code") == DUPLICATE_KEY and tuple(error.get("keyPattern") or ()) == merge.target


def questions(merge: Merge, documents: Sequence[Document]) -> Document:
    """The filter that finds the rows of documents by their targets."""
    if len(merge.target) == 1:
        (path,) = merge.target
        return {path: {"$in": [document[path] for document in documents]}}
    return {"$or": [{path: {"$eq": document[path]} for path in merge.target} for document in documents]}


def answers(merge: Merge, documents: Sequence[Document], found: Sequence[Document]) -> list[Document]:
    """What is told of each document's row, of rows found by their targets."""
    by_target = {_target_of(merge, row): row for row in found}
    held = decode(encode({"documents": [_part(merge, document) for document in documents]}, False, CODEC), CODEC)
    rows = [by_target.get(_target_of(merge, document), {}) for document in held["documents"]]
    return [{path: row.get(path) for path in merge.told} for row in rows]


def _part(merge: Merge, document: Document) -> Document:
    return {path: document[path] for path in merge.target}


def _target_of(merge: Merge, document: Document) -> tuple[Any, ...]:
    values = zip(merge.loads, merge.target, strict=True)
    return tuple(
        value if load is None or value is None else load(value) for load, path in values for value in (document[path],)
    )
