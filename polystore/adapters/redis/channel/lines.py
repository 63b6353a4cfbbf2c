"""One blocking connection: bytes out, replies back.

Where hiredis is installed it goes straight to the socket that the driver has connected, else through the driver.
"""

from __future__ import annotations

import select
from typing import Any, Protocol

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

hiredis: Any
try:
    import hiredis
except ImportError:
    hiredis = None

BUFFER_SIZE = 65_536
_NOTHING = object()


class Line(Protocol):
    """A connection that has signed in. After an exception other than an interrupt within it, it must be closed."""

    def ask(self, packed: bytes) -> Any:
        """The reply to one command; an error of the server as a value."""
        ...

    def ask_all(self, packed: bytes, count: int) -> list[Any]:
        """The replies to some commands."""
        ...

    def is_dead(self) -> bool:
        """Whether the server has closed the connection, or sent what nobody asked for."""
        ...

    def close(self) -> None: ...


def open_line(connection: Any) -> Line:
    """The line of a connection of the driver, which has signed in."""
    sock = getattr(connection, "_sock", None)
    if hiredis is None or not hasattr(select, "poll") or not hasattr(sock, "recv_into"):
        return DriverLine(connection)
    return SocketLine(connection, sock)


class SocketLine:
    """Writes to the socket and lets hiredis read."""

    def __init__(self, connection: Any, sock: Any) -> None:
        self._connection = connection
        self._send = sock.sendall
        self._receive = sock.recv_into
        self._buffer = bytearray(BUFFER_SIZE)
        reader = hiredis.Reader(replyError=ResponseError, protocolError=RedisConnectionError, notEnoughData=_NOTHING)
        self._feed, self._next = reader.feed, reader.gets
        poller = select.poll()
        poller.register(sock, select.POLLIN)
        self._poll = poller.poll

    def ask(self, packed: bytes) -> Any:
        self._send(packed)
        while (reply := self._next()) is _NOTHING:
            self._fill()
        return reply

    def ask_all(self, packed: bytes, count: int) -> list[Any]:
        self._send(packed)
        replies: list[Any] = []
        following = self._next
        while len(replies) < count:
            if (reply := following()) is _NOTHING:
                self._fill()
            else:
                replies.append(reply)
        return replies

    def _fill(self) -> None:
        size = self._receive(self._buffer)
        if not size:
            raise RedisConnectionError("the server closed the connection")
        self._feed(self._buffer, 0, size)

    def is_dead(self) -> bool:
        return bool(self._poll(0))

    def close(self) -> None:
        self._connection.disconnect()


class DriverLine:
    """Lets the driver write and read."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def ask(self, packed: bytes) -> Any:
        return self.ask_all(packed, 1)[0]

    def ask_all(self, packed: bytes, count: int) -> list[Any]:
        self._connection.send_packed_command((packed,), check_health=False)
        return [self._read() for _ in range(count)]

    def _read(self) -> Any:
        try:
            return self._connection.read_response()
        except ResponseError as error:
            return error

    def is_dead(self) -> bool:
        try:
            return bool(self._connection.can_read(0))
        except (RedisConnectionError, OSError):
            return True

    def close(self) -> None:
        self._connection.disconnect()
