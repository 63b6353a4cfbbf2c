"""Random models: whatever they declare, rows come back as they were and in the order of the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from polystore import Feature, Model, Store
from polystore.api.registry import forget
from polystore.errors import NotSupportedError
from polystore.testing.compliance.properties import often, typed
from polystore.testing.drawn_models import KINDS, DrawnModel, drawn_models
from polystore.testing.harness import Db, rule


@contextmanager
def created(db: Db, drawn: DrawnModel) -> Iterator[tuple[type[Model], Store]]:
    """A class of the description with its table in the store, both gone after the block."""
    model = drawn.make()
    forget(model)
    store = Store({"default": db.adapter})
    try:
        db.call(store, "create_all", [model])
        yield model, store
    finally:
        db.call(store, "drop_all", [model])
        db.call(store, "close")


@pytest.mark.hypothesis
@rule("C18", "E1", "declared")
def test_random_models_keep_their_rows_and_their_order(db: Db) -> None:
    @often(db, 0.2)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        drawn = data.draw(drawn_models([kind for kind in KINDS if kind != "blob" or db.declares(Feature.ORDER_BYTES)]))
        made = data.draw(drawn.rows(5))
        with created(db, drawn) as (model, store), Store("memory://") as reference:
            both = [model.objects.using(store), model.objects.using(reference)]
            db(both[0]).bulk_create([model(**row) for row in made])
            both[1].bulk_create([model(**row) for row in made])
            expected = {row.pk: typed(row) for row in both[1].all()}
            assert {row.pk: typed(row) for row in db(both[0].order_by()).rows()} == expected
            for key in expected:
                assert typed(db(both[0].all()).get(pk=key)) == expected[key]
            for each in drawn.ordered:
                agree(db, list, [query.order_by(f"-{each.name}") for query in both], always=each.index)
                pivot = made[0][each.name]
                if pivot is not None:
                    agree(
                        db,
                        set,
                        [query.filter(**{f"{each.name}__gte": pivot}).order_by() for query in both],
                        always=each.index,
                    )
            if drawn.ordering:
                agree(db, list, [query[:3] for query in both], always=len(drawn.ordering) == 1)
            event(f"{drawn.key} as key")

    check()


def agree(db: Db, made: Callable[[Any], Any], queries: list[Any], *, always: bool) -> None:
    """The store answers as the reference does, ``always`` or else it may refuse before any command."""
    try:
        found = made(row.pk for row in db(queries[0]).rows())
    except NotSupportedError:
        assert not always
        assert not db.declares(Feature.FILTER_ANY, Feature.ORDER_ANY)
        assert db.refused_after == 0
        return
    assert found == made(row.pk for row in queries[1])
