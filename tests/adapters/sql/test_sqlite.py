"""What is SQLite's own: connections of threads, memory, forks, registered functions, worker threads."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from polystore.adapters.sql import open
from polystore.adapters.sql.sqlite.dialect import after_prefix
from polystore.errors import ConcurrencyError, ConfigurationError, DataError, PolystoreError, StoreUnavailable
from polystore.query.nodes import All, Arithmetic, Column, Compare, Parameter, ParameterList, Within
from polystore.query.operations import Count
from polystore.query.operators import ArithmeticOperator, Operator
from polystore.schema.kinds import DecimalKind, IntKind
from tests.adapters.sql.items import ITEM, LABEL
from tests.adapters.sql.support import Db, opened

NAMES = ["title", "owner", "rank"]
COUNT = Count(LABEL, All())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "test.db"


def test_memory_is_shared_by_threads_and_colours() -> None:
    with opened("sqlite://") as db:
        db.reset(LABEL)
        threads = [threading.Thread(target=db.insert, args=(LABEL, NAMES, (f"{n}", n, n))) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        other = Db.__new__(Db)
        other.adapter, other.loop = db.adapter, asyncio.new_event_loop()
        other.backend = db.adapter.connect_async()
        assert other.execute(COUNT) == 8
        other.close()
        assert db.execute(COUNT) == 8


def test_each_store_in_memory_is_its_own() -> None:
    with opened("sqlite://") as one, opened("sqlite://") as other:
        one.reset(LABEL)
        with pytest.raises(ConfigurationError, match="lacks its table"):
            other.execute(COUNT)


def test_memory_ends_with_the_last_backend_that_uses_it() -> None:
    with opened("sqlite://") as db:
        db.reset(LABEL)
        second = db.adapter.connect()
        second.close()
        assert db.execute(COUNT) == 0
        db.backend.close()
        with pytest.raises(ConfigurationError):
            db.execute(COUNT)


def test_files_have_a_log_and_check_foreign_keys(path: Path) -> None:
    with opened(f"sqlite:///{path}", synchronous="normal") as db:
        db.reset(LABEL)
        connection = db.backend._sessions.current().connection
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
        assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
        assert connection.in_transaction is False


def test_the_connection_of_a_thread_goes_with_it(path: Path) -> None:
    with opened(f"sqlite:///{path}") as db:
        db.reset(LABEL)
        thread = threading.Thread(target=db.execute, args=(COUNT,))
        thread.start()
        thread.join()
        gc.collect()
        assert len(db.backend._sessions._opened) == 1


def test_closing_waits_for_running_commands_and_later_ones_open_again(path: Path) -> None:
    with opened(f"sqlite:///{path}") as db:
        db.reset(LABEL)
        failures: list[BaseException] = []

        def work() -> None:
            try:
                for _ in range(200):
                    db.execute(COUNT)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(50):
            db.backend.close()
        for thread in threads:
            thread.join()
        assert failures == []


def test_writers_wait_for_each_other(path: Path) -> None:
    with opened(f"sqlite:///{path}", synchronous="OFF", busy_timeout=30.0) as db:
        db.reset(LABEL)

        def work(name: int) -> None:
            for step in range(10):
                db.insert(LABEL, NAMES, (f"{name} {step}", None, None), (f"{name} {step} too", None, None))

        threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert db.execute(COUNT) == 120


def test_a_writer_that_waits_too_long_can_try_again(path: Path) -> None:
    with opened(f"sqlite:///{path}", busy_timeout=0.05) as db:
        db.reset(LABEL)
        blocker = sqlite3.connect(path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(ConcurrencyError, match="stayed locked by another writer; trying again may work") as caught:
            db.insert(LABEL, NAMES, ("a", None, None))
        assert caught.value.retryable
        blocker.execute("ROLLBACK")
        blocker.close()
        assert db.insert(LABEL, NAMES, ("a", None, None)) == [1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_opens_its_own_connection(path: Path) -> None:
    with opened(f"sqlite:///{path}") as db:
        db.reset(LABEL)
        connection = db.backend._sessions.current().connection
        child = os.fork()
        if child == 0:
            status = 1
            try:
                db.insert(LABEL, NAMES, ("child", None, None))
                status = 0 if db.backend._sessions.current().connection is not connection else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert db.execute(COUNT) == 1


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with (
        opened(f"sqlite:///{tmp_path}/no/such/folder/x.db") as db,
        pytest.raises(StoreUnavailable, match=r"folder/x\.db"),
    ):
        db.execute(COUNT)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 100)
    with opened(f"sqlite:///{path}") as db, pytest.raises(PolystoreError, match="not a database"):
        db.execute(COUNT)


def test_an_int_beyond_64_bits_is_refused_by_the_driver() -> None:
    with opened("sqlite://") as db:
        db.reset(LABEL)
        with pytest.raises(DataError, match="beyond 64 bits") as caught:
            db.insert(LABEL, NAMES, ("a", 2**63, None))
        assert isinstance(caught.value.__cause__, OverflowError)


def test_an_error_in_a_registered_function_tells_its_reason() -> None:
    with opened("sqlite://") as db:
        db.reset(ITEM)
        amount = ITEM.field("amount")
        zero = Arithmetic(ArithmeticOperator.DIVIDE, Column(amount), Parameter(0, IntKind()), DecimalKind())
        db.insert(ITEM, ["name", "count", "amount"], ("n", 1, Decimal("1.00")))
        with pytest.raises(DataError, match=r"Item: 1 / 0: division by zero"):
            db.execute(Count(ITEM, All((Compare(Column(amount), Operator.GT, zero),))), (0,))


@pytest.mark.parametrize("prefix", ["a", "az", "\ud7ff", "a\U0010ffff", "\U0010ffff", "", "ÿ", "\x7f"])
def test_the_value_after_a_prefix_parts_those_that_begin_with_it(prefix: str) -> None:
    connection = sqlite3.connect(":memory:")
    texts = [
        "",
        "a",
        "az",
        "az\U0010ffff",
        "b",
        "\ud7ff",
        "\ud7ffx",
        "\ue000",
        "\U0010ffff",
        "\U0010ffff!",
        "ÿ",
        "Ā",
        "\x7f",
        "\x80",
    ]
    connection.execute("CREATE TABLE t (x TEXT)")
    connection.executemany("INSERT INTO t VALUES (?)", [(text,) for text in texts])
    found = connection.execute("SELECT x FROM t WHERE x >= ? AND x < ?", (prefix, after_prefix(prefix))).fetchall()
    assert sorted(text for (text,) in found) == sorted(text for text in texts if text.startswith(prefix))
    connection.close()


def test_an_index_serves_equality_ranges_prefixes_and_lists(path: Path) -> None:
    with opened(f"sqlite:///{path}") as db:
        db.reset(LABEL)
        title = LABEL.field("title")
        for operator in (Operator.EXACT, Operator.GT, Operator.STARTSWITH):
            condition = Compare(Column(title), operator, Parameter(0, title.kind))
            plan = db.backend.analyze(db.adapter.compile(Count(LABEL, All((condition,)))).bind(("a",)))
            assert "SEARCH label USING" in plan, plan
        within = Within(Column(title), ParameterList(0, title.kind, 256))
        plan = db.backend.analyze(db.adapter.compile(Count(LABEL, All((within,)))).bind((("a",) * 256,)))
        assert "SEARCH label USING" in plan, plan


async def test_a_command_takes_one_hop_and_tasks_run_side_by_side(path: Path) -> None:
    adapter = open(f"sqlite:///{path}", {"workers": 2})
    backend = adapter.connect_async()
    await backend.create_all([LABEL])
    statement = adapter.compile(COUNT)
    answers = await asyncio.gather(*(backend.execute(statement.bind(())) for _ in range(50)))
    assert answers == [0] * 50
    names = [thread.name for thread in threading.enumerate() if str(path) in thread.name]
    assert 1 <= len(names) <= 2
    await backend.close()


async def test_a_cancelled_command_finishes_unseen(path: Path) -> None:
    adapter = open(f"sqlite:///{path}", {})
    backend = adapter.connect_async()
    await backend.create_all([LABEL])
    statement = adapter.compile(COUNT)
    for _ in range(20):
        task = asyncio.create_task(backend.execute(statement.bind(())))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await backend.execute(statement.bind(())) == 0
    await backend.close()


async def test_using_after_close_starts_anew(path: Path) -> None:
    adapter = open(f"sqlite:///{path}", {})
    backend: Any = adapter.connect_async()
    await backend.create_all([LABEL])
    await backend.close()
    assert await backend.execute(adapter.compile(COUNT).bind(())) == 0
    await backend.close()


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_the_engine_works_on_the_same_database(kind: str, path: Path) -> None:
    with opened("sqlite://" if kind == "memory" else f"sqlite:///{path}") as db:
        db.reset(LABEL)
        db.insert(LABEL, NAMES, ("a", 1, 1))
        engine = db.adapter.engine
        assert engine is db.adapter.engine
        with engine.begin() as connection:
            assert connection.exec_driver_sql("SELECT ps_fold(title) FROM label").fetchall() == [("a",)]
            connection.exec_driver_sql("INSERT INTO label (title) VALUES ('b')")
        engine.dispose()
        assert db.execute(COUNT) == 2
