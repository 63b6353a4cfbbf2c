"""Iterators over what no page can continue: groups, distinct rows, orders by expressions; rule F18."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from polystore import Count, F, Feature, Lower, Q, QuerySet, Sum
from polystore.errors import NotSupportedError
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything

rows = Everything.objects
SOME: list[dict[str, Any]] = [
    {"name": f"n{i:02}", "number": i, "rank": i % 3, "text": f"t{i % 5}", "tags": [str(i)]} for i in range(23)
]
STREAMS: dict[str, Callable[[], QuerySet[Any, Any]]] = {
    "distinct rows": lambda: rows.values_list("text", "rank").distinct().order_by("text", "rank"),
    "groups": lambda: rows.values("text").annotate(n=Count("*"), total=Sum("number")).order_by("text"),
    "computed order": lambda: rows.order_by((F("number") % 4).desc(), "name"),
    "computed values": lambda: rows.annotate(double=F("number") * 2).order_by("-double").values("name", "double"),
    "a slice": lambda: rows.order_by(F("number") * -1)[3:12],
    "distinct computed values": lambda: rows.values_list(F("number") % 4, flat=True).distinct().order_by("value1"),
}
NEEDS: dict[str, list[Feature]] = {
    "distinct rows": [Feature.DISTINCT],
    "groups": [Feature.GROUP],
    "computed order": [Feature.ORDER_EXPRESSIONS],
    "computed values": [Feature.ORDER_EXPRESSIONS],
    "a slice": [Feature.ORDER_EXPRESSIONS],
    "distinct computed values": [Feature.DISTINCT, Feature.COMPUTED],
}


@rule("F18", needs=[Feature.STREAM])
@pytest.mark.parametrize("what", list(STREAMS))
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_an_iterator_streams_what_pages_cannot_continue(db: Db, what: str, size: int) -> None:
    db.need(*NEEDS[what])
    db.given(Everything, SOME)
    query = STREAMS[what]()
    with db.commands(1):
        found = db(query.all()).iterator(chunk_size=size)
    assert found == db(query.all()).rows()


@rule("F18")
def test_an_iterator_is_refused_before_its_first_page_where_the_next_one_would_be(db: Db) -> None:
    db.given(Everything, [{"name": name, "number": 1, "text": "a", "word": "b"} for name in "xyz"])
    either = (Q(number=1) | Q(other=1) | Q(real=2.0), Q(rank=7) | Q(text="a"), Q(word="b") | Q(flag=True))
    query = rows.filter(*either).order_by("-number")
    assert db.names(query) == ["z", "y", "x"]
    assert [row.name for row in db(query.all()[:2]).iterator(chunk_size=2)] == ["z", "y"]
    if db.declares(Feature.FILTER_ANY):
        assert [row.name for row in db(query.all()).iterator(chunk_size=2)] == ["z", "y", "x"]
        return
    with db.commands(0), pytest.raises(NotSupportedError, match="alternatives"):
        db(query.all()).iterator(chunk_size=2)


@rule("F18", "F28", needs=[Feature.STREAM, Feature.ORDER_EXPRESSIONS])
def test_streamed_instances_are_those_of_any_other_read(db: Db) -> None:
    db.given(Everything, SOME)
    for row in db(rows.order_by(F("number") * -1)).iterator(chunk_size=5):
        assert row.tags == [str(row.number)]
        with db.commands(0):
            db(row).save()
        row.tags.append("x")
        db(row).save()
    assert db(rows.filter(name="n07")).get().tags == ["7", "x"]


@rule("F18", needs=[Feature.STREAM, Feature.ORDER_EXPRESSIONS])
def test_a_stream_shows_the_rows_as_they_were_at_first(db: Db) -> None:
    db.given(Everything, SOME)
    query = rows.order_by((F("number") % 100).asc(), "name")
    seen = []

    def change(row: Everything) -> None:
        seen.append(row.name)
        assert row.number is not None
        db(rows.filter(pk=row.pk)).update(number=row.number + 50)

    if db.loop is None:
        for row in query.iterator(chunk_size=2):
            change(row)
    else:
        stream = query.aiterator(chunk_size=2)
        while (row := db.run(anext(stream, None))) is not None:
            change(row)
    assert seen == [row["name"] for row in SOME]


@rule("F18", needs=[Feature.STREAM, Feature.ORDER_EXPRESSIONS])
def test_streams_that_are_given_up_give_their_connections_back(db: Db) -> None:
    db.given(Everything, SOME)
    query = rows.order_by(F("number") * -1)

    async def take_one() -> str:
        async for row in query.aiterator(chunk_size=2):
            return str(row.name)
        return ""

    async def close_one() -> str:
        stream = query.aiterator(chunk_size=2)
        name = (await anext(stream)).name
        await stream.aclose()
        return str(name)

    for _ in range(12):  # more than a pool has
        if db.loop is None:
            assert next(query.iterator(chunk_size=2)).name == "n22"
            stream = query.iterator(chunk_size=2)
            assert next(stream).name == "n22"
            stream.close()
        else:
            assert db.run(take_one()) == "n22"
            assert db.run(close_one()) == "n22"
    assert len(db(query.all()).iterator()) == 23


@rule("F18", needs=[Feature.STREAM, Feature.ORDER_EXPRESSIONS])
def test_an_error_of_the_loop_leaves_the_store_usable(db: Db) -> None:
    db.given(Everything, SOME)
    query = rows.order_by(F("number") * -1)

    def stop(row: Everything) -> None:
        if row.name == "n20":
            raise LookupError(row.name)

    def walk() -> None:
        for row in query.iterator(chunk_size=2):
            stop(row)

    async def awalk() -> None:
        async for row in query.aiterator(chunk_size=2):
            stop(row)

    for _ in range(3):
        with pytest.raises(LookupError, match="n20"):
            walk() if db.loop is None else db.run(awalk())
        assert db(rows.all()).count() == 23


@rule("F18", "E9")
def test_an_iterator_behind_client_holds_what_its_budget_allows(db: Db) -> None:
    db.given(Everything, SOME)
    query = rows.client(max_rows=50).annotate(low=Lower("name")).order_by("-low")
    assert [row.name for row in db(query).iterator(chunk_size=4)][:2] == ["n22", "n21"]
    assert db(rows.none().order_by(F("number") * -1)).iterator() == []
