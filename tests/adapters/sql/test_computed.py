"""Databases and the reference evaluator compute the same, whatever can be said in expressions and groups."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from polystore.adapters.memory import open as open_memory
from polystore.errors import DataError, NotSupportedError
from polystore.query.check import check_operation
from polystore.query.evaluate import computation
from polystore.query.evaluate.run import run_of
from polystore.query.nodes import All, Call, Case, Column, Condition, Expression, Parameter, Truth
from polystore.query.operations import Delete, Operation, Select, Update
from polystore.query.operators import Function
from polystore.query.walk import columns_of, expressions_of, expressions_within
from tests.adapters.sql.computed import computed, groups, groups_of_rows, named, sorted_rows, updates
from tests.adapters.sql.conftest import DATABASES, url_of
from tests.adapters.sql.items import ITEM, POOLS
from tests.adapters.sql.support import Db, opened, where

NAMES = [field.name for field in ITEM.fields]
UNCHECKED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much]
MODERATE = {"f": [-2.5, 0.1, 0.2, 0.30000000000000004, 2.0, 7.0, 1e3], "n": [-7, -3, 0, 1, 2, 2**31]}
MODERATE |= {"g": MODERATE["f"], "m": MODERATE["n"], "text": ["", "a", "A", "10", "-2.5", " É", "ß "]}
PLAIN_ROWS, ROWS = 12, 40
_SKIPPING = (Function.NULLIF, Function.GREATEST, Function.LEAST, Function.CONCAT, Function.REPLACE)
"""Where a NULL decides, the rest may be left out."""


def _sample(count: int, pools: Mapping[str, list[Any]]) -> list[tuple[Any, ...]]:
    chosen = random.Random(11)
    return [
        (key, *(chosen.choice(pools[field.name] + [None] * field.null) for field in ITEM.fields[1:]))
        for key in range(1, count + 1)
    ]


def _pair(
    request: pytest.FixtureRequest,
    folders: pytest.TempPathFactory,
    servers: Mapping[str, str],
    sample: list[tuple[Any, ...]],
) -> Iterator[tuple[Db, Db]]:
    reference = Db(open_memory("memory://", {}))
    with opened(url_of(request.param, folders.mktemp("computed"), servers)) as db:
        for each in (db, reference):
            each.reset(ITEM)
            each.insert(ITEM, NAMES, *sample)
        yield db, reference


@pytest.fixture(scope="module")
def extreme(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, available_servers: Mapping[str, str]
) -> Iterator[tuple[Db, Db]]:
    """A database and the reference with rows of extreme values."""
    yield from _pair(request, tmp_path_factory, available_servers, _sample(PLAIN_ROWS, POOLS))


@pytest.fixture(scope="module")
def moderate(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, available_servers: Mapping[str, str]
) -> Iterator[tuple[Db, Db]]:
    """A database and the reference with rows that can be summed."""
    yield from _pair(request, tmp_path_factory, available_servers, _sample(ROWS, POOLS | MODERATE))


def _outcome(db: Db, operation: Operation, values: list[Any]) -> Any:
    try:
        return db.execute(operation, values)
    except DataError:
        return DataError


def _asked(db: Db, operation: Operation, values: list[Any]) -> Any:
    """The database's answer; what it refuses is no part of the comparison."""
    try:
        check_operation(operation, db.adapter.capabilities, db.adapter.name)
        return _outcome(db, operation, values)
    except NotSupportedError:
        assume(False)


def _same(found: Any, expected: Any) -> bool:
    """Equal and of one type; floats nearly, since sums and powers are rounded in different places."""
    if isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(map(_same, found, expected))
    if isinstance(expected, float):
        return type(found) is float and math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-300)
    return type(found) is type(expected) and found == expected and str(found) == str(expected)


def _leaves_out(expression: Expression, values: list[Any]) -> bool:
    """Whether a part may be left out by one side, or fail beforehand since no row is needed to compute it.

    The values of Case and Coalesce are computed where they are chosen, on both sides; conditions as far as needed.
    """
    return any(
        (isinstance(part, Call) and part.function in _SKIPPING)
        or (isinstance(part, Truth) and _computes(part.condition))
        or (isinstance(part, Case) and any(_computes(condition) for condition, _ in part.branches))
        or _fails_alone(part, values)
        for part in expressions_of(expression)
    )


def _computes(condition: Condition) -> bool:
    return any(not isinstance(part, Column | Parameter) for part in expressions_within(condition))


def _fails_alone(part: Expression, values: list[Any]) -> bool:
    if columns_of(part):
        return False
    try:
        computation(part)({}, run_of(values))
    except DataError:
        return True
    return False


@pytest.mark.hypothesis
@pytest.mark.parametrize("extreme", DATABASES, indirect=True)
@given(question=computed())
@settings(suppress_health_check=UNCHECKED)
def test_each_row_has_the_value_of_the_reference(
    extreme: tuple[Db, Db], question: tuple[Expression, list[Any]]
) -> None:
    db, reference = extreme
    expression, values = question
    by_key = where(ITEM, "id", index=len(values))
    operation = Select(ITEM, (), by_key, (), computed=(named("it", expression),))
    for key in range(1, PLAIN_ROWS + 1):
        given_values = [*values, key]
        found, expected = _asked(db, operation, given_values), _outcome(reference, operation, given_values)
        if DataError not in (found, expected):
            assert _same(found, expected), db.adapter.compile(operation).describe(given_values)
        elif not _leaves_out(expression, values):
            assert found is expected, db.adapter.compile(operation).describe(given_values)


@pytest.mark.hypothesis
@pytest.mark.parametrize("moderate", DATABASES, indirect=True)
@given(question=sorted_rows())
@settings(suppress_health_check=UNCHECKED)
def test_rows_are_filtered_and_ordered_by_computed_values(
    moderate: tuple[Db, Db], question: tuple[Operation, list[Any]]
) -> None:
    _compare(moderate, question)


@pytest.mark.hypothesis
@pytest.mark.parametrize("moderate", DATABASES, indirect=True)
@given(question=groups())
@settings(suppress_health_check=UNCHECKED)
def test_groups_are_those_of_the_reference(moderate: tuple[Db, Db], question: tuple[Operation, list[Any]]) -> None:
    _compare(moderate, question)


@pytest.mark.hypothesis
@pytest.mark.parametrize("moderate", DATABASES, indirect=True)
@given(question=groups_of_rows())
@settings(suppress_health_check=UNCHECKED)
def test_slices_distinct_rows_and_groups_are_aggregated(
    moderate: tuple[Db, Db], question: tuple[Operation, list[Any]]
) -> None:
    _compare(moderate, question)


@pytest.mark.hypothesis
@pytest.mark.parametrize("extreme", DATABASES, indirect=True)
@given(change=updates())
@settings(suppress_health_check=UNCHECKED)
def test_updates_by_computed_values_leave_what_the_reference_leaves(
    extreme: tuple[Db, Db], change: tuple[Operation, list[Any]]
) -> None:
    operation, values = change
    for each in extreme:
        each.execute(Delete(ITEM, All()))
        each.insert(ITEM, NAMES, *_sample(PLAIN_ROWS, POOLS))
    db, reference = extreme
    found, expected = _asked(db, operation, values), _outcome(reference, operation, values)
    shown = db.adapter.compile(operation).describe(values)
    if isinstance(operation, Update) and _leaves_out(operation.assignments[0].value, values):
        assume(DataError not in (found, expected))
    assert found == expected, shown
    assert _same(db.rows(ITEM), reference.rows(ITEM)), shown


def _compare(pair: tuple[Db, Db], question: tuple[Operation, list[Any]]) -> None:
    """Compares answers. Which rows a failing computation meets first is no part of them: then either may fail."""
    db, reference = pair
    operation, values = question
    found, expected = _asked(db, operation, values), _outcome(reference, operation, values)
    if DataError not in (found, expected):
        assert _same(found, expected), db.adapter.compile(operation).describe(values)
