"""Plans: what one structure becomes, and that values have no part in it."""

from __future__ import annotations

from typing import Any

import pytest

from polystore import F, QuerySet
from polystore.errors import FieldError
from polystore.query.evaluate import predicate
from polystore.query.nodes import All, Column, Compare, Order, Parameter
from polystore.query.operations import Count, Exists, Select
from polystore.query.operators import Operator
from polystore.query.planner import GET_LIMIT, Terminal
from polystore.schema.kinds import IntKind
from tests.query.models import RANKED, SAMPLE, Ranked, Sample, row
from tests.query.plans import planned, select, value_of

INT = IntKind()
rows: QuerySet[Sample] = Sample.objects.all()
NOWHERE = rows.filter(number=1).exclude(pk__in=[]).filter(text=None).none()
TERMINALS: list[Terminal] = ["rows", "get", "last", "page", "count", "exists", "delete"]


def ordered(query: QuerySet[Any, Any], terminal: Terminal = "rows") -> list[str]:
    operation, _ = select(query, terminal)
    return [("-" if term.descending else "") + term.field.name for term in operation.order]


SHAPES: list[tuple[QuerySet[Any, Any], QuerySet[Any, Any]]] = [
    (rows.filter(number=1), rows.filter(number=2)),
    (rows.filter(number__in=[1, 2, 3]), rows.filter(number__in=(9, 8, 7, 6))),
    (rows.filter(text="a")[:5], rows.filter(text="b")[:9]),
    (rows.filter(number__range=(1, 2))[3:5], rows.filter(number__range=(7, 9))[1:2]),
    (rows.filter(number=F("other") + 1), rows.filter(number=F("other") + 2)),
    (rows.exclude(moment__year=2024), rows.exclude(moment__year=1999)),
    (rows.filter(number=2**70), rows.filter(number=2.5)),
]


@pytest.mark.parametrize(("one", "other"), SHAPES)
@pytest.mark.parametrize("terminal", ["rows", "count", "exists"])
def test_a_plan_does_not_depend_on_values(one: QuerySet[Any], other: QuerySet[Any], terminal: Terminal) -> None:
    (first, values), (second, others) = planned(one, terminal), planned(other, terminal)
    assert one._bound()[0] == other._bound()[0]
    assert hash(one._bound()[0]) == hash(other._bound()[0])
    assert first == second
    assert values != others or values == ()


@pytest.mark.parametrize(
    "query",
    [
        rows.filter(number__gt=1),
        rows.filter(other=1),
        rows.exclude(number=1),
        rows.filter(number=None),
        rows.filter(number=1.5),
        rows.filter(number__in=[1]),
        rows.filter(number=F("other")),
        rows.filter(number=1).order_by("number"),
        rows.filter(number=1).order_by("-number"),
        rows.filter(number=1)[:1],
        rows.filter(number=1)[1:],
        rows.filter(number=1).values("number"),
        rows.filter(number=1).only("number"),
        rows.filter(number=1).reverse(),
        rows.filter(number=1).client(max_rows=5),
    ],
)
def test_another_structure_is_another_shape(query: QuerySet[Any, Any]) -> None:
    assert query._bound()[0] != rows.filter(number=1)._bound()[0]


def test_values_are_bound_in_the_order_of_the_calls() -> None:
    query = rows.filter(number=1).exclude(text="a", other__range=(2, 3)).filter(rank__in=[4, 5])[6:16]
    operation, values = select(query)
    assert values == (1, "a", 2, 3, (4, 5), 6, 10)
    test = predicate(operation.condition)
    assert test(row(number=1, text="b", other=2, rank=5), values)
    assert test(row(number=1, text="a", other=9, rank=4), values)
    assert not test(row(number=1, text="a", other=3, rank=4), values)
    assert not test(row(number=1, rank=6), values)
    assert (value_of(operation.offset, values), value_of(operation.limit, values)) == (6, 10)


@pytest.mark.parametrize("terminal", TERMINALS)
@pytest.mark.parametrize("query", [rows.none(), rows.filter(number=1.5), rows.filter(number__in=[]), NOWHERE])
def test_what_nothing_can_match_needs_no_operation(query: QuerySet[Any], terminal: Terminal) -> None:
    assert planned(query, terminal)[0].operation is None


def test_certain_conditions_leave_the_operation() -> None:
    operation, values = select(rows.filter(number=1).exclude(number=2**70).exclude(other__in=[]))
    assert operation.condition == All((Compare(Column(SAMPLE.field("number")), Operator.EXACT, Parameter(0, INT)),))
    assert values == (1,)


# ---- order


@pytest.mark.parametrize(
    ("query", "terminal", "order"),
    [
        (rows, "rows", []),
        (rows.order_by("number"), "rows", ["number", "id"]),
        (rows.order_by("-number"), "rows", ["-number", "-id"]),
        (rows.order_by("number", "-text"), "rows", ["number", "-text", "-id"]),
        (rows.order_by("number", "-number"), "rows", ["number", "id"]),
        (rows.order_by("pk"), "rows", ["id"]),
        (rows.order_by("-pk", "text"), "rows", ["-id", "text"]),
        (rows[:3], "rows", ["id"]),
        (rows[3:], "rows", ["id"]),
        (rows, "page", ["id"]),
        (rows, "last", ["-id"]),
        (rows.order_by("number"), "last", ["-number", "-id"]),
        (rows.order_by("-number"), "last", ["number", "id"]),
        (rows.reverse(), "rows", []),
        (rows.order_by("number", "-text").reverse(), "rows", ["-number", "text", "id"]),
        (rows.order_by("number").reverse().reverse(), "rows", ["number", "id"]),
        (rows.order_by("number").order_by("text"), "rows", ["text", "id"]),
        (Ranked.objects.all(), "rows", ["-rank", "name", "id"]),
        (Ranked.objects.all().reverse(), "rows", ["rank", "-name", "-id"]),
        (Ranked.objects.order_by(), "rows", []),
        (Ranked.objects.order_by()[:2], "rows", ["id"]),
    ],
)
def test_an_order_is_made_total_in_the_direction_of_its_last_term(
    query: QuerySet[Any], terminal: Terminal, order: list[str]
) -> None:
    assert ordered(query, terminal) == order


def test_an_empty_slice_needs_no_operation() -> None:
    assert planned(rows[5:2])[0].operation is None


def test_counting_needs_no_order() -> None:
    made, _ = planned(Ranked.objects.order_by("name"), "count")
    assert made.operation == Count(RANKED, All())


def test_rows_are_not_ordered_by_structures() -> None:
    with pytest.raises(FieldError, match=r"Sample\.tags is list of str: rows cannot be ordered by it"):
        planned(rows.order_by("tags"))


# ---- slices and get


@pytest.mark.parametrize(
    ("query", "offset", "limit"),
    [
        (rows[:3], None, 3),
        (rows[2:], 2, None),
        (rows[2:5], 2, 3),
        (rows[2:][3:], 5, None),
        (rows[1:9][2:4], 3, 2),
        (rows[:3][1:9], 1, 2),
        (rows[0:4], None, 4),
    ],
)
def test_a_slice_is_an_offset_and_a_limit(query: QuerySet[Any], offset: int | None, limit: int | None) -> None:
    operation, values = select(query)
    assert (value_of(operation.offset, values), value_of(operation.limit, values)) == (offset, limit)


def test_count_and_exists_respect_a_slice() -> None:
    counted, values = planned(rows[2:5], "count")
    assert isinstance(counted.operation, Count)
    assert (value_of(counted.operation.offset, values), value_of(counted.operation.limit, values)) == (2, 3)
    assert isinstance(planned(rows[2:5], "exists")[0].operation, Count)
    behind, values = planned(rows[2:], "exists")
    assert isinstance(behind.operation, Exists)
    assert value_of(behind.operation.offset, values) == 2


def test_get_reads_at_most_a_few_rows() -> None:
    operation, values = select(rows.filter(number=1), "get")
    assert value_of(operation.limit, values) == GET_LIMIT


@pytest.mark.parametrize(
    "query",
    [
        rows.filter(pk=1),
        rows.filter(code="a"),
        rows.filter(number=1).filter(code="a"),
        Ranked.objects.filter(name="a", rank=1),
        rows.filter(number=1)[:1],
    ],
)
def test_get_by_a_unique_value_needs_no_limit_of_its_own(query: QuerySet[Any]) -> None:
    assert planned(query, "get")[0].constants == ()


@pytest.mark.parametrize(
    "query",
    [
        rows.filter(code__in=["a"]),
        rows.filter(code__iexact="a"),
        rows.exclude(code="a"),
        rows.filter(code=F("text")),
        Ranked.objects.filter(name="a"),
        Ranked.objects.filter(name="a", rank=None),
        Ranked.objects.filter(name="a").filter(rank__gte=1),
    ],
)
def test_get_by_anything_else_has_its_limit(query: QuerySet[Any]) -> None:
    assert planned(query, "get")[0].constants == (GET_LIMIT,)


# ---- columns


def test_values_select_their_columns_in_order() -> None:
    operation, _ = select(rows.values("text", "number"))
    assert [info.name for info in operation.columns] == ["text", "number"]
    assert [info.name for info in select(rows.only("text"))[0].columns] == ["id", "text"]
    assert select(rows)[0].columns == SAMPLE.fields


def test_distinct_values_break_ties_among_themselves() -> None:
    operation, _ = select(rows.values("text", "number").distinct().order_by("-number"))
    assert operation.distinct
    assert operation.order == tuple(Order(Column(SAMPLE.field(name)), True) for name in ("number", "text"))
    assert not select(rows.distinct())[0].distinct


def test_distinct_values_are_not_ordered_by_what_is_not_selected() -> None:
    with pytest.raises(FieldError, match=r"Sample: distinct rows of text cannot be ordered by number; add it to"):
        planned(rows.values("text").distinct().order_by("number"))


# ---- behind client()


def test_what_follows_client_is_planned_for_here() -> None:
    made, values = planned(rows.filter(number=1).client(max_rows=5).filter(text="a").order_by("text")[:2])
    assert isinstance(made.operation, Select)
    assert isinstance(made.here, Select)
    assert values == (1, "a", 2, 6)
    assert (value_of(made.operation.limit, values), value_of(made.here.limit, values)) == (6, 2)
    assert made.operation.condition == select(rows.filter(number=1))[0].condition
    assert predicate(made.here.condition)(row(text="a"), values)


def test_existence_behind_client_is_a_count() -> None:
    assert isinstance(planned(rows.client(max_rows=5).filter(text="a"), "exists")[0].here, Count)


def test_get_behind_client_has_both_limits() -> None:
    made, values = planned(rows.client(max_rows=5).filter(text="a"), "get")
    assert isinstance(made.here, Select)
    assert isinstance(made.operation, Select)
    assert (value_of(made.here.limit, values), value_of(made.operation.limit, values)) == (GET_LIMIT, 6)
