"""Writes of many rows on SQLite: one prepared statement, run for each row in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from polystore.adapters.sql.prepared import EachStatement, InsertStatement


def insert(connection: sqlite3.Connection, statement: InsertStatement, rows: Sequence[Any]) -> list[Any]:
    """Inserts all rows or none; answers the keys allocated, or what is told of each row."""
    if statement.conflict is not None:
        return _insert_or_change(connection, statement, rows)
    numbers = statement.allocates and not statement.ignore_conflicts
    if len(rows) == 1:
        cursor = connection.execute(statement.text, rows[0])
        return [cursor.lastrowid] if numbers else []
    if not rows:
        return []
    with _whole(connection, rows):
        connection.executemany(statement.text, rows)
        last = connection.execute("SELECT last_insert_rowid()").fetchone()[0]
    return list(range(last - len(rows) + 1, last + 1)) if numbers else []


def _insert_or_change(connection: sqlite3.Connection, statement: InsertStatement, rows: Sequence[Any]) -> list[Any]:
    with _whole(connection, rows):
        if not statement.sources:
            connection.executemany(statement.text, rows)
            return []
        return [connection.execute(statement.text, row).fetchall()[0] for row in rows]


def update_each(connection: sqlite3.Connection, statement: EachStatement, rows: Sequence[Any]) -> list[bool]:
    """Changes all rows or none; tells of each whether it was there."""
    with _whole(connection, rows):
        counts = [connection.execute(statement.text, row).rowcount for row in rows]
    return [count > 0 for count in counts]


@contextmanager
def _whole(connection: sqlite3.Connection, rows: Sequence[Any]) -> Iterator[None]:
    """A transaction where several rows need one. It has the database to itself, so that allocated keys are in a row."""
    alone = len(rows) == 1 or connection.in_transaction
    if alone:
        yield
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
