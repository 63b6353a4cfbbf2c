"""A SQLite database as a URL names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from polystore.adapters.sql.sqlite.backend import AsyncSqliteBackend, SqliteBackend
from polystore.adapters.sql.sqlite.dialect import SqliteDialect
from polystore.adapters.sql.sqlite.sessions import Borrowed, Place, Sessions, set_up
from polystore.adapters.sql.sqlite.workers import Workers
from polystore.adapters.sql.urls import read_settings
from polystore.errors import ConfigurationError

_SETTINGS: dict[str, Any] = {"busy_timeout": 5.0, "synchronous": "", "workers": 4}
_SYNCHRONOUS = ("", "OFF", "NORMAL", "FULL", "EXTRA")


class SqliteTarget:
    """``sqlite:///file.db``, or memory shared by both colours and all threads of one store."""

    def __init__(self, url: URL, settings: Mapping[str, Any]) -> None:
        read = read_settings(settings, _SETTINGS, "SQLite")
        if url.host or url.username or url.query:
            raise ConfigurationError(
                "sqlite:// takes a path only, after three slashes (four for an absolute one): sqlite:///file.db"
            )
        synchronous = read["synchronous"].upper()
        if synchronous not in _SYNCHRONOUS:
            raise ConfigurationError(
                f"SQLite: synchronous is one of {', '.join(_SYNCHRONOUS[1:])}, not {synchronous!r}"
            )
        path = "" if url.database in (None, "", ":memory:") else str(url.database)
        self.dialect = SqliteDialect()
        self.store = f"sqlite:///{path}" if path else "sqlite://"
        self._path = path
        self._sessions = Sessions(Place(path, read["busy_timeout"], synchronous or None))
        self._workers = read["workers"] if path else 1

    def make_engine(self) -> Engine:
        if not self._path:
            return create_engine("sqlite+pysqlite://", creator=self._borrow, poolclass=StaticPool)
        engine = create_engine(URL.create("sqlite+pysqlite", database=self._path))
        event.listen(engine, "connect", _set_up)
        return engine

    def _borrow(self) -> Any:
        return Borrowed(self._sessions.connection())

    def connect(self) -> SqliteBackend:
        return SqliteBackend(self._sessions, self.dialect, self.store)

    def connect_async(self) -> AsyncSqliteBackend:
        return AsyncSqliteBackend(self.connect(), Workers(self._workers, self.store))


def _set_up(connection: Any, _record: Any) -> None:
    set_up(connection)
