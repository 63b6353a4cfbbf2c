"""From structure to nodes: names to expressions, values to parameters, and the kind of each result.

``indexes`` counts the places of the values; whatever reads a structure takes them in the order in which ``shapes``
appended them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time
from typing import Any

from polystore.errors import FieldError, QueryUsageError
from polystore.query.coerce import Verdict
from polystore.query.elements import of_same_elements
from polystore.query.frames import framed_window, window_kind
from polystore.query.json_reading import FROM_JSON, KINDS_IN_JSON, as_kind, held_in, read_json
from polystore.query.literals import literal_kind
from polystore.query.lookups import Lookup, find_lookup
from polystore.query.lookups.containers import value_kind
from polystore.query.lookups.paths import find_field
from polystore.query.names import Annotation, Enclosing, Names, expression_of, made_field
from polystore.query.nodes import (
    WHOLE,
    Aggregated,
    All,
    AnyElement,
    Arithmetic,
    Call,
    Case,
    Column,
    Compare,
    Condition,
    Either,
    Expression,
    Extract,
    HasRows,
    Holds,
    IsNull,
    Not,
    Null,
    Order,
    Parameter,
    ParameterList,
    Path,
    Scalar,
    Size,
    Trunc,
    Truth,
    Windowed,
    Within,
    WithinRows,
)
from polystore.query.operators import Aggregate, ArithmeticOperator, DatePart, Function, Holding, Operator
from polystore.query.signatures import (
    CASTS,
    NUMBERS,
    PARTS,
    SIGNATURES,
    UNITS,
    Kinds,
    Mismatch,
    aggregate_kind,
    common_kind,
    number_kind,
)
from polystore.query.simplify import FALSE, simplify
from polystore.query.subqueries import Rows, reach
from polystore.query.walk import aggregates_of
from polystore.schema.kinds import (
    DateKind,
    DateTimeKind,
    DecimalKind,
    FloatKind,
    JsonKind,
    Kind,
    NaiveDateTimeKind,
    describe_kind,
    is_container,
    plain_kind,
)

# ---- conditions


def read_filter(names: Names, clauses: Iterable[Any], indexes: Iterator[int]) -> Condition:
    """The condition of a filter's structure; what it says of the elements of one list it says of the same element."""
    return of_same_elements(All(tuple(_read_clause(names, clause, indexes) for clause in clauses)))


def _read_clause(names: Names, clause: Any, indexes: Iterator[int]) -> Condition:
    if isinstance(clause, str):
        lookup = find_lookup(names, clause)
        assert isinstance(lookup.test, Operator)
        return _of_elements(lookup, _compare(names, lookup, lookup.test, next(indexes)))
    tag, *details = clause
    if tag == "Q":
        connector, negated, clauses = details
        children = tuple(_read_clause(names, child, indexes) for child in clauses)
        joined: Condition = All(children) if connector == "AND" else Either(children)
        return Not(of_same_elements(joined)) if negated else joined
    if tag == "exists":
        outer = Enclosing(names)
        rows, _ = names.read_rows(details[0], indexes, outer, "existence")
        return FALSE if rows is None else HasRows(rows, tuple(outer.arguments))
    lookup = find_lookup(names, details[0])
    return _of_elements(lookup, _read_test(names, lookup, tag, details, indexes))


def _read_test(names: Names, lookup: Lookup, tag: str, details: list[Any], indexes: Iterator[int]) -> Condition:
    is_null = IsNull(_subject(names, lookup))
    match tag:
        case "null":
            return is_null if details[1] else Not(is_null)
        case "verdict":
            return FALSE if details[1] is Verdict.NEVER else Not(is_null)
        case "in":
            return Within(_operand(names, lookup), ParameterList(next(indexes), lookup.kind, details[1]))
        case "within":
            return _read_membership(names, lookup, details[1], indexes)
        case "range":
            low, high = next(indexes), next(indexes)
            return All(
                (_compare(names, lookup, Operator.GTE, low), _compare(names, lookup, Operator.LTE, high)),
            )
        case "holds":
            assert isinstance(lookup.test, Holding)
            held = held_in(_subject(names, lookup))
            return Holds(held, lookup.test, Parameter(next(indexes), value_kind(lookup.kind, lookup.test)))
        case "json in":
            held, kind = held_in(_subject(names, lookup)), KINDS_IN_JSON[details[1]]
            return Within(as_kind(held, kind), ParameterList(next(indexes), kind, details[2]))
        case "json":
            return read_json(held_in(_subject(names, lookup)), lookup, details[1], indexes)
        case _:
            return _read_comparison(names, lookup, details[1], indexes)


def _of_elements(lookup: Lookup, condition: Condition) -> Condition:
    """The condition about elements as one about the rows that have them."""
    for field in reversed(lookup.elements):
        condition = AnyElement(held_in(expression_of(field)), condition)
    return condition


def _read_comparison(names: Names, lookup: Lookup, shape: Any, indexes: Iterator[int]) -> Condition:
    assert isinstance(lookup.test, Operator)
    right = read_expression(names, shape, indexes)
    if right.kind is None or is_nothing(right):
        return FALSE
    refuse_mixed(f"{lookup.name} of {names.name}", lookup.kind, right.kind)
    return Compare(_operand(names, lookup), lookup.test, right)


def _subject(names: Names, lookup: Lookup) -> Expression:
    """What a lookup is about; an element's fields are those of its own model, whatever annotations are called."""
    found = expression_of(lookup.field) if lookup.elements else names.expression(lookup.field)
    return Size(held_in(found)) if lookup.size else found


def _read_membership(names: Names, lookup: Lookup, rows: Rows, indexes: Iterator[int]) -> Condition:
    outer = Enclosing(names)
    found, value = names.read_rows(rows, indexes, outer, "values")
    refuse_mixed(f"{lookup.name} of {names.name} with {value.name} of {rows.schema.name}", lookup.kind, value.kind)
    if found is None:
        return FALSE
    return WithinRows(_operand(names, lookup), found, value, tuple(outer.arguments))


def _operand(names: Names, lookup: Lookup) -> Expression:
    expression = _subject(names, lookup)
    return expression if lookup.part is None else Extract(lookup.part, expression)


def _compare(names: Names, lookup: Lookup, operator: Operator, index: int) -> Condition:
    if lookup.part is DatePart.YEAR or (lookup.part is DatePart.DATE and not isinstance(lookup.field.kind, DateKind)):
        return _period(_subject(names, lookup), lookup, operator, index)
    return Compare(_operand(names, lookup), operator, Parameter(index, lookup.kind))


def _period(column: Expression, lookup: Lookup, operator: Operator, index: int) -> Condition:
    """A test of a year or a date as one of the moment itself, which an index on a column serves."""
    kind = lookup.field.kind
    start, end = _BOUNDS[lookup.part is DatePart.YEAR, type(kind)]
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


# ---- expressions


def read_annotation(names: Names, name: str, shape: Any, indexes: Iterator[int], *, selected: bool) -> Annotation:
    """The annotation of a name and a structure."""
    expression = read_expression(names, shape, indexes)
    kind = expression.kind
    if kind is None:
        if reach(shape):
            raise FieldError(
                f"{names.name}: the type of {name} is not known before the query around it is; write "
                "Cast(OuterRef(...), int), or name the OuterRef in filter()"
            )
        raise FieldError(f"{names.name}: {name}=None has no type; write Cast(None, int)")
    if is_container(kind) and not isinstance(expression, Path):
        raise FieldError(f"{names.name}: {name} would be {describe_kind(kind)}; annotations are single values")
    return Annotation(made_field(names.name, name, kind), expression, selected)


def read_expression(names: Names, shape: Any, indexes: Iterator[int]) -> Expression:
    """The expression of a structure.

    Raises:
        FieldError: an unknown name, or kinds that do not go together.
    """
    match shape:
        case ("F", str(name)):
            return names.expression(find_field(names, name))
        case ("V", tag):
            return Parameter(next(indexes), literal_kind(tag))
        case ("null",):
            return Null()
        case ("call", Function() as function, arguments):
            made = tuple(read_expression(names, each, indexes) for each in arguments)
            return Call(function, made, _kind_of_call(names, function, [each.kind for each in made]))
        case ("cast", target, operand):
            return _cast(names, target, read_expression(names, operand, indexes))
        case ("extract", DatePart() as part, zone, operand):
            moment = read_expression(names, operand, indexes)
            _refuse_part(names, "Extract", part, zone, moment.kind, PARTS)
            return Extract(part, moment, zone)
        case ("trunc", DatePart() as unit, zone, operand):
            moment = read_expression(names, operand, indexes)
            _refuse_part(names, "Trunc", unit, zone, moment.kind, UNITS)
            return Trunc(unit, moment, zone)
        case ("case", branches, default):
            return _case(names, branches, default, indexes)
        case ("truth", clause):
            return Truth(simplify(read_filter(names, (clause,), indexes)))
        case ("scalar", Rows() as rows):
            return _read_scalar(names, rows, indexes)
        case ("outer", inner):
            return _read_outer(names, inner, indexes)
        case ("assumed", kind, inner):
            return _read_assumed(names, kind, inner, indexes)
        case ("given", kind):
            return Parameter(next(indexes), kind)
        case ("nothing", kind):
            return _nothing(kind)
        case ("aggregate", Aggregate() as aggregate, bool(distinct), operand, condition):
            return _aggregated(names, aggregate, distinct, operand, condition, indexes)
        case ("window", *_):
            return _windowed(names, shape, indexes)
        case (str(symbol), left, right):
            operator = ArithmeticOperator(symbol)
            a, b = read_expression(names, left, indexes), read_expression(names, right, indexes)
            return Arithmetic(operator, a, b, _kind_of_arithmetic(names, operator, a.kind, b.kind))
    raise AssertionError(shape)


# ---- subqueries


def _read_scalar(names: Names, rows: Rows, indexes: Iterator[int]) -> Expression:
    outer = Enclosing(names)
    found, value = names.read_rows(rows, indexes, outer, "value")
    return _nothing(value.kind) if found is None else Scalar(found, value, tuple(outer.arguments))


def _nothing(kind: Kind) -> Expression:
    """NULL as a value of a kind."""
    return Call(Function.CAST, (Null(),), kind)


def is_nothing(expression: Expression) -> bool:
    """Whether this is NULL as a value of a kind."""
    return isinstance(expression, Call) and expression.function is Function.CAST and expression.arguments == (Null(),)


def _read_outer(names: Names, shape: Any, indexes: Iterator[int]) -> Expression:
    """What the query around says of a name; where that is not known yet, something that goes with every kind."""
    outer = names.outer
    if outer is None:
        if names.settled:
            raise QueryUsageError(
                f"{names.name}: OuterRef refers to a query around this one and there is none; pass this queryset to "
                "Exists(), Subquery() or __in of another one"
            )
        return Null()
    expression = read_expression(outer.names, shape, indexes)
    if expression.kind is None:
        return expression
    if is_container(expression.kind):
        raise FieldError(f"{outer.names.name}: OuterRef does not take {describe_kind(expression.kind)}")
    return outer.argument(expression, expression.kind, f"OuterRef({_outer_words(shape)})")


def _outer_words(shape: Any) -> str:
    tag, inner = shape
    return repr(inner) if tag == "F" else f"OuterRef({_outer_words(inner)})"


def _read_assumed(names: Names, assumed: Kind, shape: Any, indexes: Iterator[int]) -> Expression:
    """An expression about the query around; values it was compared with are of the kind that it seemed to have."""
    expression = read_expression(names, shape, indexes)
    if expression.kind != assumed:
        found = "NULL" if expression.kind is None else describe_kind(expression.kind)
        raise FieldError(
            f"{names.name}: an annotation with OuterRef is {found}, where without the query around it seemed to be "
            f"{describe_kind(assumed)}; say what it is with Cast(...), or compute it in filter()"
        )
    return expression


def refuse_mixed(what: str, left: Kind, right: Kind) -> None:
    """Refuses to compare or assign values of different nature.

    Raises:
        FieldError: names both kinds.
    """
    left, right = plain_kind(left), plain_kind(right)
    both_numbers = isinstance(left, NUMBERS) and isinstance(right, NUMBERS)
    mixed = {type(left), type(right)} == {FloatKind, DecimalKind}
    if mixed or not (both_numbers or type(left) is type(right)):
        raise FieldError(f"{what}: {describe_kind(left)} and {describe_kind(right)} do not go together")


def _kind_of_arithmetic(names: Names, operator: ArithmeticOperator, left: Kind | None, right: Kind | None) -> Kind:
    try:
        kind = number_kind([left, right])
    except Mismatch as mismatch:
        raise FieldError(f"{names.name}: arithmetic {operator.value}: {mismatch}") from None
    division = operator is ArithmeticOperator.DIVIDE and not isinstance(kind, DecimalKind)
    return FloatKind() if division else kind


def _kind_of_call(names: Names, function: Function, kinds: Kinds) -> Kind:
    signature = SIGNATURES[function]
    assert len(kinds) >= signature.least
    assert signature.most is None or len(kinds) <= signature.most
    try:
        return signature.result(kinds)
    except Mismatch as mismatch:
        raise FieldError(f"{names.name}: {function.value}: {mismatch}") from None


def _cast(names: Names, target: type, operand: Expression) -> Expression:
    kind, sources = CASTS[target]
    if isinstance(operand.kind, JsonKind) and target in FROM_JSON and isinstance(operand, Column | Path):
        return as_kind(operand, kind)
    if operand.kind is not None and not isinstance(plain_kind(operand.kind), sources):
        raise FieldError(f"{names.name}: Cast: {describe_kind(operand.kind)} has no one form as {target.__name__}")
    return Call(Function.CAST, (operand,), kind)


def _refuse_part(
    names: Names,
    function: str,
    part: DatePart,
    zone: str | None,
    kind: Kind | None,
    table: dict[type, frozenset[DatePart]],
) -> None:
    allowed = table.get(type(kind), frozenset())
    if kind is None or part not in allowed:
        what = "NULL" if kind is None else describe_kind(kind)
        words = ", ".join(each.value for each in DatePart if each in allowed) or "nothing"
        raise FieldError(f"{names.name}: {function}: of {what} it takes {words}, not {part.value}")
    if zone is not None and not isinstance(kind, DateTimeKind):
        raise FieldError(f"{names.name}: {function}: {describe_kind(kind)} has no time zone; leave tzinfo out")


def _case(names: Names, branches: Any, default: Any, indexes: Iterator[int]) -> Case:
    made = tuple(
        (simplify(read_filter(names, (clause,), indexes)), read_expression(names, value, indexes))
        for clause, value in branches
    )
    otherwise = read_expression(names, default, indexes)
    try:
        kind = common_kind([*(value.kind for _, value in made), otherwise.kind])
    except Mismatch as mismatch:
        raise FieldError(f"{names.name}: Case: {mismatch}") from None
    return Case(made, otherwise, kind)


def _aggregated(
    names: Names, aggregate: Aggregate, distinct: bool, operand: Any, condition: Any, indexes: Iterator[int]
) -> Aggregated:
    counted = None if operand is None else read_expression(names, operand, indexes)
    if counted is not None and aggregates_of(counted):
        raise FieldError(
            f"{names.name}: {aggregate.value}: an aggregate of an aggregate needs groups of its own; "
            "write values(...).annotate(...).aggregate(...)"
        )
    restriction = None if condition is None else simplify(read_filter(names, (condition,), indexes))
    try:
        kind = aggregate_kind(aggregate, None if counted is None else _known(counted), distinct=distinct)
    except Mismatch as mismatch:
        raise FieldError(f"{names.name}: {aggregate.value}: {mismatch}") from None
    once = distinct and aggregate not in (Aggregate.MIN, Aggregate.MAX)
    return Aggregated(aggregate, counted, kind, once, restriction)


def _known(expression: Expression) -> Kind:
    if expression.kind is None:
        raise Mismatch("NULL alone has no type; write Cast(None, int)")
    return expression.kind


def read_term(names: Names, term: Any, indexes: Iterator[int]) -> Order:
    """The term ``("by", expression structure, descending, nulls)`` of an ordering."""
    _, shape, descending, nulls = term
    by_default = "last" if descending else "first"
    return Order(read_expression(names, shape, indexes), descending, None if nulls == by_default else nulls)


def _windowed(names: Names, shape: Any, indexes: Iterator[int]) -> Windowed:
    _, function, number, operand, clause, beyond, partition, terms, frame = shape
    value = None if operand is None else read_expression(names, operand, indexes)
    restriction = None if clause is None else simplify(_read_clause(names, clause, indexes))
    default = None if beyond is None else read_expression(names, beyond, indexes)
    by = tuple(read_expression(names, each, indexes) for each in partition)
    order = tuple(read_term(names, each, indexes) for each in terms)
    try:
        kind = window_kind(function, value, default)
        made = Windowed(function, value, kind, by, order, WHOLE, number, default, restriction)
        return framed_window(made, frame)
    except Mismatch as mismatch:
        raise FieldError(f"{names.name}: Window({function.value}): {mismatch}") from None
