"""Places the windows of a Select: each is computed once, beside the rows, and named as a column by all that uses it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from polystore.errors import FieldError
from polystore.query.explain import describe_expression
from polystore.query.names import made_field
from polystore.query.nodes import Column, Computed, Expression, Order, Windowed
from polystore.query.operations import Select
from polystore.query.simplify import rooted
from polystore.query.walk import replaced, replaced_within, windows_of, windows_within


def placed(select: Select) -> Select:
    """The Select with its windows computed beside the rows."""
    expressions: list[Expression] = [each.expression for each in select.computed]
    expressions += [term.expression for term in select.order]
    expressions += select.first
    found = dict.fromkeys(window for each in expressions for window in windows_of(each))
    found |= dict.fromkeys(windows_within(select.kept))
    if not found:
        return select
    windows = tuple(
        Computed(made_field(select.schema.name, f"_window{place}", window.kind), window)
        for place, window in enumerate(found)
    )
    columns = {each.expression: Column(each.field) for each in windows}

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
