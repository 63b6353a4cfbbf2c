"""Rows whose documents are indexed: whatever is written, the indexes have what the rows say, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from polystore import EmbeddedModel, F, Field, Index, Model, Store, field
from polystore.adapters.redis import open as open_redis
from polystore.errors import ConfigurationError
from tests.adapters.redis.audit import audit
from tests.adapters.redis.conftest import driver, wipe
from tests.adapters.redis.papers import WORDS, Paper, draw_list, draw_row, draw_writer


class Note(Model):
    tags: Field[list[str]] = field(default_factory=list, index=True)
    token: Field[str] = field(unique=True)

    class Meta:
        ttl = timedelta(milliseconds=1500)
        indexes = [Index("token", "tags")]


@pytest.fixture
def store(url: str, settings: dict[str, Any]) -> Iterator[Store]:
    store = Store({"default": {"url": url, **settings}, "memory": "memory://"})
    with store:
        yield store
    wipe(open_redis(url, settings), settings["namespace"])


def check(store: Store, model: type[Model]) -> int:
    handle = store.handle(model)
    adapter: Any = handle.connection.adapter
    return audit(adapter, handle.schema)


# ---- histories


def write(random: Random, papers: Any) -> Any:
    """One write; the same random numbers make the same write on both stores."""
    keys = sorted(papers.values_list("id", flat=True))
    some = random.sample(keys, k=min(len(keys), 5))
    match random.randrange(10):
        case 0:
            return papers.create(**draw_row(random)).pk
        case 1:
            rows = papers.bulk_create([Paper(**draw_row(random)) for _ in range(random.randint(1, 5))])
            return [row.pk for row in rows]
        case 2:
            return papers.filter(pk__in=some).update(tags=draw_list(random, "tags"), year=random.randint(2000, 2006))
        case 3:
            return papers.filter(tags__overlap=draw_tags(random)).update(writer=draw_writer(random))
        case 4:
            return papers.filter(pk__in=some).update(year=F("year") + 1)
        case 5:
            return papers.filter(pk__in=some[:1]).delete()[0]
        case 6:
            return change_in_place(random, papers.filter(pk__in=some).order_by("pk"))
        case 7:
            row = Paper(**{**draw_row(random), "code": f"c{random.randint(0, 5)}"})
            papers.upsert(row, unique_fields=["code"])
            return row.pk
        case 8:
            within = {"writer__age": random.choice((None, 3)), "writer__nicknames": draw_list(random, "tags")}
            return papers.filter(pk__in=some, writer__name__gte="").update(**within)
        case _:
            found = list(papers.filter(pk__in=some).order_by("pk"))
            for row in found:
                row.numbers, row.title = draw_list(random, "numbers"), random.choice(("a", "b"))
            return papers.bulk_update(found, ["numbers", "title"])


def draw_tags(random: Random) -> list[str]:
    return random.choices(WORDS, k=2)


def change_in_place(random: Random, query: Any) -> int:
    found = list(query)
    for row in found:
        row.tags = [*(row.tags or []), random.choice("abc")]
        if row.writer is not None:
            row.writer.nicknames = draw_list(random, "writer__nicknames")
            row.writer.age = random.choice((None, 1, 2))
        row.save()
    return len(found)


@pytest.mark.parametrize("seed", range(3))
def test_random_histories_of_documents_end_alike(store: Store, seed: int) -> None:
    seeds = Random(seed)
    for step in range(80):
        seed_of_step = seeds.random()
        answers = [write(Random(seed_of_step), Paper.objects.using(alias)) for alias in ("default", "memory")]
        assert answers[0] == answers[1], step
        if step % 10 == 9:
            check(store, Paper)
    rows = [list(Paper.objects.using(alias).order_by("pk")) for alias in ("default", "memory")]
    assert [row.model_dump() for row in rows[0]] == [row.model_dump() for row in rows[1]]
    assert check(store, Paper) == len(rows[0]) > 5
    Paper.objects.all().delete()
    assert check(store, Paper) == 0


# ---- expiry


def test_all_entries_of_an_expired_row_go(store: Store) -> None:
    Note.objects.bulk_create([Note(token=f"{n}", tags=["a", "b", f"t{n % 7}"]) for n in range(60)])
    assert Note.objects.filter(tags__overlap=["a", "b"]).count() == 60
    time.sleep(1.56)
    kept = Note.objects.create(token="new", tags=["b"])
    assert Note.objects.filter(tags__contains="a").count() == 0
    assert [row.pk for row in Note.objects.filter(tags__overlap=["a", "b"])] == [kept.pk]
    assert check(store, Note) == 1


def test_a_row_whose_body_vanished_leaves_no_entries(store: Store, settings: dict[str, Any]) -> None:
    row = Note.objects.create(token="x", tags=["a", "b"])
    adapter: Any = store.handle(Note).connection.adapter
    raw = driver(adapter)
    raw("DEL", adapter.find_layout(store.handle(Note).schema).body_key(row.pk))
    raw.close()
    assert list(Note.objects.filter(tags__contains="a")) == []
    assert Note.objects.filter(tags__overlap=["a", "b"]).count() == 0
    assert check(store, Note) == 0


# ---- declarations that change


class Point(EmbeddedModel):
    x: Field[int]
    label: Field[str | None] = None


class Moved(EmbeddedModel):
    x: Field[int | None] = field(default=None, db_column="y")
    label: Field[str | None] = None


class Shape(Model):
    name: Field[str] = field(index=True)
    size: Field[int | None] = field(default=None, unique=True)
    marks: Field[list[str] | None] = None
    at: Field[Point | None] = None

    class Meta:
        table = "shape"
        indexes = [Index("-size", "name"), Index("name", casefold=True)]


class IndexedShape(Model):
    name: Field[str] = field(index=True)
    size: Field[int | None] = field(default=None, unique=True)
    marks: Field[list[str] | None] = field(default=None, index=True)
    at: Field[Point | None] = None

    class Meta:
        table = "shape"
        indexes = [Index("at__x", "name"), Index("-at__label")]


class MovedShape(Model):
    name: Field[str] = field(index=True)
    size: Field[int | None] = field(default=None, unique=True)
    marks: Field[list[str] | None] = field(default=None, index=True)
    at: Field[Moved | None] = None

    class Meta:
        table = "shape"
        indexes = [Index("at__x", "name"), Index("-at__label")]


@pytest.fixture
def make_store(url: str, settings: dict[str, Any]) -> Iterator[Callable[[], Store]]:
    """Makes stores of processes that know different versions of a model."""
    yield lambda: Store({"default": {"url": url, **settings}})
    wipe(open_redis(url, settings), settings["namespace"])


def test_indexes_over_documents_are_built_for_the_rows_that_are_there(make_store: Callable[[], Store]) -> None:
    rows = [Shape(name=f"{n}", marks=["m", f"m{n % 9}"] if n % 4 else None, at=Point(x=n % 5)) for n in range(450)]
    Shape.objects.using(make_store()).bulk_create(rows)
    store = make_store()
    shapes = IndexedShape.objects.using(store)
    with pytest.raises(ConfigurationError, match=r"run create_all\(\)"):
        shapes.filter(marks__contains="m").count()
    store.create_all([IndexedShape])
    assert shapes.filter(marks__contains="m").count() == 337
    assert shapes.filter(marks__contains=["m", "m1"]).count() == len([n for n in range(450) if n % 9 == 1 and n % 4])
    assert [row.name for row in shapes.filter(at__x=3).order_by("name")[:2]] == ["103", "108"]
    assert shapes.filter(marks=None, at__label=None).count() == 113
    assert check(store, IndexedShape) == 450
    make_store().create_all([Shape])
    assert check(make_store(), Shape) == 450


def test_indexes_are_built_anew_when_a_part_of_a_document_is_kept_elsewhere(make_store: Callable[[], Store]) -> None:
    IndexedShape.objects.using(make_store()).create(name="a", at=Point(x=1))
    store = make_store()
    shapes = MovedShape.objects.using(store)
    store.create_all([MovedShape])
    assert (shapes.filter(at__x=None).count(), shapes.filter(at__x=1).count()) == (1, 0)


def test_rows_of_a_model_without_indexes_over_documents_stay_as_they_are() -> None:
    adapter = open_redis("redis://127.0.0.1:1", {})
    layout = adapter.find_layout(Store("memory://").handle(Shape).schema)  # type: ignore[attr-defined]  # it is ours
    assert layout.fingerprint == b"c90dfe09ca90943c25c3"
