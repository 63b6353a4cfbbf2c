"""How the sources of a branch are read, when values are known: the ranges of an index, and what is left to test.

An index over the elements of a list is read at one of the elements that would do, at the script's choice. Where a row
may stand in its ranges several times, the script takes it at the first of its elements.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from polystore.adapters.redis.conditions import Asked
from polystore.adapters.redis.elements import Elements, Pick, picks_of
from polystore.adapters.redis.layout import IndexLayout
from polystore.adapters.redis.plan import FindPlan, Source, UniqueSource, ranges_of, unique_keys
from polystore.adapters.redis.regions import Interval


@dataclass(frozen=True, slots=True)
class Reading:
    """An index, by its number (0: unique keys), its ranges, and the slots about which they leave nothing to test.

    ``first`` tells where to take a row that may stand there several times: at the first of its elements that the clause
    of that number has, of all its elements for 0; None when a row stands there once.
    """

    index: int
    ranges: list[bytes]
    decided: set[int]
    runs: str
    list_slot: int = 0
    first: int | None = None


def source_arguments(
    plan: FindPlan, sources: Sequence[Source | UniqueSource], regions: dict[int, Asked]
) -> list[bytes]:
    """The sources of a branch as scripts read them."""
    numbers = {slot: number for number, slot in enumerate(regions, 1)}
    readings = [reading for source in sources for reading in _readings(plan, source, regions)]
    arguments = [b"%d" % len(readings)]
    for each in readings:
        left = ",".join(str(number) for slot, number in numbers.items() if slot not in each.decided)
        first = b""
        if each.first is not None:
            first = b"%d %d" % (numbers[each.list_slot], each.first) if each.first else b"0"
        arguments += [b"%d" % each.index, left.encode(), each.runs.encode(), first, *each.ranges]
    return arguments


def range_arguments(pairs: Sequence[Interval]) -> list[bytes]:
    """Ranges as scripts read them."""
    arguments = [b"%d" % len(pairs)]
    for low, high in pairs:
        arguments.append(b"[" + low if low else b"-")
        arguments.append(b"+" if high is None else b"(" + high)
    return arguments


def _readings(plan: FindPlan, source: Source | UniqueSource, regions: dict[int, Asked]) -> Iterator[Reading]:
    layout = plan.layout
    if isinstance(source, UniqueSource):
        keys = unique_keys(layout, source.unique, regions)
        yield Reading(0, [b"%d" % len(keys), *keys], set(layout.uniques[source.unique - 1].slots), "+")
        return
    index = layout.indexes[source.index - 1]
    if index.repeats:
        yield from _list_readings(index, source, regions)
        return
    pairs, decided = ranges_of(index, regions)
    runs = source.runs if len(decided) == source.bound else ""
    yield Reading(source.index, range_arguments(pairs), decided, runs)


def _list_readings(index: IndexLayout, source: Source, regions: dict[int, Asked]) -> Iterator[Reading]:
    slot = next(part.slot for part in index.parts if part.elements)
    asked = regions.get(slot)
    picks = picks_of(asked) if isinstance(asked, Elements) else ()
    for pick in picks or (None,):
        reading = _list_reading(index, source, slot, pick, regions)
        yield reading
        if reading.first == 0:
            return


def _list_reading(
    index: IndexLayout, source: Source, slot: int, pick: Pick | None, regions: dict[int, Asked]
) -> Reading:
    pairs, decided = ranges_of(index, regions if pick is None else {**regions, slot: pick.points})
    runs = source.runs if len(decided) == source.bound else ""
    ranges = range_arguments(pairs)
    if pick is None or slot not in decided:
        return Reading(source.index, ranges, decided, runs, slot, 0)
    if not pick.decides:
        decided.discard(slot)
    return Reading(source.index, ranges, decided, runs, slot, pick.first or None)
