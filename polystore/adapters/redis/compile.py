"""From an operation to a prepared command. Pure; needs no driver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, assert_never

from polystore.adapters.base import Prepared, Source, undeclared
from polystore.adapters.redis.aggregates import PreparedDistinctNumber, compile_distinct, compile_group
from polystore.adapters.redis.commands import (
    Add,
    Answer,
    Change,
    ChangeEach,
    Command,
    CountKeys,
    Find,
    Get,
    GetMany,
    Merge,
    Tally,
)
from polystore.adapters.redis.conditions import Values, read_branches
from polystore.adapters.redis.layout import Layout
from polystore.adapters.redis.merges import MergeWriter, each_reader
from polystore.adapters.redis.plan import make_plan
from polystore.adapters.redis.prepared import RedisPrepared
from polystore.adapters.redis.requests import bind_conditions, condition_arguments, fixed_keys, start_scan
from polystore.adapters.redis.types import load
from polystore.adapters.redis.wire import make_call, pack, pack_fetch, pack_fetches
from polystore.adapters.redis.writes import MAX_BATCH, InsertWriter, PatchMaker, constant_changes, make_patch
from polystore.query.nodes import All, Column, Compare, Parameter, ParameterList, Within
from polystore.query.operations import (
    Combination,
    Count,
    Delete,
    Exists,
    Group,
    Insert,
    OnConflict,
    Operation,
    Select,
    Update,
    UpdateEach,
)
from polystore.query.operators import Operator
from polystore.schema.model import FieldInfo


def compile_operation(layout: Layout, operation: Operation) -> Prepared:
    """Compiles an operation on the model of the layout.

    Raises:
        IndexRequired: a condition or an ordering without an index; the message names the one to declare.
        NotSupportedError: what indexes cannot answer.
    """
    match operation:
        case Select():
            return _compile_select(layout, operation)
        case Group():
            return compile_group(layout, operation)
        case Combination():
            undeclared(operation)
        case Count() | Exists():
            return _compile_number(layout, operation)
        case Insert(on_conflict=OnConflict() as found):
            return PreparedMerge(layout, operation, found)
        case Insert():
            return PreparedInsert(layout, operation)
        case UpdateEach():
            return PreparedEach(layout, operation)
        case Update() | Delete():
            return PreparedChange(layout, operation)
    assert_never(operation)


# ---- by key


def _the_key(condition: All) -> Parameter | None:
    """The parameter that the primary key must equal, when that is all that is asked."""
    match condition.children:
        case (Compare(left=Column(field=field), operator=Operator.EXACT, right=Parameter() as right),):
            return right if field.primary_key else None
    return None


def _the_keys(condition: All) -> ParameterList | None:
    match condition.children:
        case (Within(left=Column(field=field), values=options),):
            return options if field.primary_key else None
    return None


def _value_of(parameter: Parameter) -> Callable[[Values], Any]:
    index, derive = parameter.index, parameter.derive
    if derive is None:
        return lambda values: values[index]
    convert = derive
    return lambda values: convert(values[index])


def _compile_select(layout: Layout, operation: Select) -> Prepared:
    if operation.distinct and not any(field.primary_key for field in operation.columns):
        return compile_distinct(layout, operation)
    key = _the_key(operation.condition)
    if key is not None and operation.offset is None:
        return PreparedGet(layout, operation, key)
    keys = _the_keys(operation.condition)
    if keys is not None and all(term.field.primary_key for term in operation.order[:1]):
        return PreparedGetMany(layout, operation, keys)
    return PreparedFind(layout, operation)


def _sources(columns: Sequence[FieldInfo]) -> tuple[Source, ...]:
    """A row is the answer to a fetch: its version, then its columns."""
    return tuple(Source(place, load(field.kind)) for place, field in enumerate(columns, 1))


class PreparedGet(RedisPrepared):
    """One row by its key: one round trip."""

    def __init__(self, layout: Layout, operation: Select, key: Parameter) -> None:
        super().__init__(layout)
        self.sources = _sources(operation.columns)
        before, behind = pack_fetch(field.column for field in operation.columns)
        self.bind = _fetch_binder(layout, before, behind, key)  # type: ignore[method-assign, assignment]  # saves a call


def _fetch_binder(layout: Layout, before: bytes, behind: bytes, key: Parameter) -> Callable[[Sequence[Any]], Get]:
    prefix, dump_key, index, derive = layout.prefix + b"e:", layout.dump_key, key.index, key.derive

    def bind(values: Sequence[Any]) -> Get:
        value = values[index]
        body = prefix + dump_key(value if derive is None else derive(value))
        return Get(b"%b%d\r\n%b%b" % (before, len(body), body, behind))

    return bind


class PreparedGetMany(RedisPrepared):
    """Rows by their keys: one round trip."""

    def __init__(self, layout: Layout, operation: Select, keys: ParameterList) -> None:
        super().__init__(layout)
        self.sources = _sources(operation.columns)
        self._before, self._behind = pack_fetch(field.column for field in operation.columns)
        self._keys = keys.index
        self._order = operation.order
        self._limit, self._offset = operation.limit, operation.offset

    def bind(self, values: Sequence[Any]) -> GetMany:
        layout = self.layout
        keys = list(dict.fromkeys(values[self._keys]))
        if self._order:
            keys.sort(key=layout.encode_key, reverse=self._order[0].descending)
        start = 0 if self._offset is None else values[self._offset.index]
        stop = None if self._limit is None else start + values[self._limit.index]
        bodies = [layout.body_key(key) for key in keys]
        return GetMany(pack_fetches(bodies, self._before, self._behind), len(keys), slice(start, stop))


# ---- through indexes


class PreparedFind(RedisPrepared):
    """Rows found through indexes: one round trip for their keys, one for their bodies."""

    def __init__(self, layout: Layout, operation: Select) -> None:
        super().__init__(layout)
        self.sources = _sources(operation.columns)
        self._plan = make_plan(layout, read_branches(layout, operation.condition), operation.order)
        self._call = make_call(layout, "scan")
        self._fetch = pack_fetch(field.column for field in operation.columns)
        self._limit, self._offset = operation.limit, operation.offset

    def bind(self, values: Sequence[Any]) -> Command:
        want = None if self._limit is None else values[self._limit.index]
        skip = 0 if self._offset is None else values[self._offset.index]
        plan, call = self._plan, self._call
        scan = start_scan(plan, call, values, want=want, skip=skip)
        if scan is None:
            return Answer([])
        return Find(self.layout, scan, self._fetch)


def _compile_number(layout: Layout, operation: Count | Exists) -> Prepared:
    answer = _number_answer(operation)
    distinct = operation.distinct if isinstance(operation, Count) else ()
    if isinstance(operation, Count) and distinct and not any(field.primary_key for field in distinct):
        return PreparedDistinctNumber(layout, operation, answer)
    key, keys = _the_key(operation.condition), _the_keys(operation.condition)
    if key is not None:
        value = _value_of(key)
        return PreparedCountKeys(layout, lambda values: (value(values),), answer)
    if keys is not None:
        index = keys.index
        return PreparedCountKeys(layout, lambda values: values[index], answer)
    return PreparedTally(layout, operation, answer)


BindAnswer = Callable[[Values], tuple[int | None, Callable[[int], Any]]]


def _number_answer(operation: Count | Exists) -> BindAnswer:
    """From values: how many rows need to be counted, and what their number means."""
    offset = operation.offset
    limit = operation.limit if isinstance(operation, Count) else None
    exists = isinstance(operation, Exists)

    def bind(values: Values) -> tuple[int | None, Callable[[int], Any]]:
        skip = 0 if offset is None else values[offset.index]
        if exists:
            return skip + 1, lambda number: number > skip
        want = None if limit is None else skip + values[limit.index]
        if want is None:
            return None, lambda number: max(0, number - skip)
        return want, lambda number: max(0, min(number, want) - skip)

    return bind


class PreparedCountKeys(RedisPrepared):
    """How many of some keys have a row: one round trip."""

    def __init__(self, layout: Layout, keys: Callable[[Values], Sequence[Any]], answer: BindAnswer) -> None:
        super().__init__(layout)
        self._keys, self._answer = keys, answer

    def bind(self, values: Sequence[Any]) -> CountKeys:
        keys = set(self._keys(values))
        packed = [pack(b"HEXISTS", self.layout.body_key(key), b"_v") for key in keys]
        return CountKeys(b"".join(packed), len(packed), self._answer(values)[1])


class PreparedTally(RedisPrepared):
    """How many rows there are: one round trip where an index tells the number."""

    def __init__(self, layout: Layout, operation: Count | Exists, answer: BindAnswer) -> None:
        super().__init__(layout)
        self._plan = make_plan(layout, read_branches(layout, operation.condition))
        self._call = make_call(layout, "scan")
        self._answer = answer

    def bind(self, values: Sequence[Any]) -> Command:
        want, answer = self._answer(values)
        scan = start_scan(self._plan, self._call, values, counting=True, want=want)
        return Answer(answer(0)) if scan is None else Tally(self.layout, scan, answer)


# ---- writes


class PreparedInsert(RedisPrepared):
    """New rows: one round trip for every 64, and one for every block of keys that the store gives."""

    def __init__(self, layout: Layout, operation: Insert) -> None:
        super().__init__(layout)
        self._writer = InsertWriter(layout, operation)
        self.dumps = self._writer.dumps

    def bind(self, values: Sequence[Any]) -> Add:
        return Add(self.layout, self._writer, [self._writer.read(row) for row in values])


class PreparedMerge(RedisPrepared):
    """New rows or changes of those that are there: as many round trips as inserts, and one or two to find them."""

    def __init__(self, layout: Layout, operation: Insert, found: OnConflict) -> None:
        super().__init__(layout)
        self._writer = MergeWriter(layout, operation, found)
        self.dumps = self._writer.dumps
        self.sources = tuple(Source(place) for place in range(len(found.told)))

    def bind(self, values: Sequence[Any]) -> Merge:
        return Merge(self.layout, self._writer, [self._writer.candidate(row) for row in values])


class PreparedEach(RedisPrepared):
    """Changes of rows by key: one round trip for every 64; where uniques are touched, one for each row."""

    def __init__(self, layout: Layout, operation: UpdateEach) -> None:
        super().__init__(layout)
        self._read = each_reader(layout, operation)
        self._size = 1 if operation.collides else MAX_BATCH
        self.dumps = (None,) * len(operation.columns)

    def bind(self, values: Sequence[Any]) -> ChangeEach:
        return ChangeEach(self.layout, [self._read(row) for row in values], self._size)


class PreparedChange(RedisPrepared):
    """An update or a delete: rows are found, then changed, 64 in one step, where they still fulfil the condition."""

    def __init__(self, layout: Layout, operation: Update | Delete) -> None:
        super().__init__(layout)
        branches = read_branches(layout, operation.condition)
        self._plan = make_plan(layout, branches)
        self._call = make_call(layout, "scan")
        assignments = operation.assignments if isinstance(operation, Update) else ()
        self._deletes = isinstance(operation, Delete)
        self._constants = constant_changes(assignments)
        self._maker = None if self._constants is not None else PatchMaker(layout, assignments)

    def bind(self, values: Sequence[Any]) -> Command:
        layout = self.layout
        patch = None
        if not self._deletes and self._constants is not None:
            patch = make_patch(layout, self._constants(values))
        regions = bind_conditions(self._plan.branches, values)
        if not regions:
            return Answer(0)
        conditions = condition_arguments(regions)
        identifiers = fixed_keys(regions)
        scan = None if identifiers is not None else start_scan(self._plan, self._call, values)
        return Change(layout, identifiers or (), scan, conditions, patch, self._maker, values)
