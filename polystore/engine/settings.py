"""Where a service configures its stores: pyproject.toml, polystore.toml, the environment; the later wins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from polystore.errors import ConfigurationError, suggestion

_PREFIX = "POLYSTORE_"


class StoreSettings(Struct, frozen=True):
    """URLs (or dicts with "url" and settings) by store name, store names by model name, and the secret of cursors."""

    stores: dict[str, Any]
    routes: dict[str, str]
    secret: str | None = None

    def __repr__(self) -> str:
        return f"StoreSettings(stores={list(self.stores)}, routes={self.routes})"


def read_settings(folder: Path, environment: Mapping[str, str]) -> StoreSettings:
    """Reads all sources.

    ``[tool.polystore]`` and polystore.toml hold ``stores`` and ``routes`` tables and may hold a ``secret``. In the
    environment, ``POLYSTORE_STORES__DEFAULT=sqlite:///app.db`` gives a URL, ``POLYSTORE_STORES__DEFAULT__POOL_SIZE=20``
    a setting, ``POLYSTORE_ROUTES__Review=docs`` a route and ``POLYSTORE_SECRET`` the secret.

    Raises:
        ConfigurationError: nothing is configured, a file cannot be read, or something in it has the wrong form.
    """
    found = _joined(
        _settings_in(folder / "pyproject.toml", ("tool", "polystore")), _settings_in(folder / "polystore.toml", ())
    )
    stores, routes = dict(found.stores), dict(found.routes)
    for variable, value in environment.items():
        if variable.startswith(f"{_PREFIX}STORES__"):
            name, _, setting = variable.removeprefix(f"{_PREFIX}STORES__").lower().partition("__")
            stores[name] = {**stores.get(name, {}), setting or "url": _parsed(value) if setting else value}
        elif variable.startswith(f"{_PREFIX}ROUTES__"):
            routes[variable.removeprefix(f"{_PREFIX}ROUTES__")] = value
    if not stores:
        raise ConfigurationError(
            f"no store is configured in {folder}: write [tool.polystore.stores] in pyproject.toml, "
            "polystore.toml, or set POLYSTORE_STORES__DEFAULT"
        )
    return StoreSettings(stores, routes, environment.get(f"{_PREFIX}SECRET", found.secret))


def _joined(first: StoreSettings, second: StoreSettings) -> StoreSettings:
    return StoreSettings(
        {**first.stores, **second.stores},
        {**first.routes, **second.routes},
        first.secret if second.secret is None else second.secret,
    )


def _settings_in(path: Path, place: tuple[str, ...]) -> StoreSettings:
    """The settings of one file, which stand at this place in it."""
    where = ".".join((path.name, *place))
    found: Any = _toml(path)
    for name in place:
        found = _typed(dict, f"{path.name}: {name}", found.get(name, {}), "a table")
    for name in found:
        if name not in ("stores", "routes", "secret"):
            near = suggestion(name, ("stores", "routes", "secret"))
            raise ConfigurationError(f"{where} has no {name!r}; it has the tables stores and routes, and secret{near}")
    stores = _typed(dict, f"{where}.stores", found.get("stores", {}), "a table of names")
    routes = _typed(dict, f"{where}.routes", found.get("routes", {}), "a table of names")
    secret = found.get("secret")
    return StoreSettings(
        {
            name: {"url": given}
            if isinstance(given, str)
            else _typed(dict, f"{where}.stores.{name}", given, "a URL, or a table with one")
            for name, given in stores.items()
        },
        {name: _typed(str, f"{where}.routes.{name}", given, "the name of a store") for name, given in routes.items()},
        secret if secret is None else _typed(str, f"{where}.secret", secret, "a text"),
    )


def _typed(kind: type[Any], what: str, given: Any, wanted: str) -> Any:
    if not isinstance(given, kind):
        raise ConfigurationError(f"{what} is {wanted}, not of type {type(given).__name__}")
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
    if re.fullmatch(r"[+-]?\d+\.\d+", value):
        return float(value)
    try:
        return int(value)
    except ValueError:
        return value
