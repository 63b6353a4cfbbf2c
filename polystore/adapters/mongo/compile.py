"""Operations as commands: documents with holes, written once, filled at each call."""

from __future__ import annotations

from typing import Any, assert_never

from polystore.adapters.mongo import reads
from polystore.adapters.mongo.assignments import assigned, path_of_target
from polystore.adapters.mongo.commands import DeleteRows, InsertRows, UpdateRows
from polystore.adapters.mongo.conditions import can_fail, key_is_fixed
from polystore.adapters.mongo.dialect import EXPIRY, Dialect, path_of
from polystore.adapters.mongo.expiry import expiry_of, live_filter, this_moment
from polystore.adapters.mongo.places import Filter
from polystore.adapters.mongo.prepared import MongoPrepared
from polystore.adapters.mongo.reads import sources_of
from polystore.adapters.mongo.rows import each_builder, merge_builder
from polystore.adapters.mongo.scope import Scope
from polystore.adapters.mongo.template import Hole, Now, builder, compose, row_builder
from polystore.adapters.mongo.values import literal
from polystore.query.nodes import Null, Parameter
from polystore.query.operations import (
    Assignment,
    Combination,
    Count,
    Delete,
    Exists,
    Group,
    Insert,
    Operation,
    Select,
    Update,
    UpdateEach,
    answered,
)
from polystore.schema.paths import PathInfo


def compile_operation(operation: Operation, dialect: Dialect) -> MongoPrepared:
    """The operation made ready for binding.

    Raises:
        NotSupportedError: the store would answer differently; says what would work.
    """
    match operation:
        case Select():
            return reads.select(operation, dialect)
        case Group():
            return reads.group(operation, dialect)
        case Combination():
            return reads.combination(operation, dialect)
        case Count():
            return reads.count(operation, dialect)
        case Exists():
            return reads.exists(operation, dialect)
        case Insert():
            return _insert(operation, dialect)
        case Update():
            return _update(operation, dialect)
        case UpdateEach():
            return _update_each(operation, dialect)
        case Delete():
            return _delete(operation, dialect)
    assert_never(operation)


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
        sources_of(answered(operation), path_of, dialect),
        dumps=tuple(dialect.codec.dump(field.kind) for field in operation.fields),
        insert=f"{schema.table}.insert ({', '.join(paths)})",
    )


def _update_each(operation: UpdateEach, dialect: Dialect) -> MongoPrepared:
    ttl = operation.schema.ttl
    return MongoPrepared(
        each_builder(operation, this_moment, None if ttl is None else Now(expiry_of(ttl))),
        dumps=tuple(dialect.codec.dump(field.kind) for field in operation.columns),
    )


def _update(operation: Update, dialect: Dialect) -> MongoPrepared:
    schema = operation.schema
    computed = any(map(_is_computed, operation.assignments))
    single = key_is_fixed(operation.condition)
    changed = {item.field.name for item in operation.assignments}
    collides = any(changed & set(unique.fields) for unique in schema.uniques)
    condition = live_filter(schema, operation.condition, dialect)
    changes: dict[str, Any] = {
        path_of_target(item.field): assigned(item.field, item.value, Scope(dialect))
        if computed
        else _constant(item.value, dialect)
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
    condition = live_filter(schema, operation.condition, dialect)
    fallible = not single and can_fail(operation.condition)
    rehearsal = _rehearsal(condition, None) if fallible else None
    return MongoPrepared(builder(DeleteRows, schema, condition, single, fallible, rehearsal))


def _is_computed(assignment: Assignment) -> bool:
    """Whether a document tells what is written: a part of an embedded model only where that is there."""
    return isinstance(assignment.field, PathInfo) or not isinstance(assignment.value, Parameter | Null)


def _rehearsal(condition: Filter, changes: dict[str, Any] | None) -> list[dict[str, Any]]:
    """A pipeline that computes everything a write would and writes nothing."""
    return [{"$match": condition}, {"$group": {"_id": None, "most": {"$max": {"all": list((changes or {}).values())}}}}]


def _constant(value: Any, dialect: Dialect) -> Any:
    if isinstance(value, Parameter):
        return Hole(value.index, compose(value.derive, dialect.codec.dump(value.kind)))
    return None
