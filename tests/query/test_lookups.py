"""Names of lookups: which a kind of value has, what each one means, and how a wrong one is told."""

from __future__ import annotations

import pytest

from polystore.errors import FieldError
from polystore.query.lookups import find_lookup
from polystore.query.operators import DatePart, Operator
from polystore.schema.kinds import DateKind, IntKind, TimeKind
from tests.query.models import SAMPLE

ORDER = {"exact", "gt", "gte", "lt", "lte", "in", "range"}
TEXT = {"iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "regex", "iregex"}
DATE_PARTS = {"year", "iso_year", "quarter", "month", "day", "week", "week_day", "iso_week_day"}
TIME_PARTS = {"hour", "minute", "second"}

COMPARED = {
    "flag": ORDER,
    "number": ORDER,
    "real": ORDER,
    "amount": ORDER,
    "text": ORDER | TEXT,
    "blob": ORDER,
    "day": ORDER,
    "at": ORDER,
    "moment": ORDER,
    "wall": ORDER,
    "span": ORDER,
    "uid": ORDER,
    "oid": ORDER,
    "mood": ORDER | TEXT,
    "level": ORDER,
    "address": {"exact", "in"},
    "site": ORDER | TEXT,
    "data": ORDER | TEXT,
    "tags": {"exact", "contains"},
    "sizes": {"exact"},
    "city": {"exact"},
    "cities": {"exact"},
}
"""The lookups of each kind beside ``isnull``, which all have; structures know ``exact`` for None only."""

PARTS = {
    "day": DATE_PARTS,
    "at": TIME_PARTS,
    "moment": DATE_PARTS | TIME_PARTS | {"date", "time"},
    "wall": DATE_PARTS | TIME_PARTS | {"date", "time"},
    "data": {part.value for part in DatePart},
    "sizes": {part.value for part in DatePart},
}
"""Words that look up a part; in JSON and dicts they are keys."""


def understood(name: str) -> bool:
    try:
        find_lookup(SAMPLE, name)
    except FieldError:
        return False
    return True


@pytest.mark.parametrize("field", COMPARED)
def test_each_kind_has_exactly_its_lookups(field: str) -> None:
    assert {word for word in ORDER | TEXT if understood(f"{field}__{word}")} == COMPARED[field]
    assert understood(f"{field}__isnull")


@pytest.mark.parametrize("field", COMPARED)
def test_each_kind_has_exactly_its_date_parts(field: str) -> None:
    assert {part.value for part in DatePart if understood(f"{field}__{part.value}")} == PARTS.get(field, set())


def test_a_name_alone_is_exact() -> None:
    alone, exact = find_lookup(SAMPLE, "number"), find_lookup(SAMPLE, "number__exact")
    assert (alone.field, alone.test, alone.part) == (exact.field, exact.test, exact.part)
    assert (alone.test, alone.part) == (Operator.EXACT, None)


@pytest.mark.parametrize("name", ["pk", "pk__gt", "pk__in", "pk__isnull"])
def test_pk_is_the_primary_key(name: str) -> None:
    assert find_lookup(SAMPLE, name).field is SAMPLE.primary_key


@pytest.mark.parametrize("word", ["exact", "gt", "gte", "lt", "lte"])
def test_a_word_is_the_operator_of_its_name(word: str) -> None:
    assert find_lookup(SAMPLE, f"number__{word}").test is Operator(word)


@pytest.mark.parametrize("part", DatePart)
def test_a_part_is_compared_as_a_value_of_its_own_kind(part: DatePart) -> None:
    lookup = find_lookup(SAMPLE, f"moment__{part.value}__gte")
    expected = {DatePart.DATE: DateKind(), DatePart.TIME: TimeKind()}.get(part, IntKind())
    assert (lookup.part, lookup.test, lookup.kind) == (part, Operator.GTE, expected)


@pytest.mark.parametrize("word", ["in", "range", "isnull"])
def test_a_part_takes_the_tests_that_are_no_operators(word: str) -> None:
    lookup = find_lookup(SAMPLE, f"moment__hour__{word}")
    assert (lookup.part, lookup.test) == (DatePart.HOUR, word)


def test_a_lookup_is_parsed_once() -> None:
    assert find_lookup(SAMPLE, "number__gte") is find_lookup(SAMPLE, "number__gte")


def test_an_unknown_field_is_told_with_the_fields_there_are() -> None:
    with pytest.raises(FieldError) as raised:
        find_lookup(SAMPLE, "nummer__gt")
    text = str(raised.value)
    assert text.startswith("Sample has no field 'nummer'; its fields are id, code, flag, number,")
    assert all(info.name in text for info in SAMPLE.fields)


def test_an_unknown_lookup_is_told_with_the_lookups_there_are() -> None:
    with pytest.raises(FieldError) as raised:
        find_lookup(SAMPLE, "number__near")
    text = str(raised.value)
    assert text.startswith("Sample.number has no lookup 'near' (number__near); lookups are exact, iexact, contains,")
    assert all(word in text for word in ORDER | TEXT | {"isnull"})


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("number__gt__lt", "gt__lt"),
        ("number__", ""),
        ("number____gt", "__gt"),
        ("moment__date__year", "year"),
        ("city__name__near", "near"),
    ],
)
def test_what_follows_a_field_and_is_no_lookup_is_told_whole(name: str, word: str) -> None:
    with pytest.raises(FieldError) as raised:
        find_lookup(SAMPLE, name)
    assert f"has no lookup {word!r} ({name})" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("number__contains", "Sample.number is int: number__contains does not apply; use exact, gt, gte, lt, lte, in"),
        ("address__gt", "Sample.address is IPv4Address: address__gt does not apply; use exact, in, isnull"),
        ("tags__in", "Sample.tags is list of str: tags__in does not apply; use exact, contains, contained_by, overlap"),
        ("city__gt", "Sample.city is City: city__gt does not apply; use isnull"),
        ("sizes__range", "Sample.sizes is dict of str to int: sizes__range does not apply; use isnull, has_key"),
        ("data__overlap", "Sample.data is JSON value: data__overlap does not apply; use exact, iexact, contains"),
        ("moment__year__regex", "moment__year__regex does not apply; use exact, gt"),
        ("day__hour", "Sample.day is date: it has no hour to look up (day__hour)"),
        ("day__date", "Sample.day is date: it has no date to look up (day__date)"),
        ("at__year", "Sample.at is time: it has no year to look up (at__year)"),
        ("pk__month", "Sample.id is int: it has no month to look up (pk__month)"),
    ],
)
def test_a_lookup_that_a_kind_lacks_is_told_with_those_it_has(name: str, expected: str) -> None:
    with pytest.raises(FieldError) as raised:
        find_lookup(SAMPLE, name)
    assert expected in str(raised.value)


def test_a_wrong_name_is_refused_each_time() -> None:
    for _ in range(2):
        with pytest.raises(FieldError):
            find_lookup(SAMPLE, "number__near")
