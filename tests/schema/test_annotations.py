"""The kind of value behind each annotation, and what has none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv6Interface
from typing import Annotated, Any, Literal, Optional

import pydantic
import pytest
from annotated_types import MaxLen
from pydantic import AnyUrl, HttpUrl

from polystore import EmbeddedModel, Field, Model, field
from polystore.errors import ModelError
from polystore.schema.annotations import Sizes, resolve_annotation
from polystore.schema.kinds import (
    BoolKind,
    BytesKind,
    DateKind,
    DateTimeKind,
    DecimalKind,
    DurationKind,
    EmbeddedKind,
    EnumKind,
    FloatKind,
    IntKind,
    IpKind,
    JsonKind,
    Kind,
    ListKind,
    MapKind,
    NaiveDateTimeKind,
    ObjectIdKind,
    TextKind,
    TimeKind,
    UrlKind,
    UuidKind,
    describe_kind,
    is_container,
    plain_kind,
)
from tests.schema.models import KINDS, Colour, Kinds, Spot

EXPECTED: dict[str, tuple[Kind, str]] = {
    "id": (IntKind(), "int"),
    "flag": (BoolKind(), "bool"),
    "number": (IntKind(), "int"),
    "real": (FloatKind(), "float"),
    "price": (DecimalKind(6, 2), "Decimal"),
    "places": (DecimalKind(34, 2), "Decimal"),
    "loose": (DecimalKind(34, None), "Decimal"),
    "text": (TextKind(20), "str"),
    "blob": (BytesKind(), "bytes"),
    "day": (DateKind(), "date"),
    "at": (TimeKind(), "time"),
    "moment": (DateTimeKind(), "aware datetime"),
    "aware": (DateTimeKind("us"), "aware datetime"),
    "wall": (NaiveDateTimeKind(), "naive datetime"),
    "span": (DurationKind(), "timedelta"),
    "uid": (UuidKind(), "UUID"),
    "oid": (ObjectIdKind(), "ObjectId"),
    "size": (TextKind(), "str"),
    "address": (IpKind(IPv4Address), "IPv4Address"),
    "net": (IpKind(IPv6Interface), "IPv6Interface"),
    "site": (UrlKind(AnyUrl), "URL"),
    "page": (UrlKind(HttpUrl), "URL"),
    "data": (JsonKind(), "JSON value"),
    "bag": (JsonKind(), "JSON value"),
    "tags": (ListKind(TextKind()), "list of str"),
    "holes": (ListKind(IntKind(), item_null=True), "list of int"),
    "grid": (ListKind(ListKind(FloatKind())), "list of list of float"),
    "spans": (MapKind(DurationKind()), "dict of str to timedelta"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_annotation_gives_its_kind_and_its_words(name: str) -> None:
    kind, words = EXPECTED[name]
    assert KINDS.field(name).kind == kind
    assert describe_kind(kind) == words


def test_enums_and_embedded_models_keep_their_class() -> None:
    colour, spot = KINDS.field("colour").kind, KINDS.field("spot").kind
    assert isinstance(colour, EnumKind)
    assert isinstance(spot, EmbeddedKind)
    assert (colour.enum, colour.base, dict(colour.members)) == (Colour, TextKind(), {m.value: m for m in Colour})
    assert (spot.model, [info.column for info in spot.schema.fields]) == (Spot, ["label", "seen", "price", "colour"])
    assert describe_kind(colour) == "Colour (one of 'red', 'blue')"
    assert describe_kind(spot) == "Spot"


def test_every_field_of_the_model_is_looked_at_here() -> None:
    assert {info.name for info in KINDS.fields} == {*EXPECTED, "colour", "spot", "trip"}


def test_plain_kinds_are_what_stores_see() -> None:
    assert plain_kind(KINDS.field("colour").kind) == TextKind()
    assert plain_kind(KINDS.field("address").kind) == plain_kind(KINDS.field("site").kind) == TextKind()
    assert plain_kind(IntKind()) == IntKind()


def test_containers_are_the_kinds_that_change_in_place() -> None:
    assert {info.name for info in KINDS.fields if is_container(info.kind)} == set(KINDS.containers)
    assert set(KINDS.containers) == {"data", "bag", "tags", "holes", "grid", "spans", "spot", "trip"}


@pytest.mark.parametrize(
    ("annotation", "null"),
    [(int, False), (int | None, True), (Optional[int], True), (Any, True), (list[int | None], False)],  # noqa: UP045
)
def test_none_within_an_annotation_makes_the_field_nullable(annotation: Any, null: bool) -> None:
    assert resolve_annotation(annotation, Sizes(), "Model.field").null is null


def test_sizes_are_found_in_annotated_types_and_in_the_field() -> None:
    class Sized(Model):
        name: Field[Annotated[str, MaxLen(5)]]
        note: Field[Annotated[str, pydantic.Field(max_length=6)] | None] = field(default=None)
        cost: Field[Annotated[Decimal, pydantic.Field(max_digits=5, decimal_places=1)] | None] = field(default=None)
        tags: Field[list[Annotated[str, MaxLen(3)]]] = field(default_factory=list)

    kinds = [info.kind for info in Sized.__polystore_schema__.beside_key]
    assert kinds == [TextKind(5), TextKind(6), DecimalKind(5, 1), ListKind(TextKind(3))]


class Mixed(Enum):
    ONE = 1
    TWO = "two"


class Nested(Model):
    name: Field[str]


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (complex, "Album.field: no kind of value for <class 'complex'>; use bool, int, float, Decimal, str, bytes"),
        (set[int], "no kind of value for set[int]"),
        (tuple[int, int], "no kind of value for tuple[int, int]"),
        (int | str, "no kind of value for int | str"),
        (int | str | None, "no kind of value for"),
        (Callable, "no kind of value for"),
        (dict[int, str], "a dict needs str keys, not <class 'int'>; use dict[str, T] or a list of embedded models"),
        (Literal["a", 1], "a Literal needs values of one type, str, int or bool, not ('a', 1)"),
        (Mixed, "the members of Mixed need values of one type: str, int, float or bool"),
        (Nested, "Nested is a model; embed an EmbeddedModel, or refer to it by key"),
        (list[complex], "no kind of value for <class 'complex'>"),
        (dict[str, set[int]], "no kind of value for set[int]"),
        (pydantic.SecretStr, "no kind of value for"),
    ],
)
def test_what_has_no_kind_is_told_with_the_kinds_there_are(annotation: Any, message: str) -> None:
    with pytest.raises(ModelError) as raised:
        resolve_annotation(annotation, Sizes(), "Album.field")
    text = str(raised.value)
    assert text.startswith("Album.field: ")
    assert message in text


def test_a_model_names_itself_and_the_field_that_has_no_kind() -> None:
    with pytest.raises(ModelError, match=r"^Odd\.pair: no kind of value for tuple\[int, int\]; use bool, "):

        class Odd(Model):
            pair: Field[tuple[int, int]]


def test_an_embedded_model_cannot_contain_itself() -> None:
    with pytest.raises(ModelError, match=r"Tree\.child: Tree is not finished; an embedded model cannot contain itself"):

        class Tree(EmbeddedModel):
            child: Field[Tree | None] = field(default=None)


def test_the_model_is_known_by_its_schema() -> None:
    assert (KINDS.name, KINDS.table, KINDS.primary_key.name) == ("Kinds", "schema_kinds", "id")
    assert Kinds(moment=datetime.fromisoformat("2024-01-01T00:00:00Z")).id is None
