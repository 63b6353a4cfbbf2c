"""What is asked wrongly is refused in the line that asks, in words that say what was given and what would work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from polystore import F, Q, Store
from polystore.errors import (
    FieldError,
    QueryUsageError,
)
from tests.api.shop import FIELDS, Album, Genre, told

NO_FIELD = f"Album has no field 'titel'; its fields are {FIELDS}"
LOOKUPS = (
    "exact, iexact, contains, icontains, startswith, istartswith, endswith, iendswith, regex, iregex, "
    "gt, gte, lt, lte, in, range, isnull"
)
ONLY_NULL = "None: JSON, lists, dicts and embedded models are compared with NULL only"
NAIVE = datetime(2020, 1, 1)

NAMES_AND_LOOKUPS: dict[str, str] = {
    "titel": NO_FIELD,
    "titel__contains": NO_FIELD,
    "_connector": f"Album has no field '_connector'; its fields are {FIELDS}",
    "title__like": f"Album.title has no lookup 'like' (title__like); lookups are {LOOKUPS}",
    "title__gt__lt": f"Album.title has no lookup 'gt__lt' (title__gt__lt); lookups are {LOOKUPS}",
    "year__contains": "Album.year is int: year__contains does not apply; "
    "use exact, gt, gte, lt, lte, in, range, isnull",
    "tags__gt": "Album.tags is list of str: tags__gt does not apply; "
    "use exact, contains, contained_by, overlap, isnull",
    "label__nam": "label__nam: Album.label is Label, which has no field 'nam'; its fields are name, city",
    "year__month": "Album.year is int: it has no month to look up (year__month)",
    "day__hour": "Album.day is date: it has no hour to look up (day__hour)",
}
KINDS = {
    "year": "int",
    "title": "str",
    "live": "bool",
    "price": "Decimal",
    "rating": "float",
    "cover": "bytes",
    "genre": "Genre (one of 'rock', 'jazz')",
    "day": "date",
    "released": "aware datetime",
    "tags": "list of str",
    "label": "Label",
}
COLLECTION = "a list, tuple, set or other collection of values"
VALUES: list[tuple[str, Any, str]] = [
    ("year", "soon", "an int"),
    ("year", True, "an int"),
    ("title", 3, "a str"),
    ("title", "a\0", "a str without the NUL character"),
    ("live", "yes", "True or False"),
    ("price", 1.5, "a Decimal, not a float; write Decimal('1.5')"),
    ("rating", float("nan"), "a float other than NaN"),
    ("cover", "x", "bytes"),
    ("genre", "pop", "a member of Genre: 'rock', 'jazz'"),
    ("day", NAIVE, "a date, not a datetime"),
    ("released__gt", NAIVE, "an aware datetime: the one given has no timezone"),
    ("released", "soon", "an aware datetime (ISO 8601)"),
    ("released__year", "soon", "an int"),
    ("year", {"$gt": 1}, "an int"),
    ("title", {"$ne": ""}, "a str"),
    ("title", ["x"], "a str"),
    ("tags", "x", "a list of str"),
    ("tags__contains", 1, "a str"),
    ("tags__overlap", [None], "a list of str without None"),
    ("label", {"name": "x"}, ONLY_NULL),
    ("year__gt", None, "a value: only exact and isnull know None"),
    ("title__contains", None, "a value: only exact and isnull know None"),
    ("year__isnull", 1, "True or False"),
    ("year__in", "12", COLLECTION),
    ("year__in", 5, COLLECTION),
    ("year__in", {"$gt": 1}, COLLECTION),
    ("year__in", F("year"), "values, not expressions"),
    ("year__range", (1990,), "a pair (low, high)"),
    ("year__range", (1990, None), "two values; use gte or lte for a range with one end"),
]


def refused(sent: list[str], lookup: str, value: Any) -> str:
    """The one text with which every call that takes conditions refuses this one, nothing being sent."""
    rows = Album.objects.all()
    texts = {told(FieldError, partial(call, **{lookup: value})) for call in (rows.filter, rows.exclude, rows.get)}
    texts.add(told(FieldError, lambda: rows.filter(Q(live=True) | ~Q(**{lookup: value}))))
    assert sent == []
    (text,) = texts
    return text


@pytest.mark.parametrize(("lookup", "text"), NAMES_AND_LOOKUPS.items())
def test_an_unknown_lookup_is_refused_with_those_there_are(sent: list[str], lookup: str, text: str) -> None:
    assert refused(sent, lookup, 1) == text


@pytest.mark.parametrize(("lookup", "value", "wanted"), VALUES)
def test_a_wrong_value_is_refused_with_what_would_work(sent: list[str], lookup: str, value: Any, wanted: str) -> None:
    name = lookup.partition("__")[0]
    text = f"Album.{name} is {KINDS[name]}: {lookup}={value!r} does not work; it takes {wanted}"
    assert refused(sent, lookup, value) == text


def test_a_wrong_value_among_others_and_a_wrong_pattern_are_shown_alone(sent: list[str]) -> None:
    assert refused(sent, "year__in", [1990, "soon"]) == (
        "Album.year is int: year__in='soon' does not work; it takes an int"
    )
    assert refused(sent, "pk", "first") == "Album.id is int: pk='first' does not work; it takes an int"
    assert refused(sent, "title__regex", "(") == (
        "regular expression '(': missing ) at position 1; portable patterns have literals, ., classes, \\d \\w \\s, "
        "groups, |, ^ and $, and the quantifiers * + ? {m,n}"
    )


def test_what_compares_with_certainty_is_an_answer_and_no_error(store: Store) -> None:
    Album.objects.create(title="x", year=1990)
    assert Album.objects.filter(year="1990").count() == 1
    assert Album.objects.filter(year=2**70).count() == Album.objects.filter(year=1.5).count() == 0
    assert Album.objects.filter(year__lt=2**70).count() == 1
    assert Album.objects.filter(genre=Genre.ROCK, released__lt=datetime(2020, 1, 1, tzinfo=UTC)).count() == 0


@pytest.mark.parametrize("given", ["year > 3", True, ("year", 3)])
def test_a_condition_that_is_none_is_refused(given: Any) -> None:
    assert told(FieldError, lambda: Album.objects.filter(given)) == (
        f"Album: a condition is field__lookup=value, a Q or a typed comparison, not {given!r}"
    )
    assert told(FieldError, lambda: Q(given)) == f"Q takes Q objects and field__lookup=value, not {given!r}"


def test_a_condition_has_no_truth_value() -> None:
    text = "a condition has no truth value here; combine conditions with &, | and ~"
    assert told(TypeError, lambda: bool(Album.year > 3)) == text
    assert told(TypeError, lambda: Album.objects.filter((Album.id > 3) and (Album.id < 5))) == text


EXPRESSIONS: list[tuple[Any, str]] = [
    (F("nosuch"), f"Album has no field 'nosuch'; its fields are {FIELDS}"),
    (F("title"), "{what} of Album: int and str do not go together"),
    (F("title") + 1, "Album: arithmetic +: it computes with int, float and Decimal, not with str and int"),
    (
        F("price") + F("rating"),
        "Album: arithmetic +: float and Decimal do not go together; one is exact, the other is not",
    ),
]


@pytest.mark.parametrize(("expression", "text"), EXPRESSIONS, ids=[repr(each) for each, _ in EXPRESSIONS])
def test_a_wrong_expression_is_refused_before_anything_is_sent(sent: list[str], expression: Any, text: str) -> None:
    assert told(FieldError, lambda: Album.objects.filter(year=expression).count()) == text.format(what="year")
    assert told(FieldError, lambda: Album.objects.update(year=expression)) == text.format(what="update(year=...)")
    assert sent == []


def test_arithmetic_takes_numbers_only() -> None:
    assert told(TypeError, lambda: F("year") + "1") == "arithmetic takes F, int, float and Decimal, not '1'"
    assert told(TypeError, lambda: F("year") * True) == "arithmetic takes F, int, float and Decimal, not True"


NAMES: dict[str, Callable[[Any], Any]] = {
    "order_by": lambda name: Album.objects.order_by(name),
    "earliest": lambda name: Album.objects.earliest(name),
    "latest": lambda name: Album.objects.latest(name),
    "values": lambda name: Album.objects.values(name),
    "values_list": lambda name: Album.objects.values_list(name),
    "only": lambda name: Album.objects.only(name),
    "defer": lambda name: Album.objects.defer(name),
    "in_bulk": lambda name: Album.objects.in_bulk([1], field_name=name),
}


@pytest.mark.parametrize("call", NAMES.values(), ids=NAMES)
def test_an_unknown_name_is_refused_with_the_names_there_are(sent: list[str], call: Callable[[Any], Any]) -> None:
    assert told(FieldError, lambda: call("titel")) == NO_FIELD
    assert sent == []


@pytest.mark.parametrize("name", ["values", "only", "defer", "in_bulk"])
@pytest.mark.parametrize("given", [["title"], Album.title], ids=repr)
def test_a_name_is_a_text(name: str, given: Any) -> None:
    assert told(FieldError, lambda: NAMES[name](given)) == f"Album: a field is given by its name, a str, not {given!r}"


def test_what_has_no_order_is_refused_as_one(store: Store) -> None:
    rows = Album.objects
    assert told(FieldError, lambda: rows.order_by(3)) == "Album: order_by takes names of fields and expressions, not 3"
    assert told(FieldError, lambda: rows.order_by("--year")).startswith("Album has no field '-year'; its fields are id")
    assert told(FieldError, lambda: rows.order_by("tags").count() or list(rows.order_by("tags"))) == (
        "Album.tags is list of str: rows cannot be ordered by it"
    )
    assert told(FieldError, lambda: list(rows.values("title").distinct().order_by("year"))) == (
        "Album: distinct rows of title cannot be ordered by year; add it to values() or order by a selected field"
    )
    assert told(FieldError, lambda: rows.in_bulk([1], field_name="year")) == (
        "in_bulk() needs a unique field, and Album.year is not"
    )
    assert told(QueryUsageError, lambda: rows.latest()) == "Album: name a field, or declare Meta.get_latest_by"
    assert told(QueryUsageError, lambda: rows.values_list("title", "year", flat=True)) == (
        "Album: values_list(flat=True) takes one field, and no named=True"
    )


AFTER_A_SLICE: dict[str, Callable[[Any], Any]] = {
    "filter()": lambda part: part.filter(year=1990),
    "exclude()": lambda part: part.exclude(year=1990),
    "get(conditions)": lambda part: part.get(year=1990),
    "order_by()": lambda part: part.order_by("year"),
    "reverse()": lambda part: part.reverse(),
    "distinct()": lambda part: part.distinct(),
    "client()": lambda part: part.client(max_rows=3),
    "last()": lambda part: part.last(),
    "in_bulk()": lambda part: part.in_bulk(),
}


@pytest.mark.parametrize(("call", "act"), AFTER_A_SLICE.items(), ids=AFTER_A_SLICE)
@pytest.mark.parametrize("part", [slice(3), slice(1, None), slice(0, 0)], ids=str)
def test_nothing_narrows_a_slice(sent: list[str], call: str, act: Callable[[Any], Any], part: slice) -> None:
    text = told(QueryUsageError, lambda: act(Album.objects.all()[part]))
    assert text == f"Album: {call} cannot follow a slice; slice last"
    assert sent == []


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_a_slice_is_not_written(sent: list[str], verb: str) -> None:
    part = Album.objects.all()[:3]
    values = {"year": 1990} if verb == "update" else {}
    assert told(QueryUsageError, lambda: getattr(part, verb)(**values)) == (
        f"Album: {verb}() works on filtered rows, not on a slice; filter by key instead"
    )
    assert sent == []


@pytest.mark.parametrize(
    ("key", "error", "text"),
    [
        (-1, ValueError, "a queryset has no negative indexes; reverse() it"),
        (slice(-3, None), ValueError, "a queryset is not sliced from its end: bounds and step must be ints >= 0"),
        (slice(None, -1), ValueError, "a queryset is not sliced from its end: bounds and step must be ints >= 0"),
        (slice(0, 9, -1), ValueError, "a queryset is not sliced from its end: bounds and step must be ints >= 0"),
        (slice("a", None), ValueError, "a queryset is not sliced from its end: bounds and step must be ints >= 0"),
        (slice(1.5), ValueError, "a queryset is not sliced from its end: bounds and step must be ints >= 0"),
        (slice(True), ValueError, "a queryset is not sliced from its end: bounds and step must be ints >= 0"),
        (slice(0, 9, 0), ValueError, "a queryset is sliced with a step of at least 1, not 0"),
        ("title", TypeError, "a queryset is indexed by an int or a slice, not 'title'"),
        (1.5, TypeError, "a queryset is indexed by an int or a slice, not 1.5"),
        (True, TypeError, "a queryset is indexed by an int or a slice, not True"),
        ((1, 2), TypeError, "a queryset is indexed by an int or a slice, not (1, 2)"),
    ],
)
def test_a_wrong_place_is_refused(sent: list[str], key: Any, error: type[Exception], text: str) -> None:
    assert told(error, lambda: Album.objects.all()[key]) == text
    assert sent == []


def test_one_row_where_there_are_none_or_several_is_told(store: Store) -> None:
    assert told(Album.DoesNotExist, lambda: Album.objects.get(pk=1)) == "no Album matches the query"
    assert told(Album.DoesNotExist, lambda: Album.objects.latest("year")) == "no Album matches the query"
    assert told(IndexError, lambda: Album.objects.all()[7]) == "Album: no row at index 7"
    Album.objects.bulk_create([Album(title=str(n)) for n in range(25)])
    assert told(Album.MultipleObjectsReturned, lambda: Album.objects.get(pk__in=[1, 2, 3])) == (
        "get() needs one Album, but 3 match the query"
    )
    assert told(Album.MultipleObjectsReturned, lambda: Album.objects.get()) == (
        "get() needs one Album, but more than 20 match the query"
    )
