"""What is asked of the elements of a list, where an index has an entry for each of them.

It is tested against manifests, which have all elements of a row. An index finds the rows that have one of them: a
condition that asks for several to be there can be read from the entries of any, and tests the others; one that asks for
any of several reads the entries of all, and takes each row at the first of its elements that is among these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from polystore.adapters.redis.regions import Points

MAX_PICKS = 16


@dataclass(frozen=True, slots=True)
class Clause:
    """That all of the encodings are among the elements (``every``) or any of them is; or that this is not so.

    Of a list that is NULL, NULL is the only element.
    """

    values: tuple[bytes, ...]
    every: bool
    negated: bool = False

    @property
    def arguments(self) -> tuple[bytes, ...]:
        """The clause as scripts read it."""
        kind = b"every" if self.every else b"any"
        return (kind, b"not" if self.negated else b"", b"%d" % len(self.values), *self.values)


@dataclass(frozen=True, slots=True)
class Elements:
    """What holds of a list's elements: all of these clauses."""

    clauses: tuple[Clause, ...]

    @property
    def negation(self) -> Elements:
        """What holds of all other lists, of one clause only."""
        (clause,) = self.clauses
        return Elements((Clause(clause.values, clause.every, not clause.negated),))


@dataclass(frozen=True, slots=True)
class Pick:
    """Encodings by whose entries the rows of a condition on elements can be found.

    ``decides`` when these are all that is asked, so that no row needs to be tested. ``first`` is the number (from 1) of
    the clause that names them, when a row may have several and is to be taken at the first; else 0.
    """

    points: Points
    decides: bool
    first: int = 0


def picks_of(asked: Elements) -> Sequence[Pick]:
    """The ways to find the rows by their entries; none where the clauses only tell what is not there."""
    found = (pick for number, clause in enumerate(asked.clauses, 1) for pick in _picks(asked, number, clause))
    return [pick for pick, _ in zip(found, range(MAX_PICKS), strict=False)]


def _picks(asked: Elements, number: int, clause: Clause) -> Iterator[Pick]:
    if clause.negated:
        return
    alone = len(asked.clauses) == 1
    if clause.every or len(clause.values) == 1:
        for value in clause.values:
            yield Pick(Points((value,)), alone and len(clause.values) == 1)
    else:
        yield Pick(Points(clause.values), alone, number)
