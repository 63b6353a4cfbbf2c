# Generated from polystore/adapters/sql/mysql/_async.py by tools/twins.py. Do not edit.
"""A connection to MySQL or MariaDB and the commands that run on it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, TypeVar

from polystore.adapters.base import RawRows
from polystore.adapters.sql import ddl
from polystore.adapters.sql.mysql.drivers import FACTS, RAW_LOADS, SET_UP, Driver
from polystore.adapters.sql.mysql.errors import DEADLOCK, DUPLICATE, LOST, number
from polystore.adapters.sql.mysql.letters import check_letters, knows_letters
from polystore.adapters.sql.mysql.together import together
from polystore.adapters.sql.prepared import Action, AnyStatement, Conflict, EachStatement, InsertStatement, Statement
from polystore.adapters.sql.server import Server
from polystore.errors import DataError
from polystore.schema.model import Schema

_ROWS, _COUNT, _EXISTS, _CHANGE = Action.ROWS, Action.COUNT, Action.EXISTS, Action.CHANGE
_RAW = Action.RAW
_BATCH_CHARACTERS = 400_000
_TOLD_AT_ONCE = 100
_CHANGED_AT_ONCE = 200
_MOST_DEADLOCKS = 10
_INDEX_EXISTS = 1061

T = TypeVar("T")


def open_session(server: Server) -> MysqlSession:
    """Connects, in autocommit."""
    connection = Driver.connect(server.arguments)
    session = MysqlSession(server, connection)
    try:
        session.set_up()
    except BaseException:
        connection.close()
        raise
    return session


class MysqlSession:
    """One connection with one cursor, used for one command after the other."""

    def __init__(self, server: Server, connection: Any) -> None:
        self.owner: object = None
        self._server = server
        self._connection = connection
        self._cursor = connection.cursor()
        self._collation = ""
        self._step = 1
        self._packet_bytes = 0
        self._knows_letters = False
        self._in_transaction = False
        self.is_stale = Driver.stale_of(connection)

    def set_up(self) -> None:
        """Makes the session strict and its clock UTC; learns which server this is."""
        self._cursor.execute(SET_UP)
        self._cursor.execute(FACTS)
        version, self._step, self._packet_bytes = self._cursor.fetchone()
        self._collation = "utf8mb4_nopad_bin" if "MariaDB" in version else "utf8mb4_0900_bin"
        self._knows_letters = knows_letters(version)

    def run(self, statement: AnyStatement, parameters: Sequence[Any]) -> Any:
        try:
            return self._run(statement, parameters)
        except self._server.driver_errors as error:
            if number(error) in LOST and self._is_too_long(statement, parameters):
                raise self._too_long(statement) from error
            raise

    def _run(self, statement: AnyStatement, parameters: Sequence[Any]) -> Any:
        if isinstance(statement, InsertStatement):
            return self._insert(statement, parameters)
        if isinstance(statement, EachStatement):
            return self._update_each(statement, parameters)
        action = statement.action
        cursor = self._cursor
        self._check(statement)
        cursor.execute(statement.text, parameters)
        if action is _ROWS:
            return cursor.fetchall()
        if action is _CHANGE:
            return cursor.rowcount
        if action is _RAW:
            found = cursor.description or ()
            loads = tuple(RAW_LOADS.get(column[1]) for column in found)
            return RawRows(tuple(column[0] for column in found), cursor.fetchall() if found else (), loads)
        row = cursor.fetchone()
        return row is not None if action is _EXISTS else row[0]

    def stream(self, statement: AnyStatement, parameters: Sequence[Any], size: int) -> Generator[Sequence[Any]]:
        """Rows as the server sends them. Given up half-way, the rest is not read: the connection is closed."""
        self._check(statement)
        cursor = Driver.unbuffered(self._connection)
        try:
            cursor.execute(statement.text, parameters)
            while rows := cursor.fetchmany(size):
                Driver.pause(self._connection)
                yield rows
                Driver.resume(self._connection)
        finally:
            Driver.give_up(self._connection)

    def _check(self, statement: AnyStatement) -> None:
        if not self._knows_letters:
            check_letters(statement.text)

    def _insert(self, statement: InsertStatement, rows: Sequence[Any]) -> list[Any]:
        if statement.conflict is not None:
            return self._insert_or_change(statement, statement.conflict, rows)
        batches = list(self._batches(statement, rows))
        if len(batches) == 1 and not statement.ignore_conflicts:
            return self._insert_batch(statement, *batches[0])

        def work() -> list[int]:
            keys: list[int] = []
            for count, text in batches:
                keys += self._insert_batch(statement, count, text)
            return keys

        return self._until_no_deadlock(work, whole=len(batches) > 1)

    def _begin(self) -> None:
        """From here on an error leaves the connection unusable, so that it is closed and nothing is kept."""
        self._in_transaction = True
        self._cursor.execute("BEGIN")

    def _commit(self) -> None:
        self._cursor.execute("COMMIT")
        self._in_transaction = False

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

    def _insert_batch(self, statement: InsertStatement, count: int, text: str) -> list[int]:
        """Inserts one batch. The server allocates its keys at even steps, and tells the first."""
        if len(text) * 4 > self._packet_bytes and len(text.encode(errors="surrogateescape")) >= self._packet_bytes:
            raise self._too_long(statement)
        self._cursor.execute(text)
        if not statement.allocates or statement.ignore_conflicts:
            return []
        first = self._cursor.lastrowid
        return list(range(first, first + count * self._step, self._step))

    def _is_too_long(self, statement: AnyStatement, parameters: Sequence[Any]) -> bool:
        """Whether a row makes a command longer than the server takes; it may hang up before it has said so."""
        rows = [parameters] if isinstance(statement, Statement) else parameters
        texts = (self._cursor.mogrify(statement.text, row) for row in rows)
        return any(len(text.encode(errors="surrogateescape")) >= self._packet_bytes for text in texts)

    def _too_long(self, statement: AnyStatement) -> DataError:
        return DataError(
            f"{statement.schema.name}: a row takes more than the {self._packet_bytes} bytes that the server accepts at "
            "a time; raise its max_allowed_packet"
        )

    # ---- each row in its own way

    def _insert_or_change(self, statement: InsertStatement, conflict: Conflict, rows: Sequence[Any]) -> list[Any]:
        """Inserts rows, or changes those in conflict, one after the other and all or none; what is told of each."""

        def work() -> list[Any]:
            if conflict.alone:
                for count, text in self._batches(statement, rows):
                    self._insert_batch(statement, count, text)
            else:
                for row in rows:
                    self._change_or_insert(statement, conflict, row)
            return self._tell(statement, conflict, rows) if statement.sources else []

        single = len(rows) == 1 and not statement.sources
        return self._until_no_deadlock(work, whole=not single)

    def _change_or_insert(self, statement: InsertStatement, conflict: Conflict, row: Sequence[Any]) -> None:
        """Changes the row that has the target; else inserts one; else another writer has, and it is changed."""
        cursor, texts = self._cursor, statement.texts
        found = [row[place] for place in (*conflict.fields, *conflict.target)]
        cursor.execute(texts["change"], found)
        if cursor.rowcount:
            return
        try:
            cursor.execute(texts["insert"], row)
        except self._server.driver_errors as error:
            if number(error) != DUPLICATE:
                raise
            cursor.execute(texts["change"], found)
            if not cursor.rowcount:
                raise

    def _tell(self, statement: InsertStatement, conflict: Conflict, rows: Sequence[Any]) -> list[Any]:
        told: list[Any] = []
        for start in range(0, len(rows), _TOLD_AT_ONCE):
            asked = [
                self._cursor.mogrify(statement.texts["tell"], (start + place, *(row[at] for at in conflict.target)))
                for place, row in enumerate(rows[start : start + _TOLD_AT_ONCE])
            ]
            self._cursor.execute(" UNION ALL ".join(asked))
            told += [row[1:] for row in sorted(self._cursor.fetchall())]
        return told

    def _update_each(self, statement: EachStatement, rows: Sequence[Any]) -> list[bool]:
        """Changes rows by key, all or none: with few commands where all are there and their order does not matter."""
        cursor = self._cursor

        def at_once() -> bool:
            matched = 0
            for start in range(0, len(rows), _CHANGED_AT_ONCE):
                part = rows[start : start + _CHANGED_AT_ONCE]
                cursor.execute(together(statement.parts, part, cursor.mogrify))
                matched += cursor.rowcount
            if matched < len(rows):
                cursor.execute("ROLLBACK")
            return matched == len(rows)

        def one_by_one() -> list[bool]:
            matched = []
            for row in rows:
                cursor.execute(statement.text, row)
                matched.append(cursor.rowcount > 0)
            return matched

        if len(rows) > 1 and not statement.collides and self._until_no_deadlock(at_once):
            return [True] * len(rows)
        return self._until_no_deadlock(one_by_one, whole=len(rows) > 1)

    def _until_no_deadlock(self, work: Callable[[], T], whole: bool = True) -> T:
        """Does the work, in a transaction when it is to be whole; anew when the server has undone it for another's."""
        for _ in range(_MOST_DEADLOCKS):
            try:
                return self._once(work, whole)
            except self._server.driver_errors as error:
                if number(error) != DEADLOCK:
                    raise
                self._in_transaction = False
        return self._once(work, whole)

    def _once(self, work: Callable[[], T], whole: bool) -> T:
        if not whole:
            return work()
        self._cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        self._begin()
        result = work()
        self._commit()
        return result

    def ping(self) -> None:
        self._cursor.execute("SELECT 1")

    def create(self, schema: Schema) -> None:
        for text in ddl.create_texts(self._server.dialect, schema, self._collation):
            try:
                self._cursor.execute(text)
            except self._server.driver_errors as error:
                if number(error) != _INDEX_EXISTS:
                    raise

    def drop(self, schema: Schema) -> None:
        self._cursor.execute(ddl.drop_text(self._server.dialect, schema))

    def analyze(self, statement: AnyStatement, parameters: Sequence[Any]) -> str:
        self._check(statement)
        row = parameters if isinstance(statement, Statement) else parameters[0]
        self._cursor.execute(f"EXPLAIN {statement.text}", row)
        names = [column[0] for column in self._cursor.description]
        steps = self._cursor.fetchall()
        return "\n".join(
            ", ".join(f"{name}={value}" for name, value in zip(names, step, strict=True) if value is not None)
            for step in steps
        )

    def is_usable(self) -> bool:
        return not self._in_transaction and Driver.is_open(self._connection)

    def close(self) -> None:
        self._connection.close()
