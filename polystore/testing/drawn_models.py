"""Random models for Hypothesis: any key, any fields under any names, columns, indexes and orderings."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from itertools import count
from typing import Any
from uuid import UUID

from bson import ObjectId
from hypothesis import strategies as st
from msgspec import Struct
from pydantic import AnyUrl, NaiveDatetime

from polystore import Index, Model, field
from polystore.testing.models import Level, Mood, Person
from polystore.testing.strategies import FIELDS, ORDERED

KINDS: Mapping[str, tuple[Any, Mapping[str, Any]]] = {
    "flag": (bool, {}),
    "number": (int, {}),
    "real": (float, {}),
    "amount": (Decimal, {"max_digits": 12, "decimal_places": 2}),
    "exact": (Decimal, {"max_digits": 30, "decimal_places": 10}),
    "loose": (Decimal, {}),
    "text": (str, {"max_length": 200}),
    "blob": (bytes, {"max_length": 200}),
    "day": (date, {}),
    "at": (time, {}),
    "moment": (datetime, {"precision": "us"}),
    "instant": (datetime, {}),
    "wall": (NaiveDatetime, {"precision": "us"}),
    "span": (timedelta, {}),
    "uid": (UUID, {}),
    "oid": (ObjectId, {}),
    "mood": (Mood, {}),
    "level": (Level, {}),
    "address": (IPv4Address, {}),
    "site": (AnyUrl, {"max_length": 200}),
    "data": (Any, {}),
    "tags": (list[str], {}),
    "moments": (list[datetime], {}),
    "amounts": (dict[str, Decimal], {}),
    "person": (Person, {}),
    "people": (list[Person], {}),
}
"""Annotation and options by the name that ``strategies.FIELDS`` has values for."""

KEYS: Mapping[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "int": (int, st.integers(1, 2**40)),
    "text": (str, st.text("abcXYZ:{}%é0", min_size=1, max_size=8)),
    "uuid": (UUID, st.uuids()),
    "object id": (ObjectId, st.binary(min_size=12, max_size=12).map(ObjectId)),
}
_NAMES = ["order", "select", "value", "key", "type", "size", "x", "group", "index", "desc", "limit", "a1", "user"]
_COLUMNS = ["", "", "", "Column", "where", "from", "c_x", "values", "table", "null", "Primary_2", "Name"]
_tables = count()


class DrawnField(Struct, frozen=True):
    """A field of a random model: ``kind`` is a name in KINDS."""

    name: str
    kind: str
    null: bool
    index: bool
    column: str

    @property
    def values(self) -> st.SearchStrategy[Any]:
        """What the field may hold."""
        held = FIELDS[self.kind].strategy
        return st.none() | held if self.null else held


class DrawnModel(Struct, frozen=True):
    """A random model as a description, which Hypothesis can show and shrink."""

    key: str
    key_name: str
    fields: tuple[DrawnField, ...]
    ordering: tuple[str, ...]

    @property
    def ordered(self) -> list[DrawnField]:
        """The fields that rows can be ordered by."""
        return [each for each in self.fields if each.kind in ORDERED]

    def make(self) -> type[Model]:
        """A class of this description, with a table of its own."""
        kind, _ = KEYS[self.key]
        options: dict[str, Any] = {"max_length": 40} if kind is str else {}
        annotations: dict[str, Any] = {self.key_name: kind}
        namespace: dict[str, Any] = {self.key_name: field(primary_key=True, **options)}
        for each in self.fields:
            annotation, sizes = KINDS[each.kind]
            annotations[each.name] = annotation | None if each.null and annotation is not Any else annotation
            given: dict[str, Any] = {**sizes, "index": each.index}
            if each.column:
                given["db_column"] = each.column
            if each.null or annotation is Any:
                given["default"] = None
            namespace[each.name] = field(**given)
        indexes = [Index(f"-{one.name}", self.key_name) for one in self.ordered[:1] if one.index]
        meta = {"table": f"compliance_drawn_{next(_tables)}", "ordering": self.ordering, "indexes": indexes}
        namespace |= {"__annotations__": annotations, "__module__": __name__, "Meta": type("Meta", (), meta)}
        return types.new_class("Drawn", (Model,), exec_body=lambda body: body.update(namespace))

    def rows(self, most: int) -> st.SearchStrategy[Sequence[dict[str, Any]]]:
        """Rows with a key each, no two of them the same."""
        _, keys = KEYS[self.key]
        columns = {self.key_name: keys, **{each.name: each.values for each in self.fields}}
        return st.lists(
            st.fixed_dictionaries(columns), min_size=1, max_size=most, unique_by=lambda row: row[self.key_name]
        )


@st.composite
def drawn_models(draw: st.DrawFn, kinds: Sequence[str]) -> DrawnModel:
    """Models of one to six fields of these kinds."""
    names = draw(st.lists(st.sampled_from(_NAMES), min_size=2, max_size=7, unique=True))
    columns = draw(st.lists(st.sampled_from(_COLUMNS), min_size=len(names), max_size=len(names)))
    fields = []
    used = {name.lower() for name in names}
    for name, column in zip(names[1:], columns, strict=False):
        kind = draw(st.sampled_from(kinds))
        taken = column.lower() in used
        used.add(column.lower())
        index = kind in ORDERED and draw(st.booleans())
        fields.append(DrawnField(name, kind, draw(st.booleans()), index, "" if taken else column))
    key_name = draw(st.sampled_from(["id", names[0]]))
    ordered = [each.name for each in fields if each.kind in ORDERED and each.index]
    ordering = draw(st.lists(st.sampled_from(ordered), max_size=2, unique=True)) if ordered else []
    return DrawnModel(draw(st.sampled_from(list(KEYS))), key_name, tuple(fields), tuple(ordering))
