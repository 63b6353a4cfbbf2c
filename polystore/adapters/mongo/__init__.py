"""Documents in MongoDB: ``mongodb://host/database`` and ``mongodb+srv://``, or in this process: ``mongomock://name``."""

from __future__ import annotations

from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from polystore.adapters.base import Adapter
from polystore.adapters.mongo.adapter import MongoAdapter
from polystore.adapters.mongo.url import read_settings
from polystore.errors import ConfigurationError


def open(url: str, settings: dict[str, Any]) -> Adapter:
    """The adapter of a URL.

    Args:
        url: ``mongodb://host/database?replicaSet=rs0``, ``mongodb+srv://host/database`` or ``mongomock://name``.
        settings: for a server ``transactions``, ``key_block`` and ``options``, see ``url.read_settings``.

    Raises:
        ConfigurationError: says what is wrong and what would work.
    """
    scheme = urlsplit(url).scheme
    if scheme in ("mongodb", "mongodb+srv"):
        return MongoAdapter(read_settings(url, settings))
    if scheme == "mongomock":
        if settings:
            raise ConfigurationError(f"mongomock:// takes no settings, not {', '.join(settings)}")
        mock = import_module("polystore.adapters.mongo.mock")
        adapter: Adapter = mock.MockAdapter(mock.mock_database(urlsplit(url).netloc))
        return adapter
    raise ConfigurationError(f"{scheme}:// is no URL of MongoDB; use mongodb://, mongodb+srv:// or mongomock://")
