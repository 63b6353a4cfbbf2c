"""Indexes over paths and elements of lists: the answers are those of the store in memory, or it is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from polystore import Avg, Count, Field, Index, Max, Min, Model, Store, Sum
from polystore.errors import IndexRequired, NotSupportedError
from tests.adapters.redis.answers import answer, async_answer
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
    papers = Paper.objects
    for query in (papers.filter(numbers__overlap=many), papers.filter(year__in=many, tags__overlap=["a", "b"])):
        for each in (query, query.filter(writer__age__in=many), query.filter(title="a")):
            assert answer(each.using("kv"), "count") == answer(each.using("default"), "count")


def test_pages_of_an_element_are_read_from_an_index_that_has_them_in_order(store: Store) -> None:
    queries = [Paper.objects.using(alias).filter(tags__contains="a").order_by("year") for alias in ("kv", "default")]
    pages = [[row.pk for row in query.iterator(chunk_size=3)] for query in queries]
    assert pages[0] == pages[1]
    assert len(pages[0]) > 10


# ---- aggregates beside indexes in which a row stands many times


AGGREGATES: tuple[Callable[[Any], Any], ...] = (
    lambda query: query.aggregate(low=Min("year"), high=Max("title"), total=Sum("year"), mean=Avg("year")),
    lambda query: query.aggregate(total=Sum("grade"), grades=Count("grade")),
    lambda query: Counter(query.values_list("grade").annotate(n=Count("*"))),
    lambda query: query.aggregate(years=Count("year"), different=Count("year", distinct=True)),
    lambda query: Counter(query.values_list("year").annotate(n=Count("*"))),
    lambda query: Counter(query.values_list("title").annotate(n=Count("*"))),
    lambda query: Counter(query.values_list("title", flat=True).distinct()),
    lambda query: query.values("year", "title").distinct().count(),
)


@pytest.mark.parametrize("seed", range(2))
def test_aggregates_count_each_row_once(store: Store, seed: int) -> None:
    random = Random(seed)
    answered = 0
    for number in range(90):
        aggregated = AGGREGATES[number % len(AGGREGATES)]
        query = Paper.objects.all() if random.random() < 0.2 else Paper.objects.filter(draw_condition(random, 1))
        try:
            found = aggregated(query.using("kv"))
        except NotSupportedError:
            continue
        assert found == aggregated(query.using("default")), (number % len(AGGREGATES), query)
        answered += 1
    assert answered > 45


@pytest.mark.parametrize(
    "ask",
    [
        lambda papers: list(papers.values("tags").distinct()),
        lambda papers: papers.aggregate(low=Min("writer__age")),
        lambda papers: papers.aggregate(n=Count("writer__age", distinct=True)),
        lambda papers: list(papers.values("writer__age").annotate(n=Count("*"))),
    ],
    ids=["distinct list", "least", "distinct", "groups"],
)
def test_values_of_lists_and_paths_are_not_aggregated(papers: Any, ask: Callable[[Any], Any]) -> None:
    with pytest.raises(NotSupportedError, match=r"client\(max_rows="):
        ask(papers)


# ---- plans and refusals; no server is needed


@pytest.fixture
def papers() -> Any:
    """Papers on a server that nobody can reach: whatever is refused is refused without it."""
    return Paper.objects.using(Store("redis://127.0.0.1:1/0"))


@pytest.mark.parametrize(
    ("lookups", "message"),
    [
        (
            {"loose__contains": "a"},
            r"Paper\.loose: loose__contains needs an index on Redis; declare index=True on loose",
        ),
        ({"loose__overlap": ["a"]}, r"Paper\.loose: loose__overlap needs an index"),
        ({"loose__isnull": True}, r"Paper\.loose: loose__isnull needs an index"),
        ({"writer__seen": 1}, r'Paper\.writer__seen: .*declare Index\("writer__seen"\) in Meta\.indexes'),
        ({"writer__seen__in": [1]}, r"Paper\.writer__seen: writer__seen__in needs an index"),
        (
            {"writer__place__name__iexact": "x"},
            r'Paper\.writer__place__name: .*declare Index\("writer__place__name", casefold=True\) in Meta\.indexes',
        ),
        ({"writer": None}, r"Paper\.writer: .* Writer as a whole cannot be indexed on Redis"),
        ({"writer__uid": UUID(int=1)}, r"Paper\.writer__uid: no index on Redis begins with what is asked"),
    ],
)
def test_what_no_index_keeps_is_refused_with_its_remedy(papers: Any, lookups: dict[str, Any], message: str) -> None:
    for ask in (papers.filter(**lookups).count, papers.exclude(**lookups).exists, papers.filter(**lookups).delete):
        with pytest.raises(IndexRequired, match=message) as caught:
            ask()
        assert "client(max_rows=...)" in str(caught.value)


@pytest.mark.parametrize(
    "lookups",
    [
        {"tags": ["a"]},
        {"tags__len": 1},
        {"tags__contained_by": ["a"]},
        {"tags__0": "a"},
        {"writer__nicknames__len__gt": 1},
        {"writer__name__contains": "a"},
        {"tags__contains": "a", "writer__born__month": 1},
    ],
)
def test_what_no_index_can_answer_is_refused(papers: Any, lookups: dict[str, Any]) -> None:
    with pytest.raises(NotSupportedError, match=r"Paper on default \(redis\): .*client\(max_rows="):
        papers.filter(**lookups).count()


def test_an_order_by_a_path_without_an_index_is_refused(papers: Any) -> None:
    with pytest.raises(IndexRequired, match=r'order_by\(writer__seen, id\).*declare Index\("writer__seen"\)'):
        list(papers.order_by("writer__seen", "id"))
    with pytest.raises(IndexRequired, match="needs an index on Redis that has the rows in this order"):
        list(papers.filter(numbers__contains=1).order_by("writer__name", "year"))


class Crossed(Model):
    left: Field[list[str]]
    right: Field[list[int]]

    class Meta:
        indexes = [Index("left", "right")]


def test_an_index_over_two_lists_is_refused() -> None:
    with pytest.raises(NotSupportedError, match=r"over several lists \(Crossed\.left, Crossed\.right\)"):
        Store(f"fakeredis://{uuid4().hex}").create_all([Crossed])


def test_a_plan_tells_which_indexes_over_documents_it_reads(papers: Any) -> None:
    text = papers.filter(tags__contains=["a", "b"], writer__age=3).order_by("year").explain()
    assert "where tags__contains and writer__age__exact: the cheapest of " in text
    assert "i:paper_tags_year_idx" in text
    assert "i:paper_writer__age_idx" in text
    assert "i:pk" in papers.exclude(tags__contains="a").explain()
