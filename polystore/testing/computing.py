"""Random expressions, annotations and groups for Hypothesis, of what a store declares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from polystore import (
    Abs,
    Avg,
    Case,
    Ceil,
    Coalesce,
    Concat,
    Count,
    Extract,
    F,
    Feature,
    Floor,
    Greatest,
    Least,
    Left,
    Length,
    Lower,
    LTrim,
    Max,
    Min,
    NullIf,
    Q,
    Replace,
    Right,
    Round,
    RTrim,
    StdDev,
    Substr,
    Sum,
    Trim,
    Trunc,
    Upper,
    Value,
    Variance,
    When,
)
from polystore.query.operators import Aggregate, ArithmeticOperator, DatePart, Function

Declares = Callable[..., bool]
Expressions = st.SearchStrategy[Any]
_UNITS = ["year", "quarter", "month", "week", "day"]


@dataclass(frozen=True, slots=True)
class Family:
    """Fields and values that go together in one expression, and the functions from them to one of their own."""

    fields: tuple[str, ...]
    values: tuple[Any, ...]
    functions: tuple[tuple[Function, Callable[[Any], Any]], ...]


_TEXT = Family(
    ("text", "word"),
    ("", "a", "Éb", " x "),
    (
        (Function.LOWER, Lower),
        (Function.UPPER, Upper),
        (Function.TRIM, Trim),
        (Function.LTRIM, LTrim),
        (Function.RTRIM, RTrim),
        (Function.SUBSTR, lambda inner: Substr(inner, 2, 2)),
        (Function.LEFT, lambda inner: Left(inner, 2)),
        (Function.RIGHT, lambda inner: Right(inner, 2)),
        (Function.REPLACE, lambda inner: Replace(inner, Value("a"), Value("bb"))),
        (Function.CONCAT, lambda inner: Concat(inner, Value("-"), "word")),
    ),
)
_INT = Family(
    ("number", "other", "rank"),
    (0, 1, -3, 2**40),
    ((Function.ABS, Abs), (Function.ROUND, lambda inner: Round(inner, -1))),
)
_DECIMAL = Family(
    ("amount", "exact", "number"),
    (Decimal(0), Decimal("1.5"), Decimal("-0.25")),
    (
        (Function.ABS, Abs),
        (Function.CEIL, Ceil),
        (Function.FLOOR, Floor),
        (Function.ROUND, Round),
        (Function.ROUND, lambda inner: Round(inner, 1)),
    ),
)
_DATE = Family(
    ("day",),
    (date(2024, 2, 29), date(1, 1, 1)),
    tuple((Function.TRUNC, lambda inner, unit=unit: Trunc(inner, unit)) for unit in _UNITS),  # type: ignore[misc]  # bound now
)
_MOMENT = Family(
    ("moment",),
    (),
    tuple((Function.TRUNC, lambda inner, unit=unit: Trunc(inner, unit)) for unit in [*_UNITS, "hour", "minute"]),  # type: ignore[misc]  # bound now
)
_FAMILIES = (_TEXT, _INT, _DECIMAL, _DATE, _MOMENT)


def expressions(declares: Declares) -> Expressions:
    """Expressions over some fields of ``Everything``, of functions that the store declares."""
    families = st.sampled_from(_FAMILIES).flatmap(lambda family: _of_family(family, declares))
    parts = [part for part in ("year", "week", "week_day", "quarter") if declares(DatePart(part))]
    others: list[Expressions] = [st.just(Length("text"))] if declares(Function.LENGTH) else []
    others += [st.sampled_from(parts).map(lambda part: Extract("day", part))] if parts else []
    return st.one_of(families, *others)


def _of_family(family: Family, declares: Declares) -> Expressions:
    leaves = st.sampled_from([*map(F, family.fields), *map(Value, family.values)])
    known = [function for name, function in family.functions if declares(name)]

    def wider(inner: Expressions) -> Expressions:
        pairs = st.tuples(inner, inner)
        options: list[Expressions] = [
            st.tuples(st.sampled_from([make]), inner).map(lambda made: made[0](made[1])) for make in known
        ]
        for name, choice in ((Function.COALESCE, Coalesce), (Function.GREATEST, Greatest), (Function.LEAST, Least)):
            if declares(name):
                options.append(pairs.map(lambda pair, choice=choice: choice(*pair)))  # type: ignore[misc]  # bound now
        if declares(Function.NULLIF):
            options.append(pairs.map(lambda pair: NullIf(*pair)))
        if declares(Feature.CASE):
            options.append(pairs.map(lambda pair: Case(When(Q(rank=1), then=pair[0]), default=pair[1])))
        if family is _INT and declares(ArithmeticOperator.ADD):
            options.append(pairs.map(lambda pair: pair[0] + pair[1]))
        return st.one_of(options) if options else inner

    return st.recursive(leaves, wider, max_leaves=4)


_KEYS = ["flag", "rank", "word", "text", "number", "level", "mood", "day", "amount"]


def keys(declares: Declares) -> st.SearchStrategy[dict[str, Any]]:
    """What rows are grouped by: names of fields, and expressions by name where the store groups by them."""
    named = st.sampled_from(_KEYS).map(lambda name: (name, F(name)))
    computed: list[st.SearchStrategy[tuple[str, Any]]] = []
    if declares(Feature.GROUP_EXPRESSIONS, Function.LOWER):
        computed.append(st.just(("low", Lower("text"))))
    if declares(Feature.GROUP_EXPRESSIONS, DatePart.YEAR):
        computed.append(st.just(("year_of_day", Extract("day", "year"))))
    return st.lists(st.one_of(named, *computed), min_size=1, max_size=2, unique_by=lambda key: key[0]).map(dict)


_AGGREGATES: list[tuple[Sequence[Any], Any]] = [
    ([Aggregate.COUNT], Count("*")),
    ([Aggregate.COUNT], Count("text")),
    ([Aggregate.COUNT, Feature.AGGREGATE_DISTINCT], Count("number", distinct=True)),
    ([Aggregate.COUNT, Feature.AGGREGATE_FILTER], Count("*", filter=Q(rank=1) | Q(flag=True))),
    ([Aggregate.SUM], Sum("rank")),
    ([Aggregate.SUM], Sum("amount")),
    ([Aggregate.SUM, Feature.AGGREGATE_FILTER], Sum("number", filter=~Q(word=""))),
    ([Aggregate.AVG], Avg("rank")),
    ([Aggregate.AVG], Avg("amount")),
    ([Aggregate.SUM], Sum("span")),
    ([Aggregate.AVG], Avg("span")),
    ([Aggregate.AVG, Feature.AGGREGATE_DISTINCT], Avg("span", distinct=True)),
    ([Aggregate.MIN], Min("text")),
    ([Aggregate.MIN], Min("moment")),
    ([Aggregate.MAX], Max("number")),
    ([Aggregate.MAX], Max("amount")),
    ([Aggregate.STDDEV], StdDev("amount")),
    ([Aggregate.VARIANCE_SAMPLE], Variance("level", sample=True)),
]


def aggregates(declares: Declares) -> st.SearchStrategy[dict[str, Any]]:
    """Some aggregates that the store declares, by name."""
    known = [expression for needs, expression in _AGGREGATES if declares(*needs)]
    some = st.lists(st.sampled_from(known), min_size=1, max_size=3)
    return some.map(lambda made: {f"it{place}": expression for place, expression in enumerate(made)})
