"""Cursors bring back the key they were made of, and nothing else is taken for one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore import Field, Model, field
from polystore.api.complete import schema_of
from polystore.errors import InvalidCursor
from polystore.query.cursor import read_cursor, write_cursor
from polystore.query.planner import read_order


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Everything(Model):
    flag: Field[bool | None] = field(default=None)
    number: Field[int | None] = field(default=None)
    real: Field[float | None] = field(default=None)
    price: Field[Decimal | None] = field(default=None)
    name: Field[str | None] = field(default=None)
    raw: Field[bytes | None] = field(default=None)
    day: Field[date | None] = field(default=None)
    clock: Field[time | None] = field(default=None)
    moment: Field[datetime | None] = field(default=None)
    spell: Field[timedelta | None] = field(default=None)
    mark: Field[UUID | None] = field(default=None)
    colour: Field[Colour | None] = field(default=None)


SCHEMA = schema_of(Everything)
SECRET = b"secret"
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "flag": st.booleans(),
    "number": st.integers(-(2**63), 2**63 - 1),
    "real": st.floats(allow_nan=False),
    "price": st.decimals(allow_nan=False, allow_infinity=False, places=4),
    "name": st.text(st.characters(exclude_categories=["Cs"])),
    "raw": st.binary(),
    "day": st.dates(),
    "clock": st.times(),
    "moment": st.datetimes(timezones=st.just(UTC)),
    "spell": st.timedeltas(timedelta(days=-100_000), timedelta(days=100_000)),
    "mark": st.uuids(),
    "colour": st.sampled_from(["red", "blue"]),
}


@given(st.data())
def test_a_cursor_brings_back_the_key_it_was_made_of(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, unique=True))
    order = read_order(SCHEMA, [data.draw(st.sampled_from(["", "-"])) + name for name in names])
    key = tuple(data.draw(st.none() | VALUES[name]) for name in names)
    cursor = write_cursor(SCHEMA, order, key, SECRET)
    assert cursor.isascii()
    assert not set(cursor) & set("+/= &?#")
    found = read_cursor(SCHEMA, order, cursor, SECRET)
    assert (found, list(map(type, found))) == (key, list(map(type, key)))


MADE = write_cursor(SCHEMA, read_order(SCHEMA, ["number", "-id"]), (7, 1), SECRET)


@pytest.mark.parametrize("names", [["number"], ["number", "id"], ["-number", "-id"], ["real", "-id"], ["-id", "number"]])
def test_a_cursor_of_another_order_is_refused(names: list[str]) -> None:
    with pytest.raises(InvalidCursor, match="another order"):
        read_cursor(SCHEMA, read_order(SCHEMA, names), MADE, SECRET)


def test_a_cursor_of_another_secret_or_model_is_refused() -> None:
    class Other(Model):
        number: Field[int]

    with pytest.raises(InvalidCursor, match="another secret"):
        read_cursor(SCHEMA, read_order(SCHEMA, ["number", "-id"]), MADE, b"else")
    other = schema_of(Other)
    with pytest.raises(InvalidCursor, match="Other: .* ordered by number, -id"):
        read_cursor(other, read_order(other, ["number", "-id"]), MADE, SECRET)


@given(st.integers(0, len(MADE) - 1), st.characters())
def test_a_changed_cursor_is_refused_or_the_same(place: int, character: str) -> None:
    order = read_order(SCHEMA, ["number", "-id"])
    changed = MADE[:place] + character + MADE[place + 1 :]
    try:
        assert read_cursor(SCHEMA, order, changed, SECRET) == (7, 1)
    except InvalidCursor:
        assert changed != MADE


@pytest.mark.parametrize("cursor", ["", "x", "é", MADE[:-1], MADE + "A", "A" * 5000, None, 7, b"abc", ["a"]])
def test_what_is_no_cursor_is_refused(cursor: Any) -> None:
    with pytest.raises(InvalidCursor, match="Everything: .* is no cursor of these pages"):
        read_cursor(SCHEMA, read_order(SCHEMA, ["number", "-id"]), cursor, SECRET)
