"""One configured store, opened when it is first used: blocking, and once for each event loop."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from polystore.adapters.base import Adapter, AsyncBackend, Backend, Feature
from polystore.engine.loops import running_loop
from polystore.errors import MissingDriver, NotSupportedError, StoreUnavailable

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

T = TypeVar("T")


class Connection:
    """An adapter with its open backends, which a forked child opens anew, and the secret that signs its cursors."""

    __slots__ = ("__weakref__", "_async_backends", "_backend", "_lock", "adapter", "name", "secret")

    def __init__(self, name: str, adapter: Adapter, secret: bytes) -> None:
        self.name = name
        self.adapter = adapter
        self.secret = secret
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._backend: Backend | None = None
        self._async_backends: weakref.WeakKeyDictionary[AbstractEventLoop, AsyncBackend] = weakref.WeakKeyDictionary()

    @property
    def label(self) -> str:
        """The store's name and kind, as errors name it."""
        return f"{self.name} ({self.adapter.name})"

    @property
    def backend(self) -> Backend:
        """The open blocking backend."""
        backend = self._backend
        return backend if backend is not None else self._open()

    @property
    def async_backend(self) -> AsyncBackend:
        """The open backend of the running event loop."""
        backend = self._async_backends.get(running_loop())
        return backend if backend is not None else self._open_async()

    def _open(self) -> Backend:
        with self._lock:
            if self._backend is None:
                self._backend = self._connected(self.adapter.connect)
            return self._backend

    def _open_async(self) -> AsyncBackend:
        if Feature.ASYNC not in self.adapter.capabilities.features:
            raise NotSupportedError(f"store {self.label} has no async colour; use the blocking calls")
        loop = running_loop()
        with self._lock:
            backend = self._async_backends.get(loop)
            if backend is None:
                backend = self._async_backends[loop] = self._connected(self.adapter.connect_async)
            return backend

    def _connected(self, connect: Callable[[], T]) -> T:
        """A new backend; the error of a missing driver begins with the store's name."""
        try:
            return connect()
        except MissingDriver as error:
            raise MissingDriver(f"store {self.name!r}: {error}") from error.__cause__

    def name_in(self, error: StoreUnavailable) -> None:
        """Has an error of this store begin with the store's name."""
        error.store = self.name
        error.args = (f"store {self.name!r}: {error}",)

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Names the store in what the block raises because its server cannot be reached."""
        try:
            yield
        except StoreUnavailable as error:
            self.name_in(error)
            raise

    def close(self) -> None:
        """Closes the blocking backend; the next use opens it anew."""
        with self._lock:
            backend, self._backend = self._backend, None
        if backend is not None:
            backend.close()

    async def aclose(self) -> None:
        """Closes the backend of the running event loop, and the blocking one."""
        with self._lock:
            backend = self._async_backends.pop(running_loop(), None)
        if backend is not None:
            await backend.close()
        self.close()


_connections: weakref.WeakSet[Connection] = weakref.WeakSet()


def open_connection(name: str, adapter: Adapter, secret: bytes) -> Connection:
    """A connection that a fork of this process will not share with its child."""
    connection = Connection(name, adapter, secret)
    _connections.add(connection)
    return connection


def _after_fork(*_: Any) -> None:
    for connection in list(_connections):
        connection._forget()


os.register_at_fork(after_in_child=_after_fork)
