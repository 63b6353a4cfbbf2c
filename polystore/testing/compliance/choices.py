"""Choices: what Case and Coalesce do not choose is not computed, so that it cannot fail."""

from __future__ import annotations

from typing import Any

import pytest

from polystore import Case, Cast, Coalesce, Count, F, Feature, Max, Q, Sqrt, Sum, Value, When
from polystore.errors import DataError
from polystore.query.operators import Aggregate, ArithmeticOperator, Function
from polystore.schema.kinds import INT64_MAX
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything

rows = Everything.objects
COMPUTED, MODULO, ADD = Feature.COMPUTED, ArithmeticOperator.MODULO, ArithmeticOperator.ADD
REST = F("rank") % F("other")
"""Fails where ``other`` is 0."""
CHOICES: dict[str, Any] = {
    "case": Case(When(other=0, then=Value(-1)), default=REST),
    "branch": Case(When(~Q(other=0), then=REST), default=Value(-1)),
    "coalesce": Coalesce("number", REST),
    "nested": Coalesce(Case(When(other=0, then=F("number"))), REST),
}


def put(db: Db) -> None:
    """Three rows; of the first one nothing may be divided."""
    db.given(
        Everything,
        [
            {"name": "a", "number": -1, "other": 0, "rank": 7, "text": "x", "real": -4.0},
            {"name": "b", "other": 5, "rank": 7, "text": "12", "real": 4.0},
            {"name": "c", "other": 4, "rank": 7, "text": "3", "real": 9.0},
        ],
    )


@pytest.mark.parametrize("choice", list(CHOICES))
@rule("A13", "B9", needs=[COMPUTED, Feature.CASE, MODULO, Function.COALESCE])
def test_what_is_not_chosen_is_not_computed(db: Db, choice: str) -> None:
    put(db)
    expression = CHOICES[choice]
    query = rows.annotate(it=expression)
    assert dict(db(query.values_list("name", "it")).rows()) == {"a": -1, "b": 2, "c": 3}
    assert db.found(query.filter(it__in=[-1, 3])) == "a c"
    assert db.found(query.exclude(it=2)) == "a c"
    assert db.found(rows.filter(rank__gt=expression + 5)) == "a"


@pytest.mark.parametrize("choice", list(CHOICES))
@rule("A13", "B9", needs=[COMPUTED, Feature.CASE, MODULO, Function.COALESCE, Feature.ORDER_EXPRESSIONS])
def test_rows_are_ordered_by_what_is_chosen(db: Db, choice: str) -> None:
    put(db)
    assert db.names(rows.order_by(CHOICES[choice].desc())) == ["c", "b", "a"]


@pytest.mark.parametrize("choice", list(CHOICES))
@rule(
    "A13",
    "B9",
    needs=[COMPUTED, Feature.CASE, MODULO, Function.COALESCE, Aggregate.SUM, Aggregate.MAX, Feature.GROUP_EXPRESSIONS],
)
def test_what_is_chosen_is_aggregated_and_grouped_by(db: Db, choice: str) -> None:
    put(db)
    expression = CHOICES[choice]
    assert db(rows.all()).aggregate(s=Sum(expression), top=Max(expression)) == {"s": 4, "top": 3}
    found = db(rows.annotate(it=expression).values_list("it").annotate(n=Count("*"))).rows()
    assert sorted(found) == [(-1, 1), (2, 1), (3, 1)]


@rule("A13", "I9", needs=[Feature.UPDATE_EXPRESSIONS, Feature.CASE, MODULO, Function.COALESCE])
def test_rows_are_updated_by_what_is_chosen(db: Db) -> None:
    put(db)
    db(rows.all()).update(rank=CHOICES["case"])
    assert dict(db(rows.values_list("name", "rank")).rows()) == {"a": -1, "b": 2, "c": 3}


@rule("B11", "B22", needs=[COMPUTED, Feature.CASE, ADD, Function.COALESCE, Function.CAST, Function.SQRT])
def test_no_failure_comes_from_what_is_not_chosen(db: Db) -> None:
    put(db)
    digits = Case(When(text="x", then=Value(0)), default=Cast("text", int))
    root = Case(When(real__gte=0, then=Sqrt("real")), default=Value(0.0))
    found = db(rows.annotate(digits=digits, root=root).values_list("name", "digits", "root")).rows()
    assert sorted(found) == [("a", 0, 0.0), ("b", 12, 2.0), ("c", 3, 3.0)]
    beyond = Coalesce(F("number"), F("other") + INT64_MAX)
    assert dict(db(rows.filter(name="a").annotate(it=beyond).values_list("name", "it")).rows()) == {"a": -1}
    with pytest.raises(DataError):
        db(rows.annotate(it=beyond)).rows()
    with pytest.raises(DataError):
        db(rows.annotate(it=Coalesce(REST, "number"))).rows()
