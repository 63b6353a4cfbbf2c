"""What only servers do: close connections, refuse, run out; and what their indexes and case folding give."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import psycopg
import pymysql
import pytest
from sqlalchemy import make_url

from polystore.adapters.sql import open
from polystore.errors import ConcurrencyError, ConfigurationError, DataError, StoreUnavailable
from polystore.query.nodes import All, Parameter
from polystore.query.operations import Assignment, Count, Delete, Select, Update
from polystore.query.operators import Operator
from polystore.schema.kinds import IntKind
from tests.adapters.sql.items import FOLDED_ALIKE, ITEM, LABEL
from tests.adapters.sql.support import Db, opened, where

NAMES = ["title", "owner", "rank"]
ITEM_NAMES = ["name", "count", "amount", "text"]
COUNT = Count(LABEL, All())


def _kill_idle(db: Db) -> None:
    """Has the server close the connections that lie idle, from outside."""
    connections = [session._connection for session in db.backend._idle]
    assert connections
    url = make_url(os.environ[f"POLYSTORE_TEST_{db.adapter.name.upper()}"])
    if db.adapter.name == "postgresql":
        with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False)) as admin:
            for connection in connections:
                admin.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
    else:
        admin_of_mysql = _mysql(url)
        with admin_of_mysql.cursor() as cursor:
            for connection in connections:
                cursor.execute(f"KILL {int(connection.thread_id())}")
        admin_of_mysql.close()
    db.run(_pause(db))


def _mysql(url: Any) -> Any:
    return pymysql.connect(
        host=url.host, port=url.port or 3306, user=url.username, password=url.password or "", database=url.database
    )


def _pause(db: Db) -> Any:
    """Gives the news of a closed socket time to arrive."""
    if db.loop is None:
        return time.sleep(0.2)  # type: ignore[func-returns-value]  # None, as the coroutine's answer
    return asyncio.sleep(0.2)


@pytest.fixture
def labels(served: Db) -> Db:
    served.reset(LABEL)
    return served


def test_a_read_after_the_server_closed_the_connection_is_answered(labels: Db) -> None:
    assert labels.execute(COUNT) == 0
    _kill_idle(labels)
    assert labels.execute(COUNT) == 0


def test_a_write_after_the_server_closed_the_connection_is_done_once(labels: Db) -> None:
    _kill_idle(labels)
    labels.insert(LABEL, NAMES, ("a", None, None))
    assert labels.execute(COUNT) == 1


def test_a_write_whose_connection_breaks_is_not_repeated(labels: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    labels.insert(LABEL, NAMES, ("a", None, None))
    for session in labels.backend._idle:
        monkeypatch.setattr(session, "is_stale", lambda: False)
    _kill_idle(labels)
    with pytest.raises(StoreUnavailable) as caught:
        labels.execute(Delete(LABEL, All()))
    assert caught.value.__cause__ is not None
    assert labels.execute(COUNT) == 1


def test_a_read_whose_connection_breaks_without_an_answer_is_asked_again(
    labels: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels.execute(COUNT)
    (session,) = labels.backend._idle
    asked = []

    def broken(*arguments: Any) -> Any:
        asked.append(arguments)
        if labels.adapter.name == "postgresql":
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        raise labels.backend._server.driver_errors[0](2013, "Lost connection to the server during query")

    async def broken_async(*arguments: Any) -> Any:
        broken(*arguments)

    monkeypatch.setattr(session, "run", broken if labels.loop is None else broken_async)
    monkeypatch.setattr(session, "is_usable", lambda: False)
    assert labels.execute(COUNT) == 0
    assert len(asked) == 1
    assert session not in labels.backend._idle


def test_an_error_leaves_the_connection_usable(labels: Db) -> None:
    labels.insert(LABEL, NAMES, ("a", None, None))
    (session,) = labels.backend._idle
    for _ in range(3):
        with pytest.raises(Exception, match="already has"):
            labels.insert(LABEL, NAMES, ("a", None, None))
    assert labels.backend._idle == [session]
    assert labels.execute(COUNT) == 1


def test_a_broken_batch_leaves_no_transaction_open(labels: Db) -> None:
    labels.insert(LABEL, NAMES, ("taken", None, None))
    rows = [(f"{number} {'x' * 30}", None, None) for number in range(30_000)]
    with pytest.raises(Exception, match="already has"):
        labels.insert(LABEL, NAMES, *rows, ("taken", None, None))
    with opened(os.environ[f"POLYSTORE_TEST_{labels.adapter.name.upper()}"]) as other:
        assert other.execute(COUNT) == 1
        other.insert(LABEL, NAMES, ("free", None, None))
    assert labels.execute(COUNT) == 2


def test_closing_and_using_again_opens_a_new_connection(labels: Db) -> None:
    labels.insert(LABEL, NAMES, ("a", None, None))
    labels.run(labels.backend.close())
    assert labels.backend._idle == []
    assert labels.execute(COUNT) == 1


def test_a_changed_table_does_not_leave_stale_statements(url: str, colour: str) -> None:
    with opened(url, colour) as db:
        db.reset(LABEL)
        db.insert(LABEL, NAMES, ("a", 1, 1))
        assert db.rows(LABEL, ["rank"]) == [(1,)]
        with opened(url) as other:
            _alter(other)
        assert [int(rank) for (rank,) in db.rows(LABEL, ["rank"])] == [1]


def _alter(db: Db) -> None:
    engine = db.adapter.engine
    with engine.begin() as connection:
        alter = "ALTER COLUMN rank TYPE numeric" if db.adapter.name == "postgresql" else "MODIFY `rank` INT"
        connection.exec_driver_sql(f"ALTER TABLE label {alter}")
    engine.dispose()


def test_keys_that_come_in_steps_are_told_right(labels: Db) -> None:
    labels.insert(LABEL, NAMES, ("first", None, None))
    if labels.adapter.name == "postgresql":
        labels.run(_set(labels, "ALTER SEQUENCE label_id_seq INCREMENT BY 3"))
    else:
        labels.run(_set(labels, "SET auto_increment_increment = 3"))
        labels.backend._idle[0]._step = 3
    rows = [(f"{number}", None, None) for number in range(10)]
    keys = labels.insert(LABEL, NAMES, *rows)
    found = {row[0]: row[1] for row in labels.rows(LABEL)}
    assert [found[key] for key in keys] == [row[0] for row in rows]
    assert {later - earlier for earlier, later in pairwise(keys)} == {3}


# ---- not enough connections


async def _reset(backend: Any) -> None:
    await backend.drop_all([LABEL])
    await backend.create_all([LABEL])


def test_a_pool_without_a_free_connection_says_so(url: str) -> None:
    with opened(url, pool_size=1, pool_timeout=0.1) as db:
        db.reset(LABEL)
        session = db.backend._lease()
        with pytest.raises(StoreUnavailable, match=r"all 1 connections were in use for 0\.1 seconds; raise pool_size"):
            db.execute(COUNT)
        db.backend._give_back(session)
        assert db.execute(COUNT) == 0


async def test_many_tasks_share_few_connections(url: str) -> None:
    adapter = open(url, {"pool_size": 3})
    backend = adapter.connect_async()
    await _reset(backend)
    prepared = adapter.compile(COUNT)
    answers = await asyncio.gather(*(backend.execute(prepared.bind(())) for _ in range(100)))
    assert answers == [0] * 100
    assert len(backend._idle) <= 3
    await backend.close()


def test_many_threads_share_few_connections(url: str) -> None:
    with opened(url, pool_size=3) as db:
        db.reset(LABEL)
        answers: list[Any] = []

        def work(name: int) -> None:
            for step in range(20):
                db.insert(LABEL, NAMES, (f"{name}-{step}", None, None))
                answers.append(db.execute(COUNT))

        _in_threads(work, 8)
        assert len(answers) == 160
        assert db.execute(COUNT) == 160
        assert len(db.backend._idle) <= 3


def _in_threads(work: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def test_a_cancelled_command_does_not_spoil_the_connection(url: str) -> None:
    adapter = open(url, {"pool_size": 1, "pool_timeout": 5.0})
    backend = adapter.connect_async()
    await _reset(backend)
    prepared = adapter.compile(COUNT)
    await backend.execute(prepared.bind(()))
    for _ in range(10):
        task = asyncio.create_task(backend.execute(prepared.bind(())))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await backend.execute(prepared.bind(())) == 0
    await backend.close()


async def test_cancelled_waiters_pass_their_turn_on(url: str) -> None:
    adapter = open(url, {"pool_size": 1, "pool_timeout": 5.0})
    backend = adapter.connect_async()
    await _reset(backend)
    prepared = adapter.compile(COUNT)
    session = await backend._lease()
    waiters = [asyncio.create_task(backend.execute(prepared.bind(()))) for _ in range(4)]
    await asyncio.sleep(0.05)
    waiters[0].cancel()
    waiters[2].cancel()
    await backend._give_back(session)
    answers = await asyncio.gather(*waiters, return_exceptions=True)
    assert [answers[1], answers[3]] == [0, 0]
    await backend.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_uses_connections_of_its_own(url: str) -> None:
    with opened(url) as db:
        db.reset(LABEL)
        db.insert(LABEL, NAMES, ("parent", None, None))
        (session,) = db.backend._idle
        child = os.fork()
        if child == 0:
            status = 1
            try:
                db.insert(LABEL, NAMES, ("child", None, None))
                status = 0 if session not in db.backend._idle and db.execute(COUNT) == 2 else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert db.execute(COUNT) == 2
        assert db.backend._idle == [session]


# ---- servers that cannot be used


def _with(url: str, **changes: Any) -> str:
    return make_url(url).set(**changes).render_as_string(hide_password=False)


def _refused(url: str, colour: str) -> Exception:
    with opened(url, colour, connect_timeout=2.0) as db:
        with pytest.raises((StoreUnavailable, ConfigurationError)) as caught:
            db.execute(COUNT)
        assert caught.value.__cause__ is not None
        return caught.value


def test_an_unreachable_server_is_named_without_its_password(url: str, colour: str) -> None:
    error = _refused(_with(url, username="me", password="secret", port=1, host="127.0.0.1"), colour)
    assert isinstance(error, StoreUnavailable)
    assert "me:***@127.0.0.1:1" in str(error)
    assert "secret" not in str(error)


def test_an_unknown_database_is_named(url: str, colour: str) -> None:
    error = _refused(_with(url, database="polystore_no_such_database"), colour)
    assert isinstance(error, ConfigurationError)
    assert "polystore_no_such_database" in str(error)
    assert "create it, or correct the URL" in str(error)


def test_an_unknown_user_is_refused_without_showing_the_password(url: str, colour: str) -> None:
    error = _refused(_with(url, username="polystore_nobody", password="secret"), colour)
    assert isinstance(error, ConfigurationError)
    assert "secret" not in str(error)


def test_a_missing_table_says_what_makes_it(served: Db) -> None:
    served.run(served.backend.drop_all([LABEL]))
    with pytest.raises(ConfigurationError, match=r"Label: .* lacks its table .* create_all\(\)"):
        served.execute(COUNT)


def test_ping_answers(served: Db) -> None:
    assert served.run(served.backend.ping()) is None


def test_a_row_beyond_what_the_server_takes_is_refused(served: Db) -> None:
    served.reset(ITEM)
    if served.adapter.name == "postgresql":
        assert served.insert(ITEM, ITEM_NAMES, ("n", 0, Decimal("0.00"), "x" * 20_000_000)) == [1]
        return
    with pytest.raises(DataError, match=r"Item: a row takes more than the .* raise its max_allowed_packet"):
        served.insert(ITEM, ITEM_NAMES, ("n", 0, Decimal("0.00"), "x" * 20_000_000))
    assert served.rows(ITEM) == []


def test_a_connection_that_is_lost_over_a_command_beyond_what_the_server_takes_is_no_outage(
    labels: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels.insert(LABEL, NAMES, ("a", None, None))
    if labels.adapter.name == "postgresql":
        return
    lost = labels.backend._server.driver_errors[0](2006, "MySQL server has gone away (Connection reset by peer)")

    def hang_up(*_: Any) -> Any:
        raise lost

    async def hang_up_async(*_: Any) -> Any:
        raise lost

    update = Update(LABEL, All(), (Assignment(LABEL.field("title"), Parameter(0, LABEL.field("title").kind)),))
    for size, expected in ((20_000_000, DataError), (20, StoreUnavailable)):
        (session,) = labels.backend._idle
        with monkeypatch.context() as patch:
            patch.setattr(session, "_run", hang_up if labels.loop is None else hang_up_async)
            with pytest.raises(expected, match="Label: a row takes more" if size > 20 else "gone away"):
                labels.execute(update, ("x" * size,))
        assert labels.execute(COUNT) == 1


def test_explain_asks_the_server_and_writes_nothing(labels: Db) -> None:
    labels.insert(LABEL, NAMES, ("a", 1, 1))
    adapter = labels.adapter
    assert "label" in labels.run(labels.backend.analyze(adapter.compile(COUNT).bind(()))).lower()
    delete = adapter.compile(Delete(LABEL, where(LABEL, "title")))
    assert labels.run(labels.backend.analyze(delete.bind(("a",))))
    assert labels.execute(COUNT) == 1


def test_a_deadlock_is_a_concurrency_error_to_try_again(labels: Db) -> None:
    labels.insert(LABEL, NAMES, ("a", 1, 1), ("b", 2, 2))
    engine = labels.adapter.engine
    change = Update(LABEL, where(LABEL, "title"), (Assignment(LABEL.field("rank"), Parameter(1, IntKind())),))
    with engine.connect() as blocker:
        timeout = (
            "SET lock_timeout = '200ms'" if labels.adapter.name == "postgresql" else "SET innodb_lock_wait_timeout = 1"
        )
        labels.run(_set(labels, timeout))
        blocker.exec_driver_sql("UPDATE label SET owner = 9 WHERE title = 'a'")
        with pytest.raises(ConcurrencyError, match=r"Label: .*trying again may work") as caught:
            labels.execute(change, ("a", 5))
        assert caught.value.retryable
        blocker.rollback()
    engine.dispose()
    assert labels.execute(change, ("a", 5)) == 1


def _set(db: Db, text: str) -> Any:
    (session,) = db.backend._idle
    return session._cursor.execute(text)


def test_indexes_serve_what_they_are_made_for(labels: Db) -> None:
    if labels.adapter.name == "postgresql":
        labels.run(_set(labels, "SET enable_seqscan = off"))
    rows = [(f"Title {number}", number % 100, None) for number in range(2000)]
    labels.insert(LABEL, NAMES, *rows)
    title = LABEL.field("title")
    questions = [(Operator.EXACT, "Title 7", "label_title_key"), (Operator.STARTSWITH, "Title 77", "label_title_key")]
    if labels.adapter.name == "postgresql":
        questions += [(Operator.IEXACT, "tITLE 7", "label_title_fold"), (Operator.ISTARTSWITH, "tITLE 77", "fold")]
    for operator, value, index in questions:
        count = labels.adapter.compile(Count(LABEL, where(LABEL, title.name, operator)))
        assert index in labels.run(labels.backend.analyze(count.bind((value,)))), operator
    expected = sum(1 for row in rows if row[0].startswith("Title 77"))
    assert labels.execute(Count(LABEL, where(LABEL, "title", Operator.ISTARTSWITH)), ("tITLE 77",)) == expected


def test_case_folding_is_unicode_s_simple_one(labels: Db) -> None:
    same = [set(group) for group in FOLDED_ALIKE]
    texts = [f"x{each}y" for group in same for each in sorted(group)]
    labels.insert(LABEL, NAMES, *[(text, None, None) for text in texts])
    for group in same:
        expected = sorted(f"x{each}y" for each in group)
        for text in expected:
            for operator, value in [
                (Operator.IEXACT, text),
                (Operator.ICONTAINS, text[1]),
                (Operator.ISTARTSWITH, text[:2]),
                (Operator.IENDSWITH, text[1:]),
            ]:
                found = labels.execute(
                    Select(LABEL, (LABEL.field("title"),), where(LABEL, "title", operator)), (value,)
                )
                assert sorted(title for (title,) in found) == expected, (operator, value)
