"""Stores for the tests of the Redis adapter: one inside this process and a real one, in namespaces of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import pytest

from polystore.adapters.redis import open as open_redis
from polystore.adapters.redis.adapter import RedisAdapter

BOTH = (
    pytest.param("fakeredis", id="fakeredis"),
    pytest.param("redis", id="redis", marks=pytest.mark.server("redis")),
)


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, available_servers: Mapping[str, str]) -> str:
    """The URL of each kind of store."""
    return f"fakeredis://{uuid4().hex}" if request.param == "fakeredis" else available_servers["redis"]


@pytest.fixture
def settings() -> dict[str, Any]:
    """Settings with a namespace that no other test uses."""
    return {"namespace": f"test-{uuid4().hex}"}


@pytest.fixture
def adapter(url: str, settings: dict[str, Any]) -> Iterator[RedisAdapter]:
    """An adapter whose keys are gone after the test."""
    yield open_redis(url, settings)
    wipe(open_redis(url, settings), settings["namespace"])


def driver(adapter: RedisAdapter) -> Any:
    """A bare connection to the adapter's server."""
    return Raw(adapter._target.make_connection())


class Raw:
    """Sends commands and answers their replies."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __call__(self, *arguments: Any) -> Any:
        self._connection.send_command(*arguments)
        return self._connection.read_response()

    def close(self) -> None:
        self._connection.disconnect()


def keys_of(adapter: RedisAdapter, namespace: str) -> list[bytes]:
    """All keys of a namespace."""
    raw = driver(adapter)
    try:
        return sorted(raw("KEYS", f"{namespace}:*"))
    finally:
        raw.close()


def wipe(adapter: RedisAdapter, namespace: str) -> None:
    """Removes all keys of a namespace."""
    raw = driver(adapter)
    keys = raw("KEYS", f"{namespace}:*")
    if keys:
        raw("DEL", *keys)
    raw.close()
