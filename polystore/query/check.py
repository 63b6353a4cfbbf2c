"""Refuses, before any I/O, what a store has not declared that it can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn, assert_never

from polystore.errors import NotSupportedError
from polystore.query.capabilities import Capabilities, Feature
from polystore.query.coerce import ORDER_OPERATORS
from polystore.query.explain import describe_condition, describe_expression, describe_order
from polystore.query.nodes import (
    All,
    Arithmetic,
    ArithmeticOperator,
    Column,
    Compare,
    Condition,
    Count,
    Either,
    Expression,
    Extract,
    Insert,
    IsNull,
    Not,
    Null,
    Operation,
    Order,
    Parameter,
    Select,
    Update,
    UpdateEach,
    Within,
)
from polystore.schema.kinds import BytesKind, FloatKind
from polystore.schema.model import FieldInfo

CLIENT = "put .client(max_rows=...) before it to evaluate it here, or move the model to another store"


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
    checker.condition(operation.condition)
    if isinstance(operation, Update):
        for assignment in operation.assignments:
            checker.assigned(assignment.field.name, assignment.value)
    if isinstance(operation, Select):
        checker.order(operation.order)
    if (isinstance(operation, Select) and operation.distinct) or (isinstance(operation, Count) and operation.distinct):
        checker.need(Feature.DISTINCT, "distinct()", CLIENT)


def is_bytes(field: FieldInfo) -> bool:
    """Whether the field holds bytes, which not every store orders as Python does."""
    return isinstance(field.kind, BytesKind)


class _Checker:
    def __init__(self, capabilities: Capabilities, where: str) -> None:
        self.capabilities = capabilities
        self.where = where

    def need(self, feature: Feature, what: str, remedy: str) -> None:
        if feature not in self.capabilities.features:
            self.refuse(what, remedy)

    def refuse(self, what: str, remedy: str = CLIENT) -> NoReturn:
        raise NotSupportedError(f"{self.where}: the store cannot do {what}; {remedy}")

    def condition(self, condition: Condition) -> None:
        match condition:
            case All(children=children) | Either(children=children):
                for child in children:
                    self.condition(child)
            case Not(child=child):
                self.condition(child)
            case IsNull(operand=operand):
                self.expression(operand)
            case Within(left=left):
                self.expression(left)
            case Compare(left=left, operator=operator, right=right):
                if operator not in self.capabilities.operators:
                    self.refuse(describe_condition(condition))
                if not isinstance(right, Parameter) or isinstance(left, Arithmetic):
                    self.need(Feature.COMPARE_COLUMNS, describe_condition(condition), CLIENT)
                if operator in ORDER_OPERATORS and isinstance(left, Column) and is_bytes(left.field):
                    self.need(Feature.ORDER_BYTES, describe_condition(condition), CLIENT)
                self.expression(left)
                self.expression(right)
            case _:
                assert_never(condition)

    def order(self, order: Sequence[Order]) -> None:
        for term in order:
            if is_bytes(term.field):
                self.need(Feature.ORDER_BYTES, f"order_by({describe_order(order)})", CLIENT)

    def expression(self, expression: Expression) -> None:
        match expression:
            case Column() | Parameter() | Null():
                return
            case Extract(part=part, operand=operand):
                if part not in self.capabilities.date_parts:
                    self.refuse(describe_expression(expression))
                self.expression(operand)
            case Arithmetic(operator=operator, left=left, right=right):
                if operator not in self.capabilities.arithmetic:
                    self.refuse(describe_expression(expression))
                if operator is ArithmeticOperator.MODULO and isinstance(expression.kind, FloatKind):
                    self.need(Feature.MODULO_FLOATS, describe_expression(expression), CLIENT)
                self.expression(left)
                self.expression(right)
            case _:
                assert_never(expression)

    def assigned(self, name: str, value: Expression) -> None:
        if not isinstance(value, Parameter | Null):
            what = f"update({name}={describe_expression(value)})"
            self.need(Feature.UPDATE_EXPRESSIONS, what, "read the row, compute, and save it with a version field")
            self.expression(value)
