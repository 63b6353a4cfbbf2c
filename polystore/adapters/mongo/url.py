"""Reads URLs and settings of MongoDB stores, without any I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

from polystore.adapters.redaction import redacted
from polystore.errors import ConfigurationError, suggestion

_EXAMPLE = "mongodb://localhost/shop?replicaSet=rs0"
_SETTINGS = ("transactions", "key_block", "options")
_FORBIDDEN_IN_NAMES = set('/\\. "$*<>:|?')


@dataclass(frozen=True, slots=True)
class MongoSettings:
    """A store's configuration.

    ``transactions`` tells whether the server has them (a replica set or a sharded cluster); ``key_block`` is how many
    int64 keys a process reserves at once; ``options`` go to PyMongo's client as they are.
    """

    url: str = field(repr=False)
    database: str
    label: str
    transactions: bool
    key_block: int = 100
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read_settings(url: str, settings: Mapping[str, Any]) -> MongoSettings:
    """The configuration of a ``mongodb://`` or ``mongodb+srv://`` URL.

    Args:
        url: with the database's name as its path.
        settings: ``transactions`` (bool), ``key_block`` (int) and ``options`` (a dict for PyMongo's client).

    Raises:
        ConfigurationError: says what is wrong and what would work.
    """
    parts = urlsplit(url)
    label = redacted(url).partition("?")[0]
    database = unquote(parts.path.removeprefix("/"))
    if not database or _FORBIDDEN_IN_NAMES & set(database):
        raise ConfigurationError(f"{label}: the URL must name a database, as in {_EXAMPLE}")
    if parts.scheme == "mongodb":
        _check(url, label)
    elif not parts.netloc:
        raise ConfigurationError(f"{label}: the URL must name a host, as in mongodb+srv://cluster.example.org/shop")
    unknown = set(settings).difference(_SETTINGS)
    if unknown:
        raise ConfigurationError(
            f"{label}: no setting {', '.join(sorted(unknown))}; there are transactions, key_block and options"
            f"{suggestion(min(unknown), _SETTINGS)}"
        )
    key_block = settings.get("key_block", 100)
    if type(key_block) is not int or key_block < 1:
        raise ConfigurationError(f"{label}: key_block must be an int of at least 1, not {key_block!r}")
    query = {name.lower(): value for name, value in parse_qsl(parts.query)}
    transactions = settings.get("transactions", _has_transactions(parts.scheme, query))
    if type(transactions) is not bool:
        raise ConfigurationError(f"{label}: transactions must be True or False, not {transactions!r}")
    options = settings.get("options", {})
    if not isinstance(options, Mapping):
        raise ConfigurationError(f"{label}: options must be a dict of PyMongo's own, not {type(options).__name__}")
    return MongoSettings(url, database, label, transactions, key_block, dict(options))


def _has_transactions(scheme: str, query: Mapping[str, str]) -> bool:
    return scheme == "mongodb+srv" or "replicaset" in query or query.get("loadbalanced") == "true"


def _check(url: str, label: str) -> None:
    try:
        parse_uri(url)
    except (PyMongoError, ValueError) as error:
        raise ConfigurationError(f"{label}: {error}; a URL looks like {_EXAMPLE}") from error
