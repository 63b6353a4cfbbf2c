"""Checks that all contenders give equal answers, then times them in turns."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

from benchmarks.contender import OPERATIONS, Contender, Operation, Row
from benchmarks.items import OWNERS, ROWS, item, new_items, stored_items

LAST_FETCHED = 1000


class Timing(NamedTuple):
    """Seconds that a call (or a row of it) took: the best round and the median one."""

    best: float
    median: float


class Blocking:
    """Calls the methods of blocking contenders."""

    colour = "sync"

    def call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        """One call."""
        return method(*arguments)

    def timed(self, method: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> float:
        """The seconds of all calls."""
        start = perf_counter()
        for arguments in calls:
            method(*arguments)
        return perf_counter() - start

    def close(self) -> None:
        """Nothing is held."""


class Looping:
    """Calls the methods of async contenders, all in one event loop."""

    colour = "async"

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        """One call."""

        async def called() -> Any:
            return await method(*arguments)

        return self._runner.run(called())

    def timed(self, method: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> float:
        """The seconds of all calls, one after the other in one task."""

        async def measured() -> float:
            start = perf_counter()
            for arguments in calls:
                await method(*arguments)
            return perf_counter() - start

        return self._runner.run(measured())

    def close(self) -> None:
        """Ends the loop."""
        self._runner.close()


Colour = Blocking | Looping


class WrongAnswer(Exception):
    """A contender's answer is not the one that all have to give."""


def measure(
    colour: Colour,
    contenders: Sequence[Contender],
    operations: Sequence[Operation],
    rounds: int,
    share: float,
    settle: Callable[[], None],
    say: Callable[[str], None],
) -> dict[str, dict[str, Timing]]:
    """Fills, checks and times the contenders of one store.

    Args:
        colour: how methods are called.
        contenders: who is measured.
        operations: what is measured.
        rounds: how often each contender has its turn in each operation.
        share: the part of an operation's calls to make in a round.
        settle: lets the store finish what filling it has left to do.
        say: told about each step.

    Returns:
        Timings by operation's and contender's name.

    Raises:
        WrongAnswer: a contender differs from the rest.
    """
    opened: list[Contender] = []
    try:
        for contender in contenders:
            say(f"filling {contender.name}")
            colour.call(contender.open)
            opened.append(contender)
            for start in range(0, ROWS, 1000):
                colour.call(contender.bulk, stored_items()[start : start + 1000])
        settle()
        for contender in contenders:
            _check(colour, contender)
        timings = {}
        for operation in operations:
            say(operation.title)
            timings[operation.name] = _time(colour, contenders, operation, rounds, share)
        return timings
    finally:
        for contender in opened:
            colour.call(contender.close)


def _time(
    colour: Colour, contenders: Sequence[Contender], operation: Operation, rounds: int, share: float
) -> dict[str, Timing]:
    able = [contender for contender in contenders if operation.name in contender.operations]
    number = max(1, round(operation.calls * share))
    seconds: dict[str, list[float]] = {contender.name: [] for contender in able}
    for turn in range(-1, rounds):
        calls = arguments_of(operation, number, turn)
        shift = turn % len(able)
        for contender in able[shift:] + able[:shift]:
            gc.collect()
            spent = colour.timed(getattr(contender, operation.name), calls)
            if turn >= 0:
                seconds[contender.name].append(spent / number / operation.rows)
            if operation.name in ("insert", "bulk"):
                colour.call(contender.delete_new)
    return {name: Timing(min(spent), median(spent)) for name, spent in seconds.items()}


def arguments_of(operation: Operation, number: int, turn: int) -> list[tuple[Any, ...]]:
    """The arguments of a round's calls: the same for every contender, other ones in each round."""
    chance = random.Random(f"{operation.name} {turn}")
    match operation.name:
        case "get":
            return [(chance.randrange(1, ROWS + 1),) for _ in range(number)]
        case "filter":
            return [(chance.randrange(OWNERS),) for _ in range(number)]
        case "fetch" | "values":
            return [(LAST_FETCHED,)] * number
        case "insert":
            return [(row,) for row in new_items(number)]
        case "bulk":
            return [(list(rows),) for rows in _parts(new_items(number * operation.rows), operation.rows)]
        case _:
            return [(chance.randrange(1, ROWS + 1), chance.randrange(1000)) for _ in range(number)]


def _parts(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    while part := list(islice(rows, size)):
        yield part


# ---- equal answers


def _check(colour: Colour, contender: Contender) -> None:
    """Runs each operation once and compares what it gives, or leaves behind, with the rows themselves."""
    able = contender.operations

    def read(key: int) -> list[Row]:
        found = colour.call(contender.get, key)
        return [] if found is None else [contender.plain(found)]

    _compare(contender, "get", read(77), [item(77)])
    if "filter" in able:
        found = [contender.plain(each) for each in colour.call(contender.filter, 5)]
        _compare(contender, "filter", _by_key(found), [item(key) for key in range(5, ROWS + 1, OWNERS)])
    if "fetch" in able:
        found = [contender.plain(each) for each in colour.call(contender.fetch, LAST_FETCHED)]
        _compare(contender, "fetch", _by_key(found), stored_items()[:LAST_FETCHED])
    if "values" in able:
        found = [contender.plain_values(each) for each in colour.call(contender.values, LAST_FETCHED)]
        _compare(contender, "values", _by_key(found), stored_items()[:LAST_FETCHED])
    for name in ("insert", "bulk"):
        if name in able:
            (first,) = arguments_of(OPERATIONS[name], 1, 0)
            colour.call(getattr(contender, name), *first)
            rows = first[0] if name == "bulk" else [first[0]]
            _compare(
                contender, name, [row for key in (rows[0], rows[-1]) for row in read(key["id"])], [rows[0], rows[-1]]
            )
            colour.call(contender.delete_new)
            _compare(contender, f"deletion after {name}", read(rows[0]["id"]), [])
    if "update" in able:
        colour.call(contender.update, 77, 4321)
        _compare(contender, "update", read(77), [item(77) | {"quantity": 4321}])


def _by_key(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row["id"])


def _compare(contender: Contender, what: str, given: list[Row], wanted: list[Row]) -> None:
    if given == wanted and [list(map(type, row.values())) for row in given] == [
        list(map(type, row.values())) for row in wanted
    ]:
        return
    for left, right in zip(given, wanted, strict=False):
        for name in right:
            if left.get(name) != right[name] or type(left.get(name)) is not type(right[name]):
                raise WrongAnswer(f"{contender.name}, {what}: {name} is {left.get(name)!r}, not {right[name]!r}")
    raise WrongAnswer(f"{contender.name}, {what}: {len(given)} rows, not {len(wanted)}")
