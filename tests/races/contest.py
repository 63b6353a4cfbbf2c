"""Processes that want the same thing at the same moment: each round is released by a barrier, nothing is retried."""

from __future__ import annotations

import asyncio
import multiprocessing
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from polystore import F, Field, Model, Store, UniqueConstraint, field

PROCESSES, ROUNDS, COUNTED, GROUP = 3, 12, 15, 5


class Entry(Model):
    """A row that all want to have."""

    name: Field[str] = field(max_length=100, unique=True)
    winner: Field[int] = field(default=0)
    code: Field[int | None] = field(default=None, unique=True)

    class Meta:
        table = "race_entry"


class Place(Model):
    """A row that a pair of values tells from others, with a key of the user's."""

    id: Field[str] = field(primary_key=True, max_length=100)
    row: Field[int | None] = field(default=None)
    seat: Field[int | None] = field(default=None)
    winner: Field[int] = field(default=0)

    class Meta:
        table = "race_place"
        constraints = [UniqueConstraint("row", "seat")]


class Tally(Model):
    """A row that all count up."""

    id: Field[int] = field(primary_key=True)
    count: Field[int] = field(default=0)
    revision: Field[int] = field(version=True)

    class Meta:
        table = "race_tally"


MODELS = (Entry, Place, Tally)


class Player(NamedTuple):
    """One of the processes: its number and how it calls a queryset's verbs."""

    number: int
    call: Callable[..., Any]
    wait: Callable[[], Any]


def find_or_make(player: Player, turn: int) -> tuple[int, bool]:
    row, created = player.call(Entry.objects, "get_or_create", name=f"found {turn}", defaults={"winner": player.number})
    return row.pk, created


def change_or_make(player: Player, turn: int) -> tuple[int, bool]:
    row, created = player.call(
        Entry.objects, "update_or_create", name=f"changed {turn}", defaults={"winner": player.number}
    )
    return row.pk, created


def write_over_by_name(player: Player, turn: int) -> int:
    row = Entry(name=f"over {turn}", winner=player.number)
    player.call(Entry.objects, "upsert", row, unique_fields=["name"])
    return int(row.pk)


def write_over_by_key(player: Player, turn: int) -> str:
    row = Place(id=f"key {turn}", winner=player.number)
    player.call(Place.objects, "upsert", row)
    return row.id


def write_many_over(player: Player, turn: int) -> list[str]:
    """Every other process takes the rows from the other end."""
    rows = [Place(id=f"{player.number} {turn} {seat}", row=turn, seat=seat) for seat in range(GROUP)]
    unique, changed = ["row", "seat"], ["winner"]
    way = slice(None, None, -1 if player.number % 2 else 1)
    player.call(
        Place.objects, "bulk_create", rows[way], update_conflicts=True, unique_fields=unique, update_fields=changed
    )
    return [row.id for row in rows]


def change_many(player: Player, turn: int) -> int:
    """Every other process takes the rows from the other end."""
    rows = [Place(id=f"many {seat}", winner=player.number) for seat in range(GROUP)]
    way = slice(None, None, -1 if player.number % 2 else 1)
    return int(player.call(Place.objects, "bulk_update", rows[way], ["winner"]))


def skip_what_is_there(player: Player, turn: int) -> None:
    rows = [Entry(name=f"skipped {turn} {seat}", winner=player.number) for seat in range(GROUP)]
    way = slice(None, None, -1 if player.number % 2 else 1)
    player.call(Entry.objects, "bulk_create", rows[way], ignore_conflicts=True)


def count_up(player: Player, turn: int) -> int:
    return sum(player.call(Tally.objects.filter(pk=1), "update", count=F("count") + 1) for _ in range(COUNTED))


def change_one_version(player: Player, turn: int) -> int:
    row = player.call(Tally.objects, "get", pk=2)
    other = player.call(Tally.objects, "get", pk=3)
    row.count, other.count = row.count + 1, other.count + 1
    player.wait()
    return int(player.call(Tally.objects, "bulk_update", [row, other], ["count"]))


def change_versions_through(player: Player, turn: int) -> bool:
    _, created = player.call(Tally.objects, "update_or_create", pk=4, defaults={"count": player.number})
    return bool(created)


RACES = (
    find_or_make,
    change_or_make,
    write_over_by_name,
    write_over_by_key,
    write_many_over,
    change_many,
    skip_what_is_there,
    count_up,
    change_one_version,
    change_versions_through,
)


def hold(store: Any, colour: str) -> dict[str, list[list[Any]]]:
    """Runs all races on a store; the answers by race, then by process, one for each round."""
    context = multiprocessing.get_context("spawn")
    barrier, queue = context.Barrier(PROCESSES), context.Queue()
    players = [
        context.Process(target=play, args=(store, colour, number, barrier, queue)) for number in range(PROCESSES)
    ]
    for player in players:
        player.start()
    answers = [queue.get(timeout=120) for _ in players]
    for player in players:
        player.join()
    errors = [answer for answer in answers if isinstance(answer, str)]
    assert not errors, "\n".join(errors)
    return {race.__name__: [answer[race.__name__] for answer in answers] for race in RACES}


def play(store: Any, colour: str, number: int, barrier: Any, queue: Any) -> None:
    """What one process does."""
    try:
        with Store({"default": store}) as opened, asyncio.Runner() as runner:

            def call(query: Any, verb: str, *arguments: Any, **named: Any) -> Any:
                if colour == "sync":
                    return getattr(query, verb)(*arguments, **named)
                return runner.run(_call(getattr(query, f"a{verb}"), arguments, named))

            player = Player(number, call, lambda: barrier.wait(60))
            queue.put({race.__name__: [_released(race, player, turn) for turn in range(ROUNDS)] for race in RACES})
            if colour == "async":
                runner.run(opened.aclose())
    except BaseException:
        barrier.abort()
        queue.put(traceback.format_exc())


def _released(race: Callable[[Player, int], Any], player: Player, turn: int) -> Any:
    player.wait()
    return race(player, turn)


async def _call(verb: Any, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    return await verb(*arguments, **named)
