"""From an operation to a command: pure, done once for each structure of a query.

A store with a language of its own writes its text here, with a ``match`` over the nodes of conditions. This one hands
conditions to the reference evaluator, and only decides how rows are found: by key, or one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

from polystore.adapters.base import Source
from polystore.query.explain import describe_operation
from polystore.query.nodes import Column, Compare, Parameter
from polystore.query.operations import Operation, answered, written
from polystore.query.operators import Operator


class Command(NamedTuple):
    """An operation with its values; ``key`` is that of the only row in question, or None."""

    operation: Operation
    values: Sequence[Any]
    key: Any = None


@dataclass(frozen=True, slots=True)
class PreparedOperation:
    """A compiled operation. ``key_place`` is the place of the key among the values, if the condition fixes the key."""

    operation: Operation
    key_place: int | None

    @property
    def sources(self) -> tuple[Source, ...]:
        """Rows are dicts of plain values by field name; containers are copied, for rows stay in memory."""
        return tuple(Source(field.name, deepcopy if field.mutable else None) for field in answered(self.operation))

    @property
    def dumps(self) -> tuple[Callable[[Any], Any] | None, ...]:
        """Values are turned into JSON when lines are written, not before."""
        return (None,) * len(written(self.operation))

    def bind(self, values: Sequence[Any]) -> Command:
        return Command(self.operation, values, None if self.key_place is None else values[self.key_place])

    def describe(self, values: Sequence[Any]) -> str:
        if written(self.operation):
            return f"append to {self.operation.schema.table}.jsonl"
        found = "all rows" if self.key_place is None else f"the row {values[self.key_place]!r}"
        return f"read {self.operation.schema.table}.jsonl, test {found}: {describe_operation(self.operation, values)}"


def compile_operation(operation: Operation) -> PreparedOperation:
    """Chooses how rows are found."""
    return PreparedOperation(operation, None if written(operation) else _key_place(operation))


def _key_place(operation: Any) -> int | None:
    for condition in operation.condition.children:
        match condition:
            case Compare(Column(field), Operator.EXACT, Parameter(index, _, None)) if field.primary_key:
                return index
    return None
