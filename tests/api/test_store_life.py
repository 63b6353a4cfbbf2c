"""A store opens when it is first used, closes, opens again, and belongs to its thread, task, loop and process."""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from polystore import Store
from polystore.adapters.embedded import EmbeddedAsyncBackend
from polystore.errors import ConfigurationError
from tests.api.shop import Album, Recorder, RecordingBackend, told

NONE_OPEN = 'no store is open; open one first: Store({"default": "sqlite:///app.db"})'


class CountingRecorder(Recorder):
    """A recorder that counts how often it is connected."""

    connected = 0

    def connect(self) -> RecordingBackend:
        self.connected += 1
        return super().connect()

    def connect_async(self) -> EmbeddedAsyncBackend:
        self.connected += 1
        return EmbeddedAsyncBackend(super().connect())


@pytest.fixture
def counting() -> CountingRecorder:
    return CountingRecorder()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
def file_store(path: Path) -> Iterator[Store]:
    """A store in a file, with the table of albums."""
    with Store(f"sqlite:///{path}") as store:
        store.create_all([Album])
        yield store


# ---- opening and closing


def test_nothing_is_opened_before_the_first_query(counting: CountingRecorder, path: Path) -> None:
    with Store({"default": counting, "file": f"sqlite:///{path}"}):
        rows = Album.objects.filter(year__gt=1990).order_by("-year")[:3]
        rows.explain()
        rows.using("file").explain()
        repr(rows)
        assert Album.objects.filter(pk__in=[]).count() == 0
        assert counting.connected == 0
        list(rows)
        list(rows.all())
        Album.objects.count()
        assert counting.connected == 1
    assert not path.exists()


async def test_each_loop_opens_one_backend_of_its_own(counting: CountingRecorder) -> None:
    store = Store({"default": counting})
    await asyncio.gather(*(Album.objects.using(store).acount() for _ in range(5)))
    assert counting.connected == 1
    await asyncio.to_thread(asyncio.run, Album.objects.using(store).acount())
    assert counting.connected == 2
    assert Album.objects.using(store).count() == 0
    assert counting.connected == 3
    await store.aclose()


def test_a_closed_store_opens_again_when_it_is_used(path: Path) -> None:
    store = Store(f"sqlite:///{path}")
    store.create_all([Album])
    albums = Album.objects.using(store)
    albums.create(title="Boston")
    store.close()
    store.close()
    assert albums.count() == 1
    store.close()


def test_one_store_serves_one_loop_after_the_other(path: Path) -> None:
    store = Store(f"sqlite:///{path}")
    store.create_all([Album])

    async def add(title: str) -> int:
        await Album.objects.using(store).acreate(title=title)
        number = await Album.objects.using(store).acount()
        await store.aclose()
        return number

    assert [asyncio.run(add(title)) for title in ("a", "b")] == [1, 2]
    assert Album.objects.using(store).count() == 2
    store.close()


def test_leaving_the_last_block_closes_the_store(counting: CountingRecorder) -> None:
    store = Store({"default": counting})
    with store:
        with store:
            Album.objects.count()
        Album.objects.count()
        assert counting.connected == 1
    Album.objects.using(store).count()
    assert counting.connected == 2
    store.close()


def test_a_block_is_left_closed_when_it_fails(counting: CountingRecorder) -> None:
    with pytest.raises(ZeroDivisionError), Store({"default": counting}):
        1 / 0  # noqa: B018  # the failure is the point
    assert told(ConfigurationError, Album.objects.count) == NONE_OPEN


# ---- which store is current


def test_without_a_store_a_query_can_be_written_but_not_read() -> None:
    rows = Album.objects.filter(year=1990).order_by("title")[:3]
    for act in (rows.count, rows.explain, lambda: list(rows), Album(title="x").save):
        assert told(ConfigurationError, act) == NONE_OPEN


def test_the_last_store_made_is_the_default_until_it_is_closed() -> None:
    first, second = Store("memory://"), Store("memory://")
    Album.objects.create(title="in second")
    assert (Album.objects.using(first).count(), Album.objects.using(second).count()) == (0, 1)
    second.close()
    Album.objects.create(title="in first")
    assert Album.objects.using(first).count() == 1
    first.close()


def test_the_innermost_block_wins_over_the_last_store_made() -> None:
    outer, inner, last = Store("memory://"), Store("memory://"), Store("memory://")
    with outer:
        Album.objects.create(title="outer")
        with inner:
            assert Album.objects.count() == 0
        assert Album.objects.count() == 1
    assert Album.objects.count() == 0
    last.close()


def test_a_saved_instance_goes_back_to_the_store_that_it_came_from() -> None:
    with Store({"default": "memory://", "docs": "memory://"}):
        album = Album.objects.using("docs").create(title="Boston")
        album.title = "Live"
        album.save()
        assert Album.objects.count() == 0
        assert Album.objects.using("docs").get().title == "Live"
        album.delete()
        assert Album.objects.using("docs").count() == 0


async def test_a_block_binds_its_own_task_only() -> None:
    inside, outside = asyncio.Event(), asyncio.Event()
    bound, default = Store("memory://"), Store("memory://")

    async def within() -> int:
        async with bound:
            await Album.objects.acreate(title="bound")
            inside.set()
            await outside.wait()
            return await Album.objects.acount()

    async def beside() -> int:
        await inside.wait()
        number = await Album.objects.acount()
        outside.set()
        return number

    assert await asyncio.gather(within(), beside()) == [1, 0]
    await default.aclose()


def test_a_block_binds_its_own_thread_only() -> None:
    default = Store("memory://")
    with Store("memory://"):
        Album.objects.create(title="bound")
        default_again = Store("memory://")
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(Album.objects.count()))
        thread.start()
        thread.join()
    assert found == [0]
    default_again.close()
    default.close()


# ---- threads, tasks, forks


@pytest.mark.parametrize("url", ["sqlite:///{path}", "sqlite://", "memory://"])
def test_threads_share_one_store(url: str, path: Path) -> None:
    with Store(url.format(path=path)) as store, ThreadPoolExecutor(8) as pool:
        store.create_all([Album])
        albums = Album.objects.using(store)

        def work(number: int) -> int:
            album = albums.create(title=f"t{number}", year=1900 + number)
            album.live = True
            album.save()
            return albums.get(year=1900 + number).pk

        keys = list(pool.map(work, range(80)))
        assert len(set(keys)) == albums.filter(live=True).count() == 80


@pytest.mark.parametrize("url", ["sqlite:///{path}", "sqlite://", "memory://"])
async def test_tasks_share_one_store(url: str, path: Path) -> None:
    async with Store(url.format(path=path)) as store:
        await store.acreate_all([Album])

        async def work(number: int) -> int:
            album = await Album.objects.acreate(title=f"t{number}", year=1900 + number)
            album.live = True
            await album.asave()
            return (await Album.objects.aget(year=1900 + number)).pk

        keys = await asyncio.gather(*(work(number) for number in range(80)))
        assert len(set(keys)) == await Album.objects.filter(live=True).acount() == 80


def test_a_forked_child_uses_a_connection_of_its_own(file_store: Store) -> None:
    Album.objects.create(title="parent")
    connection = file_store.handle(Album).connection
    backend = connection.backend
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of other tests may still be ending
        child = os.fork()
    if child == 0:
        status = 1
        try:
            Album.objects.create(title="child")
            own = connection.backend is not backend
            status = 0 if own and Album.objects.count() == 2 else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert connection.backend is backend
    assert list(Album.objects.order_by("pk").values_list("title", flat=True)) == ["parent", "child"]
