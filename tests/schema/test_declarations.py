"""Classes that cannot become models: each error names the class and the field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from polystore import EmbeddedModel, Field, Index, Model, UniqueConstraint, field
from polystore.api.complete import schema_of
from polystore.errors import ModelError
from polystore.query.functions import Column
from polystore.schema.build import snake_case
from polystore.schema.model import MISSING, IndexInfo, UniqueInfo
from tests.schema.models import Spot


def model(
    annotations: dict[str, Any], *, base: type[Any] = Model, meta: dict[str, Any] | None = None, **made: Any
) -> Any:
    """A class ``Album`` with these fields, as a class body would make it."""
    body: dict[str, Any] = {"__annotations__": annotations, "__module__": __name__, "__qualname__": "Album", **made}
    if meta is not None:
        body["Meta"] = type("Meta", (), meta)
    return type(base)("Album", (base,), body)


Make = Callable[[], Any]
WRONG: list[tuple[Make, str]] = [
    (lambda: model({"pk": int}), "Album.pk: the name is taken by a method of every model"),
    (lambda: model({"copy": int}), "Album.copy: the name is taken by a method of every model; use another one and db_"),
    (lambda: model({"a__b": int}), "Album.a__b: a field's name is letters, digits and single underscores"),
    (lambda: model({"name_": int}), "Album.name_: a field's name is letters, digits and single underscores"),
    (lambda: model({"größe": int}), "Album.größe: a field's name is letters, digits and single underscores"),
    (lambda: model({"a": int}, a=field(db_column="x y")), "Album.a: db_column 'x y' must be letters, digits"),
    (lambda: model({"a": int}, a=field(db_column="$a")), "Album.a: db_column '$a' must be letters"),
    (lambda: model({"a" * 64: int}), f"Album.{'a' * 64}: db_column '{'a' * 64}' is longer than 63 bytes, more th"),
    (lambda: model({"a": int}, meta={"table": "50%"}), "Album.Meta: table '50%' must be letters, digits and _-. or sp"),
    (lambda: model({"a": int}, meta={"table": "a:b"}), "Album.Meta: table 'a:b' must be letters, digits and _-. or sp"),
    (lambda: model({"a": int}, meta={"table": "a."}), "Album.Meta: table 'a.' must be letters, digits and _-. or spac"),
    (lambda: model({"a": int}, meta={"table": "ä" * 32}), f"Album.Meta: table '{'ä' * 32}' is longer than 63 bytes, "),
    (lambda: model({"a": int, "b": int}, a=field(db_column="b")), "Album: the column 'b' is used twice"),
    (lambda: model({"a": list[int]}, a=field(default=[])), "Album.a: a mutable default is shared by all instances; us"),
    (lambda: model({"a": dict[str, int]}, a=field(default={})), "Album.a: a mutable default is shared by all instan"),
    (lambda: model({"a": dict[str, int]}, a=field(index=True)), "Album.a: dict of str to int cannot be indexed; ind"),
    (lambda: model({"a": Any}, a=field(unique=True)), "Album.a: JSON value cannot be unique"),
    (lambda: model({"a": int}, a=field(auto_now=True)), "Album.a: auto_now needs a date, time or datetime, not int"),
    (lambda: model({"a": str}, a=field(version=True)), "Album.a: version needs an int, not str"),
    (lambda: model({"a": float}, a=field(primary_key=True)), "Album.a: a primary key is an int, UUID, ObjectId or str"),
    (lambda: model({"a": str | None}, a=field(primary_key=True)), "Album.a: only an int key can be left to the store"),
    (
        lambda: model({"a": int, "b": int}, a=field(primary_key=True), b=field(primary_key=True)),
        "Album: exactly one field can be the primary key, not a, b",
    ),
    (
        lambda: model({"a": int}, base=EmbeddedModel, a=field(primary_key=True)),
        "Album.a: an embedded model has no primary key",
    ),
    (lambda: model({"a": int}, meta={"tabel": "x"}), "Album.Meta has no option 'tabel'; its options are abstract, "),
    (
        lambda: model({"a": int}, meta={"ordering": ["-b"]}),
        "Album.Meta: ordering names 'b', which is no field; fields are a, id",
    ),
    (lambda: model({"a": int}, meta={"get_latest_by": "b"}), "Album.Meta: get_latest_by names 'b', which is no field"),
    (lambda: model({"a": int}, meta={"indexes": [Index("b")]}), "Album.Meta: an index names 'b', which is no field"),
    (
        lambda: model({"a": int}, meta={"constraints": [UniqueConstraint("a", "b")]}),
        "Album.Meta: a unique constraint names 'b', which is no field",
    ),
    (lambda: model({"a": int}, meta={"unique_together": ["b", "c"]}), "a unique constraint names 'b', which is no"),
    (lambda: model({"a": Any}, meta={"ordering": ["a"]}), "Album.a is JSON value: rows cannot be ordered by it"),
    (lambda: model({"a": Spot}, meta={"get_latest_by": "a"}), "Album.a is Spot: rows cannot be ordered by it"),
    (lambda: model({"a": dict[str, int]}, meta={"indexes": [Index("-a")]}), "Album.a is dict of str to int: it cann"),
    (
        lambda: model({"a": Spot, "b": int}, meta={"unique_together": [("b", "a")]}),
        "Album.a is Spot: it cannot be unique",
    ),
    (
        lambda: model({"a": int}, a=field(index=True), meta={"indexes": [Index("a")]}),
        "Album: the index name 'album_a_idx' is used twice",
    ),
    (
        lambda: model({"a": int}, a=field(unique=True), meta={"unique_together": ["a"]}),
        "Album: the constraint name 'album_a_key' is used twice",
    ),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Field name")  # pydantic warns before polystore refuses
@pytest.mark.parametrize(("make", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_wrong_declaration_is_told_with_class_and_field(make: Make, message: str) -> None:
    with pytest.raises(ModelError) as raised:
        make()
    assert message in str(raised.value)


def test_a_model_without_a_key_gets_an_auto_incremented_one() -> None:
    schema = schema_of(model({"name": str}))
    assert [info.name for info in schema.fields] == ["id", "name"]
    assert (schema.primary_key.name, schema.primary_key.auto, schema.primary_key.null) == ("id", True, False)
    assert schema.beside_key == (schema.field("name"),)


@pytest.mark.parametrize(
    ("annotation", "declared", "auto"),
    [
        (int, field(primary_key=True), False),
        (int | None, field(primary_key=True, default=None), True),
        (str, field(primary_key=True), False),
        (UUID, field(primary_key=True, default_factory=uuid4), False),
    ],
)
def test_a_declared_key_takes_the_place_of_id(annotation: Any, declared: Any, auto: bool) -> None:
    schema = schema_of(model({"code": annotation, "name": str}, code=declared))
    assert [info.name for info in schema.fields] == ["code", "name"]
    assert (schema.field("pk").name, schema.primary_key.auto) == ("code", auto)


def test_a_schema_holds_what_was_declared() -> None:
    class Invoice(Model):
        number: Field[str] = field(unique=True, db_column="no")
        total: Field[Decimal] = field(default=Decimal(0), max_digits=8, decimal_places=2, index=True)
        note: Field[str | None]
        lines: Field[list[int]] = field(default_factory=list)
        revision: Field[int] = field(version=True)

        class Meta:
            store = "docs"
            ttl = timedelta(hours=1)
            ordering = ["-number"]
            indexes = [Index("number", "-total", name="latest"), Index("note", casefold=True)]
            unique_together = [("number", "note")]
            get_latest_by = ["total", "number"]

    schema = schema_of(Invoice)
    number, total, note, lines, revision = schema.beside_key
    assert (schema.table, schema.store, schema.ttl) == ("invoice", "docs", timedelta(hours=1))
    assert (schema.ordering, schema.latest_by) == (("-number",), ("total", "number"))
    assert (number.column, number.unique, number.null, number.default) == ("no", True, False, MISSING)
    assert (total.default, total.index, note.null, lines.mutable) == (Decimal(0), True, True, True)
    assert schema.version is revision
    assert [info.position for info in schema.fields] == list(range(6))
    assert schema.indexes == (
        IndexInfo(("total",), (False,), "invoice_total_idx"),
        IndexInfo(("number", "total"), (False, True), "latest"),
        IndexInfo(("note",), (False,), "invoice_note_fold", casefold=True),
    )
    assert schema.uniques == (
        UniqueInfo(("number",), "invoice_no_key"),
        UniqueInfo(("number", "note"), "invoice_number_note_key"),
    )


def test_an_abstract_base_gives_its_fields_and_options_but_not_its_table() -> None:
    class Base(Model):
        name: Field[str] = field(index=True)

        class Meta:
            abstract = True
            table = "base"
            store = "docs"
            ordering = ["name"]

    class Child(Base):
        age: Field[int]

    schema = schema_of(Child)
    assert (schema.table, schema.store, schema.ordering) == ("child", "docs", ("name",))
    assert [index.name for index in schema.indexes] == ["child_name_idx"]
    with pytest.raises(ModelError, match="Base is abstract: it has no rows"):
        schema_of(Base)


def test_a_column_stands_on_the_class() -> None:
    made = model({"name": str})
    assert isinstance(made.name, Column)
    with pytest.raises(AttributeError):
        made.nothing  # noqa: B018  # reading it is the test


@pytest.mark.parametrize(
    ("name", "table"),
    [("Album", "album"), ("InvoiceLine", "invoice_line"), ("HTTPServer", "http_server"), ("A1B", "a1_b")],
)
def test_a_table_is_named_after_its_class(name: str, table: str) -> None:
    assert snake_case(name) == table
