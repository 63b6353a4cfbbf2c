"""A connection to PostgreSQL and the commands that run on it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from psycopg import AsyncClientCursor, AsyncConnection, pq
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


async def open_session(server: Server) -> AsyncPostgresqlSession:
    """Connects, in autocommit."""
    connection = await AsyncConnection.connect(**server.arguments, autocommit=True, context=make_adapters())
    connection.prepared_max = PREPARED_MAX
    try:
        await connection.execute(SET_UP)
    except BaseException:
        await connection.close()
        raise
    return AsyncPostgresqlSession(server, connection)


class AsyncPostgresqlSession:
    """One connection with one cursor, used for one command after the other."""

    def __init__(self, server: Server, connection: AsyncConnection[Any]) -> None:
        self.owner: object = None
        self._server = server
        self._connection = connection
        self._cursor = connection.cursor()
        self._prepare = server.prepare
        self.is_stale = readable(connection.fileno())

    async def run(self, statement: AnyStatement, parameters: Sequence[Any]) -> Any:
        action = statement.action
        cursor = self._cursor
        if isinstance(statement, InsertStatement):
            return await self._insert(statement, parameters)
        if isinstance(statement, EachStatement):
            return await self._until_no_deadlock(self._update_each, statement, parameters)
        await cursor.execute(statement.native, parameters, prepare=self._prepare)
        if action is _ROWS:
            return await cursor.fetchall()
        if action is _CHANGE:
            return cursor.rowcount
        if action is _RAW:
            columns = tuple(column.name for column in cursor.description or ())
            return RawRows(columns, await cursor.fetchall() if columns else (), (None,) * len(columns))
        row = await cursor.fetchone()
        return row is not None if action is _EXISTS else row[0]  # type: ignore[index]  # count(*) has a row

    async def stream(
        self, statement: AnyStatement, parameters: Sequence[Any], size: int
    ) -> AsyncGenerator[Sequence[Any]]:
        """Rows of a cursor of the server, which lives in a transaction."""
        async with self._connection.transaction(), self._connection.cursor(_STREAM) as cursor:
            await cursor.execute(statement.native, parameters)
            while rows := await cursor.fetchmany(size):
                yield rows

    async def _insert(self, statement: InsertStatement, rows: Sequence[Any]) -> list[int]:
        cursor = self._cursor
        if statement.explicit is not None and rows:
            top = max(row[statement.explicit] for row in rows)
            await cursor.execute(statement.texts["bump"], (top,), prepare=self._prepare)
        if statement.conflict is not None:
            return await self._until_no_deadlock(self._insert_or_change, statement, rows)
        if len(rows) == 1:
            await cursor.execute(statement.native, rows[0], prepare=self._prepare)
            if not statement.allocates:
                return []
            row = await cursor.fetchone()
            return [row[0]] if row is not None and not statement.ignore_conflicts else []
        if statement.ignore_conflicts:
            return await self._until_no_deadlock(self._insert_new, statement, rows)
        return await self._copy(statement, rows)

    async def _until_no_deadlock(self, write: Callable[[Any, Any], Awaitable[T]], statement: Any, rows: Any) -> T:
        """Writes rows, all or none; anew when the server has undone it for another transaction's sake."""
        for _ in range(_MOST_DEADLOCKS):
            try:
                return await write(statement, rows)
            except DeadlockDetected:
                continue
        return await write(statement, rows)

    async def _insert_new(self, statement: InsertStatement, rows: Sequence[Any]) -> list[int]:
        async with self._connection.transaction():
            await self._cursor.executemany(statement.native, rows)
        return []

    async def _insert_or_change(self, statement: InsertStatement, rows: Sequence[Any]) -> list[Any]:
        """Inserts rows, or changes those in conflict, one after the other and all or none; what is told of each."""
        cursor, tells = self._cursor, bool(statement.sources)
        if len(rows) == 1:
            await cursor.execute(statement.native, rows[0], prepare=self._prepare)
            return await cursor.fetchall() if tells else []
        async with self._connection.transaction():
            await cursor.executemany(statement.native, rows, returning=tells)
            told = await cursor.fetchall() if tells else []
            while cursor.nextset():
                told += await cursor.fetchall()
        return told

    async def _update_each(self, statement: EachStatement, rows: Sequence[Any]) -> list[bool]:
        """Changes rows by key, all or none: with one command where their order does not matter."""
        cursor = self._cursor
        if len(rows) == 1:
            await cursor.execute(statement.native, rows[0], prepare=self._prepare)
            return [cursor.rowcount > 0]
        if not statement.collides:
            columns = [list(column) for column in zip(*rows, strict=True)]
            await cursor.execute(statement.many, columns)
            found = {place for (place,) in await cursor.fetchall()}
            return [place in found for place in range(1, len(rows) + 1)]
        async with self._connection.transaction():
            await cursor.executemany(statement.native, rows, returning=True)
            matched = [cursor.rowcount > 0]
            while cursor.nextset():
                matched.append(cursor.rowcount > 0)
        return matched

    async def _copy(self, statement: InsertStatement, rows: Sequence[Any]) -> list[int]:
        """Inserts rows with COPY, which is atomic; their keys are drawn before."""
        if not rows:
            return []
        cursor = self._cursor
        if not statement.allocates:
            async with cursor.copy(statement.texts["copy"]) as copy:
                for row in rows:
                    await copy.write_row(row)
            return []
        keys = await self._draw_keys(statement, len(rows))
        async with cursor.copy(statement.texts["copy_keyed"]) as copy:
            for key, row in zip(keys, rows, strict=True):
                await copy.write_row((key, *row))
        return list(keys)

    async def _draw_keys(self, statement: InsertStatement, count: int) -> Sequence[int]:
        """New keys: those in a row where nobody drew in between, else, seldom, others one by one."""
        cursor = self._cursor
        await cursor.execute(statement.texts["range"], (count,), prepare=self._prepare)
        ((first, last),) = await cursor.fetchall()
        if last - first == count - 1:
            return range(first, last + 1)
        await cursor.execute(statement.texts["keys"], (count,), prepare=self._prepare)
        return [key for (key,) in await cursor.fetchall()]

    async def ping(self) -> None:
        await self._cursor.execute("SELECT 1")

    async def create(self, schema: Schema) -> None:
        async with self._connection.transaction():
            await self._cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_DDL_LOCK,))
            for text in ddl.create_texts(self._server.dialect, schema):
                await self._cursor.execute(text.encode())

    async def drop(self, schema: Schema) -> None:
        await self._cursor.execute(ddl.drop_text(self._server.dialect, schema).encode())

    async def analyze(self, statement: AnyStatement, parameters: Sequence[Any]) -> str:
        how = "EXPLAIN (ANALYZE, BUFFERS) " if statement.action in (_ROWS, _COUNT, _EXISTS) else "EXPLAIN "
        row = parameters if isinstance(statement, Statement) else parameters[0]
        cursor = AsyncClientCursor(self._connection)
        await cursor.execute((how + statement.text).encode(), row)
        return "\n".join(line for (line,) in await cursor.fetchall())

    def is_usable(self) -> bool:
        return self._connection.pgconn.transaction_status == _IDLE

    async def close(self) -> None:
        await self._connection.close()
