"""A bound command as text, for ``explain()``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from polystore.adapters.redis.commands import (
    Add,
    Answer,
    Change,
    ChangeEach,
    Command,
    CountKeys,
    Find,
    Get,
    GetMany,
    Merge,
    Summary,
    Tally,
)
from polystore.adapters.redis.folds import Fold
from polystore.adapters.redis.layout import KEY_SLOT, Layout
from polystore.adapters.redis.plan import Source
from polystore.adapters.redis.requests import Scan

_SHOWN = 200


def describe(command: Command) -> str:
    """The commands that would be sent, one a line."""
    match command:
        case Get(packed=packed) | GetMany(packed=packed) | CountKeys(packed=packed):
            return "\n".join(_commands(packed))
        case Answer():
            return "nothing is asked: no row can fulfil the condition"
        case Find(layout=layout, scan=scan):
            return f"{_scan_text(layout, scan)}\nHMGET of each row found"
        case Tally(layout=layout, scan=scan):
            return _scan_text(layout, scan)
        case Summary(layout=layout, questions=questions):
            return "\n".join(_question_text(layout, question) for question in questions)
        case Add(layout=layout, rows=rows):
            return f"EVALSHA apply on {_tag(layout)}: insert {len(rows)} rows"
        case Merge(layout=layout, rows=rows):
            return f"EVALSHA apply on {_tag(layout)}: insert {len(rows)} rows, or patch those that are there"
        case ChangeEach(layout=layout, changes=changes):
            return f"EVALSHA apply on {_tag(layout)}: patch {len(changes)} rows by key"
        case Change():
            return _change_text(command)
    assert_never(command)


def _change_text(command: Change) -> str:
    what = "delete" if command.patch is None and command.maker is None else "patch"
    apply = f"EVALSHA apply on {_tag(command.layout)}: {what}"
    if command.scan is None:
        return f"{apply} {len(command.identifiers)} rows by key, where the condition holds"
    read = "" if command.maker is None else "\nHMGET of each row found"
    found = _scan_text(command.layout, command.scan)
    return f"{found}{read}\n{apply} the rows found, where the condition still holds"


def _question_text(layout: Layout, question: Scan | Fold) -> str:
    return _scan_text(layout, question) if isinstance(question, Scan) else _fold_text(layout, question)


def _fold_text(layout: Layout, fold: Fold) -> str:
    plan = fold.plan
    schema = layout.schema
    fields = [schema.primary_key if slot == KEY_SLOT else layout.slots[slot - 1].field for slot in plan.slots]
    how = "rows" if fold.by_rows else "entries"
    return (
        f"EVALSHA fold on {_tag(layout)}: {plan.what} of {', '.join(field.name for field in fields)}\n"
        f"  by the {how} of {_index(layout, plan.index)}"
    )


def _scan_text(layout: Layout, scan: Scan) -> str:
    lines = [f"EVALSHA scan on {_tag(layout)}: {'count' if scan.counting else 'rows'}"]
    plan = scan.plan
    if plan.ordered is not None:
        direction = "backward" if plan.reverse else "forward"
        lines.append(f"  in order from {_index(layout, plan.ordered)} read {direction}")
    for branch, sources in zip(plan.branches, plan.sources, strict=True):
        texts = [test.text for _, tests in branch.tests for test in tests] or ["all rows"]
        names = [
            _index(layout, source.index)
            if isinstance(source, Source)
            else f"u ({layout.uniques[source.unique - 1].name})"
            for source in sources
        ]
        lines.append(f"  where {' and '.join(texts)}: the cheapest of {', '.join(names)}")
    if scan.want is not None or scan.skip:
        lines.append(f"  {'all' if scan.want is None else scan.want} rows after {scan.skip}")
    shown = b" ".join(scan.arguments)[:_SHOWN].decode("utf-8", "backslashreplace")
    return "\n".join([*lines, f"  arguments {shown!r}"])


def _index(layout: Layout, number: int) -> str:
    return f"i:{layout.indexes[number - 1].name}"


def _tag(layout: Layout) -> str:
    return layout.prefix.decode()


def _commands(packed: bytes) -> Iterator[str]:
    position = 0
    while position < len(packed):
        stop = packed.index(b"\r\n", position)
        count, position = int(packed[position + 1 : stop]), stop + 2
        words = []
        for _ in range(count):
            stop = packed.index(b"\r\n", position)
            size = int(packed[position + 1 : stop])
            words.append(packed[stop + 2 : stop + 2 + size].decode("utf-8", "backslashreplace"))
            position = stop + 4 + size
        yield " ".join(words)
