"""Prints conditions, orders and operations in the user's own words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from polystore.query.nodes import (
    WHOLE,
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
    Combination,
    Count,
    Delete,
    Exists,
    Group,
    Insert,
    Operation,
    RowLock,
    Select,
    Update,
    UpdateEach,
)
from polystore.query.operators import Aggregate, Function, Holding, Operator
from polystore.schema.kinds import describe_kind
from polystore.schema.model import FieldInfo
from polystore.schema.paths import Attribute, Item, JsonKey, Key, Step

Values = Sequence[Any] | None


def describe_condition(condition: Condition, values: Values = None) -> str:
    """The condition as lookups: ``title__icontains='rock' AND NOT year__isnull=True``; "..." for values not given."""
    match condition:
        case All(children=()):
            return "all rows"
        case Either(children=()):
            return "no rows"
        case All(children=children):
            return " AND ".join(_nested(child, values) for child in children)
        case Either(children=children):
            return " OR ".join(_nested(child, values) for child in children)
        case Not(child=child):
            return f"NOT {_nested(child, values)}"
        case IsNull(operand=operand):
            return f"{describe_expression(operand, values)}__isnull=True"
        case Within(left=left, values=options):
            shown = "..." if values is None else repr(sorted(set(values[options.index]), key=repr))
            return f"{describe_expression(left, values)}__in={shown}"
        case Compare(left=left, operator=operator, right=right):
            suffix = "" if operator is Operator.EXACT else f"__{operator.value}"
            return f"{describe_expression(left, values)}{suffix}={describe_expression(right, values)}"
        case Holds(operand=operand, test=test, value=value):
            word = _WORDS.get(test, test.value)
            suffix = f"__{word}" if word else ""
            return f"{describe_expression(operand, values)}{suffix}={describe_expression(value, values)}"
        case AnyElement(operand=operand, condition=inner):
            text = describe_condition(inner, values)
            alone = isinstance(inner, All) and len(inner.children) == 1 and text.startswith("(")
            return f"{describe_expression(operand, values)}__{text if alone else f'({text})'}"
        case HasRows(rows=rows):
            return f"Exists({describe_operation(rows, values)})"
        case WithinRows(left=left, rows=rows):
            return f"{describe_expression(left, values)}__in=({describe_operation(rows, values)})"
    assert_never(condition)


_WORDS = {
    Holding.ARRAY_EXACT: "",
    Holding.ARRAY_CONTAINS: "contains",
    Holding.ARRAY_CONTAINED_BY: "contained_by",
    Holding.ARRAY_OVERLAP: "overlap",
    Holding.JSON_EXACT: "",
    Holding.JSON_NULL: "",
    Holding.JSON_CONTAINS: "contains",
    Holding.JSON_CONTAINED_BY: "contained_by",
}


def describe_expression(expression: Expression, values: Values = None) -> str:
    """The expression as a user writes it."""
    match expression:
        case Column(field=field):
            return field.name
        case Path(operand=operand, steps=steps):
            return "__".join([operand.field.name, *map(describe_step, steps)])
        case Size(operand=operand):
            return f"{describe_expression(operand, values)}__len"
        case Parameter(index=index, derive=derive):
            if values is None:
                return "..."
            return repr(values[index] if derive is None else derive(values[index]))
        case Null():
            return "None"
        case Random():
            return "'?'"
        case Extract(part=part, operand=operand, zone=None):
            return f"{describe_expression(operand, values)}__{part.value}"
        case Extract(part=part, operand=operand, zone=zone):
            return f"Extract({describe_expression(operand, values)}, {part.value!r}, tzinfo={zone!r})"
        case Trunc(unit=unit, operand=operand, zone=zone):
            where = "" if zone is None else f", tzinfo={zone!r}"
            return f"Trunc({describe_expression(operand, values)}, {unit.value!r}{where})"
        case Arithmetic(operator=operator, left=left, right=right):
            return f"({_operand(left, values)} {operator.value} {_operand(right, values)})"
        case Call(function=Function.CAST, arguments=(operand,), kind=kind):
            return f"Cast({describe_expression(operand, values)}, {describe_kind(kind)})"
        case Call(function=function, arguments=arguments):
            return f"{function.value}({', '.join(describe_expression(each, values) for each in arguments)})"
        case Case(branches=branches, default=default):
            whens = [
                f"When({describe_condition(c, values)}, then={describe_expression(v, values)})" for c, v in branches
            ]
            return f"Case({', '.join([*whens, f'default={describe_expression(default, values)}'])})"
        case Truth(condition=condition):
            return f"Q({describe_condition(condition, values)})"
        case Aggregated():
            return _describe_aggregate(expression, values)
        case Outer(words=words):
            return words
        case Scalar(rows=rows):
            return f"Subquery({describe_operation(rows, values)})"
        case Windowed():
            return _describe_window(expression, values)
    assert_never(expression)


def describe_step(step: Step) -> str:
    """The step as the word between two ``__``."""
    match step:
        case Attribute(field=field):
            return field.name
        case Item(index=index):
            return str(index)
        case Key(key=key) | JsonKey(key=key):
            return key
    assert_never(step)


def _describe_window(window: Windowed, values: Values) -> str:
    if isinstance(window.function, Aggregate):
        node = Aggregated(window.function, window.operand, window.kind, condition=window.condition)
        shown = _describe_aggregate(node, values)
    else:
        given = [] if window.operand is None else [describe_expression(window.operand, values)]
        given += [] if window.number == 1 else [str(window.number)]
        given += [] if window.default is None else [f"default={describe_expression(window.default, values)}"]
        shown = f"{window.function.value}({', '.join(given)})"
    parts = [shown]
    if window.partition:
        by = ", ".join(describe_expression(each, values) for each in window.partition)
        parts.append(f"partition_by=[{by}]")
    parts += [f"order_by=[{describe_order(window.order, values)}]"] if window.order else []
    if window.frame != WHOLE:
        name = "RowRange" if window.frame.unit == "rows" else "ValueRange"
        parts.append(f"frame={name}({window.frame.start}, {window.frame.end})")
    return f"Window({', '.join(parts)})"


def _describe_aggregate(node: Aggregated, values: Values) -> str:
    name, _, options = node.aggregate.value.partition("(")
    parts = ["*" if node.operand is None else describe_expression(node.operand, values)]
    parts += [options.removesuffix(")")] if options else []
    parts += ["distinct=True"] if node.distinct else []
    parts += [] if node.condition is None else [f"filter=Q({describe_condition(node.condition, values)})"]
    return f"{name}({', '.join(parts)})"


def describe_order(order: Sequence[Order], values: Values = None) -> str:
    """The ordering as arguments of ``order_by``."""
    return ", ".join(
        f"{'-' if term.descending else ''}{describe_expression(term.expression, values)}"
        + (f" (NULLs {term.nulls})" if term.nulls else "")
        for term in order
    )


def describe_lock(lock: RowLock) -> str:
    """The lock as it was asked for."""
    options = [f"{name}=True" for name in RowLock.__struct_fields__ if getattr(lock, name)]
    return f"select_for_update({', '.join(options)})"


def _describe_computed(computed: Sequence[Computed], values: Values) -> list[str]:
    return [
        each.name
        if each.expression == Column(each.field)
        else f"{each.name}={describe_expression(each.expression, values)}"
        for each in computed
    ]


def describe_operation(operation: Operation, values: Values = None) -> str:
    """The operation in one line."""
    name = type(operation).__name__.lower()
    if isinstance(operation, Combination):
        parts = [_describe_combination(operation, values)]
        return ", ".join([*parts, *_describe_slice(operation, values)])
    if isinstance(operation, Insert):
        return f"insert {operation.schema.name} ({_names(operation.fields)}){_describe_conflict(operation)}"
    if isinstance(operation, UpdateEach):
        return f"update each {operation.schema.name} set ({_names(operation.fields)})"
    parts = [f"{name} {operation.schema.name} where {describe_condition(operation.condition, values)}"]
    match operation:
        case Update(assignments=assignments):
            parts.append(
                "set " + ", ".join(f"{a.field.name}={describe_expression(a.value, values)}" for a in assignments)
            )
        case Select():
            outputs = [field.name for field in operation.columns] + _describe_computed(operation.computed, values)
            parts.append(f"of {', '.join(outputs)}")
            parts.extend(_describe_narrowed(operation, values))
            parts.extend([] if operation.lock is None else [describe_lock(operation.lock)])
        case Group():
            parts.extend(_describe_group(operation, values))
        case Count(estimate=True):
            parts.append("estimated")
        case Count() | Exists() | Delete():
            pass
    return ", ".join([*parts, *_describe_slice(operation, values)])


def _describe_slice(operation: Operation, values: Values) -> list[str]:
    parts: list[str] = []
    if isinstance(operation, Select | Group | Combination) and operation.order:
        parts.append(f"ordered by {describe_order(operation.order, values)}")
    if isinstance(operation, Select | Group | Combination | Count | Exists) and operation.offset is not None:
        parts.append(f"skipping {describe_expression(operation.offset, values)}")
    if isinstance(operation, Select | Group | Combination | Count) and operation.limit is not None:
        parts.append(f"at most {describe_expression(operation.limit, values)}")
    return parts


def _describe_combination(operation: Combination, values: Values) -> str:
    first, *others = (f"({describe_operation(part.rows, values)})" for part in operation.parts)
    name, _, options = operation.operator.value.removesuffix(")").partition("(")
    return f"{first}.{name}({', '.join([*others, *filter(None, [options])])})"


def _describe_narrowed(operation: Select, values: Values) -> list[str]:
    """Which of its rows a Select leaves, and how."""
    parts = [] if operation.source is None else [f"from ({describe_operation(operation.source, values)})"]
    parts += [f"with {', '.join(_describe_computed(operation.windows, values))}"] if operation.windows else []
    parts += [f"kept where {describe_condition(operation.kept, values)}"] if operation.kept.children else []
    parts += ["distinct"] if operation.distinct else []
    if operation.first:
        parts.append(f"the first for each {', '.join(describe_expression(each, values) for each in operation.first)}")
    return parts


def _describe_group(operation: Group, values: Values) -> list[str]:
    parts = [] if operation.source is None else [f"from ({describe_operation(operation.source, values)})"]
    parts += [f"by {', '.join(_describe_computed(operation.keys, values))}"] if operation.keys else []
    parts += [f"of {', '.join(_describe_computed(operation.computed, values))}"] if operation.computed else []
    parts += [f"having {describe_condition(operation.having, values)}"] if operation.having.children else []
    return parts


def _names(fields: Sequence[FieldInfo]) -> str:
    return ", ".join(field.name for field in fields)


def _describe_conflict(insert: Insert) -> str:
    if insert.ignore_conflicts:
        return ", skipping rows in conflict"
    found = insert.on_conflict
    return "" if found is None else f", or set ({_names(found.fields)}) where ({_names(found.target)}) is there"


def _nested(condition: Condition, values: Values) -> str:
    text = describe_condition(condition, values)
    return f"({text})" if isinstance(condition, All | Either) and len(condition.children) > 1 else text


def _operand(expression: Expression, values: Values) -> str:
    text = describe_expression(expression, values)
    return f"F({text!r})" if isinstance(expression, Column) else text
