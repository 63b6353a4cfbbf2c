"""The plan cache: one compilation for each structure, answers for values, and a bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from polystore import F, Q, QuerySet, Store
from polystore.engine import handle as engine_handle
from polystore.engine.handle import Handle
from polystore.errors import NotSupportedError
from polystore.query.capabilities import Capabilities
from tests.engine.models import NOTE, CountingAdapter, Note, handle_on

notes: QuerySet[Note] = Note.objects.all()


@pytest.fixture
def adapter() -> CountingAdapter:
    return CountingAdapter()


@pytest.fixture
def handle(adapter: CountingAdapter) -> Iterator[Handle]:
    with handle_on(adapter) as made:
        yield made


def compiled(handle: Handle, query: QuerySet[Any, Any], terminal: Any = "rows") -> Any:
    return handle.compiled(terminal, query._bound()[0])


SAME: list[tuple[QuerySet[Any, Any], QuerySet[Any, Any]]] = [
    (notes, notes.all()),
    (notes.filter(stars=1), notes.filter(stars=2)),
    (notes.filter(stars__in=[1, 2, 3]), notes.filter(stars__in=[4, 5, 6, 7])),
    (notes.filter(Q(stars=1) | Q(title="a"))[:3], notes.filter(Q(stars=9) | Q(title="b"))[:8]),
    (notes.filter(stars=F("id") + 1), notes.filter(stars=F("id") + 5)),
    (notes.filter(stars=2**70), notes.filter(stars=1.5)),
    (notes.filter(colour="red"), notes.filter(colour="blue")),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_structure_is_compiled_once(
    handle: Handle, adapter: CountingAdapter, one: QuerySet[Any, Any], other: QuerySet[Any, Any]
) -> None:
    first = compiled(handle, one)
    number = len(adapter.compiled)
    assert compiled(handle, other) is first
    assert len(adapter.compiled) == number <= 1


@pytest.mark.parametrize(
    "other",
    [notes, notes.filter(stars=None), notes.filter(title="a"), notes.exclude(stars=1), notes.filter(stars=1)[:1]],
)
def test_another_structure_is_another_plan(handle: Handle, other: QuerySet[Any, Any]) -> None:
    assert compiled(handle, other) is not compiled(handle, notes.filter(stars=1))


def test_each_terminal_has_its_plan(handle: Handle) -> None:
    terminals = ["rows", "get", "last", "page", "count", "exists", "delete"]
    plans = [compiled(handle, notes.filter(stars=1), terminal) for terminal in terminals]
    assert len({id(plan) for plan in plans}) == len(terminals)
    assert [plan.plan.terminal for plan in plans] == terminals


def test_assignments_are_part_of_the_key(handle: Handle, adapter: CountingAdapter) -> None:
    made = [handle.compiled("update", (), ((name, "value"),)) for name in ("stars", "title", "stars")]
    assert made[0] is made[2]
    assert made[0] is not made[1]
    assert len(adapter.compiled) == 2


def test_a_plan_that_asks_nothing_compiles_nothing(handle: Handle, adapter: CountingAdapter) -> None:
    found = {terminal: compiled(handle, notes.none(), terminal) for terminal in ("rows", "count", "exists", "page")}
    assert adapter.compiled == []
    answers = {terminal: plan.finish(None, ()) for terminal, plan in found.items()}
    assert answers == {"rows": [], "count": 0, "exists": False, "page": [(), None]}
    assert found["rows"].finish(None, ()) is not answers["rows"]


def test_a_refused_structure_is_refused_again(handle: Handle, adapter: CountingAdapter) -> None:
    adapter.capabilities = Capabilities()
    for _ in range(2):
        with pytest.raises(NotSupportedError, match=r"Note on default \(memory\): the store cannot do stars=\.\.\."):
            compiled(handle, notes.filter(stars=1))
    assert adapter.compiled == []


def test_the_cache_forgets_the_oldest_plan_first(
    handle: Handle, adapter: CountingAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_handle, "_MOST_PLANS", 3)
    queries = [notes.filter(**{f"stars__{word}": 1}) for word in ("gt", "gte", "lt", "lte")]
    plans = [compiled(handle, query) for query in queries]
    assert len(handle._plans) == 3
    assert [compiled(handle, query) for query in queries[1:]] == plans[1:]
    assert compiled(handle, queries[0]) is not plans[0]
    assert len(handle._plans) == 3
    assert len(adapter.compiled) == 5


def test_an_insert_is_compiled_once_for_its_fields(handle: Handle, adapter: CountingAdapter) -> None:
    whole = handle.insert(NOTE.fields)
    assert handle.insert(NOTE.fields) is whole
    assert handle.insert(NOTE.beside_key) is not whole
    assert handle.insert(NOTE.fields, ignore_conflicts=True) is not whole
    assert len(adapter.compiled) == 3


def test_one_plan_answers_for_any_values() -> None:
    with Store("memory://") as store:
        Note.objects.bulk_create([Note(title=title, stars=stars) for stars, title in enumerate("abc")])
        for stars, title in enumerate("abc"):
            assert Note.objects.get(stars=stars).title == title
            assert [note.title for note in Note.objects.filter(stars__gte=stars)] == list("abc")[stars:]
        plans = store.handle(Note)._plans
        assert [key[0] for key in plans].count("get") == 1
        assert [key[0] for key in plans].count("rows") == 1
