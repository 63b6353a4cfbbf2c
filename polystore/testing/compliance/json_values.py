"""Values of JSON by what they are worth: large numbers, equal documents as one distinct row; rules F12, G1, G2."""

from __future__ import annotations

import pytest

from polystore import F, Feature
from polystore.errors import NotSupportedError
from polystore.query.operators import Holding
from polystore.testing.compliance.embedded import both, docs
from polystore.testing.compliance.json import JSON, put
from polystore.testing.harness import Db, rule
from polystore.testing.models import Document

LARGE: list[tuple[float, int, int]] = [
    (float(2**53), 2**53, 2**53 + 1),
    (1e17, 10**17, 10**17 + 1),
    (123456789012345680.0, 123456789012345680, 123456789012345678),
    (float(2**60), 2**60, 1152921504606847000),
    (-float(2**62), -(2**62), -4611686018427388000),
    (-float(2**63), -(2**63), -(2**63) + 1),
    (float(2**63), 2**63 - 1025, 2**63 - 1),
]
"""A float, an int of its value (but for 2**63, which is none), another one that is the float nearest to it."""


@rule("B2", "G2", needs=[Holding.JSON_EXACT, JSON])
@pytest.mark.parametrize(("real", "whole", "near"), LARGE, ids=repr)
def test_large_numbers_in_documents_are_equal_where_their_values_are(
    db: Db, real: float, whole: int, near: int
) -> None:
    put(db, **{name: {"l": [each, "1e17"], "n": each} for name, each in zip("rwn", (real, whole, near), strict=True)})
    alike = "r w" if real == whole else "r"
    both(db, alike, data__l=[real, "1e17"])
    both(db, "r w" if real == whole else "w", data__l=[whole, "1e17"])
    both(db, "n", data__l=[near, "1e17"])
    both(db, alike, data={"n": real, "l": [real, "1e17"]})
    both(db, "n", data__l__in=[[near, "1e17"], [1]])
    both(db, alike, data__n=real)
    both(db, "n", data__n=near)
    changed = {"l": [real, 1e300, 5e-324, {"1e17": 1e17}]}
    db(docs.filter(name="n")).update(data=changed)
    both(db, "n", data={"l": [whole if real == whole else real, 1e300, 5e-324, {"1e17": 10**17}]})
    found = db(docs.filter(name="n").values_list("data", flat=True)).get()
    assert found == changed
    assert type(found["l"][0]) is float


@rule("A19", "G2", needs=[JSON, Feature.ORDER_EXPRESSIONS, Feature.ORDER_JSON])
def test_numbers_in_json_are_ordered_by_their_values_alone(db: Db) -> None:
    large = {"e": float(2**60), "g": 2**60, "f": 2**60 + 1, "h": 2**63 - 1, "d": float(2**63), "i": -(2**63)}
    numbers = {"b": 1.0, "a": 1, "c": 1.0, "j": -float(2**63), "k": 1.5, "l": 1, **large}
    put(db, **{name: {"n": number} for name, number in numbers.items()})
    order = sorted(numbers, key=lambda name: (numbers[name], name))
    assert db.names(docs.order_by("data__n", "name")) == order
    assert db.names(docs.order_by("-data__n", "-name")) == order[::-1]
    assert db.names(docs.order_by("data__n", "-name")) == sorted(sorted(numbers, reverse=True), key=numbers.__getitem__)


# ---- distinct rows


@rule("F12", "G1", "G2", needs=[Feature.DISTINCT])
@pytest.mark.parametrize("fields", [["data"], ["data", "words"], ["data__d"], ["maker", "data"]], ids=" ".join)
def test_documents_that_are_equal_are_one_distinct_row_or_none_is_given(db: Db, fields: list[str]) -> None:
    if fields == ["data__d"]:
        db.need(Feature.COMPUTED, JSON)
    first, other, last = {"a": 1, "b": [2]}, {"b": [2.0], "a": 1}, {"a": True, "b": [2]}
    put(
        db,
        a={"d": first},
        b={"d": other},
        c={"d": last},
        d={"d": 1},
        e={"d": 1.0},
        f={"d": "1"},
        g={},
        h=None,
        i={"d": None},
    )
    query = docs.values(*fields).distinct()
    number = 5 if fields == ["data__d"] else 7
    for ask in (lambda: len(db(query.all()).rows()), lambda: db(query.all()).count()):
        try:
            assert ask() == number
        except NotSupportedError:
            assert db.refused_after == 0
            if db.missing:
                raise


@rule("F12", "A24", needs=[Feature.DISTINCT, Feature.COMPUTED, Feature.ORDER_EXPRESSIONS, Feature.ORDER_JSON, JSON])
def test_null_in_json_has_the_place_of_its_first_row_among_distinct_ones_or_none_is_given(db: Db) -> None:
    put(db, one={"d": 1}, absent={}, null={"d": None}, true={"d": True})
    query = docs.values_list("data__d", flat=True).distinct()
    for term, expected in (
        (F("data__d"), [None, 1, True]),
        (F("data__d").desc(), [True, 1, None]),
        (F("data__d").asc(nulls_last=True), [None, 1, True]),
        (F("data__d").desc(nulls_first=True), [None, True, 1]),
    ):
        try:
            assert db(query.order_by(term)).rows() == expected
        except NotSupportedError:
            assert db.refused_after == 0
            if db.missing:
                raise


@rule("F12", "G1", needs=[Feature.DISTINCT])
def test_dicts_that_are_equal_are_one_distinct_row_or_none_is_given(db: Db) -> None:
    words = [{"a": "1", "b": "2"}, {"b": "2", "a": "1"}, {"a": "2", "b": "1"}, {}, None]
    db.given(Document, [{"name": str(place), "words": some} for place, some in enumerate(words)])
    query = docs.values_list("words", flat=True).distinct()
    try:
        assert len(db(query).rows()) == 4
    except NotSupportedError:
        assert db.refused_after == 0
        if db.missing:
            raise
