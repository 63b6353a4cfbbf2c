"""Conditions as query documents: plain operators where they say it exactly, ``$expr`` where only it can.

The operators of ``find`` compare within one type, so null never fulfils one; their negations (``$ne``, ``$nin``,
``$not``) are exact complements and keep null and missing. In ``$expr`` both have to be written out.
"""

from __future__ import annotations

from typing import Any, TypeAlias, assert_never

from polystore.adapters.mongo.dialect import KEY, Dialect
from polystore.adapters.mongo.expressions import computes, listing, refuse_order, truth_of
from polystore.adapters.mongo.holdings import value_of_test
from polystore.adapters.mongo.patterns import pattern_of
from polystore.adapters.mongo.places import Filter, Place, holding_at, null_at, place_of, value_at
from polystore.adapters.mongo.scope import Scope
from polystore.adapters.mongo.template import Hole, compose
from polystore.query.nodes import (
    All,
    AnyElement,
    Column,
    Compare,
    Condition,
    Either,
    Expression,
    HasRows,
    Holds,
    IsNull,
    Not,
    Parameter,
    Within,
    WithinRows,
)
from polystore.query.operators import Operator

Leaf: TypeAlias = IsNull | Within | Compare | Holds | AnyElement

NEVER: Filter = {KEY: {"$in": []}}
_ORDER = {
    Operator.GT: "$gt",
    Operator.GTE: "$gte",
    Operator.LT: "$lt",
    Operator.LTE: "$lte",
}


def filter_of(condition: Condition, scope: Scope) -> Filter:
    """The template of the query document that matches exactly the rows for which the condition is true.

    Args:
        condition: of rows of a model, whose columns stand where ``path_of`` says.
        scope: where the queries within the condition stand.

    Raises:
        NotSupportedError: the store would answer differently.
    """
    match condition:
        case All(children=children):
            return _joined([filter_of(child, scope) for child in children])
        case Either(children=()):
            return NEVER
        case Either(children=children):
            return {"$or": [filter_of(child, scope) for child in children]}
        case Not(child=child):
            return _negated(child, scope)
        case HasRows() | WithinRows():
            return {scope.subqueries[condition]: True}
        case _:
            found = _plain(condition, scope.dialect)
            return {"$expr": truth_of(condition, scope)} if found is None else found


def _plain(condition: Leaf, dialect: Dialect) -> Filter | None:
    """The condition in the words of ``find``; None where these do not say it exactly."""
    subject = condition.left if isinstance(condition, Compare | Within) else condition.operand
    place = place_of(subject, equal=isinstance(condition, Within) or _is_equality(condition))
    if place is None:
        return None
    match condition:
        case IsNull():
            return null_at(place, dialect)
        case Within(values=options):
            test = {"$in": listing(options, dialect)}
            return place.where(test)
        case Compare(operator=Operator.REGEX | Operator.IREGEX) if dialect.checks_patterns:
            return None
        case Compare(left=left, operator=operator, right=Parameter() as right):
            return _compared(place, left, operator, right, dialect)
        case Compare():
            return None
        case Holds(test=test, value=value):
            return holding_at(place, test, value_of_test(value, dialect) if isinstance(value, Parameter) else None)
        case AnyElement(condition=inner):
            found = filter_of(inner, Scope(dialect))
            return None if computes_in(found) else {place.path: {"$elemMatch": found}}
    assert_never(condition)


def _is_equality(condition: Condition) -> bool:
    return isinstance(condition, Compare) and condition.operator is Operator.EXACT


def key_is_fixed(condition: All) -> bool:
    """Whether at most one document can match, because its key is given."""
    return any(
        isinstance(child, Compare)
        and child.operator is Operator.EXACT
        and isinstance(child.left, Column)
        and child.left.field.primary_key
        and isinstance(child.right, Parameter)
        for child in condition.children
    )


def can_fail(condition: Condition) -> bool:
    """Whether testing a document can fail: its arithmetic may overflow or divide by zero."""
    match condition:
        case All(children=children) | Either(children=children):
            return any(can_fail(child) for child in children)
        case Not(child=child):
            return can_fail(child)
        case IsNull(operand=operand):
            return computes(operand)
        case Within(left=left):
            return computes(left)
        case Compare(left=left, right=right):
            return computes(left) or computes(right)
        case Holds():
            return False
        case AnyElement(condition=inner):
            return can_fail(inner)
        case HasRows() | WithinRows():
            return True
    assert_never(condition)


def computes_in(stages: Any) -> bool:
    """Whether something is computed in a condition, or in one of these stages."""
    match stages:
        case dict():
            return "$expr" in stages or any(map(computes_in, stages.values()))
        case list():
            return any(map(computes_in, stages))
        case _:
            return False


def _negated(child: Condition, scope: Scope) -> Filter:
    if isinstance(child, IsNull) and (place := place_of(child.operand)) is not None:
        return value_at(place, scope.dialect)
    found = filter_of(child, scope)
    if len(found) != 1 or isinstance(child, All | Either | Not):
        return {"$nor": [found]}
    ((path, test),) = found.items()
    if "." in path and not scope.dialect.looks_through_null:
        return {"$nor": [found]}
    match test:
        case _ if path == "$expr":
            return {"$expr": {"$not": [test]}}
        case bool() | Hole():
            return {path: {"$ne": test}}
        case {"$in": options, **others} if not others:
            return {path: {"$nin": options}}
        case {"$not": _} | list():
            return {"$nor": [found]}
        case _:
            return {path: {"$not": test}}


def _compared(place: Place, left: Expression, operator: Operator, right: Parameter, dialect: Dialect) -> Filter:
    if operator is not Operator.EXACT and operator not in _ORDER:
        return place.where({"$regex": Hole(right.index, compose(right.derive, pattern_of(operator, dialect.regex)))})
    value = Hole(right.index, compose(right.derive, dialect.codec.dump_operand(right.kind)))
    if operator in _ORDER:
        refuse_order(left, dialect)
        return place.where({_ORDER[operator]: value})
    return place.where({"$eq": value}) if place.in_json else {place.path: value}


def _joined(parts: list[Filter]) -> Filter:
    """All of them: in one document where no key comes twice, save for the ends of a range."""
    joined: Filter = {}
    for part in parts:
        for key, test in part.items():
            if joined.get(key, test) == test:
                joined[key] = test
            elif _is_range(joined[key]) and _is_range(test) and not joined[key].keys() & test.keys():
                joined[key] = {**joined[key], **test}
            else:
                return {"$and": parts}
    return joined


def _is_range(test: Any) -> bool:
    return isinstance(test, dict) and test.keys() <= {"$gt", "$gte", "$lt", "$lte"} and bool(test)
