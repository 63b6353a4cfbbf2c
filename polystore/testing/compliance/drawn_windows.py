"""Random windows: the store agrees with the reference on their values and on the rows kept by them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from polystore import (
    Avg,
    Count,
    CumeDist,
    DenseRank,
    Feature,
    FirstValue,
    Lag,
    LastValue,
    Lead,
    Max,
    Min,
    NthValue,
    Ntile,
    PercentRank,
    Q,
    Rank,
    RowNumber,
    RowRange,
    StdDev,
    Store,
    Sum,
    ValueRange,
    Variance,
    Window,
)
from polystore.errors import DataError
from polystore.query.operators import WindowFunction
from polystore.testing import strategies
from polystore.testing.compliance.properties import Pair, alike, often, outcome
from polystore.testing.compliance.windows import column
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything

rows = Everything.objects
NUMBER, AGGREGATES = WindowFunction.ROW_NUMBER, Feature.WINDOW_AGGREGATES
DRAWN = ["flag", "number", "other", "rank", "amount", "exact", "real", "text", "word", "day"]
TERMS = ["number", "-number", "rank", "-amount", "text", "-text", "day", "-word", "-flag", "exact"]
PARTITIONS = [None, "flag", "rank", ["text", "rank"], "amount", "day"]


def functions(db: Db) -> list[Any]:
    """What is computed of rows, that the store declares."""
    made: dict[WindowFunction, list[Any]] = {
        WindowFunction.ROW_NUMBER: [RowNumber()],
        WindowFunction.RANK: [Rank()],
        WindowFunction.DENSE_RANK: [DenseRank()],
        WindowFunction.PERCENT_RANK: [PercentRank()],
        WindowFunction.CUME_DIST: [CumeDist()],
        WindowFunction.NTILE: [Ntile(2), Ntile(3)],
        WindowFunction.LAG: [Lag("number"), Lag("amount", 2), Lag("other", 1, 7), Lag("number", 1, "amount")],
        WindowFunction.LEAD: [Lead("text"), Lead("exact", 2, Decimal("0.5")), Lead("day")],
        WindowFunction.FIRST_VALUE: [FirstValue("text"), FirstValue("amount")],
        WindowFunction.LAST_VALUE: [LastValue("number"), LastValue("day")],
        WindowFunction.NTH_VALUE: [NthValue("word", 2), NthValue("exact", 3)],
    }
    return [each for function, some in made.items() if db.declares(function) for each in some]


AGGREGATED = [
    Count("*"),
    Count("text"),
    Sum("number"),
    Sum("rank"),
    Sum("amount"),
    Sum("exact"),
    Avg("rank"),
    Avg("other"),
    Min("amount"),
    Max("text"),
    Min("day"),
    Max("exact"),
    Variance("rank"),
    StdDev("amount"),
    Sum("amount", filter=Q(flag=True)),
    Count("*", filter=Q(rank__gt=0)),
]
BOUNDS = st.none() | st.integers(-2, 2)


@st.composite
def windows(draw: st.DrawFn, db: Db) -> Any:
    """A window of what the store declares."""
    partition = draw(st.sampled_from(PARTITIONS))
    order = draw(st.lists(st.sampled_from(TERMS), max_size=2))
    given = draw(st.sampled_from(functions(db) + (AGGREGATED if db.declares(AGGREGATES) else [])))
    frame = None
    if isinstance(given, Count | Sum | Avg | Min | Max | Variance | StdDev | FirstValue | NthValue):
        start, end = draw(BOUNDS), draw(BOUNDS)
        if start is not None and end is not None and start > end:
            start, end = end, start
        by_value = ValueRange(draw(st.sampled_from([None, 0])), draw(st.sampled_from([None, 0])))
        frame = draw(st.sampled_from([None, by_value, RowRange(start, end)]))
    return Window(given, partition, order, frame)


def agree_on_window(db: Db, reference: Store, window: Any) -> None:
    """A window has the same value in each row, and keeps the same rows; or none is a value."""
    query = rows.annotate(value=window).order_by("name").values_list("name", "value")
    expected = outcome(lambda: list(query.using(reference)))
    event("refused" if expected is DataError else "computed")
    assert alike(outcome(lambda: db(query.all()).rows()), expected), repr(window)
    if expected is not DataError and expected:
        kept = rows.annotate(value=window).filter(value=expected[0][1]).order_by("name")
        assert db.names(kept) == [row.name for row in kept.using(reference)], repr(window)


@pytest.mark.hypothesis
@rule("A19", "A17", needs=[NUMBER, Feature.COMPUTED])
def test_random_windows_agree_with_the_reference(db: Db, reference: Store) -> None:
    if db.missing:
        column(db, Window(RowNumber()))
    pair = Pair(db, reference)

    @often(db, 0.6)
    @given(strategies.rows(DRAWN, 7), st.lists(windows(db), min_size=1, max_size=3))
    def check(made: list[dict[str, Any]], asked: list[Any]) -> None:
        pair.put(made)
        for window in asked:
            agree_on_window(db, reference, window)

    check()
