"""Questions about lists, dicts and JSON as a whole, as aggregation expressions: true or false, never null."""

from __future__ import annotations

from typing import Any, assert_never

from polystore.adapters.mongo.dialect import Dialect
from polystore.adapters.mongo.json_tests import json_test, keys_of
from polystore.adapters.mongo.paths import is_array, items_of
from polystore.adapters.mongo.template import Hole
from polystore.adapters.mongo.values import Document, given, literal
from polystore.query.nodes import Column, Holds, Null, Parameter, Path
from polystore.query.operators import Holding


def holding(node: Holds, held: Any, dialect: Dialect) -> Document:
    """Whether what is held fulfils the test.

    Args:
        node: what is asked of what.
        held: the list, dict or JSON as an aggregation expression; JSON that is NULL is missing.
        dialect: how values are stored.
    """
    test, value = node.test, node.value
    if isinstance(value, Null):
        return {"$eq": [{"$type": held}, "null"]}
    given_value = literal(value_of_test(value, dialect))
    match test:
        case Holding.ARRAY_EXACT:
            return {"$eq": [held, given_value]}
        case Holding.ARRAY_CONTAINS:
            return {"$setIsSubset": [given_value, items_of(held)]}
        case Holding.ARRAY_CONTAINED_BY:
            among = {"$setIsSubset": [items_of("$$list"), given_value]}
            return given({"list": held}, {"$and": [is_array("$$list"), among]})
        case Holding.ARRAY_OVERLAP:
            return _any_of(items_of(held), given_value)
        case Holding.HAS_KEY:
            return given({"held": held}, {"$in": [given_value, keys_of("$$held")]})
        case Holding.HAS_KEYS:
            return given({"held": held}, {"$setIsSubset": [given_value, keys_of("$$held")]})
        case Holding.HAS_ANY_KEYS:
            return given({"held": held}, _any_of(keys_of("$$held"), given_value))
        case Holding.JSON_EXACT | Holding.JSON_CONTAINS | Holding.JSON_CONTAINED_BY:
            return given({"held": held}, Hole(value.index, json_test(test, "$$held", _label(node.operand))))
        case Holding.JSON_NULL:
            raise AssertionError("a test for null has no value")
    assert_never(test)


def value_of_test(value: Parameter, dialect: Dialect) -> Hole:
    """The place of the value that a list or the keys of a document are asked about."""
    return Hole(value.index, dialect.codec.dump(value.kind))


def _label(operand: Column | Path) -> str:
    column = operand.operand if isinstance(operand, Path) else operand
    return column.field.label


def _any_of(found: Any, wanted: Document) -> Document:
    return {"$gt": [{"$size": {"$setIntersection": [found, wanted]}}, 0]}
