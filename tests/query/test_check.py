"""Refusals before any I/O: what a store has not declared, in the user's own words, with what would work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from polystore import F, Q, QuerySet
from polystore.errors import NotSupportedError
from polystore.query.capabilities import EVERYTHING, OWN_WORDS, Capabilities, Feature
from polystore.query.check import check_operation
from polystore.query.operations import Insert, Operation
from polystore.query.operators import ArithmeticOperator, DatePart, Holding, Operator
from polystore.query.planner import Terminal, plan
from tests.query.models import SAMPLE, Sample
from tests.query.plans import planned

rows: QuerySet[Sample] = Sample.objects.all()
LIKE = ("+", ("F", "rank"), ("V", "int"))


def operation_of(query: QuerySet[Any, Any], terminal: Terminal = "rows") -> Operation:
    operation = planned(query, terminal)[0].operation
    assert operation is not None
    return operation


def update(assignment: Any) -> Operation:
    operation = plan(SAMPLE, (), "update", (("rank", assignment),)).operation
    assert operation is not None
    return operation


def without(missing: Operator | DatePart | ArithmeticOperator | Feature | Holding) -> Capabilities:
    """Everything but this one."""
    fields = {
        Operator: "operators",
        DatePart: "date_parts",
        ArithmeticOperator: "arithmetic",
        Feature: "features",
        Holding: "holdings",
    }
    name = fields[type(missing)]
    return replace(EVERYTHING, **{name: getattr(EVERYTHING, name) - {missing}})


def refusal(operation: Operation, capabilities: Capabilities) -> str:
    with pytest.raises(NotSupportedError) as raised:
        check_operation(operation, capabilities, "docs (mongodb)")
    return str(raised.value)


REFUSED: list[tuple[Operation, Any, str]] = [
    (operation_of(rows.filter(text__iregex="a")), Operator.IREGEX, "text__iregex=..."),
    (operation_of(rows.exclude(Q(text__contains="a") | Q(number=1))), Operator.CONTAINS, "text__contains=..."),
    (operation_of(rows.filter(number__gt=1), "count"), Operator.GT, "number__gt=..."),
    (operation_of(rows.filter(number__gt=1), "exists"), Operator.GT, "number__gt=..."),
    (operation_of(rows.filter(number__gt=1), "delete"), Operator.GT, "number__gt=..."),
    (operation_of(rows.filter(number__range=(1, 2))), Operator.LTE, "number__lte=..."),
    (operation_of(rows.filter(moment__year=2024)), Operator.GTE, "moment__gte=..."),
    (operation_of(rows.filter(moment__hour=3)), DatePart.HOUR, "moment__hour"),
    (operation_of(rows.filter(day__week__in=[3])), DatePart.WEEK, "day__week"),
    (operation_of(rows.filter(number=F("other"))), Feature.COMPARE_COLUMNS, "number=other"),
    (operation_of(rows.filter(number__lt=F("other") * 2)), Feature.COMPARE_COLUMNS, "number__lt=(F('other') * ...)"),
    (operation_of(rows.filter(number=F("other") * 2)), ArithmeticOperator.MULTIPLY, "(F('other') * ...)"),
    (operation_of(rows.filter(number=1 - F("other") / 2)), ArithmeticOperator.DIVIDE, "(F('other') / ...)"),
    (operation_of(rows.filter(real=F("real") % 2)), Feature.MODULO_FLOATS, "(F('real') % ...)"),
    (operation_of(rows.filter(blob__gt=b"a")), Feature.ORDER_BYTES, "blob__gt=..."),
    (operation_of(rows.order_by("number", "-blob")), Feature.ORDER_BYTES, "order_by(number, -blob, -id)"),
    (operation_of(rows.values("text").distinct()), Feature.DISTINCT, "distinct()"),
    (operation_of(rows.values("text").distinct(), "count"), Feature.DISTINCT, "distinct()"),
    (operation_of(rows.filter(city__name="a")), Feature.PATHS, "city__name"),
    (operation_of(rows.filter(tags__0="a")), Feature.PATH_ITEMS, "tags__0"),
    (operation_of(rows.filter(sizes__a__gt=1)), Feature.PATH_KEYS, "sizes__a"),
    (operation_of(rows.filter(data__a__b=1)), Feature.JSON_PATHS, "data__a__b"),
    (operation_of(rows.filter(data=1)), Feature.JSON_PATHS, "data"),
    (operation_of(rows.filter(tags__len=1)), Feature.SIZES, "tags__len"),
    (operation_of(rows.filter(cities__name="a")), Feature.ANY_ELEMENT, "cities__(name=...)"),
    (operation_of(rows.exclude(tags__contains="a")), Holding.ARRAY_CONTAINS, "tags__contains=..."),
    (operation_of(rows.filter(data__a={})), Holding.JSON_EXACT, "data__a=..."),
    (operation_of(rows.filter(data__a=None)), Holding.JSON_NULL, "data__a=None"),
    (operation_of(rows.filter(sizes__has_keys=["a"])), Holding.HAS_KEYS, "sizes__has_keys=..."),
    (operation_of(rows.order_by("data__a")), Feature.ORDER_JSON, "order_by(data__a, id)"),
    (operation_of(rows.order_by("city__name")), Feature.PATHS, "city__name"),
    (operation_of(rows.values("city__name")), Feature.PATHS, "city__name"),
]


@pytest.mark.parametrize(("operation", "missing", "what"), REFUSED)
def test_what_is_not_declared_is_refused_by_its_own_name(operation: Operation, missing: Any, what: str) -> None:
    text = refusal(operation, without(missing))
    assert text == (
        f"Sample on docs (mongodb): the store cannot do {what}; put .client(max_rows=...) before it to evaluate it "
        "here, or move the model to another store"
    )


@pytest.mark.parametrize(("operation", "missing", "what"), REFUSED)
def test_the_same_is_let_through_where_it_is_declared(operation: Operation, missing: Any, what: str) -> None:
    check_operation(operation, EVERYTHING, "docs (mongodb)")


def test_a_computed_update_is_refused_with_another_remedy() -> None:
    assert refusal(update(LIKE), without(Feature.UPDATE_EXPRESSIONS)) == (
        "Sample on docs (mongodb): the store cannot do update(rank=(F('rank') + ...)); read the row, compute, and save "
        "it with a version field"
    )
    assert "(F('rank') + ...)" in refusal(update(LIKE), without(ArithmeticOperator.ADD))


@pytest.mark.parametrize("form", ["value", "null"])
def test_a_plain_update_needs_nothing(form: str) -> None:
    check_operation(update(form), Capabilities(), "kv (redis)")


def test_an_insert_needs_a_feature_only_to_skip_conflicts() -> None:
    check_operation(Insert(SAMPLE, SAMPLE.fields), Capabilities(), "kv (redis)")
    assert refusal(Insert(SAMPLE, SAMPLE.fields, ignore_conflicts=True), without(Feature.IGNORE_CONFLICTS)) == (
        "Sample on docs (mongodb): the store cannot do ignore_conflicts=True; catch UniqueViolation for each row"
    )


@pytest.mark.parametrize(
    "query", [rows, rows.filter(number=None), rows.filter(number__in=[1]), rows.exclude(text=None).order_by("text")]
)
def test_null_lists_and_orders_are_declared_by_no_one(query: QuerySet[Any]) -> None:
    check_operation(operation_of(query), Capabilities(), "kv (redis)")


def test_bytes_are_found_by_equality_everywhere() -> None:
    check_operation(operation_of(rows.filter(blob=b"a")), Capabilities(frozenset({Operator.EXACT})), "kv (redis)")


def test_everything_but_what_servers_have_words_of_their_own_for_is_declared_by_the_reference() -> None:
    assert EVERYTHING.operators == set(Operator)
    assert EVERYTHING.date_parts == set(DatePart)
    assert EVERYTHING.arithmetic == set(ArithmeticOperator)
    assert EVERYTHING.holdings == set(Holding)
    assert EVERYTHING.features == set(Feature) - OWN_WORDS - {Feature.ANALYZE}
    assert Capabilities() == Capabilities(frozenset(), frozenset(), frozenset(), frozenset())
