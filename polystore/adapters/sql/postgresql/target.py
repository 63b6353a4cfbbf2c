"""A PostgreSQL database as a URL names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, Engine, create_engine

from polystore.adapters.base import AsyncBackend, Backend
from polystore.adapters.sql.postgresql.dialect import PostgresqlDialect
from polystore.adapters.sql.server import Server
from polystore.adapters.sql.urls import SERVER_SETTINGS, read_settings, shown
from polystore.errors import MissingDriver, PolystoreError
from polystore.schema.model import Schema

_SETTINGS: dict[str, Any] = {**SERVER_SETTINGS, "prepared_statements": True}


class PostgresqlTarget:
    """``postgresql://user:password@host:port/name``; what follows ``?`` goes to libpq as it is."""

    def __init__(self, url: URL, settings: Mapping[str, Any]) -> None:
        self._settings = read_settings(settings, _SETTINGS, "PostgreSQL")
        self._url = url
        self.dialect = PostgresqlDialect()
        self.store = shown(url)

    def make_engine(self) -> Engine:
        return create_engine(self._url.set(drivername="postgresql+psycopg"))

    def connect(self) -> Backend:
        server = self._server()
        from polystore.adapters.sql._sync import ServerBackend
        from polystore.adapters.sql.postgresql._sync import open_session

        return ServerBackend(server, open_session)

    def connect_async(self) -> AsyncBackend:
        server = self._server()
        from polystore.adapters.sql._async import AsyncServerBackend
        from polystore.adapters.sql.postgresql._async import open_session

        return AsyncServerBackend(server, open_session)

    def _server(self) -> Server:
        try:
            import psycopg
        except ImportError as error:
            raise MissingDriver(f"{self.store} needs psycopg 3: pip install 'polystore[postgres]' ({error})") from error
        from polystore.adapters.sql.postgresql import errors

        def translate(error: Exception, schema: Schema | None) -> PolystoreError:
            return errors.translate(error, self.dialect, schema, self.store)

        return Server(
            dialect=self.dialect,
            store=self.store,
            arguments=self._arguments(),
            pool_size=self._settings["pool_size"],
            pool_timeout=self._settings["pool_timeout"],
            driver_errors=(psycopg.Error,),
            translate=translate,
            was_lost=errors.was_lost,
            prepare=self._settings["prepared_statements"],
        )

    def _arguments(self) -> dict[str, Any]:
        url = self._url
        given = {
            "host": url.host,
            "port": url.port,
            "user": url.username,
            "password": url.password,
            "dbname": url.database,
            "connect_timeout": max(2, round(self._settings["connect_timeout"])),
            "client_encoding": "utf8",
            **url.query,
        }
        return {name: value for name, value in given.items() if value is not None}
