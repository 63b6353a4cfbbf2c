"""A server that does not answer is told by the name of its store; no password is shown anywhere."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from polystore import Field, Model, Store
from polystore.adapters.redaction import redacted
from polystore.engine.settings import read_settings
from polystore.errors import ConfigurationError, StoreUnavailable

PASSWORD = "hunter2"


class Ping(Model):
    """A model for stores that nobody serves."""

    number: Field[int]

    class Meta:
        table = "api_ping"


CLOSED = {
    "postgresql": f"postgresql://me:{PASSWORD}@127.0.0.1:1/shop",
    "mysql": f"mysql://me:{PASSWORD}@127.0.0.1:1/shop",
    "redis": f"redis://me:{PASSWORD}@127.0.0.1:1/0",
    "unix": f"unix:///nowhere/redis.sock?password={PASSWORD}",
    "mongodb": f"mongodb://me:{PASSWORD}@127.0.0.1:1/shop?serverSelectionTimeoutMS=20",
}
PLACES = {
    "postgresql": "postgresql://me:***@127.0.0.1:1/shop",
    "mysql": "mysql://me:***@127.0.0.1:1/shop",
    "redis": "redis://me:***@127.0.0.1:1/0",
    "unix": "unix:///nowhere/redis.sock?password=***",
    "mongodb": "mongodb://me:***@127.0.0.1:1/shop",
}


@pytest.fixture(params=CLOSED)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(kind: str) -> Store:
    return Store({"default": "memory://", "shop": CLOSED[kind]}, routes={"Ping": "shop"})


def check(error: StoreUnavailable, kind: str) -> None:
    assert isinstance(error, ConnectionError)
    assert error.store == "shop"
    assert str(error).startswith(f"store 'shop': {PLACES[kind]}")
    assert str(error).count("store 'shop'") == 1
    assert error.__cause__ is not None
    assert PASSWORD not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    "act",
    [lambda: Ping.objects.count(), lambda: Ping.objects.create(number=1), lambda: Ping(id=1, number=1).delete()],
    ids=["reading", "inserting", "deleting"],
)
def test_a_closed_port_is_told_by_the_name_of_the_store(store: Store, kind: str, act: Callable[[], Any]) -> None:
    with store, pytest.raises(StoreUnavailable) as caught:
        act()
    check(caught.value, kind)


def test_ping_and_create_all_tell_it_as_well(store: Store, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    with store, caplog.at_level(logging.DEBUG):
        for act in (store.ping, lambda: store.create_all([Ping]), lambda: store.drop_all([Ping])):
            with pytest.raises(StoreUnavailable) as caught:
                act()
            check(caught.value, kind)
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("kind", [kind for kind in CLOSED if kind != "mongodb"], indirect=True)
async def test_the_async_colour_tells_it_in_the_same_way(store: Store, kind: str) -> None:
    """Without MongoDB: PyMongo's async monitor leaves a socket behind when it is closed while it connects."""
    async with store:
        for call in (store.aping, Ping.objects.acount, lambda: Ping.objects.acreate(number=1)):
            with pytest.raises(StoreUnavailable) as caught:
                await call()
            check(caught.value, kind)


def test_other_stores_go_on(store: Store) -> None:
    with store:
        Ping.objects.using("default").create(number=1)
        assert Ping.objects.using("default").count() == 1


# ---- what is never shown


def test_a_store_shows_no_password(store: Store, kind: str) -> None:
    connection = store.handle(Ping).connection
    adapter: Any = connection.adapter
    inside = [getattr(adapter, name, None) for name in ("_target", "_settings")]
    shown = repr((store, store.handle(Ping), connection, adapter, inside, connection.backend))
    assert PASSWORD not in shown + connection.label
    server = getattr(connection.backend, "_server", None)
    assert PASSWORD not in repr(server)
    assert PASSWORD not in repr(vars(inside[0]) if kind in ("postgresql", "mysql") else "")
    store.close()


def test_settings_show_no_password(tmp_path: Any) -> None:
    found = read_settings(tmp_path, {"POLYSTORE_STORES__DEFAULT": CLOSED["redis"], "POLYSTORE_ROUTES__Ping": "default"})
    assert repr(found) == "StoreSettings(stores=['default'], routes={'Ping': 'default'})"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost/0", "redis://localhost/0"),
        ("redis://me@localhost/0", "redis://me@localhost/0"),
        ("redis://me:hunter2@localhost/0", "redis://me:***@localhost/0"),
        ("redis://:hunter2@localhost", "redis://:***@localhost"),
        ("redis://me:hun/ter2@localhost", "redis://me:***@localhost"),
        ("redis://me:hun@ter2@localhost", "redis://me:***@localhost"),
        ("redis://me:hun?ter#2@localhost", "redis://me:***@localhost"),
        ("me:hunter2@localhost/shop", "me:***@localhost/shop"),
        ("mongodb://me:hunter2@a:1,b:2/shop?w=1", "mongodb://me:***@a:1,b:2/shop?w=1"),
        ("unix:///x?db=1&password=hunter2", "unix:///x?db=1&password=***"),
        ("rediss://h/0?ssl_password=hunter2&db=1", "rediss://h/0?ssl_password=***&db=1"),
        ("postgresql://h/x?PassFile=hunter2", "postgresql://h/x?PassFile=***"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_what_is_secret(url: str, shown: str) -> None:
    assert redacted(url) == shown


@pytest.mark.parametrize(
    "configured",
    [
        f"me:{PASSWORD}@localhost/shop",
        f"REDIS://me:{PASSWORD}@localhost/0",
        f"oracle://me:{PASSWORD}@localhost/0",
        f"redis://me:{PASSWORD}@localhost:port/0",
        f"redis://me:{PASSWORD}/x@localhost:1/0",
        f"redis://me:{PASSWORD}@localhost/abc",
        f"mongodb://me:{PASSWORD}/x@localhost/0",
        f"mongodb://me:{PASSWORD}@localhost",
        f"mongodb://me:{PASSWORD}@localhost/x?nosuch=1",
        f"postgresql://me:{PASSWORD}@localhost:port/0",
        f"postgresql://me:{PASSWORD}@localhost:99999/0",
        f"mysql://me:{PASSWORD}@localhost",
        f"sqlite://me:{PASSWORD}@localhost/x",
        {"url": f"redis://me:{PASSWORD}@localhost", "nosuch": 1},
        {"url": f"postgresql://me:{PASSWORD}@localhost/x", "pool_size": "1"},
        {"url": f"mongodb://me:{PASSWORD}@localhost/x", "options": PASSWORD},
        [f"redis://me:{PASSWORD}@localhost"],
        f"redis://me:{PASSWORD}@localhost".encode(),
    ],
    ids=str,
)
def test_a_refused_configuration_shows_no_password(configured: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Store({"default": configured})
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
