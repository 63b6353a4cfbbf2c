"""The values that queries are drawn over, by families of fields that go together: edges, neighbours, collisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from random import Random
from typing import Any
from uuid import UUID

from bson import ObjectId
from pydantic import AnyUrl

from polystore.schema.kinds import INT64_MAX, INT64_MIN
from polystore.testing.models import City, Level, Mood, Person

ORDER = ("exact", "gt", "gte", "lt", "lte", "in", "range", "isnull")
EQUALITY = ("exact", "in", "isnull")
TEXT = ("iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith")
DAY_PARTS = ("year", "iso_year", "quarter", "month", "day", "week", "week_day", "iso_week_day")
TIME_PARTS = ("hour", "minute", "second")


@dataclass(frozen=True, slots=True)
class Family:
    """Values that go together in one expression, whichever field they stand in.

    ``lookups`` are those of a condition, ``parts`` the parts of dates that can be looked up. Values of a family that is
    not ``exact`` differ in their last digits from store to store: they are read, and never compared.
    """

    name: str
    lookups: Sequence[str]
    parts: Sequence[str] = ()
    ordered: bool = True
    exact: bool = True


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("int", ORDER),
        Family("float", ORDER),
        Family("rough", (), ordered=False, exact=False),
        Family("decimal", ORDER),
        Family("text", (*ORDER, *TEXT, "regex", "iregex")),
        Family("bytes", ORDER),
        Family("date", ORDER, DAY_PARTS),
        Family("time", ORDER, TIME_PARTS),
        Family("moment", ORDER, (*DAY_PARTS, *TIME_PARTS, "date", "time")),
        Family("wall", ORDER, (*DAY_PARTS, *TIME_PARTS, "date", "time")),
        Family("span", ORDER),
        Family("uuid", ORDER),
        Family("oid", ORDER),
        Family("bool", EQUALITY),
        Family("mood", EQUALITY),
        Family("level", (*EQUALITY, "gt", "lte")),
        Family("address", EQUALITY, ordered=False),
        Family("site", EQUALITY),
        Family("whole", ("isnull",), ordered=False),
    )
}
"""``whole`` are values that are only read and written whole: documents, lists, dicts."""

FIELDS: Mapping[str, str] = {
    "name": "text",
    "flag": "bool",
    "number": "int",
    "other": "int",
    "rank": "int",
    "real": "float",
    "amount": "decimal",
    "exact": "decimal",
    "loose": "decimal",
    "text": "text",
    "word": "text",
    "blob": "bytes",
    "day": "date",
    "at": "time",
    "moment": "moment",
    "instant": "moment",
    "wall": "wall",
    "span": "span",
    "uid": "uuid",
    "oid": "oid",
    "mood": "mood",
    "level": "level",
    "address": "address",
    "site": "site",
    "data": "whole",
    "tags": "whole",
    "moments": "whole",
    "amounts": "whole",
    "person": "whole",
    "people": "whole",
}
"""Each field of ``Everything`` but its key, with its family."""

FIRST_KEY = 10**12
"""Keys are given, so that ties are broken alike; far above those that a store allocates."""

REQUIRED = frozenset({"name", "rank", "word", "people"})


def _days(*texts: str) -> list[date]:
    return [date.fromisoformat(text) for text in texts]


def _moments(*texts: str) -> list[datetime]:
    return [datetime.fromisoformat(text) for text in texts]


_PEOPLE = [
    Person(name="Ann", born=datetime(2000, 1, 1, tzinfo=UTC), city=City(name="Oslo", area=Decimal("1.50"))),
    Person(name="", nicknames=["é", ""]),
    Person(name="a", born=datetime(1969, 12, 31, 23, tzinfo=UTC), nicknames=["b"]),
    Person(name="b", city=City(name="a", founded=date(2024, 2, 29), area=Decimal(10))),
]
_WALLS = _moments(
    "2024-02-29T23:59:59.999999",
    "2024-03-01T00:00:00",
    "1969-12-31T23:00:00",
    "2024-12-30T13:14:15",
    "2021-01-03T00:00:00",
    "2024-03-31T01:30:00",
    "2024-10-27T00:30:00",
    "0001-01-01T00:00:00",
    "9999-12-31T23:59:59.999999",
)
_INSTANTS = [each.replace(microsecond=each.microsecond // 1000 * 1000, tzinfo=UTC) for each in _WALLS]

USUAL: Mapping[str, Sequence[Any]] = {
    "int": [0, 1, -1, 2, 3, 7, 10, -12],
    "float": [0.0, 1.5, -2.0, 0.1, 0.3, 0.30000000000000004, 10.0],
    "decimal": [Decimal(text) for text in ("0", "1.00", "-1.5", "9.5", "0.01", "2.25", "10")],
    "text": ["", "a", "A", "b", "ab", "Ab", "é", "É", "ba", "10", "9", " a ", "a%"],
    "bytes": [b"", b"\x00", b"\x00\xff", b"a", b"\xff"],
    "date": _days("2024-02-29", "2024-03-01", "2023-12-31", "2024-01-01", "2021-01-03", "2020-12-31"),
    "time": [time(0), time(1, 2, 3), time(12, 30), time(23, 59, 59, 999_999)],
    "moment": _INSTANTS[:7],
    "wall": _WALLS[:7],
    "span": [timedelta(0), timedelta(days=-1, microseconds=1), timedelta(hours=25), timedelta(microseconds=1)],
    "uuid": [UUID(int=number << 120 | 1) for number in (0, 1, 127, 128, 255)],
    "oid": [ObjectId(digit * 24) for digit in "07f"],
    "bool": [True, False],
    "mood": list(Mood),
    "level": list(Level),
    "address": [IPv4Address("127.0.0.1"), IPv4Address("10.0.0.1"), IPv4Address("255.255.255.255")],
    "site": [AnyUrl("http://a.example/x?y=z"), AnyUrl("http://b.example/"), AnyUrl("https://b.example:8080/%25")],
}
EDGES: Mapping[str, Sequence[Any]] = {
    "int": [2**31, 2**53, 2**53 + 1, INT64_MAX, INT64_MIN, INT64_MAX - 1],
    "float": [1e-300, 1e308, -1e308, float(2**53), 1e-7, 123456789.125],
    "decimal": [Decimal("9999999999.99"), Decimal("-9999999999.99"), Decimal("0.10"), Decimal("0.1")],
    "text": ["ß", "ẞ", "İ", "\u0131", "%", "_", "\\", "$", "'", '"', "\n", "日本", "\U0001f600", "e\u0301", "a" * 200],
    "date": _days("0001-01-01", "9999-12-31", "1970-01-01", "1900-02-28", "2000-02-29"),
    "moment": _INSTANTS[7:],
    "wall": _WALLS[7:],
    "span": [timedelta(days=100_000_000), timedelta(days=-100_000_000)],
}
WHOLE: Mapping[str, Sequence[Any]] = {
    "data": [
        {"a": [1, None, {"b": True}]},
        [],
        "text",
        1.5,
        0,
        False,
        {"a": 2**53 + 1},
        {"a": "b", "b": 2},
        {"b": None},
    ],
    "tags": [["b", "a", ""], [], ["é"], ["a", "b"]],
    "moments": [[], _INSTANTS[:2]],
    "amounts": [{}, {"a": Decimal("1.5")}, {"b": Decimal(2), "a": Decimal("0.10")}],
    "person": _PEOPLE,
    "people": [[], _PEOPLE[:2], _PEOPLE[2:], _PEOPLE[3:]],
}
SPECIAL: Mapping[str, Sequence[Any]] = {
    "exact": [Decimal("0.1"), Decimal("0.1000000001"), Decimal("-12345678901234567890.0123456789")],
    "loose": [Decimal("1E+20"), Decimal("1.0"), Decimal("0.30"), Decimal("-1E-30"), Decimal(10**34 - 1)],
}
"""Values that only these fields have room for."""

PATTERNS = ("^a", "b$", "[a-z]+", "^$", ".", "a|é", "^[A-Z]", "^.?a", "[^a-c]")
PART_VALUES: Mapping[str, Sequence[Any]] = {
    "year": [1, 1969, 2020, 2021, 2023, 2024, 9999, 10_000],
    "iso_year": [1, 2020, 2021, 2024, 2025],
    "quarter": [1, 2, 4],
    "month": [1, 2, 3, 12, 13],
    "day": [1, 3, 29, 31],
    "week": [1, 9, 52, 53],
    "week_day": [1, 2, 5, 7],
    "iso_week_day": [1, 2, 5, 7],
    "hour": [0, 1, 13, 23],
    "minute": [0, 2, 30, 59],
    "second": [0, 3, 15, 59],
    "date": USUAL["date"],
    "time": [time(0), time(13, 14, 15), time(23, 59, 59, 999_999)],
}


@dataclass(frozen=True, slots=True)
class Pools:
    """The few values that one example is about, by family, so that rows and conditions meet.

    Values are ``tame`` where none of them is at the end of its type: sums of floats are compared only then. ``fields``
    are those that it is mostly about.
    """

    values: Mapping[str, Sequence[Any]]
    tame: bool
    fields: frozenset[str]

    def of_field(self, dice: Random, name: str) -> Any:
        """A value of a field, not None."""
        family = FIELDS[name]
        if family == "whole":
            return dice.choice(WHOLE[name])
        if name in SPECIAL and not self.tame and dice.random() < 0.4:
            return dice.choice(SPECIAL[name])
        return dice.choice(self.values[family])

    def of_family(self, dice: Random, family: str) -> Any:
        """A value of a family: mostly one of the few, sometimes any."""
        if dice.random() < 0.85:
            return dice.choice(self.values[family])
        return dice.choice([*USUAL[family], *EDGES.get(family, ())])


def drawn_pools(dice: Random) -> Pools:
    """A few values of each family."""
    tame = dice.random() < 0.6
    found = {}
    for family, usual in USUAL.items():
        some = dice.sample(usual, min(len(usual), 4))
        if not tame and family in EDGES:
            some += dice.sample(EDGES[family], 2)
        found[family] = some
    return Pools(found, tame, frozenset(("rank", "word", "number", "text", *dice.sample([*FIELDS], 9))))


def drawn_rows(dice: Random, pools: Pools, most: int) -> list[dict[str, Any]]:
    """Rows of ``Everything``: of some fields many values, of others none; each with a name of its own."""
    given = [name for name in FIELDS if name != "name" and (name in pools.fields or dice.random() < 0.5)]
    rows = []
    for place in range(dice.randint(0, most)):
        row: dict[str, Any] = {"name": f"n{place}"}
        for name in given:
            if dice.random() < 0.8 or name in REQUIRED:
                row[name] = pools.of_field(dice, name)
        rows.append(row)
    return rows
