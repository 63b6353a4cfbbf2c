"""Unions, intersections and differences: which queries go together, and what the rows are that come of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from polystore.errors import FieldError, QueryUsageError
from polystore.query.groups import never, output_names
from polystore.query.names import Names, made_field
from polystore.query.nodes import Column, Expression
from polystore.query.operators import SetOperator
from polystore.query.signatures import Mismatch, common_kind
from polystore.schema.kinds import DecimalKind, Kind, describe_kind, is_container, plain_kind
from polystore.schema.model import FieldInfo, Schema

if TYPE_CHECKING:
    from polystore.query.stages import Query


class Combined(Struct, frozen=True):
    """Stages whose rows are put together, each with its schema, and the outputs by which rows are told apart."""

    operator: SetOperator
    parts: tuple[tuple[Schema, Query], ...]
    outputs: tuple[FieldInfo, ...]
    identity: tuple[FieldInfo, ...]


def combined(operator: SetOperator, parts: Sequence[tuple[Schema, Query]]) -> Combined:
    """What comes of these stages.

    Raises:
        QueryUsageError: instances with something else.
        FieldError: rows of different numbers or kinds of values, or values that are not compared.
    """
    schema, first = parts[0]
    for other in parts[1:]:
        _refuse_other_form(operator, parts[0], other)
    outputs = tuple(_output(operator, place, parts) for place in range(len(first.output.fields)))
    if first.output.form == "models":
        return Combined(operator, tuple(parts), outputs, tuple(field for field in outputs if _identifies(field)))
    if operator is not SetOperator.UNION_ALL:
        _refuse_containers(operator, schema, outputs)
    return Combined(operator, tuple(parts), outputs, outputs)


def _identifies(field: FieldInfo) -> bool:
    """Whether instances can differ in an output: in their key, and in annotations, which no model has."""
    return field.primary_key or field.position < 0


def alive(found: Combined) -> Combined | None:
    """The same without stages that have no rows for certain; None where no row is left."""
    parts = tuple(part for part in found.parts if not _is_empty(part[1]))
    operator = found.operator
    if operator is SetOperator.INTERSECTION and len(parts) < len(found.parts):
        return None
    if operator is SetOperator.DIFFERENCE and _is_empty(found.parts[0][1]):
        return None
    if len(parts) == 1 and operator is not SetOperator.UNION_ALL:
        operator = SetOperator.UNION
    return Combined(operator, parts, found.outputs, found.identity) if parts else None


def _is_empty(stage: Query) -> bool:
    return never(stage.condition) or never(stage.having)


def combined_ending(found: Combined, *, sliced: bool) -> tuple[Expression, ...]:
    """What tells two combined rows apart in an order.

    Raises:
        FieldError: rows that may differ in a container only, which have no order among each other.
    """
    for field in found.identity:
        if sliced and is_container(field.kind):
            raise FieldError(
                f"{field.label} is {describe_kind(field.kind)}: combined rows that differ in it alone have no order, "
                "which slices and first() need; leave it out of values()"
            )
    return tuple(Column(field) for field in found.identity if not is_container(field.kind))


def names_of_outputs(schema: Schema, outputs: Sequence[FieldInfo]) -> Names:
    """What can be named of combined rows."""
    return Names(schema.name, output_names(schema.name, outputs).fields, {}, "selected value")


# ---- what goes together


def _refuse_other_form(operator: SetOperator, first: tuple[Schema, Query], other: tuple[Schema, Query]) -> None:
    (schema, one), (beside, two) = first, other
    if "models" not in (one.output.form, two.output.form):
        if len(one.output.fields) != len(two.output.fields):
            raise FieldError(
                f"{schema.name}: {operator.value} takes rows of as many values each, "
                f"not of {_listed(one)} and of {_listed(two)}"
            )
        return
    if schema is not beside or one.output.form != two.output.form:
        raise QueryUsageError(
            f"{schema.name}: {operator.value} takes instances of one model, or rows of values(...) or "
            f"values_list(...); not {_kind_of_rows(schema, one)} and {_kind_of_rows(beside, two)}"
        )
    if [field.name for field in one.output.fields] != [field.name for field in two.output.fields]:
        raise FieldError(
            f"{schema.name}: {operator.value} takes instances with the same fields and annotations, "
            f"not with {_listed(one)} and with {_listed(two)}"
        )


def _kind_of_rows(schema: Schema, stage: Query) -> str:
    return f"{schema.name} instances" if stage.output.form == "models" else f"values of {schema.name}"


def _listed(stage: Query) -> str:
    return ", ".join(field.name for field in stage.output.fields)


def _output(operator: SetOperator, place: int, parts: Sequence[tuple[Schema, Query]]) -> FieldInfo:
    fields = [stage.output.fields[place] for _, stage in parts]
    first = fields[0]
    if all(field.kind == first.kind for field in fields):
        return first
    kinds = [field.kind for field in fields]
    try:
        return made_field(first.model, first.name, _common(kinds))
    except Mismatch:
        given = " and ".join(f"{field.label} is {describe_kind(field.kind)}" for field in fields)
        raise FieldError(
            f"{operator.value}: values in one place are of one kind, but {given}; Cast(...) makes them alike"
        ) from None


def _common(kinds: Sequence[Kind]) -> Kind:
    if any(type(plain_kind(kind)) is not type(plain_kind(kinds[0])) for kind in kinds):
        raise Mismatch
    decimals = [plain for kind in kinds if isinstance(plain := plain_kind(kind), DecimalKind)]
    return _common_decimal(decimals) if decimals else common_kind(kinds)


def _common_decimal(kinds: Sequence[DecimalKind]) -> DecimalKind:
    """A kind that holds the values of all of these."""
    places = [kind.decimal_places for kind in kinds if kind.decimal_places is not None]
    if len(places) < len(kinds):
        return DecimalKind(max(kind.max_digits for kind in kinds))
    whole = max(kind.max_digits - (kind.decimal_places or 0) for kind in kinds)
    return DecimalKind(whole + max(places), max(places))


def _refuse_containers(operator: SetOperator, schema: Schema, outputs: Sequence[FieldInfo]) -> None:
    for field in outputs:
        if is_container(field.kind):
            raise FieldError(
                f"{field.label} is {describe_kind(field.kind)}: {operator.value} cannot tell rows apart by it; "
                "leave it out of values(), or write union(all=True)"
            )
