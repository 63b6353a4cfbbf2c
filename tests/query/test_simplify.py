"""Laws of simplification over drawn conditions: same answers, plain form, nothing gained by a second pass."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.query.evaluate import predicate
from polystore.query.nodes import All, Column, Compare, Condition, Either, IsNull, Not, Parameter, ParameterList, Within
from polystore.query.operators import Operator
from polystore.query.simplify import FALSE, TRUE, rooted, simplify
from polystore.schema.kinds import IntKind
from tests.query.models import SAMPLE, row

INT = IntKind()
NUMBER, OTHER = Column(SAMPLE.field("number")), Column(SAMPLE.field("other"))
VALUES: tuple[Any, ...] = (0, 1, (0, 2))
ROWS = [row(number=number, other=other) for number, other in product([None, 0, 1, 2], repeat=2)]
"""Every pair of NULL and three values: no condition over ``LEAVES`` can tell more rows apart."""

LEAVES: list[Condition] = [
    IsNull(NUMBER),
    IsNull(OTHER),
    Compare(NUMBER, Operator.EXACT, Parameter(0, INT)),
    Compare(NUMBER, Operator.GT, Parameter(0, INT)),
    Compare(OTHER, Operator.LTE, Parameter(1, INT)),
    Compare(NUMBER, Operator.LT, OTHER),
    Within(OTHER, ParameterList(2, INT, 2)),
]


def joined(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    children = st.lists(inner, max_size=4).map(tuple)
    return st.one_of(children.map(All), children.map(Either), inner.map(Not))


conditions: st.SearchStrategy[Condition] = st.recursive(st.sampled_from([*LEAVES, TRUE, FALSE]), joined, max_leaves=12)


def answers(condition: Condition) -> list[bool]:
    test = predicate(condition)
    return [test(each, VALUES) for each in ROWS]


def is_leaf(condition: Condition) -> bool:
    return isinstance(condition, IsNull | Compare | Within)


def size(condition: Condition) -> int:
    """How many tests a condition has, negated or not."""
    if isinstance(condition, All | Either):
        return sum(size(child) for child in condition.children)
    return size(condition.child) if isinstance(condition, Not) else 1


def is_plain(condition: Condition) -> bool:
    """Whether ``Not`` stands before leaves only, and no ``All`` or ``Either`` holds fewer than two or its own like."""
    if isinstance(condition, Not):
        return is_leaf(condition.child)
    if isinstance(condition, All | Either):
        distinct = len(set(condition.children)) == len(condition.children) >= 2
        nested = any(type(child) is type(condition) for child in condition.children)
        return distinct and not nested and all(map(is_plain, condition.children))
    return True


@given(conditions)
def test_a_simplified_condition_has_the_same_answers(condition: Condition) -> None:
    assert answers(simplify(condition)) == answers(condition)


@given(conditions)
def test_a_simplified_condition_is_plain(condition: Condition) -> None:
    simple = simplify(condition)
    assert simple in (TRUE, FALSE) or is_plain(simple)


@given(conditions)
def test_simplifying_twice_changes_nothing(condition: Condition) -> None:
    assert simplify(simplify(condition)) == simplify(condition)


@given(conditions)
def test_a_condition_never_grows(condition: Condition) -> None:
    assert size(simplify(condition)) <= size(condition)


@given(conditions)
def test_the_negation_holds_for_exactly_the_other_rows(condition: Condition) -> None:
    """A4: ``filter(c)`` and ``exclude(c)`` are all rows between them, NULLs included."""
    assert answers(simplify(Not(condition))) == [not answer for answer in answers(condition)]
    assert simplify(Not(Not(condition))) == simplify(condition)


@given(conditions)
def test_a_rooted_condition_is_an_all_with_the_same_answers(condition: Condition) -> None:
    root = rooted(condition)
    assert isinstance(root, All)
    assert answers(root) == answers(condition)


A, B, C = LEAVES[0], LEAVES[2], LEAVES[4]


@pytest.mark.parametrize(
    ("condition", "simple"),
    [
        (Not(TRUE), FALSE),
        (Not(FALSE), TRUE),
        (All((A,)), A),
        (All((A, FALSE)), FALSE),
        (All((A, TRUE)), A),
        (Either((A, TRUE)), TRUE),
        (Either((A, FALSE)), A),
        (All((A, A)), A),
        (All((A, All((B, C)))), All((A, B, C))),
        (Either((A, Either((B, A)))), Either((A, B))),
        (Not(All((A, B))), Either((Not(A), Not(B)))),
        (Not(Either((A, Not(B)))), All((Not(A), B))),
        (All((Either((A, All((B, FALSE)))), C)), All((A, C))),
        (Not(Not(Not(A))), Not(A)),
    ],
)
def test_a_condition_becomes_its_plain_form(condition: Condition, simple: Condition) -> None:
    assert simplify(condition) == simple


def test_the_order_of_conditions_is_kept() -> None:
    assert simplify(All((C, All((B, A)), B))) == All((C, B, A))


def test_a_negated_comparison_is_not_turned_round() -> None:
    """NOT (number > 0) holds where number is NULL, and number <= 0 does not."""
    above = Compare(NUMBER, Operator.GT, Parameter(0, INT))
    assert simplify(Not(above)) == Not(above)
    assert predicate(Not(above))(row(), VALUES)
    assert not predicate(Compare(NUMBER, Operator.LTE, Parameter(0, INT)))(row(), VALUES)
