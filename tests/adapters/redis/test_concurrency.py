"""Many writers at once: nothing is lost, nothing is there twice."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import pytest

from polystore import F, Field, Model, Store, field
from polystore.adapters.redis import open as open_redis
from polystore.errors import StaleObject, UniqueViolation
from tests.adapters.redis.audit import audit
from tests.adapters.redis.conftest import wipe


class Seat(Model):
    place: Field[int] = field(unique=True)
    holder: Field[str] = field(index=True)
    taken: Field[int] = field(default=0, index=True)


class Document(Model):
    text: Field[str] = field(default="", index=True)
    edition: Field[int] = field(default=0, version=True)


@pytest.fixture
def store(url: str, settings: dict[str, Any]) -> Iterator[Store]:
    store = Store({"default": {"url": url, **settings}})
    with store:
        yield store
    wipe(open_redis(url, settings), settings["namespace"])


def check(store: Store, model: type[Model]) -> int:
    handle = store.handle(model)
    adapter: Any = handle.connection.adapter
    return audit(adapter, handle.schema)


def take_seats(store: Store, holder: str) -> int:
    won = 0
    for place in range(40):
        try:
            Seat.objects.using(store).create(place=place, holder=holder)
        except UniqueViolation:
            continue
        won += 1
    return won


def test_threads_that_want_the_same_values_get_each_once(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(lambda name: take_seats(store, name), "abcd"))
    assert sum(won) == 40
    assert check(store, Seat) == 40
    assert [Seat.objects.using(store).filter(holder=name).count() for name in "abcd"] == won


def test_threads_that_count_up_lose_nothing(store: Store) -> None:
    row = Seat.objects.using(store).create(place=1, holder="a")

    def count_up(_: int) -> None:
        for _ in range(15):
            assert Seat.objects.using(store).filter(pk=row.pk).update(taken=F("taken") + 1) == 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count_up, range(4)))
    assert Seat.objects.using(store).get(taken=60).pk == row.pk
    assert check(store, Seat) == 1


def test_of_two_who_edit_the_same_edition_one_is_refused(store: Store) -> None:
    key = Document.objects.using(store).create().pk

    def edit(name: int) -> int:
        done = 0
        while done < 10:
            row = Document.objects.using(store).get(pk=key)
            row.text += f"{name}"
            try:
                row.save()
            except StaleObject:
                continue
            done += 1
        return done

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(edit, range(3)))
    assert sorted(Document.objects.using(store).get(pk=key).text) == sorted("0" * 10 + "1" * 10 + "2" * 10)


def test_what_is_read_fulfils_the_condition_while_rows_change(store: Store) -> None:
    seats = Seat.objects.using(store)
    seats.bulk_create([Seat(place=n, holder="a", taken=n % 2) for n in range(30)])

    def swap(_: int) -> None:
        for _ in range(15):
            seats.filter(taken__gte=0).update(taken=1 - F("taken"))

    def read(_: int) -> int:
        found = 0
        for _ in range(40):
            rows = list(seats.filter(taken=1).order_by("id"))
            assert all(row.taken == 1 for row in rows)
            assert [row.pk for row in rows] == sorted({row.pk for row in rows})
            found += len(rows)
        return found

    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(swap, 0), pool.submit(read, 0), pool.submit(read, 1)]
        found = [job.result() for job in jobs]
    assert min(found[1:]) > 0
    assert check(store, Seat) == 30


async def test_tasks_that_want_the_same_values_get_each_once(store: Store) -> None:
    async def take(holder: str) -> int:
        won = 0
        for place in range(20):
            try:
                await Seat.objects.using(store).acreate(place=place, holder=holder)
            except UniqueViolation:
                continue
            won += 1
        return won

    async with aclosing(store):
        won = await asyncio.gather(*(take(name) for name in "abcdefgh"))
        assert sum(won) == 20
        assert await Seat.objects.using(store).acount() == 20
    assert check(store, Seat) == 20


async def test_tasks_that_count_up_lose_nothing(store: Store) -> None:
    async with aclosing(store):
        row = await Seat.objects.using(store).acreate(place=1, holder="a")
        counted = [Seat.objects.using(store).filter(pk=row.pk).aupdate(taken=F("taken") + 1) for _ in range(25)]
        assert await asyncio.gather(*counted) == [1] * 25
        assert (await Seat.objects.using(store).aget(pk=row.pk)).taken == 25


# ---- processes


def work(url: str, namespace: str, name: str, results: Any) -> None:
    store = Store({"default": {"url": url, "namespace": namespace}})
    won = take_seats(store, name)
    for _ in range(20):
        Seat.objects.using(store).filter(place=0).update(taken=F("taken") + 1)
    keys = [each.pk for each in Document.objects.using(store).bulk_create([Document() for _ in range(30)])]
    keys += [Document.objects.using(store).create().pk for _ in range(10)]
    results.put((won, keys))


@pytest.mark.server("redis")
@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_processes_share_a_store(available_servers: Mapping[str, str], method: str) -> None:
    url, namespace = available_servers["redis"], f"test-{uuid4().hex}"
    store = Store({"default": {"url": url, "namespace": namespace}})
    assert Seat.objects.using(store).count() == 0
    context = multiprocessing.get_context(method)
    results = context.Queue()
    workers = [context.Process(target=work, args=(url, namespace, name, results)) for name in "abc"]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    try:
        assert sum(won for won, _ in found) == 40
        keys = [key for _, keys in found for key in keys]
        assert len(keys) == len(set(keys)) == 120
        assert Seat.objects.using(store).get(place=0).taken == 60
        assert check(store, Seat) == 40
        assert check(store, Document) == 120
    finally:
        wipe(open_redis(url, {"namespace": namespace}), namespace)


@pytest.mark.server("redis")
def test_a_forked_child_uses_connections_of_its_own(available_servers: Mapping[str, str]) -> None:
    url, namespace = available_servers["redis"], f"test-{uuid4().hex}"
    adapter = open_redis(url, {"namespace": namespace})
    backend = adapter.connect()
    backend.ping()
    (kept,) = backend._link.channel._free
    context = multiprocessing.get_context("fork")
    results = context.Queue()

    def look() -> None:
        empty = backend._link.channel._free == []
        backend.ping()
        results.put(empty and backend._link.channel._free[0] is not kept)

    child = context.Process(target=look)
    child.start()
    assert results.get(timeout=30) is True
    child.join()
    assert backend._link.channel._free == [kept]
    backend.ping()
