"""The order of rows: rules A19, E7, E8, F3 and slices, F2 to F5."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from polystore import Concat, Feature, Q, Replace, Value
from polystore.errors import FieldError, QueryUsageError
from polystore.query.operators import Function
from polystore.testing.harness import Db, rule
from polystore.testing.models import Bare, Everything, IntKey, Level, Ranked, TextKey

rows = Everything.objects
NULLS: list[dict[str, Any]] = [
    {"name": "two", "number": 2},
    {"name": "null"},
    {"name": "one", "number": 1},
    {"name": "three", "number": 3},
]
TIES: list[dict[str, Any]] = [{"name": f"n{i}", "number": i % 3 if i % 4 else None, "rank": i % 2} for i in range(12)]
KEYS: list[dict[str, Any]] = [{"id": key, "name": "even" if key % 2 == 0 else "odd"} for key in (5, 3, -7, 10, 9, 0, 2)]
SORTED_KEYS = [-7, 0, 2, 3, 5, 9, 10]
VALUES: dict[str, list[Any]] = {
    "flag": [None, False, True],
    "number": [None, -5, 0, 9, 10, 2**40],
    "real": [None, -1.5, 0.0, 1e-10, 9.0, 10.0],
    "amount": [None, Decimal("-1.50"), Decimal("0.00"), Decimal("9.00"), Decimal("10.00")],
    "text": [None, "", "10", "9", "B", "a", "é"],
    "blob": [None, b"", b"\x00", b"\x00\x01", b"\x7f", b"\x80", b"\xff"],
    "day": [None, date(1, 1, 1), date(1969, 1, 1), date(2024, 1, 1)],
    "uid": [None, UUID(int=1), UUID(int=2**64), UUID(int=2**127), UUID(int=2**128 - 1)],
    "level": [None, Level.LOW, Level.MIDDLE, Level.HIGH],
}


def keys(found: list[IntKey]) -> list[int]:
    """The keys of rows."""
    return [row.id for row in found]


@rule("A19")
def test_null_is_first_ascending_and_last_descending(db: Db) -> None:
    db.given(Everything, NULLS)
    assert db.names(rows.order_by("number")) == ["null", "one", "two", "three"]
    assert db.names(rows.order_by("-number")) == ["three", "two", "one", "null"]


@rule("A19")
@pytest.mark.parametrize("field", list(VALUES))
def test_values_of_each_kind_are_ordered_with_null_lowest(db: Db, field: str) -> None:
    if field == "blob":
        db.need(Feature.ORDER_BYTES)
    values = VALUES[field]
    made = [{"name": f"v{place}", field: value} for place, value in enumerate(values)]
    db.given(Everything, [*made[1::2], *made[::2]])
    assert [getattr(row, field) for row in db(rows.order_by(field)).rows()] == values
    assert [getattr(row, field) for row in db(rows.order_by(f"-{field}")).rows()] == values[::-1]
    middle = values[len(values) // 2]
    assert [
        getattr(row, field) for row in db(rows.filter(**{f"{field}__gte": middle}).order_by(field)).rows()
    ] == values[len(values) // 2 :]


@rule("A19")
def test_null_keeps_its_place_in_pages(db: Db) -> None:
    db.given(Everything, NULLS)
    assert db.names(rows.order_by("number")[:2]) == ["null", "one"]
    assert db.names(rows.order_by("-number")[2:]) == ["one", "null"]
    assert db(rows.order_by("number")).first().name == "null"
    assert db(rows.order_by("number")).last().name == "three"


@rule("A19", verbs=["order_by"])
def test_rows_are_ordered_by_several_fields(db: Db) -> None:
    db.given(Everything, TIES)
    made = [(row.get("number"), row["name"]) for row in TIES]
    lowest = [name for _, name in sorted(made, key=lambda pair: (pair[0] is not None, pair[0] or 0, pair[1]))]
    assert db.names(rows.order_by("number", "name")) == lowest
    highest = [
        name for _, name in sorted(made, key=lambda pair: (-1 if pair[0] is None else pair[0], pair[1]), reverse=True)
    ]
    assert db.names(rows.order_by("-number", "-name")) == highest
    mixed = [name for _, name in sorted(made, key=lambda pair: (1 if pair[0] is None else -pair[0], pair[1]))]
    assert db.names(rows.order_by("-number", "name")) == mixed


@rule("A19")
def test_the_first_mention_of_a_field_orders(db: Db) -> None:
    db.given(Everything, NULLS)
    assert db.names(rows.order_by("-number", "number")) == ["three", "two", "one", "null"]
    assert db.names(rows.order_by("number").order_by("-number")) == ["three", "two", "one", "null"]


@rule("A19", needs=[Feature.FILTER_ANY, Feature.ORDER_ANY])
def test_rows_are_filtered_and_ordered_by_fields_without_an_index(db: Db) -> None:
    db.given(Bare, [{"name": "b", "number": 1}, {"name": "a", "number": 1}, {"name": "c"}])
    assert db.names(Bare.objects.order_by("number", "-name")) == ["c", "b", "a"]
    assert db.names(Bare.objects.filter(number=1).order_by("name")) == ["a", "b"]


@rule("A19", needs=[Feature.FILTER_ANY])
def test_filtering_without_an_index_is_answered_or_refused(db: Db) -> None:
    db.given(Bare, [{"name": "a", "number": 1}, {"name": "b"}])
    assert db.found(Bare.objects.filter(number=1)) == "a"
    assert db.found(Bare.objects.exclude(name="a")) == "b"


@rule("A19", needs=[Feature.ORDER_ANY])
def test_ordering_without_an_index_is_answered_or_refused(db: Db) -> None:
    db.given(Bare, [{"name": "b"}, {"name": "a"}])
    assert db.names(Bare.objects.order_by("name")) == ["a", "b"]


@rule("A19", needs=[Feature.ORDER_ANY])
def test_a_filter_and_an_order_that_no_index_joins_are_answered_or_refused(db: Db) -> None:
    db.given(Everything, TIES)
    expected = [row["name"] for row in sorted(TIES, key=lambda row: (row["rank"], row["name"]))]
    assert db.names(rows.order_by("rank", "name")) == expected


@rule("A19", needs=[Feature.ORDER_EXPRESSIONS, Function.CONCAT, Function.REPLACE])
def test_rows_are_ordered_by_many_texts_of_any_length(db: Db) -> None:
    long = "x" * 20
    db.given(Everything, [{"name": name, "text": long, "word": long} for name in "cab"])
    texts = [Replace("text", Value("x" * many), Concat("word", "text")) for many in range(1, 13)]
    assert [row.name for row in db(rows.order_by(*texts, "name")).rows()] == ["a", "b", "c"]
    assert [row.name for row in db(rows.order_by(*texts, "-name")).rows()] == ["c", "b", "a"]


@rule("F3")
def test_wrong_orders_are_refused(db: Db) -> None:
    db.given(Everything, NULLS)
    for name in ("nosuch", "-nosuch", "--number", "number__gt", "people", "tags", "-?", ""):
        with db.commands(0), pytest.raises(FieldError, match="Everything"):
            db(rows.order_by(name)).rows()


@rule("E7", verbs=["first", "last"])
def test_first_and_last_without_an_order_go_by_key(db: Db) -> None:
    db.given(IntKey, KEYS)
    assert db(IntKey.objects.all()).first().id == -7
    assert db(IntKey.objects.all()).last().id == 10
    assert db(IntKey.objects.filter(name="even")).first().id == 0
    assert db(IntKey.objects.filter(name="odd")).last().id == 9
    assert db(IntKey.objects.filter(name="none")).first() is None
    assert db(IntKey.objects.filter(name="none")).last() is None


@rule("E7")
def test_keys_of_text_are_ordered_by_code_point(db: Db) -> None:
    db.given(TextKey, [{"code": code} for code in ("b", "B", "10", "9", "é", "a")])
    assert [row.code for row in db(TextKey.objects.order_by("pk")).rows()] == ["10", "9", "B", "a", "b", "é"]
    assert db(TextKey.objects.all()).first().code == "10"


@rule("E7", verbs=["reverse"])
def test_reverse_turns_an_order_and_leaves_none_alone(db: Db) -> None:
    db.given(Everything, NULLS)
    assert db.names(rows.order_by("number").reverse()) == ["three", "two", "one", "null"]
    assert db.names(rows.order_by("number").reverse().reverse()) == ["null", "one", "two", "three"]
    assert sorted(db.names(rows.all().reverse())) == ["null", "one", "three", "two"]
    assert db(rows.order_by("number").reverse()).first().name == "three"
    assert db(rows.order_by("number").reverse()).last().name == "null"


@rule("E8")
def test_ties_are_broken_by_key_in_slices(db: Db) -> None:
    db.given(Everything, [{"name": f"n{i}", "rank": 0} for i in range(9)])
    whole = db.names(rows.order_by("rank")[:9])
    assert sorted(whole) == whole
    pages = [db.names(rows.order_by("rank")[start : start + 2]) for start in range(0, 9, 2)]
    assert [name for page in pages for name in page] == whole
    assert db.names(rows.order_by("-rank")[:9]) == whole[::-1]


@rule("E7", "F3")
def test_the_order_of_the_model_holds_until_another_is_given(db: Db) -> None:
    ranked = Ranked.objects
    db.given(Ranked, [{"name": "b", "rank": 1}, {"name": "null"}, {"name": "a", "rank": 1}, {"name": "top", "rank": 9}])
    assert db.names(ranked.all()) == ["top", "a", "b", "null"]
    assert db.names(ranked.all().reverse()) == ["null", "b", "a", "top"]
    assert db(ranked.all()).first().name == "top"
    assert db(ranked.all()).last().name == "null"
    assert db.names(ranked.order_by("name")) == ["a", "b", "null", "top"]
    assert db.names(ranked.all()[1:3]) == ["a", "b"]
    assert len(db.names(ranked.order_by())) == 4


# ---- slices


@rule("F5", verbs=["slices"])
def test_slices_are_those_of_a_list(db: Db) -> None:
    db.given(IntKey, KEYS)
    query = IntKey.objects.order_by("id")
    for bounds in ((None, 3), (2, 5), (4, None), (0, 100), (7, None), (50, 60), (3, 3), (5, 2), (0, 0)):
        part = slice(*bounds)
        assert keys(db(query[part]).rows()) == SORTED_KEYS[part], bounds


@rule("F5")
def test_a_slice_of_a_slice_counts_within_it(db: Db) -> None:
    db.given(IntKey, KEYS)
    query = IntKey.objects.order_by("id")
    assert keys(db(query[1:6][0:2]).rows()) == SORTED_KEYS[1:6][0:2]
    assert keys(db(query[1:6][2:100]).rows()) == SORTED_KEYS[1:6][2:100]
    assert keys(db(query[2:][1:3]).rows()) == SORTED_KEYS[2:][1:3]
    assert keys(db(query[:3][5:]).rows()) == []
    assert keys(db(query[4:2][0:9]).rows()) == []


@rule("F5")
def test_an_empty_slice_asks_nothing(db: Db) -> None:
    db.given(IntKey, KEYS)
    for part in (IntKey.objects.all()[0:0], IntKey.objects.all()[5:2], IntKey.objects.order_by("id")[3:3]):
        with db.commands(0):
            assert db(part).rows() == []
            assert db(part).count() == 0
            assert db(part).exists() is False


@rule("F5")
def test_wrong_slices_are_refused(db: Db) -> None:
    db.given(IntKey, KEYS)
    query: Any = IntKey.objects.all()
    with db.commands(0):
        for wrong in (slice(-1, None), slice(None, -1), slice(0, 5, -1)):
            with pytest.raises(ValueError, match="from its end"):
                query[wrong]
        with pytest.raises(ValueError, match="negative"):
            query[-1]
        with pytest.raises(TypeError):
            query["a"]
        with pytest.raises(TypeError):
            query[True]


@rule("F2", verbs=["slices", "count", "exists"])
@pytest.mark.parametrize("bounds", [(1, 3), (None, 2), (5, None), (6, 50), (50, None), (0, 7)])
def test_count_and_exists_respect_a_slice(db: Db, bounds: tuple[int | None, int | None]) -> None:
    db.given(IntKey, KEYS)
    for query in (IntKey.objects.all(), IntKey.objects.order_by("-id"), IntKey.objects.exclude(id=99)):
        part = query[slice(*bounds)]
        expected = len(SORTED_KEYS[slice(*bounds)])
        assert db(part).count() == expected
        assert db(part).exists() is bool(expected)
        assert len(db(part).rows()) == expected


@rule("F3")
def test_a_slice_is_not_narrowed_further(db: Db) -> None:
    db.given(IntKey, KEYS)
    part = IntKey.objects.order_by("id")[1:3]
    with db.commands(0):
        for narrow in (
            lambda: part.filter(id=1),
            lambda: part.exclude(id=1),
            lambda: part.order_by("id"),
            lambda: part.reverse(),
            lambda: part.distinct(),
            lambda: part.client(max_rows=5),
            lambda: db(part).last(),
        ):
            with pytest.raises(QueryUsageError, match="slice"):
                narrow()
            with pytest.raises(TypeError):
                narrow()


@rule("F3")
def test_a_slice_has_a_first_row_and_may_be_got(db: Db) -> None:
    db.given(IntKey, KEYS)
    query = IntKey.objects.order_by("id")
    assert db(query[2:5]).first().id == 2
    assert db(query[3:4]).get().id == 3
    with pytest.raises(IntKey.MultipleObjectsReturned):
        db(query[2:5]).get()
    with pytest.raises(IntKey.DoesNotExist):
        db(query[100:]).get()


@rule("F4")
def test_a_slice_is_neither_updated_nor_deleted(db: Db) -> None:
    db.given(IntKey, KEYS)
    for part in (IntKey.objects.all()[:1], IntKey.objects.all()[1:], IntKey.objects.all()[0:0]):
        with db.commands(0), pytest.raises(QueryUsageError, match="slice"):
            db(part).delete()
        with db.commands(0), pytest.raises(TypeError):
            db(part).update(name="x")
    assert db(IntKey.objects.all()).count() == len(KEYS)


@rule("F2", "A4", verbs=["slices"])
def test_pages_of_a_condition_join_to_its_rows(db: Db) -> None:
    db.given(Everything, TIES)
    query = rows.filter(~Q(number=1)).order_by("number", "name")
    whole = db.names(query)
    for size in (1, 3, 5):
        pages = [db.names(query[start : start + size]) for start in range(0, len(whole) + size, size)]
        assert [name for page in pages for name in page] == whole
