"""``jsonlines:///folder``: a file of JSON lines for each model. A template for adapters.

Read it in this order: what the store declares (here), what it makes of an operation (``compile``), how it keeps rows
(``files``), how it runs commands (``backend``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from polystore.adapters.base import AsyncBackend, Capabilities, Feature
from polystore.errors import ConfigurationError, NotSupportedError
from polystore.query.operations import Operation
from polystore.query.operators import Operator
from polystore.schema.kinds import Kind
from polystore.schema.model import Schema

from .backend import FileBackend
from .compile import PreparedOperation, compile_operation

CAPABILITIES = Capabilities(
    operators=frozenset(Operator) - {Operator.REGEX, Operator.IREGEX},
    features=frozenset(
        {
            Feature.FILTER_ANY,
            Feature.ORDER_ANY,
            Feature.ORDER_BYTES,
            Feature.ATOMIC_BATCH,
            Feature.MICROSECONDS,
            Feature.INFINITY,
        }
    ),
)
"""What this store can do. The rest is refused by the planner, before ``compile`` is called: patterns, parts of dates,
arithmetic, distinct rows, inserts that skip conflicts, the async colour."""


class JsonLinesAdapter:
    """One folder. Making it does no I/O, and neither does ``connect``."""

    name = "jsonlines"
    capabilities = CAPABILITIES

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check(self, schema: Schema) -> None:
        """Refuses what capabilities cannot say: a model whose rows expire."""
        if schema.ttl is not None:
            raise NotSupportedError(f"{schema.name}.Meta.ttl: rows in files do not expire; use Redis or MongoDB")

    def compile(self, operation: Operation) -> PreparedOperation:
        return compile_operation(operation)

    def round(self, kind: Kind) -> None:
        """JSON lines hold every value as it is."""

    def connect(self) -> FileBackend:
        return FileBackend(self._folder)

    def connect_async(self) -> AsyncBackend:
        raise NotImplementedError("never called: Feature.ASYNC is not declared")


def open(url: str, settings: dict[str, Any]) -> JsonLinesAdapter:
    """The adapter of a URL; this is what the entry point's module offers."""
    path = unquote(urlsplit(url).path)
    if settings or urlsplit(url).netloc or not path.strip("/"):
        raise ConfigurationError(f"write jsonlines:///path/to/folder, without settings; given: {url} {settings or ''}")
    return JsonLinesAdapter(Path(path))
