"""The databases that a test of this folder runs on, each in both colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.adapters.sql.support import Db, opened

DATABASES = [
    "memory",
    "file",
    pytest.param("postgresql", marks=pytest.mark.server("postgresql")),
    pytest.param("mariadb", marks=pytest.mark.server("mariadb")),
]
SERVERS = DATABASES[2:]


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    """The kind of database."""
    return str(request.param)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    """The kind of a database with a server."""
    return str(request.param)


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> str:
    """The colour of the backend."""
    return str(request.param)


def url_of(kind: str, folder: Path, available: Mapping[str, str]) -> str:
    """The URL of a database of that kind."""
    match kind:
        case "memory":
            return "sqlite://"
        case "file":
            return f"sqlite:///{folder / 'test.db'}"
        case _:
            return available[kind]


@pytest.fixture
def database_url(database: str, tmp_path: Path, available_servers: Mapping[str, str]) -> str:
    """The URL of the database."""
    return url_of(database, tmp_path, available_servers)


@pytest.fixture
def url(server: str, available_servers: Mapping[str, str]) -> str:
    """The URL of the server's database."""
    return available_servers[server]


@pytest.fixture
def db(database_url: str, colour: str) -> Iterator[Db]:
    """The database in one colour."""
    with opened(database_url, colour) as made:
        yield made


@pytest.fixture
def served(url: str, colour: str) -> Iterator[Db]:
    """A database with a server in one colour."""
    with opened(url, colour) as made:
        yield made
