"""Keys and identity: rules E1 to E11, B23."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from bson import ObjectId

from polystore import Model
from polystore.errors import FieldError, QueryUsageError, UniqueViolation, ValidationError
from polystore.schema.kinds import INT64_MAX
from polystore.testing.harness import Db, rule
from polystore.testing.models import AutoKey, IntKey, ObjectIdKey, TextKey, UuidKey

KEYED: dict[type[Model], tuple[Any, Any]] = {
    IntKey: (3, -4),
    TextKey: ("a", "B c"),
    UuidKey: (UUID(int=5), uuid4()),
    ObjectIdKey: (ObjectId("0" * 23 + "a"), ObjectId()),
}
KINDS = pytest.mark.parametrize("model", list(KEYED), ids=lambda model: model.__name__)


def key_name(model: type[Model]) -> str:
    """The name of the model's key."""
    return "code" if model is TextKey else "id"


def two_rows(model: type[Model]) -> list[dict[str, Any]]:
    """A row for each of the model's two keys."""
    return [{key_name(model): key, "name": name} for key, name in zip(KEYED[model], "ab", strict=True)]


@rule("B23")
def test_a_model_without_a_key_gets_one_that_the_store_allocates(db: Db) -> None:
    db.clear(AutoKey)
    made = [db(AutoKey.objects.all()).create(name=name) for name in "abc"]
    keys = [row.id for row in made]
    assert len(set(keys)) == 3
    assert {type(key) for key in keys} == {int}
    assert min(keys) >= 1
    assert [db(AutoKey.objects.all()).get(pk=key).name for key in keys] == ["a", "b", "c"]


@rule("B23", "F23")
def test_a_batch_gets_its_keys_in_order(db: Db) -> None:
    db.clear(AutoKey)
    made = db(AutoKey.objects.all()).bulk_create([AutoKey(name=f"n{i}") for i in range(7)])
    assert len({row.id for row in made}) == 7
    for row in made:
        assert db(AutoKey.objects.all()).get(pk=row.id).name == row.name


@rule("B23")
def test_a_key_may_be_given_to_a_model_that_allocates(db: Db) -> None:
    db.clear(AutoKey)
    high = db(AutoKey.objects.all()).create(name="first").id + 1000
    made = db(AutoKey.objects.all()).create(id=high, name="given")
    assert made.id == high
    assert db(AutoKey.objects.all()).get(pk=high).name == "given"


@rule("B23")
def test_a_batch_may_hold_rows_with_and_without_keys(db: Db) -> None:
    db.clear(AutoKey)
    high = db(AutoKey.objects.all()).create(name="first").id + 10_000
    made = db(AutoKey.objects.all()).bulk_create([AutoKey(name="a"), AutoKey(id=high, name="b"), AutoKey(name="c")])
    assert made[1].id == high
    assert [db(AutoKey.objects.all()).get(pk=row.id).name for row in made] == ["a", "b", "c"]


@rule("E1")
@KINDS
def test_pk_is_an_alias_of_the_key_everywhere(db: Db, model: type[Model]) -> None:
    db.given(model, two_rows(model))
    first, second = KEYED[model]
    name = key_name(model)
    row = db(model.objects.all()).get(pk=first)
    assert row.pk == first == getattr(row, name)
    assert type(row.pk) is type(first)
    assert db.found(model.objects.filter(pk=second)) == "b"
    assert db.found(model.objects.filter(pk__in=[first, second])) == "a b"
    assert db.found(model.objects.exclude(pk=first)) == "b"
    assert db.found(model.objects.filter(**{name: first})) == "a"
    assert [r.pk for r in db(model.objects.order_by("pk")).rows()] == sorted(KEYED[model])
    assert [r.pk for r in db(model.objects.order_by("-pk")).rows()] == sorted(KEYED[model], reverse=True)
    assert list(db(model.objects.values_list("pk", flat=True).order_by("pk")).rows()) == sorted(KEYED[model])


@rule("E1", "F7")
@KINDS
def test_a_key_that_is_not_there_does_not_exist(db: Db, model: type[Model]) -> None:
    db.given(model, two_rows(model)[:1])
    with db.commands(1), pytest.raises(model.DoesNotExist):
        db(model.objects.all()).get(pk=KEYED[model][1])
    assert db(model.objects.all()).get_or_none(pk=KEYED[model][1]) is None


@rule("E1")
@pytest.mark.parametrize(
    ("model", "wrong"),
    [
        (IntKey, "abc"),
        (IntKey, [1]),
        (UuidKey, "abc"),
        (UuidKey, 5),
        (ObjectIdKey, "abc"),
        (ObjectIdKey, 5),
        (TextKey, 5),
    ],
    ids=lambda value: getattr(value, "__name__", None) or repr(value),
)
def test_a_key_of_the_wrong_kind_is_refused(db: Db, model: type[Model], wrong: Any) -> None:
    db.given(model, two_rows(model))
    with db.commands(0), pytest.raises(FieldError, match=f"{model.__name__}.{key_name(model)}"):
        db(model.objects.all()).get(pk=wrong)
    with db.commands(0), pytest.raises(ValueError, match=model.__name__):
        db(model.objects.filter(pk__in=[wrong])).rows()


@rule("E2")
def test_no_row_has_the_key_none(db: Db) -> None:
    db.given(IntKey, two_rows(IntKey))
    assert db(IntKey.objects.filter(pk=None)).rows() == []
    assert db(IntKey.objects.filter(pk__isnull=False)).count() == 2
    assert db(IntKey.objects.exclude(pk=None)).count() == 2


@rule("E2")
def test_saving_without_a_key_inserts(db: Db) -> None:
    db.clear(AutoKey)
    row = AutoKey(name="a")
    assert "id" not in row.model_dump(exclude_none=True)
    with db.commands(1):
        assert db(row).save() is row
    assert row.pk is not None
    assert db(AutoKey.objects.all()).get(pk=row.pk) == row


@rule("E3")
@KINDS
def test_the_key_of_a_saved_row_cannot_change(db: Db, model: type[Model]) -> None:
    db.given(model, two_rows(model)[:1])
    first, second = KEYED[model]
    row = db(model.objects.all()).get(pk=first)
    setattr(row, key_name(model), second)
    with db.commands(0), pytest.raises(QueryUsageError, match="force_insert"):
        db(row).save()
    db(row).save(force_insert=True)
    assert {r.pk for r in db(model.objects.all()).rows()} == {first, second}


@rule("E4")
def test_uuids_are_looked_up_as_text_too(db: Db) -> None:
    key = UUID("12345678-9abc-def0-1234-56789abcdef0")
    db.given(UuidKey, [{"id": key, "name": "a"}])
    for same in (key, str(key), key.hex, str(key).upper(), f"{{{key}}}", key.urn):
        assert db(UuidKey.objects.all()).get(pk=same).id == key


@rule("E4")
def test_uuids_are_ordered_by_their_bytes(db: Db) -> None:
    ordered = [UUID(int=value) for value in (0, 1, 2**64, 2**96 + 5, 2**127, 2**128 - 1)]
    db.given(UuidKey, [{"id": key} for key in ordered[::-1]])
    assert [row.id for row in db(UuidKey.objects.order_by("id")).rows()] == ordered
    assert {row.id for row in db(UuidKey.objects.filter(id__gte=ordered[4])).rows()} == set(ordered[4:])


@rule("E5")
def test_object_ids_are_looked_up_as_text_too(db: Db) -> None:
    key = ObjectId("65a1b2c3d4e5f60718293a4b")
    db.given(ObjectIdKey, [{"id": key, "name": "a"}])
    for same in (key, str(key), str(key).upper()):
        found = db(ObjectIdKey.objects.all()).get(pk=same)
        assert (found.id, type(found.id)) == (key, ObjectId)


@rule("E4", "E5", "E9")
@pytest.mark.parametrize("model", [UuidKey, ObjectIdKey], ids=lambda model: model.__name__)
def test_keys_made_here_are_known_before_the_row_is_written(db: Db, model: type[Model]) -> None:
    db.clear(model)
    first, second = model(name="a"), model(name="b")  # type: ignore[call-arg]  # fields of both models
    assert first.pk is not None
    assert first.pk != second.pk
    with db.commands(1):
        db(first).save()
    assert db(model.objects.all()).get(pk=first.pk).name == "a"


@rule("E6")
def test_instances_are_equal_when_model_and_key_are(db: Db) -> None:
    db.given(IntKey, [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])
    first, again, other = (db(IntKey.objects.all()).get(pk=key) for key in (1, 1, 2))
    assert first == again
    assert first is not again
    assert hash(first) == hash(again)
    assert first != other
    assert {first, again, other} == {again, other}
    assert first != AutoKey(id=1, name="a")


@rule("E6")
def test_unsaved_instances_are_equal_to_themselves_only(db: Db) -> None:
    db.clear(AutoKey)
    row, twin = AutoKey(name="a"), AutoKey(name="a")
    assert row == row
    assert row != twin
    with pytest.raises(TypeError, match="without a primary key"):
        hash(row)


@rule("E1", "I18")
@KINDS
def test_a_second_row_with_a_key_is_refused(db: Db, model: type[Model]) -> None:
    made = two_rows(model)[0]
    db.given(model, [made])
    with pytest.raises(UniqueViolation) as caught:
        db(model.objects.all()).create(**{**made, "name": "second"})
    assert caught.value.model == model.__name__
    assert caught.value.fields == (key_name(model),)
    assert model.__name__ in str(caught.value)
    assert db.found(model.objects.all()) == "a"


@rule("B2", "E1")
def test_int_keys_span_int64(db: Db) -> None:
    ends = (-(2**63), INT64_MAX)
    db.given(IntKey, [{"id": key} for key in ends])
    assert [row.id for row in db(IntKey.objects.order_by("pk")).rows()] == list(ends)
    assert db(IntKey.objects.all()).get_or_none(pk=2**63) is None
    assert set(db(IntKey.objects.all()).in_bulk([*ends, 2**70])) == set(ends)


@rule("E1")
def test_a_row_without_its_key_is_refused(db: Db) -> None:
    db.clear(IntKey)
    with db.commands(0), pytest.raises(ValidationError, match=r"IntKey\.id"):
        db(IntKey.objects.all()).create(name="a")
