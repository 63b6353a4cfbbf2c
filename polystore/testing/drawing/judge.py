"""Asks a store and the reference the same drawn query, and tells where they differ."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from polystore import Store
from polystore.errors import NotSupportedError, ValidationError
from polystore.testing.drawing.answers import Failure, Misuse, Refusal, alike, in_any_order, outcome, plain
from polystore.testing.drawing.code import code
from polystore.testing.drawing.families import FIRST_KEY
from polystore.testing.drawing.lazy import asks_others, lurks, may_differ, values_said
from polystore.testing.drawing.query import DrawnQuery
from polystore.testing.harness import Capability, Db, declared_by
from polystore.testing.models import Everything
from polystore.testing.tally import Tally

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Complaint:
    """A difference between a store and the reference: of which sort, and what both said."""

    sort: str
    text: str


@dataclass
class Judge:
    """A store under test beside the reference, with the same rows in both."""

    db: Db
    reference: Store
    tally: Tally
    rows: Rows = ()
    _clean: bool = field(default=False)

    def __post_init__(self) -> None:
        self._declared = declared_by(self.db.adapter.capabilities)

    def declares(self, *needs: Capability) -> bool:
        """Whether the store declares all of these."""
        return self._declared.issuperset(needs)

    def put(self, rows: Rows) -> None:
        """Makes these the rows of both."""
        self.rows = rows
        numbered = [{"id": FIRST_KEY + place, **row} for place, row in enumerate(rows)]
        self.db.clear(Everything)
        there = Everything.objects.using(self.reference)
        there.all().delete()
        if numbered:
            self.db(Everything.objects.all()).bulk_create([Everything(**row) for row in numbered])
            there.bulk_create([Everything(**row) for row in numbered])
        self._clean = True

    def complaint(self, query: DrawnQuery) -> Complaint | None:
        """What is wrong with the store's answer to a query, if anything."""
        if not self._clean:
            self.put(self.rows)
        self._clean = not query.writes
        try:
            return self._compare(query)
        except Refusal as refusal:
            self._clean = False
            return Complaint("refused", f"refused what it must answer: {refusal.error}")
        except Exception as error:
            self._clean = False
            return Complaint(type(error).__name__, "".join(traceback.format_exception(error)[-6:]))

    def _compare(self, query: DrawnQuery) -> Complaint | None:
        expected = outcome(lambda: query.run(Everything.objects.using(self.reference).all(), ask_here))
        try:
            found = outcome(lambda: query.run(Everything.objects.all(), self.db.call))
        except Refusal as refusal:
            return self._refused(query, expected, refusal.error)
        self.tally.note(answered=True, misused=isinstance(expected, Misuse))
        return self._differ(query, found, expected) or self._behind_client(query, expected, query.client_at)

    def _refused(self, query: DrawnQuery, expected: Any, error: NotSupportedError) -> Complaint | None:
        """A refusal is right where it came before any command and the answer can be had behind ``client()``."""
        self.tally.note(answered=False, expected=query.wild)
        if self.db.refused_after:
            return Complaint("late", f"refused only after {self.db.refused_after} commands: {error}")
        if query.writes:
            self._clean = False
            return None
        return self._behind_client(query, expected, 0)

    def _behind_client(self, query: DrawnQuery, expected: Any, place: int | None) -> Complaint | None:
        if place is None or query.writes or query.of_a_store:
            return None
        try:
            found = outcome(lambda: query.run(Everything.objects.all(), self.db.call, client_at=place))
        except Refusal as refusal:
            if place == 0 and not asks_others(query):
                return Complaint("client", f"refused behind client(): {refusal.error}")
            return None
        if isinstance(found, Misuse):
            return None
        wrong = self._differ(query, found, expected)
        return wrong and Complaint("client", f"behind client(max_rows=1000) at call {place}: {wrong.text}")

    def _differ(self, query: DrawnQuery, found: Any, expected: Any) -> Complaint | None:
        if isinstance(expected, Misuse) and isinstance(found, Misuse):
            return None
        if not query.ordered and query.verb.name in ("rows", "iterator"):
            found = in_any_order(found, nearly=query.rough)
            expected = in_any_order(expected, nearly=query.rough)
        if not alike(found, expected, nearly=query.rough):
            failed = [each for each in (found, expected) if isinstance(each, Failure)]
            if failed.count(Failure("DataError")) == 1 and self._excused(query):
                return None
            sort = "error" if failed else "answer"
            return Complaint(sort, f"{self.db.adapter.name} answers {found!r}\nthe reference {expected!r}")
        return self._table(query) if query.writes else None

    def _excused(self, query: DrawnQuery) -> bool:
        """Whether one side may fail and the other answer.

        A store may compute what is constant over no rows, and what is of a field for the value that a filter says.
        """
        self._clean = False
        there = Everything.objects.using(self.reference)
        there.filter(name__startswith="said").delete()
        empty = not there.exists()
        rows = [Everything(name="said")]
        for place, (name, value) in enumerate(values_said(query)):
            with suppress(ValidationError):  # no field holds it
                rows.append(Everything(**{"name": f"said{place}", name: value}))
        there.bulk_create(rows)
        return lurks(query, there.all()) if empty else may_differ(query, there.all())

    def _table(self, query: DrawnQuery) -> Complaint | None:
        """After a write: the rows of both."""
        found = {row.pk: plain(row) for row in self.db(Everything.objects.all()).rows()}
        expected = {row.pk: plain(row) for row in Everything.objects.using(self.reference).all()}
        if alike(found, expected, nearly=query.rough):
            return None
        lines = [f"  {found.get(key)}\n  {expected.get(key)}" for key in expected if found.get(key) != expected[key]]
        return Complaint("rows", "rows differ after it, here and in the reference:\n" + "\n".join(lines))

    def story(self, query: DrawnQuery, complaint: Complaint) -> str:
        """All that a reader needs to see it happen."""
        rows = "".join(f"    {code(Everything(**row))},\n" for row in self.rows)
        again = "" if query.client_at is None else f"\nand again behind client() at call {query.client_at}"
        return f"rows = [\n{rows}]\nEverything.objects.bulk_create(rows)\n{query}{again}\n\n{complaint.text}"


def ask_here(query: Any, verb: str, /, *arguments: Any, **named: Any) -> Any:
    """Runs a verb in the blocking colour."""
    if verb == "rows":
        return list(query.all())
    answer = getattr(query, verb)(*arguments, **named)
    return list(answer) if verb == "iterator" else answer
