"""Paths, elements and JSON, without any store: how names become nodes, and what is said of one element."""

from __future__ import annotations

from typing import Any

import pytest

from polystore import F, Q
from polystore.errors import FieldError
from polystore.query.evaluate.structures import json_contains, json_equal
from polystore.query.explain import describe_condition, describe_order
from polystore.query.lookups import find_lookup
from polystore.query.nodes import AnyElement, Column, Compare, Holds, Path, Size
from polystore.query.operators import Holding
from polystore.schema.kinds import EmbeddedKind, IntKind, JsonKind, TextKind
from polystore.schema.paths import Attribute, Item, JsonKey, Key
from tests.query.models import SAMPLE, Sample, condition_of, shape_of
from tests.query.plans import planned, select

CITY, DATA, TAGS = SAMPLE.field("city"), SAMPLE.field("data"), SAMPLE.field("tags")


def said(*conditions: Any, **lookups: Any) -> str:
    """The simplified condition in words."""
    condition, values = condition_of(*conditions, **lookups)
    return describe_condition(condition, values)


# ---- names


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("city__name", ("Attribute",)),
        ("city__name__startswith", ("Attribute",)),
        ("cities__0__name", ("Item", "Attribute")),
        ("tags__3", ("Item",)),
        ("sizes__gt__gt", ("Key",)),
        ("data__a__0____contains__exact", ("JsonKey",) * 4),
    ],
)
def test_words_lead_into_structures_one_step_each(name: str, words: tuple[str, ...]) -> None:
    field = find_lookup(SAMPLE, name).field
    assert tuple(type(step).__name__ for step in getattr(field, "steps", ())) == words


def test_the_last_word_of_json_is_a_lookup_where_there_is_one_of_that_name() -> None:
    assert find_lookup(SAMPLE, "data__contains").test is Holding.JSON_CONTAINS
    field = find_lookup(SAMPLE, "data__contains__exact").field
    assert getattr(field, "steps", ()) == (JsonKey("contains"),)


@pytest.mark.parametrize(("key", "index"), [("0", 0), ("12", 12), ("01", None), ("-1", None), ("", None), ("٣", None)])
def test_only_plain_digits_are_an_index(key: str, index: int | None) -> None:
    assert JsonKey(key).index == index


def test_a_path_is_the_column_and_its_steps() -> None:
    condition, values = condition_of(city__name="Oslo")
    kind = CITY.kind
    assert isinstance(condition, Compare)
    assert isinstance(kind, EmbeddedKind)
    name = kind.schema.field("name")
    assert condition.left == Path(Column(CITY), (Attribute(name),), TextKind())
    assert values == ["Oslo"]
    condition, values = condition_of(sizes__a=1)
    assert isinstance(condition, Compare)
    assert condition.left == Path(Column(SAMPLE.field("sizes")), (Key("a"),), IntKind())


def test_json_is_read_as_the_type_of_the_value() -> None:
    kinds = {}
    for value in ("x", True, 1, 1.5, [1]):
        condition, _ = condition_of(data__a=value)
        assert isinstance(condition, Holds | Compare)
        left = condition.operand if isinstance(condition, Holds) else condition.left
        assert isinstance(left, Path)
        assert left.operand == Column(DATA)
        kinds[repr(value)] = type(left.kind).__name__
    assert kinds == {"'x'": "TextKind", "True": "BoolKind", "1": "JsonKind", "1.5": "JsonKind", "[1]": "JsonKind"}


def test_filters_of_one_shape_share_their_structure() -> None:
    shapes = [shape_of(data__a=value, tags__contains=tags)[0] for value, tags in ((1, ["a"]), (7, ["b", "c"]))]
    assert shapes[0] == shapes[1]


def test_the_length_of_a_list_is_a_number() -> None:
    condition, _ = condition_of(tags__len__gte=2)
    assert isinstance(condition, Compare)
    assert condition.left == Size(Column(TAGS))
    assert condition.left.kind == IntKind()


def test_a_path_is_an_output_and_a_term_of_an_ordering() -> None:
    operation, _ = select(Sample.objects.order_by("-city__name").values("number", "data__a", "city__name"))
    assert [field.name for field in operation.outputs] == ["number", "data__a", "city__name"]
    assert [each.kind for each in operation.computed] == [JsonKind(), TextKind()]
    assert describe_order(operation.order) == "-city__name, -id"


def test_annotations_win_over_paths() -> None:
    query = Sample.objects.annotate(size=F("rank")).filter(size=1)
    made, _ = planned(query)
    assert made.operation is not None


def test_keys_that_users_choose_do_not_pile_up() -> None:
    for number in range(5000):
        find_lookup(SAMPLE, f"data__k{number}")
    assert len(SAMPLE.lookups) <= 4096


# ---- elements


def test_one_filter_speaks_of_one_element() -> None:
    assert said(cities__name="a", number=1) == "number=1 AND cities__(name='a')"
    assert said(cities__name__gt="a", cities__name__lt="c") == "cities__(name__gt='a' AND name__lt='c')"
    assert said(Q(cities__name="a") | Q(cities__name="b")) == "cities__(name='a' OR name='b')"


def test_alternatives_beside_an_element_find_their_like() -> None:
    found = said(Q(cities__name__gt="a") | Q(number=1), cities__name__lt="c")
    assert found == "(number=1 AND cities__(name__lt='c')) OR cities__(name__lt='c' AND name__gt='a')"


def test_a_negation_speaks_of_any_element() -> None:
    assert said(~Q(cities__name="a"), cities__name="b") == "NOT cities__(name='a') AND cities__(name='b')"
    assert said(~Q(cities__name="a", cities__name__gt="b")) == "NOT cities__(name='a' AND name__gt='b')"


def test_what_no_element_can_fulfil_no_row_can() -> None:
    assert said(cities__name__in=[]) == "no rows"
    assert said(~Q(cities__name__in=[])) == "all rows"


def test_an_index_names_one_element_and_is_no_any() -> None:
    condition, _ = condition_of(cities__0__name="a")
    assert isinstance(condition, Compare)
    assert isinstance(condition.left, Path)
    assert condition.left.steps[0] == Item(0)
    assert not isinstance(condition, AnyElement)


@pytest.mark.parametrize("name", ["cities__name", "city", "tags__x", "city__mayor", "number__x"])
def test_what_is_no_single_value_is_no_term_of_an_ordering(name: str) -> None:
    with pytest.raises(FieldError, match=r"Sample\."):
        planned(Sample.objects.order_by(name))


# ---- JSON


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ([1, True], [1.0, True], True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": None}, {}, False),
        ([], {}, False),
        ("1", 1, False),
        (2**53 + 1, float(2**53), False),
    ],
)
def test_json_values_are_equal_by_type_and_value(left: Any, right: Any, same: bool) -> None:
    assert json_equal(left, right) is same
    assert json_equal(right, left) is same


@pytest.mark.parametrize(
    ("whole", "part", "held"),
    [
        ({"a": [1, 2]}, {"a": [2]}, True),
        ({"a": [1, 2]}, {"a": 1}, False),
        ([1, 2], 1, True),
        ([[1]], 1, False),
        ([1, [2, 3]], [[3]], True),
        ([{"a": 1, "b": 2}], [{"a": 1}], True),
        ([], [], True),
        (1, [1], False),
        ({}, [], False),
    ],
)
def test_containment_is_that_of_jsonb(whole: Any, part: Any, held: bool) -> None:
    assert json_contains(whole, part) is held
