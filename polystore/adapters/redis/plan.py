"""Which indexes can answer a condition and an ordering. Pure; what each would cost is known to the script that counts.

A *source* of a branch is an index of which leading parts are bound: to points, then at most once to an interval. What
it does not bind, the script tests against manifests. The *ordered source* is an index that has all rows in the order
asked for. Where there is none, each branch needs a source whose every range is in order; the ranges are then merged.

An index with an entry for each element of a list is neither ordered nor exact: it is a source only, and tells how each
row is taken once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NoReturn

from polystore.adapters.redis.conditions import AnyTest, Asked, Branch, ElementsTest, field_of
from polystore.adapters.redis.elements import Elements
from polystore.adapters.redis.keys import successor
from polystore.adapters.redis.layout import KEY_SLOT, IndexLayout, Layout, Part, parts_code
from polystore.adapters.redis.regions import EVERYTHING, Interval, Intervals, Points, prefix_interval, reverse
from polystore.errors import IndexRequired
from polystore.query.explain import describe_expression
from polystore.query.nodes import Order
from polystore.schema.paths import PathInfo

MAX_RANGES = 1024


@dataclass(frozen=True, slots=True)
class Source:
    """An index, by its number (from 1), of which a branch binds some leading parts.

    ``runs`` is "+" or "-" when the rows within each of its ranges are in the order asked for, or in reverse.
    """

    index: int
    bound: int
    runs: str = ""


@dataclass(frozen=True, slots=True)
class UniqueSource:
    """A unique constraint, by its number (from 1), all of whose fields the branch binds to points."""

    unique: int


@dataclass(frozen=True, slots=True)
class SortKey:
    """What rows are sorted by: slots, then the primary key; ``reverse`` when read from the other end."""

    parts: tuple[Part, ...]
    descending: bool
    reverse: bool = False

    @property
    def code(self) -> bytes:
        """The key as scripts read it."""
        return parts_code(self.parts, self.descending)


@dataclass(frozen=True, slots=True)
class FindPlan:
    """How rows are found: the branches, the sources of each, the ordered source, and the sort key.

    Without an order asked for, the ordered source is one whose ranges hold all rows asked for and no others.
    """

    layout: Layout
    branches: tuple[Branch, ...]
    sources: tuple[tuple[Source | UniqueSource, ...], ...]
    ordered: int | None
    sort_key: SortKey | None

    @property
    def reverse(self) -> bool:
        """Whether the ordered source is read from its other end."""
        return self.sort_key is not None and self.sort_key.reverse


def make_plan(layout: Layout, branches: tuple[Branch, ...], order: Sequence[Order] = ()) -> FindPlan:
    """The plan for some branches and an ordering.

    Raises:
        IndexRequired: no index answers a branch or has the rows in order.
    """
    terms = _terms(layout, order)
    ordered, direction = _ordered_source(layout, branches, terms) if terms else (_exact_source(layout, branches), "+")
    sources = tuple(_sources(layout, branch, terms) for branch in branches)
    for branch, found in zip(branches, sources, strict=True):
        if not found:
            _refuse_branch(layout, branch)
    if terms and ordered is None and not all(_is_run(found) for found in sources):
        _refuse_order(layout, order)
    return FindPlan(layout, branches, sources, ordered, _sort_key(layout, terms, ordered, direction))


def index_parts(index: IndexLayout) -> tuple[Part, ...]:
    """The parts of an index with the primary key that ends it."""
    for place, part in enumerate(index.parts):
        if part.slot == KEY_SLOT:
            return index.parts[: place + 1]
    return (*index.parts, Part(KEY_SLOT, index.descending))


def _terms(layout: Layout, order: Sequence[Order]) -> tuple[Part, ...]:
    terms = []
    for term in order:
        field = field_of(term.expression)
        slot = None if field is None else layout.slot_of(field)
        if slot is None:
            _refuse_order(layout, order)
        terms.append(Part(slot, term.descending))
        if slot == KEY_SLOT:
            break
    return tuple(terms)


def _sort_key(layout: Layout, terms: tuple[Part, ...], ordered: int | None, direction: str) -> SortKey | None:
    if not terms:
        return None
    if ordered is not None:
        index = layout.indexes[ordered - 1]
        return SortKey(index.parts, index.descending, direction == "-")
    return SortKey(terms, terms[-1].descending)


# ---- sources of a branch


def _sources(layout: Layout, branch: Branch, terms: tuple[Part, ...]) -> tuple[Source | UniqueSource, ...]:
    if all(_only_leaves_out(tests) for _, tests in branch.tests):
        return (Source(1, 0),)
    found: list[Source | UniqueSource] = [
        UniqueSource(number)
        for number, unique in enumerate(layout.uniques, 1)
        if all(_binds_value(branch, slot) for slot in unique.slots)
    ]
    constant = _constants(branch)
    for number, index in enumerate(layout.indexes, 1):
        bound, points = _leading_parts(branch, index)
        if bound:
            runs = _direction(index, terms, constant | points) if terms else None
            found.append(Source(number, bound, runs or ""))
    return tuple(found)


def _only_leaves_out(tests: Sequence[AnyTest]) -> bool:
    """Whether the tests only tell what a list does not hold: no index finds its rows, each must be looked at."""
    return all(isinstance(test, ElementsTest) and not test.points for test in tests)


def _binds_value(branch: Branch, slot: int) -> bool:
    return any(test.points and not test.null for test in branch.tests_of(slot))


def _constants(branch: Branch) -> set[int]:
    return {slot for slot, tests in branch.tests if any(test.exact for test in tests)}


def bound_parts(branch: Branch, index: IndexLayout) -> tuple[int, set[int]]:
    """``_leading_parts`` of an index with one entry for each row; nothing of others."""
    return (0, set()) if index.repeats else _leading_parts(branch, index)


def _leading_parts(branch: Branch, index: IndexLayout) -> tuple[int, set[int]]:
    """How many leading parts the branch binds, and the slots among them that it binds to points."""
    points: set[int] = set()
    parts = index_parts(index)
    for place, part in enumerate(parts):
        tests = branch.tests_of(part.slot)
        if not any(test.points for test in tests):
            return place + bool(tests and not part.elements), points
        points.add(part.slot)
    return len(parts), points


def _is_run(found: tuple[Source | UniqueSource, ...]) -> bool:
    return any(isinstance(source, UniqueSource) or source.runs for source in found)


# ---- order


def _direction(index: IndexLayout, terms: tuple[Part, ...], constant: set[int]) -> str | None:
    """ "+" or "-" when entries that agree in the constant slots stand in the order of the terms; else None."""
    wanted = [term for term in terms if term.slot not in constant]
    direction = None
    for part in index_parts(index):
        if not wanted:
            break
        if part.slot in constant:
            continue
        term = wanted.pop(0)
        if part.slot != term.slot:
            return None
        found = "+" if part.descending == term.descending else "-"
        if direction not in (None, found):
            return None
        direction = found
    return None if wanted else direction or "+"


def _ordered_source(layout: Layout, branches: tuple[Branch, ...], terms: tuple[Part, ...]) -> tuple[int | None, str]:
    """The index with the rows in order of which the branches bind most, and the direction to read it in."""
    constant = _common_constants(branches)
    best: tuple[int, int, str] | None = None
    for number, index in enumerate(layout.indexes, 1):
        direction = None if index.repeats else _direction(index, terms, constant)
        if direction is None:
            continue
        bound = sum(bound_parts(branch, index)[0] for branch in branches)
        if best is None or bound > best[0]:
            best = (bound, number, direction)
    return (None, "+") if best is None else best[1:]


def _exact_source(layout: Layout, branches: tuple[Branch, ...]) -> int | None:
    """The index whose bound parts say all that any branch asks."""
    for number, index in enumerate(layout.indexes, 1):
        if not index.repeats and all(bound_parts(branch, index)[0] >= len(branch.tests) for branch in branches):
            return number
    return None


def _common_constants(branches: tuple[Branch, ...]) -> set[int]:
    first = {(slot, test) for slot, tests in branches[0].tests for test in tests if test.exact} if branches else set()
    for branch in branches[1:]:
        first &= {(slot, test) for slot, tests in branch.tests for test in tests if test.exact}
    return {slot for slot, _ in first}


# ---- ranges, when values are known


def ranges_of(index: IndexLayout, asked: Mapping[int, Asked]) -> tuple[list[Interval], set[int]]:
    """The ranges of members of which the leading parts lie in their regions, sorted, and the slots they decide."""
    prefixes = [b""]
    decided: set[int] = set()
    for part in index_parts(index):
        region = asked.get(part.slot)
        if region is None or isinstance(region, Elements):
            break
        if part.descending:
            region = reverse(region)
        count = len(region.values if isinstance(region, Points) else region.pairs)
        if decided and len(prefixes) * count > MAX_RANGES:
            break
        decided.add(part.slot)
        if isinstance(region, Intervals):
            pairs = [_within(prefix, pair) for prefix, pair in product(prefixes, region.pairs)]
            return sorted(pairs, key=lambda pair: pair[0]), decided
        prefixes = [prefix + value for prefix, value in product(prefixes, region.values)]
    pairs = [prefix_interval(prefix) for prefix in prefixes] if decided else list(EVERYTHING.pairs)
    return sorted(pairs, key=lambda pair: pair[0]), decided


def _within(prefix: bytes, pair: Interval) -> Interval:
    low, high = pair
    if high is not None:
        return prefix + low, prefix + high
    return prefix + low, successor(prefix) if prefix else None


def unique_keys(layout: Layout, unique: int, asked: Mapping[int, Asked]) -> list[bytes]:
    """The keys under which a unique constraint's values would be found."""
    slots = layout.uniques[unique - 1].slots
    values = []
    for slot in slots:
        region = asked[slot]
        assert isinstance(region, Points)
        values.append(region.values)
    return [b"%d:" % unique + b"".join(combination) for combination in product(*values)]


# ---- refusals


def _refuse_branch(layout: Layout, branch: Branch) -> NoReturn:
    slot = next(slot for slot, tests in branch.tests if not _only_leaves_out(tests))
    field = layout.schema.primary_key if slot == KEY_SLOT else layout.slots[slot - 1].field
    text = " and ".join(test.text for _, tests in branch.tests for test in tests)
    field_index = "" if isinstance(field, PathInfo) else f"index=True on {field.name}, or "
    raise IndexRequired(
        f"{field.label}: no index on Redis begins with what is asked ({text}); declare {field_index}"
        "an Index in Meta.indexes that begins with it, or put .client(max_rows=...) before this filter"
    )


def _refuse_order(layout: Layout, order: Sequence[Order]) -> NoReturn:
    names = [("-" if term.descending else "") + describe_expression(term.expression) for term in order]
    shown = list(names)
    last = field_of(order[-1].expression)
    if len(order) > 1 and last is not None and last.primary_key and order[-1].descending == order[-2].descending:
        shown.pop()
    quoted = ", ".join(f'"{name}"' for name in shown)
    raise IndexRequired(
        f"{layout.schema.name}: order_by({', '.join(names)}) needs an index on Redis that has the rows in this order; "
        f"declare Index({quoted}) in Meta.indexes, or put .client(max_rows=...) before order_by"
    )
