"""What no store, or not this one, can do is refused before anything is sent, with what would work."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from polystore import Capabilities, F, Model, Store
from polystore.errors import ConfigurationError, ModelError, NotSupportedError, QueryTooBroad, QueryUsageError
from polystore.query.operators import Operator
from tests.api.shop import Album, Label, Recorder, told


def test_an_unknown_store_is_refused_with_those_there_are(sent: list[str]) -> None:
    text = "using('replica') names the store 'replica', which is not configured; stores are default"
    assert told(ConfigurationError, lambda: list(Album.objects.using("replica"))) == text
    assert told(ConfigurationError, lambda: Album.objects.using("replica").create(title="x")) == text
    assert sent == []


@pytest.mark.parametrize("given", [None, 3])
def test_a_store_is_a_name_or_a_store(given: Any) -> None:
    assert told(QueryUsageError, lambda: Album.objects.using(given)) == (
        f"Album: using() takes a store's name or a Store, not {given}"
    )


@pytest.mark.parametrize("given", [0, "3", True])
def test_budgets_and_pages_are_ints_of_at_least_one(given: Any) -> None:
    assert told(QueryUsageError, lambda: Album.objects.client(max_rows=given)) == (
        f"Album: client() takes max_rows >= 1, not {given!r}"
    )
    assert told(QueryUsageError, lambda: Album.objects.iterator(given)) == (
        f"Album: iterator() takes chunk_size >= 1, not {given!r}"
    )


def test_one_budget_is_enough() -> None:
    twice = "Album: client() stands once in a query"
    assert told(QueryUsageError, lambda: Album.objects.client(max_rows=1).client(max_rows=1)) == twice


def test_a_budget_that_does_not_suffice_is_told(store: Store) -> None:
    Album.objects.bulk_create([Album(title=str(n)) for n in range(3)])
    assert told(QueryTooBroad, lambda: list(Album.objects.client(max_rows=2).filter(live=True))) == (
        "Album: more than client(max_rows=2) rows reach the part evaluated here; filter more before client(), or raise "
        "max_rows"
    )


@pytest.mark.parametrize("read", [list, len, bool])
def test_a_manager_holds_no_rows(sent: list[str], read: Callable[[Any], Any]) -> None:
    text = "Album.objects is no queryset; read Album.objects.all()"
    assert told(TypeError, lambda: read(Album.objects)) == text
    assert sent == []


async def test_a_manager_holds_no_rows_in_the_async_colour_either(sent: list[str]) -> None:
    with pytest.raises(TypeError, match=r"^Album\.objects is no queryset; read Album\.objects\.all\(\)$"):
        await Album.objects
    with pytest.raises(TypeError, match=r"^Album\.objects is no queryset; read Album\.objects\.all\(\)$"):
        [row async for row in Album.objects]
    assert sent == []


async def test_a_table_is_not_emptied_by_accident(sent: list[str]) -> None:
    text = "Album.objects.delete() is refused; write objects.all().delete()"
    assert told(QueryUsageError, Album.objects.delete) == text
    with pytest.raises(QueryUsageError, match=re.escape(text)):
        await Album.objects.adelete()
    assert sent == []


def test_a_class_without_rows_says_so() -> None:
    assert told(AttributeError, lambda: Label.objects) == "Label is embedded: it has no rows of its own"
    assert told(ModelError, lambda: Model.objects.filter(id=1)) == "Model is abstract: it has no rows"


CLIENT = "put .client(max_rows=...) before it to evaluate it here, or move the model to another store"
UNSUPPORTED: dict[str, Callable[[], Any]] = {
    f"year__gt=...; {CLIENT}": lambda: list(Album.objects.filter(live=None, year__gt=1990)),
    f"year__gt=id; {CLIENT}": lambda: Album.objects.filter(live=None, year__gt=F("id")).count(),
    f"released__month; {CLIENT}": lambda: Album.objects.filter(released__month=1).exists(),
    f"distinct(); {CLIENT}": lambda: list(Album.objects.values("year").distinct()),
    f"order_by(cover, id); {CLIENT}": lambda: Album.objects.order_by("cover").first(),
    "update(year=(F('year') + ...)); read the row, compute, and save it with a version field": lambda: (
        Album.objects.update(year=F("year") + 1)
    ),
    "ignore_conflicts=True; catch UniqueViolation for each row": lambda: Album.objects.bulk_create(
        [Album(title="x")], ignore_conflicts=True
    ),
}


@pytest.mark.parametrize(("text", "act"), UNSUPPORTED.items(), ids=[text.partition(";")[0] for text in UNSUPPORTED])
def test_what_the_store_cannot_do_is_refused_before_anything_is_sent(
    sent: list[str], recorder: Recorder, text: str, act: Callable[[], Any]
) -> None:
    operators = frozenset({Operator.EXACT, Operator.GT} if text.startswith(("year__gt=id", "released")) else ())
    recorder.capabilities = Capabilities(operators)
    assert told(NotSupportedError, act) == f"Album on default (memory): the store cannot do {text}"
    assert sent == []


async def test_a_store_without_the_async_colour_says_so(sent: list[str], recorder: Recorder) -> None:
    recorder.capabilities = Capabilities()
    with pytest.raises(NotSupportedError, match=r"^store default \(memory\) has no async colour; use the"):
        await Album.objects.acount()
    assert sent == []


async def test_a_deferred_field_is_not_read_behind_the_back_of_async_code(store: Store, sent: list[str]) -> None:
    await Album.objects.acreate(title="x", year=1990)
    album = await Album.objects.only("title").aget()
    sent.clear()
    assert told(QueryUsageError, lambda: album.year) == (
        "Album.year was deferred and is not loaded; in async code load it with await "
        "instance.arefresh_from_db(['year']), or do not defer it"
    )
    assert sent == []
    await album.arefresh_from_db(["year"])
    assert album.year == 1990
