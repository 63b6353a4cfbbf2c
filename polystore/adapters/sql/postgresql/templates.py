"""PostgreSQL's SQL that is written by hand; ``{0}`` and ``{1}`` are operands.

A sub-select names what is needed more than once. ``OFFSET 0`` keeps the planner from writing it out at each place, for
which it needs minutes and gigabytes where such functions stand within each other.
"""

from __future__ import annotations

from functools import cache

from polystore.adapters.sql.patterns import fold_characters
from polystore.query.operators import ArithmeticOperator, DatePart, Operator


@cache
def fold_template() -> str:
    """Simple case folding, the same on every server: ``lower`` under "C" folds ASCII only, a table does the rest."""
    before, after = fold_characters()
    return (
        '(CASE WHEN octet_length({0}) = char_length({0}) THEN lower({0} COLLATE "C") '
        f"ELSE translate(lower({{0}} COLLATE \"C\"), '{before}', '{after}') END)"
    )


INDEXED_FOLD = (
    "(translate(lower(upper(lower({0} COLLATE \"und-x-icu\"))), '\u03c2', '\u03c3') COLLATE \"C\")"  # the final sigma
)
"""What casefold indexes hold: equal for texts that fold alike, and for some others, which a second test leaves out.

The table of ``fold_template`` is too long for an index.
"""

_HALF_EVEN = (
    "CASE WHEN abs(v - trunc(v, s)) * 2 = ('1e' || (-s))::numeric AND mod(trunc(abs(v) * ('1e' || s)::numeric), 2) = 0 "
    "THEN trunc(v, s) ELSE round(v, s) END"
)
TO_PLACES = f"(SELECT {_HALF_EVEN} FROM (SELECT {{0}} AS v, {{1}} AS s OFFSET 0) AS number)"
TO_DIGITS = (
    f"(SELECT CASE WHEN v = 0 THEN 0 ELSE trim_scale({_HALF_EVEN}) END FROM (SELECT v, {{1}} - CASE WHEN abs(v) >= 1 "
    "THEN length(trunc(abs(v))::text) ELSE -length(substring(abs(v)::text from '^0\\.(0*)')) END AS s "
    "FROM (SELECT {0} AS v OFFSET 0) AS whole OFFSET 0) AS number)"
)
_SUM, _NUMBER = "sum({once}{0})", "nullif(count({once}{0}), 0)"
_WHOLE, _REST = f"div({_SUM}, {_NUMBER})", f"mod({_SUM}, {_NUMBER})"
WHOLE_MEAN = (
    f"CAST({_WHOLE} + CASE WHEN abs({_REST}) * 2 + abs(mod({_WHOLE}, 2)) > {_NUMBER} THEN sign({_SUM}) ELSE 0 END "
    "AS bigint)"
)
"""The mean as a whole number: of two that are equally near the even one."""
_EXACT = (
    "(SELECT m * CASE WHEN e >= 0 THEN 2::numeric ^ e ELSE 5::numeric ^ (-e) * ('1e' || e)::numeric END FROM ("
    "SELECT ((bits & 4503599627370495) + CASE WHEN bits >> 52 & 2047 > 0 THEN 4503599627370496 ELSE 0 END)::numeric "
    "* sign({x})::numeric AS m, CAST(greatest(bits >> 52 & 2047, 1) - 1075 AS integer) AS e FROM ("
    "SELECT CAST(CAST('x' || encode(float8send({x}), 'hex') AS bit(64)) AS bigint) AS bits OFFSET 0) AS float) "
    "AS parts)"
)
"""All digits of a finite float; a cast to numeric keeps 15 of them."""
FLOAT_MODULO = (
    "(SELECT CASE WHEN b = 0 THEN mod(1, CAST(b AS bigint)) WHEN abs(a) = 'Infinity'::float8 THEN CAST(a AS bigint) "
    "WHEN abs(a) < abs(b) THEN a + 0 "
    f"ELSE CAST(mod({_EXACT.replace('{x}', 'a')}, {_EXACT.replace('{x}', 'b')}) AS double precision) + 0 END "
    "FROM (SELECT CAST({0} AS double precision) AS a, CAST({1} AS double precision) AS b OFFSET 0) AS numbers)"
)
"""The remainder of the exact values, which is a float; an error where there is none."""
ROUND_FLOAT = (
    "(SELECT CASE WHEN abs(x) = 'Infinity'::float8 THEN x ELSE (SELECT CAST("
    f"{_HALF_EVEN} AS double precision) + 0 FROM (SELECT {_EXACT.replace('{x}', 'x')} AS v OFFSET 0) AS number) END "
    "FROM (SELECT CAST({0} AS double precision) AS x, CAST({1} AS integer) AS s OFFSET 0) AS float)"
)
INT_WITH_FLOAT = (
    "(CASE WHEN {0} IS NULL THEN NULL WHEN {1} >= '9223372036854775808'::float8 THEN 0 {op} 1 "
    "WHEN {1} < '-9223372036854775808'::float8 THEN 1 {op} 0 "
    "WHEN abs({1}) >= '9007199254740992'::float8 THEN {0} {op} CAST({1} AS bigint) "
    "ELSE CAST({0} AS double precision) {op} {1} END)"
)
PARTS = {
    DatePart.YEAR: "extract(year from {0})",
    DatePart.ISO_YEAR: "extract(isoyear from {0})",
    DatePart.QUARTER: "extract(quarter from {0})",
    DatePart.MONTH: "extract(month from {0})",
    DatePart.DAY: "extract(day from {0})",
    DatePart.WEEK: "extract(week from {0})",
    DatePart.WEEK_DAY: "extract(dow from {0}) + 1",
    DatePart.ISO_WEEK_DAY: "extract(isodow from {0})",
    DatePart.HOUR: "extract(hour from {0})",
    DatePart.MINUTE: "extract(minute from {0})",
    DatePart.SECOND: "trunc(extract(second from {0}))",
}
BUMP = """SELECT CASE WHEN top - current <= 1000
 THEN (SELECT max(drawn) FROM (SELECT nextval(name) AS drawn FROM generate_series(1, top - current)) AS draws)
 ELSE setval(name, top) END
FROM (SELECT {sequence}::regclass AS name, CAST(%s AS bigint) AS top,
 coalesce(pg_sequence_last_value({sequence}::regclass), 0) AS current) AS keys WHERE top > current"""
"""Lifts a sequence over explicit keys. Small steps are taken one by one, since setval could undo what others drew."""

INTEGER = {
    ArithmeticOperator.ADD: "({0} + {1})",
    ArithmeticOperator.SUBTRACT: "({0} - {1})",
    ArithmeticOperator.MULTIPLY: "({0} * {1})",
    ArithmeticOperator.MODULO: "mod({0}, {1})",
}
PAIRS = {
    Operator.CONTAINS: "(strpos({0}, {1}) > 0)",
    Operator.STARTSWITH: "starts_with({0}, {1})",
    Operator.ENDSWITH: "(right({0}, length({1})) = {1})",
}
FOLDED_PAIRS = {
    Operator.IEXACT: "({0} = {1})",
    Operator.ICONTAINS: PAIRS[Operator.CONTAINS],
    Operator.ISTARTSWITH: PAIRS[Operator.STARTSWITH],
    Operator.IENDSWITH: PAIRS[Operator.ENDSWITH],
}
