"""``import polystore`` is quick, and imports no driver before a store of its kind is opened."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

MOST_SECONDS = 0.45
DRIVERS = ("sqlalchemy", "psycopg", "pymysql", "asyncmy", "pymongo", "bson", "mongomock", "redis", "fakeredis")
SLOW = ("asyncio", "sqlite3", "importlib.metadata", "tomllib")


def run(code: str, environment: Mapping[str, str] | None = None) -> str:
    given = os.environ | (environment or {})
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=given)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def imported_by(statements: str) -> set[str]:
    return set(run(f"import sys\n{statements}\nprint(*sys.modules)").split())


@pytest.fixture(scope="module")
def imported() -> set[str]:
    return imported_by("import polystore")


@pytest.mark.parametrize("module", [*DRIVERS, *SLOW])
def test_importing_polystore_does_not_import(module: str, imported: set[str]) -> None:
    assert module not in imported


def test_adapters_are_imported_when_a_store_is_opened(imported: set[str]) -> None:
    shared = {"polystore.adapters.base", "polystore.adapters.redaction"}
    assert {name for name in imported if name.startswith("polystore.adapters.")} == shared
    opened = imported_by("from polystore import Store\nStore('memory://')")
    assert "polystore.adapters.memory" in opened
    assert not opened.intersection(DRIVERS)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("sqlite://", {"sqlalchemy"}),
        ("mongodb://localhost/x", {"pymongo", "bson"}),
        ("redis://localhost", {"redis"}),
    ],
)
def test_opening_a_store_imports_no_driver_of_another(url: str, allowed: set[str]) -> None:
    opened = imported_by(f"from polystore import Store\nStore({url!r})")
    assert opened.intersection(DRIVERS) <= allowed


def test_importing_polystore_takes_no_time_to_speak_of(tmp_path: Path) -> None:
    measure = "import time\nstart = time.process_time()\nimport polystore\nprint(time.process_time() - start)"
    compiled = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    assert min(float(run(measure, compiled)) for _ in range(4)) < MOST_SECONDS
