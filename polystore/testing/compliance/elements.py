"""Lists of embedded models: any element, one element, the element at an index; rules F13, F14, G8 to G10."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from polystore import Feature, Q
from polystore.query.operators import Holding
from polystore.testing.compliance.embedded import PATHS, both, docs, put
from polystore.testing.harness import Db, rule
from polystore.testing.models import Author, City, Line

LINES: list[dict[str, Any]] = [
    {"name": "same", "lines": [Line(sku="a", quantity=1), Line(sku="b", quantity=9)]},
    {"name": "apart", "lines": [Line(sku="a", quantity=9), Line(sku="b", quantity=1)]},
    {"name": "other", "lines": [Line(sku="b", quantity=1, marks=[1, 2])]},
    {"name": "null", "lines": [Line(sku="z", origin=City(name="Oslo"))]},
    {"name": "empty", "lines": []},
]


@rule("F13", "A4", needs=[Feature.ANY_ELEMENT])
def test_a_condition_on_a_list_holds_where_any_element_fulfils_it(db: Db) -> None:
    put(db, LINES)
    both(db, "apart same", lines__sku="a")
    both(db, "apart same", lines__quantity__gt=1)
    both(db, "null", lines__quantity=None)
    both(db, "apart other same", lines__sku__in=["a", "b"])
    both(db, "null", lines__sku__startswith="z")


@rule("F13", needs=[Feature.ANY_ELEMENT])
def test_one_filter_speaks_of_one_element_and_two_of_any(db: Db) -> None:
    put(db, LINES)
    assert db.found(docs.filter(lines__sku="a", lines__quantity=1)) == "same"
    assert db.found(docs.filter(lines__sku="a").filter(lines__quantity=1)) == "apart same"
    assert db.found(docs.filter(Q(lines__sku="a"), lines__quantity=1)) == "same"
    assert db.found(docs.filter(Q(lines__sku="a") & Q(lines__quantity=1))) == "same"
    assert db.found(docs.filter(lines__quantity__range=(2, 9), lines__sku="b")) == "same"


@rule("F13", needs=[Feature.ANY_ELEMENT])
def test_alternatives_in_one_filter_speak_of_one_element(db: Db) -> None:
    put(db, LINES)
    assert db.found(docs.filter(Q(lines__quantity=1) | Q(lines__sku="z"), lines__sku="a")) == "same"
    assert db.found(docs.filter(Q(lines__sku="z") | Q(lines__quantity=9))) == "apart null same"
    assert db.found(docs.filter(Q(lines__quantity=1) | Q(name="apart"), lines__sku="a")) == "apart same"


@rule("F13", "F14", "A4", needs=[Feature.ANY_ELEMENT])
def test_exclude_keeps_rows_of_which_no_element_fulfils_all(db: Db) -> None:
    put(db, LINES)
    assert db.found(docs.exclude(lines__sku="a")) == "empty null other"
    assert db.found(docs.exclude(lines__sku="a", lines__quantity=1)) == "apart empty null other"
    assert db.found(docs.exclude(lines__sku="a").exclude(lines__quantity=1)) == "empty null"
    assert db.found(docs.filter(~Q(lines__sku="a"), lines__quantity=1)) == "other"
    assert db.found(docs.exclude(Q(lines__sku="a") | Q(lines__sku="z"))) == "empty other"


@rule("G9", needs=[Feature.ANY_ELEMENT, PATHS])
def test_a_path_goes_on_within_an_element(db: Db) -> None:
    put(db, LINES)
    both(db, "null", lines__origin__name="Oslo")
    both(db, "apart other same", lines__origin__isnull=True)


@rule("G9", "G10", needs=[Feature.ANY_ELEMENT, Feature.SIZES])
def test_lists_within_an_element_are_looked_into(db: Db) -> None:
    put(db, LINES)
    both(db, "other", lines__marks__len=2)
    both(db, "other", lines__marks__len__gt=0, lines__sku="b")


@rule("G8", needs=[Feature.PATH_ITEMS, PATHS])
def test_an_index_names_one_element(db: Db) -> None:
    put(db, LINES)
    both(db, "apart same", lines__0__sku="a")
    both(db, "same", lines__1__quantity__gte=9)
    both(db, "empty", lines__0__sku=None)
    both(db, "empty null other", lines__1__isnull=True)
    db.need(Feature.COMPUTED)
    assert db(docs.filter(name="same").values_list("lines__1__sku", "lines__7__sku")).get() == ("b", None)
    assert db(docs.filter(name="other").values_list("lines__0", flat=True)).get() == Line(
        sku="b", quantity=1, marks=[1, 2]
    )


@rule("G10", needs=[Feature.SIZES])
def test_the_number_of_elements_is_compared(db: Db) -> None:
    put(db, LINES)
    both(db, "empty", lines__len=0)
    both(db, "apart same", lines__len__gte=2)


@rule("declared")
def test_documents_are_looked_into_behind_client(db: Db) -> None:
    looked = ("PATHS", "PATH_ITEMS", "PATH_KEYS", "JSON_PATHS", "SIZES", "LOOSE_PATHS", "ANY_ELEMENT", "ORDER_JSON")
    db.proves(*(f"client:Feature:{name}" for name in looked), *(f"client:Holding:{each.name}" for each in Holding))
    line = Line(sku="a", quantity=2)
    author = Author(name="Ann", loose=Decimal(1))
    it = {"author": author, "lines": [line], "tags": ["a"], "data": {"a": [1, None]}, "words": {"k": "v"}}
    put(db, [{"name": "it", **it}, {"name": "other", "tags": ["b"], "data": {"a": "x"}}])
    query = docs.client(max_rows=9)
    conditions: list[dict[str, Any]] = [
        {"author__name": "Ann"},
        {"author__loose": Decimal(1)},
        {"tags__0": "a"},
        {"words__k": "v"},
        {"data__a__0": 1},
        {"lines__len": 1},
        {"lines__sku": "a", "lines__quantity": 2},
        {"tags": ["a"]},
        {"tags__contains": "a"},
        {"tags__contained_by": ["a", "x"]},
        {"tags__overlap": ["a", "x"]},
        {"data": {"a": [1, None]}},
        {"data__a__1": None},
        {"data__contains": {"a": [1]}},
        {"data__contained_by": {"a": [1, None], "b": 1}},
        {"words__has_key": "k"},
        {"words__has_keys": ["k"]},
        {"words__has_any_keys": ["k", "x"]},
    ]
    for condition in conditions:
        assert db.found(query.filter(**condition)) == "it", condition
    assert db.names(query.order_by("data__a")) == ["other", "it"]
