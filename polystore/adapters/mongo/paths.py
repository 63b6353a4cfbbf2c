"""What lies at a path as an aggregation expression: missing or null for NULL, null for null within JSON.

A server looks through arrays by itself: ``$lines.sku`` is a list where ``lines`` is one. So only fields of embedded
models, which are documents, are named by a dotted path; each other step asks what it is in before it is taken.
"""

from __future__ import annotations

from typing import Any, assert_never

from bson import Int64

from polystore.adapters.mongo.values import Document, either, given, literal
from polystore.query.nodes import Path
from polystore.schema.kinds import INT64_MIN, BoolKind, FloatKind, IntKind, Kind, TextKind
from polystore.schema.paths import Attribute, Item, JsonKey, Key, Step

MISSING = "$$REMOVE"
_BEYOND = -float(INT64_MIN)
_WHOLE_TYPES = ["int", "long"]


def at_path(path: Path, root: str) -> Any:
    """What lies at a path.

    Args:
        path: where it lies, and what it is read as.
        root: where the column's value stands.
    """
    value: Any = f"${root}"
    for step in path.steps:
        value = _step(value, step)
    return _read(value, path.kind) if path.of_json else value


def missing(value: Any) -> Document:
    """Whether there is nothing at all, not even null."""
    return {"$eq": [{"$type": value}, "missing"]}


def is_object(value: Any) -> Document:
    """Whether it is a document."""
    return {"$eq": [{"$type": value}, "object"]}


def is_array(value: Any) -> Document:
    """Whether it is an array."""
    return {"$isArray": [value]}


def under_key(value: Any, key: Any) -> Document:
    """What a document holds under a key, whatever is in the key; missing where there is none."""
    return {"$getField": {"field": literal(key), "input": value}}


def item_at(value: Any, index: int) -> Document:
    """The item of an array (or of null) at an index; missing beyond its end."""
    return {"$arrayElemAt": [value, index]}


def items_of(value: Any) -> Document:
    """The items of an array, none of NULL."""
    return {"$ifNull": [value, []]}


def size_of(value: Any) -> Document:
    """The number of items of an array, NULL of NULL."""
    return given({"list": value}, either(is_array("$$list"), {"$size": "$$list"}, None))


def number_in(value: Any) -> Document:
    """The number that something in JSON is; NULL where it is none."""
    return given({"found": value}, either({"$isNumber": "$$found"}, "$$found", None))


# ---- order


def type_in_order(value: Any) -> Document:
    """The place of JSON's type among those that are ordered by: missing comes first, then null."""
    number = either({"$isNumber": "$$found"}, "number", {"$type": "$$found"})
    return given({"found": value}, {"$indexOfArray": [_TYPES_IN_ORDER, number]})


def single_in(value: Any) -> Document:
    """JSON that is a single value; NULL for arrays and objects, which are ordered all alike."""
    return given({"found": value}, either({"$in": [{"$type": "$$found"}, ["array", "object"]]}, None, "$$found"))


_TYPES_IN_ORDER = ["missing", "null", "number", "string", "bool", "array", "object"]

# ---- steps


def _step(value: Any, step: Step) -> Any:
    match step:
        case Attribute(field=field) if isinstance(value, str):
            return f"{value}.{field.column}"
        case Attribute(field=field):
            return under_key(value, field.column)
        case Item(index=index):
            return item_at(value, index)
        case Key(key=key):
            return under_key(value, key)
        case JsonKey(key=key):
            return _step_in_json(value, key, step.index)
    assert_never(step)


def _step_in_json(value: Any, key: str, index: int | None) -> Any:
    branches = [{"case": is_object("$$json"), "then": under_key("$$json", key)}]
    if index is not None:
        branches.append({"case": is_array("$$json"), "then": item_at("$$json", index)})
    return given({"json": value}, {"$switch": {"branches": branches, "default": MISSING}})


# ---- reading JSON as one type


def _read(value: Any, kind: Kind) -> Any:
    match kind:
        case TextKind():
            return _of_type(value, ["string"], "$$found")
        case BoolKind():
            return _of_type(value, ["bool"], "$$found")
        case FloatKind():
            return _of_type(value, [*_WHOLE_TYPES, "double"], {"$toDouble": "$$found"})
        case IntKind():
            return given({"found": value}, {"$switch": {"branches": _whole_numbers(), "default": None}})
        case _:
            return value


def _of_type(value: Any, types: list[str], found: Any) -> Document:
    return given({"found": value}, either({"$in": [{"$type": "$$found"}, types]}, found, None))


def _whole_numbers() -> list[Document]:
    """The cases in which a number is an int of 64 bits."""
    fits = {"$and": [{"$gte": ["$$found", Int64(INT64_MIN)]}, {"$lt": ["$$found", _BEYOND]}]}
    whole = [{"$eq": [{"$type": "$$found"}, "double"]}, fits, {"$eq": [{"$trunc": "$$found"}, "$$found"]}]
    return [
        {"case": {"$in": [{"$type": "$$found"}, _WHOLE_TYPES]}, "then": {"$toLong": "$$found"}},
        {"case": {"$and": whole}, "then": {"$toLong": "$$found"}},
    ]
