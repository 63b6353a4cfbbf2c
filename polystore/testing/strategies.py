"""Random rows, conditions, orders and pages for Hypothesis, over the fields of ``Everything``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID

from bson import ObjectId
from hypothesis import strategies as st
from pydantic import AnyUrl

from polystore import F, Q
from polystore.query.operators import DatePart
from polystore.schema.kinds import INT64_MAX, INT64_MIN
from polystore.testing.models import City, Level, Mood, Person

_ORDER = ["exact", "gt", "gte", "lt", "lte", "in", "range", "isnull"]
_TEXT = ["iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith"]
_EQUALITY = ["exact", "in", "isnull"]
_PIECES = [
    "",
    "a",
    "A",
    "b",
    "ab",
    "é",
    "É",
    "ß",
    "ẞ",
    "\u0131",
    "İ",
    "%",
    "_",
    "\\",
    "$",
    ".",
    "*",
    "'",
    '"',
    " ",
    "\n",
    "日",
    "\U0001f600",
]
_INTS = [0, 1, -1, 2, 3, 10, 255, 2**31, 2**53, 2**53 + 1, INT64_MAX, INT64_MIN, INT64_MAX - 1]
_ALPHABET = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


def texts(most: int = 12) -> st.SearchStrategy[str]:
    """Texts in which wildcards, letters that fold and neighbours in order are frequent."""
    pieces = st.lists(st.sampled_from(_PIECES), max_size=4).map("".join)
    return st.one_of(pieces, pieces, st.text(_ALPHABET, max_size=most))


def ints() -> st.SearchStrategy[int]:
    """Small ints, the edges of int64, any int64."""
    return st.one_of(st.integers(-3, 12), st.sampled_from(_INTS), st.integers(INT64_MIN, INT64_MAX))


def floats() -> st.SearchStrategy[float]:
    """Any finite binary64."""
    few = st.sampled_from([0.0, 0.1, 0.30000000000000004, 0.3, 1.5, -2.0, 5e-324, 1e308, float(2**53)])
    return st.one_of(few, st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0))


def decimals(places: int, digits: int) -> st.SearchStrategy[Decimal]:
    """Decimals with that many fractional digits and digits in all."""
    limit = 10**digits - 1
    wide = st.integers(-limit, limit).map(lambda n: Decimal(f"{n}E-{places}"))
    return st.one_of(st.sampled_from(["0", "1", "-1", "9.5", "10", "0.1", "0.01"]).map(Decimal), wide)


def loose_decimals() -> st.SearchStrategy[Decimal]:
    """Decimals of up to 34 digits without fixed places."""
    made = st.tuples(st.integers(-(10**34) + 1, 10**34 - 1), st.integers(-40, 20))
    return st.one_of(decimals(2, 4), made.map(lambda pair: Decimal(f"{pair[0]}E{pair[1]}")))


def moments() -> st.SearchStrategy[datetime]:
    """Moments to the microsecond, years 1 to 9999, many of them close to each other."""
    near = st.sampled_from(
        [datetime(2024, 2, 29, 23, 59, 59, 999_999), datetime(2024, 3, 1), datetime(1969, 12, 31, 23)]
    )
    return st.one_of(near, st.datetimes(datetime(2023, 12, 25), datetime(2024, 3, 5)), st.datetimes())


def aware_moments() -> st.SearchStrategy[datetime]:
    """The same in UTC."""
    return moments().map(lambda moment: moment.replace(tzinfo=UTC))


def coarse_moments() -> st.SearchStrategy[datetime]:
    """Moments to the millisecond, which every store has by default."""
    return aware_moments().map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))


def days() -> st.SearchStrategy[date]:
    """Days around the turn of years, and any."""
    return st.one_of(
        st.dates(date(2020, 12, 25), date(2021, 1, 5)), st.dates(date(2024, 2, 27), date(2024, 3, 2)), st.dates()
    )


def json_values() -> st.SearchStrategy[Any]:
    """JSON values, nested, with every type of number."""
    leaves = st.one_of(st.none(), st.booleans(), ints(), floats(), texts())
    nested = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(5), inner, max_size=3), max_leaves=8
    )
    return nested.filter(lambda value: value is not None)


def people() -> st.SearchStrategy[Person]:
    """Embedded models with embedded models."""
    cities = st.builds(City, name=texts(), founded=st.none() | days(), area=st.none() | decimals(2, 8))
    return st.builds(
        Person,
        name=texts(),
        born=st.none() | coarse_moments(),
        city=st.none() | cities,
        nicknames=st.lists(texts(), max_size=3),
    )


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a field, and the lookups that take them."""

    strategy: st.SearchStrategy[Any]
    lookups: Sequence[str] = ()
    parts: Sequence[str] = ()


_DATE_PARTS = [
    part.value for part in DatePart if part.value not in ("hour", "minute", "second", "date", "time", "year")
]
_TIME_PARTS = ["hour", "minute", "second"]
_URLS = st.sampled_from(["http://a.example/", "http://a.example/%25?q=1", "https://b.example:8080/x"]).map(AnyUrl)

FIELDS: dict[str, Values] = {
    "flag": Values(st.booleans(), ["exact", "in", "isnull"]),
    "number": Values(ints(), _ORDER),
    "other": Values(ints(), _ORDER),
    "rank": Values(ints(), _ORDER),
    "real": Values(floats(), _ORDER),
    "amount": Values(decimals(2, 12), _ORDER),
    "exact": Values(decimals(10, 30), _ORDER),
    "loose": Values(loose_decimals(), _ORDER),
    "text": Values(texts(), [*_ORDER, *_TEXT]),
    "word": Values(texts(), [*_ORDER, *_TEXT]),
    "blob": Values(st.binary(max_size=6), _ORDER),
    "day": Values(days(), _ORDER, [*_DATE_PARTS, "year"]),
    "at": Values(st.times(), _ORDER, _TIME_PARTS),
    "moment": Values(aware_moments(), _ORDER, [*_DATE_PARTS, *_TIME_PARTS, "year"]),
    "instant": Values(coarse_moments(), _ORDER, [*_DATE_PARTS, *_TIME_PARTS, "year"]),
    "wall": Values(moments(), _ORDER, [*_DATE_PARTS, *_TIME_PARTS, "year"]),
    "span": Values(st.timedeltas(timedelta(days=-100_000_000), timedelta(days=100_000_000)), _ORDER),
    "uid": Values(st.one_of(st.integers(0, 3).map(lambda n: UUID(int=n << 120 | n)), st.uuids()), _ORDER),
    "oid": Values(st.binary(min_size=12, max_size=12).map(ObjectId), _ORDER),
    "mood": Values(st.sampled_from(Mood), ["exact", "in", "isnull"]),
    "level": Values(st.sampled_from(Level), [*_EQUALITY, "gt", "lte"]),
    "address": Values(st.integers(0, 2**32 - 1).map(IPv4Address), _EQUALITY),
    "site": Values(_URLS, _EQUALITY),
    "data": Values(json_values()),
    "tags": Values(st.lists(texts(), max_size=4)),
    "moments": Values(st.lists(coarse_moments(), max_size=3)),
    "amounts": Values(st.dictionaries(texts(5), loose_decimals(), max_size=3)),
    "person": Values(people()),
    "people": Values(st.lists(people(), max_size=2)),
}
"""Each field of ``Everything`` but its key and its name."""

ORDERED = [name for name, values in FIELDS.items() if "gt" in values.lookups]
REQUIRED = {"rank", "word", "people"}


def some_fields(names: Sequence[str], most: int = 6) -> st.SearchStrategy[list[str]]:
    """A few of these fields: what a random example is about."""
    return st.lists(st.sampled_from(names), min_size=1, max_size=most, unique=True)


def rows(names: Sequence[str], most: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rows of ``Everything`` with some of these fields given."""
    optional = {
        name: FIELDS[name].strategy if name in REQUIRED else st.none() | FIELDS[name].strategy for name in names
    }
    return st.lists(st.fixed_dictionaries({}, optional=optional), max_size=most).map(
        lambda made: [{"name": f"n{place}", **row} for place, row in enumerate(made)]
    )


def leaves(names: Sequence[str], lookups: Callable[[str], bool]) -> st.SearchStrategy[Q]:
    """Conditions of one lookup on one of these fields."""

    def of_field(name: str) -> st.SearchStrategy[Q]:
        values = FIELDS[name]
        allowed = [lookup for lookup in values.lookups if lookups(lookup)]
        parts = [part for part in values.parts if lookups(part)]
        plain = st.sampled_from(allowed).flatmap(lambda lookup: _leaf(name, lookup, values.strategy))
        if not parts:
            return plain
        return plain | st.sampled_from(parts).flatmap(lambda part: _part_leaf(name, part))

    return st.sampled_from([name for name in names if FIELDS[name].lookups]).flatmap(of_field)


def _leaf(name: str, lookup: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Q]:
    match lookup:
        case "isnull":
            return st.booleans().map(lambda null: Q(**{f"{name}__isnull": null}))
        case "in":
            return st.lists(st.none() | values, max_size=4).map(lambda found: Q(**{f"{name}__in": found}))
        case "range":
            return st.tuples(values, values).map(lambda ends: Q(**{f"{name}__range": ends}))
        case _:
            return values.map(lambda value: Q(**{f"{name}__{lookup}": value}))


def _part_leaf(name: str, part: str) -> st.SearchStrategy[Q]:
    numbers = st.sampled_from([1, 2, 4, 5, 7, 9, 12, 23, 31, 52, 53, 59, 1969, 2020, 2021, 2024])
    return st.tuples(st.sampled_from(["exact", "gt", "lte", "in"]), numbers).map(
        lambda pair: Q(**{f"{name}__{part}__{pair[0]}": [pair[1], 1] if pair[0] == "in" else pair[1]})
    )


_PAIRS = [
    ("number", "other"),
    ("other", "rank"),
    ("number", "real"),
    ("text", "word"),
    ("day", "day"),
    ("amount", "exact"),
]


def comparisons(names: Sequence[str]) -> st.SearchStrategy[Q]:
    """Conditions that compare two of these fields; none where no two of them go together."""
    pairs = [pair for pair in _PAIRS if set(pair) <= set(names)]
    lookups = st.sampled_from(["exact", "gt", "gte", "lt", "lte"])
    if not pairs:
        return st.nothing()
    return st.tuples(st.sampled_from(pairs), lookups).map(lambda made: Q(**{f"{made[0][0]}__{made[1]}": F(made[0][1])}))


def conditions(leaf: st.SearchStrategy[Q]) -> st.SearchStrategy[Q]:
    """Nested conditions of these leaves."""

    def joined(inner: st.SearchStrategy[Q]) -> st.SearchStrategy[Q]:
        pairs = st.tuples(inner, inner)
        return st.one_of(
            pairs.map(lambda pair: pair[0] & pair[1]),
            pairs.map(lambda pair: pair[0] | pair[1]),
            pairs.map(lambda pair: pair[0] ^ pair[1]),
            inner.map(lambda one: ~one),
        )

    return st.recursive(st.deferred(lambda: leaf), joined, max_leaves=5)


def orders(names: Sequence[str], most: int) -> st.SearchStrategy[list[str]]:
    """Orderings by up to so many of these fields."""
    terms = st.lists(st.sampled_from(names), max_size=most, unique=True)
    return st.tuples(terms, st.lists(st.booleans(), min_size=3, max_size=3)).map(
        lambda made: [("-" if down else "") + name for name, down in zip(made[0], made[1], strict=False)]
    )


def slices() -> st.SearchStrategy[slice]:
    """Parts of a few rows."""
    bounds = st.none() | st.integers(0, 12)
    return st.tuples(bounds, bounds).map(lambda pair: slice(*pair))
