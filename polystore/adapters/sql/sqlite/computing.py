"""How SQLite computes: its own functions where they mean the same, registered Python functions elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func

from polystore.adapters.sql import decimal_text
from polystore.adapters.sql.computing import Computing, Operand, Sql
from polystore.adapters.sql.expressions import Expressions, composed
from polystore.adapters.sql.raw import Raw
from polystore.adapters.sql.types import Convert, spaced_iso
from polystore.query.evaluate.numbers import settled
from polystore.query.operators import Aggregate, DatePart, Function
from polystore.schema.kinds import (
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
    plain_kind,
)

CALLS: dict[Function | tuple[Function, type], str] = {
    Function.GREATEST: "max({*})",
    Function.LEAST: "min({*})",
    Function.LOWER: "ps_lower({0})",
    Function.UPPER: "ps_upper({0})",
    Function.LENGTH: "length({0})",
    Function.TRIM: "trim({0}, ' ')",
    Function.LTRIM: "ltrim({0}, ' ')",
    Function.RTRIM: "rtrim({0}, ' ')",
    Function.SUBSTR: "substr({*})",
    Function.REPLACE: "(CASE WHEN {2} IS NULL THEN NULL ELSE replace({0}, {1}, {2}) END)",
    Function.LEFT: "substr({0}, 1, {1})",
    Function.RIGHT: "substr({0}, -({1}), {1})",
    Function.ABS: "abs({0})",
    (Function.ABS, DecimalKind): "ps_decimal_abs({0})",
    (Function.CEIL, IntKind): "{0}",
    (Function.CEIL, FloatKind): "ps_ceil({0})",
    (Function.CEIL, DecimalKind): "ps_decimal_ceil({0})",
    (Function.FLOOR, IntKind): "{0}",
    (Function.FLOOR, FloatKind): "ps_floor({0})",
    (Function.FLOOR, DecimalKind): "ps_decimal_floor({0})",
    Function.ROUND: "ps_round({*})",
    (Function.ROUND, DecimalKind): "ps_decimal_round({*})",
    Function.POWER: "ps_power({0}, {1})",
    Function.SQRT: "ps_sqrt({0})",
}
CASTS: dict[tuple[type, type], str] = {
    (FloatKind, IntKind): "ps_int_of_float({0})",
    (DecimalKind, IntKind): "ps_int_of_decimal({0})",
    (TextKind, IntKind): "ps_int_of_digits({0})",
    (IntKind, FloatKind): "CAST({0} AS REAL)",
    (DecimalKind, FloatKind): "ps_float_of_decimal({0})",
    (TextKind, FloatKind): "ps_float_of_digits({0})",
    (IntKind, DecimalKind): "ps_decimal_of_text({0})",
    (TextKind, DecimalKind): "ps_decimal_of_digits({0})",
    (IntKind, TextKind): "CAST({0} AS TEXT)",
    (DecimalKind, TextKind): "ps_digits_of_decimal({0}, {places}, {digits})",
    (DateTimeKind, DateKind): "substr({0}, 1, 10)",
    (NaiveDateTimeKind, DateKind): "substr({0}, 1, 10)",
}
_WIDE_SUM = "sum({0} >> 32), sum({0} & 4294967295)"
AGGREGATES: dict[Aggregate | tuple[Aggregate, type], str] = {
    Aggregate.COUNT: "count({once}{0})",
    Aggregate.MIN: "min({0})",
    Aggregate.MAX: "max({0})",
    (Aggregate.SUM, IntKind): f"ps_int_of_halves({_WIDE_SUM})",
    (Aggregate.SUM, FloatKind): "ps_float_sum({once}{0})",
    (Aggregate.SUM, DecimalKind): "ps_decimal_sum({once}{0})",
    (Aggregate.AVG, IntKind): f"ps_mean_of_halves({_WIDE_SUM}, count({{0}}))",
    (Aggregate.SUM, DurationKind): f"ps_int_of_halves({_WIDE_SUM})",
    (Aggregate.AVG, DurationKind): f"ps_whole_mean_of_halves({_WIDE_SUM}, count({{0}}))",
    (Aggregate.AVG, FloatKind): "(ps_float_sum({once}{0}) / count({once}{0}))",
    (Aggregate.AVG, DecimalKind): "ps_decimal_divide(ps_decimal_sum({once}{0}), count({once}{0}))",
    Aggregate.VARIANCE: "ps_variance({once}{0})",
    Aggregate.VARIANCE_SAMPLE: "ps_variance_sample({once}{0})",
    Aggregate.STDDEV: "ps_deviation({once}{0})",
    Aggregate.STDDEV_SAMPLE: "ps_deviation_sample({once}{0})",
}
_ONCE: dict[tuple[Aggregate, type], str] = {
    (Aggregate.SUM, IntKind): "ps_int_sum(DISTINCT {0})",
    (Aggregate.SUM, DurationKind): "ps_int_sum(DISTINCT {0})",
    (Aggregate.AVG, IntKind): "ps_int_mean(DISTINCT {0})",
    (Aggregate.AVG, DurationKind): "ps_whole_mean(DISTINCT {0})",
}
"""Ints are summed in two halves, which no sum of SQLite's overflows; distinct values cannot be taken apart so."""

_DATE_DIGITS = {DatePart.YEAR: (1, 4), DatePart.MONTH: (6, 2), DatePart.DAY: (9, 2)}
_TIME_DIGITS = {DatePart.HOUR: (1, 2), DatePart.MINUTE: (4, 2), DatePart.SECOND: (7, 2)}
_TIME_START = 12
_BEGINNINGS = {
    DatePart.YEAR: (4, "-01-01 00:00:00.000000"),
    DatePart.MONTH: (7, "-01 00:00:00.000000"),
    DatePart.DAY: (10, " 00:00:00.000000"),
    DatePart.HOUR: (13, ":00:00.000000"),
    DatePart.MINUTE: (16, ":00.000000"),
    DatePart.SECOND: (19, ".000000"),
}
"""How much of a text in ISO form stays, and what follows it then."""


class SqliteComputing(Computing):
    """Functions, casts, dates and aggregates of SQLite."""

    calls = CALLS
    casts = CASTS
    aggregates = AGGREGATES
    lists_before = True
    float_key = "CAST({0} AS REAL)"  # beside HAVING a whole one may come as an int

    # ---- dates and times

    def now(self, writer: Expressions) -> Sql:
        return writer.constant(lambda: spaced_iso(datetime.now(UTC)))

    def extract(self, part: DatePart, operand: Sql, kind: Kind) -> Sql:
        if part in _DATE_DIGITS:
            return _digits(operand, *_DATE_DIGITS[part])
        if part in _TIME_DIGITS:
            start, length = _TIME_DIGITS[part]
            return _digits(operand, start + (0 if isinstance(kind, TimeKind) else _TIME_START - 1), length)
        match part:
            case DatePart.QUARTER:
                return Raw("((CAST(substr({0}, 6, 2) AS INTEGER) + 2) / 3)", operand)
            case DatePart.WEEK_DAY:
                return Raw("(ps_iso_week_day({0}) % 7 + 1)", operand)
            case DatePart.DATE:
                return operand if isinstance(kind, DateKind) else Raw("substr({0}, 1, 10)", operand)
            case DatePart.TIME:
                return Raw(f"substr({{0}}, {_TIME_START}, 15)", operand)
            case DatePart.WEEK:
                return func.ps_week(operand)
            case DatePart.ISO_YEAR:
                return func.ps_iso_year(operand)
            case DatePart.ISO_WEEK_DAY:
                return func.ps_iso_week_day(operand)
        raise AssertionError(part)

    def extract_there(self, writer: Expressions, part: DatePart, operand: Sql, kind: Kind, zone: str) -> Sql:
        return Raw("ps_extract_there({0}, {1}, {2})", operand, Raw(f"'{part.value}'"), writer.constant(lambda: zone))

    def truncate(self, writer: Expressions, unit: DatePart, operand: Sql, kind: Kind, zone: str | None) -> Sql:
        word = Raw(f"'{unit.value}'")
        if zone is not None:
            return Raw("ps_truncate_there({0}, {1}, {2})", operand, word, writer.constant(lambda: zone))
        if unit not in _BEGINNINGS:
            return Raw("ps_truncate({0}, {1})", operand, word)
        length, rest = _BEGINNINGS[unit]
        if isinstance(kind, DateKind):
            rest = rest.partition(" ")[0]
        if isinstance(kind, DateTimeKind):
            rest += "+00:00"
        return Raw(f"(substr({{0}}, 1, {length}) || '{rest}')", operand) if rest else operand

    # ---- aggregates

    def reduced(self, aggregate: Aggregate, operand: Operand, once: str) -> Sql:
        kind = operand.kind
        if once and (aggregate, type(kind)) in _ONCE:
            return Raw(_ONCE[aggregate, type(kind)], operand.sql)
        summed = aggregate is Aggregate.SUM and operand.stored and not once
        if summed and isinstance(kind, DecimalKind) and kind.fits_int64:
            return Raw(f"ps_decimal_of_halves({_WIDE_SUM}, {kind.decimal_places})", operand.sql)
        return super().reduced(aggregate, operand, once)

    # ---- results

    def settled(self, working: Sql, kind: Kind) -> Sql:
        kind = plain_kind(kind)
        if not isinstance(kind, DecimalKind):
            return working
        places = -1 if kind.decimal_places is None else kind.decimal_places
        return Raw(f"ps_settle({{0}}, {places}, {kind.max_digits})", working)

    def loaded(self, kind: Kind) -> Convert | None:
        match plain_kind(kind):
            case DecimalKind() as decimal:
                return composed(decimal_text.decode, settled(decimal))
            case plain:
                return self.codec(plain).load


def _digits(operand: Sql, start: int, length: int) -> Sql:
    return Raw(f"CAST(substr({{0}}, {start}, {length}) AS INTEGER)", operand)
