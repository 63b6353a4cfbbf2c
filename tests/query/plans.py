"""The plan of a query, and the values that it is bound to."""

from __future__ import annotations

from typing import Any

from polystore import QuerySet
from polystore.api.complete import schema_of
from polystore.query.nodes import Parameter
from polystore.query.operations import Select
from polystore.query.planner import Plan, Terminal, plan


def planned(query: QuerySet[Any, Any], terminal: Terminal = "rows") -> tuple[Plan, tuple[Any, ...]]:
    """The plan of a query, and its values with the plan's constants."""
    shape, values = query._bound()
    made = plan(schema_of(query._model), shape, terminal)
    return made, (*values, *made.constants)


def select(query: QuerySet[Any, Any], terminal: Terminal = "rows") -> tuple[Select, tuple[Any, ...]]:
    made, values = planned(query, terminal)
    assert isinstance(made.operation, Select)
    return made.operation, values


def value_of(parameter: Parameter | None, values: tuple[Any, ...]) -> Any:
    return None if parameter is None else values[parameter.index]
