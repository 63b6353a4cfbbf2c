"""Every capability, kind and lookup in turn: answered, or refused and answered behind ``client()``."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID

import pytest
from bson import ObjectId
from pydantic import AnyUrl

from polystore import Count, F, Feature, Max, Q, QuerySet
from polystore.adapters.base import Streaming, SupportsAnalyze, SupportsRaw
from polystore.errors import IndexRequired, NotSupportedError
from polystore.query.operators import ArithmeticOperator, DatePart, Operator
from polystore.testing.harness import Capability, Db, rule
from polystore.testing.models import Bare, City, Everything, Level, Mood, Person

rows = Everything.objects
TEXTS: list[tuple[str, str | None]] = [
    ("Rock", "Rock"),
    ("rock", "rock"),
    ("hard_rock", "hard rock"),
    ("Rocker", "Rocker"),
    ("pop", "pop"),
    ("null", None),
]
LOOKUPS: dict[Operator, tuple[str, str]] = {
    Operator.EXACT: ("Rock", "Rock"),
    Operator.IEXACT: ("ROCK", "Rock rock"),
    Operator.CONTAINS: ("rock", "hard_rock rock"),
    Operator.ICONTAINS: ("ROCK", "Rock Rocker hard_rock rock"),
    Operator.STARTSWITH: ("Rock", "Rock Rocker"),
    Operator.ISTARTSWITH: ("rock", "Rock Rocker rock"),
    Operator.ENDSWITH: ("rock", "hard_rock rock"),
    Operator.IENDSWITH: ("ROCK", "Rock hard_rock rock"),
    Operator.REGEX: ("^[Rr]ock$", "Rock rock"),
    Operator.IREGEX: ("^rock", "Rock Rocker rock"),
    Operator.GT: ("Rock", "Rocker hard_rock pop rock"),
    Operator.GTE: ("Rocker", "Rocker hard_rock pop rock"),
    Operator.LT: ("Rocker", "Rock"),
    Operator.LTE: ("Rocker", "Rock Rocker"),
}
PARTS: dict[DatePart, Any] = {
    DatePart.YEAR: 2024,
    DatePart.ISO_YEAR: 2025,
    DatePart.QUARTER: 4,
    DatePart.MONTH: 12,
    DatePart.DAY: 30,
    DatePart.WEEK: 1,
    DatePart.WEEK_DAY: 2,
    DatePart.ISO_WEEK_DAY: 1,
    DatePart.HOUR: 13,
    DatePart.MINUTE: 14,
    DatePart.SECOND: 15,
    DatePart.DATE: date(2024, 12, 30),
    DatePart.TIME: time(13, 14, 15),
}
PERSON = Person(name="Ann", born=datetime(2000, 1, 1, tzinfo=UTC), city=City(name="Oslo"))
SCALARS: dict[str, tuple[Any, Any]] = {
    "flag": (True, False),
    "number": (5, 2**62),
    "real": (0.1, -2.5),
    "amount": (Decimal("1.10"), Decimal("-2.00")),
    "text": ("é", ""),
    "blob": (b"\x00\xff", b""),
    "day": (date(2024, 2, 29), date(1, 1, 1)),
    "at": (time(1, 2, 3, 4), time(0)),
    "moment": (datetime(2024, 2, 29, 1, 2, 3, 4, UTC), datetime(1, 1, 1, tzinfo=UTC)),
    "wall": (datetime(2024, 2, 29, 1, 2, 3, 4), datetime(1, 1, 1)),
    "span": (timedelta(days=-1, microseconds=1), timedelta(0)),
    "uid": (UUID(int=5), UUID(int=2**127)),
    "oid": (ObjectId("0" * 24), ObjectId("f" * 24)),
    "mood": (Mood.CALM, Mood.WILD),
    "level": (Level.LOW, Level.HIGH),
    "address": (IPv4Address("127.0.0.1"), IPv4Address("10.0.0.1")),
    "site": (AnyUrl("http://a.example/x?y=z"), AnyUrl("http://b.example/")),
}
STRUCTURES: dict[str, tuple[Any, Any]] = {
    "data": ({"a": [1, None, {"b": True}]}, []),
    "tags": (["b", "a", ""], []),
    "moments": ([datetime(2024, 1, 1, tzinfo=UTC)], []),
    "amounts": ({"a": Decimal("1.5")}, {}),
    "person": (PERSON, Person(name="")),
    "people": ([PERSON, PERSON], []),
}
LABELS = {
    "flag": "bool",
    "number": "int",
    "real": "float",
    "amount": "Decimal",
    "text": "str",
    "blob": "bytes",
    "day": "date",
    "at": "time",
    "moment": "datetime",
    "wall": "NaiveDatetime",
    "span": "timedelta",
    "uid": "UUID",
    "oid": "ObjectId",
    "mood": "Enum of str",
    "level": "Enum of int",
    "address": "IP address",
    "site": "URL",
    "data": "JSON",
    "tags": "list",
    "moments": "list of datetime",
    "amounts": "dict",
    "person": "embedded model",
    "people": "list of embedded models",
}


def put_texts(db: Db) -> None:
    """Rows named as their texts."""
    db.given(Everything, [{"name": name, "text": text} for name, text in TEXTS])


@rule("declared")
@pytest.mark.parametrize("operator", list(LOOKUPS), ids=lambda operator: operator.value)
def test_a_lookup_is_answered_or_refused(db: Db, operator: Operator) -> None:
    db.need(operator)
    put_texts(db)
    value, expected = LOOKUPS[operator]
    condition = {f"text__{operator.value}": value}
    assert db.found(rows.filter(**condition)) == expected
    rest = {name for name, _ in TEXTS} - set(expected.split())
    assert set(db.names(rows.exclude(**condition))) == rest
    assert db(rows.filter(**condition)).count() == len(TEXTS) - len(rest)


@rule("declared")
@pytest.mark.parametrize("operator", list(LOOKUPS), ids=lambda operator: operator.value)
def test_a_lookup_is_answered_behind_client(db: Db, operator: Operator) -> None:
    db.proves(f"client:Operator:{operator.name}")
    put_texts(db)
    value, expected = LOOKUPS[operator]
    assert db.found(rows.client(max_rows=50).filter(**{f"text__{operator.value}": value})) == expected


TESTS: dict[str, tuple[Any, str]] = {
    "in": (["Rock", "pop", None, "none"], "Rock pop"),
    "range": (("Rocker", "pop"), "Rocker hard_rock pop"),
    "isnull": (True, "null"),
}


@rule("declared", "A8", "A9", "A10")
@pytest.mark.parametrize("word", TESTS)
def test_a_test_of_several_values_or_of_null_is_answered(db: Db, word: str) -> None:
    db.proves(f"Lookup:{word}")
    put_texts(db)
    value, expected = TESTS[word]
    assert db.found(rows.filter(**{f"text__{word}": value})) == expected
    rest = {name for name, _ in TEXTS} - set(expected.split())
    assert set(db.names(rows.exclude(**{f"text__{word}": value}))) == rest
    assert db(rows.filter(**{f"text__{word}": value})).count() == len(TEXTS) - len(rest)
    assert db.found(rows.client(max_rows=50).filter(**{f"text__{word}": value})) == expected


def put_moments(db: Db) -> None:
    """One row that has all parts of ``PARTS`` and some that have none."""
    moment = datetime(2024, 12, 30, 13, 14, 15, tzinfo=UTC)
    db.given(
        Everything,
        [
            {"name": "it", "moment": moment},
            {"name": "other", "moment": datetime(2023, 6, 1, 1, 1, 1, tzinfo=UTC)},
            {"name": "null"},
        ],
    )


def part_lookup(part: DatePart) -> dict[str, Any]:
    """A condition on a part that no range over the whole moment could answer."""
    if part in (DatePart.YEAR, DatePart.DATE):
        return {f"moment__{part.value}__in": [PARTS[part]]}
    return {f"moment__{part.value}": PARTS[part]}


@rule("declared", "D10")
@pytest.mark.parametrize("part", list(PARTS), ids=lambda part: part.value)
def test_a_date_part_is_answered_or_refused(db: Db, part: DatePart) -> None:
    db.need(part)
    put_moments(db)
    assert db.found(rows.filter(**part_lookup(part))) == "it"
    assert db.found(rows.exclude(**part_lookup(part))) == "null other"


@rule("declared", "D10")
@pytest.mark.parametrize("part", list(PARTS), ids=lambda part: part.value)
def test_a_date_part_is_answered_behind_client(db: Db, part: DatePart) -> None:
    db.proves(f"client:DatePart:{part.name}")
    put_moments(db)
    assert db.found(rows.client(max_rows=50).filter(**part_lookup(part))) == "it"


@rule("declared")
@pytest.mark.parametrize("operator", list(ArithmeticOperator), ids=lambda operator: operator.name.lower())
def test_arithmetic_is_answered_behind_client(db: Db, operator: ArithmeticOperator) -> None:
    db.proves(
        f"client:ArithmeticOperator:{operator.name}", "client:Feature:COMPARE_COLUMNS", "client:Feature:MODULO_FLOATS"
    )
    results = {"ADD": 11, "SUBTRACT": 7, "MULTIPLY": 18, "DIVIDE": 4.5, "MODULO": 1}
    db.given(
        Everything,
        [{"name": "it", "number": 9, "real": results[operator.name]}, {"name": "other", "number": 9, "real": 0.25}],
    )
    left = F("number")
    expression = {
        ArithmeticOperator.ADD: left + 2,
        ArithmeticOperator.SUBTRACT: left - 2,
        ArithmeticOperator.MULTIPLY: left * 2,
        ArithmeticOperator.DIVIDE: left / 2,
        ArithmeticOperator.MODULO: left % 2,
    }[operator]
    assert db.found(rows.client(max_rows=50).filter(real=expression)) == "it"


@rule("declared")
def test_conditions_orders_and_distinct_rows_without_an_index_are_answered_behind_client(db: Db) -> None:
    db.proves(
        "client:Feature:FILTER_ANY",
        "client:Feature:ORDER_ANY",
        "client:Feature:GROUP_ANY",
        "client:Feature:DISTINCT",
        "client:Feature:ORDER_BYTES",
    )
    db.given(Bare, [{"name": "b", "number": 1}, {"name": "a", "number": 1}, {"name": "c"}])
    query = Bare.objects.client(max_rows=10)
    assert db.names(query.filter(number=1).order_by("name")) == ["a", "b"]
    assert db.names(query.order_by("number", "-name")) == ["c", "b", "a"]
    assert db(query.values_list("number", flat=True).distinct().order_by("number")).rows() == [None, 1]
    assert db(query).aggregate(top=Max("name"), n=Count("number")) == {"top": "c", "n": 2}
    db.given(Everything, [{"name": "b", "blob": b"\x01"}, {"name": "a", "blob": b"\x00\x00"}])
    assert db.names(rows.client(max_rows=10).order_by("blob")) == ["a", "b"]


@rule("declared")
@pytest.mark.parametrize("field", [*SCALARS, *STRUCTURES])
def test_values_of_each_kind_come_back_as_they_were(db: Db, field: str) -> None:
    db.proves(f"Kind:{LABELS[field]}")
    first, second = {**SCALARS, **STRUCTURES}[field]
    db.given(Everything, [{"name": "first", field: first}, {"name": "second", field: second}, {"name": "null"}])
    for name, value in (("first", first), ("second", second), ("null", [] if field == "people" else None)):
        found = getattr(db(rows.all()).get(name=name), field)
        assert (found, type(found)) == (value, type(value))
    assert db(rows.filter(name="first").values_list(field, flat=True)).get() == first
    assert db(rows.filter(name="null")).update(**{field: first}) == 1
    assert getattr(db(rows.all()).get(name="null"), field) == first


@rule("declared", "A4", "A8", verbs=["filter", "exclude"])
@pytest.mark.parametrize("field", list(SCALARS))
def test_values_of_each_kind_are_found_by_equality(db: Db, field: str) -> None:
    first, second = SCALARS[field]
    db.given(Everything, [{"name": "first", field: first}, {"name": "second", field: second}, {"name": "null"}])
    assert db.found(rows.filter(**{field: first})) == "first"
    assert db.found(rows.filter(**{field: second})) == "second"
    assert db.found(rows.exclude(**{field: first})) == "null second"
    assert db.found(rows.filter(**{f"{field}__in": [first, second]})) == "first second"
    assert db.found(rows.exclude(**{f"{field}__in": [first]})) == "null second"
    assert db.found(rows.filter(**{f"{field}__isnull": True})) == "null"
    assert db.found(rows.filter(Q(**{field: first}) | Q(**{field: None}))) == "first null"
    assert db.names(rows.filter(**{field: first}).order_by("name")) == ["first"]


@rule("declared")
def test_what_is_declared_is_what_the_backend_implements(db: Db) -> None:
    backend = db.store.handle(Everything).connection.backend
    assert isinstance(backend, SupportsAnalyze) is db.declares(Feature.ANALYZE)
    assert isinstance(db.adapter.inner.connect(), Streaming) is db.declares(Feature.STREAM)
    assert isinstance(db.adapter.inner, SupportsRaw) is db.declares(Feature.RAW)


ANYWHERE = (Feature.FILTER_ANY, Feature.ORDER_ANY, Feature.GROUP_ANY)
"""What is refused for want of an index only."""
QUESTIONS: dict[Capability, tuple[QuerySet[Any, Any], str]] = {
    Operator.REGEX: (rows.filter(text__regex="a"), "Everything.*text__regex"),
    Operator.CONTAINS: (rows.exclude(text__contains="a"), "Everything.*text__contains"),
    DatePart.MONTH: (rows.filter(day__month=1), "Everything.*day__month"),
    Feature.COMPARE_COLUMNS: (rows.filter(number__gt=F("other")), "Everything.*number__gt"),
    Feature.DISTINCT: (rows.values("text").distinct(), "Everything.*distinct"),
    Feature.ORDER_BYTES: (rows.order_by("-blob"), "Everything.*-blob"),
    Feature.FILTER_ANY: (Bare.objects.filter(number=1), "Bare.*number"),
    Feature.ORDER_ANY: (Bare.objects.order_by("number"), "Bare.*number"),
    Feature.GROUP_ANY: (Bare.objects.values("number").distinct(), "Bare.*(number|distinct)"),
}


@rule("declared", "K1")
@pytest.mark.parametrize("capability", list(QUESTIONS), ids=lambda capability: capability.name)
def test_a_refusal_names_the_model_the_question_and_what_would_work(db: Db, capability: Capability) -> None:
    query, words = QUESTIONS[capability]
    if db.declares(capability):
        db(query.all()).rows()
        return
    with db.commands(0), pytest.raises(NotSupportedError, match=words) as caught:
        query.all().explain()
    assert "client(" in str(caught.value)
    for_want_of_an_index = capability in ANYWHERE
    if capability is Feature.GROUP_ANY:
        for_want_of_an_index = db.declares(Feature.DISTINCT)
    assert isinstance(caught.value, IndexRequired) is for_want_of_an_index


@rule("declared")
def test_a_store_answers_a_ping(db: Db) -> None:
    db(db.store).ping()


@rule("declared", needs=[Feature.ASYNC])
def test_the_async_colour_is_there_or_refused(db: Db) -> None:
    async def ask() -> int:
        return await rows.acount()

    if db.loop is not None:
        assert db.run(ask()) >= 0
        return
    db.refused_after = 0
    if db.missing:
        asyncio.run(ask())
