"""Queries within queries that cannot run in one command: what is asked first, and the query that is left then. Pure.

A query within another one runs as a part of its command where both models are on one connection and the store declares
it. Otherwise it runs first, if it does not refer to the query around it, and its values take its place: those of ``in``
as a list within a budget, whether ``Exists`` holds, the value of ``Subquery``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from polystore.errors import NotSupportedError, QueryTooBroad
from polystore.query.capabilities import Feature
from polystore.query.nodes import Condition, Expression
from polystore.query.operations import Count, Group, Select
from polystore.query.planner import Plan, Terminal
from polystore.query.shapes import in_list
from polystore.query.stages import Shape
from polystore.query.subqueries import Inner, Rows, flat, reach, subqueries_in
from polystore.query.walk import subqueries_of
from polystore.schema.kinds import BytesKind
from polystore.schema.plain import to_plain

if TYPE_CHECKING:
    from polystore.engine.compiled import Compiled
    from polystore.engine.handle import Handle

Values: TypeAlias = Sequence[Any]


class Nested(Struct, frozen=True):
    """The structure of a query with others within; ``here`` when what is done behind ``client()`` asks for them."""

    terminal: Terminal
    shape: Shape
    assignments: Shape
    here: bool = False

    @property
    def feature(self) -> Feature:
        """What a store declares that runs it as one command."""
        writes = self.terminal in ("update", "delete")
        return Feature.SUBQUERY_WRITES if writes else Feature.SUBQUERIES


class First(Struct, frozen=True):
    """A query that is asked first; at most ``most`` of its values are taken."""

    handle: Handle
    compiled: Compiled
    values: Values
    most: int | None = None

    def plain(self, answer: list[Any]) -> list[Any]:
        """The plain values of its answer, NULLs among them left out.

        Raises:
            QueryTooBroad: there are more than the budget allows.
        """
        schema = self.handle.schema
        if self.most is not None and len(answer) > self.most:
            raise QueryTooBroad(
                f"{schema.name} on {self.handle.connection.label}: more than {self.most} values would be passed to "
                "the query around it on another store; filter them more, slice the queryset, or open the Store with "
                "a larger most_values"
            )
        convert = to_plain(self.compiled.plan.output.fields[0].kind)
        found = [value for value in answer if value is not None]
        return found if convert is None else list(map(convert, found))


class Left(Struct, frozen=True):
    """The query that is left when the others were answered."""

    compiled: Compiled
    values: Values


def nested_of(planned: Plan, terminal: Terminal, shape: Shape, assignments: Shape) -> Nested | None:
    """The structure where there are queries within its steps or assignments."""
    if planned.operation is None or next(subqueries_in((shape, assignments)), None) is None:
        return None
    return Nested(terminal, shape, assignments, planned.here is not None and _asks_rows(planned.here))


def _asks_rows(operation: Select | Group | Count) -> bool:
    """Whether the operation has queries within."""
    parts: list[Expression | Condition] = [operation.condition]
    match operation:
        case Select():
            parts += [operation.kept, *operation.first, *(term.expression for term in operation.order)]
            parts += [each.expression for each in (*operation.computed, *operation.windows)]
            if operation.source is not None and _asks_rows(operation.source):
                return True
        case Group():
            parts += [operation.having, *(term.expression for term in operation.order)]
            parts += [each.expression for each in (*operation.keys, *operation.computed)]
            if isinstance(operation.source, Select | Group) and _asks_rows(operation.source):
                return True
    return any(next(subqueries_of(part), None) is not None for part in parts)


# ---- where a query runs


def inner_handle(handle: Handle, inner: Inner) -> Handle:
    """The model within on its store: where ``using()`` put it, with the model around where routes keep them together.

    Args:
        handle: the model around, on its store.
        inner: the query within.
    """
    home = handle.home
    if inner.store is not None:
        found: Handle = inner.store.handle(inner.model, inner.alias)
        return found
    routed = home.handle(inner.model, inner.alias)
    if inner.alias is None and routed.connection is home.handle(handle.model).connection:
        return home.handle(inner.model, handle.connection.name)
    return routed


def is_one_command(handle: Handle, nested: Nested, values: Values) -> bool:
    """Whether the whole query can be sent as one command."""
    declared = nested.feature in handle.connection.adapter.capabilities.features
    return declared and not _has_client(nested.shape) and _all_here(handle, values)


def _all_here(handle: Handle, values: Values) -> bool:
    return all(
        inner_handle(handle, value).connection is handle.connection and _all_here(handle, value.values)
        for value in values
        if value.__class__ is Inner
    )


def _has_client(shape: Shape) -> bool:
    return any(step[0] == "client" for step in shape)


# ---- what is asked first, and what is left


def asked_first(handle: Handle, nested: Nested, values: Values) -> list[First]:
    """The queries that are asked first, in the order of their places.

    The query that is left was compiled, too, for answers and for none: nothing is asked where it would be refused.

    Raises:
        NotSupportedError: one of them refers to the query around it, or a store cannot do its part.
    """
    found: list[First] = []

    def placeholder(part: Shape, inner: Inner) -> tuple[Any, list[Any]]:
        first = _first(handle, part, inner, declared=nested.feature in handle.connection.adapter.capabilities.features)
        found.append(first)
        return _settled(part, inner, first, _PLACEHOLDERS[part[0]])

    _left(handle, nested, values, placeholder)
    again = iter(found)
    _left(handle, nested, values, lambda part, inner: _settled(part, inner, next(again), _NOTHING[part[0]]))
    return found


def left_over(handle: Handle, nested: Nested, values: Values, firsts: Sequence[First], answers: Values) -> Left:
    """The query that is left, with the answers in the places of the queries that were asked first."""
    given = iter(zip(firsts, answers, strict=True))

    def settle(part: Shape, inner: Inner) -> tuple[Any, list[Any]]:
        first, answer = next(given)
        return _settled(part, inner, first, answer if part[0] == "exists" else first.plain(answer))

    return _left(handle, nested, values, settle)


_TAKEN_ALONG = ("annotate", "alias", "order")
"""The steps before ``client()`` that hold behind it, too."""
_PLACEHOLDERS: dict[str, Any] = {"within": None, "exists": True, "scalar": None}
_NOTHING: dict[str, Any] = {"within": (), "exists": False, "scalar": ()}

_Settle: TypeAlias = Callable[[Shape, Inner], tuple[Any, list[Any]]]


def _left(handle: Handle, nested: Nested, values: Values, settle: _Settle) -> Left:
    inners = (value for value in values if value.__class__ is Inner)
    replaced: list[list[Any]] = []
    declared = nested.feature in handle.connection.adapter.capabilities.features
    steps = []
    for step in nested.shape:
        stays = declared and not (nested.here and step[0] in _TAKEN_ALONG)
        steps.append(_rewritten(handle, step, inners, replaced, settle, here=stays))
        declared = declared and step[0] != "client"
    assigned = _rewritten(handle, nested.assignments, inners, replaced, settle, here=declared)
    compiled = handle.compiled_whole(nested.terminal, tuple(steps), assigned)
    return Left(compiled, flat(_interleaved(values, replaced)))


def _rewritten(
    handle: Handle, shape: Any, inners: Iterator[Inner], replaced: list[list[Any]], settle: _Settle, *, here: bool
) -> Any:
    """A structure with queries within settled; ``replaced`` gets what stands in the values in the place of each."""
    if not isinstance(shape, tuple):
        return shape
    if not shape or shape[-1].__class__ is not Rows:
        return tuple(_rewritten(handle, part, inners, replaced, settle, here=here) for part in shape)
    inner = next(inners)
    if here and inner_handle(handle, inner).connection is handle.connection:
        part, values = _kept(handle, shape, inner, settle)
    else:
        part, values = settle(shape, inner)
    replaced.append(values)
    return part


def _kept(handle: Handle, part: Shape, inner: Inner, settle: _Settle) -> tuple[Any, list[Any]]:
    """A query that stays within, with those settled that stand within itself."""
    replaced: list[list[Any]] = []
    inners = (value for value in inner.values if value.__class__ is Inner)
    rows: Rows = part[-1]
    shape = _rewritten(handle, rows.shape, inners, replaced, settle, here=True)
    return (*part[:-1], Rows(rows.schema, shape, rows.single)), _interleaved(inner.values, replaced)


def _interleaved(values: Values, replaced: Sequence[list[Any]]) -> list[Any]:
    found: list[Any] = []
    places = iter(replaced)
    for value in values:
        if value.__class__ is Inner:
            found += next(places)
        else:
            found.append(value)
    return found


# ---- one query that is asked first


def _first(handle: Handle, part: Shape, inner: Inner, *, declared: bool) -> First:
    there = inner_handle(handle, inner)
    if reach(inner.rows.shape):
        raise _refused(handle, there, behind_client=declared)
    shape: Shape = inner.rows.shape
    values: Values = inner.values
    most = None
    if part[0] == "within":
        most = handle.home.most_values
        shape, values = _bounded(inner, most + 1, there)
    compiled = there.compiled("exists" if part[0] == "exists" else "rows", shape)
    if compiled.nested is not None and not is_one_command(there, compiled.nested, values):
        asked_first(there, compiled.nested, values)
    return First(there, compiled, values, most)


def _refused(handle: Handle, there: Handle, *, behind_client: bool) -> NotSupportedError:
    around, within = handle.connection.label, there.connection.label
    if there.connection is handle.connection and behind_client:
        return NotSupportedError(
            f"{handle.schema.name} on {around}: what stands behind client() is evaluated here, and a query of "
            f"{there.schema.name} there cannot refer to the query around it (OuterRef); filter by it before client()"
        )
    if there.connection is handle.connection:
        return NotSupportedError(
            f"{handle.schema.name} on {around}: the store cannot do a query of {there.schema.name} here that refers "
            "to the query around it (OuterRef); filter by __in of a queryset that can run alone, or read first and "
            "pass the values"
        )
    return NotSupportedError(
        f"{handle.schema.name} is on {around} and {there.schema.name} on {within}: a query within another one that "
        "refers to it (OuterRef) needs both on one store; filter by __in of a queryset that can run alone"
    )


def _bounded(inner: Inner, most: int, there: Handle) -> tuple[Shape, Values]:
    """The query with no more than ``most`` rows; in no order where it decides nothing, each value once where that is
    easy.
    """
    shape, values = inner.rows.shape, inner.values
    place = next((place for place, step in enumerate(shape) if step[0] == "slice"), None)
    if place is None:
        once = (("distinct",),) if _is_told_apart(shape, there) else ()
        unordered = () if _takes_first_rows(shape) else (("order", ()),)
        return (*shape, *unordered, *once, ("slice", False, True)), (*values, most)
    _, has_offset, has_limit = shape[place]
    if has_limit:
        return shape, (*values[:-1], min(values[-1], most))
    return (*shape[:place], ("slice", has_offset, True), *shape[place + 1 :]), (*values, most)


def _takes_first_rows(shape: Shape) -> bool:
    """Whether the order says which rows there are: ``distinct()`` with fields."""
    return any(step[0] == "distinct" and len(step) > 1 for step in shape)


def _is_told_apart(shape: Shape, there: Handle) -> bool:
    """Whether the store finds the distinct values, and there may be fewer of them than rows."""
    if any(step[0] in ("client", "distinct", "annotate", "alias") for step in shape):
        return False
    field = there.schema.by_name.get(shape[-1][1][0])
    if field is None:  # what lies at a path
        return False
    unique = field.primary_key or any(each.fields == (field.name,) for each in there.schema.uniques)
    declared = Feature.DISTINCT in there.connection.adapter.capabilities.features
    return declared and not unique and not isinstance(field.kind, BytesKind)


def _settled(part: Shape, inner: Inner, first: First, answer: Any) -> tuple[Any, list[Any]]:
    """What takes the place of a query in structure and values: its answer, or where that is None a placeholder."""
    values: list[Any] = []
    match part:
        case ("exists", _):
            return ("Q", "AND", not answer, ()), values
        case ("within", name, _):
            if answer is None:
                return ("in", name, 1), [None]
            assert inner.coerce is not None
            return in_list(name, map(inner.coerce, answer), values), values
        case ("scalar", _):
            kind = first.compiled.plan.output.fields[0].kind
            if answer is None:
                return ("given", kind), [None]
            return (("given", kind), answer[:1]) if answer else (("nothing", kind), values)
    raise AssertionError(part)
