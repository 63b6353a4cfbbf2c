"""Places windows: each is computed once, beside the rows or the groups, and named as a column by all that uses it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from polystore.errors import FieldError
from polystore.query.explain import describe_expression
from polystore.query.frames import settled_window
from polystore.query.names import made_field
from polystore.query.nodes import Aggregated, All, Column, Computed, Expression, Order, Windowed
from polystore.query.operations import Group, Select
from polystore.query.simplify import rooted
from polystore.query.walk import (
    aggregates_of,
    aggregates_within,
    replaced,
    replaced_within,
    windows_of,
    windows_within,
)
from polystore.schema.model import FieldInfo


def placed(select: Select) -> Select:
    """The Select with its windows computed beside the rows."""
    expressions: list[Expression] = [each.expression for each in select.computed]
    expressions += [term.expression for term in select.order]
    expressions += select.first
    found = dict.fromkeys(window for each in expressions for window in windows_of(each))
    found |= dict.fromkeys(windows_within(select.kept))
    if not found:
        return select
    fields = {
        window: made_field(select.schema.name, f"_window{place}", window.kind) for place, window in enumerate(found)
    }
    ending = _told_apart(select)
    windows = tuple(Computed(field, settled_window(window, ending)) for window, field in fields.items())
    columns = {window: Column(field) for window, field in fields.items()}

    def named(part: Expression) -> Expression | None:
        return columns.get(part) if isinstance(part, Windowed) else None

    return replace(
        select,
        computed=tuple(replace(each, expression=replaced(each.expression, named)) for each in select.computed),
        order=tuple(replace(term, expression=replaced(term.expression, named)) for term in select.order),
        first=tuple(replaced(each, named) for each in select.first),
        kept=rooted(replaced_within(select.kept, named)),
        windows=windows,
    )


def _told_apart(select: Select) -> tuple[Expression, ...]:
    """What tells two rows apart: the primary key, or the keys of groups."""
    if select.source is None:
        return (Column(select.schema.primary_key),)
    return tuple(Column(key.field) for key in select.source.keys)


def windowed_groups(group: Group, outputs: Sequence[FieldInfo], kept: All, *, distinct: bool) -> Select:
    """The rows of groups with windows: the groups answer their keys and aggregates, all else is computed of these.

    Args:
        group: the groups, with windows in what is computed of them; its order and slice are those of the rows.
        outputs: what a row is made of.
        kept: which of the rows are kept.
        distinct: whether equal rows are removed.
    """
    answered: dict[Aggregated, FieldInfo] = {}
    for each in group.computed:
        if isinstance(each.expression, Aggregated):
            answered.setdefault(each.expression, each.field)
    expressions = [*(each.expression for each in group.computed), *(term.expression for term in group.order)]
    found = [node for each in expressions for node in aggregates_of(each)]
    for place, node in enumerate(dict.fromkeys((*found, *aggregates_within(kept)))):
        answered.setdefault(node, made_field(group.schema.name, f"_aggregate{place}", node.kind))

    def named(part: Expression) -> Expression | None:
        return Column(answered[part]) if isinstance(part, Aggregated) else None

    rows = replace(
        group,
        computed=tuple(Computed(field, node) for node, field in answered.items()),
        order=(),
        limit=None,
        offset=None,
    )
    values: dict[FieldInfo, Expression] = {key.field: Column(key.field) for key in group.keys}
    values |= {each.field: replaced(each.expression, named) for each in group.computed}
    return placed(
        Select(
            group.schema,
            (),
            All(),
            tuple(replace(term, expression=replaced(term.expression, named)) for term in group.order),
            group.limit,
            group.offset,
            distinct,
            tuple(Computed(field, values[field]) for field in outputs),
            kept=rooted(replaced_within(kept, named)),
            source=rows,
        )
    )


def first_order(name: str, first: Sequence[Expression], order: tuple[Order, ...]) -> tuple[Order, ...]:
    """The order by which rows come first: the one given, which begins with what they are the first of.

    Raises:
        FieldError: it begins with something else.
    """
    if not order:
        return tuple(Order(expression) for expression in first)
    leading = [term.expression for term in order[: len(set(first))]]
    if set(leading) != set(first):
        shown, given = _listed(first), _listed(term.expression for term in order)
        raise FieldError(
            f"{name}: distinct({shown}) takes the first row by the order, which must begin with {shown}; "
            f"write order_by({shown}, ...) and not order_by({given})"
        )
    return order


def _listed(expressions: Iterable[Expression]) -> str:
    return ", ".join(describe_expression(expression) for expression in expressions)
