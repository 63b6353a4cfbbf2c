"""Where the parameters of handwritten SQL stand, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from polystore import Field, Model, field
from polystore.adapters.sql.dialect import Dialect
from polystore.adapters.sql.handwritten import handwritten
from polystore.adapters.sql.mysql.dialect import MysqlDialect
from polystore.adapters.sql.postgresql.dialect import PostgresqlDialect
from polystore.adapters.sql.sqlite.dialect import SqliteDialect
from polystore.errors import QueryUsageError

SQLITE, POSTGRESQL, MARIADB = SqliteDialect(), PostgresqlDialect(), MysqlDialect(mariadb=True)


class Handwritten(Model):
    name: Field[str] = field(max_length=20)


def written(dialect: Dialect, query: str, parameters: Any = ()) -> tuple[str, Any]:
    made = handwritten(dialect, Handwritten.__polystore_schema__, query, parameters)
    statement, bound = made.command
    return statement.text, bound


@pytest.mark.parametrize(
    ("query", "sqlite", "others"),
    [
        ("SELECT :a, :b, :a", "SELECT ?, ?, ?", "SELECT %s, %s, %s"),
        ("SELECT ':a', :a, \":b\", :b", "SELECT ':a', ?, \":b\", ?", "SELECT ':a', %s, \":b\", %s"),
        ("SELECT 'it''s :a', :a, :b", "SELECT 'it''s :a', ?, ?", "SELECT 'it''s :a', %s, %s"),
        ("SELECT :a -- :a\n, :b", "SELECT ? -- :a\n, ?", "SELECT %s -- :a\n, %s"),
        ("SELECT /* :a */ :a, :b", "SELECT /* :a */ ?, ?", "SELECT /* :a */ %s, %s"),
        ("SELECT '%', 5 % :a, :b", "SELECT '%', 5 % ?, ?", "SELECT '%%', 5 %% %s, %s"),
        ("SELECT :a \\:b, :b", "SELECT ? :b, ?", "SELECT %s :b, %s"),
        ("SELECT x::text, y[1:2], :a, :b;", "SELECT x::text, y[1:2], ?, ?;", "SELECT x::text, y[1:2], %s, %s;"),
    ],
)
def test_texts_names_and_comments_are_left_alone(query, sqlite, others):
    assert written(SQLITE, query, {"a": 1, "b": 2})[0] == sqlite
    assert written(POSTGRESQL, query, {"a": 1, "b": 2})[0] == others
    assert written(MARIADB, query, {"a": 1, "b": 2})[0] == others


def test_values_are_bound_in_the_order_of_their_marks():
    assert written(SQLITE, "SELECT :2, :1, :2", ["a", "b"]) == ("SELECT ?, ?, ?", ("b", "a", "b"))
    assert written(MARIADB, "SELECT 1 WHERE 1 IN :x", {"x": (1, 2)}) == ("SELECT 1 WHERE 1 IN (%s, %s)", (1, 2))
    moment = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    bound = ("2024-01-02 03:04:05.000000+00:00", None, True)
    assert written(SQLITE, "SELECT :1, :2, :3", [moment, None, True])[1] == bound
    assert written(POSTGRESQL, "SELECT :1", [Decimal("1.5")])[1] == (Decimal("1.5"),)


def own_words() -> Iterator[Any]:
    yield pytest.param(POSTGRESQL, "SELECT $$ :a $$, $x$ ' :a $x$, E'\\' :a', :a", id="dollars and escapes")
    yield pytest.param(MARIADB, "SELECT '\\' :a', \"\\\" :a\", `:a`, :a # :a", id="backslashes and backticks")
    yield pytest.param(MARIADB, "SELECT 5--:a", id="two minus signs are no comment")
    yield pytest.param(SQLITE, "SELECT [:a], `:a`, :a", id="brackets")


@pytest.mark.parametrize(("dialect", "query"), list(own_words()))
def test_each_database_quotes_in_its_own_way(dialect, query):
    text, bound = written(dialect, query, {"a": 7})
    assert bound == (7,)
    assert text.count(dialect.mark) == 1


@pytest.mark.parametrize(
    ("query", "parameters", "said"),
    [
        ("", (), "a query that answers rows"),
        ("-- SELECT\nEXPLAIN SELECT 1", (), "not 'EXPLAIN'"),
        ("INSERT INTO t VALUES (1)", (), "INSERT needs RETURNING"),
        ("SELECT 1; SELECT 2", (), "one statement"),
        ("SELECT ?", ("x",), r"has a value for :1, which the query does not name"),
        ("SELECT ?, :1", ("x",), r"does not know the parameter \?"),
        ("SELECT :name", {}, r"no value for :name"),
        ("SELECT :1", "x", "as a dict"),
        ("SELECT :1", [{}], r":1: \{\} is no value"),
        ("SELECT :1", [Decimal(1)], "Decimal"),
    ],
)
def test_what_cannot_work_is_refused(query, parameters, said):
    with pytest.raises(QueryUsageError, match=rf"Handwritten: raw\(\).*{said}"):
        written(SQLITE, query, parameters)


def test_writes_that_answer_rows_are_queries():
    assert written(SQLITE, "(SELECT 1);\n")[0] == "(SELECT 1);\n"
    assert written(SQLITE, "INSERT INTO t VALUES (:1) RETURNING id", [1])[1] == (1,)
