"""The async colour of a store inside this process, where nothing waits."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from typing import Any

from polystore.adapters.base import Backend, Streaming
from polystore.schema.model import Schema


class EmbeddedAsyncBackend:
    """A blocking backend that never waits, called directly.

    Args:
        backend: the same store in the blocking colour.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def execute(self, command: Any) -> Any:
        return self._backend.execute(command)

    async def stream(self, command: Any, size: int) -> AsyncGenerator[Sequence[Any]]:
        """The rows of a blocking backend that streams."""
        assert isinstance(self._backend, Streaming)
        for rows in self._backend.stream(command, size):
            yield rows

    async def ping(self) -> None:
        self._backend.ping()

    async def create_all(self, schemas: Sequence[Schema]) -> None:
        self._backend.create_all(schemas)

    async def drop_all(self, schemas: Sequence[Schema]) -> None:
        self._backend.drop_all(schemas)

    async def close(self) -> None:
        self._backend.close()


def in_parts(rows: Sequence[Any], size: int) -> Generator[Sequence[Any]]:
    """Rows that are in this process already, ``size`` at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
