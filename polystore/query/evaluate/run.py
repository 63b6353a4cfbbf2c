"""One run of an operation: its values and its moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias


class Run(list[Any]):
    """The values that parameters point into, and the moment of the run: ``Now()`` is one moment for all rows."""

    __slots__ = ("now",)
    now: datetime

    def __init__(self, values: Sequence[Any]) -> None:
        super().__init__(values)
        self.now = datetime.now(UTC)


def run_of(values: Sequence[Any]) -> Run:
    """The run that these values belong to, else a new one."""
    return values if isinstance(values, Run) else Run(values)


Row: TypeAlias = Mapping[Any, Any]
"""Plain values by field name; that of a group has its aggregates beside them, by their nodes."""
Values: TypeAlias = Sequence[Any]
Predicate: TypeAlias = Callable[[Row, Run], bool]
Computation: TypeAlias = Callable[[Row, Run], Any]
