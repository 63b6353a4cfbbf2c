"""Numbers: rules B1 to B23."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from typing import Any

import pytest

from polystore import F, Feature
from polystore.errors import DataError, FieldError, ValidationError
from polystore.query.operators import ArithmeticOperator
from polystore.schema.kinds import INT64_MAX, INT64_MIN
from polystore.testing.harness import Db, rule
from polystore.testing.models import Checked, Everything, Level

rows = Everything.objects
INTS: list[dict[str, Any]] = [
    {"name": "low", "number": INT64_MIN},
    {"name": "minus", "number": -1},
    {"name": "zero", "number": 0},
    {"name": "one", "number": 1},
    {"name": "wide", "number": 2**53 + 1},
    {"name": "high", "number": INT64_MAX},
    {"name": "null"},
]
DECIMALS: list[dict[str, Any]] = [
    {"name": "minus", "amount": Decimal("-0.01")},
    {"name": "nine", "amount": Decimal("9.5")},
    {"name": "ten", "amount": Decimal("10")},
    {"name": "big", "amount": Decimal("9999999999.99")},
    {"name": "null"},
]
UPDATES = [Feature.UPDATE_EXPRESSIONS]


@rule("B1")
def test_all_int64_values_come_back_exactly(db: Db) -> None:
    db.given(Everything, INTS)
    for row in INTS:
        found = db(rows.filter(number=row.get("number"))).get()
        assert (found.name, found.number) == (row["name"], row.get("number"))


@rule("B1")
def test_ints_beyond_the_exact_floats_are_compared_exactly(db: Db) -> None:
    db.given(Everything, [{"name": f"n{i}", "number": 2**53 + i} for i in range(3)])
    assert db.found(rows.filter(number=2**53)) == "n0"
    assert db.found(rows.filter(number__gt=2**53)) == "n1 n2"
    assert db.found(rows.filter(number__range=(2**53 + 1, 2**53 + 1))) == "n1"
    assert db.names(rows.order_by("-number")) == ["n2", "n1", "n0"]


@rule("B2")
def test_comparing_with_an_int_out_of_range_has_its_certain_answer(db: Db) -> None:
    db.given(Everything, INTS)
    some = "high low minus one wide zero"
    for far in (2**63, 2**70, 10**30):
        assert db.found(rows.filter(number=far)) == ""
        assert db.found(rows.filter(number__lt=far)) == some
        assert db.found(rows.filter(number__gte=far)) == ""
        assert db.found(rows.filter(number__gt=-far - 1)) == some
        assert db.found(rows.exclude(number__lt=far)) == "null"
        assert db.found(rows.filter(number__range=(0, far))) == "high one wide zero"
        assert db.found(rows.filter(number__in=[far, 1])) == "one"


@rule("B3")
@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**30])
def test_an_int_out_of_range_is_refused_before_it_is_written(db: Db, value: int) -> None:
    db.given(Everything, INTS)
    with db.commands(0), pytest.raises(ValidationError, match=r"Everything\.number"):
        db(rows.all()).create(name="far", number=value)
    with db.commands(0), pytest.raises(ValidationError, match=r"Everything\.number"):
        db(rows.all()).update(number=value)


@rule("B4")
def test_an_int_comes_back_as_plain_int(db: Db) -> None:
    db.given(Everything, INTS)
    assert {type(row.number) for row in db(rows.exclude(number=None)).rows()} == {int}
    assert type(db(rows.all()).count()) is int


@rule("B5")
def test_an_int_field_takes_no_bool(db: Db) -> None:
    db.given(Everything, INTS)
    with db.commands(0), pytest.raises(ValidationError, match=r"Everything\.number"):
        db(rows.all()).create(name="x", number=True)
    with db.commands(0), pytest.raises(FieldError, match=r"Everything\.number"):
        db(rows.filter(number=True)).rows()


@rule("B5")
def test_bools_come_back_as_bools_and_within_json_keep_their_type(db: Db) -> None:
    db.given(Everything, [{"name": "a", "flag": True, "data": [True, 1, 1.0, False, 0]}])
    row = db(rows.all()).get()
    assert row.flag is True
    assert [type(item) for item in row.data] == [bool, int, float, bool, int]


@rule("B6")
def test_an_int_field_takes_the_text_of_an_int(db: Db) -> None:
    db.given(Everything, INTS)
    assert db.found(rows.filter(number="1")) == "one"
    with db.commands(0), pytest.raises(ValueError, match="takes an int"):
        db(rows.filter(number="abc")).rows()


@rule("B6")
@pytest.mark.parametrize("half", [0.5, Decimal("0.5")])
def test_comparing_an_int_field_with_a_fraction_rounds_to_no_other_answer(db: Db, half: float | Decimal) -> None:
    db.given(Everything, INTS)
    assert db.found(rows.filter(number=half)) == ""
    assert db.found(rows.exclude(number=half)) == "high low minus null one wide zero"
    assert db.found(rows.filter(number__gt=half)) == "high one wide"
    assert db.found(rows.filter(number__gte=half)) == "high one wide"
    assert db.found(rows.filter(number__lt=half)) == "low minus zero"
    assert db.found(rows.filter(number__lte=half)) == "low minus zero"
    assert db.found(rows.filter(number__gte=-half)) == "high one wide zero"
    assert db.found(rows.filter(number__in=[half, 1])) == "one"


@rule("B8", needs=[*UPDATES, ArithmeticOperator.DIVIDE])
@pytest.mark.parametrize(("number", "quotient"), [(7, 3.5), (-7, -3.5), (6, 3.0)])
def test_division_of_ints_is_true_division(db: Db, number: int, quotient: float) -> None:
    db.given(Everything, [{"name": "a", "number": number, "other": 2}])
    db(rows.all()).update(real=F("number") / F("other"))
    assert db(rows.all()).get().real == quotient


@rule("B8", needs=[*UPDATES, ArithmeticOperator.DIVIDE])
def test_division_by_zero_is_a_data_error_and_writes_nothing(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": 4, "other": 2, "real": 9.0}, {"name": "b", "number": 1, "other": 0}])
    with pytest.raises(DataError):
        db(rows.all()).update(real=F("number") / F("other"))
    assert [row.real for row in db(rows.order_by("name")).rows()] == [9.0, None]


@rule("B9", needs=[*UPDATES, ArithmeticOperator.MODULO])
@pytest.mark.parametrize(("number", "other", "rest"), [(7, 2, 1), (-7, 2, -1), (7, -2, 1), (-7, -2, -1), (6, 3, 0)])
def test_modulo_takes_the_sign_of_the_dividend(db: Db, number: int, other: int, rest: int) -> None:
    db.given(Everything, [{"name": "a", "number": number, "other": other}])
    db(rows.all()).update(rank=F("number") % F("other"))
    assert db(rows.all()).get().rank == rest


@rule("B10", needs=[*UPDATES, ArithmeticOperator.MULTIPLY])
@pytest.mark.parametrize(
    ("amount", "rounded"), [("0.05", "0.02"), ("0.15", "0.08"), ("-0.05", "-0.02"), ("0.07", "0.04")]
)
def test_a_computed_decimal_is_rounded_half_to_even(db: Db, amount: str, rounded: str) -> None:
    db.given(Everything, [{"name": "a", "amount": Decimal(amount)}])
    db(rows.all()).update(amount=F("amount") * Decimal("0.5"))
    assert str(db(rows.all()).get().amount) == rounded


@rule("B11", needs=[*UPDATES, ArithmeticOperator.ADD])
def test_an_overflow_is_a_data_error_and_writes_nothing(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": 1}, {"name": "b", "number": INT64_MAX}])
    with pytest.raises(DataError):
        db(rows.all()).update(number=F("number") + 1)
    assert [row.number for row in db(rows.order_by("name")).rows()] == [1, INT64_MAX]


@rule("B11", needs=[*UPDATES, ArithmeticOperator.MULTIPLY])
def test_an_overflow_of_multiplication_is_a_data_error(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": 2**40}])
    with pytest.raises(DataError):
        db(rows.all()).update(number=F("number") * F("number"))
    assert db(rows.all()).get().number == 2**40


@rule("B11", needs=[*UPDATES, ArithmeticOperator.SUBTRACT])
def test_arithmetic_reaches_the_ends_of_int64_exactly(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": INT64_MIN + 1}])
    db(rows.all()).update(number=F("number") - 1)
    assert db(rows.all()).get().number == INT64_MIN
    with pytest.raises(DataError):
        db(rows.all()).update(number=F("number") - 1)


@rule("B13")
def test_floats_are_exact_binary64(db: Db) -> None:
    values = [0.1 + 0.2, 0.3, 5e-324, 1.7976931348623157e308, -2.5, math.pi]
    db.given(Everything, [{"name": str(i), "real": value} for i, value in enumerate(values)])
    assert [row.real for row in db(rows.order_by("name")).rows()] == values
    assert db.found(rows.filter(real=0.3)) == "1"
    assert db.found(rows.filter(real__gt=0.3, real__lt=0.4)) == "0"


@rule("B14")
def test_nan_is_refused(db: Db) -> None:
    db.given(Everything, [{"name": "a", "real": 1.0}])
    with db.commands(0), pytest.raises(ValidationError, match="NaN"):
        db(rows.all()).create(name="x", real=math.nan)
    with db.commands(0), pytest.raises(FieldError, match="NaN"):
        db(rows.filter(real=math.nan)).rows()
    with db.commands(0), pytest.raises(ValidationError, match=r"Everything\.data"):
        db(rows.all()).create(name="x", data=[math.nan])
    with db.commands(0), pytest.raises(ValidationError, match=r"Everything\.amount"):
        db(rows.all()).create(name="x", amount=Decimal("NaN"))


@rule("B14")
def test_infinities_are_the_ends_of_the_order(db: Db) -> None:
    values = {"minus": -math.inf, "low": -1e308, "zero": 0.0, "high": 1e308, "plus": math.inf}
    if not db.declares(Feature.INFINITY):
        with db.commands(0), pytest.raises(DataError, match="inf"):
            db(rows.all()).create(name="plus", real=math.inf)
        return
    db.proves("Feature:INFINITY")
    db.given(Everything, [{"name": name, "real": value} for name, value in values.items()] + [{"name": "null"}])
    assert db.names(rows.order_by("real")) == ["null", *values]
    assert db.found(rows.filter(real=math.inf)) == "plus"
    assert db.found(rows.filter(real__gt=1e308)) == "plus"
    assert db.found(rows.filter(real__lte=-math.inf)) == "minus"


@rule("B15")
def test_minus_zero_is_zero(db: Db) -> None:
    db.given(Everything, [{"name": "minus", "real": -0.0}, {"name": "zero", "real": 0.0}])
    assert db.found(rows.filter(real=0.0)) == "minus zero"
    assert db.found(rows.filter(real=-0.0)) == "minus zero"
    assert math.copysign(1, db(rows.all()).get(name="minus").real) == 1


@rule("B16", "B18")
def test_decimals_are_exact(db: Db) -> None:
    value = Decimal("12345678901234567890.1234567891")
    db.given(Everything, [{"name": "a", "exact": value}, {"name": "b", "exact": value + Decimal("1E-10")}])
    assert db(rows.all()).get(name="a").exact == value
    assert db.found(rows.filter(exact=value)) == "a"
    assert db.found(rows.filter(exact__gt=value)) == "b"


@rule("B16", "B18")
@pytest.mark.parametrize("field", ["amount", "exact", "loose"])
def test_decimals_are_ordered_as_numbers(db: Db, field: str) -> None:
    texts = ["-100", "-99.5", "-10", "-9.05", "-0.01", "0", "0.01", "0.1", "9.5", "10", "10.01", "1000000000"]
    made = [{"name": text, field: Decimal(text)} for text in texts]
    db.given(Everything, [*made[::-1], {"name": "null"}])
    assert db.names(rows.order_by(field)) == ["null", *texts]
    assert db.names(rows.order_by(f"-{field}")) == [*texts[::-1], "null"]
    assert db.names(rows.filter(**{f"{field}__gte": Decimal(-10), f"{field}__lt": 10}).order_by(field)) == texts[2:9]


@rule("B16")
def test_decimals_without_places_keep_their_exponent(db: Db) -> None:
    texts = ["1E-30", "0.00123", "1234567890123456789012345678901234", "1E+40", "-1E+40"]
    db.given(Everything, [{"name": text, "loose": Decimal(text)} for text in texts])
    for text in texts:
        row = db(rows.filter(loose=Decimal(text))).get()
        assert (row.name, row.loose) == (text, Decimal(text))
    assert db.names(rows.order_by("loose")) == ["-1E+40", "1E-30", "0.00123", texts[2], "1E+40"]


@rule("B17", "B19")
def test_decimals_are_equal_whatever_their_trailing_zeros(db: Db) -> None:
    db.given(Everything, [{"name": "a", "amount": Decimal("1.1"), "loose": Decimal("1.100")}])
    for same in (Decimal("1.1"), Decimal("1.10"), Decimal("1.1000"), "1.1"):
        assert db.found(rows.filter(amount=same)) == "a"
        assert db.found(rows.filter(loose=same)) == "a"


@rule("B19")
def test_a_decimal_comes_back_with_exactly_its_places(db: Db) -> None:
    db.given(Everything, [{"name": "a", "amount": Decimal("1.1"), "exact": Decimal(2), "loose": Decimal("3.00")}])
    row = db(rows.all()).get()
    assert (str(row.amount), str(row.exact), str(row.loose)) == ("1.10", "2.0000000000", "3")


@rule("B20")
def test_decimals_do_not_depend_on_the_callers_context(db: Db) -> None:
    value = Decimal("12345678901234567890.1234567891")
    with localcontext() as context:
        context.prec = 5
        db.given(Everything, [{"name": "a", "exact": value, "amount": Decimal("1234567890.12")}])
        row = db(rows.filter(exact=value)).get()
        largest = Decimal("99999999999999999999.9999999999")
        assert db(rows.filter(exact__lt=largest)).count() == 1
    assert (row.exact, row.amount) == (value, Decimal("1234567890.12"))
    db.given(Everything, [{"name": "a", "exact": largest}])
    assert db.found(rows.filter(exact=largest)) == "a"
    assert db.found(rows.filter(exact__lt=largest)) == ""


@rule("B21")
def test_too_many_digits_are_refused_and_never_rounded(db: Db) -> None:
    db.given(Checked, [{"name": "a"}])
    for value in (Decimal("1.234"), Decimal("1234.5")):
        with db.commands(0), pytest.raises(ValidationError, match=r"Checked\.price"):
            db(Checked.objects.all()).create(name="x", price=value)
        with db.commands(0), pytest.raises(ValidationError, match=r"Checked\.price"):
            db(Checked.objects.all()).update(price=value)


@rule("B6", "B21")
def test_comparing_a_decimal_with_more_digits_rounds_to_no_other_answer(db: Db) -> None:
    db.given(Everything, DECIMALS)
    between = Decimal("9.995")
    assert db.found(rows.filter(amount=between)) == ""
    assert db.found(rows.filter(amount__gt=between)) == "big ten"
    assert db.found(rows.filter(amount__gte=between)) == "big ten"
    assert db.found(rows.filter(amount__lt=between)) == "minus nine"
    assert db.found(rows.filter(amount__lte=between)) == "minus nine"
    assert db.found(rows.filter(amount__lt=Decimal(10) ** 20)) == "big minus nine ten"
    assert db.found(rows.filter(amount__gt=Decimal(10) ** 20)) == ""


@rule("B6", "B17")
def test_comparing_with_a_decimal_that_no_field_holds_rounds_to_no_other_answer(db: Db) -> None:
    third, tiny = Decimal("0." + "3" * 34), Decimal("1E-100")
    db.given(Everything, [{"name": "third", "loose": third}, {"name": "tiny", "loose": tiny}, {"name": "null"}])
    longer = Decimal(f"{third}01")
    for beyond, below in ((longer, "third tiny"), (Decimal("1E-200"), ""), (Decimal("1E+200"), "third tiny")):
        above = " ".join(name for name in ("third", "tiny") if name not in below)
        assert db.found(rows.filter(loose=beyond)) == ""
        assert db.found(rows.filter(loose__in=[beyond])) == ""
        assert db.found(rows.filter(loose__lt=beyond)) == db.found(rows.filter(loose__lte=beyond)) == below
        assert db.found(rows.filter(loose__gt=beyond)) == db.found(rows.filter(loose__gte=beyond)) == above


@rule("B6", "B13")
def test_comparing_a_float_with_an_int_that_no_float_equals_rounds_to_no_other_answer(db: Db) -> None:
    db.given(Everything, [{"name": "wide", "real": 2.0**53}, {"name": "next", "real": 2.0**53 + 2}, {"name": "null"}])
    between = 2**53 + 1
    assert db.found(rows.filter(real=between)) == ""
    assert db.found(rows.filter(real__lt=between)) == db.found(rows.filter(real__lte=between)) == "wide"
    assert db.found(rows.filter(real__gt=between)) == db.found(rows.filter(real__gte=between)) == "next"


@rule("B5")
def test_an_enum_of_ints_takes_its_members_and_their_values_but_no_bools(db: Db) -> None:
    db.given(Everything, [{"name": "low", "level": Level.LOW}, {"name": "high", "level": Level.HIGH}, {"name": "null"}])
    for low in (Level.LOW, 1, 1.0):
        assert db.found(rows.filter(level=low)) == "low"
        assert db.found(rows.filter(level__in=[low])) == "low"
        assert db.found(rows.filter(level__gt=low)) == "high"
    with db.commands(0), pytest.raises(FieldError, match="a member of Level: 1, 20, 3"):
        db(rows.filter(level=True)).rows()


@rule("B11")
def test_a_number_in_arithmetic_is_an_int64_or_another_finite_number(db: Db) -> None:
    with db.commands(0), pytest.raises(DataError, match="between"):
        db(rows.all()).update(number=F("number") + 2**63)
    with db.commands(0), pytest.raises(TypeError, match="arithmetic takes"):
        db(rows.all()).update(amount=F("amount") * Decimal("NaN"))


@rule("B22")
def test_decimals_and_floats_are_not_mixed(db: Db) -> None:
    db.given(Everything, DECIMALS)
    with db.commands(0), pytest.raises(FieldError, match=r"Decimal\('9.5'\)"):
        db(rows.filter(amount=9.5)).rows()
    with db.commands(0), pytest.raises(FieldError, match="do not go together"):
        db(rows.all()).update(amount=F("amount") * 1.5)
    with db.commands(0), pytest.raises(FieldError, match="do not go together"):
        db(rows.filter(amount=F("real"))).rows()
