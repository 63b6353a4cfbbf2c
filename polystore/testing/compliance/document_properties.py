"""Random documents, paths and lookups: the store agrees with the store in memory, which is the reference."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore import Feature, Q, Store
from polystore.testing import document_strategies, strategies
from polystore.testing.compliance.properties import often
from polystore.testing.drawing.families import FIRST_KEY
from polystore.testing.harness import Db, rule
from polystore.testing.models import Document

docs = Document.objects
Rows = list[dict[str, Any]]


def put(db: Db, reference: Store, made: Rows) -> None:
    """The same rows in both."""
    numbered = [{"id": FIRST_KEY + place, **row} for place, row in enumerate(made)]
    db.clear(Document)
    db(docs.all()).bulk_create([Document(**row) for row in numbered])
    there = docs.using(reference)
    there.all().delete()
    there.bulk_create([Document(**row) for row in numbered])


@pytest.mark.hypothesis
@rule("A4", "G1", "G5", "G8", "G9", "declared")
def test_random_conditions_on_documents_agree_with_the_reference(db: Db, reference: Store) -> None:
    found = document_strategies.asked(db.declares)
    if not found or not db.declares(Feature.FILTER_ANY):
        db.need(Feature.PATHS, Feature.FILTER_ANY)
        db(docs.filter(author__alive=True)).rows()
        return
    leaf = st.one_of(found)

    @often(db)
    @given(document_strategies.rows(6), st.lists(leaf | strategies.conditions(leaf), min_size=1, max_size=4))
    def check(made: Rows, conditions: list[Q]) -> None:
        put(db, reference, made)
        for condition in conditions:
            for query in (docs.filter(condition), docs.exclude(condition)):
                expected = sorted(row.name for row in query.using(reference))
                answer = sorted(db.names(query))
                assert answer == expected, f"{query.using(reference).explain()}: {answer}, not {expected}"

    check()


@pytest.mark.hypothesis
@rule("A19", "G9", needs=[Feature.PATHS, Feature.JSON_PATHS, Feature.COMPUTED, Feature.ORDER_JSON])
def test_random_values_at_paths_are_read_and_ordered_as_the_reference_does(db: Db, reference: Store) -> None:
    leaves = [leaf for leaf in document_strategies.LEAVES if leaf != "loose"]
    paths = [*(f"author__{leaf}" for leaf in leaves), "author__city__name", "data", "data__a", "data__0", "tags__0"]

    @often(db)
    @given(document_strategies.rows(6), st.lists(st.sampled_from(paths), min_size=1, max_size=3, unique=True))
    def check(made: Rows, names: list[str]) -> None:
        put(db, reference, made)
        for query in (docs.order_by(*names), docs.order_by(*(f"-{name}" for name in names))):
            rows = query.values("name", *names)
            assert db(rows).rows() == list(rows.using(reference))

    check()
