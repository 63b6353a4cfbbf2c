"""Inserting, updating and deleting: keys, conflicts, atomic batches, counts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from polystore.errors import DataError, NotNullViolation, UniqueViolation
from polystore.query.nodes import All, Arithmetic, Column, Null, Parameter
from polystore.query.operations import Assignment, Delete, Update
from polystore.query.operators import ArithmeticOperator
from polystore.schema.kinds import INT64_MAX, DecimalKind, IntKind
from tests.adapters.sql.items import ITEM, LABEL, TOKEN
from tests.adapters.sql.support import Db, where

LABEL_NAMES = ["title", "owner", "rank"]


@pytest.fixture
def labels(db: Db) -> Db:
    db.reset(LABEL)
    return db


def test_one_row_gets_a_key(labels: Db) -> None:
    assert labels.insert(LABEL, LABEL_NAMES, ("a", 1, 1)) == [1]
    assert labels.insert(LABEL, LABEL_NAMES, ("b", 1, None)) == [2]
    assert labels.rows(LABEL) == [(1, "a", 1, 1), (2, "b", 1, None)]


@pytest.mark.parametrize("count", [2, 3, 5000])
def test_many_rows_get_keys_in_their_order(labels: Db, count: int) -> None:
    labels.insert(LABEL, LABEL_NAMES, ("first", 0, 0))
    rows = [(f"title {number:05} {'x' * 200}"[:40], number, None) for number in reversed(range(count))]
    keys = labels.insert(LABEL, LABEL_NAMES, *rows)
    assert len(set(keys)) == count
    assert keys == sorted(keys)
    by_key = {row[0]: row[1] for row in labels.rows(LABEL)}
    assert [by_key[key] for key in keys] == [row[0] for row in rows]


def test_rows_that_bring_their_keys_get_none(labels: Db) -> None:
    names = ["id", *LABEL_NAMES]
    assert labels.insert(LABEL, names, (7, "a", 1, 1)) == []
    assert labels.insert(LABEL, names, (9, "b", 1, None), (8, "c", 1, None)) == []
    assert [row[0] for row in labels.rows(LABEL)] == [7, 8, 9]


@pytest.mark.parametrize("keys", [(5,), (5, 3, 2000), (1,), (10**12,)])
def test_an_allocated_key_never_meets_one_that_was_given(labels: Db, keys: tuple[int, ...]) -> None:
    labels.insert(LABEL, LABEL_NAMES, ("first", None, None))
    given = [(key + 1, f"given {key}", None, None) for key in keys]
    labels.insert(LABEL, ["id", *LABEL_NAMES], *given)
    (single,) = labels.insert(LABEL, LABEL_NAMES, ("single", None, None))
    several = labels.insert(LABEL, LABEL_NAMES, ("x", None, None), ("y", None, None))
    assert min([single, *several]) > max(keys) + 1


def test_keys_at_the_edges_are_taken_as_they_are(labels: Db) -> None:
    labels.insert(LABEL, ["id", *LABEL_NAMES], (0, "zero", None, None), (-5, "below", None, None))
    assert [row[0] for row in labels.rows(LABEL)] == [-5, 0]


def test_a_key_is_not_allocated_again_after_its_row_is_gone(labels: Db) -> None:
    labels.insert(LABEL, LABEL_NAMES, ("a", None, None))
    (key,) = labels.insert(LABEL, LABEL_NAMES, ("b", None, None))
    assert labels.execute(Delete(LABEL, where(LABEL, "id")), (key,)) == 1
    assert labels.insert(LABEL, LABEL_NAMES, ("c", None, None)) > [key]


def test_rows_of_nothing_but_a_key(db: Db) -> None:
    db.reset(TOKEN)
    assert db.insert(TOKEN, ["key"], ("a",)) == []
    assert db.rows(TOKEN) == [("a", None)]


def test_a_taken_unique_value_names_model_and_fields(labels: Db) -> None:
    labels.insert(LABEL, LABEL_NAMES, ("a", 1, 1))
    with pytest.raises(UniqueViolation, match="Label: another row already has this title") as caught:
        labels.insert(LABEL, LABEL_NAMES, ("a", 2, 2))
    assert caught.value.model == "Label"
    assert caught.value.fields == ("title",)
    assert caught.value.__cause__ is not None
    with pytest.raises(UniqueViolation) as caught:
        labels.insert(LABEL, LABEL_NAMES, ("b", 1, 1))
    assert caught.value.fields == ("owner", "rank")
    with pytest.raises(UniqueViolation) as caught:
        labels.insert(LABEL, ["id", *LABEL_NAMES], (1, "c", 5, 5))
    assert caught.value.fields == ("id",)
    assert len(labels.rows(LABEL)) == 1


def test_an_update_into_a_taken_value_changes_nothing(labels: Db) -> None:
    labels.insert(LABEL, LABEL_NAMES, ("a", 1, 1), ("b", 1, 2))
    change = Update(LABEL, All(), (Assignment(LABEL.field("title"), Parameter(0, IntKind())),))
    with pytest.raises(UniqueViolation):
        labels.execute(change, ("same",))
    assert [row[1] for row in labels.rows(LABEL)] == ["a", "b"]


def test_rows_with_null_do_not_collide(labels: Db) -> None:
    labels.insert(LABEL, LABEL_NAMES, ("a", 1, None), ("b", 1, None), ("c", None, None))
    assert len(labels.rows(LABEL)) == 3


@pytest.mark.parametrize("count", [2, 4000])
def test_a_batch_with_a_conflict_writes_nothing(labels: Db, count: int) -> None:
    labels.insert(LABEL, LABEL_NAMES, ("taken", None, None))
    rows: list[Any] = [(f"new {number} {'y' * 20}", None, None) for number in range(count)]
    with pytest.raises(UniqueViolation) as caught:
        labels.insert(LABEL, LABEL_NAMES, *rows, ("taken", None, None))
    assert caught.value.fields == ("title",)
    assert [row[1] for row in labels.rows(LABEL)] == ["taken"]
    assert len(labels.insert(LABEL, LABEL_NAMES, *rows)) == count


def test_conflicts_can_be_left_out(labels: Db) -> None:
    labels.insert(LABEL, LABEL_NAMES, ("a", 1, 1))
    labels.insert(LABEL, LABEL_NAMES, ("a", 9, 9), ignore_conflicts=True)
    labels.insert(LABEL, LABEL_NAMES, ("b", 1, 1), ("c", 2, 2), ("a", 3, 3), ("c", 4, 4), ignore_conflicts=True)
    assert [row[1:] for row in labels.rows(LABEL)] == [("a", 1, 1), ("c", 2, 2)]


def test_leaving_out_conflicts_hides_no_other_error(labels: Db) -> None:
    with pytest.raises(NotNullViolation) as caught:
        labels.insert(LABEL, LABEL_NAMES, (None, 1, 1), ignore_conflicts=True)
    assert caught.value.fields == ("title",)
    with pytest.raises(NotNullViolation):
        labels.insert(LABEL, LABEL_NAMES, ("a", 1, 1), (None, 1, 2), ignore_conflicts=True)
    assert labels.rows(LABEL) == []


def test_updates_and_deletes_count_the_rows_that_match(labels: Db) -> None:
    labels.insert(LABEL, LABEL_NAMES, ("a", 1, 1), ("b", 1, 2), ("c", 2, 1))
    same = Update(LABEL, where(LABEL, "owner"), (Assignment(LABEL.field("owner"), Parameter(0, IntKind())),))
    assert labels.execute(same, (1,)) == 2
    assert labels.execute(same, (99,)) == 0
    assert labels.execute(Delete(LABEL, where(LABEL, "owner")), (1,)) == 2
    assert [row[1] for row in labels.rows(LABEL)] == ["c"]


def test_assignments_see_the_row_as_it_was(labels: Db) -> None:
    labels.insert(LABEL, LABEL_NAMES, ("a", 1, 10))
    owner, rank = LABEL.field("owner"), LABEL.field("rank")
    add = Arithmetic(ArithmeticOperator.ADD, Column(owner), Parameter(0, IntKind()), IntKind())
    labels.execute(Update(LABEL, All(), (Assignment(owner, add), Assignment(rank, Column(owner)))), (5,))
    assert labels.rows(LABEL) == [(1, "a", 6, 1)]


def test_two_fields_change_places(labels: Db) -> None:
    labels.insert(LABEL, LABEL_NAMES, ("a", 1, 10))
    owner, rank = LABEL.field("owner"), LABEL.field("rank")
    swap = Update(LABEL, All(), (Assignment(owner, Column(rank)), Assignment(rank, Column(owner))))
    labels.execute(swap)
    assert labels.rows(LABEL) == [(1, "a", 10, 1)]


def test_null_is_assigned(labels: Db) -> None:
    labels.insert(LABEL, LABEL_NAMES, ("a", 1, 1))
    labels.execute(Update(LABEL, All(), (Assignment(LABEL.field("owner"), Null()),)))
    assert labels.rows(LABEL) == [(1, "a", None, 1)]


@pytest.mark.parametrize(
    ("operator", "value", "by"),
    [
        (ArithmeticOperator.ADD, INT64_MAX, 1),
        (ArithmeticOperator.SUBTRACT, -INT64_MAX, 2),
        (ArithmeticOperator.MULTIPLY, 2**62, 2),
        (ArithmeticOperator.MODULO, 5, 0),
    ],
)
def test_an_overflow_or_a_division_by_zero_writes_nothing(
    labels: Db, operator: ArithmeticOperator, value: int, by: int
) -> None:
    labels.insert(LABEL, LABEL_NAMES, ("small", 1, 1), ("large", value, 1))
    owner = LABEL.field("owner")
    computed = Arithmetic(operator, Column(owner), Parameter(0, IntKind()), IntKind())
    with pytest.raises(DataError):
        labels.execute(Update(LABEL, All(), (Assignment(owner, computed),)), (by,))
    assert [row[2] for row in labels.rows(LABEL)] == [1, value]


@pytest.mark.parametrize(
    ("amount", "factor", "expected"),
    [
        ("2.50", "0.5", "1.25"),
        ("0.05", "0.5", "0.02"),
        ("0.01", "0.5", "0.00"),
        ("-0.05", "0.5", "-0.02"),
        ("0.15", "0.5", "0.08"),
    ],
)
def test_computed_decimals_are_rounded_half_even(db: Db, amount: str, factor: str, expected: str) -> None:
    db.reset(ITEM)
    db.insert(ITEM, ["name", "count", "amount"], ("n", 0, Decimal(amount)))
    field = ITEM.field("amount")
    product = Arithmetic(ArithmeticOperator.MULTIPLY, Column(field), Parameter(0, DecimalKind()), DecimalKind())
    db.execute(Update(ITEM, All(), (Assignment(field, product),)), (Decimal(factor),))
    assert db.rows(ITEM, ["amount"]) == [(Decimal(expected),)]


def test_a_decimal_that_outgrows_its_field_writes_nothing(db: Db) -> None:
    db.reset(ITEM)
    db.insert(ITEM, ["name", "count", "amount"], ("n", 0, Decimal("99999999.99")))
    field = ITEM.field("amount")
    product = Arithmetic(ArithmeticOperator.MULTIPLY, Column(field), Parameter(0, DecimalKind()), DecimalKind())
    with pytest.raises(DataError):
        db.execute(Update(ITEM, All(), (Assignment(field, product),)), (Decimal(2),))
    assert db.rows(ITEM, ["amount"]) == [(Decimal("99999999.99"),)]


def test_creating_tables_twice_changes_nothing(labels: Db) -> None:
    labels.insert(LABEL, LABEL_NAMES, ("a", 1, 1))
    labels.run(labels.backend.create_all([LABEL, TOKEN]))
    assert len(labels.rows(LABEL)) == 1
