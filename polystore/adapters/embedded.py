"""The async colour of a store inside this process, where nothing waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polystore.adapters.base import Backend
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

    async def ping(self) -> None:
        self._backend.ping()

    async def create_all(self, schemas: Sequence[Schema]) -> None:
        self._backend.create_all(schemas)

    async def drop_all(self, schemas: Sequence[Schema]) -> None:
        self._backend.drop_all(schemas)

    async def close(self) -> None:
        self._backend.close()
