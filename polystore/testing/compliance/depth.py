"""Functions within functions: a command does not grow beyond all bounds, and no planner is kept busy by one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from polystore import (
    Case,
    Cast,
    Count,
    F,
    Feature,
    Greatest,
    Lower,
    OuterRef,
    Q,
    Round,
    Subquery,
    Sum,
    Trunc,
    Upper,
    Value,
    When,
)
from polystore.errors import NotSupportedError
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything

rows = Everything.objects
ROW: dict[str, Any] = {
    "name": "it",
    "number": 5,
    "real": 7.4375,
    "amount": Decimal("3.25"),
    "text": "aXbc",
    "moment": datetime(2024, 5, 5, 12, tzinfo=UTC),
}
NEW_YORK = ZoneInfo("America/New_York")
DEEP: dict[str, tuple[str, Callable[[Any], Any], Any]] = {
    "rounded floats": ("real", lambda inner: Round(inner, 3), 7.438),
    "rounded Decimals": ("amount", lambda inner: Round(inner, 1), Decimal("3.2")),
    "remainders": ("real", lambda inner: inner % 7.25, 0.1875),
    "products": ("real", lambda inner: inner * 2.0, 952.0),
    "quotients of ints": ("number", lambda inner: Cast(inner / 1, int), 5),
    "casts to text": ("number", lambda inner: Cast(Cast(inner, str), int), 5),
    "casts of Decimals": ("amount", lambda inner: Cast(Cast(inner, str), Decimal), Decimal("3.25")),
    "lower case": ("text", Lower, "axbc"),
    "upper case": ("text", Upper, "AXBC"),
    "the greatest": ("number", lambda inner: Greatest(inner, F("rank")), 5),
    "comparisons": ("number", lambda inner: Case(When(Q(real__gt=inner), then=inner), default=Value(0)), 5),
    "clocks": ("moment", lambda inner: Trunc(inner, "day", tzinfo=NEW_YORK), datetime(2024, 5, 5, 4, tzinfo=UTC)),
}


@rule("declared")
@pytest.mark.parametrize("name", list(DEEP))
def test_a_function_within_itself_many_times_is_computed_at_once_or_refused(db: Db, name: str) -> None:
    field, make, expected = DEEP[name]
    expression: Any = F(field)
    for _ in range(7):
        expression = make(expression)
    db.given(Everything, [ROW])
    query = rows.values_list(expression, flat=True)
    try:
        found = db(query).get()
    except NotSupportedError:
        with db.commands(0), pytest.raises(NotSupportedError, match="client"):
            db(query).get()
        found = db(rows.client(max_rows=5).values_list(expression, flat=True)).get()
    assert (type(found), found) == (type(expected), expected)


@rule("declared", needs=[Feature.GROUP, Feature.COMPUTED])
def test_an_aggregate_of_a_constant_is_one_of_all_rows_wherever_it_stands(db: Db) -> None:
    db.given(Everything, [{"name": name, "number": number} for name, number in (("a", 1), ("b", 1), ("c", 2))])
    aggregates = {
        "counted": Cast(Count("*"), float) % 2.5,
        "filtered": Cast(Count("*", filter=Q(number__isnull=False)), float) % 2.5,
        "summed": Sum(Value(1.25)) % 2.0,
        "rounded": Round(Sum(Value(Decimal("1.25"))), 1),
    }
    of_all = {"counted": 0.5, "filtered": 0.5, "summed": 1.75, "rounded": Decimal("3.8")}
    groups = [(1, 2.0, 2.0, 0.5, Decimal("2.5")), (2, 1.0, 1.0, 1.25, Decimal("1.2"))]
    for name, expected in of_all.items():
        assert db(rows.all()).aggregate(it=aggregates[name]) == {"it": expected}
    query = rows.values("number").annotate(**aggregates).order_by("number")
    assert db(query.values_list("number", *aggregates)).rows() == groups


@rule("declared", needs=[Feature.GROUP, Feature.SUBQUERIES])
def test_an_aggregate_within_may_be_of_what_the_row_around_tells(db: Db) -> None:
    db.given(Everything, [{"name": name, "number": number} for name, number in (("a", 2), ("b", 3), ("c", None))])
    groups = rows.values("rank")
    total = groups.annotate(total=Sum(Cast(OuterRef("number"), int))).values("total")[:1]
    size = groups.annotate(size=Count("*", filter=Q(number=OuterRef("number")))).values("size")[:1]
    query = rows.values_list("name", Subquery(total), Subquery(size)).order_by("name")
    assert db(query).rows() == [("a", 6, 1), ("b", 9, 1), ("c", None, 0)]
