"""Operations become the commands that a MongoDB user would write, and nothing that answers differently."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from bson import Decimal128, Int64

from polystore import F, Q
from polystore.adapters.mongo.commands import InsertOrChange, InsertRows, Merge, Read, UpdateRows, describe
from polystore.adapters.mongo.compile import compile_operation
from polystore.adapters.mongo.dialect import SERVER
from polystore.adapters.mongo.merges import answers, change_of
from polystore.api.complete import schema_of
from polystore.errors import NotSupportedError
from polystore.query.operations import Insert, OnConflict, UpdateEach
from polystore.testing.models import Versioned
from tests.adapters.mongo.helpers import NOTE, SESSION, bound, filter_document

VERSIONED = schema_of(Versioned)


def test_a_get_by_key_is_one_find_with_a_limit_of_one() -> None:
    command = bound(NOTE, terminal="get", pk=7)
    assert command.document == {"find": "mongo_note", "filter": {"_id": 7}, "limit": 1, "singleBatch": True}


def test_conditions_on_several_fields_stand_in_one_document() -> None:
    assert filter_document(NOTE, stars=3, title="x") == {"stars": 3, "title": "x"}


def test_the_ends_of_a_range_share_their_field() -> None:
    assert filter_document(NOTE, stars__range=(1, 5)) == {"stars": {"$gte": 1, "$lte": 5}}


def test_two_conditions_that_do_not_merge_stand_under_and() -> None:
    found = filter_document(NOTE, stars__gt=1, stars__in=[2, 3])
    assert found == {"$and": [{"stars": {"$gt": 1}}, {"stars": {"$in": [2, 3]}}]}


@pytest.mark.parametrize(
    ("lookups", "expected"),
    [
        ({"stars": 1}, {"stars": {"$ne": 1}}),
        ({"stars__in": [1, 2]}, {"stars": {"$nin": [1, 2]}}),
        ({"stars__gt": 1}, {"stars": {"$not": {"$gt": 1}}}),
        ({"stars__isnull": True}, {"stars": {"$ne": None}}),
        ({"title__contains": "a.b"}, {"title": {"$not": {"$regex": "a\\.b"}}}),
    ],
)
def test_exclude_is_the_operator_that_keeps_null(lookups: dict[str, object], expected: dict[str, object]) -> None:
    assert filter_document(NOTE, exclude=True, **lookups) == expected


def test_exclude_of_two_conditions_negates_each_of_them_under_or() -> None:
    found = filter_document(NOTE, exclude=True, stars=1, title="x")
    assert found == {"$or": [{"stars": {"$ne": 1}}, {"title": {"$ne": "x"}}]}


def test_text_without_regard_to_case_is_written_as_flags_and_classes() -> None:
    assert filter_document(NOTE, title__iexact="aÉ*s") == {"title": {"$regex": "\\A(?i)a(?-i)[éÉ]\\*[sS\u017f]\\z"}}


def test_a_regular_expression_uses_the_operator_that_can_fail() -> None:
    expected = {"$regexMatch": {"input": "$title", "regex": {"$literal": "\\Aa$".replace("$", "\\z")}}}
    assert filter_document(NOTE, title__regex="^a$") == {"$expr": expected}


def test_comparing_two_fields_guards_against_null_on_both_sides() -> None:
    test = {"$and": [{"$gt": ["$$a", None]}, {"$gt": ["$$b", None]}, {"$lt": ["$$a", "$$b"]}]}
    expected = {"$let": {"vars": {"a": "$stars", "b": "$votes"}, "in": test}}
    assert filter_document(NOTE, stars__lt=F("votes")) == {"$expr": expected}
    assert filter_document(NOTE, exclude=True, stars__lt=F("votes")) == {"$expr": {"$not": [expected]}}


def test_values_in_expressions_are_literals() -> None:
    found = filter_document(NOTE, moment__month__in=[1, 2])
    assert found["$expr"]["$let"]["in"]["$and"][1] == {"$in": ["$$a", {"$literal": [1, 2]}]}


def test_each_call_gets_its_own_document() -> None:
    command = compile_operation(Insert(NOTE, (NOTE.field("title"),)), SERVER)
    first, second = command.bind([("a",)]), command.bind([("a",)])
    assert first.documents == second.documents
    assert first.documents[0] is not second.documents[0]


def test_an_insert_writes_an_explicit_null_for_every_declared_field() -> None:
    command = compile_operation(Insert(NOTE, (NOTE.field("title"),)), SERVER).bind([("a",)])
    assert isinstance(command, InsertRows)
    (document,) = command.documents
    assert next(iter(document)) == "_id"
    assert document["title"] == "a"
    assert {key for key, value in document.items() if value is None} == {
        info.column for info in NOTE.fields if info.name != "title" and not info.primary_key
    } | {"_id"}


def test_an_update_with_values_is_a_plain_set() -> None:
    command = bound(NOTE, terminal="update", update={"stars": 5, "slug": None}, pk=1)
    assert isinstance(command, UpdateRows)
    assert command.update == {"$set": {"stars": 5, "slug": None}}
    assert type(command.update["$set"]["stars"]) is Int64
    assert command.single


def test_an_update_with_an_expression_is_a_pipeline_that_checks_its_result() -> None:
    command = bound(NOTE, terminal="update", update={"votes": F("votes") + 1})
    assert isinstance(command, UpdateRows)
    assert isinstance(command.update, list)
    assert "$toLong" in describe(command)
    assert command.fallible
    assert command.rehearsal is not None


def test_an_update_by_key_needs_no_transaction() -> None:
    command = bound(NOTE, terminal="update", update={"votes": F("votes") + 1}, pk=1)
    assert isinstance(command, UpdateRows)
    assert command.single
    assert not command.fallible


def test_an_update_whose_condition_computes_can_fail_half_way() -> None:
    command = bound(NOTE, terminal="update", update={"title": "x"}, stars__gt=F("votes") * 2)
    assert isinstance(command, UpdateRows)
    assert command.fallible


def test_a_slice_asks_for_all_its_rows_in_one_reply() -> None:
    steps = (("order", ("-stars",)), ("slice", True, True))
    command = bound(NOTE, Q(), steps=steps, step_values=(10, 500))
    assert command == Read(
        NOTE,
        {
            "find": "mongo_note",
            "filter": {},
            "sort": {"stars": -1, "_id": -1},
            "allowDiskUse": True,
            "skip": 10,
            "limit": 500,
            "batchSize": 500,
        },
        True,
    )


def test_distinct_rows_are_groups_in_which_missing_is_null() -> None:
    command = bound(NOTE, steps=(("values", ("stars",)), ("distinct",)))
    assert isinstance(command, Read)
    group = command.document["pipeline"][1]
    assert group == {"$group": {"_id": {"stars": {"$ifNull": ["$stars", None]}}}}


def test_decimals_are_compared_as_decimal128() -> None:
    assert filter_document(NOTE, price__gte="1.1") == {"price": {"$gte": Decimal128("1.10")}}


def test_microseconds_are_compared_as_an_int() -> None:
    moment = datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)
    assert filter_document(NOTE, exact=moment) == {"exact": 1_000_005}


def test_every_command_on_rows_that_expire_leaves_out_those_that_have() -> None:
    read, count = bound(SESSION, user="a"), bound(SESSION, terminal="count", user="a")
    delete, update = bound(SESSION, terminal="delete"), bound(SESSION, terminal="update", update={"user": "b"})
    for text in map(describe, (read, count, delete, update)):
        assert '"_expires": {"$gt": ' in text
    assert isinstance(update, UpdateRows)
    assert isinstance(update.update, dict)
    assert "_expires" in update.update["$set"]


@pytest.mark.parametrize("lookups", [{"blob__gt": b"a"}, {"blob__lte": b"a"}, {"blob__range": (b"a", b"b")}])
def test_an_order_of_bytes_is_refused_because_the_server_has_another(lookups: dict[str, object]) -> None:
    with pytest.raises(NotSupportedError, match=r"Note\.blob is bytes: MongoDB orders bytes by their length"):
        filter_document(NOTE, **lookups)


def test_ordering_rows_by_bytes_is_refused() -> None:
    with pytest.raises(NotSupportedError, match=r"Note\.blob"):
        bound(NOTE, steps=(("order", ("blob",)),))


@pytest.mark.parametrize("name", ["data"])
def test_distinct_documents_of_any_shape_are_refused(name: str) -> None:
    with pytest.raises(NotSupportedError, match=r"order of their keys"):
        bound(NOTE, steps=(("values", (name,)), ("distinct",)))


def test_distinct_lists_and_embedded_models_have_one_shape_and_are_answered() -> None:
    bound(NOTE, steps=(("values", ("tags", "person")), ("distinct",)))


def test_a_text_too_long_for_a_pattern_is_refused_before_any_io() -> None:
    with pytest.raises(NotSupportedError, match=r"too long for MongoDB to search for"):
        filter_document(NOTE, title__icontains="ß" * 2000)


def test_comparing_two_fields_without_regard_to_case_is_refused() -> None:
    with pytest.raises(NotSupportedError, match=r"iexact"):
        filter_document(NOTE, title__iexact=F("slug"))


def upsert(target: str, *changed: str) -> InsertOrChange:
    """The bound command that inserts a note or changes the one that has the target."""
    fields = tuple(NOTE.field(name) for name in changed)
    found = OnConflict((NOTE.field(target),), fields, (NOTE.primary_key,))
    operation = Insert(NOTE, (NOTE.field("slug"), NOTE.field("stars"), NOTE.field("title")), on_conflict=found)
    command = compile_operation(operation, SERVER).bind([("x", Int64(5), "t")])
    assert isinstance(command, InsertOrChange)
    return command


def test_an_upsert_sets_what_changes_and_inserts_the_rest() -> None:
    command = upsert("slug", "stars")
    (document,) = command.documents
    change = change_of(command.merge, document)
    assert change.filter == {"slug": {"$eq": "x"}}
    assert change.update["$set"] == {"stars": 5}
    assert change.update["$setOnInsert"] == {
        key: value for key, value in document.items() if key not in ("slug", "stars")
    }


def test_what_is_told_of_upserts_is_found_by_values_as_the_server_gives_them_back() -> None:
    merge = Merge(("price", "moment"), (), ("_id",), None, (Decimal128.to_decimal, None))
    asked = [{"price": Decimal128("1.50"), "moment": datetime(2024, 1, 1, 0, 0, 0, 5999)}]
    found = [{"_id": 7, "price": Decimal128("1.5"), "moment": datetime(2024, 1, 1, 0, 0, 0, 5000)}]
    assert answers(merge, asked, found) == [{"_id": 7}]
    assert answers(merge, asked, []) == [{"_id": None}]


def test_a_change_by_key_counts_the_version_that_it_asks_for() -> None:
    bind = compile_operation(UpdateEach(NOTE, (NOTE.field("stars"),)), SERVER).bind
    assert bind([(7, None)]).changes == [({"_id": 7}, {"$set": {"stars": None}})]
    bind = compile_operation(UpdateEach(VERSIONED, (VERSIONED.field("plays"),)), SERVER).bind
    assert bind([(7, 3, 9)]).changes == [({"_id": 7, "revision": 3}, {"$set": {"plays": 9}, "$inc": {"revision": 1}})]
