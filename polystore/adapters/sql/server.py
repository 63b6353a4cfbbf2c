"""What a backend knows about its server."""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from polystore.adapters.sql.dialect import Dialect
from polystore.errors import PolystoreError
from polystore.schema.model import Schema


class Server(Struct, frozen=True):
    """One database on a server, and how it is used.

    Args:
        dialect: how it is spoken to.
        store: its URL without the password.
        arguments: what the driver's ``connect`` takes.
        pool_size: connections at a time.
        pool_timeout: seconds to wait for one of them.
        driver_errors: the classes of errors that ``translate`` is asked about.
        translate: makes our error of a driver's one.
        was_lost: whether the error tells that the connection broke without an answer of the server.
        prepare: whether statements are prepared on the server.
    """

    dialect: Dialect
    store: str
    arguments: dict[str, Any]
    pool_size: int
    pool_timeout: float
    driver_errors: tuple[type[Exception], ...]
    translate: Callable[[Exception, Schema | None], PolystoreError]
    was_lost: Callable[[Exception], bool]
    prepare: bool = True

    def __repr__(self) -> str:
        return f"Server({self.store!r})"


def readable(descriptor: int) -> Callable[[], bool]:
    """The function that tells whether a socket has something to read, be it the news that it was closed."""
    if not hasattr(select, "poll"):
        return lambda: bool(select.select([descriptor], [], [], 0)[0])
    poller = select.poll()
    poller.register(descriptor, select.POLLIN | select.POLLPRI | select.POLLHUP | select.POLLERR)
    poll = poller.poll
    return lambda: bool(poll(0))
