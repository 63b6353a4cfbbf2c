"""What differs between SQL databases when values are computed: functions, casts, dates, aggregates, results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement

from polystore.adapters.base import undeclared
from polystore.adapters.sql.raw import Let, Raw
from polystore.adapters.sql.types import Codec, Convert
from polystore.errors import NotSupportedError
from polystore.query.nodes import Parameter
from polystore.query.operators import Aggregate, DatePart, Function
from polystore.schema.kinds import DecimalKind, FloatKind, Kind

if TYPE_CHECKING:
    from polystore.adapters.sql.expressions import Expressions

Sql: TypeAlias = ColumnElement[Any]
EXTREMES = frozenset({Aggregate.MIN, Aggregate.MAX})


class Operand(NamedTuple):
    """An expression and the plain kind of its values; in working form unless it is a ``stored`` column."""

    sql: Sql
    kind: Kind
    stored: bool = False


class Computing(ABC):
    """How one database computes; expressions are in working form.

    Templates are looked up by the function and the type of its first operand's kind, then by the function alone.
    ``{0}``, ``{1}``... are operands, ``{*}`` is all of them. A cast without a template changes nothing.
    """

    calls: Mapping[Function | tuple[Function, type], str]
    casts: Mapping[tuple[type, type], str]
    aggregates: Mapping[Aggregate | tuple[Aggregate, type], str]
    """``{once}`` in a template is DISTINCT or nothing."""

    random = "random()"
    """A number drawn for each row."""

    no_order: tuple[str, ...] = ()
    """What rows are ranked by where nothing is said: for databases that rank by something only."""

    float_key: str | None = None
    """The template by which a float that rows are grouped by is read, where it must be told that it is one."""

    lists_before = False
    """Whether own aggregates (``ps_...``) over frames that end before their row are made of a list of the values."""

    groups_by_columns = False
    """Whether computed keys must be columns of a table, written down before rows are grouped by them."""

    @abstractmethod
    def codec(self, kind: Kind) -> Codec: ...

    @abstractmethod
    def refuse(self, what: str, remedy: str) -> NotSupportedError: ...

    @abstractmethod
    def working(self, stored: Sql, kind: Kind) -> Sql: ...

    # ---- values

    def chosen(self, template: str, parts: Sequence[Sql], values: Sequence[Sql], kind: Kind) -> Sql:
        """An expression that gives one of some values, which are all of one kind."""
        return Raw(template, *parts)

    def nothing(self, kind: Kind) -> Sql:
        """NULL as a value of the kind."""
        return Raw("NULL")

    def widened(self, operand: Operand, kind: Kind) -> Sql:
        """An int as a float or a Decimal where values of that kind are chosen from."""
        return operand.sql if type(operand.kind) is type(kind) else self.cast(operand, kind)

    def concat(self, texts: Sequence[Sql]) -> Sql:
        """Texts joined, NULL as an empty one."""
        parts = " || ".join(f"coalesce({{{place}}}, '')" for place in range(len(texts)))
        return Raw(f"({parts})", *texts)

    def call(self, function: Function, operands: Sequence[Operand], kind: Kind) -> Sql:
        """A function of operands that are of one kind where it takes the greatest or the least of them."""
        template = self.calls.get((function, type(operands[0].kind))) or self.calls[function]
        return Let(_spread(template, len(operands)), *(operand.sql for operand in operands))

    def round_float(self, writer: Expressions, value: Sql, places: Parameter) -> Sql:
        """A float rounded to decimal places by its exact value."""
        kind = FloatKind()
        return self.call(Function.ROUND, (Operand(value, kind), writer.operand(places)), kind)

    def cast(self, operand: Operand, kind: Kind) -> Sql:
        """A value as one of another kind."""
        template = self.casts.get((type(operand.kind), type(kind)), "{0}")
        if isinstance(operand.kind, DecimalKind):
            places = -1 if operand.kind.decimal_places is None else operand.kind.decimal_places
            template = template.replace("{digits}", str(operand.kind.max_digits)).replace("{places}", str(places))
        return operand.sql if template == "{0}" else Let(template, operand.sql)

    # ---- dates and times

    @abstractmethod
    def now(self, writer: Expressions) -> Sql:
        """The moment of the statement, one for all rows."""

    @abstractmethod
    def extract(self, part: DatePart, operand: Sql, kind: Kind) -> Sql:
        """A part of a date, time or datetime."""

    def extract_there(self, writer: Expressions, part: DatePart, operand: Sql, kind: Kind, zone: str) -> Sql:
        """The same by the clocks of a time zone."""
        undeclared(part)

    @abstractmethod
    def truncate(self, writer: Expressions, unit: DatePart, operand: Sql, kind: Kind, zone: str | None) -> Sql:
        """The beginning of a unit of a date or datetime."""

    # ---- aggregates

    def aggregate(self, aggregate: Aggregate, operand: Operand | None, test: Sql | None, *, distinct: bool) -> Sql:
        """An aggregate of an operand (without one of rows), of those for which the test is true."""
        if operand is None:
            return Raw("count(*)") if test is None else Raw("count(CASE WHEN {0} THEN 1 END)", test)
        if test is not None:
            chosen = self.chosen("CASE WHEN {0} THEN {1} END", (test, operand.sql), (operand.sql,), operand.kind)
            operand = operand._replace(sql=chosen)
        return self.reduced(aggregate, operand, "DISTINCT " if distinct else "")

    def reduced(self, aggregate: Aggregate, operand: Operand, once: str) -> Sql:
        """An aggregate of the operand's values."""
        template = self.aggregates.get((aggregate, type(operand.kind))) or self.aggregates[aggregate]
        template = template.replace("{once}", once)
        if aggregate is Aggregate.COUNT or not operand.stored:
            return Raw(template, operand.sql)
        if aggregate in EXTREMES:
            return self.working(Raw(template, operand.sql), operand.kind)
        return Raw(template, self.working(operand.sql, operand.kind))

    # ---- results

    @abstractmethod
    def settled(self, working: Sql, kind: Kind) -> Sql:
        """A computed value in the canonical form of its kind, by which rows are grouped and told apart."""

    def shown(self, working: Sql, kind: Kind) -> tuple[Sql, Convert | None]:
        """What is read of a computed value, and the function from that to the plain value."""
        return working, self.loaded(kind)

    @abstractmethod
    def loaded(self, kind: Kind) -> Convert | None:
        """The function from a computed value of the kind, as the driver gives it, to the plain one."""

    def parts(self, value: Sql) -> tuple[Sql, ...]:
        """What an inner select must hold of a value so that nothing of it is lost."""
        return (value,)

    def rejoined(self, value: Sql, columns: Sequence[Sql]) -> Sql:
        """The value of the columns that hold its parts."""
        return columns[0]

    def placed(self, column: Sql, value: Sql) -> Sql:
        """The column of an inner select that holds the value."""
        return column


def _spread(template: str, count: int) -> str:
    return template.replace("{*}", ", ".join(f"{{{place}}}" for place in range(count)))
