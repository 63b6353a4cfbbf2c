"""How MySQL and MariaDB compute; ``{0}``, ``{1}``... are operands.

They round decimals beyond 65 digits or 30 places silently: what could need more is refused, or left to the client to
finish where it is read and nothing else is made of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from polystore.adapters.sql import decimal_text
from polystore.adapters.sql.computing import EXTREMES, Computing, Operand, Sql
from polystore.adapters.sql.expressions import Expressions, composed
from polystore.adapters.sql.mysql.sizes import Sized, Unfinished, exact, size_of
from polystore.adapters.sql.mysql.templates import BEGINNINGS, FAIL, PARTS, ROUND_DECIMAL, UUID_TEXT, WHOLE_MEAN
from polystore.adapters.sql.raw import Raw
from polystore.adapters.sql.types import Convert
from polystore.errors import NotSupportedError
from polystore.query.evaluate import decimal_result
from polystore.query.evaluate.functions import caster
from polystore.query.evaluate.numbers import settled
from polystore.query.operators import Aggregate, ArithmeticOperator, DatePart, Function
from polystore.schema.kinds import (
    BoolKind,
    DateKind,
    DateTimeKind,
    DecimalKind,
    DurationKind,
    FloatKind,
    IntKind,
    Kind,
    NaiveDateTimeKind,
    TextKind,
    TimeKind,
    UuidKind,
    plain_kind,
)

_DIGITS = 65
_ROWS = 20
"""Digits of the number of rows."""


def _unless(condition: str, value: str) -> str:
    """The value; an error where the condition is true."""
    return f"IF({condition}, {FAIL.format(condition)}, {value})"


def _int64(value: str) -> str:
    beyond = f"{value} NOT BETWEEN -9223372036854775808 AND 9223372036854775807"
    return _unless(beyond, f"CAST({value} AS SIGNED)")


_BEYOND = "({0} >= 9223372036854775808E0 OR {0} < -9223372036854775808E0)"
_NO_INT = "{0} NOT REGEXP '^-?[0-9]{{1,65}}\\\\z'"
_NO_NUMBER = "{0} NOT REGEXP '^-?[0-9]+(\\\\.[0-9]+)?\\\\z'"
_FLOAT_OF_TEXT = "CAST({0} AS DOUBLE) + 0E0"

CALLS: dict[Function | tuple[Function, type], str] = {
    Function.GREATEST: "GREATEST({*})",
    Function.LEAST: "LEAST({*})",
    Function.LENGTH: "CHAR_LENGTH({0})",
    Function.TRIM: "TRIM({0})",
    Function.LTRIM: "LTRIM({0})",
    Function.RTRIM: "RTRIM({0})",
    Function.SUBSTR: "SUBSTR({*})",
    Function.REPLACE: "IF({1} IS NULL OR {2} IS NULL, NULL, REPLACE({0}, {1}, {2}))",
    Function.LEFT: "LEFT({0}, {1})",
    Function.RIGHT: "RIGHT({0}, {1})",
    Function.ABS: "ABS({0})",
    (Function.CEIL, IntKind): "{0}",
    (Function.CEIL, FloatKind): "(CEIL({0}) + 0E0)",
    (Function.CEIL, DecimalKind): "CEIL({0})",
    (Function.FLOOR, IntKind): "{0}",
    (Function.FLOOR, FloatKind): "(FLOOR({0}) + 0E0)",
    (Function.FLOOR, DecimalKind): "FLOOR({0})",
    Function.POWER: "(POW({0} + 0E0, {1} + 0E0) + 0E0)",
    Function.SQRT: _unless("{0} < 0", "SQRT({0} + 0E0) + 0E0"),
}
CASTS: dict[tuple[type, type], str] = {
    (FloatKind, IntKind): _unless(_BEYOND, "CAST(TRUNCATE({0}, 0) AS SIGNED)"),
    (DecimalKind, IntKind): _int64("TRUNCATE({0}, 0)"),
    (TextKind, IntKind): _unless(_NO_INT, _int64("CAST({0} AS DECIMAL(65, 0))")),
    (IntKind, FloatKind): "({0} + 0E0)",
    (DecimalKind, FloatKind): "(CAST({0} AS DOUBLE) + 0E0)",
    (TextKind, FloatKind): _unless(
        _NO_NUMBER, _unless(f"ABS({_FLOAT_OF_TEXT}) >= 1.7976931348623157E308", _FLOAT_OF_TEXT)
    ),
    (IntKind, TextKind): "CAST({0} AS CHAR)",
    (DecimalKind, TextKind): "CAST({0} AS CHAR)",
    (DateKind, TextKind): "CAST({0} AS CHAR)",
    (UuidKind, TextKind): UUID_TEXT,
    (DateTimeKind, DateKind): "DATE({0})",
    (NaiveDateTimeKind, DateKind): "DATE({0})",
}
AGGREGATES: dict[Aggregate | tuple[Aggregate, type], str] = {
    Aggregate.COUNT: "COUNT({once}{0})",
    Aggregate.MIN: "MIN({0})",
    Aggregate.MAX: "MAX({0})",
    (Aggregate.SUM, IntKind): _int64("SUM({once}{0})"),
    (Aggregate.SUM, FloatKind): "(SUM({once}{0}) + 0E0)",
    (Aggregate.SUM, DecimalKind): "SUM({once}{0})",
    (Aggregate.AVG, IntKind): (
        "(CAST(CONCAT(CAST(SUM({once}{0}) AS DECIMAL(35, 0)) * 1000000000000000000000000000000 "
        "/ NULLIF(COUNT({once}{0}), 0), 'E-30') AS DOUBLE) + 0E0)"
    ),
    (Aggregate.SUM, DurationKind): _int64("SUM({once}{0})"),
    (Aggregate.AVG, DurationKind): WHOLE_MEAN,
    (Aggregate.AVG, FloatKind): "((SUM({once}{0}) + 0E0) / NULLIF(COUNT({once}{0}), 0))",
    Aggregate.VARIANCE: "(VAR_POP({0}) + 0E0)",
    Aggregate.VARIANCE_SAMPLE: "(VAR_SAMP({0}) + 0E0)",
    Aggregate.STDDEV: "(STDDEV_POP({0}) + 0E0)",
    Aggregate.STDDEV_SAMPLE: "(STDDEV_SAMP({0}) + 0E0)",
}
_SPREADS = frozenset({Aggregate.VARIANCE, Aggregate.VARIANCE_SAMPLE, Aggregate.STDDEV, Aggregate.STDDEV_SAMPLE})
_VARIANCE = (
    "(CAST({1} * SUM({0} * {0}) - SUM({0}) * SUM({0}) AS DOUBLE) / (NULLIF({1}, 0) * NULLIF({2}, 0) + 0E0) + 0E0)"
)
_QUOTIENT = "({0} / NULLIF({1}, 0) + 0)"
_FEW_ROWS = 6
"""A spread must be computable of a million rows at least."""
_TYPES: dict[type, str] = {
    DateKind: "DATE",
    TimeKind: "TIME(6)",
    DateTimeKind: "DATETIME(6)",
    NaiveDateTimeKind: "DATETIME(6)",
}


class MysqlComputing(Computing):
    """Functions, casts, dates and aggregates of MySQL and MariaDB."""

    calls = CALLS
    casts = CASTS
    aggregates = AGGREGATES
    random = "RAND()"
    no_order = ("NULL",)
    share = "({0} + 0e0)"  # MariaDB's own shares have ten digits
    groups_by_columns = True  # MariaDB loses the group of NULL where it sorts by ABS(...) and counts distinct values

    # ---- values

    def chosen(self, template: str, parts: Sequence[Sql], values: Sequence[Sql], kind: Kind) -> Sql:
        if not isinstance(kind, DecimalKind):
            return super().chosen(template, parts, values, kind)
        sizes = [size_of(value) for value in values] or [(1, 0)]
        size = max(whole for whole, _ in sizes), max(places for _, places in sizes)
        return self._sized(Sized(template, tuple(parts), size, exact=all(map(exact, values))))

    def _sized(self, made: Sized) -> Sized:
        whole, places = made.size
        if whole + places > _DIGITS:
            raise self._refused(f"this computation: it could need {whole + places} digits, {_DIGITS} are held exactly")
        return made

    def concat(self, texts: Sequence[Sql]) -> Sql:
        marks = ", ".join(f"IFNULL({{{place}}}, '')" for place in range(len(texts)))
        return Raw(f"CONCAT({marks})", *texts)

    def call(self, function: Function, operands: Sequence[Operand], kind: Kind) -> Sql:
        if function is Function.ROUND:
            return self._rounded(*operands)
        called = super().call(function, operands, kind)
        if not isinstance(operands[0].kind, DecimalKind) or not isinstance(kind, DecimalKind):
            return called
        values = [operand.sql for operand in operands]
        sized = self.chosen("{0}", (called,), values, kind)
        if isinstance(sized, Sized) and function in (Function.CEIL, Function.FLOOR):
            return Sized("{0}", (called,), (sized.size[0] + 1, 0), exact=sized.exact)
        return sized

    def _rounded(self, operand: Operand, places: Operand | None = None) -> Sql:
        value = operand.sql
        behind = Raw("0") if places is None else places.sql
        match operand.kind:
            case FloatKind():
                return Raw("(ROUND({0}) + 0E0)", value)
            case IntKind():
                return value if places is None else Raw(_int64(ROUND_DECIMAL), _decimal_of(value), behind)
            case _:
                whole, digits = size_of(value)
                size = whole + 1, 0 if places is None else digits
                return self._sized(Sized(ROUND_DECIMAL, (value, behind), size, exact=exact(value)))

    def cast(self, operand: Operand, kind: Kind) -> Sql:
        match operand.kind, kind:
            case IntKind(), DecimalKind():
                return Sized("CAST({0} AS DECIMAL(20, 0))", (operand.sql,), (20, 0))
            case TextKind(), DecimalKind():
                return Unfinished(operand.sql, composed(caster(operand.kind, kind), settled(kind)))
            case DecimalKind(decimal_places=None), TextKind():
                found, load = self.shown(operand.sql, operand.kind)
                return Unfinished(found, composed(load, caster(operand.kind, kind)))
            case _:
                return super().cast(operand, kind)

    # ---- dates and times

    def now(self, writer: Expressions) -> Sql:
        return Raw("UTC_TIMESTAMP(6)")

    def extract(self, part: DatePart, operand: Sql, kind: Kind) -> Sql:
        return Raw(PARTS[part], operand)

    def truncate(self, writer: Expressions, unit: DatePart, operand: Sql, kind: Kind, zone: str | None) -> Sql:
        return Raw(f"CAST({BEGINNINGS[unit]} AS {_TYPES[type(kind)]})", operand)

    # ---- aggregates

    def reduced(self, aggregate: Aggregate, operand: Operand, once: str) -> Sql:
        if aggregate in _SPREADS:
            return self._spread(aggregate, operand, once)
        if not isinstance(operand.kind, DecimalKind) or aggregate is Aggregate.COUNT:
            return super().reduced(aggregate, operand, once)
        if operand.stored and aggregate in EXTREMES and operand.kind.decimal_places is None:
            return Unfinished(Raw(AGGREGATES[aggregate], operand.sql), decimal_text.decode)
        value = self.working(operand.sql, operand.kind) if operand.stored else operand.sql
        whole, places = size_of(value)
        if aggregate in EXTREMES:
            return Sized(AGGREGATES[aggregate], (value,), (whole, places), exact=exact(value))
        total = self._sized(Sized(f"SUM({once}{{0}})", (value,), (whole + _ROWS, places), exact=exact(value)))
        if aggregate is Aggregate.SUM:
            return total
        count = Sized(f"COUNT({once}{{0}})", (value,), (_ROWS, 0))
        mean = Sized(_QUOTIENT, (total, count), (whole, 30), exact=False, quotient=(total, count))
        return self._sized(mean)

    def _spread(self, aggregate: Aggregate, operand: Operand, once: str) -> Sql:
        """How far values lie apart: floats as the database does it, the others exactly up to the last step."""
        if once:
            raise self._refused(f"{aggregate.value} of distinct values")
        if isinstance(operand.kind, FloatKind):
            return super().reduced(aggregate, operand, once)
        value = self.working(operand.sql, operand.kind) if operand.stored else operand.sql
        digits = 19 if isinstance(operand.kind, IntKind) else sum(size_of(value))
        room = (_DIGITS - 2 * digits) // 2
        if room < _FEW_ROWS or not exact(value):
            raise self._refused(f"{aggregate.value} of Decimals of {digits} digits")
        squared = aggregate in (Aggregate.VARIANCE, Aggregate.VARIANCE_SAMPLE)
        sample = aggregate in (Aggregate.VARIANCE_SAMPLE, Aggregate.STDDEV_SAMPLE)
        count = Raw(_unless(f"COUNT({{0}}) >= 1{'0' * room}", "COUNT({0})"), value)
        beside = Raw("({0} - 1)", count) if sample else count
        variance = Raw(_VARIANCE, _decimal_of(value), count, beside)
        return variance if squared else Raw("SQRT({0})", variance)

    # ---- results

    def settled(self, working: Sql, kind: Kind) -> Sql:
        kind = plain_kind(kind)
        if not isinstance(kind, DecimalKind):
            return working
        whole, places = size_of(working)
        fits = whole + places <= kind.max_digits if kind.decimal_places is None else places <= kind.decimal_places
        if not exact(working) or not fits:
            raise self._refused("groups or distinct rows by this computed Decimal, which it would have to round")
        return working

    def shown(self, working: Sql, kind: Kind) -> tuple[Sql, Convert | None]:
        if isinstance(working, Unfinished):
            return working.parts[0], working.load
        if not isinstance(working, Sized) or working.exact:
            return working, self.loaded(kind)
        if working.quotient is None or not all(map(exact, working.quotient)):
            raise self._refused("a computation with a quotient of Decimals, which it cuts after 30 places")
        return Raw("CONCAT({0}, '/', {1})", *working.quotient), composed(_quotient, settled(kind))

    def loaded(self, kind: Kind) -> Convert | None:
        match plain_kind(kind):
            case IntKind():
                return int
            case BoolKind():
                return bool
            case FloatKind():
                return float
            case DecimalKind() as decimal:
                return settled(decimal)
            case plain:
                return self.codec(plain).load

    def parts(self, value: Sql) -> tuple[Sql, ...]:
        """A quotient as dividend and divisor: it is computed where it is read."""
        return value.parts[:2] if isinstance(value, Sized) and value.quotient is not None else (value,)

    def rejoined(self, value: Sql, columns: Sequence[Sql]) -> Sql:
        if not isinstance(value, Sized) or value.quotient is None:
            return columns[0]
        dividend, divisor = columns
        return Sized(_QUOTIENT, (dividend, divisor), value.size, exact=False, quotient=(dividend, divisor))

    def placed(self, column: Sql, value: Sql) -> Sql:
        return Sized("{0}", (column,), value.size, exact=value.exact) if isinstance(value, Sized) else column

    def _refused(self, what: str) -> NotSupportedError:
        return self.refuse(what, "put .client(max_rows=...) before it, or compute it in Python")


def _decimal_of(value: Sql) -> Sql:
    return value if isinstance(value, Sized) else Raw("CAST({0} AS DECIMAL(20, 0))", value)


def typed(bound: Sql, kind: Kind) -> Sql:
    """A parameter of its type where the database would take it for text."""
    name = _TYPES.get(type(kind))
    return bound if name is None else Raw(f"CAST({{0}} AS {name})", bound)


def _quotient(text: str) -> Decimal:
    dividend, _, divisor = text.partition("/")
    return decimal_result(ArithmeticOperator.DIVIDE, Decimal(dividend), Decimal(divisor))
