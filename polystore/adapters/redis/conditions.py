"""From a condition to branches: one of them must hold, and each asks of some slots that they lie in a region.

The structure is found once; the regions are made when values are bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

from polystore.adapters.base import undeclared
from polystore.adapters.redis.keys import AFTER_NULL, NULL, encode_folded_text, encoder, successor, text_prefix
from polystore.adapters.redis.layout import Layout
from polystore.adapters.redis.regions import (
    Intervals,
    Points,
    Region,
    complement,
    intersect,
    is_empty,
    make_points,
    prefix_interval,
    unite,
)
from polystore.errors import IndexRequired, NotSupportedError
from polystore.query.nodes import (
    All,
    Column,
    Compare,
    Condition,
    Either,
    Expression,
    HasRows,
    IsNull,
    Not,
    Operator,
    Parameter,
    Within,
    WithinRows,
)
from polystore.query.text import simple_fold
from polystore.schema.kinds import is_container
from polystore.schema.model import FieldInfo

Values: TypeAlias = Sequence[Any]
FindRegion: TypeAlias = Callable[[Values], Region]

MAX_BRANCHES = 16
FOLDED = frozenset({Operator.IEXACT, Operator.ISTARTSWITH})


@dataclass(frozen=True, slots=True, eq=False)
class Test:
    """What is asked of one slot. ``exact`` tells that it is one value, ``points`` that it is some values."""

    slot: int
    find_region: FindRegion
    text: str
    points: bool = False
    exact: bool = False
    null: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """Tests by slot; all must hold."""

    tests: tuple[tuple[int, tuple[Test, ...]], ...]

    def bind(self, values: Values) -> dict[int, Region] | None:
        """The region of each slot; None when nothing can lie in one of them."""
        regions = {}
        for slot, tests in self.tests:
            region = tests[0].find_region(values)
            for test in tests[1:]:
                region = intersect(region, test.find_region(values))
            if is_empty(region):
                return None
            regions[slot] = region
        return regions

    def tests_of(self, slot: int) -> tuple[Test, ...]:
        return next((tests for number, tests in self.tests if number == slot), ())


def read_branches(layout: Layout, condition: Condition) -> tuple[Branch, ...]:
    """The branches of a simplified condition.

    Raises:
        IndexRequired: a field that no index keeps.
        NotSupportedError: something that indexes cannot tell, or more than 16 branches.
    """
    match condition:
        case All(children=children):
            return _conjunction(layout, children)
        case Either(children=children):
            return _disjunction(layout, children)
        case Not(child=child):
            assert isinstance(child, Compare | Within | IsNull)
            test = _read_test(layout, child)
            find = test.find_region
            negated = Test(test.slot, lambda values: complement(find(values)), f"not {test.text}")
            return (Branch(((test.slot, (negated,)),)),)
        case Compare() | Within() | IsNull():
            test = _read_test(layout, condition)
            return (Branch(((test.slot, (test,)),)),)
        case HasRows() | WithinRows():
            undeclared(condition)
    assert_never(condition)


def _conjunction(layout: Layout, children: tuple[Condition, ...]) -> tuple[Branch, ...]:
    found: tuple[Branch, ...] = (Branch(()),)
    for child in children:
        branches = read_branches(layout, child)
        _refuse_many(layout, len(found) * len(branches))
        found = tuple(_joined(left, right) for left in found for right in branches)
    return found


def _joined(left: Branch, right: Branch) -> Branch:
    tests = dict(left.tests)
    for slot, more in right.tests:
        tests[slot] = tests.get(slot, ()) + tuple(test for test in more if test not in tests.get(slot, ()))
    return Branch(tuple(tests.items()))


def _disjunction(layout: Layout, children: tuple[Condition, ...]) -> tuple[Branch, ...]:
    alike: dict[int, list[Test]] = {}
    others: list[Branch] = []
    for child in children:
        for branch in read_branches(layout, child):
            if len(branch.tests) == 1 and len(branch.tests[0][1]) == 1:
                alike.setdefault(branch.tests[0][0], []).append(branch.tests[0][1][0])
            else:
                others.append(branch)
    united = [Branch(((slot, (_united(slot, tests),)),)) for slot, tests in alike.items()]
    _refuse_many(layout, len(united) + len(others))
    return (*united, *others)


def _united(slot: int, tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    finders = [test.find_region for test in tests]
    return Test(
        slot,
        lambda values: unite(find(values) for find in finders),
        " or ".join(test.text for test in tests),
        points=all(test.points for test in tests),
        null=any(test.null for test in tests),
    )


def _refuse_many(layout: Layout, count: int) -> None:
    if count > MAX_BRANCHES:
        raise NotSupportedError(
            f"{layout.schema.name}: the condition falls into {count} alternatives; on Redis at most {MAX_BRANCHES} "
            "work; use in=[...] for several values of one field, or several queries"
        )


def _read_test(layout: Layout, leaf: Compare | Within | IsNull) -> Test:
    match leaf:
        case IsNull(operand=operand):
            field = _field(layout, operand)
            text = f"{field.name}__isnull"
            region = make_points((NULL,))
            return Test(_slot(layout, field, False, text), lambda values: region, text, True, True, True)
        case Within(left=left, values=options):
            field = _field(layout, left)
            text = f"{field.name}__in"
            slot = _slot(layout, field, False, text)
            encode, index = encoder(field.kind), options.index
            return Test(slot, lambda values: make_points(map(encode, values[index])), text, points=True)
        case Compare(left=left, operator=operator, right=right):
            field = _field(layout, left)
            text = f"{field.name}__{operator.value}"
            slot = _slot(layout, field, operator in FOLDED, text)
            find = _comparison(field, operator, _right(layout, text, right))
            exact = operator in (Operator.EXACT, Operator.IEXACT)
            return Test(slot, find, text, points=exact, exact=exact)
    assert_never(leaf)


def _field(layout: Layout, operand: Expression) -> FieldInfo:
    if isinstance(operand, Column):
        return operand.field
    what = type(operand).__name__.lower()
    raise NotSupportedError(
        f"{layout.schema.name}: a condition on a computed value ({what}) cannot be answered from an index on Redis; "
        "compare the field itself, or put .client(max_rows=...) before this filter"
    )


def _right(layout: Layout, text: str, right: Expression) -> Parameter:
    if isinstance(right, Parameter):
        return right
    raise NotSupportedError(
        f"{layout.schema.name}: {text} compared with an expression cannot be answered from an index on Redis; "
        "compare with a value, or put .client(max_rows=...) before this filter"
    )


def _slot(layout: Layout, field: FieldInfo, folded: bool, text: str) -> int:
    slot = layout.slot_of(field, folded)
    if slot is not None:
        return slot
    if is_container(field.kind):
        remedy = "a structure cannot be indexed on Redis"
    elif folded:
        remedy = f'declare Index("{field.name}", casefold=True) in Meta.indexes'
    else:
        remedy = f"declare index=True on {field.name}, or an Index in Meta.indexes"
    raise IndexRequired(
        f"{field.label}: {text} needs an index on Redis; {remedy}, or put .client(max_rows=...) before this filter"
    )


def _comparison(field: FieldInfo, operator: Operator, right: Parameter) -> FindRegion:
    index, derive = right.index, right.derive
    encode = encode_folded_text if operator in FOLDED else encoder(field.kind)

    def encoded(values: Values) -> bytes:
        value = values[index]
        return encode(value if derive is None else derive(value))

    match operator:
        case Operator.EXACT | Operator.IEXACT:
            return lambda values: Points((encoded(values),))
        case Operator.GT:
            return lambda values: Intervals(((_after(encoded(values)), None),))
        case Operator.GTE:
            return lambda values: Intervals(((encoded(values), None),))
        case Operator.LT:
            return lambda values: _up_to(encoded(values))
        case Operator.LTE:
            return lambda values: _up_to(_after(encoded(values)))
        case Operator.STARTSWITH:
            return lambda values: Intervals((prefix_interval(text_prefix(_value(values, right))),))
        case Operator.ISTARTSWITH:
            return lambda values: Intervals((prefix_interval(text_prefix(simple_fold(_value(values, right)))),))
        case _:
            raise NotSupportedError(
                f"{field.label}: {operator.value} cannot be answered from an index on Redis; use startswith, or put "
                ".client(max_rows=...) before this filter"
            )


def _value(values: Values, right: Parameter) -> Any:
    value = values[right.index]
    return value if right.derive is None else right.derive(value)


def _after(encoded: bytes) -> bytes:
    following = successor(encoded)
    assert following is not None, "encodings begin with a type below 0xff"
    return following


def _up_to(high: bytes) -> Intervals:
    return Intervals(((AFTER_NULL, high),) if high > AFTER_NULL else ())
