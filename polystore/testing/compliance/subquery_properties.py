"""Random queries within queries: the store agrees with the reference, ``exclude`` finds what ``filter`` does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore import Count, Exists, F, Feature, Max, Min, OuterRef, Q, QuerySet, Store, Subquery
from polystore.query.operators import Aggregate, ArithmeticOperator
from polystore.testing import strategies
from polystore.testing.compliance.properties import (
    Pair,
    comparable,
    examples,
    leaves,
    often,
    ordered,
    set_of,
)
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything

rows = Everything.objects
KINDS = [
    ("number", "other", "rank", "level"),
    ("number", "real"),
    ("number", "amount", "exact"),
    ("text", "word"),
    ("moment", "instant"),
]
"""Fields that are compared with each other; every field is with itself."""


def partners(name: str, names: Sequence[str]) -> list[str]:
    """The fields among these that one is compared with."""
    return [other for other in names if other == name or any(name in kind and other in kind for kind in KINDS)]


def pairs(names: Sequence[str]) -> st.SearchStrategy[tuple[str, str]]:
    """Two fields that are compared with each other, often one and the same."""
    return st.sampled_from([(name, other) for name in names for other in partners(name, names)])


@st.composite
def inner_rows(draw: st.DrawFn, db: Db, names: Sequence[str], *, correlated: bool) -> QuerySet[Everything]:
    """A queryset within another one, that refers to the row around where the store can do that."""
    conditions = strategies.conditions(leaves(db, names))
    query = rows.all()
    if draw(st.booleans()):
        query = query.filter(draw(conditions))
    if correlated:
        field, outer = draw(pairs(names))
        lookup = draw(st.sampled_from(["exact", "exact", "lt", "gte"] if field in ordered(db) else ["exact"]))
        test = Q(**{f"{field}__{lookup}": OuterRef(outer)})
        query = query.filter(draw(st.sampled_from([test, ~test, test | Q(rank=1)])))
    return query


@st.composite
def conditions_within(draw: st.DrawFn, db: Db, names: Sequence[str]) -> Q:
    """A condition about another query: ``in``, Exists or a comparison with the value of one of its rows."""
    correlated = db.declares(Feature.SUBQUERIES) and draw(st.booleans())
    query = draw(inner_rows(db, names, correlated=correlated))
    field, outer = draw(pairs(names))
    kinds = ["in", "exists"] + (["value"] if correlated and field in ordered(db) else [])
    part = draw(strategies.slices()) if draw(st.booleans()) else slice(None)
    order = draw(strategies.orders([name for name in names if name in ordered(db)] or ["name"], 1))
    match draw(st.sampled_from(kinds)):
        case "in":
            return Q(**{f"{outer}__in": query.order_by(*order).values(field)[part]})
        case "exists":
            return Exists(query.order_by(*order)[part])
        case _:
            place = draw(st.integers(0, 2))
            value = Subquery(query.order_by(*order).values(field)[place : place + 1])
            return Q(**{f"{outer}__{draw(st.sampled_from(['exact', 'lt', 'gte']))}": value})


@pytest.mark.hypothesis
@rule("A4", "A5", "A8", "A25", "H5", "declared")
def test_random_conditions_about_other_queries_agree_with_the_reference(db: Db, reference: Store) -> None:
    pair = Pair(db, reference)
    asked = lambda names: strategies.conditions(conditions_within(db, names) | leaves(db, names))  # noqa: E731 short

    @often(db)
    @given(examples(db, 7, asked))
    def check(example: tuple[Any, list[Q]]) -> None:
        made, conditions = example
        pair.put(made)
        for condition in conditions:
            pair.compare(rows.filter(condition).order_by(), set_of)
            pair.compare(rows.exclude(condition).order_by(), set_of)
            there = rows.using(reference)
            assert {row.name for row in there.filter(condition)}.isdisjoint(
                row.name for row in there.exclude(condition)
            )
            assert there.filter(condition).count() + there.exclude(condition).count() == len(made)

    check()
    pair.finish()


@st.composite
def values_within(draw: st.DrawFn, db: Db, names: Sequence[str]) -> Subquery:
    """A value of another row, or an aggregate of other rows."""
    field, outer = draw(pairs(names))
    query = draw(inner_rows(db, names, correlated=draw(st.booleans())))
    if db.declares(Feature.GROUP, Aggregate.COUNT, Aggregate.MIN, Aggregate.MAX) and draw(st.booleans()):
        grouped = query.filter(**{field: OuterRef(outer)}).values(field)
        known: list[Any] = [Count("*")]
        known += [Min("number"), Max("text")] if field not in ("number", "text") else []
        return Subquery(grouped.annotate(it=draw(st.sampled_from(known))).values("it"))
    place = draw(st.integers(0, 2))
    order = draw(strategies.orders([name for name in names if name in ordered(db)] or ["name"], 2))
    if db.declares(Feature.ORDER_EXPRESSIONS, ArithmeticOperator.MULTIPLY) and draw(st.booleans()):
        return Subquery(query.order_by(F("level") * OuterRef("level"), *order).values(field)[place : place + 1])
    return Subquery(query.order_by(*order).values(field)[place : place + 1])


@pytest.mark.hypothesis
@rule("A4", "A25", needs=[Feature.SUBQUERIES, Feature.COMPUTED])
def test_random_values_of_other_rows_agree_with_the_reference(db: Db, reference: Store) -> None:
    pair = Pair(db, reference)
    if not db.declares(Feature.SUBQUERIES, Feature.COMPUTED):
        db(rows.annotate(it=Subquery(rows.filter(name=OuterRef("word")).values("number")))).rows()

    @often(db)
    @given(examples(db, 6, lambda names: values_within(db, [name for name in names if name in comparable(db)])))
    def check(example: tuple[Any, list[Subquery]]) -> None:
        made, found = example
        pair.put(made)
        for value in found:
            query = rows.annotate(it=value)
            pair.compare(query, lambda asked, run: [(row.name, type(row.it), row.it) for row in _rows_of(asked, run)])

    check()
    pair.finish()


def _rows_of(query: QuerySet[Everything], run: Any) -> list[Any]:
    return list(query) if not isinstance(run, Db) else run(query).rows()
