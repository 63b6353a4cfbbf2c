"""The scan of a plan with values put in: the arguments of the script, and how its replies are read.

A scan answers *sort keys*, each of which ends with the encoding of a row's primary key and the two bytes of its length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from polystore.adapters.redis.conditions import Asked, Branch, Values
from polystore.adapters.redis.elements import Elements
from polystore.adapters.redis.keys import invert
from polystore.adapters.redis.layout import KEY_SLOT
from polystore.adapters.redis.plan import FindPlan, Source, UniqueSource, ranges_of
from polystore.adapters.redis.readings import range_arguments, source_arguments
from polystore.adapters.redis.regions import Interval, Intervals, Points, merge
from polystore.adapters.redis.wire import ScriptCall

SCAN_BUDGET = b"1000"


def identifier_of(sort_key: bytes, descending: bool) -> bytes:
    """The encoding of the primary key that ends a sort key."""
    size = sort_key[-2] << 8 | sort_key[-1]
    tail = sort_key[-2 - size : -2]
    return invert(tail) if descending else tail


@dataclass(slots=True)
class Scan:
    """One scan under way: what is still to ask, and what has been answered.

    Rows come in the order asked for when ``in_order``; else all rows come, to be sorted here.
    """

    plan: FindPlan
    call: ScriptCall
    arguments: list[bytes]
    conditions: list[bytes]
    counting: bool
    want: int | None
    skip: int
    cursor: tuple[bytes, ...] = ()
    done: bool = False
    in_order: bool = False
    number: int = 0
    last_write: int = 0
    found: list[bytes] = field(default_factory=list)

    @property
    def packed(self) -> bytes:
        """The command that asks for what comes next."""
        want = self.want
        if want is not None and (self.in_order or self.plan.sort_key is None):
            want -= self.number
        self.arguments[1] = b"" if want is None else b"%d" % want
        return self.call.packed([*self.arguments, *self.cursor])

    def again(self) -> Scan:
        """The same scan from its beginning."""
        plan, arguments = self.plan, list(self.arguments)
        return Scan(plan, self.call, arguments, self.conditions, self.counting, self.want, self.skip)

    def read(self, reply: Sequence[Any]) -> None:
        """Takes a reply in."""
        status = reply[0]
        if status == b"RETRY":
            return
        position, member = reply[1]
        self.in_order = position.startswith(b"o")
        self.number += reply[2]
        self.last_write = self.last_write or int(reply[3])
        self.found += reply[4]
        self.cursor = (position, member)
        self.done = status != b"MORE"

    @property
    def descending(self) -> bool:
        """The direction of the primary key that ends the sort keys."""
        if self.in_order and self.plan.ordered is not None:
            return self.plan.layout.indexes[self.plan.ordered - 1].descending
        return self.plan.sort_key is not None and self.plan.sort_key.descending

    @property
    def sort_key(self) -> bytes:
        """What rows are sorted by, as scripts read it."""
        return b"" if self.plan.sort_key is None else self.plan.sort_key.code

    def window(self) -> list[bytes]:
        """The sort keys of the rows asked for, in order."""
        if self.in_order:
            return self.found
        found = self.found
        if len(self.plan.branches) > 1:
            found = list({identifier_of(sort_key, self.descending): sort_key for sort_key in found}.values())
        key = self.plan.sort_key
        if key is not None:
            found = sorted(found, reverse=key.reverse)
        return found[self.skip : None if self.want is None else self.skip + self.want]

    def changed(self, rows: Sequence[Any]) -> list[int]:
        """The places of rows that are gone, or were written after they had been found."""
        last = self.last_write
        return [place for place, row in enumerate(rows) if (version := row[0]) is None or int(version) > last]

    def settle(
        self,
        found: Sequence[bytes],
        rows: Sequence[Any],
        changed: Sequence[int],
        fresh: Mapping[int, tuple[bytes, Any]],
    ) -> list[Any]:
        """The rows in order, when some of them changed after they had been found.

        Args:
            found: the sort keys that the scan answered.
            rows: the rows as they were read.
            changed: the places of those that are not as the scan found them.
            fresh: sort key and row for each of these that still fulfils the condition.
        """
        gone = set(changed) - set(fresh)
        kept = [
            fresh.get(place, (sort_key, row))
            for place, (sort_key, row) in enumerate(zip(found, rows, strict=True))
            if place not in gone
        ]
        key = self.plan.sort_key
        if key is not None:
            kept.sort(key=lambda pair: pair[0], reverse=key.reverse)
        return [row for _, row in kept]


def start_scan(
    plan: FindPlan, call: ScriptCall, values: Values, *, counting: bool = False, want: int | None = None, skip: int = 0
) -> Scan | None:
    """The scan for some values; None when no row can fulfil the condition."""
    live: list[tuple[tuple[Source | UniqueSource, ...], dict[int, Asked]]] = []
    for branch, sources in zip(plan.branches, plan.sources, strict=True):
        regions = branch.bind(values)
        if regions is not None:
            live.append((sources, regions))
    if not live:
        return None
    every_region = [regions for _, regions in live]
    conditions = condition_arguments(every_region)
    ordered, tested = _ordered_arguments(plan, every_region)
    arguments = [
        b"count" if counting else b"rows",
        b"",
        b"%d" % skip,
        SCAN_BUDGET,
        b"" if plan.sort_key is None or counting else plan.sort_key.code,
        *ordered,
    ]
    if ordered == [b""] or tested:
        arguments += conditions
        for sources, regions in live:
            arguments += source_arguments(plan, sources, regions)
    else:
        arguments.append(b"0")
    return Scan(plan, call, arguments, conditions, counting, want, skip)


def bind_conditions(branches: Sequence[Branch], values: Values) -> list[dict[int, Asked]]:
    """What is asked of each slot by each branch that a row can fulfil."""
    return [regions for branch in branches if (regions := branch.bind(values)) is not None]


def condition_arguments(branches: Sequence[dict[int, Asked]]) -> list[bytes]:
    """Branches as scripts read them."""
    arguments = [b"%d" % len(branches)]
    for regions in branches:
        arguments.append(b"%d" % len(regions))
        for slot, region in regions.items():
            arguments += _test_arguments(slot, region)
    return arguments


def fixed_keys(branches: Sequence[dict[int, Asked]]) -> list[bytes] | None:
    """The encodings of the only primary keys that can fulfil the branches; None when any could."""
    keys: dict[bytes, None] = {}
    for regions in branches:
        region = regions.get(KEY_SLOT)
        if not isinstance(region, Points):
            return None
        keys.update(dict.fromkeys(region.values))
    return list(keys)


def _test_arguments(slot: int, asked: Asked) -> list[bytes]:
    match asked:
        case Points(values=values):
            return [b"%d" % slot, b"points", b"%d" % len(values), *values]
        case Intervals(pairs=pairs):
            bounds = [bound or b"" for pair in pairs for bound in pair]
            return [b"%d" % slot, b"intervals", b"%d" % len(pairs), *bounds]
        case Elements(clauses=clauses):
            told = [argument for clause in clauses for argument in clause.arguments]
            return [b"%d" % slot, b"elements", b"%d" % len(clauses), *told]


def _ordered_arguments(plan: FindPlan, branches: Sequence[dict[int, Asked]]) -> tuple[list[bytes], bool]:
    """The ordered source, and whether its rows must be tested."""
    if plan.ordered is None:
        return [b""], False
    index = plan.layout.indexes[plan.ordered - 1]
    pairs: list[Interval] = []
    tested = False
    for regions in branches:
        found, decided = ranges_of(index, regions)
        pairs += found
        tested = tested or len(decided) < len(regions)
    if tested and plan.sort_key is None:
        return [b""], False
    direction = b"-" if plan.reverse else b"+"
    head = [direction, b"%d" % plan.ordered, b"1" if tested else b"0"]
    return head + range_arguments(merge(pairs)), tested
