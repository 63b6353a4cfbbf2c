"""Writers in several processes: of what is unique there is one, what is counted is exact, and no error comes up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from polystore import Store
from tests.races.contest import COUNTED, GROUP, MODELS, PROCESSES, ROUNDS, Entry, Place, Tally, hold

STORES = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.server("postgresql")),
    pytest.param("mariadb", marks=pytest.mark.server("mariadb")),
    pytest.param("mongodb", marks=pytest.mark.server("mongodb")),
    pytest.param("mongodb without transactions", marks=pytest.mark.server("mongodb")),
    pytest.param("redis", marks=pytest.mark.server("redis")),
]
Outcome = dict[str, list[list[Any]]]


@pytest.fixture(scope="module", params=STORES)
def configured(
    request: pytest.FixtureRequest, available_servers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """A store as a configuration has it."""
    kind, _, rest = request.param.partition(" ")
    if kind == "sqlite":
        return {"url": f"sqlite:///{tmp_path_factory.mktemp('races') / 'races.db'}", "busy_timeout": 60}
    return {"url": available_servers[kind], **({"transactions": False} if rest else {})}


@pytest.fixture(scope="module", params=["sync", "async"])
def outcome(request: pytest.FixtureRequest, configured: dict[str, Any]) -> Iterator[Outcome]:
    """The answers of all processes to all races, on a store of which the rows are still there."""
    with Store({"default": configured}) as store:
        store.drop_all(MODELS)
        store.create_all(MODELS)
        Tally.objects.bulk_create([Tally(id=number) for number in range(1, 5)])
        Place.objects.bulk_create([Place(id=f"many {seat}") for seat in range(GROUP)])
        yield hold(configured, request.param)
        store.drop_all(MODELS)


def rounds(outcome: Outcome, race: str) -> list[tuple[Any, ...]]:
    """The answers of all processes, round by round."""
    found = list(zip(*outcome[race], strict=True))
    assert len(found) == ROUNDS
    assert all(len(each) == PROCESSES for each in found)
    return found


@pytest.mark.parametrize(("race", "name"), [("find_or_make", "found"), ("change_or_make", "changed")])
def test_of_all_who_find_or_make_a_row_one_makes_it(outcome: Outcome, race: str, name: str) -> None:
    for turn, answers in enumerate(rounds(outcome, race)):
        row = Entry.objects.get(name=f"{name} {turn}")
        assert {key for key, _ in answers} == {row.pk}
        assert [created for _, created in answers].count(True) == 1
        assert row.winner in range(PROCESSES)


def test_all_who_write_over_a_unique_value_write_one_row(outcome: Outcome) -> None:
    for turn, answers in enumerate(rounds(outcome, "write_over_by_name")):
        row = Entry.objects.get(name=f"over {turn}")
        assert set(answers) == {row.pk}
        assert row.winner in range(PROCESSES)


def test_all_who_write_over_a_key_write_one_row(outcome: Outcome) -> None:
    for turn, answers in enumerate(rounds(outcome, "write_over_by_key")):
        assert set(answers) == {f"key {turn}"}
        assert Place.objects.get(pk=f"key {turn}").winner in range(PROCESSES)


def test_all_who_write_many_rows_over_learn_the_same_keys(outcome: Outcome) -> None:
    stored = {(row.row, row.seat): row.id for row in Place.objects.all() if row.row is not None}
    assert len(stored) == ROUNDS * GROUP == sum(row.row is not None for row in Place.objects.all())
    for turn, answers in enumerate(rounds(outcome, "write_many_over")):
        assert all(answer == [stored[turn, seat] for seat in range(GROUP)] for answer in answers)


def test_all_who_change_the_same_rows_do(outcome: Outcome) -> None:
    assert outcome["change_many"] == [[GROUP] * ROUNDS] * PROCESSES


def test_of_all_who_skip_what_is_there_one_writes_each_row(outcome: Outcome) -> None:
    names = [row.name for row in Entry.objects.all() if row.name.startswith("skipped")]
    assert sorted(names) == sorted(f"skipped {turn} {seat}" for turn in range(ROUNDS) for seat in range(GROUP))
    assert outcome["skip_what_is_there"] == [[None] * ROUNDS] * PROCESSES


def test_every_increment_counts(outcome: Outcome) -> None:
    assert sum(sum(answers) for answers in rounds(outcome, "count_up")) == PROCESSES * ROUNDS * COUNTED
    assert Tally.objects.get(pk=1).count == PROCESSES * ROUNDS * COUNTED


def test_of_all_who_change_one_version_one_does(outcome: Outcome) -> None:
    assert [sum(answers) for answers in rounds(outcome, "change_one_version")] == [2] * ROUNDS
    for row in Tally.objects.filter(pk__in=[2, 3]):
        assert (row.count, row.revision) == (ROUNDS, ROUNDS + 1)


def test_all_who_change_a_versioned_row_by_what_it_is_found_by_do(outcome: Outcome) -> None:
    row = Tally.objects.get(pk=4)
    assert not any(any(answers) for answers in rounds(outcome, "change_versions_through"))
    assert row.count in range(PROCESSES)
