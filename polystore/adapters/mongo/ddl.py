"""Collections, validators and indexes as command documents."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bson import Binary, Decimal128, ObjectId

from polystore.adapters.mongo.dialect import EXPIRY, KEY, path_of
from polystore.adapters.mongo.places import Place, place_of
from polystore.adapters.mongo.types import DECIMAL_DIGITS
from polystore.errors import NotSupportedError
from polystore.query.names import expression_of
from polystore.schema.document_indexes import targets_of
from polystore.schema.kinds import (
    BoolKind,
    BytesKind,
    DateKind,
    DateTimeKind,
    DecimalKind,
    DurationKind,
    EmbeddedKind,
    FloatKind,
    IntKind,
    JsonKind,
    Kind,
    ListKind,
    MapKind,
    NaiveDateTimeKind,
    ObjectIdKind,
    PlainKind,
    TextKind,
    TimeKind,
    UuidKind,
    plain_kind,
)
from polystore.schema.model import FieldInfo, IndexInfo, Schema, UniqueInfo


def check_schema(schema: Schema) -> None:
    """Refuses a schema that MongoDB cannot hold.

    Raises:
        NotSupportedError: names the field and what would work.
    """
    for field in schema.fields:
        if not field.primary_key and field.column == KEY:
            raise NotSupportedError(
                f"{field.label}: the column {KEY} holds the primary key on MongoDB; choose another db_column"
            )
        if field.column == EXPIRY and schema.ttl is not None:
            raise NotSupportedError(
                f"{field.label}: the column {EXPIRY} holds the expiry of rows with ttl; choose another db_column"
            )
        _check_kind(field, field.kind)
    for index in schema.document_indexes:
        _check_index(schema, index)


def _check_kind(field: FieldInfo, kind: Kind) -> None:
    match kind:
        case DecimalKind(max_digits=digits, decimal_places=places):
            if max(digits, places or 0) > DECIMAL_DIGITS:
                raise NotSupportedError(
                    f"{field.label}: a Decimal of {max(digits, places or 0)} digits does not fit Decimal128, which "
                    f"holds {DECIMAL_DIGITS}; set max_digits to {DECIMAL_DIGITS} or less, or use str"
                )
        case ListKind(item=item):
            _check_kind(field, item)
        case MapKind(value=value):
            _check_kind(field, value)
        case EmbeddedKind(schema=schema):
            for info in schema.fields:
                _check_kind(info, info.kind)
        case _:
            return


# ---- collections


def validator_of(schema: Schema) -> dict[str, Any]:
    """The rules that the server holds every written document against: each field's BSON type, and which may be null."""
    properties = {path_of(field): _field_rule(field) for field in schema.fields}
    required = [path_of(field) for field in schema.fields if not field.null]
    rules: dict[str, Any] = {"bsonType": "object", "properties": properties}
    if required:
        rules["required"] = required
    return {"$jsonSchema": rules}


def create_command(schema: Schema) -> dict[str, Any]:
    """The command that makes the collection."""
    return {"create": schema.table, **_rules(schema)}


def modify_command(schema: Schema) -> dict[str, Any]:
    """The command that gives an existing collection the rules of today."""
    return {"collMod": schema.table, **_rules(schema)}


def _rules(schema: Schema) -> dict[str, Any]:
    return {"validator": validator_of(schema), "validationLevel": "moderate", "validationAction": "error"}


def _field_rule(field: FieldInfo) -> dict[str, Any]:
    types = _bson_types(plain_kind(field.kind))
    if not types:
        return {}
    return {"bsonType": [*types, "null"] if field.null else types}


def _bson_types(kind: PlainKind) -> list[str]:
    match kind:
        case JsonKind():
            return []
        case IntKind():
            return ["long", "int"]
        case DateTimeKind(precision="us") | NaiveDateTimeKind(precision="us"):
            return ["long"]
        case _:
            return [_BSON_TYPES[type(kind)]]


_BSON_TYPES: dict[type, str] = {
    BoolKind: "bool",
    FloatKind: "double",
    DecimalKind: "decimal",
    TextKind: "string",
    BytesKind: "binData",
    DateKind: "date",
    TimeKind: "long",
    DateTimeKind: "date",
    NaiveDateTimeKind: "date",
    DurationKind: "long",
    UuidKind: "binData",
    ObjectIdKind: "objectId",
    ListKind: "array",
    MapKind: "object",
    EmbeddedKind: "object",
}


# ---- indexes


def index_documents(schema: Schema) -> list[dict[str, Any]]:
    """The indexes of a collection, as ``createIndexes`` takes them; one over the same keys as another is left out."""
    found = [_unique_document(schema, unique) for unique in schema.uniques]
    covered = [list(document["key"].items()) for document in found if "partialFilterExpression" not in document]
    for index in (*schema.indexes, *schema.document_indexes):
        key = _index_key(schema, index)
        if list(key.items()) not in covered:
            covered.append(list(key.items()))
            found.append({"name": index.name, "key": key})
    if schema.ttl is not None:
        found.append({"name": f"{schema.table}{EXPIRY}", "key": {EXPIRY: 1}, "expireAfterSeconds": 0})
    return found


def _index_key(schema: Schema, index: IndexInfo) -> dict[str, int]:
    """The paths of an index; of JSON alone everything that is in it."""
    targets = targets_of(schema.fields, index)
    if len(targets) == 1 and isinstance(targets[0].kind, JsonKind):
        return {f"{_place(targets[0]).path}.$**": 1}
    ways = zip(targets, index.descending, strict=True)
    return {_place(target).path: -1 if descending else 1 for target, descending in ways}


def _place(field: FieldInfo) -> Place:
    place = place_of(expression_of(field))
    if place is None:
        raise NotSupportedError(
            f"{field.label}: MongoDB has no index over an item of a list, nor over a key that may be an index, is "
            "empty or has a dot or dollar sign in it; index what is around it"
        )
    return place


def _check_index(schema: Schema, index: IndexInfo) -> None:
    """Refuses an index over what may be two arrays of a document."""
    arrays = [each for each in targets_of(schema.fields, index) if isinstance(_place(each).held, JsonKind | ListKind)]
    if len(arrays) > 1:
        raise NotSupportedError(
            f"{schema.name}: the index {index.name} is over {' and '.join(each.name for each in arrays)}, and MongoDB "
            "takes one list or JSON in an index; make an index of each"
        )


def _unique_document(schema: Schema, unique: UniqueInfo) -> dict[str, Any]:
    """A unique index that leaves out documents with a null.

    The filter asks for values at or above the lowest of the type rather than for the type itself: the planner then uses
    the index for every query that compares with a value.
    """
    fields = [schema.field(name) for name in unique.fields]
    document: dict[str, Any] = {
        "name": unique.name,
        "key": {path_of(field): 1 for field in fields},
        "unique": True,
    }
    nullable = [field for field in fields if field.null] if unique.nulls_distinct else []
    if nullable:
        document["partialFilterExpression"] = {path_of(field): {"$gte": _lowest(field)} for field in nullable}
    return document


def _lowest(field: FieldInfo) -> Any:
    match plain_kind(field.kind):
        case BoolKind():
            return False
        case TextKind():
            return ""
        case BytesKind() | UuidKind():
            return Binary(b"", 0)
        case ObjectIdKind():
            return ObjectId("0" * 24)
        case DecimalKind():
            return Decimal128("-Infinity")
        case DateKind() | DateTimeKind(precision=None) | NaiveDateTimeKind(precision=None):
            return datetime(1, 1, 1)
        case _:
            return float("-inf")
