"""Q, F and typed columns: structure apart from values, and what they refuse."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from polystore import F, Q, Sum
from polystore.errors import DataError, FieldError
from polystore.query.shapes import expression_shape, order_shape
from tests.query.models import SAMPLE, Level, Sample, shape_of


@pytest.mark.parametrize(
    ("typed", "lookup"),
    [
        (Sample.number == 3, Q(number=3)),
        (Sample.number != 3, ~Q(number=3)),
        (Sample.number == None, Q(number=None)),  # noqa: E711  # builds a condition
        (Sample.number > 3, Q(number__gt=3)),
        (Sample.number >= 3, Q(number__gte=3)),
        (Sample.number < 3, Q(number__lt=3)),
        (Sample.number <= 3, Q(number__lte=3)),
        (Sample.number > Sample.other, Q(number__gt=F("other"))),
        (Sample.number.in_([1, 2]), Q(number__in=[1, 2])),
        (Sample.number.range(1, 2), Q(number__range=(1, 2))),
        (Sample.number.isnull(), Q(number__isnull=True)),
        (Sample.number.isnull(False), Q(number__isnull=False)),
        (Sample.text.iexact("a"), Q(text__iexact="a")),
        (Sample.text.contains("a"), Q(text__contains="a")),
        (Sample.text.icontains("a"), Q(text__icontains="a")),
        (Sample.text.startswith("a"), Q(text__startswith="a")),
        (Sample.text.istartswith("a"), Q(text__istartswith="a")),
        (Sample.text.endswith("a"), Q(text__endswith="a")),
        (Sample.text.iendswith("a"), Q(text__iendswith="a")),
        (Sample.text.regex("a"), Q(text__regex="a")),
        (Sample.text.iregex("a"), Q(text__iregex="a")),
    ],
)
def test_a_typed_condition_is_the_lookup_of_its_name(typed: Q, lookup: Q) -> None:
    assert shape_of(typed) == shape_of(lookup)


def test_a_column_orders_by_its_name() -> None:
    values: list[Any] = []
    terms = (Sample.number.asc(), Sample.number.desc(), F("number").desc(nulls_last=True), F("pk").asc())
    assert [order_shape(SAMPLE, term, values) for term in terms] == ["number", "-number", "-number", "id"]
    by_sum = order_shape(SAMPLE, (F("number") + 1).desc(nulls_first=True), values)
    assert by_sum == ("by", ("+", ("F", "number"), ("V", "int")), True, "first")
    assert values == [1]


def test_a_condition_prints_as_it_was_written() -> None:
    assert repr(Q(number=1) | ~Q(text="a")) == "Q(Q(number=1) OR ~Q(Q(text='a')))"
    assert repr(F("number") + 1) == "(F('number') + 1)"
    assert repr(Sum("number", filter=Q(text="a"), default=0)) == "Sum('number', filter=Q(text='a'), default=0)"


def test_a_condition_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match=r"combine conditions with &, \| and ~"):
        bool(Q(number=1))


@pytest.mark.parametrize("wrong", [3, None, F("number")])
def test_only_conditions_are_joined(wrong: Any) -> None:
    with pytest.raises(TypeError):
        Q(number=1) & wrong
    with pytest.raises(FieldError, match="Q takes Q objects and field__lookup=value"):
        Q(wrong)


@pytest.mark.parametrize(
    ("expression", "shape", "numbers"),
    [
        (F("number"), ("F", "number"), []),
        (F("number") + 1, ("+", ("F", "number"), ("V", "int")), [1]),
        (1 + F("number"), ("+", ("V", "int"), ("F", "number")), [1]),
        (F("number") - 1.5, ("-", ("F", "number"), ("V", "float")), [1.5]),
        (2 - F("number"), ("-", ("V", "int"), ("F", "number")), [2]),
        (F("number") * Decimal(2), ("*", ("F", "number"), ("V", "Decimal")), [Decimal(2)]),
        (2 * F("number"), ("*", ("V", "int"), ("F", "number")), [2]),
        (F("number") / F("other"), ("/", ("F", "number"), ("F", "other")), []),
        (2 / F("number"), ("/", ("V", "int"), ("F", "number")), [2]),
        (F("number") % 2, ("%", ("F", "number"), ("V", "int")), [2]),
        (7 % F("number"), ("%", ("V", "int"), ("F", "number")), [7]),
        (Sample.number + 1, ("+", ("F", "number"), ("V", "int")), [1]),
        ((F("a") + 1) * (F("b") - 2), ("*", ("+", ("F", "a"), ("V", "int")), ("-", ("F", "b"), ("V", "int"))), [1, 2]),
        (F("number") + Level.HIGH, ("+", ("F", "number"), ("V", "int")), [20]),
        (F("number") + math.inf, ("+", ("F", "number"), ("V", "float")), [math.inf]),
    ],
)
def test_an_expression_is_a_structure_with_its_numbers_beside_it(
    expression: Any, shape: tuple[Any, ...], numbers: list[Any]
) -> None:
    values: list[Any] = []
    assert expression_shape(SAMPLE, expression, values) == shape
    assert values == numbers
    assert [type(value) for value in values] == [type(number) for number in numbers]


@pytest.mark.parametrize(
    "wrong", ["1", None, True, [1], math.nan, Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), 1j]
)
def test_arithmetic_takes_numbers_that_a_field_could_hold(wrong: Any) -> None:
    with pytest.raises(TypeError, match="arithmetic takes F, int, float and Decimal, not "):
        F("number") + wrong
    with pytest.raises(TypeError, match="arithmetic takes F, int, float and Decimal, not "):
        wrong - F("number")


@pytest.mark.parametrize("wide", [2**63, -(2**63) - 1])
def test_an_int_beyond_64_bits_is_refused_where_it_is_written(wide: int) -> None:
    with pytest.raises(DataError, match=rf"between -2\*\*63 and 2\*\*63 - 1, not {wide}"):
        F("number") + wide
