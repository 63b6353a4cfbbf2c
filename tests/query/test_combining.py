"""Plans of combinations, windows and first rows: what is asked, and what no plain query pays for them."""

from __future__ import annotations

from typing import Any

from polystore import F, QuerySet, RowNumber, Sum, Window
from polystore.adapters.sql.adapter import open as open_sql
from polystore.query.nodes import All, Column, Frame, Windowed
from polystore.query.operations import Combination, Count, Exists, Group, Select
from polystore.query.operators import SetOperator, WindowFunction
from tests.query.models import Ranked, Sample
from tests.query.plans import planned, select

rows: QuerySet[Sample] = Sample.objects.all()
PLACE = Window(RowNumber(), "text", "-number")


def text_of(query: QuerySet[Any, Any], database: str = "postgresql") -> str:
    operation = planned(query)[0].operation
    assert operation is not None
    return " ".join(open_sql(f"{database}://me@localhost/shop", {}).compile(operation).text.split())


def test_plain_queries_have_nothing_of_windows():
    operation, _ = select(rows.filter(number=1).exclude(text="a").order_by("number"))
    assert (operation.windows, operation.kept, operation.first) == ((), All(), ())
    assert isinstance(planned(rows.filter(number=1), "count")[0].operation, Count)
    assert isinstance(planned(rows.filter(number=1), "exists")[0].operation, Exists)


def test_a_window_is_computed_once_and_named_wherever_it_is_used():
    query = rows.annotate(place=PLACE, more=F("place") + 1).filter(place=1, number=2).order_by("place")
    operation, _ = select(query)
    (window,) = operation.windows
    assert isinstance(window.expression, Windowed)
    assert window.expression.function is WindowFunction.ROW_NUMBER
    assert operation.computed[0].expression == Column(window.field) == operation.order[0].expression
    assert len(operation.condition.children) == len(operation.kept.children) == 1


def test_ties_are_broken_only_where_they_matter():
    operation, _ = select(rows.annotate(place=PLACE, total=Window(Sum("number"), order_by="text")))
    place, total = (each.expression for each in operation.windows)
    assert isinstance(place, Windowed)
    assert isinstance(total, Windowed)
    assert [term.field.name for term in place.order] == ["number", "id"]
    assert [term.descending for term in place.order] == [True, True]
    assert [term.field.name for term in total.order] == ["text"]
    assert total.frame == Frame("values", None, 0)


def test_a_count_of_kept_rows_is_one_of_what_they_answer():
    operation = planned(rows.annotate(place=PLACE).filter(place=1), "count")[0].operation
    assert isinstance(operation, Group)
    assert isinstance(operation.source, Select)
    assert operation.source.kept.children


def test_queries_that_have_no_rows_are_left_out():
    names = rows.values("text")
    operation = planned(names.union(names.none()))[0].operation
    assert isinstance(operation, Combination)
    assert len(operation.parts) == 1
    assert planned(names.intersection(names.none()))[0].operation is None
    assert planned(names.none().difference(names))[0].operation is None
    operation = planned(names.difference(names.none()))[0].operation
    assert isinstance(operation, Combination)
    assert operation.operator is SetOperator.UNION


def test_orders_of_queries_stay_only_where_these_are_sliced():
    first, second = rows.order_by("number").values("text"), rows.order_by("-number").values("text")[:3]
    operation = planned(first.union(second))[0].operation
    assert isinstance(operation, Combination)
    orders = [part.rows.order for part in operation.parts]
    assert orders[0] == ()
    assert [term.field.name for term in orders[1]] == ["number", "id"]


def test_a_slice_of_combined_rows_has_a_total_order():
    query = rows.values("text", "number").union(Ranked.objects.values("name", "rank")).order_by("-number")[:2]
    operation = planned(query)[0].operation
    assert isinstance(operation, Combination)
    assert [(term.field.name, term.descending) for term in operation.order] == [("number", True), ("text", True)]


def test_the_first_row_of_columns_is_taken_by_the_database_where_it_can():
    query = rows.distinct("text").order_by("text", "-number").values("text")
    assert text_of(query).startswith("SELECT DISTINCT ON (")
    assert "row_number() OVER (PARTITION BY" in text_of(query, "mariadb")


def test_each_aggregate_function_of_an_aggregate_is_over_the_window():
    query = rows.annotate(total=Window(Sum("number"), "text")).values("total")
    for database in ("postgresql", "mariadb"):
        text = text_of(query, database).lower()
        assert text.count("sum(") == text.count(" over (") > 0
