"""Tests of JSON against a given value, written when the value is known: equality and containment of jsonb.

A server compares documents by the order of their keys. So a test looks at each key and at each item for itself; only
what has one order, such as an array of single values, is compared whole. Each test of a type stands before those that
need it: a server stops at the first one that is false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from polystore.adapters.mongo.paths import is_array, is_object, item_at, missing, under_key
from polystore.adapters.mongo.template import depth_of
from polystore.adapters.mongo.types import json_dump
from polystore.adapters.mongo.values import Document, literal
from polystore.errors import NotSupportedError
from polystore.query.operators import Holding

_DEEPEST = 170
"""How far a test may be nested: a server takes documents of 200 levels, and the test is a part of one."""


def json_test(test: Holding, held: str, label: str) -> Callable[[Any], Document]:
    """The function from a value to a test.

    Args:
        test: what is asked.
        held: the variable of what it is asked of; missing for NULL.
        label: the field, as errors name it.
    """
    write = _TESTS[test]

    def written(value: Any) -> Document:
        made = write(held, value)
        if depth_of(made) > _DEEPEST:
            raise NotSupportedError(
                f"{label}: the value of {test.value} is nested more deeply than a command of MongoDB can be; give a "
                "flatter one, or put .client(max_rows=...) before it"
            )
        return made

    return written


def keys_of(value: Any) -> Document:
    """The keys of a document, none of anything else."""
    pairs = {"$cond": [is_object(value), {"$objectToArray": value}, []]}
    return {"$map": {"input": pairs, "as": "pair", "in": "$$pair.k"}}


# ---- equality


def _equals(held: Any, value: Any) -> Document:
    return {"$and": list(_equal_parts(held, value))}


def _equal_parts(held: Any, value: Any) -> Iterator[Document]:
    if _has_one_order(value):
        yield {"$eq": [held, _literal(value)]}
    elif isinstance(value, dict):
        yield is_object(held)
        yield {"$eq": [{"$size": keys_of(held)}, len(value)]}
        for key, item in value.items():
            yield from _equal_parts(under_key(held, key), item)
    else:
        yield is_array(held)
        yield {"$eq": [{"$size": held}, len(value)]}
        for index, item in enumerate(value):
            yield from _equal_parts(item_at(held, index), item)


def _has_one_order(value: Any) -> bool:
    match value:
        case dict():
            return len(value) < 2 and all(map(_has_one_order, value.values()))
        case list():
            return all(map(_has_one_order, value))
        case _:
            return True


# ---- containment


def _contains(held: Any, part: Any) -> Document:
    """Whether the part is in what is held: objects by keys, arrays as sets, a single value in an array."""
    if isinstance(part, dict | list):
        return {"$and": list(_contained_parts(held, part))}
    within = {"$cond": [is_array(held), {"$in": [_literal(part), held]}, False]}
    return {"$or": [{"$eq": [held, _literal(part)]}, within]}


def _contained_parts(held: Any, part: Any) -> Iterator[Document]:
    match part:
        case dict():
            yield is_object(held)
            for key, item in part.items():
                yield from _contained_parts(under_key(held, key), item)
        case list():
            yield is_array(held)
            for item in part:
                found = {"$and": list(_contained_parts("$$each", item))}
                yield {"$anyElementTrue": [_mapped(held, found)]}
        case _:
            yield {"$eq": [held, _literal(part)]}


def _contained_by(held: Any, whole: Any) -> Document:
    """Whether what is held is in the whole."""
    if not isinstance(whole, list):
        return _is_part(held, whole)
    singles = [item for item in whole if not isinstance(item, dict | list)]
    return {"$or": [{"$in": [held, _literal(singles)]}, _is_part(held, whole)]}


def _is_part(held: Any, whole: Any) -> Document:
    match whole:
        case dict():
            known = {"$setIsSubset": [keys_of(held), literal(list(whole))]}
            parts = ((under_key(held, key), item) for key, item in whole.items())
            return {"$and": [is_object(held), known, *({"$or": [missing(at), _is_part(at, x)]} for at, x in parts)]}
        case list():
            found = {"$or": [_is_part("$$each", item) for item in whole]}
            return {"$and": [is_array(held), {"$allElementsTrue": [_mapped(held, found)]}]}
        case _:
            return {"$eq": [held, _literal(whole)]}


def _mapped(held: Any, test: Document) -> Document:
    return {"$map": {"input": held, "as": "each", "in": test}}


def _literal(value: Any) -> Document:
    return literal(json_dump(value))


_TESTS: dict[Holding, Callable[[str, Any], Document]] = {
    Holding.JSON_EXACT: _equals,
    Holding.JSON_CONTAINS: _contains,
    Holding.JSON_CONTAINED_BY: _contained_by,
}
