"""Rich values to plain ones to documents and back: nothing is lost, and order is kept where it is promised."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.api.complete import schema_of
from polystore.schema.document import document_dump, document_load, moment_from_text, moment_text
from polystore.schema.kinds import DecimalKind, FloatKind
from polystore.schema.plain import from_plain, normaliser, to_plain
from polystore.testing import strategies
from polystore.testing.models import Everything
from tests.schema.models import KINDS, Colour, Spot, Trip

EVERYTHING = schema_of(Everything)
fields_and_values = st.sampled_from(sorted(strategies.FIELDS)).flatmap(
    lambda name: st.tuples(st.just(name), strategies.FIELDS[name].strategy)
)


def through(convert: Any, value: Any) -> Any:
    return value if convert is None else convert(value)


@given(fields_and_values)
def test_a_rich_value_comes_back_from_its_plain_one(drawn: tuple[str, Any]) -> None:
    kind = EVERYTHING.field(drawn[0]).kind
    validated = getattr(Everything(**{"name": "a", "people": [], drawn[0]: drawn[1]}), drawn[0])
    plain = through(to_plain(kind), validated)
    rich = through(from_plain(kind), plain)
    assert rich == validated
    assert type(rich) is type(validated)
    assert through(to_plain(kind), rich) == plain


@given(fields_and_values)
def test_a_plain_value_comes_back_from_its_document(drawn: tuple[str, Any]) -> None:
    kind = EVERYTHING.field(drawn[0]).kind
    plain = through(to_plain(kind), drawn[1])
    text = json.dumps(through(document_dump(kind), plain))
    assert through(document_load(kind), json.loads(text)) == plain


TRIP = Trip(
    start=Spot(name="Oslo", seen=datetime(2024, 1, 1, 5, tzinfo=timezone(timedelta(hours=5))), colour=Colour.RED),
    stops=[Spot(name="Bergen", price=Decimal("1.5"))],
    prices={"a": Decimal("1.10"), "b": None},
)
PLAIN = {
    "start": {"name": "Oslo", "seen": datetime(2024, 1, 1, tzinfo=UTC), "price": None, "colour": "red"},
    "stops": [{"name": "Bergen", "seen": None, "price": Decimal("1.50"), "colour": None}],
    "prices": {"a": Decimal("1.1"), "b": None},
}
DOCUMENT = {
    "start": {"label": "Oslo", "seen": "2024-01-01T00:00:00.000000Z", "price": None, "colour": "red"},
    "stops": [{"label": "Bergen", "seen": None, "price": "1.50", "colour": None}],
    "prices": {"a": "1.1", "b": None},
}


def test_an_embedded_model_is_a_dict_under_field_names_and_a_document_under_columns() -> None:
    kind = KINDS.field("trip").kind
    assert through(to_plain(kind), TRIP) == PLAIN
    assert str(through(to_plain(kind), TRIP)) == str(PLAIN)
    assert through(document_dump(kind), PLAIN) == DOCUMENT
    assert through(document_load(kind), DOCUMENT) == PLAIN
    assert through(from_plain(kind), PLAIN) == Trip(
        start=Spot(name="Oslo", seen=datetime(2024, 1, 1, tzinfo=UTC), colour=Colour.RED),
        stops=[Spot(name="Bergen", price=Decimal("1.50"))],
        prices={"a": Decimal("1.1"), "b": None},
    )


def test_a_part_that_is_missing_in_a_document_reads_as_none() -> None:
    kind = KINDS.field("spot").kind
    assert through(document_load(kind), {"label": "x", "unknown": 1}) == {
        "name": "x",
        "seen": None,
        "price": None,
        "colour": None,
    }
    assert through(from_plain(kind), {"name": "x"}).price is None


def test_plain_lists_and_dicts_are_new_ones() -> None:
    for name, value in (("tags", ["a"]), ("spans", {"a": timedelta(1)})):
        plain = through(to_plain(KINDS.field(name).kind), value)
        assert plain == value
        assert plain is not value


def test_minus_zero_is_plain_zero() -> None:
    assert str(through(to_plain(FloatKind()), -0.0)) == "0.0"
    assert str(through(to_plain(KINDS.field("grid").kind), [[-0.0]])) == "[[0.0]]"


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), 0.1, 5e-324])
def test_a_float_of_a_document_survives_json_without_infinities(value: float) -> None:
    text = json.dumps(through(document_dump(FloatKind()), value), allow_nan=False)
    assert through(document_load(FloatKind()), json.loads(text)) == value


@given(st.lists(strategies.aware_moments(), max_size=5))
def test_moments_as_text_are_ordered_as_moments(moments: list[datetime]) -> None:
    texts = [moment_text(moment) for moment in moments]
    assert {len(text) for text in texts} <= {27}
    assert [moment_from_text(text) for text in sorted(texts)] == sorted(moments)


# ---- decimals


@given(strategies.loose_decimals(), st.integers(-50, 50))
def test_equal_decimals_without_places_have_one_form(value: Decimal, shift: int) -> None:
    normalise = normaliser(34, None)
    longer = value if shift <= 0 else Decimal(f"{value:f}" + ("" if "." in f"{value:f}" else ".") + "0" * shift)
    assert str(normalise(longer)) == str(normalise(value))
    assert normalise(value) == value


@given(strategies.decimals(2, 6), st.integers(0, 5))
def test_a_decimal_with_places_has_exactly_these(value: Decimal, more: int) -> None:
    held = normaliser(6, 2)(value.normalize() if more else value)
    assert held == value
    assert held.as_tuple().exponent == -2


@pytest.mark.parametrize(
    ("kind", "given", "held"),
    [
        (DecimalKind(6, 2), "1.5", "1.50"),
        (DecimalKind(6, 2), "-0", "0.00"),
        (DecimalKind(6, 2), "0E+5", "0.00"),
        (DecimalKind(6, 2), "2.005", "2.00"),
        (DecimalKind(6, 2), "2.015", "2.02"),
        (DecimalKind(6, 0), "1E+3", "1000"),
        (DecimalKind(), "1.500", "1.5"),
        (DecimalKind(), "1E+3", "1000"),
        (DecimalKind(), "1E+40", "1E+40"),
        (DecimalKind(), "-0.00", "0"),
        (DecimalKind(), "1." + "1" * 40, "1." + "1" * 33),
    ],
)
def test_a_decimal_is_brought_to_its_fields_form(kind: DecimalKind, given: str, held: str) -> None:
    assert str(through(to_plain(kind), Decimal(given))) == held


def test_the_form_of_a_decimal_does_not_depend_on_the_callers_context() -> None:
    with localcontext(prec=3):
        assert str(normaliser(34, None)(Decimal("12345678901234567890.10"))) == "12345678901234567890.1"
        assert str(normaliser(34, 2)(Decimal("12345678901234567890.1"))) == "12345678901234567890.10"


@pytest.mark.parametrize(
    ("kind", "fits", "limit"),
    [(DecimalKind(18, 2), True, "1E+16"), (DecimalKind(19, 2), False, "1E+17"), (DecimalKind(), False, "1E+101")],
)
def test_a_kind_knows_its_size(kind: DecimalKind, fits: bool, limit: str) -> None:
    assert kind.fits_int64 is fits
    assert kind.limit == Decimal(limit)
