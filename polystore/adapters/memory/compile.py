"""Operations are run as they are: compiling keeps the operation, binding puts its values beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

from polystore.adapters.base import Source
from polystore.query.explain import describe_operation
from polystore.query.operations import Operation, answered, written


class MemoryCommand(NamedTuple):
    """An operation and its values."""

    operation: Operation
    values: Sequence[Any]


@dataclass(frozen=True, slots=True)
class MemoryPrepared:
    """An operation waiting for its values."""

    operation: Operation

    @property
    def sources(self) -> tuple[Source, ...]:
        columns = answered(self.operation)
        return tuple(Source(field.name, deepcopy if field.mutable else None) for field in columns)

    @property
    def dumps(self) -> tuple[Callable[[Any], Any] | None, ...]:
        return (None,) * len(written(self.operation))

    def bind(self, values: Sequence[Any]) -> MemoryCommand:
        return MemoryCommand(self.operation, values)

    def describe(self, values: Sequence[Any]) -> str:
        return describe_operation(self.operation, None if written(self.operation) else values)
