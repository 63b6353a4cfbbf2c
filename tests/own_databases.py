"""Databases of its own for each worker of a parallel run, on the servers that all of them share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pymongo
from sqlalchemy import create_engine, make_url, text

from tools.servers import NAMES, environment_name


def use_own_databases(worker: str) -> Callable[[], None]:
    """Lets the environment name databases that no other worker uses; answers what drops them again."""
    stack = ExitStack()
    for name in NAMES:
        variable = environment_name(name)
        if url := os.environ.get(variable):
            os.environ[variable] = stack.enter_context(_MADE[name](url, worker))
    return stack.close


_CREATED = {"mysql": " CHARACTER SET utf8mb4", "mariadb": " CHARACTER SET utf8mb4"}


@contextmanager
def _sql_database(url: str, worker: str) -> Iterator[str]:
    parsed = make_url(url)
    own = parsed.set(database=f"{parsed.database}_{worker}")
    engine = create_engine(parsed, isolation_level="AUTOCOMMIT")

    def execute(statement: str) -> None:
        with engine.connect() as connection:
            connection.execute(text(statement))

    execute(f"CREATE DATABASE {own.database}{_CREATED.get(engine.name, '')}")
    try:
        yield own.render_as_string(hide_password=False)
    finally:
        execute(f"DROP DATABASE {own.database}" + (" WITH (FORCE)" if engine.name == "postgresql" else ""))
        engine.dispose()


@contextmanager
def _mongo_database(url: str, worker: str) -> Iterator[str]:
    address, question, options = url.partition("?")
    own = f"{address}_{worker}{question}{options}"
    yield own
    with pymongo.MongoClient(own) as client:
        client.drop_database(client.get_default_database())


@contextmanager
def _redis_database(url: str, worker: str) -> Iterator[str]:
    """Another number for each worker; a server keeps 16 of them."""
    address, _, number = url.rpartition("/")
    yield f"{address}/{int(number) + 1 + int(worker.removeprefix('gw'))}"


_MADE = {
    "postgresql": _sql_database,
    "mariadb": _sql_database,
    "mysql": _sql_database,
    "mongodb": _mongo_database,
    "redis": _redis_database,
}
