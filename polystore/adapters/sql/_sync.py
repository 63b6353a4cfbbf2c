# Generated from polystore/adapters/sql/_async.py by tools/twins.py. Do not edit.
"""The backend of a database server: a small pool of the driver's own connections, last used first.

Leasing costs a list's ``pop``, a look at the socket and a list's ``append``. A connection that its server has closed in
the meantime is noticed before anything is sent on it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Any, Protocol

from polystore.adapters.sql.forks import of_parent, watch_forks
from polystore.adapters.sql.prepared import Action, AnyStatement, Command
from polystore.adapters.sql.server import Server
from polystore.adapters.sql.waiting import Gate
from polystore.errors import StoreUnavailable
from polystore.schema.model import Schema

_WRITES = (Action.CHANGE, Action.INSERT, Action.EACH, Action.RAW)


class Session(Protocol):
    """One connection to a server."""

    owner: object

    def run(self, statement: AnyStatement, parameters: Sequence[Any]) -> Any:
        """Runs a statement and shapes its answer."""
        ...

    def stream(self, statement: AnyStatement, parameters: Sequence[Any], size: int) -> Generator[Sequence[Any]]:
        """Runs a statement and answers its rows, ``size`` at a time."""
        ...

    def ping(self) -> None: ...

    def create(self, schema: Schema) -> None: ...

    def drop(self, schema: Schema) -> None: ...

    def analyze(self, statement: AnyStatement, parameters: Sequence[Any]) -> str: ...

    def is_stale(self) -> bool:
        """Whether the server has closed the connection, or has sent what nobody asked for."""
        ...

    def is_usable(self) -> bool:
        """Whether the connection can serve another command after an error."""
        ...

    def close(self) -> None: ...


class ServerBackend:
    """Runs commands on a server.

    Args:
        server: the server and its settings.
        open_session: opens a connection to it.
    """

    def __init__(self, server: Server, open_session: Callable[[Server], Session]) -> None:
        self._server = server
        self._open_session = open_session
        self._start()
        watch_forks(self)

    def _start(self) -> None:
        self._idle: list[Session] = []
        self._count = 0
        self._lock = threading.Lock()
        self._gate = Gate()
        self._owner = object()

    def execute(self, command: Command) -> Any:
        statement, parameters = command
        session = self._lease()
        try:
            result = session.run(statement, parameters)
        except self._server.driver_errors as error:
            if not self._may_repeat(session, error, statement):
                raise self._server.translate(error, statement.schema) from error
        except BaseException:
            self._put_away(session)
            raise
        else:
            self._give_back(session)
            return result
        return self._manage(lambda session: session.run(statement, parameters), statement.schema)

    def stream(self, command: Command, size: int) -> Generator[Sequence[Any]]:
        """The rows of a statement, ``size`` at a time; a connection is leased until the generator ends."""
        statement, parameters = command
        session = self._lease()
        try:
            with closing(session.stream(statement, parameters, size)) as parts:
                for rows in parts:
                    yield rows
        except self._server.driver_errors as error:
            raise self._server.translate(error, statement.schema) from error
        finally:
            self._put_away(session)

    def ping(self) -> None:
        self._manage(lambda session: session.ping())

    def create_all(self, schemas: Sequence[Schema]) -> None:
        for schema in schemas:
            self._manage(_creating(schema), schema)

    def drop_all(self, schemas: Sequence[Schema]) -> None:
        for schema in schemas:
            self._manage(_dropping(schema), schema)

    def analyze(self, command: Command) -> str:
        """The server's plan of a command; a read is run for it, a write is not."""
        statement, parameters = command
        text: str = self._manage(lambda session: session.analyze(statement, parameters), statement.schema)
        return text

    def close(self) -> None:
        """Closes every connection, those in use when they come back. The next command opens one again."""
        idle = self._idle
        self._start()
        self._discard_all(idle)

    def forget(self) -> None:
        """Leaves the connections of the parent alone, in a forked child."""
        of_parent.extend(self._idle)
        self._start()

    # ---- leasing

    def _lease(self) -> Session:
        while True:
            try:
                session = self._idle.pop()
            except IndexError:
                session = self._wait_for_session()
            if not session.is_stale():
                return session
            self._discard(session)

    def _wait_for_session(self) -> Session:
        server = self._server
        found = self._gate.wait(self._take, server.pool_timeout)
        if found is None:
            raise StoreUnavailable(
                f"{server.store}: all {server.pool_size} connections were in use for {server.pool_timeout} seconds; "
                "raise pool_size, or run fewer commands at a time"
            )
        (session,) = found
        return session if session is not None else self._open()

    def _take(self) -> tuple[Session | None] | None:
        """An idle session; or in its place None, for the right to open one; None alone when there is neither."""
        with self._lock:
            if self._idle:
                return (self._idle.pop(),)
            if self._count < self._server.pool_size:
                self._count += 1
                return (None,)
            return None

    def _open(self) -> Session:
        owner = self._owner
        try:
            session = self._open_session(self._server)
        except self._server.driver_errors as error:
            self._free_place(owner)
            raise self._server.translate(error, None) from error
        except BaseException:
            self._free_place(owner)
            raise
        session.owner = owner
        return session

    def _give_back(self, session: Session) -> None:
        if session.owner is not self._owner:
            session.close()
            return
        self._idle.append(session)
        if self._gate.waiting:
            self._gate.wake()

    def _discard(self, session: Session) -> None:
        self._free_place(session.owner)
        session.close()

    def _discard_all(self, idle: list[Session]) -> None:
        while True:
            try:
                session = idle.pop()
            except IndexError:
                return
            self._discard(session)

    def _free_place(self, owner: object) -> None:
        if owner is self._owner:
            with self._lock:
                self._count -= 1
            self._gate.wake()

    # ---- errors

    def _manage(self, work: Callable[[Session], Any], schema: Schema | None = None) -> Any:
        """Does something on a leased session."""
        session = self._lease()
        try:
            result = work(session)
        except self._server.driver_errors as error:
            self._put_away(session)
            raise self._server.translate(error, schema) from error
        except BaseException:
            self._put_away(session)
            raise
        self._give_back(session)
        return result

    def _may_repeat(self, session: Session, error: Exception, statement: AnyStatement) -> bool:
        """Puts the session of a failed command away; whether the command was a read whose connection broke."""
        if not self._server.was_lost(error):
            self._put_away(session)
            return False
        self._discard(session)
        self._discard_all(self._idle)
        return statement.action not in _WRITES

    def _put_away(self, session: Session) -> None:
        if session.is_usable():
            self._give_back(session)
        else:
            self._discard(session)


def _creating(schema: Schema) -> Callable[[Session], None]:
    return lambda session: session.create(schema)


def _dropping(schema: Schema) -> Callable[[Session], None]:
    return lambda session: session.drop(schema)
