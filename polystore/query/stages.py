"""The stages of a query: what its steps say, one after the other, resolved to fields and expressions.

A queryset's structure is a tuple of steps in the order of its calls: ``("filter", clauses)``, ``("exclude", clauses)``,
``("annotate", (name, expression) pairs)``, ``("alias", pairs)``, ``("order", terms)``, ``("reverse",)``,
``("distinct", name, ...)``, ``("only", names)``, ``("values", names)``, ``("list", names, form)``,
``("slice", has offset, has limit)``, ``("after", not-null flags)`` (a page that continues behind a key, with its
limit), ``("lock", nowait, skip locked, no key)``, ``("client", max rows)`` and ``("none",)``. A combination is the step
``("combine", SetOperator, (schema, structure) pairs)``, which stands first. The values of all steps stand in one flat
list in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from polystore.errors import FieldError, NotSupportedError
from polystore.query.combining import Combined, alive, combined, names_of_outputs
from polystore.query.groups import GROUPS_FIRST, Keys, keys_of, split_condition, split_windows
from polystore.query.lookups.paths import find_field
from polystore.query.names import Enclosing, Names, names_of
from polystore.query.nodes import All, Column, Compare, Condition, Either, IsNull, Not, Order, Parameter
from polystore.query.operations import RowLock
from polystore.query.operators import Operator, SetOperator
from polystore.query.orders import read_order, reversed_order, total_order
from polystore.query.reading import read_annotation, read_filter
from polystore.query.simplify import FALSE, TRUE
from polystore.query.walk import windows_of
from polystore.schema.kinds import IntKind, describe_kind, is_container
from polystore.schema.model import FieldInfo, Schema

Shape: TypeAlias = tuple[Any, ...]
Form: TypeAlias = Literal["models", "values", "tuples", "named", "flat"]
_INT = IntKind()
_MOST_SCOPES = 1024


class Output(Struct, frozen=True):
    """What rows become: instances, dicts, tuples, namedtuples or single values of some fields and annotations."""

    form: Form
    fields: tuple[FieldInfo, ...]


class Query(Struct, frozen=True):
    """One stage of a queryset, resolved. With ``keys`` its rows are groups.

    ``kept`` is what it says of windows; ``first`` names fields of which each combination of values has one row.
    """

    names: Names
    output: Output
    condition: Condition = TRUE
    keys: Keys | None = None
    having: Condition = TRUE
    kept: Condition = TRUE
    first: tuple[FieldInfo, ...] = ()
    order: tuple[Order, ...] | None = None
    distinct: bool = False
    limit: Parameter | None = None
    offset: Parameter | None = None
    lock: RowLock | None = None
    combined: Combined | None = None

    @property
    def sliced(self) -> bool:
        """Whether only a part of the rows is asked for."""
        return self.limit is not None or self.offset is not None

    @property
    def removes(self) -> bool:
        """Whether ``distinct`` can leave out a row: instances are distinct by their keys."""
        return self.distinct and self.output.form != "models"


def read_stages(
    schema: Schema, shape: Shape, indexes: Iterator[int], outer: Enclosing | None = None, *, settled: bool = True
) -> tuple[Query, Query | None, int | None]:
    """The stages of the steps: the store's, and the one behind ``client()`` if there is one.

    ``outer`` is the query around; with ``settled=False`` it is one that is not known yet.
    """
    stage = Query(names_of(schema, outer, settled=settled), Output("models", schema.fields))
    server: Query | None = None
    max_rows: int | None = None
    for step in shape:
        if step[0] == "client":
            server, max_rows = stage, step[1]
            stage = Query(
                stage.names,
                stage.output,
                keys=stage.keys,
                first=stage.first,
                order=stage.order,
                distinct=stage.distinct,
            )
        else:
            stage = _apply(schema, stage, step, indexes)
    return (stage, None, None) if server is None else (server, stage, max_rows)


def _apply(schema: Schema, stage: Query, step: Shape, indexes: Iterator[int]) -> Query:
    match step:
        case ("filter", clauses):
            return _filtered(stage, read_filter(stage.names, clauses, indexes))
        case ("exclude", clauses):
            return _filtered(stage, Not(read_filter(stage.names, clauses, indexes)))
        case ("none",):
            return replace(stage, condition=FALSE)
        case ("annotate", items):
            return _annotated(stage, items, indexes, selected=True)
        case ("alias", items):
            return _annotated(stage, items, indexes, selected=False)
        case ("order", terms):
            return replace(stage, order=read_order(stage.names, terms, indexes))
        case ("reverse",):
            return replace(stage, order=reversed_order(order_of(schema, stage)))
        case ("distinct",):
            return replace(stage, distinct=True)
        case ("distinct", *names):
            return replace(stage, first=tuple(_told_apart(stage, name) for name in names))
        case ("only", names):
            return replace(stage, output=Output("models", _only(schema, stage, names)))
        case ("values", names):
            return replace(stage, output=Output("values", _chosen(schema, stage, names)))
        case ("list", names, form):
            return replace(stage, output=Output(form, _chosen(schema, stage, names)))
        case ("lock", nowait, skip_locked, no_key):
            return replace(stage, lock=RowLock(nowait, skip_locked, no_key))
        case ("slice", has_offset, has_limit):
            offset = Parameter(next(indexes), _INT) if has_offset else None
            return replace(stage, offset=offset, limit=Parameter(next(indexes), _INT) if has_limit else None)
        case ("after", flags):
            behind = _behind(total_order(schema, order_of(schema, stage)), flags, indexes)
            condition = All((stage.condition, behind))
            return replace(stage, condition=condition, limit=Parameter(next(indexes), _INT))
        case ("combine", SetOperator() as operator, parts):
            return _combined(schema, operator, parts, indexes)
    raise AssertionError(step)


def _filtered(stage: Query, condition: Condition) -> Query:
    condition, of_windows = split_windows(stage.names, stage.keys, condition)
    of_rows, of_groups = split_condition(stage.names, stage.keys, condition)
    return replace(
        stage,
        condition=All((stage.condition, of_rows)),
        having=All((stage.having, of_groups)),
        kept=stage.kept if of_windows == TRUE else All((stage.kept, of_windows)),
    )


def _told_apart(stage: Query, name: str) -> FieldInfo:
    """A field or annotation of which each value comes once."""
    field = stage.names.field(name)
    if stage.keys is not None:
        raise FieldError(f"{stage.names.name}: distinct({name}) of groups is not made; order and read the groups")
    if is_container(field.kind):
        raise FieldError(f"{field.label} is {describe_kind(field.kind)}: rows are not told apart by it")
    return field


def _annotated(stage: Query, items: Sequence[tuple[str, Any]], indexes: Iterator[int], *, selected: bool) -> Query:
    """The stage with more annotations; the first that is an aggregate makes groups of what is selected."""
    names, fields = stage.names, stage.output.fields
    made = []
    for name, shape in items:
        _refuse_key(stage, name)
        annotation = read_annotation(names, name, shape, indexes, selected=selected)
        names = names.annotated(annotation)
        made.append(annotation)
    given = {name for name, _ in items}
    fields = tuple(field for field in fields if field.name not in given)
    keys = stage.keys
    if keys is None and any(annotation.aggregates for annotation in made):
        if stage.output.form == "models":
            raise FieldError(f"{names.name}: annotate() of instances takes no aggregates; {GROUPS_FIRST}")
        if stage.kept != TRUE:
            raise FieldError(
                f"{names.name}: rows that a filter on a window has chosen are not grouped; filter by something else, "
                "or aggregate() them"
            )
        plain = tuple(each.field for each in made if selected and not (each.aggregates or windows_of(each.expression)))
        keys = keys_of(names, fields + plain)
    if selected:
        fields += tuple(annotation.field for annotation in made)
    return replace(stage, names=names, keys=keys, output=Output(stage.output.form, fields))


def _refuse_key(stage: Query, name: str) -> None:
    if any(key.name == name for key in stage.keys or ()):
        raise FieldError(f"{stage.names.name}: rows are grouped by {name}; give the annotation another name")


def _combined(
    schema: Schema, operator: SetOperator, shapes: Sequence[tuple[Schema, Shape]], indexes: Iterator[int]
) -> Query:
    """The stage of queries that are put together; what comes of them has the form of the first."""
    parts: list[tuple[Schema, Query]] = []
    for model, shape in shapes:
        stage, client, _ = read_stages(model, shape, indexes)
        if client is not None:
            raise NotSupportedError(
                f"{model.name}: {operator.value} is made by the store, which has no rows from behind client(); "
                "read both queries and put their rows together in Python"
            )
        parts.append((model, stage))
    found = combined(operator, parts)
    output = Output(parts[0][1].output.form, found.outputs)
    living = alive(found)
    return Query(names_of_outputs(schema, found.outputs), output, TRUE if living else FALSE, order=(), combined=living)


def combined_names(schema: Schema, shape: Shape) -> Names:
    """The names that hold after a combination; found once for each structure.

    Raises:
        FieldError, QueryUsageError, NotSupportedError: queries that do not go together.
    """
    found: Names | None = schema.scopes.get(shape)
    if found is None:
        stage, _, _ = read_stages(schema, shape, count())
        if len(schema.scopes) >= _MOST_SCOPES:
            schema.scopes.clear()
        found = schema.scopes[shape] = stage.names
    return found


def order_of(schema: Schema, stage: Query) -> tuple[Order, ...]:
    """The order said, else the model's own; groups have none of their own."""
    if stage.order is not None:
        return stage.order
    return () if stage.keys is not None else read_order(names_of(schema), schema.ordering, iter(()))


def _chosen(schema: Schema, stage: Query, names: Sequence[str]) -> tuple[FieldInfo, ...]:
    """The fields and annotations of these names; by default all."""
    if names:
        return tuple(_selectable(stage, name) for name in names)
    if stage.keys is not None or stage.combined is not None:
        return stage.output.fields
    return all_fields(schema, stage)


def all_fields(schema: Schema, stage: Query) -> tuple[FieldInfo, ...]:
    """The fields of the model and the annotations that are read."""
    return schema.fields + _annotations(stage)


def _selectable(stage: Query, name: str) -> FieldInfo:
    annotation = stage.names.annotations.get(name)
    if annotation is not None and not annotation.selected:
        raise FieldError(
            f"{annotation.field.label} is an alias, which is not read; annotate({name}=F({name!r})) reads it"
        )
    return find_field(stage.names, name)


def _annotations(stage: Query) -> tuple[FieldInfo, ...]:
    return tuple(each.field for each in stage.names.annotations.values() if each.selected)


def _only(schema: Schema, stage: Query, names: Sequence[str]) -> tuple[FieldInfo, ...]:
    chosen = {schema.field(name).name for name in names} | {schema.primary_key.name}
    return tuple(field for field in schema.fields if field.name in chosen) + _annotations(stage)


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


def pages_by_key(shape: Shape, schema: Schema) -> bool:
    """Whether pages of the rows can continue behind a key: rows, no groups, ordered by fields of single values."""
    if any(step[0] in ("client", "combine", "distinct", "none") for step in shape):
        return False
    if any(
        each[0] in ("aggregate", "window")
        for step in shape
        if step[0] in ("annotate", "alias")
        for each in _parts(step[1])
    ):
        return False
    terms = next((step[1] for step in reversed(shape) if step[0] == "order"), ())
    known = {"pk", *(name for name in schema.by_name if name not in schema.containers)}
    return all(isinstance(term, str) and term.removeprefix("-") in known for term in terms)


def _parts(shape: Any) -> Iterator[Any]:
    """The tuples within a structure that begin with a word."""
    if isinstance(shape, tuple):
        if shape and isinstance(shape[0], str):
            yield shape
        for part in shape:
            yield from _parts(part)
