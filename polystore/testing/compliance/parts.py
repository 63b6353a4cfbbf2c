"""Updates of one part of an embedded model; rule G11."""

from __future__ import annotations

import pytest

from polystore import F, Feature
from polystore.errors import DataError, FieldError, NotNullViolation, ValidationError
from polystore.testing.compliance.embedded import LOW_HIGH, docs, put
from polystore.testing.harness import Db, rule
from polystore.testing.models import Author, City, Document


@rule("G11", needs=[Feature.UPDATE_PATHS])
def test_an_update_sets_one_part_of_an_embedded_model(db: Db) -> None:
    put(db)
    assert db(docs.filter(name="ann")).update(author__age=31) == 1
    row = db(docs.all()).get(name="ann")
    assert row.author == Author(name="Ann", age=31, city=City(name="Oslo"))
    assert db(docs.filter(name__in=["ann", "bob"])).update(author__city__name="Rome", author__name="R") == 2
    assert [row.author.city.name for row in db(docs.filter(name__in=["ann", "bob"])).rows()] == ["Rome", "Rome"]
    assert db(docs.filter(name="bob")).update(author__age=None, maker__name="m") == 1
    row = db(docs.all()).get(name="bob")
    assert (row.author.age, row.author.name, row.maker.name) == (None, "R", "m")


@rule("G11", needs=[Feature.UPDATE_PATHS])
@pytest.mark.parametrize("field", list(LOW_HIGH))
def test_an_update_sets_parts_of_each_kind(db: Db, field: str) -> None:
    low, high = LOW_HIGH[field]
    values = {"low": low, "high": high, "null": None}
    put(db, [{"name": name, "author": Author(name="x", **{field: value})} for name, value in values.items()])
    db(docs.filter(name="low")).update(**{f"author__{field}": high})
    db(docs.filter(name="null")).update(**{f"author__{field}": low})
    found = {row.name: getattr(row.author, field) for row in db(docs.all()).rows()}
    assert found == {"low": high, "high": high, "null": low}


@rule("G11", needs=[Feature.UPDATE_PATHS])
def test_an_update_of_a_part_of_null_is_an_error_and_changes_nothing(db: Db) -> None:
    put(db)
    with pytest.raises(DataError):
        db(docs.filter(name="none")).update(author__age=1)
    assert db(docs.all()).get(name="none").author is None
    with pytest.raises(DataError):
        db(docs.filter(name="cid")).update(author__city__name="x")
    assert db(docs.all()).get(name="cid").author == Author(name="Cid")


@rule("A26", "G11")
def test_an_update_of_a_part_is_validated(db: Db) -> None:
    db.given(Document, [])
    with db.commands(0), pytest.raises(ValidationError, match="age"):
        db(docs.all()).update(author__age="x")
    with db.commands(0), pytest.raises(FieldError, match="author and a part of it"):
        db(docs.all()).update(author=None, author__age=1)
    with db.commands(0), pytest.raises(FieldError, match="not a place in a list"):
        db(docs.all()).update(lines__0__sku="x")
    with db.commands(0), pytest.raises(FieldError, match="not to an expression"):
        db(docs.all()).update(author__age=F("id"))
    with pytest.raises((ValidationError, NotNullViolation)):
        db(docs.all()).update(author__name=None)
