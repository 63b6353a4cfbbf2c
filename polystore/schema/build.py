"""Builds the frozen ``Schema`` of a class from what its declarations say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from msgspec import Struct

from polystore.errors import ModelError, suggestion
from polystore.schema.document_indexes import can_index, indexed_target, is_of_documents
from polystore.schema.kinds import (
    DateKind,
    DateTimeKind,
    IntKind,
    Kind,
    NaiveDateTimeKind,
    ObjectIdKind,
    TextKind,
    TimeKind,
    UuidKind,
    describe_kind,
    is_container,
)
from polystore.schema.model import MISSING, FieldInfo, IndexInfo, Schema, UniqueInfo

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TABLE = re.compile(r"[^\W\d]([\w .-]*[\w-])?\Z")
LONGEST_NAME = 63
"""How many bytes of a name every store tells apart."""
_KEY_KINDS = (IntKind, UuidKind, ObjectIdKind, TextKind)


class Options(Struct, frozen=True):
    """What ``field(...)`` says beyond pydantic's own constraints."""

    primary_key: bool = False
    unique: bool = False
    index: bool = False
    db_column: str | None = None
    auto_now: bool = False
    auto_now_add: bool = False
    version: bool = False
    choices: tuple[Any, ...] | None = None
    max_length: int | None = None
    max_digits: int | None = None
    decimal_places: int | None = None
    precision: str | None = None


class Declaration(Struct, frozen=True):
    """One declared field: its resolved kind and what was said about it."""

    name: str
    kind: Kind
    null: bool
    options: Options
    default: Any = MISSING
    default_factory: Callable[[], Any] | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """An index over fields, for ``Meta.indexes``; a leading "-" makes a part descending.

    Args:
        fields: names of fields, in order.
        name: the index's name in the store; made from table and fields when not given.
        casefold: index text without regard to case, for ``iexact`` and ``istartswith`` on stores that need an index.
    """

    fields: tuple[str, ...]
    name: str | None = None
    casefold: bool = False

    def __init__(self, *fields: str, name: str | None = None, casefold: bool = False) -> None:
        object.__setattr__(self, "fields", fields)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "casefold", casefold)


@dataclass(frozen=True, slots=True)
class UniqueConstraint:
    """A unique constraint over fields, for ``Meta.constraints``.

    Args:
        fields: names of fields.
        name: the constraint's name in the store; made from table and fields when not given.
        nulls_distinct: with True, as in SQL, rows with a NULL in one of the fields never collide.
    """

    fields: tuple[str, ...]
    name: str | None = None
    nulls_distinct: bool = True

    def __init__(self, *fields: str, name: str | None = None, nulls_distinct: bool = True) -> None:
        object.__setattr__(self, "fields", fields)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "nulls_distinct", nulls_distinct)


class MetaInfo(Struct, frozen=True):
    """The options of an inner ``class Meta``."""

    store: str | None = None
    table: str | None = None
    indexes: tuple[Index, ...] = ()
    constraints: tuple[UniqueConstraint, ...] = ()
    unique_together: tuple[Any, ...] = ()
    ordering: tuple[str, ...] = ()
    abstract: bool = False
    ttl: timedelta | None = None
    get_latest_by: str | tuple[str, ...] = ()


_META_TYPES: Mapping[str, tuple[type, ...]] = {
    "store": (str, type(None)),
    "table": (str, type(None)),
    "indexes": (tuple,),
    "constraints": (tuple,),
    "unique_together": (tuple,),
    "ordering": (tuple,),
    "abstract": (bool,),
    "ttl": (timedelta, type(None)),
    "get_latest_by": (str, tuple),
}


def read_meta(model: str, namespace: Mapping[str, Any], inherited: MetaInfo) -> MetaInfo:
    """The options of a ``class Meta`` body over those inherited from abstract bases.

    Raises:
        ModelError: an unknown option.
    """
    given = {name: value for name, value in namespace.items() if not name.startswith("_")}
    known = set(MetaInfo.__struct_fields__)
    for name in given:
        if name not in known:
            listed, near = ", ".join(sorted(known)), suggestion(name, known)
            raise ModelError(f"{model}.Meta has no option {name!r}; its options are {listed}{near}")
    merged = {name: getattr(inherited, name) for name in known if name not in ("abstract", "table")}
    for name, value in given.items():
        merged[name] = tuple(value) if isinstance(value, list) else value
        if not isinstance(merged[name], _META_TYPES[name]):
            types = [each for each in _META_TYPES[name] if each is not type(None)]
            wanted = " or ".join("list" if each is tuple else each.__name__ for each in types)
            raise ModelError(f"{model}.Meta: {name} is given as {wanted}, not {value!r}")
    for name, wanted_type in (("indexes", Index), ("constraints", UniqueConstraint)):
        for item in merged[name]:
            if not isinstance(item, wanted_type):
                raise ModelError(f"{model}.Meta: {name} holds {wanted_type.__name__} objects, not {item!r}")
    return MetaInfo(**merged)


def build_schema(model: str, declarations: Sequence[Declaration], meta: MetaInfo, *, embedded: bool = False) -> Schema:
    """Builds and checks the schema of one class.

    Raises:
        ModelError: names the class, the field and what would work.
    """
    fields = tuple(_field(model, position, item, embedded) for position, item in enumerate(declarations))
    keys = [info.name for info in fields if info.primary_key]
    versions = [info.name for info in fields if info.version]
    if len(versions) > 1:
        raise ModelError(f"{model}: at most one field can be the version, not {', '.join(versions)}")
    if not embedded and len(keys) != 1:
        raise ModelError(f"{model}: exactly one field can be the primary key, not {', '.join(keys) or 'none'}")
    _refuse_twice(model, "column", [info.column for info in fields])
    table = meta.table or snake_case(model)
    if not embedded:
        _refuse_name(_TABLE, table, f"{model}.Meta: table", "must be letters, digits and _-. or spaces between them")
    names = {info.name for info in fields}
    indexes = _indexes(model, table, fields, meta)
    of_documents = tuple(index for index in indexes if is_of_documents(fields, index))
    uniques = _uniques(model, table, fields, meta, names)
    latest_by = (meta.get_latest_by,) if isinstance(meta.get_latest_by, str) else tuple(meta.get_latest_by)
    for option, given in (("ordering", meta.ordering), ("get_latest_by", latest_by)):
        for name in given:
            _known(model, option, name.removeprefix("-"), names)
            _refuse_container(fields, name.removeprefix("-"), "rows cannot be ordered by it")
    return Schema(
        name=model,
        table=table,
        fields=fields,
        indexes=tuple(index for index in indexes if index not in of_documents),
        document_indexes=of_documents,
        uniques=uniques,
        ordering=meta.ordering,
        store=meta.store,
        ttl=meta.ttl,
        embedded=embedded,
        latest_by=latest_by,
    )


def snake_case(name: str) -> str:
    """``InvoiceLine`` as ``invoice_line``, the default name of a table."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _refuse_name(pattern: re.Pattern[str], name: str, what: str, rule: str) -> None:
    if not pattern.match(name):
        raise ModelError(f"{what} {name!r} {rule}")
    if len(name.encode()) > LONGEST_NAME:
        raise ModelError(f"{what} {name!r} is longer than {LONGEST_NAME} bytes, more than all stores tell apart")


def _field(model: str, position: int, item: Declaration, embedded: bool) -> FieldInfo:
    where = f"{model}.{item.name}"
    options = item.options
    if not _NAME.match(item.name) or "__" in item.name or item.name.endswith("_") or item.name in ("pk", "objects"):
        raise ModelError(f"{where}: a field's name is letters, digits and single underscores, and not pk or objects")
    column = options.db_column or item.name
    _refuse_name(_COLUMN, column, f"{where}: db_column", "must be letters, digits and underscores")
    if isinstance(item.default, list | dict | set):
        raise ModelError(f"{where}: a mutable default is shared by all instances; use default_factory")
    if options.primary_key:
        _check_key(where, item, embedded)
    if options.unique and is_container(item.kind):
        raise ModelError(f"{where}: {describe_kind(item.kind)} cannot be unique")
    if options.index and not can_index(item.kind):
        raise ModelError(f"{where}: {describe_kind(item.kind)} cannot be indexed; index a path into it in Meta.indexes")
    if (options.auto_now or options.auto_now_add) and not isinstance(
        item.kind, DateTimeKind | NaiveDateTimeKind | DateKind | TimeKind
    ):
        raise ModelError(f"{where}: auto_now needs a date, time or datetime, not {describe_kind(item.kind)}")
    if options.version and not isinstance(item.kind, IntKind):
        raise ModelError(f"{where}: version needs an int, not {describe_kind(item.kind)}")
    return FieldInfo(
        model=model,
        name=item.name,
        column=column,
        kind=item.kind,
        position=position,
        null=item.null and not options.primary_key,
        primary_key=options.primary_key,
        auto=options.primary_key and isinstance(item.kind, IntKind) and item.null,
        unique=options.unique,
        index=options.index,
        default=item.default,
        default_factory=item.default_factory,
        auto_now=options.auto_now,
        auto_now_add=options.auto_now_add,
        version=options.version,
        choices=options.choices,
    )


def _check_key(where: str, item: Declaration, embedded: bool) -> None:
    if embedded:
        raise ModelError(f"{where}: an embedded model has no primary key")
    if not isinstance(item.kind, _KEY_KINDS):
        raise ModelError(f"{where}: a primary key is an int, UUID, ObjectId or str, not {describe_kind(item.kind)}")
    if item.null and not isinstance(item.kind, IntKind):
        raise ModelError(f"{where}: only an int key can be left to the store (int | None); give a default_factory")


def _indexes(model: str, table: str, fields: tuple[FieldInfo, ...], meta: MetaInfo) -> tuple[IndexInfo, ...]:
    found = [
        IndexInfo((info.name,), (False,), f"{table}_{info.column}_idx")
        for info in fields
        if info.index and not info.unique and not info.primary_key
    ]
    for index in meta.indexes:
        parts = tuple(name.removeprefix("-") for name in index.fields)
        targets = [indexed_target(model, fields, part) for part in parts]
        descending = tuple(name.startswith("-") for name in index.fields)
        columns = [f"{target.column}{'_desc' * down}" for target, down in zip(targets, descending, strict=True)]
        name = index.name or f"{table}_{'_'.join(columns)}_{'fold' if index.casefold else 'idx'}"
        found.append(IndexInfo(parts, descending, name, index.casefold))
    _refuse_twice(model, "index name", [index.name for index in found])
    return tuple(found)


def _uniques(
    model: str, table: str, fields: tuple[FieldInfo, ...], meta: MetaInfo, names: set[str]
) -> tuple[UniqueInfo, ...]:
    found = [
        UniqueInfo((info.name,), f"{table}_{info.column}_key")
        for info in fields
        if info.unique and not info.primary_key
    ]
    declared = list(meta.constraints)
    together = meta.unique_together
    if together and isinstance(together[0], str):
        together = (together,)
    declared.extend(UniqueConstraint(*group) for group in together)
    for constraint in declared:
        for name in constraint.fields:
            _known(model, "a unique constraint", name, names)
            _refuse_container(fields, name, "it cannot be unique")
        found.append(
            UniqueInfo(
                tuple(constraint.fields),
                constraint.name or f"{table}_{'_'.join(constraint.fields)}_key",
                constraint.nulls_distinct,
            )
        )
    _refuse_twice(model, "constraint name", [unique.name for unique in found])
    return tuple(found)


def _known(model: str, what: str, name: str, names: set[str]) -> None:
    if name not in names:
        raise ModelError(
            f"{model}.Meta: {what} names {name!r}, which is no field; fields are {', '.join(sorted(names))}"
        )


def _refuse_container(fields: tuple[FieldInfo, ...], name: str, reason: str) -> None:
    info = next(info for info in fields if info.name == name)
    if is_container(info.kind):
        raise ModelError(f"{info.label} is {describe_kind(info.kind)}: {reason}")


def _refuse_twice(model: str, what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ModelError(f"{model}: the {what} {name!r} is used twice")
