"""URLs and settings: what is understood, what is refused, what is never shown."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from polystore.adapters.base import Adapter, HasEngine, SupportsAnalyze
from polystore.adapters.sql import open
from polystore.errors import ConfigurationError, MissingDriver
from polystore.query.capabilities import Feature

GOOD = {
    "sqlite://": "sqlite",
    "sqlite:///:memory:": "sqlite",
    "sqlite:///shop.db": "sqlite",
    "postgresql://me@localhost/shop": "postgresql",
    "postgresql+psycopg://me@localhost:5433/shop?sslmode=require": "postgresql",
    "mysql://me@localhost/shop": "mysql",
    "mysql+pymysql://me@localhost/shop": "mysql",
    "mariadb+pymysql://me@localhost/shop?unix_socket=/run/mysqld.sock": "mariadb",
}


@pytest.mark.parametrize("url", GOOD)
def test_urls_name_their_database(url: str) -> None:
    adapter: Adapter = open(url, {})
    assert adapter.name == GOOD[url]


@pytest.mark.parametrize(
    ("url", "settings", "reason"),
    [
        ("oracle://me@localhost/shop", {}, r"oracle:// is no SQL database known here; write sqlite:///file\.db"),
        ("no url", {}, "this is no URL of a SQL database"),
        ("sqlite://shop.db", {}, r"after three slashes .* sqlite:///file\.db"),
        ("sqlite:///x.db?mode=ro", {}, "takes a path only"),
        ("sqlite://", {"pool_size": 3}, "SQLite has no setting 'pool_size'; its settings are busy_timeout"),
        ("sqlite://", {"synchronous": "SOMETIMES"}, "synchronous is one of OFF, NORMAL, FULL, EXTRA"),
        ("postgresql://localhost/x", {"pool_size": "3"}, "pool_size='3' does not work; its default is 10"),
        ("postgresql://localhost/x", {"pool_size": True}, "does not work"),
        ("postgresql://localhost/x", {"pool_timeout": -1}, "must be above 0"),
        ("mysql://localhost/x?charset=latin1", {}, "takes the options unix_socket, ssl_ca"),
    ],
)
def test_what_cannot_work_is_refused_at_once(url: str, settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        open(url, settings)


@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "mariadb+pymysql"])
def test_passwords_are_never_shown(scheme: str) -> None:
    adapter = open(f"{scheme}://me:secret@localhost/shop", {})
    assert "secret" not in repr(adapter)
    assert "me:***@localhost" in repr(adapter)
    assert "secret" not in repr(adapter.engine)


def test_bad_urls_do_not_show_their_password() -> None:
    with pytest.raises(ConfigurationError) as caught:
        open("postgresql://me:secret@localhost:port/shop", {})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["sqlite://", "postgresql://localhost/x", "mysql://localhost/x"])
def test_adapters_offer_what_they_declare(url: str) -> None:
    adapter = open(url, {})
    assert isinstance(adapter, HasEngine)
    assert Feature.TTL not in adapter.capabilities.features
    assert (Feature.ANALYZE in adapter.capabilities.features) is isinstance(adapter.connect(), SupportsAnalyze)


@pytest.mark.parametrize(
    ("url", "driver", "extra"),
    [
        ("postgresql://localhost/x", "psycopg", "postgres"),
        ("mysql://localhost/x", "pymysql", "mysql"),
    ],
)
def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch, url: str, driver: str, extra: str) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == driver]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(MissingDriver, match=rf"pip install 'polystore\[{extra}\]'"):
        open(url, {}).connect()


def test_opening_imports_no_driver() -> None:
    code = (
        "import sys; from polystore.adapters.sql import open; open('postgresql://x/y', {}); open('mysql://x/y', {});"
        "print([name for name in ('psycopg', 'pymysql', 'asyncmy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
