"""Operations as commands: documents with holes, written once, filled at each call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never

from polystore.adapters.base import Source, undeclared
from polystore.adapters.mongo.commands import (
    CountRows,
    DeleteRows,
    ExistsRow,
    InsertRows,
    Read,
    UpdateRows,
    describe,
)
from polystore.adapters.mongo.conditions import Filter, can_fail, filter_of, key_is_fixed
from polystore.adapters.mongo.dialect import EXPIRY, KEY, Dialect, path_of
from polystore.adapters.mongo.expressions import assigned, literal, refuse_field_order
from polystore.adapters.mongo.rows import each_builder, merge_builder
from polystore.adapters.mongo.template import Convert, Fill, Hole, Now, builder, compose, row_builder
from polystore.errors import NotSupportedError
from polystore.query.nodes import (
    All,
    Count,
    Delete,
    Exists,
    Group,
    Insert,
    Null,
    Operation,
    Order,
    Parameter,
    Select,
    Update,
    UpdateEach,
    answered,
)
from polystore.schema.kinds import EmbeddedKind, JsonKind, Kind, ListKind, MapKind, describe_kind
from polystore.schema.model import FieldInfo, Schema

_EVERYTHING = 2**31 - 1


@dataclass(frozen=True, slots=True)
class MongoPrepared:
    """A compiled operation."""

    bind: Fill
    sources: tuple[Source, ...] = ()
    dumps: tuple[Convert | None, ...] = ()
    insert: str | None = None

    def describe(self, values: Sequence[Any]) -> str:
        """The command with these values as text; of an insert its keys only."""
        return describe(self.bind(values)) if self.insert is None else self.insert


def compile_operation(operation: Operation, dialect: Dialect) -> MongoPrepared:
    """The operation made ready for binding.

    Raises:
        NotSupportedError: the store would answer differently; says what would work.
    """
    match operation:
        case Select(distinct=True):
            return _distinct_select(operation, dialect)
        case Select():
            return _select(operation, dialect)
        case Group():
            undeclared(operation)
        case Count():
            return _count(operation, dialect)
        case Exists():
            return _exists(operation, dialect)
        case Insert():
            return _insert(operation, dialect)
        case Update():
            return _update(operation, dialect)
        case UpdateEach():
            return _update_each(operation, dialect)
        case Delete():
            return _delete(operation, dialect)
    assert_never(operation)


def _filter(schema: Schema, condition: All, dialect: Dialect) -> Filter:
    found = filter_of(condition, dialect)
    if schema.ttl is None:
        return found
    alive = {EXPIRY: {"$gt": Now(_now)}}
    return {"$and": [found, alive]} if EXPIRY in found else {**found, **alive}


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def expiry_of(ttl: timedelta) -> Callable[[], datetime]:
    """The function that gives the moment at which a row written now expires."""
    return lambda: _now() + ttl


# ---- reads


def _select(operation: Select, dialect: Dialect) -> MongoPrepared:
    schema = operation.schema
    single = key_is_fixed(operation.condition)
    document: dict[str, Any] = {"find": schema.table, "filter": _filter(schema, operation.condition, dialect)}
    if len(operation.columns) < len(schema.fields):
        document["projection"] = _projection(operation.columns)
    if operation.order and not single:
        document["sort"] = _sort(operation.order, dialect)
        document["allowDiskUse"] = True
    if operation.offset is not None:
        document["skip"] = Hole(operation.offset.index)
    if operation.limit is not None:
        document["limit"] = Hole(operation.limit.index)
        document["batchSize"] = Hole(operation.limit.index)
    elif single:
        document["limit"] = 1
        document["singleBatch"] = True
    else:
        document["batchSize"] = _EVERYTHING
    bounded = single or operation.limit is not None
    return MongoPrepared(builder(Read, schema, document, bounded), _sources(operation.columns, dialect))


def _distinct_select(operation: Select, dialect: Dialect) -> MongoPrepared:
    stages: list[dict[str, Any]] = [{"$match": _filter(operation.schema, operation.condition, dialect)}]
    stages.append(_group(operation.columns))
    if operation.order:
        stages.append({"$sort": {f"_id.{path}": way for path, way in _sort(operation.order, dialect).items()}})
    stages += _window(operation.offset, operation.limit)
    stages.append({"$replaceRoot": {"newRoot": "$_id"}})
    document = _aggregate(operation.schema, stages)
    return MongoPrepared(builder(Read, operation.schema, document, False), _sources(operation.columns, dialect))


def _count(operation: Count, dialect: Dialect) -> MongoPrepared:
    stages: list[dict[str, Any]] = [{"$match": _filter(operation.schema, operation.condition, dialect)}]
    if operation.distinct:
        stages.append(_group(operation.distinct))
    stages += _window(operation.offset, operation.limit)
    stages.append({"$count": "n"})
    return MongoPrepared(builder(CountRows, operation.schema, _aggregate(operation.schema, stages)))


def _exists(operation: Exists, dialect: Dialect) -> MongoPrepared:
    document: dict[str, Any] = {
        "find": operation.schema.table,
        "filter": _filter(operation.schema, operation.condition, dialect),
        "projection": {KEY: 1},
        "limit": 1,
        "singleBatch": True,
    }
    if operation.offset is not None:
        document["skip"] = Hole(operation.offset.index)
    return MongoPrepared(builder(ExistsRow, operation.schema, document))


def _aggregate(schema: Schema, stages: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "aggregate": schema.table,
        "pipeline": stages,
        "cursor": {"batchSize": _EVERYTHING},
        "allowDiskUse": True,
    }


def _projection(columns: Sequence[FieldInfo]) -> dict[str, int]:
    chosen = {path_of(field): 1 for field in columns}
    return chosen if KEY in chosen else {**chosen, KEY: 0}


def _sort(order: Sequence[Order], dialect: Dialect) -> dict[str, int]:
    for term in order:
        refuse_field_order(term.field, dialect)
    return {path_of(term.field): -1 if term.descending else 1 for term in order}


def _window(offset: Parameter | None, limit: Parameter | None) -> list[dict[str, Any]]:
    stages: list[dict[str, Any]] = []
    if offset is not None:
        stages.append({"$skip": Hole(offset.index)})
    if limit is not None:
        stages.append({"$limit": Hole(limit.index)})
    return stages


def _group(columns: Sequence[FieldInfo]) -> dict[str, Any]:
    """One document for each combination of values; missing and null are the same value."""
    for field in columns:
        _refuse_loose_documents(field, field.kind)
    return {"$group": {"_id": {path_of(field): {"$ifNull": [f"${path_of(field)}", None]} for field in columns}}}


def _refuse_loose_documents(field: FieldInfo, kind: Kind) -> None:
    match kind:
        case JsonKind() | MapKind():
            raise NotSupportedError(
                f"{field.label} is {describe_kind(field.kind)}: MongoDB tells documents apart by the order of their "
                "keys, so it finds no distinct ones; leave the field out of values()"
            )
        case ListKind(item=item):
            _refuse_loose_documents(field, item)
        case EmbeddedKind(schema=schema):
            for info in schema.fields:
                _refuse_loose_documents(field, info.kind)
        case _:
            return


def _sources(columns: Sequence[FieldInfo], dialect: Dialect) -> tuple[Source, ...]:
    return tuple(Source(path_of(field), dialect.codec.load(field.kind)) for field in columns)


# ---- writes


def _insert(operation: Insert, dialect: Dialect) -> MongoPrepared:
    schema, found = operation.schema, operation.on_conflict
    paths = [path_of(field) for field in operation.fields]
    absent: dict[str, Any] = {path_of(field): None for field in schema.fields if path_of(field) not in paths}
    if schema.ttl is not None:
        absent[EXPIRY] = Now(expiry_of(schema.ttl))
    if found is None:
        bind = row_builder(InsertRows, schema, paths, absent, operation.ignore_conflicts)
    else:
        bind = merge_builder(operation, found, dialect, absent)
    return MongoPrepared(
        bind,
        _sources(answered(operation), dialect),
        dumps=tuple(dialect.codec.dump(field.kind) for field in operation.fields),
        insert=f"{schema.table}.insert ({', '.join(paths)})",
    )


def _update_each(operation: UpdateEach, dialect: Dialect) -> MongoPrepared:
    ttl = operation.schema.ttl
    return MongoPrepared(
        each_builder(operation, _now, None if ttl is None else Now(expiry_of(ttl))),
        dumps=tuple(dialect.codec.dump(field.kind) for field in operation.columns),
    )


def _update(operation: Update, dialect: Dialect) -> MongoPrepared:
    schema = operation.schema
    computed = any(not isinstance(item.value, Parameter | Null) for item in operation.assignments)
    single = key_is_fixed(operation.condition)
    changed = {item.field.name for item in operation.assignments}
    collides = any(changed & set(unique.fields) for unique in schema.uniques)
    condition = _filter(schema, operation.condition, dialect)
    changes: dict[str, Any] = {
        item.field.column: assigned(item.field, item.value, dialect) if computed else _constant(item.value, dialect)
        for item in operation.assignments
    }
    rehearsal = _rehearsal(condition, changes if computed else None)
    if schema.ttl is not None:
        expiry = Now(expiry_of(schema.ttl))
        changes = {**changes, EXPIRY: literal(expiry) if computed else expiry}
    update: Any = [{"$set": changes}] if computed else {"$set": changes}
    fallible = not single and (computed or collides or can_fail(operation.condition))
    return MongoPrepared(
        builder(
            UpdateRows,
            schema,
            condition,
            update,
            single,
            fallible,
            rehearsal if fallible and (computed or can_fail(operation.condition)) else None,
        )
    )


def _delete(operation: Delete, dialect: Dialect) -> MongoPrepared:
    schema = operation.schema
    single = key_is_fixed(operation.condition)
    condition = _filter(schema, operation.condition, dialect)
    fallible = not single and can_fail(operation.condition)
    rehearsal = _rehearsal(condition, None) if fallible else None
    return MongoPrepared(builder(DeleteRows, schema, condition, single, fallible, rehearsal))


def _rehearsal(condition: Filter, changes: dict[str, Any] | None) -> list[dict[str, Any]]:
    """A pipeline that computes everything a write would and writes nothing."""
    return [{"$match": condition}, {"$group": {"_id": None, "most": {"$max": changes or 0}}}]


def _constant(value: Any, dialect: Dialect) -> Any:
    if isinstance(value, Parameter):
        return Hole(value.index, compose(value.derive, dialect.codec.dump(value.kind)))
    return None
