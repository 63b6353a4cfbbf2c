"""Pages by cursor: in order, whole, stable while rows come and go, and closed to what is no cursor; F18, A19, K5."""

from __future__ import annotations

from typing import Any

import pytest

from polystore import Page
from polystore.errors import InvalidCursor, QueryUsageError
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything, IntKey, Ranked

rows = Everything.objects
ORDERS = [("number", "name"), ("-number", "name"), ("-number", "-name"), ("number",), ("-rank", "number"), ()]


def given(db: Db) -> None:
    db.given(
        Everything, [{"name": f"n{i:02}", "number": None if i % 3 == 0 else i % 4, "rank": i % 2} for i in range(17)]
    )


def names(page: Page[Any]) -> list[str]:
    return [row.name for row in page]


@rule("F18", "A19", verbs=["keyset"])
@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
@pytest.mark.parametrize("size", [1, 4, 16, 17, 18])
def test_pages_hold_all_rows_in_order_forward_and_backward(db: Db, order: tuple[str, ...], size: int) -> None:
    given(db)
    query = rows.order_by(*order)
    whole = [row.name for row in db(query[:100]).rows()] if order else [f"n{i:02}" for i in range(17)]
    with db.commands(1):
        page = db(query).keyset(size=size)
    forward, pages = names(page), [names(page)]
    assert page.previous is None
    while page.next is not None:
        page = db(query).keyset(size=size, after=page.next)
        assert 0 < len(page) <= size
        pages.append(names(page))
        forward += names(page)
    assert forward == whole
    for expected in reversed(pages[:-1]):
        page = db(query).keyset(size=size, before=page.previous)
        assert names(page) == expected
        assert page.next is not None
    assert page.previous is None


@rule("F18", verbs=["keyset"])
def test_rows_that_come_and_go_move_no_page(db: Db) -> None:
    db.given(IntKey, [{"id": i, "name": "x"} for i in range(0, 40, 2)])
    query = IntKey.objects.order_by("-id")
    page = db(query).keyset(size=5)
    assert [row.id for row in page] == [38, 36, 34, 32, 30]
    db(IntKey.objects.all()).bulk_create([IntKey(id=39), IntKey(id=33), IntKey(id=27)])
    db(IntKey.objects.filter(pk__in=[30, 28])).delete()
    following = db(query).keyset(size=5, after=page.next)
    assert [row.id for row in following] == [27, 26, 24, 22, 20]
    before = db(query).keyset(size=5, before=following.previous)
    assert [row.id for row in before] == [38, 36, 34, 33, 32]
    assert [row.id for row in db(query).keyset(size=5, before=before.previous)] == [39]


@rule("F18", "F28", verbs=["keyset"])
def test_pages_of_values_and_of_some_fields(db: Db) -> None:
    db.given(Ranked, [{"name": f"n{i}", "rank": i % 3} for i in range(9)])
    whole = db(Ranked.objects.values_list("name", flat=True)).rows()
    query = Ranked.objects.values("name")
    page = db(query).keyset(size=4)
    page = db(query).keyset(size=4, after=page.next)
    assert page.items == [{"name": name} for name in whole[4:8]]
    page = db(Ranked.objects.only("name")).keyset(size=4, after=page.next)
    assert names(page) == whole[8:]
    assert page.next is None


@rule("F3", "A7", verbs=["keyset"])
def test_an_empty_page_has_no_neighbours(db: Db) -> None:
    db.given(IntKey, [{"id": i, "name": "x"} for i in range(3)])
    with db.commands(0):
        assert db(IntKey.objects.none()).keyset() == Page([], None, None)
    assert db(IntKey.objects.filter(id__gt=9)).keyset() == Page([], None, None)
    page = db(IntKey.objects.order_by("id")).keyset(size=2)
    db(IntKey.objects.filter(id=2)).delete()
    assert db(IntKey.objects.order_by("id")).keyset(size=2, after=page.next) == Page([], None, None)


@rule("K5", verbs=["keyset"])
def test_a_cursor_of_other_pages_is_refused(db: Db) -> None:
    db.given(IntKey, [{"id": i, "name": "x"} for i in range(3)])
    cursor = db(IntKey.objects.order_by("id")).keyset(size=1).next
    with db.commands(0):
        for query, wrong in (
            (IntKey.objects.order_by("-id"), cursor),
            (IntKey.objects.order_by("name"), cursor),
            (Ranked.objects.order_by("id"), cursor),
            (IntKey.objects.order_by("id"), cursor[:-1] + ("A" if cursor[-1] != "A" else "B")),
            (IntKey.objects.order_by("id"), '{"$gt": ""}'),
        ):
            for side in ("after", "before"):
                with pytest.raises(InvalidCursor, match="no cursor of these pages"):
                    db(query).keyset(**{side: wrong})


@rule("F3")
def test_what_has_no_pages_is_refused(db: Db) -> None:
    query = IntKey.objects.order_by("id")
    db.clear(IntKey)
    assert db(query).keyset().items == []
    with db.commands(0):
        for wrong in (0, -1, None, "5", True):
            with pytest.raises(QueryUsageError, match="size"):
                db(query).keyset(size=wrong)
        for sliced in (query[:5], query.values("name").distinct(), query.client(max_rows=5)):
            with pytest.raises(QueryUsageError, match="keyset"):
                db(sliced).keyset()
        with pytest.raises(QueryUsageError, match="after or before"):
            db(query).keyset(after="a", before="b")
