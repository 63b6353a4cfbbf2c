"""Refuses, before any I/O, what a store has not declared that it can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn, assert_never

from polystore.errors import NotSupportedError
from polystore.query.capabilities import Capabilities, Feature
from polystore.query.coerce import ORDER_OPERATORS
from polystore.query.explain import describe_condition, describe_expression, describe_lock, describe_order
from polystore.query.nodes import (
    Aggregated,
    All,
    AnyElement,
    Arithmetic,
    Call,
    Case,
    Column,
    Compare,
    Computed,
    Condition,
    Either,
    Expression,
    Extract,
    HasRows,
    Holds,
    IsNull,
    Not,
    Null,
    Order,
    Outer,
    Parameter,
    Path,
    Random,
    Scalar,
    Size,
    Trunc,
    Truth,
    Windowed,
    Within,
    WithinRows,
)
from polystore.query.operations import (
    Assignment,
    Combination,
    Count,
    Group,
    Insert,
    Operation,
    RowLock,
    Select,
    Update,
    UpdateEach,
)
from polystore.query.operators import Aggregate, ArithmeticOperator, Function, SetOperator
from polystore.query.walk import parts_of_window
from polystore.schema.kinds import BytesKind, DecimalKind, FloatKind, JsonKind
from polystore.schema.paths import Attribute, Item, JsonKey, Key, PathInfo

CLIENT = "put .client(max_rows=...) before it to evaluate it here, or move the model to another store"


_SETS = {
    SetOperator.UNION: Feature.UNION,
    SetOperator.UNION_ALL: Feature.UNION,
    SetOperator.INTERSECTION: Feature.INTERSECTION,
    SetOperator.DIFFERENCE: Feature.DIFFERENCE,
}
_FEATURES = {
    Attribute: Feature.PATHS,
    Item: Feature.PATH_ITEMS,
    Key: Feature.PATH_KEYS,
    JsonKey: Feature.JSON_PATHS,
}


def check_operation(operation: Operation, capabilities: Capabilities, store: str) -> None:
    """Holds an operation against what a store declares.

    Args:
        operation: the operation about to be compiled.
        capabilities: what the adapter declares.
        store: the store's name and kind, for the error.

    Raises:
        NotSupportedError: names the model, the store, the exact sub-expression and what would work.
    """
    checker = _Checker(capabilities, f"{operation.schema.name} on {store}")
    if isinstance(operation, Insert):
        if operation.ignore_conflicts:
            checker.need(Feature.IGNORE_CONFLICTS, "ignore_conflicts=True", "catch UniqueViolation for each row")
        if operation.on_conflict is not None:
            checker.need(Feature.UPDATE_CONFLICTS, "inserts that update rows in conflict", "use update_or_create()")
        return
    if isinstance(operation, UpdateEach):
        return
    if isinstance(operation, Select | Group | Combination):
        checker.read(operation)
        return
    checker.condition(operation.condition)
    match operation:
        case Count(estimate=True):
            checker.need(Feature.COUNT_ESTIMATE, "count(estimate=True)", "count() is exact")
        case Count(distinct=distinct) if distinct:
            checker.need(Feature.DISTINCT, "distinct()", CLIENT)
        case Update(assignments=assignments):
            for assignment in assignments:
                checker.assigned(assignment)


def is_bytes(expression: Expression) -> bool:
    """Whether these are bytes, which not every store orders as Python does."""
    return isinstance(expression.kind, BytesKind)


class _Checker:
    def __init__(self, capabilities: Capabilities, where: str) -> None:
        self.capabilities = capabilities
        self.where = where

    def need(self, feature: Feature, what: str, remedy: str = CLIENT) -> None:
        if feature not in self.capabilities.features:
            self.refuse(what, remedy)

    def refuse(self, what: str, remedy: str = CLIENT) -> NoReturn:
        raise NotSupportedError(f"{self.where}: the store cannot do {what}; {remedy}")

    # ---- operations

    def read(self, operation: Select | Group | Combination) -> None:
        match operation:
            case Combination():
                self.combination(operation)
            case Select():
                self.condition(operation.condition)
                self.select(operation)
            case Group():
                self.condition(operation.condition)
                self.group(operation)

    def combination(self, operation: Combination) -> None:
        self.need(_SETS[operation.operator], operation.operator.value, "read both queries and put their rows together")
        for part in operation.parts:
            self.read(part.rows)
        self.order(operation.order)

    def select(self, operation: Select) -> None:
        for each in operation.windows:
            if operation.source is not None:
                self.need(Feature.GROUP_WINDOWS, f"{describe_expression(each.expression)} of groups")
            self.expression(each.expression)
        if operation.source is not None:
            self.read(operation.source)
        for each in operation.computed:
            self.need(Feature.COMPUTED, describe_expression(each.expression))
            self.expression(each.expression)
        self.condition(operation.kept)
        self.order(operation.order)
        if operation.distinct:
            self.need(Feature.DISTINCT, "distinct()")
        if operation.lock is not None:
            self.lock(operation.lock)
        if operation.first:
            names = ", ".join(map(describe_expression, operation.first))
            self.need(Feature.DISTINCT_FIELDS, f"distinct({names})")

    def lock(self, lock: RowLock) -> None:
        remedy = "save() instances of a model with a version field, which refuses lost updates"
        self.need(Feature.ROW_LOCKS, describe_lock(lock), remedy)
        if lock.no_key:
            self.need(Feature.LOCK_NO_KEY, describe_lock(lock), "leave out no_key")

    def group(self, operation: Group) -> None:
        self.keys(operation.keys)
        for each in operation.computed:
            self.expression(each.expression)
        if operation.having.children:
            self.need(Feature.HAVING, describe_condition(operation.having))
            self.condition(operation.having)
        self.order(operation.order)
        if operation.source is not None:
            if not isinstance(operation.source, Combination):
                self.need(Feature.GROUP_SOURCE, "aggregates of a slice, of distinct rows or of groups")
            self.read(operation.source)

    def keys(self, keys: Sequence[Computed]) -> None:
        for key in keys:
            what = f"groups by {describe_expression(key.expression)}"
            self.need(Feature.GROUP, what)
            if not isinstance(key.expression, Column):
                self.need(Feature.GROUP_EXPRESSIONS, what)
                self.expression(key.expression)

    def order(self, order: Sequence[Order]) -> None:
        what = f"order_by({describe_order(order)})"
        for term in order:
            if is_bytes(term.expression):
                self.need(Feature.ORDER_BYTES, what)
            if term.nulls is not None:
                self.need(Feature.NULLS_ORDER, what)
            if isinstance(term.expression.kind, JsonKind):
                self.need(Feature.ORDER_JSON, what)
            if not isinstance(term.expression, Column | Path | Random):
                self.need(Feature.ORDER_EXPRESSIONS, what)
            self.expression(term.expression)

    def assigned(self, assignment: Assignment) -> None:
        name, value = assignment.field.name, assignment.value
        if isinstance(assignment.field, PathInfo):
            remedy = "read the row, change it, and save it with a version field"
            self.need(Feature.UPDATE_PATHS, f"update({name}={describe_expression(value)})", remedy)
        if not isinstance(value, Parameter | Null):
            what = f"update({name}={describe_expression(value)})"
            self.need(Feature.UPDATE_EXPRESSIONS, what, "read the row, compute, and save it with a version field")
            self.expression(value)

    # ---- conditions

    def condition(self, condition: Condition) -> None:
        match condition:
            case All(children=children) | Either(children=children):
                for child in children:
                    self.condition(child)
            case Not(child=child):
                self.condition(child)
            case IsNull(operand=operand):
                self.tested(operand, condition)
            case Within(left=left):
                self.tested(left, condition)
            case Compare():
                self.comparison(condition)
            case Holds(operand=operand, test=test):
                if test not in self.capabilities.holdings:
                    self.refuse(describe_condition(condition))
                self.expression(operand)
            case AnyElement(operand=operand, condition=inner):
                self.need(Feature.ANY_ELEMENT, describe_condition(condition))
                self.expression(operand)
                self.condition(inner)
            case HasRows(rows=rows, arguments=arguments):
                self.subquery(describe_condition(condition), rows, arguments)
            case WithinRows(left=left, rows=rows, arguments=arguments):
                self.tested(left, condition)
                self.subquery(describe_condition(condition), rows, arguments)
            case _:
                assert_never(condition)

    def comparison(self, condition: Compare) -> None:
        left, operator, right = condition.left, condition.operator, condition.right
        if operator not in self.capabilities.operators:
            self.refuse(describe_condition(condition))
        if not isinstance(right, Parameter):
            self.need(Feature.COMPARE_COLUMNS, describe_condition(condition))
            if not isinstance(right, Column | Arithmetic):
                self.need(Feature.COMPUTED, describe_condition(condition))
        if operator in ORDER_OPERATORS and is_bytes(left):
            self.need(Feature.ORDER_BYTES, describe_condition(condition))
        self.tested(left, condition)
        self.expression(right)

    def tested(self, expression: Expression, condition: Condition) -> None:
        """What a condition is about: a column or a part of one, or something that is computed."""
        if not isinstance(expression, Column | Path | Size | Aggregated) and not (
            isinstance(expression, Extract) and isinstance(expression.operand, Column | Path)
        ):
            self.need(Feature.COMPUTED, describe_condition(condition))
        self.expression(expression)

    # ---- expressions

    def expression(self, expression: Expression) -> None:
        match expression:
            case Column() | Parameter() | Null() | Outer():
                return
            case Path(steps=steps):
                what = describe_expression(expression)
                for feature in dict.fromkeys(_FEATURES[type(step)] for step in steps):
                    self.need(feature, what)
                if expression.of_json:
                    self.need(Feature.JSON_PATHS, what)
                if isinstance(expression.kind, DecimalKind) and expression.kind.decimal_places is None:
                    self.need(Feature.LOOSE_PATHS, what)
            case Size(operand=operand):
                self.need(Feature.SIZES, describe_expression(expression))
                self.expression(operand)
            case Scalar(rows=rows, arguments=arguments):
                self.subquery(describe_expression(expression), rows, arguments)
            case Extract(part=part, operand=operand, zone=zone):
                if part not in self.capabilities.date_parts:
                    self.refuse(describe_expression(expression))
                self.zoned(expression, operand, zone)
            case Trunc(operand=operand, zone=zone):
                self.function(Function.TRUNC, expression)
                self.zoned(expression, operand, zone)
            case Arithmetic():
                self.arithmetic(expression)
            case Call(function=function, arguments=arguments, kind=kind):
                self.function(function, expression)
                if function is Function.ROUND and len(arguments) > 1 and isinstance(kind, FloatKind):
                    self.need(Feature.ROUND_FLOATS, describe_expression(expression))
                if function in (Function.GREATEST, Function.LEAST) and is_bytes(expression):
                    self.need(Feature.ORDER_BYTES, describe_expression(expression))
                for argument in arguments:
                    self.expression(argument)
            case Case(branches=branches, default=default):
                self.need(Feature.CASE, describe_expression(expression))
                for condition, value in branches:
                    self.condition(condition)
                    self.expression(value)
                self.expression(default)
            case Truth(condition=condition):
                self.need(Feature.CASE, describe_expression(expression))
                self.condition(condition)
            case Aggregated():
                self.aggregate(expression)
            case Windowed():
                self.window(expression)
            case Random():
                self.need(Feature.ORDER_RANDOM, 'order_by("?")')
            case _:
                assert_never(expression)

    def subquery(self, what: str, rows: Select | Group, arguments: Sequence[Expression]) -> None:
        """A query within, and what it is told of the row around."""
        self.need(Feature.SUBQUERIES, what)
        for argument in arguments:
            self.expression(argument)
        self.condition(rows.condition)
        self.select(rows) if isinstance(rows, Select) else self.group(rows)

    def zoned(self, expression: Expression, operand: Expression, zone: str | None) -> None:
        if zone is not None:
            self.need(Feature.TIME_ZONES, describe_expression(expression))
        self.expression(operand)

    def function(self, function: Function, expression: Expression) -> None:
        if function not in self.capabilities.functions:
            self.refuse(describe_expression(expression))

    def arithmetic(self, expression: Arithmetic) -> None:
        if expression.operator not in self.capabilities.arithmetic:
            self.refuse(describe_expression(expression))
        if expression.operator is ArithmeticOperator.MODULO and isinstance(expression.kind, FloatKind):
            self.need(Feature.MODULO_FLOATS, describe_expression(expression))
        self.expression(expression.left)
        self.expression(expression.right)

    def window(self, window: Windowed) -> None:
        what = describe_expression(window)
        if isinstance(window.function, Aggregate):
            self.need(Feature.WINDOW_AGGREGATES, what)
            self.aggregate(Aggregated(window.function, window.operand, window.kind, condition=window.condition))
        elif window.function not in self.capabilities.windows:
            self.refuse(what)
        if window.frame.unit == "values" and (window.frame.start or window.frame.end):
            self.need(Feature.WINDOW_DISTANCES, what)
        for part in parts_of_window(window):
            self.expression(part)
            if is_bytes(part):
                self.need(Feature.ORDER_BYTES, what)
        if any(term.nulls is not None for term in window.order):
            self.need(Feature.NULLS_ORDER, what)

    def aggregate(self, node: Aggregated) -> None:
        if node.aggregate not in self.capabilities.aggregates:
            self.refuse(describe_expression(node))
        if node.distinct:
            self.need(Feature.AGGREGATE_DISTINCT, describe_expression(node))
        if node.condition is not None:
            self.need(Feature.AGGREGATE_FILTER, describe_expression(node))
            self.condition(node.condition)
        if node.operand is not None:
            if node.aggregate in (Aggregate.MIN, Aggregate.MAX) and is_bytes(node.operand):
                self.need(Feature.ORDER_BYTES, describe_expression(node))
            if not isinstance(node.operand, Column):
                self.need(Feature.COMPUTED, describe_expression(node))
            self.expression(node.operand)
