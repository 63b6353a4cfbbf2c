"""Lists of single values; rules G3 to G6, G10."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from polystore import Feature
from polystore.errors import FieldError
from polystore.query.operators import Holding, Operator
from polystore.testing.compliance.embedded import both, docs
from polystore.testing.harness import Db, rule
from polystore.testing.models import Document

TAGS: list[dict[str, Any]] = [
    {"name": "ab", "tags": ["a", "b"]},
    {"name": "ba", "tags": ["b", "a"]},
    {"name": "aab", "tags": ["a", "a", "b"]},
    {"name": "c", "tags": ["c"]},
    {"name": "odd", "tags": ["a.b", "é", "$x", '"', "%", "A", ""]},
    {"name": "empty", "tags": []},
    {"name": "null"},
]


@rule("G4", "G5", "A4", needs=[Holding.ARRAY_CONTAINS])
def test_contains_finds_lists_that_hold_all_elements(db: Db) -> None:
    db.given(Document, TAGS)
    both(db, "aab ab ba", tags__contains=["b", "a"])
    both(db, "aab ab ba", tags__contains="a")
    both(db, "aab ab ba", tags__contains=["a", "a"])
    both(db, "odd", tags__contains=["$x", "é", '"', "%", "a.b", ""])
    both(db, "odd", tags__contains="")
    both(db, "", tags__contains=["a", "x"])
    both(db, "aab ab ba c empty odd", tags__contains=[])


@rule("G5", "A4", needs=[Holding.ARRAY_CONTAINED_BY])
def test_contained_by_finds_lists_whose_elements_are_all_given(db: Db) -> None:
    db.given(Document, TAGS)
    both(db, "aab ab ba empty", tags__contained_by=["a", "b", "x"])
    both(db, "empty", tags__contained_by=[])
    both(db, "empty", tags__contained_by=["C"])


@rule("G5", "A4", needs=[Holding.ARRAY_OVERLAP])
def test_overlap_finds_lists_with_any_of_the_elements(db: Db) -> None:
    db.given(Document, TAGS)
    both(db, "aab ab ba c", tags__overlap=["c", "b", "x"])
    both(db, "odd", tags__overlap=["A"])
    both(db, "", tags__overlap=[])
    both(db, "", tags__overlap=["x"])


@rule("G6", "A4", needs=[Holding.ARRAY_EXACT])
def test_a_list_equals_one_with_the_same_elements_in_the_same_order(db: Db) -> None:
    db.given(Document, TAGS)
    both(db, "ab", tags=["a", "b"])
    both(db, "aab", tags__exact=("a", "a", "b"))
    both(db, "empty", tags=[])
    both(db, "null", tags=None)
    both(db, "", tags=["b"])


@rule("G10", "A4", needs=[Feature.SIZES])
def test_the_length_of_a_list_is_compared_and_null_has_none(db: Db) -> None:
    db.given(Document, TAGS)
    both(db, "ab ba", tags__len=2)
    both(db, "empty", tags__len=0)
    both(db, "aab odd", tags__len__gt=2)
    both(db, "c empty", tags__len__lt=2)
    both(db, "c", tags__len__in=[1, 9])
    both(db, "null", tags__len__isnull=True)


@rule("G8", "G9", "A4", needs=[Feature.PATH_ITEMS])
def test_an_index_names_one_item(db: Db) -> None:
    db.given(Document, TAGS)
    both(db, "aab ab", tags__0="a")
    both(db, "aab", tags__2="b")
    both(db, "empty null", tags__0=None)
    both(db, "c empty null", tags__1__isnull=True)
    both(db, "aab ab odd", tags__0__startswith="a")


@rule("G8", needs=[Feature.PATH_ITEMS, Operator.CONTAINS])
def test_an_item_that_is_a_text_contains_one(db: Db) -> None:
    db.given(Document, TAGS)
    both(db, "odd", tags__0__contains=".")


@rule("G9", "A19", needs=[Feature.PATH_ITEMS, Feature.COMPUTED, Feature.ORDER_EXPRESSIONS])
def test_items_are_read_and_ordered_by(db: Db) -> None:
    db.given(Document, TAGS)
    query = docs.order_by("tags__1", "name").values_list("name", "tags__1")
    assert db(query).rows() == [
        ("c", None),
        ("empty", None),
        ("null", None),
        ("aab", "a"),
        ("ba", "a"),
        ("ab", "b"),
        ("odd", "é"),
    ]


OF_ARRAYS = [each for each in Holding if each.name.startswith("ARRAY")]
ITEMS: dict[str, tuple[Any, Any, Any]] = {
    "numbers": (1, 2**53 + 1, -5),
    "reals": (0.1, 1e300, 1.0),
    "prices": (Decimal("1.5"), Decimal("100"), Decimal("-1E-20")),
    "moments": (
        datetime(2024, 2, 29, 1, 2, 3, 4000, UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 1, tzinfo=UTC),
    ),
    "flags": (True, False, True),
    "uids": (UUID(int=5), UUID(int=2**127), UUID(int=0)),
}


@rule("B5", "G4", needs=OF_ARRAYS)
@pytest.mark.parametrize("field", list(ITEMS))
def test_elements_of_each_kind_are_found(db: Db, field: str) -> None:
    first, second, third = ITEMS[field]
    db.given(Document, [{"name": "two", field: [first, second]}, {"name": "one", field: [second]}, {"name": "null"}])
    both(db, "two", **{f"{field}__contains": first})
    both(db, "one two", **{f"{field}__contains": [second]})
    both(db, "one two", **{f"{field}__overlap": [third, second]})
    both(db, "one", **{f"{field}__contained_by": [second, second]})
    both(db, "two", **{f"{field}__exact": [first, second]})
    both(db, "one", **{field: [second]})


@rule("B5", "G8", needs=[Feature.PATH_ITEMS])
@pytest.mark.parametrize("field", [name for name in ITEMS if name != "flags"])
def test_items_of_each_kind_are_compared(db: Db, field: str) -> None:
    if field == "prices":
        db.need(Feature.LOOSE_PATHS)
    first, second, _ = ITEMS[field]
    low, high = sorted((first, second))
    db.given(Document, [{"name": "high", field: [high, low]}, {"name": "low", field: [low]}, {"name": "null"}])
    both(db, "low", **{f"{field}__0": low})
    both(db, "high", **{f"{field}__0__gt": low})
    both(db, "high low", **{f"{field}__0__gte": low})
    both(db, "high low", **{f"{field}__0__in": [low, high]})


@rule("G4", "G5", needs=OF_ARRAYS)
def test_numbers_that_begin_alike_are_told_apart(db: Db) -> None:
    db.given(Document, [{"name": "far", "numbers": [12, 123]}, {"name": "near", "numbers": [1]}])
    both(db, "far near", numbers__contained_by=[1, 12, 123])
    both(db, "far", numbers__contained_by=[12, 123])
    both(db, "far", numbers__overlap=[3, 23, 12])
    both(db, "near", numbers__contains=1)


@rule("B5", "G2", needs=[Holding.ARRAY_CONTAINS])
def test_an_element_that_no_list_can_hold_is_found_in_none(db: Db) -> None:
    db.given(Document, [{"name": "one", "numbers": [1, 2]}])
    both(db, "", numbers__contains=1.5)
    both(db, "one", numbers__contains=[1.0])
    both(db, "", numbers__overlap=[2**70])


@rule("G4", needs=[Holding.ARRAY_EXACT, Holding.ARRAY_CONTAINS, Holding.ARRAY_CONTAINED_BY])
def test_null_elements_are_found_by_nothing_but_equality(db: Db) -> None:
    db.given(Document, [{"name": "hole", "holes": [1, None]}, {"name": "whole", "holes": [1]}])
    both(db, "hole", holes=[1, None])
    both(db, "hole whole", holes__contains=1)
    both(db, "whole", holes__contained_by=[1, 2])


@rule("A1", "A4", "G3", needs=[Feature.FILTER_ANY])
def test_a_list_with_a_null_in_it_is_not_null(db: Db) -> None:
    db.given(Document, [{"name": "hole", "holes": [None], "data": [None]}, {"name": "null"}])
    both(db, "null", holes__isnull=True)
    both(db, "hole", holes__isnull=False)
    both(db, "null", data__isnull=True)


@rule("G3", "G7", "K3")
@pytest.mark.parametrize(
    ("lookup", "value", "message"),
    [
        ("tags", "a", "it takes a list of str"),
        ("tags", {"a"}, "it takes a list of str"),
        ("tags", {"$gt": ""}, "it takes a list of str"),
        ("tags__contains", {"$gt": ""}, "it takes a list of str or one element"),
        ("tags__contains", [None], "without None"),
        ("tags__contains", 5, "it takes a str"),
        ("tags__overlap", "a", "it takes a list of str"),
        ("tags__gt", "a", "does not apply; use exact, contains, contained_by, overlap, isnull"),
        ("tags__startswith", "a", "does not apply"),
        ("tags__len", "x", "it takes an int"),
        ("tags__x", 1, "its items are named by their index, tags__0, not by 'x'"),
        ("tags__-1", "a", "its items are named by their index"),
    ],
)
def test_what_a_list_is_not_asked_is_refused_with_what_would_work(
    db: Db, lookup: str, value: Any, message: str
) -> None:
    db.given(Document, [])
    with db.commands(0), pytest.raises(FieldError, match=message):
        docs.filter(**{lookup: value})


@rule("G6")
def test_rows_are_not_ordered_by_a_list(db: Db) -> None:
    db.given(Document, [])
    with db.commands(0), pytest.raises(FieldError, match="rows cannot be ordered by it"):
        docs.order_by("tags").explain()


@rule("G5", needs=[Holding.ARRAY_CONTAINS, Holding.ARRAY_CONTAINED_BY, Holding.ARRAY_OVERLAP])
def test_typed_columns_ask_lists(db: Db) -> None:
    db.given(Document, TAGS)
    assert db.found(docs.filter(Document.tags.contains("c"))) == "c"
    assert db.found(docs.filter(Document.tags.contained_by(["c"]))) == "c empty"
    assert db.found(docs.filter(Document.tags.overlap(["c", "é"]))) == "c odd"
    assert db.found(docs.filter(Document.tags == ["a", "b"])) == "ab"


@rule("G9", needs=[Holding.HAS_KEY, Holding.HAS_KEYS, Holding.HAS_ANY_KEYS])
def test_typed_columns_ask_for_keys(db: Db) -> None:
    db.given(Document, [{"name": "one", "data": {"a": 1}}, {"name": "two", "words": {"a": "x", "b": "y"}}])
    assert db.found(docs.filter(Document.data.has_key("a"))) == "one"
    assert db.found(docs.filter(Document.words.has_keys(["a", "b"]))) == "two"
    assert db.found(docs.filter(Document.words.has_any_keys(["a", "c"]))) == "two"
