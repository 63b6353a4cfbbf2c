"""The scripts on the server itself: under stricter rules, unknown to it, and short of memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import pytest

from polystore import F, Field, Index, Model, Store, field
from polystore.adapters.redis import open as open_redis
from polystore.adapters.redis import wire
from polystore.errors import StoreUnavailable, UniqueViolation
from tests.adapters.redis.audit import audit
from tests.adapters.redis.conftest import driver, wipe
from tools.private_servers import Server, private_server


class Part(Model):
    name: Field[str] = field(unique=True)
    weight: Field[int] = field(default=0, index=True)
    text: Field[str] = ""

    class Meta:
        indexes = [Index("-weight", "name")]


@pytest.fixture
def own_server() -> Iterator[Server]:
    with private_server("redis") as server:
        yield server


def exercise(store: Store) -> None:
    """Every script once or more."""
    parts = Part.objects.using(store)
    store.create_all([Part])
    parts.bulk_create([Part(name=f"{n}", weight=n % 7) for n in range(100)])
    assert [
        row.weight for row in parts.filter(weight__gte=5, name__in=["5", "6", "12"]).order_by("-weight", "name")
    ] == [
        6,
        5,
        5,
    ]
    assert parts.filter(weight=3).update(weight=F("weight") + 10) == 14
    assert parts.filter(weight=13).count() == 14
    assert parts.filter(weight__lt=2).delete()[0] == 30
    with pytest.raises(UniqueViolation):
        parts.create(name="5")
    assert parts.count() == 70
    adapter: Any = store.handle(Part).connection.adapter
    assert audit(adapter, store.handle(Part).schema) == 70


@pytest.mark.server("redis")
def test_scripts_run_under_the_rules_of_a_header(
    available_servers: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = wire.find_script

    def with_header(name: str) -> wire.Script:
        text = b"#!lua\n" + plain(name).text
        return wire.Script(name, text, hashlib.sha1(text).hexdigest().encode())

    monkeypatch.setattr(wire, "find_script", with_header)
    wire.load_scripts.cache_clear()
    settings = {"namespace": f"test-{uuid4().hex}"}
    try:
        exercise(Store({"default": {"url": available_servers["redis"], **settings}}))
    finally:
        wire.load_scripts.cache_clear()
        wipe(open_redis(available_servers["redis"], settings), settings["namespace"])


@pytest.mark.server("redis", private=True)
def test_scripts_that_the_server_has_forgotten_are_sent_again(own_server: Server) -> None:
    store = Store({"default": own_server.url})
    exercise(store)
    raw = driver(open_redis(own_server.url, {}))
    parts = Part.objects.using(store)
    for ask in (
        lambda: parts.filter(weight=13).count(),
        lambda: parts.filter(weight=13).update(text="x"),
        lambda: parts.filter(weight=13).update(weight=F("weight")),
        lambda: parts.filter(pk=parts.first().pk, weight__gte=0).delete(),  # type: ignore[union-attr]  # there are rows
        lambda: store.create_all([Part]),
    ):
        raw("SCRIPT", "FLUSH")
        ask()
    raw.close()
    store.close()


@pytest.mark.server("redis", private=True)
def test_without_memory_nothing_is_written_in_part(own_server: Server) -> None:
    store = Store({"default": own_server.url})
    exercise(store)
    parts = Part.objects.using(store)
    raw = driver(open_redis(own_server.url, {}))
    raw("CONFIG", "SET", "maxmemory", "1")
    for write in (
        lambda: parts.create(name="new"),
        lambda: parts.bulk_create([Part(name=f"new {n}") for n in range(10)]),
        lambda: parts.filter(weight=13).update(weight=1, text="x"),
        lambda: parts.filter(weight=13).update(weight=F("weight") + 1),
    ):
        with pytest.raises(StoreUnavailable, match="does not take this now"):
            write()
    assert parts.filter(weight=13).count() == len(list(parts.filter(weight=13))) == 14
    assert parts.filter(weight=13, name__lt="5").delete()[0] > 0
    left = parts.count()
    raw("CONFIG", "SET", "maxmemory", "0")
    adapter: Any = store.handle(Part).connection.adapter
    assert audit(adapter, store.handle(Part).schema) == left < 70
    raw.close()
    store.close()


@pytest.mark.server("redis", private=True)
def test_the_order_of_texts_does_not_follow_the_locale(own_server: Server) -> None:
    store = Store({"default": own_server.url})
    names = ["b", "a", "B", "A", "é", "z", "Z", "_", "1", "10", "9"]
    Part.objects.using(store).bulk_create([Part(name=name, weight=1) for name in names])
    found = [row.name for row in Part.objects.using(store).filter(weight__gte=0).order_by("weight", "-name")]
    assert found == sorted(names, reverse=True)
    store.close()
