"""Conditions as query documents: plain operators where they say it exactly, ``$expr`` where only it can.

The operators of ``find`` compare within one type, so null never fulfils one; their negations (``$ne``, ``$nin``,
``$not``) are exact complements and keep null and missing. In ``$expr`` both have to be written out.
"""

from __future__ import annotations

from typing import Any, TypeAlias, assert_never

from polystore.adapters.base import undeclared
from polystore.adapters.mongo.dialect import KEY, Dialect, path_of
from polystore.adapters.mongo.expressions import (
    computes,
    listing,
    matched,
    refuse_container,
    refuse_order,
    truth_of,
)
from polystore.adapters.mongo.patterns import pattern_of
from polystore.adapters.mongo.scope import Scope
from polystore.adapters.mongo.template import Hole, compose
from polystore.query.nodes import (
    All,
    AnyElement,
    Column,
    Compare,
    Condition,
    Either,
    HasRows,
    Holds,
    IsNull,
    Not,
    Operator,
    Parameter,
    Within,
    WithinRows,
)
from polystore.schema.model import FieldInfo

Filter: TypeAlias = dict[str, Any]

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
        case IsNull(operand=Column(field=field)):
            return {path_of(field): None}
        case Within(left=Column(field=field), values=options):
            return {path_of(field): {"$in": listing(options, scope.dialect)}}
        case Compare(left=Column() as left, operator=Operator.REGEX | Operator.IREGEX as operator) if (
            scope.dialect.checks_patterns and isinstance(condition.right, Parameter)
        ):
            return {"$expr": matched(left, operator, condition.right, scope)}
        case Compare(left=Column(field=field), operator=operator, right=Parameter() as right):
            return {path_of(field): _tested(field, operator, right, scope.dialect)}
        case HasRows() | WithinRows():
            return {scope.subqueries[condition]: True}
        case IsNull() | Within() | Compare():
            return {"$expr": truth_of(condition, scope)}
        case Holds() | AnyElement():
            undeclared(condition)
    assert_never(condition)


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
        case Holds() | AnyElement():
            undeclared(condition)
        case HasRows() | WithinRows():
            return True
    assert_never(condition)


def _negated(child: Condition, scope: Scope) -> Filter:
    found = filter_of(child, scope)
    if len(found) != 1 or isinstance(child, All | Either | Not):
        return {"$nor": [found]}
    ((path, test),) = found.items()
    match child:
        case _ if path == "$expr":
            return {"$expr": {"$not": [test]}}
        case Within():
            return {path: {"$nin": test["$in"]}}
        case Compare(operator=Operator.EXACT) | IsNull() | HasRows() | WithinRows():
            return {path: {"$ne": test}}
        case _:
            return {path: {"$not": test}}


def _tested(field: FieldInfo, operator: Operator, right: Parameter, dialect: Dialect) -> Any:
    refuse_container(Column(field), dialect)
    if operator is Operator.EXACT:
        return Hole(right.index, compose(right.derive, dialect.codec.dump_operand(right.kind)))
    if operator in _ORDER:
        refuse_order(Column(field), dialect)
        return {_ORDER[operator]: Hole(right.index, compose(right.derive, dialect.codec.dump_operand(right.kind)))}
    return {"$regex": Hole(right.index, compose(right.derive, pattern_of(operator, dialect.regex)))}


def _joined(parts: list[Filter]) -> Filter:
    """All of them: in one document where no key comes twice, save for the ends of a range."""
    joined: Filter = {}
    for part in parts:
        for key, test in part.items():
            if key not in joined:
                joined[key] = test
            elif _is_range(joined[key]) and _is_range(test) and not joined[key].keys() & test.keys():
                joined[key] = {**joined[key], **test}
            else:
                return {"$and": parts}
    return joined


def _is_range(test: Any) -> bool:
    return isinstance(test, dict) and test.keys() <= {"$gt", "$gte", "$lt", "$lte"} and bool(test)
