"""Reads the structure of expressions: names to columns, numbers to parameters, and the kind of each result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from polystore.errors import FieldError
from polystore.query.nodes import Arithmetic, ArithmeticOperator, Column, Expression, Parameter
from polystore.schema.kinds import DecimalKind, FloatKind, IntKind, Kind, describe_kind, plain_kind
from polystore.schema.model import Schema

_LITERALS: dict[str, Kind] = {"int": IntKind(), "float": FloatKind(), "Decimal": DecimalKind()}
_NUMBERS = (IntKind, FloatKind, DecimalKind)


def read_expression(schema: Schema, shape: tuple[Any, ...], indexes: Iterator[int]) -> tuple[Expression, Kind]:
    """The expression of a structure, and the kind of its values.

    Raises:
        FieldError: an unknown field, or arithmetic on something that is no number.
    """
    tag = shape[0]
    if tag == "F":
        field = schema.field(shape[1])
        return Column(field), plain_kind(field.kind)
    if tag == "V":
        kind = _LITERALS[shape[1]]
        return Parameter(next(indexes), kind), kind
    left, left_kind = read_expression(schema, shape[1], indexes)
    right, right_kind = read_expression(schema, shape[2], indexes)
    operator = ArithmeticOperator(tag)
    kind = _result_kind(schema, operator, left_kind, right_kind)
    return Arithmetic(operator, left, right, kind), kind


def refuse_mixed(what: str, left: Kind, right: Kind) -> None:
    """Refuses to compare or assign values of different nature.

    Raises:
        FieldError: names both kinds.
    """
    left, right = plain_kind(left), plain_kind(right)
    both_numbers = isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS)
    mixed = {type(left), type(right)} == {FloatKind, DecimalKind}
    if mixed or not (both_numbers or type(left) is type(right)):
        raise FieldError(f"{what}: {describe_kind(left)} and {describe_kind(right)} do not go together")


def _result_kind(schema: Schema, operator: ArithmeticOperator, left: Kind, right: Kind) -> Kind:
    for kind in (left, right):
        if not isinstance(kind, _NUMBERS):
            raise FieldError(f"{schema.name}: arithmetic needs int, float or Decimal fields, not {describe_kind(kind)}")
    refuse_mixed(f"{schema.name}: {operator.value}", left, right)
    if isinstance(left, DecimalKind) or isinstance(right, DecimalKind):
        return DecimalKind()
    if isinstance(left, FloatKind) or isinstance(right, FloatKind) or operator is ArithmeticOperator.DIVIDE:
        return FloatKind()
    return IntKind()
