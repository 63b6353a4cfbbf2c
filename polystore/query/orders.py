"""Orderings: their terms, their other end, made total."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias

from polystore.errors import FieldError, QueryUsageError
from polystore.query.lookups.paths import find_field
from polystore.query.names import Names
from polystore.query.nodes import Column, Expression, Order, Random
from polystore.query.reading import read_term
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
        order = _named(names, term) if isinstance(term, str) else read_term(names, term, indexes)
        kind = order.expression.kind
        if kind is None or (is_container(kind) and not isinstance(kind, JsonKind)):
            what = "NULL" if kind is None else describe_kind(kind)
            raise FieldError(f"{_label(names, order.expression)} is {what}: rows cannot be ordered by it")
        found.setdefault(order.expression, order)
    return tuple(found.values())


def _named(names: Names, name: str) -> Order:
    if name == "?":
        return Order(Random())
    return Order(names.expression(find_field(names, name.removeprefix("-"))), name.startswith("-"))


def _label(names: Names, expression: Expression) -> str:
    return expression.field.label if isinstance(expression, Column) else f"{names.name}: an expression"


def reversed_order(order: tuple[Order, ...]) -> tuple[Order, ...]:
    """The ordering from its other end, NULLs included.

    Raises:
        QueryUsageError: a random one.
    """
    if is_random(order):
        raise QueryUsageError('order_by("?") has no other end: reverse() and last() need an order that lasts')
    other: dict[Nulls, Nulls] = {"first": "last", "last": "first", None: None}
    return tuple(Order(term.expression, not term.descending, other[term.nulls]) for term in order)


def is_random(order: Sequence[Order]) -> bool:
    """Whether the rows come in another order each time."""
    return any(isinstance(term.expression, Random) for term in order)


def total_order(schema: Schema, order: tuple[Order, ...], outputs: Sequence[Expression] = ()) -> tuple[Order, ...]:
    """The ordering made total: ties are broken by the primary key, in the direction of the last term.

    Where rows are distinct over some outputs (or are groups of them), the rest of these break ties instead.
    """
    if is_random(order):
        return order
    named = {term.expression for term in order}
    if Column(schema.primary_key) in named and not outputs:
        return order
    descending = order[-1].descending if order else False
    ending = list(outputs or [Column(schema.primary_key)])
    return order + tuple(Order(expression, descending) for expression in ending if expression not in named)
