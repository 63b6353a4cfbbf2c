"""Runs commands on SQLite: at once in the caller's thread, or with one hop to a worker thread in the async colour."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from typing import Any, TypeVar

from polystore.adapters.base import RawRows
from polystore.adapters.embedded import in_parts
from polystore.adapters.sql import ddl
from polystore.adapters.sql.dialect import Dialect
from polystore.adapters.sql.prepared import Action, AnyStatement, Command, EachStatement, InsertStatement, Statement
from polystore.adapters.sql.sqlite import rows
from polystore.adapters.sql.sqlite.errors import translate
from polystore.adapters.sql.sqlite.sessions import Sessions
from polystore.adapters.sql.sqlite.streams import Parts, rows_of
from polystore.adapters.sql.sqlite.workers import Workers
from polystore.schema.model import Schema

_ROWS, _COUNT, _EXISTS, _CHANGE = Action.ROWS, Action.COUNT, Action.EXISTS, Action.CHANGE
_RAW = Action.RAW
T = TypeVar("T")

_ERRORS = (sqlite3.Error, sqlite3.Warning, OverflowError)


class SqliteBackend:
    """The blocking colour; each thread has a connection of its own."""

    def __init__(self, sessions: Sessions, dialect: Dialect, store: str) -> None:
        self._sessions = sessions
        self._local = sessions.local
        self._dialect = dialect
        self._store = store
        sessions.use(self)

    def execute(self, command: Command) -> Any:
        statement, parameters = command
        try:
            session = self._local.session
        except AttributeError:
            session = self._sessions.current()
        try:
            with session.lock:
                connection = session.connection or self._sessions.open(session)
                if statement.action is _ROWS:
                    return connection.execute(statement.text, parameters).fetchall()
                return run(connection, statement, parameters)
        except _ERRORS as error:
            raise translate(error, self._dialect, statement.schema, self._store) from error

    def stream(self, command: Command, size: int) -> Generator[Sequence[Any]]:
        """The rows as they are now, ``size`` at a time; of a database in memory they are in this process already."""
        statement, parameters = command
        place = self._sessions.place
        if not place.path:
            yield from in_parts(self.execute(command), size)
            return
        try:
            yield from rows_of(place, statement.text, parameters, size)
        except _ERRORS as error:
            raise translate(error, self._dialect, statement.schema, self._store) from error

    def ping(self) -> None:
        self._with_connection(None, lambda connection: connection.execute("SELECT 1").fetchone())

    def create_all(self, schemas: Sequence[Schema]) -> None:
        for schema in schemas:
            self._with_connection(schema, _batch(ddl.create_texts(self._dialect, schema)))

    def drop_all(self, schemas: Sequence[Schema]) -> None:
        for schema in schemas:
            self._with_connection(schema, _batch([ddl.drop_text(self._dialect, schema)]))

    def analyze(self, command: Command) -> str:
        """SQLite's plan of a command, one step a line; nothing is changed."""
        statement, parameters = command
        row = parameters if isinstance(statement, Statement) else parameters[0]
        text = f"EXPLAIN QUERY PLAN {statement.text}"
        found = self._with_connection(statement.schema, lambda connection: connection.execute(text, row).fetchall())
        return "\n".join(str(step[3]) for step in found)

    def close(self) -> None:
        self._sessions.close(self)

    def _with_connection(self, schema: Schema | None, work: Callable[[sqlite3.Connection], Any]) -> Any:
        session = self._sessions.current()
        try:
            with session.lock:
                return work(session.connection or self._sessions.open(session))
        except _ERRORS as error:
            raise translate(error, self._dialect, schema, self._store) from error


class AsyncSqliteBackend:
    """The async colour: the whole of a command runs in a worker thread, so that it costs one hop."""

    def __init__(self, backend: SqliteBackend, workers: Workers) -> None:
        self._backend = backend
        self._workers = workers

    async def execute(self, command: Command) -> Any:
        return await self._workers.submit(self._backend.execute, command)

    async def stream(self, command: Command, size: int) -> AsyncGenerator[Sequence[Any]]:
        """The rows of the blocking colour, each part read in a worker thread."""
        parts = Parts(self._backend.stream(command, size))
        try:
            while (rows := await self._workers.submit(_without_argument(parts.next), None)) is not None:
                yield rows
        finally:
            await self._workers.submit(_without_argument(parts.close), None)

    async def ping(self) -> None:
        await self._workers.submit(_without_argument(self._backend.ping), None)

    async def create_all(self, schemas: Sequence[Schema]) -> None:
        await self._workers.submit(self._backend.create_all, schemas)

    async def drop_all(self, schemas: Sequence[Schema]) -> None:
        await self._workers.submit(self._backend.drop_all, schemas)

    async def analyze(self, command: Command) -> str:
        """As the blocking ``analyze``."""
        text: str = await self._workers.submit(self._backend.analyze, command)
        return text

    async def close(self) -> None:
        await self._workers.submit(_without_argument(self._backend.close), None)
        self._workers.stop()


def run(connection: sqlite3.Connection, statement: AnyStatement, parameters: Sequence[Any]) -> Any:
    """Runs a statement that does not ask for rows, and shapes its answer."""
    action = statement.action
    if action is _COUNT:
        return connection.execute(statement.text, parameters).fetchone()[0]
    if action is _EXISTS:
        return connection.execute(statement.text, parameters).fetchone() is not None
    if action is _CHANGE:
        return connection.execute(statement.text, parameters).rowcount
    if action is _RAW:
        cursor = connection.execute(statement.text, parameters)
        columns = tuple(column[0] for column in cursor.description or ())
        return RawRows(columns, cursor.fetchall(), (None,) * len(columns))
    if isinstance(statement, InsertStatement):
        return rows.insert(connection, statement, parameters)
    assert isinstance(statement, EachStatement)
    return rows.update_each(connection, statement, parameters)


def _batch(texts: Sequence[str]) -> Callable[[sqlite3.Connection], None]:
    def work(connection: sqlite3.Connection) -> None:
        for text in texts:
            connection.execute(text)

    return work


def _without_argument(function: Callable[[], T]) -> Callable[[None], T]:
    return lambda _: function()
