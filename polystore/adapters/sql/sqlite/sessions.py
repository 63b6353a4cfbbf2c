"""SQLite connections: one for each thread and file, one for all with a database in memory.

A connection is used under its own lock, so that ``close`` never takes it away from a running statement. A forked child
opens connections of its own; those of its parent are kept untouched, since closing them would not be the child's.
"""

from __future__ import annotations

import sqlite3
import threading
from typing import Any
from weakref import WeakSet

from msgspec import Struct

from polystore.adapters.sql.forks import of_parent, watch_forks
from polystore.adapters.sql.sqlite.functions import register


class Place(Struct, frozen=True):
    """Where a database lies and how it is opened; an empty path is memory."""

    path: str
    busy_timeout: float = 5.0
    synchronous: str | None = None

    def open(self) -> sqlite3.Connection:
        """A new connection, with foreign keys on and, for files, the write-ahead log."""
        connection = sqlite3.connect(
            self.path or ":memory:",
            timeout=self.busy_timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        try:
            set_up(connection)
            if self.path and connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                _use_log(connection)
            if self.synchronous is not None:
                connection.execute(f"PRAGMA synchronous = {self.synchronous}")
        except BaseException:
            connection.close()
            raise
        return connection


def set_up(connection: sqlite3.Connection) -> None:
    """What every connection needs: foreign keys checked, functions registered."""
    connection.execute("PRAGMA foreign_keys = ON")
    register(connection)


def _use_log(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_READONLY:
            raise


class Session:
    """A connection and the lock that it is used under."""

    __slots__ = ("__weakref__", "connection", "lock")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.connection: sqlite3.Connection | None = None

    def close(self) -> None:
        with self.lock:
            connection, self.connection = self.connection, None
            if connection is not None:
                connection.close()

    def __del__(self) -> None:
        if self.connection is not None:
            self.connection.close()


class Borrowed:
    """A connection for SQLAlchemy's engine, which does not close it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def close(self) -> None:
        """Leaves the connection to its owner."""


class Sessions:
    """The sessions of one database."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._shared = None if place.path else Session()
        self.local = threading.local()
        """``session`` is this thread's, once ``current`` was asked for it."""
        self._opened: WeakSet[Session] = WeakSet()
        self._lock = threading.Lock()
        self._users: WeakSet[Any] = WeakSet()
        watch_forks(self)

    def current(self) -> Session:
        """This thread's session; its connection may yet have to be opened."""
        try:
            session: Session = self.local.session
        except AttributeError:
            session = self.local.session = self._shared or Session()
        return session

    def connection(self) -> sqlite3.Connection:
        """The open connection of this thread's session."""
        session = self.current()
        with session.lock:
            return session.connection or self.open(session)

    def open(self, session: Session) -> sqlite3.Connection:
        """Opens the session's connection; call it under the session's lock."""
        connection = session.connection = self.place.open()
        with self._lock:
            self._opened.add(session)
        return connection

    def use(self, user: Any) -> None:
        """Notes that ``user`` keeps a database in memory alive."""
        self._users.add(user)

    def close(self, user: Any) -> None:
        """Closes every connection; the next command opens one again. Memory goes with the last of its users."""
        self._users.discard(user)
        if self._shared is not None and self._users:
            return
        with self._lock:
            sessions = list(self._opened)
            self._opened.clear()
        for session in sessions:
            session.close()

    def forget(self) -> None:
        """Leaves the parent's connections alone, in a forked child; a database in memory was copied."""
        if self._shared is not None:
            self._shared.lock = threading.RLock()
            return
        of_parent.extend(self._opened)
        self.local.__dict__.clear()
        self._opened = WeakSet()
        self._lock = threading.Lock()
