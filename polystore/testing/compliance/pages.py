"""Reading by pages, and evaluating a part here: iterator, client, explain; rules F18, E9, K5."""

from __future__ import annotations

from typing import Any

import pytest

from polystore import Feature
from polystore.errors import QueryTooBroad, QueryUsageError
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything, IntKey, Ranked

rows = Everything.objects
SOME: list[dict[str, Any]] = [
    {"name": f"n{i}", "number": i, "rank": i % 3, "text": "even" if i % 2 == 0 else "odd"} for i in range(8)
]
KEYS: list[dict[str, Any]] = [{"id": i, "name": "even" if i % 2 == 0 else "odd"} for i in range(30)]


# ---- iterator


@rule("F18", verbs=["iterator"])
def test_an_iterator_reads_all_rows_by_pages(db: Db) -> None:
    db.given(IntKey, KEYS)
    with db.commands(5):
        assert [row.id for row in db(IntKey.objects.order_by("-id")).iterator(chunk_size=7)] == list(range(29, -1, -1))
    assert len({row.id for row in db(IntKey.objects.all()).iterator(chunk_size=4)}) == 30
    assert [row.id for row in db(IntKey.objects.filter(name="odd").order_by("id")).iterator(chunk_size=2)] == list(
        range(1, 30, 2)
    )
    assert db(IntKey.objects.filter(id__gt=99)).iterator() == []


@rule("F18", "A19", verbs=["iterator"])
@pytest.mark.parametrize(
    "order", [("number", "name"), ("-number", "name"), ("-number", "-name"), ("number",), ("-rank", "number")]
)
def test_an_iterator_passes_over_null_without_losing_rows(db: Db, order: tuple[str, ...]) -> None:
    db.given(
        Everything, [{"name": f"n{i:02}", "number": None if i % 3 == 0 else i % 4, "rank": i % 2} for i in range(17)]
    )
    query = rows.order_by(*order)
    whole = db.names(query[:100])
    for size in (1, 4, 17, 100):
        assert [row.name for row in db(query).iterator(chunk_size=size)] == whole


@rule("F18", "F2", verbs=["iterator"])
def test_an_iterator_respects_a_slice(db: Db) -> None:
    db.given(IntKey, KEYS)
    query = IntKey.objects.order_by("id")
    for start, stop in ((0, 5), (3, 10), (25, 50), (4, None), (7, 7)):
        assert [row.id for row in db(query[start:stop]).iterator(chunk_size=3)] == list(range(30))[start:stop]


@rule("F18", verbs=["iterator"])
def test_an_iterator_of_values_pages_as_well(db: Db) -> None:
    db.given(Ranked, [{"name": f"n{i}", "rank": i % 3} for i in range(9)])
    expected = db(Ranked.objects.values_list("name", flat=True)).rows()
    assert db(Ranked.objects.values_list("name", flat=True)).iterator(chunk_size=2) == expected
    assert db(Ranked.objects.values("name")).iterator(chunk_size=4) == [{"name": name} for name in expected]
    with db.commands(0), pytest.raises(QueryUsageError, match="chunk_size"):
        db(Ranked.objects.all()).iterator(chunk_size=0)


# ---- client


@rule("E9", "F29", verbs=["client"])
def test_what_follows_client_runs_here_within_its_budget(db: Db) -> None:
    db.given(Everything, SOME)
    query = rows.filter(number__lt=6).client(max_rows=6)
    assert db.found(query.filter(text__endswith="n")) == "n0 n2 n4"
    assert db.names(query.order_by("-rank", "name")) == ["n2", "n5", "n1", "n4", "n0", "n3"]
    assert db.names(query.order_by("-rank", "name")[1:3]) == ["n5", "n1"]
    with db.commands(1):
        assert db(query.exclude(text__contains="ev")).count() == 3
    assert db(query.filter(text__iregex="^OD")).exists() is True
    assert db(query.values_list("text", flat=True).distinct().order_by("text")).rows() == ["even", "odd"]
    assert db(query.order_by("-number")).first().name == "n5"
    assert db(query.order_by("-number")).last().name == "n0"
    assert db(query.filter(number=3)).get().name == "n3"


@rule("E9", verbs=["client"])
def test_more_rows_than_the_budget_are_never_a_truncated_answer(db: Db) -> None:
    db.given(Everything, SOME)
    query = rows.filter(number__lt=6).client(max_rows=5)
    for ask in ("rows", "count", "exists", "first"):
        with pytest.raises(QueryTooBroad, match="max_rows=5"):
            getattr(db(query.filter(text__endswith="n")), ask)()


@rule("E9")
def test_rows_behind_client_are_neither_updated_nor_deleted(db: Db) -> None:
    db.given(Everything, SOME)
    query = rows.client(max_rows=50).filter(text__endswith="n")
    with db.commands(0), pytest.raises(QueryUsageError, match="client"):
        db(query).delete()
    with db.commands(0), pytest.raises(QueryUsageError, match="client"):
        db(query).update(number=1)
    for wrong in (0, -1, None, "5", True):
        with pytest.raises(QueryUsageError, match="max_rows"):
            rows.client(max_rows=wrong)  # type: ignore[arg-type]  # the error is tested


@rule("E9", "F28")
def test_rows_behind_client_can_be_saved(db: Db) -> None:
    db.given(Everything, [{"name": "a", "number": 1, "tags": ["x"]}])
    row = db(rows.client(max_rows=5).filter(text=None)).get()
    row.tags.append("y")
    row.number = 2
    db(row).save()
    found = db(rows.all()).get()
    assert (found.number, found.tags) == (2, ["x", "y"])


@rule("K5", verbs=["explain"])
def test_explain_tells_query_and_command_and_asks_nothing(db: Db) -> None:
    db.given(Everything, SOME)
    with db.commands(0):
        text = rows.filter(number__gt=3).order_by("-number")[:5].explain()
    assert "number__gt=3" in text
    assert "-number" in text


@rule("K5", needs=[Feature.ANALYZE], verbs=["explain(analyze=True)"])
def test_explain_analyze_adds_the_servers_own_account(db: Db) -> None:
    db.given(Everything, SOME)
    if db.loop is None:
        assert "server: " in db(rows.filter(number__gt=3)).explain(analyze=True)
    elif not db.missing:
        assert "server: " in rows.filter(number__gt=3).explain(analyze=True)
    else:
        db.refused_after = 0
        rows.filter(number__gt=3).explain(analyze=True)
