"""Indexes over paths and over elements of lists: the answers are those of the store in memory, and nothing is left over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from polystore import Model, Store
from polystore.errors import NotSupportedError
from tests.adapters.redis.audit import audit
from tests.adapters.redis.conftest import BOTH
from tests.adapters.redis.papers import ORDERS, Paper, draw_condition, draw_row

ROWS = 150
QUESTIONS = 120


@pytest.fixture(scope="module", params=BOTH)
def store(request: pytest.FixtureRequest, available_servers: Mapping[str, str]) -> Iterator[Store]:
    """The same rows in memory and on Redis."""
    url = f"fakeredis://{uuid4().hex}" if request.param == "fakeredis" else available_servers["redis"]
    store = Store({"default": "memory://", "kv": {"url": url, "namespace": f"test-{uuid4().hex}"}}, {})
    random = Random(7)
    with store:
        for alias in ("default", "kv"):
            store.handle(Paper, alias).connection.backend.create_all([store.handle(Paper, alias).schema])
        rows = [draw_row(random) for _ in range(ROWS)]
        for alias in ("default", "kv"):
            Paper.objects.using(alias).bulk_create([Paper(**row) for row in rows])
        assert check(store) == ROWS
        yield store
        store.handle(Paper, "kv").connection.backend.drop_all([store.handle(Paper, "kv").schema])


def check(store: Store, model: type[Model] = Paper, alias: str = "kv") -> int:
    handle = store.handle(model, alias)
    adapter: Any = handle.connection.adapter
    return audit(adapter, handle.schema)


def ask(random: Random) -> tuple[Any, str, bool]:
    """A query, what to ask of it, and whether its rows have an order."""
    query = Paper.objects.all()
    for _ in range(random.choice((1, 1, 1, 2))):
        condition = draw_condition(random)
        query = query.exclude(condition) if random.random() < 0.2 else query.filter(condition)
    terminal = random.choice(("rows", "rows", "rows", "count", "count", "exists", "first", "last"))
    order = random.choice(ORDERS)
    query = query.order_by(*order)
    if terminal not in ("first", "last") and random.random() < 0.5:
        start = random.choice((0, 0, 1, 5, 40))
        return query[start : start + random.choice((1, 3, 20))], terminal, True
    return query, terminal, bool(order)


def answer(query: Any, terminal: str) -> Any:
    match terminal:
        case "rows":
            return [(row.pk, row.model_dump()) for row in query]
        case "count":
            return query.count()
        case "exists":
            return query.exists()
        case _:
            found = query.first() if terminal == "first" else query.last()
            return None if found is None else found.pk


@pytest.mark.parametrize("seed", range(4))
def test_answers_are_those_of_the_store_in_memory(store: Store, seed: int) -> None:
    random = Random(seed)
    outcomes: Counter[str] = Counter()
    for _ in range(QUESTIONS):
        query, terminal, ordered = ask(random)
        try:
            found = answer(query.using("kv"), terminal)
        except NotSupportedError as error:
            outcomes[type(error).__name__] += 1
            continue
        wanted = answer(query.using("default"), terminal)
        if terminal == "rows" and not ordered:
            found, wanted = sorted(found, key=lambda row: row[0]), sorted(wanted, key=lambda row: row[0])
        assert found == wanted, query.using("kv").explain()
        outcomes["answered"] += 1
    assert outcomes["answered"] > QUESTIONS * 0.5, outcomes


async def async_answer(query: Any, terminal: str) -> Any:
    match terminal:
        case "rows":
            return [(row.pk, row.model_dump()) async for row in query]
        case "count":
            return await query.acount()
        case "exists":
            return await query.aexists()
        case _:
            found = await (query.afirst() if terminal == "first" else query.alast())
            return None if found is None else found.pk


async def test_both_colours_give_the_same_answers(store: Store) -> None:
    random = Random(99)
    connection = store.handle(Paper, "kv").connection
    answered = 0
    try:
        for _ in range(100):
            query, terminal, _ = ask(random)
            try:
                found = await async_answer(query.using("kv"), terminal)
            except NotSupportedError:
                continue
            assert found == answer(query.using("kv"), terminal)
            answered += 1
    finally:
        await connection.async_backend.close()
    assert answered > 50


def test_long_lists_of_elements_are_answered(store: Store) -> None:
    many = list(range(-2000, 2000))
    for query in (
        Paper.objects.filter(numbers__overlap=many),
        Paper.objects.filter(year__in=many, tags__overlap=["a", "b"]),
    ):
        with_both = query.filter(writer__age__in=many)
        for each in (query, with_both, query.filter(title="a")):
            assert answer(each.using("kv"), "count") == answer(each.using("default"), "count")
