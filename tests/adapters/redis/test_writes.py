"""Whatever is written, Redis ends with the rows of the store in memory, and its indexes fit its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from polystore import F, Field, Model, Store, UniqueConstraint, field
from polystore.adapters.redis import open as open_redis
from polystore.errors import (
    BulkWriteError,
    DataError,
    NotNullViolation,
    NotSupportedError,
    PolystoreError,
    StaleObject,
    UniqueViolation,
)
from tests.adapters.redis.audit import audit
from tests.adapters.redis.conftest import driver, wipe
from tests.adapters.redis.samples import FIELDS, Sample, draw_condition, draw_row, draw_value


class Account(Model):
    owner: Field[str] = field(unique=True)
    balance: Field[int] = field(default=0, index=True)
    rate: Field[float | None] = None
    branch: Field[str | None] = None
    number: Field[int | None] = None
    changes: Field[int] = field(default=0, version=True)

    class Meta:
        constraints = [UniqueConstraint("branch", "number")]


class Place(Model):
    branch: Field[str | None] = None
    number: Field[int | None] = None

    class Meta:
        constraints = [UniqueConstraint("branch", "number", nulls_distinct=False)]


class Named(Model):
    name: Field[str] = field(primary_key=True)
    text: Field[str | None] = None


@pytest.fixture
def store(url: str, settings: dict[str, Any]) -> Iterator[Store]:
    store = Store({"default": "memory://", "kv": {"url": url, **settings}})
    with store:
        yield store
    wipe(open_redis(url, settings), settings["namespace"])


@pytest.fixture
def accounts(store: Store) -> Any:
    return Account.objects.using("kv")


def check(store: Store, model: type[Model]) -> int:
    """Audits what Redis keeps of a model."""
    handle = store.handle(model, "kv")
    adapter: Any = handle.connection.adapter
    return audit(adapter, handle.schema)


# ---- random histories


def insert(random: Random, objects: Any, rows: list[dict[str, Any]], ignore: bool) -> Any:
    return len(objects.bulk_create([Sample(**row) for row in rows], ignore_conflicts=ignore))


UNIQUES = (["id"], ["code"], ["left", "right"])


def draw_upsert(random: Random, known: list[int]) -> Any:
    """Rows that may be there; one at a time where a unique field is written, since such rows are written one by one."""
    unique = random.choice(UNIQUES)
    changed = random.sample([name for name in FIELDS if name not in unique], random.randint(1, 3))
    count = 1 if {"code", "left", "right"} & set(changed) else random.randint(1, 4)
    rows = [{"id": random.choice([*known, random.randint(1, 99)]), **draw_row(random)} for _ in range(count)]
    if unique != ["id"]:
        rows = [{**row, "id": random.randint(20_000, 2**40)} for row in rows]

    def upsert(objects: Any) -> Any:
        made = [Sample(**row) for row in rows]
        objects.bulk_create(made, update_conflicts=True, unique_fields=unique, update_fields=changed)
        return [row.id for row in made]

    return upsert


def draw_each(random: Random, known: list[int]) -> Any:
    """Rows changed by their keys, of which some are gone."""
    names = random.sample(FIELDS, random.randint(1, 3))
    count = 1 if {"code", "left", "right"} & set(names) else random.randint(1, 4)
    rows = [{"id": random.choice([*known, 1]), **draw_row(random)} for _ in range(count)]
    return lambda objects: objects.bulk_update([Sample(**row) for row in rows], names)


def draw_step(random: Random, known: list[int]) -> tuple[str, Any]:
    """A write: what to call with a queryset, named."""
    kinds = ("insert", "insert", "ignore", "update", "compute", "delete", "replace", "upsert", "upsert", "each", "each")
    kind = random.choice(kinds)
    if kind == "upsert":
        return kind, draw_upsert(random, known)
    if kind == "each":
        return kind, draw_each(random, known)
    if kind in ("insert", "ignore"):
        rows = [{"id": random.randint(-10_000, 10_000), **draw_row(random)} for _ in range(random.randint(1, 4))]
        if random.random() < 0.3:
            rows[0]["id"] = random.choice([*known, 1])
        return kind, lambda objects: insert(random, objects, [dict(row) for row in rows], kind == "ignore")
    condition = draw_condition(random, known)
    if kind == "delete" and random.random() < 0.7:
        keys = random.choices(known or [1], k=2)
        return kind, lambda objects: objects.filter(condition, id__in=keys).delete()[0]
    if kind == "delete":
        return kind, lambda objects: objects.filter(condition, number=3).delete()[0]
    if kind == "update":
        names = random.sample(FIELDS, random.randint(1, 3))
        changes = {name: draw_value(random, name) for name in names}
        return kind, lambda objects: objects.filter(condition).update(**changes)
    if kind == "compute":
        what = random.choice(
            (
                {"left": F("left") + 1},
                {"number": F("number") * 2},
                {"price": F("price") * F("price") / 3},
                {"ratio": F("ratio") - 1.5},
                {"left": F("number"), "number": F("left")},
                {"number": F("number") / F("left")} if random.random() < 0.1 else {"left": F("left") % 7},
            )
        )
        return kind, lambda objects: objects.filter(condition).update(**what)
    key = random.choice(known or [1])
    values = draw_row(random)

    def replace(objects: Any) -> Any:
        found = objects.filter(id=key).first()
        if found is None:
            return None
        for name, value in values.items():
            setattr(found, name, value)
        found.save()
        return key

    return kind, replace


def outcome(step: Any, objects: Any) -> Any:
    try:
        return step(objects)
    except PolystoreError as error:
        return type(error), getattr(error, "fields", None)


def dump(objects: Any) -> list[dict[str, Any]]:
    return sorted((row.model_dump() for row in objects.all()), key=lambda row: row["id"])


@pytest.mark.parametrize("seed", range(4))
def test_random_histories_end_alike(store: Store, seed: int) -> None:
    random = Random(seed)
    kv, memory = Sample.objects.using("kv"), Sample.objects.using("default")
    outcomes: Counter[str] = Counter()
    for _ in range(260):
        known = [row["id"] for row in dump(memory)]
        kind, step = draw_step(random, known)
        found = outcome(step, kv)
        if isinstance(found, tuple) and issubclass(found[0], NotSupportedError):
            outcomes["refused"] += 1
            continue
        assert found == outcome(step, memory), kind
        outcomes[f"{kind} {'error' if isinstance(found, tuple) else 'done'}"] += 1
        assert dump(kv) == dump(memory), kind
        if len(known) > 40:
            assert kv.filter(id__in=known[:30]).delete() == memory.filter(id__in=known[:30]).delete()
    check(store, Sample)
    assert outcomes["insert done"] > 20, outcomes
    assert outcomes["insert error"] > 5, outcomes
    assert min(outcomes["upsert done"], outcomes["each done"]) > 10, outcomes


# ---- keys


def test_keys_that_the_store_gives_are_new_and_rise(accounts: Any) -> None:
    first = accounts.create(owner="a")
    more = accounts.bulk_create([Account(owner=f"b{n}") for n in range(200)])
    last = accounts.create(owner="c")
    given = [each.id for each in (first, *more, last)]
    assert given == sorted(set(given))
    assert given[0] == 1
    assert accounts.get(pk=more[70].id).owner == "b70"


def test_a_key_given_by_hand_moves_the_counter(store: Store, accounts: Any) -> None:
    accounts.create(id=1000, owner="a")
    other = Store({"default": "memory://", "kv": store.handle(Account, "kv").connection.adapter})
    with other:
        assert Account.objects.using(other).using("kv").create(owner="b").id == 1001


def test_a_key_set_aside_that_was_taken_by_hand_is_passed_over(accounts: Any) -> None:
    accounts.create(owner="a")
    accounts.create(id=2, owner="by hand")
    assert accounts.create(owner="b").id == 3
    assert accounts.count() == 3


def test_the_counter_stops_at_the_end_of_int64(store: Store, accounts: Any) -> None:
    accounts.create(id=2**63 - 1, owner="a")
    with pytest.raises(DataError):
        accounts.create(owner="b")
    assert check(store, Account) == 1


def test_an_insert_under_a_taken_key_names_the_key(accounts: Any) -> None:
    accounts.create(id=5, owner="a")
    with pytest.raises(UniqueViolation, match=r"Account: a row with this id already exists") as caught:
        accounts.create(id=5, owner="b")
    assert caught.value.fields == ("id",)
    assert accounts.get(pk=5).owner == "a"


@pytest.mark.parametrize("name", ["", ":", "{x}", "a b", "%", "\r\n*1\r\n$8\r\nFLUSHALL", "é" * 100, "\x01\x02"])
def test_any_text_is_a_key(store: Store, name: str) -> None:
    objects = Named.objects.using("kv")
    objects.create(name=name, text="it")
    objects.create(name=name + "!")
    assert objects.get(pk=name).text == "it"
    assert objects.filter(name__startswith=name).count() == 2
    assert objects.filter(pk__in=[name, "absent"]).count() == 1
    assert objects.filter(pk=name).delete()[0] == 1
    assert objects.get_or_none(pk=name) is None
    assert check(store, Named) == 1


# ---- unique constraints


def test_a_value_of_a_unique_field_is_taken_once_and_free_after_the_row_has_gone(store: Store, accounts: Any) -> None:
    row = accounts.create(owner="a")
    with pytest.raises(UniqueViolation, match="another row already has this owner") as caught:
        accounts.create(owner="a")
    assert (caught.value.model, caught.value.fields, caught.value.constraint) == (
        "Account",
        ("owner",),
        "account_owner_key",
    )
    row.delete()
    accounts.create(owner="a")
    assert check(store, Account) == 1


def test_rows_with_a_null_in_a_unique_constraint_never_collide(accounts: Any) -> None:
    accounts.create(owner="a", branch="x")
    accounts.create(owner="b", branch="x")
    accounts.create(owner="c", branch="x", number=1)
    with pytest.raises(UniqueViolation, match="another row already has this branch, number"):
        accounts.create(owner="d", branch="x", number=1)


def test_with_nulls_distinct_false_two_rows_cannot_both_have_null(store: Store) -> None:
    places = Place.objects.using("kv")
    places.create(branch="x")
    with pytest.raises(UniqueViolation):
        places.create(branch="x")
    places.create()
    with pytest.raises(UniqueViolation):
        places.create()
    places.create(branch="y")
    assert check(store, Place) == 3


def test_unique_values_can_change_hands_within_one_update(store: Store, accounts: Any) -> None:
    accounts.create(owner="a", branch="x", number=1)
    accounts.create(owner="b", branch="x", number=2)
    assert accounts.filter(branch__isnull=False, number__isnull=False, id__gt=0).update(number=F("number") + 1) == 2
    assert sorted(accounts.values_list("number", flat=True)) == [2, 3]
    assert check(store, Account) == 2


def test_a_batch_with_one_row_in_conflict_writes_nothing(store: Store, accounts: Any) -> None:
    accounts.create(owner="taken")
    with pytest.raises(UniqueViolation):
        accounts.bulk_create([Account(owner="a"), Account(owner="b"), Account(owner="taken")])
    with pytest.raises(UniqueViolation):
        accounts.bulk_create([Account(owner="a"), Account(owner="a")])
    assert accounts.count() == 1
    assert check(store, Account) == 1


def test_of_several_batches_those_before_the_conflict_are_written_and_told(accounts: Any) -> None:
    rows = [Account(owner=f"{n % 100}") for n in range(150)]
    with pytest.raises(BulkWriteError, match="64 of 150 rows were written, then row 100 was refused") as caught:
        accounts.bulk_create(rows)
    told = caught.value.outcomes
    assert [each is None for each in told] == [True] * 64 + [False] * 86
    assert isinstance(told[100], UniqueViolation)
    assert accounts.count() == 64


def test_rows_in_conflict_are_left_out_on_request(store: Store, accounts: Any) -> None:
    accounts.create(owner="3")
    accounts.bulk_create([Account(owner=f"{n % 90}") for n in range(200)], ignore_conflicts=True)
    assert accounts.count() == 90
    assert check(store, Account) == 90


def test_a_refused_update_changes_nothing(store: Store, accounts: Any) -> None:
    accounts.bulk_create([Account(owner=f"{n}", balance=n) for n in range(5)])
    with pytest.raises(UniqueViolation):
        accounts.filter(balance__lt=3).update(owner="same", balance=9)
    assert sorted(accounts.values_list("balance", flat=True)) == [0, 1, 2, 3, 4]
    assert check(store, Account) == 5


# ---- inserts that change rows in conflict


def test_a_row_whose_body_is_gone_holds_no_unique_value(store: Store, settings: dict[str, Any], accounts: Any) -> None:
    lost, kept = accounts.create(owner="lost"), accounts.create(owner="kept")
    raw = driver(store.handle(Account, "kv").connection.adapter)
    for model_key in (lost.id, kept.id):
        raw("DEL", f"{settings['namespace']}:{{account.0}}:e:{model_key}")
    raw.close()
    made = accounts.upsert(Account(owner="lost", balance=1), unique_fields=["owner"])
    assert made.id not in (lost.id, kept.id)
    accounts.bulk_create(
        [Account(id=kept.id, owner="new")], update_conflicts=True, unique_fields=["id"], update_fields=["balance"]
    )
    assert sorted(accounts.values_list("owner", flat=True)) == ["lost", "new"]
    assert check(store, Account) == 2


def test_upserts_of_many_batches_keep_indexes_and_uniques_whole(store: Store, accounts: Any) -> None:
    accounts.bulk_create([Account(owner=f"{n}", balance=n) for n in range(0, 200, 2)])
    rows = [Account(owner=f"{n % 150}", balance=1000 + n, branch="b", number=n) for n in range(200)]
    accounts.bulk_create(rows, update_conflicts=True, unique_fields=["owner"], update_fields=["balance", "number"])
    assert accounts.count() == 175
    assert accounts.filter(balance__gte=1150).count() == 50
    assert {row.changes for row in accounts.filter(owner__in=["0", "52"])} == {2, 1}
    assert check(store, Account) == 175


# ---- updates that compute


def test_an_overflow_changes_no_row(store: Store, accounts: Any) -> None:
    accounts.bulk_create([Account(owner=f"{n}", balance=2**63 - 1 - n) for n in range(100)])
    with pytest.raises(DataError, match="64-bit"):
        accounts.filter(balance__gt=0).update(balance=F("balance") + 1)
    assert accounts.filter(balance=2**63 - 100).exists()
    assert accounts.filter(balance=2**63 - 1).count() == 1


def test_int64_arithmetic_is_exact(store: Store, accounts: Any) -> None:
    row = accounts.create(owner="a", balance=2**53)
    assert accounts.filter(pk=row.pk).update(balance=F("balance") + 1) == 1
    assert accounts.get(balance=2**53 + 1).pk == row.pk
    assert not accounts.filter(balance=2**53).exists()
    assert check(store, Account) == 1


def test_a_computed_null_is_refused_where_the_field_takes_none(accounts: Any) -> None:
    accounts.create(owner="a", balance=1)
    with pytest.raises(NotNullViolation, match=r"Account\.balance cannot be NULL"):
        accounts.filter(balance=1).update(balance=F("number"))
    assert accounts.get(balance=1)


def test_an_error_in_a_row_that_does_not_match_is_no_error(accounts: Any) -> None:
    zero = accounts.create(owner="zero", balance=0)
    assert accounts.filter(pk=zero.pk, balance__gt=0).update(rate=1.5 / F("balance")) == 0


def test_a_stale_instance_is_refused(accounts: Any) -> None:
    row = accounts.create(owner="a")
    other = accounts.get(pk=row.pk)
    other.balance = 1
    other.save()
    row.balance = 2
    with pytest.raises(StaleObject):
        row.save()
    assert accounts.get(pk=row.pk).balance == 1


# ---- rows as plain hashes


def test_a_row_is_a_plain_hash_without_its_nulls(store: Store, settings: dict[str, Any], accounts: Any) -> None:
    accounts.create(owner="é", balance=-5)
    adapter: Any = store.handle(Account, "kv").connection.adapter
    raw = driver(adapter)
    flat = raw("HGETALL", f"{settings['namespace']}:{{account.0}}:e:1")
    raw.close()
    found = dict(zip(flat[::2], flat[1::2], strict=True))
    assert found == {b"_v": b"1", b"id": b"1", b"owner": "é".encode(), b"balance": b"-5", b"changes": found[b"changes"]}
