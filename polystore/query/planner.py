"""From the structure of a queryset to a plan: one operation for the store, and what is left to do here.

Everything here is pure; a plan depends on the structure only and is made once for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from itertools import count
from typing import Any, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from polystore.errors import FieldError, QueryUsageError
from polystore.query.combining import combined_ending
from polystore.query.evaluate import value_of_field
from polystore.query.explain import describe_expression
from polystore.query.groups import (
    Keys,
    distinct_groups,
    fields_used,
    never,
    number_of,
    output_names,
    over_groups,
    read_aggregates,
    refuse_ungrouped,
)
from polystore.query.locks import refuse_lock
from polystore.query.lookups.paths import assigned_field
from polystore.query.names import Names
from polystore.query.nodes import All, Column, Compare, Computed, Condition, Expression, Null, Order, Outer, Parameter
from polystore.query.operations import (
    Assignment,
    Combination,
    Count,
    Delete,
    Exists,
    Group,
    Operation,
    Part,
    Select,
    Update,
)
from polystore.query.operators import Operator
from polystore.query.orders import reversed_order, total_order
from polystore.query.placing import first_order, placed, windowed_groups
from polystore.query.reading import is_nothing, read_expression, refuse_mixed
from polystore.query.signatures import same_kind
from polystore.query.simplify import TRUE, rooted, simplify
from polystore.query.stages import Output, Query, Shape, all_fields, order_of, read_stages
from polystore.query.walk import windows_of
from polystore.schema.kinds import EnumKind, IntKind, IpKind, Kind, UrlKind, describe_kind
from polystore.schema.model import FieldInfo, Schema
from polystore.schema.paths import PathInfo

Terminal: TypeAlias = Literal[
    "rows", "get", "last", "page", "count", "estimate", "exists", "aggregate", "delete", "update"
]

GET_LIMIT = 21
_INT = IntKind()


class Plan(Struct, frozen=True):
    """What to do for one structure.

    ``operation`` is the store's part; None when no row can match, so that nothing is asked. ``here`` is
    evaluated on the rows of the store's part, of which there may be ``max_rows``; where
    nothing is asked, it is what ``aggregate`` makes of no rows.
    ``constants`` follow the query's values at binding. A ``page`` selects the columns of its order behind those of the
    output, where they are missing there; ``key`` tells where each value of the order stands.
    """

    terminal: Terminal
    schema: Schema
    operation: Operation | None
    output: Output
    constants: tuple[Any, ...] = ()
    here: Select | Group | Count | None = None
    max_rows: int | None = None
    key: tuple[int, ...] = ()


def plan(schema: Schema, shape: Shape, terminal: Terminal, assignments: Shape = ()) -> Plan:
    """The plan of a queryset's structure for one terminal.

    Args:
        schema: the model's schema.
        shape: the steps.
        terminal: what is asked in the end; ``get`` takes at most 21 rows, ``last`` the rows in reverse.
        assignments: for ``update``: (name, "value" | "null" | expression structure) pairs, for ``aggregate``: (name,
            expression structure) pairs; their values come after the query's.

    Raises:
        FieldError: a name that resolves to nothing, or kinds that do not go together.
        QueryUsageError: a delete or update of a slice, of ``values()`` or behind ``client()``.
    """
    indexes = count()
    server, client, max_rows = read_stages(schema, shape, indexes)
    if terminal in ("delete", "update"):
        return _plan_write(schema, server, client, terminal, assignments, indexes)
    stage = client or server
    if client is not None and client.lock is not None:
        raise QueryUsageError(f"{schema.name}: select_for_update() stands before client(): the store locks the rows")
    if terminal == "estimate":
        _refuse_part(schema, stage, client is not None)
    asked = _ask(schema, stage, terminal, assignments, indexes)
    output = stage.output if asked.output is None else asked.output
    if never(server.condition) or never(stage.condition) or never(stage.having):
        over_nothing = asked.operation if isinstance(asked.operation, Group) and terminal == "aggregate" else None
        return Plan(terminal, schema, None, output, here=over_nothing)
    constants: tuple[Any, ...] = (GET_LIMIT,) if asked.limited else ()
    if client is None:
        return Plan(terminal, schema, asked.operation, output, constants, key=asked.key)
    assert max_rows is not None
    here = asked.operation
    assert not isinstance(here, Combination), "queries behind client() are not put together"
    if isinstance(here, Exists):
        here = Count(schema, here.condition, offset=here.offset)
    rows = _bounded(schema, server, indexes)
    return Plan(terminal, schema, rows, output, (*constants, max_rows + 1), here, max_rows)


# ---- reads


@lru_cache(maxsize=2048)
def page_order(schema: Schema, shape: Shape) -> tuple[Order, ...]:
    """The total order in which the pages of a queryset's structure follow each other."""
    stage, _, _ = read_stages(schema, shape, count())
    return total_order(schema, order_of(schema, stage))


def rows_of(schema: Schema, stage: Query, indexes: Iterator[int]) -> Select | Group:
    """The rows of a stage, in its order where it has one."""
    operation = _ask(schema, stage, "rows", (), indexes).operation
    assert isinstance(operation, Select | Group)
    return operation


class _Asked(Struct, frozen=True):
    """The operation of the last stage; ``limited`` when its limit is the one of ``get``."""

    operation: Select | Group | Combination | Count | Exists
    output: Output | None = None
    limited: bool = False
    key: tuple[int, ...] = ()


def _ask(schema: Schema, stage: Query, terminal: Terminal, aggregates: Shape, indexes: Iterator[int]) -> _Asked:
    refuse_lock(schema, stage, terminal)
    if terminal == "aggregate":
        one_row = _aggregate(schema, stage, aggregates, indexes)
        return _Asked(one_row, Output("values", one_row.outputs))
    if terminal == "estimate":
        return _Asked(Count(schema, All(), estimate=True))
    order = _order(schema, stage)
    if terminal in ("count", "exists"):
        return _Asked(_number(schema, replace(stage, order=()), terminal))
    if terminal == "last" and stage.first:
        raise QueryUsageError(
            f"{schema.name}: last() turns the order, by which distinct() with fields takes the first rows; "
            "write reverse().first() for that, or read the rows"
        )
    if terminal == "last":
        order = reversed_order(order) if order else (Order(_ending(schema, stage)[0], descending=True),)
    limited = terminal == "get" and not stage.sliced and not is_unique(schema, simplify(stage.condition))
    if limited:
        stage = replace(stage, limit=Parameter(next(indexes), _INT))
    if order or stage.sliced or stage.first or terminal == "page":
        order = total_order(schema, order, _ending(schema, stage))
    operation = _rows(schema, replace(stage, order=order))
    if terminal != "page":
        return _Asked(operation, limited=limited)
    assert isinstance(operation, Select)
    columns, key = _page_columns(operation.columns, order)
    return _Asked(replace(operation, columns=columns), key=key)


def _order(schema: Schema, stage: Query) -> tuple[Order, ...]:
    """The order of the stage's rows, as far as it is said."""
    order = order_of(schema, stage)
    if not stage.first:
        return order
    return first_order(schema.name, [stage.names.expression(field) for field in stage.first], order)


def _has_windows(stage: Query) -> bool:
    return stage.kept != TRUE or any(windows_of(each.expression) for each in stage.names.annotations.values())


def _ending(schema: Schema, stage: Query) -> tuple[Expression, ...]:
    """What breaks ties: what tells two rows of the answer apart."""
    if stage.combined is not None:
        return combined_ending(stage.combined, sliced=stage.sliced)
    if stage.removes:
        return tuple(stage.names.expression(field) for field in stage.output.fields)
    if stage.keys is not None:
        return tuple(key.expression for key in stage.keys)
    return (Column(schema.primary_key),)


def _rows(schema: Schema, stage: Query) -> Select | Group | Combination:
    """The rows of a stage whose order is final."""
    order = stage.order or ()
    if stage.combined is not None:
        found = stage.combined
        parts = tuple(_part(model, each) for model, each in found.parts)
        return Combination(
            schema, found.operator, parts, found.outputs, found.identity, order, stage.limit, stage.offset
        )
    if stage.removes:
        _refuse_hidden_order(stage, order)
    if stage.keys is not None:
        return _groups(schema, stage, stage.keys, order)
    refuse_ungrouped(stage.names, (term.expression for term in order))
    names = stage.names
    made = Select(
        schema,
        tuple(field for field in stage.output.fields if not names.computes(field)),
        rooted(stage.condition),
        order,
        stage.limit,
        stage.offset,
        stage.removes,
        tuple(Computed(field, names.expression(field)) for field in stage.output.fields if names.computes(field)),
        stage.lock,
        kept=rooted(stage.kept),
        first=tuple(stage.names.expression(field) for field in stage.first),
    )
    return placed(made) if names.annotations or order else made


def _part(schema: Schema, stage: Query) -> Part:
    """One of the queries that are put together; its order says which rows a slice of it has, and nothing else."""
    needed = stage.sliced or stage.first
    order = total_order(schema, _order(schema, stage), _ending(schema, stage)) if needed else ()
    return Part(_rows(schema, replace(stage, order=order)), stage.output.fields)


def _groups(schema: Schema, stage: Query, keys: Keys, order: tuple[Order, ...]) -> Group | Select:
    known = {key.field for key in keys}
    computed = tuple(
        Computed(field, over_groups(stage.names, keys, stage.names.expression(field)))
        for field in stage.output.fields
        if field not in known
    )
    made = Group(schema, keys, computed, rooted(stage.condition), rooted(stage.having))
    terms = tuple(replace(term, expression=over_groups(stage.names, keys, term.expression)) for term in order)
    expressions = [*(each.expression for each in computed), *(term.expression for term in terms)]
    if stage.kept != TRUE or any(map(windows_of, expressions)):
        if not keys:
            raise FieldError(f"{schema.name}: all rows become one, which has no others around it for a window")
        made = replace(made, order=terms, limit=stage.limit, offset=stage.offset)
        return windowed_groups(made, stage.output.fields, rooted(stage.kept), distinct=stage.removes)
    if not stage.removes:
        return replace(made, order=terms, limit=stage.limit, offset=stage.offset)
    named = {each.expression: Column(each.field) for each in computed}
    terms = tuple(replace(term, expression=named.get(term.expression, term.expression)) for term in terms)
    return replace(distinct_groups(made, stage.output.fields, terms), limit=stage.limit, offset=stage.offset)


def _refuse_hidden_order(stage: Query, order: tuple[Order, ...]) -> None:
    selected = {stage.names.expression(field) for field in stage.output.fields}
    for term in order:
        if term.expression not in selected:
            shown = ", ".join(field.name for field in stage.output.fields)
            raise FieldError(
                f"{stage.names.name}: distinct rows of {shown} cannot be ordered by "
                f"{describe_expression(term.expression)}; add it to values() or order by a selected field"
            )


def _number(schema: Schema, stage: Query, terminal: Terminal) -> Group | Count | Exists:
    """How many rows a stage has, or whether it has one."""
    computed = any(map(stage.names.computes, stage.output.fields))
    narrowed = stage.combined is not None or stage.first or stage.kept != TRUE
    if stage.keys is not None or narrowed or (stage.removes and computed):
        return number_of(_rows(schema, stage))
    condition = rooted(stage.condition)
    if terminal == "exists" and stage.limit is None and not (stage.removes and stage.offset is not None):
        return Exists(schema, condition, stage.offset)
    return Count(schema, condition, stage.limit, stage.offset, stage.output.fields if stage.removes else ())


def _refuse_part(schema: Schema, stage: Query, behind_client: bool) -> None:
    """Refuses to estimate how many of the rows there are."""
    narrowed = (
        stage.sliced or stage.distinct or stage.keys is not None or stage.combined is not None or stage.kept != TRUE
    )
    whole = not narrowed and simplify(stage.condition) == TRUE
    if behind_client or not whole:
        raise QueryUsageError(
            f"{schema.name}: count(estimate=True) is of all rows of the model, not of a part of them, of distinct rows "
            "or of groups; count() is exact"
        )


def _aggregate(schema: Schema, stage: Query, aggregates: Shape, indexes: Iterator[int]) -> Group:
    """One row of aggregates: of the rows of the stage, or where it is more than a filter, of what it answers."""
    needed = stage.sliced or stage.first
    order = total_order(schema, _order(schema, stage), _ending(schema, stage)) if needed else ()
    if not (stage.keys or stage.removes) and (stage.first or _has_windows(stage)):
        stage = replace(stage, output=Output("models", all_fields(schema, stage)))
    if stage.keys is not None or stage.removes or stage.first or _has_windows(stage):
        source = _rows(schema, replace(stage, order=order))
        names = output_names(schema.name, stage.output.fields)
        return Group(schema, (), read_aggregates(names, aggregates, indexes), All(), source=source)
    computed = read_aggregates(stage.names, aggregates, indexes)
    if not stage.sliced:
        return Group(schema, (), computed, rooted(stage.condition))
    read = fields_used(schema, computed)
    source = Select(schema, read, rooted(stage.condition), order, stage.limit, stage.offset)
    return Group(schema, (), computed, All(), source=source)


def _bounded(schema: Schema, stage: Query, indexes: Iterator[int]) -> Select:
    """The store's stage before a client stage, with the budget as its limit."""
    if stage.sliced:
        raise QueryUsageError(
            f"{schema.name}: slice after client(), or filter by key; a slice before it is not supported"
        )
    if stage.kept != TRUE:
        raise QueryUsageError(f"{schema.name}: put client() before the filter on a window: windows are made here then")
    if stage.keys is not None:
        raise QueryUsageError(f"{schema.name}: put client() before values().annotate(): groups are made here then")
    order = total_order(schema, stage.order or ())
    limit = Parameter(next(indexes), _INT)
    return placed(Select(schema, schema.fields, rooted(stage.condition), order, limit, lock=stage.lock))


def _page_columns(
    columns: tuple[FieldInfo, ...], order: tuple[Order, ...]
) -> tuple[tuple[FieldInfo, ...], tuple[int, ...]]:
    """The columns of a page: those of the output, then the order's missing ones; and where the key stands."""
    found = list(columns)
    found += [term.field for term in order if term.field not in found]
    return tuple(found), tuple(found.index(term.field) for term in order)


def is_unique(schema: Schema, condition: Condition) -> bool:
    """Whether at most one row can fulfil the condition, because it fixes the primary key or a unique field."""
    fixed = {each.field.name for each in fixed_by(condition) if isinstance(each, Column)}
    return schema.primary_key.name in fixed or any(fixed.issuperset(unique.fields) for unique in schema.uniques)


def fixed_by(condition: Condition) -> Iterator[Expression]:
    """What equals one value in all rows that fulfil the condition."""
    for child in condition.children if isinstance(condition, All) else (condition,):
        match child:
            case Compare(left=left, operator=Operator.EXACT, right=Parameter() | Outer()):
                yield left


# ---- writes


def _plan_write(
    schema: Schema,
    server: Query,
    client: Query | None,
    terminal: Terminal,
    assignments: Shape,
    indexes: Iterator[int],
) -> Plan:
    narrowed = server.sliced or server.distinct or server.first or server.output.form != "models"
    if client is not None or narrowed or server.kept != TRUE:
        what = "a slice, distinct() or values()" if narrowed else "rows chosen by a window"
        what = "rows behind client()" if client is not None else what
        raise QueryUsageError(
            f"{schema.name}: {terminal}() works on filtered rows, not on {what}; filter by key instead"
        )
    condition = rooted(server.condition)
    changes = read_assignments(schema, server.names, assignments, indexes) if terminal == "update" else ()
    if never(condition):
        return Plan(terminal, schema, None, server.output)
    if terminal == "update":
        return Plan(terminal, schema, Update(schema, condition, changes), server.output)
    return Plan(terminal, schema, Delete(schema, condition), server.output)


def read_assignments(
    schema: Schema, names: Names, assignments: Shape, indexes: Iterator[int]
) -> tuple[Assignment, ...]:
    """The assignments of an update's structure.

    Raises:
        FieldError: an unknown field, the primary key, or an expression of another kind than the field.
    """
    found = []
    for name, form in assignments:
        field = assigned_field(schema, name)
        if field.primary_key:
            raise FieldError(
                f"{field.label} is the primary key: it cannot be changed; insert a new row and delete this one"
            )
        if form == "value":
            found.append(Assignment(field, Parameter(next(indexes), field.kind)))
        elif form == "null":
            found.append(Assignment(field, Null()))
        else:
            if isinstance(field, PathInfo):
                raise FieldError(
                    f"{field.label}: a part of an embedded model is set to a value, not to an expression; "
                    "read the row, change it, and save it with a version field"
                )
            expression = read_expression(names, form, indexes)
            refuse_ungrouped(names, [expression])
            if windows_of(expression):
                raise FieldError(f"update({name}=...) of {schema.name}: a row takes no value of a window")
            _refuse_kind(schema, name, field, expression.kind)
            found.append(Assignment(field, _as_value(field, expression)))
    return tuple(found)


def _as_value(field: FieldInfo, expression: Expression) -> Expression:
    """An expression whose value is known, as a value of the field."""
    if is_nothing(expression):
        return Null()
    if isinstance(expression, Parameter) and expression.kind != field.kind:
        return Parameter(expression.index, field.kind, partial(value_of_field, field=field))
    return expression


def _refuse_kind(schema: Schema, name: str, field: FieldInfo, kind: Kind | None) -> None:
    """Refuses an expression whose values its field does not hold."""
    if kind is None:
        return
    refuse_mixed(f"update({name}=...) of {schema.name}", field.kind, kind)
    if isinstance(field.kind, IntKind) and not isinstance(kind, IntKind):
        raise FieldError(f"{field.label} is an int: it cannot take the {describe_kind(kind)} of an expression")
    if isinstance(field.kind, EnumKind | IpKind | UrlKind) and not same_kind(field.kind, kind):
        what = describe_kind(field.kind)
        raise FieldError(f"{field.label} is {what}: it cannot take the {describe_kind(kind)} of an expression")
