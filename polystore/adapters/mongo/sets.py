"""Unions, intersections and differences as pipelines: each row says which read it is from, equal rows are grouped."""

from __future__ import annotations

from typing import Any

from polystore.adapters.mongo.dialect import KEY, Dialect
from polystore.adapters.mongo.groups import group_stages
from polystore.adapters.mongo.scope import Scope, name_of
from polystore.adapters.mongo.selects import Stages, beside_group, named_rows, sorted_window
from polystore.adapters.mongo.values import Document, in_kind, or_null
from polystore.query.operations import Combination, Group, Part, Select
from polystore.query.operators import SetOperator
from polystore.schema.model import Schema


def combined_stages(operation: Combination, dialect: Dialect) -> Stages:
    """The stages that answer combined rows, as documents of their outputs; they begin on the first part's model."""
    first, *others = (_part_stages(place, part, operation, dialect) for place, part in enumerate(operation.parts))
    stages = list(first)
    for part, pipeline in zip(operation.parts[1:], others, strict=True):
        stages.append({"$unionWith": {"coll": leading(part.rows).table, "pipeline": pipeline}})
    if operation.operator is not SetOperator.UNION_ALL:
        stages += _once(operation)
    stages += sorted_window(operation.order, operation.offset, operation.limit, Scope(dialect, name_of))
    return [*stages, {"$unset": _BRANCH}]


def leading(operation: Select | Group | Combination) -> Schema:
    """The model on whose collection the pipeline of a read begins."""
    match operation:
        case Combination(parts=parts):
            return leading(parts[0].rows)
        case Group(source=Combination() as source):
            return leading(source)
        case _:
            return operation.schema


def read_stages(operation: Select | Group | Combination, dialect: Dialect) -> Stages:
    """The stages that answer a read, as documents of its outputs by name."""
    match operation:
        case Combination():
            return combined_stages(operation, dialect)
        case Select():
            return named_rows(operation, dialect)
        case Group(source=Combination() as source):
            return group_stages(operation, dialect, combined_stages(source, dialect))
        case Group():
            return group_stages(operation, dialect)


_BRANCH, _BRANCHES, _ROW = "_branch", "_branches", "_row"


def _part_stages(place: int, part: Part, whole: Combination, dialect: Dialect) -> Stages:
    """A part's rows under the names of the whole, each with the place of its part."""
    values: Document = {
        output.name: in_kind(f"${name_of(own)}", own.kind, output.kind)
        for output, own in zip(whole.outputs, part.fields, strict=True)
    }
    return [*read_stages(part.rows, dialect), {"$project": {KEY: 0, **values, _BRANCH: {"$literal": place}}}]


def _once(operation: Combination) -> Stages:
    """The stages that leave each row once, where the right parts have it."""
    key: Document = {field.name: or_null(f"${field.name}") for field in operation.identity}
    parts = len(operation.parts)
    stages: Stages = [
        *beside_group({"key": key, "branch": f"${_BRANCH}", "row": "$$ROOT"}),
        {"$group": {KEY: "$key", _BRANCHES: {"$addToSet": "$branch"}, _ROW: {"$first": "$row"}}},
    ]
    wanted: dict[SetOperator, Any] = {
        SetOperator.INTERSECTION: {"$size": parts},
        SetOperator.DIFFERENCE: [0],
    }
    if operation.operator in wanted:
        stages.append({"$match": {_BRANCHES: wanted[operation.operator]}})
    return [*stages, {"$replaceRoot": {"newRoot": f"${_ROW}"}}]
