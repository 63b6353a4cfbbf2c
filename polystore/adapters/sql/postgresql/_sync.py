# Generated from polystore/adapters/sql/postgresql/_async.py by tools/twins.py. Do not edit.
"""A connection to PostgreSQL and the commands that run on it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

from psycopg import ClientCursor, Connection, pq
from psycopg.errors import DeadlockDetected

from polystore.adapters.base import RawRows
from polystore.adapters.sql import ddl
from polystore.adapters.sql.postgresql.options import PREPARED_MAX, SET_UP, make_adapters
from polystore.adapters.sql.prepared import Action, AnyStatement, EachStatement, InsertStatement, Statement
from polystore.adapters.sql.server import Server, readable
from polystore.schema.model import Schema

_ROWS, _COUNT, _EXISTS, _CHANGE = Action.ROWS, Action.COUNT, Action.EXISTS, Action.CHANGE
_RAW = Action.RAW
_IDLE = pq.TransactionStatus.IDLE
_DDL_LOCK = 7231_4408
_MOST_DEADLOCKS = 10
_STREAM = "polystore_stream"

T = TypeVar("T")


def open_session(server: Server) -> PostgresqlSession:
    """Connects, in autocommit."""
    connection = Connection.connect(**server.arguments, autocommit=True, context=make_adapters())
    connection.prepared_max = PREPARED_MAX
    try:
        connection.execute(SET_UP)
    except BaseException:
        connection.close()
        raise
    return PostgresqlSession(server, connection)


class PostgresqlSession:
    """One connection with one cursor, used for one command after the other."""

    def __init__(self, server: Server, connection: Connection[Any]) -> None:
        self.owner: object = None
        self._server = server
        self._connection = connection
        self._cursor = connection.cursor()
        self._prepare = server.prepare
        self.is_stale = readable(connection.fileno())

    def run(self, statement: AnyStatement, parameters: Sequence[Any]) -> Any:
        action = statement.action
        cursor = self._cursor
        if isinstance(statement, InsertStatement):
            return self._insert(statement, parameters)
        if isinstance(statement, EachStatement):
            return self._until_no_deadlock(self._update_each, statement, parameters)
        cursor.execute(statement.native, parameters, prepare=self._prepare)
        if action is _ROWS:
            return cursor.fetchall()
        if action is _CHANGE:
            return cursor.rowcount
        if action is _RAW:
            columns = tuple(column.name for column in cursor.description or ())
            return RawRows(columns, cursor.fetchall() if columns else (), (None,) * len(columns))
        row = cursor.fetchone()
        return row is not None if action is _EXISTS else row[0]  # type: ignore[index]  # count(*) has a row

    def stream(self, statement: AnyStatement, parameters: Sequence[Any], size: int) -> Generator[Sequence[Any]]:
        """Rows of a cursor of the server, which lives in a transaction."""
        with self._connection.transaction(), self._connection.cursor(_STREAM) as cursor:
            cursor.execute(statement.native, parameters)
            while rows := cursor.fetchmany(size):
                yield rows

    def _insert(self, statement: InsertStatement, rows: Sequence[Any]) -> list[int]:
        cursor = self._cursor
        if statement.explicit is not None and rows:
            top = max(row[statement.explicit] for row in rows)
            cursor.execute(statement.texts["bump"], (top,), prepare=self._prepare)
        if statement.conflict is not None:
            return self._until_no_deadlock(self._insert_or_change, statement, rows)
        if len(rows) == 1:
            cursor.execute(statement.native, rows[0], prepare=self._prepare)
            if not statement.allocates:
                return []
            row = cursor.fetchone()
            return [row[0]] if row is not None and not statement.ignore_conflicts else []
        if statement.ignore_conflicts:
            return self._until_no_deadlock(self._insert_new, statement, rows)
        return self._copy(statement, rows)

    def _until_no_deadlock(self, write: Callable[[Any, Any], T], statement: Any, rows: Any) -> T:
        """Writes rows, all or none; anew when the server has undone it for another transaction's sake."""
        for _ in range(_MOST_DEADLOCKS):
            try:
                return write(statement, rows)
            except DeadlockDetected:
                continue
        return write(statement, rows)

    def _insert_new(self, statement: InsertStatement, rows: Sequence[Any]) -> list[int]:
        with self._connection.transaction():
            self._cursor.executemany(statement.native, rows)
        return []

    def _insert_or_change(self, statement: InsertStatement, rows: Sequence[Any]) -> list[Any]:
        """Inserts rows, or changes those in conflict, one after the other and all or none; what is told of each."""
        cursor, tells = self._cursor, bool(statement.sources)
        if len(rows) == 1:
            cursor.execute(statement.native, rows[0], prepare=self._prepare)
            return cursor.fetchall() if tells else []
        with self._connection.transaction():
            cursor.executemany(statement.native, rows, returning=tells)
            told = cursor.fetchall() if tells else []
            while cursor.nextset():
                told += cursor.fetchall()
        return told

    def _update_each(self, statement: EachStatement, rows: Sequence[Any]) -> list[bool]:
        """Changes rows by key, all or none: with one command where their order does not matter."""
        cursor = self._cursor
        if len(rows) == 1:
            cursor.execute(statement.native, rows[0], prepare=self._prepare)
            return [cursor.rowcount > 0]
        if not statement.collides:
            columns = [list(column) for column in zip(*rows, strict=True)]
            cursor.execute(statement.many, columns)
            found = {place for (place,) in cursor.fetchall()}
            return [place in found for place in range(1, len(rows) + 1)]
        with self._connection.transaction():
            cursor.executemany(statement.native, rows, returning=True)
            matched = [cursor.rowcount > 0]
            while cursor.nextset():
                matched.append(cursor.rowcount > 0)
        return matched

    def _copy(self, statement: InsertStatement, rows: Sequence[Any]) -> list[int]:
        """Inserts rows with COPY, which is atomic; their keys are drawn before."""
        if not rows:
            return []
        cursor = self._cursor
        if not statement.allocates:
            with cursor.copy(statement.texts["copy"]) as copy:
                for row in rows:
                    copy.write_row(row)
            return []
        keys = self._draw_keys(statement, len(rows))
        with cursor.copy(statement.texts["copy_keyed"]) as copy:
            for key, row in zip(keys, rows, strict=True):
                copy.write_row((key, *row))
        return list(keys)

    def _draw_keys(self, statement: InsertStatement, count: int) -> Sequence[int]:
        """New keys: those in a row where nobody drew in between, else, seldom, others one by one."""
        cursor = self._cursor
        cursor.execute(statement.texts["range"], (count,), prepare=self._prepare)
        ((first, last),) = cursor.fetchall()
        if last - first == count - 1:
            return range(first, last + 1)
        cursor.execute(statement.texts["keys"], (count,), prepare=self._prepare)
        return [key for (key,) in cursor.fetchall()]

    def ping(self) -> None:
        self._cursor.execute("SELECT 1")

    def create(self, schema: Schema) -> None:
        with self._connection.transaction():
            self._cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_DDL_LOCK,))
            for text in ddl.create_texts(self._server.dialect, schema):
                self._cursor.execute(text.encode())

    def drop(self, schema: Schema) -> None:
        self._cursor.execute(ddl.drop_text(self._server.dialect, schema).encode())

    def analyze(self, statement: AnyStatement, parameters: Sequence[Any]) -> str:
        how = "EXPLAIN (ANALYZE, BUFFERS) " if statement.action in (_ROWS, _COUNT, _EXISTS) else "EXPLAIN "
        row = parameters if isinstance(statement, Statement) else parameters[0]
        cursor = ClientCursor(self._connection)
        cursor.execute((how + statement.text).encode(), row)
        return "\n".join(line for (line,) in cursor.fetchall())

    def is_usable(self) -> bool:
        return self._connection.pgconn.transaction_status == _IDLE

    def close(self) -> None:
        self._connection.close()
