"""The language of lookups: the only file that knows what ``field__part__lookup`` means.

``filter_shape`` turns the arguments of a filter into their structure (nested tuples, hashable) and appends the coerced
values to a flat list; wrong names and wrong values are refused here, when the query is built. ``read_filter`` turns the
structure into a condition, once for each shape.

A clause is: a lookup's name (one value, the regular case); ``("in", name, size)`` (one value, a tuple);
``("range", name)`` (two values); ``("null", name, wanted)``; ``("verdict", name, Verdict)``;
``("expression", name, shape)``; ``("Q", connector, negated, clauses)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from msgspec import Struct

from polystore.errors import FieldError
from polystore.query.coerce import (
    ONLY_NULL,
    ORDER_OPERATORS,
    TEXT_OPERATORS,
    Coerce,
    Refused,
    Verdict,
    allowed_operators,
    coercer,
)
from polystore.query.expressions import read_expression, refuse_mixed
from polystore.query.functions import Combinable, Q, expression_shape
from polystore.query.nodes import (
    All,
    Column,
    Compare,
    Condition,
    DatePart,
    Either,
    Expression,
    Extract,
    IsNull,
    Not,
    Operator,
    Parameter,
    ParameterList,
    Within,
)
from polystore.query.simplify import FALSE
from polystore.schema.kinds import (
    DateKind,
    DateTimeKind,
    IntKind,
    Kind,
    NaiveDateTimeKind,
    TimeKind,
    describe_kind,
    is_container,
)
from polystore.schema.model import FieldInfo, Schema

_SCALARS = frozenset({int, str, float, bool, Decimal, datetime, date, time, timedelta, UUID, bytes})
_OPERATORS = {operator.value: operator for operator in Operator}
_OTHER_TESTS = ("in", "range", "isnull")
_DATE_PARTS = frozenset(part for part in DatePart if part.value not in ("hour", "minute", "second", "date", "time"))
_TIME_PARTS = frozenset({DatePart.HOUR, DatePart.MINUTE, DatePart.SECOND})


class Lookup(Struct, frozen=True):
    """A lookup's name understood: a field, perhaps a part of it, and the test; ``coerce`` serves its values."""

    name: str
    field: FieldInfo
    part: DatePart | None
    test: Operator | str
    kind: Kind
    coerce: Coerce


def filter_shape(
    schema: Schema, conditions: Sequence[Any], lookups: Mapping[str, Any], values: list[Any]
) -> tuple[Any, ...]:
    """The structure of a filter's arguments, empty where they say nothing; their values are appended to ``values``.

    Raises:
        FieldError: an unknown name, or a value that its field does not compare with.
    """
    clauses: list[Any] = []
    coercers = schema.coercers
    for name, value in lookups.items():
        if (coerce := coercers.get(name)) is not None and value.__class__ in _SCALARS:
            try:
                plain = coerce(value)
            except Refused as refused:
                _refuse(schema, find_lookup(schema, name), value, refused)
            if plain.__class__ is not Verdict:
                clauses.append(name)
                values.append(plain)
                continue
        clauses.append(_clause(schema, name, value, values))
    for condition in conditions:
        if not isinstance(condition, Q) or condition.children:
            clauses.append(_condition_shape(schema, condition, values))
    return tuple(clauses)


def find_lookup(schema: Schema, name: str) -> Lookup:
    """The meaning of a lookup's name; found once for each schema and name.

    Raises:
        FieldError: no such field, part or lookup; the message lists those there are.
    """
    lookup = schema.lookups.get(name)
    if lookup is None:
        lookup = _parse(schema, name)
        schema.lookups[name] = lookup
        if isinstance(lookup.test, Operator):
            schema.coercers[name] = lookup.coerce
    return lookup


def read_filter(schema: Schema, clauses: Iterable[Any], indexes: Iterator[int]) -> Condition:
    """The condition of a filter's structure; ``indexes`` counts the places of its values."""
    return All(tuple(_read_clause(schema, clause, indexes) for clause in clauses))


# ---- names


def _parse(schema: Schema, name: str) -> Lookup:
    head, *rest = name.split("__")
    field = schema.field(head)
    kind = field.kind
    part = None
    if rest and (found := _part(rest[0])) is not None:
        part = found
        if part not in _parts_of(kind):
            raise FieldError(f"{field.label} is {describe_kind(kind)}: it has no {part.value} to look up ({name})")
        kind = _part_kind(part)
        rest = rest[1:]
    word = rest.pop(0) if rest else "exact"
    test: Operator | str | None = _OPERATORS.get(word) or (word if word in _OTHER_TESTS else None)
    if test is None or rest:
        known = ", ".join([*_OPERATORS, *_OTHER_TESTS])
        raise FieldError(f"{field.label} has no lookup {'__'.join([word, *rest])!r} ({name}); lookups are {known}")
    _check_test(field, kind, test, name)
    operator = test if isinstance(test, Operator) else Operator.EXACT
    return Lookup(name, field, part, test, kind, _part_coercer(part, operator) or coercer(kind, operator))


def _part(word: str) -> DatePart | None:
    try:
        return DatePart(word)
    except ValueError:
        return None


def _parts_of(kind: Kind) -> frozenset[DatePart]:
    match kind:
        case DateTimeKind() | NaiveDateTimeKind():
            return frozenset(DatePart)
        case DateKind():
            return _DATE_PARTS
        case TimeKind():
            return _TIME_PARTS
        case _:
            return frozenset()


def _part_kind(part: DatePart) -> Kind:
    match part:
        case DatePart.DATE:
            return DateKind()
        case DatePart.TIME:
            return TimeKind()
        case _:
            return IntKind()


def _check_test(field: FieldInfo, kind: Kind, test: Operator | str, name: str) -> None:
    allowed = allowed_operators(kind)
    if (
        test in ("isnull", Operator.EXACT)
        or (test == "in" and allowed)
        or (test == "range" and Operator.LTE in allowed)
        or test in allowed
    ):
        return
    words = [operator.value for operator in Operator if operator in allowed]
    words += [word for word, needs in (("in", Operator.EXACT), ("range", Operator.LTE)) if needs in allowed]
    raise FieldError(
        f"{field.label} is {describe_kind(kind)}: {name} does not apply; use {', '.join([*words, 'isnull'])}"
    )


def _part_coercer(part: DatePart | None, operator: Operator) -> Coerce | None:
    if part is not DatePart.YEAR:
        return None
    year = coercer(IntKind(), operator)

    def coerce(value: Any) -> Any:
        plain = year(value)
        if isinstance(plain, Verdict) or 1 <= plain <= 9999:
            return plain
        beyond = (Operator.LT, Operator.LTE) if plain > 9999 else (Operator.GT, Operator.GTE)
        return Verdict.NOT_NULL if operator in beyond else Verdict.NEVER

    return coerce


# ---- from arguments to structure


def _condition_shape(schema: Schema, condition: Any, values: list[Any]) -> Any:
    if not isinstance(condition, Q):
        raise FieldError(
            f"{schema.name}: a condition is field__lookup=value, a Q or a typed comparison, not {condition!r}"
        )
    clauses = tuple(
        _condition_shape(schema, child, values) if isinstance(child, Q) else _clause(schema, child[0], child[1], values)
        for child in condition.children
    )
    return ("Q", condition.connector, condition.negated, clauses)


def _clause(schema: Schema, name: str, value: Any, values: list[Any]) -> Any:
    lookup = find_lookup(schema, name)
    if lookup.test == "isnull":
        if type(value) is not bool:
            _refuse(schema, lookup, value, Refused("True or False"))
        return ("null", name, value)
    if value is None:
        if lookup.test in (Operator.EXACT, Operator.IEXACT):
            return ("null", name, True)
        _refuse(schema, lookup, value, Refused("a value: only exact and isnull know None"))
    if isinstance(value, Combinable):
        return _expression_clause(schema, lookup, value, values)
    if lookup.test == "in":
        return _in_clause(schema, lookup, value, values)
    if lookup.test == "range":
        return _range_clause(schema, lookup, value, values)
    plain = _coerced(schema, lookup, lookup.coerce, value)
    if isinstance(plain, Verdict):
        return ("verdict", name, plain)
    values.append(plain)
    return name


def _expression_clause(schema: Schema, lookup: Lookup, value: Combinable, values: list[Any]) -> Any:
    if not isinstance(lookup.test, Operator) or lookup.test not in (
        ORDER_OPERATORS | TEXT_OPERATORS | {Operator.EXACT}
    ):
        _refuse(schema, lookup, value, Refused("values, not expressions"))
    if lookup.test in (Operator.REGEX, Operator.IREGEX):
        _refuse(schema, lookup, value, Refused("a pattern, not an expression"))
    if is_container(lookup.kind):
        _refuse(schema, lookup, value, Refused(ONLY_NULL))
    return ("expression", lookup.name, expression_shape(value, values))


def _in_clause(schema: Schema, lookup: Lookup, value: Any, values: list[Any]) -> Any:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        _refuse(schema, lookup, value, Refused("a list, tuple, set or other collection of values"))
    distinct: dict[Any, None] = {}
    for item in value:
        if item is not None:
            distinct[_coerced(schema, lookup, lookup.coerce, item)] = None
    distinct.pop(Verdict.NEVER, None)
    if not distinct:
        return ("verdict", lookup.name, Verdict.NEVER)
    found = tuple(distinct)
    size = 1 << (len(found) - 1).bit_length()
    values.append(found + found[-1:] * (size - len(found)))
    return ("in", lookup.name, size)


def _range_clause(schema: Schema, lookup: Lookup, value: Any, values: list[Any]) -> Any:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence) or len(value) != 2:
        _refuse(schema, lookup, value, Refused("a pair (low, high)"))
    if any(end is None or isinstance(end, Combinable) for end in value):
        _refuse(schema, lookup, value, Refused("two values; use gte or lte for a range with one end"))
    kind = lookup.kind
    ends = []
    for end, operator in zip(value, (Operator.GTE, Operator.LTE), strict=True):
        ends.append(_coerced(schema, lookup, _part_coercer(lookup.part, operator) or coercer(kind, operator), end))
    if Verdict.NEVER in ends:
        return ("verdict", lookup.name, Verdict.NEVER)
    if isinstance(ends[0], Verdict) or isinstance(ends[1], Verdict):
        return _half_range(lookup, ends, values)
    values.extend(ends)
    return ("range", lookup.name)


def _half_range(lookup: Lookup, ends: list[Any], values: list[Any]) -> Any:
    stem = lookup.name.removesuffix("__range")
    for end, word in zip(ends, ("gte", "lte"), strict=True):
        if not isinstance(end, Verdict):
            values.append(end)
            return ("Q", "AND", False, (f"{stem}__{word}",))
    return ("verdict", lookup.name, Verdict.NOT_NULL)


def _coerced(schema: Schema, lookup: Lookup, coerce: Coerce, value: Any) -> Any:
    try:
        return coerce(value)
    except Refused as refused:
        _refuse(schema, lookup, value, refused)


def _refuse(schema: Schema, lookup: Lookup, value: Any, refused: Refused) -> NoReturn:
    what = describe_kind(lookup.field.kind)
    raise FieldError(
        f"{lookup.field.label} is {what}: {lookup.name}={value!r} does not work; it takes {refused}"
    ) from None


# ---- from structure to conditions


def _read_clause(schema: Schema, clause: Any, indexes: Iterator[int]) -> Condition:
    if isinstance(clause, str):
        lookup = find_lookup(schema, clause)
        assert isinstance(lookup.test, Operator)
        return _compare(lookup, lookup.test, next(indexes))
    tag, *details = clause
    if tag == "Q":
        connector, negated, clauses = details
        children = tuple(_read_clause(schema, child, indexes) for child in clauses)
        joined: Condition = All(children) if connector == "AND" else Either(children)
        return Not(joined) if negated else joined
    lookup = find_lookup(schema, details[0])
    operand, is_null = _operand(lookup), IsNull(Column(lookup.field))
    match tag:
        case "null":
            return is_null if details[1] else Not(is_null)
        case "verdict":
            return FALSE if details[1] is Verdict.NEVER else Not(is_null)
        case "in":
            return Within(operand, ParameterList(next(indexes), lookup.kind, details[1]))
        case "range":
            low, high = next(indexes), next(indexes)
            return All((_compare(lookup, Operator.GTE, low), _compare(lookup, Operator.LTE, high)))
        case _:
            return _read_comparison(schema, lookup, operand, details[1], indexes)


def _read_comparison(
    schema: Schema, lookup: Lookup, operand: Expression, shape: Any, indexes: Iterator[int]
) -> Condition:
    assert isinstance(lookup.test, Operator)
    right, kind = read_expression(schema, shape, indexes)
    refuse_mixed(f"{lookup.name} of {schema.name}", lookup.kind, kind)
    return Compare(operand, lookup.test, right)


def _operand(lookup: Lookup) -> Expression:
    column = Column(lookup.field)
    return column if lookup.part is None else Extract(lookup.part, column)


def _compare(lookup: Lookup, operator: Operator, index: int) -> Condition:
    if lookup.part is DatePart.YEAR or (lookup.part is DatePart.DATE and not isinstance(lookup.field.kind, DateKind)):
        return _period(lookup, operator, index)
    return Compare(_operand(lookup), operator, Parameter(index, lookup.kind))


def _period(lookup: Lookup, operator: Operator, index: int) -> Condition:
    """A test of a year or a date as one of the column itself, which an index serves."""
    kind = lookup.field.kind
    start, end = _BOUNDS[lookup.part is DatePart.YEAR, type(kind)]
    column = Column(lookup.field)
    first, last = Parameter(index, kind, start), Parameter(index, kind, end)
    match operator:
        case Operator.GT:
            return Compare(column, Operator.GT, last)
        case Operator.GTE:
            return Compare(column, Operator.GTE, first)
        case Operator.LT:
            return Compare(column, Operator.LT, first)
        case Operator.LTE:
            return Compare(column, Operator.LTE, last)
        case _:
            return All((Compare(column, Operator.GTE, first), Compare(column, Operator.LTE, last)))


def _first_of_year(year: int) -> date:
    return date(year, 1, 1)


def _last_of_year(year: int) -> date:
    return date(year, 12, 31)


def _start_of_day(day: date) -> datetime:
    return datetime.combine(day, time.min)


def _end_of_day(day: date) -> datetime:
    return datetime.combine(day, time.max)


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


_Bound = Callable[[Any], Any]
_BOUNDS: dict[tuple[bool, type], tuple[_Bound, _Bound]] = {
    (True, DateKind): (_first_of_year, _last_of_year),
    (True, NaiveDateTimeKind): (
        lambda year: _start_of_day(_first_of_year(year)),
        lambda year: _end_of_day(_last_of_year(year)),
    ),
    (True, DateTimeKind): (
        lambda year: _in_utc(_start_of_day(_first_of_year(year))),
        lambda year: _in_utc(_end_of_day(_last_of_year(year))),
    ),
    (False, NaiveDateTimeKind): (_start_of_day, _end_of_day),
    (False, DateTimeKind): (lambda day: _in_utc(_start_of_day(day)), lambda day: _in_utc(_end_of_day(day))),
}
