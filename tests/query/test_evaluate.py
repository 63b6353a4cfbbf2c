"""What each node means, in small tables: the answers that every store must give."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from polystore import F, Q, QuerySet
from polystore.errors import DataError, NotNullViolation
from polystore.query.evaluate import (
    assigned,
    count_rows,
    decimal_result,
    number_result,
    predicate,
    select_rows,
)
from polystore.query.evaluate.operations import distinct_rows, sort_rows
from polystore.query.nodes import Column, Order
from polystore.query.operations import Count, Select, Update
from polystore.query.operators import ArithmeticOperator
from polystore.query.planner import plan
from polystore.query.shapes import expression_shape
from polystore.schema.kinds import INT64_MAX, INT64_MIN
from tests.query.models import SAMPLE, Sample, condition_of, row
from tests.query.plans import planned

NUMBERS = [1, 2, None, 3]
ROWS = [row(id=key, number=number) for key, number in enumerate(NUMBERS)]
ADD, SUBTRACT, MULTIPLY, DIVIDE, MODULO = ArithmeticOperator


def numbers(condition: Q) -> list[int | None]:
    """The numbers of the rows that fulfil a condition."""
    made, values = condition_of(condition)
    return [each["number"] for each in ROWS if predicate(made)(each, values)]


@pytest.mark.filterwarnings("ignore::polystore.errors.NullInListWarning")
@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (Q(number=1), [1]),
        (~Q(number=1), [2, None, 3]),
        (~Q(number__gt=1), [1, None]),
        (~Q(number__range=(1, 2)), [None, 3]),
        (Q(number=None), [None]),
        (~Q(number=None), [1, 2, 3]),
        (Q(number__in=[1, None]), [1]),
        (~Q(number__in=[1, None]), [2, None, 3]),
        (Q(number__in=[]), []),
        (~Q(number__in=[]), NUMBERS),
        (Q(number=F("number")), [1, 2, 3]),
        (~Q(number=F("number")), [None]),
        (Q(number__gt=F("number") - 1), [1, 2, 3]),
        (Q(number__gt=F("other")), []),
        (~Q(number__gt=F("other")), NUMBERS),
        (~(Q(number=1) & Q(number=2)), NUMBERS),
        (~(Q(number=1) | Q(number=2)), [None, 3]),
        (Q(number=1) ^ Q(number__lt=3), [2]),
        (Q(number__lt=2**70), [1, 2, 3]),
        (~Q(number__lt=2**70), [None]),
        (Q(number=1.5), []),
        (~Q(number=1.5), NUMBERS),
        (Q(number__gte=1.5), [2, 3]),
    ],
)  # fmt: skip
def test_null_fulfils_no_comparison_and_every_negation(condition: Q, found: list[int | None]) -> None:
    assert numbers(condition) == found


@pytest.mark.parametrize(
    ("lookup", "value", "found"),
    [
        ("day__week", 1, True),
        ("day__iso_year", 2025, True),
        ("day__year", 2024, True),
        ("day__quarter", 4, True),
        ("day__week_day", 2, True),
        ("day__iso_week_day", 1, True),
        ("moment__hour", 23, True),
        ("moment__minute__gt", 58, True),
        ("moment__second", 59, True),
        ("moment__date", date(2024, 12, 31), True),
        ("moment__date__lt", date(2024, 12, 31), False),
        ("moment__time", time(23, 59, 59, 999_999), True),
        ("moment__year__lte", 2023, False),
        ("at__hour", 0, True),
        ("at__second", 1, False),
        ("wall__month", 2, False),
    ],
)
def test_parts_of_moments_are_numbered_as_django_does(lookup: str, value: Any, found: bool) -> None:
    sample = row(day=date(2024, 12, 30), moment=datetime(2024, 12, 31, 23, 59, 59, 999_999, UTC), at=time(0))
    condition, values = condition_of(**{lookup: value})
    assert predicate(condition)(sample, values) is found


# ---- order, slices, distinct


@pytest.mark.parametrize(("descending", "found"), [(False, [None, 1, 2, 3]), (True, [3, 2, 1, None])])
def test_null_is_the_lowest_value(descending: bool, found: list[int | None]) -> None:
    assert [
        each["number"] for each in sort_rows(list(ROWS), [Order(Column(SAMPLE.field("number")), descending)], ())
    ] == found


def test_sorting_is_stable_and_goes_by_the_first_term_first() -> None:
    made = [row(id=key, number=key % 2, rank=key // 2) for key in range(4)]
    by_number = sort_rows(made, [Order(Column(SAMPLE.field("number")))], ())
    assert [each["id"] for each in by_number] == [0, 2, 1, 3]
    terms = [Order(Column(SAMPLE.field(name)), True) for name in ("number", "rank")]
    assert [each["id"] for each in sort_rows(made, terms, ())] == [3, 1, 2, 0]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Sample.objects.order_by("number")[1:3], [1, 2]),
        (Sample.objects.order_by("-number")[3:9], [None]),
        (Sample.objects.order_by("number")[9:], []),
        (Sample.objects.exclude(number=1).order_by("number")[:2], [None, 2]),
        (Sample.objects.all(), NUMBERS),
    ],
)
def test_a_select_filters_sorts_and_slices(query: QuerySet[Any], found: list[int | None]) -> None:
    made, values = planned(query)
    counted, counted_values = planned(query, "count")
    assert isinstance(made.operation, Select)
    assert isinstance(counted.operation, Count)
    assert [each["number"] for each in select_rows(ROWS, made.operation, values)] == found
    assert count_rows(ROWS, counted.operation, counted_values) == len(found)


def test_distinct_keeps_the_first_of_equal_rows_and_null_is_a_value() -> None:
    made = [row(id=key, number=number) for key, number in enumerate([1, None, 1, None, 2])]
    assert [each["id"] for each in distinct_rows(made, ["number"])] == [0, 1, 4]
    assert len(distinct_rows(made, ["number", "id"])) == 5
    query = Sample.objects.values("number").distinct()
    plan_of, values = planned(query[:2], "count")
    assert isinstance(plan_of.operation, Count)
    assert count_rows(made, plan_of.operation, values) == 2


@pytest.mark.parametrize(
    ("one", "other", "number"),
    [([1, [2]], [1, [2]], 1), ({"a": 1, "b": 2}, {"b": 2, "a": 1}, 1), ([1, 2], [2, 1], 2), ({"a": []}, {"a": {}}, 2)],
)
def test_structures_are_distinct_by_their_contents(one: Any, other: Any, number: int) -> None:
    assert len(distinct_rows([row(data=one), row(data=other)], ["data"])) == number


# ---- arithmetic


@pytest.mark.parametrize(
    ("operator", "left", "right", "result"),
    [
        (ADD, 1, 2, 3),
        (SUBTRACT, INT64_MIN + 1, 1, INT64_MIN),
        (MULTIPLY, 3, 0.5, 1.5),
        (DIVIDE, 7, 2, 3.5),
        (DIVIDE, -7, 2, -3.5),
        (DIVIDE, 6, 3, 2.0),
        (MODULO, 7, 3, 1),
        (MODULO, -7, 3, -1),
        (MODULO, 7, -3, 1),
        (MODULO, -7.5, 2, -1.5),
        (MULTIPLY, -1.0, 0.0, 0.0),
    ],
)
def test_numbers_are_computed_as_sql_does(operator: ArithmeticOperator, left: Any, right: Any, result: Any) -> None:
    found = number_result(operator, left, right)
    assert (found, type(found), str(found)) == (result, type(result), str(result))


@pytest.mark.parametrize(
    ("operator", "left", "right", "reason"),
    [
        (ADD, INT64_MAX, 1, "does not fit a 64-bit integer"),
        (MULTIPLY, INT64_MIN, -1, "does not fit a 64-bit integer"),
        (DIVIDE, 1, 0, "division by zero"),
        (MODULO, 1, 0, "1 % 0"),
        (MODULO, 1.0, 0.0, "1.0 % 0.0"),
        (MULTIPLY, 1e308, 10, "is no finite number"),
        (ADD, float("inf"), float("-inf"), "is no finite number"),
    ],
)
def test_what_has_no_result_is_a_data_error(operator: ArithmeticOperator, left: Any, right: Any, reason: str) -> None:
    with pytest.raises(DataError) as raised:
        number_result(operator, left, right)
    assert reason in str(raised.value)


def test_decimals_are_exact() -> None:
    assert str(decimal_result(SUBTRACT, Decimal(10**40), Decimal("0.1"))) == "9" * 40 + ".9"
    assert decimal_result(DIVIDE, Decimal(1), Decimal(3)) == Decimal("0." + "3" * 60)
    assert decimal_result(MODULO, Decimal("-7.5"), Decimal(2)) == Decimal("-1.5")
    for operator in (DIVIDE, MODULO):
        with pytest.raises(DataError, match="division by zero"):
            decimal_result(operator, Decimal(1), Decimal(0))


# ---- updates


def changed(before: dict[str, Any], **expressions: Any) -> dict[str, Any]:
    """What an update of expressions gives a row."""
    values: list[Any] = []
    shapes = tuple((name, expression_shape(SAMPLE, each, values)) for name, each in expressions.items())
    operation = plan(SAMPLE, (), "update", shapes).operation
    assert isinstance(operation, Update)
    return assigned(before, operation.assignments, values)


@pytest.mark.parametrize(
    ("before", "expressions", "after"),
    [
        (row(number=1), {"number": F("number") + 1}, {"number": 2}),
        (row(), {"number": F("number") + 1}, {"number": None}),
        (row(number=1, other=2), {"number": F("other"), "other": F("number")}, {"number": 2, "other": 1}),
        (row(number=7), {"real": F("number") / 2}, {"real": 3.5}),
        (row(number=2), {"real": F("number")}, {"real": 2.0}),
        (row(number=2), {"amount": F("number")}, {"amount": Decimal("2.00")}),
        (row(amount=Decimal("0.05")), {"amount": F("amount") / 2}, {"amount": Decimal("0.02")}),
        (row(amount=Decimal("0.15")), {"amount": F("amount") / 2}, {"amount": Decimal("0.08")}),
        (row(loose=Decimal(1)), {"loose": F("loose") / 3}, {"loose": Decimal("0." + "3" * 34)}),
        (row(loose=Decimal(2)), {"loose": F("loose") * Decimal("1.50")}, {"loose": Decimal(3)}),
    ],
)
def test_an_update_computes_from_the_row_as_it_was(
    before: dict[str, Any], expressions: dict[str, Any], after: dict[str, Any]
) -> None:
    found = changed(before, **expressions)
    assert {name: str(value) for name, value in found.items()} == {name: str(value) for name, value in after.items()}


@pytest.mark.parametrize(
    ("before", "expressions", "error", "message"),
    [
        (row(rank=1), {"rank": F("number") + 1}, NotNullViolation, "Sample.rank cannot be NULL"),
        (row(amount=Decimal(5000)), {"amount": F("amount") * 2}, DataError, "Sample.amount: 10000.00 does not lie"),
        (row(loose=Decimal("1E+100")), {"loose": F("loose") * 10}, DataError, "does not lie below 1E+101 in magnitude"),
        (row(number=INT64_MAX), {"number": F("number") + 1}, DataError, "does not fit a 64-bit integer"),
    ],
)  # fmt: skip
def test_a_result_that_a_field_cannot_hold_is_refused(
    before: dict[str, Any], expressions: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        changed(before, **expressions)
    assert message in str(raised.value)
