"""What only a real MongoDB can show: keys, batches, errors, expiry, large answers, plans, outages."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Int64
from pymongo import MongoClient

from polystore import F, Store
from polystore.adapters.mongo import open as open_mongo
from polystore.adapters.mongo.patterns import pattern_of
from polystore.errors import (
    BulkWriteError,
    CheckViolation,
    DataError,
    NotNullViolation,
    StoreUnavailable,
    UniqueViolation,
)
from polystore.query.operators import Operator
from polystore.query.text import fold_table, simple_fold
from tests.adapters.mongo.helpers import NOTE, SESSION, Note, Session, bound

pytestmark = pytest.mark.server("mongodb")


@pytest.fixture(scope="module")
def url(available_servers: dict[str, str]) -> str:
    return available_servers["mongodb"]


@pytest.fixture(scope="module")
def driver(url: str) -> Iterator[Any]:
    client: MongoClient[Any] = MongoClient(url)
    yield client.get_default_database()
    client.close()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store({"default": {"url": url, "key_block": 5}}) as opened:
        opened.drop_all([Note, Session])
        opened.create_all([Note, Session])
        yield opened
        opened.drop_all([Note, Session])


@pytest.fixture
def single_server(url: str, store: Store) -> Iterator[Store]:
    """The same database, used as if it had no transactions."""
    with Store({"default": {"url": url, "transactions": False}}) as opened:
        yield opened


def test_processes_with_their_own_reserves_never_allocate_the_same_key(store: Store, url: str) -> None:
    with Store({"default": {"url": url, "key_block": 3}}) as other:
        stores = [store, other] * 4

        def insert(place: int) -> list[int]:
            found = []
            for number in range(12):
                note = Note(title=f"{place}/{number}")
                Note.objects.using(stores[place]).bulk_create([note])
                found.append(note.id)
            return found

        with ThreadPoolExecutor(8) as pool:
            keys = [key for part in pool.map(insert, range(8)) for key in part]
    assert len(set(keys)) == 96
    assert Note.objects.using(store).count() == 96


def test_a_key_that_a_user_chose_is_never_allocated_again(store: Store) -> None:
    Note(title="first").save()
    Note(id=3, title="within the reserve").save()
    Note(id=40, title="beyond it").save()
    for number in range(20):
        Note(title=str(number)).save()
    Note.objects.bulk_create([Note(title="many") for _ in range(30)])
    assert Note.objects.count() == 53


def test_a_batch_steps_over_keys_that_others_wrote_behind_our_back(store: Store, driver: Any) -> None:
    Note(title="first").save()
    blank = {info.column: None for info in NOTE.fields if not info.primary_key} | {"title": "", "votes": Int64(0)}
    price = driver.mongo_note.find_one()["price"]
    driver.mongo_note.insert_many([{**blank, "_id": Int64(key), "price": price} for key in range(2, 20)])
    Note.objects.bulk_create([Note(title="a"), Note(title="b")])
    Note(title="c").save()
    assert Note.objects.count() == 22


def test_a_batch_in_conflict_writes_nothing(store: Store) -> None:
    Note(slug="taken").save()
    with pytest.raises(UniqueViolation) as caught:
        Note.objects.bulk_create([Note(slug="free"), Note(slug="taken"), Note(slug="other")])
    assert caught.value.fields == ("slug",)
    assert caught.value.constraint == "mongo_note_slug_key"
    assert caught.value.__cause__ is not None
    assert Note.objects.count() == 1


def test_without_transactions_a_batch_in_conflict_tells_what_was_written(single_server: Store) -> None:
    Note(slug="taken").save()
    with pytest.raises(BulkWriteError, match="1 of 3 rows were written") as caught:
        Note.objects.bulk_create([Note(slug="free"), Note(slug="taken"), Note(slug="other")])
    written, conflict, missed = caught.value.outcomes
    assert written is None
    assert isinstance(conflict, UniqueViolation)
    assert "not tried" in str(missed)
    assert Note.objects.count() == 2


def test_without_transactions_a_batch_whose_first_row_conflicts_raises_its_error(single_server: Store) -> None:
    Note(slug="taken").save()
    with pytest.raises(UniqueViolation):
        Note.objects.bulk_create([Note(slug="taken"), Note(slug="other")])
    assert Note.objects.count() == 1


def test_ignored_conflicts_leave_the_rows_in_conflict_out(store: Store) -> None:
    Note(slug="taken").save()
    Note.objects.bulk_create([Note(slug="a"), Note(slug="taken"), Note(slug="b")], ignore_conflicts=True)
    assert sorted(Note.objects.values_list("slug", flat=True)) == ["a", "b", "taken"]


@pytest.mark.parametrize("kind", ["store", "single_server"])
def test_an_update_that_fails_for_one_row_changes_none(request: pytest.FixtureRequest, kind: str) -> None:
    request.getfixturevalue(kind)
    Note.objects.bulk_create([Note(votes=1), Note(votes=2**62), Note(votes=0)])
    with pytest.raises(DataError):
        Note.objects.all().update(votes=F("votes") * 4)
    with pytest.raises(DataError):
        Note.objects.filter(stars__isnull=True).update(votes=F("votes") % F("votes"))
    assert sorted(Note.objects.values_list("votes", flat=True)) == [0, 1, 2**62]


@pytest.mark.parametrize("kind", ["store", "single_server"])
def test_a_delete_whose_condition_fails_for_one_row_removes_none(request: pytest.FixtureRequest, kind: str) -> None:
    request.getfixturevalue(kind)
    Note.objects.bulk_create([Note(votes=number, stars=1) for number in (3, 2, 1, 0)])
    with pytest.raises(DataError):
        Note.objects.filter(stars__lte=F("stars") / F("votes") * 6).delete()
    assert Note.objects.count() == 4


def test_many_nulls_fit_a_unique_field_and_its_index_serves_queries(store: Store, driver: Any) -> None:
    Note.objects.bulk_create([Note(slug=f"s{number}" if number % 2 else None) for number in range(100)])
    for lookups in ({"slug": "s3"}, {"slug__in": ["s3", "s5"]}, {"slug__gte": "s9"}):
        plan = driver.mongo_note.find(bound(NOTE, **lookups).document["filter"]).explain()  # type: ignore[arg-type, union-attr]
        assert "IXSCAN" in json.dumps(plan["queryPlanner"]["winningPlan"]), lookups


def test_create_all_can_be_repeated_and_the_validator_refuses_foreign_nonsense(store: Store, url: str) -> None:
    store.create_all([Note])
    Note(title="x").save()
    backend = open_mongo(url, {}).connect()
    for value, error in ((5, CheckViolation), (None, NotNullViolation)):
        command = bound(NOTE, terminal="update", update={"stars": 1})
        command = command._replace(update={"$set": {"title": value}})  # type: ignore[call-arg]
        with pytest.raises(error) as caught:
            backend.execute(command)
        assert caught.value.fields == ("title",)
    backend.close()


def test_a_document_beyond_16_megabytes_is_refused_with_its_reason(store: Store, url: str) -> None:
    with pytest.raises(DataError, match="Note"):
        Note(data={"text": "x" * 17_000_000}).save()
    Note(title="x", data={"text": "x" * 9_000_000}).save()
    with pytest.raises(DataError, match="Note"):
        Note.objects.bulk_create([Note(title="small"), Note(data=["x" * 17_000_000])])
    assert Note.objects.count() == 1


def test_without_transactions_a_batch_with_a_document_too_large_writes_nothing(single_server: Store) -> None:
    notes = [Note(data="x" * 15_000_000) for _ in range(5)]
    with pytest.raises(DataError, match="16 MB"):
        Note.objects.bulk_create([*notes, Note(data="x" * 17_000_000)])
    assert Note.objects.count() == 0


def test_a_document_older_than_a_field_has_null_there(store: Store, driver: Any) -> None:
    driver.mongo_note.insert_one({"_id": Int64(1), "title": "old"}, bypass_document_validation=True)
    Note.objects.create(title="new", stars=3, tags=["x"])
    old = Note.objects.get(pk=1)
    assert (old.title, old.slug, old.stars, old.tags, old.person) == ("old", None, None, None, None)
    assert [note.title for note in Note.objects.filter(stars=None)] == ["old"]
    assert [note.title for note in Note.objects.exclude(stars=3)] == ["old"]
    assert [note.title for note in Note.objects.filter(tags__isnull=True)] == ["old"]
    assert [note.title for note in Note.objects.order_by("-stars")] == ["new", "old"]
    assert list(Note.objects.order_by("stars").values_list("stars", flat=True)) == [None, 3]
    assert Note.objects.filter(stars__lt=5).count() == 1
    assert Note.objects.filter(title="old").update(stars=F("stars") + 1) == 1
    assert Note.objects.get(pk=1).stars is None
    old.stars = 4
    old.save()
    assert Note.objects.get(pk=1).stars == 4


def test_answers_of_more_than_one_reply_are_whole(store: Store) -> None:
    for number in range(5):
        Note.objects.create(title=str(number), data="x" * 5_000_000)
    titles = ["0", "1", "2", "3", "4"]
    assert [note.title for note in Note.objects.order_by("title")] == titles
    assert [note.title for note in Note.objects.order_by("title")[:5]] == titles
    assert sorted(Note.objects.values_list("title", flat=True).distinct()) == titles


def test_expired_rows_are_gone_for_every_question_and_free_their_unique_values(store: Store, driver: Any) -> None:
    session = Session(id="a", user="ann")
    session.save(force_insert=True)
    assert Session.objects.get(pk="a").user == "ann"
    with pytest.raises(UniqueViolation):
        Session(id="b", user="ann").save(force_insert=True)
    time.sleep(1.21)
    assert driver.mongo_session.count_documents({}) == 1
    assert list(Session.objects.all()) == []
    assert Session.objects.count() == 0
    assert not Session.objects.filter(pk="a").exists()
    assert Session.objects.all().update(user="x") == 0
    assert Session.objects.all().delete()[0] == 0
    Session(id="b", user="ann").save(force_insert=True)
    Session(id="a", user="bob").save(force_insert=True)
    assert Session.objects.count() == 2


def test_a_write_prolongs_the_life_of_a_row(store: Store) -> None:
    Session(id="a").save(force_insert=True)
    time.sleep(0.7)
    Session.objects.filter(pk="a").update(user="x")
    time.sleep(0.7)
    assert Session.objects.filter(pk="a").exists()


def test_every_cased_character_is_found_as_simple_folding_says(driver: Any) -> None:
    table = fold_table()
    characters = sorted(set(map(chr, table)) | set(table.values()))
    classes: dict[str, set[str]] = {}
    for character in characters:
        classes.setdefault(simple_fold(character), set()).add(character)
    documents = driver.mongo_characters
    documents.drop()
    documents.insert_many([{"_id": character} for character in characters])
    pattern = pattern_of(Operator.IEXACT, "pcre")
    stages = {str(place): [{"$match": {"_id": {"$regex": pattern(folded)}}}] for place, folded in enumerate(classes)}
    wanted = list(classes.values())
    for start in range(0, len(stages), 200):
        part = dict(list(stages.items())[start : start + 200])
        for place, found in documents.aggregate([{"$facet": part}]).next().items():
            assert {document["_id"] for document in found} == wanted[int(place)]
    documents.drop()


def test_a_search_that_the_server_gives_up_is_an_error_and_not_an_empty_answer(store: Store) -> None:
    Note(data=None, slug="a" * 40_000 + "c").save()
    with pytest.raises(DataError, match="gives up"):
        Note.objects.filter(slug__regex="^(?:a|b)*c").count()


def test_keys_that_look_like_operators_live_in_json(store: Store) -> None:
    data = {"$set": {"a.b": 1}, "": {"$ref": "x", "$id": 5}, "$": [{".": None}]}
    note = Note(data=data)
    note.save()
    assert Note.objects.get(pk=note.pk).data == data
    note.data["$inc"] = {"$a": "$title"}
    note.save()
    assert Note.objects.get(pk=note.pk).data == {**data, "$inc": {"$a": "$title"}}
    Note.objects.filter(pk=note.pk).update(votes=F("votes") + 1, data={"$x": "$$NOW"}, title="$slug")
    found = Note.objects.get(pk=note.pk)
    assert (found.votes, found.data, found.title) == (1, {"$x": "$$NOW"}, "$slug")


def test_documents_without_the_field_read_as_null_and_are_found_as_null(store: Store, driver: Any) -> None:
    note = Note(title="old", stars=3)
    note.save()
    driver.command({"collMod": "mongo_note", "validationLevel": "off"})
    driver.mongo_note.update_one({"_id": note.id}, {"$unset": {"stars": 1, "person": 1}})
    assert Note.objects.get(stars=None).stars is None
    assert Note.objects.exclude(stars=3).count() == 1
    assert Note.objects.exclude(stars__gt=F("votes")).count() == 1
    assert list(Note.objects.values_list("stars", flat=True).distinct()) == [None]
    assert Note.objects.all().update(stars=F("stars") + 1) == 1
    assert Note.objects.get().stars is None


def test_explain_shows_the_command_and_the_plan_of_the_server(store: Store) -> None:
    Note(slug="a").save()
    queryset = Note.objects.filter(slug="a")
    assert 'mongo_note.find {"filter": {"slug": "a"}' in queryset.explain()
    assert "IXSCAN" in queryset.explain(analyze=True)


def test_an_unreachable_server_is_named_without_its_password() -> None:
    url = "mongodb://ann:secret@127.0.0.1:9/shop?serverSelectionTimeoutMS=100&directConnection=true"
    backend = open_mongo(url, {}).connect()
    with pytest.raises(StoreUnavailable) as caught:
        backend.ping()
    assert "mongodb://ann:***@127.0.0.1:9/shop" in str(caught.value)
    assert "secret" not in str(caught.value)
    with pytest.raises(StoreUnavailable):
        backend.execute(bound(SESSION, pk="x"))
    backend.close()


def test_a_closed_backend_opens_again(url: str, store: Store) -> None:
    backend = open_mongo(url, {}).connect()
    assert backend.execute(bound(NOTE, terminal="count")) == 0
    backend.close()
    assert backend.execute(bound(NOTE, terminal="count")) == 0
    backend.close()


async def test_tasks_share_one_async_backend(url: str, store: Store) -> None:
    backend = open_mongo(url, {}).connect_async()
    Note.objects.bulk_create([Note(id=number, votes=number) for number in range(1, 21)])
    commands = [bound(NOTE, pk=number) for number in range(1, 21)]
    found = await asyncio.gather(*(backend.execute(command) for command in commands))
    assert [rows[0]["votes"] for rows in found] == list(range(1, 21))
    changes = [bound(NOTE, terminal="update", update={"votes": F("votes") + 1}) for _ in range(10)]
    await asyncio.gather(*(backend.execute(change) for change in changes))
    assert await backend.execute(bound(NOTE, terminal="count", votes=11)) == 1
    await backend.close()


def test_moments_are_cut_to_milliseconds_in_the_instance_and_in_questions(store: Store) -> None:
    moment = datetime(1969, 12, 31, 23, 59, 59, 123456, tzinfo=UTC)
    note = Note(moment=moment, exact=moment)
    note.save()
    assert note.moment == moment.replace(microsecond=123000)
    assert note.exact == moment
    assert Note.objects.get(moment=moment) == note
    assert Note.objects.filter(exact=moment, moment__lte=moment).count() == 1
    assert Note.objects.filter(exact=moment - timedelta(microseconds=1)).count() == 0
