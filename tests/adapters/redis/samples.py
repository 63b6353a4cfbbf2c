"""A model with every kind of index, rows of it, and questions drawn at random."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from polystore import Field, Index, Model, Q, UniqueConstraint, field

NAMES = (
    "",
    "a",
    "A",
    "Ab",
    "ab",
    "aB",
    "abc",
    "b",
    "é",
    "É",
    "ß",
    "SS",
    "\u03c3",
    "\u03c2",
    "z%",
    "日本",
    "\U0001f600",
)
MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


class Sample(Model):
    name: Field[str | None] = field(default=None, index=True)
    number: Field[int | None] = field(default=None, index=True)
    price: Field[Decimal | None] = field(default=None, max_digits=8, decimal_places=2, index=True)
    ratio: Field[float | None] = field(default=None, index=True)
    flag: Field[bool | None] = field(default=None, index=True)
    seen: Field[datetime | None] = field(default=None, index=True)
    token: Field[UUID | None] = field(default=None, index=True)
    data: Field[bytes | None] = field(default=None, index=True)
    code: Field[str | None] = field(default=None, unique=True)
    left: Field[int | None] = None
    right: Field[str | None] = None
    note: Field[str | None] = None

    class Meta:
        indexes = [
            Index("number", "-name"),
            Index("flag", "number", "price"),
            Index("-price", "ratio"),
            Index("name", casefold=True),
            Index("left", "right"),
            Index("-left", "id"),
        ]
        constraints = [UniqueConstraint("left", "right")]


def draw_value(random: Random, name: str) -> Any:
    """A value of a field, often None, from few, so that rows share values."""
    if random.random() < 0.2:
        return None
    match name:
        case "name":
            return random.choice(NAMES)
        case "number":
            return random.choice((-(2**63), -2, -1, 0, 1, 2, 3, 2**53, 2**53 + 1, 2**63 - 1))
        case "price":
            return Decimal(random.randint(-300, 300)) / 100
        case "ratio":
            return random.choice((float("-inf"), -1.5, -0.0, 0.0, 0.1, 1e300, float("inf")))
        case "flag":
            return random.random() < 0.5
        case "seen":
            return MOMENT + timedelta(microseconds=random.randint(-3, 3))
        case "token":
            return UUID(int=random.randint(0, 5) << random.choice((0, 100)))
        case "data":
            return random.choice((b"", b"\0", b"\0\0", b"\0\xff", b"a", b"\xff", b"\xff\xff"))
        case "code":
            return f"c{random.randint(0, 10_000)}"
        case "left":
            return random.randint(0, 300)
        case "right" | "note":
            return random.choice(NAMES)
    raise AssertionError(name)


def draw_something(random: Random, name: str) -> Any:
    """A value of a field that is not None."""
    while (value := draw_value(random, name)) is None:
        pass
    return value


FIELDS = tuple(name for name in Sample.model_fields if name != "id")


def draw_row(random: Random) -> dict[str, Any]:
    """The values of a row without its key."""
    return {name: draw_value(random, name) for name in FIELDS}


def draw_lookup(random: Random, keys: list[int]) -> Q:
    """A condition on one field, most of them on indexed ones."""
    name = random.choice(("id", "id", *(each for each in FIELDS if each != "note")))
    if name == "id":
        word = random.choice(("exact", "in", "gt", "gte", "lt", "lte", "range"))
        values = sorted(random.choices(keys or [1], k=3))
        return Q(**{f"id__{word}": values if word == "in" else values[:2] if word == "range" else values[0]})
    words = ["exact", "exact", "in", "gt", "gte", "lt", "lte", "range", "isnull"]
    if name == "name":
        words += ["startswith", "istartswith", "iexact"]
    word = random.choice(words)
    if word == "isnull":
        return Q(**{f"{name}__isnull": random.random() < 0.5})
    if word in ("in", "range"):
        return Q(**{f"{name}__{word}": [draw_something(random, name) for _ in range(4 if word == "in" else 2)]})
    value = draw_something(random, name)
    if word in ("startswith", "istartswith"):
        value = value[:1]
    return Q(**{f"{name}__{word}": value})


def draw_condition(random: Random, keys: list[int], depth: int = 2) -> Q:
    """A condition with and, or and not."""
    if depth == 0 or random.random() < 0.4:
        found = draw_lookup(random, keys)
    else:
        first, second = (draw_condition(random, keys, depth - 1) for _ in range(2))
        found = first & second if random.random() < 0.6 else first | second
    return ~found if random.random() < 0.2 else found


ORDERS = (
    (),
    (),
    ("id",),
    ("-id",),
    ("name",),
    ("-name",),
    ("number", "-name"),
    ("-number", "name"),
    ("number",),
    ("-price", "ratio"),
    ("price", "-ratio"),
    ("flag", "number", "price"),
    ("-flag", "-number", "-price"),
    ("number", "price"),
    ("left", "right"),
    ("-left", "id"),
    ("left", "-id"),
    ("seen",),
    ("-token",),
    ("data", "id"),
    ("ratio", "-id"),
    ("code",),
)
