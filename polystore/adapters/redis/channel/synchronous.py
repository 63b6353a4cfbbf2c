"""Blocking connections to one server, shared by threads: packed commands go out, replies come back."""

from __future__ import annotations

import os
import time
from threading import Condition
from typing import Any
from weakref import WeakSet

from redis.exceptions import ResponseError

from polystore.adapters.redis.channel.lines import Line, open_line
from polystore.adapters.redis.errors import CONNECTION_ERRORS
from polystore.adapters.redis.policy import POLICY_COMMAND, check_policy
from polystore.adapters.redis.target import Target
from polystore.errors import StoreUnavailable


class Channel:
    """A pool: connections are made when needed, and kept.

    A reading command whose kept connection turns out to be dead is sent once more, over another one. A writing command
    never is; its connection is looked at before it is used.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self.forget()
        _channels.add(self)

    def forget(self) -> None:
        """Leaves the connections to the process that this one was forked from."""
        self._free: list[Line] = []
        self._count = 0
        self._waiting = 0
        self._condition = Condition()
        self._checked = self._target.fake

    def call(self, packed: bytes) -> Any:
        """The reply to one reading command.

        Raises:
            redis.exceptions.RedisError: what the driver or the server raised.
        """
        free = self._free
        try:
            line = free.pop()
        except IndexError:
            line = self._open()
        try:
            reply = line.ask(packed)
        except CONNECTION_ERRORS:
            self._drop(line)
            (reply,) = self.send(packed)
        except BaseException:
            self._drop(line)
            raise
        else:
            free.append(line)
            if self._waiting:
                self._notify()
        if isinstance(reply, ResponseError):
            raise reply
        return reply

    def send(self, packed: bytes, count: int = 1) -> list[Any]:
        """The replies to some commands, errors of the server among them as values; never sent twice."""
        free = self._free
        line = self._take_alive()
        try:
            replies = line.ask_all(packed, count)
        except BaseException:
            self._drop(line)
            raise
        free.append(line)
        if self._waiting:
            self._notify()
        return replies

    def close(self) -> None:
        """Closes the connections that are free; those in use are left to be closed after it."""
        with self._condition:
            free, self._free = self._free, []
            self._count = 0
        for line in free:
            line.close()

    def _take_alive(self) -> Line:
        """A connection that the server has not closed."""
        while True:
            try:
                line = self._free.pop()
            except IndexError:
                return self._open()
            if not line.is_dead():
                return line
            self._drop(line)

    def _open(self) -> Line:
        """A free connection, or a new one."""
        free = self._free
        with self._condition:
            self._waiting += 1
            try:
                self._wait_for_room(free)
                if free:
                    return free.pop()
                self._count += 1
            finally:
                self._waiting -= 1
        try:
            return self._connect()
        except BaseException:
            self._leave()
            raise

    def _wait_for_room(self, free: list[Line]) -> None:
        settings = self._target.settings
        deadline = time.monotonic() + settings.socket_timeout
        while not free and self._count >= settings.max_connections:
            if not self._condition.wait(deadline - time.monotonic()):
                raise StoreUnavailable(
                    f"{self._target.place}: all {self._count} connections are in use; raise max_connections, or use "
                    "fewer threads"
                )

    def _connect(self) -> Line:
        connection = self._target.make_connection()
        try:
            connection.connect()
            line = open_line(connection)
            if not self._checked:
                check_policy(line.ask(POLICY_COMMAND), self._target.place)
                self._checked = True
        except BaseException:
            connection.disconnect()
            raise
        return line

    def _drop(self, line: Line) -> None:
        line.close()
        self._leave()

    def _leave(self) -> None:
        with self._condition:
            self._count = max(0, self._count - 1)
            self._condition.notify()

    def _notify(self) -> None:
        with self._condition:
            self._condition.notify()


_channels: WeakSet[Channel] = WeakSet()


def _after_fork() -> None:
    for channel in list(_channels):
        channel.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
