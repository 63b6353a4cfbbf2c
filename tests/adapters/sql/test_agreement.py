"""Databases and the reference evaluator give the same answers to whatever can be asked."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from polystore.adapters.memory import open as open_memory
from polystore.errors import DataError, NotSupportedError
from polystore.query.nodes import All
from polystore.query.operations import Delete, Operation
from tests.adapters.sql.conftest import DATABASES, url_of
from tests.adapters.sql.drawing import counts, rows, selects, updates
from tests.adapters.sql.items import ITEM, POOLS
from tests.adapters.sql.support import Db, opened

NAMES = [field.name for field in ITEM.fields]
UNCHECKED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much]


def _sample() -> list[tuple[Any, ...]]:
    chosen = random.Random(7)
    return [
        (key, *(chosen.choice(POOLS[field.name] + [None] * field.null * 3) for field in ITEM.fields[1:]))
        for key in range(1, 251)
    ]


@pytest.fixture(scope="module")
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, available_servers: Mapping[str, str]
) -> Iterator[tuple[Db, Db]]:
    """A database and the reference, both with the sample's rows."""
    url = url_of(request.param, tmp_path_factory.mktemp("agreement"), available_servers)
    reference = Db(open_memory("memory://", {}))
    with opened(url) as db:
        for each in (db, reference):
            each.reset(ITEM)
            each.insert(ITEM, NAMES, *_sample())
        yield db, reference


def _outcome(db: Db, operation: Operation, values: list[Any]) -> Any:
    try:
        return db.execute(operation, values)
    except DataError:
        return DataError


@pytest.mark.hypothesis
@pytest.mark.parametrize("pair", DATABASES, indirect=True)
@given(question=selects())
@settings(suppress_health_check=UNCHECKED)
def test_rows_are_those_of_the_reference(pair: tuple[Db, Db], question: tuple[Operation, list[Any]]) -> None:
    _compare(pair, question)


@pytest.mark.hypothesis
@pytest.mark.parametrize("pair", DATABASES, indirect=True)
@given(question=counts())
@settings(suppress_health_check=UNCHECKED)
def test_counts_are_those_of_the_reference(pair: tuple[Db, Db], question: tuple[Operation, list[Any]]) -> None:
    _compare(pair, question)


def _compare(pair: tuple[Db, Db], question: tuple[Operation, list[Any]]) -> None:
    """Compares answers. Which rows a failing computation meets first is no part of them: then either may fail."""
    db, reference = pair
    operation, values = question
    try:
        found = _outcome(db, operation, values)
    except NotSupportedError:
        assume(False)
    expected = _outcome(reference, operation, values)
    assert found == expected or DataError in (found, expected), db.adapter.compile(operation).describe(values)


@pytest.mark.hypothesis
@pytest.mark.parametrize("pair", DATABASES, indirect=True)
@given(sample=rows(), change=updates())
@settings(suppress_health_check=UNCHECKED)
def test_updates_leave_what_the_reference_leaves(
    pair: tuple[Db, Db], sample: list[tuple[Any, ...]], change: tuple[Operation, list[Any]]
) -> None:
    operation, values = change
    for each in pair:
        each.execute(Delete(ITEM, All()))
        each.insert(ITEM, NAMES, *sample)
    db, reference = pair
    try:
        found = _outcome(db, operation, values)
    except NotSupportedError:
        assume(False)
    shown = db.adapter.compile(operation).describe(values)
    assert found == _outcome(reference, operation, values), shown
    assert db.rows(ITEM) == reference.rows(ITEM), shown
