"""What a bound operation asks of a backend: one small class for each way of asking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from polystore.adapters.redis.conditions import Values
from polystore.adapters.redis.folds import Fold
from polystore.adapters.redis.layout import Layout
from polystore.adapters.redis.merges import Candidate, EachChange, MergeWriter
from polystore.adapters.redis.requests import Scan
from polystore.adapters.redis.writes import InsertWriter, NewRow, PatchMaker


@dataclass(slots=True)
class Get:
    """One row by its key: one packed command."""

    packed: bytes


@dataclass(slots=True)
class GetMany:
    """Rows by their keys, in the order of the keys: as many packed commands."""

    packed: bytes
    count: int
    rows: slice


@dataclass(slots=True)
class CountKeys:
    """How many of some keys have a row: as many packed commands."""

    packed: bytes
    count: int
    answer: Callable[[int], Any]


@dataclass(slots=True)
class Answer:
    """An answer that needs no question, since no row can fulfil the condition."""

    answer: Any


@dataclass(slots=True)
class Find:
    """Rows found through indexes: scans, then their bodies."""

    layout: Layout
    scan: Scan
    fetch: tuple[bytes, bytes]


@dataclass(slots=True)
class Tally:
    """How many rows there are."""

    layout: Layout
    scan: Scan
    answer: Callable[[int], Any]


@dataclass(slots=True)
class Summary:
    """What scans and folds of one moment come to."""

    layout: Layout
    questions: Sequence[Scan | Fold]
    answer: Callable[[], Any]


@dataclass(slots=True)
class Add:
    """New rows."""

    layout: Layout
    writer: InsertWriter
    rows: Sequence[NewRow]


@dataclass(slots=True)
class Merge:
    """New rows, or changes of those that have their targets."""

    layout: Layout
    writer: MergeWriter
    rows: Sequence[Candidate]


@dataclass(slots=True)
class ChangeEach:
    """Changes of rows by key, at most ``size`` in one step."""

    layout: Layout
    changes: Sequence[EachChange]
    size: int


@dataclass(slots=True)
class Change:
    """An update or a delete: of the rows of the keys, or of those that the scan finds.

    ``patch`` is the same for all rows (None: they are deleted); ``maker`` computes one from the values of each row.
    """

    layout: Layout
    identifiers: Sequence[bytes]
    scan: Scan | None
    conditions: list[bytes]
    patch: list[bytes] | None
    maker: PatchMaker | None
    values: Values


Command: TypeAlias = Get | GetMany | CountKeys | Answer | Find | Tally | Summary | Add | Merge | ChangeEach | Change
