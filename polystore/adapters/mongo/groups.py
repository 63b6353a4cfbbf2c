"""Groups as pipelines: rows, their keys and aggregates, what is asked of the groups, and their outputs by name."""

from __future__ import annotations

from typing import Any, assert_never

from polystore.adapters.mongo.aggregates import finished, gathered, needs_least, operand_of
from polystore.adapters.mongo.dialect import KEY, Dialect
from polystore.adapters.mongo.expiry import live_filter
from polystore.adapters.mongo.expressions import truth_of, value_of
from polystore.adapters.mongo.scope import Scope, name_of, within
from polystore.adapters.mongo.selects import Stages, named_rows, outputs, sorted_window
from polystore.adapters.mongo.values import Document
from polystore.query.nodes import Aggregated, Group, Select
from polystore.query.walk import aggregates_of, aggregates_within


def group_stages(operation: Group, dialect: Dialect) -> Stages:
    """The stages that answer the groups, as documents of their outputs."""
    names = {node: f"a{place}" for place, node in enumerate(_aggregates(operation))}
    groups = Scope(dialect, within(KEY, name_of), names)
    stages = [*_rows(operation, dialect), *_grouped(operation, names, _scope_of_rows(operation, dialect))]
    if names:
        stages.append({"$project": {node_name: finished(node, node_name) for node, node_name in names.items()}})
    if operation.having.children:
        stages.append({"$match": {"$expr": truth_of(operation.having, groups)}})
    stages += sorted_window(operation.order, operation.offset, operation.limit, groups)
    keys = {key.name: f"${KEY}.{key.name}" for key in operation.keys}
    return [*stages, {"$project": {KEY: 0, **keys, **outputs((), operation.computed, groups)}}]


def _aggregates(operation: Group) -> list[Aggregated]:
    found = dict.fromkeys(aggregates_within(operation.having))
    computed = (each.expression for each in operation.computed)
    for expression in (*computed, *(term.expression for term in operation.order)):
        found |= dict.fromkeys(aggregates_of(expression))
    return list(found)


# ---- rows


def _scope_of_rows(operation: Group, dialect: Dialect) -> Scope:
    return Scope(dialect) if operation.source is None else Scope(dialect, name_of)


def _rows(operation: Group, dialect: Dialect) -> Stages:
    match operation.source:
        case None:
            return [{"$match": live_filter(operation.schema, operation.condition, dialect)}]
        case Select() as source:
            stages = named_rows(source, dialect)
        case Group() as source:
            stages = group_stages(source, dialect)
        case _:
            assert_never(operation.source)
    if operation.condition.children:
        scope = _scope_of_rows(operation, dialect)
        stages.append({"$match": {"$expr": truth_of(operation.condition, scope)}})
    return stages


# ---- grouping


def _grouped(operation: Group, names: dict[Aggregated, str], rows: Scope) -> Stages:
    """One document for each group: its key, and what its aggregates gather. Without keys there is always one."""
    key: Any = {each.name: _or_null(value_of(each.expression, rows, exact=False)) for each in operation.keys}
    stages: Stages = []
    if any(map(needs_least, names)):
        stages += _with_least(key, names, rows)
        rows, key = Scope(rows.dialect, within("row", rows.path)), "$key" if key else None
    gathering: Document = {}
    for node, name in names.items():
        gathering |= gathered(node, name, operand_of(node, rows), f"$least.{name}")
    stages.append({"$group": {KEY: key or None, **gathering}})
    return stages if operation.keys else [*stages, *_ONE]


def _or_null(value: Any) -> Document:
    return {"$ifNull": [value, None]}


def _with_least(key: Document, names: dict[Aggregated, str], rows: Scope) -> Stages:
    """Each row beside its key and the least values of its group."""
    needed = {name: operand_of(node, rows) for node, name in names.items() if needs_least(node)}
    window: Document = {"output": {f"least.{name}": {"$min": f"$value.{name}"} for name in needed}}
    beside: Document = {KEY: 0, "row": "$$ROOT", "value": needed}
    if key:
        window["partitionBy"] = "$key"
        beside["key"] = key
    return [{"$project": beside}, {"$setWindowFields": window}]


_ONE: Stages = [
    {"$facet": {"found": [{"$limit": 1}]}},
    {"$replaceRoot": {"newRoot": {"$ifNull": [{"$arrayElemAt": ["$found", 0]}, {}]}}},
]
"""The only document there is, or an empty one."""
