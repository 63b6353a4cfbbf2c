"""The backend of a database server: a small pool of the driver's own connections, last used first.

Leasing costs a list's ``pop``, a look at the socket and a list's ``append``. A connection that its server has closed in
the meantime is noticed before anything is sent on it.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Protocol

from polystore.adapters.sql.forks import of_parent, watch_forks
from polystore.adapters.sql.prepared import Action, AnyStatement, Command
from polystore.adapters.sql.server import Server
from polystore.adapters.sql.waiting import AsyncGate
from polystore.errors import StoreUnavailable
from polystore.schema.model import Schema

_WRITES = (Action.CHANGE, Action.INSERT, Action.EACH, Action.RAW)


class AsyncSession(Protocol):
    """One connection to a server."""

    owner: object

    async def run(self, statement: AnyStatement, parameters: Sequence[Any]) -> Any:
        """Runs a statement and shapes its answer."""
        ...

    def stream(self, statement: AnyStatement, parameters: Sequence[Any], size: int) -> AsyncGenerator[Sequence[Any]]:
        """Runs a statement and answers its rows, ``size`` at a time."""
        ...

    async def ping(self) -> None: ...

    async def create(self, schema: Schema) -> None: ...

    async def drop(self, schema: Schema) -> None: ...

    async def analyze(self, statement: AnyStatement, parameters: Sequence[Any]) -> str: ...

    def is_stale(self) -> bool:
        """Whether the server has closed the connection, or has sent what nobody asked for."""
        ...

    def is_usable(self) -> bool:
        """Whether the connection can serve another command after an error."""
        ...

    async def close(self) -> None: ...


class AsyncServerBackend:
    """Runs commands on a server.

    Args:
        server: the server and its settings.
        open_session: opens a connection to it.
    """

    def __init__(self, server: Server, open_session: Callable[[Server], Awaitable[AsyncSession]]) -> None:
        self._server = server
        self._open_session = open_session
        self._start()
        watch_forks(self)

    def _start(self) -> None:
        self._idle: list[AsyncSession] = []
        self._count = 0
        self._lock = threading.Lock()
        self._gate = AsyncGate()
        self._owner = object()

    async def execute(self, command: Command) -> Any:
        statement, parameters = command
        session = await self._lease()
        try:
            result = await session.run(statement, parameters)
        except self._server.driver_errors as error:
            if not await self._may_repeat(session, error, statement):
                raise self._server.translate(error, statement.schema) from error
        except BaseException:
            await self._put_away(session)
            raise
        else:
            await self._give_back(session)
            return result
        return await self._manage(lambda session: session.run(statement, parameters), statement.schema)

    async def stream(self, command: Command, size: int) -> AsyncGenerator[Sequence[Any]]:
        """The rows of a statement, ``size`` at a time; a connection is leased until the generator ends."""
        statement, parameters = command
        session = await self._lease()
        try:
            async with aclosing(session.stream(statement, parameters, size)) as parts:
                async for rows in parts:
                    yield rows
        except self._server.driver_errors as error:
            raise self._server.translate(error, statement.schema) from error
        finally:
            await self._put_away(session)

    async def ping(self) -> None:
        await self._manage(lambda session: session.ping())

    async def create_all(self, schemas: Sequence[Schema]) -> None:
        for schema in schemas:
            await self._manage(_creating(schema), schema)

    async def drop_all(self, schemas: Sequence[Schema]) -> None:
        for schema in schemas:
            await self._manage(_dropping(schema), schema)

    async def analyze(self, command: Command) -> str:
        """The server's plan of a command; a read is run for it, a write is not."""
        statement, parameters = command
        text: str = await self._manage(lambda session: session.analyze(statement, parameters), statement.schema)
        return text

    async def close(self) -> None:
        """Closes every connection, those in use when they come back. The next command opens one again."""
        idle = self._idle
        self._start()
        await self._discard_all(idle)

    def forget(self) -> None:
        """Leaves the connections of the parent alone, in a forked child."""
        of_parent.extend(self._idle)
        self._start()

    # ---- leasing

    async def _lease(self) -> AsyncSession:
        while True:
            try:
                session = self._idle.pop()
            except IndexError:
                session = await self._wait_for_session()
            if not session.is_stale():
                return session
            await self._discard(session)

    async def _wait_for_session(self) -> AsyncSession:
        server = self._server
        found = await self._gate.wait(self._take, server.pool_timeout)
        if found is None:
            raise StoreUnavailable(
                f"{server.store}: all {server.pool_size} connections were in use for {server.pool_timeout} seconds; "
                "raise pool_size, or run fewer commands at a time"
            )
        (session,) = found
        return session if session is not None else await self._open()

    def _take(self) -> tuple[AsyncSession | None] | None:
        """An idle session; or in its place None, for the right to open one; None alone when there is neither."""
        with self._lock:
            if self._idle:
                return (self._idle.pop(),)
            if self._count < self._server.pool_size:
                self._count += 1
                return (None,)
            return None

    async def _open(self) -> AsyncSession:
        owner = self._owner
        try:
            session = await self._open_session(self._server)
        except self._server.driver_errors as error:
            self._free_place(owner)
            raise self._server.translate(error, None) from error
        except BaseException:
            self._free_place(owner)
            raise
        session.owner = owner
        return session

    async def _give_back(self, session: AsyncSession) -> None:
        if session.owner is not self._owner:
            await session.close()
            return
        self._idle.append(session)
        if self._gate.waiting:
            self._gate.wake()

    async def _discard(self, session: AsyncSession) -> None:
        self._free_place(session.owner)
        await session.close()

    async def _discard_all(self, idle: list[AsyncSession]) -> None:
        while True:
            try:
                session = idle.pop()
            except IndexError:
                return
            await self._discard(session)

    def _free_place(self, owner: object) -> None:
        if owner is self._owner:
            with self._lock:
                self._count -= 1
            self._gate.wake()

    # ---- errors

    async def _manage(self, work: Callable[[AsyncSession], Awaitable[Any]], schema: Schema | None = None) -> Any:
        """Does something on a leased session."""
        session = await self._lease()
        try:
            result = await work(session)
        except self._server.driver_errors as error:
            await self._put_away(session)
            raise self._server.translate(error, schema) from error
        except BaseException:
            await self._put_away(session)
            raise
        await self._give_back(session)
        return result

    async def _may_repeat(self, session: AsyncSession, error: Exception, statement: AnyStatement) -> bool:
        """Puts the session of a failed command away; whether the command was a read whose connection broke."""
        if not self._server.was_lost(error):
            await self._put_away(session)
            return False
        await self._discard(session)
        await self._discard_all(self._idle)
        return statement.action not in _WRITES

    async def _put_away(self, session: AsyncSession) -> None:
        if session.is_usable():
            await self._give_back(session)
        else:
            await self._discard(session)


def _creating(schema: Schema) -> Callable[[AsyncSession], Awaitable[None]]:
    return lambda session: session.create(schema)


def _dropping(schema: Schema) -> Callable[[AsyncSession], Awaitable[None]]:
    return lambda session: session.drop(schema)
