"""One run of an operation: its values, its moment, and the rows of other models for the queries within."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from polystore.query.operations import Group, Select

Row: TypeAlias = Mapping[Any, Any]
"""Plain values by field name; that of a group has its aggregates beside them, by their nodes."""
Values: TypeAlias = Sequence[Any]
Answer: TypeAlias = "Callable[[Select | Group, Run], Sequence[Row]]"


def _no_answer(operation: Select | Group, run: Run) -> Sequence[Row]:
    raise AssertionError(f"the rows of {operation.schema.name} are not at hand for a query within another one")


class Run(list[Any]):
    """The values that parameters point into, and the moment of the run: ``Now()`` is one moment for all rows.

    ``answer`` gives the rows of a subquery, of whose arguments ``outer`` are the values; what has no arguments is
    asked once, and ``found`` remembers it.
    """

    __slots__ = ("answer", "found", "now", "outer")
    now: datetime

    def __init__(self, values: Values, answer: Answer = _no_answer) -> None:
        super().__init__(values)
        self.now = datetime.now(UTC)
        self.answer = answer
        self.outer: Values = ()
        self.found: dict[int, Sequence[Row]] = {}

    def rows(self, operation: Select | Group, outer: Values) -> Sequence[Row]:
        """The rows of a subquery with these arguments."""
        if not outer and id(operation) in self.found:
            return self.found[id(operation)]
        run = Run(self, self.answer)
        run.now, run.outer, run.found = self.now, outer, self.found
        rows = self.answer(operation, run)
        if not outer:
            self.found[id(operation)] = rows
        return rows


def run_of(values: Values) -> Run:
    """The run that these values belong to, else a new one."""
    return values if isinstance(values, Run) else Run(values)


Predicate: TypeAlias = Callable[[Row, Run], bool]
Computation: TypeAlias = Callable[[Row, Run], Any]
