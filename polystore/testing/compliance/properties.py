"""Random rows and queries: the store agrees with the store in memory, which is the reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from polystore import Count, F, Feature, Q, QuerySet, Store
from polystore.errors import DataError, NotSupportedError
from polystore.query.operators import Aggregate, ArithmeticOperator, DatePart, Operator
from polystore.testing import computing, strategies
from polystore.testing.drawing.families import FIRST_KEY
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything
from polystore.testing.strategies import FIELDS, ORDERED

T = TypeVar("T")
rows = Everything.objects


def often(db: Db, share: float = 1.0) -> settings:
    """The share of the profile's examples that a test takes; a quarter in the async colour, which compiles alike."""
    number = settings().max_examples * share * (0.25 if db.loop else 1.0)
    return settings(
        max_examples=max(5, int(number)),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


@dataclass
class Pair:
    """The store under test beside the reference, with the same rows in both."""

    db: Db
    reference: Store
    answered: int = 0
    refused: int = 0

    def put(self, made: Sequence[dict[str, Any]]) -> None:
        """Makes these the rows of both."""
        numbered = [{"id": FIRST_KEY + place, **row} for place, row in enumerate(made)]
        self.db.clear(Everything)
        self.db(rows.all()).bulk_create([Everything(**row) for row in numbered])
        there = rows.using(self.reference)
        there.all().delete()
        there.bulk_create([Everything(**row) for row in numbered])

    def compare(self, query: QuerySet[Everything], ask: Callable[[QuerySet[Everything], Any], Any]) -> None:
        """Asks both; the store may refuse, before any command, what it needs an index for."""
        expected = ask(query.using(self.reference), _itself)
        try:
            found = ask(query.all(), self.db)
        except NotSupportedError:
            if self.db.declares(Feature.FILTER_ANY, Feature.ORDER_ANY):
                raise
            assert self.db.refused_after == 0
            self.refused += 1
            return
        self.answered += 1
        assert found == expected, f"{query.using(self.reference).explain()}: {found}, not {expected}"

    def compare_outcomes(self, ask_reference: Callable[[], Any], ask: Callable[[], Any]) -> None:
        """Asks both, with errors of the values; the store may refuse what groups need an index for."""
        expected = outcome(ask_reference)
        try:
            found = outcome(ask)
        except NotSupportedError:
            if self.db.declares(Feature.GROUP_ANY):
                raise
            assert self.db.refused_after == 0
            self.refused += 1
            return
        self.answered += 1
        assert alike(found, expected), f"{found}, not {expected}"

    def finish(self) -> None:
        """A store that refused nearly everything has proven nothing."""
        assert self.answered > self.refused / 2, f"{self.answered} queries were answered, {self.refused} refused"


def _itself(target: Any) -> Any:
    return target


@pytest.fixture(scope="module")
def reference() -> Store:
    """A fresh store in memory."""
    return Store("memory://")


def declared(db: Db) -> Callable[[str], bool]:
    """Whether a lookup's word is one that the store declares."""
    words = {each.value: each for each in (*Operator, *DatePart)}
    return lambda word: word not in words or db.declares(words[word])


def comparable(db: Db) -> list[str]:
    """Fields that conditions are on."""
    return [
        name
        for name, values in FIELDS.items()
        if values.lookups and (name != "blob" or db.declares(Feature.ORDER_BYTES))
    ]


def ordered(db: Db) -> list[str]:
    """Fields that the store orders by."""
    return [name for name in ORDERED if name != "blob" or db.declares(Feature.ORDER_BYTES)]


def leaves(db: Db, names: Sequence[str]) -> st.SearchStrategy[Q]:
    """Conditions on these fields that the store declares to answer, apart from indexes."""
    found = strategies.leaves(names, declared(db))
    return found | strategies.comparisons(names) if db.declares(Feature.COMPARE_COLUMNS) else found


@st.composite
def examples(
    draw: st.DrawFn, db: Db, rows_at_most: int, ask: Callable[[Sequence[str]], st.SearchStrategy[T]]
) -> tuple[list[dict[str, Any]], list[T]]:
    """Rows, and what is asked of them, about the same few fields."""
    names = draw(strategies.some_fields(comparable(db)))
    return draw(strategies.rows(names, rows_at_most)), draw(st.lists(ask(names), min_size=1, max_size=3))


def names_of(query: QuerySet[Everything], run: Any) -> list[str]:
    """The names of a query's rows, in order."""
    return [row.name for row in (list(query) if not isinstance(run, Db) else run(query).rows())]


def set_of(query: QuerySet[Everything], run: Any) -> list[str]:
    """The names of a query's rows, sorted."""
    return sorted(names_of(query, run))


def count_of(query: QuerySet[Everything], run: Any) -> Any:
    """How many there are, and whether there is one."""
    return (run(query).count(), run(query).exists())


@pytest.mark.hypothesis
@rule("A4", "declared")
def test_random_conditions_agree_with_the_reference(db: Db, reference: Store) -> None:
    pair = Pair(db, reference)

    @often(db)
    @given(examples(db, 6, lambda names: strategies.conditions(leaves(db, names))))
    def check(example: tuple[list[dict[str, Any]], list[Q]]) -> None:
        made, asked = example
        pair.put(made)
        for condition in asked:
            pair.compare(rows.filter(condition), set_of)
            pair.compare(rows.exclude(condition), set_of)
            pair.compare(rows.filter(condition), count_of)

    check()
    pair.finish()


@pytest.mark.hypothesis
@rule("A4", "declared")
def test_random_lookups_agree_with_the_reference(db: Db, reference: Store) -> None:
    pair = Pair(db, reference)

    @often(db)
    @given(examples(db, 6, lambda names: leaves(db, names)))
    def check(example: tuple[list[dict[str, Any]], list[Q]]) -> None:
        made, asked = example
        pair.put(made)
        for condition in asked:
            pair.compare(rows.filter(condition), set_of)
            pair.compare(rows.exclude(condition), set_of)

    check()
    pair.finish()


@pytest.mark.hypothesis
@rule("A19", "E8", "F2")
def test_random_orders_and_slices_agree_with_the_reference(db: Db, reference: Store) -> None:
    pair = Pair(db, reference)
    terms = 3 if db.declares(Feature.ORDER_ANY) else 1

    def pages(names: Sequence[str]) -> st.SearchStrategy[tuple[list[str], slice, Q | None, bool]]:
        orders = strategies.orders([name for name in names if name in ordered(db)] or ["number"], terms)
        return st.tuples(orders, strategies.slices(), st.none() | leaves(db, names), st.booleans())

    @often(db)
    @given(examples(db, 8, pages))
    def check(example: tuple[list[dict[str, Any]], list[tuple[list[str], slice, Q | None, bool]]]) -> None:
        made, asked = example
        pair.put(made)
        for order, part, condition, turned in asked:
            query = rows.order_by(*order) if condition is None else rows.filter(condition).order_by(*order)
            query = query.reverse() if turned else query
            pair.compare(query, names_of if order else set_of)
            sliced = bool(part.start) or part.stop is not None
            pair.compare(query[part], names_of if order or sliced else set_of)
            pair.compare(query[part], count_of)

    check()
    pair.finish()


@pytest.mark.hypothesis
@rule("A19", "declared")
@pytest.mark.parametrize("field", ORDERED)
def test_random_values_of_each_kind_keep_their_order(db: Db, field: str) -> None:
    if field == "blob":
        db.need(Feature.ORDER_BYTES)
        if db.missing:
            db(rows.order_by("blob")).rows()
    values = FIELDS[field].strategy
    values = values if field in strategies.REQUIRED else st.none() | values

    @often(db, 0.2)
    @given(st.lists(values, min_size=1, max_size=9))
    def check(made: list[Any]) -> None:
        db.clear(Everything)
        db(rows.all()).bulk_create([Everything(name=str(place), **{field: value}) for place, value in enumerate(made)])
        expected = sorted(made, key=lambda value: (value is not None, value))
        assert [getattr(row, field) for row in db(rows.order_by(field)).rows()] == expected
        assert [getattr(row, field) for row in db(rows.order_by(f"-{field}")).rows()] == expected[::-1]
        pivot = made[0]
        if pivot is not None:
            some = [value for value in made if value is not None]
            assert db(rows.filter(**{f"{field}__lt": pivot})).count() == sum(value < pivot for value in some)
            assert db(rows.filter(**{f"{field}__gte": pivot})).count() == sum(value >= pivot for value in some)
            assert db(rows.filter(**{field: pivot})).count() == some.count(pivot)

    check()


@pytest.mark.hypothesis
@rule("B4", "G7", "declared")
def test_random_rows_come_back_as_they_were(db: Db) -> None:
    @often(db)
    @given(strategies.some_fields(list(FIELDS), 8).flatmap(lambda names: strategies.rows(names, 3)))
    def check(made: list[dict[str, Any]]) -> None:
        db.clear(Everything)
        saved = db(rows.all()).bulk_create([Everything(**row) for row in made])
        found = {row.name: row for row in db(rows.all()).rows()}
        for row in saved:
            assert typed(found[row.name]) == typed(row)
            with db.commands(0):
                db(found[row.name]).save()

    check()


UPDATED = ["number", "other", "rank", "real", "amount", "text", "day", "flag"]
ASSIGNED = ["number", "rank", "real", "amount", "text", "flag", "moment", "data", "tags", "person", "uid", "level"]
COMPUTED: dict[str, tuple[list[str], list[Any]]] = {
    "number": (["number", "other", "rank"], [0, 1, -7, 3, 2**40]),
    "real": (["real", "number"], [0.5, 3, -2.5]),
    "amount": (["amount", "number"], [2, -3]),
}


def computed(db: Db) -> st.SearchStrategy[tuple[str, Any]]:
    """Assignments computed in the store, as (field, expression)."""
    operators = [each for each in ArithmeticOperator if db.declares(each)]

    def expression(target: str, operator: ArithmeticOperator, source: str, value: Any) -> tuple[str, Any]:
        left = F(source)
        match operator:
            case ArithmeticOperator.ADD:
                return target, left + value
            case ArithmeticOperator.SUBTRACT:
                return target, left - value
            case ArithmeticOperator.MULTIPLY:
                return target, left * value
            case ArithmeticOperator.DIVIDE:
                return target, left / value
            case ArithmeticOperator.MODULO:
                return target, left % value

    def of(target: str) -> st.SearchStrategy[tuple[str, Any]]:
        sources, values = COMPUTED[target]
        usable = [
            each
            for each in operators
            if not (target in ("number", "amount") and each is ArithmeticOperator.DIVIDE)
            and not (target == "real" and each is ArithmeticOperator.MODULO and not db.declares(Feature.MODULO_FLOATS))
        ]
        return st.builds(
            expression, st.just(target), st.sampled_from(usable), st.sampled_from(sources), st.sampled_from(values)
        )

    return st.sampled_from(list(COMPUTED)).flatmap(of)


@pytest.mark.hypothesis
@rule("A13", "B11", "I9", needs=[Feature.UPDATE_EXPRESSIONS])
def test_random_updates_agree_with_the_reference(db: Db, reference: Store) -> None:
    if db.missing:
        db(rows.all()).update(number=F("number") + 1)
    pair = Pair(db, reference)
    plain = st.sampled_from(ASSIGNED).flatmap(lambda name: st.tuples(st.just(name), FIELDS[name].strategy))
    known = declared(db)
    leaf = strategies.leaves(
        ["number", "rank", "text", "day", "flag"], lambda word: known(word) and word in ("exact", "gt", "isnull", "in")
    )

    @often(db)
    @given(
        strategies.rows(UPDATED, 5),
        leaf,
        st.lists(plain | computed(db), min_size=1, max_size=3, unique_by=lambda pair: pair[0]),
    )
    def check(made: list[dict[str, Any]], condition: Q, changes: list[tuple[str, Any]]) -> None:
        pair.put(made)
        before = dumped(rows.using(reference), None)
        expected = outcome(lambda: rows.using(reference).filter(condition).update(**dict(changes)))
        found = outcome(lambda: db(rows.filter(condition)).update(**dict(changes)))
        event("refused" if expected is DataError else "updated")
        assert found == expected
        after = dumped(rows.using(reference), None)
        assert dumped(rows, db) == after
        assert expected is not DataError or before == after

    check()


COMPUTED_FIELDS = [
    "flag",
    "number",
    "other",
    "rank",
    "amount",
    "exact",
    "text",
    "word",
    "day",
    "moment",
    "span",
    "level",
    "mood",
]
"""What expressions, groups and aggregates are drawn over."""


@pytest.mark.hypothesis
@rule("A13", "A15", needs=[Feature.COMPUTED])
def test_random_expressions_agree_with_the_reference(db: Db, reference: Store) -> None:
    if db.missing:
        db(rows.annotate(value=F("number"))).rows()
    pair = Pair(db, reference)

    @often(db)
    @given(strategies.rows(COMPUTED_FIELDS, 5), st.lists(computing.expressions(db.declares), min_size=1, max_size=3))
    def check(made: list[dict[str, Any]], expressions: list[Any]) -> None:
        pair.put(made)
        for expression in expressions:
            agree_on_values(db, reference, expression)

    check()


def agree_on_values(db: Db, reference: Store, expression: Any) -> None:
    """An expression has the same value in each row; or none is a value."""
    query = rows.annotate(value=expression).values_list("name", "value").order_by("pk")
    expected = outcome(lambda: list(query.using(reference)))
    found = outcome(lambda: db(query).rows())
    event("refused" if expected is DataError else "computed")
    assert alike(found, expected), repr(expression)
    if expected is not DataError:
        agree_on_conditions(db, reference, expression, expected)


def agree_on_conditions(db: Db, reference: Store, expression: Any, pairs: list[Any]) -> None:
    """Rows are found by the values that an expression has in them."""
    query = rows.alias(value=expression)
    for value in {value for _, value in pairs}:
        for condition in (Q(value=value), ~Q(value=value), Q(value__isnull=False)):
            asked = query.filter(condition)
            assert set_of(asked.all(), db) == set_of(asked.using(reference), None), (expression, value)
    if db.declares(Feature.ORDER_EXPRESSIONS):
        asked = query.order_by("-value", "pk")
        assert names_of(asked.all(), db) == names_of(asked.using(reference), None), expression


@pytest.mark.hypothesis
@rule("A17", "A18", "F16", needs=[Feature.GROUP, Aggregate.COUNT])
def test_random_groups_agree_with_the_reference(db: Db, reference: Store) -> None:
    if db.missing:
        db(rows.values("rank").annotate(n=Count("*"))).rows()
    pair = Pair(db, reference)

    @often(db)
    @given(strategies.rows(COMPUTED_FIELDS, 8), computing.keys(db.declares), computing.aggregates(db.declares))
    def check(made: list[dict[str, Any]], keys: dict[str, Any], aggregates: dict[str, Any]) -> None:
        pair.put(made)
        computed = {name: key for name, key in keys.items() if not isinstance(key, F)}
        grouped = rows.annotate(**computed).values_list(*keys).annotate(**aggregates)
        pair.compare_outcomes(
            lambda: sorted(grouped.using(reference), key=repr), lambda: sorted(db(grouped).rows(), key=repr)
        )
        pair.compare_outcomes(
            lambda: rows.using(reference).aggregate(**aggregates), lambda: db(rows.all()).aggregate(**aggregates)
        )

    check()
    pair.finish()


def alike(found: Any, expected: Any) -> bool:
    """Equal with all types, floats nearly: stores add in different orders."""
    match expected:
        case dict():
            return found.keys() == expected.keys() and all(alike(found[name], expected[name]) for name in expected)
        case list() | tuple():
            return len(found) == len(expected) and all(map(alike, found, expected))
        case float():
            return type(found) is float and math.isclose(found, expected, rel_tol=1e-9)
        case _:
            return type(found) is type(expected) and bool(found == expected)


def outcome(run: Callable[[], Any]) -> Any:
    """The answer, or DataError."""
    try:
        return run()
    except DataError:
        return DataError


def dumped(query: Any, db: Db | None) -> dict[str, Any]:
    """All rows by their name."""
    found = list(query.all()) if db is None else db(query.all()).rows()
    return {row.name: typed(row) for row in found}


def typed(value: Any) -> Any:
    """A value with the types of all its parts, so that 1, 1.0 and True differ."""
    match value:
        case BaseModel():
            return type(value), {name: typed(part) for name, part in value}
        case dict():
            return {key: typed(part) for key, part in value.items()}
        case list():
            return [typed(part) for part in value]
        case _:
            return type(value), value
