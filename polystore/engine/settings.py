"""Where a service configures its stores: pyproject.toml, polystore.toml, the environment; the later wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from polystore.errors import ConfigurationError

_PREFIX = "POLYSTORE_"


class StoreSettings(Struct, frozen=True):
    """URLs (or dicts with "url" and settings) by store name, and store names by model name."""

    stores: dict[str, Any]
    routes: dict[str, str]


def read_settings(folder: Path, environment: Mapping[str, str]) -> StoreSettings:
    """Reads all sources.

    ``[tool.polystore]`` and polystore.toml hold ``stores`` and ``routes`` tables. In the environment,
    ``POLYSTORE_STORES__DEFAULT=sqlite:///app.db`` gives a URL, ``POLYSTORE_STORES__DEFAULT__POOL_SIZE=20`` a
    setting and ``POLYSTORE_ROUTES__Review=docs`` a route.

    Raises:
        ConfigurationError: nothing is configured, a file cannot be read, or something in it has the wrong form.
    """
    stores: dict[str, Any] = {}
    routes: dict[str, str] = {}
    for path, *place in ((folder / "pyproject.toml", "tool", "polystore"), (folder / "polystore.toml",)):
        found = _settings_in(path, place)
        stores |= found.stores
        routes |= found.routes
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


def _settings_in(path: Path, place: Sequence[str]) -> StoreSettings:
    """The settings of one file, which stand at this place in it."""
    found = _toml(path)
    for name in place:
        found = _table(path, name, found.get(name, {}))
    stores = {
        name: {"url": given} if isinstance(given, str) else _table(path, f"stores.{name}", given)
        for name, given in _table(path, "stores", found.get("stores", {})).items()
    }
    routes = _table(path, "routes", found.get("routes", {}))
    for name, given in routes.items():
        if not isinstance(given, str):
            raise ConfigurationError(
                f"{path}: routes.{name} is the name of a store, not of type {type(given).__name__}"
            )
    return StoreSettings(stores, routes)


def _table(path: Path, name: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ConfigurationError(f"{path}: {name} is a table, not of type {type(given).__name__}")
    return given


def _toml(path: Path) -> dict[str, Any]:
    import tomllib  # only services configured by a file need it

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


def _parsed(value: str) -> Any:
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    try:
        return int(value)
    except ValueError:
        return value
