"""From a condition to branches: one of them must hold, and each asks of some slots that they lie in a region.

The structure is found once; the regions are made when values are bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias, assert_never

from polystore.adapters.base import undeclared
from polystore.adapters.redis.elements import Clause, Elements
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
from polystore.query.explain import describe_expression
from polystore.query.nodes import (
    All,
    AnyElement,
    Column,
    Compare,
    Condition,
    Either,
    Expression,
    HasRows,
    Holds,
    IsNull,
    Not,
    Parameter,
    Path,
    Within,
    WithinRows,
)
from polystore.query.operators import Holding, Operator
from polystore.query.text import simple_fold
from polystore.schema.document_indexes import holds_singles
from polystore.schema.kinds import ListKind, describe_kind, is_container
from polystore.schema.model import FieldInfo
from polystore.schema.paths import PathInfo

Values: TypeAlias = Sequence[Any]
FindRegion: TypeAlias = Callable[[Values], Region]
FindElements: TypeAlias = Callable[[Values], Elements]
Asked: TypeAlias = Region | Elements

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
class ElementsTest:
    """What is asked of the elements of the list in a slot; ``points`` unless it only tells which are not there."""

    slot: int
    find: FindElements
    text: str
    points: bool = True
    exact: bool = False
    null: bool = False


AnyTest: TypeAlias = Test | ElementsTest


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """Tests by slot; all must hold."""

    tests: tuple[tuple[int, tuple[AnyTest, ...]], ...]

    def bind(self, values: Values) -> dict[int, Asked] | None:
        """What is asked of each slot; None when nothing can fulfil it."""
        asked: dict[int, Asked] = {}
        for slot, tests in self.tests:
            region = _region(tests, values)
            if region is not None and is_empty(region):
                return None
            asked[slot] = _elements(tests, values) if region is None else region
        return asked

    def tests_of(self, slot: int) -> tuple[AnyTest, ...]:
        return next((tests for number, tests in self.tests if number == slot), ())

    @property
    def only(self) -> AnyTest | None:
        """The test, when there is just one."""
        tests = [test for _, tests in self.tests for test in tests]
        return tests[0] if len(tests) == 1 else None


def _region(tests: tuple[AnyTest, ...], values: Values) -> Region | None:
    """Where all tests of one slot let it lie; None when they are about a list."""
    found: Region | None = None
    for test in tests:
        if isinstance(test, Test):
            region = test.find_region(values)
            found = region if found is None else intersect(found, region)
    return found


def _elements(tests: tuple[AnyTest, ...], values: Values) -> Elements:
    found = [test.find(values) for test in tests if isinstance(test, ElementsTest)]
    return found[0] if len(found) == 1 else Elements(tuple(clause for each in found for clause in each.clauses))


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
            assert isinstance(child, Compare | Within | IsNull | Holds)
            negated = _negated(_read_test(layout, child))
            return (Branch(((negated.slot, (negated,)),)),)
        case Compare() | Within() | IsNull() | Holds():
            test = _read_test(layout, condition)
            return (Branch(((test.slot, (test,)),)),)
        case AnyElement() | HasRows() | WithinRows():
            undeclared(condition)
    assert_never(condition)


def _negated(test: AnyTest) -> AnyTest:
    text = f"not {test.text}"
    match test:
        case Test(slot=slot, find_region=find_region):
            return Test(slot, lambda values: complement(find_region(values)), text)
        case ElementsTest(slot=slot, find=find):
            return ElementsTest(slot, lambda values: find(values).negation, text, points=False)


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
            only = branch.only
            if isinstance(only, Test):
                alike.setdefault(only.slot, []).append(only)
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


def _read_test(layout: Layout, leaf: Compare | Within | IsNull | Holds) -> AnyTest:
    match leaf:
        case Holds():
            return _read_holds(layout, leaf)
        case IsNull(operand=operand):
            field = _field(layout, operand)
            text = f"{field.name}__isnull"
            if holds_singles(field.kind):
                elements = Elements((Clause((NULL,), every=True),))
                return ElementsTest(_list_slot(layout, field, text), lambda values: elements, text)
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


def _read_holds(layout: Layout, leaf: Holds) -> ElementsTest:
    field = _field(layout, leaf.operand)
    every = leaf.test is Holding.ARRAY_CONTAINS
    text = f"{field.name}__{'contains' if every else 'overlap'}"
    slot = _list_slot(layout, field, text)
    assert isinstance(field.kind, ListKind)
    assert isinstance(leaf.value, Parameter)
    encode, index = encoder(field.kind.item), leaf.value.index

    def find(values: Values) -> Elements:
        return Elements((Clause(make_points(map(encode, values[index])).values, every),))

    return ElementsTest(slot, find, text)


def field_of(operand: Expression) -> FieldInfo | None:
    """The field, or what lies at a path, that an expression is; None for what is computed."""
    match operand:
        case Column(field=field):
            return field
        case Path(operand=Column(field=root), steps=steps, kind=kind):
            name = describe_expression(operand)
            return PathInfo(root.model, name, name, kind, -1, True, root=root, steps=steps)
        case _:
            return None


def _field(layout: Layout, operand: Expression) -> FieldInfo:
    found = field_of(operand)
    if found is not None:
        return found
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
    if slot is None:
        _refuse_field(field, text, folded)
    return slot


def _list_slot(layout: Layout, field: FieldInfo, text: str) -> int:
    slot = layout.list_slot_of(field)
    if slot is None:
        _refuse_field(field, text)
    return slot


def _refuse_field(field: FieldInfo, text: str, folded: bool = False) -> NoReturn:
    if is_container(field.kind) and not holds_singles(field.kind):
        remedy = f"{describe_kind(field.kind)} as a whole cannot be indexed on Redis"
    elif folded:
        remedy = f'declare Index("{field.name}", casefold=True) in Meta.indexes'
    elif isinstance(field, PathInfo):
        remedy = f'declare Index("{field.name}") in Meta.indexes'
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
