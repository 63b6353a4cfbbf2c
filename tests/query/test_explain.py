"""Conditions and operations printed in the user's own words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from polystore import F, Q, QuerySet
from polystore.query.explain import describe_condition, describe_operation
from polystore.query.operations import Insert
from polystore.query.planner import Terminal, plan
from polystore.query.simplify import FALSE, TRUE
from tests.query.models import RANKED, SAMPLE, Ranked, Sample, condition_of
from tests.query.plans import planned

rows: QuerySet[Sample] = Sample.objects.all()


@pytest.mark.parametrize(
    ("condition", "text", "shown"),
    [
        (Q(number=3), "number=...", "number=3"),
        (Q(text__icontains="rock"), "text__icontains=...", "text__icontains='rock'"),
        (Q(number=None), "number__isnull=True", "number__isnull=True"),
        (~Q(number=None), "NOT number__isnull=True", "NOT number__isnull=True"),
        (~Q(number=3), "NOT number=...", "NOT number=3"),
        (Q(number__in=[3, 1, 2]), "number__in=...", "number__in=[1, 2, 3]"),
        (Q(number__range=(1, 2)), "number__gte=... AND number__lte=...", "number__gte=1 AND number__lte=2"),
        (
            Q(number=1) | Q(text="a", rank=2),
            "number=... OR (text=... AND rank=...)",
            "number=1 OR (text='a' AND rank=2)",
        ),
        (~Q(number=1, text="a"), "NOT number=... OR NOT text=...", "NOT number=1 OR NOT text='a'"),
        (Q(moment__hour__gt=3), "moment__hour__gt=...", "moment__hour__gt=3"),
        (
            Q(moment__year__gte=2024),
            "moment__gte=...",
            f"moment__gte={datetime(2024, 1, 1, tzinfo=UTC)!r}",
        ),
        (Q(number=F("other")), "number=other", "number=other"),
        (Q(number__lt=F("other") + 2), "number__lt=(F('other') + ...)", "number__lt=(F('other') + 2)"),
        (Q(number=(F("other") + 2) * F("rank")), "number=((F('other') + ...) * F('rank'))", None),
        (Q(number=1 - F("other")), "number=(... - F('other'))", "number=(1 - F('other'))"),
    ],
)
def test_a_condition_reads_as_lookups(condition: Q, text: str, shown: str | None) -> None:
    made, values = condition_of(condition)
    assert describe_condition(made) == text
    if shown is not None:
        assert describe_condition(made, values) == shown


def test_all_and_nothing_have_words() -> None:
    assert describe_condition(TRUE) == "all rows"
    assert describe_condition(FALSE) == "no rows"


@pytest.mark.parametrize(
    ("query", "terminal", "text"),
    [
        (Ranked.objects.all(), "rows", "select Ranked where all rows, of id, name, rank, ordered by -rank, name, id"),
        (Ranked.objects.order_by(), "rows", "select Ranked where all rows, of id, name, rank"),
        (
            Ranked.objects.order_by("name").values("name")[2:5],
            "rows",
            "select Ranked where all rows, of name, ordered by name, id, skipping 2, at most 3",
        ),
        (
            Ranked.objects.order_by("-name").values("name").distinct(),
            "rows",
            "select Ranked where all rows, of name, distinct, ordered by -name",
        ),
        (Ranked.objects.filter(rank=1)[2:5], "count", "count Ranked where rank=1, skipping 2, at most 3"),
        (Ranked.objects.filter(rank=1), "exists", "exists Ranked where rank=1"),
        (Ranked.objects.filter(rank=1), "delete", "delete Ranked where rank=1"),
        (Ranked.objects.filter(rank=1), "get", None),
    ],
)
def test_an_operation_reads_as_one_line(query: QuerySet[Any, Any], terminal: Terminal, text: str | None) -> None:
    made, values = planned(query, terminal)
    assert made.operation is not None
    described = describe_operation(made.operation, values)
    assert described == text if text is not None else described.endswith("at most 21")


def test_an_update_tells_what_it_sets() -> None:
    assignments = (("name", "value"), ("rank", ("+", ("F", "rank"), ("V", "int"))))
    operation = plan(RANKED, (("filter", ("pk",)),), "update", assignments).operation
    assert operation is not None
    assert describe_operation(operation, [7, "a", 1]) == "update Ranked where id=7, set name='a', rank=(F('rank') + 1)"
    nulled = plan(RANKED, (), "update", (("rank", "null"),)).operation
    assert nulled is not None
    assert describe_operation(nulled) == "update Ranked where all rows, set rank=None"


def test_an_insert_tells_its_fields() -> None:
    assert describe_operation(Insert(RANKED, RANKED.beside_key)) == "insert Ranked (name, rank)"
    assert describe_operation(Insert(SAMPLE, SAMPLE.fields[:2])) == "insert Sample (id, code)"
