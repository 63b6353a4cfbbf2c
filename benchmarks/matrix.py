"""Which contenders are measured on which store, in which colour."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.contender import Contender
from benchmarks.stores.postgresql import driver_url

STORES = ("sqlite", "postgresql", "mongodb", "redis")
COLOURS = ("sync", "async")


class Unmeasured(Exception):
    """A store that cannot be measured; the message says what is missing."""


def url_of(store: str) -> str:
    """The URL of a store's server.

    Raises:
        Unmeasured: the environment names none.
    """
    variable = f"POLYSTORE_TEST_{store.upper()}"
    url = os.environ.get(variable)
    if not url:
        raise Unmeasured(f"{variable} is not set")
    return url


def contenders_of(store: str, colour: str, folder: Path, peers: bool) -> Sequence[Contender]:
    """The contenders of one table: the bare driver first.

    Args:
        store: one of STORES.
        colour: one of COLOURS.
        folder: where SQLite may put its files.
        peers: whether other libraries take part.
    """
    return _CONTENDERS[store](colour == "async", folder, peers)


def settle(store: str, folder: Path) -> None:
    """Lets a store finish what filling its tables has left to do, so that every contender reads the same way."""
    if store == "sqlite":
        from benchmarks.stores.sqlite import checkpoint

        for path in folder.glob("*.db"):
            checkpoint(path)
    elif store == "postgresql":
        from benchmarks.stores.postgresql import vacuum

        vacuum(url_of(store))


def _sqlite(is_async: bool, folder: Path, peers: bool) -> list[Contender]:
    from benchmarks.peers.polystore import AsyncPolystore, Polystore
    from benchmarks.stores.sqlite import AsyncRawSqlite, RawSqlite, SqliteByHand

    ours = f"sqlite:///{folder}/polystore-{is_async}.db"
    found: list[Contender] = (
        [AsyncRawSqlite(folder), AsyncPolystore(ours, synchronous="NORMAL")]
        if is_async
        else [RawSqlite(folder), SqliteByHand(folder), Polystore(ours, synchronous="NORMAL")]
    )
    if peers:
        from benchmarks.peers.django import AsyncDjango, Django
        from benchmarks.peers.sqlalchemy import AsyncSqlAlchemy, SqlAlchemy

        database = {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": folder / f"django-{is_async}.db",
            "OPTIONS": {"init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL"},
        }
        found += (
            [AsyncSqlAlchemy(f"sqlite+aiosqlite:///{folder}/sqlalchemy-async.db"), AsyncDjango(database)]
            if is_async
            else [SqlAlchemy(f"sqlite:///{folder}/sqlalchemy.db"), Django(database)]
        )
    return found


def _postgresql(is_async: bool, folder: Path, peers: bool) -> list[Contender]:
    from benchmarks.peers.polystore import AsyncPolystore, Polystore
    from benchmarks.stores.postgresql import AsyncRawPostgresql, RawPostgresql

    url = url_of("postgresql")
    found: list[Contender] = (
        [AsyncRawPostgresql(url), AsyncPolystore(url)] if is_async else [RawPostgresql(url), Polystore(url)]
    )
    if peers:
        from benchmarks.peers.django import AsyncDjango, Django
        from benchmarks.peers.sqlalchemy import AsyncSqlAlchemy, SqlAlchemy

        parts = urlsplit(driver_url(url))
        database = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path.lstrip("/"),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            "USER": parts.username or "",
            "PASSWORD": parts.password or "",
        }
        mapped = driver_url(url).replace("postgresql:", "postgresql+psycopg:", 1)
        found += (
            [AsyncSqlAlchemy(mapped), AsyncDjango(database)] if is_async else [SqlAlchemy(mapped), Django(database)]
        )
    return found


def _mongodb(is_async: bool, folder: Path, peers: bool) -> list[Contender]:
    from benchmarks.peers.polystore import AsyncPolystore, Polystore
    from benchmarks.stores.mongodb import DATABASE, AsyncRawMongodb, RawMongodb

    url = url_of("mongodb")
    parts = urlsplit(url)
    ours = parts._replace(path=f"/{DATABASE}").geturl()
    found: list[Contender] = (
        [AsyncRawMongodb(url), AsyncPolystore(ours)] if is_async else [RawMongodb(url), Polystore(ours)]
    )
    if peers and is_async:
        from benchmarks.peers.beanie import Beanie

        found.append(Beanie(url, DATABASE))
    elif peers:
        from benchmarks.peers.mongoengine import MongoEngine

        found.append(MongoEngine(url, DATABASE))
    return found


def _redis(is_async: bool, folder: Path, peers: bool) -> list[Contender]:
    from benchmarks.peers.polystore import AsyncPolystore, Polystore
    from benchmarks.stores.redis import AsyncRawRedis, RawRedis

    url = url_of("redis")
    found: list[Contender] = [AsyncRawRedis(url), AsyncPolystore(url)] if is_async else [RawRedis(url), Polystore(url)]
    if peers:
        from benchmarks.peers.redis_om import AsyncRedisOm, RedisOm

        found.append(AsyncRedisOm(url) if is_async else RedisOm(url))
    return found


_CONTENDERS: dict[str, Callable[[bool, Path, bool], list[Contender]]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mongodb": _mongodb,
    "redis": _redis,
}
