"""Where the commands for a server and those for mongomock differ, as data."""

from __future__ import annotations

from dataclasses import dataclass

from polystore.adapters.mongo.types import SERVER_CODEC, Codec
from polystore.query.capabilities import Capabilities, Feature
from polystore.query.operators import (
    Aggregate,
    ArithmeticOperator,
    DatePart,
    Function,
    Holding,
    Operator,
    WindowFunction,
)
from polystore.query.regex import Dialect as RegexDialect
from polystore.schema.kinds import BytesKind
from polystore.schema.model import FieldInfo

KEY = "_id"
EXPIRY = "_expires"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How values are stored and commands are written.

    Attributes:
        name: as errors name the store.
        regex: the dialect of regular expressions.
        codec: how values are stored.
        capabilities: what commands of this dialect can say.
        checks_patterns: whether regular expressions need an operator that fails when their search is given up.
        unordered: kinds whose stored values are not ordered as plain ones are.
        looks_through_null: whether ``find`` takes what null would hold for missing, as a server does.
    """

    name: str
    regex: RegexDialect
    codec: Codec
    capabilities: Capabilities
    checks_patterns: bool = False
    unordered: tuple[type, ...] = ()
    looks_through_null: bool = True


_UNDECLARED = frozenset(
    {
        Feature.MICROSECONDS,
        Feature.ROW_LOCKS,
        Feature.LOCK_NO_KEY,
        Feature.ATOMIC_BATCH,
        Feature.ORDER_BYTES,
        Feature.ROUND_FLOATS,
        Feature.SUBQUERY_WRITES,
        Feature.WINDOW_DISTANCES,
    }
)
"""A float is rounded from its first 34 digits only."""

SERVER = Dialect(
    name="MongoDB",
    regex="pcre",
    codec=SERVER_CODEC,
    capabilities=Capabilities(
        frozenset(Operator),
        frozenset(DatePart),
        frozenset(ArithmeticOperator),
        frozenset(Feature) - _UNDECLARED,
        frozenset(Function),
        frozenset(Aggregate),
        frozenset(Holding),
        windows=frozenset(WindowFunction),
    ),
    checks_patterns=True,
    unordered=(BytesKind,),
)


def path_of(field: FieldInfo) -> str:
    """The key of a field in its document."""
    return KEY if field.primary_key else field.column
