"""Updates computed in the store, and fields compared with computed values."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from polystore import F, Feature
from polystore.errors import FieldError
from polystore.query.operators import ArithmeticOperator
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything, IntKey

rows = Everything.objects
ADD, MULTIPLY = ArithmeticOperator.ADD, ArithmeticOperator.MULTIPLY
COMPUTED: dict[ArithmeticOperator, tuple[Any, Any, float, Decimal]] = {
    ArithmeticOperator.ADD: (7, 2, 9.5, Decimal("12.25")),
    ArithmeticOperator.SUBTRACT: (7, 2, 5.5, Decimal("7.75")),
    ArithmeticOperator.MULTIPLY: (7, 2, 15.0, Decimal("22.50")),
    ArithmeticOperator.DIVIDE: (7, 2, 3.75, Decimal("4.44")),
    ArithmeticOperator.MODULO: (7, 2, 1.5, Decimal("1.00")),
}


def computed(operator: ArithmeticOperator, left: Any, right: Any) -> Any:
    match operator:
        case ArithmeticOperator.ADD:
            return left + right
        case ArithmeticOperator.SUBTRACT:
            return left - right
        case ArithmeticOperator.MULTIPLY:
            return left * right
        case ArithmeticOperator.DIVIDE:
            return left / right
        case ArithmeticOperator.MODULO:
            return left % right


@rule("I9", needs=[Feature.UPDATE_EXPRESSIONS])
@pytest.mark.parametrize("operator", list(ArithmeticOperator), ids=lambda operator: operator.name.lower())
def test_an_update_computes_from_the_row(db: Db, operator: ArithmeticOperator) -> None:
    db.need(operator)
    *_, real, amount = COMPUTED[operator]
    db.given(Everything, [{"name": "a", "number": 7, "real": 7.5, "amount": Decimal("10.00")}])
    assert db(rows.all()).update(amount=computed(operator, F("amount"), Decimal("2.25"))) == 1
    assert db(rows.all()).get().amount == amount
    if operator is ArithmeticOperator.MODULO:
        db.need(Feature.MODULO_FLOATS)
    assert db(rows.all()).update(real=computed(operator, F("real"), 2)) == 1
    assert db(rows.all()).get().real == real


@rule("I9", needs=[Feature.UPDATE_EXPRESSIONS])
@pytest.mark.parametrize(
    "operator", [o for o in ArithmeticOperator if o is not ArithmeticOperator.DIVIDE], ids=lambda o: o.name.lower()
)
def test_an_update_of_an_int_stays_an_int(db: Db, operator: ArithmeticOperator) -> None:
    db.need(operator)
    db.given(Everything, [{"name": "a", "number": 7}])
    db(rows.all()).update(number=computed(operator, F("number"), 2))
    number = db(rows.all()).get().number
    assert (number, type(number)) == (computed(operator, 7, 2), int)


@rule("I9", needs=[Feature.UPDATE_EXPRESSIONS], verbs=["update(name=expression)"])
def test_all_assignments_see_the_row_as_it_was(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": 1, "other": 2}])
    db(rows.all()).update(number=F("other"), other=F("number"))
    row = db(rows.all()).get()
    assert (row.number, row.other) == (2, 1)


@rule("I9", needs=[Feature.UPDATE_EXPRESSIONS, ADD, MULTIPLY])
def test_expressions_nest(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": 3, "other": 4}])
    db(rows.all()).update(rank=(F("number") + 2) * F("other") + (100 + F("number") * 2))
    assert db(rows.all()).get().rank == 126


@rule("I9", needs=[Feature.UPDATE_EXPRESSIONS])
@pytest.mark.parametrize(
    ("target", "source", "value"),
    [
        ("text", "name", "copied"),
        ("real", "number", 5.0),
        ("amount", "number", Decimal("5.00")),
        ("number", "other", None),
    ],
    ids=["text", "int to float", "int to Decimal", "null"],
)
def test_a_field_takes_the_value_of_another_field(db: Db, target: str, source: str, value: Any) -> None:
    db.given(Everything, [{"name": "copied", "number": 5}])
    db(rows.all()).update(**{target: F(source)})
    found = getattr(db(rows.all()).get(), target)
    assert (found, type(found)) == (value, type(value))


@rule("I9", needs=[Feature.UPDATE_EXPRESSIONS, ADD])
def test_an_updated_value_is_found_under_its_new_value_only(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": 1}, {"name": "b", "number": 5}])
    db(rows.filter(number=1)).update(number=F("number") + 1)
    assert db.found(rows.filter(number=2)) == "a"
    assert db.found(rows.filter(number=1)) == ""
    assert db.names(rows.order_by("-number")) == ["b", "a"]


@rule("I9", needs=[Feature.UPDATE_EXPRESSIONS, ADD], verbs=["update(name=expression)"])
def test_concurrent_increments_are_all_counted(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": 0}])
    each = 10

    def increase(store: Any) -> None:
        for _ in range(each):
            Everything.objects.using(store).filter(name="a").update(number=F("number") + 1)

    if db.loop is None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(increase, [db.store] * 4))
        number = 4 * each
    else:

        async def increase_all() -> None:
            await asyncio.gather(*(rows.filter(name="a").aupdate(number=F("number") + 1) for _ in range(each)))

        db.run(increase_all())
        number = each
    assert db(rows.all()).get().number == number


@rule("A12", needs=[Feature.COMPARE_COLUMNS])
@pytest.mark.parametrize("operator", list(ArithmeticOperator), ids=lambda operator: operator.name.lower())
def test_a_field_is_compared_with_a_computed_value(db: Db, operator: ArithmeticOperator) -> None:
    db.need(operator)
    db.given(
        Everything,
        [{"name": f"n{n}", "number": n, "other": computed(operator, n, 2) if n != 4 else -99} for n in (4, 6, 10)],
    )
    assert db.found(rows.filter(other=computed(operator, F("number"), 2))) == "n10 n6"


@rule("A12", needs=[Feature.COMPARE_COLUMNS])
def test_fields_of_different_numbers_are_compared_as_numbers(db: Db) -> None:
    db.given(
        Everything,
        [
            {"name": "same", "number": 2, "real": 2.0, "amount": Decimal("2.00")},
            {"name": "less", "number": 2, "real": 2.5, "amount": Decimal("2.01")},
        ],
    )
    assert db.found(rows.filter(number=F("real"))) == "same"
    assert db.found(rows.filter(number__lt=F("real"))) == "less"
    assert db.found(rows.filter(number=F("amount"))) == "same"
    assert db.found(rows.filter(amount__gt=F("number"))) == "less"


@rule("A12", needs=[Feature.COMPARE_COLUMNS])
def test_texts_and_moments_of_a_row_are_compared(db: Db) -> None:
    db.given(
        Everything,
        [{"name": "same", "text": "same"}, {"name": "other", "text": "Other"}, {"name": "null"}],
    )
    assert db.found(rows.filter(text=F("name"))) == "same"
    assert db.found(rows.filter(text__lt=F("name"))) == "other"
    assert db.found(rows.filter(day=F("day"))) == ""


@rule("I9")
def test_wrong_expressions_are_refused_when_the_query_is_made(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": 1}])
    wrong: list[dict[str, Any]] = [
        {"number": F("nosuch")},
        {"number": F("text")},
        {"number": F("text") + 1},
        {"number": F("real") + 1},
        {"text": F("number")},
        {"flag": F("number")},
        {"id": F("id") + 1},
    ]
    for values in wrong:
        with db.commands(0), pytest.raises(FieldError, match="Everything"):
            db(rows.all()).update(**values)
    with pytest.raises(TypeError, match="arithmetic"):
        F("number") + "1"


@rule("E3")
def test_the_primary_key_is_not_updated(db: Db) -> None:
    db.given(IntKey, [{"id": 1, "name": "a"}])
    for name in ("id", "pk"):
        with db.commands(0), pytest.raises(FieldError, match="primary key"):
            db(IntKey.objects.all()).update(**{name: 5})
