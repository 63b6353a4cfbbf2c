"""Indexes are defined once, built for rows that are there, and dropped with nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from polystore import Field, Index, Model, Store, UniqueConstraint, field
from polystore.adapters.redis import open as open_redis
from polystore.adapters.redis.adapter import RedisAdapter
from polystore.adapters.redis.definitions import pack_definition
from polystore.api.complete import schema_of
from polystore.errors import ConcurrencyError, ConfigurationError, UniqueViolation
from polystore.schema.model import Schema
from tests.adapters.redis.audit import audit
from tests.adapters.redis.conftest import driver, keys_of, wipe


def make_model(**declared: Any) -> type[Model]:
    """A model of the table "thing"; with ``indexes`` and ``constraints`` of its own."""
    meta = type("Meta", (), {"table": "thing", **declared})

    class Thing(Model):
        name: Field[str | None] = field(default=None, index=True)
        size: Field[int | None] = None
        note: Field[str | None] = None
        Meta = meta

    return Thing


class Other(Model):
    name: Field[str] = field(index=True)


@pytest.fixture
def adapters(url: str, settings: dict[str, Any]) -> Iterator[Any]:
    """Makes adapters of processes that know different versions of a model."""
    yield lambda: open_redis(url, settings)
    wipe(open_redis(url, settings), settings["namespace"])


def make_store(adapter: RedisAdapter, model: type[Model], rows: int) -> Store:
    store = Store({"default": adapter})
    store.create_all([model])
    model.objects.using(store).bulk_create([model(name=f"{n}", size=n % 50, note=f"n{n}") for n in range(rows)])
    return store


def schema(model: type[Model]) -> Schema:
    found: Schema = schema_of(model)
    return found


def test_an_index_added_later_is_built_for_the_rows_that_are_there(adapters: Any) -> None:
    old, new = make_model(), make_model(indexes=[Index("-size", "name"), Index("note", casefold=True)])
    adapter = adapters()
    make_store(adapter, old, 450)
    store = Store({"default": adapters()})
    store.create_all([new])
    things = new.objects.using(store)
    assert [row.size for row in things.order_by("-size", "name")[:10]] == [49] * 9 + [48]
    assert things.filter(note__istartswith="N1").count() == 111
    assert audit(store.handle(new).connection.adapter, schema(new)) == 450  # type: ignore[arg-type]  # it is ours


def test_an_index_that_is_no_longer_declared_goes(adapters: Any, settings: dict[str, Any]) -> None:
    old, new = make_model(indexes=[Index("size")]), make_model()
    make_store(adapters(), old, 20)
    store = Store({"default": adapters()})
    assert any(key.endswith(b"i:thing_size_idx") for key in keys_of(adapters(), settings["namespace"]))
    store.create_all([new])
    assert not any(key.endswith(b"i:thing_size_idx") for key in keys_of(adapters(), settings["namespace"]))


def test_code_that_knows_other_indexes_is_refused_until_it_is_restarted(adapters: Any) -> None:
    old, new = make_model(), make_model(indexes=[Index("size")])
    store = make_store(adapters(), old, 3)
    with pytest.raises(ConfigurationError, match=r"run create_all\(\)"):
        new.objects.using(Store({"default": adapters()})).filter(size=1).count()
    Store({"default": adapters()}).create_all([new])
    for write in (
        lambda: old.objects.using(store).create(name="x"),
        lambda: old.objects.using(store).filter(name="1").delete(),
        lambda: old.objects.using(store).filter(name="1").count(),
    ):
        with pytest.raises(ConfigurationError, match="restart processes that run older code"):
            write()
    assert old.objects.using(store).get(pk=1).name == "0"


def test_a_unique_constraint_that_rows_break_is_refused_and_nothing_changes(adapters: Any) -> None:
    old, new = make_model(), make_model(constraints=[UniqueConstraint("size")])
    store = make_store(adapters(), old, 60)
    with pytest.raises(UniqueViolation, match="rows share the same size") as caught:
        Store({"default": adapters()}).create_all([new])
    assert caught.value.fields == ("size",)
    old.objects.using(store).create(name="still open")
    assert audit(adapters(), schema(old)) == 61
    old.objects.using(store).filter(id__gt=50).delete()
    Store({"default": adapters()}).create_all([new])
    assert audit(adapters(), schema(new)) == 50


def test_rows_without_bodies_are_dropped_when_indexes_are_built(adapters: Any, settings: dict[str, Any]) -> None:
    old, new = make_model(), make_model(indexes=[Index("size")])
    make_store(adapters(), old, 5)
    raw = driver(adapters())
    raw("DEL", f"{settings['namespace']}:{{thing.0}}:e:2")
    raw.close()
    Store({"default": adapters()}).create_all([new])
    assert audit(adapters(), schema(new)) == 4


def test_while_one_builds_others_wait_and_a_dead_builder_is_replaced(adapters: Any, settings: dict[str, Any]) -> None:
    old, new = make_model(), make_model(indexes=[Index("size")])
    store = make_store(adapters(), old, 5)
    layout = adapters().find_layout(schema(new))
    backend = adapters().connect()
    (reply,) = backend._link.channel.send(pack_definition(layout, "begin", b"dead"))
    assert reply[0] == b"OK"
    with pytest.raises(ConcurrencyError, match="are being built"):
        old.objects.using(store).create(name="x")
    with pytest.raises(ConcurrencyError, match="another process is building"):
        Store({"default": adapters()}).create_all([new])
    raw = driver(adapters())
    raw("HSET", f"{settings['namespace']}:{{thing.0}}:s", "builder_until", "0")
    raw.close()
    Store({"default": adapters()}).create_all([new])
    assert audit(adapters(), schema(new)) == 5


def test_create_all_is_not_needed_and_does_no_harm(adapters: Any) -> None:
    model = make_model(indexes=[Index("size")])
    store = Store({"default": adapters()})
    assert model.objects.using(store).filter(size=1).count() == 0
    model.objects.using(store).create(size=1)
    for _ in range(2):
        store.create_all([model])
    assert model.objects.using(store).filter(size=1).count() == 1


def test_after_the_server_was_emptied_work_goes_on(adapters: Any, settings: dict[str, Any]) -> None:
    model = make_model(indexes=[Index("size")])
    store = make_store(adapters(), model, 3)
    wipe(adapters(), settings["namespace"])
    raw = driver(adapters())
    raw("SCRIPT", "FLUSH")
    raw.close()
    things = model.objects.using(store)
    assert things.count() == 0
    things.create(name="a", size=1)
    things.filter(size=1).update(name="b")
    assert audit(adapters(), schema(model)) == 1


def test_drop_all_removes_the_keys_of_its_models_only(adapters: Any, settings: dict[str, Any]) -> None:
    model = make_model(indexes=[Index("size")])
    store = make_store(adapters(), model, 450)
    Other.objects.using(store).create(name="stays")
    store.drop_all([model])
    left = keys_of(adapters(), settings["namespace"])
    assert left
    assert all(b"{other.0}" in key for key in left)
    assert Other.objects.using(store).filter(name="stays").count() == 1
    assert model.objects.using(store).create(name="a").pk == 1


def test_models_of_two_applications_do_not_meet(url: str, settings: dict[str, Any]) -> None:
    model = make_model()
    stores = [Store({"default": {"url": url, **settings, "app": app}}) for app in ("one", "two", "a}b")]
    for number, store in enumerate(stores, 1):
        model.objects.using(store).bulk_create([model(name="x") for _ in range(number)])
    assert [model.objects.using(store).count() for store in stores] == [1, 2, 3]
    stores[0].drop_all([model])
    assert [model.objects.using(store).count() for store in stores] == [0, 2, 3]
    wipe(open_redis(url, settings), settings["namespace"])


def test_a_model_that_no_longer_expires_keeps_the_rows_it_has(adapters: Any) -> None:
    old, new = make_model(ttl=timedelta(seconds=2)), make_model()
    make_store(adapters(), old, 5)
    with pytest.raises(ConfigurationError, match=r"run create_all\(\)"):
        new.objects.using(Store({"default": adapters()})).count()
    store = Store({"default": adapters()})
    store.create_all([new])
    time.sleep(2.1)
    assert new.objects.using(store).count() == len(list(new.objects.using(store))) == 5
    assert audit(adapters(), schema(new)) == 5


def test_rows_of_a_model_that_begins_to_expire_do_so_after_their_next_write(adapters: Any) -> None:
    old, new = make_model(), make_model(ttl=timedelta(milliseconds=1500))
    make_store(adapters(), old, 5)
    store = Store({"default": adapters()})
    store.create_all([new])
    assert new.objects.using(store).filter(pk__in=[1, 2]).update(size=9) == 2
    assert audit(adapters(), schema(new)) == 5
    time.sleep(1.6)
    assert sorted(new.objects.using(store).values_list("id", flat=True)) == [3, 4, 5]
    assert audit(adapters(), schema(new)) == 3
