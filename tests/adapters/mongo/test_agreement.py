"""A server computes what the reference evaluator computes, drawn at random: values, conditions, orders, groups."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polystore import Store
from polystore.adapters.mongo import open as open_mongo
from polystore.adapters.mongo.compile import compile_operation
from polystore.adapters.mongo.dialect import SERVER
from polystore.errors import DataError, NotSupportedError
from polystore.query.evaluate import Row, group_rows, select_rows
from polystore.query.nodes import Computed, Expression
from polystore.query.operations import Group, Select
from polystore.query.walk import expressions_of, expressions_within
from polystore.schema.kinds import DecimalKind, plain_kind
from tests.adapters.mongo.drawing import Drawing, Sample, rows

pytestmark = [pytest.mark.server("mongodb"), pytest.mark.hypothesis]


@pytest.fixture(scope="module")
def url(available_servers: dict[str, str]) -> str:
    return available_servers["mongodb"]


class Pair:
    """A server and the reference evaluator, with the same rows in both."""

    def __init__(self, url: str) -> None:
        self.store = Store({"default": url})
        self.backend: Any = open_mongo(url, {}).connect()
        self.rows: list[Row] = []
        self.outcomes: Counter[str] = Counter()

    def put(self, made: list[dict[str, Any]]) -> None:
        Sample.objects.using(self.store).all().delete()
        Sample.objects.using(self.store).bulk_create([Sample(**row) for row in made])
        self.rows = list(made)

    def answer(self, operation: Select | Group, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """What the server answers, as plain values."""
        prepared = compile_operation(operation, SERVER)
        found = self.backend.execute(prepared.bind(values))
        return [
            tuple(
                value if (value := row.get(key)) is None or load is None else load(value)
                for key, load in prepared.sources
            )
            for row in found
        ]

    def expected(self, operation: Select | Group, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """What the evaluator answers."""
        select = select_rows if isinstance(operation, Select) else group_rows
        found: list[Row] = select(self.rows, operation, values)  # type: ignore[operator]  # each takes its own
        return [tuple(row[field.name] for field in operation.outputs) for row in found]

    def compare(self, operation: Select | Group, values: Sequence[Any], tolerance: float = 0.0) -> None:
        """Both answer alike, or the server refuses, or a Decimal does not fit it."""
        found = _outcome(lambda: self.answer(operation, values))
        expected = _outcome(lambda: self.expected(operation, values))
        self.outcomes["refused" if found is NotSupportedError else "answered"] += 1
        if found is NotSupportedError or (expected is DataError and _chooses(operation)):
            return
        if found is DataError and expected is not DataError:
            assert any(isinstance(plain_kind(each.kind), DecimalKind) for each in _parts(operation) if each.kind)
            return
        assert _alike(found, expected, tolerance), f"{found} is not {expected}: {operation}, {values}"


def _outcome(run: Callable[[], Any]) -> Any:
    try:
        return run()
    except (DataError, NotSupportedError) as error:
        return type(error)


def _chooses(operation: Select | Group) -> bool:
    """Whether rows may be left out before what fails for them is computed."""
    return bool(operation.condition.children) or operation.limit is not None or operation.offset is not None


def _parts(operation: Select | Group) -> Iterator[Expression]:
    computed: tuple[Computed, ...] = operation.computed
    if isinstance(operation, Group):
        computed += operation.keys
    for each in computed:
        yield from expressions_of(each.expression)
    for term in operation.order:
        yield from expressions_of(term.expression)
    yield from expressions_within(operation.condition)


def _alike(found: Any, expected: Any, tolerance: float) -> bool:
    """Equal with all types; floats within the tolerance."""
    match expected:
        case list() | tuple():
            return len(found) == len(expected) and all(
                _alike(one, other, tolerance) for one, other in zip(found, expected, strict=True)
            )
        case float():
            near = math.isclose(found, expected, rel_tol=tolerance and 1e-9, abs_tol=tolerance)
            return type(found) is float and near and math.copysign(1, found or 0.0) == math.copysign(1, found)
        case _:
            return type(found) is type(expected) and bool(found == expected)


@pytest.fixture(scope="module")
def pair(url: str) -> Iterator[Pair]:
    made = Pair(url)
    made.store.drop_all([Sample])
    made.store.create_all([Sample])
    yield made
    print(made.outcomes)
    made.store.drop_all([Sample])
    made.backend.close()
    made.store.close()


often = settings(deadline=None, suppress_health_check=list(HealthCheck))


@often
@given(st.data())
def test_rows_with_computed_values_are_those_of_the_reference(pair: Pair, data: st.DataObject) -> None:
    pair.put(data.draw(rows()))
    for _ in range(3):
        drawing = Drawing(data.draw)
        pair.compare(drawing.select(), drawing.values)
