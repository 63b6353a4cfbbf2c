"""Whatever is aggregated, grouped or made distinct, Redis gives the answer of the store in memory or refuses."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from polystore import Avg, Count, Field, Max, Min, Model, Store, Sum, field
from polystore.adapters.redis import folds
from polystore.adapters.redis import open as open_redis
from polystore.errors import DataError, IndexRequired, NotSupportedError
from polystore.testing.compliance.properties import alike
from tests.adapters.redis.conftest import BOTH, wipe
from tests.adapters.redis.samples import Sample, draw_condition, draw_row

ROWS = 300
QUESTIONS = 80
INDEXED = ("name", "number", "price", "ratio", "flag", "seen", "token", "code", "left", "right", "id")
AGGREGATES = {"Min": Min, "Max": Max, "Sum": Sum, "Avg": Avg, "Count": Count}
NUMBERS = ("number", "price", "ratio", "left", "id")


@pytest.fixture(scope="module", params=BOTH)
def store(request: pytest.FixtureRequest, available_servers: Mapping[str, str]) -> Iterator[Store]:
    """The same rows in memory and on Redis."""
    url = f"fakeredis://{uuid4().hex}" if request.param == "fakeredis" else available_servers["redis"]
    store = Store({"default": "memory://", "kv": {"url": url, "namespace": f"test-{uuid4().hex}"}}, {})
    random = Random(11)
    rows = [draw_row(random) for _ in range(ROWS)]
    with store:
        for alias in ("default", "kv"):
            store.handle(Sample, alias).connection.backend.create_all([store.handle(Sample, alias).schema])
            Sample.objects.using(alias).bulk_create([Sample(**row) for row in rows], ignore_conflicts=True)
        yield store
        store.handle(Sample, "kv").connection.backend.drop_all([store.handle(Sample, "kv").schema])


def draw_aggregate(random: Random, known: list[int]) -> Any:
    aggregate = AGGREGATES[random.choice(list(AGGREGATES))]
    name = random.choice(NUMBERS if aggregate in (Sum, Avg) else INDEXED)
    options: dict[str, Any] = {}
    if random.random() < 0.3 and aggregate not in (Min, Max):
        options["distinct"] = True
    if random.random() < 0.3:
        options["filter"] = draw_condition(random, known)
    return aggregate("*") if aggregate is Count and random.random() < 0.2 else aggregate(name, **options)


def draw_query(random: Random, known: list[int]) -> Any:
    query = Sample.objects.all()
    for _ in range(random.choice((0, 0, 1, 2))):
        condition = draw_condition(random, known)
        query = query.exclude(condition) if random.random() < 0.2 else query.filter(condition)
    return query


def draw_question(random: Random, known: list[int]) -> Any:
    """What is asked, as a function of the alias."""
    query = draw_query(random, known)
    form = random.choice(("aggregate", "aggregate", "group", "distinct", "number"))
    if form == "aggregate":
        asked = {f"a{place}": draw_aggregate(random, known) for place in range(random.choice((1, 1, 3)))}
        return lambda alias: query.using(alias).aggregate(**asked)
    names = random.sample([name for name in INDEXED if name != "id"], random.choice((1, 1, 2)))
    values = query.values_list(*names)
    part = slice(random.choice((None, 2)), random.choice((None, 5)))
    if form == "group":
        grouped = values.annotate(n=Count("*"))
        grouped = grouped.filter(n__gt=1) if random.random() < 0.3 else grouped
        return lambda alias: list(grouped.using(alias).order_by(*names)[part])
    if form == "number":
        return lambda alias: values.distinct()[part].using(alias).count()
    turned = [f"-{name}" if random.random() < 0.5 else name for name in names]
    return lambda alias: list(values.distinct().using(alias).order_by(*turned)[part])


def outcome(question: Any, alias: str) -> Any:
    try:
        return question(alias)
    except DataError:
        return DataError


@pytest.mark.parametrize("budget", [b"5000", b"7"])
@pytest.mark.parametrize("seed", range(4))
def test_answers_are_those_of_the_store_in_memory(
    store: Store, seed: int, budget: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folds, "FOLD_BUDGET", budget)
    random = Random(seed)
    outcomes: Counter[str] = Counter()
    known = sorted(Sample.objects.using("default").values_list("id", flat=True))
    for _ in range(QUESTIONS):
        question = draw_question(random, known)
        try:
            found = outcome(question, "kv")
        except NotSupportedError:
            outcomes["refused"] += 1
            continue
        expected = outcome(question, "default")
        outcomes["failed" if expected is DataError else "answered"] += 1
        assert alike(found, expected), (found, expected)
    assert outcomes["answered"] > QUESTIONS / 2, outcomes


# ---- how


class Track(Model):
    genre: Field[str] = field(max_length=20, index=True)
    plays: Field[int | None] = field(default=None, index=True)
    length: Field[timedelta | None] = field(default=None, index=True)
    note: Field[str | None] = field(default=None, max_length=20)


@pytest.fixture
def tracks(url: str, settings: dict[str, Any]) -> Iterator[Store]:
    with Store({"default": {"url": url, **settings}}) as made:
        Track.objects.bulk_create([Track(genre=f"g{n % 3}", plays=n if n % 5 else None) for n in range(50)])
        yield made
    wipe(open_redis(url, settings), settings["namespace"])


def sent(store: Store) -> list[bytes]:
    """Watches what goes to the server, one entry a round trip."""
    found: list[bytes] = []
    channel = store.handle(Track).connection.backend._link.channel
    for name in ("call", "send"):
        setattr(channel, name, watched(getattr(channel, name), found))
    return found


def watched(inner: Any, found: list[bytes]) -> Any:
    def watch(packed: bytes, *rest: Any) -> Any:
        found.append(packed)
        return inner(packed, *rest)

    return watch


def test_aggregates_take_one_round_trip_however_many_they_are(tracks: Store) -> None:
    Track.objects.aggregate(warm=Count("*"), up=Sum("plays"))
    commands = sent(tracks)
    Track.objects.aggregate(low=Min("plays"), top=Max("plays"), n=Count("plays"), s=Sum("plays"), a=Avg("plays"))
    assert len(commands) == 1


def test_only_indexed_fields_are_aggregated(tracks: Store) -> None:
    for asked in (Max("note"), Count("note"), Count("note", distinct=True)):
        with pytest.raises(IndexRequired, match=r"Track\.note.*declare index=True on note.*client\("):
            Track.objects.aggregate(it=asked)
    with pytest.raises(IndexRequired, match=r"Track\.note.*distinct|groups by note"):
        list(Track.objects.values("note").distinct())
    with pytest.raises(NotSupportedError, match=r"Max\(plays\) of each group.*client\("):
        list(Track.objects.values("genre").annotate(top=Max("plays")))


def test_what_is_asked_is_explained(tracks: Store) -> None:
    text = Track.objects.values("genre").annotate(n=Count("*")).explain()
    assert "counts of genre" in text
    assert "by the entries of i:" in text


# ---- rows that expire


class Visit(Model):
    page: Field[str] = field(max_length=20, index=True)
    hits: Field[int] = field(default=0, index=True)

    class Meta:
        ttl = timedelta(milliseconds=400)


@pytest.fixture
def visits(url: str, settings: dict[str, Any]) -> Iterator[Store]:
    with Store({"default": {"url": url, **settings}}) as made:
        yield made
    wipe(open_redis(url, settings), settings["namespace"])


def test_expired_rows_are_in_no_aggregate_and_no_group(visits: Store) -> None:
    Visit.objects.bulk_create([Visit(page=f"p{n % 7}", hits=n) for n in range(700)])
    time.sleep(0.5)
    Visit.objects.bulk_create([Visit(page="new", hits=5), Visit(page="new", hits=5)])
    assert list(Visit.objects.values_list("page", flat=True).distinct()) == ["new"]
    assert list(Visit.objects.values_list("page").annotate(n=Count("*"))) == [("new", 2)]
    found = Visit.objects.aggregate(s=Sum("hits"), top=Max("hits"), low=Min("hits"), n=Count("hits", distinct=True))
    assert found == {"s": 10, "top": 5, "low": 5, "n": 1}
