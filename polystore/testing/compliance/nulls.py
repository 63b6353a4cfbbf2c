"""NULL, None, missing and empty: rules A1 to A27."""

from __future__ import annotations

from typing import Any

import pytest

from polystore import F, Feature, Q
from polystore.errors import FieldError, NotNullViolation, ValidationError
from polystore.query.operators import ArithmeticOperator, Operator
from polystore.testing.harness import Db, rule
from polystore.testing.models import Checked, Everything, Person

NUMBERS: list[dict[str, Any]] = [
    {"name": "one", "number": 1},
    {"name": "two", "number": 2},
    {"name": "null"},
    {"name": "three", "number": 3},
]
PAIRS: list[dict[str, Any]] = [
    {"name": "both", "number": 1, "other": 1},
    {"name": "left", "number": 1},
    {"name": "right", "other": 1},
    {"name": "neither"},
    {"name": "less", "number": 1, "other": 2},
]
TEXTS: list[dict[str, Any]] = [{"name": "empty", "text": ""}, {"name": "null"}, {"name": "a", "text": "a"}]
ALL = "null one three two"
rows = Everything.objects


@rule("A1")
def test_a_value_that_was_not_given_reads_as_none(db: Db) -> None:
    db.given(Everything, NUMBERS)
    row = db(rows.all()).get(name="null")
    assert (row.number, row.text, row.data, row.tags, row.person) == (None,) * 5


@rule("A1")
def test_none_given_and_none_left_out_are_the_same(db: Db) -> None:
    db.given(Everything, [{"name": "given", "number": None, "text": None}, {"name": "left"}])
    assert db.found(rows.filter(number=None, text=None)) == "given left"


@rule("A2")
def test_the_empty_text_is_a_value_and_not_null(db: Db) -> None:
    db.given(Everything, TEXTS)
    assert db.found(rows.filter(text="")) == "empty"
    assert db.found(rows.filter(text__isnull=True)) == "null"
    assert db.found(rows.exclude(text="")) == "a null"
    assert db(rows.all()).get(name="empty").text == ""


@rule("A2")
def test_empty_bytes_and_containers_are_values_and_not_null(db: Db) -> None:
    db.given(Everything, [{"name": "empty", "blob": b"", "tags": [], "data": {}, "amounts": {}}, {"name": "null"}])
    row = db(rows.all()).get(name="empty")
    assert (row.blob, row.tags, row.data, row.amounts) == (b"", [], {}, {})
    assert db.found(rows.filter(blob=b"")) == "empty"
    assert db.found(rows.filter(blob=None)) == "null"


@rule("A3")
def test_filtering_by_none_means_is_null(db: Db) -> None:
    db.given(Everything, NUMBERS)
    assert db.found(rows.filter(number=None)) == "null"
    assert db.found(rows.filter(number__exact=None)) == "null"
    assert db.found(rows.exclude(number=None)) == "one three two"


@rule("A3")
def test_iexact_none_means_is_null(db: Db) -> None:
    db.given(Everything, TEXTS)
    assert db.found(rows.filter(text__iexact=None)) == "null"


@rule("A3")
@pytest.mark.parametrize("lookup", ["gt", "gte", "lt", "lte"])
def test_comparing_with_none_is_refused(db: Db, lookup: str) -> None:
    db.given(Everything, NUMBERS)
    with db.commands(0), pytest.raises(FieldError, match=rf"Everything\.number.*number__{lookup}=None"):
        db(rows.filter(**{f"number__{lookup}": None})).rows()


@rule("A3")
@pytest.mark.parametrize("lookup", ["contains", "startswith", "endswith", "icontains", "regex"])
def test_searching_none_in_text_is_refused(db: Db, lookup: str) -> None:
    db.given(Everything, TEXTS)
    with db.commands(0), pytest.raises(ValueError, match="text"):
        db(rows.filter(**{f"text__{lookup}": None})).rows()


@rule("A3")
def test_isnull_takes_true_and_false_only(db: Db) -> None:
    db.given(Everything, NUMBERS)
    assert db.found(rows.filter(number__isnull=True)) == "null"
    assert db.found(rows.filter(number__isnull=False)) == "one three two"
    with pytest.raises(FieldError, match="True or False"):
        rows.filter(number__isnull=1)


@rule("A4")
def test_exclude_keeps_rows_whose_value_is_null(db: Db) -> None:
    db.given(Everything, NUMBERS)
    assert db.found(rows.exclude(number=1)) == "null three two"


@rule("A4")
@pytest.mark.parametrize("lookup", ["gt", "gte", "lt", "lte", "exact"])
def test_exclude_is_the_complement_of_each_comparison(db: Db, lookup: str) -> None:
    db.given(Everything, NUMBERS)
    kept = set(db.names(rows.filter(**{f"number__{lookup}": 2})))
    rest = set(db.names(rows.exclude(**{f"number__{lookup}": 2})))
    assert kept | rest == {"one", "two", "null", "three"}
    assert not kept & rest
    assert "null" in rest


@rule("A4")
def test_exclude_of_a_range_keeps_null(db: Db) -> None:
    db.given(Everything, NUMBERS)
    assert db.found(rows.exclude(number__range=(1, 2))) == "null three"


@rule("A4")
def test_exclude_of_a_text_prefix_keeps_null(db: Db) -> None:
    db.need(Operator.STARTSWITH)
    db.given(Everything, TEXTS)
    assert db.found(rows.exclude(text__startswith="a")) == "empty null"


@rule("A4")
def test_exclude_of_contained_text_keeps_null(db: Db) -> None:
    db.need(Operator.CONTAINS)
    db.given(Everything, TEXTS)
    assert db.found(rows.exclude(text__contains="a")) == "empty null"


@rule("A4")
def test_a_negated_q_is_the_complement(db: Db) -> None:
    db.given(Everything, NUMBERS)
    assert db.found(rows.filter(~Q(number=1))) == "null three two"
    assert db.found(rows.filter(~~Q(number=1))) == "one"
    assert db.found(rows.exclude(~Q(number=1))) == "one"


@rule("A4")
def test_exclude_of_several_conditions_drops_rows_that_fulfil_all_of_them(db: Db) -> None:
    db.given(Everything, PAIRS)
    assert db.found(rows.exclude(number=1, other=1)) == "left less neither right"


@rule("A4")
def test_negation_reaches_through_and_and_or(db: Db) -> None:
    db.given(Everything, PAIRS)
    assert db.found(rows.filter(~(Q(number=1) | Q(other=1)))) == "neither"
    assert db.found(rows.filter(~(Q(number=1) & ~Q(other=1)))) == "both neither right"
    assert db.found(rows.exclude(Q(number=1) | ~Q(other=1))) == "right"


@rule("A4")
def test_exclude_after_exclude_drops_both(db: Db) -> None:
    db.given(Everything, NUMBERS)
    assert db.found(rows.exclude(number=1).exclude(number=2)) == "null three"


@rule("A4", "A5")
def test_xor_is_true_for_exactly_one_side(db: Db) -> None:
    db.given(Everything, PAIRS)
    assert db.found(rows.filter(Q(number=1) ^ Q(other=1))) == "left less right"


@rule("A6")
def test_conditions_of_nothing_hold_for_all_rows(db: Db) -> None:
    db.given(Everything, NUMBERS)
    for nothing in (Q(), ~Q(), Q() & Q(), Q() | ~Q(), Q(Q()), ~Q(~Q())):
        assert db.found(rows.filter(nothing)) == ALL
        assert db.found(rows.exclude(nothing)) == ALL
    assert db.found(rows.filter()) == db.found(rows.exclude()) == ALL
    assert db.found(rows.filter(Q(number=1) & ~Q())) == db.found(rows.filter(Q(Q(), number=1))) == "one"


@rule("A7")
def test_within_nothing_finds_nothing_and_asks_nothing(db: Db) -> None:
    db.given(Everything, NUMBERS)
    query = rows.filter(number__in=[])
    with db.commands(0):
        assert db(query).rows() == []
        assert db(query).count() == 0
        assert db(query).exists() is False
        assert db(query).first() is None
        assert db(query).update(rank=1) == 0
        assert db(query).delete() == (0, {})


@rule("A7")
def test_exclude_within_nothing_keeps_all_rows(db: Db) -> None:
    db.given(Everything, NUMBERS)
    assert db.found(rows.exclude(number__in=[])) == ALL
    assert db.found(rows.filter(Q(number__in=[]) | Q(number=1))) == "one"
    assert db.found(rows.filter(~Q(number__in=[]), number=1)) == "one"


@rule("A8")
def test_none_among_the_values_of_in_is_left_out(db: Db) -> None:
    db.given(Everything, NUMBERS)
    assert db.found(rows.filter(number__in=[1, None])) == "one"
    assert db.found(rows.filter(number__in=[None])) == ""
    assert db.found(rows.exclude(number__in=[1, None])) == "null three two"
    assert db.found(rows.exclude(number__in=[None])) == ALL


@rule("A9")
def test_in_takes_any_collection_once(db: Db) -> None:
    db.given(Everything, NUMBERS)
    collections = [[1, 3], (1, 3), {1, 3}, frozenset({1, 3}), {1: "a", 3: "b"}.keys(), (n for n in (1, 3)), [1, 1, 3]]
    for values in collections:
        assert db.found(rows.filter(number__in=values)) == "one three"


@rule("A9")
def test_in_refuses_text_and_mappings_as_collections(db: Db) -> None:
    db.given(Everything, TEXTS)
    for values in ("ab", b"ab", {"a": 1}, 5):
        with db.commands(0), pytest.raises(FieldError, match="text__in"):
            db(rows.filter(text__in=values)).rows()


@rule("A10")
def test_null_fulfils_no_comparison(db: Db) -> None:
    db.given(Everything, NUMBERS)
    assert db.found(rows.filter(number__lt=100)) == "one three two"
    assert db.found(rows.filter(number__gt=-100)) == "one three two"
    assert db.found(rows.filter(Q(number__lte=2) | Q(number__gt=2))) == "one three two"
    assert db.found(rows.filter(number__range=(-5, 5))) == "one three two"


@rule("A11")
def test_a_range_with_an_open_end_is_refused(db: Db) -> None:
    db.given(Everything, NUMBERS)
    for ends in ((None, 2), (1, None), (None, None)):
        with db.commands(0), pytest.raises(FieldError, match="gte or lte"):
            db(rows.filter(number__range=ends)).rows()


@rule("A12", needs=[Feature.COMPARE_COLUMNS])
def test_comparing_two_fields_is_never_true_with_null(db: Db) -> None:
    db.given(Everything, PAIRS)
    assert db.found(rows.filter(number=F("other"))) == "both"
    assert db.found(rows.filter(number__lt=F("other"))) == "less"
    assert db.found(rows.filter(number__gte=F("other"))) == "both"


@rule("A12", needs=[Feature.COMPARE_COLUMNS])
def test_a_field_compared_with_itself_leaves_out_null(db: Db) -> None:
    db.given(Everything, NUMBERS)
    assert db.found(rows.filter(number=F("number"))) == "one three two"


@rule("A4", "A12", needs=[Feature.COMPARE_COLUMNS])
def test_exclude_of_two_fields_compared_is_the_complement(db: Db) -> None:
    db.given(Everything, PAIRS)
    assert db.found(rows.exclude(number=F("other"))) == "left less neither right"
    assert db.found(rows.exclude(number__lt=F("other"))) == "both left neither right"


@rule("A13", needs=[Feature.UPDATE_EXPRESSIONS, ArithmeticOperator.ADD])
def test_null_plus_one_stays_null(db: Db) -> None:
    db.given(Everything, NUMBERS)
    assert db(rows.all()).update(number=F("number") + 1) == 4
    assert {row.name: row.number for row in db(rows.all()).rows()} == {"one": 2, "two": 3, "null": None, "three": 4}


@rule("A13", needs=[Feature.COMPARE_COLUMNS, ArithmeticOperator.ADD])
def test_arithmetic_with_null_fulfils_no_comparison(db: Db) -> None:
    db.given(Everything, PAIRS)
    assert db.found(rows.filter(number__lt=F("other") + 1)) == "both less"
    assert db.found(rows.exclude(number__lt=F("other") + 1)) == "left neither right"


@rule("A22")
def test_a_null_flag_is_neither_true_nor_false(db: Db) -> None:
    db.given(Everything, [{"name": "yes", "flag": True}, {"name": "no", "flag": False}, {"name": "null"}])
    assert db.found(rows.filter(flag=True)) == "yes"
    assert db.found(rows.filter(flag=False)) == "no"
    assert db.found(rows.exclude(flag=True)) == "no null"


@rule("A22")
@pytest.mark.parametrize("value", ["false", "", 0, 1, "True"])
def test_truth_is_not_read_out_of_other_values(db: Db, value: object) -> None:
    db.given(Everything, NUMBERS)
    with db.commands(0), pytest.raises(FieldError, match="True or False"):
        db(rows.filter(flag=value)).rows()


@rule("A23")
def test_json_null_at_the_top_is_null_and_within_is_a_value(db: Db) -> None:
    db.given(Everything, [{"name": "top", "data": None}, {"name": "inner", "data": {"a": None, "b": [None]}}])
    assert db(rows.all()).get(name="inner").data == {"a": None, "b": [None]}
    if db.declares(Feature.FILTER_ANY):
        assert db.found(rows.filter(data=None)) == "top"
        assert db.found(rows.filter(data__isnull=False)) == "inner"


@rule("A1", needs=[Feature.FILTER_ANY])
def test_structures_are_found_by_whether_they_are_null(db: Db) -> None:
    db.given(
        Everything,
        [{"name": "full", "tags": [], "person": Person(name="P"), "amounts": {}, "data": 0}, {"name": "null"}],
    )
    for field in ("tags", "person", "amounts", "data"):
        assert db.found(rows.filter(**{f"{field}__isnull": True})) == "null"
        assert db.found(rows.exclude(**{field: None})) == "full"


@rule("A26")
def test_null_is_refused_where_the_field_has_no_none(db: Db) -> None:
    db.given(Checked, [{"name": "a"}])
    row = (
        db(Checked.objects.all()).get(name="a")
        if db.declares(Feature.FILTER_ANY)
        else db(Checked.objects.all()).first()
    )
    row.stars = None
    with db.commands(0), pytest.raises(ValidationError, match=r"Checked\.stars"):
        db(row).save()
    with db.commands(0), pytest.raises(ValidationError, match=r"Checked\.stars"):
        db(Checked.objects.all()).update(stars=None)
    with db.commands(0), pytest.raises(ValidationError, match=r"Checked\.stars"):
        db(Checked.objects.all()).bulk_create([Checked.model_construct(name="b", stars=None)])
    with db.commands(0), pytest.raises(ValidationError, match=r"Checked\.stars"):
        db(Checked.objects.all()).create(name="c", stars=None)


@rule("A21")
def test_null_passes_the_constraints_of_a_field_that_takes_it(db: Db) -> None:
    db.given(Checked, [{"name": "a", "note": "abc"}])
    with db.commands(0), pytest.raises(ValidationError, match=r"Checked\.note"):
        db(Checked.objects.all()).update(note="ABC")
    assert db(Checked.objects.all()).update(note=None) == 1
    db(Checked.objects.all()).create(name="b", note=None)
    assert [row.note for row in db(Checked.objects.all()).rows()] == [None, None]


@rule("A1", "A26")
def test_an_update_to_none_writes_null(db: Db) -> None:
    db.given(Everything, NUMBERS)
    assert db(rows.filter(number=1)).update(number=None, text=None) == 1
    assert db.found(rows.filter(number=None)) == "null one"


@rule("A26", needs=[Feature.UPDATE_EXPRESSIONS])
def test_null_computed_for_a_required_field_is_refused_and_writes_nothing(db: Db) -> None:
    db.given(Everything, [{"name": "null", "rank": 7}])
    with pytest.raises(NotNullViolation, match="rank"):
        db(rows.all()).update(rank=F("number"))
    assert db(rows.all()).get(name="null").rank == 7
