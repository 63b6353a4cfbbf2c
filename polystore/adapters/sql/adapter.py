"""The adapter of a SQL store: a URL understood, a dialect, and the tables of the schemas met."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sqlalchemy import Engine, Table

from polystore.adapters.base import AsyncBackend, Backend
from polystore.adapters.sql.compile import compile_operation
from polystore.adapters.sql.ddl import make_table
from polystore.adapters.sql.handwritten import HandwrittenQuery, handwritten
from polystore.adapters.sql.prepared import AnyStatement
from polystore.adapters.sql.urls import Target, parse_url
from polystore.query.capabilities import Capabilities
from polystore.query.operations import Operation
from polystore.schema.kinds import Kind
from polystore.schema.model import Schema


class SqlAdapter:
    """One SQL store."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._dialect = target.dialect
        self._tables: dict[Schema, Table] = {}
        self._engine: Engine | None = None

    def __repr__(self) -> str:
        return f"SqlAdapter({self._target.store!r})"

    @property
    def name(self) -> str:
        return self._dialect.name

    @property
    def capabilities(self) -> Capabilities:
        return self._dialect.capabilities

    def check(self, schema: Schema) -> None:
        self._dialect.check(schema)

    def round(self, kind: Kind) -> None:
        """Every value is held as it is."""

    def compile(self, operation: Operation) -> AnyStatement:
        return compile_operation(operation, self._dialect, self.table)

    def raw(self, schema: Schema, query: Any, parameters: Any) -> HandwrittenQuery:
        """A query in SQL made ready, its parameters as ``:name``."""
        return handwritten(self._dialect, schema, query, parameters)

    def table(self, schema: Schema) -> Table:
        """The SQLAlchemy table of a schema."""
        table = self._tables.get(schema)
        if table is None:
            table = self._tables[schema] = make_table(self._dialect, schema)
        return table

    def connect(self) -> Backend:
        return self._target.connect()

    def connect_async(self) -> AsyncBackend:
        return self._target.connect_async()

    @property
    def engine(self) -> Engine:
        """A SQLAlchemy engine on the same database, made when first asked for.

        It has a pool of its own; with a database in memory it works on the one connection that there is.
        """
        if self._engine is None:
            self._engine = self._target.make_engine()
        return self._engine


def open(url: str, settings: dict[str, Any]) -> SqlAdapter:
    """The adapter of a SQL URL; no I/O.

    Args:
        url: ``sqlite:///file.db``, ``sqlite://`` (memory), ``postgresql://user@host/name``, ``mysql://...`` or
            ``mariadb://...``; SQLAlchemy's driver suffixes (``+psycopg``, ``+pymysql``) are understood.
        settings: ``pool_size``, ``pool_timeout`` and ``connect_timeout`` for servers, ``prepared_statements`` for
            PostgreSQL; ``busy_timeout``, ``synchronous`` and ``workers`` for SQLite.

    Raises:
        ConfigurationError: the URL or a setting cannot work; the message says what would.
    """
    kind, parsed = parse_url(url)
    module, name = _TARGETS[kind]
    target: Target = getattr(import_module(module), name)(parsed, settings)
    return SqlAdapter(target)


_TARGETS = {
    "sqlite": ("polystore.adapters.sql.sqlite.target", "SqliteTarget"),
    "postgresql": ("polystore.adapters.sql.postgresql.target", "PostgresqlTarget"),
    "mysql": ("polystore.adapters.sql.mysql.target", "MysqlTarget"),
    "mariadb": ("polystore.adapters.sql.mysql.target", "MysqlTarget"),
}
"""Imported when a store of the kind is opened: SQLAlchemy's dialects take long to import."""
