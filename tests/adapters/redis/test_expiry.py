"""Rows with a time to live: nothing of them is seen or left after it, and bodies that vanish are mended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from polystore import F, Field, Model, Store, field
from polystore.adapters.redis import open as open_redis
from polystore.errors import DoesNotExist
from tests.adapters.redis.audit import audit
from tests.adapters.redis.conftest import driver, wipe


class Session(Model):
    user: Field[int] = field(index=True)
    token: Field[str] = field(unique=True)
    hits: Field[int] = field(default=0, index=True)

    class Meta:
        ttl = timedelta(milliseconds=1500)


class Fleeting(Model):
    user: Field[int] = field(index=True)
    token: Field[str] = field(unique=True)
    hits: Field[int] = field(default=0, index=True)

    class Meta:
        ttl = timedelta(milliseconds=300)


class Lasting(Model):
    user: Field[int] = field(index=True)
    token: Field[str] = field(unique=True)


@pytest.fixture
def store(url: str, settings: dict[str, Any]) -> Iterator[Store]:
    store = Store({"default": {"url": url, **settings}})
    with store:
        yield store
    wipe(open_redis(url, settings), settings["namespace"])


def check(store: Store, model: type[Model]) -> int:
    handle = store.handle(model)
    adapter: Any = handle.connection.adapter
    return audit(adapter, handle.schema)


def kept(store: Store, settings: dict[str, Any], key: str) -> int:
    """How many entries one of the keys of Session has."""
    adapter: Any = store.handle(Session).connection.adapter
    raw = driver(adapter)
    name = f"{settings['namespace']}:{{session.0}}:{key}"
    found = raw({"mf": "HLEN", "u": "HLEN"}.get(key, "ZCARD"), name)
    raw.close()
    return int(found)


def wait_for_expiry() -> None:
    time.sleep(1.56)


def test_an_expired_row_is_gone_from_every_answer(store: Store, settings: dict[str, Any]) -> None:
    row = Session.objects.create(user=1, token="a")
    assert Session.objects.get(pk=row.pk).token == "a"
    assert Session.objects.filter(user=1).count() == 1
    wait_for_expiry()
    with pytest.raises(Session.DoesNotExist):
        Session.objects.get(pk=row.pk)
    assert not Session.objects.filter(user=1).exists()
    assert Session.objects.count() == 0
    assert list(Session.objects.order_by("hits")) == []
    assert [kept(store, settings, key) for key in ("mf", "u", "x", "i:pk", "i:session_user_idx")] == [0] * 5


def test_the_unique_value_of_an_expired_row_is_free(store: Store) -> None:
    Session.objects.create(id=1, user=1, token="a")
    wait_for_expiry()
    Session.objects.create(id=1, user=2, token="a")
    assert Session.objects.get(token="a").user == 2
    assert check(store, Session) == 1


def test_a_write_gives_a_row_its_whole_time_again(store: Store) -> None:
    row = Session.objects.create(user=1, token="a")
    for _ in range(3):
        time.sleep(0.6)
        assert Session.objects.filter(pk=row.pk).update(hits=F("hits") + 1) == 1
    assert Session.objects.get(pk=row.pk).hits == 3
    wait_for_expiry()
    assert Session.objects.filter(pk=row.pk).update(hits=0) == 0
    assert Session.objects.filter(pk=row.pk).delete()[0] == 0


def test_many_expired_rows_are_removed_before_a_count_is_answered(store: Store, settings: dict[str, Any]) -> None:
    Session.objects.bulk_create([Session(user=n % 3, token=f"{n}") for n in range(700)])
    wait_for_expiry()
    Session.objects.create(user=1, token="new")
    assert Session.objects.filter(user=1).count() == 1
    assert Session.objects.count() == 1
    assert kept(store, settings, "mf") == 1
    assert check(store, Session) == 1


def test_expired_rows_that_are_not_yet_removed_are_not_selected(store: Store) -> None:
    Session.objects.bulk_create([Session(user=n % 3, token=f"{n}") for n in range(700)])
    wait_for_expiry()
    new = Session.objects.create(user=1, token="new")
    assert [row.pk for row in Session.objects.filter(user=1).order_by("-id")[:5]] == [new.pk]
    assert [row.pk for row in Session.objects.order_by("id")[0:5]] == [new.pk]


def test_pages_with_an_offset_skip_living_rows_only(store: Store) -> None:
    Session.objects.bulk_create([Session(user=1, token=f"{n}") for n in range(600)])
    wait_for_expiry()
    rows = Session.objects.bulk_create([Session(user=1, token=f"new {n}") for n in range(3)])
    assert [row.pk for row in Session.objects.order_by("id")[1:3]] == [row.pk for row in rows[1:]]


def test_random_lives_leave_no_trace(store: Store) -> None:
    random = Random(3)
    for step in range(120):
        if random.random() < 0.6:
            Fleeting.objects.bulk_create(
                [Fleeting(user=random.randint(0, 3), token=f"{step} {n}") for n in range(random.randint(1, 5))]
            )
        elif random.random() < 0.5:
            Fleeting.objects.filter(user=random.randint(0, 3)).update(hits=random.randint(0, 9))
        else:
            for row in Fleeting.objects.filter(user=random.randint(0, 3)).order_by("hits")[:2]:
                row.delete()
        assert Fleeting.objects.filter(user__gte=0).count() >= len(list(Fleeting.objects.filter(hits__gte=0)))
        if random.random() < 0.1:
            time.sleep(0.1)
    wait_for_expiry()
    assert Fleeting.objects.count() == 0
    assert check(store, Fleeting) == 0


# ---- bodies that are gone before their time


@pytest.fixture
def evict(store: Store, settings: dict[str, Any]) -> Any:
    """Removes the body of a row behind the store's back."""
    adapter: Any = store.handle(Lasting).connection.adapter
    raw = driver(adapter)
    yield lambda key: raw("DEL", f"{settings['namespace']}:{{lasting.0}}:e:{key}")
    raw.close()


def test_a_row_without_its_body_is_left_out_and_mended(store: Store, evict: Any) -> None:
    Lasting.objects.bulk_create([Lasting(user=1, token=f"{n}") for n in range(6)])
    evict(3)
    evict(5)
    assert Lasting.objects.filter(user=1).count() == 6
    assert [row.pk for row in Lasting.objects.filter(user=1).order_by("id")] == [1, 2, 4, 6]
    assert Lasting.objects.filter(user=1).count() == 4
    assert check(store, Lasting) == 4


def test_a_page_is_filled_up_where_bodies_are_gone(store: Store, evict: Any) -> None:
    Lasting.objects.bulk_create([Lasting(user=1, token=f"{n}") for n in range(6)])
    evict(1)
    evict(2)
    assert [row.pk for row in Lasting.objects.order_by("id")[:3]] == [3, 4, 5]
    assert [row.pk for row in Lasting.objects.order_by("id")[1:3]] == [4, 5]


def test_a_unique_value_held_by_a_row_without_body_is_free(store: Store, evict: Any) -> None:
    Lasting.objects.bulk_create([Lasting(user=1, token=f"{n}") for n in range(3)])
    evict(1)
    Lasting.objects.create(user=2, token="0")
    evict(2)
    Lasting.objects.bulk_create([Lasting(user=3, token="1"), Lasting(user=3, token="2")], ignore_conflicts=True)
    evict(3)
    assert Lasting.objects.filter(token="1").update(token="2") == 1
    assert sorted(Lasting.objects.values_list("user", "token")) == [(2, "0"), (3, "2")]
    assert check(store, Lasting) == 2


def test_a_row_without_body_is_neither_updated_nor_deleted_and_can_be_inserted_again(store: Store, evict: Any) -> None:
    Lasting.objects.bulk_create([Lasting(user=1, token=f"{n}") for n in range(3)])
    evict(1)
    assert Lasting.objects.filter(user=1).update(user=2) == 2
    evict(2)
    assert Lasting.objects.filter(user=2).update(user=F("user") + 1) == 1
    Lasting.objects.create(id=2, user=9, token="1")
    evict(3)
    assert Lasting.objects.filter(user__gt=0).delete()[0] == 1
    assert check(store, Lasting) == 0


def test_a_missing_row_is_told_as_missing(store: Store, evict: Any) -> None:
    row = Lasting.objects.create(user=1, token="a")
    evict(1)
    row.user = 2
    with pytest.raises(DoesNotExist):
        row.save(force_update=True)
