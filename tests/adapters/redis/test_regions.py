"""Sets of encodings behave as sets, ascending and descending."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from polystore.adapters.redis import keys
from polystore.adapters.redis.regions import (
    EVERYTHING,
    Intervals,
    Points,
    Region,
    complement,
    contains,
    intersect,
    make_points,
    merge,
    prefix_interval,
    reverse,
    unite,
)

NUMBERS = st.integers(-3, 3)
ENCODED = {number: keys.encode_int(number) for number in range(-3, 4)} | {None: keys.NULL}


def after(number: int) -> bytes:
    high = keys.successor(ENCODED[number])
    assert high is not None
    return high


def interval(pair: tuple[int, int]) -> tuple[bytes, bytes | None]:
    low, high = sorted(pair)
    return ENCODED[low], after(high)


REGIONS: st.SearchStrategy[Region] = st.recursive(
    st.lists(st.sampled_from([*ENCODED.values()]), max_size=3).map(make_points)
    | st.lists(st.tuples(NUMBERS, NUMBERS).map(interval), max_size=3).map(lambda pairs: Intervals(merge(pairs)))
    | NUMBERS.map(lambda number: Intervals(((keys.AFTER_NULL, ENCODED[number]),)))
    | NUMBERS.map(lambda number: Intervals(((after(number), None),)))
    | st.just(EVERYTHING),
    lambda inner: (
        inner.map(complement)
        | st.tuples(inner, inner).map(unite)
        | st.tuples(inner, inner).map(lambda pair: intersect(*pair))
    ),
    max_leaves=5,
)


def members(region: Region) -> set[int | None]:
    return {value for value, encoded in ENCODED.items() if contains(region, encoded)}


@given(REGIONS, REGIONS)
def test_union_intersection_and_complement_are_those_of_sets(first: Region, second: Region) -> None:
    everything = set(ENCODED)
    assert members(unite((first, second))) == members(first) | members(second)
    assert members(intersect(first, second)) == members(first) & members(second)
    assert members(complement(first)) == everything - members(first)


@given(REGIONS)
def test_a_reversed_region_holds_the_inverted_encodings(region: Region) -> None:
    turned = reverse(region)
    found = {value for value, encoded in ENCODED.items() if contains(turned, keys.invert(encoded))}
    assert found == members(region)


@given(REGIONS)
def test_intervals_are_sorted_and_do_not_overlap(region: Region) -> None:
    for each in (region, reverse(region)):
        if isinstance(each, Points):
            assert list(each.values) == sorted(set(each.values))
        else:
            for (_, high), (low, _) in zip(each.pairs, each.pairs[1:], strict=False):
                assert high is not None
                assert high <= low


@given(st.text(max_size=3), st.text(max_size=3), st.text(max_size=3))
def test_a_prefix_is_found_in_a_descending_index(prefix: str, text: str, behind: str) -> None:
    region = reverse(Intervals((prefix_interval(keys.text_prefix(prefix)),)))
    for each in (text, prefix + behind):
        assert contains(region, keys.invert(keys.encode_text(each))) is each.startswith(prefix)
