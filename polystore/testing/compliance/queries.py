"""Whole queries drawn at random, from filter to verb: answered as the reference does, or refused before any command."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from polystore import Feature, Store
from polystore.testing.compliance.properties import often
from polystore.testing.drawing.families import drawn_pools, drawn_rows
from polystore.testing.drawing.judge import Judge
from polystore.testing.drawing.reduce import reduced
from polystore.testing.drawing.whole import drawn_query
from polystore.testing.harness import Db, rule
from polystore.testing.models import Everything
from polystore.testing.tally import Tally, tally_of

STRUCTURES, VALUES = 14, 3
"""How many structures are asked on one table, and how often each with other values: a plan costs more than asking."""
WILD = 0.15
"""The share of queries that are drawn without regard to what the store declares."""


@pytest.mark.hypothesis
@rule("A4", "A8", "A13", "A15", "A17", "A18", "A19", "A25", "B11", "F16", "F17", "G1", "G5", "declared")
def test_whole_drawn_queries_agree_with_the_reference(db: Db, reference: Store, request: pytest.FixtureRequest) -> None:
    db(Everything.objects.all()).count()
    judge = Judge(db, reference, Tally())
    failed: dict[int, str] = {}

    @settings(often(db, 0.64 if db.loop else 0.16), phases=[Phase.reuse, Phase.generate])
    @given(st.integers(0, 2**64))
    def check(seed: int) -> None:
        story = failed.get(seed) or ask_batch(judge, seed)
        if story is not None:
            failed[seed] = story
            pytest.fail(story, pytrace=False)

    try:
        check()
    finally:
        tally_of(request.config, db.report.store).add(judge.tally)
    tally = judge.tally
    assert tally.misused < tally.drawn / 20, f"too many of them make no sense: {tally.misused} of {tally.drawn}"
    most = tally.drawn / (4 if db.declares(Feature.FILTER_ANY) else 3)  # what is not indexed is seen only when planned
    assert tally.unforeseen < most, f"refused what was declared: {tally.unforeseen} of {tally.drawn}"


def ask_batch(judge: Judge, seed: int) -> str | None:
    """Draws rows and queries on them; the story of the first that fails, made small."""
    dice = Random(seed)
    pools = drawn_pools(dice)
    judge.put(drawn_rows(dice, pools, 10))
    for _ in range(STRUCTURES):
        structure, wild = dice.random(), dice.random() < WILD
        client_at = dice.randint(0, 4) if dice.random() < 0.1 else None
        for _ in range(VALUES):
            query = drawn_query(Random(structure), pools, judge.declares, wild=wild, values=dice)
            query = replace(query, client_at=client_at)
            complaint = judge.complaint(query)
            if complaint is not None:
                query, complaint = reduced(judge, query, complaint)
                return judge.story(query, complaint)
    return None
