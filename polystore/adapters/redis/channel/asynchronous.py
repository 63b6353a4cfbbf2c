"""Connections to one server for asyncio: packed commands go out, replies come back.

All tasks of a loop share one connection, and what they send at the same time travels together. The driver connects and
signs in; then the bytes go to a protocol of our own, which hands each reply to the task that waits for it. Without
hiredis, and for the server inside the process, tasks share a few connections of the driver instead.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from typing import Any
from weakref import WeakSet

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from polystore.adapters.redis.policy import POLICY_COMMAND, check_policy
from polystore.adapters.redis.target import Target

try:
    import hiredis
except ImportError:
    hiredis = None  # type: ignore[assignment]  # the driver's own parser serves then

_NOTHING = object()


class AsyncChannel:
    """The connections of one event loop; made when needed, and made anew on another loop or in another process."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.forget()
        _channels.add(self)

    def forget(self) -> None:
        """Leaves the connections to the loop or the process that they belong to."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stream: Stream | None = None
        self._checked = self._target.fake

    async def call(self, packed: bytes) -> Any:
        """The reply to one reading command, sent once more when its connection turns out to be dead.

        Raises:
            redis.exceptions.RedisError: what the driver or the server raised.
        """
        stream = self._stream
        if stream is None or not stream.usable or stream.loop is not asyncio.get_running_loop():
            stream = await self._connect()
            reply = await stream.request(packed)
        else:
            try:
                reply = await stream.request(packed)
            except RedisConnectionError:
                stream = await self._connect()
                reply = await stream.request(packed)
        if isinstance(reply, ResponseError):
            raise reply
        return reply

    async def send(self, packed: bytes, count: int = 1) -> list[Any]:
        """The replies to some commands, errors of the server among them as values; never sent twice."""
        stream = self._stream
        if stream is None or not stream.usable or stream.loop is not asyncio.get_running_loop():
            stream = await self._connect()
        return await stream.request_all(packed, count)

    async def close(self) -> None:
        """Closes the connections."""
        stream, self._stream = self._stream, None
        if stream is not None and stream.loop is asyncio.get_running_loop():
            await stream.close()

    async def _connect(self) -> Stream:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._lock, self._stream = loop, asyncio.Lock(), None
        async with self._lock:
            if self._stream is None or not self._stream.usable:
                self._stream = await self._open()
            return self._stream

    async def _open(self) -> Stream:
        stream = await open_stream(self._target)
        if not self._checked:
            try:
                (reply,) = await stream.request_all(POLICY_COMMAND, 1)
                check_policy(reply, self._target.place)
            except BaseException:
                await stream.close()
                raise
            self._checked = True
        return stream


class Stream:
    """A way to one server on one loop."""

    loop: asyncio.AbstractEventLoop
    usable: bool

    async def request(self, packed: bytes) -> Any:
        """The reply to one command; an error of the server as a value."""
        raise NotImplementedError

    async def request_all(self, packed: bytes, count: int) -> list[Any]:
        """The replies to some commands."""
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


async def open_stream(target: Target) -> Stream:
    """Connects and signs in."""
    if target.fake or hiredis is None:
        return PooledStream(target)
    connection = target.make_async_connection(timeout=False)
    async with asyncio.timeout(target.settings.socket_timeout):
        await connection.connect()
    writer = getattr(connection, "_writer", None)
    if writer is None:
        return PooledStream(target)
    connection._reader = connection._writer = None
    return SharedStream(target, writer)


# ---- one connection for all tasks


class SharedStream(Stream, asyncio.Protocol):
    """A connection on which many tasks wait at once: the n-th reply belongs to the n-th command."""

    def __init__(self, target: Target, writer: asyncio.StreamWriter) -> None:
        self.loop = asyncio.get_running_loop()
        self.usable = True
        self._place = target.place
        self._timeout = target.settings.socket_timeout
        self._writer = writer  # kept, since its end would close the transport
        self._transport: Any = writer.transport
        self._reader = hiredis.Reader(
            replyError=ResponseError,
            protocolError=RedisConnectionError,
            notEnoughData=_NOTHING,
        )
        self._waiting: deque[_Request] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._room: asyncio.Future[None] | None = None
        self._error: Exception = RedisConnectionError("the connection was closed")
        self._transport.set_protocol(self)

    async def request(self, packed: bytes) -> Any:
        while self._room is not None:
            await asyncio.shield(self._room)
        request = _Request(self.loop, 0)
        self._send(packed, request)
        return await request.future

    async def request_all(self, packed: bytes, count: int) -> list[Any]:
        while self._room is not None:
            await asyncio.shield(self._room)
        request = _Request(self.loop, count)
        self._send(packed, request)
        replies: list[Any] = await request.future
        return replies

    async def close(self) -> None:
        self.usable = False
        self._transport.close()
        await asyncio.sleep(0)

    def _send(self, packed: bytes, request: _Request) -> None:
        if not self.usable:
            raise self._error
        self._waiting.append(request)
        self._transport.write(packed)
        if self._timer is None:
            self._timer = self.loop.call_later(self._timeout, self._watch)

    def _watch(self) -> None:
        self._timer = None
        if not self._waiting:
            return
        left = self._waiting[0].sent + self._timeout - self.loop.time()
        if left > 0:
            self._timer = self.loop.call_later(left, self._watch)
            return
        self._error = RedisTimeoutError(f"no answer within {self._timeout:g} seconds")
        self._transport.abort()

    # what the event loop calls

    def data_received(self, data: bytes) -> None:
        reader, waiting = self._reader, self._waiting
        reader.feed(data)
        try:
            while (reply := reader.gets()) is not _NOTHING:
                if waiting[0].take(reply):
                    waiting.popleft()
        except (RedisConnectionError, IndexError) as error:
            self._error = RedisConnectionError(f"an answer that is no answer: {error}")
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if exc is not None and not isinstance(self._error, RedisTimeoutError):
            self._error = RedisConnectionError(str(exc))
        if self._timer is not None:
            self._timer.cancel()
        self.resume_writing()
        while self._waiting:
            self._waiting.popleft().fail(self._error)

    def pause_writing(self) -> None:
        self._room = self.loop.create_future()

    def resume_writing(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)


class _Request:
    """A command under way; ``count`` 0 is one reply that is not put into a list."""

    __slots__ = ("_count", "_replies", "future", "sent")

    def __init__(self, loop: asyncio.AbstractEventLoop, count: int) -> None:
        self.future: asyncio.Future[Any] = loop.create_future()
        self.sent = loop.time()
        self._count = count
        self._replies: list[Any] = []

    def take(self, reply: Any) -> bool:
        """Takes a reply; true when it was the last."""
        if self._count:
            self._replies.append(reply)
            if len(self._replies) < self._count:
                return False
            reply = self._replies
        if not self.future.done():
            self.future.set_result(reply)
        return True

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


# ---- connections of the driver


class PooledStream(Stream):
    """Connections of the driver, one for each command under way."""

    def __init__(self, target: Target) -> None:
        self.loop = asyncio.get_running_loop()
        self.usable = True
        self._target = target
        self._free: list[Any] = []
        self._slots = asyncio.Semaphore(target.settings.max_connections)

    async def request(self, packed: bytes) -> Any:
        return (await self.request_all(packed, 1))[0]

    async def request_all(self, packed: bytes, count: int) -> list[Any]:
        async with self._slots:
            connection = self._free.pop() if self._free else self._target.make_async_connection()
            try:
                if not connection.is_connected:
                    await connection.connect()
                await connection.send_packed_command([packed], check_health=False)
                replies = [await _read(connection) for _ in range(count)]
            except BaseException:
                await connection.disconnect(nowait=True)
                raise
            self._free.append(connection)
            return replies

    async def close(self) -> None:
        self.usable = False
        free, self._free = self._free, []
        for connection in free:
            await connection.disconnect()


async def _read(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


_channels: WeakSet[AsyncChannel] = WeakSet()


def _after_fork() -> None:
    for channel in list(_channels):
        channel.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
