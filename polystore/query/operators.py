"""What can be asked and computed: an enum for each sort of operator, whose values are the words of users."""

from __future__ import annotations

from enum import Enum


class Aggregate(Enum):
    """What is computed of many rows; the value is the public name."""

    COUNT = "Count"
    SUM = "Sum"
    AVG = "Avg"
    MIN = "Min"
    MAX = "Max"
    STDDEV = "StdDev"
    STDDEV_SAMPLE = "StdDev(sample=True)"
    VARIANCE = "Variance"
    VARIANCE_SAMPLE = "Variance(sample=True)"


class ArithmeticOperator(Enum):
    """Arithmetic on numbers; division is true division; modulo takes the dividend's sign."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    MODULO = "%"


class DatePart(Enum):
    """A part of a date, time or datetime; numbered as Django does (``week_day``: 1 is Sunday)."""

    YEAR = "year"
    ISO_YEAR = "iso_year"
    QUARTER = "quarter"
    MONTH = "month"
    DAY = "day"
    WEEK = "week"
    WEEK_DAY = "week_day"
    ISO_WEEK_DAY = "iso_week_day"
    HOUR = "hour"
    MINUTE = "minute"
    SECOND = "second"
    DATE = "date"
    TIME = "time"


class Function(Enum):
    """What is computed of some values; the value is the function's public name. ``signatures`` tells their kinds."""

    COALESCE = "Coalesce"
    NULLIF = "NullIf"
    GREATEST = "Greatest"
    LEAST = "Least"
    CONCAT = "Concat"
    LOWER = "Lower"
    UPPER = "Upper"
    LENGTH = "Length"
    TRIM = "Trim"
    LTRIM = "LTrim"
    RTRIM = "RTrim"
    SUBSTR = "Substr"
    REPLACE = "Replace"
    LEFT = "Left"
    RIGHT = "Right"
    ABS = "Abs"
    CEIL = "Ceil"
    FLOOR = "Floor"
    ROUND = "Round"
    POWER = "Power"
    SQRT = "Sqrt"
    TRUNC = "Trunc"
    NOW = "Now"
    CAST = "Cast"


class Operator(Enum):
    """What a comparison asks. The value is the lookup's name in the user's words."""

    EXACT = "exact"
    IEXACT = "iexact"
    CONTAINS = "contains"
    ICONTAINS = "icontains"
    STARTSWITH = "startswith"
    ISTARTSWITH = "istartswith"
    ENDSWITH = "endswith"
    IENDSWITH = "iendswith"
    REGEX = "regex"
    IREGEX = "iregex"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"


class WindowFunction(Enum):
    """What is computed for a row from its place among others, or of those; the value is the public name."""

    ROW_NUMBER = "RowNumber"
    RANK = "Rank"
    DENSE_RANK = "DenseRank"
    PERCENT_RANK = "PercentRank"
    CUME_DIST = "CumeDist"
    NTILE = "Ntile"
    LAG = "Lag"
    LEAD = "Lead"
    FIRST_VALUE = "FirstValue"
    LAST_VALUE = "LastValue"
    NTH_VALUE = "NthValue"


class SetOperator(Enum):
    """How the rows of several queries become those of one; the value is what users write.

    All but ``UNION_ALL`` answer each row once; NULL equals NULL. ``INTERSECTION`` answers rows that every query has,
    ``DIFFERENCE`` those of the first that no other has.
    """

    UNION = "union()"
    UNION_ALL = "union(all=True)"
    INTERSECTION = "intersection()"
    DIFFERENCE = "difference()"


class Holding(Enum):
    """What is asked of a list, a dict or JSON as a whole. The value is the lookup in the user's words."""

    ARRAY_EXACT = "exact of lists"
    ARRAY_CONTAINS = "contains of lists"
    ARRAY_CONTAINED_BY = "contained_by of lists"
    ARRAY_OVERLAP = "overlap of lists"
    JSON_EXACT = "exact of JSON"
    JSON_NULL = "None of JSON"
    JSON_CONTAINS = "contains of JSON"
    JSON_CONTAINED_BY = "contained_by of JSON"
    HAS_KEY = "has_key"
    HAS_KEYS = "has_keys"
    HAS_ANY_KEYS = "has_any_keys"
