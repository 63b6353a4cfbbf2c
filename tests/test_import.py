"""``import polystore`` is quick, and imports no driver before a store of its kind is opened."""

from __future__ import annotations

import subprocess
import sys

import pytest

MOST_SECONDS = 1.5
DRIVERS = ("sqlalchemy", "psycopg", "pymysql", "asyncmy", "pymongo", "bson", "mongomock", "redis", "fakeredis")
SLOW = ("asyncio", "sqlite3", "importlib.metadata", "tomllib")


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
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


def test_importing_polystore_takes_no_time_to_speak_of() -> None:
    measure = "import time\nstart = time.process_time()\nimport polystore\nprint(time.process_time() - start)"
    assert min(float(run(measure)) for _ in range(3)) < MOST_SECONDS
