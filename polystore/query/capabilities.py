"""What a store can do, as data that its adapter declares and planner, tests and documentation read."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from polystore.query.operators import (
    Aggregate,
    ArithmeticOperator,
    DatePart,
    Function,
    Holding,
    Operator,
    WindowFunction,
)


class Feature(Enum):
    """What a store can do beyond reading by key and writing rows; the value reads as a capability table's line."""

    FILTER_ANY = "conditions on fields without an index"
    ORDER_ANY = "ordering by fields without an index"
    GROUP_ANY = "aggregates, groups and distinct rows without an index"
    ORDER_BYTES = "comparing and ordering bytes"
    COMPARE_COLUMNS = "comparing two fields of a row"
    MODULO_FLOATS = "modulo of floats"
    UPDATE_EXPRESSIONS = "updates computed in the store"
    ORDER_RANDOM = "random order"
    DISTINCT = "distinct rows"
    DISTINCT_FIELDS = "the first row for each value of some fields"
    COMPUTED = "values computed in the store"
    CASE = "values that depend on conditions"
    ROUND_FLOATS = "rounding floats to decimal places"
    TIME_ZONES = "dates and times by the clocks of a time zone"
    ORDER_EXPRESSIONS = "ordering by computed values"
    NULLS_ORDER = "ordering with NULLs at the other end"
    AGGREGATE_DISTINCT = "aggregates of distinct values"
    AGGREGATE_FILTER = "aggregates of the rows that fulfil a condition"
    GROUP = "groups by fields"
    GROUP_EXPRESSIONS = "groups by computed values"
    HAVING = "conditions on groups"
    GROUP_SOURCE = "aggregates of slices, distinct rows and groups"
    WINDOW_AGGREGATES = "aggregates over windows"
    WINDOW_DISTANCES = "frames of windows by the distance of values"
    GROUP_WINDOWS = "windows over groups"
    UNION = "unions of queries"
    INTERSECTION = "intersections of queries"
    DIFFERENCE = "differences of queries"
    PATHS = "paths into embedded models"
    PATH_ITEMS = "items of lists by their index"
    PATH_KEYS = "values of dicts by their key"
    JSON_PATHS = "paths into JSON"
    LOOSE_PATHS = "Decimals without fixed places within documents"
    SIZES = "lengths of lists"
    ANY_ELEMENT = "conditions on the elements of a list"
    ORDER_JSON = "ordering by JSON values"
    UPDATE_PATHS = "updates of parts of embedded models"
    SUBQUERIES = "queries within queries"
    SUBQUERY_WRITES = "queries within updates and deletes"
    ATOMIC_BATCH = "batches written whole or not at all"
    IGNORE_CONFLICTS = "inserts that skip rows in conflict"
    UPDATE_CONFLICTS = "inserts that update rows in conflict"
    RAW = "queries in the store's own language"
    ROW_LOCKS = "row locks, waiting or not"
    LOCK_NO_KEY = "row locks that leave the key alone"
    STREAM = "iterators that hold few rows in any order"
    COUNT_ESTIMATE = "estimated counts"
    TTL = "rows that expire"
    MICROSECONDS = "datetimes to the microsecond by default"
    INFINITY = "infinite floats"
    ANALYZE = "explain(analyze=True)"
    ASYNC = "the async colour"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter declares; everything else is refused before any I/O."""

    operators: frozenset[Operator] = field(default_factory=frozenset)
    date_parts: frozenset[DatePart] = field(default_factory=frozenset)
    arithmetic: frozenset[ArithmeticOperator] = field(default_factory=frozenset)
    features: frozenset[Feature] = field(default_factory=frozenset)
    functions: frozenset[Function] = field(default_factory=frozenset)
    aggregates: frozenset[Aggregate] = field(default_factory=frozenset)
    holdings: frozenset[Holding] = field(default_factory=frozenset)
    windows: frozenset[WindowFunction] = field(default_factory=frozenset)


COMPUTING = frozenset(
    {
        Feature.COMPUTED,
        Feature.CASE,
        Feature.ROUND_FLOATS,
        Feature.TIME_ZONES,
        Feature.ORDER_EXPRESSIONS,
        Feature.NULLS_ORDER,
        Feature.AGGREGATE_DISTINCT,
        Feature.AGGREGATE_FILTER,
        Feature.GROUP,
        Feature.GROUP_EXPRESSIONS,
        Feature.HAVING,
        Feature.GROUP_SOURCE,
        Feature.ORDER_RANDOM,
        Feature.DISTINCT_FIELDS,
        Feature.WINDOW_AGGREGATES,
        Feature.WINDOW_DISTANCES,
        Feature.GROUP_WINDOWS,
        Feature.UNION,
        Feature.INTERSECTION,
        Feature.DIFFERENCE,
        Feature.SUBQUERIES,
        Feature.SUBQUERY_WRITES,
    }
)
"""The features of computed values and groups: what an adapter that compiles columns only leaves out."""

OWN_WORDS = frozenset({Feature.RAW, Feature.ROW_LOCKS, Feature.LOCK_NO_KEY})
"""What has a meaning only where a database has words of its own for it."""

DOCUMENTS = frozenset(
    {
        Feature.PATHS,
        Feature.PATH_ITEMS,
        Feature.PATH_KEYS,
        Feature.JSON_PATHS,
        Feature.LOOSE_PATHS,
        Feature.SIZES,
        Feature.ANY_ELEMENT,
        Feature.ORDER_JSON,
        Feature.UPDATE_PATHS,
    }
)
"""The features of looking into structured values: what an adapter that keeps them whole leaves out."""

EVERYTHING = Capabilities(
    frozenset(Operator),
    frozenset(DatePart),
    frozenset(ArithmeticOperator),
    frozenset(Feature) - OWN_WORDS - {Feature.ANALYZE},
    frozenset(Function),
    frozenset(Aggregate),
    frozenset(Holding),
    frozenset(WindowFunction),
)
