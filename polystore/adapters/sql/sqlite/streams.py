"""Rows of SQLite little by little: from a connection of their own, which sees the database as it was at first."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any

from polystore.adapters.sql.sqlite.sessions import Place


def rows_of(place: Place, text: str, parameters: Sequence[Any], size: int) -> Generator[list[Any]]:
    """The rows of a statement on a database in a file; what others write meanwhile is not seen."""
    with closing(place.open()) as connection:
        cursor: sqlite3.Cursor = connection.execute(text, parameters)
        while rows := cursor.fetchmany(size):
            yield rows


class Parts:
    """A generator that several threads take from, one after the other."""

    def __init__(self, parts: Generator[Sequence[Any]]) -> None:
        self._parts = parts
        self._lock = threading.Lock()

    def next(self) -> Sequence[Any] | None:
        """The next part, None behind the last."""
        with self._lock:
            return next(self._parts, None)

    def close(self) -> None:
        """Gives up the rest, after the part that is being made now."""
        with self._lock:
            self._parts.close()
