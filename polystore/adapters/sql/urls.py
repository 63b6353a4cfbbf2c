"""URLs and settings of SQL stores, understood without any I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError

from polystore.adapters.base import AsyncBackend, Backend
from polystore.adapters.sql.dialect import Dialect
from polystore.errors import ConfigurationError, suggestion

_FORMS = (
    "sqlite:///file.db, sqlite:// for memory, postgresql://user:password@host:5432/name, "
    "mysql://user:password@host:3306/name or mariadb://..."
)
_SCHEMES = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql",
    "postgresql+psycopg": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mysql+pymysql": "mysql",
    "mysql+asyncmy": "mysql",
    "mariadb": "mariadb",
    "mariadb+pymysql": "mariadb",
    "mariadb+asyncmy": "mariadb",
}


SERVER_SETTINGS: dict[str, Any] = {"pool_size": 10, "pool_timeout": 30.0, "connect_timeout": 10.0}


class Target(Protocol):
    """One database: its dialect, and how it is reached."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def store(self) -> str:
        """The URL as errors show it, without its password."""
        ...

    def make_engine(self) -> Engine:
        """SQLAlchemy's own engine on the database."""
        ...

    def connect(self) -> Backend: ...

    def connect_async(self) -> AsyncBackend: ...


def parse_url(text: str) -> tuple[str, URL]:
    """The kind of database that a URL names, and the URL taken apart.

    Raises:
        ConfigurationError: it is no URL, or of no SQL database known here. A password is never part of the message.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigurationError(f"this is no URL of a SQL database; write {_FORMS}") from None
    kind = _SCHEMES.get(url.drivername)
    if kind is None:
        raise ConfigurationError(f"{url.drivername}:// is no SQL database known here; write {_FORMS}")
    if url.port is not None and not 0 < url.port < 65536:
        raise ConfigurationError(f"{shown(url)}: a port lies between 1 and 65535")
    return kind, url


def read_settings(given: Mapping[str, Any], defaults: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The settings with their defaults.

    Raises:
        ConfigurationError: an unknown setting, or a value of another type than its default's.
    """
    read = dict(defaults)
    for name, value in given.items():
        if name not in defaults:
            near = suggestion(name, defaults)
            raise ConfigurationError(f"{kind} has no setting {name!r}; its settings are {', '.join(defaults)}{near}")
        if isinstance(defaults[name], bool) != isinstance(value, bool) or not isinstance(
            value, _accepted(defaults[name])
        ):
            raise ConfigurationError(
                f"{kind}: the setting {name}={value!r} does not work; its default is {defaults[name]!r}"
            )
        if isinstance(value, int | float) and not isinstance(value, bool) and value <= 0:
            raise ConfigurationError(f"{kind}: the setting {name}={value!r} must be above 0")
        read[name] = value
    return read


def _accepted(default: Any) -> tuple[type, ...]:
    return (int, float) if isinstance(default, float) else (type(default),)


def shown(url: URL) -> str:
    """A server's URL as errors show it: without password and options."""
    return url.set(query={}).render_as_string(hide_password=True)
