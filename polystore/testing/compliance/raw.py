"""Queries in the store's own language: SQL or a pipeline, whichever the store takes; rules K3, K4, E11."""

from __future__ import annotations

from typing import Any

import pytest

from polystore import Feature, RawQuerySet
from polystore.adapters.base import HasEngine
from polystore.errors import DataError, FieldError, QueryUsageError
from polystore.testing.compliance.attacks import TEXTS
from polystore.testing.compliance.capabilities import SCALARS, STRUCTURES
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything, IntKey, TextKey

rows = Everything.objects
TABLE = "compliance_everything"
SOME: list[dict[str, Any]] = [{"name": f"n{i}", "number": i, "text": f"t{i}", "tags": ["x"]} for i in range(3)]


def speaks_sql(db: Db) -> bool:
    return isinstance(db.adapter.inner, HasEngine)


def whole(db: Db) -> RawQuerySet[Everything]:
    """All rows with all their columns."""
    return rows.raw(f"SELECT * FROM {TABLE} ORDER BY name" if speaks_sql(db) else [{"$sort": {"name": 1}}])


def some(db: Db, *names: str) -> RawQuerySet[Everything]:
    """All rows with the key and these columns."""
    if speaks_sql(db):
        return rows.raw(f"SELECT {', '.join(('id', *names))} FROM {TABLE} ORDER BY name")
    return rows.raw([{"$sort": {"name": 1}}, {"$project": dict.fromkeys(names, 1)}])


@rule("E11", needs=[Feature.RAW])
@pytest.mark.parametrize("field", [*SCALARS, *STRUCTURES])
def test_values_of_a_raw_query_come_as_those_of_all_others(db: Db, field: str) -> None:
    first, second = {**SCALARS, **STRUCTURES}[field]
    db.given(Everything, [{"name": "a", field: first}, {"name": "b", field: second}, {"name": "c"}])
    with db.commands(1):
        found = db(whole(db)).rows()
    expected = db(rows.order_by("name")).rows()
    assert found == expected
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.__dict__ == theirs.__dict__
        assert type(getattr(mine, field)) is type(getattr(theirs, field))


@rule("F28", needs=[Feature.RAW])
def test_a_row_of_a_raw_query_is_saved_where_it_changed(db: Db) -> None:
    db.given(Everything, SOME)
    row = db(whole(db)).rows()[1]
    with db.commands(0):
        db(row).save()
    row.number = 50
    row.tags.append("y")
    with db.commands(1):
        db(row).save()
    found = db(rows.all()).get(name="n1")
    assert (found.number, found.tags, found.text) == (50, ["x", "y"], "t1")


@rule("E11", needs=[Feature.RAW])
def test_fields_that_a_raw_query_leaves_out_are_deferred(db: Db) -> None:
    db.given(Everything, SOME)
    row = db(some(db, "name", "number")).rows()[2]
    assert (row.name, row.number) == ("n2", 2)
    if db.loop is None:
        with db.commands(1):
            assert row.text == "t2"
    else:
        db(row).refresh_from_db(["text"])
    assert row.text == "t2"
    row.number = 7
    db(row).save()
    assert db(rows.filter(name="n2").values_list("number", "text")).rows() == [(7, "t2")]


@rule("E11", needs=[Feature.RAW])
def test_other_columns_of_a_raw_query_become_attributes(db: Db) -> None:
    db.given(Everything, SOME)
    if speaks_sql(db):
        query = rows.raw(f"SELECT id, number + 1 AS next_number FROM {TABLE} WHERE number >= :low", {"low": 2})
    else:
        stages: list[dict[str, Any]] = [
            {"$match": {"number": {"$gte": 2}}},
            {"$project": {"next_number": {"$add": ["$number", 1]}}},
        ]
        query = rows.raw(stages)
    (row,) = db(query).rows()
    assert row.next_number == 3
    assert not hasattr(db(rows.all()).get(name="n2"), "next_number")


@rule("E11", needs=[Feature.RAW])
def test_columns_of_a_raw_query_are_translated_to_fields(db: Db) -> None:
    db.given(TextKey, [{"code": "k", "name": "n"}])
    if speaks_sql(db):
        query: Any = "SELECT code AS a, name AS b FROM compliance_text_key"
    else:
        query = [{"$project": {"_id": 0, "a": "$_id", "b": "$name"}}]
    (row,) = db(TextKey.objects.raw(query, translations={"a": "code", "b": "name"})).rows()
    assert (row.pk, row.name) == ("k", "n")
    with db.commands(0), pytest.raises(FieldError, match=r"TextKey has no field 'nam'.*mean 'name'"):
        TextKey.objects.raw(query, translations={"b": "nam"})


@rule("K3", "K4", needs=[Feature.RAW])
@pytest.mark.parametrize("text", TEXTS)
def test_parameters_of_a_raw_query_are_only_ever_values(db: Db, text: str) -> None:
    db.given(TextKey, [{"code": text, "name": "it"}, {"code": "other", "name": "other"}])
    if speaks_sql(db):
        query = "SELECT * FROM compliance_text_key WHERE code = :code"
        assert [row.name for row in db(TextKey.objects.raw(query, {"code": text})).rows()] == ["it"]
        query = "SELECT * FROM compliance_text_key WHERE code IN :1"
        assert [row.name for row in db(TextKey.objects.raw(query, [[text, text]])).rows()] == ["it"]
    else:
        stages: list[dict[str, Any]] = [{"$match": {"_id": {"$eq": text}}}]
        assert [row.name for row in db(TextKey.objects.raw(stages)).rows()] == ["it"]


@rule("K3", needs=[Feature.RAW])
def test_signs_of_percent_and_colons_in_a_raw_query_stay_what_they_are(db: Db) -> None:
    db.given(TextKey, [{"code": "a%:b", "name": "it"}, {"code": "ab", "name": "other"}])
    if speaks_sql(db):
        query: Any = "SELECT code, name, 7 % 4 AS rest FROM compliance_text_key WHERE code LIKE 'a%:b' -- 100% :sure"
        (row,) = db(TextKey.objects.raw(query)).rows()
        assert row.rest == 3
        (row,) = db(TextKey.objects.raw(f"{query}\n AND name = :1", ["it"])).rows()
    else:
        (row,) = db(TextKey.objects.raw([{"$match": {"_id": {"$regex": "^a%:b$"}}}])).rows()
    assert row.name == "it"


@rule("E11", needs=[Feature.RAW])
def test_a_raw_query_is_read_once(db: Db) -> None:
    db.given(IntKey, [{"id": 1}, {"id": 2}])
    raw: Any = "SELECT * FROM compliance_int_key ORDER BY id" if speaks_sql(db) else [{"$sort": {"_id": 1}}]
    query = IntKey.objects.raw(raw)
    with db.commands(1):
        assert [row.pk for row in db(query).rows()] == [1, 2]
        assert (len(query), bool(query), query[1].pk, [row.pk for row in query[:1]]) == (2, True, 2, [1])
    nothing: Any = "SELECT * FROM compliance_int_key WHERE id > 5" if speaks_sql(db) else [{"$match": {"_id": 5}}]
    assert db(IntKey.objects.raw(nothing)).rows() == []


@rule("K1", needs=[Feature.RAW])
def test_a_raw_query_without_the_primary_key_is_refused(db: Db) -> None:
    db.given(Everything, SOME)
    query: Any = f"SELECT name FROM {TABLE}" if speaks_sql(db) else [{"$project": {"_id": 0, "name": 1}}]
    with pytest.raises(FieldError, match=r"Everything.*primary key 'id'.*name"):
        db(rows.raw(query)).rows()
    taken: Any = f"SELECT id, 1 AS save FROM {TABLE}" if speaks_sql(db) else [{"$project": {"save": {"$add": [1, 1]}}}]
    with pytest.raises(FieldError, match=r"Everything\.save"):
        db(rows.raw(taken)).rows()


@rule("K1", needs=[Feature.RAW])
def test_a_value_that_its_field_does_not_read_is_named(db: Db) -> None:
    db.given(Everything, SOME)
    if speaks_sql(db):
        query: Any = f"SELECT id, 'no json' AS data FROM {TABLE}"
    else:
        query = [{"$project": {"span": {"$concat": ["no ", "span"]}}}]
    with pytest.raises(DataError, match=r"Everything\.(data|span).*'no (json|span)'"):
        db(rows.raw(query)).rows()


@rule("K1", needs=[Feature.RAW])
def test_what_is_no_query_of_the_store_is_refused(db: Db) -> None:
    wrong: list[tuple[Any, Any]] = [(5, ()), (None, ()), (b"SELECT 1", ()), ({"$match": {}}, ()), (["$match"], ())]
    if speaks_sql(db):
        wrong += [
            ("BEGIN", ()),
            ("DROP TABLE nothing", ()),
            (f"DELETE FROM {TABLE}", ()),
            (f"SELECT 1; DELETE FROM {TABLE}", ()),
            (f"SELECT * FROM {TABLE} WHERE id = :id", ()),
            (f"SELECT * FROM {TABLE} WHERE id = :id", {"id": object()}),
            (f"SELECT * FROM {TABLE} WHERE id IN :id", {"id": []}),
            (f"SELECT * FROM {TABLE}", {"id": 1}),
            (f"SELECT * FROM {TABLE} WHERE id = :1", "1"),
        ]
    else:
        wrong += [("SELECT 1", ()), ([{"match": {}}], ()), ([{"$match": {}}], [1])]
    for query, parameters in wrong:
        with db.commands(0), pytest.raises(QueryUsageError, match="Everything"):
            db(rows.raw(query, parameters)).rows()


@rule("K1")
def test_a_raw_query_shows_its_text_without_its_parameters(db: Db) -> None:
    with db.commands(0):
        shown = repr(rows.raw("SELECT *\n  FROM x WHERE y = :y", {"y": "secret"}))
    assert shown == "<RawQuerySet of Everything: SELECT * FROM x WHERE y = :y>"
