"""The SQL that operations become, without any server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from polystore.adapters.sql.ddl import create_texts, drop_text
from polystore.adapters.sql.mysql.together import together
from polystore.errors import NotSupportedError
from polystore.query.nodes import (
    All,
    Arithmetic,
    Column,
    Compare,
    Condition,
    Either,
    Extract,
    IsNull,
    Not,
    Order,
    Parameter,
    ParameterList,
    Within,
)
from polystore.query.operations import (
    Assignment,
    Count,
    Delete,
    Exists,
    Insert,
    OnConflict,
    Operation,
    Select,
    Update,
    UpdateEach,
)
from polystore.query.operators import ArithmeticOperator, DatePart, Operator
from polystore.schema.kinds import IntKind, TextKind
from polystore.schema.model import FieldInfo, Schema, UniqueInfo
from tests.adapters.sql.items import ITEM, LABEL, TOKEN, make_schema
from tests.adapters.sql.support import adapter_of, where

URLS = {
    "sqlite": "sqlite://",
    "postgresql": "postgresql://me@localhost/shop",
    "mysql": "mysql://me@localhost/shop",
    "mariadb": "mariadb://me@localhost/shop",
}
TITLE, OWNER, RANK = LABEL.field("title"), LABEL.field("owner"), LABEL.field("rank")
ID = LABEL.primary_key


def _text(database: str, operation: Operation) -> str:
    return " ".join(adapter_of(URLS[database]).compile(operation).text.split())


def _condition(database: str, condition: Condition) -> str:
    return _text(database, Delete(LABEL, All((condition,)))).partition(" WHERE ")[2]


def _compare(field: Any, operator: Operator, index: int = 0) -> Compare:
    return Compare(Column(field), operator, Parameter(index, field.kind))


SELECTED = "SELECT label.id, label.title FROM label WHERE label.id ="


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ("sqlite", "? ORDER BY label.owner DESC, label.id ASC LIMIT ? OFFSET ?"),
        ("postgresql", "%s ORDER BY label.owner DESC NULLS LAST, label.id ASC LIMIT %s OFFSET %s"),
        ("mysql", "%s ORDER BY label.owner DESC, label.id ASC LIMIT %s OFFSET %s"),
    ],
)
def test_a_select(database: str, expected: str) -> None:
    order = (Order(Column(OWNER), descending=True), Order(Column(ID)))
    limit, offset = Parameter(1, IntKind()), Parameter(2, IntKind())
    assert (
        _text(database, Select(LABEL, (ID, TITLE), where(LABEL, "id"), order, limit, offset))
        == f"{SELECTED} {expected}"
    )


@pytest.mark.parametrize(
    ("database", "limit"),
    [("sqlite", "LIMIT -1 "), ("postgresql", "LIMIT ALL "), ("mysql", "LIMIT 18446744073709551615 ")],
)
def test_an_offset_without_a_limit(database: str, limit: str) -> None:
    text = _text(database, Select(LABEL, (ID,), All(), (Order(Column(ID)),), offset=Parameter(0, IntKind())))
    assert limit + "OFFSET" in text


def test_counts_of_all_of_a_slice_and_of_distinct_rows() -> None:
    assert _text("sqlite", Count(LABEL, All())) == "SELECT count(*) AS count_1 FROM label"
    sliced = _text("sqlite", Count(LABEL, All(), limit=Parameter(0, IntKind())))
    assert sliced == "SELECT count(*) AS count_1 FROM (SELECT 1 FROM label LIMIT ?) AS anon_1"
    assert "SELECT DISTINCT label.owner" in _text("sqlite", Count(LABEL, All(), distinct=(OWNER,)))
    assert _text("sqlite", Exists(LABEL, All())) == "SELECT 1 FROM label LIMIT 1"


def test_values_are_bound_in_the_order_of_their_places() -> None:
    change = Update(LABEL, where(LABEL, "id", index=0), (Assignment(OWNER, Parameter(1, OWNER.kind)),))
    _, parameters = adapter_of("sqlite://").compile(change).bind((7, 5))
    assert parameters == (5, 7)


def test_a_derived_value_is_derived_before_it_is_stored() -> None:
    day = ITEM.field("moment")
    condition = Compare(Column(day), Operator.GTE, Parameter(0, day.kind, lambda value: value.replace(hour=0)))
    statement = adapter_of("sqlite://").compile(Count(ITEM, All((condition,))))
    assert statement.bind((datetime(2024, 2, 29, 10, tzinfo=UTC),))[1] == ("2024-02-29 00:00:00.000000+00:00",)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Not(_compare(TITLE, Operator.EXACT)), "label.title != ?"),
        (Not(_compare(TITLE, Operator.GT)), "label.title <= ?"),
        (Not(_compare(OWNER, Operator.EXACT)), "(label.owner = ?) IS NOT 1"),
        (Not(IsNull(Column(OWNER))), "label.owner IS NOT NULL"),
        (IsNull(Column(OWNER)), "label.owner IS NULL"),
        (Either((_compare(OWNER, Operator.EXACT), IsNull(Column(OWNER)))), "label.owner = ? OR label.owner IS NULL"),
        (Not(Within(Column(OWNER), ParameterList(0, IntKind(), 2))), "(label.owner IN (?, ?)) IS NOT 1"),
        (_compare(TITLE, Operator.CONTAINS), "(instr(label.title, ?) > 0)"),
        (_compare(TITLE, Operator.STARTSWITH), "label.title >= ? AND label.title < ?"),
        (Compare(Column(OWNER), Operator.LT, Column(RANK)), "label.owner < label.rank"),
    ],
)
def test_conditions_on_sqlite(condition: Condition, expected: str) -> None:
    assert _condition("sqlite", condition) == expected


def test_long_lists_are_one_parameter() -> None:
    within = Within(Column(OWNER), ParameterList(0, IntKind(), 1024))
    assert _condition("sqlite", within) == "label.owner IN (SELECT value FROM json_each(?) AS listed)"
    assert _condition("postgresql", within) == "(label.owner = ANY(CAST(%s AS bigint[])))"
    assert _condition("mysql", within) == "(label.owner IN %s)"


def test_negated_membership_holds_for_null_on_postgresql() -> None:
    within = Within(Column(OWNER), ParameterList(0, IntKind(), 2))
    assert _condition("postgresql", Not(within)) == "(label.owner = ANY(CAST(%s AS bigint[]))) IS NOT true"


def test_wildcards_in_values_are_escaped() -> None:
    statement = adapter_of(URLS["postgresql"]).compile(Delete(LABEL, All((_compare(TITLE, Operator.CONTAINS),))))
    assert statement.bind(("50%_!",))[1] == ("%50!%!_!!%",)
    assert "ESCAPE '!'" in statement.text


@pytest.mark.parametrize("database", URLS)
def test_values_never_enter_the_text(database: str) -> None:
    hostile = "'; DROP TABLE label; --"
    for operator in Operator:
        if operator in (Operator.REGEX, Operator.IREGEX):
            continue
        statement = adapter_of(URLS[database]).compile(Delete(LABEL, All((_compare(TITLE, operator),))))
        statement.bind((hostile,))
        assert "DROP" not in statement.text


@pytest.mark.parametrize("database", URLS)
def test_names_that_are_words_of_sql_are_quoted(database: str) -> None:
    text = _text(database, Select(ITEM, (ITEM.field("text"), ITEM.field("m")), All()))
    quote = '"' if database in ("sqlite", "postgresql") else "`"
    assert f"item.{quote}order{quote}, item.{quote}select{quote}" in text


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ("sqlite", "INSERT INTO label (title) VALUES (?)"),
        ("postgresql", "INSERT INTO label (title) VALUES (%s) RETURNING id"),
        ("mysql", "INSERT INTO label (title) VALUES (%s)"),
    ],
)
def test_an_insert(database: str, expected: str) -> None:
    assert _text(database, Insert(LABEL, (TITLE,))) == expected


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ("sqlite", "INSERT INTO label (title) VALUES (?) ON CONFLICT DO NOTHING"),
        ("postgresql", "INSERT INTO label (title) VALUES (%s) ON CONFLICT DO NOTHING RETURNING id"),
        ("mysql", "INSERT INTO label (title) VALUES (%s) ON DUPLICATE KEY UPDATE id = id"),
    ],
)
def test_an_insert_that_leaves_conflicts_out(database: str, expected: str) -> None:
    assert _text(database, Insert(LABEL, (TITLE,), ignore_conflicts=True)) == expected


BY_TITLE = Insert(LABEL, (TITLE, OWNER), on_conflict=OnConflict((TITLE,), (OWNER,), (ID,)))


@pytest.mark.parametrize(("database", "mark"), [("sqlite", "?"), ("postgresql", "%s")])
def test_an_insert_that_changes_rows_in_conflict_tells_their_keys(database: str, mark: str) -> None:
    assert _text(database, BY_TITLE) == (
        f"INSERT INTO label (title, owner) VALUES ({mark}, {mark}) "
        "ON CONFLICT (title) DO UPDATE SET owner = excluded.owner RETURNING id"
    )


def test_an_index_over_nulls_is_named_by_its_terms_on_sqlite() -> None:
    fields = [FieldInfo("Pair", name, name, IntKind(), place, null=place > 0) for place, name in enumerate("abc")]
    key = FieldInfo("Pair", "a", "a", IntKind(), 0, primary_key=True)
    unique = UniqueInfo(("b", "c"), "pair_key", nulls_distinct=False)
    schema = Schema("Pair", "pair", (key, *fields[1:]), uniques=(unique,))
    found = OnConflict(tuple(fields[1:]), (), (key,), nulls_distinct=False)
    assert _text("sqlite", Insert(schema, schema.fields, on_conflict=found)).partition("ON CONFLICT ")[2] == (
        "(b IS NULL, ifnull(b, 0), c IS NULL, ifnull(c, 0)) DO UPDATE SET b = pair.b RETURNING a"
    )


def test_mysql_uses_its_own_clause_only_where_nothing_but_the_target_can_collide() -> None:
    alone = Insert(TOKEN, TOKEN.fields, on_conflict=OnConflict((TOKEN.primary_key,), TOKEN.beside_key))
    statement = adapter_of(URLS["mysql"]).compile(alone)
    assert statement.conflict.alone
    assert " ON DUPLICATE KEY UPDATE " in statement.text
    statement = adapter_of(URLS["mysql"]).compile(Insert(LABEL, LABEL.fields, on_conflict=BY_TITLE.on_conflict))
    assert not statement.conflict.alone
    assert " ON DUPLICATE KEY UPDATE " not in " ".join(statement.texts.values())
    assert statement.texts["change"] == "UPDATE label SET owner = %s WHERE title = %s"


def test_an_update_by_key() -> None:
    operation = UpdateEach(LABEL, (RANK, OWNER))
    assert _text("sqlite", operation) == "UPDATE label SET rank = ?, owner = ? WHERE id = ?"
    statement = adapter_of(URLS["sqlite"]).compile(operation)
    assert statement.bind([(7, 1, "x")])[1] == [(1, "x", 7)]
    assert adapter_of(URLS["postgresql"]).compile(operation).many.decode() == (
        "UPDATE label SET rank = given.v0, owner = given.v1 "
        "FROM unnest(CAST(%s AS bigint[]), CAST(%s AS bigint[]), CAST(%s AS bigint[])) "
        "WITH ORDINALITY AS given(v0, v1, key, place) WHERE label.id = given.key RETURNING given.place"
    )


def test_mysql_changes_many_rows_by_cases_of_their_keys() -> None:
    parts = adapter_of(URLS["mysql"]).compile(UpdateEach(LABEL, (OWNER,))).parts
    text = together(parts, [("a", 1), ("b", 2)], lambda text, values: text % tuple(map(repr, values)))
    assert text == "UPDATE label SET owner = CASE id WHEN 1 THEN 'a' WHEN 2 THEN 'b' END WHERE id IN (1, 2)"


def test_describe_shows_text_and_values() -> None:
    statement = adapter_of("sqlite://").compile(Delete(LABEL, where(LABEL, "title")))
    assert " ".join(statement.describe(("x",)).split()) == "DELETE FROM label WHERE label.title = ? -- ('x',)"
    insert = adapter_of("sqlite://").compile(Insert(LABEL, (TITLE,)))
    assert insert.describe([("x",)]) == "INSERT INTO label (title) VALUES (?)  -- ('x',)"


# ---- what is refused


def _refused(database: str, operation: Operation) -> str:
    with pytest.raises(NotSupportedError) as caught:
        adapter_of(URLS[database]).compile(operation)
    return str(caught.value)


def test_mysql_refuses_to_compare_two_fields_without_regard_to_case() -> None:
    condition = Compare(Column(TITLE), Operator.IEXACT, Column(TITLE))
    assert "iexact between two fields" in _refused("mysql", Delete(LABEL, All((condition,))))


def test_mysql_refuses_to_swap_fields_and_mariadb_does_it() -> None:
    swap = Update(LABEL, All(), (Assignment(OWNER, Column(RANK)), Assignment(RANK, Column(OWNER))))
    assert "owner, rank take each other's values" in _refused("mysql", swap)
    assert "SET owner=label.`rank`" in _text("mariadb", swap)


def test_mysql_assigns_a_field_after_those_that_read_it() -> None:
    change = Update(LABEL, All(), (Assignment(OWNER, Parameter(0, IntKind())), Assignment(RANK, Column(OWNER))))
    text = _text("mysql", change)
    assert text.index("`rank`=") < text.index("owner=%s")


def test_mysql_refuses_decimal_arithmetic_beyond_its_digits() -> None:
    big = ITEM.field("big")
    square = Arithmetic(ArithmeticOperator.MULTIPLY, Column(big), Column(big), big.kind)
    cube = Arithmetic(ArithmeticOperator.MULTIPLY, square, Column(big), big.kind)
    assert "it could need 90 digits" in _refused("mysql", Update(ITEM, All(), (Assignment(big, cube),)))


def test_too_long_texts_are_refused_before_they_are_sent() -> None:
    statement = adapter_of(URLS["mysql"]).compile(Delete(LABEL, All((_compare(TITLE, Operator.ICONTAINS),))))
    with pytest.raises(NotSupportedError, match="3001 characters is too long to compare without regard to case"):
        statement.bind(("k" * 3001,))


# ---- tables


def _tables(database: str, schema: Schema) -> str:
    return "\n".join(
        " ".join(text.split())
        for text in create_texts(adapter_of(URLS[database])._dialect, schema, "utf8mb4_nopad_bin")
    )


def test_tables_of_sqlite() -> None:
    text = _tables("sqlite", LABEL)
    assert "id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT" in text
    assert "CONSTRAINT label_title_key UNIQUE (title)" in text
    assert "CREATE INDEX IF NOT EXISTS label_rank_title_idx ON label (rank DESC, title)" in text


def test_tables_of_postgresql() -> None:
    text = _tables("postgresql", LABEL)
    assert "id BIGINT GENERATED BY DEFAULT AS IDENTITY" in text
    assert 'title TEXT COLLATE "C" NOT NULL' in text
    assert "CREATE INDEX IF NOT EXISTS label_owner_idx ON label (owner ASC NULLS FIRST)" in text
    assert "(rank DESC NULLS LAST, title ASC)" in text
    assert "CREATE INDEX IF NOT EXISTS label_title_fold ON label ((translate(lower(upper(lower(title" in text


def test_tables_of_mariadb() -> None:
    text = _tables("mariadb", LABEL)
    assert "id BIGINT NOT NULL AUTO_INCREMENT" in text
    assert "title VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL" in text
    assert "ENGINE=InnoDB" in text
    assert "`key` VARCHAR(768) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL" in _tables("mariadb", TOKEN)


@pytest.mark.parametrize("database", URLS)
def test_tables_are_dropped_if_they_are_there(database: str) -> None:
    assert drop_text(adapter_of(URLS[database])._dialect, LABEL) == "DROP TABLE IF EXISTS label"


def test_long_names_are_shortened_without_meeting() -> None:
    names = [f"{'x' * 70}_{letter}" for letter in "ab"]
    schema = make_schema(
        "long", uniques=tuple(UniqueInfo((field,), name) for field, name in zip(("name", "word"), names, strict=True))
    )
    text = _tables("postgresql", schema)
    found = [word for word in text.split() if word.startswith("xxxx")]
    assert len({*found}) == 2
    assert all(len(name) <= 63 for name in found)


@pytest.mark.parametrize("database", URLS)
def test_a_model_whose_rows_expire_is_refused(database: str) -> None:
    with pytest.raises(NotSupportedError, match=r"Item: .* Meta\.ttl has no effect there; put the model on Redis"):
        adapter_of(URLS[database]).check(make_schema(ttl=timedelta(hours=1)))


def test_mysql_refuses_keys_beyond_its_bytes() -> None:
    schema = make_schema(uniques=(UniqueInfo(("word", "name"), "both"),))
    adapter_of("mysql://localhost/shop").check(schema)
    long = TOKEN.fields[0]
    wide = Schema("Wide", "wide", (type(long)("Wide", "key", "key", TextKind(800), 0, primary_key=True),))
    with pytest.raises(
        NotSupportedError, match="Wide: MySQL keeps keys of at most 3072 bytes, the one over key may take 3200"
    ):
        adapter_of("mysql://localhost/shop").check(wide)


def test_parts_of_dates_follow_django_s_numbers() -> None:
    day = ITEM.field("day")
    part = Compare(Extract(DatePart.WEEK_DAY, Column(day)), Operator.EXACT, Parameter(0, IntKind()))
    expected = {
        "sqlite": "(ps_iso_week_day(item.day) % 7 + 1) = ?",
        "postgresql": "CAST(extract(dow from item.day) + 1 AS bigint) = %s",
        "mysql": "DAYOFWEEK(item.day) = %s",
    }
    for database, text in expected.items():
        assert text in _text(database, Count(ITEM, All((part,))))
