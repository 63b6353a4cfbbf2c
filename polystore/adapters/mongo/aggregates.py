"""Aggregates: what is gathered while rows are grouped, and what is made of it for each group.

A server adds as it likes: nothing is 0, longs that overflow become a double, Decimals are rounded to 34 digits. So
beside each sum stands what tells whether it is one. Distinct values are gathered as a set and looked at in the end.
Variances are computed of the distances from the group's least value, in Decimals: squares of large numbers would leave
no digits for what lies between them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bson import Decimal128

from polystore.adapters.mongo.exact import Places, places_of, room_of
from polystore.adapters.mongo.expressions import held_in, kind_of, truth_of, value_of
from polystore.adapters.mongo.paths import missing
from polystore.adapters.mongo.scope import Scope
from polystore.adapters.mongo.values import (
    ZERO,
    Document,
    checked_float,
    checked_int,
    either,
    failure,
    given,
    is_nan,
    literal,
    not_null,
    positive_zero,
    power_of_ten,
)
from polystore.query.nodes import Aggregated, Column, Path
from polystore.query.operators import Aggregate
from polystore.schema.kinds import DecimalKind, DurationKind, FloatKind, IntKind, JsonKind, PlainKind

_VARIANCES = {
    Aggregate.VARIANCE: 0,
    Aggregate.STDDEV: 0,
    Aggregate.VARIANCE_SAMPLE: 1,
    Aggregate.STDDEV_SAMPLE: 1,
}
"""The variances and deviations, and how many values fewer than there are they are divided by."""

_PLACES = (-15, 0, 10, 20, 30)


def needs_least(node: Aggregated) -> bool:
    """Whether the least value of each group must be known before its rows are gathered."""
    return node.aggregate in _VARIANCES and not node.distinct


def operand_of(node: Aggregated, scope: Scope) -> Any:
    """What is aggregated of a row: NULL where the row does not take part."""
    if node.operand is None:
        value: Any = literal(1)
    elif isinstance(node.operand, Column | Path) and isinstance(node.operand.kind, JsonKind):
        value = either(missing(held_in(node.operand, scope)), None, 1)
    else:
        passes = node.aggregate in (Aggregate.COUNT, Aggregate.MIN, Aggregate.MAX)
        value = value_of(node.operand, scope, exact=not (passes and not node.distinct))
    return value if node.condition is None else either(truth_of(node.condition, scope), value, None)


def gathered(node: Aggregated, name: str, value: Any, least: Any) -> dict[str, Document]:
    """The accumulators of an aggregate, by the names under which their results stand.

    Args:
        node: the aggregate.
        name: its own name, with which all of its names begin.
        value: what is aggregated of a row.
        least: the least of these values in the group; for those that need it.
    """
    if _is_set(node):
        kept = given({"value": value}, either(not_null("$$value"), "$$value", "$$REMOVE"))
        return {name: {"$addToSet": kept}}
    match node.aggregate:
        case Aggregate.COUNT:
            return {name: {"$sum": _one_of(value)}}
        case Aggregate.MIN | Aggregate.MAX:
            return {name: {f"${node.aggregate.name.lower()}": value}}
        case Aggregate.SUM | Aggregate.AVG:
            parts = _sum_parts(node)
        case _:
            value = {"$subtract": [_decimal(value, _kind(node)), _decimal(least, _kind(node))]}
            parts = {"total": _Part("$sum", lambda x: x), "size": _Part("$sum", lambda x: {"$multiply": [x, x]})}
    found = {f"{name}{part}": {each.operator: each.of(value)} for part, each in parts.items()}
    return {f"{name}count": {"$sum": _one_of(value)}, **found}


def finished(node: Aggregated, name: str) -> Any:
    """The value of an aggregate of a group, from what was gathered."""
    if _is_set(node):
        return given({"values": {"$ifNull": [f"${name}", []]}}, _of_set(node))
    match node.aggregate:
        case Aggregate.COUNT:
            return {"$ifNull": [f"${name}", 0]}
        case Aggregate.MIN | Aggregate.MAX:
            return f"${name}"
        case _:
            parts = ("count", "total", "size", "room")
            return given({part: f"${name}{part}" for part in parts}, _result(node))


class _Part:
    """One of the things that a sum is made of: an accumulator of something of each value."""

    def __init__(self, operator: str, of: Callable[[Any], Any]) -> None:
        self.operator, self.of = operator, of


def _sum_parts(node: Aggregated) -> dict[str, _Part]:
    parts = {"total": _Part("$sum", lambda x: x)}
    match _kind(node):
        case FloatKind():
            parts["size"] = _Part("$max", lambda x: {"$abs": x})
        case DecimalKind():
            parts["size"] = _Part("$sum", lambda x: {"$abs": x})
            if _places(node) is None:
                parts["room"] = _Part("$min", _room)
        case IntKind() | DurationKind() if node.aggregate is Aggregate.AVG:
            parts["total"] = _Part("$sum", lambda x: {"$toDecimal": x})
        case _:
            pass
    return parts


def _of_set(node: Aggregated) -> Any:
    """The value of an aggregate of the distinct ``$$values``."""
    count = {"$size": "$$values"}
    if node.aggregate is Aggregate.COUNT:
        return count
    if node.aggregate in _VARIANCES:
        kind = _kind(node)
        distance = {"$subtract": [_decimal("$$this", kind), _decimal("$$least", kind)]}
        distances = given({"least": {"$min": "$$values"}}, {"$map": {"input": "$$values", "in": distance}})
        squares = {"$map": {"input": "$$distances", "in": {"$multiply": ["$$this", "$$this"]}}}
        parts = {"count": count, "total": {"$sum": "$$distances"}, "size": {"$sum": squares}}
        return given({"distances": distances}, given(parts, _result(node)))
    found = {
        part: {each.operator: {"$map": {"input": "$$values", "in": each.of("$$this")}}}
        for part, each in _sum_parts(node).items()
    }
    return given({"count": count, **found}, _result(node))


# ---- results, of $$count, $$total, $$size and $$room


def _result(node: Aggregated) -> Any:
    beyond = _VARIANCES.get(node.aggregate)
    if beyond is not None:
        return either({"$gt": ["$$count", beyond]}, _spread(node, beyond), None)
    total = _total(node)
    if node.aggregate is Aggregate.AVG:
        total = {"$divide": [total, "$$count"]}
        match _kind(node):
            case IntKind():
                total = {"$toDouble": total}
            case DurationKind():
                total = {"$toLong": {"$round": [total, 0]}}
            case _:
                pass
    return either({"$gt": ["$$count", 0]}, total, None)


def _total(node: Aggregated) -> Any:
    match _kind(node):
        case IntKind() | DurationKind():
            return "$$total" if node.aggregate is Aggregate.AVG else checked_int("$$total")
        case FloatKind():
            return checked_float("$$total", ["$$size"])
        case _:
            places = _places(node)
            room = "$$room" if places is None else room_of(places)
            return either({"$lt": ["$$size", room]}, "$$total", failure("$$total"))


def _spread(node: Aggregated, beyond: int) -> Any:
    """The variance or its root; the sum of the squares of distances is in ``$$size``."""
    mean_square = {"$divide": [{"$multiply": ["$$total", "$$total"]}, "$$count"]}
    variance = {"$divide": [{"$subtract": ["$$size", mean_square]}, {"$subtract": ["$$count", beyond]}]}
    number = either(is_nan("$$variance"), failure("$$variance"), _to_double({"$max": ["$$variance", ZERO]}))
    result = number if node.aggregate in (Aggregate.VARIANCE, Aggregate.VARIANCE_SAMPLE) else {"$sqrt": number}
    return given({"variance": variance}, positive_zero(result))


def _to_double(value: Any) -> Any:
    """A Decimal as a float; one that is nearly 0 in two steps, for the server takes it for an overflow."""
    raised = {"$multiply": [{"$toDouble": {"$multiply": ["$$x", power_of_ten(200)]}}, 1e-200]}
    tiny = {"$and": [{"$gt": ["$$x", 0]}, {"$lt": ["$$x", power_of_ten(-300)]}]}
    beyond = {"$lt": ["$$x", power_of_ten(-400)]}
    return given({"x": value}, either(beyond, 0.0, either(tiny, raised, {"$toDouble": "$$x"})))


# ---- values


def _is_set(node: Aggregated) -> bool:
    return node.distinct and node.aggregate not in (Aggregate.MIN, Aggregate.MAX)


def _one_of(value: Any) -> Any:
    return either(not_null(value), 1, 0)


def _kind(node: Aggregated) -> PlainKind | None:
    return None if node.operand is None else kind_of(node.operand)


def _places(node: Aggregated) -> Places | None:
    return None if node.operand is None else places_of(node.operand)


def _decimal(value: Any, kind: PlainKind | None) -> Any:
    """A number as a Decimal with 34 digits: the server's conversion of a float leaves 15."""
    return {"$add": [value, ZERO]} if isinstance(kind, FloatKind) else {"$toDecimal": value}


def _room(value: Any) -> Any:
    """The number below which sums of values with such places have at most 34 digits; 0 where none is known."""
    branches = [
        {"case": {"$eq": [value, {"$trunc": [value, places]}]}, "then": literal(Decimal128(f"1E+{34 - places}"))}
        for places in _PLACES
    ]
    return {"$switch": {"branches": branches, "default": ZERO}}
