"""The store in memory, ``memory://name``: the reference evaluator behind the adapter contract.

Data lives as long as the process; stores of the same name share it. It is the shortest real adapter: read it first.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from polystore.adapters.embedded import EmbeddedAsyncBackend
from polystore.adapters.memory.backend import MemoryBackend
from polystore.adapters.memory.compile import MemoryPrepared
from polystore.adapters.memory.tables import Tables, database
from polystore.errors import ConfigurationError
from polystore.query.capabilities import EVERYTHING, Capabilities
from polystore.query.operations import Operation
from polystore.schema.kinds import Kind
from polystore.schema.model import Schema


class MemoryAdapter:
    """Everything that a query can say, in Python."""

    name = "memory"
    capabilities: Capabilities = EVERYTHING

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def check(self, schema: Schema) -> None:
        """Every schema fits."""

    def compile(self, operation: Operation) -> MemoryPrepared:
        return MemoryPrepared(operation)

    def round(self, kind: Kind) -> None:
        """Every value is held as it is."""

    def connect(self) -> MemoryBackend:
        return MemoryBackend(self._tables)

    def connect_async(self) -> EmbeddedAsyncBackend:
        return EmbeddedAsyncBackend(MemoryBackend(self._tables))


def open(url: str, settings: dict[str, Any]) -> MemoryAdapter:
    """The adapter of ``memory://name``."""
    if settings:
        raise ConfigurationError(f"memory:// takes no settings, not {', '.join(settings)}")
    return MemoryAdapter(database(urlsplit(url).netloc))
