"""Orderings: their terms, their other end, made total."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias

from polystore.errors import FieldError
from polystore.query.lookups.paths import find_field
from polystore.query.names import Names
from polystore.query.nodes import Column, Expression, Order
from polystore.query.reading import read_expression
from polystore.schema.kinds import JsonKind, describe_kind, is_container
from polystore.schema.model import Schema

Nulls: TypeAlias = Literal["first", "last"] | None


def read_order(names: Names, terms: Sequence[Any], indexes: Iterator[int]) -> tuple[Order, ...]:
    """The terms of an ordering: names, and ``("by", expression structure, descending, nulls)``.

    Raises:
        FieldError: an unknown name, or values that have no order.
    """
    found: dict[Expression, Order] = {}
    for term in terms:
        order = _named(names, term) if isinstance(term, str) else _given(names, term, indexes)
        kind = order.expression.kind
        if kind is None or (is_container(kind) and not isinstance(kind, JsonKind)):
            what = "NULL" if kind is None else describe_kind(kind)
            raise FieldError(f"{_label(names, order.expression)} is {what}: rows cannot be ordered by it")
        found.setdefault(order.expression, order)
    return tuple(found.values())


def _named(names: Names, name: str) -> Order:
    return Order(names.expression(find_field(names, name.removeprefix("-"))), name.startswith("-"))


def _given(names: Names, term: Any, indexes: Iterator[int]) -> Order:
    _, shape, descending, nulls = term
    by_default = "last" if descending else "first"
    return Order(read_expression(names, shape, indexes), descending, None if nulls == by_default else nulls)


def _label(names: Names, expression: Expression) -> str:
    return expression.field.label if isinstance(expression, Column) else f"{names.name}: an expression"


def reversed_order(order: tuple[Order, ...]) -> tuple[Order, ...]:
    """The ordering from its other end, NULLs included."""
    other: dict[Nulls, Nulls] = {"first": "last", "last": "first", None: None}
    return tuple(Order(term.expression, not term.descending, other[term.nulls]) for term in order)


def total_order(schema: Schema, order: tuple[Order, ...], outputs: Sequence[Expression] = ()) -> tuple[Order, ...]:
    """The ordering made total: ties are broken by the primary key, in the direction of the last term.

    Where rows are distinct over some outputs (or are groups of them), the rest of these break ties instead.
    """
    named = {term.expression for term in order}
    if Column(schema.primary_key) in named and not outputs:
        return order
    descending = order[-1].descending if order else False
    ending = list(outputs or [Column(schema.primary_key)])
    return order + tuple(Order(expression, descending) for expression in ending if expression not in named)
