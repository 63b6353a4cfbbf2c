"""Groups as pipelines: rows, their keys and aggregates, what is asked of the groups, and their outputs by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, assert_never

from polystore.adapters.mongo.aggregates import finished, gathered, needs_least, operand_of
from polystore.adapters.mongo.conditions import computes_in
from polystore.adapters.mongo.dialect import KEY, Dialect
from polystore.adapters.mongo.expressions import truth_of, value_of
from polystore.adapters.mongo.lookups import Lookups, looked_up_for, matched_rows
from polystore.adapters.mongo.scope import Scope, name_of, within
from polystore.adapters.mongo.selects import (
    Stages,
    beside_group,
    computed_in,
    named_rows,
    outputs,
    sorted_window,
)
from polystore.adapters.mongo.values import Document, or_null
from polystore.query.nodes import Aggregated, Column, Expression
from polystore.query.operations import Combination, Group, Select
from polystore.query.walk import aggregates_of, aggregates_within


def group_stages(operation: Group, dialect: Dialect, source: Stages | None = None) -> Stages:
    """The stages that answer the groups, as documents of their outputs.

    Args:
        operation: the groups.
        dialect: how values are stored.
        source: the stages that answer what groups are made of, where these are combined rows.
    """
    names = {node: f"a{place}" for place, node in enumerate(_aggregates(operation))}
    groups = Scope(dialect, within(KEY, name_of), names)
    stages, scope = _rows(operation, dialect, [*(key.expression for key in operation.keys), *names], source)
    stages += _grouped(operation, names, stages, scope)
    if names:
        stages.append({"$project": {node_name: finished(node, node_name) for node, node_name in names.items()}})
    looked_up, groups = looked_up_for((operation.having, *computed_in(operation)), groups, in_aggregates=False)
    stages += looked_up
    if operation.having.children:
        stages.append({"$match": {"$expr": truth_of(operation.having, groups)}})
    stages += sorted_window(operation.order, operation.offset, operation.limit, groups)
    keys = {name_of(key.field): f"${KEY}.{name_of(key.field)}" for key in operation.keys}
    return [*stages, {"$project": {KEY: 0, **keys, **outputs((), operation.computed, groups)}}]


def _aggregates(operation: Group) -> list[Aggregated]:
    found = dict.fromkeys(aggregates_within(operation.having))
    computed = (each.expression for each in operation.computed)
    for expression in (*computed, *(term.expression for term in operation.order)):
        found |= dict.fromkeys(aggregates_of(expression))
    return list(found)


# ---- rows


def _rows(
    operation: Group, dialect: Dialect, others: Sequence[Expression], given: Stages | None
) -> tuple[Stages, Scope]:
    """The stages that find the rows of the groups; and the scope of these rows."""
    match operation.source:
        case None:
            return matched_rows(operation.schema, operation.condition, dialect, others)
        case Select() | Group() as source:
            stages = stages_of(source, dialect)
        case Combination():
            assert given is not None, "the stages of combined rows are given"
            stages = list(given)
        case _:
            assert_never(operation.source)
    looked_up, scope = looked_up_for((operation.condition, *others), Scope(dialect, name_of))
    stages += looked_up
    if operation.condition.children:
        stages.append({"$match": {"$expr": truth_of(operation.condition, scope)}})
    return stages, scope


def stages_of(operation: Select | Group, dialect: Dialect) -> Stages:
    """The stages that answer rows or groups, as documents of their outputs."""
    return named_rows(operation, dialect) if isinstance(operation, Select) else group_stages(operation, dialect)


Lookups.stages_of = staticmethod(stages_of)


# ---- grouping


def _grouped(operation: Group, names: dict[Aggregated, str], rows: Stages, scope: Scope) -> Stages:
    """One document for each group: its key, and what its aggregates gather. Without keys there is always one."""
    key: Any = {name_of(each.field): or_null(value_of(each.expression, scope, exact=False)) for each in operation.keys}
    values = {name: operand_of(node, scope) for node, name in names.items()}
    stages: Stages = []
    if computes_in(rows) or not _is_plain(operation, names):
        stages = [*beside_group(_filled({"key": key, "value": values})), *_least(bool(key), names)]
        values = {name: f"$value.{name}" for name in values}
        key = "$key" if key else None
    gathering: Document = {}
    for node, name in names.items():
        gathering |= gathered(node, name, values[name], f"$least.{name}")
    stages.append({"$group": {KEY: key or None, **gathering}})
    return stages if operation.keys else [*stages, *_ONE]


def _is_plain(operation: Group, names: Iterable[Aggregated]) -> bool:
    """Whether nothing is computed for the groups: keys and operands are columns."""
    operands = [node.operand for node in names if node.operand is not None]
    computed = [*(key.expression for key in operation.keys), *operands]
    plain = all(isinstance(expression, Column) for expression in computed)
    return plain and not any(node.condition is not None or needs_least(node) for node in names)


def _filled(documents: dict[str, Document]) -> Document:
    """Those that are not empty: a server takes no empty ones."""
    return {name: document for name, document in documents.items() if document}


def _least(keyed: bool, names: dict[Aggregated, str]) -> Stages:
    """The stage that puts the least value of its group beside each row, where an aggregate needs it."""
    output = {f"least.{name}": {"$min": f"$value.{name}"} for node, name in names.items() if needs_least(node)}
    if not output:
        return []
    return [{"$setWindowFields": {"partitionBy": "$key", "output": output} if keyed else {"output": output}}]


_ONE: Stages = [
    {"$facet": {"found": [{"$limit": 1}]}},
    {"$replaceRoot": {"newRoot": {"$ifNull": [{"$arrayElemAt": ["$found", 0]}, {}]}}},
]
"""The only document there is, or an empty one."""
