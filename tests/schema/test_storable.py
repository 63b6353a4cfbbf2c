"""The quick look at text and JSON: whatever it lets pass, every store can hold."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Iterator
from enum import IntEnum
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.schema.kinds import INT64_MAX, INT64_MIN
from polystore.schema.storable import is_json, is_text
from polystore.testing.strategies import json_values
from tests.schema.models import Kinds

any_text = st.text(st.characters(exclude_categories=[])) | st.sampled_from(["", "a\0", "\ud800", "é", "\U0001f600"])
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), any_text, st.binary(), st.sampled_from([2**63, -(2**63)])
)
keys = any_text | st.integers()
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8
)


class Size(IntEnum):
    ONE = 1


class Word(str):
    """A text of another class."""


def texts_of(value: Any) -> Iterator[str]:
    """Every text within a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in [*value, *(value.values() if isinstance(value, dict) else ())]:
            yield from texts_of(item)


@given(any_text)
def test_a_text_is_storable_if_it_has_utf8_and_no_nul(text: str) -> None:
    assert is_text(text) is ("\0" not in text and not any("\ud800" <= each <= "\udfff" for each in text))


@given(anything)
def test_what_looks_plain_is_json_that_every_store_can_hold(value: Any) -> None:
    if is_json(value):
        assert json.loads(json.dumps(value, allow_nan=False)) == value
        assert not any("\0" in text for text in texts_of(value))
    else:
        with pytest.raises(pydantic.ValidationError):
            Kinds(data=value)


@given(json_values())
def test_all_that_json_can_say_looks_plain(value: Any) -> None:
    assert is_json(value)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, True),
        (INT64_MAX, True),
        (INT64_MIN, True),
        (INT64_MAX + 1, False),
        (True, True),
        (0.5, True),
        (math.nan, False),
        (-math.inf, False),
        ("a\0", False),
        ([], True),
        ({"a": [None, {"b": "é"}]}, True),
        ({"a": ["\ud800"]}, False),
        ({1: 2}, False),
        ((1, 2), False),
        ([b""], False),
        ([{1}], False),
    ],
)
def test_what_is_plain_is_seen_at_once(value: Any, plain: bool) -> None:
    assert is_json(value) is plain


@pytest.mark.parametrize("value", [Size.ONE, Word("a"), OrderedDict(a=1), [Size.ONE], {Word("a"): 1}])
def test_other_classes_are_looked_at_again(value: Any) -> None:
    assert not is_json(value)


def test_a_value_that_contains_itself_ends() -> None:
    value: list[Any] = []
    value.append(value)
    assert not is_json(value)
    with pytest.raises(pydantic.ValidationError, match="nested at most 90 levels deep"):
        Kinds(data=value)


KEYS = [("a", True), ("é", True), ("", True), ("\0", False), ("\ud800", False), (1, False), (None, False)]


@pytest.mark.parametrize(("key", "good"), KEYS)
def test_a_key_is_a_storable_text(key: Any, good: bool) -> None:
    assert is_json({key: 1}) is good
