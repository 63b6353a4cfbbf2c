"""Expressions in the lists of ``in`` and as the ends of ``range``."""

from __future__ import annotations

from datetime import date

from polystore import Count, F, Feature, Lower, Max, Value
from polystore.query.operators import Aggregate, DatePart, Function
from polystore.testing.compliance.expressions import put
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything

rows = Everything.objects


@rule("A4", "A7", "A12", needs=[Feature.COMPARE_COLUMNS])
def test_lists_hold_expressions(db: Db) -> None:
    db.given(
        Everything,
        [
            {"name": "a", "number": 1, "other": 1, "rank": 5},
            {"name": "b", "number": 9, "other": 3, "rank": 9},
            {"name": "c", "number": 3, "other": None, "rank": 7},
            {"name": "d", "number": 4, "other": 2, "rank": 7},
            {"name": "e", "other": 4, "rank": 4},
        ],
    )
    assert db.found(rows.filter(number__in=[F("other"), 3])) == "a c"
    assert db.found(rows.filter(number__in=[F("other"), F("rank")])) == "a b"
    assert db.found(rows.exclude(number__in=[F("other"), F("rank")])) == "c d e"
    assert db.found(rows.filter(number__in=[F("other"), None])) == "a"
    assert db.found(rows.exclude(number__in=[F("other"), None])) == "b c d e"
    assert db.found(rows.filter(number__in=[F("other") + 2, Value(9)])) == "b d"
    assert db(rows.filter(number__in=[F("other"), 3])).count() == 2


@rule("A4", "A12", needs=[Feature.COMPARE_COLUMNS])
def test_ranges_end_in_expressions(db: Db) -> None:
    db.given(
        Everything,
        [
            {"name": "a", "number": 1, "other": 1, "rank": 5},
            {"name": "b", "number": 9, "other": 3, "rank": 8},
            {"name": "c", "number": 3, "other": None, "rank": 7},
            {"name": "d", "number": 4, "other": 2, "rank": 4},
            {"name": "e", "other": 4, "rank": 4},
        ],
    )
    assert db.found(rows.filter(number__range=(F("other"), F("rank")))) == "a d"
    assert db.found(rows.exclude(number__range=(F("other"), F("rank")))) == "b c e"
    assert db.found(rows.filter(number__range=(2, F("rank")))) == "c d"
    assert db.found(rows.filter(number__range=(F("other") + 1, 9))) == "b d"


@rule("A12", needs=[Feature.COMPARE_COLUMNS, Feature.COMPUTED, Function.LOWER, DatePart.YEAR, DatePart.MONTH])
def test_lists_hold_functions_and_are_of_computed_values_and_parts_of_dates(db: Db) -> None:
    put(db)
    assert db.found(rows.filter(text__in=[Lower("text"), "Xy"])) == "a c"
    assert db.found(rows.alias(low=Lower("text")).filter(low__in=[F("text"), "xy"])) == "a b c"
    db.given(Everything, [{"name": "a", "day": date(2024, 2, 1), "number": 2}, {"name": "b", "day": date(7, 7, 7)}])
    assert db.found(rows.filter(day__month__in=[F("number")])) == "a"
    assert db.found(rows.filter(day__year__in=[F("number"), 7])) == "b"


@rule("A10", "A12", needs=[Feature.GROUP, Feature.HAVING, Feature.COMPARE_COLUMNS, Aggregate.COUNT, Aggregate.MAX])
def test_conditions_on_groups_have_lists_of_expressions(db: Db) -> None:
    put(db)
    query = rows.values_list("word").annotate(n=Count("*"), top=Max("number"))
    assert sorted(db(query.filter(n__in=[F("top"), 2])).rows()) == [("", 2, 5), ("p", 1, 1)]
