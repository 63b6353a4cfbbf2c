"""Paths into embedded models and lists of them; rules A4, F13, F14, G8, G9, G11."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from polystore import Avg, Count, F, Feature, Max, Min, Q, Sum
from polystore.errors import FieldError
from polystore.query.operators import DatePart, Operator
from polystore.testing.harness import Db, rule
from polystore.testing.models import Author, City, Document, Level, Mood

docs = Document.objects
PATHS = Feature.PATHS
ORDERED = (PATHS, Feature.ORDER_ANY)
READ = (PATHS, Feature.COMPUTED)

AUTHORS: list[dict[str, Any]] = [
    {"name": "ann", "author": Author(name="Ann", age=30, city=City(name="Oslo"))},
    {"name": "bob", "author": Author(name="bob", age=4, city=City(name="Bergen"))},
    {"name": "cid", "author": Author(name="Cid")},
    {"name": "none"},
]
ALL = {"ann", "bob", "cid", "none"}


def put(db: Db, rows: list[dict[str, Any]] | None = None) -> None:
    """Some rows, of authors unless others are given."""
    db.given(Document, AUTHORS if rows is None else rows)


def both(db: Db, expected: str, *conditions: Q, **lookups: Any) -> None:
    """The rows that fulfil the condition, and all others fulfil its negation."""
    every = set(db.names(docs.all()))
    assert db.found(docs.filter(*conditions, **lookups)) == expected
    assert set(db.names(docs.exclude(*conditions, **lookups))) == every - set(expected.split())


# ---- paths


@rule("A4", "G9", needs=[PATHS])
def test_a_path_into_an_embedded_model_is_compared(db: Db) -> None:
    put(db)
    both(db, "ann", author__name="Ann")
    both(db, "ann", author__age__gt=4)
    both(db, "ann bob", author__age__in=[4, 30, 7])
    both(db, "bob", author__age__range=(1, 29))


@rule("G9", needs=[PATHS])
def test_a_path_goes_through_several_embedded_models(db: Db) -> None:
    put(db)
    both(db, "ann", author__city__name="Oslo")
    both(db, "bob", author__city__name__startswith="Ber")


@rule("A4", "G9", needs=[PATHS])
def test_a_path_through_null_is_null(db: Db) -> None:
    put(db)
    both(db, "cid none", author__age=None)
    both(db, "cid none", author__age__isnull=True)
    both(db, "ann bob", author__city__name__isnull=False)


@rule("A4", "G9", needs=[PATHS, Feature.FILTER_ANY])
def test_an_embedded_model_that_is_not_there_is_null(db: Db) -> None:
    put(db)
    both(db, "none", author__isnull=True)
    both(db, "cid none", author__city__isnull=True)


TEXTS: dict[Operator, tuple[str, str]] = {
    Operator.EXACT: ("bob", "bob"),
    Operator.IEXACT: ("BOB", "bob"),
    Operator.CONTAINS: ("n", "ann"),
    Operator.ICONTAINS: ("C", "cid"),
    Operator.STARTSWITH: ("A", "ann"),
    Operator.ISTARTSWITH: ("B", "bob"),
    Operator.ENDSWITH: ("d", "cid"),
    Operator.IENDSWITH: ("B", "bob"),
    Operator.REGEX: ("^[AC]", "ann cid"),
    Operator.IREGEX: ("^B", "bob"),
    Operator.GT: ("Cid", "bob"),
    Operator.GTE: ("Cid", "bob cid"),
    Operator.LT: ("B", "ann"),
    Operator.LTE: ("Cid", "ann cid"),
}


@rule("A4", "C1", needs=[PATHS])
@pytest.mark.parametrize("operator", list(TEXTS), ids=lambda operator: operator.value)
def test_text_at_a_path_takes_all_lookups_of_text(db: Db, operator: Operator) -> None:
    db.need(operator)
    if operator in (Operator.IEXACT, Operator.ISTARTSWITH):
        db.need(Feature.FILTER_ANY)
    put(db)
    value, expected = TEXTS[operator]
    both(db, expected, **{f"author__name__{operator.value}": value})


LOW_HIGH: dict[str, tuple[Any, Any]] = {
    "age": (-5, 2**62),
    "height": (-0.5, 1e300),
    "fee": (Decimal("9.50"), Decimal("10.00")),
    "loose": (Decimal("-1E-30"), Decimal("99999999999999999999.5")),
    "alive": (False, True),
    "born": (datetime(1, 1, 1, tzinfo=UTC), datetime(2024, 2, 29, 1, 2, 3, 4, UTC)),
    "wall": (datetime(999, 1, 1), datetime(2024, 2, 29, 1, 2, 3, 4)),
    "day": (date(9, 2, 3), date(2024, 2, 29)),
    "at": (time(0, 0, 0, 1), time(23)),
    "span": (timedelta(days=-3), timedelta(microseconds=1)),
    "uid": (UUID(int=5), UUID(int=2**127)),
    "mood": (Mood.CALM, Mood.WILD),
    "level": (Level.LOW, Level.HIGH),
}
INDEXED = {"age", "fee", "born"}
"""Those of them that an index is declared over."""


def put_pair(db: Db, field: str) -> tuple[Any, Any]:
    """Rows with a low and a high value of a field, one without a value and one without an author."""
    if field == "loose":
        db.need(Feature.LOOSE_PATHS)
    low, high = LOW_HIGH[field]
    put(
        db,
        [
            {"name": "low", "author": Author(name="a", **{field: low})},
            {"name": "high", "author": Author(name="b", **{field: high})},
            {"name": "null", "author": Author(name="c")},
            {"name": "none"},
        ],
    )
    return low, high


@rule("B5", "C18", "D1", needs=[PATHS])
@pytest.mark.parametrize("field", list(LOW_HIGH))
def test_values_of_each_kind_at_a_path_are_compared_exactly(db: Db, field: str) -> None:
    db.need(*(() if field in INDEXED else (Feature.FILTER_ANY,)))
    low, high = put_pair(db, field)
    both(db, "low", **{f"author__{field}": low})
    both(db, "high low", **{f"author__{field}__in": [low, high]})
    both(db, "high", **{f"author__{field}__gt": low})
    both(db, "high low", **{f"author__{field}__gte": low})
    both(db, "low", **{f"author__{field}__lt": high})
    both(db, "none null", **{f"author__{field}": None})


@rule("A19", "C18", needs=ORDERED)
@pytest.mark.parametrize("field", list(LOW_HIGH))
def test_rows_are_ordered_by_values_at_a_path(db: Db, field: str) -> None:
    put_pair(db, field)
    names = db.names(docs.order_by(f"author__{field}", "name"))
    assert names == ["none", "null", "low", "high"]
    assert db.names(docs.order_by(f"-author__{field}", "-name")) == names[::-1]
    assert db(docs.order_by(f"author__{field}", "name")).last().name == "high"


@rule("A19", needs=[PATHS])
@pytest.mark.parametrize("field", sorted(INDEXED))
def test_rows_are_ordered_and_paged_by_an_indexed_path(db: Db, field: str) -> None:
    low, high = LOW_HIGH[field]
    values = {"high": high, "null": None, "low": low}
    put(db, [{"name": name, "author": Author(name="x", **{field: value})} for name, value in values.items()])
    query = docs.order_by(f"author__{field}")
    assert db.names(query) == ["null", "low", "high"]
    assert db.names(docs.order_by(f"-author__{field}")) == ["high", "low", "null"]
    assert db.names(query[1:2]) == ["low"]
    assert db.names(query.filter(**{f"author__{field}__isnull": False})) == ["low", "high"]
    assert db(query).last().name == "high"


@rule("B5", "G9", needs=READ)
@pytest.mark.parametrize("field", list(LOW_HIGH))
def test_values_at_a_path_are_read(db: Db, field: str) -> None:
    low, high = put_pair(db, field)
    path = f"author__{field}"
    found = {row["name"]: row[path] for row in db(docs.values("name", path)).rows()}
    assert found == {"low": low, "high": high, "null": None, "none": None}
    assert type(found["low"]) is type(low)
    assert db(docs.filter(name="high").values_list(path, flat=True)).get() == high
    assert db(docs.filter(name="high").values_list(F(path), "name")).get() == (high, "high")


@rule("G9", needs=READ)
def test_embedded_models_and_lists_at_a_path_are_read(db: Db) -> None:
    city = City(name="Oslo", founded=date(1040, 1, 1), area=Decimal("1.50"))
    put(db, [{"name": "a", "author": Author(name="x", city=city, nicknames=["b", ""])}, {"name": "b"}])
    query = docs.order_by("name").values_list("author__city", "author__nicknames")
    assert db(query).rows() == [(city, ["b", ""]), (None, None)]


@rule("D10", needs=[PATHS, DatePart.YEAR, DatePart.MONTH])
def test_parts_of_a_moment_at_a_path_are_looked_up(db: Db) -> None:
    put_pair(db, "born")
    both(db, "high", author__born__year=2024)
    both(db, "low", author__born__year__lt=2024)
    both(db, "high", author__born__month=2)


@rule("A12", needs=[PATHS, Feature.COMPARE_COLUMNS, Feature.COMPUTED])
def test_values_at_two_paths_are_compared(db: Db) -> None:
    put(
        db,
        [
            {"name": "same", "author": Author(name="x", age=3), "maker": Author(name="x", age=3)},
            {"name": "other", "author": Author(name="x", age=3), "maker": Author(name="y", age=4)},
            {"name": "null", "author": Author(name="x"), "maker": Author(name="x")},
        ],
    )
    assert db.found(docs.filter(author__age=F("maker__age"))) == "same"
    assert db.found(docs.filter(author__age__lt=F("maker__age"))) == "other"
    assert db.found(docs.filter(author__name=F("maker__name"))) == "null same"


@rule("A16", "A17", needs=[PATHS, Feature.COMPUTED])
def test_values_at_a_path_are_aggregated(db: Db) -> None:
    put(db)
    found = db(docs.all()).aggregate(
        n=Count("author__age"), total=Sum("author__age"), low=Min("author__age"), top=Max("author__name")
    )
    assert found == {"n": 2, "total": 34, "low": 4, "top": "bob"}
    assert db(docs.filter(author__isnull=True)).aggregate(mean=Avg("author__age")) == {"mean": None}


@rule("A18", needs=[PATHS, Feature.GROUP, Feature.GROUP_EXPRESSIONS])
def test_rows_are_grouped_by_values_at_a_path(db: Db) -> None:
    put(db, [*AUTHORS, {"name": "dan", "author": Author(name="Dan", city=City(name="Oslo"))}])
    query = docs.values("author__city__name").annotate(n=Count("*")).order_by("author__city__name")
    assert [(row["author__city__name"], row["n"]) for row in db(query).rows()] == [
        (None, 2),
        ("Bergen", 1),
        ("Oslo", 2),
    ]


@rule("F12", needs=[*READ, Feature.DISTINCT])
def test_distinct_values_at_a_path_are_read(db: Db) -> None:
    put(db, [*AUTHORS, {"name": "dan", "author": Author(name="Dan", age=30)}])
    query = docs.values_list("author__age", flat=True).distinct().order_by("author__age")
    assert db(query).rows() == [None, 4, 30]


@rule("A13", needs=READ)
def test_values_at_a_path_are_computed_with(db: Db) -> None:
    put(db)
    query = docs.annotate(next=F("author__age") + 1).order_by("name")
    assert [row.next for row in db(query).rows()] == [31, 5, None, None]
    assert db.found(docs.alias(next=F("author__age") + 1).filter(next=5)) == "bob"


@rule("G10", needs=[PATHS, Feature.SIZES])
def test_a_list_at_a_path_is_looked_into(db: Db) -> None:
    put(
        db,
        [
            {"name": "two", "author": Author(name="x", nicknames=["a", "b"])},
            {"name": "empty", "author": Author(name="x", nicknames=[])},
            {"name": "none"},
        ],
    )
    both(db, "two", author__nicknames__len=2)
    both(db, "empty", author__nicknames__len__lt=1)
    db.need(Feature.PATH_ITEMS)
    both(db, "two", author__nicknames__1="b")


@rule("G8", "G9", needs=[PATHS, Feature.JSON_PATHS])
def test_json_at_a_path_is_looked_into(db: Db) -> None:
    put(
        db,
        [
            {"name": "one", "author": Author(name="x", extra={"a": [1]})},
            {"name": "text", "author": Author(name="x", extra={"a": "1"})},
            {"name": "null", "author": Author(name="x", extra={"a": None})},
            {"name": "none"},
        ],
    )
    both(db, "one", author__extra__a__0=1)
    both(db, "text", author__extra__a="1")
    both(db, "null", author__extra__a=None)
    both(db, "none", author__extra__a__isnull=True)


@rule("K1", "K5")
@pytest.mark.parametrize(
    ("lookups", "message"),
    [
        ({"author__agee": 1}, r"Document\.author is Author, which has no field 'agee'; its fields are name, age"),
        ({"author__name__x": 1}, r"Document\.author__name has no lookup 'x'"),
        ({"lines__skuu": 1}, r"Document\.lines is list of Line, which has no field 'skuu'"),
        ({"author__age": "x"}, r"Document\.author__age is int: author__age='x' does not work; it takes an int"),
        ({"lines__quantity": F("id")}, "elements of a list are not compared with expressions"),
        ({"author__city": City(name="x")}, "compared with NULL only"),
    ],
)
def test_a_wrong_path_is_refused_with_what_would_work(db: Db, lookups: dict[str, Any], message: str) -> None:
    db.given(Document, [])
    with db.commands(0), pytest.raises(FieldError, match=message):
        docs.filter(**lookups)


@rule("K5")
@pytest.mark.parametrize("name", ["author__x", "lines__sku", "author__name__lower", "tags__x", "name__x"])
def test_an_order_by_a_path_that_leads_nowhere_is_refused(db: Db, name: str) -> None:
    db.given(Document, [])
    with db.commands(0), pytest.raises(FieldError, match=r"Document\."):
        docs.order_by(name)
    with db.commands(0), pytest.raises(FieldError, match=r"Document\."):
        docs.values(name)


@rule("A18", "F12", needs=[PATHS, Feature.GROUP, Feature.GROUP_EXPRESSIONS, Feature.GROUP_SOURCE, Feature.HAVING])
def test_groups_by_a_path_are_filtered_counted_and_aggregated(db: Db) -> None:
    put(db, [*AUTHORS, {"name": "dan", "author": Author(name="Dan", age=5, city=City(name="Oslo"))}])
    groups = docs.values("author__city__name").annotate(n=Count("*"), top=Max("author__age"))
    assert db(groups).count() == 3
    assert [row["n"] for row in db(groups.filter(author__city__name="Oslo")).rows()] == [2]
    assert [row["author__city__name"] for row in db(groups.filter(top__lt=10)).rows()] == ["Bergen"]
    assert db(groups.all()).aggregate(total=Sum("n"), names=Count("author__city__name")) == {"total": 5, "names": 2}
    names = docs.values("author__city__name").distinct()
    assert db(names).count() == 3
    assert db(names.all()).aggregate(last=Max("author__city__name")) == {"last": "Oslo"}
    assert db(docs.order_by("-author__age")[:2]).aggregate(total=Sum("author__age")) == {"total": 35}


@rule("F18", needs=READ)
def test_values_at_a_path_are_read_page_by_page(db: Db) -> None:
    put(db)
    query = docs.order_by("name").values("author__age")
    assert db(query).iterator(chunk_size=1) == [{"author__age": age} for age in (30, 4, None, None)]
    by_path = docs.filter(author__age__gt=1).order_by("author__age")
    db.need(Feature.ORDER_EXPRESSIONS)
    assert [row.name for row in db(by_path).iterator(chunk_size=1)] == ["bob", "ann"]
