"""The contract of an adapter: what every store's folder provides, and what it may rely on.

``Adapter.compile`` turns an operation into a ``Prepared`` once; ``Prepared.bind`` puts values in and gives the native
command; a backend executes it. Only backends do I/O.

The core promises a compiler: columns belong to the operation's schema (those of a combination's parts to theirs); the
condition is simplified and rooted in ``All``; value lists are never empty; every operator, part and feature used is one
that the adapter declared. An adapter promises: ``compile`` and ``bind`` are pure and safe to share between threads;
values never enter command text; after an error the connection is usable or closed; the driver's error is the
``__cause__`` of ours; null rules are those of ``query.evaluate``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, Protocol, runtime_checkable

from polystore.query.capabilities import Capabilities, Feature
from polystore.query.operations import Operation
from polystore.schema.kinds import Kind
from polystore.schema.model import FieldInfo, Schema

__all__ = [
    "Adapter",
    "AsyncBackend",
    "AsyncStreaming",
    "Backend",
    "Capabilities",
    "Feature",
    "HasClient",
    "HasDatabase",
    "HasEngine",
    "OpenAdapter",
    "Prepared",
    "RawQuery",
    "RawRows",
    "Source",
    "Streaming",
    "SupportsAnalyze",
    "SupportsRaw",
    "undeclared",
]


def undeclared(node: object) -> NoReturn:
    """Ends the branch of a compiler for nodes that its store does not declare: ``query.check`` lets none through."""
    raise AssertionError(f"an undeclared {type(node).__name__} reached the compiler")


class Source(NamedTuple):
    """Where a column's value stands in a row, and how it becomes plain.

    ``load`` is never given None. For containers (``FieldInfo.mutable``) it must be there and build a new value at each
    call: the row is kept to find out later whether the value was changed in place.
    """

    key: int | str
    load: Callable[[Any], Any] | None = None


class Prepared(Protocol):
    """A compiled operation, bound to values as often as it is used.

    ``sources`` serves what answers rows: one for each field of ``operations.answered``. ``dumps`` serves what takes
    rows: for each field of ``operations.written`` the function from a plain value (never None) to the stored one, or
    None for no change.
    """

    @property
    def sources(self) -> tuple[Source, ...]: ...

    @property
    def dumps(self) -> tuple[Callable[[Any], Any] | None, ...]: ...

    def bind(self, values: Sequence[Any]) -> Any:
        """The native command for these values: the flat tuple of plain values, or dumped rows where it takes rows."""
        ...

    def describe(self, values: Sequence[Any]) -> str:
        """The native command as text, for ``explain()``; needs no server."""
        ...


class Backend(Protocol):
    """The open store, blocking; safe to share between threads.

    ``execute`` answers: Select, Group and Combination a sequence of rows, read by the prepared ``sources``; Count an
    int; Exists a bool; Insert the keys that the store allocated, in the order of the rows (an empty list when the rows
    had theirs), or with ``on_conflict`` a row of what is told of each (an empty list when nothing is); UpdateEach for
    each row whether it was there; Update and Delete the number of matched rows.
    """

    def execute(self, command: Any) -> Any: ...

    def ping(self) -> None: ...

    def create_all(self, schemas: Sequence[Schema]) -> None: ...

    def drop_all(self, schemas: Sequence[Schema]) -> None: ...

    def close(self) -> None: ...


class AsyncBackend(Protocol):
    """The open store in the other colour; bound to the event loop that opened it."""

    async def execute(self, command: Any) -> Any: ...

    async def ping(self) -> None: ...

    async def create_all(self, schemas: Sequence[Schema]) -> None: ...

    async def drop_all(self, schemas: Sequence[Schema]) -> None: ...

    async def close(self) -> None: ...


@runtime_checkable
class SupportsAnalyze(Protocol):
    """Tied to ``Feature.ANALYZE``: the server's own account of a command."""

    def analyze(self, command: Any) -> str: ...


@runtime_checkable
class Streaming(Protocol):
    """Tied to ``Feature.STREAM``: a backend that answers the rows of a Select or a Group little by little."""

    def stream(self, command: Any, size: int) -> Generator[Sequence[Any]]:
        """The rows as they were at one moment, ``size`` held at a time.

        What it takes is given back when the generator ends or is closed.
        """
        ...


@runtime_checkable
class AsyncStreaming(Protocol):
    """The same in the other colour."""

    def stream(self, command: Any, size: int) -> AsyncGenerator[Sequence[Any]]: ...


class RawRows(NamedTuple):
    """What a raw query answered: its columns' names, its rows, how values of columns that are no field's are read."""

    columns: tuple[str, ...]
    rows: Sequence[Any]
    loads: tuple[Callable[[Any], Any] | None, ...]


class RawQuery(Protocol):
    """A query in the store's own language with its parameters, ready to be executed; a backend answers ``RawRows``."""

    @property
    def command(self) -> Any: ...

    @property
    def text(self) -> str:
        """The query without its parameters."""
        ...

    @property
    def fields(self) -> Mapping[str, FieldInfo]:
        """The fields of the model by the names that their columns have in the store."""
        ...

    def sources(self, answer: RawRows, fields: Sequence[FieldInfo | None]) -> tuple[Source, ...]:
        """Where the value of each column stands in a row, and how it becomes plain: a field's, or None for another."""
        ...


@runtime_checkable
class SupportsRaw(Protocol):
    """Tied to ``Feature.RAW``: an adapter that takes queries in the store's own language."""

    def raw(self, schema: Schema, query: Any, parameters: Any) -> RawQuery:
        """The query made ready, without I/O.

        Raises:
            QueryUsageError: this is no query of the store, or its parameters do not fit.
        """
        ...


@runtime_checkable
class HasEngine(Protocol):
    """An adapter over SQLAlchemy: the engine, with connections of its own."""

    @property
    def engine(self) -> Any: ...


@runtime_checkable
class HasDatabase(Protocol):
    """An adapter over PyMongo: the database, with connections of its own."""

    @property
    def database(self) -> Any: ...


@runtime_checkable
class HasClient(Protocol):
    """An adapter over redis-py: the client, with connections of its own."""

    @property
    def client(self) -> Any: ...


class Adapter(Protocol):
    """One configured store: pure until ``connect`` is called, which itself opens lazily at the first command."""

    @property
    def name(self) -> str:
        """The kind of store in one word, such as "sqlite"."""
        ...

    @property
    def capabilities(self) -> Capabilities: ...

    def check(self, schema: Schema) -> None:
        """Refuses a schema that this store cannot hold, with a NotSupportedError naming the field."""
        ...

    def compile(self, operation: Operation) -> Prepared: ...

    def round(self, kind: Kind) -> Callable[[Any], Any] | None:
        """The function from a plain value of the kind to the nearest one that the store holds; None where it holds all.

        Written instances take over the rounded value, so that what was saved equals what is read.
        """
        ...

    def connect(self) -> Backend: ...

    def connect_async(self) -> AsyncBackend: ...


class OpenAdapter(Protocol):
    """What an adapter package offers as ``open``: an Adapter from a URL and settings, without any I/O."""

    def __call__(self, url: str, settings: dict[str, Any]) -> Adapter: ...
