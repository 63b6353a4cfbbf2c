"""Drawn queries: they read as code, cover what there is, and tell a store that answers otherwise."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Iterator
from decimal import Decimal
from ipaddress import IPv4Address
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from bson import ObjectId
from msgspec.structs import replace
from pydantic import AnyUrl

import polystore
from polystore import F, Q, Store, Value
from polystore.engine.open import open_adapter
from polystore.errors import DataError
from polystore.query.capabilities import EVERYTHING, Feature
from polystore.query.operations import Select
from polystore.query.operators import Operator
from polystore.testing import models
from polystore.testing.drawing.answers import Misuse, alike, in_any_order, outcome, plain
from polystore.testing.drawing.conditions import condition
from polystore.testing.drawing.families import drawn_pools, drawn_rows
from polystore.testing.drawing.grammar import Grammar
from polystore.testing.drawing.judge import Judge, ask_here
from polystore.testing.drawing.lazy import may_differ
from polystore.testing.drawing.query import Call, DrawnQuery
from polystore.testing.drawing.reduce import reduced
from polystore.testing.drawing.whole import drawn_query
from polystore.testing.harness import CountingAdapter, Db, declared_by
from polystore.testing.models import Everything
from polystore.testing.report import Report
from polystore.testing.tally import Tallies, Tally

pytestmark = pytest.mark.filterwarnings("ignore::polystore.errors.PolystoreWarning")
NAMES: dict[str, Any] = {
    **{name: getattr(polystore, name) for name in polystore.__all__},
    **vars(models),
    **vars(datetime),
    "Decimal": Decimal,
    "IPv4Address": IPv4Address,
    "UUID": UUID,
    "ZoneInfo": ZoneInfo,
    "ObjectId": ObjectId,
    "AnyUrl": AnyUrl,
}


BESIDE_THE_WHOLE = (Feature.ORDER_RANDOM, Feature.ORDER_JSON, Feature.UPDATE_PATHS, Feature.GROUP_WINDOWS)
"""What is drawn at random by property tests of its own, as documents are, or not at all."""


def anything(*_: Any) -> bool:
    return True


def drawn(number: int, seed: int = 0) -> Iterator[DrawnQuery]:
    """So many queries, of everything that there is."""
    dice = Random(seed)
    pools = drawn_pools(dice)
    for _ in range(number):
        yield drawn_query(Random(dice.random()), pools, anything, values=dice)


@pytest.fixture
def store() -> Iterator[Store]:
    """Some drawn rows."""
    dice = Random(7)
    with Store("memory://") as made:
        made.create_all([Everything])
        rows = [Everything(**row) for row in drawn_rows(dice, drawn_pools(dice), 10)]
        Everything.objects.using(made).bulk_create(rows)
        yield made


def test_a_query_reads_as_the_code_that_asks_it(store: Store) -> None:
    for query in drawn(150):
        if query.writes or query.verb.name == "pages":
            continue
        expected = outcome(lambda query=query: query.run(Everything.objects.using(store).all(), ask_here))
        text = str(query).replace("Everything.objects", "source")
        if query.verb.name == "iterator":
            text = f"list({text})"
        source = Everything.objects.using(store)
        found = outcome(lambda text=text, source=source: eval(text, NAMES, {"source": source}))
        if isinstance(expected, Misuse):
            assert isinstance(found, Misuse), text
        elif query.ordered:
            assert alike(found, expected, nearly=False), text
        else:
            pair = (in_any_order(found, nearly=False), in_any_order(expected, nearly=False))
            assert alike(*pair, nearly=False), text


def test_a_verb_reads_as_code_whatever_its_values_are() -> None:
    update = DrawnQuery((), Call("update", (), {"data": {"a": {}}, "amounts": {}}))
    assert str(update) == "Everything.objects.all().update(data={'a': {}}, amounts={})"


def test_nearly_all_drawn_queries_make_sense_and_many_find_something(store: Store) -> None:
    answers = [
        outcome(lambda query=query: query.run(Everything.objects.using(store).all(), ask_here))
        for query in drawn(300)
        if not query.writes
    ]
    assert sum(isinstance(answer, Misuse) for answer in answers) < 10
    assert sum(isinstance(answer, list) and len(answer) > 0 for answer in answers) > 80


def test_filter_and_exclude_part_the_rows_by_any_drawn_condition(store: Store) -> None:
    dice = Random(11)
    pools = drawn_pools(dice)
    rows = Everything.objects.using(store)
    everything, failed = {row.pk for row in rows.all()}, 0
    for _ in range(300):
        said = condition(Grammar(dice, pools, anything, False, dice))
        try:
            kept, left = ({row.pk for row in query} for query in (rows.filter(said), rows.exclude(said)))
        except DataError:
            failed += 1
            continue
        assert kept.isdisjoint(left), str(said)
        assert kept | left == everything, str(said)
    assert failed < 30


def test_all_that_a_store_can_declare_is_drawn() -> None:
    needs = {need for query in drawn(4000) for need in query.needs}
    apart = {"FILTER_ANY", "ORDER_ANY", "ATOMIC_BATCH", "IGNORE_CONFLICTS", "UPDATE_CONFLICTS", "TTL", "MICROSECONDS"}
    apart |= {"INFINITY", "GROUP_ANY", "ANALYZE", "ASYNC", "NOW", "STREAM", "COUNT_ESTIMATE"}
    apart |= {each.name for each in BESIDE_THE_WHOLE}
    missing = {each.name for each in declared_by(EVERYTHING) - needs} - apart
    assert missing == set()


def test_verbs_of_all_sorts_are_drawn() -> None:
    verbs = {query.verb.name for query in drawn(1500)}
    wanted = (
        "rows count exists first last get get_or_none earliest latest in_bulk iterator pages aggregate update delete"
    )
    assert verbs == set(wanted.split())


def test_a_structure_is_drawn_again_with_other_values() -> None:
    pools = drawn_pools(Random(1))
    for seed in range(60):
        first, second = (drawn_query(Random(seed), pools, anything, values=Random(other)) for other in (1, 2))
        assert [call.name for call in first.calls] == [call.name for call in second.calls]
        assert first.needs == second.needs
        assert re.findall(r"[FQ]\(", str(first)) == re.findall(r"[FQ]\(", str(second))


def test_a_query_needs_nothing_that_is_not_declared_unless_it_is_wild() -> None:
    declared = {Operator.EXACT, Operator.GT}
    dice = Random(3)
    pools = drawn_pools(dice)
    tame = [drawn_query(dice, pools, lambda *needs: declared.issuperset(needs), values=dice) for _ in range(200)]
    wild = [
        drawn_query(dice, pools, lambda *needs: declared.issuperset(needs), wild=True, values=dice) for _ in range(200)
    ]
    assert all(query.needs <= declared for query in tame)
    assert any(Feature.CASE in query.needs for query in wild)


# ---- the judge


def test_rows_in_any_order_are_alike_whatever_the_zeros_of_their_decimals() -> None:
    found = [{"a": plain(Decimal("1.0")), "b": plain(value)} for value in (1, 2)]
    expected = [{"a": plain(Decimal(1)), "b": plain(2)}, {"a": plain(Decimal("1.00")), "b": plain(1)}]
    for nearly in (False, True):
        assert alike(in_any_order(found, nearly=nearly), in_any_order(expected, nearly=nearly), nearly=nearly)
    assert not alike(in_any_order(found[:1], nearly=False), in_any_order(expected[:1], nearly=False), nearly=False)


class Wrong(CountingAdapter):
    """A store that forgets the order of rows, and refuses after it has asked."""

    def compile(self, operation: Any) -> Any:
        if isinstance(operation, Select) and operation.limit is None:
            operation = replace(operation, order=())
        return super().compile(operation)


def judge_of(adapter: CountingAdapter) -> Judge:
    store = Store({"default": adapter})
    store.create_all([Everything])
    return Judge(Db(store, adapter, "sync", None, {}, Report("it", frozenset())), Store("memory://"), Tally())


def test_a_store_that_answers_otherwise_is_told_with_the_smallest_query() -> None:
    adapter = Wrong(open_adapter("default", "memory://"))
    judge = judge_of(adapter)
    with judge.db.store:
        judge.put([{"name": f"n{place}", "number": place % 3, "text": "x"} for place in range(8)])
        query = DrawnQuery(
            (
                Call("filter", (Q(number__gte=0) & ~Q(text="y"),)),
                Call("annotate", (), {"a1": F("number") + Value(1)}),
                Call("order_by", ("-number", "text")),
            ),
            Call("rows"),
        )
        complaint = judge.complaint(query)
        assert complaint is not None
        assert complaint.sort == "answer"
        query, complaint = reduced(judge, query, complaint)
        assert str(query) == "list(Everything.objects.order_by('-number'))"
        assert len(judge.rows) == 2
        story = judge.story(query, complaint)
    assert "    Everything(name='n6')," in story
    assert "client()" not in story
    assert "and again behind client() at call 1" in judge.story(dataclasses.replace(query, client_at=1), complaint)
    assert "the reference" in story


def test_a_right_store_is_not_blamed_and_writes_are_compared() -> None:
    judge = judge_of(CountingAdapter(open_adapter("default", "memory://")))
    with judge.db.store:
        judge.put([{"name": "a", "number": 1}, {"name": "b"}])
        update = DrawnQuery((Call("filter", (Q(number=1),)),), Call("update", (), {"number": F("number") + Value(1)}))
        assert judge.complaint(update) is None
        assert judge.complaint(DrawnQuery((), Call("delete"))) is None
        assert judge.complaint(DrawnQuery((), Call("count"))) is None
        assert judge.tally.answered == 3


def test_an_error_may_differ_only_where_a_store_may_leave_the_part_out(store: Store) -> None:
    source = Everything.objects.using(store).all()
    half = F("rank") / Value(0)
    bare = DrawnQuery((Call("values", (), {"a1": half}),), Call("rows"))
    filtered = DrawnQuery((Call("filter", (Q(real=half), Q(number=1))),), Call("rows"))
    right = DrawnQuery((Call("filter", (Q(number=1),)),), Call("rows"))
    by_constant = DrawnQuery((Call("order_by", ((Value(1) / Value(0)).desc(),)),), Call("rows"))
    by_field = DrawnQuery((Call("order_by", (half.desc(),)),), Call("rows"))
    assert not may_differ(bare, source)
    assert may_differ(by_constant, source)
    assert not may_differ(by_field, source)
    assert may_differ(filtered, source)
    assert not may_differ(right, source)


def test_what_is_constant_over_no_rows_is_an_excuse_and_what_a_filter_makes_so() -> None:
    judge = judge_of(CountingAdapter(open_adapter("default", "memory://")))
    constant = DrawnQuery((Call("filter", (Q(real=Value(1) / Value(0)),)),), Call("rows"))
    of_a_field = DrawnQuery((Call("filter", (Q(real=Value(1) / F("number")),)),), Call("rows"))
    too_long = DrawnQuery((), Call("update", (), {"amount": Value(9007199254740993) * Value(-1)}))
    half = F("rank") / F("number")
    of_a_value = DrawnQuery((Call("filter", (Q(number=0) & Q(real=half),)),), Call("rows"))
    of_another = DrawnQuery((Call("filter", (Q(number__in=[1, 2]) & Q(real=half),)),), Call("rows"))
    fitting = DrawnQuery((), Call("update", (), {"amount": Value(9007) * Value(-1)}))
    with judge.db.store:
        said = ((of_a_value, True), (of_another, False))
        for query, excused in ((constant, True), (of_a_field, False), (too_long, True), (fitting, False), *said):
            judge.put([])
            assert judge._excused(query) is excused
        for query, excused in said:
            judge.put([{"name": "a", "number": 1}])
            assert [judge._excused(query) for _ in "12"] == [excused, excused]


# ---- the tally


def test_the_tally_of_each_store_stands_in_the_summary() -> None:
    tally = Tally()
    for answered in [True] * 1234 + [False] * 10:
        tally.note(answered=answered)
    lines: list[str] = []

    class Terminal:
        def write_line(self, line: str) -> None:
            lines.append(line)

    Tallies({"sqlite": tally}).pytest_terminal_summary(Terminal())
    assert lines == ["sqlite: 1,244 queries drawn, 1,234 answered natively, 10 refused and answered here"]
