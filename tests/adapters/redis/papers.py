"""A model with indexes over paths and lists, rows of it, and questions drawn at random."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from random import Random
from typing import Any
from uuid import UUID

from polystore import EmbeddedModel, Field, Index, Model, Q, field

WORDS = ("", "a", "A", "b", "ab", "é", "ß", "\1x", "z%", "日本")
MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


class Mood(Enum):
    CALM = "calm"
    WILD = "wild"


class Place(EmbeddedModel):
    name: Field[str] = field(db_column="place_name")
    rank: Field[int | None] = None


class Writer(EmbeddedModel):
    name: Field[str]
    age: Field[int | None] = None
    fee: Field[Decimal | None] = field(default=None, max_digits=8, decimal_places=2)
    born: Field[datetime | None] = None
    mood: Field[Mood | None] = None
    uid: Field[UUID | None] = None
    place: Field[Place | None] = None
    nicknames: Field[list[str] | None] = None
    seen: Field[int | None] = None


class Paper(Model):
    title: Field[str | None] = field(default=None, index=True)
    year: Field[int | None] = None
    grade: Field[int | None] = None
    writer: Field[Writer | None] = field(default=None, db_column="author")
    tags: Field[list[str] | None] = field(default=None, index=True)
    numbers: Field[list[int] | None] = None
    holes: Field[list[int | None] | None] = field(default=None, index=True)
    prices: Field[list[Decimal] | None] = field(default=None, index=True, db_column="costs")
    code: Field[str | None] = field(default=None, unique=True)
    loose: Field[list[str] | None] = None

    class Meta:
        indexes = [
            Index("year"),
            Index("writer__name"),
            Index("writer__name", casefold=True),
            Index("writer__age"),
            Index("-writer__fee", "title"),
            Index("writer__born"),
            Index("writer__mood", "writer__uid"),
            Index("writer__place__name", "year"),
            Index("writer__nicknames"),
            Index("tags", "year"),
            Index("grade", "tags"),
            Index("-numbers"),
            Index("year", "-numbers", "title"),
        ]


LISTS = ("tags", "numbers", "holes", "prices", "writer__nicknames")
SCALARS = (
    "title",
    "year",
    "grade",
    "writer__name",
    "writer__age",
    "writer__fee",
    "writer__born",
    "writer__mood",
    "writer__uid",
    "writer__place__name",
)


def draw_value(random: Random, name: str) -> Any:
    """A value of what a name leads to, from few, so that rows share values."""
    match name:
        case "title" | "writer__name" | "writer__place__name" | "tags" | "writer__nicknames" | "loose":
            return random.choice(WORDS)
        case "year" | "grade":
            return random.randint(2000, 2006)
        case "writer__age" | "numbers" | "holes":
            return random.choice((-(2**63), -1, 0, 1, 2, 2**53, 2**53 + 1))
        case "writer__fee" | "prices":
            return Decimal(random.randint(-3, 3)) / 2
        case "writer__born":
            return MOMENT + timedelta(microseconds=random.randint(-3, 3))
        case "writer__mood":
            return random.choice(tuple(Mood))
        case "writer__uid":
            return UUID(int=random.randint(0, 3) << 100)
    raise AssertionError(name)


def maybe(random: Random, name: str) -> Any:
    return None if random.random() < 0.2 else draw_value(random, name)


def draw_list(random: Random, name: str) -> Any:
    if random.random() < 0.2:
        return None
    items = [draw_value(random, name) for _ in range(random.randint(0, 4))]
    return [*items, None] if name == "holes" and random.random() < 0.5 else items


def draw_writer(random: Random) -> Writer | None:
    if random.random() < 0.2:
        return None
    place = Place(name=random.choice(WORDS)) if random.random() < 0.7 else None
    scalars = {name: maybe(random, f"writer__{name}") for name in ("age", "fee", "born", "mood", "uid")}
    nicknames = draw_list(random, "writer__nicknames")
    return Writer(name=random.choice(WORDS), place=place, nicknames=nicknames, **scalars)


def draw_row(random: Random) -> dict[str, Any]:
    """The values of a row without its key."""
    lists = {name: draw_list(random, name) for name in ("tags", "numbers", "holes", "prices")}
    plain = {name: maybe(random, name) for name in ("title", "year", "grade")}
    return {**plain, **lists, "writer": draw_writer(random), "loose": draw_list(random, "loose")}


def draw_condition(random: Random, depth: int = 2) -> Q:
    """A condition with and, or and not."""
    if depth == 0 or random.random() < 0.4:
        found = _draw_list_lookup(random) if random.random() < 0.6 else _draw_lookup(random)
    else:
        first, second = (draw_condition(random, depth - 1) for _ in range(2))
        found = first & second if random.random() < 0.6 else first | second
    return ~found if random.random() < 0.2 else found


def _draw_list_lookup(random: Random) -> Q:
    name = random.choice(LISTS)
    word = random.choice(("contains", "contains", "overlap", "overlap", "isnull"))
    if word == "isnull":
        return Q(**{f"{name}__isnull": random.random() < 0.5})
    values = [draw_value(random, name) for _ in range(random.choice((0, 1, 1, 2, 2, 3)))]
    single = word == "contains" and len(values) == 1 and random.random() < 0.5
    return Q(**{f"{name}__{word}": values[0] if single else values})


def _draw_lookup(random: Random) -> Q:
    name = random.choice(SCALARS)
    words = ["exact", "exact", "in", "isnull", "range"] + ["gt", "gte", "lt", "lte"] * (name != "writer__mood")
    if name == "writer__name":
        words += ["startswith", "istartswith", "iexact"]
    word = random.choice(words if name not in ("writer__mood", "writer__uid") else words[:4])
    if word == "isnull":
        return Q(**{f"{name}__isnull": random.random() < 0.5})
    if word in ("in", "range"):
        return Q(**{f"{name}__{word}": [draw_value(random, name) for _ in range(3 if word == "in" else 2)]})
    return Q(**{f"{name}__{word}": draw_value(random, name)})


ORDERS: tuple[tuple[str, ...], ...] = (
    (),
    (),
    ("id",),
    ("-id",),
    ("title",),
    ("year",),
    ("-year",),
    ("writer__name",),
    ("-writer__age",),
    ("-writer__fee", "title"),
    ("writer__born",),
    ("writer__place__name", "year"),
    ("writer__mood", "writer__uid"),
    ("year", "title"),
)
