"""Queries within queries as ``$lookup`` stages: what came of each stands in the documents, under a name of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeAlias, assert_never

from msgspec.structs import replace as changed

from polystore.adapters.mongo.conditions import filter_of
from polystore.adapters.mongo.dialect import KEY, Dialect
from polystore.adapters.mongo.expiry import live_filter
from polystore.adapters.mongo.expressions import OUTER, comparison, value_of
from polystore.adapters.mongo.scope import Scope, name_of
from polystore.adapters.mongo.values import Document, given
from polystore.query.nodes import All, Column, Condition, Expression, HasRows, Outer, Scalar, WithinRows
from polystore.query.operations import Group, Select
from polystore.query.operators import Operator
from polystore.query.walk import Subquery, subqueries_of
from polystore.schema.model import Schema

Stages: TypeAlias = list[Document]


class Lookups:
    """Looks queries up for the documents of a pipeline."""

    stages_of: ClassVar[Callable[[Select | Group, Dialect], Stages]]
    """The pipeline of a query, which may have others within: it stands higher up and puts itself here."""


def matched_rows(
    schema: Schema, condition: All, dialect: Dialect, others: Iterable[Expression | Condition] = ()
) -> tuple[Stages, Scope]:
    """The stages that find a model's rows, with what the queries within say of them; and the scope that knows where.

    Args:
        schema: the model's schema.
        condition: of its rows.
        dialect: how values are stored.
        others: what else is computed of the rows.
    """
    plain = tuple(child for child in condition.children if not any(subqueries_of(child)))
    rest = tuple(child for child in condition.children if child not in plain)
    stages: Stages = [{"$match": live_filter(schema, All(plain), dialect)}]
    looked_up, scope = looked_up_for(rest, Scope(dialect))
    stages += looked_up
    if rest:
        stages.append({"$match": filter_of(All(rest), scope)})
    looked_up, scope = looked_up_for(others, scope)
    return stages + looked_up, scope


def looked_up_for(parts: Iterable[Expression | Condition], scope: Scope, **options: bool) -> tuple[Stages, Scope]:
    """The stages that look up the queries within some parts, and the scope that knows where their answers stand.

    Args:
        parts: expressions and conditions about the documents.
        scope: what their columns are.
        options: of ``subqueries_of``.
    """
    stages: Stages = []
    for part in parts:
        for node in subqueries_of(part, **options):
            if node in scope.subqueries:
                continue
            name = f"_s{len(scope.subqueries)}"
            stages += _looked_up(node, name, scope)
            scope = Scope(scope.dialect, scope.path, scope.aggregates, {**scope.subqueries, node: name})
    return stages, scope


def has_subqueries(parts: Iterable[Expression | Condition]) -> bool:
    """Whether there is a query within these."""
    return any(True for part in parts for _ in subqueries_of(part))


def _looked_up(node: Subquery, name: str, scope: Scope) -> Stages:
    """The stages that put the answer of one query into the documents: a value, or whether there is one."""
    arguments = node.arguments
    pipeline = Lookups.stages_of(_trimmed(node), scope.dialect)
    match node:
        case Scalar(value=value):
            pipeline += [{"$limit": 1}, {"$project": {KEY: 0, "v": f"${value.name}"}}]
            answer: Any = given({"row": {"$arrayElemAt": [f"${name}", 0]}}, "$$row.v")
        case HasRows():
            pipeline += [{"$limit": 1}, {"$project": {KEY: 1}}]
            answer = _is_there(name)
        case WithinRows(left=left, value=value):
            assert left.kind is not None
            wanted = Outer(len(arguments), left.kind)
            arguments = (*arguments, left)
            same = comparison(Column(value), Operator.EXACT, wanted, Scope(scope.dialect, name_of))
            pipeline += [{"$match": {"$expr": same}}, {"$limit": 1}, {"$project": {KEY: 1}}]
            answer = _is_there(name)
        case _:
            assert_never(node)
    variables = {f"{OUTER}{place}": value_of(argument, scope) for place, argument in enumerate(arguments)}
    looked_up = {"from": node.rows.schema.table, "let": variables, "pipeline": pipeline, "as": name}
    return [{"$lookup": looked_up}, {"$set": {name: answer}}]


def _trimmed(node: Subquery) -> Select | Group:
    """The rows of a query with only the outputs that are asked for."""
    rows = node.rows
    if isinstance(rows, Group) or rows.distinct or isinstance(node, HasRows):
        return rows
    computed = tuple(each for each in rows.computed if each.field is node.value)
    return changed(rows, columns=tuple(field for field in rows.columns if field is node.value), computed=computed)


def _is_there(name: str) -> Document:
    return {"$gt": [{"$size": f"${name}"}, 0]}
