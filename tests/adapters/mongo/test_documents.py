"""Paths, lists and JSON become commands that an index serves where they can, and are refused where nothing is exact."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from bson import Decimal128, Int64
from pymongo import MongoClient

from polystore import Field, Index, Model, Q, Store, field
from polystore.adapters.mongo.commands import UpdateRows
from polystore.adapters.mongo.ddl import check_schema, index_documents
from polystore.api.complete import schema_of
from polystore.errors import DataError, NotSupportedError
from polystore.testing.models import Author, City, Document, Line
from tests.adapters.mongo.helpers import bound, filter_document

DOCUMENT = schema_of(Document)
NO_ARRAY = {"$not": {"$type": "array"}}


# ---- conditions


@pytest.mark.parametrize(
    ("lookups", "expected"),
    [
        ({"author__city__name": "Oslo"}, {"author.city.name": "Oslo"}),
        ({"author__age__range": (1, 2)}, {"author.age": {"$gte": 1, "$lte": 2}}),
        ({"author__fee__gt": 1}, {"author.fee": {"$gt": Decimal128("1.00")}}),
        ({"author__age": None}, {"author.age": None}),
        ({"words__k": "v"}, {"words.k": "v"}),
        ({"tags": ["a", "b"]}, {"tags": {"$eq": ["a", "b"]}}),
        ({"tags__contains": "a"}, {"tags": {"$all": ["a"]}}),
        ({"tags__overlap": ["a", "b"]}, {"tags": {"$in": ["a", "b"]}}),
        ({"tags__contained_by": []}, {"tags": {"$type": "array", "$not": {"$elemMatch": {"$nin": []}}}}),
        ({"tags": None}, {"tags": {"$eq": None, **NO_ARRAY}}),
        (
            {"lines__sku": "a", "lines__quantity__gt": 1},
            {"lines": {"$elemMatch": {"sku": "a", "quantity": {"$gt": 1}}}},
        ),
        ({"data__a__b": 1}, {"data": NO_ARRAY, "data.a": NO_ARRAY, "data.a.b": {"$eq": 1, **NO_ARRAY}}),
        ({"data__a__gt": "x"}, {"data": NO_ARRAY, "data.a": {"$gt": "x", **NO_ARRAY}}),
        ({"data__a": None}, {"data": NO_ARRAY, "data.a": {"$type": "null", **NO_ARRAY}}),
        ({"data__a__isnull": False}, {"data": NO_ARRAY, "data.a": {"$exists": True}}),
        ({"data__a__in": [1, 2]}, {"data": NO_ARRAY, "data.a": {"$in": [1, 2], **NO_ARRAY}}),
        ({"data__a__in": ["x"]}, {"data": NO_ARRAY, "data.a": {"$in": ["x"], **NO_ARRAY}}),
        ({"data__a": 1, "data__b": 2}, None),
    ],
)
def test_what_find_can_say_is_said_in_its_own_words(lookups: dict[str, Any], expected: dict[str, Any] | None) -> None:
    both = {"data": NO_ARRAY, "data.a": {"$eq": 1, **NO_ARRAY}, "data.b": {"$eq": 2, **NO_ARRAY}}
    assert filter_document(DOCUMENT, **lookups) == (expected or both)


@pytest.mark.parametrize(
    ("lookups", "expected"),
    [
        ({"author__city__name": "Oslo"}, {"author.city.name": {"$ne": "Oslo"}}),
        ({"author__age__in": [1, 2]}, {"author.age": {"$nin": [1, 2]}}),
        ({"author__age": None}, {"author.age": {"$ne": None}}),
        ({"tags": None}, {"tags": {"$type": "array"}}),
        ({"tags__contains": "a"}, {"tags": {"$not": {"$all": ["a"]}}}),
        ({"lines__sku": "a"}, {"lines": {"$not": {"$elemMatch": {"sku": "a"}}}}),
        ({"data__a": 1}, {"$nor": [{"data": NO_ARRAY, "data.a": {"$eq": 1, **NO_ARRAY}}]}),
    ],
)
def test_exclude_is_the_complement(lookups: dict[str, Any], expected: dict[str, Any]) -> None:
    assert filter_document(DOCUMENT, exclude=True, **lookups) == expected


@pytest.mark.parametrize("name", ["data__0", "data__a.b", "data__$a", "data____exact", "tags__0", "words__$x"])
def test_a_place_that_find_takes_for_another_is_computed(name: str) -> None:
    assert list(filter_document(DOCUMENT, **{name: "x"})) == ["$expr"]


@pytest.mark.parametrize(
    "lookups",
    [
        {"data": {"$gt": "$x"}},
        {"data__contains": {"$where": "$x"}},
        {"data__contained_by": [{"$or": "$x"}]},
        {"data__has_key": "$x"},
        {"data__$where": "$x"},
        {"words__$where": "$x"},
    ],
)
def test_keys_and_values_are_never_operators(lookups: dict[str, Any]) -> None:
    """K3, K5."""
    assert _stray(filter_document(DOCUMENT, **lookups)) == []


def _stray(node: Any) -> list[Any]:
    """What of a command would be read as a path of ours or as an operator that nobody wrote."""
    match node:
        case {"$literal": _}:
            return []
        case dict():
            return [
                *(key for key in node if key == "$where"),
                *(each for item in node.values() for each in _stray(item)),
            ]
        case list():
            return [each for item in node for each in _stray(item)]
        case _:
            return [node] if node in ("$x", "$where") else []


def test_a_value_nested_too_deeply_for_a_command_is_refused_before_any_io() -> None:
    deep: Any = 1
    for _ in range(60):
        deep = [deep]
    with pytest.raises(NotSupportedError, match=r"Document\.data: the value of contained_by .* nested more deeply"):
        filter_document(DOCUMENT, data__contained_by=deep)


@pytest.mark.parametrize("name", ["author__extra", "data__a"])
def test_distinct_documents_at_a_path_are_refused(name: str) -> None:
    """G1."""
    with pytest.raises(NotSupportedError, match="order of their keys"):
        bound(DOCUMENT, steps=(("values", (name,)), ("distinct",)))


def test_rows_are_sorted_by_paths_that_an_index_has() -> None:
    command: Any = bound(DOCUMENT, steps=(("order", ("author__city__name", "-author__age")),))
    assert command.document["sort"] == {"author.city.name": 1, "author.age": -1, "_id": -1}


def test_an_update_of_a_part_asks_for_what_it_is_a_part_of() -> None:
    command = bound(DOCUMENT, terminal="update", update={"author__age": 3}, name="x")
    assert isinstance(command, UpdateRows)
    assert isinstance(command.update, list)
    test, value, _ = command.update[0]["$set"]["author.age"]["$cond"]
    assert (test, value) == ({"$eq": [{"$type": "$author"}, "object"]}, {"$literal": Int64(3)})


# ---- indexes


class Shelf(Model):
    """Indexes that MongoDB has and one that it has not."""

    name: Field[str] = ""
    tags: Field[list[str]] = field(default_factory=list, index=True)
    data: Field[Any] = field(default=None, index=True)
    author: Field[Author | None] = None

    class Meta:
        indexes = [Index("author__name", "-author__age"), Index("data__kind", "name")]


def test_indexes_are_over_paths_lists_and_everything_in_json() -> None:
    assert [each["key"] for each in index_documents(schema_of(Shelf))] == [
        {"tags": 1},
        {"data.$**": 1},
        {"author.full_name": 1, "author.age": -1},
        {"data.kind": 1, "name": 1},
    ]
    check_schema(schema_of(Shelf))


class Parallel(Model):
    tags: Field[list[str]] = field(default_factory=list)
    data: Field[Any] = None

    class Meta:
        indexes = [Index("tags", "data__kind")]


class Placed(Model):
    tags: Field[list[str]] = field(default_factory=list)

    class Meta:
        indexes = [Index("tags__0")]


@pytest.mark.parametrize(
    ("model", "message"),
    [(Parallel, r"Parallel: .* over tags and data__kind.*make an index of each"), (Placed, r"Placed\.tags__0: .*item")],
)
def test_an_index_that_the_server_has_not_is_refused(model: type[Model], message: str) -> None:
    with pytest.raises(NotSupportedError, match=message):
        check_schema(schema_of(model))


# ---- a server


@pytest.fixture
def store(available_servers: dict[str, str]) -> Iterator[Store]:
    with Store({"default": available_servers["mongodb"]}) as opened:
        opened.drop_all([Shelf, Document])
        opened.create_all([Shelf, Document])
        yield opened
        opened.drop_all([Shelf, Document])


@pytest.mark.server("mongodb")
@pytest.mark.parametrize(
    "lookups",
    [
        {"author__city__name": "Oslo"},
        {"author__city__name__startswith": "Os"},
        {"author__age__gt": 3},
        {"tags__contains": "a"},
        {"tags__overlap": ["a", "b"]},
        {"tags": ["a", "b"]},
        {"data__a__b": 1},
        {"data__a__lt": "x"},
        {"data": 5},
    ],
)
def test_an_index_serves_what_is_asked_of_documents(store: Store, lookups: dict[str, Any]) -> None:
    Document.objects.bulk_create([Document(name=f"n{place}", data={"a": place}) for place in range(20)])
    assert "IXSCAN" in Document.objects.filter(**lookups).explain(analyze=True)


@pytest.mark.server("mongodb")
def test_a_part_of_a_missing_document_is_not_made(store: Store, available_servers: dict[str, str]) -> None:
    """A1, G11."""
    client: MongoClient[Any] = MongoClient(available_servers["mongodb"])
    client.get_default_database()[Shelf.__name__.lower()].insert_one({"_id": 1, "name": "old", "tags": []})
    with pytest.raises(DataError, match=r"Shelf\.author__age: what it is a part of is NULL; assign the whole of it"):
        Shelf.objects.filter(name="old").update(author__age=3)
    assert Shelf.objects.get(pk=1).author is None
    client.close()


@pytest.mark.server("mongodb")
@pytest.mark.parametrize("transactions", [True, False])
def test_an_update_of_a_part_that_one_row_has_not_changes_none(
    store: Store, available_servers: dict[str, str], transactions: bool
) -> None:
    Shelf.objects.bulk_create([Shelf(name="there", author=Author(name="a")), Shelf(name="null")])
    settings = {"url": available_servers["mongodb"], **({} if transactions else {"transactions": False})}
    with Store({"default": settings}), pytest.raises(DataError, match=r"Shelf\.author__age"):
        Shelf.objects.all().update(author__age=3)
    assert Shelf.objects.get(name="there").author == Author(name="a")


@pytest.mark.server("mongodb")
def test_what_is_asked_within_elements_of_elements_is_computed(store: Store) -> None:
    city = City(name="Oslo")
    Document.objects.bulk_create(
        [
            Document(name="one", lines=[Line(sku="a", origin=city, marks=[1, 2])]),
            Document(name="two", lines=[Line(sku="a", marks=[1]), Line(sku="b", origin=city, marks=[1, 2])]),
        ]
    )
    condition = Q(lines__sku="a", lines__origin__name="Oslo", lines__marks__1=2)
    assert list(Document.objects.filter(condition).values_list("name", flat=True)) == ["one"]
    assert list(Document.objects.exclude(condition).values_list("name", flat=True)) == ["two"]
    assert "$anyElementTrue" in json.dumps(filter_document(DOCUMENT, condition), default=repr)
