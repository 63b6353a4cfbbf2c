"""Groups and aggregates: which rows they are made of, and what may be said of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from polystore.errors import FieldError
from polystore.query.names import Names, made_field
from polystore.query.nodes import Aggregated, All, Column, Computed, Condition, Expression, Order
from polystore.query.operations import Combination, Group, Select
from polystore.query.operators import Aggregate
from polystore.query.reading import read_expression
from polystore.query.simplify import FALSE, rooted
from polystore.query.walk import (
    aggregates_of,
    aggregates_within,
    columns_of,
    replaced,
    replaced_within,
    subqueries_of,
    windows_of,
    windows_within,
)
from polystore.schema.kinds import IntKind, describe_kind, is_container
from polystore.schema.model import FieldInfo, Schema

Keys = tuple[Computed, ...]


def keys_of(names: Names, fields: Iterable[FieldInfo]) -> Keys:
    """The keys of groups by these fields and annotations.

    Raises:
        FieldError: values that are not compared.
    """
    keys = tuple(Computed(field, names.expression(field)) for field in fields)
    for key in keys:
        if windows_of(key.expression):
            raise FieldError(
                f"{names.name}: rows are not grouped by a window ({key.name}); to compute a window of groups, write it "
                "in the annotate() of their aggregates or behind it"
            )
        if is_container(key.kind):
            raise FieldError(f"{key.field.label} is {describe_kind(key.kind)}: rows cannot be grouped by it")
    return keys


def over_groups(names: Names, keys: Keys, expression: Expression) -> Expression:
    """The expression about groups in place of rows: keys as columns, aggregates as they are.

    Raises:
        FieldError: it names a field that is no key, or has an aggregate of windows.
    """
    return replaced(expression, lambda part: _in_groups(names, keys, part))


def having(names: Names, keys: Keys, condition: Condition) -> Condition:
    """The condition about groups."""
    return replaced_within(condition, lambda part: _in_groups(names, keys, part))


def _in_groups(names: Names, keys: Keys, part: Expression) -> Expression | None:
    for key in keys:
        if part == key.expression:
            return Column(key.field)
    match part:
        case Aggregated(aggregate=aggregate):
            if windows_of(part):
                raise FieldError(
                    f"{names.name}: {aggregate.value} of a window: groups are made before windows are computed; "
                    "annotate(x=Window(...)).aggregate(...) takes the name of one"
                )
            return part
        case Column(field=field):
            by = ", ".join(key.name for key in keys)
            given = f"rows are grouped by {by}" if keys else "all rows become one"
            raise FieldError(
                f"{field.label} has many values where {given}; aggregate it (Max, Min, Count...)"
                + (f", or add it to values({by})" if keys else "")
            )
        case _:
            return None


def split_windows(names: Names, keys: Keys | None, condition: Condition) -> tuple[Condition, Condition]:
    """What a filter says without windows, and what it says of windows, which hold for what the rest leaves.

    Raises:
        FieldError: a condition on a window over aggregates where there are no groups.
    """
    parts = rooted(condition).children
    of_windows = tuple(part for part in parts if windows_within(part))
    if not of_windows:
        return condition, All()
    rest, found = All(tuple(part for part in parts if part not in of_windows)), All(of_windows)
    if keys is not None:
        return rest, having(names, keys, found)
    if aggregates_within(found):
        raise FieldError(f"{names.name}: a window over aggregates needs groups: {GROUPS_FIRST}")
    return rest, found


def split_condition(names: Names, keys: Keys | None, condition: Condition) -> tuple[Condition, Condition]:
    """What a filter says of rows, and what it says of groups.

    Raises:
        FieldError: a condition on aggregates where there are no groups.
    """
    parts = rooted(condition).children
    of_groups = tuple(part for part in parts if aggregates_within(part))
    of_rows = tuple(part for part in parts if part not in of_groups)
    if not of_groups:
        return condition, All()
    if keys is None:
        raise FieldError(f"{names.name}: a condition on an aggregate needs groups: {GROUPS_FIRST}")
    return All(of_rows), having(names, keys, All(of_groups))


GROUPS_FIRST = 'write values("field").annotate(...) to group, or aggregate(...) for one row over all'


def refuse_ungrouped(names: Names, expressions: Iterable[Expression]) -> None:
    """Refuses aggregates where there are no groups.

    Raises:
        FieldError: an aggregate among the expressions.
    """
    if any(aggregates_of(expression) for expression in expressions):
        raise FieldError(f"{names.name}: an aggregate needs groups: {GROUPS_FIRST}")


# ---- groups of rows


def output_names(name: str, outputs: Sequence[FieldInfo]) -> Names:
    """The names of rows that are made of these outputs."""
    fields = {field.name: field for field in outputs}
    key = next((field for field in outputs if field.primary_key), None)
    if key is not None:
        fields["pk"] = key
    return Names(name, fields, {}, "value")


def read_aggregates(names: Names, shapes: Iterable[tuple[str, Any]], indexes: Iterator[int]) -> tuple[Computed, ...]:
    """The values of ``aggregate()``.

    Raises:
        FieldError: something that is no aggregate, or that names a field beside one.
    """
    found = []
    for name, shape in shapes:
        expression = read_expression(names, shape, indexes)
        if not aggregates_of(expression):
            raise FieldError(
                f"{names.name}: aggregate({name}=...) takes aggregates such as Sum, or what is made of them"
            )
        if any(subqueries_of(expression, in_aggregates=False)):
            raise FieldError(
                f"{names.name}: aggregate({name}=...) takes no subquery beside its aggregates; put it inside one, or "
                "read it on its own"
            )
        assert expression.kind is not None
        over = over_groups(names, (), expression)
        if windows_of(over):
            raise FieldError(
                f"{names.name}: aggregate({name}=...) takes no window beside its aggregates: all rows become one"
            )
        found.append(Computed(made_field(names.name, name, expression.kind), over))
    return tuple(found)


def number_of(source: Select | Group | Combination) -> Group:
    """How many rows the source answers."""
    field = made_field(source.schema.name, "number", IntKind())
    counted = Computed(field, Aggregated(Aggregate.COUNT, None, IntKind()))
    return Group(source.schema, (), (counted,), All(), source=source)


def distinct_groups(source: Group, outputs: Iterable[FieldInfo], order: tuple[Order, ...]) -> Group:
    """The distinct rows of some of the groups' outputs: groups of groups."""
    keys = tuple(Computed(field, Column(field)) for field in outputs)
    return Group(source.schema, keys, (), All(), order=order, source=source)


def fields_used(schema: Schema, computed: Iterable[Computed]) -> tuple[FieldInfo, ...]:
    """The model's fields that aggregates read; its key when they read none."""
    found = {field for each in computed for field in columns_of(each.expression)}
    return tuple(field for field in schema.fields if field in found) or (schema.primary_key,)


def never(condition: Condition) -> bool:
    """Whether no row can fulfil the condition."""
    return rooted(condition).children == (FALSE,)
