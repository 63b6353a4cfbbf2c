"""Conditions on what lies at a path, or on a list as a whole, in the language of ``find``: what an index can serve.

``find`` looks through arrays by itself: ``{"a.b": 1}`` also matches a list of documents and a list of numbers. What is
declared as something else is no array; in JSON anything may be one, so each place in JSON on the way to a value, and
the value itself, is asked not to be one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from polystore.adapters.mongo.dialect import Dialect, path_of
from polystore.query.nodes import Column, Expression, Path
from polystore.query.operators import Holding
from polystore.schema.kinds import BoolKind, IntKind, JsonKind, Kind, ListKind, TextKind
from polystore.schema.paths import Attribute, Item, JsonKey, Key, Step, kind_at

Filter: TypeAlias = dict[str, Any]

NO_ARRAY: Filter = {"$not": {"$type": "array"}}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands in a document.

    Attributes:
        path: the dotted path.
        kind: what is read there.
        held: what stands there: ``kind``, or JSON that is read as one.
        around: the places in JSON on the way to it.
    """

    path: str
    kind: Kind
    held: Kind
    around: tuple[str, ...] = ()

    @property
    def in_json(self) -> bool:
        """Whether anything may stand there."""
        return isinstance(self.held, JsonKind)

    @property
    def outside(self) -> list[str]:
        """The places on the way to it."""
        names = self.path.split(".")
        return [".".join(names[:size]) for size in range(1, len(names))]

    def where(self, test: Filter) -> Filter:
        """The condition that what stands there, unless it is an array in JSON, passes a test."""
        if not self.in_json:
            return {self.path: test}
        return {**dict.fromkeys(self.around, NO_ARRAY), self.path: {**test, **NO_ARRAY}}


_IN_JSON = (JsonKind, TextKind, BoolKind)
_EQUAL_IN_JSON = (*_IN_JSON, IntKind)


def place_of(expression: Expression, *, equal: bool = False) -> Place | None:
    """Where the value of an expression stands; None where ``find`` has no exact words for it.

    Args:
        expression: a column or a path, else there is no such place.
        equal: whether it is only asked to equal something: JSON that is read as an int does so as a number.
    """
    match expression:
        case Column(field=field):
            return Place(path_of(field), field.kind, field.kind)
        case Path(operand=operand, steps=steps, kind=kind) if all(map(_has_words, steps)):
            held = kind_at(operand.field.kind, steps)
            if isinstance(held, JsonKind) and not isinstance(kind, _EQUAL_IN_JSON if equal else _IN_JSON):
                return None
            names = [path_of(operand.field), *map(_name, steps)]
            paths = [".".join(names[: size + 1]) for size in range(len(names))]
            around = tuple(path for path, step in zip(paths, steps, strict=False) if isinstance(step, JsonKey))
            return Place(paths[-1], kind, held, around)
        case _:
            return None


def _has_words(step: Step) -> bool:
    match step:
        case Attribute():
            return True
        case Item():
            return False
        case Key(key=key):
            return _is_name(key)
        case JsonKey(key=key):
            return _is_name(key) and step.index is None


def _is_name(key: str) -> bool:
    return key != "" and "." not in key and not key.startswith("$") and "\0" not in key


def _name(step: Step) -> str:
    match step:
        case Attribute(field=field):
            return field.column
        case Key(key=key) | JsonKey(key=key):
            return key
        case Item(index=index):
            return str(index)


# ---- conditions


def null_at(place: Place, dialect: Dialect) -> Filter:
    """The condition that there is NULL."""
    if place.in_json and (place.around or not isinstance(place.kind, JsonKind)):
        return {"$nor": [value_at(place, dialect)]}
    found = {place.path: {"$eq": None, **NO_ARRAY} if isinstance(place.held, JsonKind | ListKind) else None}
    if dialect.looks_through_null or "." not in place.path:
        return found
    return {"$or": [*({path: None} for path in place.outside), found]}


def value_at(place: Place, dialect: Dialect) -> Filter:
    """The condition that there is a value."""
    match place.held, place.kind:
        case JsonKind(), TextKind():
            return place.where({"$type": "string"})
        case JsonKind(), BoolKind():
            return place.where({"$type": "bool"})
        case JsonKind(), _ if place.around:
            return {**dict.fromkeys(place.around, NO_ARRAY), place.path: {"$exists": True}}
        case ListKind(), _:
            return {place.path: {"$type": "array"}}
        case JsonKind(), _:
            return {"$nor": [null_at(place, dialect)]}
        case _ if dialect.looks_through_null or "." not in place.path:
            return {place.path: {"$ne": None}}
        case _:
            return {"$nor": [null_at(place, dialect)]}


def holding_at(place: Place, test: Holding, value: Any) -> Filter | None:
    """The condition that a list or JSON fulfils a test; None where only an aggregation expression says it."""
    match test:
        case Holding.ARRAY_EXACT:
            return {place.path: {"$eq": value}}
        case Holding.ARRAY_CONTAINS:
            return {place.path: {"$all": value}}
        case Holding.ARRAY_CONTAINED_BY:
            return {place.path: {"$type": "array", "$not": {"$elemMatch": {"$nin": value}}}}
        case Holding.ARRAY_OVERLAP:
            return {place.path: {"$in": value}}
        case Holding.JSON_NULL:
            return place.where({"$type": "null"})
        case _:
            return None
