"""JSON and dicts: paths by key, containment, keys; rules A23, A24, G1, G2, G8, G9, K5."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from polystore import Cast, Count, F, Feature, Sum
from polystore.errors import DataError, FieldError
from polystore.query.operators import Holding, Operator
from polystore.testing.compliance.embedded import both, docs
from polystore.testing.harness import Db, rule
from polystore.testing.models import Document

JSON = Feature.JSON_PATHS


def put(db: Db, **documents: Any) -> None:
    """Rows named as their documents."""
    db.given(Document, [{"name": name, "data": value} for name, value in documents.items()])


def key(*words: str) -> str:
    """The lookup of a path of keys."""
    return "__".join(["data", *words])


# ---- paths


@rule("G9", "A4", needs=[JSON])
def test_a_path_of_keys_is_compared(db: Db) -> None:
    put(db, one={"a": {"b": [1, "x"]}}, two={"a": {"b": [2]}}, text={"a": "b"}, list=[{"a": "b"}], no={}, null=None)
    both(db, "one", data__a__b__0=1)
    both(db, "two", data__a__b__0__gt=1)
    both(db, "one", data__a__b__1="x")
    both(db, "text", data__a="b")
    both(db, "", data__a__c=1)
    both(db, "one two", data__a__b__0__in=[1, 2, 3, None])
    both(db, "one", data__a__b__0__range=(0, 1))


@rule("G8", needs=[JSON])
def test_a_key_of_digits_is_an_index_in_arrays_only(db: Db) -> None:
    put(db, array=["x", "y"], object={"0": "x", "1": "y"}, text="xy", long={"01": "x"})
    both(db, "array object", data__0="x")
    both(db, "array object", data__1="y")
    both(db, "long", data__01="x")
    both(db, "", **{"data__-1": "y"})
    both(db, "", data__2="y")


@rule("G9", "A4", needs=[JSON])
def test_a_path_through_what_is_not_there_is_null(db: Db) -> None:
    put(db, number=5, text="a", flag=True, array=[[]], object={"a": None}, nothing=None)
    both(db, "", data__a__b=1)
    both(db, "array flag nothing number object text", data__a__b__isnull=True)
    both(db, "", data__0__0="a")


@rule("A24", needs=[JSON, Holding.JSON_NULL])
def test_none_is_null_within_json_and_isnull_is_absence(db: Db) -> None:
    put(db, null={"a": None}, absent={"b": 1}, there={"a": 1}, empty={}, nothing=None, scalar=5)
    both(db, "null", data__a=None)
    both(db, "absent empty nothing scalar", data__a__isnull=True)
    both(db, "null there", data__a__isnull=False)


@rule("A23", needs=[Feature.FILTER_ANY])
def test_null_at_the_top_is_null(db: Db) -> None:
    put(db, none=None, some={"a": None}, empty={})
    both(db, "none", data=None)
    both(db, "none", data__isnull=True)


@rule("G2", "A4", needs=[JSON])
def test_numbers_are_compared_with_numbers_only(db: Db) -> None:
    put(db, int={"n": 1}, float={"n": 1.0}, half={"n": 1.5}, big={"n": 2**53 + 1}, true={"n": True}, text={"n": "1"})
    both(db, "float int", data__n=1)
    both(db, "float int", data__n=1.0)
    both(db, "half", data__n=1.5)
    both(db, "big", data__n=2**53 + 1)
    both(db, "", data__n=2**53)
    both(db, "big half", data__n__gt=1)
    both(db, "float half int", data__n__lte=1.5)
    both(db, "float int", data__n__in=[1, 7])


@rule("A8", "G2", "K7", needs=[JSON])
def test_one_of_many_values_of_many_types_is_found(db: Db) -> None:
    put(db, one={"n": 1}, real={"n": 1.5}, wide={"n": 2**53 + 1}, text={"n": "1"}, true={"n": True}, list={"n": [1]})
    both(db, "one", data__n__in=[1.0, 1, None])
    both(db, "real wide", data__n__in=[2**53 + 1, 1.5, 2**53, 9.0])
    both(db, "list text true", data__n__in=["1", "2", True, [1], {"a": 1}])
    both(db, "", data__n__in=[float(2**53), 2.0**70])
    both(db, "one text", data__n__in=[*range(-2000, 2), *map(str, range(2000))])


@rule("G2", needs=[JSON])
def test_bools_are_equal_to_bools_only(db: Db) -> None:
    put(db, true={"n": True}, false={"n": False}, one={"n": 1}, zero={"n": 0}, text={"n": "true"}, null={"n": None})
    both(db, "true", data__n=True)
    both(db, "false", data__n=False)
    both(db, "one", data__n=1)
    both(db, "text", data__n="true")


TEXTS: dict[Operator, tuple[str, str]] = {
    Operator.EXACT: ("b", "b"),
    Operator.IEXACT: ("B", "b"),
    Operator.ICONTAINS: ("É", "accent"),
    Operator.STARTSWITH: ("A", "upper"),
    Operator.ISTARTSWITH: ("a", "accent upper"),
    Operator.ENDSWITH: ("%", "upper"),
    Operator.IENDSWITH: ("É", "accent"),
    Operator.REGEX: ("^[ab]", "accent b"),
    Operator.IREGEX: ("^B", "b"),
    Operator.GT: ("a", "accent b"),
    Operator.GTE: ("b", "b"),
    Operator.LT: ("a", "five upper"),
    Operator.LTE: ("b", "accent b five upper"),
}


@rule("A4", "C1", needs=[JSON])
@pytest.mark.parametrize("operator", list(TEXTS), ids=lambda operator: operator.value)
def test_texts_are_compared_with_texts_only(db: Db, operator: Operator) -> None:
    db.need(operator)
    put(
        db,
        upper={"t": "A%"},
        accent={"t": "aé"},
        b={"t": "b"},
        five={"t": "5"},
        number={"t": 5},
        array={"t": ["b"]},
        null={"t": None},
        true={"t": True},
        absent={},
    )
    value, expected = TEXTS[operator]
    both(db, expected, **{f"data__t__{operator.value}": value})


@rule("C1", needs=[JSON, Operator.STARTSWITH])
def test_any_text_begins_with_the_empty_one(db: Db) -> None:
    put(db, text={"t": "a"}, empty={"t": ""}, number={"t": 1}, null={"t": None})
    both(db, "empty text", data__t__startswith="")


KEYS = ["a.b", "$a", "$", "%s", "%", "it's", 'a"b', "\\", "é\U0001f600", "", " ", "[0]", "a-b", "*", "#-", "contains"]
KEYS += ["?", ":x", "{0}", "a,b", "a\nb", "null"]


@rule("K5", needs=[JSON])
@pytest.mark.parametrize("name", KEYS, ids=repr)
def test_keys_may_be_anything(db: Db, name: str) -> None:
    put(db, one={name: 1, "other": 2}, deep={"a": {name: "x"}}, two={name: 2}, plain={"a": {"b": 1}, "b": 1})
    both(db, "one", **{key(name, "exact"): 1})
    both(db, "deep", **{key("a", name, "exact"): "x"})
    both(db, "one two", **{key(name, "gt"): 0})
    db.need(Holding.HAS_KEY)
    both(db, "one two", data__has_key=name)


@rule("G9", needs=[JSON])
def test_a_document_that_is_one_value_is_compared(db: Db) -> None:
    put(db, one=1, text="a", true=True, array=[1], object={"a": 1}, none=None)
    both(db, "one", data=1)
    both(db, "one", data__lt=1.5)
    both(db, "text", data="a")
    both(db, "text", data__startswith="a")
    both(db, "true", data=True)


# ---- whole values


@rule("G1", "G2", "A4", needs=[Holding.JSON_EXACT])
def test_documents_are_equal_whatever_the_order_of_their_keys(db: Db) -> None:
    put(
        db,
        ab={"a": 1, "b": [1, 2]},
        ba={"b": [1.0, 2], "a": 1.0},
        list={"a": 1, "b": [2, 1]},
        more={"a": 1, "b": [1, 2], "c": 0},
        none=None,
    )
    both(db, "ab ba", data={"b": [1, 2], "a": 1})
    both(db, "", data={})
    both(db, "", data=[1])
    both(db, "list more", data__in=[{"a": 1, "b": [2, 1]}, {"a": 1, "b": [1, 2], "c": 0}])


@rule("G1", "G2", needs=[Holding.JSON_EXACT, JSON])
def test_documents_at_a_path_are_equal(db: Db) -> None:
    put(
        db,
        array={"a": [1, {"x": None}]},
        object={"a": {"x": None, "y": True}},
        one={"a": {"x": 1, "y": 1}},
        empty={"a": []},
        hollow={"a": {}},
    )
    both(db, "array", data__a=[1, {"x": None}])
    both(db, "object", data__a={"y": True, "x": None})
    both(db, "one", data__a={"y": 1.0, "x": 1})
    both(db, "empty", data__a=[])
    both(db, "hollow", data__a={})
    both(db, "array empty", data__a__in=[[], [1, {"x": None}]])


CONTAINED: list[tuple[Any, str]] = [
    ({"a": 1}, "a both"),
    ({"a": 1, "b": {"c": [2]}}, "both"),
    ({"b": {}}, "both"),
    ({}, "a both hollow"),
    ([], "array empty nested"),
    ([1], "array nested"),
    ([2, 1, 1], "array"),
    ([1.0], "array nested"),
    ([[2]], "nested"),
    (1, "array nested one"),
    ("x", "array text"),
    (True, ""),
    ([[]], "nested"),
    ([{}], ""),
]


@rule("G1", "G2", "A4", needs=[Holding.JSON_CONTAINS])
@pytest.mark.parametrize(("part", "expected"), CONTAINED, ids=repr)
def test_contains_is_containment_of_jsonb(db: Db, part: Any, expected: str) -> None:
    put(
        db,
        a={"a": 1},
        both={"a": 1.0, "b": {"c": [1, 2], "d": None}},
        hollow={},
        array=[1, 2, "x"],
        nested=[1, [2, 3]],
        empty=[],
        one=1,
        text="x",
        none=None,
    )
    both(db, expected, data__contains=part)


@rule("G1", "A4", needs=[Holding.JSON_CONTAINED_BY])
def test_contained_by_is_the_other_way_round(db: Db) -> None:
    put(db, a={"a": 1}, b={"a": 1, "b": 2}, hollow={}, array=[1, 1], empty=[], one=1, text="x", none=None)
    both(db, "a b hollow", data__contained_by={"b": 2, "a": 1, "c": 3})
    both(db, "array empty one", data__contained_by=[1, 2])
    both(db, "text", data__contained_by="x")


@rule("G1", "A24", needs=[Holding.JSON_CONTAINS, Holding.JSON_CONTAINED_BY, JSON])
def test_containment_is_asked_at_a_path(db: Db) -> None:
    put(db, one={"a": {"b": 1, "c": None}}, two={"a": ["x", "y"]}, null={"a": None}, absent={})
    both(db, "one", data__a__contains={"b": 1})
    both(db, "one", data__a__contains={"c": None})
    both(db, "two", data__a__contains="x")
    both(db, "two", data__a__contained_by=["y", "z", "x"])


# ---- keys


@rule("A4", "A24", needs=[Holding.HAS_KEY, Holding.HAS_KEYS, Holding.HAS_ANY_KEYS])
def test_keys_of_objects_are_looked_for(db: Db) -> None:
    put(db, ab={"a": 1, "b": None}, b={"b": 2}, deep={"c": {"a": 1}}, array=["a"], text="a", none=None, hollow={})
    both(db, "ab", data__has_key="a")
    both(db, "ab b", data__has_key="b")
    both(db, "ab", data__has_keys=["b", "a"])
    both(db, "ab b deep", data__has_any_keys=["b", "c", "x"])
    db.need(JSON)
    both(db, "deep", data__c__has_key="a")


@rule("A4", needs=[Holding.HAS_KEY, Holding.HAS_KEYS, Holding.HAS_ANY_KEYS])
def test_keys_of_dicts_are_looked_for(db: Db) -> None:
    db.given(Document, [{"name": "a", "words": {"x": "1", "$y": "2"}}, {"name": "b", "words": {}}, {"name": "none"}])
    both(db, "a", words__has_key="x")
    both(db, "a", words__has_keys=["x", "$y"])
    both(db, "a", words__has_any_keys=["z", "$y"])


@rule("A4", "G9", "B5", needs=[Feature.PATH_KEYS, Feature.LOOSE_PATHS])
def test_values_of_dicts_are_looked_up_by_key_as_what_they_are(db: Db) -> None:
    db.given(
        Document,
        [
            {"name": "low", "amounts": {"x.y": Decimal("9.50"), "0": Decimal(1)}, "words": {"gt": "Abc"}},
            {"name": "high", "amounts": {"x.y": Decimal("10"), "exact": Decimal(2)}, "words": {"gt": "b"}},
            {"name": "empty", "amounts": {}},
            {"name": "none"},
        ],
    )
    both(db, "low", **{"amounts__x.y": Decimal("9.5")})
    both(db, "high", **{"amounts__x.y__gt": Decimal("9.5")})
    both(db, "empty none", **{"amounts__x.y__isnull": True})
    both(db, "low", amounts__0=1)
    both(db, "high", amounts__exact__gte=2)
    both(db, "low", words__gt__startswith="A")
    db.need(Feature.COMPUTED, Feature.ORDER_EXPRESSIONS)
    query = docs.order_by("-amounts__x.y", "name").values_list("amounts__x.y", flat=True)
    assert db(query).rows() == [Decimal(10), Decimal("9.5"), None, None]


@rule("A4", "G9", "K5", needs=[Feature.PATH_KEYS])
def test_texts_in_dicts_are_looked_up_by_key(db: Db) -> None:
    db.given(
        Document,
        [
            {"name": "low", "words": {"gt": "Abc", "a.b": "x", "": "e"}},
            {"name": "high", "words": {"gt": "b", '$"': "y"}},
            {"name": "empty", "words": {}},
            {"name": "none"},
        ],
    )
    both(db, "low", words__gt__exact="Abc")
    both(db, "low", **{"words__a.b": "x"})
    both(db, "low", words____exact="e")
    both(db, "high", **{'words__$"__gt': "x"})
    both(db, "high", words__gt__in=["b", "c"])
    both(db, "empty none", words__gt__isnull=True)


# ---- reading, ordering, computing


@rule("A23", "G9", needs=[JSON, Feature.COMPUTED])
def test_values_at_a_path_of_json_are_json(db: Db) -> None:
    documents = {
        "object": {"x": [1, None]},
        "one": 1,
        "real": 1.0,
        "text": "1",
        "true": True,
        "null": None,
        "empty": [],
    }
    put(db, **{name: {"a": value} for name, value in documents.items()}, absent={}, nothing=None)
    found = {row["name"]: row["data__a"] for row in db(docs.values("name", "data__a")).rows()}
    expected = {**documents, "absent": None, "nothing": None}
    assert found == expected
    assert {name: type(value) for name, value in found.items()} == {n: type(v) for n, v in expected.items()}
    assert db(docs.filter(name="object").values_list("data__a__x__0", flat=True)).get() == 1


@rule("A19", "G2", needs=[JSON, Feature.ORDER_EXPRESSIONS, Feature.ORDER_JSON])
def test_rows_are_ordered_by_json_first_by_type(db: Db) -> None:
    put(
        db,
        true={"a": True},
        false={"a": False},
        text={"a": "a"},
        upper={"a": "B"},
        ten={"a": 10},
        nine={"a": 9.5},
        null={"a": None},
        absent={},
        array={"a": [1]},
        object={"a": {}},
    )
    order = ["absent", "null", "nine", "ten", "upper", "text", "false", "true", "array", "object"]
    assert db.names(docs.order_by("data__a")) == order
    assert db.names(docs.order_by("-data__a")) == order[::-1]
    assert db.names(docs.order_by(F("data__a").asc(nulls_last=True))) == [*order[1:], "absent"]
    assert db.names(docs.order_by("data__a")[2:4]) == ["nine", "ten"]


@rule("G2", needs=[JSON, Feature.COMPUTED])
def test_a_cast_reads_json_as_one_type(db: Db) -> None:
    put(db, int={"a": 3}, whole={"a": 3.0}, half={"a": 2.5}, text={"a": "3"}, true={"a": True}, null={"a": None}, no={})
    query = docs.values_list("name", Cast("data__a", int), Cast("data__a", float), Cast("data__a", str))
    found = {row[0]: row[1:] for row in db(query).rows()}
    assert found == {
        "int": (3, 3.0, None),
        "whole": (3, 3.0, None),
        "half": (None, 2.5, None),
        "text": (None, None, "3"),
        "true": (None,) * 3,
        "null": (None,) * 3,
        "no": (None,) * 3,
    }
    assert [type(value) for value in found["whole"][:2]] == [int, float]
    assert db(docs.all()).aggregate(total=Sum(Cast("data__a", float)), n=Count(Cast("data__a", int))) == {
        "total": 8.5,
        "n": 2,
    }


@rule("A17", "A24", needs=[JSON, Feature.COMPUTED])
def test_null_within_json_is_counted_and_absence_is_not(db: Db) -> None:
    put(db, null={"a": None}, one={"a": 1}, absent={}, nothing=None)
    assert db(docs.all()).aggregate(values=Count("data__a"), documents=Count("data")) == {"values": 2, "documents": 3}


@rule("A18", needs=[JSON, Feature.GROUP, Feature.GROUP_EXPRESSIONS])
def test_rows_are_grouped_by_json_read_as_one_type(db: Db) -> None:
    put(db, a={"kind": "x"}, b={"kind": "x"}, c={"kind": "y"}, d={"kind": 1}, e={})
    kinds = docs.annotate(kind=Cast("data__kind", str)).values("kind")
    query = kinds.annotate(n=Count("*")).order_by("kind")
    assert [(row["kind"], row["n"]) for row in db(query).rows()] == [(None, 2), ("x", 2), ("y", 1)]


@rule("G2", "K3", "K5")
@pytest.mark.parametrize(
    ("lookup", "value", "message"),
    [
        ("data__a", {1, 2}, "it takes a JSON value"),
        ("data__a", Decimal(1), "it takes a JSON value"),
        ("data__a", 2**63, "it takes a JSON value"),
        ("data__a", float("nan"), "it takes a JSON value"),
        ("data__a", {"x": 2**63}, "it takes a JSON value"),
        ("data__a__gt", [1], "it takes a number or a text"),
        ("data__a__gt", True, "it takes a number or a text"),
        ("data__a__gt", None, "only exact and isnull know None"),
        ("data__a__startswith", 1, "it takes a text"),
        ("data__contains", None, "only exact and isnull know None"),
        ("data__has_key", 1, "it takes a str"),
        ("data__has_keys", "ab", "it takes a list of keys"),
        ("data__has_keys", [], "at least one key"),
        ("data__a", F("name"), "values, not expressions"),
        ("data__a__in", "ab", "it takes a list, tuple"),
        ("data__a__range", (1,), r"a pair \(low, high\)"),
        ("words", {"a": "b"}, "compared with NULL only"),
        ("words__contains", "a", "does not apply; use isnull, has_key"),
    ],
    ids=repr,
)
def test_what_json_is_not_asked_is_refused_with_what_would_work(db: Db, lookup: str, value: Any, message: str) -> None:
    db.given(Document, [])
    with db.commands(0), pytest.raises(FieldError, match=message):
        docs.filter(**{lookup: value})


# ---- size


@rule("G12")
def test_a_document_that_is_too_large_for_a_store_is_refused_whole(db: Db) -> None:
    large = {"text": "x" * (17 << 20)}
    db.given(Document, [])
    try:
        db(docs.all()).create(name="large", data=large)
    except DataError as error:
        assert "Document" in str(error)
        assert db(docs.all()).count() == 0
    else:
        assert db(docs.all()).get().data == large


@rule("G12")
def test_a_change_that_makes_a_document_too_large_is_refused_whole(db: Db) -> None:
    large = {"text": "x" * (17 << 20)}
    db.given(Document, [{"name": "small", "data": {"a": 1}}])
    row = db(docs.all()).get()
    row.data = large
    try:
        db(row).save()
    except DataError as error:
        assert "Document" in str(error)
        assert db(docs.all()).get().data == {"a": 1}
    else:
        assert db(docs.all()).get().data == large
