"""From the structure of a queryset to a plan: one operation for the store, and what is left to do here.

A queryset's structure is a tuple of steps in the order of its calls: ``("filter", clauses)``, ``("exclude", clauses)``,
``("order", names)``, ``("reverse",)``, ``("distinct",)``, ``("only", names)``, ``("values", names)``,
``("list", names, form)``, ``("slice", has offset, has limit)``, ``("after", not-null flags)`` (a page that
continues behind a key, with its limit), ``("client", max rows)`` and ``("none",)``. The values of all steps
stand in one flat list in the same order. Everything here is pure; a plan depends on the structure only and is
made once for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from polystore.errors import FieldError, QueryUsageError
from polystore.query.expressions import read_expression, refuse_mixed
from polystore.query.lookups import read_filter
from polystore.query.nodes import (
    All,
    Assignment,
    Column,
    Compare,
    Condition,
    Count,
    Delete,
    Either,
    Exists,
    IsNull,
    Not,
    Null,
    Operation,
    Operator,
    Order,
    Parameter,
    Select,
    Update,
)
from polystore.query.simplify import FALSE, TRUE, rooted, simplify
from polystore.schema.kinds import IntKind, describe_kind, is_container
from polystore.schema.model import FieldInfo, Schema

Shape: TypeAlias = tuple[Any, ...]
Form: TypeAlias = Literal["models", "values", "tuples", "named", "flat"]
Terminal: TypeAlias = Literal["rows", "get", "last", "page", "count", "exists", "delete", "update"]

GET_LIMIT = 21
_INT = IntKind()


class Output(Struct, frozen=True):
    """What rows become: instances, dicts, tuples, namedtuples or single values of some fields."""

    form: Form
    fields: tuple[FieldInfo, ...]


class Query(Struct, frozen=True):
    """One stage of a queryset, resolved."""

    condition: Condition = TRUE
    order: tuple[Order, ...] | None = None
    distinct: bool = False
    limit: Parameter | None = None
    offset: Parameter | None = None

    @property
    def sliced(self) -> bool:
        """Whether only a part of the rows is asked for."""
        return self.limit is not None or self.offset is not None


class Plan(Struct, frozen=True):
    """What to do for one structure.

    ``operation`` is the store's part; None when no row can match, so that nothing is asked. ``here`` is
    evaluated on the rows of the store's part, of which there may be ``max_rows``. ``constants`` follow the
    query's values at binding. A ``page`` selects the columns of its order behind those of the output, where
    they are missing there; ``key`` tells where each value of the order stands.
    """

    terminal: Terminal
    schema: Schema
    operation: Operation | None
    output: Output
    constants: tuple[Any, ...] = ()
    here: Select | Count | None = None
    max_rows: int | None = None
    key: tuple[int, ...] = ()


def plan(schema: Schema, shape: Shape, terminal: Terminal, assignments: Shape = ()) -> Plan:
    """The plan of a queryset's structure for one terminal.

    Args:
        schema: the model's schema.
        shape: the steps.
        terminal: what is asked in the end; ``get`` takes at most 21 rows, ``last`` the rows in reverse.
        assignments: for ``update``: (name, "value" | "null" | expression structure) pairs, their values after the
            query's.

    Raises:
        FieldError: a name that resolves to nothing, or kinds that do not go together.
        QueryUsageError: a delete or update of a slice, of ``values()`` or behind ``client()``.
    """
    indexes = count()
    server, client, output, max_rows = _read(schema, shape, indexes)
    if terminal in ("delete", "update"):
        return _plan_write(schema, server, client, output, terminal, assignments, indexes)
    last_stage = client or server
    finished = _finish(schema, last_stage, output, terminal, indexes)
    constants: tuple[Any, ...] = (GET_LIMIT,) if finished.limit is not None and last_stage.limit is None else ()
    if client is None:
        return _plan_read(schema, finished, output, terminal, constants)
    assert max_rows is not None
    rows = Output("values", output.fields) if finished.distinct else Output("models", schema.fields)
    here = _plan_read(schema, finished, rows, terminal, ()).operation
    stage = _plan_read(schema, _bounded(schema, server, indexes), Output("models", schema.fields), "rows", ())
    if here is None or stage.operation is None:
        return Plan(terminal, schema, None, output)
    if isinstance(here, Exists):
        here = Count(schema, here.condition, offset=here.offset)
    assert isinstance(here, Select | Count)
    limit = max_rows + 1
    return Plan(terminal, schema, stage.operation, output, (*constants, limit), here, max_rows)


def _read(schema: Schema, shape: Shape, indexes: Iterator[int]) -> tuple[Query, Query | None, Output, int | None]:
    """The stages of the steps: the store's, and the one behind ``client()`` if there is one."""
    stage = Query()
    server: Query | None = None
    output = Output("models", schema.fields)
    max_rows: int | None = None
    for step in shape:
        match step:
            case ("values", names):
                output = Output("values", _fields(schema, names) or schema.fields)
            case ("list", names, form):
                output = Output(form, _fields(schema, names) or schema.fields)
            case ("only", names):
                output = Output("models", _only(schema, names))
            case ("client", budget):
                server, stage, max_rows = stage, Query(), budget
            case _:
                stage = _apply(schema, stage, step, indexes)
    return (stage, None, output, None) if server is None else (server, stage, output, max_rows)


@lru_cache(maxsize=2048)
def page_order(schema: Schema, shape: Shape) -> tuple[Order, ...]:
    """The total order in which the pages of a queryset's structure follow each other."""
    server, client, _, _ = _read(schema, shape, count())
    stage = client or server
    return total_order(schema, stage.order if stage.order is not None else read_order(schema, schema.ordering))


def _apply(schema: Schema, stage: Query, step: Shape, indexes: Iterator[int]) -> Query:
    match step:
        case ("filter", clauses):
            return replace(stage, condition=All((stage.condition, read_filter(schema, clauses, indexes))))
        case ("exclude", clauses):
            return replace(stage, condition=All((stage.condition, Not(read_filter(schema, clauses, indexes)))))
        case ("none",):
            return replace(stage, condition=FALSE)
        case ("order", names):
            return replace(stage, order=read_order(schema, names))
        case ("reverse",):
            order = stage.order if stage.order is not None else read_order(schema, schema.ordering)
            return replace(stage, order=reversed_order(order))
        case ("distinct",):
            return replace(stage, distinct=True)
        case ("slice", has_offset, has_limit):
            offset = Parameter(next(indexes), _INT) if has_offset else None
            return replace(stage, offset=offset, limit=Parameter(next(indexes), _INT) if has_limit else None)
        case ("after", flags):
            order = stage.order if stage.order is not None else read_order(schema, schema.ordering)
            behind = _behind(total_order(schema, order), flags, indexes)
            condition = All((stage.condition, behind))
            return replace(stage, condition=condition, limit=Parameter(next(indexes), _INT))
    raise AssertionError(step)


def _behind(order: tuple[Order, ...], flags: Sequence[bool], indexes: Iterator[int]) -> Condition:
    """Rows that come after a key: equal in some first terms and greater in the next one; NULL is the lowest."""
    branches: list[Condition] = []
    equal: list[Condition] = []
    for term, not_null in zip(order, flags, strict=True):
        column = Column(term.field)
        if not_null:
            value = Parameter(next(indexes), term.field.kind)
            beyond: Condition = Compare(column, Operator.LT if term.descending else Operator.GT, value)
            if term.descending and term.field.null:
                beyond = Either((beyond, IsNull(column)))
            same: Condition = Compare(column, Operator.EXACT, value)
        else:
            beyond = FALSE if term.descending else Not(IsNull(column))
            same = IsNull(column)
        branches.append(All((*equal, beyond)))
        equal.append(same)
    return Either(tuple(branches))


def read_order(schema: Schema, names: Sequence[str]) -> tuple[Order, ...]:
    """The terms of an ordering.

    Raises:
        FieldError: an unknown field, or one whose values have no order.
    """
    terms: dict[str, Order] = {}
    for name in names:
        field = schema.field(name.removeprefix("-"))
        if is_container(field.kind):
            raise FieldError(f"{field.label} is {describe_kind(field.kind)}: rows cannot be ordered by it")
        terms.setdefault(field.name, Order(field, name.startswith("-")))
    return tuple(terms.values())


def reversed_order(order: tuple[Order, ...]) -> tuple[Order, ...]:
    """The ordering from its other end."""
    return tuple(Order(term.field, not term.descending) for term in order)


def total_order(schema: Schema, order: tuple[Order, ...], distinct_over: Sequence[FieldInfo] = ()) -> tuple[Order, ...]:
    """The ordering made total: ties are broken by the primary key, in the direction of the last term.

    Where rows are distinct over some fields, the rest of these break ties instead.
    """
    ending = list(distinct_over or [schema.primary_key])
    named = {term.field.name for term in order}
    if schema.primary_key.name in named and not distinct_over:
        return order
    descending = order[-1].descending if order else False
    return order + tuple(Order(field, descending) for field in ending if field.name not in named)


def _fields(schema: Schema, names: Sequence[str]) -> tuple[FieldInfo, ...]:
    return tuple(schema.field(name) for name in names)


def _only(schema: Schema, names: Sequence[str]) -> tuple[FieldInfo, ...]:
    chosen = {schema.field(name).name for name in names} | {schema.primary_key.name}
    return tuple(field for field in schema.fields if field.name in chosen)


def _finish(schema: Schema, stage: Query, output: Output, terminal: Terminal, indexes: Iterator[int]) -> Query:
    """The last stage with what its terminal adds: the order that rows come in, the limit of ``get``."""
    if terminal in ("count", "exists"):
        return replace(stage, order=())
    order = stage.order if stage.order is not None else read_order(schema, schema.ordering)
    if terminal == "last":
        order = reversed_order(order) if order else (Order(schema.primary_key, descending=True),)
    if terminal == "get" and not stage.sliced and not is_unique(schema, simplify(stage.condition)):
        stage = replace(stage, limit=Parameter(next(indexes), _INT))
    distinct = stage.distinct and output.form != "models"
    if distinct:
        _refuse_hidden_order(schema, order, output)
    if order or stage.sliced or terminal == "page":
        order = total_order(schema, order, output.fields if distinct else ())
    return replace(stage, order=order, distinct=distinct)


def _refuse_hidden_order(schema: Schema, order: tuple[Order, ...], output: Output) -> None:
    selected = {field.name for field in output.fields}
    for term in order:
        if term.field.name not in selected:
            raise FieldError(
                f"{schema.name}: distinct rows of {', '.join(selected)} cannot be ordered by {term.field.name}; "
                "add it to values() or order by a selected field"
            )


def _bounded(schema: Schema, stage: Query, indexes: Iterator[int]) -> Query:
    """The store's stage before a client stage, with the budget as its limit."""
    if stage.sliced:
        raise QueryUsageError(
            f"{schema.name}: slice after client(), or filter by key; a slice before it is not supported"
        )
    order = total_order(schema, stage.order or ())
    return replace(stage, order=order, distinct=False, limit=Parameter(next(indexes), _INT))


def _plan_read(schema: Schema, query: Query, output: Output, terminal: Terminal, constants: tuple[Any, ...]) -> Plan:
    condition = rooted(query.condition)
    if condition.children == (FALSE,):
        return Plan(terminal, schema, None, output)
    operation: Operation
    if terminal == "exists" and query.limit is None:
        operation = Exists(schema, condition, query.offset)
    elif terminal in ("count", "exists"):
        distinct = output.fields if query.distinct and output.form != "models" else ()
        operation = Count(schema, condition, query.limit, query.offset, distinct)
    else:
        order = query.order or ()
        columns, key = _page_columns(output, order) if terminal == "page" else (output.fields, ())
        operation = Select(schema, columns, condition, order, query.limit, query.offset, query.distinct)
        return Plan(terminal, schema, operation, output, constants, key=key)
    return Plan(terminal, schema, operation, output, constants)


def _page_columns(output: Output, order: tuple[Order, ...]) -> tuple[tuple[FieldInfo, ...], tuple[int, ...]]:
    """The columns of a page: those of the output, then the order's missing ones; and where the key stands."""
    columns = list(output.fields)
    columns += [term.field for term in order if term.field not in columns]
    return tuple(columns), tuple(columns.index(term.field) for term in order)


def is_unique(schema: Schema, condition: Condition) -> bool:
    """Whether at most one row can fulfil the condition, because it fixes the primary key or a unique field."""
    children = condition.children if isinstance(condition, All) else (condition,)
    fixed = {
        child.left.field.name
        for child in children
        if isinstance(child, Compare)
        and child.operator is Operator.EXACT
        and isinstance(child.left, Column)
        and isinstance(child.right, Parameter)
    }
    return schema.primary_key.name in fixed or any(fixed.issuperset(unique.fields) for unique in schema.uniques)


# ---- writes


def _plan_write(
    schema: Schema,
    server: Query,
    client: Query | None,
    output: Output,
    terminal: Terminal,
    assignments: Shape,
    indexes: Iterator[int],
) -> Plan:
    if client is not None or server.sliced or server.distinct or output.form != "models":
        what = "rows behind client()" if client is not None else "a slice, distinct() or values()"
        raise QueryUsageError(
            f"{schema.name}: {terminal}() works on filtered rows, not on {what}; filter by key instead"
        )
    condition = rooted(server.condition)
    changes = read_assignments(schema, assignments, indexes) if terminal == "update" else ()
    if condition.children == (FALSE,):
        return Plan(terminal, schema, None, output)
    if terminal == "update":
        return Plan(terminal, schema, Update(schema, condition, changes), output)
    return Plan(terminal, schema, Delete(schema, condition), output)


def read_assignments(schema: Schema, assignments: Shape, indexes: Iterator[int]) -> tuple[Assignment, ...]:
    """The assignments of an update's structure.

    Raises:
        FieldError: an unknown field, the primary key, or an expression of another kind than the field.
    """
    found = []
    for name, form in assignments:
        field = schema.field(name)
        if field.primary_key:
            raise FieldError(
                f"{field.label} is the primary key: it cannot be changed; insert a new row and delete this one"
            )
        if form == "value":
            found.append(Assignment(field, Parameter(next(indexes), field.kind)))
        elif form == "null":
            found.append(Assignment(field, Null()))
        else:
            expression, kind = read_expression(schema, form, indexes)
            refuse_mixed(f"update({name}=...) of {schema.name}", field.kind, kind)
            if isinstance(field.kind, IntKind) and not isinstance(kind, IntKind):
                raise FieldError(f"{field.label} is an int: it cannot take the {describe_kind(kind)} of an expression")
            found.append(Assignment(field, expression))
    return tuple(found)
