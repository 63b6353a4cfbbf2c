"""What the checkers infer of correct code is true of code that runs: the functions of ``inferred`` run here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from polystore import Store
from tests.typing import inferred
from tests.typing.models import Album, Artist, Session, Setting

FUNCTIONS = [
    inferred.columns,
    inferred.conditions,
    inferred.subqueries,
    inferred.instances,
    inferred.querysets,
    inferred.one,
    inferred.expressions,
    inferred.groups,
]


@pytest.fixture
def store() -> Iterator[Store]:
    with Store("memory://") as store:
        store.create_all([Album, Artist, Session, Setting])
        Album.objects.bulk_create(
            [Album(id=key, title=f"x{key}", artist_id=key, price=Decimal(1)) for key in range(1, 10)]
        )
        yield store


@pytest.mark.parametrize("function", [*FUNCTIONS, inferred.projections, inferred.stores], ids=lambda f: f.__name__)
def test_code_that_checks_also_runs(store: Store, function: Callable[[], None]) -> None:
    function()


async def test_async_code_that_checks_also_runs(store: Store) -> None:
    await inferred.other_colour()
