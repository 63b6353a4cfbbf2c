"""``Store``: the configured stores of a service, opened when they are first used."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from polystore.adapters.base import HasClient, HasDatabase, HasEngine
from polystore.api.complete import schema_of
from polystore.api.state import bind, note_closed, note_opened, unbind
from polystore.engine.connection import Connection, open_connection
from polystore.engine.handle import Handle
from polystore.engine.open import open_adapter
from polystore.engine.settings import StoreSettings, read_settings
from polystore.errors import ConfigurationError, suggestion

if TYPE_CHECKING:
    from pymongo.collection import Collection
    from redis import Redis
    from sqlalchemy import Engine

    from polystore.adapters.base import Adapter
    from polystore.api.model import Model
    from polystore.api.repository import Repository

M = TypeVar("M", bound="Model")

_PROCESS_SECRET = os.urandom(32)


class Store:
    """The stores of a service and the routes of its models.

    Opening does no I/O: each store connects when it is first used. A Store may be shared by threads, tasks and forked
    children. The last one opened is the default for ``Model.objects``; ``with store:`` and ``async with store:`` make
    it the current one for a block and close it when the last such block is left.

    Args:
        stores: a URL for each store, or a dict with "url" and the adapter's settings; "default" takes what is
            not routed.
        routes: store names by model name; they win over ``Meta.store``.
        secret: what cursors of ``keyset()`` are signed with; without one they are good in this process only.
        most_values: the most values that a query on one store may pass to a query on another one.

    Raises:
        ConfigurationError: a URL or a route that cannot work.
        MissingDriver: the driver of a URL is not installed; the message names the extra.
    """

    def __init__(
        self,
        stores: str | Mapping[str, str | Mapping[str, Any] | Adapter],
        routes: Mapping[str, str] | None = None,
        *,
        secret: str | None = None,
        most_values: int = 10_000,
    ) -> None:
        if isinstance(stores, str):
            stores = {"default": stores}
        for what, given in (("stores", stores), ("routes", routes)):
            if given is not None and not isinstance(given, Mapping):
                raise ConfigurationError(f"the {what} of a Store are a dict by name, not {type(given).__name__}")
        if not stores:
            raise ConfigurationError('a Store needs at least one URL: Store({"default": "sqlite:///app.db"})')
        if secret == "":
            raise ConfigurationError("the secret of a Store must not be empty; leave it out for one of this process")
        if type(most_values) is not int or most_values < 1:
            raise ConfigurationError(f"most_values of a Store is an int of at least 1, not {most_values!r}")
        self.most_values = most_values
        sealing = _PROCESS_SECRET if secret is None else secret.encode()
        self._connections: dict[str, Connection] = {
            name: open_connection(name, open_adapter(name, configured), sealing) for name, configured in stores.items()
        }
        self._routes = dict(routes or {})
        for model, name in self._routes.items():
            self._connection(name, f"the route of {model}")
        self._handles: dict[tuple[type[Any], str | None], Handle] = {}
        self._lock = threading.Lock()
        self._entered = 0
        note_opened(self)

    @classmethod
    def from_settings(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """The Store of ``[tool.polystore]`` in pyproject.toml, of polystore.toml and of ``POLYSTORE_*`` in the
        environment.

        Args:
            path: the folder of these files; the current one by default.

        Raises:
            ConfigurationError: nothing is configured, or a file cannot be read.
        """
        settings: StoreSettings = read_settings(Path(path or "."), os.environ)
        return cls(settings.stores, settings.routes, secret=settings.secret)

    # ---- models on stores

    def handle(self, model: type[Any], alias: str | None = None) -> Handle:
        """The model on the store named ``alias``, or on the one it is routed to."""
        handle = self._handles.get((model, alias))
        return handle if handle is not None else self._make_handle(model, alias)

    def _make_handle(self, model: type[Any], alias: str | None) -> Handle:
        schema = schema_of(model)
        if alias is None or alias not in self._connections:
            routed = self._routes.get(schema.name) or schema.store or "default"
            if alias is not None:
                self._connection(alias, f"using({alias!r})")
            what = f"{schema.name}.Meta.store" if schema.store else f"{schema.name}, which has no route,"
            connection = self._connection(routed, what)
            handle = self.handle(model, routed)
        else:
            connection = self._connections[alias]
            handle = Handle(model, schema, connection, self)
        return self._handles.setdefault((model, alias), handle)

    def _connection(self, name: str, what: str) -> Connection:
        connection = self._connections.get(name)
        if connection is None:
            known, near = ", ".join(self._connections), suggestion(name, self._connections)
            raise ConfigurationError(
                f"{what} names the store {name!r}, which is not configured; stores are {known}{near}"
            )
        return connection

    def repository(self, model: type[M]) -> Repository[M]:
        """The repository of a model on this store."""
        from polystore.api.repository import Repository

        return Repository(self, model)

    def capabilities(self, model: type[Any]) -> Any:
        """What the model's store can do, as data."""
        return self.handle(model).connection.adapter.capabilities

    # ---- the libraries below

    def sql(self, name: str = "default") -> Engine:
        """The SQLAlchemy engine of a SQL store, for what polystore does not do; connections of its own.

        Raises:
            ConfigurationError: the store is of another kind.
        """
        adapter = self._connection(name, "sql()").adapter
        if not isinstance(adapter, HasEngine):
            raise ConfigurationError(f"store {name!r} is {adapter.name}: it has no SQLAlchemy engine")
        engine: Engine = adapter.engine
        return engine

    def collection(self, model: type[Any]) -> Collection[dict[str, Any]]:
        """The PyMongo collection of a model, for what polystore does not do; connections of its own.

        Raises:
            ConfigurationError: the model's store is of another kind.
        """
        handle = self.handle(model)
        adapter = handle.connection.adapter
        if not isinstance(adapter, HasDatabase):
            raise ConfigurationError(f"{handle.schema.name} is on {handle.connection.label}: it has no collection")
        collection: Collection[dict[str, Any]] = adapter.database[handle.schema.table]
        return collection

    def redis(self, name: str = "default") -> Redis:
        """The redis-py client of a Redis store, for what polystore does not do; connections of its own.

        Raises:
            ConfigurationError: the store is of another kind.
        """
        adapter = self._connection(name, "redis()").adapter
        if not isinstance(adapter, HasClient):
            raise ConfigurationError(f"store {name!r} is {adapter.name}: it has no Redis client")
        client: Redis = adapter.client
        return client

    # ---- schema

    def _by_connection(self, models: Iterable[type[Any]] | None) -> dict[Connection, list[Any]]:
        from polystore.api.registry import all_models

        grouped: dict[Connection, list[Any]] = {}
        for model in all_models() if models is None else models:
            handle = self.handle(model)
            grouped.setdefault(handle.connection, []).append(handle.schema)
        return grouped

    def create_all(self, models: Iterable[type[Any]] | None = None) -> None:
        """Creates what the models need where it is missing: tables, collections, index definitions.

        Args:
            models: by default every model that has been defined.
        """
        for connection, schemas in self._by_connection(models).items():
            with connection.naming():
                connection.backend.create_all(schemas)

    async def acreate_all(self, models: Iterable[type[Any]] | None = None) -> None:
        """``create_all`` in the async colour."""
        for connection, schemas in self._by_connection(models).items():
            with connection.naming():
                await connection.async_backend.create_all(schemas)

    def drop_all(self, models: Iterable[type[Any]] | None = None) -> None:
        """Removes the models' tables, collections and keys with all their rows, and nothing else."""
        for connection, schemas in self._by_connection(models).items():
            with connection.naming():
                connection.backend.drop_all(schemas)

    async def adrop_all(self, models: Iterable[type[Any]] | None = None) -> None:
        """``drop_all`` in the async colour."""
        for connection, schemas in self._by_connection(models).items():
            with connection.naming():
                await connection.async_backend.drop_all(schemas)

    # ---- life

    def ping(self) -> None:
        """Asks each store whether it answers; one round trip each.

        Raises:
            StoreUnavailable: names the store that does not.
        """
        for connection in self._connections.values():
            with connection.naming():
                connection.backend.ping()

    async def aping(self) -> None:
        """``ping`` in the async colour."""
        for connection in self._connections.values():
            with connection.naming():
                await connection.async_backend.ping()

    def close(self) -> None:
        """Closes all connections of the blocking colour; using the store again opens them anew."""
        note_closed(self)
        for connection in self._connections.values():
            connection.close()

    async def aclose(self) -> None:
        """Closes all connections of the running event loop and of the blocking colour."""
        note_closed(self)
        for connection in self._connections.values():
            await connection.aclose()

    def __enter__(self) -> Self:
        self._enter()
        return self

    def __exit__(self, *_: object) -> None:
        if self._leave():
            self.close()

    async def __aenter__(self) -> Self:
        self._enter()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._leave():
            await self.aclose()

    def _enter(self) -> None:
        bind(self)
        with self._lock:
            self._entered += 1

    def _leave(self) -> bool:
        """Whether this was the last block to leave."""
        unbind()
        with self._lock:
            self._entered -= 1
            return self._entered == 0

    def __repr__(self) -> str:
        stores = ", ".join(f"{name}: {connection.adapter.name}" for name, connection in self._connections.items())
        return f"<Store {stores}>"
