"""Pages: what comes behind a key, NULLs and directions included."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.query.evaluate import select_rows
from polystore.query.operations import Select
from polystore.query.planner import plan
from tests.query.models import SAMPLE, Sample, row
from tests.query.plans import select

NUMBERED = [
    row(id=key, number=number, text=text)
    for key, (number, text) in enumerate(product([None, 1, 2, 1], [None, "a", "b"]), start=1)
]
TERMS = st.lists(st.sampled_from(["number", "text", "id"]), max_size=3, unique=True)
orders = st.tuples(TERMS, st.lists(st.booleans(), min_size=3, max_size=3)).map(
    lambda drawn: tuple(("-" if down else "") + name for name, down in zip(drawn[0], drawn[1], strict=False))
)


def page(order: tuple[str, ...], behind: dict[str, Any] | None, limit: int) -> tuple[Select, list[Any]]:
    """A page in this order, behind a row or from the start, as the operation of its structure."""
    first = plan(SAMPLE, (("order", order), ("slice", False, True)), "page").operation
    assert isinstance(first, Select)
    if behind is None:
        return first, [limit]
    key = [behind[term.field.name] for term in first.order]
    shape = (("order", order), ("after", tuple(value is not None for value in key)))
    operation = plan(SAMPLE, shape, "page").operation
    assert isinstance(operation, Select)
    return operation, [*(value for value in key if value is not None), limit]


@given(orders, st.sampled_from(NUMBERED), st.integers(1, 20))
def test_a_page_is_what_follows_its_key_in_the_whole_order(
    order: tuple[str, ...], key: dict[str, Any], limit: int
) -> None:
    whole = select_rows(NUMBERED, *page(order, None, 99))
    place = whole.index(key)
    assert select_rows(NUMBERED, *page(order, key, limit)) == whole[place + 1 : place + 1 + limit]


@given(orders, st.integers(1, 5))
def test_pages_join_to_the_whole(order: tuple[str, ...], limit: int) -> None:
    joined: list[Any] = []
    while found := select_rows(NUMBERED, *page(order, joined[-1] if joined else None, limit)):
        joined += found
    assert joined == select_rows(NUMBERED, *page(order, None, 99))


@pytest.mark.parametrize(
    ("names", "order", "columns", "key"),
    [
        (("text",), (), ["text", "id"], (1,)),
        (("text", "id"), ("-id",), ["text", "id"], (1,)),
        (("text",), ("number",), ["text", "number", "id"], (1, 2)),
        (("number", "text"), ("text", "number"), ["number", "text", "id"], (1, 0, 2)),
    ],
)
def test_a_page_selects_the_columns_of_its_key(
    names: tuple[str, ...], order: tuple[str, ...], columns: list[str], key: tuple[int, ...]
) -> None:
    made = plan(SAMPLE, (("order", order), ("values", names)), "page")
    assert isinstance(made.operation, Select)
    assert [info.name for info in made.operation.columns] == columns
    assert [info.name for info in made.output.fields] == list(names)
    assert made.key == key


def test_nothing_but_pages_selects_more_than_was_asked_for() -> None:
    operation, _ = select(Sample.objects.order_by("number").values("text"))
    assert [info.name for info in operation.columns] == ["text"]
