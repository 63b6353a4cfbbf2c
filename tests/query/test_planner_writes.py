"""Plans of updates and deletes."""

from __future__ import annotations

from typing import Any

import pytest

from polystore import QuerySet
from polystore.errors import FieldError, QueryUsageError
from polystore.query.nodes import Arithmetic, Null, Parameter
from polystore.query.operations import Assignment, Delete, Update
from polystore.query.planner import plan
from polystore.schema.kinds import IntKind
from tests.query.models import SAMPLE, Sample
from tests.query.plans import planned

INT = IntKind()
rows: QuerySet[Sample] = Sample.objects.all()


def test_an_update_assigns_values_null_and_expressions() -> None:
    shape, _ = rows.filter(number=1)._bound()
    sum_of = ("+", ("F", "number"), ("V", "int"))
    made = plan(SAMPLE, shape, "update", (("text", "value"), ("other", "null"), ("rank", sum_of)))
    assert isinstance(made.operation, Update)
    text, other, rank = made.operation.assignments
    assert text == Assignment(SAMPLE.field("text"), Parameter(1, SAMPLE.field("text").kind))
    assert other == Assignment(SAMPLE.field("other"), Null())
    assert isinstance(rank.value, Arithmetic)
    assert rank.value.right == Parameter(2, INT)
    assert isinstance(planned(rows.filter(number=1), "delete")[0].operation, Delete)


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        ((("id", "value"),), "Sample.id is the primary key: it cannot be changed"),
        ((("nothing", "value"),), "Sample has no field 'nothing'"),
        ((("rank", ("/", ("F", "rank"), ("V", "int"))),), "Sample.rank is an int: it cannot take the float of an expr"),
        ((("text", ("F", "number")),), "update(text=...) of Sample: str and int do not go together"),
        ((("amount", ("F", "real")),), "update(amount=...) of Sample: Decimal and float do not go together"),
    ],
)
def test_a_wrong_assignment_is_told(assignments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(FieldError) as raised:
        plan(SAMPLE, (), "update", assignments)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("query", "what"),
    [
        (rows[:1], "a slice"),
        (rows.values("text"), "values()"),
        (rows.distinct(), "distinct()"),
        (rows.client(max_rows=3), "behind client()"),
    ],
)
def test_only_filtered_rows_are_deleted(query: QuerySet[Any, Any], what: str) -> None:
    with pytest.raises(QueryUsageError) as raised:
        planned(query, "delete")
    assert str(raised.value).startswith("Sample: delete() works on filtered rows, not on ")
    assert what in str(raised.value)
