"""The capability table is written from what tests have proven, and from nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from polystore.query.capabilities import EVERYTHING
from polystore.testing.harness import declared_by
from polystore.testing.report import line_of
from tools.capability_table import TESTED, Incomplete, cells_of, page, short_table

DECLARED = sorted(map(line_of, declared_by(EVERYTHING)))
TESTED_LINES = [line for lines in TESTED.values() for line in lines]
BOTH = ["async", "sync"]


def result() -> dict[str, Any]:
    """A full run of a store that can do everything."""
    verdicts = dict.fromkeys([*DECLARED, *TESTED_LINES, "Kind:int"], "proven")
    return {"declared": DECLARED, "lines": verdicts, "colours": dict.fromkeys(verdicts, BOTH)}


def test_what_all_tests_have_proven_is_native() -> None:
    cells = cells_of(result())
    assert cells["Verb:keyset"] == cells["Lookup:in"] == cells["AggregateOption:SUM:distinct"] == "native"
    assert cells["Function:LOWER"] == cells["Kind:int"] == "native"


def test_a_verb_that_is_refused_is_answered_here_where_that_was_proven() -> None:
    run = result()
    run["lines"] |= {"Verb:distinct": "refused", "Verb:upsert": "refused", "client:Verb:distinct": "proven"}
    run["colours"]["client:Verb:distinct"] = BOTH
    cells = cells_of(run)
    assert (cells["Verb:distinct"], cells["Verb:upsert"]) == ("client", "refused")


@pytest.mark.parametrize("line", ["Verb:keyset", "Function:LOWER", "Lookup:range"])
def test_a_line_whose_tests_did_not_run_is_no_tick(line: str) -> None:
    run = result()
    del run["lines"][line]
    with pytest.raises(Incomplete, match=line):
        cells_of(run)


@pytest.mark.parametrize("line", ["Verb:keyset", "Function:LOWER"])
def test_a_line_proven_in_one_colour_only_is_no_tick(line: str) -> None:
    run = result()
    run["colours"][line] = ["sync"]
    with pytest.raises(Incomplete, match=f"{line}.*both colours"):
        cells_of(run)
    run["declared"] = [each for each in DECLARED if each != "Feature:ASYNC"]
    run["lines"]["Feature:ASYNC"] = "refused"
    assert cells_of(run)[line] == "native"


def test_a_failed_test_takes_the_run_out() -> None:
    run = result()
    run["lines"]["Verb:update"] = "failed"
    with pytest.raises(Incomplete, match="failed"):
        cells_of(run)


def test_verbs_stand_on_the_page_and_the_short_table_stays_short() -> None:
    cells = {"memory": cells_of(result())}
    assert "| `bulk_create(ignore_conflicts=True)` | native |" in page(cells)
    assert "| `StdDev(sample=True, filter=)` | native |" in page(cells)
    assert "| `in` | native |" in page(cells)
    assert "keyset" not in short_table(cells)
