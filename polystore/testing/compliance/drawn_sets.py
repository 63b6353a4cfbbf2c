"""Random unions, intersections and differences: the store agrees with the reference. Rule F17."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from polystore import Feature, Store
from polystore.testing import strategies
from polystore.testing.compliance.properties import Pair, alike, often
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything

rows = Everything.objects
UNION, INTERSECTION, DIFFERENCE = Feature.UNION, Feature.INTERSECTION, Feature.DIFFERENCE
DRAWN = ["flag", "number", "rank", "other", "amount", "exact", "text", "word", "day", "moment", "instant", "uid"]
COLUMNS = {
    "int": ["number", "rank", "other"],
    "decimal": ["amount", "exact"],
    "text": ["text", "word", "name"],
    "bool": ["flag"],
    "date": ["day"],
    "moment": ["moment", "instant"],
    "uuid": ["uid"],
}


@st.composite
def combinations(draw: st.DrawFn, verbs: Sequence[str]) -> Callable[[Any], Any]:
    """The function from a queryset of everything to combined values in an order, perhaps a slice of them."""
    kinds = draw(st.lists(st.sampled_from(list(COLUMNS)), min_size=1, max_size=3, unique=True))
    part = st.tuples(
        st.tuples(*(st.sampled_from(COLUMNS[kind]) for kind in kinds)), st.integers(-3, 5), st.integers(0, 4)
    )
    parts = draw(st.lists(part, min_size=2, max_size=3))
    verb, descending, size = draw(st.sampled_from(verbs)), draw(st.booleans()), draw(st.integers(0, 6))

    def ask(source: Any) -> Any:
        made = []
        for names, least, rows_at_most in parts:
            query = source.filter(rank__gte=least).order_by("name").values_list(*names)
            made.append(query[:rows_at_most] if rows_at_most else query)
        first, *others = made
        found = first.union(*others, all=True) if verb == "all" else getattr(first, verb)(*others)
        terms = [f"-{name}" if descending else name for name in parts[0][0]]
        return found.order_by(*terms)[:size] if size else found.order_by(*terms)

    return ask


@pytest.mark.hypothesis
@rule("F17", needs=[UNION])
def test_random_combinations_agree_with_the_reference(db: Db, reference: Store) -> None:
    if db.missing:
        db(rows.values("rank").union(rows.values("rank"))).rows()
    pair = Pair(db, reference)
    verbs = ["union", "all", *(each.name.lower() for each in (INTERSECTION, DIFFERENCE) if db.declares(each))]

    @often(db)
    @given(strategies.rows(DRAWN, 6), st.lists(combinations(verbs), min_size=1, max_size=4))
    def check(made: list[dict[str, Any]], asked: list[Callable[[Any], Any]]) -> None:
        pair.put(made)
        for ask in asked:
            expected, query = list(ask(rows.using(reference))), ask(rows.all())
            event(f"{len(expected)} rows")
            assert alike(db(query).rows(), expected), repr(query)
            assert db(query).count() == len(expected)

    check()
