"""A MySQL or MariaDB database as a URL names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, Engine, create_engine

from polystore.adapters.base import AsyncBackend, Backend
from polystore.adapters.sql.mysql import errors
from polystore.adapters.sql.mysql.dialect import MysqlDialect
from polystore.adapters.sql.server import Server
from polystore.adapters.sql.urls import SERVER_SETTINGS, read_settings, shown
from polystore.errors import ConfigurationError, MissingDriver, PolystoreError
from polystore.schema.model import Schema

_OPTIONS = ("unix_socket", "ssl_ca", "ssl_cert", "ssl_key")


class MysqlTarget:
    """``mysql://user:password@host:port/name`` or ``mariadb://...``."""

    def __init__(self, url: URL, settings: Mapping[str, Any]) -> None:
        mariadb = url.drivername.startswith("mariadb")
        self.dialect = MysqlDialect(mariadb=mariadb)
        self._settings = read_settings(settings, SERVER_SETTINGS, self.dialect.title)
        for option in url.query:
            if option not in _OPTIONS:
                raise ConfigurationError(
                    f"{self.dialect.title}: the URL takes the options {', '.join(_OPTIONS)}, not {option!r}"
                )
        self._url = url
        self.store = shown(url)
        if not url.database:
            raise ConfigurationError(f"{self.store}: the URL must name a database, as in mysql://user@localhost/shop")

    def make_engine(self) -> Engine:
        return create_engine(self._url.set(drivername=f"{self.dialect.name}+pymysql"))

    def connect(self) -> Backend:
        try:
            from pymysql.err import Error
        except ImportError as error:
            raise self._missing("PyMySQL", error) from error
        from polystore.adapters.sql._sync import ServerBackend
        from polystore.adapters.sql.mysql._sync import open_session

        return ServerBackend(self._server(Error), open_session)

    def connect_async(self) -> AsyncBackend:
        try:
            from asyncmy.errors import MySQLError
        except ImportError as error:
            raise self._missing("asyncmy", error) from error
        from polystore.adapters.sql._async import AsyncServerBackend
        from polystore.adapters.sql.mysql._async import open_session

        return AsyncServerBackend(self._server(MySQLError), open_session)

    def _missing(self, driver: str, error: ImportError) -> MissingDriver:
        return MissingDriver(f"{self.store} needs {driver}: pip install 'polystore[mysql]' ({error})")

    def _server(self, driver_error: type[Exception]) -> Server:
        def translate(error: Exception, schema: Schema | None) -> PolystoreError:
            return errors.translate(error, self.dialect, schema, self.store)

        return Server(
            dialect=self.dialect,
            store=self.store,
            arguments=self._arguments(),
            pool_size=self._settings["pool_size"],
            pool_timeout=self._settings["pool_timeout"],
            driver_errors=(driver_error,),
            translate=translate,
            was_lost=errors.was_lost,
        )

    def _arguments(self) -> dict[str, Any]:
        url = self._url
        files = {name.removeprefix("ssl_"): url.query[name] for name in url.query if name.startswith("ssl_")}
        given = {
            "host": url.host,
            "port": url.port,
            "user": url.username,
            "password": url.password,
            "database": url.database,
            "connect_timeout": self._settings["connect_timeout"],
            "unix_socket": url.query.get("unix_socket"),
            "ssl": files or None,
        }
        return {name: value for name, value in given.items() if value is not None}
