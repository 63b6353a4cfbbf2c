"""Reads as commands: ``find`` wherever it says what is asked, else a pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from polystore.adapters.base import Source
from polystore.adapters.mongo.commands import CountRows, ExistsRow, Read
from polystore.adapters.mongo.conditions import computes_in, key_is_fixed
from polystore.adapters.mongo.dialect import KEY, Dialect, path_of
from polystore.adapters.mongo.expiry import live_filter
from polystore.adapters.mongo.lookups import has_subqueries, matched_rows
from polystore.adapters.mongo.prepared import MongoPrepared
from polystore.adapters.mongo.scope import Path, Scope, name_of
from polystore.adapters.mongo.selects import (
    Stages,
    by_path,
    computed_in,
    distinct_values,
    is_plain,
    named_rows,
    outputs,
    sort_of,
    sorted_window,
    window,
)
from polystore.adapters.mongo.sets import leading, read_stages
from polystore.adapters.mongo.template import Hole, builder
from polystore.adapters.mongo.values import Document
from polystore.query.operations import Combination, Count, Exists, Group, Select
from polystore.schema.model import FieldInfo, Schema

_EVERYTHING = 2**31 - 1


def select(operation: Select, dialect: Dialect) -> MongoPrepared:
    """The rows of a Select."""
    if has_subqueries((operation.condition, *computed_in(operation))):
        return _pipeline(operation, named_rows(operation, dialect), operation.limit is not None, dialect)
    plain = is_plain(operation.order) and not (operation.windows or operation.first)
    if operation.distinct and not operation.computed and plain:
        return _distinct(operation, dialect)
    if operation.distinct or not plain:
        bounded = operation.limit is not None or key_is_fixed(operation.condition)
        return _pipeline(operation, named_rows(operation, dialect), bounded, dialect)
    return _find(operation, dialect)


def group(operation: Group, dialect: Dialect) -> MongoPrepared:
    """The groups of a Group."""
    bounded = not operation.keys or operation.limit is not None
    return _pipeline(operation, read_stages(operation, dialect), bounded, dialect)


def combination(operation: Combination, dialect: Dialect) -> MongoPrepared:
    """The rows of a Combination."""
    return _pipeline(operation, read_stages(operation, dialect), operation.limit is not None, dialect)


def count(operation: Count, dialect: Dialect) -> MongoPrepared:
    """The number of rows."""
    if operation.estimate:
        kept: Stages = [{"$collStats": {"count": {}}}, {"$group": {KEY: None, "n": {"$sum": "$count"}}}]
        return MongoPrepared(builder(CountRows, operation.schema, _aggregate(operation.schema, kept)))
    stages, _ = matched_rows(operation.schema, operation.condition, dialect)
    if operation.distinct:
        stages += distinct_values(operation.distinct, by_path(operation.distinct), beside=computes_in(stages))
    stages += window(operation.offset, operation.limit)
    stages.append({"$count": "n"})
    return MongoPrepared(builder(CountRows, operation.schema, _aggregate(operation.schema, stages)))


def exists(operation: Exists, dialect: Dialect) -> MongoPrepared:
    """Whether there is a row."""
    if has_subqueries((operation.condition,)):
        stages, _ = matched_rows(operation.schema, operation.condition, dialect)
        stages += [*window(operation.offset, None), {"$limit": 1}, {"$count": "n"}]
        return MongoPrepared(builder(CountRows, operation.schema, _aggregate(operation.schema, stages)))
    document: Document = {
        "find": operation.schema.table,
        "filter": live_filter(operation.schema, operation.condition, dialect),
        "projection": {KEY: 1},
        "limit": 1,
        "singleBatch": True,
    }
    if operation.offset is not None:
        document["skip"] = Hole(operation.offset.index)
    return MongoPrepared(builder(ExistsRow, operation.schema, document))


def _find(operation: Select, dialect: Dialect) -> MongoPrepared:
    schema, scope = operation.schema, Scope(dialect)
    single = key_is_fixed(operation.condition)
    document: Document = {"find": schema.table, "filter": live_filter(schema, operation.condition, dialect)}
    if operation.computed:
        document["projection"] = {KEY: 0, **outputs(operation.columns, operation.computed, scope)}
    elif len(operation.columns) < len(schema.fields):
        document["projection"] = _projection(operation.columns)
    if operation.order and not single:
        document["sort"] = sort_of(operation.order, scope)
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
    path = name_of if operation.computed else path_of
    return MongoPrepared(builder(Read, schema, document, bounded), sources_of(operation.outputs, path, dialect))


def _distinct(operation: Select, dialect: Dialect) -> MongoPrepared:
    stages: Stages = [{"$match": live_filter(operation.schema, operation.condition, dialect)}]
    stages += distinct_values(operation.columns, by_path(operation.columns), beside=computes_in(stages))
    stages += sorted_window(
        operation.order, operation.offset, operation.limit, Scope(dialect, lambda field: f"{KEY}.{path_of(field)}")
    )
    stages.append({"$replaceRoot": {"newRoot": f"${KEY}"}})
    document = _aggregate(operation.schema, stages)
    return MongoPrepared(
        builder(Read, operation.schema, document, False), sources_of(operation.columns, path_of, dialect)
    )


def _pipeline(
    operation: Select | Group | Combination, stages: Stages, bounded: bool, dialect: Dialect
) -> MongoPrepared:
    document = _aggregate(leading(operation), stages)
    return MongoPrepared(
        builder(Read, operation.schema, document, bounded), sources_of(operation.outputs, name_of, dialect)
    )


def _aggregate(schema: Schema, stages: Stages) -> Document:
    return {
        "aggregate": schema.table,
        "pipeline": stages,
        "cursor": {"batchSize": _EVERYTHING},
        "allowDiskUse": True,
    }


def _projection(columns: Sequence[FieldInfo]) -> dict[str, int]:
    chosen = {path_of(field): 1 for field in columns}
    return chosen if KEY in chosen else {**chosen, KEY: 0}


def sources_of(columns: Sequence[FieldInfo], path: Path, dialect: Dialect) -> tuple[Source, ...]:
    """Where the columns stand in documents, and how they become plain."""
    return tuple(Source(path(field), dialect.codec.load(field.kind)) for field in columns)
