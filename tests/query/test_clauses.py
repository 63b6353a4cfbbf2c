"""From the arguments of a filter to its structure and values, and on to a condition."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from polystore import F, Q, Value
from polystore.errors import FieldError
from polystore.query.coerce import Verdict
from polystore.query.nodes import (
    All,
    Column,
    Compare,
    Condition,
    Either,
    Extract,
    IsNull,
    Not,
    Parameter,
    ParameterList,
    Within,
)
from polystore.query.operators import DatePart, Operator
from polystore.query.simplify import FALSE, TRUE
from polystore.schema.kinds import IntKind
from tests.query.models import SAMPLE, Mood, condition_of, shape_of

INT = IntKind()
NUMBER = Column(SAMPLE.field("number"))
MOMENT = Column(SAMPLE.field("moment"))
BETWEEN = All((Compare(NUMBER, Operator.GTE, Parameter(0, INT)), Compare(NUMBER, Operator.LTE, Parameter(1, INT))))


def test_values_never_enter_the_structure() -> None:
    assert shape_of(number__gt=3, text="a") == (("number__gt", "text"), [3, "a"])
    assert shape_of(number__gt=4, text="b") == (("number__gt", "text"), [4, "b"])


def test_lookups_come_before_conditions_and_values_in_the_same_order() -> None:
    shape, values = shape_of(Q(text="a") | Q(rank=1), number=2)
    assert shape == ("number", ("Q", "OR", False, (("Q", "AND", False, ("text",)), ("Q", "AND", False, ("rank",)))))
    assert values == [2, "a", 1]


@pytest.mark.parametrize("name", ["number", "number__exact", "text__iexact", "data", "city", "tags", "moment__year"])
def test_none_means_is_null(name: str) -> None:
    assert shape_of(**{name: None}) == ((("null", name, True),), [])


def test_is_null_reads_as_itself_or_its_negation() -> None:
    assert condition_of(number__isnull=True) == (IsNull(NUMBER), [])
    assert condition_of(number__isnull=False) == (Not(IsNull(NUMBER)), [])
    assert condition_of(moment__hour__isnull=True) == (IsNull(MOMENT), [])


@pytest.mark.parametrize("given", [[3, 1, 2], (3, 1, 2), {3: "", 1: "", 2: ""}.keys(), iter([3, 1, 2]), [3, 1, 3, 2]])
def test_in_takes_any_collection_once_and_pads_it_to_a_power_of_two(given: Any) -> None:
    assert shape_of(number__in=given) == ((("in", "number__in", 4),), [(3, 1, 2, 2)])


def test_in_takes_sets_and_generators() -> None:
    assert shape_of(number__in={7})[1] == [(7,)]
    assert shape_of(number__in=(n for n in (1, 2)))[1] == [(1, 2)]


@pytest.mark.parametrize(("size", "padded"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (8, 8), (9, 16), (1000, 1024)])
def test_lists_of_near_lengths_share_a_structure(size: int, padded: int) -> None:
    shape, values = shape_of(number__in=range(size))
    assert shape == (("in", "number__in", padded),)
    assert (len(values[0]), set(values[0])) == (padded, set(range(size)))


@pytest.mark.filterwarnings("ignore::polystore.errors.NullInListWarning")
@pytest.mark.parametrize("given", [[], (), set(), [None], [1.5], [2**70, None]])
def test_a_list_that_nothing_can_match_needs_no_value(given: Any) -> None:
    assert condition_of(number__in=given) == (FALSE, [])
    assert condition_of(~Q(number__in=given)) == (TRUE, [])


@pytest.mark.filterwarnings("ignore::polystore.errors.NullInListWarning")
def test_none_and_what_nothing_equals_are_left_out_of_a_list() -> None:
    assert shape_of(number__in=[None, 1, 1.5, 2**70, "2"])[1] == [(1, 2)]


def test_in_reads_as_one_list_of_its_kind() -> None:
    assert condition_of(rank=1, number__in=[5, 6]) == (
        All(
            (
                Compare(Column(SAMPLE.field("rank")), Operator.EXACT, Parameter(0, INT)),
                Within(NUMBER, ParameterList(1, INT, 2)),
            )
        ),
        [1, (5, 6)],
    )


@pytest.mark.filterwarnings("ignore::polystore.errors.NullInListWarning")
def test_expressions_in_a_list_are_comparisons_beside_its_values() -> None:
    rank = Column(SAMPLE.field("rank"))
    assert condition_of(number__in=[F("rank"), 3, None, Value(4)]) == (
        Either((Within(NUMBER, ParameterList(0, INT, 2)), Compare(NUMBER, Operator.EXACT, rank))),
        [(3, 4)],
    )
    assert condition_of(number__in=[F("rank")]) == (Compare(NUMBER, Operator.EXACT, rank), [])
    assert condition_of(number__in=[F("rank"), None, 1.5])[0] == Compare(NUMBER, Operator.EXACT, rank)


def test_expressions_are_ends_of_a_range() -> None:
    rank = Column(SAMPLE.field("rank"))
    assert condition_of(number__range=(F("rank"), 2.5)) == (
        All((Compare(NUMBER, Operator.GTE, rank), Compare(NUMBER, Operator.LTE, Parameter(0, INT)))),
        [2],
    )
    assert condition_of(number__range=(2**70, F("rank")))[0] == FALSE


@pytest.mark.parametrize(
    ("low", "high", "condition", "values"),
    [
        (1, 3, BETWEEN, [1, 3]),
        (0.5, 2.5, BETWEEN, [1, 2]),
        (-(2**70), 3, Compare(NUMBER, Operator.LTE, Parameter(0, INT)), [3]),
        (3, 2**70, Compare(NUMBER, Operator.GTE, Parameter(0, INT)), [3]),
        (-(2**70), 2**70, Not(IsNull(NUMBER)), []),
        (2**70, 2**71, FALSE, []),
        (-(2**71), -(2**70), FALSE, []),
    ],
)  # fmt: skip
def test_a_range_is_two_comparisons_or_what_is_left_of_them(
    low: Any, high: Any, condition: Condition, values: list[Any]
) -> None:
    assert condition_of(number__range=(low, high)) == (condition, values)


@pytest.mark.parametrize(
    ("lookups", "message"),
    [
        ({"number__gt": None}, "Sample.number is int: number__gt=None does not work; it takes a value: only exact and"),
        ({"text__contains": None}, "text__contains=None does not work; it takes a value: only exact and isnull know"),
        ({"number__in": None}, "number__in=None does not work; it takes a value"),
        ({"number__in": "12"}, "number__in='12' does not work; it takes a list, tuple, set or other collection"),
        ({"blob__in": b"12"}, "it takes a list, tuple, set or other collection of values"),
        ({"number__in": {1: 2}}, "it takes a list, tuple, set or other collection of values"),
        ({"number__in": 3}, "it takes a list, tuple, set or other collection of values"),
        ({"number__in": [1, [2]]}, "Sample.number is int: number__in=[2] does not work; it takes an int"),
        ({"number__in": F("rank")}, "it takes a list of values and expressions, not a single one"),
        ({"number__range": F("rank")}, "it takes a pair of values and expressions, not a single one"),
        ({"number__range": 3}, "number__range=3 does not work; it takes a pair (low, high)"),
        ({"text__range": "ab"}, "it takes a pair (low, high)"),
        ({"number__range": (1, 2, 3)}, "it takes a pair (low, high)"),
        ({"number__range": (None, 2)}, "it takes two values; use gte or lte for a range with one end"),
        ({"number__range": (None, F("rank"))}, "it takes two values; use gte or lte for a range with one end"),
        ({"number__isnull": 1}, "number__isnull=1 does not work; it takes True or False"),
        ({"number__isnull": None}, "number__isnull=None does not work; it takes True or False"),
        ({"text__regex": F("code")}, "it takes a pattern, not an expression"),
        ({"data": F("city")}, "Sample.data is JSON value: data=F('city') does not work; it takes values, not"),
        ({"data": {1}}, "it takes a JSON value: dict, list, str, bool, finite float, int of 64 bits"),
        ({"data__a__gt": [1]}, "it takes a number or a text: nothing else in JSON is ordered"),
        ({"city": F("number")}, "it takes None: JSON, lists, dicts and embedded models are compared with NULL only"),
        ({"tags": "a"}, "Sample.tags is list of str: tags='a' does not work; it takes a list of str"),
        ({"sizes": {"a": 1}}, "Sample.sizes is dict of str to int: sizes={'a': 1} does not work; it takes None: JSON"),
        ({"city__name": 1}, "Sample.city__name is str: city__name=1 does not work; it takes a str"),
        ({"tags__len": "x"}, "Sample.tags is list of str, its length an int: tags__len='x' does not work; it takes an"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_what_would_work(lookups: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldError) as raised:
        shape_of(**lookups)
    assert message in str(raised.value)


@pytest.mark.parametrize("wrong", ["number", 3, None, {"number": 1}, F("number")])
def test_a_condition_is_a_q(wrong: Any) -> None:
    with pytest.raises(
        FieldError, match=r"Sample: a condition is field__lookup=value, a Q or a typed comparison, not "
    ):
        shape_of(wrong)


def test_a_certain_answer_is_part_of_the_structure() -> None:
    assert shape_of(number=1.5) == ((("verdict", "number", Verdict.NEVER),), [])
    assert condition_of(number=1.5)[0] == FALSE
    assert condition_of(number__lt=2**70)[0] == Not(IsNull(NUMBER))
    assert condition_of(text__contains="")[0] == Not(IsNull(Column(SAMPLE.field("text"))))


@pytest.mark.parametrize(
    ("word", "operator", "bound"),
    [
        ("gt", Operator.GT, datetime(2024, 12, 31, 23, 59, 59, 999_999, UTC)),
        ("gte", Operator.GTE, datetime(2024, 1, 1, tzinfo=UTC)),
        ("lt", Operator.LT, datetime(2024, 1, 1, tzinfo=UTC)),
        ("lte", Operator.LTE, datetime(2024, 12, 31, 23, 59, 59, 999_999, UTC)),
    ],
)
def test_a_year_is_a_bound_on_the_column_itself(word: str, operator: Operator, bound: datetime) -> None:
    condition, values = condition_of(**{f"moment__year__{word}": 2024})
    assert isinstance(condition, Compare)
    assert isinstance(condition.right, Parameter)
    assert (condition.left, condition.operator, condition.right.kind) == (MOMENT, operator, SAMPLE.field("moment").kind)
    assert condition.right.derive is not None
    assert condition.right.derive(*values) == bound


@pytest.mark.parametrize(
    ("lookup", "value", "bounds"),
    [
        ("day__year", 9999, (date(9999, 1, 1), date(9999, 12, 31))),
        ("wall__year", 1, (datetime(1, 1, 1), datetime(1, 12, 31, 23, 59, 59, 999_999))),
        ("wall__date", date(2024, 2, 29), (datetime(2024, 2, 29), datetime(2024, 2, 29, 23, 59, 59, 999_999))),
        ("moment__date", date.max, (datetime(9999, 12, 31, tzinfo=UTC), datetime.max.replace(tzinfo=UTC))),
    ],
)
def test_a_year_or_date_is_a_closed_range_up_to_the_ends_of_time(
    lookup: str, value: Any, bounds: tuple[Any, Any]
) -> None:
    condition, values = condition_of(**{lookup: value})
    assert isinstance(condition, All)
    low, high = condition.children
    assert isinstance(low, Compare)
    assert isinstance(high, Compare)
    assert (low.operator, high.operator) == (Operator.GTE, Operator.LTE)
    derived = [
        side.right.derive(*values) for side in (low, high) if isinstance(side.right, Parameter) and side.right.derive
    ]
    assert tuple(derived) == bounds


@pytest.mark.parametrize(
    ("word", "year", "expected"),
    [
        ("exact", 0, FALSE),
        ("exact", 10000, FALSE),
        ("gt", 10000, FALSE),
        ("lt", 0, FALSE),
        ("lt", 10000, Not(IsNull(MOMENT))),
        ("gte", 0, Not(IsNull(MOMENT))),
        ("gt", -(2**70), Not(IsNull(MOMENT))),
    ],
)
def test_a_year_beyond_the_calendar_has_a_certain_answer(word: str, year: int, expected: Condition) -> None:
    assert condition_of(**{f"moment__year__{word}": year}) == (expected, [])


def test_other_parts_are_extracted() -> None:
    hour = Extract(DatePart.HOUR, MOMENT)
    assert condition_of(moment__hour=3) == (Compare(hour, Operator.EXACT, Parameter(0, INT)), [3])
    assert condition_of(moment__hour__in=[3])[0] == Within(hour, ParameterList(0, INT, 1))
    assert condition_of(day__year__in=[2024])[0] == Within(
        Extract(DatePart.YEAR, Column(SAMPLE.field("day"))), ParameterList(0, INT, 1)
    )


def test_a_column_is_compared_with_a_column() -> None:
    assert condition_of(number__gt=F("other")) == (Compare(NUMBER, Operator.GT, Column(SAMPLE.field("other"))), [])


@pytest.mark.parametrize(
    ("lookups", "message"),
    [
        ({"number": F("text")}, "number of Sample: int and str do not go together"),
        ({"moment": F("wall")}, "moment of Sample: aware datetime and naive datetime do not go together"),
        ({"amount__gt": F("real")}, "amount__gt of Sample: Decimal and float do not go together"),
        ({"flag": F("number")}, "flag of Sample: bool and int do not go together"),
        ({"number": F("nothing")}, "Sample has no field 'nothing'"),
        (
            {"number": F("text") + 1},
            "Sample: arithmetic +: it computes with int, float and Decimal, not with str and int",
        ),
    ],
)
def test_fields_that_do_not_go_together_are_told(lookups: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldError) as raised:
        condition_of(**lookups)
    assert message in str(raised.value)


def test_an_enum_goes_with_its_base() -> None:
    assert isinstance(condition_of(mood=F("text"))[0], Compare)
    assert isinstance(condition_of(level__lt=F("number"))[0], Compare)
    assert condition_of(mood__in=[Mood.CALM, "calm"])[1] == [("calm",)]


@pytest.mark.parametrize("nothing", [Q(), ~Q(), ~~Q(), Q(Q()), ~Q(~Q()), Q() | Q(), Q() & ~Q(), Q() ^ Q()])
def test_a_condition_that_says_nothing_leaves_no_trace(nothing: Q) -> None:
    assert shape_of(nothing) == ((), [])
    assert shape_of(Q(nothing, number=1)) == shape_of(Q(number=1))
    assert shape_of(nothing | Q(number=1)) == shape_of(Q(number=1) & nothing) == shape_of(Q(number=1))


def test_an_or_within_an_and_keeps_its_brackets() -> None:
    condition, values = condition_of(Q(number=1) | Q(number=2), number__gt=0)
    assert isinstance(condition, All)
    assert [type(child) for child in condition.children] == [Compare, Either]
    assert values == [0, 1, 2]
