"""How PostgreSQL computes; ``{0}``, ``{1}``... are operands."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from polystore.adapters.sql.computing import Computing, Operand, Sql
from polystore.adapters.sql.expressions import Expressions
from polystore.adapters.sql.patterns import changed_characters
from polystore.adapters.sql.postgresql.templates import PARTS, ROUND_FLOAT, TO_DIGITS, TO_PLACES, WHOLE_MEAN
from polystore.adapters.sql.postgresql.zones import beginning_template, shown_template
from polystore.adapters.sql.raw import Let, Raw
from polystore.adapters.sql.types import Convert
from polystore.query.evaluate.numbers import settled
from polystore.query.operators import Aggregate, DatePart, Function
from polystore.query.text import simple_lower, simple_upper
from polystore.schema.kinds import (
    BoolKind,
    BytesKind,
    DateKind,
    DateTimeKind,
    DecimalKind,
    DurationKind,
    FloatKind,
    IntKind,
    JsonKind,
    Kind,
    NaiveDateTimeKind,
    ObjectIdKind,
    TextKind,
    TimeKind,
    UuidKind,
    plain_kind,
)

TYPES: dict[type, str] = {
    BoolKind: "boolean",
    IntKind: "bigint",
    FloatKind: "double precision",
    DecimalKind: "numeric",
    TextKind: "text",
    ObjectIdKind: "text",
    BytesKind: "bytea",
    DateKind: "date",
    TimeKind: "time",
    DateTimeKind: "timestamptz",
    NaiveDateTimeKind: "timestamp",
    DurationKind: "bigint",
    UuidKind: "uuid",
}
"""The types of values that are no columns."""

_TINY = "'2.4703282292062327208e-324'::numeric"
"""Half the least float: what is below is zero, which PostgreSQL calls an underflow."""
_TO_FLOAT = f"(CASE WHEN abs({{0}}) < {_TINY} THEN 0 ELSE CAST({{0}} AS double precision) + 0 END)"
_WHOLE, _NUMBER = "'^-?[0-9]+$'", "'^-?[0-9]+(\\.[0-9]+)?$'"


def _of_digits(pattern: str, cast: str) -> str:
    """A cast of text that PostgreSQL would take more of; what does not match fails."""
    return f"(CASE WHEN {{0}} ~ {pattern} THEN {cast} WHEN {{0}} IS NOT NULL THEN CAST('!' || {{0}} AS bigint) END)"


CALLS: dict[Function | tuple[Function, type], str] = {
    Function.LENGTH: "CAST(char_length({0}) AS bigint)",
    Function.TRIM: "btrim({0}, ' ')",
    Function.LTRIM: "ltrim({0}, ' ')",
    Function.RTRIM: "rtrim({0}, ' ')",
    Function.REPLACE: "replace({0}, {1}, {2})",
    Function.LEFT: "left({0}, CAST({1} AS integer))",
    Function.RIGHT: "right({0}, CAST({1} AS integer))",
    Function.ABS: "abs({0})",
    (Function.CEIL, IntKind): "{0}",
    (Function.CEIL, FloatKind): "(ceil({0}) + 0)",
    (Function.CEIL, DecimalKind): "ceil({0})",
    (Function.FLOOR, IntKind): "{0}",
    (Function.FLOOR, FloatKind): "(floor({0}) + 0)",
    (Function.FLOOR, DecimalKind): "floor({0})",
    Function.SQRT: "(sqrt(CAST({0} AS double precision)) + 0)",
    Function.POWER: (
        "(SELECT CASE WHEN e IS NULL THEN NULL WHEN b = 0 OR abs(e) < 1 THEN power(b, e) + 0 "
        "WHEN ln(abs(b)) * greatest(least(e, 1e300), -1e300) < -745.1332191019412 THEN 0 ELSE power(b, e) + 0 END "
        "FROM (SELECT CAST({0} AS double precision) AS b, CAST({1} AS double precision) AS e OFFSET 0) AS numbers)"
    ),
}
CASTS: dict[tuple[type, type], str] = {
    (BoolKind, IntKind): "CAST(CAST({0} AS integer) AS bigint)",
    (FloatKind, IntKind): "CAST(trunc({0}) AS bigint)",
    (DecimalKind, IntKind): "CAST(trunc({0}) AS bigint)",
    (TextKind, IntKind): _of_digits(_WHOLE, "CAST({0} AS bigint)"),
    (IntKind, FloatKind): "CAST({0} AS double precision)",
    (DecimalKind, FloatKind): _TO_FLOAT,
    (TextKind, FloatKind): _of_digits(_NUMBER, _TO_FLOAT.replace("abs({0})", "abs(CAST({0} AS numeric))")),
    (IntKind, DecimalKind): "CAST({0} AS numeric)",
    (TextKind, DecimalKind): _of_digits(_NUMBER, "CAST({0} AS numeric)"),
    (IntKind, TextKind): 'CAST({0} AS text) COLLATE "C"',
    (DecimalKind, TextKind): 'CAST({0} AS text) COLLATE "C"',
    (UuidKind, TextKind): 'CAST({0} AS text) COLLATE "C"',
    (DateKind, TextKind): 'CAST({0} AS text) COLLATE "C"',
    (DateTimeKind, DateKind): "CAST(({0} AT TIME ZONE 'UTC') AS date)",
    (NaiveDateTimeKind, DateKind): "CAST({0} AS date)",
}
_FINITE = (
    "(CASE WHEN {value} IN ('NaN'::float8, 'Infinity'::float8, '-Infinity'::float8) "
    "THEN CAST({value} AS bigint) ELSE {value} END)"
)
_NO_NAN = "(CASE WHEN {value} = 'NaN'::float8 THEN CAST({value} AS bigint) ELSE {value} + 0 END)"


def _spread(function: str) -> dict[type, str]:
    """A function of how far values lie apart; an infinite one has no answer."""
    exact = f"CAST({function}({{once}}CAST({{0}} AS numeric)) AS double precision)"
    rounded = _FINITE.replace("{value}", f"{function}({{once}}{{0}})")
    return {IntKind: exact, DecimalKind: exact, FloatKind: rounded}


AGGREGATES: dict[Aggregate | tuple[Aggregate, type], str] = {
    Aggregate.COUNT: "count({once}{0})",
    Aggregate.MIN: "min({0})",
    Aggregate.MAX: "max({0})",
    (Aggregate.MIN, BoolKind): "bool_and({0})",
    (Aggregate.MAX, BoolKind): "bool_or({0})",
    (Aggregate.MIN, UuidKind): "CAST(min(CAST({0} AS text)) AS uuid)",
    (Aggregate.MAX, UuidKind): "CAST(max(CAST({0} AS text)) AS uuid)",
    (Aggregate.MIN, BytesKind): "decode(min(encode({0}, 'hex') COLLATE \"C\"), 'hex')",
    (Aggregate.MAX, BytesKind): "decode(max(encode({0}, 'hex') COLLATE \"C\"), 'hex')",
    (Aggregate.SUM, IntKind): "CAST(sum({once}{0}) AS bigint)",
    (Aggregate.SUM, FloatKind): _NO_NAN.replace("{value}", "sum({once}{0})"),
    (Aggregate.SUM, DecimalKind): "sum({once}{0})",
    (Aggregate.AVG, IntKind): ("CAST(round(sum({once}{0}), 60) / nullif(count({once}{0}), 0) AS double precision)"),
    (Aggregate.AVG, FloatKind): f"({_NO_NAN.replace('{value}', 'sum({once}{0})')} / nullif(count({{once}}{{0}}), 0))",
    (Aggregate.SUM, DurationKind): "CAST(sum({once}{0}) AS bigint)",
    (Aggregate.AVG, DurationKind): WHOLE_MEAN,
    (Aggregate.AVG, DecimalKind): "(round(sum({once}{0}), 250) / nullif(count({once}{0}), 0))",
    **{
        (aggregate, kind): template
        for aggregate, function in (
            (Aggregate.VARIANCE, "var_pop"),
            (Aggregate.VARIANCE_SAMPLE, "var_samp"),
            (Aggregate.STDDEV, "stddev_pop"),
            (Aggregate.STDDEV_SAMPLE, "stddev_samp"),
        )
        for kind, template in _spread(function).items()
    },
}


@cache
def _changed_case(function: Function) -> str:
    """Lower or upper case of single characters, by a table: the same on every server."""
    change = simple_lower if function is Function.LOWER else simple_upper
    word = function.value.lower()
    before, after = changed_characters(change)
    return (
        f'(CASE WHEN octet_length({{0}}) = char_length({{0}}) THEN {word}({{0}} COLLATE "C") '
        f"ELSE translate({word}({{0}} COLLATE \"C\"), '{before}', '{after}') END)"
    )


class PostgresqlComputing(Computing):
    """Functions, casts, dates and aggregates of PostgreSQL."""

    calls = CALLS
    casts = CASTS
    aggregates = AGGREGATES

    # ---- values

    def nothing(self, kind: Kind) -> Sql:
        return Raw(f"CAST(NULL AS {TYPES[type(plain_kind(kind))]})")

    def call(self, function: Function, operands: Sequence[Operand], kind: Kind) -> Sql:
        parts = [operand.sql for operand in operands]
        match function:
            case Function.LOWER | Function.UPPER:
                return Let(_changed_case(function), *parts)
            case Function.GREATEST | Function.LEAST:
                nulls = " OR ".join(f"{{{place}}} IS NULL" for place in range(len(parts)))
                marks = ", ".join(f"{{{place}}}" for place in range(len(parts)))
                return Let(f"(CASE WHEN {nulls} THEN NULL ELSE {function.value.lower()}({marks}) END)", *parts)
            case Function.SUBSTR:
                marks = ", ".join(f"CAST({{{place}}} AS integer)" for place in range(1, len(parts)))
                return Raw(f"substr({{0}}, {marks})", *parts)
            case Function.ROUND:
                return self._rounded(operands)
            case _:
                return super().call(function, operands, kind)

    def _rounded(self, operands: Sequence[Operand]) -> Sql:
        value, kind = operands[0].sql, operands[0].kind
        if isinstance(kind, FloatKind):
            return Raw(ROUND_FLOAT, value, operands[1].sql) if len(operands) > 1 else Raw("(round({0}) + 0)", value)
        places = Raw("CAST({0} AS integer)", operands[1].sql) if len(operands) > 1 else Raw("0")
        rounded = Raw(TO_PLACES, Raw("CAST({0} AS numeric)", value), places)
        return Raw("CAST({0} AS bigint)", rounded) if isinstance(kind, IntKind) else rounded

    def cast(self, operand: Operand, kind: Kind) -> Sql:
        if isinstance(operand.kind, DecimalKind) and isinstance(kind, TextKind):
            operand = operand._replace(sql=self.settled(operand.sql, operand.kind))
        return super().cast(operand, kind)

    # ---- dates and times

    def now(self, writer: Expressions) -> Sql:
        return Raw("statement_timestamp()")

    def extract(self, part: DatePart, operand: Sql, kind: Kind) -> Sql:
        operand = _in_utc(operand, kind)
        match part:
            case DatePart.DATE:
                return Raw("CAST({0} AS date)", operand)
            case DatePart.TIME:
                return Raw("CAST({0} AS time)", operand)
            case _:
                return Raw(f"CAST({PARTS[part]} AS bigint)", operand)

    def extract_there(self, writer: Expressions, part: DatePart, operand: Sql, kind: Kind, zone: str) -> Sql:
        return self.extract(part, Let(shown_template(zone), operand), NaiveDateTimeKind())

    def truncate(self, writer: Expressions, unit: DatePart, operand: Sql, kind: Kind, zone: str | None) -> Sql:
        if zone is not None:
            return Let(beginning_template(unit, zone), operand)
        beginning = Raw(f"date_trunc('{unit.value}', CAST({{0}} AS timestamp))", _in_utc(operand, kind))
        match kind:
            case DateKind():
                return Raw("CAST({0} AS date)", beginning)
            case DateTimeKind():
                return Raw("({0} AT TIME ZONE 'UTC')", beginning)
            case _:
                return beginning

    # ---- results

    def settled(self, working: Sql, kind: Kind) -> Sql:
        kind = plain_kind(kind)
        if isinstance(kind, JsonKind):
            return Raw("nullif({0}, CAST('null' AS jsonb))", working)
        if not isinstance(kind, DecimalKind):
            return working
        if kind.decimal_places is None:
            return Raw(TO_DIGITS, working, Raw(str(kind.max_digits)))
        return Raw(TO_PLACES, working, Raw(str(kind.decimal_places)))

    def loaded(self, kind: Kind) -> Convert | None:
        match plain_kind(kind):
            case DecimalKind() as decimal:
                return settled(decimal)
            case plain:
                return self.codec(plain).load


def _in_utc(operand: Sql, kind: Kind) -> Sql:
    return Raw("({0} AT TIME ZONE 'UTC')", operand) if isinstance(kind, DateTimeKind) else operand
