"""Finishes a model class: its schema, its typed columns, and the checks that pydantic runs for each kind of value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from polystore.engine.validation import refuse_wrong_default
from polystore.errors import ModelError, ValidationError
from polystore.query.functions import Column
from polystore.schema.annotations import Sizes, resolve_annotation
from polystore.schema.build import Declaration, Options, build_schema
from polystore.schema.model import MISSING, FieldInfo, Schema


def schema_of(cls: Any) -> Schema:
    """The schema of a model class, finished now if it had to wait for other classes.

    Raises:
        ModelError: the class is abstract, or an annotation still names an unknown class.
    """
    schema: Schema | None = cls.__polystore_schema__
    if schema is None:
        complete_later(cls)
        schema = cls.__polystore_schema__
        if schema is None:
            abstract = cls.__polystore_meta__.abstract or "__polystore_root__" in cls.__dict__
            reason = "is abstract" if abstract else "has annotations that name unknown classes"
            raise ModelError(f"{cls.__name__} {reason}: it has no rows")
    return schema


def complete_later(cls: Any) -> None:
    if cls.__polystore_meta__.abstract or "__polystore_root__" in cls.__dict__:
        return
    if not cls.__pydantic_fields_complete__:
        cls.model_rebuild(raise_errors=False)
    if cls.__pydantic_fields_complete__ and cls.__polystore_schema__ is None:
        complete(cls)


def complete(cls: Any) -> None:
    """Gives a class its schema and columns, and pydantic the checks of each kind of value."""
    embedded = cls.__polystore_embedded__
    options: Mapping[str, Options] = cls.__polystore_options__
    fields = cls.__pydantic_fields__
    if not embedded and "id" not in options and any(options[name].primary_key for name in fields if name in options):
        del fields["id"]
    declarations = [_declaration(cls, name, info, options.get(name, _NO_OPTIONS)) for name, info in fields.items()]
    schema = build_schema(cls.__name__, declarations, cls.__polystore_meta__, embedded=embedded)
    if not cls.model_rebuild(force=True, raise_errors=False):
        return
    decorators = cls.__pydantic_decorators__
    cls.__polystore_validators__ = bool(
        decorators.model_validators
        or decorators.root_validators
        or decorators.field_validators
        or decorators.validators
    )
    for info in schema.fields:
        if info.default is not MISSING and not (info.default is None and (info.null or info.auto)):
            _check_default(cls, schema, info)
    cls.__polystore_schema__ = schema
    cls.__polystore_columns__ = {info.name: Column(info.name) for info in schema.fields}


def _check_default(cls: Any, schema: Schema, info: FieldInfo) -> None:
    try:
        refuse_wrong_default(cls, schema, info)
    except ValidationError as error:
        raise ModelError(f"{error}; this is its default") from error


def _is_of_root(cls: Any, name: str) -> bool:
    """Whether Model or EmbeddedModel itself defines the name."""
    return any("__polystore_root__" in vars(base) and name in vars(base) for base in cls.__mro__)


_RESERVED = frozenset(name for name in dir(BaseModel) if not name.startswith("_")) | {"pk", "objects"}
_NO_OPTIONS = Options()
_AUTO_KEY = Options(primary_key=True)


def _declaration(cls: Any, name: str, info: Any, options: Options) -> Declaration:
    where = f"{cls.__name__}.{name}"
    if name in _RESERVED or (name != "id" and _is_of_root(cls, name)):
        raise ModelError(
            f"{where}: the name is taken by a method of every model; use another one and db_column={name!r}"
        )
    if name == "id" and options is _NO_OPTIONS and not cls.__polystore_embedded__:
        options = _AUTO_KEY
    constraints = {
        key: next((found for item in info.metadata if (found := getattr(item, key, None)) is not None), None)
        for key in ("max_length", "max_digits", "decimal_places")
    }
    sizes = Sizes(**constraints, precision=options.precision)
    resolved = resolve_annotation(info.annotation, sizes, where)
    info.annotation = resolved.annotation
    already = [id(check) for check in info.metadata]
    before = [check for check in resolved.before if id(check) not in already]
    after = [check for check in resolved.after if id(check) not in already]
    info.metadata = [*info.metadata, *before, *after]
    default = MISSING if info.default is PydanticUndefined else info.default
    return Declaration(name, resolved.kind, resolved.null, options, default, info.default_factory)
