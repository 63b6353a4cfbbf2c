"""From structure to nodes where values in JSON are compared: read as the type of what they are compared with."""

from __future__ import annotations

from collections.abc import Iterator

from polystore.query.lookups import Lookup
from polystore.query.nodes import Column, Compare, Condition, Expression, Holds, IsNull, Not, Null, Parameter, Path
from polystore.query.operators import Holding, Operator
from polystore.schema.kinds import BoolKind, FloatKind, IntKind, JsonKind, Kind, TextKind

_TEXT, _BOOL, _JSON = TextKind(), BoolKind(), JsonKind()
KINDS_IN_JSON: dict[str, Kind] = {"int": IntKind(), "float": FloatKind(), "text": _TEXT}
FROM_JSON = frozenset({str, int, float})
"""The types that a cast reads JSON as."""


def held_in(expression: Expression) -> Column | Path:
    """The expression of a structured value: these stand in columns."""
    assert isinstance(expression, Column | Path)
    return expression


def as_kind(operand: Column | Path, kind: Kind) -> Path:
    """Something in JSON read as a value of a kind: NULL where it is of another type."""
    if isinstance(operand, Path):
        return Path(operand.operand, operand.steps, kind)
    return Path(operand, (), kind)


def read_json(operand: Column | Path, lookup: Lookup, tag: str, indexes: Iterator[int]) -> Condition:
    """The comparison of something in JSON with a value of the type that the tag names."""
    assert isinstance(lookup.test, Operator)
    operator = lookup.test
    match tag:
        case "null":
            return Holds(operand, Holding.JSON_NULL, Null())
        case "json":
            return Holds(operand, Holding.JSON_EXACT, Parameter(next(indexes), _JSON))
        case "text":
            return Compare(as_kind(operand, _TEXT), operator, Parameter(next(indexes), _TEXT))
        case "any text":
            return Not(IsNull(as_kind(operand, _TEXT)))
        case "bool":
            return Compare(as_kind(operand, _BOOL), operator, Parameter(next(indexes), _BOOL))
        case _:
            return Compare(as_kind(operand, _JSON), operator, Parameter(next(indexes), KINDS_IN_JSON[tag]))
