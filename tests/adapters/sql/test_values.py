"""Values of every kind survive the way into a database and back, in type as in value."""

from __future__ import annotations

from decimal import Decimal, localcontext
from itertools import zip_longest
from typing import Any

import pytest

from polystore.adapters.sql.sqlite.dialect import SqliteDialect
from polystore.errors import DataError
from polystore.query.nodes import All, Column, Compare, Order, Parameter, ParameterList, Within
from polystore.query.operations import Count, Select
from polystore.query.operators import Operator
from polystore.schema.kinds import DecimalKind
from tests.adapters.sql.items import INF, ITEM, KINDS, POOLS, REQUIRED
from tests.adapters.sql.support import Db, where

NAMES = ["id", *REQUIRED, *KINDS]


def _typed(value: Any) -> Any:
    """The value with its type; 1, 1.0 and True are equal to Python, and so are Decimals of different places."""
    match value:
        case list():
            return [_typed(item) for item in value]
        case dict():
            return {key: _typed(item) for key, item in value.items()}
        case Decimal():
            return ("Decimal", repr(value))
        case _:
            return (type(value).__name__, value)


def _every_value() -> list[tuple[Any, ...]]:
    columns = [POOLS[name] for name in NAMES[1:]]
    required = {name: POOLS[name][0] for name in REQUIRED}
    rows = []
    for number, values in enumerate(zip_longest(*columns), start=1):
        row = dict(zip(NAMES[1:], values, strict=True))
        rows.append(
            (
                number,
                *(
                    {
                        **row,
                        **{name: row[name] if row[name] is not None else required[name] for name in REQUIRED},
                    }.values()
                ),
            )
        )
    return rows


def test_every_value_comes_back_with_its_type(db: Db) -> None:
    db.reset(ITEM)
    rows = _every_value()
    db.insert(ITEM, NAMES, *rows)
    for sent, found in zip(rows, db.rows(ITEM, NAMES), strict=True):
        for name, before, after in zip(NAMES, sent, found, strict=True):
            assert _typed(after) == _typed(before), name


def test_every_value_is_found_by_equality_and_in_a_list(db: Db) -> None:
    db.reset(ITEM)
    db.insert(ITEM, NAMES, *_every_value())
    for name, pool in POOLS.items():
        field = ITEM.field(name)
        if field.mutable:
            continue
        for value in pool:
            expected = sum(1 for row in _every_value() if row[NAMES.index(name)] == value)
            assert db.execute(Count(ITEM, where(ITEM, name)), (value,)) == expected, (name, value)
        for size in (1, 4, 256):
            values = (tuple(pool) + tuple(pool[:1]) * size)[:size]
            expected = sum(1 for row in _every_value() if row[NAMES.index(name)] in values)
            within = All((Within(Column(field), ParameterList(0, field.kind, size)),))
            assert db.execute(Count(ITEM, within), (values,)) == expected, (name, size)


def test_rows_are_ordered_by_each_kind_with_null_lowest(db: Db) -> None:
    db.reset(ITEM)
    db.insert(ITEM, NAMES, *_every_value())
    for name in NAMES[1:]:
        field = ITEM.field(name)
        if field.mutable:
            continue
        for descending in (False, True):
            order = (Order(Column(field), descending), Order(Column(ITEM.primary_key)))
            found = [value for (value,) in db.execute(Select(ITEM, (field,), All(), order))]
            known = sorted(value for value in found if value is not None)
            nulls = [None] * (len(found) - len(known))
            assert found == (known[::-1] + nulls if descending else nulls + known), name


def test_text_beyond_the_servers_sort_length_is_ordered_to_its_end(db: Db) -> None:
    db.reset(ITEM)
    texts = ["x" * 5000 + end for end in ("b", "a", "c")]
    db.insert(ITEM, ["name", "count", "amount", "text"], *[("n", 0, Decimal("0.00"), text) for text in texts])
    order = (Order(Column(ITEM.field("text"))),)
    assert [text[-1] for (text,) in db.execute(Select(ITEM, (ITEM.field("text"),), All(), order))] == ["a", "b", "c"]


def test_infinity_is_kept_and_ordered_or_refused_before_it_is_sent(db: Db) -> None:
    db.reset(ITEM)
    row = ("n", 0, Decimal("0.00"), INF)
    names = ["name", "count", "amount", "f"]
    if db.adapter.name in ("mariadb", "mysql"):
        with pytest.raises(DataError, match="cannot hold inf"):
            db.insert(ITEM, names, row)
        assert db.rows(ITEM) == []
        return
    db.insert(ITEM, names, row, ("n", 0, Decimal("0.00"), -INF), ("n", 0, Decimal("0.00"), 1e308))
    assert db.rows(ITEM, ["f"]) == [(INF,), (-INF,), (1e308,)]
    above = All((Compare(Column(ITEM.field("f")), Operator.GT, Parameter(0, ITEM.field("f").kind)),))
    assert db.execute(Count(ITEM, above), (1.7976931348623157e308,)) == 1


def test_a_duration_beyond_64_bits_is_refused(db: Db) -> None:
    db.reset(ITEM)
    with pytest.raises(DataError, match="64-bit"):
        db.insert(ITEM, ["name", "count", "amount", "span"], ("n", 0, Decimal("0.00"), POOLS["span"][-1] * 3))
    assert db.rows(ITEM) == []


@pytest.mark.parametrize("value", ["100000000.00", "-100000000.00"])
def test_a_decimal_with_too_many_digits_is_refused_by_a_server(served: Db, value: str) -> None:
    served.reset(ITEM)
    with pytest.raises(DataError):
        served.insert(ITEM, ["name", "count", "amount"], ("n", 0, Decimal(value)))
    assert served.rows(ITEM) == []


def test_the_caller_s_decimal_context_changes_nothing(db: Db) -> None:
    db.reset(ITEM)
    with localcontext() as context:
        context.prec = 3
        db.insert(
            ITEM,
            ["name", "count", "amount", "big"],
            ("n", 0, Decimal("12345678.99"), Decimal("12345678901234567890.1234567891")),
        )
        assert db.rows(ITEM, ["amount", "big"]) == [
            (Decimal("12345678.99"), Decimal("12345678901234567890.1234567891"))
        ]


def test_decimal_kinds_are_stored_as_ints_where_18_digits_are_enough() -> None:
    codec = SqliteDialect().codec(DecimalKind(18, 2))
    assert codec.dump is not None
    assert codec.load is not None
    assert codec.dump(Decimal("-9999999999999999.99")) == -(10**18 - 1)
    assert repr(codec.load(-150)) == "Decimal('-1.50')"
