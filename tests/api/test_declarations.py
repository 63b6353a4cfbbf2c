"""Classes that cannot become models are refused where they are written; what bases declare is inherited."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from polystore import EmbeddedModel, Field, Index, Model, Store, UniqueConstraint, field
from polystore.api.registry import all_models
from polystore.errors import DoesNotExist, ModelError, MultipleObjectsReturned
from tests.api.shop import Album, Track, told

pytestmark = pytest.mark.filterwarnings("ignore:Field name:UserWarning")

TAKEN = "Wrong.{0}: the name is taken by a method of every model; use another one and db_column='{0}'"
NAME = "Wrong.{}: a field's name is letters, digits and single underscores, and not pk or objects"


def declare(
    annotations: dict[str, Any], meta: dict[str, Any] | None = None, base: type[Any] = Model, **fields: Any
) -> Any:
    """A model of the name ``Wrong`` with these annotations, declarations and options."""
    body = {"__annotations__": annotations, "__module__": __name__, **fields}
    return type(Model)("Wrong", (base,), body if meta is None else {**body, "Meta": type("Meta", (), meta)})


WRONG: dict[str, Callable[[], Any]] = {
    "Wrong: exactly one field can be the primary key, not a, b": lambda: declare(
        {"a": int, "b": int}, a=field(primary_key=True), b=field(primary_key=True)
    ),
    "Wrong.a: a primary key is an int, UUID, ObjectId or str, not float": lambda: declare(
        {"a": float}, a=field(primary_key=True)
    ),
    "Wrong.a: only an int key can be left to the store (int | None); give a default_factory": lambda: declare(
        {"a": str | None}, a=field(primary_key=True)
    ),
    "Wrong.a: an embedded model has no primary key": lambda: declare(
        {"a": int}, base=EmbeddedModel, a=field(primary_key=True)
    ),
    "Wrong: at most one field can be the version, not a, b": lambda: declare(
        {"a": int, "b": int}, a=field(version=True), b=field(version=True)
    ),
    "Wrong.a: version needs an int, not str": lambda: declare({"a": str}, a=field(version=True)),
    "Wrong.a: auto_now needs a date, time or datetime, not int": lambda: declare({"a": int}, a=field(auto_now=True)),
    "Wrong.a: list of int cannot be unique": lambda: declare({"a": list[int]}, a=field(unique=True)),
    "Wrong.a: a mutable default is shared by all instances; use default_factory": lambda: declare(
        {"a": list[int]}, a=field(default=[])
    ),
    "Wrong.a: Input should be a valid integer, unable to parse string as an integer, not 'x'; this is its default": (
        lambda: declare({"a": int}, a=field(default="x"))
    ),
    "Wrong.a: Input should be a valid string, not None; this is its default": lambda: declare({"a": str}, a=None),
    "Wrong.a: String should have at most 2 characters, not 'xyz'; this is its default": lambda: declare(
        {"a": str}, a=field(default="xyz", max_length=2)
    ),
    "Wrong.a: db_column 'a b' must be letters, digits and underscores": lambda: declare(
        {"a": int}, a=field(db_column="a b")
    ),
    "Wrong: the column 'b' is used twice": lambda: declare({"a": int, "b": int}, a=field(db_column="b")),
    "Wrong.a: Album is a model; embed an EmbeddedModel, or refer to it by key": lambda: declare({"a": Album}),
    "Wrong.a: a dict needs str keys, not <class 'int'>; use dict[str, T] or a list of embedded models": (
        lambda: declare({"a": dict[int, int]})
    ),
    "Wrong: Field 'a' requires a type annotation": lambda: declare({}, a=field()),
    NAME.format("a__b"): lambda: declare({"a__b": int}),
    NAME.format("a_"): lambda: declare({"a_": int}),
    "Wrong.Meta has no option 'tabel'; its options are abstract, constraints, get_latest_by, indexes, ordering, store, "
    "table, ttl, unique_together": lambda: declare({"a": int}, {"tabel": "x"}),
    "Wrong.Meta: ordering names 'b', which is no field; fields are a, id": lambda: declare(
        {"a": int}, {"ordering": ["-b"]}
    ),
    "Wrong.Meta: ordering is given as list, not 'a'": lambda: declare({"a": int}, {"ordering": "a"}),
    "Wrong.Meta: get_latest_by names 'b', which is no field; fields are a, id": lambda: declare(
        {"a": int}, {"get_latest_by": "b"}
    ),
    "Wrong.Meta: an index names 'b', which is no field; fields are a, id": lambda: declare(
        {"a": int}, {"indexes": [Index("b")]}
    ),
    "Wrong.Meta: indexes holds Index objects, not 'a'": lambda: declare({"a": int}, {"indexes": ["a"]}),
    "Wrong.Meta: constraints holds UniqueConstraint objects, not Index(fields=('a',), name=None, casefold=False)": (
        lambda: declare({"a": int}, {"constraints": [Index("a")]})
    ),
    "Wrong.Meta: a unique constraint names 'b', which is no field; fields are a, id": lambda: declare(
        {"a": int}, {"unique_together": [("a", "b")]}
    ),
    "Wrong.Meta: ttl is given as timedelta, not 60": lambda: declare({"a": int}, {"ttl": 60}),
}


@pytest.mark.parametrize(("text", "act"), WRONG.items(), ids=WRONG)
def test_a_class_that_cannot_be_a_model_is_refused_with_what_would_work(text: str, act: Callable[[], Any]) -> None:
    assert told(ModelError, act) == text
    assert "Wrong" not in [model.__name__ for model in all_models()]


@pytest.mark.parametrize("name", ["save", "asave", "delete", "refresh_from_db", "pk", "objects", "copy"])
def test_a_field_does_not_take_the_name_of_a_method(name: str) -> None:
    assert told(ModelError, lambda: declare({name: int})) == TAKEN.format(name)


def test_a_kind_that_there_is_not_is_refused_with_those_there_are() -> None:
    text = told(ModelError, lambda: declare({"a": set[int]}))
    assert text.startswith("Wrong.a: no kind of value for set[int]; use bool, int, float, Decimal, str, bytes, date")


def test_an_unknown_option_of_a_field_is_refused_with_those_there_are() -> None:
    options: dict[str, Any] = {"uniqe": True}
    text = told(ModelError, lambda: field(**options))
    assert text.startswith("field() has no option 'uniqe'; its options are alias, allow_inf_nan, auto_now, ")
    assert ", unique, " in text


# ---- what is inherited


class Stamped(Model):
    """An abstract base with options and a key that the store allocates."""

    created: Field[datetime] = field(auto_now_add=True)

    class Meta:
        abstract = True
        store = "docs"
        ordering = ["-created"]
        get_latest_by = "created"
        ttl = timedelta(hours=1)


class Named(Model):
    """A second abstract base, mixed in."""

    name: Field[str] = field(max_length=20, unique=True)

    class Meta:
        abstract = True
        constraints = [UniqueConstraint("name", "id")]

    def shout(self) -> str:
        return self.name.upper()


class Note(Stamped, Named):
    """A model of both."""

    text: Field[str] = field(default="")


class Memo(Note):
    """A concrete model below a concrete one: its rows are its own."""

    class Meta:
        ordering = ["name"]
        store = "default"


def test_fields_methods_and_options_of_abstract_bases_are_inherited() -> None:
    schema = Note.__polystore_schema__
    assert set(schema.by_name) == {"id", "created", "name", "text"}
    assert schema.by_name["name"].unique
    assert (schema.table, schema.store, schema.ordering) == ("note", "docs", ("-created",))
    assert (schema.latest_by, schema.ttl) == (("created",), timedelta(hours=1))
    assert Note(name="x").shout() == "X"


def test_options_are_those_of_the_first_abstract_base_and_a_class_has_the_last_word() -> None:
    schema = Memo.__polystore_schema__
    assert (schema.table, schema.store, schema.ordering) == ("memo", "default", ("name",))
    assert schema.latest_by == ("created",)


def test_abstract_classes_have_no_rows() -> None:
    for act in (lambda: Stamped.objects.filter(id=1), lambda: Stamped.objects.order_by("created")):
        assert told(ModelError, act) == "Stamped is abstract: it has no rows"


def test_a_concrete_model_below_another_has_rows_of_its_own() -> None:
    with Store({"default": "memory://", "docs": "memory://"}):
        Note.objects.create(name="note")
        Memo.objects.create(name="memo")
        assert [row.name for row in Note.objects.all()] == ["note"]
        assert [row.name for row in Memo.objects.all()] == ["memo"]


def test_each_model_has_errors_of_its_own_below_those_of_its_base() -> None:
    for name, root in (("DoesNotExist", DoesNotExist), ("MultipleObjectsReturned", MultipleObjectsReturned)):
        own, other, below = getattr(Note, name), getattr(Track, name), getattr(Memo, name)
        assert issubclass(own, root)
        assert issubclass(own, LookupError)
        assert issubclass(below, own)
        assert not issubclass(own, other)
        assert own.__qualname__ == f"Note.{name}"
    with Store({"default": "memory://", "docs": "memory://"}):
        with pytest.raises(Note.DoesNotExist) as caught:
            Memo.objects.get(pk=1)
        assert caught.type is Memo.DoesNotExist
