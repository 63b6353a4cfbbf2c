"""Sets of encodings: what a condition on one slot becomes, NULL included."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from polystore.adapters.redis.keys import NULL, invert, successor

Interval: TypeAlias = tuple[bytes, bytes | None]


@dataclass(frozen=True, slots=True)
class Points:
    """Some whole encodings, sorted."""

    values: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Intervals:
    """All encodings from each low up to but without its high (None: endless); sorted, none over another."""

    pairs: tuple[Interval, ...]


Region: TypeAlias = Points | Intervals

EVERYTHING = Intervals(((b"", None),))


def make_points(values: Iterable[bytes]) -> Points:
    """The region of some encodings."""
    return Points(tuple(sorted(set(values))))


def prefix_interval(prefix: bytes) -> Interval:
    """All that begins with ``prefix``."""
    return prefix, successor(prefix)


def is_empty(region: Region) -> bool:
    """Whether nothing lies in the region."""
    return not (region.values if isinstance(region, Points) else region.pairs)


def complement(region: Region) -> Region:
    """Every encoding that does not lie in the region, NULL among them."""
    low: bytes | None = NULL
    pairs: list[Interval] = []
    for start, stop in _pairs(region):
        if low is not None and low < start:
            pairs.append((low, start))
        low = stop
    if low is not None:
        pairs.append((low, None))
    return Intervals(tuple(pairs))


def unite(regions: Iterable[Region]) -> Region:
    """What lies in one of the regions."""
    found = list(regions)
    if all(isinstance(region, Points) for region in found):
        return make_points(value for region in found if isinstance(region, Points) for value in region.values)
    return Intervals(merge(pair for region in found for pair in _pairs(region)))


def merge(pairs: Iterable[Interval]) -> tuple[Interval, ...]:
    """The intervals sorted, with those that touch made one."""
    merged: list[Interval] = []
    for low, high in sorted(pairs, key=lambda pair: pair[0]):
        if merged:
            last_low, last_high = merged[-1]
            if last_high is None:
                break
            if low <= last_high:
                merged[-1] = (last_low, None if high is None else max(last_high, high))
                continue
        merged.append((low, high))
    return tuple(merged)


def intersect(first: Region, second: Region) -> Region:
    """What lies in both regions."""
    if isinstance(first, Points):
        return Points(tuple(value for value in first.values if contains(second, value)))
    if isinstance(second, Points):
        return intersect(second, first)
    pairs: list[Interval] = []
    for low, high in first.pairs:
        for other_low, other_high in second.pairs:
            start, stop = max(low, other_low), _lower(high, other_high)
            if stop is None or start < stop:
                pairs.append((start, stop))
    return Intervals(tuple(pairs))


def contains(region: Region, value: bytes) -> bool:
    """Whether a whole encoding lies in the region."""
    if isinstance(region, Points):
        return value in region.values
    place = bisect_right(region.pairs, value, key=lambda pair: pair[0]) - 1
    if place < 0:
        return False
    high = region.pairs[place][1]
    return high is None or value < high


def reverse(region: Region) -> Region:
    """The same encodings inverted, as the descending part of an index holds them."""
    if isinstance(region, Points):
        return Points(tuple(invert(value) for value in reversed(region.values)))
    pairs: list[Interval] = []
    for low, high in reversed(region.pairs):
        start = b"" if high is None else successor(invert(high))
        assert start is not None, "no encoding begins with a zero byte"
        pairs.append((start, successor(invert(low)) if low else None))
    return Intervals(tuple(pairs))


def _pairs(region: Region) -> tuple[Interval, ...]:
    if isinstance(region, Points):
        return tuple(prefix_interval(value) for value in region.values)
    return region.pairs


def _lower(first: bytes | None, second: bytes | None) -> bytes | None:
    if first is None or second is None:
        return second if first is None else first
    return min(first, second)
