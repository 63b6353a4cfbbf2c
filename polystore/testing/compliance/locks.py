"""Reads that lock rows: compiled where a store does, refused outside of a transaction, never ignored; rule I7."""

from __future__ import annotations

from typing import Any

import pytest

from polystore import Count, Feature, QuerySet
from polystore.errors import FieldError, QueryUsageError, TransactionManagementError
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything

rows = Everything.objects
LOCKED = rows.filter(number__gte=1).select_for_update()


@rule("I7", needs=[Feature.ROW_LOCKS])
@pytest.mark.parametrize("verb", ["rows", "first", "last", "get", "get_or_none"])
def test_rows_are_locked_within_a_transaction_only(db: Db, verb: str) -> None:
    with (
        db.commands(0),
        pytest.raises(TransactionManagementError, match=r"Everything: select_for_update\(\).*transaction"),
    ):
        getattr(db(LOCKED.all()), verb)()


@rule("I7", needs=[Feature.ROW_LOCKS])
def test_pages_and_iterators_lock_within_a_transaction_only(db: Db) -> None:
    for ask in ("iterator", "keyset"):
        with db.commands(0), pytest.raises(TransactionManagementError, match="Everything"):
            getattr(db(LOCKED.order_by("number")), ask)()


@rule("I7", "K5", needs=[Feature.ROW_LOCKS])
@pytest.mark.parametrize("option", ["", "nowait", "skip_locked"])
def test_a_lock_is_explained_and_compiled(db: Db, option: str) -> None:
    query = rows.filter(number=1).select_for_update(option == "nowait", option == "skip_locked")
    with db.commands(0):
        text = query.explain()
    assert f"select_for_update({option and f'{option}=True'})" in text.splitlines()[0]
    assert {"": "FOR UPDATE", "nowait": "FOR UPDATE NOWAIT", "skip_locked": "FOR UPDATE SKIP LOCKED"}[option] in text


@rule("I7", "K5", needs=[Feature.ROW_LOCKS, Feature.LOCK_NO_KEY])
def test_a_lock_may_leave_the_key_alone(db: Db) -> None:
    with db.commands(0):
        assert "FOR NO KEY UPDATE" in rows.select_for_update(no_key=True, of=("self",)).explain()


@rule("I7")
def test_what_reads_no_rows_locks_none_and_is_refused(db: Db) -> None:
    db.given(Everything, [{"name": "a"}])
    groups = LOCKED.values("rank").annotate(n=Count("*"))
    unread: list[tuple[QuerySet[Any, Any], str]] = [
        (LOCKED, "count"),
        (LOCKED, "exists"),
        (groups, "rows"),
        (LOCKED.values("rank").distinct(), "rows"),
        (rows.client(max_rows=5).select_for_update(), "rows"),
    ]
    for query, verb in unread:
        with db.commands(0), pytest.raises(QueryUsageError, match=r"Everything: select_for_update\(\)"):
            getattr(db(query.all()), verb)()


@rule("I7")
def test_wrong_options_of_a_lock_are_refused(db: Db) -> None:
    with db.commands(0):
        with pytest.raises(QueryUsageError, match="not both"):
            rows.select_for_update(nowait=True, skip_locked=True)
        with pytest.raises(QueryUsageError, match="nowait"):
            rows.select_for_update(nowait=1)  # type: ignore[arg-type]  # the error is tested
        with pytest.raises(FieldError, match=r"of=.*'self' alone, not 'slef'.*did you mean 'self'"):
            rows.select_for_update(of=("slef",))


@rule("I7")
def test_writes_lock_what_they_change_by_themselves(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": 1}])
    assert db(LOCKED.all()).update(text="x") == 1
    assert db(LOCKED.all()).delete() == (1, {"Everything": 1})
