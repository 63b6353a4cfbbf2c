"""Random windows over groups: the store agrees with the reference on their values and on the groups kept by them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from polystore import (
    Avg,
    Count,
    CumeDist,
    DenseRank,
    F,
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
    Store,
    Sum,
    ValueRange,
    Window,
)
from polystore.errors import DataError
from polystore.query.operators import Aggregate, WindowFunction
from polystore.query.windows import RankFunction
from polystore.testing import strategies
from polystore.testing.compliance.group_windows import put, ranked
from polystore.testing.compliance.properties import Pair, alike, often, outcome
from polystore.testing.harness import Capability, Db, rule
from polystore.testing.models import Everything

rows = Everything.objects
DRAWN = ["flag", "number", "other", "rank", "amount", "exact", "text", "word", "day", "uid", "instant", "level"]
KEYS = ["flag", "rank", "text", "word", "day", "amount", "exact", "uid", "instant", "level"]
TOTALS = {
    "n": Count("*"),
    "total": Sum("number"),
    "cents": Sum("amount"),
    "top": Max("exact"),
    "mean": Avg("rank"),
    "last": Max("text"),
    "first": Min("day"),
}
TERMS = [
    "n",
    "-total",
    "cents",
    "-top",
    "mean",
    "-last",
    "first",
    F("total").asc(nulls_last=True),
    F("n") + F("total"),
]
PARTITIONS: list[Any] = [None, "n", "total", "cents", "top", "mean", ["last", "n"], "first", Q(total__gt=1)]
COMPUTED: list[Any] = [
    *(RowNumber(), Rank(), DenseRank(), PercentRank(), CumeDist(), Ntile(3)),
    *(
        Lag("total"),
        Lag("cents", 2),
        Lag("total", 1, 7),
        Lag("n", 1, "cents"),
        Lead("last"),
        Lead("top"),
        Lead("mean"),
    ),
    *(FirstValue("first"), FirstValue("cents"), LastValue("top"), LastValue("total"), NthValue("last", 2)),
    *(Count("*"), Count("last"), Sum("total"), Sum("n"), Sum("cents"), Sum("top"), Avg("n"), Min("top")),
    *(Max("last"), Min("mean"), Sum("cents", filter=Q(n__gt=1)), Sum(F("n") + F("total")), Sum(Max("rank"))),
]
BOUNDS = st.none() | st.integers(-2, 2)


def computed(db: Db) -> list[Any]:
    """What is computed of groups, that the store declares."""
    return [each for each in COMPUTED if not isinstance(each, RankFunction) or db.declares(each.function)]


@st.composite
def windows(draw: st.DrawFn, db: Db, keys: list[str]) -> Any:
    """A window over groups by these keys, of what the store declares."""
    partition = draw(st.sampled_from([*PARTITIONS, *keys]))
    order = draw(st.lists(st.sampled_from([*TERMS, *keys, *(f"-{key}" for key in keys)]), max_size=2))
    made = draw(st.sampled_from(computed(db)))
    frame = None
    if isinstance(made, Count | Sum | Avg | Min | Max | FirstValue | NthValue):
        start, end = draw(BOUNDS), draw(BOUNDS)
        if start is not None and end is not None and start > end:
            start, end = end, start
        by_value = ValueRange(draw(st.sampled_from([None, 0])), draw(st.sampled_from([None, 0])))
        frame = draw(st.sampled_from([None, by_value, RowRange(start, end)]))
    return Window(made, partition, order, frame)


@st.composite
def grouped(draw: st.DrawFn, db: Db) -> tuple[list[str], Any, bool]:
    """The keys of groups, a window over these, and whether a condition leaves some of them out."""
    keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True))
    return keys, draw(windows(db, keys)), draw(st.booleans())


def agree_on_groups(db: Db, reference: Store, asked: tuple[list[str], Any, bool]) -> None:
    """A window has the same value for each group, and keeps the same groups; or none is a value."""
    keys, window, narrowed = asked
    query = rows.values(*keys).annotate(**TOTALS).annotate(value=window)
    query = (query.filter(n__gt=1) if narrowed else query).order_by(*keys)
    expected = outcome(lambda: list(query.values_list().using(reference)))
    event("refused" if expected is DataError else "computed")
    assert alike(outcome(lambda: db(query.values_list()).rows()), expected), repr(asked)
    if expected is not DataError and expected:
        kept = query.filter(value=expected[0][-1]).values_list(*keys)
        assert db(kept).rows() == list(kept.using(reference)), repr(asked)
        assert db(kept).count() == kept.using(reference).count(), repr(asked)


NEEDS: list[Capability] = [
    WindowFunction.RANK,
    Feature.GROUP_WINDOWS,
    Feature.WINDOW_AGGREGATES,
    Feature.GROUP_SOURCE,
    Feature.HAVING,
]


@pytest.mark.hypothesis
@rule("A18", "A19", needs=[*NEEDS, Feature.NULLS_ORDER, Aggregate.SUM, Aggregate.AVG, Aggregate.MIN, Aggregate.MAX])
def test_random_windows_over_groups_agree_with_the_reference(db: Db, reference: Store) -> None:
    if db.missing:
        put(db)
        db(ranked).rows()
    pair = Pair(db, reference)

    @often(db, 0.6)
    @given(strategies.rows(DRAWN, 9), st.lists(grouped(db), min_size=1, max_size=3))
    def check(made: list[dict[str, Any]], asked: list[tuple[list[str], Any, bool]]) -> None:
        pair.put(made)
        for each in asked:
            agree_on_groups(db, reference, each)

    check()
