"""Stores are configured by URLs, dicts, files and the environment; what cannot work is refused when it is read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from polystore import Field, Model, Store
from polystore.engine.settings import read_settings
from polystore.errors import ConfigurationError
from tests.api.shop import Album, Recorder, told

SCHEMES = (
    "memory, sqlite, postgresql, postgresql+psycopg, mysql, mysql+pymysql, mariadb, mariadb+pymysql, mongodb, "
    "mongodb+srv, mongomock, redis, rediss, unix, fakeredis"
)
SQL = (
    "sqlite:///file.db, sqlite:// for memory, postgresql://user:password@host:5432/name, "
    "mysql://user:password@host:3306/name or mariadb://..."
)
REDIS = "redis://localhost:6379/0, rediss://user:password@host:6379/0, unix:///run/redis.sock?db=0 or fakeredis://name"
REDIS_SETTINGS = "namespace, app, socket_timeout, connect_timeout, max_connections, key_block"


class Review(Model):
    """A model with a store of its own choice."""

    stars: Field[int]

    class Meta:
        table = "api_review"
        store = "docs"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("POLYSTORE_")]:
        monkeypatch.delenv(name)


def kinds(store: Store) -> str:
    return repr(store).removeprefix("<Store ").removesuffix(">")


# ---- one store, several, from code


def test_a_url_alone_is_the_default_store() -> None:
    assert kinds(Store("sqlite://")) == "default: sqlite"


def test_stores_are_urls_dicts_and_adapters() -> None:
    settings = {"url": "sqlite://", "busy_timeout": 1.5}
    store = Store({"default": "memory://", "docs": settings, "own": Recorder()})
    assert kinds(store) == "default: memory, docs: sqlite, own: memory"
    assert settings == {"url": "sqlite://", "busy_timeout": 1.5}


def test_a_model_goes_where_a_route_or_its_meta_sends_it_or_to_the_default() -> None:
    stores = {"default": "memory://", "docs": "memory://", "kv": "memory://"}
    placed = Store(stores)
    assert placed.handle(Album).connection.name == "default"
    assert placed.handle(Review).connection.name == "docs"
    routed = Store(stores, routes={"Review": "kv", "Album": "docs"})
    assert routed.handle(Review).connection.name == "kv"
    assert routed.handle(Album).connection.name == "docs"
    assert routed.handle(Review, "default").connection.name == "default"


def test_routes_and_names_lead_to_configured_stores_only() -> None:
    assert told(ConfigurationError, lambda: Store("memory://", routes={"Album": "kv"})) == (
        "the route of Album names the store 'kv', which is not configured; stores are default"
    )
    assert told(ConfigurationError, lambda: Store("memory://").handle(Review)) == (
        "Review.Meta.store names the store 'docs', which is not configured; stores are default"
    )
    assert told(ConfigurationError, lambda: Store({"docs": "memory://"}).handle(Album)) == (
        "Album, which has no route, names the store 'default', which is not configured; stores are docs"
    )


def test_the_libraries_below_are_asked_for_on_their_own_stores_only() -> None:
    store = Store("memory://")
    assert told(ConfigurationError, store.sql) == "store 'default' is memory: it has no SQLAlchemy engine"
    assert told(ConfigurationError, store.redis) == "store 'default' is memory: it has no Redis client"
    assert told(ConfigurationError, lambda: store.collection(Album)) == (
        "Album is on default (memory): it has no collection"
    )
    assert told(ConfigurationError, lambda: store.sql("kv")) == (
        "sql() names the store 'kv', which is not configured; stores are default"
    )


# ---- what cannot work

WRONG: list[tuple[Any, str]] = [
    ("", "store 'shop' needs a URL such as sqlite:///app.db, not ''"),
    ("app.db", "store 'shop' needs a URL such as sqlite:///app.db, not 'app.db'"),
    ({"ulr": "sqlite://"}, "store 'shop' needs a URL such as sqlite:///app.db, not ''"),
    (5, "store 'shop' needs a URL, a mapping with one, or an adapter, not int"),
    (
        "oracle://localhost/x",
        f"store 'shop': no adapter serves oracle:// URLs; schemes are {SCHEMES}, and those of packages that declare an "
        "entry point in the group 'polystore.adapters'",
    ),
    ("sqlite:x.db", f"store 'shop': this is no URL of a SQL database; write {SQL}"),
    (
        "sqlite://x.db",
        "store 'shop': sqlite:// takes a path only, after three slashes (four for an absolute one): sqlite:///file.db",
    ),
    ("postgresql://localhost:port/x", f"store 'shop': this is no URL of a SQL database; write {SQL}"),
    (
        "postgresql://localhost:99999/x",
        "store 'shop': postgresql://localhost:99999/x: a port lies between 1 and 65535",
    ),
    (
        "mysql://localhost",
        "store 'shop': mysql://localhost: the URL must name a database, as in mysql://user@localhost/shop",
    ),
    (
        "mongodb://localhost",
        "store 'shop': mongodb://localhost: the URL must name a database, as in mongodb://localhost/shop?replicaSet=rs0",
    ),
    (
        "mongodb:///shop",
        "store 'shop': mongodb:///shop: Empty host (or extra comma in host list); a URL looks like "
        "mongodb://localhost/shop?replicaSet=rs0",
    ),
    (
        "mongodb+srv:///shop",
        "store 'shop': mongodb+srv:///shop: the URL must name a host, as in mongodb+srv://cluster.example.org/shop",
    ),
    ("redis:///0", f"store 'shop': 'redis:///0' names no host; use {REDIS}"),
    ("unix://", f"store 'shop': 'unix://' names no socket; use {REDIS}"),
    (
        "redis://localhost:port/0",
        "store 'shop': 'redis://localhost:port/0' cannot be read: Port could not be cast to integer value as 'port'; "
        f"use {REDIS}",
    ),
    (
        {"url": "sqlite://", "pool_size": 5},
        "store 'shop': SQLite has no setting 'pool_size'; its settings are busy_timeout, synchronous, workers",
    ),
    (
        {"url": "sqlite://", "workers": "5"},
        "store 'shop': SQLite: the setting workers='5' does not work; its default is 4",
    ),
    (
        {"url": "redis://localhost", "max_conections": 5},
        f"store 'shop': 'redis://localhost': no setting 'max_conections'; the settings are {REDIS_SETTINGS}; "
        "did you mean 'max_connections'?",
    ),
    (
        {"url": "mongodb://h/x", "keyblock": 5},
        "store 'shop': mongodb://h/x: no setting keyblock; there are transactions, key_block and options; "
        "did you mean 'key_block'?",
    ),
    (
        {"url": "mongodb://h/x", "options": "w=1"},
        "store 'shop': mongodb://h/x: options must be a dict of PyMongo's own, not str",
    ),
    ({"url": "memory://", "size": 5}, "store 'shop': memory:// takes no settings, not size"),
    ({"url": "mongomock://", "size": 5}, "store 'shop': mongomock:// takes no settings, not size"),
]


@pytest.mark.parametrize(("configured", "text"), WRONG, ids=[str(configured) for configured, _ in WRONG])
def test_a_store_that_cannot_work_is_refused_with_what_would(configured: Any, text: str) -> None:
    assert told(ConfigurationError, lambda: Store({"default": "memory://", "shop": configured})) == text


@pytest.mark.parametrize("place", ["abc", "-1", "0/1", "0x1", "%61"])
def test_a_database_of_redis_is_a_number(place: str) -> None:
    text = told(ConfigurationError, lambda: Store(f"redis://localhost/{place}"))
    assert "but Redis has numbers for them; use redis://localhost:6379/0" in text


@pytest.mark.parametrize("option", ["ssl_cert_reqs=some", "protocol=9", "nosuch=1", "db=abc"])
def test_an_option_that_the_driver_refuses_is_refused_as_configuration(option: str) -> None:
    text = told(ConfigurationError, lambda: Store(f"rediss://localhost/0?{option}"))
    assert text.startswith(f"store 'default': 'rediss://localhost/0?{option}' cannot be read: ")


@pytest.mark.parametrize(
    "url", ["redis://localhost", "redis://localhost/", "redis://:pw@[::1]:6380/3", "unix:///x?db=1"]
)
def test_what_redis_understands_is_taken(url: str) -> None:
    assert kinds(Store(url)) == "default: redis"


@pytest.mark.parametrize("stores", [None, {}, ""])
def test_a_store_has_at_least_one_url(stores: Any) -> None:
    text = told(ConfigurationError, lambda: Store(stores))
    assert text in (
        'a Store needs at least one URL: Store({"default": "sqlite:///app.db"})',
        "store 'default' needs a URL such as sqlite:///app.db, not ''",
    )


@pytest.mark.parametrize("given", [5, ["default"], ("a", "b")], ids=repr)
def test_stores_and_routes_are_dicts(given: Any) -> None:
    name = type(given).__name__
    assert told(ConfigurationError, lambda: Store(given)) == f"the stores of a Store are a dict by name, not {name}"
    assert told(ConfigurationError, lambda: Store("memory://", routes=given)) == (
        f"the routes of a Store are a dict by name, not {name}"
    )


# ---- files and the environment


def test_the_later_source_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.polystore.stores]\ndefault = "sqlite://"\ndocs = "memory://docs"\n'
        '[tool.polystore.routes]\nAlbum = "docs"\n'
    )
    assert kinds(Store.from_settings(tmp_path)) == "default: sqlite, docs: memory"
    assert Store.from_settings(tmp_path).handle(Album).connection.name == "docs"
    (tmp_path / "polystore.toml").write_text(
        '[stores]\ndocs = { url = "sqlite://", workers = 2 }\n[routes]\nAlbum = "default"\n'
    )
    assert kinds(Store.from_settings(tmp_path)) == "default: sqlite, docs: sqlite"
    monkeypatch.setenv("POLYSTORE_STORES__DEFAULT", "memory://")
    monkeypatch.setenv("POLYSTORE_STORES__KV", "fakeredis://settings")
    monkeypatch.setenv("POLYSTORE_ROUTES__Album", "kv")
    store = Store.from_settings(str(tmp_path))
    assert kinds(store) == "default: memory, docs: sqlite, kv: fakeredis"
    assert store.handle(Album).connection.name == "kv"


def test_the_current_folder_is_read_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "polystore.toml").write_text('[stores]\ndefault = "memory://"\n')
    assert kinds(Store.from_settings()) == "default: memory"


@pytest.mark.parametrize(
    ("text", "value"), [("20", 20), ("2.5", 2.5), ("-1", -1), ("true", True), ("False", False), ("FULL", "FULL")]
)
def test_settings_in_the_environment_are_read_by_their_look(tmp_path: Path, text: str, value: Any) -> None:
    found = read_settings(
        tmp_path, {"POLYSTORE_STORES__DEFAULT": "sqlite://", "POLYSTORE_STORES__DEFAULT__BUSY_TIMEOUT": text}
    )
    assert found.stores == {"default": {"url": "sqlite://", "busy_timeout": value}}
    assert type(found.stores["default"]["busy_timeout"]) is type(value)


FILES: list[tuple[Mapping[str, str], str]] = [
    (
        {},
        "no store is configured in {folder}: write [tool.polystore.stores] in pyproject.toml, polystore.toml, or set "
        "POLYSTORE_STORES__DEFAULT",
    ),
    ({"polystore.toml": 'stores = "memory://"'}, "polystore.toml.stores is a table of names, not of type str"),
    (
        {"polystore.toml": "[stores]\nshop = 5"},
        "polystore.toml.stores.shop is a URL, or a table with one, not of type int",
    ),
    (
        {"polystore.toml": "[store]\nshop = 5"},
        "polystore.toml has no 'store'; it has the tables stores and routes, and secret; did you mean 'stores'?",
    ),
    (
        {"pyproject.toml": "[tool.polystore.route]\nAlbum = 'x'"},
        "pyproject.toml.tool.polystore has no 'route'; it has the tables stores and routes, and secret; "
        "did you mean 'routes'?",
    ),
    (
        {"polystore.toml": "[stores\n"},
        "{folder}/polystore.toml cannot be read: Expected ']' at the end of a table declaration (at line 1, column 8)",
    ),
]


@pytest.mark.parametrize(("files", "text"), FILES, ids=[" ".join(files.values()) for files, _ in FILES])
def test_a_file_that_says_nothing_usable_is_refused(tmp_path: Path, files: Mapping[str, str], text: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    assert told(ConfigurationError, lambda: Store.from_settings(tmp_path)) == text.format(folder=tmp_path)
