"""Validation by pydantic, its errors told as ours: of a new instance, of what may have changed, of single values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import ValidationError as PydanticError
from pydantic_core import SchemaValidator

from polystore.engine.saved import assigned
from polystore.errors import ValidationError
from polystore.schema.annotations import JSON_CHECKS, strip_optional
from polystore.schema.model import FieldInfo, Schema
from polystore.schema.storable import is_json


def new_instance(model: Any, schema: Schema, values: Mapping[str, Any]) -> Any:
    """An instance of these values, as a verb that makes one takes them; ``pk`` stands for the primary key.

    Raises:
        FieldError: an unknown name.
        ValidationError: names each field and why its value is refused.
    """
    if not values.keys() <= schema.by_name.keys():
        aliases = {info.alias for info in model.__pydantic_fields__.values() if info.alias is not None}
        free = model.model_config.get("extra") == "allow"
        values = {name if free or name in aliases else schema.field(name).name: values[name] for name in values}
    try:
        return model(**values)
    except PydanticError as error:
        raise _refusal(schema, _problems(error)) from error


def clean(instance: Any, schema: Schema, *, whole: bool = False) -> dict[str, Any]:
    """The validated values of all loaded fields, which the instance takes over.

    Values that were validated when the instance was made, or come from the store, are validated again only where they
    can have changed: assigned fields and containers. Where the model has validators of its own, or with ``whole``, all
    are.

    Raises:
        ValidationError: names each field and why its value is refused.
    """
    held = instance.__dict__
    model: Any = type(instance)
    names = schema.by_name.keys()
    row = held.copy() if held.keys() == names else {name: held[name] for name in names if name in held}
    if whole or model.__polystore_validators__:
        fresh = _validated(model, schema, row)
    else:
        fresh = clean_values(model, schema, _suspects(instance, model, schema, row))
    for name, value in fresh.items():
        old = row[name]
        if old is not value:
            row[name] = value
            if not (name in schema.containers and type(old) is type(value) and old == value):
                held[name] = value
    return row


def _suspects(instance: Any, model: Any, schema: Schema, row: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row that may have changed since they were validated."""
    suspects = assigned(instance)
    for name, free in _containers(model, schema):
        if name in row and name not in suspects:
            value = row[name]
            if not (free and value.__class__ is dict and is_json(value)):
                suspects = suspects | {name}
    return {name: value for name, value in row.items() if name in suspects} if suspects else {}


@lru_cache(maxsize=1024)
def _containers(model: Any, schema: Schema) -> tuple[tuple[str, bool], ...]:
    """The names of containers, and whether any dict of storable JSON is a valid value of each."""
    return tuple((name, _is_free_json(model.__pydantic_fields__[name])) for name in schema.containers)


def _is_free_json(info: Any) -> bool:
    inner, _ = strip_optional(info.annotation)
    return inner in (Any, dict, dict[str, Any]) and set(info.metadata) <= JSON_CHECKS


def _validated(model: Any, schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    if len(given) < len(schema.fields):
        return clean_values(model, schema, given)
    try:
        made = model.__pydantic_validator__.validate_python(given, by_alias=False, by_name=True)
    except PydanticError as error:
        raise _refusal(schema, _problems(error)) from error
    return {name: made.__dict__[name] for name in given}


def clean_values(model: Any, schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """Validated values of some fields, for an update without an instance.

    Raises:
        ValidationError: names each field and why its value is refused.
    """
    row = {}
    problems: list[tuple[str, str]] = []
    cause: PydanticError | None = None
    for name, value in values.items():
        try:
            row[name] = _field_validator(model, name).validate_python(value)
        except PydanticError as error:
            problems += _problems(error, name)
            cause = error
    if cause is not None:
        raise _refusal(schema, problems) from cause
    return row


def refuse_wrong_default(model: Any, schema: Schema, info: FieldInfo) -> None:
    """Holds a field's default against the field, since pydantic takes defaults as they are.

    Raises:
        ValidationError: the field does not accept it.
    """
    try:
        SchemaValidator(_field_schema(model, info.name)).validate_python(info.default)
    except PydanticError as error:
        raise _refusal(schema, _problems(error, info.name)) from error


def _problems(error: PydanticError, *field: str) -> list[tuple[str, str]]:
    """Where pydantic refuses a value and why, naming what was given; for the error of one field with its name."""
    problems = []
    for detail in error.errors(include_url=False, include_context=False):
        given = "" if detail["type"] == "missing" else f", not {detail['input']!r}"
        problems.append((".".join(str(part) for part in (*field, *detail["loc"])), f"{detail['msg']}{given}"))
    return problems


def _refusal(schema: Schema, problems: Sequence[tuple[str, str]]) -> ValidationError:
    """Pydantic's errors as one of ours."""
    return ValidationError("; ".join(f"{schema.name}.{path}: {reason}" for path, reason in problems), problems)


@lru_cache(maxsize=4096)
def _field_validator(model: Any, name: str) -> SchemaValidator:
    return SchemaValidator(_field_schema(model, name))


def _field_schema(model: Any, name: str) -> Any:
    """The core schema of one field with its field validators, without the model's own."""
    fields, definitions = _fields_schema(model.__pydantic_core_schema__)
    schema = fields[name]["schema"]
    return {"type": "definitions", "schema": schema, "definitions": definitions} if definitions else schema


def _fields_schema(schema: Any) -> tuple[Any, list[Any]]:
    definitions: list[Any] = []
    while schema["type"] != "model-fields":
        definitions = schema.get("definitions", definitions)
        if schema["type"] == "definition-ref":
            schema = next(each for each in definitions if each.get("ref") == schema["schema_ref"])
        else:
            schema = schema["schema"]
    return schema["fields"], definitions
