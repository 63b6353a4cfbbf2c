"""Expressions as SQL, for any dialect; remembers where each value goes.

A column is in *stored* form, as the database holds it; whatever is computed is in *working* form. ``Dialect`` tells
where the two differ.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self, TypeAlias, assert_never

from msgspec import Struct
from sqlalchemy import BindParameter, FromClause, bindparam
from sqlalchemy.types import NullType

from polystore.adapters.sql.computing import Operand
from polystore.adapters.sql.dialect import Dialect, Sql
from polystore.adapters.sql.raw import Raw, RowCount
from polystore.adapters.sql.types import Convert
from polystore.query.evaluate.functions import TAKES_NULL
from polystore.query.nodes import (
    Aggregated,
    Arithmetic,
    Call,
    Case,
    Column,
    Condition,
    Expression,
    Extract,
    Null,
    Outer,
    Parameter,
    Path,
    Random,
    Scalar,
    Size,
    Trunc,
    Truth,
    Windowed,
)
from polystore.query.operations import Assignment, Select
from polystore.query.operators import Function, Operator
from polystore.query.walk import expressions_of
from polystore.schema.kinds import DecimalKind, FloatKind, IntKind, Kind, plain_kind
from polystore.schema.model import FieldInfo, Schema

_NULL_TYPE = NullType()
_ALIKE = frozenset({Function.COALESCE, Function.GREATEST, Function.LEAST})
_NULL = Raw("NULL")


class Slot(Struct, frozen=True):
    """Where a placeholder takes its value from: ``values[index]``, or ``values[index][item]``, then ``encode``.

    Without an ``index`` it is ``encode(None)``, a value that no query gives.
    """

    index: int | None
    encode: Convert | None = None
    item: int | None = None


class Place(NamedTuple):
    """Where a field's value stands that is not a column of the table; ``working`` tells the form that it has."""

    sql: Sql
    working: bool


Tables: TypeAlias = Callable[[Schema], FromClause]
"""The tables of schemas."""


class Expressions(ABC):
    """Writes the expressions of one statement; ``slots`` tells what each named placeholder is bound to.

    ``places`` tells where values stand that earlier parts of the statement computed: rows of an inner select, or keys.
    ``anchor`` is a column of the rows that aggregates are made of.
    """

    def __init__(self, dialect: Dialect, schema: Schema, tables: Tables) -> None:
        self.dialect = dialect
        self.schema = schema
        self.tables = tables
        self.table = tables(schema)
        self.anchor: Sql = next(iter(self.table.c))
        self.slots: dict[str, Slot] = {}
        self.places: Mapping[FieldInfo, Place] = {}
        self.aliases: list[str] = []
        self.refers = False

    def beside(self, schema: Schema) -> Self:
        """The writer of rows of another model in the same statement."""
        made = type(self)(self.dialect, schema, self.tables)
        made.slots, made.aliases = self.slots, self.aliases
        return made

    @abstractmethod
    def condition(self, condition: Condition) -> Sql:
        """The condition, true for the rows wanted; for the others false or NULL."""

    # ---- queries within

    @abstractmethod
    def scalar(self, node: Scalar) -> Sql:
        """The value of the first row of a query within: a column as it is stored, anything else in working form."""

    @abstractmethod
    def outer(self, node: Outer) -> Sql:
        """What a query within is told of the row around; that it ``refers`` to it is noted."""

    @abstractmethod
    def outer_is_working(self, node: Outer) -> bool:
        """Whether that is in working form."""

    def derived(self, statement: Any) -> Any:
        """A statement as a table to select from."""
        if self.refers and not self.dialect.derived_tables_refer:
            raise self.dialect.refuse(
                "a query within another one that refers to it (OuterRef) and takes several steps: a slice behind __in, "
                "groups by computed values, groups of slices, windows",
                "filter by a plain field, or read first and pass the values",
            )
        return statement.subquery()

    # ---- values

    def place(self, slot: Slot) -> BindParameter[Any]:
        """A new placeholder."""
        name = str(len(self.slots))
        self.slots[name] = slot
        return bindparam(name, type_=_NULL_TYPE, required=True)

    def bind(self, parameter: Parameter, encode: Convert | None) -> BindParameter[Any]:
        """A placeholder for a parameter's value, derived and encoded."""
        return self.place(Slot(parameter.index, composed(parameter.derive, encode)))

    def constant(self, make: Callable[[], Any]) -> BindParameter[Any]:
        """A placeholder for a value that is made whenever the statement is bound."""
        return self.place(Slot(None, lambda _: make()))

    def dump_of(self, expression: Expression) -> Convert | None:
        """From a plain value to one that compares with this expression."""
        kind = kind_of(expression)
        if isinstance(kind, DecimalKind) and self.is_working(expression):
            return self.dialect.working_dump(kind)
        return self.dialect.codec(kind).dump

    # ---- expressions

    def is_working(self, expression: Expression) -> bool:
        """Whether it is written in working form: all but columns, and what stands for them in a query within."""
        match expression:
            case Column(field=field):
                place = self.places.get(field)
                return place is not None and place.working
            case Null() | Extract():
                return False
            case Outer():
                return self.outer_is_working(expression)
            case Scalar(rows=rows, value=value):
                return not (isinstance(rows, Select) and value in rows.columns)
            case _:
                return True

    def stored(self, expression: Expression) -> Sql:
        """A column or a part of one as the database holds it; anything else in working form."""
        match expression:
            case Column(field=field):
                place = self.places.get(field)
                return self.table.c[field.column] if place is None else place.sql
            case Extract(part=part, operand=operand, zone=zone):
                moment = self.stored(operand)
                if zone is not None:
                    return self.dialect.extract_there(self, part, moment, kind_of(operand), zone)
                return self.dialect.extract(part, moment, kind_of(operand))
            case Null():
                return _NULL
            case Outer():
                return self.outer(expression)
            case Scalar():
                return self.scalar(expression)
            case _:
                return self.working(expression)

    def working(self, expression: Expression) -> Sql:
        """The expression in the form that is computed with."""
        match expression:
            case Column() | Outer() | Scalar():
                found = self.stored(expression)
                return found if self.is_working(expression) else self.dialect.working(found, kind_of(expression))
            case Parameter():
                return self._value(expression)
            case Null() | Extract():
                return self.stored(expression)
            case Trunc(unit=unit, operand=operand, zone=zone):
                return self.dialect.truncate(self, unit, self.working(operand), kind_of(operand), zone)
            case Arithmetic(operator=operator, left=left, right=right, kind=kind):
                return self.dialect.arithmetic(
                    operator, self.working(left), kind_of(left), self.working(right), kind_of(right), kind
                )
            case Call():
                return self._call(expression)
            case Case():
                return self._case(expression)
            case Truth(condition=condition):
                return Raw("(({0}) IS TRUE)", self.condition(condition))
            case Aggregated():
                return self._aggregated(expression)
            case Path(operand=operand):
                return self.dialect.path(self, self.stored(operand), expression)
            case Size(operand=operand):
                return self.dialect.size(self.stored(operand))
            case Windowed():
                return self.window(expression)
            case Random():
                return Raw(self.dialect.random)
        assert_never(expression)

    @abstractmethod
    def window(self, window: Windowed) -> Sql:
        """A value computed of the rows around each row."""

    def _value(self, parameter: Parameter) -> Sql:
        kind, dialect = plain_kind(parameter.kind), self.dialect
        dump = dialect.working_dump(kind)
        return dialect.working_value(self.bind(parameter, dialect.codec(kind).dump if dump is None else dump), kind)

    def operand(self, expression: Expression) -> Operand:
        """The expression in working form with its kind."""
        return Operand(self.working(expression), kind_of(expression))

    def alike(self, expression: Expression, kind: Kind) -> Sql:
        """The expression as one of the kind: an int as a float or a Decimal where these are chosen from."""
        if isinstance(expression, Null):
            return _NULL
        return self.dialect.widened(self.operand(expression), plain_kind(kind))

    def _call(self, node: Call) -> Sql:
        arguments, kind = node.arguments, plain_kind(node.kind)
        if node.function is Function.NOW:
            return self.dialect.now(self)
        if node.function is Function.COALESCE:
            return self._coalesce([each for each in arguments if not isinstance(each, Null)], kind)
        if node.function is Function.NULLIF:
            return self._null_if(*arguments)
        if node.function is Function.CONCAT:
            return self.dialect.concat([self.working(each) for each in arguments if not isinstance(each, Null)])
        assert node.function not in TAKES_NULL
        if any(isinstance(each, Null) for each in arguments):
            return self.dialect.nothing(kind)
        if node.function is Function.CAST:
            return self.dialect.cast(self.operand(arguments[0]), kind)
        if node.function is Function.ROUND and len(arguments) > 1 and isinstance(kind, FloatKind):
            value, places = arguments
            assert isinstance(places, Parameter)
            return self.dialect.round_float(self, self.working(value), places)
        if node.function in _ALIKE:
            parts = [Operand(self.alike(each, kind), kind) for each in arguments]
        else:
            parts = [self.operand(each) for each in arguments]
        return self.dialect.call(node.function, parts, kind)

    def _coalesce(self, arguments: Sequence[Expression], kind: Kind) -> Sql:
        parts = tuple(self.alike(each, kind) for each in arguments)
        if len(parts) < 2:
            return parts[0]
        marks = ", ".join(f"{{{place}}}" for place in range(len(parts)))
        return self.dialect.chosen(f"coalesce({marks})", parts, parts, kind)

    def _null_if(self, value: Expression, other: Expression) -> Sql:
        found = self.operand(value)
        if isinstance(other, Null):
            return found.sql
        beside = self.operand(other)
        same = self.dialect.compare(Operator.EXACT, found.sql, found.kind, beside.sql, beside.kind)
        return self.dialect.chosen(
            "(CASE WHEN {0} THEN NULL ELSE {1} END)", (same, found.sql), (found.sql,), found.kind
        )

    def _case(self, node: Case) -> Sql:
        parts: list[Sql] = []
        values: list[Sql] = []
        text = "(CASE"
        kind = plain_kind(node.kind)
        for condition, value in node.branches:
            text += f" WHEN {{{len(parts)}}} THEN {{{len(parts) + 1}}}"
            values.append(self.alike(value, kind))
            parts += [self.condition(condition), values[-1]]
        values.append(self.alike(node.default, kind))
        text += f" ELSE {{{len(parts)}}} END)"
        some = tuple(value for value in values if value is not _NULL)
        return self.dialect.chosen(text, (*parts, values[-1]), some, kind)

    def _aggregated(self, node: Aggregated) -> Sql:
        if node.operand is None and node.condition is None:
            return RowCount(self.anchor)
        if node.operand is None:
            operand = None
        elif isinstance(node.operand, Column) and not self.is_working(node.operand):
            operand = Operand(self.stored(node.operand), kind_of(node.operand), stored=True)
        else:
            operand = self.operand(node.operand)
        test = None if node.condition is None else self.condition(node.condition)
        if not _reads_columns(node):
            operand, test = self._anchored(operand, test)
        return self.dialect.aggregate(node.aggregate, operand, test, distinct=node.distinct)

    def _anchored(self, operand: Operand | None, test: Sql | None) -> tuple[Operand | None, Sql | None]:
        """The same in terms of a column: SQL takes an aggregate without one for one of the innermost select's rows."""
        template = "(CASE {0} WHEN NULL THEN {1} ELSE {1} END)"
        if test is not None:
            return operand, Raw(template, self.anchor, test)
        assert operand is not None
        value = self.dialect.chosen(template, (self.anchor, operand.sql), (operand.sql,), operand.kind)
        return operand._replace(sql=value), None

    def assigned(self, assignment: Assignment) -> Sql:
        """The value of an assignment as its field stores it."""
        field, value = assignment.field, assignment.value
        if isinstance(value, Parameter):
            return self.bind(value, self.dialect.codec(field.kind).dump)
        if isinstance(value, Null):
            return _NULL
        kind = kind_of(value)
        if not self.is_working(value) and self.dialect.same_storage(field.kind, kind):
            return self.stored(value)
        return self.dialect.store(field, self.working(value), kind)


def _reads_columns(node: Aggregated) -> bool:
    """Whether an aggregate is made of values of its rows."""
    return any(isinstance(each, Column) for each in expressions_of(node))


def kind_of(expression: Expression) -> Kind:
    """The plain kind of an expression's values; NULL passes for an int."""
    return IntKind() if expression.kind is None else plain_kind(expression.kind)


def composed(first: Convert | None, second: Convert | None) -> Convert | None:
    """Both conversions, one after the other; None stands for no change."""
    if first is None or second is None:
        return first or second
    inner, outer = first, second
    return lambda value: outer(inner(value))
