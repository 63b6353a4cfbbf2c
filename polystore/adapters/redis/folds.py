"""Folds: the values that fields have in the rows of a condition, or their sum, read from an index.

Where the condition is no more than ranges of one index and that index has the fields, nothing but its entries is read;
of values only one entry for each. Else every row of the ranges is looked at: its manifest has all indexed fields.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from polystore.adapters.redis.conditions import Branch, Values
from polystore.adapters.redis.decode import split
from polystore.adapters.redis.layout import IndexLayout, Layout
from polystore.adapters.redis.plan import bound_parts, index_parts, ranges_of
from polystore.adapters.redis.readings import range_arguments
from polystore.adapters.redis.regions import Interval, merge
from polystore.adapters.redis.requests import bind_conditions, condition_arguments
from polystore.adapters.redis.wire import ScriptCall, make_call

What: TypeAlias = Literal["values", "counts", "sum"]

FOLD_BUDGET = b"5000"


@dataclass(frozen=True, slots=True)
class FoldPlan:
    """How the slots are folded: along which index, by its number (from 1), of the rows of which branches.

    ``places`` tells where each slot stands in the index, when its entries tell all.
    """

    layout: Layout
    what: What
    slots: tuple[int, ...]
    branches: tuple[Branch, ...]
    index: int
    places: tuple[int, ...] | None

    @property
    def directions(self) -> list[bool]:
        """Which leading parts of the index make a value: whether each is descending."""
        assert self.places is not None
        parts = index_parts(self.layout.indexes[self.index - 1])
        return [part.descending for part in parts[: max(self.places) + 1]]


@dataclass(slots=True)
class Fold:
    """One fold under way: what is still to ask, and what has been answered.

    ``counts`` has for each combination of encodings how many rows have it (1 where only values are asked for); of a sum
    ``number`` values were added up to ``amounts``.
    """

    plan: FoldPlan
    call: ScriptCall
    arguments: list[bytes]
    by_rows: bool
    cursor: tuple[bytes, ...] = ()
    done: bool = False
    number: int = 0
    counts: Counter[tuple[bytes, ...]] = field(default_factory=Counter)
    amounts: Counter[bytes] = field(default_factory=Counter)

    @property
    def packed(self) -> bytes:
        """The command that asks for what comes next."""
        return self.call.packed([*self.arguments, *self.cursor])

    def read(self, reply: Sequence[Any]) -> None:
        """Takes a reply in."""
        status = reply[0]
        if status == b"RETRY":
            return
        pairs = zip(reply[3][::2], reply[3][1::2], strict=True)
        if self.plan.what == "sum":
            self.number += reply[2]
            self.amounts.update({name: int(amount) for name, amount in pairs})
        else:
            self._take(pairs)
        self.cursor = tuple(reply[1])
        self.done = status != b"MORE"

    def _take(self, pairs: Any) -> None:
        places = self.plan.places
        if self.by_rows or places is None:
            directions, places = [False] * len(self.plan.slots), tuple(range(len(self.plan.slots)))
        else:
            directions = self.plan.directions
        for entry, count in pairs:
            parts = split(entry, directions)
            self.counts[tuple(parts[place] for place in places)] += count


def make_fold_plan(layout: Layout, what: What, slots: tuple[int, ...], branches: tuple[Branch, ...]) -> FoldPlan:
    """The plan with the index of which the least has to be read."""
    best: tuple[int, int, tuple[int, ...]] | None = None
    for number, index in enumerate(layout.indexes, 1):
        places = _places(index, what, slots, branches)
        if places is not None and (best is None or max(places) < best[0]):
            best = (max(places), number, places)
    if best is not None:
        return FoldPlan(layout, what, slots, branches, best[1], best[2])
    bound = [min(bound_parts(branch, index)[0] for branch in branches) for index in layout.indexes]
    return FoldPlan(layout, what, slots, branches, bound.index(max(bound)) + 1, None)


def _places(
    index: IndexLayout, what: What, slots: tuple[int, ...], branches: tuple[Branch, ...]
) -> tuple[int, ...] | None:
    """Where the slots stand in an index whose entries tell all: the branches are ranges of it, and of values nothing
    that varies stands before them.
    """
    parts = [part.slot for part in index_parts(index)]
    if index.repeats or not set(slots).issubset(parts):
        return None
    places = tuple(parts.index(slot) for slot in slots)
    before = set(parts[: max(places) + 1]) - set(slots)
    for branch in branches:
        bound, points = bound_parts(branch, index)
        if bound < len(branch.tests) or (what != "sum" and not before <= points):
            return None
    return places


def start_fold(plan: FoldPlan, values: Values) -> Fold | None:
    """The fold for some values; None when no row can fulfil the condition."""
    regions = bind_conditions(plan.branches, values)
    if not regions:
        return None
    index = plan.layout.indexes[plan.index - 1]
    pairs: list[Interval] = []
    by_rows = plan.places is None
    for each in regions:
        found, decided = ranges_of(index, each)
        pairs += found
        by_rows = by_rows or len(decided) < len(each)
    arguments = [
        plan.what.encode(),
        FOLD_BUDGET,
        b"%d" % plan.index,
        b"rows" if by_rows else b"entries",
        bytes(plan.slots) if by_rows or plan.places is None else b"%d" % (max(plan.places) + 1),
        *range_arguments(merge(pairs)),
        *(condition_arguments(regions) if by_rows else [b"0"]),
    ]
    return Fold(plan, make_call(plan.layout, "fold"), arguments, by_rows)
