"""A connection to MySQL or MariaDB and the commands that run on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from polystore.adapters.sql import ddl
from polystore.adapters.sql.mysql.drivers import FACTS, SET_UP, AsyncDriver
from polystore.adapters.sql.mysql.errors import number
from polystore.adapters.sql.prepared import Action, InsertStatement, Statement
from polystore.adapters.sql.server import Server
from polystore.errors import DataError
from polystore.schema.model import Schema

_ROWS, _COUNT, _EXISTS, _CHANGE = Action.ROWS, Action.COUNT, Action.EXISTS, Action.CHANGE
_BATCH_CHARACTERS = 400_000
_INDEX_EXISTS = 1061


async def open_session(server: Server) -> AsyncMysqlSession:
    """Connects, in autocommit."""
    connection = await AsyncDriver.connect(server.arguments)
    session = AsyncMysqlSession(server, connection)
    try:
        await session.set_up()
    except BaseException:
        connection.close()
        raise
    return session


class AsyncMysqlSession:
    """One connection with one cursor, used for one command after the other."""

    def __init__(self, server: Server, connection: Any) -> None:
        self.owner: object = None
        self._server = server
        self._connection = connection
        self._cursor = connection.cursor()
        self._collation = ""
        self._step = 1
        self._packet_bytes = 0
        self._in_transaction = False
        self.is_stale = AsyncDriver.stale_of(connection)

    async def set_up(self) -> None:
        """Makes the session strict and its clock UTC; learns which server this is."""
        await self._cursor.execute(SET_UP)
        await self._cursor.execute(FACTS)
        is_mariadb, self._step, self._packet_bytes = await self._cursor.fetchone()
        self._collation = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"

    async def run(self, statement: Statement | InsertStatement, parameters: Sequence[Any]) -> Any:
        if isinstance(statement, InsertStatement):
            return await self._insert(statement, parameters)
        action = statement.action
        cursor = self._cursor
        await cursor.execute(statement.text, parameters)
        if action is _ROWS:
            return await cursor.fetchall()
        if action is _CHANGE:
            return cursor.rowcount
        row = await cursor.fetchone()
        return row is not None if action is _EXISTS else row[0]

    async def _insert(self, statement: InsertStatement, rows: Sequence[Any]) -> list[int]:
        batches = list(self._batches(statement, rows))
        if len(batches) == 1:
            return await self._insert_batch(statement, *batches[0])
        keys: list[int] = []
        self._in_transaction = True
        await self._cursor.execute("BEGIN")
        for count, text in batches:
            keys += await self._insert_batch(statement, count, text)
        await self._cursor.execute("COMMIT")
        self._in_transaction = False
        return keys

    def _batches(self, statement: InsertStatement, rows: Sequence[Any]) -> Iterator[tuple[int, str]]:
        """Statements of many rows each, none much longer than a batch, with the number of their rows."""
        texts = statement.texts
        head, row_text, tail = texts["head"], texts["row"], texts["tail"]
        written: list[str] = []
        length = 0
        for row in rows:
            text = self._cursor.mogrify(row_text, row)
            written.append(text)
            length += len(text)
            if length > _BATCH_CHARACTERS:
                yield len(written), head + ",".join(written) + tail
                written, length = [], 0
        if written:
            yield len(written), head + ",".join(written) + tail

    async def _insert_batch(self, statement: InsertStatement, count: int, text: str) -> list[int]:
        """Inserts one batch. The server allocates its keys at even steps, and tells the first."""
        if len(text) * 4 > self._packet_bytes and len(text.encode(errors="surrogateescape")) >= self._packet_bytes:
            raise DataError(
                f"{statement.schema.name}: a row takes more than the {self._packet_bytes} bytes that the server "
                "accepts at a time; raise its max_allowed_packet"
            )
        await self._cursor.execute(text)
        if not statement.allocates or statement.ignore_conflicts:
            return []
        first = self._cursor.lastrowid
        return list(range(first, first + count * self._step, self._step))

    async def ping(self) -> None:
        await self._cursor.execute("SELECT 1")

    async def create(self, schema: Schema) -> None:
        for text in ddl.create_texts(self._server.dialect, schema, self._collation):
            try:
                await self._cursor.execute(text)
            except self._server.driver_errors as error:
                if number(error) != _INDEX_EXISTS:
                    raise

    async def drop(self, schema: Schema) -> None:
        await self._cursor.execute(ddl.drop_text(self._server.dialect, schema))

    async def analyze(self, statement: Statement | InsertStatement, parameters: Sequence[Any]) -> str:
        row = parameters[0] if isinstance(statement, InsertStatement) else parameters
        await self._cursor.execute(f"EXPLAIN {statement.text}", row)
        names = [column[0] for column in self._cursor.description]
        steps = await self._cursor.fetchall()
        return "\n".join(
            ", ".join(f"{name}={value}" for name, value in zip(names, step, strict=True) if value is not None)
            for step in steps
        )

    def is_usable(self) -> bool:
        return not self._in_transaction and AsyncDriver.is_open(self._connection)

    async def close(self) -> None:
        self._connection.close()
