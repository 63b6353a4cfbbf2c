"""From a URL to an adapter: schemes, extras to install, and third-party adapters."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from polystore.adapters.base import Adapter
from polystore.adapters.redaction import redacted
from polystore.errors import ConfigurationError, MissingDriver, suggestion


class Scheme(NamedTuple):
    """Where the adapter of a URL's scheme lives, and which extra brings its driver."""

    module: str
    extra: str


_SQLITE = Scheme("polystore.adapters.sql", "sqlite")
_POSTGRES = Scheme("polystore.adapters.sql", "postgres")
_MYSQL = Scheme("polystore.adapters.sql", "mysql")
_MONGO = Scheme("polystore.adapters.mongo", "mongo")
_REDIS = Scheme("polystore.adapters.redis", "redis")

SCHEMES: Mapping[str, Scheme] = {
    "memory": Scheme("polystore.adapters.memory", ""),
    "sqlite": _SQLITE,
    "postgresql": _POSTGRES,
    "postgresql+psycopg": _POSTGRES,
    "mysql": _MYSQL,
    "mysql+pymysql": _MYSQL,
    "mariadb": _MYSQL,
    "mariadb+pymysql": _MYSQL,
    "mongodb": _MONGO,
    "mongodb+srv": _MONGO,
    "mongomock": Scheme("polystore.adapters.mongo", "embedded"),
    "redis": _REDIS,
    "rediss": _REDIS,
    "unix": _REDIS,
    "fakeredis": Scheme("polystore.adapters.redis", "embedded"),
}

_GROUP = "polystore.adapters"


def open_adapter(name: str, configured: str | Mapping[str, Any] | Adapter) -> Adapter:
    """The adapter of one configured store, without any I/O.

    Args:
        name: the store's name.
        configured: a URL, a mapping with "url" and settings, or an adapter made by hand.

    Raises:
        ConfigurationError: no URL, or a scheme that nobody serves.
        MissingDriver: the driver is not installed.
    """
    if hasattr(configured, "compile"):
        return cast("Adapter", configured)
    if not isinstance(configured, str | Mapping):
        raise ConfigurationError(
            f"store {name!r} needs a URL, a mapping with one, or an adapter, not {type(configured).__name__}"
        )
    settings: dict[str, Any] = {} if isinstance(configured, str) else dict(configured)
    url = configured if isinstance(configured, str) else settings.pop("url", "")
    if not isinstance(url, str) or not re.match(r"[a-z][a-z0-9+.-]*:", url):
        raise ConfigurationError(f"store {name!r} needs a URL such as sqlite:///app.db, not {redacted(str(url))!r}")
    module, extra = _find(name, url.partition(":")[0])
    try:
        opener = importlib.import_module(module)
        adapter: Adapter = opener.open(url, settings)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("polystore"):
            raise
        raise MissingDriver(
            f"store {name!r} ({redacted(url)}) needs the package {error.name!r}: pip install 'polystore[{extra}]'"
        ) from error
    except ConfigurationError as error:
        raise type(error)(f"store {name!r}: {error}") from error.__cause__
    return adapter


def _find(name: str, scheme: str) -> Scheme:
    known = SCHEMES.get(scheme)
    if known is not None:
        return known
    from importlib.metadata import entry_points  # slow to import, and few need it

    for entry in entry_points(group=_GROUP, name=scheme):
        return Scheme(entry.value, entry.name)
    raise ConfigurationError(
        f"store {name!r}: no adapter serves {scheme}:// URLs; schemes are {', '.join(SCHEMES)}, and those of packages "
        f"that declare an entry point in the group {_GROUP!r}{suggestion(scheme, SCHEMES)}"
    )
