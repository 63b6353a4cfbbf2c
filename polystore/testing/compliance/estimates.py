"""Estimated counts, of stores that keep one; rule F29."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from polystore import Count, Feature, QuerySet
from polystore.errors import QueryUsageError
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything

rows = Everything.objects
PARTS: dict[str, Callable[[], QuerySet[Any, Any]]] = {
    "a filter": lambda: rows.filter(number=1),
    "a slice": lambda: rows.all()[:5],
    "distinct rows": lambda: rows.values("number").distinct(),
    "groups": lambda: rows.values("number").annotate(n=Count("*")),
    "what follows client": lambda: rows.client(max_rows=5),
    "no rows": lambda: rows.none(),
}


@rule("F29", needs=[Feature.COUNT_ESTIMATE])
def test_an_estimate_costs_one_command_and_is_a_number(db: Db) -> None:
    db.given(Everything, [{"name": f"n{i}", "number": i} for i in range(5)])
    with db.commands(1):
        number = db(rows.order_by("number")).count(estimate=True)
    assert type(number) is int
    assert number >= 0


@rule("F29", "K1")
@pytest.mark.parametrize("part", list(PARTS))
def test_a_part_of_the_rows_is_not_estimated(db: Db, part: str) -> None:
    db.given(Everything, [{"name": "a"}])
    with (
        db.commands(0),
        pytest.raises(QueryUsageError, match=r"Everything: count\(estimate=True\).*exact"),
    ):
        db(PARTS[part]()).count(estimate=True)
