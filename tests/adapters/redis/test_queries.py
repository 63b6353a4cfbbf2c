"""Whatever is asked, Redis gives the answer of the store in memory or refuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from polystore import Q, Store
from polystore.errors import IndexRequired, NotSupportedError
from tests.adapters.redis.answers import answer, async_answer
from tests.adapters.redis.conftest import BOTH
from tests.adapters.redis.samples import ORDERS, Sample, draw_condition, draw_row

ROWS = 150
QUESTIONS = 200


@pytest.fixture(scope="module", params=BOTH)
def store(request: pytest.FixtureRequest, available_servers: Mapping[str, str]) -> Iterator[Store]:
    """The same rows in memory and on Redis."""
    url = f"fakeredis://{uuid4().hex}" if request.param == "fakeredis" else available_servers["redis"]
    store = Store({"default": "memory://", "kv": {"url": url, "namespace": f"test-{uuid4().hex}"}}, {})
    random = Random(7)
    with store:
        for alias in ("default", "kv"):
            store.handle(Sample, alias).connection.backend.create_all([store.handle(Sample, alias).schema])
        rows = [draw_row(random) for _ in range(ROWS)]
        for alias in ("default", "kv"):
            Sample.objects.using(alias).bulk_create([Sample(**row) for row in rows], ignore_conflicts=True)
        assert keys(Sample.objects.using("kv")) == keys(Sample.objects.using("default"))
        yield store
        store.handle(Sample, "kv").connection.backend.drop_all([store.handle(Sample, "kv").schema])


def keys(query: Any) -> list[int]:
    return sorted(query.values_list("id", flat=True))


def ask(random: Random, keys: list[int]) -> tuple[Any, str, bool]:
    """A query, what to ask of it, and whether its rows have an order."""
    query = Sample.objects.all()
    for _ in range(random.choice((0, 1, 1, 1, 2))):
        condition = draw_condition(random, keys)
        query = query.exclude(condition) if random.random() < 0.2 else query.filter(condition)
    terminal = random.choice(("rows", "rows", "rows", "count", "exists", "first", "last"))
    order = random.choice(ORDERS)
    if order:
        query = query.order_by(*order)
    if terminal not in ("first", "last") and random.random() < 0.5:
        start = random.choice((0, 0, 1, 5, 40, 200))
        query = query[start : start + random.choice((1, 3, 20))] if random.random() < 0.8 else query[start + 1 :]
        return query, terminal, True
    return query, terminal, bool(order)


@pytest.mark.parametrize("seed", range(6))
def test_answers_are_those_of_the_store_in_memory(store: Store, seed: int) -> None:
    random = Random(seed)
    outcomes: Counter[str] = Counter()
    known = keys(Sample.objects.using("default"))
    for _ in range(QUESTIONS):
        query, terminal, ordered = ask(random, known)
        try:
            found = answer(query.using("kv"), terminal)
        except IndexRequired:
            outcomes["index required"] += 1
            continue
        except NotSupportedError:
            outcomes["refused"] += 1
            continue
        wanted = answer(query.using("default"), terminal)
        if terminal == "rows" and not ordered:
            found, wanted = sorted(found, key=lambda row: row[0]), sorted(wanted, key=lambda row: row[0])
        assert found == wanted, query.using("kv").explain()
        outcomes["answered"] += 1
    assert outcomes["answered"] > QUESTIONS * 0.5, outcomes


async def test_both_colours_give_the_same_answers(store: Store) -> None:
    random = Random(99)
    known = keys(Sample.objects.using("default"))
    connection = store.handle(Sample, "kv").connection
    answered = 0
    try:
        for _ in range(100):
            query, terminal, _ = ask(random, known)
            try:
                found = await async_answer(query.using("kv"), terminal)
            except NotSupportedError:
                continue
            assert found == answer(query.using("kv"), terminal)
            answered += 1
    finally:
        await connection.async_backend.close()
    assert answered > 50


def rows_by_pages(alias: str, order: tuple[str, ...], condition: Q) -> list[int]:
    query = Sample.objects.using(alias).filter(condition).order_by(*order)
    return [row.pk for row in query.iterator(chunk_size=7)]


@pytest.mark.parametrize("order", [order for order in dict.fromkeys(ORDERS) if order], ids=" ".join)
def test_pages_behind_a_row_are_read_in_order(store: Store, order: tuple[str, ...]) -> None:
    for condition in (Q(), Q(number__gte=0), Q(flag=True) | Q(name__startswith="a")):
        try:
            found = rows_by_pages("kv", order, condition)
        except IndexRequired:
            assert order in (("code",), ("left", "-id"), ("data", "id"), ("ratio", "-id"), ("number", "price"))
            continue
        assert found == rows_by_pages("default", order, condition)


def test_long_lists_and_deep_offsets_are_answered(store: Store) -> None:
    many = list(range(-3000, 3000))
    for alias in ("kv", "default"):
        query = Sample.objects.using(alias)
        assert query.filter(number__in=many).count() == query.filter(number__gte=-3000, number__lt=3000).count()
        assert keys(query.filter(id__in=many, flag=True)) == keys(query.filter(flag=True))
        assert keys(query.exclude(number__in=many).filter(name__gte="")) == keys(
            query.exclude(number__gte=-3000, number__lt=3000).filter(name__gte="")
        )
    found = [row.pk for row in Sample.objects.using("kv").order_by("-number", "name")[140:145]]
    assert found == [row.pk for row in Sample.objects.using("default").order_by("-number", "name")[140:145]]
