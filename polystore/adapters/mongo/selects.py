"""Rows with computed values, or in an order of computed values: pipelines, and documents of outputs by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from msgspec.structs import replace

from polystore.adapters.mongo.dialect import KEY, Dialect, path_of
from polystore.adapters.mongo.expressions import held_in, refuse_order, truth_of, value_of
from polystore.adapters.mongo.lookups import Lookups, looked_up_for, matched_rows
from polystore.adapters.mongo.paths import single_in, type_in_order
from polystore.adapters.mongo.places import place_of
from polystore.adapters.mongo.scope import Scope, name_of, within
from polystore.adapters.mongo.template import Hole
from polystore.adapters.mongo.values import Document, or_null
from polystore.adapters.mongo.windows import window_stages
from polystore.errors import NotSupportedError
from polystore.query.nodes import Column, Computed, Expression, IsNull, Order, Parameter, Path
from polystore.query.operations import Group, Select
from polystore.schema.kinds import EmbeddedKind, JsonKind, Kind, ListKind, MapKind, describe_kind
from polystore.schema.model import FieldInfo

Stages: TypeAlias = list[Document]


def named_rows(operation: Select, dialect: Dialect) -> Stages:
    """The stages that answer the rows of a Select, as documents of its outputs."""
    stages, scope = _rows(operation, dialect)
    stages += window_stages(operation.windows, scope)
    looked_up, scope = looked_up_for((operation.kept,), scope)
    stages += looked_up
    if operation.kept.children:
        stages.append({"$match": {"$expr": truth_of(operation.kept, scope)}})
    looked_up, scope = looked_up_for(computed_in(operation), scope)
    stages += looked_up
    chosen = outputs(operation.columns, operation.computed, scope)
    if operation.first:
        stages += _first_rows(operation, scope)
    if not operation.distinct:
        stages += sorted_window(operation.order, operation.offset, operation.limit, scope)
        return [*stages, {"$project": {KEY: 0, **chosen}}]
    stages += distinct_values(operation.outputs, chosen, beside=True)
    order = _order_of_outputs(operation)
    stages += sorted_window(order, operation.offset, operation.limit, Scope(dialect, within(KEY, name_of)))
    return [*stages, {"$replaceRoot": {"newRoot": f"${KEY}"}}]


def _rows(operation: Select, dialect: Dialect) -> tuple[Stages, Scope]:
    """The stages that find the rows, or answer the groups that stand for them, for windows; and the scope of these."""
    windows = [each.expression for each in operation.windows]
    if operation.source is None:
        return matched_rows(operation.schema, operation.condition, dialect, windows)
    looked_up, scope = looked_up_for(windows, Scope(dialect, name_of))
    return [*Lookups.stages_of(operation.source, dialect), *looked_up], scope


def _first_rows(operation: Select, scope: Scope) -> Stages:
    """The stages that leave the first row, in the order, of each combination of values."""
    key = {f"by{place}": or_null(value_of(each, scope, exact=False)) for place, each in enumerate(operation.first)}
    return [
        *sorted_window(operation.order, None, None, scope),
        *beside_group({"key": key, "row": "$$ROOT"}),
        {"$group": {KEY: "$key", "row": {"$first": "$row"}}},
        {"$replaceRoot": {"newRoot": "$row"}},
    ]


def computed_in(operation: Select | Group) -> list[Expression]:
    """What an operation computes for its answers and their order."""
    found = [*(each.expression for each in operation.computed), *(term.expression for term in operation.order)]
    if isinstance(operation, Select):
        found += [*(each.expression for each in operation.windows), *operation.first]
    return found


def outputs(columns: Sequence[FieldInfo], computed: Sequence[Computed], scope: Scope) -> Document:
    """What is computed for each output, by its name."""
    found: Document = {name_of(field): f"${scope.path(field)}" for field in columns}
    return found | {name_of(each.field): value_of(each.expression, scope, exact=False) for each in computed}


def distinct_values(columns: Sequence[FieldInfo], values: Mapping[str, Any], *, beside: bool) -> Stages:
    """One document for each combination of values, in its key; missing and null are the same value.

    Args:
        columns: the fields that the values are of.
        values: what is told apart, by name.
        beside: whether something is computed for it, or was for the condition: see ``beside_group``.
    """
    for field in columns:
        _refuse_loose_documents(field, field.kind)
    key = {name: or_null(value) for name, value in values.items()}
    return [*beside_group({"key": key}), {"$group": {KEY: "$key"}}] if beside else [{"$group": {KEY: key}}]


def beside_group(values: Document) -> Stages:
    """The stage that computes what is grouped: in a ``$group`` some servers fail to compile nested ``$let``."""
    return [{"$replaceRoot": {"newRoot": values}}]


def _order_of_outputs(operation: Select) -> tuple[Order, ...]:
    """The order by outputs in place of what they are computed from."""
    fields: dict[Expression, FieldInfo] = {Column(field): field for field in operation.columns}
    fields |= {each.expression: each.field for each in operation.computed}
    return tuple(replace(term, expression=Column(fields[term.expression])) for term in operation.order)


# ---- order


def is_plain(order: Sequence[Order]) -> bool:
    """Whether documents have what they are ordered by, NULL where the server puts it."""
    return all(
        term.nulls is None and (place := place_of(term.expression)) is not None and not place.in_json for term in order
    )


def sort_of(order: Sequence[Order], scope: Scope) -> dict[str, int]:
    """The sort by what stands in the documents."""
    ways = {}
    for term in order:
        refuse_order(term.expression, scope.dialect)
        ways[_sorted_path(term.expression, scope)] = -1 if term.descending else 1
    return ways


def _sorted_path(expression: Expression, scope: Scope) -> str:
    if isinstance(expression, Path):
        place = place_of(expression)
        assert place is not None
        return scope.path(expression.operand.field) + place.path.removeprefix(path_of(expression.operand.field))
    assert isinstance(expression, Column)
    return scope.path(expression.field)


def sorted_window(order: Sequence[Order], offset: Parameter | None, limit: Parameter | None, scope: Scope) -> Stages:
    """The stages that order the documents and take a part of them."""
    part = window(offset, limit)
    if not order:
        return part
    if is_plain(order):
        return [{"$sort": sort_of(order, scope)}, *part]
    by: Document = {}
    ways: dict[str, int] = {}
    for place, term in enumerate(order):
        value, way = value_of(term.expression, scope), -1 if term.descending else 1
        if term.nulls is not None:
            by[f"null{place}"] = truth_of(IsNull(term.expression), scope)
            ways[f"by.null{place}"] = 1 if term.nulls == "last" else -1
        if isinstance(term.expression, Column | Path) and isinstance(term.expression.kind, JsonKind):
            value = held_in(term.expression, scope)
            by[f"type{place}"], value = type_in_order(value), single_in(value)
            ways[f"by.type{place}"] = way
        by[f"value{place}"] = value
        ways[f"by.value{place}"] = way
    wrapped = {"$project": {KEY: 0, "row": "$$ROOT", "by": by}}
    return [wrapped, {"$sort": ways}, *part, {"$replaceRoot": {"newRoot": "$row"}}]


def window(offset: Parameter | None, limit: Parameter | None) -> Stages:
    """The stages that take a part of the documents."""
    stages: Stages = []
    if offset is not None:
        stages.append({"$skip": Hole(offset.index)})
    if limit is not None:
        stages.append({"$limit": Hole(limit.index)})
    return stages


# ---- what has no one form


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


def by_path(columns: Sequence[FieldInfo]) -> Document:
    """Columns by their own paths."""
    return {path_of(field): f"${path_of(field)}" for field in columns}
