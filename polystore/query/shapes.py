"""From what users write to structure: nested tuples, which are the key of the plan cache, and a flat list of values.

Wrong names and wrong values are refused here, when the query is built. ``reading`` turns structure into nodes.

A clause of a filter is: a lookup's name (one value, the regular case); ``("in", name, size)`` (one value, a tuple);
``("range", name)`` (two values); ``("null", name, wanted)``; ``("verdict", name, Verdict)``;
``("holds", name)`` (one value, of a list or JSON); ``("json", name, type)`` (one value unless that is "null");
``("json in", name, type, size)`` (one value, a tuple);
``("expression", name, shape)``; ``("within", name, Rows)`` and ``("exists", Rows)`` (one value, an ``Inner``);
``("Q", connector, negated, clauses)``.

An expression is: ``("F", name)``; ``("V", tag)`` (one value); ``("null",)``; ``(operator, left, right)``;
``("call", Function, arguments)``; ``("cast", type, operand)``; ``("extract" or "trunc", DatePart, zone, operand)``;
``("case", ((clause, value), ...), default)``; ``("truth", clause)``;
``("aggregate", Aggregate, distinct, operand or None, clause or None)``; ``("scalar", Rows)`` (one value, an ``Inner``);
``("outer", shape)``, the shape in the query around; ``("assumed", kind, shape)``, of which nothing else may come;
``("given", kind)`` (one value); ``("nothing", kind)``;
``("window", function, number, operand or None, clause or None, default or None, partition, order terms, Frame or
None)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from msgspec.structs import replace

from polystore.errors import FieldError
from polystore.query.aggregates import Aggregation
from polystore.query.calls import Call, Cast, Extract, Extreme, Trunc
from polystore.query.coerce import (
    ONLY_NULL,
    ORDER_OPERATORS,
    TEXT_OPERATORS,
    Coerce,
    Refused,
    Verdict,
)
from polystore.query.functions import Case, Combinable, Combined, F, Ordering, Q, Value
from polystore.query.json_clauses import json_clause
from polystore.query.literals import literal
from polystore.query.lookups import Lookup, find_lookup, lookup_coercer
from polystore.query.lookups.paths import find_field
from polystore.query.names import Scope
from polystore.query.operators import Function, Holding, Operator
from polystore.query.signatures import CASTS
from polystore.query.subqueries import Exists, Inner, OuterRef, Subquery, is_queried
from polystore.query.warned import warn_of_null
from polystore.query.windows import RankFunction, Window
from polystore.schema.kinds import JsonKind, describe_kind, is_container, plain_kind

_ENDS = ("gte", "lte")
NO_EXPRESSION = "values, not expressions; Cast(F(...), int) makes a number of JSON"
_SCALARS = frozenset({int, str, float, bool, Decimal, datetime, date, time, timedelta, UUID, bytes})


def filter_shape(
    scope: Scope, conditions: Sequence[Any], lookups: Mapping[str, Any], values: list[Any]
) -> tuple[Any, ...]:
    """The structure of a filter's arguments, empty where they say nothing; their values are appended to ``values``.

    Raises:
        FieldError: an unknown name, or a value that its field does not compare with.
    """
    clauses: list[Any] = []
    coercers = scope.coercers
    for name, value in lookups.items():
        if (coerce := coercers.get(name)) is not None and value.__class__ in _SCALARS:
            try:
                plain = coerce(value)
            except Refused as refused:
                _refuse(scope, find_lookup(scope, name), value, refused)
            if plain.__class__ is not Verdict:
                clauses.append(name)
                values.append(plain)
                continue
        clauses.append(_clause(scope, name, value, values))
    for condition in conditions:
        if not isinstance(condition, Q) or condition.children:
            clauses.append(_condition_shape(scope, condition, values))
    return tuple(clauses)


def _condition_shape(scope: Scope, condition: Any, values: list[Any]) -> Any:
    if not isinstance(condition, Q):
        raise FieldError(
            f"{scope.name}: a condition is field__lookup=value, a Q or a typed comparison, not {condition!r}"
        )
    if isinstance(condition, Exists):
        values.append(condition.inner)
        return ("exists", condition.inner.rows)
    clauses = tuple(
        _condition_shape(scope, child, values) if isinstance(child, Q) else _clause(scope, child[0], child[1], values)
        for child in condition.children
    )
    return ("Q", condition.connector, condition.negated, clauses)


def _clause(scope: Scope, name: str, value: Any, values: list[Any]) -> Any:
    lookup = find_lookup(scope, name)
    if lookup.test == "isnull":
        if type(value) is not bool:
            _refuse(scope, lookup, value, Refused("True or False"))
        return ("null", name, value)
    if isinstance(value, Value):
        value = value.value
    if isinstance(lookup.kind, JsonKind) and not isinstance(lookup.test, Holding):
        return _json_clause(scope, lookup, value, values)
    if value is None:
        if lookup.test in (Operator.EXACT, Operator.IEXACT, Holding.ARRAY_EXACT):
            return ("null", name, True)
        _refuse(scope, lookup, value, Refused("a value: only exact and isnull know None"))
    if isinstance(value, Combinable | Q):
        return _expression_clause(scope, lookup, value, values)
    if lookup.test == "in":
        return _in_clause(scope, lookup, value, values)
    if lookup.test == "range":
        return _range_clause(scope, lookup, value, values)
    plain = _coerced(scope, lookup, lookup.coerce, value)
    if isinstance(plain, Verdict):
        return ("verdict", name, plain)
    values.append(plain)
    return ("holds", name) if isinstance(lookup.test, Holding) else name


def _json_clause(scope: Scope, lookup: Lookup, value: Any, values: list[Any]) -> Any:
    if isinstance(value, Combinable | Q):
        _refuse(scope, lookup, value, Refused(NO_EXPRESSION))
    if value is None and lookup.test not in (Operator.EXACT, Operator.IEXACT):
        _refuse(scope, lookup, value, Refused("a value: only exact and isnull know None"))
    try:
        return json_clause(lookup, value, values, lambda name: find_lookup(scope, name))
    except Refused as refused:
        _refuse(scope, lookup, value, refused)


def _expression_clause(scope: Scope, lookup: Lookup, value: Combinable | Q, values: list[Any]) -> Any:
    if lookup.test in ("in", "range"):
        collection = "list" if lookup.test == "in" else "pair"
        _refuse(scope, lookup, value, Refused(f"a {collection} of values and expressions, not a single one"))
    if not isinstance(lookup.test, Operator) or lookup.test not in (
        ORDER_OPERATORS | TEXT_OPERATORS | {Operator.EXACT}
    ):
        _refuse(scope, lookup, value, Refused("values, not expressions"))
    if lookup.test in (Operator.REGEX, Operator.IREGEX):
        _refuse(scope, lookup, value, Refused("a pattern, not an expression"))
    if is_container(lookup.kind):
        _refuse(scope, lookup, value, Refused(ONLY_NULL))
    if lookup.elements:
        _refuse(scope, lookup, value, Refused("values: elements of a list are not compared with expressions"))
    return ("expression", lookup.name, expression_shape(scope, value, values))


def _in_clause(scope: Scope, lookup: Lookup, value: Any, values: list[Any]) -> Any:
    if is_queried(value):
        inner: Inner = value._values_within(lookup.name, key=True)
        coerce = lookup_coercer(lookup.part, plain_kind(lookup.kind), Operator.EXACT)
        values.append(replace(inner, coerce=coerce))
        return ("within", lookup.name, inner.rows)
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        _refuse(scope, lookup, value, Refused("a list, tuple, set or other collection of values"))
    given, computed = _apart(value)
    clause = _values_clause(scope, lookup, given, values)
    if not computed:
        return clause
    exact = find_lookup(scope, lookup.name.removesuffix("__in"))
    return ("Q", "OR", False, (clause, *(_expression_clause(scope, exact, each, values) for each in computed)))


def _apart(items: Iterable[Any]) -> tuple[list[Any], list[Combinable | Q]]:
    """Values, and what is computed, each in order."""
    given: list[Any] = []
    computed: list[Combinable | Q] = []
    for item in items:
        if isinstance(item, Combinable | Q) and not isinstance(item, Value):
            computed.append(item)
        else:
            given.append(item.value if isinstance(item, Value) else item)
    return given, computed


def _values_clause(scope: Scope, lookup: Lookup, given: list[Any], values: list[Any]) -> Any:
    there = [item for item in given if item is not None]
    if len(there) < len(given):
        warn_of_null(scope.name, lookup.name)
    return in_list(lookup.name, [_coerced(scope, lookup, lookup.coerce, item) for item in there], values)


def in_list(name: str, options: Iterable[Any], values: list[Any]) -> Any:
    """The clause of a lookup of some plain values or verdicts, each once and padded to a power of two."""
    distinct = dict.fromkeys(options)
    distinct.pop(Verdict.NEVER, None)
    if not distinct:
        return ("verdict", name, Verdict.NEVER)
    found = tuple(distinct)
    size = 1 << (len(found) - 1).bit_length()
    values.append(found + found[-1:] * (size - len(found)))
    return ("in", name, size)


def _range_clause(scope: Scope, lookup: Lookup, value: Any, values: list[Any]) -> Any:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence) or len(value) != 2:
        _refuse(scope, lookup, value, Refused("a pair (low, high)"))
    given, computed = _apart(value)
    if None in given:
        _refuse(scope, lookup, value, Refused("two values; use gte or lte for a range with one end"))
    if computed:
        stem = lookup.name.removesuffix("__range")
        sides = tuple(_clause(scope, f"{stem}__{word}", end, values) for word, end in zip(_ENDS, value, strict=True))
        return ("Q", "AND", False, sides)
    ends = []
    for end, operator in zip(given, (Operator.GTE, Operator.LTE), strict=True):
        ends.append(_coerced(scope, lookup, lookup_coercer(lookup.part, lookup.kind, operator), end))
    if Verdict.NEVER in ends:
        return ("verdict", lookup.name, Verdict.NEVER)
    if isinstance(ends[0], Verdict) or isinstance(ends[1], Verdict):
        return _half_range(lookup, ends, values)
    values.extend(ends)
    return ("range", lookup.name)


def _half_range(lookup: Lookup, ends: list[Any], values: list[Any]) -> Any:
    stem = lookup.name.removesuffix("__range")
    for end, word in zip(ends, _ENDS, strict=True):
        if not isinstance(end, Verdict):
            values.append(end)
            return ("Q", "AND", False, (f"{stem}__{word}",))
    return ("verdict", lookup.name, Verdict.NOT_NULL)


def _coerced(scope: Scope, lookup: Lookup, coerce: Coerce, value: Any) -> Any:
    try:
        return coerce(value)
    except Refused as refused:
        _refuse(scope, lookup, value, refused)


def _refuse(scope: Scope, lookup: Lookup, value: Any, refused: Refused) -> NoReturn:
    what = describe_kind(lookup.field.kind) + (", its length an int" if lookup.size else "")
    raise FieldError(
        f"{lookup.field.label} is {what}: {lookup.name}={value!r} does not work; it takes {refused}"
    ) from None


# ---- expressions


def expression_shape(scope: Scope, expression: Any, values: list[Any]) -> tuple[Any, ...]:
    """The structure of an expression; the values in it are appended to ``values``.

    Raises:
        FieldError: a value that is of no kind, an unknown type of cast, a wrong condition.
    """
    match expression:
        case F(name=name):
            return ("F", name)
        case OuterRef(expression=expression):
            return ("outer", expression_shape(scope, expression, values))
        case Subquery(inner=inner, output_field=target):
            values.append(inner)
            shape = ("scalar", inner.rows)
            return shape if target is None else ("cast", target, shape)
        case Combined(operator=operator, left=left, right=right):
            return (operator, expression_shape(scope, left, values), expression_shape(scope, right, values))
        case Value(value=value):
            return _literal(scope, value, values)
        case Extreme(ignore_nulls=True):
            return expression_shape(scope, expression.of_those_there(), values)
        case Call(function=function, arguments=arguments):
            return ("call", function, tuple(_argument(scope, each, values) for each in arguments))
        case Cast(expression=operand, target=target):
            if target not in CASTS:
                known = ", ".join(python.__name__ for python in CASTS)
                raise FieldError(f"{scope.name}: {expression!r}: a cast makes one of {known}")
            return ("cast", target, _argument(scope, operand, values))
        case Extract(expression=operand, part=part, zone=zone):
            return ("extract", part, zone, _argument(scope, operand, values))
        case Trunc(expression=operand, part=part, zone=zone):
            return ("trunc", part, zone, _argument(scope, operand, values))
        case Case(branches=branches, default=default):
            whens = tuple(
                (_condition_shape(scope, branch.condition, values), _argument(scope, branch.then, values))
                for branch in branches
            )
            return ("case", whens, _argument(scope, default, values))
        case Q():
            return ("truth", _condition_shape(scope, expression, values))
        case Aggregation():
            return _aggregate_shape(scope, expression, values)
        case Window():
            return _window_shape(scope, expression, values)
        case RankFunction():
            raise FieldError(f"{scope.name}: {expression!r} needs a window; write Window({expression!r}, ...)")
        case _:
            return _literal(scope, expression, values)


def order_shape(scope: Scope, term: Any, values: list[Any]) -> Any:
    """The structure of a term of an ordering: a name, "?" or ``("by", expression, descending, nulls)``.

    Raises:
        FieldError: an unknown name, or something that is no term.
    """
    if isinstance(term, str):
        if term != "?":
            find_field(scope, term.removeprefix("-"))
        return term
    if isinstance(term, Combinable):
        term = term.asc()
    if not isinstance(term, Ordering):
        raise FieldError(f"{scope.name}: order_by takes names of fields and expressions, not {term!r}")
    if isinstance(term.expression, F):
        name = find_field(scope, term.expression.name).name
        if term.nulls is None or (term.nulls == "last") is term.descending:
            return f"-{name}" if term.descending else name
    return ("by", expression_shape(scope, term.expression, values), term.descending, term.nulls)


def _argument(scope: Scope, value: Any, values: list[Any]) -> tuple[Any, ...]:
    """An argument of a function: a plain text names a field."""
    return expression_shape(scope, F(value) if isinstance(value, str) else value, values)


def _literal(scope: Scope, value: Any, values: list[Any]) -> tuple[Any, ...]:
    if value is None:
        return ("null",)
    tag, plain = literal(scope.name, value)
    values.append(plain)
    return ("V", tag)


def _aggregate_shape(scope: Scope, aggregate: Aggregation, values: list[Any]) -> tuple[Any, ...]:
    operand, condition = aggregate.expression, aggregate.filter
    shape = (
        "aggregate",
        aggregate.node,
        aggregate.distinct,
        None if isinstance(operand, str) and operand == "*" else _argument(scope, operand, values),
        None if condition is None else _condition_shape(scope, condition, values),
    )
    if aggregate.default is None:
        return shape
    return ("call", Function.COALESCE, (shape, _argument(scope, aggregate.default, values)))


def _window_shape(scope: Scope, window: Window, values: list[Any]) -> tuple[Any, ...]:
    given = window.expression
    head: tuple[Any, ...]
    if isinstance(given, Aggregation):
        if given.distinct:
            raise FieldError(f"{scope.name}: {window!r}: no window has aggregates of distinct values")
        operand = given.expression
        what: Any = None if isinstance(operand, str) and operand == "*" else _argument(scope, operand, values)
        clause = None if given.filter is None else _condition_shape(scope, given.filter, values)
        head = ("window", given.node, 1, what, clause, None)
    else:
        what = None if given.expression is None else _argument(scope, given.expression, values)
        beyond = None if given.default is None else _argument(scope, given.default, values)
        head = ("window", given.function, given.number, what, None, beyond)
    shape = (
        *head,
        tuple(_argument(scope, each, values) for each in window.partition_by),
        tuple(_window_term(scope, term, values) for term in window.order_by),
        None if window.frame is None else window.frame.frame,
    )
    if not isinstance(given, Aggregation) or given.default is None:
        return shape
    return ("call", Function.COALESCE, (shape, _argument(scope, given.default, values)))


def _window_term(scope: Scope, term: Any, values: list[Any]) -> tuple[Any, ...]:
    """A term of a window's order in the form of one by an expression."""
    shape = order_shape(scope, term, values)
    if isinstance(shape, str):
        return ("by", ("F", shape.removeprefix("-")), shape.startswith("-"), None)
    found: tuple[Any, ...] = shape
    return found
