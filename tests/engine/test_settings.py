"""Where stores are configured: files and the environment, the later wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from polystore.engine.settings import read_settings
from polystore.errors import ConfigurationError

PYPROJECT = """
[tool.polystore.stores]
default = "sqlite:///a.db"
docs = { url = "mongodb://localhost/a", pool_size = 5 }
[tool.polystore.routes]
Review = "docs"
"""
OWN_FILE = """
[stores]
default = "sqlite:///b.db"
[routes]
Basket = "kv"
Review = "default"
"""


def read(folder: Path, environment: dict[str, str] | None = None, **files: str) -> tuple[Any, Any]:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    found = read_settings(folder, environment or {})
    return found.stores, found.routes


def test_pyproject_configures_stores_and_routes(tmp_path: Path) -> None:
    assert read(tmp_path, pyproject=PYPROJECT) == (
        {"default": {"url": "sqlite:///a.db"}, "docs": {"url": "mongodb://localhost/a", "pool_size": 5}},
        {"Review": "docs"},
    )


def test_a_file_of_its_own_wins_over_pyproject(tmp_path: Path) -> None:
    stores, routes = read(tmp_path, pyproject=PYPROJECT, polystore=OWN_FILE)
    assert stores["default"] == {"url": "sqlite:///b.db"}
    assert set(stores) == {"default", "docs"}
    assert routes == {"Review": "default", "Basket": "kv"}


def test_the_environment_wins_over_files(tmp_path: Path) -> None:
    environment = {
        "POLYSTORE_STORES__DEFAULT": "sqlite:///c.db",
        "POLYSTORE_STORES__DOCS__POOL_SIZE": "20",
        "POLYSTORE_STORES__KV": "redis://localhost/0",
        "POLYSTORE_ROUTES__Review": "kv",
        "POLYSTORE_OTHER": "nothing",
        "PATH": "/bin",
    }
    assert read(tmp_path, environment, pyproject=PYPROJECT) == (
        {
            "default": {"url": "sqlite:///c.db"},
            "docs": {"url": "mongodb://localhost/a", "pool_size": 20},
            "kv": {"url": "redis://localhost/0"},
        },
        {"Review": "kv"},
    )


@pytest.mark.parametrize(
    ("text", "value"), [("20", 20), ("-1", -1), ("true", True), ("False", False), ("2.5", 2.5), ("", ""), ("a", "a")]
)
def test_settings_of_the_environment_are_numbers_bools_or_texts(tmp_path: Path, text: str, value: Any) -> None:
    environment = {"POLYSTORE_STORES__DEFAULT": "sqlite:///1", "POLYSTORE_STORES__DEFAULT__SETTING": text}
    stores, _ = read(tmp_path, environment)
    assert stores == {"default": {"url": "sqlite:///1", "setting": value}}


def test_a_url_stays_a_text(tmp_path: Path) -> None:
    assert read(tmp_path, {"POLYSTORE_STORES__DEFAULT": "1"})[0] == {"default": {"url": "1"}}


def test_nothing_configured_is_told_with_what_would_work(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read(tmp_path, pyproject="[tool.other]\n")
    assert str(raised.value).startswith(f"no store is configured in {tmp_path}: write [tool.polystore.stores]")
    assert "POLYSTORE_STORES__DEFAULT" in str(raised.value)


def test_a_broken_file_is_named_with_its_error_as_cause(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"polystore\.toml cannot be read: ") as raised:
        read(tmp_path, polystore="[stores\n")
    assert raised.value.__cause__ is not None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('stores = "sqlite:///a.db"', "stores"),
        ("[stores]\ndefault = 5", "stores.default"),
        ('stores = ["postgresql://app:secret@localhost/a"]', "stores"),
        ('routes = "docs"\n[stores]\ndefault = "memory://"', "routes"),
        ('[routes]\nReview = 5\n[stores]\ndefault = "memory://"', "routes.Review"),
    ],
)
def test_a_setting_of_the_wrong_form_is_named(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read(tmp_path, polystore=text)
    assert str(raised.value).startswith(f"polystore.toml.{what} is ")
    assert "app" not in str(raised.value)
