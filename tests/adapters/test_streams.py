"""Streams of 50,000 rows hold a few of them at a time, end when they are given up, and survive what the server does."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from polystore import F, Field, Model, QuerySet, Store, field
from polystore.errors import PolystoreError

MANY = 50_000
CHUNK = 500
MOST_BYTES = 8_000_000
"""Far less than all rows take: their texts alone are 10,000,000 bytes."""


class Line(Model):
    """What there is much of."""

    number: Field[int] = field(index=True)
    text: Field[str] = field(max_length=300)

    class Meta:
        table = "streams_line"


SERVERS = [pytest.param(name, marks=pytest.mark.server(name)) for name in ("postgresql", "mariadb", "mongodb")]


@pytest.fixture(scope="module", params=["sqlite", *SERVERS])
def store(
    request: pytest.FixtureRequest, available_servers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A store with all lines."""
    folder: Path = tmp_path_factory.mktemp("streams")
    url = f"sqlite:///{folder}/lines.db" if request.param == "sqlite" else available_servers[request.param]
    with Store(url) as store:
        store.drop_all([Line])
        store.create_all([Line])
        Line.objects.bulk_create([Line(number=n, text=f"{n:0200}") for n in range(MANY)], batch_size=10_000)
        yield store
        store.drop_all([Line])


def backwards() -> QuerySet[Line]:
    """All lines in an order that no page can continue."""
    return Line.objects.order_by(F("number") * -1)


def read(query: QuerySet[Any, Any]) -> list[int]:
    """The numbers of the lines, and the most bytes that were held at a time."""
    tracemalloc.start()
    try:
        number = sum(1 for _ in query.iterator(chunk_size=CHUNK))
        return [number, tracemalloc.get_traced_memory()[1]]
    finally:
        tracemalloc.stop()


async def aread(query: QuerySet[Any, Any]) -> list[int]:
    tracemalloc.start()
    try:
        number = 0
        async for _ in query.aiterator(chunk_size=CHUNK):
            number += 1
        return [number, tracemalloc.get_traced_memory()[1]]
    finally:
        tracemalloc.stop()


def pairs() -> QuerySet[Line, Any]:
    """All lines, each once."""
    return Line.objects.values_list("number", "text").distinct().order_by("number")


@pytest.mark.parametrize(
    ("query", "colour"), [(backwards, "sync"), (backwards, "async"), (pairs, "sync")], ids=["sync", "async", "distinct"]
)
def test_few_rows_are_held_at_a_time(store: Store, query: Callable[[], QuerySet[Line, Any]], colour: str) -> None:
    async def main() -> list[int]:
        try:
            return await aread(query())
        finally:
            await store.aclose()

    number, most = read(query()) if colour == "sync" else asyncio.run(main())
    assert number == MANY
    assert most < MOST_BYTES


def test_a_stream_given_up_half_way_reads_no_further(store: Store) -> None:
    tracemalloc.start()
    try:
        for _ in range(12):  # more than a pool has
            for row in backwards().iterator(chunk_size=CHUNK):
                assert row.number == MANY - 1
                break
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
    assert Line.objects.count() == MANY


def test_an_async_stream_that_is_cancelled_gives_its_connection_back(store: Store) -> None:
    async def walk(begun: asyncio.Event) -> None:
        async for _ in backwards().aiterator(chunk_size=CHUNK):
            begun.set()
            await asyncio.sleep(0)

    async def main() -> int:
        for wait in (0, 0.001, 0.01) * 4:  # more than a pool has
            begun = asyncio.Event()
            task = asyncio.create_task(walk(begun))
            await begun.wait()
            await asyncio.sleep(wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        try:
            return await Line.objects.acount()
        finally:
            await store.aclose()

    assert asyncio.run(main()) == MANY


def cut(store: Store) -> None:
    """Has the server end whatever else it is asked for."""
    handle = store.handle(Line)
    if handle.connection.adapter.name == "mongodb":
        documents = store.collection(Line)
        idle = documents.database.client.admin.aggregate([{"$currentOp": {"idleCursors": True}}])
        cursors = [each["cursor"]["cursorId"] for each in idle if each.get("type") == "idleCursor"]
        documents.database.command({"killCursors": "streams_line", "cursors": cursors})
        documents.database.client.close()
        return
    engine = store.sql()
    with engine.connect() as connection:
        if handle.connection.adapter.name == "postgresql":
            others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            connection.execute(text(f"SELECT pg_terminate_backend(pid) {others}")).all()
        else:
            others = "FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
            for (number,) in connection.execute(text(f"SELECT id {others}")).all():
                connection.execute(text(f"KILL {number}"))
    engine.dispose()


@pytest.mark.parametrize("store", SERVERS, indirect=True)
def test_a_stream_that_the_server_ends_says_so_and_the_store_goes_on(store: Store) -> None:
    seen: list[int] = []

    def walk() -> None:
        for row in backwards().iterator(chunk_size=CHUNK):
            seen.append(row.number)
            if len(seen) == CHUNK:
                cut(store)

    with pytest.raises(PolystoreError) as caught:
        walk()
    assert CHUNK <= len(seen) < MANY
    assert caught.value.__cause__ is not None
    assert Line.objects.count() == MANY


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_stream_of_a_file_outlives_a_closed_store(store: Store) -> None:
    stream = backwards().iterator(chunk_size=CHUNK)
    assert next(stream).number == MANY - 1
    store.close()
    assert sum(1 for _ in stream) == MANY - 1
