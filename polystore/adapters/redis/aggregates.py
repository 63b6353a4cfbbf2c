"""Aggregates, groups and distinct rows, answered from indexes without reading a row's body.

Counts and extremes are scans, sums and distinct values are folds. What is computed of them, conditions on groups, their
order and slices are left to the reference evaluator: it meets groups only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from polystore.adapters.base import Source
from polystore.adapters.redis.commands import Answer, Command, Summary
from polystore.adapters.redis.conditions import Values, read_branches
from polystore.adapters.redis.decode import decoder, split
from polystore.adapters.redis.folds import Fold, FoldPlan, make_fold_plan, start_fold
from polystore.adapters.redis.keys import NULL
from polystore.adapters.redis.layout import Layout, Part
from polystore.adapters.redis.plan import FindPlan, SortKey, index_parts, make_plan
from polystore.adapters.redis.prepared import RedisPrepared
from polystore.adapters.redis.requests import Scan, start_scan
from polystore.adapters.redis.totals import total_of
from polystore.adapters.redis.wire import make_call
from polystore.errors import IndexRequired, NotSupportedError
from polystore.query.evaluate import aggregates_in, combination, finish_groups, finished
from polystore.query.explain import describe_expression
from polystore.query.nodes import Aggregated, All, Column, Computed, Expression, IsNull, Not, Order
from polystore.query.operations import Count, Group, Select
from polystore.query.operators import Aggregate
from polystore.query.simplify import FALSE, rooted
from polystore.schema.model import FieldInfo

Question: TypeAlias = Scan | Fold


class Measure(Protocol):
    """One aggregate: what is asked for it, None where no row can matter, and what the answer means."""

    nothing: Any

    def ask(self, values: Values) -> Question | None: ...

    def read(self, asked: Any) -> Any: ...


def compile_group(layout: Layout, operation: Group) -> RedisPrepared:
    """Compiles groups: of all rows any aggregates, by keys the number of rows of each.

    Raises:
        IndexRequired: a field that no index keeps.
        NotSupportedError: aggregates of each group other than its number of rows.
    """
    return PreparedGroups(layout, operation) if operation.keys else PreparedSummary(layout, operation)


def compile_distinct(layout: Layout, operation: Select) -> RedisPrepared:
    """Compiles distinct rows of fields: groups without aggregates."""
    keys = tuple(Computed(column, Column(column)) for column in operation.columns)
    group = Group(
        operation.schema,
        keys,
        (),
        operation.condition,
        order=operation.order,
        limit=operation.limit,
        offset=operation.offset,
    )
    return PreparedGroups(layout, group)


# ---- one row over all


class PreparedSummary(RedisPrepared):
    """Aggregates of all rows: one round trip where indexes have them in order, however many they are."""

    def __init__(self, layout: Layout, operation: Group) -> None:
        super().__init__(layout)
        self._operation = operation
        self._measures = [(node, make_measure(layout, operation.condition, node)) for node in aggregates_in(operation)]
        self.sources = tuple(Source(place) for place in range(len(operation.outputs)))

    def bind(self, values: Sequence[Any]) -> Command:
        asked = [(node, measure, measure.ask(values)) for node, measure in self._measures]
        questions = [question for _, _, question in asked if question is not None]

        def answer() -> list[tuple[Any, ...]]:
            found = {node: measure.nothing if it is None else measure.read(it) for node, measure, it in asked}
            return _rows([found], self._operation, values)

        return Summary(self.layout, questions, answer) if questions else Answer(answer())


def make_measure(layout: Layout, condition: All, node: Aggregated) -> Measure:
    """How an aggregate of the rows of a condition is found.

    Raises:
        IndexRequired: a field that no index keeps.
    """
    if node.condition is not None:
        condition = rooted(All((condition, node.condition)))
    field = None if node.operand is None else _field(layout, node.operand, node)
    if condition.children == (FALSE,):
        return Nothing(node)
    if field is None or (node.aggregate is Aggregate.COUNT and not node.distinct):
        return Number(layout, condition if field is None else _known(condition, field))
    slot = find_slot(layout, field, describe_expression(node))
    if node.aggregate in (Aggregate.MIN, Aggregate.MAX):
        return Extreme(layout, _known(condition, field), node.aggregate, field, slot)
    branches = read_branches(layout, condition)
    if node.distinct:
        return Distinct(make_fold_plan(layout, "values", (slot,), branches), node, field)
    return Total(make_fold_plan(layout, "sum", (slot,), branches), node.aggregate, field)


class Nothing:
    """An aggregate of rows that cannot be."""

    def __init__(self, node: Aggregated) -> None:
        self.nothing = 0 if node.aggregate is Aggregate.COUNT else None

    def ask(self, values: Values) -> None:
        """Nothing is asked."""

    def read(self, asked: Any) -> Any:
        raise AssertionError("nothing was asked")


class Number:
    """How many rows there are."""

    nothing = 0

    def __init__(self, layout: Layout, condition: All) -> None:
        self._plan = make_plan(layout, read_branches(layout, condition))
        self._call = make_call(layout, "scan")

    def ask(self, values: Values) -> Scan | None:
        """A scan that counts."""
        return start_scan(self._plan, self._call, values, counting=True)

    def read(self, asked: Scan) -> int:
        """The number."""
        return asked.number


class Extreme:
    """The least or the greatest value: that of the first row in this order."""

    nothing = None

    def __init__(self, layout: Layout, condition: All, aggregate: Aggregate, field: FieldInfo, slot: int) -> None:
        order = Order(Column(field), descending=aggregate is Aggregate.MAX)
        plan = make_plan(layout, read_branches(layout, condition), (order,))
        if all(part.slot != slot for part in _sort_parts(plan)):
            plan = _sorted_by(plan, Part(slot, order.descending))
        self._plan, self._slot = plan, slot
        self._call = make_call(layout, "scan")
        self._decode = decoder(field.kind)

    def ask(self, values: Values) -> Scan | None:
        """A scan that stops at the first row."""
        return start_scan(self._plan, self._call, values, want=1)

    def read(self, asked: Scan) -> Any:
        """The value that stands in the row's sort key."""
        window = asked.window()
        if not window:
            return None
        parts = _sort_parts(self._plan)
        place = [part.slot for part in parts].index(self._slot)
        return self._decode(split(window[0], [part.descending for part in parts[: place + 1]])[place])


class Distinct:
    """An aggregate of distinct values."""

    def __init__(self, plan: FoldPlan, node: Aggregated, field: FieldInfo) -> None:
        self.nothing = 0 if node.aggregate is Aggregate.COUNT else None
        self._plan, self._combine, self._decode = plan, combination(node), decoder(field.kind)

    def ask(self, values: Values) -> Fold | None:
        """A fold of the values."""
        return start_fold(self._plan, values)

    def read(self, asked: Fold) -> Any:
        """The aggregate of those that are not NULL."""
        values = [self._decode(encoded) for (encoded,) in asked.counts if encoded != NULL]
        return self._combine(values) if values else self.nothing


class Total:
    """A sum or a mean."""

    nothing = None

    def __init__(self, plan: FoldPlan, aggregate: Aggregate, field: FieldInfo) -> None:
        self._plan, self._aggregate, self._kind = plan, aggregate, field.kind

    def ask(self, values: Values) -> Fold | None:
        """A fold of the total."""
        return start_fold(self._plan, values)

    def read(self, asked: Fold) -> Any:
        """The sum, or the mean, of the exact total."""
        if not asked.number:
            return None
        total = total_of(self._kind, asked.number, asked.amounts)
        return finished(self._aggregate, self._kind, total, asked.number)


def _sort_parts(plan: FindPlan) -> tuple[Part, ...]:
    """What sort keys of a plan begin with."""
    assert plan.sort_key is not None
    if plan.ordered is not None:
        return index_parts(plan.layout.indexes[plan.ordered - 1])
    return plan.sort_key.parts


def _sorted_by(plan: FindPlan, part: Part) -> FindPlan:
    """The plan with sort keys that begin with a slot that is the same in all rows, so that any order will do."""
    return FindPlan(plan.layout, plan.branches, plan.sources, None, SortKey((part,), part.descending))


def _known(condition: All, field: FieldInfo) -> All:
    """The rows that have a value."""
    return rooted(All((condition, Not(IsNull(Column(field)))))) if field.null else condition


# ---- groups


class PreparedGroups(RedisPrepared):
    """Groups by fields with their number of rows: one round trip for every 5000 groups or rows that are looked at."""

    def __init__(self, layout: Layout, operation: Group) -> None:
        super().__init__(layout)
        self._operation, self._nodes = operation, aggregates_in(operation)
        for node in self._nodes:
            _refuse_other(layout, node)
        fields = [_field(layout, key.expression, key.expression) for key in operation.keys]
        what = f"groups by {', '.join(field.name for field in fields)}"
        slots = tuple(find_slot(layout, field, what) for field in fields)
        branches = read_branches(layout, operation.condition)
        self._plan = make_fold_plan(layout, "counts" if self._nodes else "values", slots, branches)
        self._decode = [decoder(field.kind) for field in fields]
        self.sources = tuple(Source(place) for place in range(len(operation.outputs)))

    def bind(self, values: Sequence[Any]) -> Command:
        fold = start_fold(self._plan, values)
        if fold is None:
            return Answer([])
        return Summary(
            self.layout, [fold], lambda: _rows(map(self._group, fold.counts.items()), self._operation, values)
        )

    def _group(self, item: tuple[tuple[bytes, ...], int]) -> dict[Any, Any]:
        encodings, count = item
        found: dict[Any, Any] = dict.fromkeys(self._nodes, count)
        for key, decode, encoded in zip(self._operation.keys, self._decode, encodings, strict=True):
            found[key.name] = decode(encoded)
        return found


class PreparedDistinctNumber(RedisPrepared):
    """How many distinct rows of some fields there are: as many round trips as for groups."""

    def __init__(self, layout: Layout, operation: Count, bind_answer: Any) -> None:
        super().__init__(layout)
        names = ", ".join(field.name for field in operation.distinct)
        slots = tuple(find_slot(layout, field, f"distinct rows of {names}") for field in operation.distinct)
        self._plan = make_fold_plan(layout, "values", slots, read_branches(layout, operation.condition))
        self._answer = bind_answer

    def bind(self, values: Sequence[Any]) -> Command:
        _, answer = self._answer(values)
        fold = start_fold(self._plan, values)
        return Answer(answer(0)) if fold is None else Summary(self.layout, [fold], lambda: answer(len(fold.counts)))


def _rows(groups: Any, operation: Group, values: Values) -> list[tuple[Any, ...]]:
    names = [output.name for output in operation.outputs]
    return [tuple(row[name] for name in names) for row in finish_groups(groups, operation, values)]


# ---- refusals


def _refuse_other(layout: Layout, node: Aggregated) -> None:
    if node.aggregate is not Aggregate.COUNT or node.operand is not None or node.condition is not None:
        raise NotSupportedError(
            f"{layout.schema.name}: {describe_expression(node)} of each group needs their rows; on Redis groups have "
            'Count("*") only: put .client(max_rows=...) before values(), or ask aggregate() for each group'
        )


def _field(layout: Layout, expression: Expression, of: Expression) -> FieldInfo:
    if isinstance(expression, Column):
        return expression.field
    raise NotSupportedError(
        f"{layout.schema.name}: {describe_expression(of)} of computed values cannot be answered from an index on "
        "Redis; aggregate a field, or put .client(max_rows=...) before it"
    )


def find_slot(layout: Layout, field: FieldInfo, what: str) -> int:
    """The slot of a field.

    Raises:
        IndexRequired: no index keeps it; the message says what needs it.
    """
    slot = layout.slot_of(field)
    if slot is None:
        raise IndexRequired(
            f"{field.label}: {what} needs an index on Redis; declare index=True on {field.name}, or an Index in "
            "Meta.indexes, or put .client(max_rows=...) before it to evaluate it here"
        )
    return slot
