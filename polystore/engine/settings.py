"""Where a service configures its stores: pyproject.toml, polystore.toml, the environment; the later wins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from polystore.errors import ConfigurationError

_PREFIX = "POLYSTORE_"


class StoreSettings(Struct, frozen=True):
    """URLs (or dicts with "url" and settings) by store name, and store names by model name."""

    stores: dict[str, Any]
    routes: dict[str, str]

    def __repr__(self) -> str:
        return f"StoreSettings(stores={list(self.stores)}, routes={self.routes})"


def read_settings(folder: Path, environment: Mapping[str, str]) -> StoreSettings:
    """Reads all sources.

    ``[tool.polystore]`` and polystore.toml hold ``stores`` and ``routes`` tables. In the environment,
    ``POLYSTORE_STORES__DEFAULT=sqlite:///app.db`` gives a URL, ``POLYSTORE_STORES__DEFAULT__POOL_SIZE=20`` a
    setting and ``POLYSTORE_ROUTES__Review=docs`` a route.

    Raises:
        ConfigurationError: nothing is configured, or a file cannot be read.
    """
    stores: dict[str, Any] = {}
    routes: dict[str, str] = {}
    for path, keys in ((folder / "pyproject.toml", ("tool", "polystore")), (folder / "polystore.toml", ())):
        found = _tables(path, keys)
        stores |= {name: _store(path, name, configured) for name, configured in found["stores"].items()}
        routes |= found["routes"]
    for variable, value in environment.items():
        if variable.startswith(f"{_PREFIX}STORES__"):
            name, _, setting = variable.removeprefix(f"{_PREFIX}STORES__").lower().partition("__")
            stores.setdefault(name, {})[setting or "url"] = _parsed(value) if setting else value
        elif variable.startswith(f"{_PREFIX}ROUTES__"):
            routes[variable.removeprefix(f"{_PREFIX}ROUTES__")] = value
    if not stores:
        raise ConfigurationError(
            f"no store is configured in {folder}: write [tool.polystore.stores] in pyproject.toml, "
            "polystore.toml, or set POLYSTORE_STORES__DEFAULT"
        )
    return StoreSettings(stores, routes)


def _table(path: Path) -> dict[str, Any]:
    import tomllib  # only services configured by a file need it

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


def _tables(path: Path, keys: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """The tables ``stores`` and ``routes`` of a file, under ``keys``; empty where they are not there."""
    found = _table(path)
    for key in keys:
        found = found.get(key, {})
    where = ".".join((path.name, *keys))
    for name, table in found.items():
        if name not in ("stores", "routes"):
            raise ConfigurationError(f"{where} has no table {name!r}; its tables are stores and routes")
        if not isinstance(table, dict):
            raise ConfigurationError(f"{where}.{name} is a table of names, not {type(table).__name__}")
    return {"stores": {}, "routes": {}, **found}


def _store(path: Path, name: str, configured: Any) -> dict[str, Any]:
    if not isinstance(configured, str | dict):
        raise ConfigurationError(
            f"{path.name}: store {name!r} needs a URL, or a table with one, not {type(configured).__name__}"
        )
    return {"url": configured} if isinstance(configured, str) else configured


def _parsed(value: str) -> Any:
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    if re.fullmatch(r"[+-]?\d+\.\d+", value):
        return float(value)
    try:
        return int(value)
    except ValueError:
        return value
