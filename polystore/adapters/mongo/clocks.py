"""The clocks of a zone as aggregation expressions: what they show at a moment, and when they first show a midnight.

A server's own table of zones is older or newer than Python's, so the table goes with the command, as a balanced tree of
comparisons: it is asked in a microsecond, where a search in an array takes several.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from bson import encode
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument

from polystore.adapters.mongo.values import Document, either, failure, given, unless_null
from polystore.adapters.mongo.years import LaterYears, later_years
from polystore.query.zones import CYCLE, clock_of

FIRST, END = -62_135_596_800, 253_402_300_800
"""The seconds since 1970 at which year 1 begins and year 9999 ends."""


class Table(RawBSONDocument):
    """An expression that is encoded once; of the text of a command only its name is a part."""

    __slots__ = ("name",)

    def __init__(self, name: str, expression: Document) -> None:
        super().__init__(encode(expression))
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"


def offset_of(zone: str, moment: Any) -> Document:
    """The milliseconds that clocks show more than UTC at a BSON date; NULL of NULL, an error beyond the calendar."""
    return given({"m": moment}, offsets(zone))


def shown(zone: str, moment: Any) -> Document:
    """The BSON date that clocks show; NULL of NULL, an error beyond the calendar."""
    return given({"m": moment}, {"$add": ["$$m", offsets(zone)]})


def first_moment(zone: str, midnight: Any) -> Document:
    """The BSON date at which clocks first show a midnight, or a later time where they leave it out."""
    return given({"m": midnight}, {"$subtract": ["$$m", reliefs(zone)]})


@lru_cache(maxsize=256)
def offsets(zone: str) -> Table:
    """The milliseconds that clocks show more than UTC at the moment in the variable ``m``."""
    clock = clock_of(zone)
    limits = clock.second(FIRST), clock.second(END)
    return Table(f"offsets of {zone}", _search(clock.starts, clock.offsets, later_years(zone), limits))


@lru_cache(maxsize=256)
def reliefs(zone: str) -> Table:
    """The milliseconds to take off the midnight in the variable ``m`` for the moment at which clocks come to it."""
    clock = clock_of(zone)
    limits = FIRST + clock.offset(FIRST), END
    return Table(f"midnights of {zone}", _search(clock.midnights, clock.reliefs, later_years(zone), limits))


def _search(
    starts: Sequence[int], values: Sequence[int], later: LaterYears | None, limits: tuple[int, int]
) -> Document:
    """The value in milliseconds at the time in the variable ``m``, which must lie within the limits if it is any."""
    end = len(starts) if later is None else bisect_left(starts, later.begins)
    first, last = limits
    beyond = failure({"$toLong": "$$m"})
    near = [unless_null(["$$m"], beyond), *_milliseconds(values[: end + 1])]
    if later is None:
        tree: Document = _chosen("$$m", [*map(_date, (first, *starts, last))], [*near, beyond])
        return tree
    tree = _chosen("$$m", [*map(_date, (first, *starts[:end]))], near)
    far = either({"$lt": ["$$m", _date(last)]}, _search_later(starts, values, later), beyond)
    return either({"$lt": ["$$m", _date(later.begins)]}, tree, far)


def _search_later(starts: Sequence[int], values: Sequence[int], later: LaterYears) -> Document:
    """The same for a time from the later years on, which is brought back to the first of them."""
    since = {"$mod": [{"$subtract": ["$$m", _date(later.begins)]}, CYCLE * 1000]}
    back = _chosen("$$c", _milliseconds(later.starts, later.begins), _milliseconds(later.backs))
    brought = {"$mod": [{"$subtract": ["$$c", back]}, later.span * 1000]}
    low, high = (bisect_left(starts, second) for second in (later.begins, later.begins + later.span))
    found = _chosen("$$n", _milliseconds(starts[low:high], later.begins), _milliseconds(values[low : high + 1]))
    return given({"c": since}, given({"n": brought}, found))


def _chosen(value: str, starts: Sequence[Any], leaves: Sequence[Any]) -> Any:
    """The leaf whose place is the number of starts that are not above the value."""
    if not starts:
        return leaves[0]
    middle = len(starts) // 2
    below = _chosen(value, starts[:middle], leaves[: middle + 1])
    return either({"$lt": [value, starts[middle]]}, below, _chosen(value, starts[middle + 1 :], leaves[middle + 1 :]))


def _milliseconds(seconds: Sequence[int], base: int = 0) -> list[int]:
    return [(second - base) * 1000 for second in seconds]


def _date(second: int) -> DatetimeMS:
    return DatetimeMS(second * 1000)
