"""The SQL of MySQL and MariaDB that is written by hand; ``{0}`` and ``{1}`` are operands."""

from __future__ import annotations

from polystore.query.operators import ArithmeticOperator, DatePart, Operator, WindowFunction

PARTS = {
    DatePart.YEAR: "YEAR({0})",
    DatePart.ISO_YEAR: "(YEARWEEK({0}, 3) DIV 100)",
    DatePart.QUARTER: "QUARTER({0})",
    DatePart.MONTH: "MONTH({0})",
    DatePart.DAY: "DAYOFMONTH({0})",
    DatePart.WEEK: "WEEK({0}, 3)",
    DatePart.WEEK_DAY: "DAYOFWEEK({0})",
    DatePart.ISO_WEEK_DAY: "(WEEKDAY({0}) + 1)",
    DatePart.HOUR: "HOUR({0})",
    DatePart.MINUTE: "MINUTE({0})",
    DatePart.SECOND: "SECOND({0})",
    DatePart.DATE: "DATE({0})",
    DatePart.TIME: "TIME({0})",
}
_DATE = "CONCAT(LEFT({{0}}, {0}), '{1}')"
BEGINNINGS = {
    DatePart.YEAR: _DATE.format(4, "-01-01"),
    DatePart.QUARTER: "CONCAT(LEFT({0}, 5), LPAD(QUARTER({0}) * 3 - 2, 2, '0'), '-01')",
    DatePart.MONTH: _DATE.format(7, "-01"),
    DatePart.WEEK: "SUBDATE(DATE({0}), WEEKDAY({0}))",
    DatePart.DAY: "DATE({0})",
    DatePart.HOUR: _DATE.format(13, ":00:00"),
    DatePart.MINUTE: _DATE.format(16, ":00"),
    DatePart.SECOND: "LEFT({0}, 19)",
}
UUID_TEXT = (
    "LOWER(CONCAT(LEFT(HEX({0}), 8), '-', SUBSTR(HEX({0}), 9, 4), '-', SUBSTR(HEX({0}), 13, 4), '-', "
    "SUBSTR(HEX({0}), 17, 4), '-', RIGHT(HEX({0}), 12)))"
)
PAIRS = {
    Operator.CONTAINS: "(INSTR({0}, {1}) > 0)",
    Operator.STARTSWITH: "(LEFT({0}, CHAR_LENGTH({1})) = {1})",
    Operator.ENDSWITH: "(RIGHT({0}, CHAR_LENGTH({1})) = {1})",
}
INT_WITH_FLOAT = (
    "(CASE WHEN {0} IS NULL THEN NULL WHEN {1} >= 9223372036854775808E0 THEN 0 {op} 1 "
    "WHEN {1} < -9223372036854775808E0 THEN 1 {op} 0 "
    "WHEN ABS({1}) >= 9007199254740992E0 THEN {0} {op} CAST({1} AS SIGNED) ELSE {0} + 0E0 {op} {1} END)"
)
FAIL = "9223372036854775807 + ({0})"
"""Overflows where the condition is true, which is an error in every mode."""
INTEGER = {
    ArithmeticOperator.ADD: "({0} + {1})",
    ArithmeticOperator.SUBTRACT: "({0} - {1})",
    ArithmeticOperator.MULTIPLY: "({0} * {1})",
    ArithmeticOperator.MODULO: f"IF({{1}} = 0, {FAIL.format('{1} = 0')}, MOD({{0}}, {{1}}))",
}
QUOTIENT_OF_INTS = (
    f"IF({{1}} = 0, {FAIL.format('{1} = 0')} + 0E0, "
    "CAST(CONCAT(CAST({0} AS DECIMAL(20, 0)) * 1000000000000000000000000000000 / {1}, 'E-30') AS DOUBLE) + 0E0)"
)
"""Enough exact digits, read as a float: correctly rounded, which dividing two floats is not beyond 2**53."""
FLOAT = {
    ArithmeticOperator.ADD: "({0} + {1} + 0E0)",
    ArithmeticOperator.SUBTRACT: "({0} - {1} + 0E0)",
    ArithmeticOperator.MULTIPLY: "({0} * ({1} + 0E0) + 0E0)",
    ArithmeticOperator.DIVIDE: f"IF({{1}} = 0, {FAIL.format('{1} = 0')} + 0E0, ({{0}} + 0E0) / ({{1}} + 0E0) + 0E0)",
    ArithmeticOperator.MODULO: f"IF({{1}} = 0, {FAIL.format('{1} = 0')} + 0E0, MOD({{0}} + 0E0, {{1}} + 0E0) + 0E0)",
}
_SUM, _NUMBER = "SUM({once}{0})", "NULLIF(COUNT({once}{0}), 0)"
_REST = f"MOD({_SUM}, {_NUMBER})"
_WHOLE = f"(({_SUM} - {_REST}) / {_NUMBER})"
WHOLE_MEAN = f"CAST({_WHOLE} + IF(ABS({_REST}) * 2 + ABS(MOD({_WHOLE}, 2)) > {_NUMBER}, SIGN({_SUM}), 0) AS SIGNED)"
"""The mean as a whole number: of two that are equally near the even one. Nothing in it is rounded."""
SHARES = {
    WindowFunction.PERCENT_RANK: "((RANK() OVER {0} - 1 + 0E0) / GREATEST(COUNT(*) OVER {1} - 1, 1) + 0E0)",
    WindowFunction.CUME_DIST: "((COUNT(*) OVER {0} + 0E0) / COUNT(*) OVER {1} + 0E0)",
}
"""The shares of rows, counted: the functions for them give ten digits."""
_UNIT = "CAST(CONCAT('1E', -({1})) AS DECIMAL(65, 30))"
ROUND_DECIMAL = (
    f"(CASE WHEN ABS({{0}} - TRUNCATE({{0}}, {{1}})) * 2 = {_UNIT} "
    f"AND MOD(ABS(TRUNCATE({{0}}, {{1}})), {_UNIT} * 2) = 0 "
    "THEN TRUNCATE({0}, {1}) ELSE ROUND({0}, {1}) END)"
)
"""To so many places, which a query gives, a half to the even neighbour."""
HALF_EVEN = (
    "CASE WHEN ABS({0} - TRUNCATE({0}, {places})) * 2 = {unit} AND MOD(TRUNCATE(ABS({0}) * {scale}, 0), 2) = 0 "
    "THEN TRUNCATE({0}, {places}) ELSE ROUND({0}, {places}) END"
)
