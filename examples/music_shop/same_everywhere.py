"""One model, one set of queries, every kind of store: only the route changes, and the answers must not."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from time import perf_counter
from typing import Any, NamedTuple

from pydantic import BaseModel
from rich import box
from rich.console import Console
from rich.table import Table

from examples.music_shop.load import rows
from examples.music_shop.models import Track
from examples.music_shop.queries import QUERIES, Query
from polystore import QuerySet, Store
from polystore.errors import NotSupportedError


class Answer(NamedTuple):
    """What a store answered, as plain values (a refusal is one), and how long that took."""

    value: Any
    milliseconds: float


def same_everywhere(urls: Mapping[str, str], console: Console) -> bool:
    """Routes the tracks to each store in turn, asks it everything and shows the answers side by side.

    Returns:
        Whether every answer is equal to that of the first store.
    """
    with ExitStack() as opened:
        stores = [opened.enter_context(Store(urls, routes={"Track": name})) for name in urls]
        kinds = [url.partition(":")[0] for url in urls.values()]
        filled = [fill(store) for store in stores]
        answers = [[ask(store, query) for query in QUERIES] for store in stores]
        console.print(comparison(kinds, filled, answers))
        explain_one(stores, kinds, console)
        refuse_one(stores, kinds, console)
        for store in stores:
            store.drop_all([Track])
    return all(answer.value == answers[0][place].value for given in answers for place, answer in enumerate(given))


def fill(store: Store) -> float:
    """Writes all tracks; answers the milliseconds it took."""
    tracks = [Track(**row) for row in rows("track")]
    store.drop_all([Track])
    store.create_all([Track])
    start = perf_counter()
    store.repository(Track).add_many(tracks)
    return (perf_counter() - start) * 1000


def ask(store: Store, query: Query) -> Answer:
    """The answer of one store to one query."""
    start = perf_counter()
    with store:
        try:
            value = plain(query())
        except NotSupportedError as refusal:
            value = refusal
    return Answer(value, (perf_counter() - start) * 1000)


def plain(value: Any) -> Any:
    """An answer with its rows read, as values that compare across stores."""
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, QuerySet | list | tuple):
        return [plain(item) for item in value]
    return value


def comparison(kinds: list[str], filled: list[float], answers: list[list[Answer]]) -> Table:
    """A line for each query: a tick and the time for each store whose answer is that of the first one."""
    table = Table(title=f"{len(rows('track')):,} tracks, {len(kinds)} stores, the same code", box=box.SIMPLE_HEAD)
    table.add_column("")
    for kind in kinds:
        table.add_column(f"{kind}, ms", justify="right")
    table.add_row("bulk_create()", *(f"{taken:,.0f}  " for taken in filled), style="dim", end_section=True)
    for place, query in enumerate(QUERIES):
        expected = answers[0][place].value
        table.add_row(query.__doc__, *(_cell(given[place], expected) for given in answers))
    return table


def _cell(answer: Answer, expected: Any) -> str:
    if isinstance(answer.value, NotSupportedError):
        return "[red]refused ✗[/]"
    mark = "[green]✓[/]" if answer.value == expected else "[red]✗[/]"
    return f"{answer.milliseconds:,.1f} {mark}"


def explain_one(stores: list[Store], kinds: list[str], console: Console) -> None:
    """Shows one query as each store gets it; nothing is sent."""
    console.rule("explain(): one query, as each store gets it")
    for store, kind in zip(stores, kinds, strict=True):
        query = Track.objects.using(store).filter(genre_id=1, milliseconds__gte=600_000).order_by("-milliseconds")
        console.print(f"[bold]{kind}[/]")
        console.print(query.values("name", "milliseconds")[:5].explain(), markup=False, highlight=False)


def refuse_one(stores: list[Store], kinds: list[str], console: Console) -> None:
    """Shows that a store which cannot answer says so, and what would work, before anything is sent."""
    console.rule('filter(name__icontains="love") without client()')
    for store, kind in zip(stores, kinds, strict=True):
        try:
            answer = f"{Track.objects.using(store).filter(name__icontains='love').count()} tracks"
        except NotSupportedError as refusal:
            answer = f"{type(refusal).__name__}: {refusal}"
        console.print(f"[bold]{kind}[/]: ", end="")
        console.print(answer, markup=False, highlight=False)
